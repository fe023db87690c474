//! Readings that are stored and do not count: a person looks at them, and lets them count or not.

use corrente_ledger::{Decision, QuarantineReason, Rejected, RejectionReason, Settled};
use corrente_metering::{Timestamp, id::OrganisationId};
use corrente_registry::{
    admin::{self, By},
    channels,
};
use corrente_units::Energy;

use crate::{Mdm, MdmError};

/// Looked at in the ledger at a time; those of other organisations are between them.
const AT_ONCE: usize = 500;

/// A reading that does not count, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedReading {
    /// Its number in the ledger.
    pub sequence: u64,
    /// Serial of the meter.
    pub meter: String,
    /// Name of the channel.
    pub channel: String,
    /// The end of what was measured.
    pub t: Timestamp,
    /// The register, or the interval's energy.
    pub value: Energy,
    /// `conflict`, `before_installation` or `in_future`.
    pub reason: &'static str,
    /// Conflict: the value that counts.
    pub kept: Option<Energy>,
}

/// Some of them, in order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectedPage {
    /// They.
    pub readings: Vec<RejectedReading>,
    /// Ask for more with this number; nothing at the end.
    pub next: Option<u64>,
}

impl Mdm {
    /// The organisation's readings about which nobody decided yet, behind the number `after`.
    ///
    /// # Errors
    /// When a store fails.
    pub fn rejected_readings(
        &self,
        organisation: OrganisationId,
        after: u64,
        limit: usize,
    ) -> Result<RejectedPage, MdmError> {
        let mut page = RejectedPage::default();
        let mut after = after;
        loop {
            let found = self.ledger.unsettled(after, AT_ONCE)?;
            let is_last = found.len() < AT_ONCE;
            for rejected in found {
                if page.readings.len() == limit {
                    page.next = Some(after);
                    return Ok(page);
                }
                after = rejected.sequence;
                page.readings.extend(self.owned(organisation, &rejected)?);
            }
            if is_last {
                return Ok(page);
            }
        }
    }

    /// Lets a reading count from now on, or never, and notes who said so. Answers false when somebody
    /// decided before: that stays.
    ///
    /// # Errors
    /// When there is no such reading of this organisation, when it is a conflict that is to be
    /// released, or when a store fails.
    pub fn decide_reading(
        &self,
        organisation: OrganisationId,
        by: By,
        sequence: u64,
        decision: Decision,
    ) -> Result<bool, MdmError> {
        let unknown = || MdmError::NotFound { kind: "rejected reading", id: sequence.to_string() };
        let found = self.ledger.rejected(sequence.saturating_sub(1), 1)?.into_iter().next();
        let found = found.filter(|rejected| rejected.sequence == sequence).ok_or_else(unknown)?;
        let reading = self.owned(organisation, &found)?.ok_or_else(unknown)?;
        if decision == Decision::Release && matches!(found.reason, RejectionReason::Conflict { .. })
        {
            let reason = "a conflict cannot be released: the value that came first stays, and an \
                          edit of the interval says otherwise";
            return Err(MdmError::Invalid { field: "decision", reason: reason.to_owned() });
        }
        let action = match decision {
            Decision::Release => "reading.release",
            Decision::Drop => "reading.drop",
        };
        let noted = serde_json::json!({
            "meter": reading.meter, "channel": reading.channel, "t": reading.t.to_string(),
            "wh": reading.value.wh(), "reason": reading.reason,
        });
        // Noted first: no transaction spans both files, and a decision without a name would be worse
        // than a name without a decision.
        self.registry.write_blocking(move |tx| {
            admin::decide_reading(tx, &by, organisation, sequence, action, noted.clone())
        })?;
        match self.ledger.settle(sequence, decision)? {
            Settled::Done => Ok(true),
            Settled::Already => Ok(false),
            Settled::Conflict | Settled::Unknown => Err(unknown()),
        }
    }

    fn owned(
        &self,
        organisation: OrganisationId,
        rejected: &Rejected,
    ) -> Result<Option<RejectedReading>, MdmError> {
        let number = rejected.channel;
        let owner =
            self.registry.read_blocking(move |tx| channels::owner(tx, organisation, number))?;
        let (reason, kept) = match rejected.reason {
            RejectionReason::Conflict { kept } => ("conflict", Some(kept)),
            RejectionReason::Quarantine(QuarantineReason::BeforeInstallation) => {
                ("before_installation", None)
            }
            RejectionReason::Quarantine(QuarantineReason::InFuture) => ("in_future", None),
        };
        Ok(owner.map(|owner| RejectedReading {
            sequence: rejected.sequence,
            meter: owner.serial,
            channel: owner.name,
            t: rejected.reading.end,
            value: rejected.reading.value,
            reason,
            kept,
        }))
    }
}

//! Identifiers, each of its own type so that a meter is never taken for a usage point.
//!
//! Ids are made by the application (UUID version 7, RFC 9562 §5.7) and not by the database; only the
//! channel has a small number, because it stands in every block of the ledger.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an identifier of a {kind}")]
pub struct ParseIdError {
    /// What it should identify.
    pub kind: &'static str,
    /// What was given.
    pub text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// The identifier with this value.
            pub const fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }

            /// Its value.
            pub const fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse()
                    .map(Self)
                    .map_err(|_| ParseIdError { kind: $kind, text: text.to_owned() })
            }
        }
    )*};
}

ids! {
    /// An organisation (tenant): a utility, a co-op, a condominium.
    OrganisationId, "organisation";
    /// A customer: a person or company that has accounts.
    CustomerId, "customer";
    /// An account: what is invoiced together.
    AccountId, "account";
    /// A usage point: the place where energy is used and billed.
    UsagePointId, "usage point";
    /// A meter: the device.
    MeterId, "meter";
    /// A meter at a usage point from one instant to another.
    InstallationId, "installation";
    /// A tariff, over all its versions.
    TariffId, "tariff";
    /// One version of a tariff.
    TariffVersionId, "tariff version";
    /// A usage point on a tariff from one instant to another.
    AgreementId, "agreement";
    /// A billing plan.
    PlanId, "billing plan";
    /// Something that happened at a usage point.
    PointEventId, "point event";
    /// What a dial showed.
    DialReadingId, "dial reading";
    /// A version of a rule set.
    RuleSetId, "rule set";
    /// A usage point behind another one.
    ParentageId, "parentage";
    /// Days that are to be looked at again.
    RelookId, "relook";
    /// A billing run: what is billed together.
    BillingRunId, "billing run";
    /// An invoice.
    InvoiceId, "invoice";
    /// A payment.
    PaymentId, "payment";
    /// An alert rule.
    AlertRuleId, "alert rule";
    /// Something that an alert rule saw.
    AlertEventId, "alert event";
    /// Something that a validation rule saw.
    FindingId, "finding";
    /// A person's change to a load profile.
    EditId, "edit";
    /// A user who signs in.
    UserId, "user";
    /// A session of a user.
    SessionId, "session";
    /// A token with which a program calls the API.
    ApiTokenId, "API token";
    /// A token with which a meter enrols.
    EnrolmentTokenId, "enrolment token";
    /// A message waiting to be delivered.
    OutboxId, "outbox message";
    /// Where a person hears of things beside the mailbox.
    DestinationId, "destination";
    /// A stretch of consumption that a person gave a name.
    NamedStretchId, "named stretch";
    /// A link that shows an invoice.
    InvoiceShareId, "invoice link";
    /// A line of the audit log.
    AuditId, "audit entry";
}

/// A channel: one register, or one stream of intervals, of one meter.
///
/// A small surrogate number that the registry makes. Its high bits are reserved for the shard, so
/// that all channels of one meter stay together when the ledger is spread over machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(u64);

impl ChannelId {
    /// The channel with this number. Numbers use at most 63 bits, so that each database can hold them.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

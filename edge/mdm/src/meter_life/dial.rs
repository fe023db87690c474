//! What a dial can show after what it showed before.

use corrente_ledger::AsOf;
use corrente_metering::Timestamp;
use corrente_registry::{channels::ChannelRow, meters::MeterAccess};
use corrente_units::Energy;
use corrente_vee::Parameters;

use super::named;
use crate::{Mdm, MdmError, series::empty_if_unknown};

impl Mdm {
    /// Refuses a register below what was read before, unless it passed its last digit since.
    pub(super) fn check_dials(
        &self,
        meter: &MeterAccess,
        (at, dials): (Timestamp, &[(String, Energy)]),
    ) -> Result<(), MdmError> {
        named(meter, dials)?;
        for (name, value) in dials {
            let Some(channel) = meter.channels.iter().find(|c| c.name == *name) else { continue };
            let before = empty_if_unknown(self.ledger.at_or_before(channel.number, at, AsOf::Now))?;
            let Some(before) = before.filter(|before| before.value > *value) else { continue };
            if turned_over(channel, at.since(before.end), before.value, *value) {
                continue;
            }
            let fix = if channel.register_digits.is_some() {
                "with its digits it cannot have rolled over since"
            } else {
                "if it rolled over, enter its digits first"
            };
            let reason = format!(
                "{value} on the dial of `{}` is below {} of {}: look at the photo again; {fix}",
                meter.serial, before.value, before.end
            );
            return Err(MdmError::Invalid { field: "registers", reason });
        }
        Ok(())
    }
}

/// Can the dial have passed its last digit and come to this, with what a connection carries?
fn turned_over(channel: &ChannelRow, seconds: i64, before: Energy, now: Energy) -> bool {
    let limits = Parameters::default();
    let modulus = channel
        .register_digits
        .and_then(|digits| 10_i64.checked_pow(u32::from(digits)))
        .and_then(|kwh| kwh.checked_mul(1000));
    let carried = i128::from(limits.power_max_w.unwrap_or(limits.power_unknown_w))
        * i128::from(limits.power_slack_permille)
        * i128::from(seconds)
        / 3_600_000;
    modulus.is_some_and(|modulus| {
        let used = i128::from(modulus) - i128::from(before.wh()) + i128::from(now.wh());
        before.wh() < modulus
            && now.wh() < modulus
            && used <= carried + i128::from(limits.register_resolution_wh)
    })
}

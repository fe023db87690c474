//! The meter's own register: exact to the last digit, shown in whole watt-hours.

use corrente_units::{Energy, Power};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The largest rate in kWh per tick: 3.6 GW, more than any connection carries.
const MOST: Decimal = Decimal::from_parts(1_000, 0, 0, false, 0);
/// Decimals of a rate, so that the sum stays exact for longer than a meter lives.
const DECIMALS: u32 = 9;
const PRESET: Decimal = Decimal::from_parts(1, 0, 0, false, 3);

/// A counter and the rate at which it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Register {
    kwh: Decimal,
    rate: Decimal,
}

impl Register {
    /// The register as the note in a meter's state has it; a new one shows 0.
    pub(super) fn restore(note: &Value) -> Self {
        let number = |key| note.get(key)?.as_str()?.parse::<Decimal>().ok();
        Self {
            kwh: number("kwh").unwrap_or_default(),
            rate: number("rate").filter(is_rate).unwrap_or(PRESET),
        }
    }

    /// What to remember.
    pub(super) fn note(&self) -> Value {
        json!({"kwh": self.kwh.normalize().to_string(), "rate": self.rate.normalize().to_string()})
    }

    /// So many seconds pass.
    pub(super) fn tick(&mut self, seconds: u32) {
        let more = self.rate.saturating_mul(Decimal::from(seconds));
        self.kwh = self.kwh.checked_add(more).unwrap_or(self.kwh);
    }

    /// Whole watt-hours; what is finer stays in the register.
    pub(super) fn shows(&self) -> Energy {
        let wh = self.kwh.saturating_mul(Decimal::ONE_THOUSAND).trunc();
        Energy::from_wh(i64::try_from(wh).unwrap_or(i64::MAX))
    }

    /// kWh per tick.
    pub(super) fn rate(&self) -> Decimal {
        self.rate.normalize()
    }

    /// The power that is this rate: a kWh a second is 3,600 kW.
    pub(super) fn power(&self) -> Power {
        let watts = self.rate.saturating_mul(Decimal::from(3_600_000)).round();
        Power::from_w(i64::try_from(watts).unwrap_or(i64::MAX))
    }

    /// Sets the rate, between 0 and the most.
    pub(super) fn set_rate(&mut self, rate: Decimal) {
        self.rate = rate.clamp(Decimal::ZERO, MOST);
    }

    /// Raises the rate.
    pub(super) fn raise(&mut self, by: Decimal) {
        self.set_rate(self.rate.saturating_add(by));
    }

    /// Lowers the rate, never below 0.
    pub(super) fn lower(&mut self, by: Decimal) {
        self.set_rate(self.rate.saturating_sub(by));
    }
}

fn is_rate(rate: &Decimal) -> bool {
    *rate >= Decimal::ZERO && *rate <= MOST && rate.normalize().scale() <= DECIMALS
}

/// A typed amount in kWh; a comma is as good as a point.
pub(super) fn parse_rate(text: &str) -> Result<Decimal, String> {
    let expected = || {
        format!(
            "`{}` is not an amount: type kWh per tick from 0 to {MOST} with at most {DECIMALS} \
                 decimals, for example 0.5",
            text.trim()
        )
    };
    let number = text.trim().replace(',', ".");
    let rate = Decimal::from_str_exact(&number).map_err(|_| expected())?;
    if is_rate(&rate) { Ok(rate.normalize()) } else { Err(expected()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Decimal {
        parse_rate(text).unwrap()
    }

    #[test]
    fn what_is_smaller_than_a_watt_hour_is_not_lost() {
        let mut register = Register::restore(&Value::Null);
        register.set_rate(amount("0.0003"));
        for _ in 0..10_000 {
            register.tick(1);
        }
        assert_eq!(register.shows().wh(), 3_000);
        register.tick(1);
        assert_eq!(register.shows().wh(), 3_000);
        let mut again = Register::restore(&register.note());
        assert_eq!(again, register);
        for _ in 0..3 {
            again.tick(1);
        }
        assert_eq!(again.shows().wh(), 3_001);
    }

    #[test]
    fn the_rate_never_falls_below_nothing() {
        let mut register = Register::restore(&Value::Null);
        register.set_rate(amount("1"));
        register.lower(amount("0.25"));
        assert_eq!((register.rate(), register.power().w()), (amount("0.75"), 2_700_000));
        register.lower(amount("7"));
        assert_eq!(register.rate(), Decimal::ZERO);
        register.raise(amount("1000"));
        register.raise(amount("1"));
        assert_eq!(register.rate(), amount("1000"));
    }

    #[test]
    fn a_wrong_amount_says_what_is_expected() {
        assert_eq!(amount(" 0,5 "), amount("0.50"));
        for wrong in ["", "abc", "-1", "1e3", "0.0000000001", "1001", "NaN", "1.2.3"] {
            let said = parse_rate(wrong).unwrap_err();
            assert!(said.contains("for example 0.5"), "{wrong}: {said}");
        }
    }
}

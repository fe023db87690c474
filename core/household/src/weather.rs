//! The weather that all homes of a town share.

use corrente_metering::{Calendar, Date};

use crate::draw::{Draw, Purpose};

/// Where a household stands, as far as it moves its consumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Climate {
    /// Warm all year, hottest from December to March: the Brazilian north-east.
    TropicalSouth,
    /// Cold winters with electric heaters, mild summers without air conditioning: London.
    TemperateNorth,
}

/// Mean temperature of each month in tenths of a degree Celsius: rounded figures of a town of that
/// climate, good enough to give consumption a season.
const TROPICAL_SOUTH: [i32; 12] = [265, 266, 263, 252, 237, 222, 215, 220, 236, 251, 258, 263];
const TEMPERATE_NORTH: [i32; 12] = [52, 56, 78, 104, 138, 168, 189, 185, 158, 122, 82, 58];

impl Climate {
    /// The climate that fits a time zone, roughly: zones of Brazil, Africa, Australia and the southern
    /// oceans are warm, all others temperate.
    pub fn of_zone(name: &str) -> Self {
        const BRAZIL: [&str; 15] = [
            "Bahia",
            "Sao_Paulo",
            "Fortaleza",
            "Recife",
            "Maceio",
            "Belem",
            "Manaus",
            "Cuiaba",
            "Campo_Grande",
            "Araguaina",
            "Santarem",
            "Porto_Velho",
            "Rio_Branco",
            "Boa_Vista",
            "Noronha",
        ];
        let place = name.rsplit('/').next().unwrap_or(name);
        let warm = BRAZIL.contains(&place)
            || ["Africa/", "Australia/", "Brazil/", "Indian/", "Pacific/"]
                .iter()
                .any(|area| name.starts_with(area));
        if warm { Self::TropicalSouth } else { Self::TemperateNorth }
    }

    /// Is it warm enough all year that homes cool and never heat?
    pub(crate) const fn is_warm(self) -> bool {
        matches!(self, Self::TropicalSouth)
    }

    /// Mean temperature of this day in tenths of a degree, the same for every household of the zone.
    pub(crate) fn temperature(self, calendar: &Calendar, date: Date, day: i64) -> i32 {
        let months = match self {
            Self::TropicalSouth => TROPICAL_SOUTH,
            Self::TemperateNorth => TEMPERATE_NORTH,
        };
        let month = |date: Date| {
            let index = usize::try_from(i32::from(date.month()).saturating_sub(1)).unwrap_or(0);
            months.get(index).copied().unwrap_or(200)
        };
        // Between the middles of two months, in a straight line.
        let from_middle = i32::from(date.day()).saturating_sub(15);
        let neighbour = if from_middle < 0 {
            date.first_of_month().saturating_sub(jiff::Span::new().days(1))
        } else {
            date.last_of_month().saturating_add(jiff::Span::new().days(1))
        };
        let towards = month(neighbour)
            .saturating_sub(month(date))
            .saturating_mul(from_middle.saturating_abs())
            .div_euclid(31);
        // Warm and cold spells last some days: the mean of this day's noise and that of those before.
        let seed = zone_seed(calendar.name());
        let noise: i32 = (0..4_i64)
            .map(|back| {
                Draw::new(seed, Purpose::Weather, day.saturating_sub(back)).between(-45, 45)
            })
            .fold(0_i32, i32::saturating_add)
            .div_euclid(3);
        month(date).saturating_add(towards).saturating_add(noise)
    }
}

/// A number of the zone's name (FNV-1a), so that each town has weather of its own.
fn zone_seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use corrente_metering::calendar;

    use super::*;

    #[test]
    fn summer_is_where_it_belongs() {
        for (zone, warm, cold) in [("America/Bahia", 1_i8, 7_i8), ("Europe/London", 7, 1)] {
            let calendar = Calendar::new(zone).unwrap();
            let mean = |month: i8| -> i32 {
                let mut date = Date::constant(2026, month, 1);
                let mut sum = 0;
                for day in 0..28 {
                    sum += Climate::of_zone(zone).temperature(&calendar, date, i64::from(day));
                    date = calendar::next_day(date);
                }
                sum / 28
            };
            assert!(mean(warm) > mean(cold) + 20, "{zone}: {} {}", mean(warm), mean(cold));
        }
    }
}

//! Vale Claro, a city that does not exist: its people, its homes, what goes wrong in it.

use corrente_household::{Extra, Household, HouseholdKind};
use corrente_metering::{Calendar, Date, Timestamp, calendar};
use corrente_units::{Energy, Power};

/// The zone of the city: Bahia, which has no daylight saving.
pub(crate) const ZONE: &str = "America/Bahia";
/// The distributor, as fictional as the city.
pub(crate) const DISTRIBUTOR: &str = "Luz do Vale";
/// The municipality that stands in addresses and in the payment code.
pub(crate) const MUNICIPALITY: &str = "Vale Claro";
/// The password of every demo account: they exist on a demo's data directory alone.
pub(crate) const PASSWORD: &str = "corrente-demo";

/// What makes a home worth looking at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    /// Nothing in particular.
    Ordinary,
    /// A pool pump since the beginning of this month: the bill jumps, the alert says so.
    BillJump,
    /// A night without readings some days ago: a hatched gap, then an exact total over it.
    Outage,
    /// Its meter was exchanged some weeks ago.
    Exchange,
}

/// One home of the city.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) index: u64,
    pub(crate) customer: String,
    pub(crate) email: String,
    pub(crate) address: String,
    pub(crate) serial: String,
    pub(crate) kind: HouseholdKind,
    pub(crate) story: Story,
}

/// A person with whom a visitor may sign in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) email: &'static str,
    pub(crate) name: &'static str,
    pub(crate) note: &'static str,
}

/// The three sign-ins: two residents and the operator.
pub(crate) const ANA: Account = Account {
    email: "ana@valeclaro.example",
    name: "Ana Ribeiro",
    note: "A family of four; one night without readings",
};
pub(crate) const BRUNO: Account = Account {
    email: "bruno@valeclaro.example",
    name: "Bruno Carvalho",
    note: "Air conditioning and a new pool pump: his bill jumps",
};
pub(crate) const OPERATOR: Account = Account {
    email: "operacao@valeclaro.example",
    name: "Olívia Nunes",
    note: "Works for Luz do Vale",
};

const FIRST_NAMES: [&str; 24] = [
    "Adriana", "Antônio", "Beatriz", "Caio", "Cecília", "Davi", "Elisa", "Fábio", "Gabriela",
    "Hugo", "Isabel", "João", "Júlia", "Lázaro", "Letícia", "Marcos", "Marta", "Nélson", "Olga",
    "Paulo", "Rita", "Samuel", "Tereza", "Vítor",
];
const FAMILY_NAMES: [&str; 18] = [
    "Almeida", "Araújo", "Barbosa", "Cardoso", "Dantas", "Esteves", "Ferraz", "Galvão", "Lacerda",
    "Macedo", "Matos", "Novaes", "Oliveira", "Pacheco", "Queiroz", "Sampaio", "Teles", "Viana",
];
const STREETS: [&str; 12] = [
    "Rua das Acácias",
    "Rua do Umbuzeiro",
    "Avenida da Estação",
    "Rua Boa Vista",
    "Travessa do Sol",
    "Rua da Feira",
    "Rua dos Ipês",
    "Praça da Matriz",
    "Rua do Poço",
    "Avenida do Contorno",
    "Rua São Bento",
    "Ladeira da Fonte",
];

/// The homes of a city of this size: Ana's and Bruno's first, then the others.
pub(crate) fn homes(count: u64) -> Vec<Home> {
    (0..count).map(home).collect()
}

fn home(index: u64) -> Home {
    let (customer, email, kind, story) = match index {
        0 => (ANA.name.to_owned(), ANA.email.to_owned(), HouseholdKind::Family, Story::Outage),
        1 => (
            BRUNO.name.to_owned(),
            BRUNO.email.to_owned(),
            HouseholdKind::AirConditioned,
            Story::BillJump,
        ),
        _ => (
            format!("{} {}", pick(&FIRST_NAMES, index, 7), pick(&FAMILY_NAMES, index, 11)),
            format!("casa{index:03}@valeclaro.example"),
            HouseholdKind::of_town(index),
            if index % 50 == 2 { Story::Exchange } else { Story::Ordinary },
        ),
    };
    Home {
        index,
        customer,
        email,
        address: format!("{}, {}", pick(&STREETS, index, 5), 10 + (index * 37) % 480),
        serial: format!("VC-{:05}", 10_001 + index),
        kind,
        story,
    }
}

/// The entry of a list for this home: a stride that shares no factor with its length visits all.
fn pick<'a>(list: &[&'a str], index: u64, stride: u64) -> &'a str {
    let length = u64::try_from(list.len()).unwrap_or(1);
    let at = (index * stride + index / length) % length;
    usize::try_from(at).ok().and_then(|at| list.get(at)).copied().unwrap_or("Silva")
}

impl Home {
    /// What this home takes from the grid, given the month in which the demo was made.
    pub(crate) fn household(&self, calendar: &Calendar, today: Date) -> Household {
        let household = Household::new(4005 + self.index, self.kind, calendar.clone());
        match self.story {
            Story::BillJump => household.with_extra(Extra {
                from: today.first_of_month(),
                until: None,
                start_minute: 8 * 60,
                minutes: 9 * 60,
                power: Power::from_w(1100),
            }),
            Story::Ordinary | Story::Outage | Story::Exchange => household,
        }
    }

    /// What the meter's register showed when it was installed: meters are not all new.
    pub(crate) fn first_register(&self) -> Energy {
        Energy::from_wh(i64::try_from(self.index % 17).unwrap_or(0) * 1_371_400 + 12_000)
    }

    /// Was the meter silent at this instant? Its register counted on, its readings were lost with it.
    pub(crate) fn silent(&self, calendar: &Calendar, today: Date, t: Timestamp) -> bool {
        if self.story != Story::Outage {
            return false;
        }
        let night = (0..3).fold(today, |day, _| calendar::day_before(day));
        let start = calendar.midnight(night).plus(-3 * 3600);
        t > start && t < start.plus(9 * 3600)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn serials_and_addresses_of_mail_are_unique() {
        let homes = homes(200);
        let serials: BTreeSet<_> = homes.iter().map(|h| &h.serial).collect();
        let emails: BTreeSet<_> = homes.iter().map(|h| &h.email).collect();
        assert_eq!((serials.len(), emails.len()), (200, 200));
        assert!(homes.iter().any(|h| h.story == Story::Exchange));
    }

    #[test]
    fn the_outage_is_one_night_of_nine_hours() {
        let calendar = Calendar::new(ZONE).unwrap();
        let today = jiff::civil::date(2026, 11, 23);
        let ana = &homes(1)[0];
        let day = calendar.days(jiff::civil::date(2026, 11, 18), today);
        let silent = calendar
            .steps(day, 900)
            .into_iter()
            .filter(|step| ana.silent(&calendar, today, step.end))
            .count();
        assert_eq!(silent, 35);
    }
}

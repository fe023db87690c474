//! Random tariffs as text, and random profiles.

use std::fmt::Write as _;

use corrente_billing::{Customer, Inputs, Phases};
use corrente_metering::{Calendar, Date, Interval, Quality, Span};
use corrente_tariff::Tariff;
use corrente_units::Energy;

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let length = u64::try_from(list.len()).unwrap();
        &list[usize::try_from(self.below(length)).unwrap()]
    }
}

pub(crate) struct Case {
    pub(crate) text: String,
    pub(crate) tariffs: Vec<Tariff>,
    pub(crate) calendar: Calendar,
    pub(crate) span: Span,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) inputs: Inputs,
}

pub(crate) fn case(random: &mut Random) -> Case {
    let zone =
        *random.pick(&["America/Bahia", "Europe/London", "America/New_York", "Asia/Kolkata"]);
    let calendar = Calendar::new(zone).unwrap();
    let first = day(Date::constant(2025, 1, 1), random.below(900));
    let most = if random.one_in(4) { 45 } else { 12 };
    let until = day(first, 3 + random.below(most));
    let minutes = *random.pick(&[15_i64, 30, 60, 60]);
    let shape = Shape::new(random, first, until, minutes);
    let one = tariff(random, &shape, Date::constant(2024, 1, 1), None);
    let mut texts = vec![one];
    if random.one_in(6) {
        // The tariff changes inside the period; periods of the day stay.
        let change = day(first, 1 + random.below(2));
        texts = vec![
            tariff(random, &shape, Date::constant(2024, 1, 1), Some(change)),
            tariff(random, &shape, change, None),
        ];
    }
    let span = calendar.days(first, until);
    let most = *random.pick(&[200_u64, 1500, 4000]);
    let intervals = calendar
        .steps(span, minutes * 60)
        .into_iter()
        .map(|s| {
            let wh = if random.one_in(5) { 0 } else { random.below(most) };
            Interval::known(s, Energy::from_wh(i64::try_from(wh).unwrap()), Quality::Measured)
        })
        .collect();
    let customer = Customer {
        class: Some((*random.pick(&["residential", "low_income"])).to_owned()),
        phases: Some(*random.pick(&[Phases::Single, Phases::Two, Phases::Three])),
        ..Customer::default()
    };
    let part_of_days = random.one_in(5).then_some(31_i64);
    let text = texts.join("\n--------\n");
    let parse = |t: &String| Tariff::parse(t).unwrap_or_else(|e| panic!("{e}\n{t}"));
    let tariffs = texts.iter().map(parse).collect();
    let inputs = Inputs { customer, part_of_days, ..Inputs::default() };
    Case { text, tariffs, calendar, span, intervals, inputs }
}

fn day(from: Date, after: u64) -> Date {
    (0..after).fold(from, |d, _| d.tomorrow().unwrap())
}

/// What both versions of a tariff share.
struct Shape {
    periods: Vec<&'static str>,
    tou: String,
    taxes: String,
    rounding: String,
    split: &'static str,
    /// A day inside the period.
    middle: Date,
}

impl Shape {
    fn new(random: &mut Random, first: Date, until: Date, minutes: i64) -> Self {
        let periods = match random.below(3) {
            0 => Vec::new(),
            1 => vec!["low", "high"],
            _ => vec!["low", "mid", "high"],
        };
        let tou = if periods.is_empty() { String::new() } else { tou(random, &periods, minutes) };
        let (taxes, rounding) = taxes(random);
        let middle = day(first, 1 + random.below(3)).min(until);
        let split = *random.pick(&["measured", "days"]);
        Self { periods, tou, taxes, rounding, split, middle }
    }
}

fn tou(random: &mut Random, periods: &[&str], minutes: i64) -> String {
    let mut text = format!("[tou]\nperiods = {periods:?}\nrest = \"low\"\n");
    let seasons = random.one_in(3);
    if seasons {
        text.push_str(
            "season = [{ name = \"a\", from = \"03-15\" }, { name = \"b\", from = \"10-02\" }]\n",
        );
    }
    let half = if minutes == 60 { "00" } else { "30" };
    let mut hour = random.below(8);
    for period in &periods[1..] {
        let until = hour + 1 + random.below(6);
        let days = random.pick(&[
            "days = [\"business\"]\n",
            "days = [\"mon\", \"wed\", \"holiday\"]\n",
            "days = [\"weekend\"]\n",
            "",
        ]);
        let season = if seasons && random.one_in(2) { "seasons = [\"a\"]\n" } else { "" };
        write!(
            text,
            "[[tou.rule]]\nperiod = \"{period}\"\n{days}{season}from = \"{hour:02}:{half}\"\nuntil = \"{until:02}:{half}\"\n"
        )
        .unwrap();
        hour = until + random.below(3);
    }
    for year in 2024..=2028 {
        let dates: Vec<String> = ["01-01", "03-31", "05-01", "12-25"]
            .iter()
            .filter(|_| !random.one_in(4))
            .map(|d| format!("{year}-{d}"))
            .collect();
        write!(text, "[[holidays]]\nyear = {year}\ndates = [{}]\n", dates.join(", ")).unwrap();
    }
    text
}

fn taxes(random: &mut Random) -> (String, String) {
    let money = random.pick(&["truncate", "half_up", "half_even"]);
    match random.below(4) {
        0 => (String::new(), format!("[rounding]\nmoney = \"{money}\"\n")),
        1 => (
            format!(
                "[[tax]]\ncode = \"vat\"\nlabel = \"VAT\"\nmethod = \"exclusive\"\nrate = 0.{}\nrounding = \"{money}\"\n",
                5 + random.below(20)
            ),
            format!("[rounding]\nmoney = \"{money}\"\n"),
        ),
        _ => {
            let line = random.pick(&["plain", "tax_components", "price_with_taxes"]);
            (
                format!(
                    "[[tax]]\ncode = \"icms\"\nlabel = \"ICMS\"\nmethod = \"inclusive\"\nlayer = 2\nrate = 0.{}\nbase = \"exact\"\n\
                     [[tax]]\ncode = \"pis\"\nlabel = \"PIS\"\nmethod = \"inclusive\"\nrate = 0.0{}\nrounding = \"truncate\"\n\
                     [[tax]]\ncode = \"cofins\"\nlabel = \"COFINS\"\nmethod = \"inclusive\"\nrate = 0.0{}\nrounding = \"truncate\"\n",
                    12 + random.below(18),
                    10 + random.below(10),
                    40 + random.below(30)
                ),
                format!("[rounding]\nline = \"{line}\"\nmoney = \"truncate\"\n"),
            )
        }
    }
}

fn price(random: &mut Random) -> String {
    format!("0.{:05}", 1 + random.below(99_999))
}

fn dated(random: &mut Random, shape: &Shape) -> String {
    if random.one_in(3) {
        return format!(
            "[{{ from = 2024-01-01, value = {} }}, {{ from = {}, value = {} }}]",
            price(random),
            shape.middle,
            price(random)
        );
    }
    price(random)
}

fn by_period(random: &mut Random, shape: &Shape) -> String {
    let prices: Vec<String> =
        shape.periods.iter().map(|p| format!("{p} = {}", dated(random, shape))).collect();
    format!("prices = {{ {} }}", prices.join(", "))
}

fn tariff(random: &mut Random, shape: &Shape, from: Date, until: Option<Date>) -> String {
    let mut text = format!(
        "code = \"random\"\nversion = \"{from}\"\nname = \"Random\"\ncurrency = \"BRL\"\nvalid_from = {from}\nsplit = \"{}\"\n",
        shape.split
    );
    if let Some(until) = until {
        writeln!(text, "valid_until = {until}").unwrap();
    }
    text.push_str(&shape.rounding);
    text.push_str(&shape.tou);
    text.push_str(&shape.taxes);
    let mut plain = true;
    for index in 0..=random.below(2) {
        write!(text, "[[energy]]\ncode = \"e{index}\"\nlabel = \"E{index}\"\n").unwrap();
        match random.below(4) {
            0 if !shape.periods.is_empty() => {
                plain = false;
                writeln!(text, "{}", by_period(random, shape)).unwrap();
            }
            1 => {
                plain = false;
                blocks(random, shape, &mut text);
            }
            _ => writeln!(text, "price = {}", dated(random, shape)).unwrap(),
        }
    }
    for (index, per) in ["day", "month", "year"].iter().enumerate() {
        if random.one_in(3) {
            write!(
                text,
                "[[fixed]]\ncode = \"f{index}\"\nlabel = \"F\"\nper = \"{per}\"\nprice = {}\n",
                dated(random, shape)
            )
            .unwrap();
        }
    }
    if random.one_in(2) {
        write!(
            text,
            "[[flag]]\ncode = \"flag\"\nlabel = \"Flag\"\nprices = {{ green = 0, red = {} }}\n\
             calendar = [{{ from = 2024-01-01, flag = \"{}\" }}, {{ from = {}, flag = \"{}\" }}]\n",
            price(random),
            random.pick(&["green", "red"]),
            shape.middle,
            random.pick(&["green", "red"])
        )
        .unwrap();
    }
    if plain && random.one_in(2) {
        text.push_str(
            "[[discount]]\ncode = \"social\"\nlabel = \"S\"\nclasses = [\"low_income\"]\non = [\"e0\"]\n\
             blocks = [{ up_to_kwh = 30, share = 0.65 }, { up_to_kwh = 100, share = 0.4 }, { share = 0 }]\n",
        );
    }
    if random.one_in(3) {
        write!(
            text,
            "[minimum]\ncode = \"minimum\"\nlabel = \"M\"\nkwh = {{ single = 30, two = 50, three = 100 }}\nprice = {}\n",
            price(random)
        )
        .unwrap();
    }
    if random.one_in(3) {
        text.push_str(
            "[lighting]\ncode = \"lighting\"\nlabel = \"L\"\nexempt = [{ class = \"low_income\", up_to_kwh = 80 }]\n\
             band = [{ up_to_kwh = 50, amount = 0 }, { up_to_kwh = 200, amount = 9.87 }, { share = 0.043, at_most = 60 }]\n",
        );
    }
    text
}

fn blocks(random: &mut Random, shape: &Shape, text: &mut String) {
    let daily = random.one_in(3) && shape.split == "measured";
    let (a, b) = if daily { (2, 5) } else { (60, 250) };
    let one = |random: &mut Random| {
        if !shape.periods.is_empty() && random.one_in(2) {
            by_period(random, shape)
        } else {
            format!("price = {}", dated(random, shape))
        }
    };
    writeln!(
        text,
        "blocks = [{{ up_to_kwh = {a}, {} }}, {{ up_to_kwh = {b}.5, {} }}, {{ {} }}]",
        one(random),
        one(random),
        one(random)
    )
    .unwrap();
    if daily {
        text.push_str("blocks_per = \"day\"\n");
    } else if random.one_in(2) {
        text.push_str("blocks_for_days = 30\n");
    }
}

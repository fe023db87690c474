//! Random tariffs as text, and random profiles.

use std::{collections::BTreeMap, fmt::Write as _};

use corrente_billing::{CreditBatch, Customer, Inputs, Phases, PricePoint, PriceSeries};
use corrente_metering::{Calendar, Date, Interval, Quality, Span};
use corrente_tariff::Tariff;
use corrente_units::{Decimal, Energy};

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
    /// Energy fed in.
    pub(crate) export: Vec<Interval>,
    pub(crate) series: Vec<PriceSeries>,
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
    let windows = if zone == "Asia/Kolkata" { &[15, 30][..] } else { &[15, 30, 60] };
    let mut shape = Shape::new(random, first, until, minutes);
    shape.window = *random.pick(windows);
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
    let export = if shape.credits { feed(random, &calendar, span, minutes) } else { Vec::new() };
    let series =
        if shape.series { vec![prices(random, &calendar, span, minutes)] } else { Vec::new() };
    let customer = Customer {
        class: Some((*random.pick(&["residential", "low_income"])).to_owned()),
        phases: Some(*random.pick(&[Phases::Single, Phases::Two, Phases::Three])),
        contracted_kw: Some(Decimal::new(i64::try_from(random.below(9000)).unwrap(), 3)),
        meters: Some(1 + u32::try_from(random.below(3)).unwrap()),
        credit_regime: Some((*random.pick(&["gd1", "gd2"])).to_owned()),
    };
    let part_of_days = random.one_in(5).then_some(31_i64);
    let text = texts.join("\n--------\n");
    let parse = |t: &String| Tariff::parse(t).unwrap_or_else(|e| panic!("{e}\n{t}"));
    let tariffs = texts.iter().map(parse).collect();
    let credits = if shape.credits { credits(random, first) } else { Vec::new() };
    let mut earlier_demand_w = BTreeMap::new();
    for index in 0..3 {
        let most = (0..4).map(|_| i64::try_from(random.below(9000)).unwrap()).collect();
        earlier_demand_w.insert(format!("d{index}"), most);
    }
    let inputs = Inputs { customer, part_of_days, credits, earlier_demand_w, ..Inputs::default() };
    Case { text, tariffs, calendar, span, intervals, export, series, inputs }
}

fn feed(random: &mut Random, calendar: &Calendar, span: Span, minutes: i64) -> Vec<Interval> {
    let most = *random.pick(&[1_u64, 100, 2000]);
    let wh = |random: &mut Random| i64::try_from(random.below(most)).unwrap();
    let known = |s| Interval::known(s, Energy::from_wh(wh(random)), Quality::Measured);
    calendar.steps(span, minutes * 60).into_iter().map(known).collect()
}

fn credits(random: &mut Random, first: Date) -> Vec<CreditBatch> {
    let mut batches = Vec::new();
    for (back, regime) in [(400_u64, "gd1"), (95, "gd2"), (60, "gd1"), (31, "gd2")] {
        if random.one_in(2) {
            let month = (0..back).fold(first, |d, _| d.yesterday().unwrap());
            let wh = i64::try_from(random.below(60_000)).unwrap();
            batches.push(CreditBatch { regime: regime.to_owned(), month, wh });
        }
    }
    batches
}

fn prices(random: &mut Random, calendar: &Calendar, span: Span, minutes: i64) -> PriceSeries {
    let point = |span| {
        let price = i64::try_from(random.below(40_000)).unwrap() - 8000;
        PricePoint { span, price: Decimal::new(price, 2) }
    };
    let points = calendar.steps(span, minutes * 60).into_iter().map(point).collect();
    PriceSeries { name: "market".to_owned(), version: "1".to_owned(), points }
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
    /// Minutes of the windows of demand.
    window: u32,
    /// Charges have one price each, and energy fed in is credited.
    credits: bool,
    series: bool,
}

impl Shape {
    fn new(random: &mut Random, first: Date, until: Date, minutes: i64) -> Self {
        let periods = match random.below(3) {
            0 => Vec::new(),
            1 => vec!["low", "high"],
            _ => vec!["low", "mid", "high"],
        };
        let tou = if periods.is_empty() { String::new() } else { tou(random, &periods, minutes) };
        let middle = day(first, 1 + random.below(3)).min(until);
        let (taxes, rounding) = taxes(random, middle);
        let split = *random.pick(&["measured", "days"]);
        let (credits, series) = (random.one_in(5), random.one_in(5));
        Self { periods, tou, taxes, rounding, split, middle, window: 15, credits, series }
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

fn taxes(random: &mut Random, middle: Date) -> (String, String) {
    let money = random.pick(&["truncate", "half_up", "half_even"]);
    let rate = |random: &mut Random, digits: &str, from: u64, range: u64| {
        let one = |random: &mut Random| format!("0.{digits}{}", from + random.below(range));
        if random.one_in(3) {
            format!(
                "rate = [{{ from = 2024-01-01, value = {} }}, {{ from = {middle}, value = {} }}]\n",
                one(random),
                one(random)
            )
        } else {
            format!("rate = {}\n", one(random))
        }
    };
    match random.below(4) {
        0 => (String::new(), format!("[rounding]\nmoney = \"{money}\"\n")),
        1 => {
            let on = random.pick(&["last_day", "first_day", "each_day", "each_day"]);
            let rate = rate(random, "", 10, 15);
            (
                format!(
                    "[[tax]]\ncode = \"vat\"\nlabel = \"VAT\"\nmethod = \"exclusive\"\n{rate}rate_on = \"{on}\"\nrounding = \"{money}\"\n",
                ),
                format!("[rounding]\nmoney = \"{money}\"\n"),
            )
        }
        _ => {
            let line = random.pick(&["plain", "tax_components", "price_with_taxes"]);
            let on = random.pick(&["last_day", "first_day"]);
            let exempt = if random.one_in(3) {
                "exempt = [{ class = \"low_income\", up_to_kwh = 150 }]\n"
            } else {
                ""
            };
            let (icms, pis, cofins) =
                (rate(random, "", 12, 18), rate(random, "0", 10, 10), rate(random, "0", 40, 30));
            (
                format!(
                    "[[tax]]\ncode = \"icms\"\nlabel = \"ICMS\"\nmethod = \"inclusive\"\nlayer = 2\n{icms}rate_on = \"{on}\"\nbase = \"exact\"\n{exempt}\
                     [[tax]]\ncode = \"pis\"\nlabel = \"PIS\"\nmethod = \"inclusive\"\n{pis}rounding = \"truncate\"\n\
                     [[tax]]\ncode = \"cofins\"\nlabel = \"COFINS\"\nmethod = \"inclusive\"\n{cofins}rounding = \"truncate\"\n",
                ),
                format!("[rounding]\nline = \"{line}\"\nmoney = \"truncate\"\n"),
            )
        }
    }
}

/// Now and then a charge bears no tax.
fn untaxed(random: &mut Random) -> &'static str {
    if random.one_in(8) { "taxes = []\n" } else { "" }
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

fn by_period(random: &mut Random, shape: &Shape, periods: &[&str]) -> String {
    let prices: Vec<String> =
        periods.iter().map(|p| format!("{p} = {}", dated(random, shape))).collect();
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
        let none = untaxed(random);
        write!(text, "[[energy]]\ncode = \"e{index}\"\nlabel = \"E{index}\"\n{none}").unwrap();
        match random.below(4) {
            0 if !shape.periods.is_empty() && !shape.credits => {
                plain = false;
                writeln!(text, "{}", by_period(random, shape, &shape.periods)).unwrap();
            }
            1 if !shape.credits => {
                plain = false;
                blocks(random, shape, &shape.periods, &mut text);
            }
            _ => writeln!(text, "price = {}", dated(random, shape)).unwrap(),
        }
    }
    if !shape.periods.is_empty() && !shape.credits && random.one_in(2) {
        // A charge for some periods of the day only.
        plain = false;
        let own = &shape.periods[1..];
        let count = random.pick(&["own", "all"]);
        write!(text, "[[energy]]\ncode = \"e9\"\nlabel = \"E9\"\nperiods = {own:?}\n").unwrap();
        match random.below(3) {
            0 => writeln!(text, "price = {}", dated(random, shape)).unwrap(),
            1 => writeln!(text, "{}", by_period(random, shape, own)).unwrap(),
            _ => {
                writeln!(text, "blocks_count = \"{count}\"").unwrap();
                blocks(random, shape, own, &mut text);
            }
        }
    }
    if shape.series {
        series(random, shape, &mut text);
    }
    for index in 0..random.below(3) {
        demand(random, shape, index, &mut text);
    }
    for (index, per) in ["day", "month", "year", "meter", "kw"].iter().enumerate() {
        if random.one_in(4) {
            write!(
                text,
                "[[fixed]]\ncode = \"f{index}\"\nlabel = \"F\"\nper = \"{per}\"\nprice = {}\n{}",
                dated(random, shape),
                untaxed(random)
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
        let least = if random.one_in(2) {
            format!("kwh = {{ single = 30, two = 50, three = 100 }}\nprice = {}", price(random))
        } else {
            format!("amount = {}", random.below(9000) / 10)
        };
        write!(text, "[minimum]\ncode = \"minimum\"\nlabel = \"M\"\n{least}\n{}", untaxed(random))
            .unwrap();
    }
    if shape.credits {
        let minimum = random.pick(&["not_offset", "charge_and_adjust"]);
        write!(
            text,
            "[credits]\nexpire_after_months = {}\nminimum = \"{minimum}\"\n\
             [[credits.regime]]\ncode = \"gd1\"\nlabel = \"GD I\"\n\
             [[credits.regime]]\ncode = \"gd2\"\nlabel = \"GD II\"\n\
             pays = [{{ name = \"fio_b\", price = {}, share = {} }}]\n",
            random.pick(&[2, 12, 60]),
            dated(random, shape),
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

fn blocks(random: &mut Random, shape: &Shape, periods: &[&str], text: &mut String) {
    let daily = random.one_in(3) && shape.split == "measured";
    let per_kw = !daily && random.one_in(4);
    let (a, b) = if daily { (2, 5) } else { (60, 250) };
    let ends = match (per_kw, random.below(2)) {
        (false, _) => [format!("up_to_kwh = {a}"), format!("up_to_kwh = {b}.5")],
        (true, 0) => ["up_to_kwh_per_kw = 15".to_owned(), "up_to_kwh_per_kw = 33.3".to_owned()],
        (true, _) => {
            ["up_to_kwh = 40, up_to_kwh_per_kw = 20".to_owned(), "up_to_kwh_per_kw = 70".to_owned()]
        }
    };
    let one = |random: &mut Random| {
        if !periods.is_empty() && random.one_in(2) {
            by_period(random, shape, periods)
        } else {
            format!("price = {}", dated(random, shape))
        }
    };
    writeln!(
        text,
        "blocks = [{{ {}, {} }}, {{ {}, {} }}, {{ {} }}]",
        ends[0],
        one(random),
        ends[1],
        one(random),
        one(random)
    )
    .unwrap();
    if per_kw {
        writeln!(text, "blocks_window_minutes = {}", shape.window).unwrap();
    }
    if daily {
        text.push_str("blocks_per = \"day\"\n");
    } else if random.one_in(2) {
        text.push_str("blocks_for_days = 30\n");
    }
}

fn series(random: &mut Random, shape: &Shape, text: &mut String) {
    write!(
        text,
        "[[series]]\ncode = \"s\"\nlabel = \"S\"\nseries = \"market\"\nunit = \"MWh\"\n{}",
        untaxed(random)
    )
    .unwrap();
    for (key, often) in [("multiply", 2), ("add", 2), ("cap", 3), ("floor", 3)] {
        if random.one_in(often) {
            writeln!(text, "{key} = {}", dated(random, shape)).unwrap();
        }
    }
    if let Some(last) = shape.periods.last().filter(|_| random.one_in(2)) {
        writeln!(text, "add_in = {{ {last} = {} }}", dated(random, shape)).unwrap();
    }
}

fn demand(random: &mut Random, shape: &Shape, index: u64, text: &mut String) {
    let none = untaxed(random);
    write!(text, "[[demand]]\ncode = \"d{index}\"\nlabel = \"D\"\n{none}").unwrap();
    writeln!(text, "window_minutes = {}", shape.window).unwrap();
    if random.one_in(2) {
        writeln!(text, "price = {}", dated(random, shape)).unwrap();
    } else {
        let (a, b) = (dated(random, shape), dated(random, shape));
        writeln!(text, "blocks = [{{ up_to_kw = 2.5, price = {a} }}, {{ price = {b} }}]").unwrap();
    }
    if !shape.periods.is_empty() && random.one_in(2) {
        writeln!(text, "periods = {:?}", &shape.periods[1..]).unwrap();
    }
    for (often, line) in [
        (4, "per = \"day\""),
        (3, "top = 3"),
        (3, "top_on_different_days = true"),
        (4, "ratchet = { share = 0.8, periods_back = 2 }"),
        (4, "at_least_kw = 1.7"),
        (5, "at_least_contracted = true"),
        (5, "months = [1, 2, 3, 7, 8]"),
    ] {
        if random.one_in(often) {
            writeln!(text, "{line}").unwrap();
        }
    }
}

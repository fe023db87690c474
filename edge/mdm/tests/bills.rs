//! From readings to usage, bills and invoices, on real files.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

use std::sync::Arc;

use corrente_clock::BusinessClock;
use corrente_ledger::{Admission, AsOf, Entry, Ledger, LedgerOptions, PowerSample, SqliteLedger};
use corrente_live::LiveHub;
use corrente_mdm::{Compare, Mdm, MdmError, ReadingOrder, Step, UsageQuery, export};
use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Direction, Quality, Reading, SourceQuality, Span, Timestamp,
    id::{MeterId, OrganisationId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError, agreements,
    invoices::Issued,
    meters::{self, NewChannel, NewMeter},
    organisations::{self, NewOrganisation},
    plans, tariffs,
    usage_points::{self, NewUsagePoint},
};
use corrente_units::{Energy, Money};

const FLAT: &str = include_str!("../../../tariffs/flat-040.toml");
const B1: &str = include_str!("../../../tariffs/example-b1.toml");
const WHITE: &str = include_str!("../../../tariffs/example-white.toml");

/// Blocks that end inside of days.
const BLOCKS: &str = "\
    code = \"blocks\"\nversion = \"1\"\nname = \"Blocks\"\ncurrency = \"BRL\"\nvalid_from = 2026-01-01\n\
    [[energy]]\ncode = \"energy\"\nlabel = \"Energy\"\n\
    blocks = [{ up_to_kwh = 33, price = 0.40 }, { up_to_kwh = 101, price = 0.80 }, { price = 1.20 }]\n";

/// Demand of a quarter of an hour, at one price for energy.
const DEMAND: &str = "\
    code = \"demand\"\nversion = \"1\"\nname = \"Demand\"\ncurrency = \"BRL\"\nvalid_from = 2026-01-01\n\
    [[energy]]\ncode = \"energy\"\nlabel = \"Energy\"\nprice = 0.50\n\
    [[demand]]\ncode = \"demand\"\nlabel = \"Demand\"\nprice = 10.00\nwindow_minutes = 15\n";

/// One home with one meter in a directory of its own.
struct Home {
    mdm: Mdm,
    registry: Registry,
    ledger: Arc<dyn Ledger>,
    clock: BusinessClock,
    calendar: Calendar,
    organisation: OrganisationId,
    point: UsagePointId,
    meter: MeterId,
    channel: ChannelId,
    _directory: tempfile::TempDir,
}

impl Home {
    fn new(zone: &str, tariff: &str, kind: ChannelKind, now: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path().join("registry.db")).unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(
            SqliteLedger::open(&directory.path().join("ledger.db"), LedgerOptions::default())
                .unwrap(),
        );
        let calendar = Calendar::new(zone).unwrap();
        let now = calendar.instant(now.parse().unwrap());
        let clock = BusinessClock::stopped_at(now);
        let (zone, tariff) = (zone.to_owned(), tariff.to_owned());
        let (organisation, point, meter, channel) = registry
            .write_blocking(move |tx| -> Result<_, RegistryError> {
                let long_ago = Timestamp::from_second(0);
                let mut new = NewOrganisation::named("Luz do Vale", &zone);
                new.pix_key = Some("pix@example.org".to_owned());
                new.pix_city = Some("Salvador".to_owned());
                let organisation = organisations::insert(tx, &new, long_ago)?;
                let row = organisations::get(tx, organisation)?.unwrap();
                let point =
                    usage_points::insert(tx, &NewUsagePoint::named(&row, "Home 1"), long_ago)?;
                let valid_from = "2000-01-01".parse().unwrap();
                let version = tariffs::insert_version(
                    tx,
                    organisation,
                    "tariff",
                    valid_from,
                    &tariff,
                    long_ago,
                )?;
                agreements::insert(tx, point, version.tariff, long_ago)?;
                let (meter, channel) =
                    add_meter(tx, organisation, point, "M-1", kind, long_ago, None)?;
                Ok((organisation, point, meter, channel))
            })
            .unwrap();
        let specs = registry.read_blocking(meters::all_channel_specs).unwrap();
        ledger.open_channels(&specs).unwrap();
        let mdm = Mdm::new(registry.clone(), Arc::clone(&ledger), clock.clone(), LiveHub::new());
        Self {
            mdm,
            registry,
            ledger,
            clock,
            calendar,
            organisation,
            point,
            meter,
            channel,
            _directory: directory,
        }
    }

    fn at(&self, civil: &str) -> Timestamp {
        self.calendar.instant(civil.parse().unwrap())
    }

    async fn read(&self, channel: ChannelId, readings: impl IntoIterator<Item = (Timestamp, i64)>) {
        let entries = readings
            .into_iter()
            .map(|(end, wh)| Entry {
                channel,
                reading: Reading { end, value: Energy::from_wh(wh), quality: SourceQuality::GOOD },
                admission: Admission::Accept,
            })
            .collect();
        self.ledger.append(entries).await.unwrap();
    }

    /// A register read every quarter of an hour that rises by `wh` each time.
    async fn steady(&self, from: &str, to: &str, first: i64, wh: i64) {
        let (from, to) = (self.at(from), self.at(to));
        let steps = to.since(from) / 900;
        self.read(self.channel, (0..=steps).map(|n| (from.plus(n * 900), first + n * wh))).await;
    }

    fn usage(&self, from: &str, to: &str, step: Step) -> corrente_mdm::Usage {
        self.mdm
            .usage(
                self.point,
                UsageQuery {
                    span: Span::new(self.at(from), self.at(to)),
                    step: Some(step),
                    compare: Compare::Previous,
                    max_points: None,
                    whole: false,
                },
            )
            .unwrap()
    }
}

fn add_meter(
    tx: &mut corrente_registry::Tx,
    organisation: OrganisationId,
    point: UsagePointId,
    serial: &str,
    kind: ChannelKind,
    from: Timestamp,
    until: Option<Timestamp>,
) -> Result<(MeterId, ChannelId), RegistryError> {
    let new = NewMeter {
        organisation,
        serial,
        secret: None,
        model: None,
        reporting_seconds: 900,
        enrolled_by: None,
    };
    let meter = meters::insert(tx, &new, from)?;
    meters::install(tx, meter, point, from, until)?;
    let channel = NewChannel {
        name: "import".to_owned(),
        kind,
        direction: Direction::Import,
        interval_seconds: (kind == ChannelKind::Interval).then_some(1800),
        register_digits: None,
    };
    let channel = meters::add_channel(tx, meter, &channel, from)?;
    Ok((meter, channel))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_readings_becomes_an_invoice() {
    let home = Home::new("America/Bahia", FLAT, ChannelKind::Register, "2026-11-02T08:00");
    // 100 Wh each quarter: 9.6 kWh a day, 297.6 kWh in October.
    home.steady("2026-09-30T00:00", "2026-11-02T08:00", 1_000_000, 100).await;
    let october = home.calendar.date(home.at("2026-10-15T00:00"));

    let issued = home.mdm.issue_invoice(home.point, october).unwrap();
    let Issued::Issued(id) = issued else { panic!("{issued:?}") };
    let invoice = home.mdm.invoice(id).unwrap().unwrap();
    assert_eq!(invoice.summary.invoice.energy, Some(Energy::from_wh(297_600)));
    // 297.6 × 0.40 R$.
    assert_eq!(invoice.summary.invoice.amount, Money::from_minor(11_904));
    assert_eq!(invoice.summary.days, 31);
    assert_eq!(invoice.summary.invoice.number, "000001");
    assert_eq!(invoice.plan.lines.len(), 1);
    let meterage = invoice.meterages[0].clone();
    assert_eq!(meterage.end.wh() - meterage.start.wh(), 297_600);
    assert!(!invoice.plan.determinants.readings.is_empty(), "names the revisions it used");
    let payload = invoice.summary.invoice.pix_payload.clone().unwrap();
    let code = corrente_billing::pay::pix::read(&payload).unwrap();
    assert_eq!(code.txid, invoice.summary.invoice.pix_txid);

    // The bars of the chart add up to the energy of the bill.
    let usage = home.usage("2026-10-01T00:00", "2026-11-01T00:00", Step::Day);
    assert_eq!(usage.intervals.len(), 31);
    assert_eq!(usage.total.energy, Some(Energy::from_wh(297_600)));
    assert_eq!(usage.total.amount, Some(Money::from_minor(11_904)));
    assert_eq!(usage.fixed, Some(Money::ZERO));
    assert!(!usage.total.at_least);

    // Again: it exists, and takes no number.
    assert_eq!(home.mdm.issue_invoice(home.point, october).unwrap(), Issued::Exists(id));
    let september = home.mdm.issue_invoice(home.point, "2026-09-01".parse().unwrap()).unwrap();
    let september = home.mdm.invoice(september.id()).unwrap().unwrap();
    assert_eq!(september.summary.invoice.number, "000002");
    assert_eq!(september.summary.days, 1);
    // The running month is not billed.
    let early = home.mdm.issue_invoice(home.point, "2026-11-01".parse().unwrap());
    assert!(matches!(early, Err(MdmError::NotYet { .. })), "{early:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_reading_changes_no_issued_invoice_and_the_plan_replays() {
    let home = Home::new("America/Bahia", B1, ChannelKind::Interval, "2026-11-02T08:00");
    let start = home.at("2026-10-01T00:00");
    // Half hours of 150 Wh; one day is missing.
    let gap = Span::new(home.at("2026-10-10T00:00"), home.at("2026-10-11T00:00"));
    let ends = (1..=(31 * 48 + 32)).map(|n| start.plus(n * 1800));
    home.read(home.channel, ends.filter(|t| !gap.contains(*t)).map(|t| (t, 150))).await;

    let id = home.mdm.issue_invoice(home.point, "2026-10-01".parse().unwrap()).unwrap().id();
    let before = home.mdm.invoice(id).unwrap().unwrap();
    assert!(before.plan.totals.estimated_wh > 0, "the gap is estimated, and says so");
    assert_eq!(before.summary.invoice.energy, Some(Energy::from_wh(31 * 48 * 150)));
    assert!(before.plan.lines.len() > 2, "{:?}", before.plan.lines);
    assert!(!before.plan.tax_box.is_empty());

    // The missing day comes late, and is twice what was estimated.
    home.read(home.channel, (1..=48).map(|n| (gap.start.plus(n * 1800), 300))).await;
    home.ledger.seal_until(home.clock.now()).unwrap();
    let usage = home.usage("2026-10-01T00:00", "2026-11-01T00:00", Step::Day);
    assert_eq!(usage.total.energy, Some(Energy::from_wh(31 * 48 * 150 + 48 * 150)));

    let after = home.mdm.invoice(id).unwrap().unwrap();
    assert_eq!(before, after);
    let row = {
        let plan = after.summary.invoice.plan;
        home.registry.read_blocking(move |tx| plans::get(tx, plan)).unwrap().unwrap()
    };
    let stored: corrente_billing::BillingPlan = serde_json::from_str(&row.document).unwrap();
    let tariff = corrente_tariff::Tariff::parse(B1).unwrap();
    let differences = corrente_billing::replay(&stored, &home.calendar, &[&tariff]).unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn london_half_hours_add_up_over_the_clock_changes_and_gaps_are_missing() {
    let home = Home::new("Europe/London", FLAT, ChannelKind::Interval, "2014-01-05T00:00");
    let start = home.at("2013-01-01T00:00");
    let mut sum = 0;
    let mut readings = Vec::new();
    for n in 1..=365 * 48 {
        if n % 1000 == 0 {
            continue;
        }
        let wh = 100 + (n * 37) % 400;
        sum += wh;
        readings.push((start.plus(n * 1800), wh));
    }
    home.read(home.channel, readings).await;
    for (step, count) in [(Step::Month, 12), (Step::Day, 365), (Step::Year, 1)] {
        let usage = home.usage("2013-01-01T00:00", "2014-01-01T00:00", step);
        assert_eq!(usage.intervals.len(), count);
        assert_eq!(usage.total.energy, Some(Energy::from_wh(sum)), "{step:?}");
        assert!(usage.total.at_least, "{step:?}");
    }
    // A quarter of an hour is finer than the source: its own half hours are answered.
    let day = home.usage("2013-03-31T00:00", "2013-04-01T00:00", Step::Quarter);
    assert_eq!((day.step, day.intervals.len()), (Step::HalfHour, 46));
    let day = home.usage("2013-10-27T00:00", "2013-10-28T00:00", Step::Hour);
    assert_eq!(day.intervals.len(), 25);

    let query = export::ExportQuery {
        from: "2013-01-01".parse().unwrap(),
        until: "2014-01-01".parse().unwrap(),
        step: Step::Year,
        usage_point: None,
    };
    let rows: Vec<_> = export::usage(&home.mdm, query).unwrap().flat_map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].energy, Some(Energy::from_wh(sum)));
    assert_eq!((rows[0].usage_point.as_str(), rows[0].quality), ("Home 1", "partial"));
    assert_eq!(rows[0].period_start, "2013-01-01T00:00:00+00:00");

    // A missing half hour is nothing, not zero.
    let hole = start.plus(1000 * 1800);
    let civil = home.calendar.date(hole);
    let next = corrente_metering::calendar::next_day(civil);
    let day = home.usage(&format!("{civil}T00:00"), &format!("{next}T00:00"), Step::HalfHour);
    let missing: Vec<_> = day.intervals.iter().filter(|i| i.energy.is_none()).collect();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].span.end, hole);
    assert_eq!(missing[0].quality, Quality::Missing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_running_bill_counts_up_and_projects() {
    let home = Home::new("America/Bahia", FLAT, ChannelKind::Register, "2026-11-16T00:00");
    // Nine weeks of the same, then twice as much in the running month.
    home.steady("2026-09-01T00:00", "2026-11-01T00:00", 0, 100).await;
    let first = (home.at("2026-11-01T00:00").since(home.at("2026-09-01T00:00")) / 900) * 100;
    home.steady("2026-11-01T00:00", "2026-11-16T00:00", first, 200).await;
    home.mdm.issue_invoice(home.point, "2026-10-01".parse().unwrap()).unwrap();

    let bill = home.mdm.bill_so_far(home.point).unwrap().unwrap();
    // 15 days of 19.2 kWh at 0.40.
    assert_eq!(bill.energy, Energy::from_wh(288_000));
    assert_eq!(bill.amount, Money::from_minor(11_520));
    assert_eq!((bill.energy_amount, bill.fixed_amount), (bill.amount, Money::ZERO));
    assert_eq!((bill.day, bill.days), (15, 30));
    assert!(!bill.at_least);
    assert_eq!(bill.previous, Some(Money::from_minor(11_904)));
    let projected = bill.projected.unwrap();
    assert!(projected.low < projected.amount && projected.amount < projected.high);
    // Somewhere between "as before for the rest" and "as this month so far".
    assert!(projected.energy.wh() > 432_000 && projected.energy.wh() <= 576_000, "{projected:?}");
    let jump = bill.projected.unwrap().at_least_above(bill.previous.unwrap()).unwrap();
    assert!(jump > corrente_units::Decimal::from(15), "{jump}");

    // The chart of the running month: fifteen days, and no bar of the future.
    let usage = home.usage("2026-11-01T00:00", "2026-12-01T00:00", Step::Day);
    assert_eq!(usage.intervals.len(), 15);
    assert_eq!(usage.total.amount, Some(bill.energy_amount));
    assert_eq!(usage.fixed, Some(bill.fixed_amount));
    // Compared with the first fifteen days of October, not with all of it.
    assert_eq!(usage.compare.unwrap().total.energy, Some(Energy::from_wh(144_000)));
    assert_eq!(usage.change.unwrap().percent.unwrap().to_string(), "100");
    // What is usual is the mean of the same weekdays before.
    assert_eq!(usage.intervals[0].expected, Some(Energy::from_wh(9_600)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_bill_of_a_part_of_a_month_makes_no_jump() {
    let home = Home::new("America/Bahia", FLAT, ChannelKind::Register, "2026-11-20T00:00");
    // Somebody moves in on October 11th, and uses the same from then on.
    home.steady("2026-10-11T00:00", "2026-11-20T00:00", 0, 100).await;
    home.mdm.issue_invoice(home.point, "2026-10-01".parse().unwrap()).unwrap();
    let november = home.mdm.bill_so_far(home.point).unwrap().unwrap();
    assert_eq!((november.days, november.previous_days), (30, Some(21)));
    assert!(november.previous.is_some() && november.projected.is_some());
    assert_eq!(november.jump_percent(), None);
    let told = home.mdm.evaluate_alerts(home.point).unwrap();
    assert!(told.iter().all(|event| event.kind != "bill_jump"), "{told:?}");

    // A month later there is a whole month to compare with.
    assert!(home.clock.advance(30 * 86_400));
    home.steady("2026-11-20T00:00", "2026-12-20T00:00", 40 * 9_600, 100).await;
    home.mdm.issue_invoice(home.point, "2026-11-01".parse().unwrap()).unwrap();
    let december = home.mdm.bill_so_far(home.point).unwrap().unwrap();
    assert_eq!((december.days, december.previous_days), (31, Some(30)));
    assert!(december.jump_percent().unwrap() < corrente_units::Decimal::from(5));
    let changes: Vec<_> = home
        .mdm
        .invoices(home.point)
        .unwrap()
        .into_iter()
        .map(|summary| (summary.days, summary.change_percent))
        .collect();
    assert_eq!(changes, [(30, None), (21, None)], "a whole November is no jump from 21 days");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meter_exchange_keeps_the_sum() {
    let home = Home::new("America/Bahia", FLAT, ChannelKind::Register, "2026-11-02T08:00");
    home.steady("2026-10-01T00:00", "2026-10-20T12:00", 5_000, 100).await;
    let exchange = home.at("2026-10-20T12:00");
    let (old, organisation, point) = (home.meter, home.organisation, home.point);
    let channel = home
        .registry
        .write_blocking(move |tx| -> Result<_, RegistryError> {
            meters::remove(tx, old, exchange)?;
            let register = ChannelKind::Register;
            Ok(add_meter(tx, organisation, point, "M-2", register, exchange, None)?.1)
        })
        .unwrap();
    let specs = home.registry.read_blocking(meters::all_channel_specs).unwrap();
    home.ledger.open_channels(&specs).unwrap();
    // The new meter begins at 7 Wh with the last reading of the old one.
    let steps = home.at("2026-11-02T08:00").since(exchange) / 900;
    home.read(channel, (0..=steps).map(|n| (exchange.plus(n * 900), 7 + n * 100))).await;

    let usage = home.usage("2026-10-01T00:00", "2026-11-01T00:00", Step::Month);
    assert_eq!(usage.total.energy, Some(Energy::from_wh(297_600)));
    assert!(!usage.total.at_least);
    let id = home.mdm.issue_invoice(home.point, "2026-10-01".parse().unwrap()).unwrap().id();
    let invoice = home.mdm.invoice(id).unwrap().unwrap();
    assert_eq!(invoice.summary.invoice.energy, Some(Energy::from_wh(297_600)));
    let meters: Vec<(&str, Option<i64>)> =
        invoice.meterages.iter().map(|m| (m.serial.as_str(), m.energy.map(Energy::wh))).collect();
    assert_eq!(meters, [("M-1", Some(187_200)), ("M-2", Some(110_400))]);
}

/// The steps of a span with all that the bill says of them.
fn whole(home: &Home, from: &str, to: &str, step: Step) -> corrente_mdm::Usage {
    let query = UsageQuery {
        span: Span::new(home.at(from), home.at(to)),
        step: Some(step),
        compare: Compare::Previous,
        max_points: None,
        whole: true,
    };
    home.mdm.usage(home.point, query).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bars_of_any_step_add_up_to_the_bill_with_its_fixed_part() {
    for tariff in [B1, WHITE, BLOCKS] {
        let home = Home::new("America/Bahia", tariff, ChannelKind::Register, "2026-11-10T08:00");
        home.steady("2026-07-01T00:00", "2026-11-10T08:00", 0, 90).await;
        let id = home.mdm.issue_invoice(home.point, "2026-10-01".parse().unwrap()).unwrap().id();
        let amount = home.mdm.invoice(id).unwrap().unwrap().summary.invoice.amount;
        for step in [Step::Quarter, Step::Hour, Step::Day, Step::Month] {
            let usage = whole(&home, "2026-10-01T00:00", "2026-11-01T00:00", step);
            let bars = usage.intervals.iter().filter_map(corrente_mdm::UsageInterval::whole_amount);
            assert_eq!(Money::sum(bars).unwrap(), amount, "{step:?}");
            assert_eq!(usage.total.whole_amount(), Some(amount), "{step:?}");
            if tariff != BLOCKS {
                assert!(usage.total.fixed.unwrap() > Money::ZERO, "lighting is charged beside it");
            }
        }
        // A day's bar is the same in its week, in its month and alone.
        let month = whole(&home, "2026-10-01T00:00", "2026-11-01T00:00", Step::Day);
        let day = whole(&home, "2026-10-09T00:00", "2026-10-10T00:00", Step::Quarter);
        assert_eq!(month.intervals[8].fixed, day.total.fixed);

        // The running bill, until now.
        let bill = home.mdm.bill_so_far(home.point).unwrap().unwrap();
        let usage = whole(&home, "2026-11-01T00:00", "2026-12-01T00:00", Step::Day);
        assert_eq!(usage.total.whole_amount(), Some(bill.amount));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demand_of_a_register_is_that_of_its_windows_not_of_its_days() {
    let home = Home::new("America/Bahia", DEMAND, ChannelKind::Register, "2026-11-10T08:00");
    let from = home.at("2026-10-01T00:00");
    let quarters = home.at("2026-11-10T08:00").since(from) / 900;
    // 0.4 kW, and 4 kW in one quarter of an hour.
    let register = |n: i64| n * 100 + if n > 1000 { 900 } else { 0 };
    home.read(home.channel, (0..=quarters).map(|n| (from.plus(n * 900), register(n)))).await;
    let id = home.mdm.issue_invoice(home.point, "2026-10-01".parse().unwrap()).unwrap().id();
    let invoice = home.mdm.invoice(id).unwrap().unwrap();
    let demand = invoice.plan.lines.iter().find(|line| line.code == "demand").unwrap();
    assert_eq!(demand.quantity.map(|kw| kw.to_string()).as_deref(), Some("4"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_of_an_hour_do_not_carry_energy_over_a_midnight_at_half_past() {
    let tariff = "\
        code = \"hours\"\nversion = \"1\"\nname = \"Hours\"\ncurrency = \"AUD\"\nvalid_from = 2026-01-01\n\
        [[energy]]\ncode = \"energy\"\nlabel = \"Energy\"\nblocks_per = \"day\"\n\
        blocks = [{ up_to_kwh = 0.8, price = 0.50 }, { price = 5.00 }]\n\
        [[demand]]\ncode = \"demand\"\nlabel = \"Demand\"\nprice = 1.00\nwindow_minutes = 60\n";
    // Half past nine hours ahead of UTC: no hour of UTC ends at midnight.
    let home = Home::new("Australia/Adelaide", tariff, ChannelKind::Register, "2026-11-10T08:00");
    let (from, until) = (home.at("2026-10-01T00:00"), home.at("2026-11-02T00:00"));
    let mut register = 0;
    let mut readings = vec![(from, register)];
    for n in 0..until.since(from) / 900 {
        // On odd days 1.6 kWh in the last half hour.
        let start = home.calendar.datetime(from.plus(n * 900));
        if start.day() % 2 == 1 && (start.hour(), start.minute()) >= (23, 30) {
            register += 800;
        }
        readings.push((from.plus((n + 1) * 900), register));
    }
    home.read(home.channel, readings).await;
    let id = home.mdm.issue_invoice(home.point, "2026-10-01".parse().unwrap()).unwrap().id();
    let plan = home.mdm.invoice(id).unwrap().unwrap().plan;
    let energy = plan.lines.iter().filter(|line| line.code == "energy");
    let sum = Money::sum(energy.map(|line| line.amount)).unwrap();
    // 16 days of 0.8 kWh at 0.50 and 0.8 kWh at 5.00.
    assert_eq!(sum, Money::from_minor(640 + 6_400));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_split_by_its_periods_and_its_usual_cost_is_known() {
    let home = Home::new("America/Bahia", WHITE, ChannelKind::Register, "2026-11-10T08:00");
    home.steady("2026-07-01T00:00", "2026-11-10T08:00", 0, 100).await;
    // A Wednesday: peak for three hours, shoulder for two, 400 Wh an hour.
    for step in [Step::Day, Step::Hour] {
        let usage = whole(&home, "2026-10-14T00:00", "2026-10-15T00:00", step);
        let mut found = std::collections::BTreeMap::new();
        for part in usage.intervals.iter().flat_map(|interval| &interval.parts) {
            *found.entry((part.level.word(), part.period.clone())).or_insert(0) += part.energy.wh();
        }
        let expected = [
            (("off_peak", "fora_ponta".to_owned()), 7_600),
            (("peak", "ponta".to_owned()), 1_200),
            (("shoulder", "intermediario".to_owned()), 800),
        ];
        assert_eq!(found, expected.into(), "{step:?}");
        // Every week was like this one, so the usual cost is this cost.
        for interval in &usage.intervals {
            let (usual, own) =
                (interval.expected_amount.unwrap(), interval.whole_amount().unwrap());
            assert!((usual.minor() - own.minor()).abs() <= 1, "{usual} {own}");
        }
    }
    let now = home.mdm.now(home.point).unwrap();
    let period = now.period.unwrap();
    assert_eq!((period.name.as_str(), period.level.word()), ("fora_ponta", "off_peak"));
    assert_eq!(period.until, Some(home.at("2026-11-10T17:00")));

    let tariff = home.mdm.shown_tariff(home.point).unwrap().unwrap();
    let levels: Vec<_> = tariff.prices.iter().map(|price| price.level.word()).collect();
    assert_eq!(levels, ["off_peak", "shoulder", "peak"]);
    assert!(tariff.prices.iter().all(|price| price.net < price.with_taxes));
    assert_eq!(tariff.days.len(), 8);
    assert_eq!(tariff.days[0].hours.len(), 5, "off peak, shoulder, peak, shoulder, off peak");
    let holiday = tariff.days.iter().find(|day| day.date.to_string() == "2026-11-15").unwrap();
    assert!(holiday.holiday);
    assert_eq!(tariff.holidays.first().map(ToString::to_string).as_deref(), Some("2026-11-15"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_hour_of_power_outlives_the_program_and_goes_after_some_days() {
    let home = Home::new("America/Bahia", FLAT, ChannelKind::Register, "2026-10-20T08:00");
    home.steady("2026-10-19T00:00", "2026-10-20T08:00", 0, 25).await;
    let now = home.at("2026-10-20T08:00");
    // Nothing was said of power: what lies between two registers.
    let recent = home.mdm.now(home.point).unwrap().recent;
    assert_eq!(recent, (0..3).rev().map(|n| (now.plus(-n * 900), 100)).collect::<Vec<_>>());
    let samples: Vec<PowerSample> = (0..400)
        .map(|n| PowerSample { channel: home.channel, t: now.plus(-n * 10), watts: 2_000 - n })
        .collect();
    home.ledger.keep_power(&samples).unwrap();
    home.mdm.hourly(now).unwrap();
    let recent = home.mdm.now(home.point).unwrap().recent;
    assert_eq!(recent.len(), 120, "an hour, thinned to one in half a minute");
    assert_eq!(recent.first(), Some(&(now.plus(-3590), 2_000 - 359)));
    home.mdm.hourly(now.plus(3 * 86_400)).unwrap();
    let all = Span::new(Timestamp::MIN, Timestamp::MAX);
    assert_eq!(home.ledger.power(home.channel, all).unwrap(), []);
    assert_eq!(home.ledger.range(home.channel, all, AsOf::Now).unwrap().len(), 32 * 4 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stretch_says_what_was_above_what_is_always_on() {
    let home = Home::new("America/Bahia", FLAT, ChannelKind::Register, "2026-10-20T08:00");
    // 25 Wh a quarter is 100 W, always.
    home.steady("2026-09-01T00:00", "2026-10-14T00:00", 0, 25).await;
    let begin = home.at("2026-10-14T00:00");
    // Then an oven: 500 Wh a quarter for an hour.
    let base = 25 * begin.since(home.at("2026-09-01T00:00")) / 900;
    home.read(home.channel, (1..=4).map(|n| (begin.plus(n * 900), base + n * 500))).await;
    let hour = Span::new(begin, begin.plus(3600));
    let stretch = home.mdm.stretch(home.point, hour).unwrap();
    assert_eq!(stretch.energy, Some(Energy::from_wh(2_000)));
    assert_eq!(stretch.amount, Some(Money::from_minor(80)));
    assert_eq!(stretch.mean_w, Some(2_000));
    assert_eq!(stretch.always_on_w, Some(100));
    assert_eq!(stretch.above, Some(Energy::from_wh(1_900)));
    assert_eq!(stretch.above_amount, Some(Money::from_minor(76)));
    let empty = home.mdm.stretch(home.point, Span::new(begin, begin));
    assert!(matches!(empty, Err(MdmError::Invalid { field: "to", .. })), "{empty:?}");
    // What has not happened yet is nothing, and no error.
    let later = Span::new(home.at("2026-10-21T00:00"), home.at("2026-10-22T00:00"));
    assert_eq!(home.mdm.stretch(home.point, later).unwrap().energy, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_come_in_pages_and_exactly_at() {
    let home = Home::new("America/Bahia", FLAT, ChannelKind::Register, "2026-10-03T00:00");
    home.steady("2026-10-01T00:00", "2026-10-03T00:00", 0, 100).await;
    let query = corrente_mdm::ReadingQuery {
        span: Some(Span::new(home.at("2026-10-01T00:00"), home.at("2026-10-03T00:00"))),
        at: None,
        order: ReadingOrder::Ascending,
        limit: 100,
        behind: None,
    };
    let first = home.mdm.readings(home.point, query).unwrap();
    assert_eq!(first.readings.len(), 100);
    let second = home
        .mdm
        .readings(home.point, corrente_mdm::ReadingQuery { behind: first.next, ..query })
        .unwrap();
    assert_eq!((second.readings.len(), second.next), (92, None));
    let at = home.at("2026-10-01T10:07");
    let exact = home
        .mdm
        .readings(home.point, corrente_mdm::ReadingQuery { at: Some(at), ..query })
        .unwrap();
    assert_eq!(exact.readings.len(), 1);
    assert_eq!(exact.readings[0].t, home.at("2026-10-01T10:00"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_lose_nothing_where_many_channels_share_an_instant() {
    let home = Home::new("America/Bahia", FLAT, ChannelKind::Register, "2026-10-03T00:00");
    let meter = home.meter;
    let mut channels = home
        .registry
        .write_blocking(move |tx| -> Result<_, RegistryError> {
            ["b", "c", "d", "e"]
                .into_iter()
                .map(|name| {
                    let new = NewChannel { name: name.to_owned(), ..NewChannel::import() };
                    meters::add_channel(tx, meter, &new, Timestamp::from_second(0))
                })
                .collect::<Result<Vec<_>, _>>()
        })
        .unwrap();
    channels.push(home.channel);
    let specs = home.registry.read_blocking(meters::all_channel_specs).unwrap();
    home.ledger.open_channels(&specs).unwrap();
    let start = home.at("2026-10-02T00:00");
    for channel in channels {
        home.read(channel, (0..7).map(|n| (start.plus(n * 900), n))).await;
    }
    let orders = [ReadingOrder::Ascending, ReadingOrder::Descending];
    for (limit, order) in (1..=40).flat_map(|limit| orders.map(|order| (limit, order))) {
        let mut query = corrente_mdm::ReadingQuery {
            span: Some(Span::new(start.plus(-900), start.plus(86_400))),
            at: None,
            order,
            limit,
            behind: None,
        };
        let mut seen = Vec::new();
        loop {
            let page = home.mdm.readings(home.point, query).unwrap();
            assert!(page.readings.len() <= limit.max(5), "limit {limit}");
            seen.extend(page.readings.into_iter().map(|r| (r.t, r.channel)));
            query.behind = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 35, "limit {limit}");
        let times: Vec<_> = seen.iter().map(|(t, _)| *t).collect();
        match order {
            ReadingOrder::Ascending => assert!(times.is_sorted(), "limit {limit}"),
            ReadingOrder::Descending => {
                assert!(times.is_sorted_by(|a, b| a >= b), "limit {limit}");
            }
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 35, "limit {limit}: something came twice");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_by_day_is_quick() {
    let home = Home::new("America/Bahia", FLAT, ChannelKind::Register, "2027-01-01T00:00");
    home.steady("2025-10-01T00:00", "2027-01-01T00:00", 0, 100).await;
    home.ledger.seal_until(home.clock.now()).unwrap();
    let started = std::time::Instant::now();
    let usage = home.usage("2026-01-01T00:00", "2027-01-01T00:00", Step::Day);
    println!("a year by day with the year before: {:?}", started.elapsed());
    assert_eq!(usage.intervals.len(), 365);
    assert_eq!(usage.total.energy, Some(Energy::from_wh(365 * 9_600)));
    // An unoptimised build; a page waits for this.
    assert!(started.elapsed().as_millis() < 2_000);
}

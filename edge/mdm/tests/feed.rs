//! What one bill leaves to the next: credits, demands, fines; prices of the market; corrections. On real
//! files.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

use std::sync::Arc;

use corrente_billing::{BillingPlan, LineGroup};
use corrente_clock::BusinessClock;
use corrente_ledger::{Admission, Entry, Ledger, LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_mdm::{Compare, InvoiceDetail, Mdm, MdmError, Step, UsageQuery};
use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Date, Direction, Reading, SourceQuality, Span, Timestamp,
    id::{InvoiceId, OrganisationId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError,
    admin::{self, By},
    agreements, customers,
    invoices::{self, InvoiceState, Issued},
    meters::{self, NewChannel, NewMeter},
    organisations::{self, NewOrganisation},
    payments::NewPayment,
    tariffs,
    usage_points::{self, NewUsagePoint, Terms},
};
use corrente_units::{Energy, Money};

const SOLAR: &str = include_str!("../../../tariffs/example-solar.toml");
const BUSINESS: &str = include_str!("../../../tariffs/example-business.toml");
const DYNAMIC: &str = include_str!("../../../tariffs/eu-dynamic.toml");

/// 0.40 a kWh, 2 % and 1 % a month for paying late, corrected by IPCA; lighting is not part of the base.
const LATE: &str = r#"
code = "late"
version = "1"
name = "Late"
currency = "BRL"
valid_from = 2020-01-01
[[energy]]
code = "energy"
label = "Energy"
price = 0.40
[lighting]
code = "lighting"
label = "Lighting"
band = [{ amount = 10.00 }]
[late]
fine = 0.02
interest_per_month = 0.01
index = "IPCA"
not_on = ["lighting"]
"#;

struct Home {
    mdm: Mdm,
    registry: Registry,
    ledger: Arc<dyn Ledger>,
    clock: BusinessClock,
    calendar: Calendar,
    organisation: OrganisationId,
    point: UsagePointId,
    import: ChannelId,
    export: ChannelId,
    _directory: tempfile::TempDir,
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn money(text: &str) -> Money {
    Money::from_decimal(text.parse().unwrap(), corrente_units::Rounding::Truncate).unwrap()
}

impl Home {
    /// One home with a meter that measures both ways by the quarter of an hour.
    fn new(zone: &str, tariff: &str, today: &str, terms: Terms) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path().join("registry.db")).unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(
            SqliteLedger::open(&directory.path().join("ledger.db"), LedgerOptions::default())
                .unwrap(),
        );
        let calendar = Calendar::new(zone).unwrap();
        let clock = BusinessClock::stopped_at(calendar.midnight(date(today)).plus(12 * 3600));
        let (zone, tariff) = (zone.to_owned(), tariff.to_owned());
        let (organisation, point, channels) = registry
            .write_blocking(move |tx| -> Result<_, RegistryError> {
                let long_ago = Timestamp::from_second(0);
                let mut new = NewOrganisation::named("Luz do Vale", &zone);
                new.pix_key = Some("pix@example.org".to_owned());
                new.pix_city = Some("Salvador".to_owned());
                let organisation = organisations::insert(tx, &new, long_ago)?;
                let row = organisations::get(tx, organisation)?.unwrap();
                let new =
                    NewUsagePoint { terms: terms.clone(), ..NewUsagePoint::named(&row, "Home 1") };
                let point = usage_points::insert(tx, &new, long_ago)?;
                let from = date("2000-01-01");
                let version =
                    tariffs::insert_version(tx, organisation, "t", from, &tariff, long_ago)?;
                agreements::insert(tx, point, version.tariff, long_ago)?;
                let meter = meters::insert(
                    tx,
                    &NewMeter {
                        organisation,
                        serial: "M-1",
                        secret: None,
                        model: None,
                        reporting_seconds: 900,
                        enrolled_by: None,
                    },
                    long_ago,
                )?;
                meters::install(tx, meter, point, long_ago, None)?;
                let channel = |name: &str, direction| NewChannel {
                    name: name.to_owned(),
                    kind: ChannelKind::Interval,
                    direction,
                    interval_seconds: Some(900),
                    register_digits: None,
                };
                let import = channel("import", Direction::Import);
                let import = meters::add_channel(tx, meter, &import, long_ago)?;
                let export = channel("export", Direction::Export);
                let export = meters::add_channel(tx, meter, &export, long_ago)?;
                Ok((organisation, point, (import, export)))
            })
            .unwrap();
        let specs = registry.read_blocking(meters::all_channel_specs).unwrap();
        ledger.open_channels(&specs).unwrap();
        let mdm = Mdm::new(registry.clone(), Arc::clone(&ledger), clock.clone(), LiveHub::new());
        let (import, export) = channels;
        Self {
            mdm,
            registry,
            ledger,
            clock,
            calendar,
            organisation,
            point,
            import,
            export,
            _directory: directory,
        }
    }

    fn at(&self, day: &str) -> Timestamp {
        self.calendar.midnight(date(day))
    }

    /// Quarters of an hour of `wh` each, from the first day to before the second.
    async fn read(&self, channel: ChannelId, from: &str, until: &str, wh: i64) {
        let (from, until) = (self.at(from), self.at(until));
        let entries = (1..=until.since(from) / 900)
            .map(|n| Entry {
                channel,
                reading: Reading {
                    end: from.plus(n * 900),
                    value: Energy::from_wh(wh),
                    quality: SourceQuality::GOOD,
                },
                admission: Admission::Accept,
            })
            .collect();
        self.ledger.append(entries).await.unwrap();
    }

    fn issue(&self, month: &str) -> InvoiceDetail {
        let issued = self.mdm.issue_invoice(self.point, date(month)).unwrap();
        let Issued::Issued(id) = issued else { panic!("{issued:?}") };
        self.shown(id)
    }

    fn shown(&self, id: InvoiceId) -> InvoiceDetail {
        self.mdm.invoice(id).unwrap().unwrap()
    }

    fn go_on(&self, days: u32) {
        assert!(self.clock.advance(days * 86_400));
    }

    fn by(&self) -> By {
        By::command_line(self.clock.now(), self.clock.now())
    }

    fn replays(&self, plan: &BillingPlan, tariff: &str) {
        let tariff = corrente_tariff::Tariff::parse(tariff).unwrap();
        let differences = corrente_billing::replay(plan, &self.calendar, &[&tariff]).unwrap();
        assert!(differences.is_empty(), "{differences:?}");
        let violations = corrente_billing::verify(plan);
        assert!(violations.is_empty(), "{violations:?}");
    }
}

fn credit_wh(plan: &BillingPlan) -> i64 {
    plan.credits.iter().flat_map(|c| &c.remaining).map(|batch| batch.wh).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_surplus_is_used_in_the_next_month() {
    let terms = Terms { credit_regime: Some("gd1".to_owned()), ..Terms::default() };
    let home = Home::new("America/Bahia", SOLAR, "2026-12-02", terms);
    // October: 10 Wh a quarter in, 40 out: of 31 × 0.96 = 29.76 kWh nothing is offset (the minimum is 30),
    // 119.04 kWh are kept. November: 60 in, 0 out: 172.8 kWh, of which 119.04 are offset.
    home.read(home.import, "2026-10-01", "2026-11-01", 10).await;
    home.read(home.export, "2026-10-01", "2026-11-01", 40).await;
    home.read(home.import, "2026-11-01", "2026-12-02", 60).await;
    home.read(home.export, "2026-11-01", "2026-12-02", 0).await;
    let october = home.issue("2026-10-01");
    assert_eq!(credit_wh(&october.plan), 119_040);
    let november = home.issue("2026-11-01");
    assert_eq!(november.plan.inputs.credits.len(), 1);
    assert_eq!(november.plan.inputs.credits[0].regime, "gd1");
    let balance = november.plan.credits.clone().unwrap();
    assert_eq!(balance.used_wh.get("gd1"), Some(&119_040));
    assert_eq!(credit_wh(&november.plan), 0);
    let credit = november.plan.lines.iter().find(|l| l.group == LineGroup::Credit).unwrap();
    assert!(credit.amount < Money::ZERO, "{credit:?}");
    home.replays(&november.plan, SOLAR);
    // The bill so far counts it as well.
    home.clock.now();
    let simulated = home
        .mdm
        .simulate(
            &corrente_tariff::Tariff::parse(SOLAR).unwrap(),
            &corrente_mdm::simulate::SimulationQuery {
                organisation: home.organisation,
                usage_points: vec![],
                months: 2,
            },
        )
        .unwrap();
    let both = october.plan.totals.total.checked_add(november.plan.totals.total).unwrap();
    assert_eq!(simulated.simulation.revenue_before, both);
    assert_eq!(simulated.simulation.revenue_after, both);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ratchet_remembers_the_demand_of_the_month_before() {
    let terms =
        Terms { contracted_kw: Some("10".parse().unwrap()), meters: Some(2), ..Terms::default() };
    let home = Home::new("Europe/Lisbon", BUSINESS, "2026-12-02", terms);
    // 40 kW in October, 8 kW in November: 80 % of 40 are billed. Two meters.
    home.read(home.import, "2026-10-01", "2026-11-01", 10_000).await;
    home.read(home.import, "2026-11-01", "2026-12-02", 2_000).await;
    home.read(home.export, "2026-10-01", "2026-12-02", 0).await;
    home.issue("2026-10-01");
    let november = home.issue("2026-11-01");
    let line = november.plan.lines.iter().find(|l| l.code == "demand").unwrap();
    assert_eq!(
        (line.quantity, line.detail.as_deref()),
        (Some("32".parse().unwrap()), Some("ratchet"))
    );
    let meters = november.plan.lines.iter().find(|l| l.code == "metering").unwrap();
    assert_eq!(meters.amount, money("23.00"));
    assert_eq!(november.plan.inputs.customer.contracted_kw, Some("10".parse().unwrap()));
    home.replays(&november.plan, BUSINESS);
}

/// A price for each hour of some days: `price` in the first half of the day, twice that in the second.
fn prices(home: &Home, from: &str, until: &str, price: i64) -> String {
    let (from, until) = (home.at(from), home.at(until));
    let line = |hour: i64| {
        let at = from.plus(hour * 3600);
        let price = if home.calendar.datetime(at).hour() < 12 { price } else { 2 * price };
        format!("{at},{price}\n")
    };
    let lines: Vec<String> = (0..until.since(from) / 3600).map(line).collect();
    format!("start,price\n{}", lines.concat())
}

fn load(home: &Home, csv: String) -> Result<corrente_registry::price_series::Loaded, String> {
    let (by, organisation) = (home.by(), home.organisation);
    home.registry
        .write_blocking(move |tx| {
            admin::load_prices(tx, &by, organisation, "day-ahead-nl", ("prices.csv", &csv))
        })
        .map_err(|refusal| refusal.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dynamic_tariff_is_billed_by_its_prices_and_a_missing_hour_is_named() {
    let home = Home::new("Europe/Amsterdam", DYNAMIC, "2026-12-02", Terms::default());
    // 1 kWh an hour.
    home.read(home.import, "2026-10-01", "2026-12-02", 250).await;
    home.read(home.export, "2026-10-01", "2026-12-02", 0).await;
    let missing = home.mdm.issue_invoice(home.point, date("2026-11-01")).unwrap_err();
    assert!(missing.to_string().contains("day-ahead-nl"), "{missing}");
    // All of November but its last hour.
    let all = prices(&home, "2026-11-01", "2026-12-01", 100);
    let short = all.trim_end().rsplit_once('\n').unwrap().0.to_owned();
    assert_eq!(load(&home, short.clone()).unwrap().added, 719);
    let missing = home.mdm.issue_invoice(home.point, date("2026-11-01")).unwrap_err();
    assert!(missing.to_string().contains("2026-11-30T22:15:00Z"), "{missing}");
    // The file again with the last hour; what is there stays.
    let loaded = load(&home, all).unwrap();
    assert_eq!((loaded.added, loaded.same, loaded.changed), (1, 719, 0));
    let november = home.issue("2026-11-01");
    let line = november.plan.lines.iter().find(|l| l.code == "market").unwrap();
    // 360 kWh at 0.100 and 360 at 0.200, and 0.018 on each.
    assert_eq!(line.amount, money("120.96"));
    home.replays(&november.plan, DYNAMIC);
    // The chart of a day: 12 × 0.118 + 12 × 0.218 for the market, 24 × 0.12599 energy tax, 21 % VAT.
    let usage = home
        .mdm
        .usage(
            home.point,
            UsageQuery {
                span: Span::new(home.at("2026-11-10"), home.at("2026-11-11")),
                step: Some(Step::Day),
                compare: Compare::Nothing,
                max_points: None,
                whole: false,
            },
        )
        .unwrap();
    assert_eq!(usage.total.amount, Some(money("8.53")));

    // Mistakes are named by line, and nothing of the file is kept.
    let bad = load(&home, "start,price\n2026-11-01T00:00,1\n2026-11-01T00:00Z,x\n".to_owned());
    let bad = bad.unwrap_err();
    assert!(bad.contains("prices.csv:2: start") && bad.contains("prices.csv:3: price"), "{bad}");
    let overlap = "start,end,price\n2026-11-01T00:30:00Z,2026-11-01T01:30:00Z,1\n";
    let overlap = load(&home, overlap.to_owned()).unwrap_err();
    assert!(overlap.contains("prices.csv:2: start") && overlap.contains("overlaps"), "{overlap}");
}

impl Home {
    fn pay(&self, invoice: &InvoiceDetail, day: &str) {
        let invoice = &invoice.summary.invoice;
        self.mdm
            .record_payment(NewPayment {
                invoice: invoice.id,
                amount: invoice.amount,
                paid: self.at(day).plus(10 * 3600),
                method: "pix".to_owned(),
                reference: invoice.number.clone(),
            })
            .unwrap();
    }

    fn index(&self, csv: &str) {
        let (by, organisation, csv) = (self.by(), self.organisation, csv.to_owned());
        self.registry
            .write_blocking(move |tx| {
                admin::load_index(tx, &by, organisation, "IPCA", ("ipca.csv", &csv))
            })
            .unwrap();
    }
}

fn items(plan: &BillingPlan) -> Vec<(&str, i64)> {
    plan.inputs.items.iter().map(|item| (item.code.as_str(), item.amount.minor())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_paying_late_costs_stands_on_the_next_bill_once() {
    let home = Home::new("America/Bahia", LATE, "2026-10-02", Terms::default());
    home.read(home.import, "2026-09-01", "2026-12-02", 250).await;
    home.read(home.export, "2026-09-01", "2026-12-02", 0).await;
    let september = home.issue("2026-09-01");
    // Issued on 2 October, due on the 14th: 720 kWh at 0.40 and 10.00 of lighting.
    assert_eq!(september.summary.invoice.due, date("2026-10-14"));
    assert_eq!(september.summary.invoice.amount, money("298.00"));
    home.go_on(31);
    home.pay(&september, "2026-10-29");
    let october = home.issue("2026-10-01");
    // 2 % of 288.00; 1 % for 15 of 30 days; the index of October is not known yet.
    assert_eq!(items(&october.plan), [("late_fine", 576), ("late_interest", 144)]);
    assert_eq!(october.plan.inputs.items[0].about.as_deref(), Some("000001"));
    let line = october.plan.lines.iter().find(|l| l.code == "late_fine").unwrap();
    assert_eq!((line.group, line.detail.as_deref()), (LineGroup::Other, Some("000001")));
    home.replays(&october.plan, LATE);

    // The correction follows on the bill after the index is known, by its share of October's days.
    home.index("month,change\n2026-10,0.0044\n");
    home.go_on(30);
    let november = home.issue("2026-11-01");
    // 288.00 × 0.0044 × 15 / 31.
    assert_eq!(items(&november.plan), [("late_correction", 61)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_reading_makes_a_correction_of_the_difference() {
    let home = Home::new("America/Bahia", LATE, "2026-11-02", Terms::default());
    home.read(home.import, "2026-09-01", "2026-09-15", 250).await;
    home.read(home.import, "2026-09-16", "2026-10-10", 250).await;
    home.read(home.import, "2026-10-11", "2026-11-02", 250).await;
    home.read(home.export, "2026-09-01", "2026-11-02", 0).await;
    let september = home.issue("2026-09-01").summary.invoice.id;
    let october = home.issue("2026-10-01");
    let id = october.summary.invoice.id;
    let right = home.mdm.preview_correction(id).unwrap();
    assert!(!right.differs && right.difference == Money::ZERO, "{right:?}");
    let nothing = home.mdm.correct_invoice(id, Money::ZERO, "why").unwrap_err();
    assert!(nothing.to_string().contains("nothing to correct"), "{nothing}");

    // The missing day comes late: it was estimated as 24 kWh and had 48.
    home.read(home.import, "2026-10-10", "2026-10-11", 500).await;
    let preview = home.mdm.preview_correction(id).unwrap();
    assert_eq!((preview.difference, preview.energy), (money("9.60"), Energy::from_wh(24_000)));
    let by_line: Money = Money::sum(preview.lines.iter().map(|line| line.difference)).unwrap();
    assert_eq!(by_line, preview.difference);
    assert_eq!(
        home.mdm.invoices(home.point).unwrap()[0].corrections.len(),
        0,
        "nothing is written"
    );
    let unseen = home.mdm.correct_invoice(id, money("9.61"), "late reading").unwrap_err();
    assert!(matches!(unseen, MdmError::Invalid { field: "difference", .. }), "{unseen:?}");

    let made = home.mdm.correct_invoice(id, money("9.60"), "late reading").unwrap();
    assert_eq!((made.number.as_str(), made.amount), ("000003", money("9.60")));
    let Issued::Issued(correction) = made.issued else { panic!("{made:?}") };
    let again = home.mdm.correct_invoice(id, money("9.60"), "late reading").unwrap();
    assert_eq!(again.issued, Issued::Exists(correction));

    // The invoice is as it was; both replay; the correction names what it corrects and can be paid.
    let after = home.shown(id);
    assert_eq!((&after.plan, &after.history), (&october.plan, &october.history));
    assert_eq!(after.summary.corrections.len(), 1);
    let correction = home.shown(correction);
    let corrected = correction.corrected.clone().unwrap();
    assert_eq!((corrected.number.as_str(), corrected.reason.as_str()), ("000002", "late reading"));
    assert_eq!((corrected.before, corrected.after), (preview.before, preview.after));
    assert_ne!(correction.plan.determinants.readings, october.plan.determinants.readings);
    assert!(correction.summary.invoice.pix_payload.is_some());
    home.replays(&october.plan, LATE);
    home.replays(&correction.plan, LATE);

    // September's missing day was less than estimated: a credit, which the next bill takes off, once.
    home.read(home.import, "2026-09-15", "2026-09-16", 100).await;
    let less = home.mdm.preview_correction(september).unwrap().difference;
    assert_eq!(less, money("-5.76"));
    let credit = home.mdm.correct_invoice(september, less, "late reading").unwrap();
    let credit = home.shown(credit.issued.id()).summary.invoice;
    assert_eq!((credit.state, credit.pix_payload.is_none()), (InvoiceState::Credit, true));
    home.go_on(61);
    home.read(home.import, "2026-11-02", "2027-01-01", 250).await;
    home.read(home.export, "2026-11-02", "2027-01-01", 0).await;
    let november = home.issue("2026-11-01");
    assert_eq!(items(&november.plan), [("credit", -576)]);
    assert_eq!(november.summary.invoice.amount, money("292.24"));
    assert_eq!(home.shown(credit.id).summary.invoice.state, InvoiceState::Paid);
    assert_eq!(items(&home.issue("2026-12-01").plan), []);
    // November compares with October as it was corrected.
    assert_eq!(november.previous, Some(preview.after));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_name_changes_no_issued_invoice() {
    let home = Home::new("America/Bahia", LATE, "2026-11-02", Terms::default());
    home.read(home.import, "2026-10-01", "2026-11-02", 250).await;
    home.read(home.export, "2026-10-01", "2026-11-02", 0).await;
    let before = home.issue("2026-10-01");
    let (organisation, point) = (home.organisation, home.point);
    home.registry
        .write_blocking(move |tx| -> Result<_, RegistryError> {
            let mut new = NewOrganisation::named("Another Name", "America/Bahia");
            new.pix_key = Some("other@example.org".to_owned());
            organisations::update(tx, organisation, &new)?;
            let new = customers::NewCustomer {
                organisation,
                number: "1".to_owned(),
                name: "Somebody else".to_owned(),
                document: None,
                email: None,
                phone: None,
                address: None,
                language: None,
            };
            let customer = customers::insert(tx, &new, Timestamp::from_second(0))?;
            usage_points::set_customer(tx, point, customer)
        })
        .unwrap();
    let after = home.shown(before.summary.invoice.id);
    assert_eq!(after.issuer.name, "Luz do Vale");
    assert_eq!(after.issuer.pix_key, before.issuer.pix_key);
    assert_eq!(after.customer, None);
    let listed = home.registry.read_blocking(move |tx| invoices::list(tx, point)).unwrap();
    assert_eq!(listed[0].state, InvoiceState::Open);
}

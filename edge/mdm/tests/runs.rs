//! Billing runs on real files: from prepare to close, killed and started again, people who move.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use corrente_clock::BusinessClock;
use corrente_ledger::{Admission, Entry, Ledger, LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_mdm::{Mdm, MdmError, RunDetail, RunRequest, simulate::SimulationQuery};
use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Date, Direction, Reading, SourceQuality, Timestamp,
    id::{MeterId, OrganisationId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError, agreements,
    billing_runs::{self, ItemState, RunState},
    invoices::{self, InvoiceRow},
    meters::{self, NewChannel, NewMeter},
    organisations::{self, NewOrganisation},
    plans, tariffs,
    usage_points::{self, NewUsagePoint},
};
use corrente_units::{Energy, Money};

/// 0.40 a kWh and 30.00 a month.
const TARIFF: &str = r#"
code = "town"
version = "1"
name = "Town"
currency = "BRL"
valid_from = 2020-01-01
[[energy]]
code = "energy"
label = "Energy"
price = 0.40
[[fixed]]
code = "service"
label = "Service"
per = "month"
price = 30.00
"#;

struct Town {
    mdm: Mdm,
    registry: Registry,
    ledger: Arc<dyn Ledger>,
    calendar: Calendar,
    organisation: OrganisationId,
}

struct Home {
    point: UsagePointId,
    meter: MeterId,
    channel: ChannelId,
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

impl Town {
    /// Opens the town of a directory, and makes it where there is none.
    fn open(directory: &Path, today: &str) -> Self {
        let registry = Registry::open(directory.join("registry.db")).unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(
            SqliteLedger::open(&directory.join("ledger.db"), LedgerOptions::default()).unwrap(),
        );
        let calendar = Calendar::new("America/Bahia").unwrap();
        let clock = BusinessClock::stopped_at(calendar.midnight(date(today)).plus(12 * 3600));
        let organisation = registry
            .write_blocking(|tx| -> Result<_, RegistryError> {
                if let Some(known) = organisations::default_organisation(tx)? {
                    return Ok(known.id);
                }
                let long_ago = Timestamp::from_second(0);
                let new = NewOrganisation::named("Luz do Vale", "America/Bahia");
                let id = organisations::insert(tx, &new, long_ago)?;
                tariffs::insert_version(tx, id, "town", date("2020-01-01"), TARIFF, long_ago)?;
                Ok(id)
            })
            .unwrap();
        let specs = registry.read_blocking(meters::all_channel_specs).unwrap();
        ledger.open_channels(&specs).unwrap();
        let mdm = Mdm::new(registry.clone(), Arc::clone(&ledger), clock, LiveHub::new());
        Self { mdm, registry, ledger, calendar, organisation }
    }

    fn at(&self, day: &str) -> Timestamp {
        self.calendar.midnight(date(day))
    }

    /// A home with a meter that is read each midnight.
    fn home(&self, name: &str, route: &str, from: &str, tariff: bool) -> Home {
        let (organisation, name, route) = (self.organisation, name.to_owned(), route.to_owned());
        let from = self.at(from);
        let (point, meter, channel) = self
            .registry
            .write_blocking(move |tx| -> Result<_, RegistryError> {
                let row = organisations::get(tx, organisation)?.unwrap();
                let new = NewUsagePoint::named(&row, &name);
                let point = usage_points::insert(tx, &new, from)?;
                billing_runs::set_route(tx, point, Some(&route))?;
                if tariff {
                    let tariff = tariffs::by_name(tx, organisation, "town")?.unwrap();
                    agreements::insert(tx, point, tariff.id, Timestamp::from_second(0))?;
                }
                let serial = format!("M-{name}");
                let new = NewMeter {
                    organisation,
                    serial: &serial,
                    secret: None,
                    model: None,
                    reporting_seconds: 86_400,
                    enrolled_by: None,
                };
                let meter = meters::insert(tx, &new, from)?;
                meters::install(tx, meter, point, from, None)?;
                let channel = NewChannel {
                    name: "import".to_owned(),
                    kind: ChannelKind::Register,
                    direction: Direction::Import,
                    interval_seconds: None,
                    register_digits: None,
                };
                Ok((point, meter, meters::add_channel(tx, meter, &channel, from)?))
            })
            .unwrap();
        let specs = self.registry.read_blocking(meters::all_channel_specs).unwrap();
        self.ledger.open_channels(&specs).unwrap();
        Home { point, meter, channel }
    }

    /// 10 kWh a day.
    async fn read(&self, home: &Home, from: &str, to: &str) {
        let (from, to) = (self.at(from), self.at(to));
        let first = from.since(Timestamp::from_second(0)) / 86_400;
        let entries = (0..=to.since(from) / 86_400)
            .map(|day| Entry {
                channel: home.channel,
                reading: Reading {
                    end: from.plus(day * 86_400),
                    value: Energy::from_wh((first + day) * 10_000),
                    quality: SourceQuality::GOOD,
                },
                admission: Admission::Accept,
            })
            .collect();
        self.ledger.append(entries).await.unwrap();
    }

    fn prepare(&self, route: &str, first: &str, until: &str) -> RunDetail {
        self.mdm.prepare_run(&self.request(route, first, until)).unwrap()
    }

    fn request(&self, route: &str, first: &str, until: &str) -> RunRequest {
        RunRequest {
            organisation: self.organisation,
            route: Some(route.to_owned()),
            usage_point: None,
            first: Some(first).filter(|first| !first.is_empty()).map(date),
            until: date(until),
        }
    }

    fn invoices(&self, home: &Home) -> Vec<InvoiceRow> {
        let point = home.point;
        self.registry.read_blocking(move |tx| invoices::list(tx, point)).unwrap()
    }

    /// Approves and issues a run.
    fn bill(&self, detail: &RunDetail) -> usize {
        let (id, total) = (detail.run.id, detail.summary.total);
        self.mdm.approve_run(id, "ana", total).unwrap();
        self.mdm.issue_run(id, &mut |_| {}).unwrap().issued
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_from_prepare_to_close() {
    let directory = tempfile::tempdir().unwrap();
    let town = Town::open(directory.path(), "2026-11-20");
    let [a, b, c, d] = ["A", "B", "C", "D"].map(|n| town.home(n, "7", "2026-09-01", n != "B"));
    for home in [&a, &b, &d] {
        town.read(home, "2026-10-09", "2026-11-15").await;
    }
    town.read(&c, "2026-10-09", "2026-11-01").await;

    let detail = town.prepare("7", "2026-10-09", "2026-11-11");
    let summary = &detail.summary;
    assert_eq!((summary.ready, summary.exceptions), (2, 2), "{summary:#?}");
    // 33 days at 10 kWh, and one month's service.
    assert_eq!(summary.total, Money::from_minor(2 * (33 * 400 + 3000)));
    assert_eq!(summary.distribution.first(), Some(&(0, Money::from_minor(16_200))));
    let reason = |name: &str| {
        let (_, item) = summary.items.iter().find(|(known, _)| known == name).unwrap();
        item.reason.clone().unwrap_or_default()
    };
    assert!(reason("B").contains("has no tariff"), "{}", reason("B"));
    assert!(reason("C").contains("the last reading is of 2026-11-01"), "{}", reason("C"));

    // A preview writes nothing and says the same.
    let id = detail.run.id;
    let before = town.mdm.run_detail(id).unwrap();
    assert_eq!(town.mdm.preview_run(id).unwrap().total, summary.total);
    assert_eq!(town.mdm.run_detail(id).unwrap(), before);

    // What came in the meantime is seen when the run is prepared again; one home is held.
    town.read(&c, "2026-11-02", "2026-11-15").await;
    let detail = town.mdm.prepare_run_again(id).unwrap();
    assert_eq!((detail.summary.ready, detail.summary.exceptions), (3, 1));
    town.mdm.hold_in_run(id, d.point, Some("complaint 17")).unwrap();

    // A total that nobody saw is not approved; above the limit two people have to.
    let total = Money::from_minor(2 * 16_200);
    let wrong = town.mdm.approve_run(id, "ana", detail.summary.total);
    assert!(matches!(wrong, Err(MdmError::Invalid { field: "total", .. })), "{wrong:?}");
    let items = town.registry.read_blocking(move |tx| billing_runs::items(tx, id)).unwrap();
    assert!(items.iter().all(|item| item.plan.is_none()), "a refused total leaves no plan");
    let early = town.mdm.issue_run(id, &mut |_| {});
    assert!(matches!(early, Err(MdmError::RunState { state: "prepared", .. })), "{early:?}");
    town.mdm.approve_run(id, "ana", total).unwrap();
    assert_eq!(town.mdm.run_detail(id).unwrap().run.state, RunState::Approved);
    // Releasing changes the total: approvals end.
    town.mdm.hold_in_run(id, d.point, None).unwrap();
    let detail = town.mdm.run_detail(id).unwrap();
    assert_eq!((detail.run.state, detail.approvals.len()), (RunState::Prepared, 0));
    assert_eq!(town.bill(&detail), 3);
    assert_eq!(town.mdm.issue_run(id, &mut |_| {}).unwrap().issued, 0, "again: nothing");

    let numbers: BTreeSet<String> =
        [&a, &c, &d].into_iter().flat_map(|h| town.invoices(h)).map(|i| i.number).collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), ["000001", "000002", "000003"]);
    assert!(town.invoices(&b).is_empty());
    let invoice = town.mdm.invoice(town.invoices(&a)[0].id).unwrap().unwrap();
    assert_eq!((invoice.summary.days, invoice.plan.inputs.part_of_days), (33, None));
    assert_eq!(invoice.summary.from.to_string(), "2026-10-09");

    // A month that one of them bills already is not billed again by the calendar.
    let again = town.mdm.issue_invoice(a.point, date("2026-10-01"));
    assert!(matches!(again, Err(MdmError::BilledAlready { .. })), "{again:?}");
    assert_eq!(town.mdm.issue_due_invoices(a.point, town.at("2026-11-20")).unwrap(), 0);

    assert_eq!(town.mdm.close_run(id).unwrap().run.state, RunState::Closed);
    let closed = town.mdm.hold_in_run(id, b.point, Some("late"));
    assert!(matches!(closed, Err(MdmError::RunState { state: "closed", .. })), "{closed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_the_limit_two_people_approve() {
    let directory = tempfile::tempdir().unwrap();
    let town = Town::open(directory.path(), "2026-11-20");
    let home = town.home("A", "7", "2026-09-01", true);
    town.read(&home, "2026-10-09", "2026-11-15").await;
    town.mdm.set_approval_limit(town.organisation, Money::from_minor(10_000)).unwrap();
    let detail = town.prepare("7", "2026-10-09", "2026-11-11");
    let (id, total) = (detail.run.id, detail.summary.total);
    let waiting = town.mdm.approve_run(id, "ana", total).unwrap();
    assert_eq!(waiting.run.state, RunState::Waiting);
    let same = town.mdm.approve_run(id, "ana", total);
    assert!(matches!(same, Err(MdmError::Invalid { field: "person", .. })), "{same:?}");
    let early = town.mdm.issue_run(id, &mut |_| {});
    assert!(matches!(early, Err(MdmError::RunState { state: "waiting", .. })), "{early:?}");
    let both = town.mdm.approve_run(id, "bia", total).unwrap();
    assert_eq!((both.run.state, both.approvals.len()), (RunState::Approved, 2));
    assert_eq!(town.mdm.issue_run(id, &mut |_| {}).unwrap().issued, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_moves_pays_for_the_days() {
    let directory = tempfile::tempdir().unwrap();
    let town = Town::open(directory.path(), "2026-12-20");
    let stays = town.home("stays", "7", "2026-09-01", true);
    let comes = town.home("comes", "7", "2026-10-21", true);
    let goes = town.home("goes", "7", "2026-09-01", true);
    let changes = town.home("changes", "7", "2026-09-01", true);
    town.read(&stays, "2026-10-09", "2026-12-15").await;
    town.read(&changes, "2026-10-09", "2026-12-15").await;
    town.read(&comes, "2026-10-21", "2026-12-15").await;
    town.read(&goes, "2026-10-09", "2026-10-30").await;
    let (meter, gone) = (goes.meter, town.at("2026-10-29"));
    town.registry.write_blocking(move |tx| meters::remove(tx, meter, gone)).unwrap();

    // Somebody moves out before the run, with a bill of 10 days of October's 31.
    let closing = RunRequest {
        usage_point: Some(changes.point),
        ..town.request("", "2026-10-09", "2026-10-19")
    };
    let closing = town.mdm.prepare_run(&closing).unwrap();
    assert_eq!(closing.summary.total, Money::from_minor(10 * 400 + 968), "{closing:#?}");
    assert_eq!(town.bill(&closing), 1);

    // From 9 October to 11 November: 33 days; monthly charges count by days of these.
    let detail = town.prepare("7", "2026-10-09", "2026-11-11");
    let amount = |name: &str| {
        let (_, item) = detail.summary.items.iter().find(|(known, _)| known == name).unwrap();
        assert_eq!(item.state, ItemState::Ready, "{name}: {:?}", item.reason);
        (item.part_of_days, item.amount.minor())
    };
    assert_eq!(amount("stays"), (None, 33 * 400 + 3000));
    assert_eq!(amount("comes"), (Some(33), 21 * 400 + 1909));
    assert_eq!(amount("goes"), (Some(33), 20 * 400 + 1818));
    assert_eq!(amount("changes"), (Some(33), 23 * 400 + 2091));
    assert_eq!(town.bill(&detail), 4);

    // The next run goes on where each bill ended, and finds its first day by itself.
    let next = town.prepare("7", "", "2026-12-11");
    assert_eq!(next.run.first, date("2026-11-11"));
    assert_eq!((next.summary.ready, next.summary.exceptions), (3, 1));
    let gone = next.summary.items.iter().find(|(name, _)| name == "goes").unwrap();
    assert!(gone.1.reason.as_ref().unwrap().contains("nothing is left to bill"), "{gone:?}");
    assert_eq!(next.summary.total, Money::from_minor(3 * (30 * 400 + 3000)));
    // Of those with a bill before: the difference; and the run before of the same route.
    assert_eq!(next.summary.largest.len(), 3);
    let last = next.summary.last_run.unwrap();
    assert_eq!((last.number, last.bills, last.total), (2, 4, detail.summary.total));

    // Too short and too long are refused, and say what is allowed.
    for until in ["2026-11-20", "2027-01-20"] {
        let refused = town.mdm.prepare_run(&town.request("7", "2026-11-11", until));
        assert!(refused.unwrap_err().to_string().contains("15 to 47"), "{until}");
    }
    let refused = town.mdm.prepare_run(&town.request("8", "2026-11-11", "2026-12-11"));
    assert!(refused.unwrap_err().to_string().contains("no usage point is on route `8`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tariff_that_changes_inside_a_period_is_billed_in_portions() {
    let directory = tempfile::tempdir().unwrap();
    let town = Town::open(directory.path(), "2026-11-20");
    let home = town.home("A", "7", "2026-09-01", true);
    town.read(&home, "2026-10-09", "2026-11-15").await;
    let organisation = town.organisation;
    town.registry
        .write_blocking(move |tx| {
            let new = TARIFF.replace("version = \"1\"", "version = \"2\"");
            let new = new.replace("0.40", "0.50").replace("2020-01-01", "2026-11-01");
            let from = date("2026-11-01");
            tariffs::insert_version(tx, organisation, "town", from, &new, Timestamp::from_second(0))
        })
        .unwrap();
    let detail = town.prepare("7", "2026-10-09", "2026-11-11");
    // 23 days at 0.40 and 10 days at 0.50, and one month's service in two portions.
    assert_eq!(detail.summary.total.minor(), 23 * 400 + 10 * 500 + 3000, "{detail:#?}");
    town.bill(&detail);
    let invoice = town.mdm.invoice(town.invoices(&home)[0].id).unwrap().unwrap();
    assert_eq!(invoice.plan.tariffs.len(), 2);
    let plan = invoice.summary.invoice.plan;
    assert!(town.registry.read_blocking(move |tx| plans::get(tx, plan)).unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tariff_is_tried_on_what_was_used() {
    let directory = tempfile::tempdir().unwrap();
    let town = Town::open(directory.path(), "2026-11-20");
    let home = town.home("A", "7", "2026-09-01", true);
    town.read(&home, "2026-08-31", "2026-11-15").await;
    let file = TARIFF.replace("0.40", "0.30").replace("30.00", "50.00");
    // It begins later than what it is tried on.
    let file = file.replace("2020-01-01", "2027-01-01");
    let tariff = corrente_tariff::Tariff::parse(&file).unwrap();
    let query =
        SimulationQuery { organisation: town.organisation, usage_points: vec![], months: 12 };
    let found = town.mdm.simulate(&tariff, &query).unwrap();
    // September and October: 61 days of 10 kWh.
    assert_eq!(found.simulation.revenue_before.minor(), 61 * 400 + 2 * 3000);
    assert_eq!(found.simulation.revenue_after.minor(), 61 * 300 + 2 * 5000);
    assert_eq!((found.simulation.winners, found.simulation.losers), (1, 0));
    assert_eq!((found.bills, found.left_out.len()), (2, 0));
}

const CHILD: &str = "CORRENTE_TEST_RUN";
const HOMES: usize = 450;

/// Not a test of its own: the program that is killed.
#[test]
fn the_program_that_is_killed() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let town = Town::open(Path::new(&directory), "2026-11-20");
    let run = town.mdm.run_by_number(town.organisation, 1).unwrap();
    let mut out = std::io::stderr();
    town.mdm
        .issue_run(run.id, &mut |progress| writeln!(out, "issued {}", progress.issued).unwrap())
        .unwrap();
}

/// Starts the program; kills it after its first word, or waits for its end.
fn issue_in_a_program(directory: &Path, kill: bool) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_program_that_is_killed", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    if kill {
        assert!(said.any(|line| line.unwrap().starts_with("issued")), "it issued something");
        child.kill().unwrap();
        child.wait().unwrap();
    } else {
        said.for_each(drop);
        assert!(child.wait().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_goes_on_and_issues_each_invoice_once() {
    let directory = tempfile::tempdir().unwrap();
    {
        let town = Town::open(directory.path(), "2026-11-20");
        for n in 0..HOMES {
            let home = town.home(&format!("{n:04}"), "7", "2026-10-09", true);
            town.read(&home, "2026-10-09", "2026-11-12").await;
        }
        let detail = town.prepare("7", "2026-10-09", "2026-11-11");
        assert_eq!(detail.summary.ready, HOMES);
        town.mdm.approve_run(detail.run.id, "ana", detail.summary.total).unwrap();
    }
    issue_in_a_program(directory.path(), true);
    issue_in_a_program(directory.path(), true);
    issue_in_a_program(directory.path(), false);

    let town = Town::open(directory.path(), "2026-11-20");
    let run = town.mdm.run_by_number(town.organisation, 1).unwrap();
    assert_eq!(run.state, RunState::Issued);
    let (organisation, id) = (town.organisation, run.id);
    let (items, numbers) = town
        .registry
        .read_blocking(move |tx| -> Result<_, RegistryError> {
            let mut numbers = Vec::new();
            for point in usage_points::list_all(tx, organisation)? {
                let own = invoices::list(tx, point.id)?;
                assert_eq!(own.len(), 1, "{} has one invoice", point.name);
                numbers.extend(own.into_iter().map(|invoice| invoice.number));
            }
            Ok((billing_runs::items(tx, id)?, numbers))
        })
        .unwrap();
    assert!(items.iter().all(|item| item.state == ItemState::Issued && item.invoice.is_some()));
    let numbers: BTreeSet<String> = numbers.into_iter().collect();
    let expected: BTreeSet<String> = (1..=HOMES).map(|n| format!("{n:06}")).collect();
    assert_eq!(numbers, expected, "no gap and none twice");
}

//! Alerts on real files: told once, told live, put into the outbox, and over again.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

use std::{sync::Arc, time::Duration};

use corrente_alert::{Message, Moment, RuleKind};
use corrente_clock::BusinessClock;
use corrente_ledger::{Admission, Entry, Ledger, LedgerOptions, SqliteLedger};
use corrente_live::{LiveEvent, LiveHub, LiveNotice, LiveReading, LiveWhat};
use corrente_mdm::{Mdm, MdmError};
use corrente_metering::{
    Calendar, ChannelId, Reading, SourceQuality, Timestamp,
    id::{MeterId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError, agreements, customers,
    customers::NewCustomer,
    invoices,
    meters::{self, NewChannel, NewMeter},
    organisations::{self, NewOrganisation},
    outbox::{self, OutboxMessage},
    payments::NewPayment,
    tariffs,
    usage_points::{self, NewUsagePoint},
};
use corrente_units::{Energy, Money};
use serde_json::json;
use tokio::sync::broadcast::Receiver;

const FLAT: &str = include_str!("../../../tariffs/flat-040.toml");

struct Home {
    mdm: Mdm,
    registry: Registry,
    ledger: Arc<dyn Ledger>,
    clock: BusinessClock,
    live: LiveHub,
    calendar: Calendar,
    point: UsagePointId,
    meter: MeterId,
    channel: ChannelId,
    _directory: tempfile::TempDir,
}

impl Home {
    fn new(now: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path().join("registry.db")).unwrap();
        let path = directory.path().join("ledger.db");
        let ledger: Arc<dyn Ledger> =
            Arc::new(SqliteLedger::open(&path, LedgerOptions::default()).unwrap());
        let calendar = Calendar::new("America/Bahia").unwrap();
        let clock = BusinessClock::stopped_at(calendar.instant(now.parse().unwrap()));
        let (point, meter, channel) = registry
            .write_blocking(move |tx| -> Result<_, RegistryError> {
                let long_ago = Timestamp::from_second(0);
                let new = NewOrganisation::named("Luz do Vale", "America/Bahia");
                let organisation = organisations::insert(tx, &new, long_ago)?;
                let row = organisations::get(tx, organisation)?.unwrap();
                let ana = NewCustomer {
                    email: Some("ana@example.org".to_owned()),
                    ..NewCustomer::named(organisation, "1", "Ana")
                };
                let customer = customers::insert(tx, &ana, long_ago)?;
                let new = NewUsagePoint {
                    customer: Some(customer),
                    ..NewUsagePoint::named(&row, "Home 1")
                };
                let point = usage_points::insert(tx, &new, long_ago)?;
                let from = "2000-01-01".parse().unwrap();
                let version =
                    tariffs::insert_version(tx, organisation, "flat", from, FLAT, long_ago)?;
                agreements::insert(tx, point, version.tariff, long_ago)?;
                let new = NewMeter {
                    organisation,
                    serial: "M-1",
                    secret: None,
                    model: None,
                    reporting_seconds: 900,
                    enrolled_by: None,
                };
                let meter = meters::insert(tx, &new, long_ago)?;
                meters::install(tx, meter, point, long_ago, None)?;
                let channel = meters::add_channel(tx, meter, &NewChannel::import(), long_ago)?;
                Ok((point, meter, channel))
            })
            .unwrap();
        let specs = registry.read_blocking(meters::all_channel_specs).unwrap();
        ledger.open_channels(&specs).unwrap();
        let live = LiveHub::new();
        let mdm = Mdm::new(registry.clone(), Arc::clone(&ledger), clock.clone(), live.clone());
        Self {
            mdm,
            registry,
            ledger,
            clock,
            live,
            calendar,
            point,
            meter,
            channel,
            _directory: directory,
        }
    }

    fn at(&self, civil: &str) -> Timestamp {
        self.calendar.instant(civil.parse().unwrap())
    }

    fn go_to(&self, civil: &str) {
        let seconds = self.at(civil).since(self.clock.now());
        assert!(self.clock.advance(u32::try_from(seconds).unwrap()));
    }

    async fn read(&self, civil: &str, wh: i64) {
        self.read_at(self.at(civil), wh).await;
    }

    async fn read_at(&self, end: Timestamp, wh: i64) {
        let value = Energy::from_wh(wh);
        let reading = Reading { end, value, quality: SourceQuality::GOOD };
        let entry = Entry { channel: self.channel, reading, admission: Admission::Accept };
        self.ledger.append(vec![entry]).await.unwrap();
        self.live.publish(LiveReading {
            channel: self.channel,
            usage_point: Some(self.point),
            meter: self.meter,
            t: end,
            register: Some(value),
            power_w: None,
            volts_mv: [None; 3],
            amps_ma: [None; 3],
        });
    }

    fn messages(&self) -> Vec<(OutboxMessage, Message)> {
        let far = Timestamp::MAX;
        self.registry
            .read_blocking(move |tx| outbox::due(tx, far, 100))
            .unwrap()
            .into_iter()
            .map(|row| (row.clone(), serde_json::from_value(row.document).unwrap()))
            .collect()
    }
}

/// The next alert that reaches an open page.
async fn alert(events: &mut Receiver<Arc<LiveEvent>>) -> serde_json::Value {
    loop {
        let event =
            tokio::time::timeout(Duration::from_secs(20), events.recv()).await.unwrap().unwrap();
        if let LiveWhat::Notice(LiveNotice::Alert(alert)) = &event.what {
            return alert.clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn excessive_consumption_is_told_once_and_over_with_the_period() {
    let home = Home::new("2026-10-20T12:00");
    home.read("2026-10-01T00:00", 1_000).await;
    home.read("2026-10-20T12:00", 300_000).await;
    assert_eq!(home.mdm.evaluate_alerts(home.point).unwrap(), []);

    home.go_to("2026-10-21T12:00");
    home.read("2026-10-21T12:00", 301_001).await;
    let told = home.mdm.evaluate_alerts(home.point).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind.as_str(), told[0].state), ("excessive_consumption", "active"));
    assert_eq!(told[0].values["value"], "300.001");
    assert_eq!(told[0].values["limit"], "300");
    // Again, and after a restart: nothing more.
    assert_eq!(home.mdm.evaluate_alerts(home.point).unwrap(), []);
    let again = Mdm::new(
        home.registry.clone(),
        Arc::clone(&home.ledger),
        home.clock.clone(),
        LiveHub::new(),
    );
    assert_eq!(again.evaluate_alerts(home.point).unwrap(), []);

    home.go_to("2026-11-01T00:30");
    home.read("2026-11-01T00:30", 320_000).await;
    let over = home.mdm.evaluate_alerts(home.point).unwrap();
    assert_eq!((over[0].state, over.len()), ("over", 1));
    assert_eq!(over[0].id, told[0].id);

    let messages = home.messages();
    let moments: Vec<_> = messages.iter().map(|(_, m)| (m.kind, m.moment)).collect();
    let kind = RuleKind::ExcessiveConsumption;
    assert_eq!(moments, [(kind.into(), Moment::Started), (kind.into(), Moment::Over)]);
    assert_eq!(messages[0].0.recipient, "ana@example.org");
    let view = home.mdm.alerts(home.point).unwrap();
    assert_eq!((view.events.len(), view.rules.len()), (1, RuleKind::ALL.len()));
    assert!(view.events[0].until.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_15_percent_above_the_last_one_is_told_while_it_runs() {
    let home = Home::new("2026-11-02T00:00");
    home.read("2026-10-01T00:00", 0).await;
    for day in 2..=31 {
        home.read(&format!("2026-10-{day:02}T00:00"), (day - 1) * 8_000).await;
    }
    home.read("2026-11-01T00:00", 31 * 8_000).await;
    home.mdm.issue_invoice(home.point, "2026-10-01".parse().unwrap()).unwrap();
    // The same goes on: nothing to tell.
    home.read("2026-11-02T00:00", 32 * 8_000).await;
    assert_eq!(home.mdm.evaluate_alerts(home.point).unwrap(), []);
    // Then twice as much.
    let mut register = 32 * 8_000;
    let mut told = Vec::new();
    for day in 3..=10 {
        let civil = format!("2026-11-{day:02}T00:00");
        home.go_to(&civil);
        register += 16_000;
        home.read(&civil, register).await;
        told.extend(home.mdm.evaluate_alerts(home.point).unwrap());
    }
    assert!(!told.is_empty());
    assert_eq!(told[0].kind, "bill_jump");
    assert_eq!(told[0].values["previous"], "99.20");
    // It became worse at most a few times, and never twice a day.
    assert!(told.len() <= 4, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_threshold_that_is_crossed_reaches_an_open_page_at_once() {
    let home = Home::new("2026-10-20T12:00");
    home.read("2026-10-01T00:00", 0).await;
    let mut page = home.live.subscribe();
    let mdm = home.mdm.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let jobs = tokio::spawn(async move {
        mdm.run_jobs(async { drop(stopped.await) }).await;
    });
    // The jobs listen before anything is told: readings go on until the first alert comes.
    let mut register = 299_000;
    let started = std::time::Instant::now();
    let told = loop {
        register += 1_001;
        let t = home.clock.now();
        home.clock.advance(10);
        home.read_at(t, register).await;
        let wait = tokio::time::timeout(Duration::from_millis(300), alert(&mut page));
        if let Ok(told) = wait.await {
            break told;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "nothing was told");
    };
    assert_eq!(told["kind"], "excessive_consumption");
    assert_eq!(told["state"], "active");
    assert_eq!(home.messages().len(), 1);

    // A rule that was passed by power: the next reading tells it.
    home.mdm
        .put_alert_rule(
            home.point,
            RuleKind::ExcessiveConsumption,
            json!({"threshold": "5000", "unit": "w", "per": "hour"}),
            true,
        )
        .unwrap();
    home.clock.advance(10);
    // 50 Wh in ten seconds are 18 kW.
    let crossed = std::time::Instant::now();
    home.read_at(home.clock.now(), register + 50).await;
    let told = alert(&mut page).await;
    println!("from the reading to the page: {:?}", crossed.elapsed());
    assert_eq!(told["values"]["unit"], "w");
    stop.send(()).unwrap();
    jobs.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_issues_invoices_and_payment_is_shown() {
    let home = Home::new("2026-09-01T00:20");
    for month in 6..=9 {
        home.read(&format!("2026-{month:02}-01T00:00"), i64::from(month) * 200_000).await;
    }
    home.mdm.put_alert_rule(home.point, RuleKind::InvoiceIssued, json!({}), true).unwrap();
    home.mdm.put_alert_rule(home.point, RuleKind::InvoicePaid, json!({}), true).unwrap();
    home.mdm.hourly(home.clock.now()).unwrap();
    // Two months in which nobody looked.
    home.go_to("2026-11-01T00:20");
    for month in 10..=11 {
        home.read(&format!("2026-{month:02}-01T00:00"), i64::from(month) * 200_000).await;
    }
    home.mdm.hourly(home.clock.now()).unwrap();
    home.mdm.hourly(home.clock.now()).unwrap();
    let invoices = home.mdm.invoices(home.point).unwrap();
    let numbers: Vec<_> = invoices.iter().map(|i| i.invoice.number.as_str()).collect();
    assert_eq!(numbers, ["000003", "000002", "000001"], "August to October, none twice");
    let issued = |messages: Vec<(OutboxMessage, Message)>, kind: RuleKind| {
        messages.into_iter().filter(|(_, m)| m.kind == kind.into()).count()
    };
    assert_eq!(issued(home.messages(), RuleKind::InvoiceIssued), 2, "an old one is no news");

    let mut page = home.live.subscribe();
    let invoice = invoices[0].invoice.clone();
    home.mdm
        .record_payment(NewPayment {
            invoice: invoice.id,
            amount: invoice.amount,
            paid: home.clock.now(),
            method: "pix".to_owned(),
            reference: "E1".to_owned(),
        })
        .unwrap();
    let event = page.recv().await.unwrap();
    assert_eq!(event.what, LiveWhat::Notice(LiveNotice::InvoicePaid(invoice.id)));
    let row =
        home.registry.read_blocking(move |tx| invoices::get(tx, invoice.id)).unwrap().unwrap();
    assert_eq!(row.state, invoices::InvoiceState::Paid);
    assert_eq!(row.amount, Money::from_minor(8_000));
    assert_eq!(issued(home.messages(), RuleKind::InvoicePaid), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_cannot_work_are_refused_and_a_changed_rule_begins_anew() {
    let home = Home::new("2026-10-20T12:00");
    let put =
        |parameters| home.mdm.put_alert_rule(home.point, RuleKind::BillJump, parameters, true);
    for (parameters, field) in
        [(json!({"percent": "0"}), "percent"), (json!({"colour": "red"}), "parameters")]
    {
        let refused = put(parameters);
        assert!(matches!(&refused, Err(MdmError::Invalid { field: f, .. }) if *f == field));
    }
    assert!(put(json!({"percent": "30"})).unwrap().enabled);

    home.read("2026-10-01T00:00", 0).await;
    home.read("2026-10-20T12:00", 310_000).await;
    assert_eq!(home.mdm.evaluate_alerts(home.point).unwrap().len(), 1);
    // With a limit above what was used, what was seen is over.
    let parameters = json!({"threshold": "400", "unit": "kwh", "per": "bill"});
    home.mdm.put_alert_rule(home.point, RuleKind::ExcessiveConsumption, parameters, true).unwrap();
    let view = home.mdm.alerts(home.point).unwrap();
    assert_eq!(view.events.len(), 1);
    assert!(view.events[0].until.is_some());
    let own = view.rules.iter().find(|r| r.kind == RuleKind::ExcessiveConsumption).unwrap();
    assert_eq!(own.parameters["threshold"], "400");
}

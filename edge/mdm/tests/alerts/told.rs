//! What is told, to whom, and when it is over.

use std::{sync::Arc, time::Duration};

use corrente_alert::Message;
use corrente_alert::{Moment, RuleKind};
use corrente_live::{LiveEvent, LiveHub, LiveNotice, LiveWhat};
use corrente_mdm::{Mdm, MdmError};
use corrente_metering::id::AlertEventId;
use corrente_registry::{
    alerts::{self, AlertEvent},
    invoices,
    outbox::OutboxMessage,
    payments::NewPayment,
};
use corrente_units::Money;
use serde_json::json;
use tokio::sync::broadcast::Receiver;

use crate::home::Home;

/// The next alert that reaches an open page.
async fn alert(events: &mut Receiver<Arc<LiveEvent>>) -> AlertEventId {
    loop {
        let event =
            tokio::time::timeout(Duration::from_secs(20), events.recv()).await.unwrap().unwrap();
        if let LiveWhat::Notice(LiveNotice::Alert(id)) = event.what {
            return id;
        }
    }
}

fn event(home: &Home, id: AlertEventId) -> AlertEvent {
    home.registry.read_blocking(move |tx| alerts::get_event(tx, id)).unwrap().unwrap()
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
    assert_eq!((told[0].kind.as_str(), told[0].until), ("excessive_consumption", None));
    assert_eq!(told[0].document["value"], "300.001");
    assert_eq!(told[0].document["limit"], "300");
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
    assert_eq!((over[0].until, over.len()), (Some(home.clock.now()), 1));
    assert_eq!(over[0].id, told[0].id);
    assert_eq!(over[0].document, told[0].document, "the page goes on saying what was seen");

    let messages = home.messages();
    let moments: Vec<_> = messages.iter().map(|(_, m)| (m.kind, m.moment)).collect();
    let kind = RuleKind::ExcessiveConsumption;
    assert_eq!(moments, [(kind.into(), Moment::Started)], "that a month ended is no news");
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
    assert_eq!(told[0].document["previous"], "99.20");
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
    let told = event(&home, told);
    assert_eq!((told.kind.as_str(), told.until), ("excessive_consumption", None));
    assert_eq!(home.messages().len(), 1);

    // A rule that was passed by power: the next reading tells it.
    home.mdm
        .put_alert_rule(
            home.point,
            RuleKind::ExcessiveConsumption,
            json!({"threshold": "5000", "unit": "w", "per": "hour", "for_minutes": 0}),
            true,
        )
        .unwrap();
    home.clock.advance(10);
    // 50 Wh in ten seconds are 18 kW.
    let crossed = std::time::Instant::now();
    home.read_at(home.clock.now(), register + 50).await;
    let told = alert(&mut page).await;
    println!("from the reading to the page: {:?}", crossed.elapsed());
    // Its turn among the others would have come after 15 seconds.
    assert!(crossed.elapsed() < Duration::from_secs(10), "the new rule waited for its turn");
    assert_eq!(event(&home, told).document["unit"], "w");
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

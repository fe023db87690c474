//! What rules measure can be put in words: each kind and moment, from readings to a letter.

use std::collections::BTreeSet;

use corrente_alert::{Moment, RuleKind, Topic};
use corrente_live::LiveReading;
use corrente_mdm::told;
use corrente_metering::{Date, Span, id::InvoiceId};
use corrente_notify::Catalogue;
use corrente_registry::{
    RegistryError,
    invoices::{self, NewInvoice},
    payments::NewPayment,
    plans, usage_points,
};
use corrente_units::{Currency, Money};
use jiff::ToSpan as _;
use serde_json::json;

use crate::home::Home;

/// Every message that waits, written in each language. The page says the same of each event.
fn written(home: &Home) -> BTreeSet<(Topic, Moment)> {
    let catalogue = Catalogue::built_in().unwrap();
    let mut seen = BTreeSet::new();
    let mut sentences = BTreeSet::new();
    for (_, message) in home.messages() {
        for language in ["pt-BR", "en", "es"] {
            let message =
                corrente_alert::Message { language: language.to_owned(), ..message.clone() };
            let words = catalogue.words(&message, None);
            let words = words.unwrap_or_else(|error| panic!("{error}: {message:?}"));
            for text in [words.title, words.sentence, words.action] {
                assert!(!text.contains(['{', '}']) && !text.contains("  "), "{text}");
                sentences.insert(text);
            }
        }
        seen.insert((message.kind, message.moment));
    }
    let id = home.point;
    let point = home.registry.read_blocking(move |tx| usage_points::get(tx, id)).unwrap().unwrap();
    for event in home.mdm.alerts(id).unwrap().events {
        let message = told(&event, &point, "es".to_owned()).unwrap();
        let words = catalogue.words(&message, None).unwrap();
        assert!(sentences.contains(&words.sentence), "{event:?}: {}", words.sentence);
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_each_rule_measures_can_be_said_in_every_language() {
    let home = Home::new("2026-11-01T08:00");
    home.read("2025-10-01T00:00", 0).await;
    let register = home.hours("2025-10-01T00:00", "2026-11-01T08:00", 400, 0).await;
    for month in ["2025-11-01", "2026-09-01", "2026-10-01"] {
        home.mdm.issue_invoice(home.point, month.parse().unwrap()).unwrap();
    }
    for (kind, parameters) in [
        (RuleKind::ExcessiveConsumption, json!({"threshold": "200", "unit": "kwh", "per": "bill"})),
        (RuleKind::BillJump, json!({"percent": "15"})),
        (RuleKind::BillJumpYear, json!({"percent": "15"})),
        (RuleKind::ForecastOverBudget, json!({"amount": "150"})),
        (RuleKind::AlwaysOn, json!({"percent": "30"})),
        (RuleKind::UnusualDay, json!({"percent": "60"})),
        (RuleKind::MeterSilent, json!({"minutes": 1440})),
        (RuleKind::InvoiceIssued, json!({})),
        (RuleKind::InvoiceDue, json!({"days_before": 3})),
        (RuleKind::InvoiceOverdue, json!({})),
        (RuleKind::InvoicePaid, json!({})),
    ] {
        home.set(kind, parameters);
    }
    // Three times as much for eight days, then two days of silence, then next to nothing.
    let mut register = register;
    for day in 2..=9 {
        let (from, until) =
            (format!("2026-11-{:02}T08:00", day - 1), format!("2026-11-{day:02}T08:00"));
        home.go_to(&until);
        register = home.hours(&from, &until, 1_200, register).await;
        home.mdm.evaluate_alerts(home.point).unwrap();
    }
    home.go_to("2026-11-11T09:00");
    home.mdm.evaluate_alerts(home.point).unwrap();
    for day in 12..=29 {
        let (from, until) =
            (format!("2026-11-{:02}T08:00", day - 1), format!("2026-11-{day:02}T08:00"));
        home.go_to(&until);
        register = home.hours(&from, &until, 10, register).await;
        home.mdm.evaluate_alerts(home.point).unwrap();
    }
    let paid = home.mdm.invoices(home.point).unwrap()[0].invoice.clone();
    let payment = NewPayment {
        invoice: paid.id,
        amount: paid.amount,
        paid: home.clock.now(),
        method: "pix".to_owned(),
        reference: "E1".to_owned(),
    };
    home.mdm.record_payment(payment).unwrap();
    let seen = written(&home);
    for kind in RuleKind::ALL {
        assert!(seen.contains(&(kind.into(), Moment::Started)), "{kind}: {seen:?}");
    }
    for kind in [
        RuleKind::BillJump,
        RuleKind::BillJumpYear,
        RuleKind::ForecastOverBudget,
        RuleKind::AlwaysOn,
        RuleKind::MeterSilent,
    ] {
        assert!(seen.contains(&(kind.into(), Moment::Over)), "{kind}: {seen:?}");
    }
    // On the page an end that was told stands in place of what began.
    let events = home.mdm.alerts(home.point).unwrap().events;
    let moment = |kind: RuleKind| {
        let of_kind = events.iter().find(|event| event.kind == kind.word());
        of_kind.map(|event| event.document["moment"].clone()).unwrap()
    };
    assert_eq!(moment(RuleKind::MeterSilent), "over");
    assert_eq!(moment(RuleKind::UnusualDay), "started");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_power_and_money_can_be_said_too() {
    for (unit, per, threshold) in [("w", "hour", "5000"), ("money", "bill", "100")] {
        let home = Home::new("2026-11-10T08:00");
        home.read("2026-10-01T00:00", 0).await;
        let register = home.hours("2026-10-01T00:00", "2026-11-10T08:00", 300, 0).await;
        home.set(RuleKind::ExcessiveConsumption, limit(unit, per, threshold));
        home.go_to("2026-11-10T10:00");
        home.read("2026-11-10T10:00", register + 400_000).await;
        power(&home, 6_000);
        home.mdm.evaluate_alerts(home.point).unwrap();
        assert_eq!(written(&home).len(), 1, "{unit}");
    }
}

fn limit(unit: &str, per: &str, threshold: &str) -> serde_json::Value {
    let mut parameters = json!({"threshold": threshold, "unit": unit, "per": per});
    if unit == "w" {
        parameters["for_minutes"] = 0.into();
    }
    parameters
}

fn power(home: &Home, watts: i64) {
    home.live.publish(LiveReading {
        channel: home.channel,
        usage_point: Some(home.point),
        meter: home.meter,
        t: home.clock.now(),
        register: None,
        power_w: Some(watts),
        volts_mv: [None; 3],
        amps_ma: [None; 3],
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_of_hours_ago_says_nothing_about_now() {
    let home = Home::new("2026-11-10T08:00");
    home.read("2026-11-10T08:00", 1_000).await;
    power(&home, 6_000);
    home.go_to("2026-11-10T10:00");
    home.set(RuleKind::ExcessiveConsumption, limit("w", "hour", "5000"));
    assert_eq!(home.mdm.evaluate_alerts(home.point).unwrap(), []);
    assert_eq!(home.mdm.alerts(home.point).unwrap().events, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_owes_many_bills_is_told_of_the_latest_and_once() {
    let home = Home::new("2026-11-20T08:00");
    let (point, now) = (home.point, home.clock.now());
    home.registry
        .write_blocking(move |tx| -> Result<_, RegistryError> {
            let plan = plans::insert(tx, point, "{}", "digest", now)?;
            let first: Date = "2024-06-10".parse().unwrap();
            for n in 0..30_i64 {
                let end = now.plus((n - 30) * 30 * 86_400);
                let new = NewInvoice {
                    id: InvoiceId::from_uuid(uuid::Uuid::now_v7()),
                    usage_point: point,
                    plan,
                    number: format!("{n:06}"),
                    period: Span::new(end.plus(-1000), end),
                    issued: end,
                    due: first.saturating_add(n.months()),
                    energy: None,
                    amount: Money::from_minor(3100),
                    currency: Currency::Brl,
                    pix_payload: None,
                    pix_txid: None,
                    bar_code: None,
                    corrects: None,
                    facts: json!({}),
                };
                invoices::insert(tx, &new)?;
            }
            Ok(())
        })
        .unwrap();
    home.set(RuleKind::InvoiceOverdue, json!({}));
    for day in 20..=24 {
        home.go_to(&format!("2026-11-{day}T09:00"));
        home.mdm.evaluate_alerts(home.point).unwrap();
    }
    assert_eq!(home.messages().len(), 2);
}

use corrente_metering::{Date, Span, Timestamp, id::InvoiceId};
use corrente_registry::{
    agreements, alerts, findings,
    findings::NewFinding,
    invoices::{self, InvoiceState, Issued, NewInvoice},
    outbox::{self, Attempt, NewMessage},
    payments::{self, NewPayment, Recorded},
    plans, tariffs,
};
use corrente_units::{Currency, Energy, Money};
use serde_json::json;

use super::town::{NOW, Town};

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn the_newest_version_of_the_latest_date_holds() {
    let town = Town::new();
    let organisation = town.organisation;
    town.write(move |tx| {
        let mut version =
            |from, text| tariffs::insert_version(tx, organisation, "B1", date(from), text, NOW);
        let first = version("2025-01-01", "a")?;
        let second = version("2026-01-01", "b")?;
        let mended = version("2026-01-01", "c")?;
        assert_eq!(version("2026-01-01", "b")?, second, "the same text again is no new version");
        let tariff = first.tariff;
        for (day, expected) in
            [("2024-12-31", None), ("2025-12-31", Some(&first)), ("2026-01-01", Some(&mended))]
        {
            let found = tariffs::version_at(tx, tariff, date(day))?;
            assert_eq!(found.as_ref(), expected, "{day}");
        }
        assert_eq!(tariffs::versions(tx, tariff)?.len(), 3);
        Ok(())
    });
}

#[test]
fn agreements_follow_each_other() {
    let town = Town::new();
    let organisation = town.organisation;
    let home = town.usage_point("home", None);
    town.write(move |tx| {
        let day = date("2025-01-01");
        let mut tariff = |name| {
            tariffs::insert_version(tx, organisation, name, day, name, NOW).map(|v| v.tariff)
        };
        let (flat, white) = (tariff("flat")?, tariff("white")?);
        agreements::insert(tx, home, flat, NOW)?;
        agreements::insert(tx, home, white, NOW.plus(100))?;
        let at = |tx: &mut _, t| agreements::at(tx, home, t).map(|a| a.map(|a| a.tariff));
        assert_eq!(at(tx, NOW.plus(-1))?, None);
        assert_eq!(at(tx, NOW.plus(99))?, Some(flat));
        assert_eq!(at(tx, NOW.plus(100))?, Some(white));
        assert_eq!(agreements::during(tx, home, Span::new(NOW, NOW.plus(200)))?.len(), 2);
        agreements::insert(tx, home, white, NOW)?;
        assert_eq!(agreements::during(tx, home, Span::new(NOW, NOW.plus(200)))?.len(), 1);
        Ok(())
    });
}

#[test]
fn an_invoice_is_issued_once_and_paid_once() {
    let town = Town::new();
    let organisation = town.organisation;
    let home = town.usage_point("home", None);
    town.write(move |tx| {
        let plan = plans::insert(tx, home, "{}", "digest", NOW)?;
        assert_eq!(plans::insert(tx, home, "{}", "digest", NOW)?, plan);
        let mut issue = |number: i64| {
            let number = format!("2026-{number:06}");
            invoices::insert(
                tx,
                &NewInvoice {
                    id: InvoiceId::from_uuid(uuid::Uuid::now_v7()),
                    usage_point: home,
                    plan,
                    number,
                    period: Span::new(NOW, NOW.plus(1000)),
                    issued: NOW.plus(1000),
                    due: date("2026-12-10"),
                    energy: Some(Energy::from_wh(34_000)),
                    amount: Money::from_minor(3100),
                    currency: Currency::Brl,
                    pix_payload: None,
                    pix_txid: Some("TX1".to_owned()),
                    bar_code: None,
                    corrects: None,
                    facts: json!({}),
                },
            )
        };
        let Issued::Issued(id) = issue(1)? else { panic!("it is the first") };
        assert_eq!(issue(2)?, Issued::Exists(id));
        assert_eq!(invoices::next_number(tx, organisation)?, 1);
        assert_eq!(invoices::next_number(tx, organisation)?, 2);

        let pay = |minor, reference: &str| NewPayment {
            invoice: id,
            amount: Money::from_minor(minor),
            paid: NOW,
            method: "pix".to_owned(),
            reference: reference.to_owned(),
        };
        assert_eq!(payments::insert(tx, &pay(1000, "E1"), NOW)?, Recorded::Kept);
        assert_eq!(payments::insert(tx, &pay(1000, "E1"), NOW)?, Recorded::Exists);
        assert_eq!(payments::insert(tx, &pay(2100, "E2"), NOW)?, Recorded::Paid);
        assert_eq!(invoices::by_txid(tx, "TX1")?.unwrap().state, InvoiceState::Paid);
        assert_eq!(invoices::list(tx, home)?.len(), 1);
        Ok(())
    });
}

#[test]
fn a_usage_points_own_rule_stands_in_for_the_default() {
    let town = Town::new();
    let organisation = town.organisation;
    let (home, shop) = (town.usage_point("home", None), town.usage_point("shop", None));
    town.write(move |tx| {
        let (own, default) = (json!({"wh": 500_000}), json!({"wh": 300_000}));
        alerts::put_default(tx, organisation, "excessive_consumption", &default, true, NOW)?;
        alerts::put_default(tx, organisation, "bill_jump", &json!({}), true, NOW)?;
        alerts::put_rule(tx, home, "excessive_consumption", &json!({}), true, NOW)?;
        alerts::put_rule(tx, home, "excessive_consumption", &own, false, NOW)?;
        let rules = |tx: &mut _, point| {
            alerts::rules_for(tx, point).map(|rules| {
                rules.into_iter().map(|r| (r.kind, r.enabled, r.parameters)).collect::<Vec<_>>()
            })
        };
        let jump = ("bill_jump".to_owned(), true, json!({}));
        let excessive = "excessive_consumption".to_owned();
        assert_eq!(rules(tx, home)?, [jump.clone(), (excessive.clone(), false, own)]);
        assert_eq!(rules(tx, shop)?, [jump, (excessive, true, default)]);

        let rule = alerts::rules_for(tx, home)?.remove(0).id;
        assert_eq!(alerts::state(tx, rule, home)?, None);
        alerts::put_state(tx, rule, home, &json!({"raised": false}), NOW)?;
        alerts::put_state(tx, rule, home, &json!({"raised": true}), NOW)?;
        assert_eq!(alerts::state(tx, rule, home)?, Some(json!({"raised": true})));

        let event = alerts::insert_event(tx, home, "bill_jump", NOW, &json!({"percent": "20"}))?;
        assert_eq!(alerts::unread(tx, home, 3)?, std::slice::from_ref(&event));
        alerts::mark_read(tx, event.id, NOW)?;
        assert!(alerts::unread(tx, home, 3)?.is_empty());
        assert_eq!(alerts::end_events(tx, home, "bill_jump", NOW.plus(5))?, 1);
        assert_eq!(alerts::events(tx, home, 10)?[0].until, Some(NOW.plus(5)));
        assert!(alerts::events(tx, shop, 10)?.is_empty());
        Ok(())
    });
}

#[test]
fn a_message_waits_until_it_is_sent() {
    let town = Town::new();
    let organisation = town.organisation;
    town.write(move |tx| {
        let new = NewMessage {
            organisation,
            channel: "email".to_owned(),
            recipient: "ana@example.com".to_owned(),
            document: json!({"subject": "x"}),
            idempotency_key: "alert-1".to_owned(),
        };
        assert!(outbox::enqueue(tx, &new, NOW)?);
        assert!(!outbox::enqueue(tx, &new, NOW)?);
        let message = outbox::due(tx, NOW, Timestamp::MAX, 5, 10)?.remove(0);
        let retry = Attempt::RetryAt { next: NOW.plus(60), error: "refused".to_owned() };
        outbox::mark(tx, message.id, &retry)?;
        assert!(outbox::due(tx, NOW, Timestamp::MAX, 5, 10)?.is_empty());
        assert_eq!(outbox::due(tx, NOW.plus(60), Timestamp::MAX, 5, 10)?[0].attempts, 1);
        outbox::mark(tx, message.id, &Attempt::Sent)?;
        assert!(outbox::due(tx, NOW.plus(60), Timestamp::MAX, 5, 10)?.is_empty());
        Ok(())
    });
}

#[test]
fn a_finding_is_stored_once() {
    let town = Town::new();
    let organisation = town.organisation;
    let home = town.usage_point("home", None);
    town.write(move |tx| {
        let new = NewFinding {
            effect_wh: None,
            organisation,
            usage_point: Some(home),
            channel: None,
            rule: "conflict".to_owned(),
            span: Span::new(NOW, NOW.plus(1)),
            document: json!({}),
            idempotency_key: "1/1".to_owned(),
        };
        assert!(findings::insert(tx, &new, NOW)?);
        assert!(!findings::insert(tx, &new, NOW)?);
        assert_eq!(findings::list(tx, home, 10)?.len(), 1);
        Ok(())
    });
}

use std::fmt::Write as _;

use corrente_metering::{Calendar, calendar::DateTime};
use expect_test::{Expect, expect};

use super::*;

/// Runs a rule over a table of "local time, subject, value" and prints what it tells.
fn check(rule: &Rule, table: &str, expected: Expect) {
    let calendar = Calendar::new("America/Bahia").unwrap();
    rule.check().unwrap();
    let machine = rule.machine();
    let mut state = State::default();
    let mut out = String::new();
    for line in table.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [time, subject, value] = words[..] else { panic!("three words a line: {line}") };
        let civil: DateTime = time.parse().unwrap();
        let fact = Fact {
            at: calendar.instant(civil),
            day: civil.date(),
            subject: subject.to_owned(),
            value: value.parse().ok(),
        };
        let (next, notices) = machine.step(&state, &fact);
        // A state survives being stored: a restart changes nothing.
        let stored = serde_json::to_string(&next).unwrap();
        state = serde_json::from_str(&stored).unwrap();
        assert_eq!(state, next);
        for notice in notices {
            match notice {
                Notice::Started { subject, value, .. } => {
                    writeln!(out, "{time} started {subject} {value}").unwrap();
                }
                Notice::Worse { subject, value, .. } => {
                    writeln!(out, "{time} worse {subject} {value}").unwrap();
                }
                Notice::Over { subject, worst, .. } => {
                    writeln!(out, "{time} over {subject}, at worst {worst}").unwrap();
                }
            }
        }
    }
    expected.assert_eq(&out);
}

#[test]
fn more_than_300_kwh_in_one_billing_period_is_told_once_and_over_with_the_period() {
    check(
        &RuleKind::ExcessiveConsumption.default_rule(),
        "2026-10-20T12:00 october 299
         2026-10-21T12:00 october 300
         2026-10-22T12:00 october 300.001
         2026-10-22T13:00 october 310
         2026-10-25T13:00 october 400
         2026-10-29T13:00 october 451
         2026-11-01T00:01 november 0.1
         2026-11-30T00:01 november 290",
        expect![[r"
            2026-10-22T12:00 started october 300.001
            2026-10-29T13:00 worse october 451
            2026-11-01T00:01 over october, at worst 451
        "]],
    );
}

#[test]
fn a_projection_that_swings_around_the_limit_does_not_nag() {
    check(
        &RuleKind::BillJump.default_rule(),
        "2026-10-05T08:00 october 14
         2026-10-05T12:00 october 16
         2026-10-05T13:00 october 14
         2026-10-05T14:00 october 16
         2026-10-06T08:00 october 11.9
         2026-10-06T12:00 october 17
         2026-10-06T13:00 october 10
         2026-10-06T14:00 october 18
         2026-10-06T15:00 october 9
         2026-10-06T16:00 october 33
         2026-10-07T12:00 october -",
        expect![[r"
            2026-10-05T12:00 started october 16
            2026-10-06T08:00 over october, at worst 16
            2026-10-06T12:00 started october 17
            2026-10-06T13:00 over october, at worst 17
            2026-10-06T16:00 started october 33
        "]],
    );
}

#[test]
fn a_second_time_on_one_day_is_told_when_it_got_worse_while_it_lasts() {
    check(
        &RuleKind::BillJump.default_rule(),
        "2026-10-05T08:00 october 16
         2026-10-05T09:00 october 0
         2026-10-05T10:00 october 17
         2026-10-05T11:00 october 31",
        expect![[r"
            2026-10-05T08:00 started october 16
            2026-10-05T09:00 over october, at worst 16
            2026-10-05T11:00 started october 31
        "]],
    );
}

#[test]
fn an_unknown_value_changes_nothing() {
    check(
        &RuleKind::ExcessiveConsumption.default_rule(),
        "2026-10-20T12:00 october 301
         2026-10-21T12:00 october -
         2026-10-22T12:00 october 302",
        expect![[r"
            2026-10-20T12:00 started october 301
        "]],
    );
}

#[test]
fn a_base_load_has_to_stay_up_for_two_days() {
    check(
        &RuleKind::AlwaysOn.default_rule(),
        "2026-10-01T12:00 base 40
         2026-10-02T12:00 base 20
         2026-10-03T12:00 base 40
         2026-10-04T12:00 base 40
         2026-10-05T12:00 base 41
         2026-10-06T12:00 base 25
         2026-10-07T12:00 base 20",
        expect![[r"
            2026-10-05T12:00 started base 41
            2026-10-07T12:00 over base, at worst 41
        "]],
    );
}

#[test]
fn power_has_to_stay_above_its_limit_for_a_quarter_of_an_hour() {
    let rule = r#"{"kind":"excessive_consumption",
        "parameters":{"threshold":"5000","unit":"w","per":"hour"}}"#;
    let shower_then_sauna = "2026-10-01T07:00 power 5400
         2026-10-01T07:10 power 5500
         2026-10-01T07:12 power 300
         2026-10-01T19:00 power 5400
         2026-10-01T19:14 power 5400
         2026-10-01T19:15 power 5600
         2026-10-01T20:00 power 4000";
    check(
        &serde_json::from_str(rule).unwrap(),
        shower_then_sauna,
        expect![[r"
            2026-10-01T19:15 started power 5600
            2026-10-01T20:00 over power, at worst 5600
        "]],
    );
    let at_once = rule.replace("}}", r#","for_minutes":0}}"#);
    check(
        &serde_json::from_str(&at_once).unwrap(),
        shower_then_sauna,
        expect![[r"
            2026-10-01T07:00 started power 5400
            2026-10-01T07:12 over power, at worst 5500
        "]],
    );
}

#[test]
fn a_silent_meter_is_told_and_so_is_its_return() {
    check(
        &RuleKind::MeterSilent.default_rule(),
        "2026-10-01T12:00 meter 3
         2026-10-02T12:01 meter 1441
         2026-10-02T20:00 meter 1920
         2026-10-03T08:00 meter 0",
        expect![[r"
            2026-10-02T12:01 started meter 1441
            2026-10-03T08:00 over meter, at worst 1920
        "]],
    );
}

#[test]
fn an_invoice_is_told_once_whatever_is_asked_in_between() {
    check(
        &RuleKind::InvoiceIssued.default_rule(),
        "2026-10-01T12:00 2026-000001 1
         2026-10-01T12:01 2026-000001 1
         2026-10-31T12:00 2026-000002 0
         2026-11-01T12:00 2026-000002 1
         2026-11-01T12:01 2026-000001 1",
        expect![[r"
            2026-10-01T12:00 started 2026-000001 1
            2026-11-01T12:00 started 2026-000002 1
        "]],
    );
}

#[test]
fn rules_that_always_or_never_fire_are_refused() {
    for (json, field) in [
        (
            r#"{"kind":"excessive_consumption","parameters":{"threshold":"0","unit":"kwh","per":"day"}}"#,
            "threshold",
        ),
        (
            r#"{"kind":"excessive_consumption","parameters":{"threshold":"5","unit":"kwh","per":"day","for_minutes":5}}"#,
            "for_minutes",
        ),
        (
            r#"{"kind":"excessive_consumption","parameters":{"threshold":"5","unit":"w","per":"day","for_minutes":1441}}"#,
            "for_minutes",
        ),
        (r#"{"kind":"bill_jump","parameters":{"percent":"-3"}}"#, "percent"),
        (r#"{"kind":"bill_jump","parameters":{"percent":"5000"}}"#, "percent"),
        (r#"{"kind":"meter_silent","parameters":{"minutes":0}}"#, "minutes"),
        (r#"{"kind":"invoice_due","parameters":{"days_before":40}}"#, "days_before"),
        (r#"{"kind":"forecast_over_budget","parameters":{"amount":"0"}}"#, "amount"),
        (r#"{"kind":"always_on","parameters":{"percent":"0"}}"#, "percent"),
        (r#"{"kind":"unusual_day","parameters":{"percent":"0"}}"#, "percent"),
    ] {
        let rule: Rule = serde_json::from_str(json).unwrap();
        assert_eq!(rule.check().unwrap_err().field, field, "{json}");
    }
    for unknown in [
        r#"{"kind":"bill_jump","parameters":{"percent":"15","colour":"red"}}"#,
        r#"{"kind":"bill_jump","parameters":{}}"#,
        r#"{"kind":"moon","parameters":{}}"#,
    ] {
        assert!(serde_json::from_str::<Rule>(unknown).is_err(), "{unknown}");
    }
}

#[test]
fn what_is_over_since_time_went_on_is_no_news() {
    let at = Timestamp::from_second(0);
    let subject = "october".to_owned();
    let worst = Decimal::ONE;
    let ended = Notice::Over { at, subject: subject.clone(), value: None, worst };
    let recovered = Notice::Over { at, subject: subject.clone(), value: Some(worst), worst };
    let started = Notice::Started { at, subject, value: worst };
    for kind in RuleKind::ALL {
        assert!(kind.tells(&started) && !kind.tells(&ended), "{kind}");
        assert_eq!(kind.tells(&recovered), kind != RuleKind::UnusualDay, "{kind}");
    }
}

#[test]
fn every_kind_has_a_word_a_default_that_works_and_survives_json() {
    for kind in RuleKind::ALL {
        let rule = kind.default_rule();
        assert_eq!(rule.kind(), kind);
        rule.check().unwrap();
        assert_eq!(kind.word().parse::<RuleKind>().unwrap(), kind);
        let json = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
        assert!(json.contains(kind.word()), "{json}");
    }
    assert_eq!(RuleKind::ALL.iter().filter(|k| k.on_by_default()).count(), 2);
}

#[test]
fn a_preview_is_the_same_machine_over_the_past() {
    let calendar = Calendar::new("America/Bahia").unwrap();
    let facts: Vec<Fact> = [("2026-09-02T12:00", "250"), ("2026-09-20T12:00", "310")]
        .map(|(time, value)| {
            let civil: DateTime = time.parse().unwrap();
            Fact {
                at: calendar.instant(civil),
                day: civil.date(),
                subject: "september".to_owned(),
                value: value.parse().ok(),
            }
        })
        .into();
    let told = RuleKind::ExcessiveConsumption.default_rule().machine().replay(&facts);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].at(), facts[1].at);
}

#[test]
fn quiet_hours_delay_and_never_drop() {
    let calendar = Calendar::new("Europe/London").unwrap();
    let night = QuietHours { from_minute: 22 * 60, until_minute: 7 * 60 };
    let siesta = QuietHours { from_minute: 13 * 60, until_minute: 15 * 60 + 30 };
    for (quiet, decided, delivered) in [
        (night, "2026-06-01T21:59", "2026-06-01T21:59"),
        (night, "2026-06-01T22:00", "2026-06-02T07:00"),
        (night, "2026-06-02T06:59", "2026-06-02T07:00"),
        (night, "2026-06-02T07:00", "2026-06-02T07:00"),
        // The night in which the clock goes forward.
        (night, "2026-03-28T23:30", "2026-03-29T07:00"),
        (siesta, "2026-06-01T14:00", "2026-06-01T15:30"),
        (siesta, "2026-06-01T16:00", "2026-06-01T16:00"),
    ] {
        let at = |text: &str| calendar.instant(text.parse().unwrap());
        assert_eq!(quiet.deliver_at(&calendar, at(decided)), at(delivered), "{decided}");
    }
}

//! What is believed of a day: gaps, glitches and late readings, in versions, and the worklist.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

mod billing;
mod healing;
mod home;
mod limits;
mod meter_facts;

use corrente_mdm::{
    Step, export,
    vee::{Cause, worklist::Verdict},
};
use corrente_metering::{Direction, Quality, Span};
use corrente_registry::{admin::By, audit, findings::FindingState};
use corrente_units::Energy;

use crate::home::{Home, shown};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_is_estimated_and_a_late_reading_makes_the_next_version() {
    let home = Home::new("America/Bahia", "2026-03-20T12:00");
    home.steady(
        "2026-03-01T00:00",
        "2026-03-20T12:00",
        &[("2026-03-10T08:00", "2026-03-10T11:00")],
    )
    .await;
    let done = home.validate();
    assert_eq!((done.days, done.versions), (18, 1), "{done:?}");
    assert_eq!(home.validate().days, 0, "nothing new");
    let first = [
        "measured 3200 Wh until 08:00",
        "estimated by scalar_spread 1200 Wh until 11:00",
        "measured 5200 Wh until 00:00",
    ];
    assert_eq!(shown(&home.profile("2026-03-10", None)), first);
    assert_eq!(home.profile("2026-03-10", None).versions[0].cause, Cause::First);
    let clean = home.profile("2026-03-09", None);
    assert_eq!((clean.version, clean.versions.len()), (Some(1), 0), "as it was read");

    let usage = home.usage("2026-03-10T00:00", "2026-03-11T00:00", Step::Hour);
    assert_eq!(usage.total.energy, Some(Energy::from_wh(9600)));
    assert_eq!((usage.total.estimated, usage.total.missing), (3, 0));
    // As a whole the day lies between two registers that were read.
    let day = home.usage("2026-03-10T00:00", "2026-03-11T00:00", Step::Day);
    assert_eq!((day.intervals[0].quality, day.total.estimated), (Quality::Measured, 0));

    // Two of the missing readings come a week later: it was not even at all.
    home.read([(home.at("2026-03-10T08:30"), 5000 + 9 * 9600 + 3300)]).await;
    home.read([(home.at("2026-03-10T09:00"), 5000 + 9 * 9600 + 4000)]).await;
    let done = home.validate();
    assert_eq!(done.versions, 1, "{done:?}");
    let second = home.profile("2026-03-10", None);
    assert_eq!(second.version, Some(2));
    assert_eq!(second.versions[1].cause, Cause::LateReadings);
    assert_eq!(second.intervals.iter().filter_map(|i| i.energy).map(Energy::wh).sum::<i64>(), 9600);
    assert_eq!(shown(&home.profile("2026-03-10", Some(1))), first, "the first one stays");
    let changes = home
        .mdm
        .day_changes(home.point, Direction::Import, home.day("2026-03-10"), (1, 2))
        .unwrap();
    assert!(!changes.is_empty() && changes.len() <= 13, "{changes:?}");
    assert_eq!(changes, second.versions[1].changes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_never_becomes_a_spike_or_a_zero() {
    let home = Home::new("America/Bahia", "2026-03-20T12:00");
    home.steady("2026-03-01T00:00", "2026-03-20T12:00", &[]).await;
    // Between two quarters the dial shows 9 MWh for a moment.
    home.read([(home.at("2026-03-10T10:05"), 9_000_000)]).await;
    let raw = home.usage("2026-03-10T00:00", "2026-03-11T00:00", Step::Day);
    assert_ne!(raw.total.energy, Some(Energy::from_wh(9600)), "before anybody looked");
    home.validate();
    for step in [Step::Quarter, Step::Hour, Step::Day] {
        let usage = home.usage("2026-03-10T00:00", "2026-03-11T00:00", step);
        assert_eq!(usage.total.energy, Some(Energy::from_wh(9600)), "{step:?}");
        assert!(!usage.total.at_least);
    }
    let query = export::ExportQuery {
        from: home.day("2026-03-09"),
        until: home.day("2026-03-12"),
        step: Step::Day,
        usage_point: None,
    };
    let rows = export::usage(&home.mdm, query).unwrap().next().unwrap().unwrap();
    assert!(rows.iter().all(|row| row.energy == Some(Energy::from_wh(9600))), "{rows:?}");
    let groups = home.worklist();
    assert!(groups.iter().any(|group| group.rule == "register_glitch"), "{groups:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_accepts_edits_or_sends_back_and_the_log_tells_it() {
    let home = Home::new("America/Bahia", "2026-03-20T12:00");
    home.steady("2026-03-01T00:00", "2026-03-12T06:00", &[]).await;
    // Then the meter is silent, for good.
    home.validate();
    let groups = home.worklist();
    let missing =
        groups.iter().find(|g| g.rule == "missing").unwrap_or_else(|| panic!("{groups:?}"));
    let id = missing.findings[0];
    let finding = home.mdm.finding(home.organisation, id).unwrap();
    assert_eq!(finding.usage_point.as_deref(), Some("Home"));
    let mut by = By::command_line(home.clock.now(), home.clock.now());
    let verdict = Verdict::Edit {
        energy: Energy::from_wh(4800),
        span: Some(Span::new(home.at("2026-03-13T00:00"), home.at("2026-03-13T12:00"))),
    };
    let refused = home.mdm.decide(&by, &finding, verdict.clone()).unwrap_err();
    assert!(refused.to_string().contains("reason"), "{refused}");
    by.reason = Some("read from the display on site".to_owned());
    home.mdm.decide(&by, &finding, verdict).unwrap();
    let profile = home.profile("2026-03-13", None);
    let edited: Vec<_> =
        profile.intervals.iter().filter(|i| i.quality == Quality::Edited).collect();
    assert_eq!(edited.len(), 48);
    assert_eq!(edited.iter().filter_map(|i| i.energy).map(Energy::wh).sum::<i64>(), 4800);
    let edit = edited[0].edit.as_ref().unwrap();
    assert_eq!(
        (edit.actor.as_str(), edit.reason.as_str()),
        ("command line", "read from the display on site")
    );
    assert_eq!(profile.versions.last().unwrap().cause, Cause::Edit);
    let usage = home.usage("2026-03-13T00:00", "2026-03-13T12:00", Step::Hour);
    assert_eq!(usage.total.energy, Some(Energy::from_wh(4800)));

    let rest = home.worklist();
    let next = home.mdm.finding(home.organisation, rest[0].findings[0]).unwrap();
    home.mdm.decide(&by, &next, Verdict::SendBack).unwrap();
    assert_eq!(home.mdm.worklist(home.organisation, FindingState::Returned).unwrap().len(), 1);
    let organisation = home.organisation;
    let log = home.registry.read_blocking(move |tx| audit::list(tx, organisation, 10)).unwrap();
    let actions: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert!(
        actions.contains(&"finding.edit") && actions.contains(&"finding.send_back"),
        "{actions:?}"
    );
}

//! Outages of one cause are one row, and one decision.

use std::collections::BTreeSet;

use corrente_mdm::vee::worklist::{Group, Verdict, Which, WorklistQuery};
use corrente_metering::{Direction, Quality, Span, Timestamp};
use corrente_registry::{RegistryError, admin, audit, edits, findings::FindingState, usage_points};
use corrente_units::Energy;

use super::{LONG_AGO, Street};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_meters_behind_one_concentrator_are_one_row() {
    let street = Street::new("2026-03-20T12:00");
    let mut points = BTreeSet::new();
    let mut strangers = BTreeSet::new();
    let mut entries = Vec::new();
    for n in 0..200 {
        let (point, channels) = street.home(&format!("Rua {n}"), Some("K-7"), &["import"]);
        entries.extend(street.hours(&channels[0], 300, "2026-03-15T00:00", "2026-03-16T09:00"));
        points.insert(point);
    }
    // In the same hours: a neighbour behind another concentrator, and one behind none.
    for gateway in [Some("K-8"), None] {
        for n in 0..3 {
            let name = format!("other {gateway:?} {n}");
            let (point, channels) = street.home(&name, gateway, &["import"]);
            entries.extend(street.hours(&channels[0], 300, "2026-03-15T00:00", "2026-03-16T09:00"));
            strangers.insert(point);
        }
    }
    street.ledger.append(entries).await.unwrap();
    for point in points.iter().chain(&strangers) {
        street.mdm.validate(*point).unwrap();
    }
    let groups = street.open();
    let missing: Vec<&Group> = groups.iter().filter(|group| group.rule == "missing").collect();
    assert_eq!(missing.len(), 3, "{missing:#?}");
    let row = missing[0];
    assert_eq!((row.place.as_deref(), row.usage_points), (Some("gateway K-7"), 200));
    // Silent from the 16th on: the days until yesterday's are one outage, not one row each.
    assert_eq!(row.count, 200 * 3, "{row:?}");
    assert_eq!(row.from, street.at("2026-03-16T09:00").to_string());
    assert_eq!(row.until, street.at("2026-03-19T00:00").to_string());
    assert_eq!(row.findings.len(), 100, "the first ones are named");

    // Page by page it is the same list.
    let mut paged = Vec::new();
    let mut cursor = None;
    loop {
        let query = WorklistQuery { state: FindingState::Open, rule: None, cursor, limit: 1 };
        let page = street.mdm.worklist_page(street.organisation, query).unwrap();
        paged.extend(page.groups);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, groups);

    // One decision about the row, and the strangers still wait.
    let which = Which::Group(row.key.clone(), FindingState::Open);
    let by = street.by("the concentrator burnt; the truck is on its way");
    let refused = Verdict::Edit { energy: Energy::from_wh(1), span: None };
    let refused = street.mdm.decide_all(&by, street.organisation, &which, refused).unwrap_err();
    assert!(refused.to_string().contains("one by one"), "{refused}");
    let done = street.mdm.decide_all(&by, street.organisation, &which, Verdict::SendBack).unwrap();
    assert_eq!(done.findings, 600);
    let (organisation, registry) = (street.organisation, street.registry.clone());
    let lines = move || {
        let log = registry.read_blocking(move |tx| audit::list(tx, organisation, 10_000)).unwrap();
        log.iter().filter(|line| line.action == "finding.send_back").count()
    };
    assert_eq!(lines(), 600);
    let left: Vec<Group> =
        street.open().into_iter().filter(|group| group.rule == "missing").collect();
    assert_eq!(left.iter().map(|group| group.usage_points).sum::<usize>(), 6, "{left:#?}");
    let again = street.mdm.decide_all(&by, street.organisation, &which, Verdict::SendBack);
    assert!(again.unwrap_err().to_string().contains("group"), "it is not open any more");
    let back = Which::Group(row.key.clone(), FindingState::Returned);
    let again = street.mdm.decide_all(&by, street.organisation, &back, Verdict::SendBack).unwrap();
    assert_eq!((again.findings, lines()), (0, 600), "the same again adds no line");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_reaches_every_register_and_a_retry_changes_nothing() {
    let street = Street::new("2026-03-20T12:00");
    let (point, channels) = street.home("Mill", None, &["peak", "off peak"]);
    let mut entries = street.hours(&channels[0], 100, "2026-03-10T00:00", "2026-03-16T00:00");
    entries.extend(street.hours(&channels[1], 300, "2026-03-10T00:00", "2026-03-16T00:00"));
    street.ledger.append(entries).await.unwrap();
    street.mdm.validate(point).unwrap();
    let groups = street.open();
    let row = groups.iter().find(|group| group.rule == "missing").unwrap();
    assert_eq!((row.usage_points, row.count), (1, 3), "{row:?}");
    let which = Which::Group(row.key.clone(), FindingState::Open);
    let by = street.by("read on site");
    let span = Span::new(street.at("2026-03-16T00:00"), street.at("2026-03-19T00:00"));
    let verdict = Verdict::Edit { energy: Energy::from_wh(28_800), span: None };
    let done = street.mdm.decide_all(&by, street.organisation, &which, verdict.clone()).unwrap();
    assert_eq!((done.findings, done.usage_points), (3, 1));
    let day = street.calendar.date(street.at("2026-03-17T12:00"));
    let profile = street.mdm.day_profile(point, Direction::Import, day, None).unwrap();
    let energies: Vec<_> = profile.intervals.iter().map(|i| (i.energy, i.quality)).collect();
    assert!(energies.iter().all(|(_, quality)| *quality == Quality::Edited), "{energies:?}");
    let wh: i64 = energies.iter().filter_map(|(energy, _)| *energy).map(Energy::wh).sum();
    assert_eq!(wh, 9_600, "a third of three days");
    let stored =
        || street.registry.read_blocking(move |tx| edits::during(tx, point, span)).unwrap();
    let first: Vec<_> = stored().iter().map(|edit| edit.energy.unwrap().wh()).collect();
    assert_eq!(first, [7_200, 21_600], "as the registers ran before");
    // The answer was lost, and the request comes again.
    let ids = Which::Findings(row.findings.clone());
    let again = street.mdm.decide_all(&by, street.organisation, &ids, verdict).unwrap();
    assert_eq!((again.findings, stored().len()), (0, 2));
    // Another energy for the same stretch is another edit.
    let other = Verdict::Edit { energy: Energy::from_wh(14_400), span: Some(span) };
    street.mdm.decide_all(&by, street.organisation, &ids, other).unwrap();
    assert_eq!(stored().len(), 4);
    let chart = street.mdm.finding(street.organisation, row.findings[0]).unwrap();
    let chart = street.mdm.finding_chart(&chart.finding).unwrap().unwrap();
    assert_eq!(chart.intervals.len(), 3 * 24, "the day and one on either side");
    let (before, inside) = (&chart.intervals[5], &chart.intervals[30]);
    assert_eq!((before.read, before.believed), (Some(Energy::from_wh(400)), before.read));
    assert_eq!((inside.read, inside.believed), (None, Some(Energy::from_wh(200))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_dials_showed_survives_a_crash_between_the_two_files() {
    let street = Street::new("2026-03-20T12:00");
    let (point, channels) = street.home("Old", None, &["import"]);
    let entries = street.hours(&channels[0], 100, "2026-03-10T00:00", "2026-03-16T00:00");
    street.ledger.append(entries).await.unwrap();
    let at = street.at("2026-03-17T00:00");
    let (organisation, by) = (street.organisation, street.by("exchange"));
    // The registry has committed the exchange, and then the power goes.
    street
        .registry
        .write_blocking(move |tx| -> Result<_, RegistryError> {
            let exchange = admin::Exchange {
                organisation,
                old: "Old".to_owned(),
                new: "New".to_owned(),
                at,
                from: at,
                secret: None,
                model: None,
            };
            admin::exchange_meter(tx, &by, &exchange)?;
            let dial = |wh| vec![("import".to_owned(), Energy::from_wh(wh))];
            admin::write_dials(tx, &by, organisation, "Old", (at, &dial(21_800)))?;
            admin::write_dials(tx, &by, organisation, "New", (at, &dial(7_000)))
        })
        .unwrap();
    // The next start stores them, once, however often it is tried.
    street.mdm.store_dials().await.unwrap();
    street.mdm.store_dials().await.unwrap();
    let all = Span::new(LONG_AGO, Timestamp::MAX);
    let periods =
        street.registry.read_blocking(move |tx| usage_points::channels(tx, point, all)).unwrap();
    let last: Vec<_> = periods
        .iter()
        .map(|period| street.ledger.last(period.channel).unwrap().unwrap())
        .map(|reading| (reading.end == at, reading.value.wh()))
        .collect();
    assert_eq!(last, [(true, 21_800), (true, 7_000)]);
}

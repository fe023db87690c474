//! What a meter says of itself, and how far its clock is off.

use corrente_metering::id::UsagePointId;
use corrente_registry::{
    admin, clock_samples, declarations::Declaration, meters, multipliers::Multiplier,
};

use super::{LONG_AGO, Street};

impl Street {
    fn declare(&self, serial: &'static str, multiplier: Option<&str>, unit: Option<&str>) {
        let (organisation, by) = (self.organisation, self.by("seen on the plate"));
        let new = Declaration::read(multiplier, unit).unwrap();
        self.registry
            .write_blocking(move |tx| admin::declare(tx, &by, organisation, serial, new))
            .unwrap();
    }

    fn multiply(&self, serial: &'static str, numerator: i64) {
        let (organisation, by) = (self.organisation, self.by("transformers"));
        let new = Multiplier { from: LONG_AGO, numerator, denominator: 1 };
        self.registry
            .write_blocking(move |tx| admin::set_multiplier(tx, &by, organisation, serial, new))
            .unwrap();
    }

    /// Homes that take 400 Wh an hour, looked at.
    async fn steady(&self, names: &[&'static str]) -> Vec<UsagePointId> {
        let mut points = Vec::new();
        for name in names {
            let (point, channels) = self.home(name, None, &["import"]);
            let entries = self.hours(&channels[0], 400, "2026-03-01T00:00", "2026-03-20T10:00");
            self.ledger.append(entries).await.unwrap();
            points.push(point);
        }
        points
    }

    /// Whose findings of a rule are open.
    fn whose(&self, rule: &str) -> Vec<String> {
        let found = self.rows(rule).into_iter().flat_map(|group| group.findings);
        let mut names: Vec<String> = found
            .filter_map(|id| self.mdm.finding(self.organisation, id).unwrap().usage_point)
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plate_that_says_another_multiplier_or_unit_is_an_error() {
    let street = Street::new("2026-03-20T12:00");
    let points = street.steady(&["A", "B", "C", "D"]).await;
    let look = || {
        for point in &points {
            street.mdm.validate(*point).unwrap();
        }
    };
    street.multiply("B", 40);
    street.declare("A", Some("200/5"), None);
    street.declare("B", Some("200/5"), Some("Wh"));
    street.declare("C", None, Some("kWh"));
    look();
    // 200/5 is 40, so B is in order, and so is D, which says nothing.
    assert_eq!(street.whose("multiplier"), ["A"]);
    assert_eq!(street.whose("unit"), ["C"]);
    let row = &street.rows("multiplier")[0];
    assert!(row.sentence.contains("200/5"), "{}", row.sentence);
    let held = street.mdm.issue_invoice(points[0], "2026-03-01".parse().unwrap());
    assert!(held.is_err(), "no bill goes out that may be wrong by a factor of forty");
    // Somebody enters the transformers of A, and the plate of C was read wrongly.
    street.multiply("A", 40);
    street.declare("C", None, Some("Wh"));
    look();
    assert_eq!((street.whose("multiplier"), street.whose("unit")), (vec![], vec![]));
    let refused = Declaration::read(Some("200:5"), None).unwrap_err().to_string();
    assert!(refused.contains("declared_multiplier"), "{refused}");
    let refused = Declaration::read(None, Some("BTU")).unwrap_err().to_string();
    assert!(refused.contains("kWh"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_seen_to_be_off_is_told() {
    let street = Street::new("2026-03-20T12:00");
    let points = street.steady(&["A", "B", "C"]).await;
    let organisation = street.organisation;
    for (serial, at, ahead) in [
        ("A", "2026-03-12T08:00", -240),
        ("A", "2026-03-12T11:00", -410),
        ("A", "2026-03-12T14:00", -90),
        // A phone call away: the rule forgives a minute.
        ("B", "2026-03-12T08:00", 45),
    ] {
        let at = street.at(at);
        street
            .registry
            .write_blocking(move |tx| {
                let meter = meters::by_serial(tx, organisation, serial)?.unwrap();
                clock_samples::note(tx, meter.id, at, ahead)
            })
            .unwrap();
    }
    for point in points {
        street.mdm.validate(point).unwrap();
    }
    assert_eq!(street.whose("clock_drift"), ["A"]);
    let rows = street.rows("clock_drift");
    assert_eq!((rows.len(), rows[0].count), (1, 1));
    assert!(
        rows[0].sentence.contains("410 s behind"),
        "the worst of the day: {}",
        rows[0].sentence
    );
}

//! A transformer against the homes behind it.

use corrente_metering::Date;
use corrente_registry::admin;
use corrente_units::{Energy, Money};

use super::Street;

pub(super) const TARIFF: &str = include_str!("../../../../tariffs/flat-040.toml");

impl Street {
    pub(super) fn link(
        &self,
        child: &'static str,
        parent: &'static str,
        from: &str,
    ) -> Result<(), String> {
        let (organisation, by, from) = (self.organisation, self.by("link"), self.at(from));
        self.registry
            .write_blocking(move |tx| {
                admin::set_parent(tx, &by, organisation, (child, Some(parent)), from)
            })
            .map_err(|error| error.to_string())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_behind_a_transformer_is_told_in_energy_and_money() {
    let street = Street::new("2026-03-20T12:00");
    let mut points = Vec::new();
    let mut entries = Vec::new();
    for (name, wh, until) in [
        ("T-1", 1_000, "2026-03-19T06:00"),
        ("A", 400, "2026-03-19T06:00"),
        ("B", 500, "2026-03-17T06:00"),
        ("C", 80, "2026-03-19T06:00"),
    ] {
        let (point, channels) = street.home(name, None, &["import"]);
        entries.extend(street.hours(&channels[0], wh, "2026-03-10T00:00", until));
        points.push(point);
    }
    street.ledger.append(entries).await.unwrap();
    let (organisation, by) = (street.organisation, street.by("tariff"));
    street
        .registry
        .write_blocking(move |tx| {
            admin::store_tariff(tx, &by, organisation, TARIFF)?;
            let from: Date = "2026-01-01".parse().unwrap();
            admin::agree(tx, &by, organisation, "A", "flat-040", from)
        })
        .unwrap();
    street.link("A", "T-1", "2026-03-01T00:00").unwrap();
    street.link("B", "T-1", "2026-03-01T00:00").unwrap();
    let round = street.link("T-1", "A", "2026-03-01T00:00").unwrap_err();
    assert!(round.contains("lies behind"), "{round}");
    for point in &points {
        street.mdm.validate(*point).unwrap();
    }
    let days = |from: &str, until: &str| {
        let span = (from.parse().unwrap(), until.parse().unwrap());
        street.mdm.balance(points[0], span).unwrap().days
    };
    let found = days("2026-03-14", "2026-03-18");
    let first = &found[0];
    assert_eq!(first.sums.parent, Some(Energy::from_wh(24_000)));
    assert_eq!((first.sums.children, first.children), (Energy::from_wh(21_600), 2));
    assert_eq!(first.sums.loss, Some(Energy::from_wh(2_400)));
    // At 40 cents a kilowatt-hour, which is what A pays.
    assert_eq!((first.sums.amount, first.unusual), (Some(Money::from_minor(96)), true));
    // B fell silent on the 17th: what is not known of it is no loss.
    let last = &found[3];
    assert_eq!((last.sums.loss, last.unusual), (None, false), "{last:?}");
    assert_eq!(last.sums.unknown, ["B"]);
    street.mdm.balance_parents().unwrap();
    street.mdm.balance_parents().unwrap();
    let rows = street.rows("parent_children");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((rows[0].usage_points, rows[0].count), (1, 7), "the 10th to the 16th");
    assert!(rows[0].sentence.contains("loss 2400 Wh worth 0.96"), "{}", rows[0].sentence);
    // Somebody finds that C hangs there too since the 12th.
    street.link("C", "T-1", "2026-03-12T00:00").unwrap();
    street.mdm.balance_parents().unwrap();
    let rows = street.rows("parent_children");
    assert_eq!(rows[0].count, 2, "the 10th and the 11th are still unusual: {rows:?}");
    assert_eq!(days("2026-03-14", "2026-03-15")[0].sums.loss, Some(Energy::from_wh(480)));
}

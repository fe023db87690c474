//! The mean week of a class, for those that have no past of their own.

use corrente_ledger::Entry;
use corrente_mdm::vee::Cause;
use corrente_metering::id::UsagePointId;
use corrente_registry::channels::ChannelRow;
use corrente_units::Energy;
use corrente_vee::{Basis, Estimator};

use super::Street;

impl Street {
    /// An hour's energy each: much in the evening, little at any other time.
    fn evenings(&self, channel: &ChannelRow, from: &str, until: &str) -> Vec<Entry> {
        let mut entries = self.each_hour(channel, 0, from, until);
        for entry in &mut entries {
            let hour = self.calendar.datetime(entry.reading.end.plus(-1)).hour();
            entry.reading.value = Energy::from_wh(if (18..22).contains(&hour) { 900 } else { 120 });
        }
        entries
    }

    async fn settled(&self, names: &[&'static str]) {
        for name in names {
            let (point, channel) = self.home_by_the_hour(name);
            let entries = self.evenings(&channel, "2026-02-20T01:00", "2026-03-20T10:00");
            self.ledger.append(entries).await.unwrap();
            self.mdm.validate(point).unwrap();
        }
    }

    /// A home that was new on the 20th, silent over the evening of a day.
    async fn newcomer(&self, name: &'static str, silent: &str) -> UsagePointId {
        let (point, channel) = self.home_by_the_hour(name);
        let mut entries = self.evenings(&channel, "2026-03-20T11:00", "2026-03-23T20:00");
        let (from, until) =
            (self.at(&format!("{silent}T15:00")), self.at(&format!("{silent}T23:00")));
        entries.retain(|entry| !(from < entry.reading.end && entry.reading.end <= until));
        self.ledger.append(entries).await.unwrap();
        point
    }

    fn estimated(&self, point: UsagePointId, day: &str) -> Vec<(i64, Estimator, Basis)> {
        let intervals = self.profile(point, day).intervals.into_iter();
        intervals
            .filter_map(|i| i.estimate.map(|(by, of)| (i.energy.map_or(0, Energy::wh), by, of)))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gap_of_a_newcomer_has_the_shape_of_its_class() {
    let street = Street::new("2026-03-20T12:00");
    street.settled(&["A", "B", "C", "D"]).await;
    assert_eq!(street.mdm.renew_class_profiles().unwrap(), 0, "four would tell of each other");
    street.settled(&["E"]).await;
    assert_eq!(street.mdm.renew_class_profiles().unwrap(), 1);
    assert_eq!(street.mdm.renew_class_profiles().unwrap(), 0, "until it is four weeks old");
    // Three days later.
    street.clock.advance(4 * 86_400);
    let (early, late) =
        (street.newcomer("N", "2026-03-20").await, street.newcomer("O", "2026-03-22").await);
    street.mdm.validate(early).unwrap();
    street.mdm.validate(late).unwrap();
    let week = (Estimator::ClassProfile, Basis::Class);
    let expected: Vec<_> =
        [120, 120, 120, 900, 900, 900, 900, 120].map(|wh| (wh, week.0, week.1)).into();
    assert_eq!(street.estimated(late, "2026-03-22"), expected);
    let versions = street.profile(late, "2026-03-22").versions;
    assert_eq!(versions[0].class_profile.as_deref(), Some("residential 2026-03-21"));
    // On the 20th there was none yet, and nothing is made up.
    assert_eq!(street.estimated(early, "2026-03-20"), []);
    assert!(street.rows("missing").iter().any(|row| row.usage_points >= 1));

    // A person lets it hold before: the day is looked at again, and says by what.
    let (by, from) = (street.by("the newcomers of March"), "2026-03-15".parse().unwrap());
    let (mdm, organisation) = (&street.mdm, street.organisation);
    mdm.make_class_profile(&by, organisation, "residential", from).unwrap();
    let twice = mdm.make_class_profile(&by, organisation, "residential", from).unwrap_err();
    assert!(twice.to_string().contains("never changed"), "{twice}");
    mdm.validate(early).unwrap();
    assert_eq!(street.estimated(early, "2026-03-20"), expected);
    let last = street.profile(early, "2026-03-20").versions.pop().unwrap();
    assert_eq!(last.class_profile.as_deref(), Some("residential 2026-03-15"));
    assert_eq!(last.cause, Cause::RuleSet);
    // The day of the other one keeps the week that held on it.
    mdm.validate(late).unwrap();
    assert_eq!(street.profile(late, "2026-03-22").versions, versions);
    let unknown = mdm.make_class_profile(&by, organisation, "industrial", from).unwrap_err();
    assert!(unknown.to_string().contains("fewer than"), "{unknown}");
}

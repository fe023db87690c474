//! Rule sets by group: the days since their first one are looked at again, and say why.

use corrente_mdm::vee::{Cause, rules::new_rule_set};
use corrente_metering::{Date, Direction, Quality};
use corrente_registry::admin;

use super::Street;

impl Street {
    /// Stores a rule set from a day on.
    fn store_rules(&self, toml: &str, from: &str) -> Result<bool, String> {
        let from: Date = from.parse().unwrap();
        let new = new_rule_set(self.organisation, toml, from).map_err(|e| e.to_string())?;
        let by = self.by("rules");
        self.registry
            .write_blocking(move |tx| admin::store_rule_set(tx, &by, &new))
            .map_err(|error| error.to_string())
    }

    fn assign(&self, point: &'static str, group: Option<&'static str>) -> Result<(), String> {
        let (organisation, by) = (self.organisation, self.by("group"));
        self.registry
            .write_blocking(move |tx| admin::set_rule_group(tx, &by, organisation, point, group))
            .map_err(|error| error.to_string())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_rules_make_another_version_that_says_why() {
    let street = Street::new("2026-03-20T12:00");
    let (point, channel) = street.home_by_the_hour("Shop");
    let mut entries = street.each_hour(&channel, 500, "2026-03-01T01:00", "2026-03-19T00:00");
    let hole = |entry: &corrente_ledger::Entry, day: &str| {
        let (from, until) =
            (street.at(&format!("{day}T08:00")), street.at(&format!("{day}T13:00")));
        from < entry.reading.end && entry.reading.end <= until
    };
    entries.retain(|entry| !hole(entry, "2026-03-11") && !hole(entry, "2026-03-13"));
    street.ledger.append(entries).await.unwrap();
    street.mdm.validate(point).unwrap();
    let day = |day: &str| {
        street.mdm.day_profile(point, Direction::Import, day.parse().unwrap(), None).unwrap()
    };
    let missing = |profile: &corrente_mdm::vee::DayProfile| {
        profile.intervals.iter().filter(|i| i.quality == Quality::Missing).count()
    };
    assert_eq!((missing(&day("2026-03-11")), missing(&day("2026-03-13"))), (0, 0), "estimated");
    let refused = street.assign("Shop", Some("shops")).unwrap_err();
    assert!(refused.contains("store one first"), "{refused}");
    let none = "name = \"shops\"\nversion = 1\n[parameters]\nestimators = []\n";
    assert!(street.store_rules(none, "2026-03-12").unwrap());
    assert!(!street.store_rules(none, "2026-03-12").unwrap(), "the same again");
    let changed = none.replace("[]", "[\"own_profile\"]");
    let refused = street.store_rules(&changed, "2026-03-12").unwrap_err();
    assert!(refused.contains("write version = 2"), "{refused}");
    let wrong = street.store_rules(&none.replace("[]", "[\"gap\"]"), "2026-03-12").unwrap_err();
    assert!(wrong.contains("parameters.estimators is gap"), "{wrong}");
    street.assign("Shop", Some("shops")).unwrap();
    assert_eq!(street.mdm.validate(point).unwrap().versions, 1);
    assert_eq!(missing(&day("2026-03-11")), 0, "before its first day the rules are as they were");
    let since = day("2026-03-13");
    assert_eq!((missing(&since), since.version), (5, Some(2)));
    let last = since.versions.last().unwrap();
    assert_eq!((last.cause, last.rule_set.as_str()), (Cause::RuleSet, "shops 1"));
    assert_eq!(street.rows("missing").len(), 1);
    // The next version estimates again, and what is no longer missing waits for nobody.
    let next = changed.replace("version = 1", "version = 2");
    street.store_rules(&next, "2026-03-12").unwrap();
    street.mdm.validate(point).unwrap();
    assert_eq!((missing(&day("2026-03-13")), street.rows("missing").len()), (0, 0));
    // And when it is missing once more, the finding is open once more.
    street.assign("Shop", None).unwrap();
    street.store_rules(&none.replace("shops", "standard"), "2026-03-12").unwrap();
    street.mdm.validate(point).unwrap();
    assert_eq!((missing(&day("2026-03-13")), street.rows("missing").len()), (5, 1));
    assert_eq!(day("2026-03-13").version, Some(4));
}

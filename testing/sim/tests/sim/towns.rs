//! A thousand towns, and the canaries that prove the checker.

use corrente_sim::{Sabotage, Town, check_outcome, run_seeds, sabotage};
use corrente_vee::{RuleSet, run};

/// `CORRENTE_SIM_SEEDS` asks for more, `CORRENTE_SIM_FROM` for others.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn every_watt_hour_is_in_an_interval_in_a_listed_gap_or_explained() {
    let count = number("CORRENTE_SIM_SEEDS", 1000);
    match run_seeds(number("CORRENTE_SIM_FROM", 0), count) {
        Ok(summary) => {
            println!("{summary:#?}");
            assert_eq!(summary.houses, count * 4);
            // The town is not so broken that nothing is measured, nor so whole that nothing is lost.
            assert!(summary.measured_wh > summary.truth_wh / 2);
            assert!(summary.missing_wh > 0 && summary.summed_wh > 0 && summary.estimated_wh > 0);
        }
        Err(complaint) => panic!("{complaint}"),
    }
}

#[test]
fn every_canary_is_caught() {
    for &how in Sabotage::ALL {
        let mut tried = 0;
        for seed in 0..40 {
            for house in Town::build(seed).houses {
                let mut rules = RuleSet::standard();
                if seed % 2 == 0 {
                    rules.parameters.estimators.clear();
                }
                let outcome = run(&house.history, &rules);
                assert!(check_outcome(&house, &outcome).is_ok());
                let Some(spoilt) = sabotage(&house, &outcome, how) else { continue };
                tried += 1;
                let caught = check_outcome(&house, &spoilt);
                assert!(
                    caught.is_err(),
                    "{how:?} was not noticed in seed {seed}, house {}",
                    house.number
                );
            }
        }
        assert!(tried > 10, "{how:?} found only {tried} houses to spoil");
    }
}

#[test]
fn a_seed_is_the_same_town_every_time() {
    let readings = |seed| -> Vec<_> {
        Town::build(seed)
            .houses
            .into_iter()
            .flat_map(|h| h.history.meters.into_iter().flat_map(|m| m.readings))
            .collect()
    };
    assert_eq!(readings(7), readings(7));
    assert_ne!(readings(7), readings(8));
}

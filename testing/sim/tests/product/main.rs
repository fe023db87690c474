//! Towns of a known truth through the whole product: a real ledger and a real registry, readings in
//! waves, validation, and then every figure that a person could ask for.
//!
//! `CORRENTE_SIM_TOWNS` asks for more towns, `CORRENTE_SIM_FROM` for others.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

mod homes;
mod judge;
mod server;

use corrente_sim::Town;

use crate::{homes::Home, judge::Sums, server::Server};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_watt_hour_of_the_towns_is_where_the_pages_say() {
    let (from, count) = (number("CORRENTE_SIM_FROM", 0), number("CORRENTE_SIM_TOWNS", 24));
    let mut sums = Sums::default();
    for seed in from..from + count {
        let town = Town::build(seed);
        let homes: Vec<Home> = town.houses.iter().flat_map(Home::of_house).collect();
        for home in &homes {
            let server = Server::new(home, seed);
            for wave in home.waves(seed) {
                server.read(home, &wave).await;
                server.validate();
            }
            if let Err(complaint) = judge::judge(home, &server, &mut sums) {
                panic!("seed {seed}, {}: {complaint}\n  {}", home.name, home.faults.join("\n  "));
            }
        }
    }
    println!("{count} towns from seed {from}: {sums:#?}");
    // The towns are not so broken that nothing is measured, nor so whole that nothing is lost.
    assert!(sums.measured_wh > sums.truth_wh / 2, "{sums:?}");
    assert!(sums.closed_wh > 0 && sums.missing_cells > 0 && sums.pairs > 100, "{sums:?}");
    assert!(sums.billed > 0 && sums.held > 0, "{sums:?}");
}

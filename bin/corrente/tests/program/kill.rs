//! The server is killed again and again under load: every acknowledged reading is there, once.

use std::{env, path::Path, time::Duration};

use corrente_ledger::{AsOf, Ledger, LedgerOptions, SqliteLedger};
use corrente_meter::{MeterClient, MeterConfig, MeterState, NewReading, register_channel};
use corrente_metering::{Reading, SourceQuality, Span, Timestamp};
use corrente_registry::{Registry, meters};
use corrente_units::Energy;

use crate::Town;

const METERS: usize = 6;
const READINGS_AT_ONCE: i64 = 40;

fn kills() -> usize {
    env::var("CORRENTE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

/// The n-th reading of a meter. A batch comes out of order; and while three of four batches follow each
/// other, every fourth goes back into one of the days before, which the servers before have sealed.
fn reading(meter: usize, n: i64) -> NewReading {
    // 2023-11-14T00:00:00Z: all of it lies in days that a server seals when it starts.
    let start = 1_699_920_000 + i64::try_from(meter).unwrap();
    let (batch, place) = (n / READINGS_AT_ONCE, n % READINGS_AT_ONCE);
    // 7 and 40 have no common divisor: each minute of the batch once.
    let minute = place * 7 % READINGS_AT_ONCE;
    let t = if batch % 4 == 3 {
        // Five days in turn, and in each of them 30 batches; then the next five days.
        let (day, visit) = (batch / 4 % 5, batch / 20);
        let days_back = 1 + day + 5 * (visit / 30);
        start - days_back * 86_400 + (visit % 30 * READINGS_AT_ONCE + minute) * 60
    } else {
        start + (batch * READINGS_AT_ONCE + minute) * 60
    };
    NewReading::new(Timestamp::from_second(t), Energy::from_wh(1_000 + n * 7))
}

/// Kills of one town: what its servers have to read at their start grows with what was sent, and another
/// town begins before that takes long.
const KILLS_EACH: usize = 25;

#[test]
fn every_acknowledged_reading_survives_kill_9() {
    let kills = kills();
    // Each town has about as many: a short one would have no late readings.
    let towns = (kills / KILLS_EACH).max(1);
    for town in 0..towns {
        kill_one(kills * (town + 1) / towns - kills * town / towns);
    }
}

/// Kills the server of one town so many times.
#[expect(clippy::print_stdout, reason = "says what was tried")]
fn kill_one(kills: usize) {
    let mut town = Town::start(&[]);
    let token = town.token(&["--installed-from", "beginning"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let clients: Vec<MeterClient> = runtime.block_on(async {
        (0..METERS).map(|meter| client(&town.address(), &token, &format!("K-{meter}"))).collect()
    });
    // Every meter has its secret before the first blow: what a kill loses between an enrolment and its
    // answer is the secret, and no reading.
    let mut sent = READINGS_AT_ONCE;
    runtime.block_on(async {
        for (meter, client) in clients.iter().enumerate() {
            client.send((0..sent).map(|n| reading(meter, n)).collect()).await.unwrap();
            client.flushed().await.unwrap();
        }
    });
    let mut acknowledged_at_a_kill = 0;
    for round in 0..kills {
        runtime.block_on(async {
            let statistics = clients[0].statistics();
            let goal = statistics.acknowledged() + 100 + 37 * (round as u64 % 7);
            let mut link = clients[0].link();
            // Sends until enough was acknowledged since the server came back, and a little more that
            // is on its way when the blow falls.
            while statistics.acknowledged() < goal {
                for (meter, client) in clients.iter().enumerate() {
                    let readings =
                        (sent..sent + READINGS_AT_ONCE).map(|n| reading(meter, n)).collect();
                    client.send(readings).await.unwrap();
                }
                sent += READINGS_AT_ONCE;
                link.changed().await.unwrap();
            }
        });
        acknowledged_at_a_kill += clients[0].statistics().acknowledged();
        town.kill();
        town.serve(&[]);
    }
    runtime.block_on(async {
        for client in &clients {
            client.flushed().await.unwrap();
        }
    });
    let statistics: Vec<_> = clients
        .iter()
        .map(|client| (client.statistics().sent(), client.statistics().acknowledged()))
        .collect();
    town.stop();
    check(Path::new(&town.data()), sent);
    println!(
        "{kills} kills, {sent} readings of each of {METERS} meters, (sent, acknowledged): {statistics:?}, \
         acknowledged at the kills: {acknowledged_at_a_kill}"
    );
    assert!(statistics.iter().all(|(_, acknowledged)| i64::try_from(*acknowledged) == Ok(sent)));
}

pub(crate) fn client(address: &str, token: &str, serial: &str) -> MeterClient {
    let mut config = MeterConfig::enrol(address, serial, token, register_channel("import"));
    config.back_off = config.back_off.between(Duration::from_millis(5), Duration::from_millis(50));
    MeterClient::start(config, MeterState::in_memory()).unwrap()
}

fn check(data: &Path, sent: i64) {
    let registry = Registry::open(data.join("registry.db")).unwrap();
    let ledger = SqliteLedger::open(&data.join("ledger.db"), LedgerOptions::default()).unwrap();
    for meter in 0..METERS {
        let serial = format!("K-{meter}");
        let access = registry
            .read_blocking(move |tx| meters::find_by_serial(tx, &serial))
            .unwrap()
            .expect("the meter enrolled");
        let channel = access.channels[0].spec().id;
        let all = Span::new(Timestamp::MIN, Timestamp::MAX);
        let stored = ledger.range(channel, all, AsOf::Now).unwrap();
        let mut expected: Vec<Reading> = (0..sent)
            .map(|n| reading(meter, n))
            .map(|r| Reading { end: r.end, value: r.value, quality: SourceQuality::GOOD })
            .collect();
        expected.sort_by_key(|reading| reading.end);
        assert_eq!(stored.len(), expected.len(), "meter {meter}");
        assert_eq!(stored, expected, "meter {meter}");
        let days = ledger.revisions(channel, all).unwrap().0;
        assert!(days.iter().any(|day| day.revision > 1), "no reading came late into a sealed day");
    }
    assert_eq!(ledger.rejected(0, 10).unwrap(), []);
}

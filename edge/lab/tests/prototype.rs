//! The prototype's messages and the exact answers to them, over a real registry and ledger.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{net::SocketAddr, path::Path, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, StatusCode, header},
    routing::get,
};
use corrente_clock::BusinessClock;
use corrente_lab::{Lab, LabConfig};
use corrente_ledger::{AsOf, Ledger, LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_metering::{Span, Timestamp};
use corrente_registry::{
    Registry, RegistryError, lab as table,
    meters::{self, NewMeter},
    organisations::{self, NewOrganisation},
    usage_points::{self, NewUsagePoint},
};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower::ServiceExt as _;

struct Bench {
    directory: TempDir,
    lab: Lab,
    registry: Registry,
    ledger: Arc<SqliteLedger>,
}

impl Bench {
    fn new(zone: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let (lab, registry, ledger) = open(directory.path(), zone, true);
        Self { directory, lab, registry, ledger }
    }

    /// One behind a reverse proxy on the same machine.
    fn behind_a_proxy() -> Self {
        let directory = TempDir::new().unwrap();
        let (lab, registry, ledger) = open(directory.path(), "America/Bahia", false);
        Self { directory, lab, registry, ledger }
    }

    /// Stops everything and starts again on the same files.
    fn restart(self) -> Self {
        let Self { directory, lab, registry, ledger } = self;
        ledger.close().unwrap();
        drop((lab, registry, ledger));
        let (lab, registry, ledger) = open(directory.path(), "America/Bahia", true);
        Self { directory, lab, registry, ledger }
    }

    async fn check(&self, message: &str, expected: &str) {
        let answer = self.lab.answer(message.as_bytes()).await;
        assert_eq!(String::from_utf8(answer).unwrap(), expected, "{message}");
    }

    async fn check_http(&self, request: &str, body: &str, status: u16, expected: &str) {
        let (method, path) = request.split_once(' ').unwrap();
        let (found, text) = self.ask(method, path, body, "127.0.0.1:5000").await;
        assert_eq!((found.as_u16(), text.as_str()), (status, expected), "{request} {body}");
    }

    async fn ask(&self, method: &str, path: &str, body: &str, peer: &str) -> (StatusCode, String) {
        let app = Router::new()
            .route("/historic", get(|| async { "the portal's page" }))
            .fallback(|| async { (StatusCode::NOT_FOUND, "the portal's word") });
        let request = Request::builder()
            .method(method)
            .uri(path)
            .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()))
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = self.lab.over(app).oneshot(request).await.unwrap();
        let status = response.status();
        if status == StatusCode::OK && !path.eq("/historic") {
            assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        }
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Every reading of a measurer in the ledger: seconds and Wh.
    async fn in_ledger(&self, id: &'static str) -> Vec<(i64, i64)> {
        let meter = self
            .registry
            .read(move |tx| -> Result<_, RegistryError> { table::find(tx, id) })
            .await
            .unwrap()
            .unwrap();
        let always = Span::new(Timestamp::MIN, Timestamp::MAX);
        let readings = self.ledger.range(meter.channel, always, AsOf::Now).unwrap();
        readings.into_iter().map(|r| (r.end.second(), r.value.wh())).collect()
    }
}

fn open(directory: &Path, zone: &str, trust_loopback: bool) -> (Lab, Registry, Arc<SqliteLedger>) {
    let registry = Registry::open(directory.join("registry.db")).unwrap();
    let ledger =
        SqliteLedger::open(&directory.join("ledger.db"), LedgerOptions::default()).unwrap();
    let ledger = Arc::new(ledger);
    let config = LabConfig {
        allow: vec!["10.1.0.0/16".parse().unwrap()],
        trust_loopback,
        zone: zone.to_owned(),
    };
    let lab = Lab::new(
        config,
        registry.clone(),
        ledger.clone(),
        BusinessClock::stopped_at(Timestamp::from_second(1_679_317_872)),
        LiveHub::new(),
    )
    .unwrap();
    (lab, registry, ledger)
}

fn reading(id: &str, consumption: &str, label: &str) -> String {
    format!(
        r#"{{"id": {id}, "consumption": {consumption}, "datetime": "{label}", "type": "/spent"}}"#
    )
}

#[tokio::test]
async fn the_raw_socket_speaks_python() {
    let bench = Bench::new("America/Bahia");
    bench.check(r#"{"id": 0}"#, "1").await;
    bench.check(
        r#"{"id": "1", "consumption": 12.0, "datetime": "2023-03-20 10:11:12", "type": "/spent"}"#,
        "{'alert': 'Your energy consumption is within the recommended', 'id': '1', 'consumption': 12.0, 'datetime': '2023-03-20 10:11:12'}",
    ).await;
    bench.check(
        r#"{"id": 1, "consumption": 13, "datetime": "2023-03-20 10:11:13", "type": "/spent"}"#,
        "{'alert': 'Your energy consumption is within the recommended', 'id': 1, 'consumption': 13.0, 'datetime': '2023-03-20 10:11:13'}",
    ).await;
    bench.check(
        r#"{"id": "1", "consumption": "300.4", "datetime": "2023-03-20 10:11:14", "type": "/spent"}"#,
        "{'alert': 'Your energy consumption is above the recommended', 'id': '1', 'consumption': 300.4, 'datetime': '2023-03-20 10:11:14'}",
    ).await;
    let above = "'alert': 'Your energy consumption is above the recommended'";
    for (kind, expected) in [
        ("/historic", "[[13.0, '2023-03-20 10:11:13']]"),
        ("/historic/upper", "[[13.0, '2023-03-20 10:11:13'], [300.4, '2023-03-20 10:11:14']]"),
        ("/historic/lower", "[[12.0, '2023-03-20 10:11:12'], [13.0, '2023-03-20 10:11:13']]"),
    ] {
        let message =
            format!(r#"{{"id": "1", "datetime": "2023-03-20 10:11:13", "type": "{kind}"}}"#);
        bench.check(&message, &format!("{{{above}, 'historic': {expected}}}")).await;
    }
    bench
        .check(r#"{"id": "9", "datetime": "2023-03-20 10:11:13", "type": "/historic"}"#, "None")
        .await;
    bench.check(r#"{"id": "1", "type": "/unheard"}"#, "None").await;
    bench
        .check(
            r#"{"id": "1", "consumption": 1, "datetime": "today", "type": "/spent"}"#,
            "{'error': 'datetime: expected YYYY-MM-DD HH:MM:SS'}",
        )
        .await;
    bench.check("{'id': 0}", "{'error': 'expected a JSON object'}").await;
    assert_eq!(
        bench.in_ledger("1").await,
        [(1_679_317_872, 12_000), (1_679_317_873, 13_000), (1_679_317_874, 300_400)]
    );
}

#[tokio::test]
async fn http_speaks_as_json_dumps_does() {
    let bench = Bench::new("America/Bahia");
    let within = r#""alert": "Your energy consumption is within the recommended""#;
    bench.check_http("GET /measurer/1", "", 200, "false").await;
    bench.check_http("GET /historic/1", "", 200, "null").await;
    bench.check_http("GET /invoice/1", "", 200, "null").await;
    let body = reading("\"1\"", "12.0", "2023-03-20 10:11:12");
    let answer = format!(
        r#"{{{within}, "id": "1", "consumption": 12.0, "datetime": "2023-03-20 10:11:12"}}"#
    );
    bench.check_http("POST /spent", &body, 200, &answer).await;
    bench.check_http("GET /measurer/1", "", 200, "true").await;
    let history = format!(r#"{{{within}, "historic": [[12.0, "2023-03-20 10:11:12"]]}}"#);
    bench.check_http("GET /historic/1", "", 200, &history).await;
    bench.check_http("GET /invoice/1", "", 200, &format!(r#"{{{within}, "invoice": 4.8}}"#)).await;
    let at = r#"{"id": 1, "datetime": "2023-03-20 10:11:12"}"#;
    for path in ["/historic", "/historic/upper", "/historic/lower"] {
        bench.check_http(&format!("POST {path}"), at, 200, &history).await;
    }
    let later = r#"{"id": 1, "datetime": "2023-03-20 10:11:13"}"#;
    let none = format!(r#"{{{within}, "historic": []}}"#);
    bench.check_http("POST /historic/upper", later, 200, &none).await;
    let unknown = r#"{"id": "2", "datetime": "2023-03-20 10:11:12"}"#;
    bench.check_http("POST /historic", unknown, 200, "null").await;
    for path in ["/measurer", "/measurer/", "/measurer/1/2", "/historic/1/2", "/spent", "/spent/1"]
    {
        let expected = if path == "/measurer/" { "false" } else { "null" };
        bench.check_http(&format!("GET {path}"), "", 200, expected).await;
    }
    let reason = r#"{"error": "expected a JSON object"}"#;
    bench.check_http("POST /spent", "noise", 400, reason).await;
    bench
        .check_http(
            "POST /spent",
            &"x".repeat(20_000),
            400,
            r#"{"error": "expected an object of at most 16384 bytes and 32 levels"}"#,
        )
        .await;
    bench.check_http("PUT /spent", &body, 405, "null").await;
    bench.check_http("DELETE /historic/1", "", 405, "null").await;
    bench.check_http("OPTIONS /spent", "", 204, "").await;
    bench.check_http("GET /historic", "", 200, "the portal's page").await;
    bench.check_http("GET /elsewhere", "", 404, "the portal's word").await;
}

#[tokio::test]
async fn peers_outside_are_refused_unless_they_are_let_in() {
    let bench = Bench::new("America/Bahia");
    for (peer, allowed) in [
        ("127.0.0.1:1", true),
        ("[::1]:1", true),
        ("[::ffff:127.0.0.1]:1", true),
        ("10.1.2.3:1", true),
        ("10.2.2.3:1", false),
        ("[2001:db8::1]:1", false),
    ] {
        let (status, _) = bench.ask("GET", "/measurer/1", "", peer).await;
        assert_eq!(status == StatusCode::OK, allowed, "{peer}");
        assert_eq!(bench.lab.allows(peer.parse::<SocketAddr>().unwrap().ip()), allowed, "{peer}");
    }
    let (status, _) = bench.ask("GET", "/historic", "", "10.2.2.3:1").await;
    assert_eq!(status, StatusCode::OK, "the portal is for everybody");
}

#[tokio::test]
async fn behind_a_proxy_on_this_machine_loopback_peers_are_anybody() {
    let bench = Bench::behind_a_proxy();
    for (peer, allowed) in [("127.0.0.1:1", false), ("[::1]:1", false), ("10.1.2.3:1", true)] {
        let (status, _) = bench.ask("GET", "/measurer/1", "", peer).await;
        assert_eq!(status == StatusCode::OK, allowed, "{peer}");
    }
}

#[tokio::test]
async fn a_register_just_below_the_limit_is_within() {
    let bench = Bench::new("America/Bahia");
    let label = "2023-03-20 10:11:12";
    let mut last = "";
    for (consumption, said) in [("299.9996", "within"), ("300.0", "above"), ("299.99999", "within")]
    {
        bench
            .check(
                &reading("\"1\"", consumption, label),
                &format!(
                    "{{'alert': 'Your energy consumption is {said} the recommended', 'id': '1', \
                     'consumption': {consumption}, 'datetime': '{label}'}}"
                ),
            )
            .await;
        last = said;
    }
    let alert = format!(r#""alert": "Your energy consumption is {last} the recommended""#);
    bench.check_http("GET /invoice/1", "", 200, &format!(r#"{{{alert}, "invoice": 120.0}}"#)).await;
    // The ledger keeps whole watt-hours all the same.
    let kept: Vec<i64> = bench.in_ledger("1").await.into_iter().map(|(_, wh)| wh).collect();
    assert_eq!(kept, [300_000, 300_000, 300_000]);
}

/// A meter of the utility may be called what a measurer would be.
#[tokio::test]
async fn an_ordinary_meter_named_like_a_measurer_is_left_alone() {
    let bench = Bench::new("America/Bahia");
    let meter = bench
        .registry
        .write(|tx| -> Result<_, RegistryError> {
            let now = Timestamp::from_second(0);
            let new = NewOrganisation::named("Town", "America/Bahia");
            let organisation = organisations::insert(tx, &new, now)?;
            let organisation = organisations::get(tx, organisation)?.unwrap();
            let new = NewUsagePoint::named(&organisation, "lab-1");
            usage_points::insert(tx, &new, now)?;
            meters::insert(
                tx,
                &NewMeter {
                    organisation: organisation.id,
                    serial: "lab-1-2",
                    secret: None,
                    model: None,
                    reporting_seconds: 10,
                    enrolled_by: None,
                },
                now,
            )
        })
        .await
        .unwrap();
    drop(bench.lab.answer(reading("\"1\"", "1.5", "2023-03-20 10:11:12").as_bytes()).await);
    assert_eq!(bench.in_ledger("1").await, [(1_679_317_872, 1500)]);
    let (mine, serial) = bench
        .registry
        .read(|tx| -> Result<_, RegistryError> {
            let mine = table::find(tx, "1")?.unwrap();
            Ok((mine.meter, meters::get(tx, mine.meter)?.unwrap().serial))
        })
        .await
        .unwrap();
    assert_ne!(mine, meter);
    assert_eq!(serial, "lab-1-3");
}

#[tokio::test]
async fn ids_are_different_and_survive_a_restart() {
    let bench = Bench::new("America/Bahia");
    let both = tokio::join!(bench.lab.answer(br#"{"id": 0}"#), bench.lab.answer(br#"{"id": 0}"#));
    assert_ne!(both.0, both.1);
    let bench = bench.restart();
    bench.check(r#"{"id": 0}"#, "3").await;
    // An id that somebody chose is not handed out again, and one that is no number stops nothing.
    drop(bench.lab.answer(reading("4", "1", "2023-03-20 10:11:12").as_bytes()).await);
    drop(bench.lab.answer(reading("\"abc\"", "1", "2023-03-20 10:11:12").as_bytes()).await);
    bench.check(r#"{"id": 0}"#, "5").await;
}

#[tokio::test]
async fn readings_survive_a_restart_in_the_order_of_their_arrival() {
    let bench = Bench::new("America/Bahia");
    for (consumption, label) in [
        ("3.0", "2023-03-20 10:11:14"),
        ("1.00", "2023-03-20 10:11:12"),
        ("1.5", "2023-03-20 10:11:12"),
    ] {
        drop(bench.lab.answer(reading("1", consumption, label).as_bytes()).await);
    }
    let bench = bench.restart();
    drop(bench.lab.answer(reading("1", "2.25", "2023-03-20 10:11:12").as_bytes()).await);
    let (_, history) = bench.ask("GET", "/historic/1", "", "127.0.0.1:1").await;
    assert!(history.ends_with(
        r#""historic": [[3.0, "2023-03-20 10:11:14"], [1.0, "2023-03-20 10:11:12"], [1.5, "2023-03-20 10:11:12"], [2.25, "2023-03-20 10:11:12"]]}"#
    ), "{history}");
    let start = 1_679_317_872;
    assert_eq!(
        bench.in_ledger("1").await,
        [(start, 1000), (start + 1, 1500), (start + 2, 3000), (start + 3, 2250)]
    );
}

#[tokio::test]
async fn the_hour_that_autumn_repeats_is_kept_twice() {
    let bench = Bench::new("Europe/London");
    // 2013-10-27 01:30 occurs at 00:30 and again at 01:30 UTC.
    for (consumption, label) in [
        ("1", "2013-10-27 00:59:59"),
        ("2", "2013-10-27 01:30:00"),
        ("3", "2013-10-27 01:30:00"),
        ("4", "2013-10-27 01:59:59"),
        ("5", "2013-10-27 01:00:00"),
        ("6", "2013-10-27 01:30:00"),
        ("7", "2013-10-27 02:00:00"),
    ] {
        drop(bench.lab.answer(reading("1", consumption, label).as_bytes()).await);
    }
    let midnight = 1_382_832_000;
    assert_eq!(
        bench.in_ledger("1").await,
        [
            (midnight - 1, 1000),
            (midnight + 1800, 2000),
            (midnight + 1801, 3000),
            (midnight + 3599, 4000),
            (midnight + 3600, 5000),
            (midnight + 5400, 6000),
            (midnight + 7200, 7000),
        ]
    );
}

#[tokio::test]
async fn ten_measurers_at_once_lose_nothing() {
    let bench = Bench::new("America/Bahia");
    let ids = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
    let mut tasks = Vec::new();
    for id in ids {
        let lab = bench.lab.clone();
        tasks.push(tokio::spawn(async move {
            for n in 0..100 {
                // All of them in the same ten seconds.
                let label = format!("2023-03-20 10:11:{:02}", n % 10);
                let message = reading(id, &n.to_string(), &label);
                let answer = lab.answer(message.as_bytes()).await;
                assert!(answer.starts_with(b"{'alert'"), "{}", String::from_utf8_lossy(&answer));
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    for id in ids {
        assert_eq!(bench.in_ledger(id).await.len(), 100, "{id}");
    }
}

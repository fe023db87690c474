//! A meter's life over the interface: exchanged, behind transformers, with a wrong clock.

use http::StatusCode;
use serde_json::{Value, json};

use super::town::{Answer, Town};

struct Administrator<'a> {
    town: &'a Town,
    cookie: String,
}

impl Administrator<'_> {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = [self.cookie.as_str(), "sec-fetch-site: same-origin"];
        self.town.send(method, &format!("/api/v1{path}"), &headers, body).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    /// Wh of Ana's home, with its quality, between two civil instants.
    async fn wh(&self, from: &str, to: &str) -> Value {
        let home = self.town.ana_home;
        let path = format!("/usage-points/{home}/usage?from={from}&to={to}&step=year");
        self.call("GET", &path, None).await.json()["total"]["wh"].clone()
    }
}

async fn administrator(town: &Town) -> Administrator<'_> {
    Administrator { town, cookie: format!("cookie: {}", town.sign_in("admin@example.com").await) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_the_last_and_the_first_register() {
    let town = Town::new();
    let admin = administrator(&town).await;
    let exchange = |last: &str| {
        json!({
            "serial": "A-1", "new_serial": "A-2", "at": "2026-09-05T12:00:00-03:00",
            "registers": [{"final_kwh": last, "first_kwh": "3"}]
        })
    };
    // 799 kWh were read on 3 September already.
    let answer = admin.post("/admin/meters/replace", exchange("5")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["field"]), (422, &json!("registers")));
    let answer = admin.post("/admin/meters/replace", exchange("820.5")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert!(answer.json()["secret"].as_str().unwrap().starts_with("meter_"));
    let reading = json!({"serial": "A-2", "at": "2026-09-10T12:00:00-03:00", "register_kwh": "53"});
    assert_eq!(admin.post("/admin/readings/field", reading).await.status, StatusCode::OK);
    // 820.5 of the old one, 50 of the new one: neither minus 817 nor a spike.
    assert_eq!(admin.wh("2026-08-01", "2026-09-11").await, 870_500);
    let (mdm, home) = (town.mdm.clone(), town.ana_home);
    mdm.run(move |mdm| mdm.validate(home)).await.unwrap();
    assert_eq!(admin.wh("2026-08-01", "2026-09-11").await, 870_500, "validated");
    let log = admin.call("GET", "/admin/audit", None).await.body;
    assert!(log.contains("meter.remove") && log.contains("meter.register"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transformer_counts_from_its_day_on() {
    let town = Town::new();
    let admin = administrator(&town).await;
    let ratio = |numerator: i64| {
        json!({
            "serial": "A-1", "from": "2026-09-01T00:00:00-03:00",
            "numerator": numerator, "denominator": 5
        })
    };
    assert_eq!(admin.post("/admin/meters/multiplier", ratio(0)).await.json()["field"], "ratio");
    let answer = admin.post("/admin/meters/multiplier", ratio(200)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(admin.wh("2026-08-31", "2026-09-01").await, 24_000);
    assert_eq!(admin.wh("2026-09-01", "2026-09-02").await, 960_000);
    assert_eq!(admin.wh("2026-08-31", "2026-09-02").await, 984_000);
    let (mdm, home) = (town.mdm.clone(), town.ana_home);
    mdm.run(move |mdm| mdm.validate(home)).await.unwrap();
    assert_eq!(admin.wh("2026-08-31", "2026-09-02").await, 984_000, "validated");
    let digits = json!({"serial": "A-1", "digits": 5});
    let answer = admin.post("/admin/meters/digits", digits).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_of_a_wrong_clock_count_once_somebody_says_by_how_much() {
    let town = Town::new();
    let admin = administrator(&town).await;
    let years = 7 * 365 * 86_400 + 2 * 86_400;
    let reading =
        json!({"serial": "A-1", "at": "2033-09-04T08:00:00-03:00", "register_kwh": "810"});
    let answer = admin.post("/admin/readings/field", reading).await;
    assert_eq!(answer.json()["stored"]["quarantined"], 1, "{answer:?}");
    assert_eq!(admin.wh("2026-09-03", "2026-09-05").await, 7_000, "up to seven o'clock");
    let release = |seconds: i64| json!({"serial": "A-1", "add_seconds": seconds});
    let answer = admin.post("/admin/meters/release-readings", release(60)).await;
    assert_eq!(answer.json(), json!({"counted": 0, "left": 1}));
    let answer = admin.post("/admin/meters/release-readings", release(-years)).await;
    assert_eq!(answer.json(), json!({"counted": 1, "left": 0}));
    assert_eq!(admin.wh("2026-09-03", "2026-09-05").await, 18_000);
    let again = admin.post("/admin/meters/release-readings", release(-years)).await;
    assert_eq!(again.json(), json!({"counted": 0, "left": 0}));
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_may_be_asked_for_twice_and_a_dial_may_have_rolled_over() {
    let town = Town::new();
    let admin = administrator(&town).await;
    let exchange = json!({
        "serial": "A-1", "new_serial": "A-2", "at": "2026-09-12T12:00:00-03:00",
        "registers": [{"final_kwh": "5", "first_kwh": "0"}], "reason": "burnt"
    });
    // 799 kWh were read on the 3rd: with three digits 5 is 206 kWh later, without it is a mistake.
    let answer = admin.post("/admin/meters/replace", exchange.clone()).await;
    assert!(answer.body.contains("enter its digits first"), "{answer:?}");
    let digits = json!({"serial": "A-1", "digits": 3});
    assert_eq!(admin.post("/admin/meters/digits", digits).await.status, StatusCode::NO_CONTENT);
    let rehearsed = admin.post("/admin/meters/replace/rehearse", exchange.clone()).await;
    assert_eq!(rehearsed.status, StatusCode::NO_CONTENT, "{rehearsed:?}");
    let first = admin.post("/admin/meters/replace", exchange.clone()).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    // Up to the turn of the dial, past it, and no more of the new one.
    assert_eq!(admin.wh("2026-09-03", "2026-09-13").await, 213_000);
    // The answer was lost: the same again gives another secret, and changes nothing else.
    let again = admin.post("/admin/meters/replace", exchange.clone()).await;
    assert_eq!(again.status, StatusCode::CREATED, "{again:?}");
    assert_eq!(again.json()["id"], first.json()["id"]);
    assert_ne!(again.json()["secret"], first.json()["secret"]);
    assert_eq!(admin.wh("2026-09-03", "2026-09-13").await, 213_000);
    let shown = admin.call("GET", "/admin/meters/registers?serial=A-2", None).await.json();
    assert_eq!(
        (&shown["usage_point"], &shown["channels"][0]["last_wh"]),
        (&json!("home 1"), &json!(0))
    );
    let reading = json!({"serial": "A-2", "at": "2026-09-14T12:00:00-03:00", "register_kwh": "9"});
    assert_eq!(admin.post("/admin/readings/field", reading).await.status, StatusCode::OK);
    let late = admin.post("/admin/meters/replace", exchange).await;
    assert_eq!(late.json()["field"], "new_serial", "it was heard of: {late:?}");
    let log = admin.call("GET", "/admin/audit", None).await.body;
    assert!(log.contains("burnt"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_meter_leaves_each_place_its_own() {
    let town = Town::new();
    let admin = administrator(&town).await;
    let moved = |to: &str, first: &str| {
        json!({
            "serial": "A-1", "usage_point": to, "at": "2026-09-10T00:00:00-03:00",
            "registers": [{"final_kwh": "820", "first_kwh": first}]
        })
    };
    assert_eq!(
        admin.post("/admin/meters/move", moved("nowhere", "820")).await.status,
        StatusCode::NOT_FOUND
    );
    let two = admin.post("/admin/meters/move", moved("home 2", "821")).await;
    assert_eq!(two.json()["field"], "registers", "{two:?}");
    let answer = admin.post("/admin/meters/move", moved("home 2", "820")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    let reading =
        json!({"serial": "A-1", "at": "2026-09-12T00:00:00-03:00", "register_kwh": "830"});
    assert_eq!(admin.post("/admin/readings/field", reading).await.status, StatusCode::OK);
    assert_eq!(admin.wh("2026-08-01", "2026-09-13").await, 820_000);
    let points = admin.call("GET", "/admin/usage-points", None).await.json();
    let points = points["usage_points"].as_array().unwrap();
    let there = points.iter().find(|point| point["name"] == "home 2").unwrap();
    let path = format!(
        "/usage-points/{}/usage?from=2026-08-01&to=2026-09-13&step=year",
        there["id"].as_str().unwrap()
    );
    let usage = admin.call("GET", &path, None).await.json();
    assert_eq!(usage["total"]["wh"], 10_000, "{usage}");
    let gone = json!({
        "serial": "A-1", "until": "2026-09-13T00:00:00-03:00", "reason": "house torn down",
        "registers": [{"final_kwh": "835"}]
    });
    assert_eq!(admin.post("/admin/meters/remove", gone).await.status, StatusCode::NO_CONTENT);
    assert_eq!(admin.call("GET", &path, None).await.json()["total"]["wh"], 15_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_register_that_comes_later_leaves_what_was_before_whole() {
    let town = Town::new();
    let admin = administrator(&town).await;
    let register = json!({"name": "off peak", "kind": "register", "direction": "import"});
    let added = json!({"serial": "A-1", "channel": register, "from": "2026-09-02T12:00:00-03:00"});
    let answer = admin.post("/admin/meters/channels", added.clone()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    assert_eq!(admin.post("/admin/meters/channels", added).await.json()["field"], "name");
    for (at, kwh) in [("2026-09-02T12:00:00-03:00", "100"), ("2026-09-03T06:00:00-03:00", "109")] {
        let reading =
            json!({"serial": "A-1", "channel": "off peak", "at": at, "register_kwh": kwh});
        assert_eq!(admin.post("/admin/readings/field", reading).await.status, StatusCode::OK);
    }
    let (mdm, home) = (town.mdm.clone(), town.ana_home);
    for looked in ["as read", "validated"] {
        assert_eq!(admin.wh("2026-08-31", "2026-09-01").await, 24_000, "{looked}");
        assert_eq!(admin.wh("2026-09-01", "2026-09-02").await, 24_000, "{looked}");
        // Half a day of one register, half a day of both: 9 kWh in 18 hours.
        assert_eq!(admin.wh("2026-09-02", "2026-09-03").await, 30_000, "{looked}");
        let day = format!("/usage-points/{home}/usage?from=2026-09-01&to=2026-09-03&step=day");
        let usage = admin.call("GET", &day, None).await.json();
        assert_eq!(usage["total"]["at_least"], false, "{looked}: {usage}");
        mdm.run(move |mdm| mdm.validate(home)).await.unwrap();
    }
    let list = admin.call("GET", "/admin/findings?rule=missing", None).await.json();
    let early = list["groups"]
        .as_array()
        .unwrap()
        .iter()
        .any(|group| group["from"].as_str().unwrap() < "2026-09-03T00:00:00Z");
    assert!(!early, "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn use_while_supply_is_cut_is_a_finding() {
    let town = Town::new();
    let admin = administrator(&town).await;
    let (mdm, home) = (town.mdm.clone(), town.ana_home);
    let looked = mdm.clone();
    looked.run(move |mdm| mdm.validate(home)).await.unwrap();
    let event =
        |kind: &str, at: &str| json!({"serial": "A-1", "kind": kind, "at": at, "reason": "unpaid"});
    let never =
        admin.post("/admin/meters/events", event("reconnected", "2026-08-20T00:00:00-03:00")).await;
    assert_eq!(never.json()["field"], "serial", "{never:?}");
    for (kind, at) in [
        ("disconnected", "2026-08-20T00:00:00-03:00"),
        ("disconnected", "2026-08-20T00:00:00-03:00"),
        ("reconnected", "2026-08-22T00:00:00-03:00"),
    ] {
        let answer = admin.post("/admin/meters/events", event(kind, at)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    }
    // These days were looked at already, and are looked at again.
    mdm.run(move |mdm| mdm.validate(home)).await.unwrap();
    let list = admin.call("GET", "/admin/findings?rule=inactive", None).await.json();
    let group = &list["groups"][0];
    assert_eq!((&group["usage_points"], &group["count"]), (&json!(1), &json!(2)), "{list}");
    assert!(group["sentence"].as_str().unwrap().contains("while disconnected"), "{list}");
    let log = admin.call("GET", "/admin/audit", None).await.body;
    assert_eq!(log.matches("usage_point.disconnect").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_of_a_wrong_clock_are_read_when_they_were_taken() {
    let town = Town::new();
    let admin = administrator(&town).await;
    // A kilowatt-hour an hour; from noon of the 1st the clock ran three hours late.
    let clock = |from: &str, seconds: i64| {
        json!({
            "serial": "A-1", "from": from, "until": "2026-09-04T00:00:00-03:00",
            "add_seconds": seconds, "reason": "the display said so"
        })
    };
    let late = clock("2026-09-01T12:00:00-03:00", 3 * 3600);
    assert_eq!(admin.post("/admin/meters/clock", late).await.status, StatusCode::NO_CONTENT);
    let beside = admin.post("/admin/meters/clock", clock("2026-09-02T00:00:00-03:00", 60)).await;
    assert_eq!(beside.json()["field"], "from", "{beside:?}");
    let (mdm, home) = (town.mdm.clone(), town.ana_home);
    for looked in ["as read", "validated"] {
        // Fifteen hours have what twelve had: 12 kWh until noon, 1 more until four, and so on.
        assert_eq!(admin.wh("2026-09-01", "2026-09-02").await, 21_000, "{looked}");
        assert_eq!(admin.wh("2026-08-31", "2026-09-02").await, 45_000, "{looked}");
        assert_eq!(admin.wh("2026-09-02", "2026-09-03").await, 24_000, "{looked}");
        let looking = mdm.clone();
        looking.run(move |mdm| mdm.validate(home)).await.unwrap();
    }
    let log = admin.call("GET", "/admin/audit", None).await.body;
    assert!(log.contains("meter.set_clock") && log.contains("the display said so"), "{log}");
}

use http::StatusCode;
use serde_json::{Value, json};

use super::town::{Answer, TARIFF, Town};

struct Administrator<'a> {
    town: &'a Town,
    cookie: String,
}

impl<'a> Administrator<'a> {
    async fn of(town: &'a Town) -> Self {
        Self { town, cookie: format!("cookie: {}", town.sign_in("admin@example.com").await) }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = [self.cookie.as_str(), "sec-fetch-site: same-origin"];
        self.town.send(method, &format!("/api/v1/admin{path}"), &headers, body).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.call("POST", path, Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.json()
    }
}

#[tokio::test]
async fn a_town_is_set_up_by_the_api() {
    let town = Town::new();
    let admin = Administrator::of(&town).await;
    admin.post("/customers", json!({"number": "7", "name": "Carla"})).await;
    let point = json!({"name": "Rua C 3", "customer": "7", "phases": 2});
    assert_eq!(admin.post("/usage-points", point).await["zone"], "America/Bahia");
    let meter = json!({"serial": "M-9", "usage_point": "Rua C 3"});
    let secret = admin.post("/meters", meter).await["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("meter_"));
    admin.post("/tariffs", json!({"content": TARIFF})).await;
    let agreement = json!({"usage_point": "Rua C 3", "tariff": "flat-040", "from": "2026-01-01"});
    admin.post("/agreements", agreement).await;
    let token = admin.post("/enrolment-tokens", json!({"label": "more", "uses": 3})).await;
    let user =
        json!({"email": "carla@example.com", "name": "Carla", "role": "customer", "customer": "7"});
    let code = admin.post("/users", user).await["code"].clone();

    let claim = json!({"code": code, "password": "senha da carla"});
    let carla = town.send("POST", "/api/v1/claim", &[], Some(claim)).await;
    assert_eq!(carla.json()["usage_points"][0]["meter_serial"], "M-9");

    let id = token["id"].as_str().unwrap();
    let gone = admin.call("DELETE", &format!("/enrolment-tokens/{id}"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let tokens = admin.call("GET", "/enrolment-tokens", None).await.json();
    assert_eq!(tokens["tokens"][0]["revoked"], true);

    let log = admin.call("GET", "/audit", None).await;
    for action in ["customer.create", "meter.register", "tariff.store", "user.create"] {
        assert!(log.body.contains(action), "{action}");
    }
    assert!(log.body.contains("127.0.0.1"));
    assert!(!log.body.contains(&secret), "no secret in the log");
}

#[tokio::test]
async fn a_user_who_is_refused_is_out_at_once() {
    let town = Town::new();
    let admin = Administrator::of(&town).await;
    let ana = format!("cookie: {}", town.sign_in("ana@example.com").await);
    let users = admin.call("GET", "/users", None).await.json();
    let id = users["users"].as_array().unwrap().iter().find(|u| u["email"] == "ana@example.com");
    let path = format!("/users/{}/disabled", id.unwrap()["id"].as_str().unwrap());
    let answer = admin.call("PUT", &path, Some(json!({"disabled": true}))).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(town.send("GET", "/api/v1/me", &[&ana], None).await.code(), "signed_out");
}

#[tokio::test]
async fn mistakes_name_the_field() {
    let town = Town::new();
    let admin = Administrator::of(&town).await;
    for (path, body, status, field) in [
        ("/customers", json!({"number": "1", "name": "again"}), 409, "number"),
        ("/usage-points", json!({"name": "x", "customer": "99"}), 422, "customer"),
        ("/usage-points", json!({"name": "x", "zone": "Bahia"}), 422, "zone"),
        ("/usage-points", json!({"name": "x", "currency": "XXX"}), 422, "currency"),
        ("/meters", json!({"serial": "M", "usage_point": "nowhere"}), 422, "usage_point"),
        ("/tariffs", json!({"content": "nonsense"}), 422, "content"),
        (
            "/agreements",
            json!({"usage_point": "home 1", "tariff": "x", "from": "2026-01-01"}),
            422,
            "tariff",
        ),
        ("/users", json!({"email": "x@y.z", "name": "X", "role": "king"}), 422, "role"),
        ("/users", json!({"email": "x@y.z", "name": "X", "role": "customer"}), 422, "customer"),
        ("/users", json!({"email": "ANA@example.com", "name": "X", "role": "admin"}), 409, "email"),
        ("/enrolment-tokens", json!({"label": "x", "uses": 0}), 422, "uses"),
    ] {
        let answer = admin.call("POST", path, Some(body)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["field"]), (status, &json!(field)));
    }
}

#[tokio::test]
async fn a_file_with_a_mistake_imports_nothing() {
    let town = Town::new();
    let admin = Administrator::of(&town).await;
    let files = json!({
        "usage_points": "name\nx\ny\n",
        "meters": "serial,usage_point\nM-1,x\nM-1,y\n",
    });
    let answer = admin.call("POST", "/import", Some(files)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid_file"));
    let mistake = &answer.json()["mistakes"][0];
    assert_eq!((&mistake["file"], &mistake["line"]), (&json!("meters"), &json!(3)));
    let points = admin.call("GET", "/usage-points", None).await;
    assert!(!points.body.contains("\"x\""));
    let files = json!({"usage_points": "name\nx\n", "meters": "serial,usage_point\nM-1,x\n"});
    let done = admin.post("/import", files).await;
    assert_eq!(done["meters"][0]["serial"], "M-1");
}

#[tokio::test]
async fn readings_that_are_kept_aside_wait_for_a_person() {
    let town = Town::new();
    let admin = Administrator::of(&town).await;
    let [future, past, other] = town.keep_aside().await;
    let listed = admin.call("GET", "/rejected-readings", None).await.json();
    let listed = listed["readings"].as_array().unwrap();
    let reasons: Vec<&str> = listed.iter().map(|r| r["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["in_future", "before_installation", "in_future"]);
    assert_eq!(listed[0]["meter"], "A-1");
    let page = admin.call("GET", "/rejected-readings?limit=1", None).await.json();
    let next = page["next"].as_str().unwrap();
    let rest = admin.call("GET", &format!("/rejected-readings?cursor={next}"), None).await.json();
    assert_eq!(rest["readings"].as_array().unwrap().len(), 2);

    let decide = async |id: u64, decision: &str| {
        let body = json!({"decision": decision, "reason": "seen on the display"});
        admin.call("POST", &format!("/rejected-readings/{id}"), Some(body)).await
    };
    assert_eq!(decide(future, "release").await.json()["outcome"], "done");
    assert_eq!(decide(past, "drop").await.json()["outcome"], "done");
    assert_eq!(decide(past, "release").await.json()["outcome"], "already");
    assert_eq!(decide(9999, "drop").await.status, StatusCode::NOT_FOUND);
    assert_eq!(decide(other, "later").await.code(), "invalid_body");
    let left = admin.call("GET", "/rejected-readings", None).await.json();
    assert_eq!(left["readings"].as_array().unwrap().len(), 1);

    let log = admin.call("GET", "/audit", None).await.body;
    assert!(log.contains("reading.release") && log.contains("seen on the display"), "{log}");
    let elsewhere = format!("cookie: {}", town.sign_in("op@elsewhere.example").await);
    let headers = [elsewhere.as_str(), "sec-fetch-site: same-origin"];
    let path = "/api/v1/admin/rejected-readings";
    let theirs = town.send("GET", path, &headers, None).await.json();
    assert_eq!(theirs["readings"], json!([]), "nothing of another organisation is shown");
    let body = json!({"decision": "drop"});
    let answer = town.send("POST", &format!("{path}/{other}"), &headers, Some(body)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

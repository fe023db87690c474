//! How people are told: destinations, preferences, previews, mutes, the end of letters.

use http::StatusCode;
use serde_json::{Value, json};

use super::town::{Answer, Town};

async fn call(town: &Town, cookie: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let cookie = format!("cookie: {cookie}");
    town.send(method, path, &["sec-fetch-site: same-origin", &cookie], body).await
}

#[tokio::test]
async fn a_webhook_shows_its_secret_once_and_is_nobody_elses() {
    let town = Town::new();
    let ana = town.sign_in("ana@example.com").await;
    let new =
        json!({"kind": "webhook", "label": "Server", "address": "https://hooks.example.org/x"});
    let made = call(&town, &ana, "POST", "/api/v1/me/destinations", Some(new)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert!(made.json()["secret"].as_str().unwrap().starts_with("whsec_"));
    let shown = call(&town, &ana, "GET", "/api/v1/me/delivery", None).await;
    assert!(!shown.body.contains("whsec_"), "{}", shown.body);
    assert_eq!(shown.json()["destinations"].as_array().unwrap().len(), 2);
    assert_eq!(shown.json()["mail"], "now");
    let bia = town.sign_in("bia@example.com").await;
    let shown = call(&town, &bia, "GET", "/api/v1/me/delivery", None).await;
    assert_eq!(shown.json()["destinations"], json!([]));
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_the_reason() {
    let town = Town::new();
    let ana = town.sign_in("ana@example.com").await;
    for (body, field, part) in [
        (
            json!({"kind": "webhook", "label": "x", "address": "https://10.0.0.1/"}),
            "address",
            "own network",
        ),
        (
            json!({"kind": "webhook", "label": "x", "address": "http://example.org/"}),
            "address",
            "https",
        ),
        (
            json!({"kind": "fax", "label": "x", "address": "https://example.org/"}),
            "kind",
            "webhook",
        ),
        (
            json!({"kind": "webhook", "label": " ", "address": "https://example.org/"}),
            "label",
            "1 to 80",
        ),
        (
            json!({"kind": "push", "label": "x", "address": "https://example.org/", "keys": {"p256dh": "", "auth": ""}}),
            "keys",
            "not the keys",
        ),
        (
            json!({"kind": "gateway", "label": "x", "address": "https://example.org/", "gateway": {"content_type": "text/plain", "body": "hi"}}),
            "gateway",
            "every message is the same",
        ),
    ] {
        let answer = call(&town, &ana, "POST", "/api/v1/me/destinations", Some(body)).await;
        assert_eq!(answer.code(), "invalid_field", "{answer:?}");
        assert_eq!(answer.json()["field"], field);
        assert!(answer.json()["detail"].as_str().unwrap().contains(part), "{}", answer.body);
    }
    let quiet = json!({"mail": "daily", "quiet": {"from_minute": 60, "until_minute": 60}});
    let answer = call(&town, &ana, "PUT", "/api/v1/me/delivery", Some(quiet)).await;
    assert_eq!(answer.json()["field"], "quiet");
}

#[tokio::test]
async fn a_preview_tells_when_and_a_rule_that_always_tells_is_refused() {
    let town = Town::new();
    let ana = town.sign_in("ana@example.com").await;
    let rule = format!("/api/v1/usage-points/{}/alert-rules/excessive_consumption", town.ana_home);
    // A kilowatt-hour an hour: 24 kWh a day, in each of the days that are known.
    let parameters = |threshold: &str| json!({"threshold": threshold, "unit": "kwh", "per": "day"});
    let path = format!("{rule}/preview");
    let preview = |threshold: &'static str| {
        let body = Some(json!({"parameters": parameters(threshold)}));
        call(&town, &ana, "POST", &path, body)
    };
    let quiet = preview("30").await.json();
    assert_eq!(quiet["times"], json!([]), "{quiet}");
    assert_eq!(quiet["refusal"], Value::Null);
    let change = json!({"enabled": true, "parameters": parameters("0")});
    let refused = call(&town, &ana, "PUT", &rule, Some(change)).await;
    assert_eq!(refused.json()["field"], "threshold");
    let muted =
        call(&town, &ana, "POST", &format!("{rule}/mute"), Some(json!({"hours": 24}))).await;
    assert!(muted.json()["muted_until"].is_string(), "{muted:?}");
    let spoken =
        call(&town, &ana, "POST", &format!("{rule}/mute"), Some(json!({"hours": 0}))).await;
    assert_eq!(spoken.json()["muted_until"], Value::Null);
}

#[tokio::test]
async fn letters_end_by_the_button_and_not_by_looking() {
    let town = Town::new();
    let ana = town.sign_in("ana@example.com").await;
    let token = town.keys.unsubscribe_token("ana@example.com");
    let path = format!("/api/v1/unsubscribe?token={token}");
    let mail =
        async || call(&town, &ana, "GET", "/api/v1/me/delivery", None).await.json()["mail"].clone();
    let page = town.send("GET", &path, &[], None).await;
    assert!(page.body.contains("ana@example.com"), "{page:?}");
    assert_eq!(mail().await, "now");
    // As a mail program sends it: from nowhere, without a cookie.
    let done = town.send("POST", &path, &["sec-fetch-site: none"], None).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(mail().await, "off");
    let forged = town.send("POST", &path.replace("token=", "token=A"), &[], None).await;
    assert_eq!(forged.code(), "invalid_code");
}

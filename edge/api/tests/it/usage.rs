//! Usage, bills, alerts and live events as the portal asks for them.

use std::time::Duration;

use corrente_api::ApiConfig;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::town::{Answer, Town};

impl Town {
    pub(crate) async fn ana(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let cookies = self.sign_in("ana@example.com").await;
        let headers = [format!("cookie: {cookies}"), "sec-fetch-site: same-origin".to_owned()];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        self.send(method, &format!("/api/v1{path}"), &headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.ana("GET", path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.json()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bars_of_a_month_add_up_to_its_bill() {
    let town = Town::new();
    let home = town.ana_home;
    let usage = town
        .get(&format!(
            "/usage-points/{home}/usage?from=2026-08-01&to=2026-09-01&step=day&compare=previous"
        ))
        .await;
    let bars = usage["intervals"].as_array().unwrap();
    assert_eq!((usage["step"].as_str(), bars.len()), (Some("day"), 31));
    assert_eq!(bars[0]["start"], "2026-08-01T00:00:00-03:00");
    let wh: i64 = bars.iter().map(|bar| bar["wh"].as_i64().unwrap()).sum();
    assert_eq!((wh, usage["total"]["wh"].as_i64()), (744_000, Some(744_000)));
    let invoice = town.get(&format!("/invoices/{}", town.ana_invoice)).await;
    assert_eq!(invoice["wh"], 744_000);
    assert_eq!(usage["total"]["amount"], invoice["total"]);
    assert_eq!(usage["fixed_amount"], "0.00");
    assert_eq!(usage["compare"]["total"]["wh"], Value::Null);
    assert_eq!(usage["change"]["wh_percent"], Value::Null);

    let file = town
        .ana(
            "GET",
            &format!("/usage-points/{home}/usage.csv?from=2026-08-01&to=2026-08-03&step=day"),
            None,
        )
        .await;
    // The meter should report each quarter of an hour and did so each hour: the quarters of a day that has a past
    // to go by are estimates, but its hours and the day itself lie between registers that were read.
    assert_eq!(
        file.body,
        "usage_point,period_start,period_end,wh,quality,amount\n\
         home 1,2026-08-01T00:00:00-03:00,2026-08-02T00:00:00-03:00,24000,measured,9.60\n\
         home 1,2026-08-02T00:00:00-03:00,2026-08-03T00:00:00-03:00,24000,measured,9.60\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_makes_no_sense_names_its_field() {
    let town = Town::new();
    let home = town.ana_home;
    for (query, field) in [
        ("from=yesterday", "from"),
        ("from=2026-08-02&to=2026-08-01", "to"),
        ("step=fortnight", "step"),
        ("compare=neighbours", "compare"),
        ("from=1990-01-01&to=2026-01-01&step=15m", "step"),
    ] {
        let answer = town.ana("GET", &format!("/usage-points/{home}/usage?{query}"), None).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {answer:?}");
        assert_eq!(answer.json()["field"], field, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_carries_its_lines_its_registers_and_a_code_to_pay_it() {
    let town = Town::new();
    let list = town.get(&format!("/usage-points/{}/invoices", town.ana_home)).await;
    assert_eq!(list["invoices"].as_array().unwrap().len(), 1);
    let invoice = town.get(&format!("/invoices/{}", town.ana_invoice)).await;
    assert_eq!(invoice["number"], list["invoices"][0]["number"]);
    assert_eq!(invoice["state"], "open");
    assert_eq!(invoice["lines"][0]["quantity"], "744");
    assert_eq!(invoice["meter"]["end_wh"].as_i64().unwrap(), 744_000);
    assert_eq!(invoice["history"][0]["month"], "2026-08");
    let payload = invoice["pix"]["payload"].as_str().unwrap();
    assert!(payload.starts_with("000201"), "{payload}");
    let picture = town.ana("GET", &format!("/invoices/{}/pix.svg", town.ana_invoice), None).await;
    assert_eq!(picture.headers["content-type"], "image/svg+xml");
    assert!(picture.body.contains("<svg"), "{}", picture.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_page_comes_in_one_request() {
    let town = Town::new();
    let home = town.get(&format!("/usage-points/{}/home", town.ana_home)).await;
    // The last reading is of the beginning of September, and now is the end of it.
    assert_eq!(home["now"]["state"], "silent");
    assert_eq!(home["bill"]["from"], "2026-09-01");
    assert_eq!(home["bill"]["at_least"], true);
    assert_eq!(home["today"]["wh"], Value::Null);
    assert_eq!(home["last_invoice"]["wh"], 744_000);
    assert_eq!(home["alerts"][0]["kind"], "bill_jump");
    assert_eq!(home["alerts"][0]["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_come_as_they_were_sent() {
    let town = Town::new();
    let home = town.ana_home;
    let at = town.get(&format!("/usage-points/{home}/readings?at=2026-08-01T10:20")).await;
    assert_eq!(
        at["readings"],
        json!([{
            "t": "2026-08-01T10:00:00-03:00", "value_wh": 10_000, "kind": "register",
            "channel": "import", "direction": "import", "source_quality": 0
        }])
    );
    let path = format!("/usage-points/{home}/readings?from=2026-08-01&to=2026-08-02&limit=20");
    let page = town.get(&path).await;
    assert_eq!(page["readings"].as_array().unwrap().len(), 20);
    let next = page["next"].as_str().unwrap();
    let rest = town.get(&format!("{path}&cursor={next}")).await;
    assert_eq!(rest["readings"].as_array().unwrap().len(), 4);
    assert_eq!(rest["next"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_come_newest_first_page_by_page_until_the_first_one() {
    let town = Town::new();
    let path = format!("/usage-points/{}/readings?order=desc&limit=300", town.ana_home);
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let page = town.get(&format!("{path}{next}")).await;
        found.extend(page["readings"].as_array().unwrap().iter().map(|r| r["value_wh"].as_i64()));
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    let expected: Vec<Option<i64>> = (0..800).rev().map(|hour| Some(hour * 1000)).collect();
    assert_eq!(found, expected);

    let path = format!("/usage-points/{}/readings?order=desc", town.ana_home);
    let until = town.get(&format!("{path}&to=2026-08-02&limit=2")).await;
    assert_eq!(until["readings"][0]["t"], "2026-08-02T00:00:00-03:00");
    assert_eq!(until["readings"][1]["t"], "2026-08-01T23:00:00-03:00");
    let path = format!("/usage-points/{}/readings?order=sideways", town.ana_home);
    assert_eq!(town.ana("GET", &path, None).await.json()["field"], "order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tariff_says_its_price_with_and_without_taxes() {
    let town = Town::new();
    let own = town.get(&format!("/usage-points/{}/tariff", town.ana_home)).await;
    let price = &own["tariff"]["prices"][0];
    assert_eq!((&price["with_taxes"], &price["net"]), (&json!("0.4"), &json!("0.4")));
    assert_eq!(own["tariff"]["days"], json!([]), "all hours are alike");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stretch_gets_a_name_and_loses_it() {
    let town = Town::new();
    let home = town.ana_home;
    let stretch = town
        .get(&format!("/usage-points/{home}/stretch?from=2026-08-10T10:00&to=2026-08-10T12:00"))
        .await;
    assert_eq!((&stretch["wh"], &stretch["amount"]), (&json!(2000), &json!("0.80")));
    assert_eq!(stretch["mean_w"], 1000);
    assert_eq!((&stretch["always_on_w"], &stretch["above_wh"]), (&json!(1000), &json!(0)));

    let path = format!("/usage-points/{home}/events");
    let oven = |name: &str, from: &str, to: &str| json!({"name": name, "from": from, "to": to});
    for (name, to) in [("Forno", "2026-08-10T12:00"), (" forno ", "2026-08-10T14:00")] {
        let body = oven(name, "2026-08-10T10:00", to);
        let made = town.ana("POST", &path, Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    }
    for (body, field) in [
        (oven("", "2026-08-10T10:00", "2026-08-10T12:00"), "name"),
        (oven(&"x".repeat(61), "2026-08-10T10:00", "2026-08-10T12:00"), "name"),
        (oven("Forno", "2026-08-10T12:00", "2026-08-10T10:00"), "to"),
        (oven("Forno", "soon", "2026-08-10T10:00"), "from"),
    ] {
        let refused = town.ana("POST", &path, Some(body)).await;
        assert_eq!(refused.json()["field"], field, "{refused:?}");
    }
    let events = town.get(&path).await;
    assert_eq!(events["events"].as_array().unwrap().len(), 3);
    let ovens = events["names"].as_array().unwrap();
    let oven = ovens.iter().find(|name| name["times"] == 2).unwrap();
    assert_eq!((&oven["mean_wh"], &oven["mean_amount"]), (&json!(3000), &json!("1.20")));
    assert_eq!(oven["least_amount"], "0.80");

    let id = events["events"][0]["id"].as_str().unwrap();
    let removed = town.ana("DELETE", &format!("/events/{id}"), None).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let again = town.ana("DELETE", &format!("/events/{id}"), None).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(town.get(&path).await["events"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_shared_by_a_link_until_it_is_taken_back() {
    let town = Town::new();
    let path = format!("/invoices/{}/links", town.ana_invoice);
    let made = town.ana("POST", &path, None).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let link = made.json()["path"].as_str().unwrap().to_owned();
    let open = async |link: &str| town.open("GET", link, &[], None).await;
    let (status, headers, _) = open(&link).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/pdf");
    assert_eq!(headers["x-robots-tag"], "noindex");
    // Another signature, or another id under this one, opens nothing.
    let forged = link.replace("/shared-invoices/", "/shared-invoices/A");
    assert_eq!(open(&forged).await.0, StatusCode::NOT_FOUND);
    assert_eq!(open(link.split('.').next().unwrap()).await.0, StatusCode::NOT_FOUND);
    let unsubscribe = town.keys.unsubscribe_token("ana@example.com");
    assert_eq!(
        open(&format!("/api/v1/shared-invoices/{unsubscribe}")).await.0,
        StatusCode::NOT_FOUND
    );

    let revoked = town.ana("DELETE", &path, None).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(open(&link).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_read_and_rules_are_set() {
    let town = Town::new();
    let home = town.ana_home;
    let alerts = town.get(&format!("/usage-points/{home}/alerts")).await;
    let event = &alerts["events"][0];
    assert_eq!((event["kind"].as_str(), event["read"].as_bool()), (Some("bill_jump"), Some(false)));
    let id = event["id"].as_str().unwrap();
    let read = town.ana("POST", &format!("/alerts/{id}/read"), None).await;
    assert_eq!(read.status, StatusCode::NO_CONTENT);
    let alerts = town.get(&format!("/usage-points/{home}/alerts")).await;
    assert_eq!(alerts["events"][0]["read"], true);

    let path = format!("/usage-points/{home}/alert-rules/bill_jump");
    let body = json!({"enabled": true, "parameters": {"percent": "25"}});
    let rule = town.ana("PUT", &path, Some(body)).await;
    assert_eq!(rule.json()["parameters"]["percent"], "25", "{rule:?}");
    let never = json!({"enabled": true, "parameters": {"percent": "0"}});
    let refused = town.ana("PUT", &path, Some(never)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["field"], "percent");
    let unknown = format!("/usage-points/{home}/alert-rules/full_moon");
    let refused = town.ana("PUT", &unknown, Some(json!({"enabled": true}))).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_page_is_greeted_and_told_what_is() {
    let heartbeat = Duration::from_millis(10);
    let town = Town::with(ApiConfig { heartbeat, ..ApiConfig::default() });
    let cookies = format!("cookie: {}", town.sign_in("ana@example.com").await);
    let path = format!("/api/v1/live?usage_point={}", town.ana_home);
    let (status, headers, mut body) = town.open("GET", &path, &[&cookies], None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "text/event-stream");
    let mut text = String::new();
    while text.matches("event: ping").count() < 2 || !text.ends_with("\n\n") {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&frame).unwrap());
    }
    let hello = text.lines().nth(1).and_then(|line| line.strip_prefix("data: ")).unwrap();
    let hello: Value = serde_json::from_str(hello).unwrap();
    assert!(text.starts_with("event: hello\n") && hello["build"].is_string(), "{text}");
    assert_eq!(hello["storing"], true);
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names[..4], ["hello", "snapshot", "ping", "ping"]);
    let ids: Vec<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .map(|id| id.parse().unwrap())
        .collect();
    assert_eq!(ids, (1..=u64::try_from(names.len()).unwrap()).collect::<Vec<_>>());
    assert!(text.contains("retry: 2000"), "{text}");
    assert!(text.contains("\"state\":\"silent\""), "{text}");

    // A ledger that takes nothing is news for every open page, once.
    town.stop_storing();
    while !text.contains("event: storing") || !text.ends_with("\n\n") {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&frame).unwrap());
    }
    assert!(text.contains("event: storing\ndata: {\"storing\":false}"), "{text}");
    let ready = town.send("GET", "/health/ready", &[], None).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json()["ledger"], false);

    let (status, _, _) =
        town.open("GET", "/api/v1/live?usage_point=nobody", &[&cookies], None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

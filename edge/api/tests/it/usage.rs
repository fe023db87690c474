//! Usage, bills, alerts and live events as the portal asks for them.

use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::town::{Answer, Town};

impl Town {
    async fn ana(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let cookies = self.sign_in("ana@example.com").await;
        let headers = [format!("cookie: {cookies}"), "sec-fetch-site: same-origin".to_owned()];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        self.send(method, &format!("/api/v1{path}"), &headers, body).await
    }

    async fn get(&self, path: &str) -> Value {
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
    let town = Town::new();
    let cookies = format!("cookie: {}", town.sign_in("ana@example.com").await);
    let path = format!("/api/v1/live?usage_point={}", town.ana_home);
    let (status, headers, mut body) = town.open("GET", &path, &[&cookies], None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("event: snapshot") || !text.ends_with("\n\n") {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&frame).unwrap());
    }
    assert!(text.contains("event: hello\ndata: {\"build\":"), "{text}");
    assert!(text.contains("retry: 2000"), "{text}");
    assert!(text.contains("\"state\":\"silent\""), "{text}");

    let (status, _, _) =
        town.open("GET", "/api/v1/live?usage_point=nobody", &[&cookies], None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

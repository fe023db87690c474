//! Checks of tariffs, bills and codes, replay and correction, and what a bill is fed with.

use http::StatusCode;
use serde_json::{Value, json};

use super::town::{TARIFF, Town};

async fn call(
    town: &Town,
    who: &str,
    method: &str,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    let cookie = town.sign_in(who).await;
    let headers = ["sec-fetch-site: same-origin", &format!("cookie: {cookie}")];
    let body = (method != "GET").then_some(body);
    let answer = town.send(method, &format!("/api/v1{path}"), &headers, body).await;
    let value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    (answer.status, value)
}

const ANA: &str = "ana@example.com";
const OPERATOR: &str = "op@example.com";
const ADMIN: &str = "admin@example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_and_codes_of_anybody_are_checked() {
    let town = Town::new();
    let (status, report) =
        call(&town, ANA, "POST", "/tariffs/check", json!({"content": TARIFF})).await;
    assert_eq!((status, &report["sound"]), (StatusCode::OK, &json!(true)), "{report}");
    let wrong = TARIFF.replace("valid_from", "valid_form");
    let (_, report) = call(&town, ANA, "POST", "/tariffs/check", json!({"content": wrong})).await;
    assert_eq!(report["sound"], json!(false));
    assert!(report["problems"][0]["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{report}");
    let (_, words) = call(&town, ANA, "POST", "/tariffs/explain", json!({"content": TARIFF})).await;
    assert!(words["text"].as_str().unwrap().contains("BRL 0.4 per kWh"), "{words}");
    let (status, refused) =
        call(&town, ANA, "POST", "/tariffs/explain", json!({"content": "x"})).await;
    assert_eq!((status, &refused["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("content")));
    let codes = json!({"codes": ["83860000001123456789012345678901234567890123"]});
    let (status, report) = call(&town, ANA, "POST", "/codes/check", codes).await;
    assert_eq!((status, &report["differing"]), (StatusCode::OK, &json!(1)), "{report}");
    let bill = json!({"content": json!({"id": "x", "formula": "1 + 1", "value": 2}).to_string()});
    let (status, report) = call(&town, ANA, "POST", "/bills/check", bill).await;
    assert_eq!(status, StatusCode::OK, "{report}");
    let tried = TARIFF.replace("0.40", "0.50");
    let (status, result) =
        call(&town, OPERATOR, "POST", "/tariffs/simulate", json!({"content": tried, "last": 1}))
            .await;
    // 744 kWh of August.
    assert_eq!(status, StatusCode::OK, "{result}");
    assert_eq!(result["revenue_before"], json!("297.60"), "{result}");
    assert_eq!(result["revenue_after"], json!("372.00"));
    assert_eq!(result["outcomes"][0]["usage_point"], json!("home 1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_is_replayed_and_only_corrected_where_it_is_wrong() {
    let town = Town::new();
    let path = format!("/invoices/{}", town.ana_invoice);
    let (status, replayed) = call(&town, ANA, "POST", &format!("{path}/replay"), json!({})).await;
    assert_eq!((status, &replayed["equal"]), (StatusCode::OK, &json!(true)), "{replayed}");
    let correction = format!("{path}/correction");
    let (status, preview) = call(&town, OPERATOR, "GET", &correction, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{preview}");
    assert_eq!((&preview["differs"], &preview["difference"]), (&json!(false), &json!("0.00")));
    let body = json!({"difference": "1.00", "reason": "late"});
    let (status, refused) = call(&town, ADMIN, "POST", &correction, body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("nothing to correct"), "{refused}");

    // A tariff that is mended: 0.41 instead of 0.40 for 744 kWh.
    let mended = TARIFF.replace("0.40", "0.41").replace("version = \"", "version = \"m");
    let (status, stored) =
        call(&town, ADMIN, "POST", "/admin/tariffs", json!({"content": mended})).await;
    assert_eq!(status, StatusCode::CREATED, "{stored}");
    let (_, preview) = call(&town, OPERATOR, "GET", &correction, Value::Null).await;
    assert_eq!(preview["difference"], json!("7.44"), "{preview}");
    let body = json!({"difference": "7.44", "reason": "price of the resolution"});
    let (status, made) = call(&town, ADMIN, "POST", &correction, body.clone()).await;
    assert_eq!((status, &made["outcome"]), (StatusCode::CREATED, &json!("issued")), "{made}");
    let (status, again) = call(&town, ADMIN, "POST", &correction, body).await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &made["id"]), "{again}");

    // Ana sees it on her bill, and can open and pay it.
    let (_, bill) = call(&town, ANA, "GET", &path, Value::Null).await;
    assert_eq!(bill["corrections"][0]["amount"], json!("7.44"), "{bill}");
    assert_eq!(bill["lines"][0]["base"], json!("297.6"), "{bill}");
    let own = format!("/invoices/{}", made["id"].as_str().unwrap());
    let (_, document) = call(&town, ANA, "GET", &own, Value::Null).await;
    assert_eq!(document["corrected"]["number"], bill["number"], "{document}");
    assert_eq!(document["pix"]["amount"], json!("7.44"));
    let cookie = town.sign_in(ANA).await;
    let cookie = format!("cookie: {cookie}");
    let headers = ["sec-fetch-site: same-origin", cookie.as_str()];
    let csv = town.send("GET", &format!("/api/v1{own}/document.csv"), &headers, None).await;
    let last = csv.body.lines().last().unwrap();
    assert!(last.contains("difference") && last.ends_with(",7.44"), "{}", csv.body);
    let pdf = format!("/api/v1{own}/document.pdf?language=en");
    let pdf = town.send("GET", &pdf, &headers, None).await;
    assert!(pdf.body.starts_with("%PDF-"), "{pdf:?}");
    let (_, replayed) = call(&town, ANA, "POST", &format!("{own}/replay"), json!({})).await;
    assert_eq!(replayed["equal"], json!(true), "{replayed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bill_is_fed_with_is_set_by_the_interface() {
    let town = Town::new();
    let terms = json!({"usage_point": "home 1", "contracted_kw": "12.5", "credit_regime": "gd2"});
    let (status, point) = call(&town, ADMIN, "PUT", "/admin/usage-points/terms", terms).await;
    assert_eq!((status, &point["contracted_kw"]), (StatusCode::OK, &json!("12.5")), "{point}");
    let wrong = json!({"usage_point": "home 1", "contracted_kw": "much"});
    let (status, refused) = call(&town, ADMIN, "PUT", "/admin/usage-points/terms", wrong).await;
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!((status, &refused["field"]), (unprocessable, &json!("contracted_kw")));

    let prices = "start,price\n2026-08-01T00:00:00Z,10\n2026-08-01T01:00:00Z,-2.5\n";
    let body = json!({"name": "market", "content": prices});
    let (status, loaded) = call(&town, ADMIN, "POST", "/admin/price-series", body).await;
    assert_eq!((status, &loaded["added"]), (StatusCode::OK, &json!(2)), "{loaded}");
    let (_, listed) = call(&town, OPERATOR, "GET", "/admin/price-series", Value::Null).await;
    assert_eq!(listed["series"][0]["until"], json!("2026-08-01T02:00:00Z"), "{listed}");
    let body = json!({"name": "market", "content": "start,price\nyesterday,10\n"});
    let (status, refused) = call(&town, ADMIN, "POST", "/admin/price-series", body).await;
    assert_eq!((status, &refused["mistakes"][0]["line"]), (unprocessable, &json!(2)), "{refused}");
    let body = json!({"name": "IPCA", "content": "month;change\n2026-08;0.0044\n"});
    let (status, _) = call(&town, ADMIN, "POST", "/admin/index-values", body).await;
    assert_eq!(status, StatusCode::OK);
    let (_, listed) = call(&town, OPERATOR, "GET", "/admin/index-values", Value::Null).await;
    assert_eq!(listed["values"][0]["month"], json!("2026-08"), "{listed}");

    let (_, rules) = call(&town, OPERATOR, "GET", "/admin/billing-rules", Value::Null).await;
    assert_eq!(rules["most_days"], json!(47));
    let mut changed = rules.clone();
    changed["most_days"] = json!(10);
    let (status, refused) =
        call(&town, ADMIN, "PUT", "/admin/billing-rules", changed.clone()).await;
    assert_eq!((status, &refused["field"]), (unprocessable, &json!("most_days")), "{refused}");
    changed["most_days"] = json!(33);
    let (status, _) = call(&town, ADMIN, "PUT", "/admin/billing-rules", changed).await;
    assert_eq!(status, StatusCode::OK);
    let (_, rules) = call(&town, OPERATOR, "GET", "/admin/billing-rules", Value::Null).await;
    assert_eq!(rules["most_days"], json!(33));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_issued_in_the_background_and_says_how_far_it_is() {
    let town = Town::new();
    let body = json!({"usage_point": "home 1", "first": "2026-09-01", "until": "2026-09-03"});
    let (status, run) = call(&town, ADMIN, "POST", "/admin/billing-runs", body).await;
    assert_eq!((status, &run["ready"]), (StatusCode::CREATED, &json!(1)), "{run}");
    let path = format!("/admin/billing-runs/{}", run["id"].as_str().unwrap());
    let (status, refused) = call(&town, ADMIN, "POST", &format!("{path}/issue"), json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let total = json!({"total": run["total"]});
    let (status, approved) = call(&town, ADMIN, "POST", &format!("{path}/approve"), total).await;
    assert_eq!(status, StatusCode::OK, "{approved}");
    let (status, begun) = call(&town, ADMIN, "POST", &format!("{path}/issue"), json!({})).await;
    assert_eq!((status, &begun["of"]), (StatusCode::ACCEPTED, &json!(1)), "{begun}");
    let mut shown = json!({"issuing": {"running": true}});
    for _ in 0..1000 {
        shown = call(&town, OPERATOR, "GET", &path, Value::Null).await.1;
        if shown["issuing"]["running"] == json!(false) {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(shown["issuing"]["issued"], json!(1), "{shown}");
    assert_eq!(shown["state"], json!("issued"));
}

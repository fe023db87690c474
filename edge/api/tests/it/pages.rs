use corrente_api::{ApiConfig, Metric};
use http::{StatusCode, header};
use serde_json::json;

use super::town::Town;

#[tokio::test]
async fn every_address_that_is_no_file_is_the_page() {
    let town = Town::new();
    for path in ["/", "/signin", "/historic", "/invoice?bill=1", "/alerts"] {
        let answer = town.send("GET", path, &["cookie: lang=en; theme=dark"], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.body.contains("<html lang=\"en\" data-theme=\"dark\">"), "{}", answer.body);
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-cache");
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(answer.headers.get(header::STRICT_TRANSPORT_SECURITY).is_none());
    }
}

#[tokio::test]
async fn the_first_page_asks_for_the_figures_of_its_home() {
    let town = Town::new();
    let ana = format!("cookie: {}", town.sign_in("ana@example.com").await);
    let home = town.ana_home;
    let figures = format!("href=\"/api/v1/usage-points/{home}/home?language=pt-BR\" crossorigin>");
    let nobodys = "/?home=00000000-0000-7000-8000-000000000000";
    for (path, expected) in [("/", true), (nobodys, true), ("/?home=x", true), ("/historic", false)]
    {
        let page = town.send("GET", path, &[&ana], None).await;
        assert_eq!(page.body.contains(&figures), expected, "{path}: {}", page.body);
    }
    let operator = format!("cookie: {}", town.sign_in("admin@example.com").await);
    for cookie in ["cookie: sid=gone", operator.as_str()] {
        let page = town.send("GET", "/", &[cookie], None).await;
        assert!(!page.body.contains("/home?"), "{cookie}: {}", page.body);
    }
}

#[tokio::test]
async fn what_is_missing_is_said_in_the_callers_words() {
    let town = Town::new();
    for (method, path, status, code) in [
        ("GET", "/api/v1/nothing", StatusCode::NOT_FOUND, "not_found"),
        ("GET", "/api/v1/session", StatusCode::NOT_FOUND, "not_found"),
        ("PUT", "/api/v1/session", StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        ("POST", "/historic", StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
    ] {
        let answer = town.send(method, path, &[], Some(json!({}))).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{method} {path}");
    }
    for path in ["/assets/gone.js", "/favicon.xyz", "/../Cargo.toml", "/assets/../index.html"] {
        let answer = town.send("GET", path, &[], None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn health_is_told() {
    let town = Town::new();
    assert_eq!(town.send("GET", "/health/live", &[], None).await.body, "ok\n");
    let ready = town.send("GET", "/health/ready", &[], None).await;
    assert_eq!((ready.status, &ready.json()["ready"]), (StatusCode::OK, &json!(true)));
}

#[tokio::test]
async fn options_need_no_sign_in() {
    let town = Town::new();
    let options = town.send("GET", "/api/v1/options", &[], None).await.json();
    assert_eq!((&options["lab"], &options["demo"]), (&json!(true), &json!(false)));
    assert_eq!(options["first_steps"], false, "the town has an administrator");
}

#[test]
fn every_figure_is_documented() {
    let book = include_str!("../../../../docs/operations.md");
    for metric in Metric::ALL {
        assert!(book.contains(&format!("`{}", metric.name())), "{} is not", metric.name());
    }
}

#[tokio::test]
async fn figures_are_for_this_machine_and_for_operators() {
    let town = Town::new();
    town.send("GET", "/api/v1/options", &[], None).await;
    let answer = town.send("GET", "/metrics", &[], None).await;
    assert_eq!(answer.status, StatusCode::OK);
    for line in [
        "corrente_meters 3",
        "corrente_ledger_readings_total 800",
        "corrente_ledger_accepting 1",
        "corrente_http_requests_total{operation=\"/api/v1/options\",method=\"GET\",status=\"200\"} 1",
        "corrente_http_request_seconds_count 1",
    ] {
        assert!(answer.body.lines().any(|found| found == line), "{line} in {}", answer.body);
    }
    assert!(answer.body.ends_with("# EOF\n"));

    let town = Town::with(ApiConfig { behind_tls: true, ..ApiConfig::default() });
    assert_eq!(town.send("GET", "/metrics", &[], None).await.code(), "signed_out");
    let ana = format!("cookie: {}", town.sign_in("ana@example.com").await);
    assert_eq!(town.send("GET", "/metrics", &[&ana], None).await.code(), "forbidden");
    let operator = format!("cookie: {}", town.sign_in("op@example.com").await);
    assert_eq!(town.send("GET", "/metrics", &[&operator], None).await.status, StatusCode::OK);
}

#[test]
fn figures_have_different_names_and_say_what_they_are() {
    let names: std::collections::BTreeSet<&str> =
        Metric::ALL.iter().map(|metric| metric.name()).collect();
    assert_eq!(names.len(), Metric::ALL.len());
    assert!(Metric::ALL.iter().all(|metric| metric.name().starts_with("corrente_")));
    assert!(Metric::ALL.iter().all(|metric| metric.help().len() > 3));
}

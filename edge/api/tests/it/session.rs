use corrente_api::ApiConfig;
use corrente_registry::{
    RegistryError, api_tokens, codes, lab,
    sessions::{self, NewSession, Owner},
    users,
};
use http::{StatusCode, header};
use serde_json::json;

use super::town::{PASSWORD, Town};

#[tokio::test]
async fn a_session_begins_shows_the_own_and_ends() {
    let town = Town::new();
    let body = json!({"email": " ANA@example.com", "password": PASSWORD});
    let answer = town.send("POST", "/api/v1/session", &[], Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-sid=s_"), "{set}");
    for attribute in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(set.contains(attribute), "{set}");
    }
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");

    let cookie = format!("cookie: {}", answer.cookies());
    let me = town.send("GET", "/api/v1/me", &[&cookie], None).await.json();
    assert_eq!(me["user"]["email"], "ana@example.com");
    assert_eq!(me["usage_points"].as_array().unwrap().len(), 1);
    assert_eq!(me["usage_points"][0]["name"], "home 1");
    assert!(me["now"].as_str().unwrap().ends_with("-03:00"), "{me}");

    let ours = "sec-fetch-site: same-origin";
    let out = town.send("DELETE", "/api/v1/session", &[&cookie, ours], None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{out:?}");
    let after = town.send("GET", "/api/v1/me", &[&cookie], None).await;
    assert_eq!((after.status, after.code().as_str()), (StatusCode::UNAUTHORIZED, "signed_out"));
    let again = town.send("DELETE", "/api/v1/session", &[&cookie, ours], None).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_wrong_address_looks_like_a_wrong_password() {
    let town = Town::new();
    let mut answers = Vec::new();
    for email in ["ana@example.com", "nobody@example.com"] {
        let body = json!({"email": email, "password": "a wrong password"});
        let answer = town.send("POST", "/api/v1/session", &[], Some(body)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.headers.get(header::SET_COOKIE).is_none());
        answers.push(answer.body);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn guessing_is_stopped_and_others_still_get_in() {
    let town = Town::new();
    let mut last = StatusCode::OK;
    for _ in 0..11 {
        let body = json!({"email": "ana@example.com", "password": "a wrong password"});
        let answer = town.send("POST", "/api/v1/session", &[], Some(body)).await;
        last = answer.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.headers[header::RETRY_AFTER], "900");
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let body = json!({"email": "ana@example.com", "password": PASSWORD});
    let right = town.send("POST", "/api/v1/session", &[], Some(body)).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "the right password is not told apart");
    town.sign_in("bia@example.com").await;
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let town = Town::new();
    let cookie = format!("cookie: {}", town.sign_in("ana@example.com").await);
    for foreign in
        ["sec-fetch-site: cross-site", "sec-fetch-site: same-site", "origin: https://evil.example"]
    {
        let answer = town.send("DELETE", "/api/v1/session", &[&cookie, foreign], None).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "cross_site"));
    }
    let silent = town.send("DELETE", "/api/v1/session", &[&cookie], None).await;
    assert_eq!(silent.code(), "cross_site", "a cookie without a word on its origin");
    assert_eq!(town.send("GET", "/api/v1/me", &[&cookie], None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_lab_session_sees_its_meter_alone() {
    let town = Town::new();
    let answer = town.send("POST", "/api/v1/session/lab", &[], Some(json!({"id": "1"}))).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let me = answer.json();
    assert_eq!((&me["user"], &me["lab_id"]), (&json!(null), &json!("1")));
    assert_eq!(me["usage_points"].as_array().unwrap().len(), 1);
    assert_eq!(me["usage_points"][0]["lab"], true);
    for unknown in ["2", "silent", ""] {
        let body = json!({"id": unknown});
        let answer = town.send("POST", "/api/v1/session/lab", &[], Some(body)).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::NOT_FOUND, "unknown_measurer"),
            "{unknown}"
        );
        assert!(answer.body.contains("Confirm that this meter exists"));
    }
    let strict = Town::with(ApiConfig::default());
    let answer = strict.send("POST", "/api/v1/session/lab", &[], Some(json!({"id": "1"}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
}

#[tokio::test]
async fn a_lab_session_ends_where_lab_mode_does() {
    let mut town = Town::new();
    let answer = town.send("POST", "/api/v1/session/lab", &[], Some(json!({"id": "1"}))).await;
    let cookie = format!("cookie: {}", answer.cookies());
    let me = async |town: &Town, cookie: &str| {
        town.send("GET", "/api/v1/me", &[cookie], None).await.status
    };
    assert_eq!(me(&town, &cookie).await, StatusCode::OK);
    // The same cookie from a place that may not use lab mode.
    town.peer = "10.1.2.3:50000".parse().unwrap();
    assert_eq!(me(&town, &cookie).await, StatusCode::UNAUTHORIZED);

    // A session that is left from a time in which lab mode was on.
    let strict = Town::with(ApiConfig::default());
    let secret = strict
        .registry
        .write(|tx| -> Result<_, RegistryError> {
            let meter = lab::find(tx, "1")?.unwrap();
            let new = NewSession {
                organisation: meter.organisation,
                owner: Owner::Lab(meter.usage_point),
                address: None,
                agent: None,
                lifetime_seconds: 3600,
            };
            sessions::create(tx, &new, corrente_clock::wall_clock())
        })
        .await
        .unwrap();
    let cookie = format!("cookie: __Host-sid={}", secret.reveal());
    assert_eq!(me(&strict, &cookie).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_plain_connection_from_elsewhere_needs_the_flag() {
    let body = json!({"email": "ana@example.com", "password": PASSWORD});
    let far = "host: 192.168.0.7:4005";
    let town = Town::new();
    let refused = town.send("POST", "/api/v1/session", &[far], Some(body.clone())).await;
    assert_eq!(refused.code(), "insecure_transport");
    let town = Town::with(ApiConfig { insecure_http: true, ..ApiConfig::default() });
    let plain = town.send("POST", "/api/v1/session", &[far], Some(body.clone())).await;
    let set = plain.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("sid=s_") && !set.contains("Secure"), "{set}");
    let near = town.send("POST", "/api/v1/session", &[], Some(body)).await;
    assert!(near.headers[header::SET_COOKIE].to_str().unwrap().starts_with("__Host-sid="));
}

#[tokio::test]
async fn language_and_theme_are_kept_and_checked() {
    let town = Town::new();
    let cookie = format!("cookie: {}", town.sign_in("ana@example.com").await);
    let ours = "sec-fetch-site: same-origin";
    let change = json!({"language": "en", "theme": "dark"});
    let answer = town.send("PATCH", "/api/v1/me", &[&cookie, ours], Some(change)).await;
    assert_eq!(answer.json()["user"]["theme"], "dark");
    assert!(answer.cookies().contains("lang=en; theme=dark"), "{}", answer.cookies());
    let back = town
        .send("PATCH", "/api/v1/me", &[&cookie, ours], Some(json!({"theme": null})))
        .await
        .json();
    assert_eq!((&back["user"]["theme"], &back["user"]["language"]), (&json!(null), &json!("en")));
    let wrong =
        town.send("PATCH", "/api/v1/me", &[&cookie, ours], Some(json!({"theme": "pink"}))).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.json()["field"], "theme");
    assert!(wrong.body.contains("light, dark"), "{}", wrong.body);
    let typo =
        town.send("PATCH", "/api/v1/me", &[&cookie, ours], Some(json!({"them": "dark"}))).await;
    assert_eq!(typo.code(), "invalid_body");
}

#[tokio::test]
async fn a_token_does_what_its_scope_allows() {
    let town = Town::new();
    let now = corrente_clock::wall_clock();
    let token = town
        .registry
        .write(move |tx| {
            let user = users::by_email(tx, "ana@example.com")?.unwrap();
            api_tokens::create(tx, user.id, "sheet", api_tokens::Scope::Read, None, now)
        })
        .await
        .unwrap()
        .1;
    let bearer = format!("authorization: Bearer {}", token.reveal());
    let me = town.send("GET", "/api/v1/me", &[&bearer], None).await;
    assert_eq!(me.json()["user"]["email"], "ana@example.com");
    let change = town.send("PATCH", "/api/v1/me", &[&bearer], Some(json!({}))).await;
    assert_eq!(change.code(), "forbidden");
    for wrong in ["authorization: Bearer api_guess", "authorization: Basic YTpi"] {
        let answer = town.send("GET", "/api/v1/me", &[wrong], None).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_token")
        );
    }
}

#[tokio::test]
async fn a_code_opens_an_account_once() {
    let town = Town::new();
    let organisation = town.organisation;
    let now = corrente_clock::wall_clock();
    let code = town
        .registry
        .write(move |tx| {
            let user = users::by_email(tx, "ana@example.com")?.unwrap();
            let purpose = codes::Purpose::SignIn;
            codes::create(tx, organisation, purpose, Some(user.id), now.plus(600), now)
        })
        .await
        .unwrap();
    let body = json!({"code": code.reveal(), "password": "short"});
    let short = town.send("POST", "/api/v1/claim", &[], Some(body)).await;
    assert_eq!(short.json()["field"], "password");
    let body = json!({"code": code.reveal(), "password": "outra senha longa"});
    let opened = town.send("POST", "/api/v1/claim", &[], Some(body.clone())).await;
    assert_eq!(opened.json()["user"]["email"], "ana@example.com");
    let again = town.send("POST", "/api/v1/claim", &[], Some(body)).await;
    assert_eq!(again.code(), "invalid_code");
    let body = json!({"email": "ana@example.com", "password": PASSWORD});
    let old = town.send("POST", "/api/v1/session", &[], Some(body)).await;
    assert_eq!(old.code(), "wrong_credentials");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_told_so() {
    let town = Town::new();
    let answer = town.send("POST", "/api/v1/session", &[], None).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_body"));
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    let answer = town.send("POST", "/api/v1/session", &[], Some(json!({"email": "a"}))).await;
    assert!(answer.body.contains("password"), "{}", answer.body);
}

//! Tries everyone else against every operation of the document.

use corrente_api::access::Access;
use http::StatusCode;
use serde_json::json;

use super::town::Town;

struct Operation {
    method: String,
    path: String,
    access: Access,
    /// Does the path, or the query, name something of Ana's?
    of_ana: bool,
}

/// Every operation, with the ids of Ana's things in its path.
fn operations(town: &Town) -> Vec<Operation> {
    let document = corrente_api::openapi_document();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let word = operation["x-access"].as_str().unwrap_or_else(|| {
                panic!("{method} {path} does not say who may call it: add x-access")
            });
            let access = Access::from_word(word)
                .unwrap_or_else(|| panic!("{method} {path}: {word} is no access"));
            let id = [
                ("/usage-points/", town.ana_home.to_string()),
                ("/invoices/", town.ana_invoice.to_string()),
                ("/alerts/", town.ana_alert.to_string()),
                ("/destinations/", town.ana_destination.to_string()),
                ("/events/", town.ana_event.to_string()),
            ]
            .into_iter()
            .find(|(part, _)| path.contains(part) && !path.contains("/admin/"))
            .map_or_else(|| uuid::Uuid::now_v7().to_string(), |(_, id)| id);
            let mut filled = path.replace("{id}", &id).replace("{kind}", "bill_jump");
            filled = filled.replace("{token}", "none");
            assert!(!filled.contains('{'), "fill in the parameters of {path} here");
            let of_ana = path.contains("{id}") || path.ends_with("/live");
            if path.ends_with("/live") {
                filled = format!("{filled}?usage_point={}", town.ana_home);
            }
            found.push(Operation { method: method.to_uppercase(), path: filled, access, of_ana });
        }
    }
    // What is removed is not there for the others.
    found.sort_by_key(|operation| operation.method == "DELETE");
    found
}

async fn status(town: &Town, operation: &Operation, cookie: &str) -> StatusCode {
    let cookie = format!("cookie: {cookie}");
    let mut headers = vec!["sec-fetch-site: same-origin"];
    if cookie != "cookie: " {
        headers.push(&cookie);
    }
    // The body says nothing useful: who may not call is refused before it is read.
    let body = (operation.method != "GET").then(|| json!({}));
    town.open(&operation.method, &operation.path, &headers, body).await.0
}

#[tokio::test]
async fn everyone_else_is_refused() {
    let town = Town::new();
    let bia = town.sign_in("bia@example.com").await;
    let operator = town.sign_in("op@example.com").await;
    let elsewhere = town.sign_in("op@elsewhere.example").await;
    let lab = town.send("POST", "/api/v1/session/lab", &[], Some(json!({"id": "1"}))).await;
    assert_eq!(lab.status, StatusCode::OK, "{lab:?}");
    let lab = lab.cookies();

    for operation in operations(&town) {
        let name = format!("{} {} ({})", operation.method, operation.path, operation.access.word());
        if operation.access == Access::Public {
            continue;
        }
        let refused = |who: &str, status: StatusCode, expected: StatusCode| {
            assert_eq!(status, expected, "{who}: {name}");
        };
        refused("a stranger", status(&town, &operation, "").await, StatusCode::UNAUTHORIZED);
        refused(
            "a forged cookie",
            status(&town, &operation, "__Host-sid=s_0").await,
            StatusCode::UNAUTHORIZED,
        );
        let for_staff = matches!(operation.access, Access::Operator | Access::Admin);
        if for_staff {
            refused("Bia", status(&town, &operation, &bia).await, StatusCode::FORBIDDEN);
            refused("the lab", status(&town, &operation, &lab).await, StatusCode::FORBIDDEN);
        } else if operation.of_ana {
            refused("Bia", status(&town, &operation, &bia).await, StatusCode::NOT_FOUND);
            let expected = if operation.access == Access::User {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::NOT_FOUND
            };
            refused("the lab", status(&town, &operation, &lab).await, expected);
            refused(
                "an operator of another organisation",
                status(&town, &operation, &elsewhere).await,
                StatusCode::NOT_FOUND,
            );
        } else if operation.access == Access::User {
            refused("the lab", status(&town, &operation, &lab).await, StatusCode::FORBIDDEN);
        }
        if operation.access == Access::Admin {
            let of_operator = status(&town, &operation, &operator).await;
            refused("an operator", of_operator, StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn whoever_may_call_is_let_in() {
    let town = Town::new();
    let ana = town.sign_in("ana@example.com").await;
    let admin = town.sign_in("admin@example.com").await;
    for operation in operations(&town) {
        let who = match operation.access {
            Access::Public => continue,
            Access::Viewer | Access::User => &ana,
            Access::Operator | Access::Admin => &admin,
        };
        let status = status(&town, &operation, who).await;
        let name = format!("{} {}", operation.method, operation.path);
        assert!(!status.is_server_error(), "{name}: {status}");
        assert_ne!(status, StatusCode::UNAUTHORIZED, "{name}");
        assert_ne!(status, StatusCode::FORBIDDEN, "{name}");
        if !name.contains("/admin/") {
            assert_ne!(status, StatusCode::NOT_FOUND, "{name}");
        }
    }
}

//! What is believed of a day, and the worklist, over the interface.

use http::StatusCode;
use serde_json::{Value, json};

use super::town::{Answer, Town};

struct Operator<'a> {
    town: &'a Town,
    cookie: String,
}

impl Operator<'_> {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = [self.cookie.as_str(), "sec-fetch-site: same-origin"];
        self.town.send(method, &format!("/api/v1{path}"), &headers, body).await
    }
}

async fn operator(town: &Town) -> Operator<'_> {
    Operator { town, cookie: format!("cookie: {}", town.sign_in("op@example.com").await) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_reading_is_a_reading_and_a_gap_says_what_it_is() {
    let town = Town::new();
    let operator = operator(&town).await;
    // The meter was last heard of on 3 September; on the 10th somebody reads the dial.
    let reading = json!({
        "serial": "A-1", "at": "2026-09-10T12:00:00-03:00", "register_kwh": "900.5", "reader": "Rosa"
    });
    let answer = operator.call("POST", "/admin/readings/field", Some(reading.clone())).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["stored"]["new"], 1);
    let again = operator.call("POST", "/admin/readings/field", Some(reading)).await;
    assert_eq!(again.json()["stored"]["duplicates"], 1);
    let cookie = format!("cookie: {}", town.sign_in("admin@example.com").await);
    let admin = Operator { town: &town, cookie };
    let log = admin.call("GET", "/admin/audit", None).await.body;
    assert_eq!(log.matches("meter.field_reading").count(), 1, "{log}");
    assert!(log.contains("Rosa"), "{log}");
    let wrong = json!({"serial": "A-9", "register_kwh": "1"});
    let answer = operator.call("POST", "/admin/readings/field", Some(wrong)).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["field"]), (422, &json!("serial")));

    let (mdm, home) = (town.mdm.clone(), town.ana_home);
    mdm.run(move |mdm| mdm.validate(home)).await.unwrap();
    let profile =
        operator.call("GET", &format!("/usage-points/{home}/profile?day=2026-09-05"), None).await;
    let profile = profile.json();
    assert_eq!(profile["intervals"].as_array().unwrap().len(), 96);
    let interval = &profile["intervals"][40];
    assert_eq!(interval["quality"], "estimated", "{interval}");
    assert_eq!(interval["method"], "scalar_spread");
    assert_eq!(interval["basis"]["kind"], "registers");
    // For the bill of August all days until now were looked at, and this one was missing; the field reading of
    // the 10th made the second version.
    assert_eq!(profile["version"], 2);
    let path = format!("/usage-points/{home}/profile?day=2026-09-05&version=7");
    let unknown = operator.call("GET", &path, None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worklist_is_worked_off_over_the_interface() {
    let town = Town::new();
    let operator = operator(&town).await;
    let (mdm, home) = (town.mdm.clone(), town.ana_home);
    mdm.run(move |mdm| mdm.validate(home)).await.unwrap();
    let list = operator.call("GET", "/admin/findings", None).await.json();
    let groups = list["groups"].as_array().unwrap();
    let missing =
        groups.iter().find(|g| g["rule"] == "missing").unwrap_or_else(|| panic!("{list}"));
    let id = missing["findings"][0].as_str().unwrap();
    assert_eq!(missing["place"], Value::Null, "no gateway is known");
    let gateway = json!({"serials": ["A-1"], "gateway": "K-7"});
    let admin = Operator {
        town: &town,
        cookie: format!("cookie: {}", town.sign_in("admin@example.com").await),
    };
    let answer = admin.call("POST", "/admin/meters/gateway", Some(gateway)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    let page = operator.call("GET", "/admin/findings?limit=1&rule=missing", None).await.json();
    assert_eq!(page["groups"][0]["place"], "gateway K-7", "{page}");
    let wrong = operator.call("GET", "/admin/findings?cursor=7", None).await;
    assert_eq!(wrong.json()["field"], "cursor", "{wrong:?}");
    let neither = operator
        .call("POST", "/admin/findings/decisions", Some(json!({"verdict": "accept"})))
        .await;
    assert_eq!(neither.json()["field"], "ids", "{neither:?}");
    let shown = operator.call("GET", &format!("/admin/findings/{id}"), None).await.json();
    assert_eq!(shown["suggestion"]["kind"], "read_on_site_or_edit", "{shown}");
    assert!(shown["chart"].as_array().unwrap().iter().any(|i| i["read_wh"].is_null()), "{shown}");
    let path = format!("/admin/findings/{id}/decision");
    let edit = json!({"verdict": "edit", "kwh": "24"});
    let answer = operator.call("POST", &path, Some(edit)).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["field"]), (422, &json!("reason")));
    let edit = json!({
        "verdict": "edit", "kwh": "24", "reason": "as in August",
        "from": "2026-09-06T00:00:00-03:00", "until": "2026-09-07T00:00:00-03:00"
    });
    let answer = operator.call("POST", &path, Some(edit)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    let shown = operator.call("GET", &format!("/admin/findings/{id}"), None).await.json();
    assert_eq!(
        (&shown["state"], &shown["usage_point_name"]),
        (&json!("resolved"), &json!("home 1"))
    );
    let profile =
        operator.call("GET", &format!("/usage-points/{home}/profile?day=2026-09-06"), None).await;
    let profile = profile.json();
    assert_eq!(
        profile["intervals"][0]["edit"]["why"], "as in August",
        "{}",
        profile["intervals"][0]
    );
    let sum: i64 =
        profile["intervals"].as_array().unwrap().iter().filter_map(|i| i["wh"].as_i64()).sum();
    assert_eq!(sum, 24_000);
    let day = format!("/usage-points/{home}/usage?from=2026-09-06&to=2026-09-07&step=day");
    let usage = operator.call("GET", &day, None).await.json();
    assert_eq!(usage["intervals"][0]["wh"], 24_000, "{usage}");
    assert_eq!(usage["intervals"][0]["quality"], "edited", "{usage}");

    // All that is left of the row in one decision; the same again changes nothing.
    let list = operator.call("GET", "/admin/findings?rule=missing", None).await.json();
    let group = &list["groups"][0];
    let whole = json!({"group": group["key"], "verdict": "send_back", "reason": "a truck goes"});
    let answer = operator.call("POST", "/admin/findings/decisions", Some(whole)).await.json();
    assert_eq!(answer["findings"], group["count"], "{answer}");
    let ids = json!({"ids": group["findings"], "verdict": "send_back"});
    let answer = operator.call("POST", "/admin/findings/decisions", Some(ids)).await.json();
    assert_eq!(answer["findings"], 0, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_meter_says_of_itself_is_compared_with_what_is_registered() {
    let town = Town::new();
    let admin = Operator {
        town: &town,
        cookie: format!("cookie: {}", town.sign_in("admin@example.com").await),
    };
    let declare =
        async |body: Value| admin.call("POST", "/admin/meters/declaration", Some(body)).await;
    let wrong = declare(json!({"serial": "A-1", "multiplier": "forty"})).await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.json()["field"]),
        (422, &json!("declared_multiplier"))
    );
    let wrong = declare(json!({"serial": "A-1", "unit": "BTU"})).await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["field"]), (422, &json!("declared_unit")));
    let open = async || {
        let (mdm, home) = (town.mdm.clone(), town.ana_home);
        mdm.run(move |mdm| mdm.validate(home)).await.unwrap();
        let list = admin.call("GET", "/admin/findings?rule=unit", None).await.json();
        list["groups"].as_array().unwrap().len()
    };
    assert_eq!(open().await, 0);
    let kwh = declare(json!({"serial": "A-1", "multiplier": "1", "unit": "kWh"})).await;
    assert_eq!(kwh.status, StatusCode::NO_CONTENT, "{kwh:?}");
    assert_eq!(open().await, 1);
    declare(json!({"serial": "A-1"})).await;
    assert_eq!(open().await, 0, "it says nothing any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mean_week_of_a_class_is_made_of_several_usage_points() {
    let town = Town::new();
    let operator = operator(&town).await;
    let list = operator.call("GET", "/admin/class-profiles", None).await;
    assert_eq!(list.json(), json!({"class_profiles": []}));
    let cookie = format!("cookie: {}", town.sign_in("admin@example.com").await);
    let admin = Operator { town: &town, cookie };
    let make = json!({"class": "residential"});
    let few = admin.call("POST", "/admin/class-profiles", Some(make)).await;
    assert_eq!((few.status.as_u16(), &few.json()["field"]), (422, &json!("class")), "{few:?}");
    let make = json!({"class": "residential", "valid_from": "yesterday"});
    let wrong = admin.call("POST", "/admin/class-profiles", Some(make)).await;
    assert_eq!(wrong.json()["field"], "valid_from");
}

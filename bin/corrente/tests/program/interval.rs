//! How often a meter reports is the operator's to say, while it is connected and while it is away.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Town, kill::client, printed, refused};

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_meter_hears_how_often_to_report() {
    let town = Town::start(&[]);
    let (data, token) = (town.data(), town.token(&["--again"]));
    let meter = client(&town.address(), &token, "I-1");
    let mut link = meter.link();
    let mut told = async |seconds: u32| {
        let heard = link.wait_for(|link| link.interval_seconds == Some(seconds));
        tokio::time::timeout(Duration::from_secs(20), heard).await.unwrap().unwrap();
    };
    told(10).await;

    let email = "chief@x.example";
    let user = ["--data", &data, "--email", email, "--name", "Chief", "--role", "admin"];
    printed(&[&["admin", "user", "create"][..], &user].concat());
    let key = printed(&["admin", "user", "api-token", "--data", &data, email, "--scope", "admin"]);
    let http = reqwest::Client::new();
    let meters = format!("http://{}/api/v1/admin/meters", town.address());
    let listed = http.get(&meters).bearer_auth(key.trim()).send().await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    let id = listed["meters"][0]["id"].as_str().unwrap().to_owned();
    let change = async |body: Value| {
        let asked = http.patch(format!("{meters}/{id}")).bearer_auth(key.trim()).json(&body);
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, answer) = change(json!({"reporting_seconds": 3})).await;
    assert_eq!(
        (status, answer),
        (200, json!({"id": id, "serial": "I-1", "reporting_seconds": 3, "told": true}))
    );
    told(3).await;
    for (body, expected, said) in [
        (json!({"reporting_seconds": 0}), 422, "0 is not 1 to 86400"),
        (json!({"reporting_seconds": 86_401}), 422, "86401 is not 1 to 86400"),
        (json!({"interval": 5}), 400, "unknown field `interval`"),
    ] {
        let (status, answer) = change(body).await;
        assert!(status == expected && answer.to_string().contains(said), "{status} {answer}");
    }

    // By the command line it is written, and heard at the next connection.
    printed(&["admin", "meter", "interval", "--data", &data, "I-1", "7"]);
    meter.reconnect(Duration::ZERO).await.unwrap();
    told(7).await;
    let said = refused(&["admin", "meter", "interval", "--data", &data, "I-1", "0"]);
    assert!(said.contains("reporting_seconds") && said.contains("1 to 86400"), "{said}");
    let said = refused(&["admin", "meter", "interval", "--data", &data, "I-2", "5"]);
    assert!(said.contains("there is no meter `I-2`"), "{said}");

    let trail = http
        .get(format!("http://{}/api/v1/admin/audit", town.address()))
        .bearer_auth(key.trim())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(trail.matches("meter.set_reporting").count(), 2, "{trail}");
    meter.close().await.unwrap();
}

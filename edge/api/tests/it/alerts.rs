//! What alerts say, by request and live.

use corrente_live::LiveNotice;
use corrente_registry::{RegistryError, alerts};
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::town::{NOW, Town};

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_said_in_the_language_that_is_asked_for() {
    let town = Town::new();
    let alerts = format!("/usage-points/{}/alerts", town.ana_home);
    let english = json!({
        "title": "Your next bill may rise by 19%",
        "sentence": "The bill of home 1 is heading for R$1,262.40, 19% above the last one of R$1,063.50. \
            Most of the difference comes from use: R$87.50.",
        "action": "The page History shows what changed: use, price or days.",
        "path": "/historic",
    });
    let home = town.get(&format!("/usage-points/{}/home?language=en", town.ana_home)).await;
    assert_eq!(home["alerts"][0]["words"], english);
    let (portuguese, spanish) =
        ("A próxima fatura deve subir 19%", "La próxima factura subiría 19%");
    // Without a language, or in one that is not spoken: the organisation's.
    for (query, title) in [
        ("?language=en", "Your next bill may rise by 19%"),
        ("?language=pt-BR", portuguese),
        ("?language=pt", portuguese),
        ("?language=es", spanish),
        ("?language=de", portuguese),
        ("", portuguese),
    ] {
        let found = town.get(&format!("{alerts}{query}")).await;
        assert_eq!(found["events"][0]["words"]["title"], title, "{query}");
    }
    // Who chose a language for their pages is told in it.
    let changed = town.ana("PATCH", "/me", Some(json!({"language": "es"}))).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    for (query, title) in [("", spanish), ("?language=de", spanish), ("?language=pt", portuguese)] {
        let found = town.get(&format!("{alerts}{query}")).await;
        assert_eq!(found["events"][0]["words"]["title"], title, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_of_another_version_is_said_to_have_no_words() {
    let town = Town::new();
    let home = town.ana_home;
    for (kind, figures) in [
        ("full_moon", json!({"value": "1"})),
        ("bill_jump", json!({"moment": "twice"})),
        ("bill_jump", json!({"moment": "started"})),
        ("bill_jump", json!({"value": 7})),
    ] {
        let later = NOW.plus(60);
        let event: Result<_, RegistryError> = town
            .registry
            .write(move |tx| alerts::insert_event(tx, home, kind, later, &figures))
            .await;
        let found = town.get(&format!("/usage-points/{home}/alerts?language=en")).await;
        let shown = &found["events"][0];
        assert_eq!(shown["id"], event.unwrap().id.to_string());
        assert_eq!(shown["words"]["title"], "An alert", "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_page_hears_an_alert_as_the_list_shows_it() {
    let town = Town::new();
    let cookies = format!("cookie: {}", town.sign_in("ana@example.com").await);
    let home = town.ana_home;
    for language in ["en", "es"] {
        let path = format!("/api/v1/live?usage_point={home}&language={language}");
        let (_, _, mut body) = town.open("GET", &path, &[&cookies], None).await;
        town.live.notify(home, LiveNotice::Alert(town.ana_alert));
        let mut text = String::new();
        while !text.contains("event: alert\n") || !text.ends_with("\n\n") {
            let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
            text.push_str(std::str::from_utf8(&frame).unwrap());
        }
        let (_, alert) = text.split_once("event: alert\ndata: ").unwrap();
        let alert: Value = serde_json::from_str(alert.lines().next().unwrap()).unwrap();
        let listed = town.get(&format!("/usage-points/{home}/alerts?language={language}")).await;
        assert_eq!(alert, listed["events"][0]);
    }
}

//! `GET /live`: what happens now, as server-sent events.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use corrente_live::{LiveEvent, LiveNotice, LiveWhat};
use corrente_metering::{Calendar, id::UsagePointId};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::home::Now;
use crate::{Api, Params, Problem, Viewer};

/// When to come back after the connection broke.
const RETRY: Duration = Duration::from_secs(2);
/// How often a comment says that the connection stands.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a stream looks whether the server is stopping.
const STOPPING: Duration = Duration::from_millis(500);

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_live))
}

/// What is asked.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiveQuestion {
    /// The usage point.
    usage_point: String,
}

/// What happens now: `hello` with the build, `snapshot` with what the home page shows of now, then
/// `power` (seconds since 1970 and W), `alert`, `invoice`, and `bye` before the server stops.
#[utoipa::path(
    get,
    path = "/live",
    tag = "usage",
    params(LiveQuestion),
    responses((status = 200, body = String, content_type = "text/event-stream")),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_live(
    State(api): State<Api>,
    Viewer(identity): Viewer,
    Params(question): Params<LiveQuestion>,
) -> Result<Response, Problem> {
    let id: UsagePointId =
        question.usage_point.parse().map_err(|_| Problem::not_found("usage point"))?;
    let point = api.visible_usage_point(&identity, id).await?;
    let calendar = Calendar::new(&point.zone).unwrap_or_else(|_| Calendar::utc());
    // First listen, then look: nothing falls between.
    let events = api.live().subscribe();
    let watching = Watching { api, id, calendar, events, next: Next::Hello };
    let stream = Sse::new(stream(watching))
        .keep_alive(KeepAlive::new().interval(HEARTBEAT).text("heartbeat"));
    // A proxy that gathers the answer would make "now" old.
    Ok(([("x-accel-buffering", "no")], stream).into_response())
}

struct Watching {
    api: Api,
    id: UsagePointId,
    calendar: Calendar,
    events: Receiver<std::sync::Arc<LiveEvent>>,
    next: Next,
}

#[derive(Clone, Copy)]
enum Next {
    Hello,
    Snapshot,
    Events,
    End,
}

fn stream(watching: Watching) -> impl Stream<Item = Result<Event, Infallible>> {
    futures_util::stream::unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((Ok(event), watching))
    })
}

impl Watching {
    async fn next(&mut self) -> Option<Event> {
        match self.next {
            Next::Hello => {
                self.next = Next::Snapshot;
                let build = json!({ "build": self.api.config().build });
                Some(named("hello", &build).retry(RETRY))
            }
            Next::Snapshot => {
                self.next = Next::Events;
                Some(self.snapshot().await)
            }
            Next::Events => self.event().await,
            Next::End => None,
        }
    }

    async fn snapshot(&mut self) -> Event {
        let id = self.id;
        match self.api.mdm().run(move |mdm| mdm.now(id)).await {
            Ok(now) => {
                let now = serde_json::to_value(Now::new(&self.calendar, now)).unwrap_or_default();
                named("snapshot", &now)
            }
            Err(error) => {
                tracing::error!(%error, usage_point.id = %id, "live snapshot failed");
                self.next = Next::End;
                named("bye", &json!({}))
            }
        }
    }

    async fn event(&mut self) -> Option<Event> {
        let mut stopping = tokio::time::interval(STOPPING);
        loop {
            let event = tokio::select! {
                event = self.events.recv() => event,
                _ = stopping.tick() => {
                    if self.api.is_stopping() {
                        self.next = Next::End;
                        return Some(named("bye", &json!({})));
                    }
                    continue;
                }
            };
            match event {
                Ok(event) if event.usage_point == self.id => {
                    if let Some(event) = shown(&event.what) {
                        return Some(event);
                    }
                }
                Ok(_) => {}
                // It was too slow, and what it missed is in a new snapshot.
                Err(RecvError::Lagged(_)) => return Some(self.snapshot().await),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

fn shown(what: &LiveWhat) -> Option<Event> {
    match what {
        LiveWhat::Reading { reading, power_w } => {
            let power = (*power_w)?;
            Some(named("power", &json!({ "t": reading.t.second(), "w": power })))
        }
        LiveWhat::Notice(LiveNotice::Alert(alert)) => Some(named("alert", alert)),
        LiveWhat::Notice(LiveNotice::InvoicePaid(id)) => {
            Some(named("invoice", &json!({ "id": id.to_string(), "state": "paid" })))
        }
    }
}

fn named(name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

//! `GET /live`: what happens now, as server-sent events.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use std::convert::Infallible;

use axum::{
    extract::State,
    response::{IntoResponse, Response, Sse, sse::Event},
};
use corrente_live::{LiveNotice, LiveReading, LiveWhat, Watcher};
use corrente_metering::{
    Calendar,
    id::{AlertEventId, UsagePointId},
};
use corrente_registry::alerts;
use futures_util::Stream;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Duration, Instant, Interval, interval},
};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    home::{Now, PeriodNow, Phase},
    words::AlertWriter,
};
use crate::{Api, Params, Problem, Viewer};

/// When to come back after the connection broke.
const RETRY: Duration = Duration::from_secs(2);
/// How often a stream looks whether the server is stopping, or has been silent for too long.
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
    /// Of the words of alerts: `pt-BR`, `en` or `es`. Where it is left out or another one, the caller's own,
    /// else the organisation's.
    language: Option<String>,
}

/// What happens now: `hello` with the build and whether the server is `storing` readings, `snapshot` with
/// what the home page shows of now, then `power` (`t` in seconds since 1970, `w`, and with them
/// `price_per_hour`, `period` and `phases` as in the snapshot), `storing` when that changes (a full disk),
/// `alert` as in the list of alerts, `invoice`, `ping` after 15 s of silence, and `bye` before the server
/// stops. Each has a number as its id, one more than the one before.
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
    let writer = AlertWriter::new(&api, &identity, point, question.language.as_deref()).await?;
    // First listen, then look: nothing falls between.
    let events = api.live().watch(id);
    let watching = Watching {
        api,
        id,
        calendar,
        writer,
        events,
        next: Next::Hello,
        number: 0,
        storing: true,
        said: Instant::now(),
        look: interval(STOPPING),
    };
    let stream = Sse::new(stream(watching));
    // A proxy that gathers the answer would make "now" old.
    Ok(([("x-accel-buffering", "no")], stream).into_response())
}

struct Watching {
    api: Api,
    id: UsagePointId,
    calendar: Calendar,
    writer: AlertWriter,
    events: Watcher,
    next: Next,
    /// How many events were sent.
    number: u64,
    /// What was said last of whether readings are stored.
    storing: bool,
    /// When the last one was.
    said: Instant,
    look: Interval,
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
        watching.number += 1;
        watching.said = Instant::now();
        Some((Ok(event.id(watching.number.to_string())), watching))
    })
}

impl Watching {
    async fn next(&mut self) -> Option<Event> {
        match self.next {
            Next::Hello => {
                self.next = Next::Snapshot;
                self.storing = self.api.ledger().stats().accepting;
                let hello = json!({ "build": self.api.config().build, "storing": self.storing });
                Some(named("hello", &hello).retry(RETRY))
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
        loop {
            let event = tokio::select! {
                event = self.events.recv() => event,
                _ = self.look.tick() => {
                    if self.api.is_stopping() {
                        self.next = Next::End;
                        return Some(named("bye", &json!({})));
                    }
                    let storing = self.api.ledger().stats().accepting;
                    if storing != self.storing {
                        self.storing = storing;
                        return Some(named("storing", &json!({ "storing": storing })));
                    }
                    // An event, since a page cannot see a comment.
                    if self.said.elapsed() >= self.api.config().heartbeat {
                        return Some(named("ping", &json!({})));
                    }
                    continue;
                }
            };
            match event {
                Ok(event) => {
                    if let Some(event) = self.shown(&event.what).await {
                        return Some(event);
                    }
                }
                // It was too slow, and what it missed is in a new snapshot.
                Err(RecvError::Lagged(_)) => return Some(self.snapshot().await),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn shown(&self, what: &LiveWhat) -> Option<Event> {
        match what {
            LiveWhat::Reading { reading, power_w } => Some(self.power(reading, (*power_w)?).await),
            LiveWhat::Notice(LiveNotice::Alert(id)) => self.alert(*id).await,
            LiveWhat::Notice(LiveNotice::InvoicePaid(id)) => {
                Some(named("invoice", &json!({ "id": id.to_string(), "state": "paid" })))
            }
        }
    }

    async fn alert(&self, id: AlertEventId) -> Option<Event> {
        match self.api.registry().read(move |tx| alerts::get_event(tx, id)).await {
            Ok(event) => {
                let event = serde_json::to_value(self.writer.event(&event?)).unwrap_or_default();
                Some(named("alert", &event))
            }
            Err(error) => {
                tracing::error!(%error, alert.id = %id, "alert cannot be read for an open page");
                None
            }
        }
    }

    /// A power with the price that belongs to it: the page shows both or none.
    async fn power(&self, reading: &LiveReading, w: i64) -> Event {
        let id = self.id;
        let price = self.api.mdm().run(move |mdm| mdm.price_of_power(id, w)).await;
        let (per_hour, period) = price.unwrap_or_else(|error| {
            tracing::warn!(%error, usage_point.id = %id, "price of now cannot be computed");
            (None, None)
        });
        let period = period.map(|period| PeriodNow::new(&self.calendar, &period));
        let price_per_hour = per_hour.map(|amount| amount.to_string());
        let phases: Vec<Phase> =
            corrente_mdm::Phase::of(reading).into_iter().map(Phase::from).collect();
        let data = json!({
            "t": reading.t.second(), "w": w, "price_per_hour": price_per_hour, "period": period,
            "phases": phases,
        });
        named("power", &data)
    }
}

fn named(name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

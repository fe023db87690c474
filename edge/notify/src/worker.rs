//! The worker that empties the outbox.

mod attempt;
mod paused;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use corrente_clock::wall_clock;
use corrente_metering::Timestamp;
use corrente_registry::{
    Registry, RegistryError,
    outbox::{self, Attempt, OutboxMessage},
};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::{
    Keys, KeysError, Outbound, Smtp,
    text::{Catalogue, TextError},
};

/// How often the outbox is looked at.
const ROUND: Duration = Duration::from_millis(500);
/// So many messages are taken at a time, and so many of them to one receiver.
const AT_ONCE: u32 = 500;
const TO_ONE: u32 = 20;
/// A message that nobody could deliver for so long, because no mail server was configured, is not
/// news any more.
const STALE_SECONDS: i64 = 3 * 86_400;
/// So many receivers are served at the same time.
const LANES: usize = 32;

/// Delivers what waits in the outbox.
#[derive(Debug)]
pub struct Worker {
    registry: Registry,
    smtp: Option<Smtp>,
    outbound: Outbound,
    portal: Option<String>,
    keys: Arc<Keys>,
    catalogue: Catalogue,
}

/// A worker that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The texts cannot be read.
    #[error(transparent)]
    Texts(#[from] TextError),
    /// The keys cannot be made or read.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// What came of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Delivered.
    pub sent: usize,
    /// To be tried again.
    pub later: usize,
    /// Dead letters.
    pub failed: usize,
}

/// The messages to one receiver, one after the other; those of a digest all at once.
type Lane = (String, String);

impl Worker {
    /// A worker over this outbox, with the portal's address for links. Without a mail server e-mail
    /// waits, and is given up after three days.
    ///
    /// # Errors
    /// When the built-in texts or the keys in the registry cannot be read.
    pub fn new(
        registry: Registry,
        smtp: Option<Smtp>,
        outbound: Outbound,
        portal: Option<String>,
    ) -> Result<Self, WorkerError> {
        let contact = contact(portal.as_deref(), smtp.as_ref().map(Smtp::sender));
        let keys = registry.write_blocking(move |tx| Keys::load(tx, &contact))?;
        let catalogue = Catalogue::built_in()?;
        Ok(Self { registry, smtp, outbound, portal, keys: Arc::new(keys), catalogue })
    }

    /// The keys with which it signs.
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys)
    }

    /// Runs until `shutdown` ends; what is being delivered then is delivered again after a restart, with
    /// the same message id.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        tokio::select! {
            () = shutdown => {}
            () = self.rounds() => {}
        }
    }

    async fn rounds(&self) {
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut busy: HashSet<Lane> = HashSet::new();
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some((lane, done)) = running.next() => {
                    busy.remove(&lane);
                    if let Err(error) = done {
                        tracing::error!(%error, "outbox cannot be written");
                    }
                }
                _ = rounds.tick() => match self.lanes(wall_clock()).await {
                    Ok(lanes) => {
                        for (lane, messages) in lanes {
                            if running.len() < LANES && busy.insert(lane.clone()) {
                                running.push(async move {
                                    (lane, self.serve(messages, wall_clock()).await)
                                });
                            }
                        }
                    }
                    Err(error) => tracing::error!(%error, "outbox cannot be read"),
                }
            }
        }
    }

    /// Tries each message that is due at `now`, in real time, once.
    ///
    /// # Errors
    /// When the registry fails.
    pub async fn round(&self, now: Timestamp) -> Result<Round, RegistryError> {
        let mut all = Round::default();
        let lanes = self.lanes(now).await?;
        let mut running: FuturesUnordered<_> =
            lanes.into_values().map(|messages| self.serve(messages, now)).collect();
        while let Some(done) = running.next().await {
            let done = done?;
            all.sent += done.sent;
            all.later += done.later;
            all.failed += done.failed;
        }
        Ok(all)
    }

    async fn lanes(
        &self,
        now: Timestamp,
    ) -> Result<BTreeMap<Lane, Vec<OutboxMessage>>, RegistryError> {
        // Without a mail server only e-mail is looked at that waited too long.
        let mail_before =
            if self.smtp.is_some() { Timestamp::MAX } else { now.plus(-STALE_SECONDS) };
        let mut due = self
            .registry
            .read(move |tx| outbox::due(tx, now, mail_before, TO_ONE, AT_ONCE))
            .await?;
        // A letter of the day that was cut off waits until it is whole.
        if due.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX)
            && let Some(last) = due.last().cloned()
            && last.channel == "digest"
            && due.iter().any(|m| m.recipient != last.recipient || m.channel != last.channel)
        {
            due.retain(|m| m.recipient != last.recipient || m.channel != last.channel);
        }
        let mut lanes: BTreeMap<Lane, Vec<OutboxMessage>> = BTreeMap::new();
        for message in due {
            let lane = (message.channel.clone(), message.recipient.clone());
            lanes.entry(lane).or_default().push(message);
        }
        Ok(lanes)
    }

    async fn serve(
        &self,
        messages: Vec<OutboxMessage>,
        now: Timestamp,
    ) -> Result<Round, RegistryError> {
        let mut round = Round::default();
        let digest = messages.first().is_some_and(|message| message.channel == "digest");
        let size = if digest { messages.len().max(1) } else { 1 };
        for together in messages.chunks(size) {
            let attempts = self.attempt(together, now).await;
            for (message, attempt) in together.iter().zip(&attempts) {
                match attempt {
                    Attempt::Sent => round.sent += 1,
                    Attempt::RetryAt { error, .. } => {
                        round.later += 1;
                        tracing::warn!(
                            outbox.id = %message.id, outbox.attempts = message.attempts + 1, error,
                            "message was not delivered and is tried again"
                        );
                    }
                    Attempt::Failed { error } => {
                        round.failed += 1;
                        tracing::error!(
                            outbox.id = %message.id, outbox.attempts = message.attempts + 1, error,
                            "message is given up"
                        );
                    }
                }
            }
            let marks: Vec<_> = together.iter().map(|message| message.id).zip(attempts).collect();
            self.registry
                .write(move |tx| {
                    marks.iter().try_for_each(|(id, attempt)| outbox::mark(tx, *id, attempt))
                })
                .await?;
        }
        Ok(round)
    }
}

/// Where a push service may ask, RFC 8292 section 2.1: the portal where that is an https address, else
/// the sender of e-mail.
pub fn contact(portal: Option<&str>, sender: Option<&str>) -> String {
    match (portal.filter(|portal| portal.starts_with("https://")), sender) {
        (Some(portal), _) => portal.to_owned(),
        (None, Some(sender)) => format!("mailto:{sender}"),
        (None, None) => "mailto:postmaster@localhost".to_owned(),
    }
}

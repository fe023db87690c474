//! The worker that empties the outbox.

use std::time::Duration;

use corrente_alert::Message;
use corrente_metering::Timestamp;
use corrente_registry::{
    Registry, RegistryError,
    outbox::{self, Attempt, OutboxMessage},
};

use crate::{
    DeliveryError, Smtp,
    backoff::wait_seconds,
    text::{Catalogue, TextError},
};

/// How often the outbox is looked at.
const ROUND: Duration = Duration::from_millis(500);
/// So many messages are taken at a time.
const AT_ONCE: u32 = 20;
/// A message that nobody could deliver for so long, because no mail server was configured, is not
/// news any more.
const STALE_SECONDS: i64 = 3 * 86_400;

/// Delivers what waits in the outbox.
#[derive(Debug)]
pub struct Worker {
    registry: Registry,
    smtp: Option<Smtp>,
    portal: Option<String>,
    catalogue: Catalogue,
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

impl Worker {
    /// A worker over this outbox, with the portal's address for links. Without a mail server e-mail
    /// waits, and is given up after three days.
    ///
    /// # Errors
    /// When the built-in texts cannot be read.
    pub fn new(
        registry: Registry,
        smtp: Option<Smtp>,
        portal: Option<String>,
    ) -> Result<Self, TextError> {
        Ok(Self { registry, smtp, portal, catalogue: Catalogue::built_in()? })
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
        loop {
            rounds.tick().await;
            if let Err(error) = self.round(corrente_clock::wall_clock()).await {
                tracing::error!(%error, "outbox cannot be read");
            }
        }
    }

    /// Tries each message that is due at `now`, in real time, once.
    ///
    /// # Errors
    /// When the registry fails.
    pub async fn round(&self, now: Timestamp) -> Result<Round, RegistryError> {
        let due = self.registry.read(move |tx| outbox::due(tx, now, AT_ONCE)).await?;
        let mut round = Round::default();
        for message in due {
            let Some(attempt) = self.attempt(&message, now).await else { continue };
            match &attempt {
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
            let id = message.id;
            self.registry.write(move |tx| outbox::mark(tx, id, &attempt)).await?;
        }
        Ok(round)
    }

    /// One attempt; nothing when there is no way to try.
    async fn attempt(&self, message: &OutboxMessage, now: Timestamp) -> Option<Attempt> {
        let failed = |error: String| Some(Attempt::Failed { error });
        if message.channel != "email" {
            return failed(format!("there is no channel `{}`", message.channel));
        }
        let Some(smtp) = &self.smtp else {
            let stale = now.since(message.next_try) > STALE_SECONDS;
            return stale.then(|| Attempt::Failed {
                error: "no mail server was configured for three days".to_owned(),
            });
        };
        let letter = match serde_json::from_value::<Message>(message.document.clone()) {
            Ok(message) => match self.catalogue.write(&message, self.portal.as_deref()) {
                Ok(letter) => letter,
                Err(error) => return failed(error.to_string()),
            },
            Err(error) => return failed(format!("the message cannot be read: {error}")),
        };
        match smtp.send(&message.recipient, &message.idempotency_key, &letter).await {
            Ok(()) => Some(Attempt::Sent),
            Err(DeliveryError::Never(error)) => failed(error),
            Err(DeliveryError::Later(error)) => {
                Some(match wait_seconds(message.attempts + 1, dice()) {
                    Some(seconds) => Attempt::RetryAt { next: now.plus(seconds), error },
                    None => Attempt::Failed { error },
                })
            }
        }
    }
}

/// A random number; the same one each time where the machine has none, which only costs the spread.
fn dice() -> u32 {
    getrandom::u32().unwrap_or(0)
}

//! One attempt to deliver.

use corrente_alert::{Message, Topic};
use corrente_metering::{Timestamp, id::DestinationId};
use corrente_registry::{
    destinations::{self, Destination, DestinationKind},
    outbox::{Attempt, OutboxMessage},
    preferences::{self, MailMode},
};
use tracing::Instrument as _;

use super::Worker;
use crate::{DeliveryError, backoff::wait_seconds, gateway, push, webhook};

/// A message that nobody could deliver for so long, because no mail server was configured, is not
/// news any more.
const STALE_SECONDS: i64 = 3 * 86_400;

impl Worker {
    /// One attempt for messages to one receiver; nothing when there is no way to try.
    pub(super) async fn attempt(
        &self,
        messages: &[OutboxMessage],
        now: Timestamp,
    ) -> Option<Attempt> {
        let first = messages.first()?;
        let span = tracing::info_span!(
            target: "corrente::trace",
            "outbox.attempt",
            outbox.channel = %first.channel,
            outbox.attempts = first.attempts,
            outbox.messages = messages.len(),
        );
        self.attempt_now(messages, first, now).instrument(span).await
    }

    async fn attempt_now(
        &self,
        messages: &[OutboxMessage],
        first: &OutboxMessage,
        now: Timestamp,
    ) -> Option<Attempt> {
        let read: Result<Vec<Message>, _> = messages
            .iter()
            .map(|message| serde_json::from_value::<Message>(message.document.clone()))
            .collect();
        let failed = |error: String| Some(Attempt::Failed { error });
        let read = match read {
            Ok(read) => read,
            Err(error) => return failed(format!("the message cannot be read: {error}")),
        };
        let outcome = match first.channel.as_str() {
            "email" | "digest" => {
                if self.smtp.is_none() {
                    let stale = now.since(first.next_try) > STALE_SECONDS;
                    return stale.then(|| Attempt::Failed {
                        error: "no mail server was configured for three days".to_owned(),
                    });
                }
                self.mail(first, &read).await
            }
            "webhook" | "gateway" | "push" => self.destination(first, &read, now).await,
            other => return failed(format!("there is no channel `{other}`")),
        };
        Some(match outcome {
            Ok(()) => Attempt::Sent,
            Err(DeliveryError::Never(error) | DeliveryError::Gone(error)) => {
                Attempt::Failed { error }
            }
            Err(DeliveryError::Later(error)) => match wait_seconds(first.attempts + 1, dice()) {
                Some(seconds) => Attempt::RetryAt { next: now.plus(seconds), error },
                None => Attempt::Failed { error },
            },
        })
    }

    async fn mail(&self, first: &OutboxMessage, read: &[Message]) -> Result<(), DeliveryError> {
        let Some(smtp) = &self.smtp else { return Ok(()) };
        let asked_for = read.iter().all(|message| matches!(message.kind, Topic::Delivery(_)));
        if !asked_for {
            let email = first.recipient.clone();
            let preference = self
                .registry
                .read(move |tx| preferences::get(tx, &email))
                .await
                .map_err(|error| DeliveryError::Later(error.to_string()))?;
            if preference.mail == MailMode::Off {
                let why = "the receiver wants no alerts by e-mail";
                return Err(DeliveryError::Never(why.to_owned()));
            }
        }
        let portal = self.portal.as_deref();
        let unsubscribe = portal.map(|portal| {
            let token = self.keys.unsubscribe_token(&first.recipient);
            format!("{}/api/v1/unsubscribe?token={token}", portal.trim_end_matches('/'))
        });
        let letter = self
            .catalogue
            .letter(read, portal, unsubscribe)
            .map_err(|error| DeliveryError::Never(error.to_string()))?;
        smtp.send(&first.recipient, &first.idempotency_key, &letter).await
    }

    async fn destination(
        &self,
        first: &OutboxMessage,
        read: &[Message],
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        let later =
            |error: corrente_registry::RegistryError| DeliveryError::Later(error.to_string());
        let found = match first.recipient.parse::<DestinationId>() {
            Ok(id) => {
                self.registry.read(move |tx| destinations::get(tx, id)).await.map_err(later)?
            }
            Err(_) => None,
        };
        let destination =
            found.ok_or_else(|| DeliveryError::Never("its owner removed it".to_owned()))?;
        if destination.paused.is_some() {
            let why = "paused after repeated failures, until its owner lets it go on";
            return Err(DeliveryError::Never(why.to_owned()));
        }
        let Some(message) = read.first() else { return Ok(()) };
        let outcome = self.send(&destination, &first.idempotency_key, message, now).await;
        match &outcome {
            Ok(()) => {
                if destination.failures > 0 {
                    let id = destination.id;
                    self.registry
                        .write(move |tx| destinations::worked(tx, id))
                        .await
                        .map_err(later)?;
                }
            }
            // A browser that is gone needs nobody's attention.
            Err(DeliveryError::Gone(_)) if destination.kind == DestinationKind::Push => {
                let id = destination.id;
                self.registry.write(move |tx| destinations::remove(tx, id)).await.map_err(later)?;
            }
            Err(error) => {
                self.failed(&destination, message, &error.to_string(), now).await.map_err(later)?;
            }
        }
        outcome
    }

    async fn send(
        &self,
        to: &Destination,
        key: &str,
        message: &Message,
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        let words = self
            .catalogue
            .words(message, self.portal.as_deref())
            .map_err(|error| DeliveryError::Never(error.to_string()))?;
        let outbound = &self.outbound;
        match to.kind {
            DestinationKind::Webhook => {
                webhook::send(outbound, &to.address, &to.secret, key, message, &words, now).await
            }
            DestinationKind::Gateway => {
                gateway::send(outbound, &to.address, &to.settings, key, &words).await
            }
            DestinationKind::Push => {
                let signer = self.keys.push();
                push::send(outbound, signer, &to.address, &to.secret, key, &words, now).await
            }
        }
    }
}

/// A random number; the same one each time where the machine has none, which only costs the spread.
fn dice() -> u32 {
    getrandom::u32().unwrap_or(0)
}

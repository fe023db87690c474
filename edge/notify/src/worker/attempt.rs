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
use crate::{DeliveryError, backoff::wait_seconds, gateway, push, text::Words, webhook};

impl Worker {
    /// One attempt for messages to one receiver: how each of them ended, in their order. What cannot be
    /// put in words is given up alone; that is no failure of the receiver, and the others go.
    pub(super) async fn attempt(&self, messages: &[OutboxMessage], now: Timestamp) -> Vec<Attempt> {
        let read: Vec<Result<(&OutboxMessage, Message, Words), String>> =
            messages.iter().map(|message| self.read(message)).collect();
        let good: Vec<(&OutboxMessage, Message, Words)> = read.iter().flatten().cloned().collect();
        let outcome = match good.first() {
            Some((first, ..)) => {
                let span = tracing::info_span!(
                    target: "corrente::trace",
                    "outbox.attempt",
                    outbox.channel = %first.channel,
                    outbox.attempts = first.attempts,
                    outbox.messages = good.len(),
                );
                self.deliver(first, &good, now).instrument(span).await
            }
            None => Ok(()),
        };
        let attempts = good.first().map_or(0, |(first, ..)| first.attempts);
        let ended = match outcome {
            Ok(()) => Attempt::Sent,
            Err(DeliveryError::Never(error) | DeliveryError::Gone(error)) => {
                Attempt::Failed { error }
            }
            Err(DeliveryError::Later(error)) => match wait_seconds(attempts + 1, dice()) {
                Some(seconds) => Attempt::RetryAt { next: now.plus(seconds), error },
                None => Attempt::Failed { error },
            },
        };
        let of = |read: Result<_, String>| match read {
            Ok(_) => ended.clone(),
            Err(error) => Attempt::Failed { error },
        };
        read.into_iter().map(of).collect()
    }

    /// What a message says, in words.
    fn read<'a>(
        &self,
        row: &'a OutboxMessage,
    ) -> Result<(&'a OutboxMessage, Message, Words), String> {
        let message: Message = serde_json::from_value(row.document.clone())
            .map_err(|error| format!("the message cannot be read: {error}"))?;
        let words = self
            .catalogue
            .words(&message, self.portal.as_deref())
            .map_err(|error| error.to_string())?;
        Ok((row, message, words))
    }

    async fn deliver(
        &self,
        first: &OutboxMessage,
        good: &[(&OutboxMessage, Message, Words)],
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        match first.channel.as_str() {
            "email" | "digest" => {
                let messages: Vec<Message> = good.iter().map(|(_, m, _)| m.clone()).collect();
                self.mail(first, &messages).await
            }
            "webhook" | "gateway" | "push" => match good.first() {
                Some((_, message, words)) => self.destination(first, message, words, now).await,
                None => Ok(()),
            },
            other => Err(DeliveryError::Never(format!("there is no channel `{other}`"))),
        }
    }

    async fn mail(&self, first: &OutboxMessage, read: &[Message]) -> Result<(), DeliveryError> {
        let Some(smtp) = &self.smtp else {
            let why = "no mail server was configured for three days";
            return Err(DeliveryError::Never(why.to_owned()));
        };
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
        message: &Message,
        words: &Words,
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
        let key = &first.idempotency_key;
        let outcome = self.send(&destination, key, message, words, now).await;
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
        words: &Words,
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        let outbound = &self.outbound;
        match to.kind {
            DestinationKind::Webhook => {
                webhook::send(outbound, &to.address, &to.secret, key, message, words, now).await
            }
            DestinationKind::Gateway => {
                gateway::send(outbound, &to.address, &to.settings, key, words).await
            }
            DestinationKind::Push => {
                let signer = self.keys.push();
                push::send(outbound, signer, &to.address, &to.secret, key, words, now).await
            }
        }
    }
}

/// A random number; the same one each time where the machine has none, which only costs the spread.
fn dice() -> u32 {
    getrandom::u32().unwrap_or(0)
}

//! A destination that fails again and again.

use corrente_alert::{DeliveryTopic, Message, Moment, Topic};
use corrente_metering::Timestamp;
use corrente_registry::{
    RegistryError,
    destinations::{self, Destination},
    outbox::{self, NewMessage},
    users,
};

use super::Worker;

impl Worker {
    /// Counts a failure. The one that pauses the destination tells its owner by e-mail, in the same
    /// transaction, so that it happens once.
    pub(super) async fn failed(
        &self,
        destination: &Destination,
        message: &Message,
        error: &str,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        let (destination, error) = (destination.clone(), error.to_owned());
        let message = message.clone();
        self.registry
            .write(move |tx| {
                if !destinations::failed(tx, destination.id, &error, now)? {
                    return Ok(());
                }
                let Some(owner) = users::get(tx, destination.user)? else { return Ok(()) };
                tracing::warn!(destination.id = %destination.id, error, "destination is paused");
                let values = [("label", &destination.label), ("reason", &error)];
                let message = Message {
                    kind: Topic::Delivery(DeliveryTopic::DestinationPaused),
                    moment: Moment::Started,
                    language: owner.language.unwrap_or_else(|| message.language.clone()),
                    name: owner.name,
                    values: values.map(|(name, value)| (name.to_owned(), value.clone())).into(),
                    ..message.clone()
                };
                let document = serde_json::to_value(&message).map_err(|error| {
                    RegistryError::Invalid { field: "document", reason: error.to_string() }
                })?;
                let new = NewMessage {
                    organisation: destination.organisation,
                    channel: "email".to_owned(),
                    recipient: owner.email,
                    document,
                    idempotency_key: format!("paused:{}:{}", destination.id, now.second()),
                };
                outbox::enqueue(tx, &new, now).map(drop)
            })
            .await
    }
}

//! Alerts in words, in the language of who reads them.

use corrente_mdm::told;
use corrente_metering::Calendar;
use corrente_notify::Words;
use corrente_registry::{alerts, organisations, usage_points::UsagePoint};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{alerts::AlertEvent, me::language_of};
use crate::{Api, Identity, Problem};

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WordsQuestion {
    /// Of the words of alerts: `pt-BR`, `en` or `es`. Where it is left out or another one, the caller's own,
    /// else the organisation's.
    pub(crate) language: Option<String>,
}

/// What an alert says to a person: the same as the message about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertWords {
    /// What happened, in a line.
    title: String,
    /// What happened, in a sentence.
    sentence: String,
    /// What to do.
    action: String,
    /// The portal's page that shows more: `/historic?home=…`.
    path: String,
}

impl From<Words> for AlertWords {
    fn from(Words { title, sentence, action, path, .. }: Words) -> Self {
        Self { title, sentence, action, path }
    }
}

/// Writes the alerts of one usage point for one reader.
pub(crate) struct AlertWriter {
    api: Api,
    point: UsagePoint,
    calendar: Calendar,
    language: String,
}

impl AlertWriter {
    /// Writes in the language that is asked for, else in that of messages to this reader.
    pub(crate) async fn new(
        api: &Api,
        identity: &Identity,
        point: UsagePoint,
        asked: Option<&str>,
    ) -> Result<Self, Problem> {
        let own = match identity {
            Identity::User { user, .. } => user.language.clone(),
            Identity::Lab { .. } => None,
        };
        let chosen = asked.and_then(language_of).map(str::to_owned).or(own);
        let language = if let Some(language) = chosen {
            language
        } else {
            let id = point.organisation;
            let organisation = api.registry().read(move |tx| organisations::get(tx, id)).await?;
            organisation.map(|organisation| organisation.language).unwrap_or_default()
        };
        let calendar = Calendar::new(&point.zone).unwrap_or_else(|_| Calendar::utc());
        Ok(Self { api: api.clone(), point, calendar, language })
    }

    /// An event as pages see it, by request and live.
    pub(crate) fn event(&self, event: &alerts::AlertEvent) -> AlertEvent {
        AlertEvent::new(&self.calendar, event, self.words(event).into())
    }

    fn words(&self, event: &alerts::AlertEvent) -> Words {
        let texts = self.api.texts();
        let message = told(event, &self.point, self.language.clone());
        match message.map(|message| texts.page_words(&message)) {
            Some(Ok(words)) => words,
            Some(Err(error)) => {
                tracing::debug!(%error, alert.id = %event.id, "alert has no words");
                texts.unknown(&self.language)
            }
            None => texts.unknown(&self.language),
        }
    }
}

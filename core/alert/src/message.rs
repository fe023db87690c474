//! What a person is to be told, before it becomes words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::RuleKind;

/// A message on its way to a person. It is stored as JSON and becomes words, in the person's
/// language, only when it is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// What it is about.
    pub kind: Topic,
    /// Which moment of it.
    pub moment: Moment,
    /// "pt", "en": two letters, a region behind them is not looked at.
    pub language: String,
    /// The person's name.
    pub name: String,
    /// The usage point's name.
    pub usage_point: String,
    /// ISO 4217 letters, for amounts.
    pub currency: String,
    /// Figures by name: decimals with a point, dates as YYYY-MM-DD. How they are written is the
    /// language's business.
    pub values: BTreeMap<String, String>,
}

/// Which moment of an alert a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// It began.
    Started,
    /// It became clearly worse.
    Worse,
    /// It is over.
    Over,
}

impl Moment {
    /// The word in files of texts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Worse => "worse",
            Self::Over => "over",
        }
    }

    /// The moment with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Started, Self::Worse, Self::Over].into_iter().find(|moment| moment.word() == word)
    }
}

/// What a message is about: what a rule saw, or the delivery of messages itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Topic {
    /// A rule saw something.
    Rule(RuleKind),
    /// The delivery of messages.
    Delivery(DeliveryTopic),
}

/// What is told about the delivery of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryTopic {
    /// A person asked for a message, to see it arrive.
    Test,
    /// A destination failed so often that nothing is sent to it any more.
    DestinationPaused,
}

impl Topic {
    /// The word in files of texts and in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rule(kind) => kind.word(),
            Self::Delivery(DeliveryTopic::Test) => "test",
            Self::Delivery(DeliveryTopic::DestinationPaused) => "destination_paused",
        }
    }
}

impl From<RuleKind> for Topic {
    fn from(kind: RuleKind) -> Self {
        Self::Rule(kind)
    }
}

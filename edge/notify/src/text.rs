//! Messages in words: files that a translator can edit, one per language.

use std::{collections::BTreeMap, str::FromStr};

use corrente_alert::{Message, RuleKind};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::format;

/// A message in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The subject line.
    pub subject: String,
    /// Plain text, lines at most as long as their sentences.
    pub body: String,
}

/// The texts of one language.
#[derive(Clone, Debug, Deserialize)]
pub struct Texts {
    hello: String,
    footer: String,
    /// Names of the months, January first.
    pub(crate) months: Vec<String>,
    /// The decimal sign.
    pub(crate) decimal: String,
    /// The sign between thousands.
    pub(crate) group: String,
    #[serde(flatten)]
    kinds: BTreeMap<String, BTreeMap<String, Notice>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    subject: String,
    sentence: String,
    action: String,
}

/// A message that cannot be put in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The file is no file of texts.
    #[error("texts/{language}.toml: {reason}")]
    File {
        /// Which file.
        language: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no text for this moment of this kind.
    #[error("texts/{language}.toml has no [{kind}.{moment}]")]
    NoText {
        /// Which file.
        language: &'static str,
        /// The kind of alert.
        kind: &'static str,
        /// The moment of it.
        moment: &'static str,
    },
    /// A text asks for a figure that the message does not carry, or that is none.
    #[error("the text of {kind} needs `{{{name}}}`, and the message has no such figure")]
    Figure {
        /// The kind of alert.
        kind: &'static str,
        /// The figure.
        name: String,
    },
}

const LANGUAGES: [(&str, &str); 2] =
    [("pt", include_str!("../texts/pt.toml")), ("en", include_str!("../texts/en.toml"))];

/// All texts.
#[derive(Clone, Debug)]
pub struct Catalogue {
    languages: Vec<(&'static str, Texts)>,
}

impl Catalogue {
    /// The texts that are built in.
    ///
    /// # Errors
    /// When a file is no file of texts; a test sees that it is.
    pub fn built_in() -> Result<Self, TextError> {
        let languages = LANGUAGES
            .into_iter()
            .map(|(language, file)| {
                toml::from_str(file)
                    .map(|texts| (language, texts))
                    .map_err(|error| TextError::File { language, reason: error.to_string() })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { languages })
    }

    /// The message in its language, in Portuguese where there is no such language, with a link into the
    /// portal at this address.
    ///
    /// # Errors
    /// When a text or a figure that it needs is missing.
    pub fn write(&self, message: &Message, portal: Option<&str>) -> Result<Letter, TextError> {
        let wanted = message.language.get(..2).unwrap_or_default();
        let (language, texts) = self
            .languages
            .iter()
            .find(|(language, _)| *language == wanted)
            .or(self.languages.first())
            .ok_or(TextError::File { language: "pt", reason: "there are no texts".to_owned() })?;
        let (kind, moment) = (message.kind.word(), message.moment.word());
        let notice = texts
            .kinds
            .get(kind)
            .and_then(|moments| moments.get(moment))
            .ok_or(TextError::NoText { language, kind, moment })?;
        let fill = |template: &str| fill(template, texts, message);
        let link = portal.map_or_else(String::new, |portal| {
            format!("{}{}\n", portal.trim_end_matches('/'), page(message.kind))
        });
        Ok(Letter {
            subject: fill(&notice.subject)?,
            body: format!(
                "{}\n\n{}\n{}\n{link}\n-- \n{}\n",
                fill(&texts.hello)?,
                fill(&notice.sentence)?,
                fill(&notice.action)?,
                fill(&texts.footer)?,
            ),
        })
    }
}

/// The page of the portal that shows more.
fn page(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::InvoiceIssued
        | RuleKind::InvoiceDue
        | RuleKind::InvoiceOverdue
        | RuleKind::InvoicePaid => "/invoice",
        RuleKind::ExcessiveConsumption
        | RuleKind::BillJump
        | RuleKind::ForecastOverBudget
        | RuleKind::AlwaysOn
        | RuleKind::UnusualDay
        | RuleKind::MeterSilent => "/historic",
    }
}

fn fill(template: &str, texts: &Texts, message: &Message) -> Result<String, TextError> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((placeholder, behind)) = after.split_once('}') else { break };
        let (name, kind) = placeholder.split_once('|').unwrap_or((placeholder, "text"));
        let figure = figure(name, kind, texts, message).ok_or_else(|| TextError::Figure {
            kind: message.kind.word(),
            name: name.to_owned(),
        })?;
        out.push_str(&figure);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

fn figure(name: &str, kind: &str, texts: &Texts, message: &Message) -> Option<String> {
    let value = match name {
        "name" => message.name.as_str(),
        "usage_point" => message.usage_point.as_str(),
        _ => message.values.get(name)?.as_str(),
    };
    if kind == "text" {
        return Some(one_line(value));
    }
    if kind == "date" {
        return format::date(texts, &message.language, value);
    }
    let number = Decimal::from_str(value).ok()?;
    let unit = if kind == "unit" { message.values.get("unit")?.as_str() } else { kind };
    match unit {
        "kwh" => Some(format!("{} kWh", format::number(texts, number, 1))),
        "w" => Some(format!("{} W", format::number(texts, number, 0))),
        "money" => Some(format::money(texts, &message.currency, number)),
        "percent" => Some(format!("{}%", format::number(texts, number, 0))),
        "minutes" => Some(format::minutes(texts, number)),
        _ => None,
    }
}

/// A name that somebody typed never begins a new line of a message or of its header.
fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;

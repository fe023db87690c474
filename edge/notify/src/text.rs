//! Messages in words: files that a translator can edit, one per language.

use std::{collections::BTreeMap, str::FromStr};

use corrente_alert::{Message, RuleKind, Topic};
use corrente_metering::Date;
use corrente_render::Figures;
use corrente_units::Currency;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::html;

/// A message in words, for whatever carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// What happened, in a line.
    pub title: String,
    /// What happened, in a sentence.
    pub sentence: String,
    /// What to do.
    pub action: String,
    /// Where the portal shows more, where its address is known.
    pub link: Option<String>,
    /// The same without the portal's address.
    pub path: String,
}

impl Words {
    /// Everything in a few lines, for what has one field.
    pub fn text(&self) -> String {
        let link = self.link.as_ref().map_or_else(String::new, |link| format!("\n{link}"));
        format!("{}\n{}{link}", self.title, self.sentence)
    }

    /// Some words, to see whether a template works.
    pub(crate) fn example() -> Self {
        Self {
            title: "Title".to_owned(),
            sentence: "Sentence.".to_owned(),
            action: "Action.".to_owned(),
            link: Some("https://portal.example.org/".to_owned()),
            path: "/".to_owned(),
        }
    }
}

/// A letter to a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The subject line.
    pub subject: String,
    /// Plain text, lines at most as long as their sentences.
    pub body: String,
    /// The same as a page.
    pub html: Option<String>,
    /// Where one request ends these letters, RFC 8058.
    pub unsubscribe: Option<String>,
}

/// The texts of one language.
#[derive(Clone, Debug, Deserialize)]
pub struct Texts {
    hello: String,
    footer: String,
    /// On the button of a letter.
    open: String,
    /// On the link that ends the letters.
    unsubscribe: String,
    /// The subject of a letter with several messages, with `{count}`.
    digest: String,
    /// Names of the months, January first.
    months: Vec<String>,
    /// Why a bill differs, by the word of `corrente_billing::Cause`.
    causes: BTreeMap<String, String>,
    /// Over which stretch a rule about consumption looks, with `{from}`, its first day.
    stretches: BTreeMap<String, String>,
    /// What is said where there are no words.
    unknown: Plain,
    #[serde(flatten)]
    kinds: BTreeMap<String, BTreeMap<String, Notice>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    subject: String,
    sentence: String,
    /// One more sentence where the message knows a cause.
    because: Option<String>,
    action: String,
}

/// Words without figures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
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
    /// There is nothing to say.
    #[error("a letter needs a message")]
    Empty,
    /// A text asks for a figure that the message does not carry, or that is none.
    #[error("the text of {kind} needs `{{{name}}}`, and the message has no such figure")]
    Figure {
        /// The kind of alert.
        kind: &'static str,
        /// The figure.
        name: String,
    },
}

const LANGUAGES: [(&str, &str); 3] = [
    ("pt", include_str!("../texts/pt.toml")),
    ("en", include_str!("../texts/en.toml")),
    ("es", include_str!("../texts/es.toml")),
];

/// A space at which no line ends.
const NO_BREAK: &str = "\u{a0}";

/// All texts.
#[derive(Clone, Debug)]
pub struct Catalogue {
    languages: [(&'static str, Texts); LANGUAGES.len()],
}

impl Catalogue {
    /// The texts that are built in.
    ///
    /// # Errors
    /// When a file is no file of texts; a test sees that it is.
    pub fn built_in() -> Result<Self, TextError> {
        let read = |(language, file): (&'static str, &str)| {
            toml::from_str(file)
                .map(|texts| (language, texts))
                .map_err(|error| TextError::File { language, reason: error.to_string() })
        };
        let [portuguese, english, spanish] = LANGUAGES;
        Ok(Self { languages: [read(portuguese)?, read(english)?, read(spanish)?] })
    }

    /// The message in its language, in Portuguese where there is no such language, with a link into the
    /// portal at this address. Its spaces are plain: a gateway pays for others.
    ///
    /// # Errors
    /// When a text or a figure that it needs is missing.
    pub fn words(&self, message: &Message, portal: Option<&str>) -> Result<Words, TextError> {
        let words = self.page_words(message)?;
        let plain = |text: &str| text.replace(NO_BREAK, " ");
        Ok(Words {
            title: plain(&words.title),
            sentence: plain(&words.sentence),
            action: plain(&words.action),
            link: portal.map(|portal| format!("{}{}", portal.trim_end_matches('/'), words.path)),
            path: words.path,
        })
    }

    /// The same for a page of the portal: no line ends between a figure and its unit.
    ///
    /// # Errors
    /// When a text or a figure that it needs is missing.
    pub fn page_words(&self, message: &Message) -> Result<Words, TextError> {
        let (language, texts) = self.language(&message.language);
        let (kind, moment) = (message.kind.word(), message.moment.word());
        let notice = texts
            .kinds
            .get(kind)
            .and_then(|moments| moments.get(moment))
            .ok_or(TextError::NoText { language, kind, moment })?;
        let fill = |template: &str| fill(template, texts, message);
        let mut sentence = fill(&notice.sentence)?;
        if let Some(because) = &notice.because
            && message.values.contains_key("cause")
        {
            sentence = format!("{sentence} {}", fill(because)?);
        }
        Ok(Words {
            title: fill(&notice.subject)?,
            sentence,
            action: fill(&notice.action)?,
            link: None,
            path: address(message),
        })
    }

    /// What is said, in this language, of an alert that has no words: one of a kind or with figures of
    /// another version.
    pub fn unknown(&self, language: &str) -> Words {
        let Plain { subject, sentence, action } = &self.language(language).1.unknown;
        Words {
            title: subject.clone(),
            sentence: sentence.clone(),
            action: action.clone(),
            link: None,
            path: "/alerts".to_owned(),
        }
    }

    /// Messages to one person as a letter; several become a digest in the language of the first.
    ///
    /// # Errors
    /// When there is no message, or a text or a figure that it needs is missing.
    pub fn letter(
        &self,
        messages: &[Message],
        portal: Option<&str>,
        unsubscribe: Option<String>,
    ) -> Result<Letter, TextError> {
        let first = messages.first().ok_or(TextError::Empty)?;
        let (language, texts) = self.language(&first.language);
        let words =
            messages.iter().map(|m| self.words(m, portal)).collect::<Result<Vec<_>, _>>()?;
        let subject = match words.as_slice() {
            [one] => one.title.clone(),
            several => texts.digest.replace("{count}", &several.len().to_string()),
        };
        let (hello, footer) =
            (fill(&texts.hello, texts, first)?, fill(&texts.footer, texts, first)?);
        let mut body = format!("{hello}\n");
        for words in &words {
            let several = messages.len() > 1;
            let title = if several { format!("{}\n", words.title) } else { String::new() };
            let link = words.link.as_ref().map_or_else(String::new, |link| format!("{link}\n"));
            body = format!("{body}\n{title}{}\n{}\n{link}", words.sentence, words.action);
        }
        body = format!("{body}\n-- \n{footer}\n");
        if let Some(unsubscribe) = &unsubscribe {
            body = format!("{body}{}: {unsubscribe}\n", texts.unsubscribe);
        }
        let html = html::Page {
            language,
            hello: &hello,
            footer: &footer,
            open: &texts.open,
            unsubscribe: unsubscribe.as_deref().map(|link| (texts.unsubscribe.as_str(), link)),
        };
        Ok(Letter { subject, body, html: Some(html.of(&words)), unsubscribe })
    }

    fn language(&self, tag: &str) -> (&'static str, &Texts) {
        let [portuguese, ..] = &self.languages;
        let wanted = tag.get(..2).unwrap_or_default();
        let found = self.languages.iter().find(|(language, _)| *language == wanted);
        let (language, texts) = found.unwrap_or(portuguese);
        (language, texts)
    }
}

/// The page of the portal that shows more.
fn page(topic: Topic) -> &'static str {
    match topic {
        Topic::Rule(
            RuleKind::InvoiceIssued
            | RuleKind::InvoiceDue
            | RuleKind::InvoiceOverdue
            | RuleKind::InvoicePaid,
        ) => "/invoice",
        Topic::Rule(
            RuleKind::ExcessiveConsumption
            | RuleKind::BillJump
            | RuleKind::BillJumpYear
            | RuleKind::ForecastOverBudget
            | RuleKind::AlwaysOn
            | RuleKind::UnusualDay
            | RuleKind::MeterSilent,
        ) => "/historic",
        Topic::Delivery(_) => "/settings",
    }
}

/// That page of the home that the message is about, and of its bill where there is one.
fn address(message: &Message) -> String {
    let page = page(message.kind);
    let query: Vec<String> = [("home", "usage_point_id"), ("bill", "invoice")]
        .into_iter()
        .filter_map(|(name, figure)| Some((name, message.values.get(figure)?)))
        // They are our own ids; whatever else stands there has no place in a link.
        .filter(|(_, id)| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .map(|(name, id)| format!("{name}={id}"))
        .collect();
    if query.is_empty() { page.to_owned() } else { format!("{page}?{}", query.join("&")) }
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
    if kind == "cause" {
        return texts.causes.get(value).or_else(|| texts.causes.get("other")).cloned();
    }
    let figures = Figures::of_tag(&message.language);
    let date = |value: &str| figures.long_date(value.parse::<Date>().ok()?, &texts.months);
    if kind == "date" {
        return date(value);
    }
    if kind == "stretch" {
        // Power is of a moment, however long it has to last.
        let power = message.values.get("unit").is_some_and(|unit| unit == "w");
        let stretch = texts.stretches.get(if power { "day" } else { value })?;
        return Some(stretch.replace("{from}", &date(message.values.get("from")?)?));
    }
    let number = Decimal::from_str(value).ok()?;
    let unit = if kind == "unit" { message.values.get("unit")?.as_str() } else { kind };
    let figure = match unit {
        "kwh" => format!("{} kWh", figures.at_most(number, 1)),
        "w" => format!("{} W", figures.at_most(number, 0)),
        "money" => figures.money(message.currency.parse::<Currency>().ok()?, number),
        "percent" => format!("{}%", figures.at_most(number, 0)),
        "minutes" => figures.minutes(number),
        _ => return None,
    };
    Some(figure.replace(' ', NO_BREAK))
}

/// A name that somebody typed never begins a new line of a message or of its header.
fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;

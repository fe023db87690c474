//! A service with a format of its own, for SMS, WhatsApp or a chat: its request from a template.
//!
//! Placeholders are `{title}`, `{sentence}`, `{action}`, `{link}`, `{text}` (title, sentence and link)
//! and `{key}`. What is put in is escaped for the content type: inside quotes of JSON, as a value of a
//! form, or as it is in plain text.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    DeliveryError,
    outbound::{self, Outbound},
    text::Words,
};

/// How a gateway wants its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySettings {
    /// `POST` or `PUT`.
    #[serde(default = "post")]
    pub method: String,
    /// The content type of the body.
    pub content_type: String,
    /// The body with its placeholders.
    pub body: String,
    /// A header that says who calls, such as `authorization: Bearer …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

/// How figures are put into a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    Json,
    Form,
    Plain,
}

impl GatewaySettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// A sentence that says what would.
    pub fn check(&self) -> Result<(), String> {
        if !matches!(self.method.as_str(), "POST" | "PUT") {
            return Err("use the method POST or PUT".to_owned());
        }
        let body = self.fill(&Words::example(), "example").map_err(|name| {
            format!("there is no `{{{name}}}`: use {{title}}, {{sentence}}, {{action}}, {{link}}, {{text}} or {{key}}")
        })?;
        if body == self.body {
            return Err(
                "the body needs {text}, or {title} or {sentence}: else every message is the same"
                    .to_owned(),
            );
        }
        match self.escape() {
            Some(Escape::Json) => {
                serde_json::from_str::<Json>(&body).map_err(|error| {
                    format!("with a message in it, the body is no JSON: {error}")
                })?;
            }
            Some(Escape::Form | Escape::Plain) => {}
            None => {
                return Err("use the content type application/json, \
                     application/x-www-form-urlencoded or text/plain"
                    .to_owned());
            }
        }
        if let Some(header) = &self.header {
            let (name, value) = header
                .split_once(':')
                .ok_or("write the header as `name: value`, such as `authorization: Bearer …`")?;
            let name: Result<reqwest::header::HeaderName, _> = name.trim().parse();
            let value: Result<reqwest::header::HeaderValue, _> = value.trim().parse();
            if name.is_err() || value.is_err() {
                return Err("the header has a sign that no header may have".to_owned());
            }
        }
        Ok(())
    }

    fn escape(&self) -> Option<Escape> {
        let kind = self.content_type.split(';').next().unwrap_or_default().trim();
        match kind {
            "application/json" => Some(Escape::Json),
            "application/x-www-form-urlencoded" => Some(Escape::Form),
            "text/plain" => Some(Escape::Plain),
            _ => None,
        }
    }

    /// The body; or the placeholder that there is not. A brace that begins no name stands as it is.
    fn fill(&self, words: &Words, key: &str) -> Result<String, String> {
        let escape = self.escape().unwrap_or(Escape::Plain);
        let mut out = String::new();
        let mut rest = self.body.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let name: &str = after.split_once('}').map_or("", |(name, _)| name);
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase()) {
                out.push('{');
                rest = after;
                continue;
            }
            let value = match name {
                "title" => words.title.clone(),
                "sentence" => words.sentence.clone(),
                "action" => words.action.clone(),
                "link" => words.link.clone().unwrap_or_default(),
                "text" => words.text(),
                "key" => key.to_owned(),
                other => return Err(other.to_owned()),
            };
            out.push_str(&escaped(&value, escape));
            rest = after.split_once('}').map_or("", |(_, rest)| rest);
        }
        out.push_str(rest);
        Ok(out)
    }
}

fn escaped(value: &str, escape: Escape) -> String {
    match escape {
        Escape::Json => {
            let quoted = Json::String(value.to_owned()).to_string();
            quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or("").to_owned()
        }
        Escape::Form => {
            let mut url = reqwest::Url::parse("x:").ok();
            if let Some(url) = &mut url {
                url.query_pairs_mut().append_pair("", value);
            }
            let pairs = url.as_ref().and_then(|url| url.query()).unwrap_or_default();
            pairs.strip_prefix('=').unwrap_or(pairs).to_owned()
        }
        Escape::Plain => value.to_owned(),
    }
}

pub(crate) async fn send(
    outbound: &Outbound,
    address: &str,
    settings: &Json,
    key: &str,
    words: &Words,
) -> Result<(), DeliveryError> {
    let never = |error: String| DeliveryError::Never(error);
    let settings: GatewaySettings =
        serde_json::from_value(settings.clone()).map_err(|error| never(error.to_string()))?;
    let body = settings.fill(words, key).map_err(|name| never(format!("no such {{{name}}}")))?;
    let method =
        if settings.method == "PUT" { reqwest::Method::PUT } else { reqwest::Method::POST };
    let mut request = outbound
        .request(method, address)?
        .header("content-type", &settings.content_type)
        .header("idempotency-key", key)
        .body(body);
    if let Some((name, value)) = settings.header.as_deref().and_then(|h| h.split_once(':')) {
        request = request.header(name.trim(), value.trim());
    }
    outbound::send(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(content_type: &str, body: &str) -> GatewaySettings {
        GatewaySettings {
            method: post(),
            content_type: content_type.to_owned(),
            body: body.to_owned(),
            header: None,
        }
    }

    #[test]
    fn a_message_cannot_break_out_of_its_place() {
        let words = Words { title: "5 \"kWh\" & mais\n".to_owned(), ..Words::example() };
        for (content_type, template, filled) in [
            (
                "application/json",
                r#"{"to": "+55", "m": {"t": "{title}"}}"#,
                r#"{"to": "+55", "m": {"t": "5 \"kWh\" & mais\n"}}"#,
            ),
            (
                "application/x-www-form-urlencoded",
                "To=%2B55&Body={title}",
                "To=%2B55&Body=5+%22kWh%22+%26+mais%0A",
            ),
            ("text/plain; charset=utf-8", "{title}", "5 \"kWh\" & mais\n"),
        ] {
            let settings = settings(content_type, template);
            assert_eq!(settings.check(), Ok(()));
            assert_eq!(settings.fill(&words, "k").unwrap(), filled);
        }
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_reason() {
        for (settings, part) in [
            (settings("application/json", r#"{"m": "{texto}"}"#), "there is no `{texto}`"),
            (settings("application/json", r#"{"m": {text}}"#), "no JSON"),
            (settings("application/json", r#"{"m": "hello"}"#), "every message is the same"),
            (settings("text/html", "{text}"), "content type"),
            (
                GatewaySettings { method: "GET".to_owned(), ..settings("text/plain", "{text}") },
                "POST",
            ),
            (
                GatewaySettings {
                    header: Some("x".to_owned()),
                    ..settings("text/plain", "{text}")
                },
                "name: value",
            ),
        ] {
            let error = settings.check().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}

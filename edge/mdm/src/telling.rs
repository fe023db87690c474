//! From what a rule saw to an event on the page and messages in the outbox, in one transaction.
//!
//! E-mail goes at once, once a day at seven in the morning at home, or not at all, as its receiver
//! wants it. In quiet hours nothing goes to people (e-mail, gateways, browsers); a webhook is a program
//! and is told at once. Quiet hours are those of the home's civil time, in business time.

use std::collections::BTreeMap;

use corrente_alert::{Message, Moment, Notice, QuietHours, RuleKind};
use corrente_clock::wall_clock;
use corrente_metering::{Calendar, Timestamp, calendar::next_day, id::UserId};
use corrente_registry::{
    Tx,
    alerts::{self, AlertEvent},
    customers,
    destinations::{self, DestinationKind},
    organisations,
    outbox::{self, NewMessage},
    preferences::{self, MailMode, Preference},
    usage_points::UsagePoint,
    users,
};

use crate::{MdmError, point::Point};

/// When the letter of the day goes out, at home.
const DIGEST_HOUR: i8 = 7;

/// What a usage point's people are to be told now.
pub(crate) struct Telling {
    point: UsagePoint,
    calendar: Calendar,
    now: Timestamp,
    factor: u32,
}

/// Somebody who is told.
struct Person {
    user: Option<UserId>,
    email: String,
    name: String,
    language: Option<String>,
}

impl Telling {
    /// At `now` of business time, of which `factor` seconds pass in a real one.
    pub(crate) fn new(point: &Point, now: Timestamp, factor: u32) -> Self {
        Self { point: point.row.clone(), calendar: point.calendar.clone(), now, factor }
    }

    /// Records a notice as an event and puts its messages into the outbox; a muted one has no messages, nor
    /// has one that is over only since time went on.
    pub(crate) fn record(
        &self,
        tx: &mut Tx,
        kind: RuleKind,
        notice: &Notice,
        values: &BTreeMap<String, String>,
        muted: bool,
    ) -> Result<Option<AlertEvent>, MdmError> {
        let mut values = values.clone();
        values.insert("currency".to_owned(), self.point.currency.code().to_owned());
        values.insert("usage_point_id".to_owned(), self.point.id.to_string());
        values.insert("at".to_owned(), self.calendar.rfc3339(notice.at()));
        let word = kind.word();
        let (moment, event) = match notice {
            Notice::Started { at, subject, value } | Notice::Worse { at, subject, value } => {
                let worse = matches!(notice, Notice::Worse { .. });
                let moment = if worse { Moment::Worse } else { Moment::Started };
                values.insert("subject".to_owned(), subject.clone());
                values.insert("value".to_owned(), value.normalize().to_string());
                values.insert("moment".to_owned(), moment.word().to_owned());
                alerts::end_events(tx, self.point.id, word, *at)?;
                let document = serde_json::to_value(&values)?;
                let mut event = alerts::insert_event(tx, self.point.id, word, *at, &document)?;
                if !lasts(kind) {
                    alerts::end_events(tx, self.point.id, word, *at)?;
                    event.until = Some(*at);
                }
                (moment, Some(event))
            }
            Notice::Over { at, subject, value, worst } => {
                values.insert("subject".to_owned(), subject.clone());
                values.insert("worst".to_owned(), worst.normalize().to_string());
                values.extend(value.map(|v| ("value".to_owned(), v.normalize().to_string())));
                values.insert("moment".to_owned(), Moment::Over.word().to_owned());
                let open = alerts::events(tx, self.point.id, 50)?
                    .into_iter()
                    .find(|event| event.kind == word && event.until.is_none());
                alerts::end_events(tx, self.point.id, word, *at)?;
                let mut event = open.map(|event| AlertEvent { until: Some(*at), ..event });
                // The page says what was told last; of an end that is no news it keeps what was seen.
                if kind.tells(notice)
                    && let Some(event) = &mut event
                {
                    event.document = serde_json::to_value(&values)?;
                    alerts::put_document(tx, event.id, &event.document)?;
                }
                (Moment::Over, event)
            }
        };
        let Some(event) = event else { return Ok(None) };
        if !muted && kind.tells(notice) {
            self.enqueue(tx, kind, moment, &event, values)?;
        }
        Ok(Some(event))
    }

    /// A message to each person of the usage point: its users, or the customer's address.
    fn enqueue(
        &self,
        tx: &mut Tx,
        kind: RuleKind,
        moment: Moment,
        event: &AlertEvent,
        values: BTreeMap<String, String>,
    ) -> Result<(), MdmError> {
        let point = &self.point;
        let language = organisations::get(tx, point.organisation)?
            .map_or_else(|| "pt-BR".to_owned(), |organisation| organisation.language);
        for person in self.people(tx)? {
            let preference = preferences::get(tx, &person.email)?;
            let language = person.language.unwrap_or_else(|| language.clone());
            let about = message_about(point, kind, moment, language, values.clone());
            let message = Message { name: person.name, ..about };
            let document = serde_json::to_value(&message)?;
            let quiet = self.quiet(preference);
            let mut ways: Vec<(&str, String, i64)> = Vec::new();
            match preference.mail {
                MailMode::Now => ways.push(("email", person.email, quiet)),
                MailMode::Daily => ways.push(("digest", person.email, self.until_digest())),
                MailMode::Off => {}
            }
            if let Some(user) = person.user {
                let open = destinations::list(tx, user)?.into_iter().filter(|d| d.paused.is_none());
                ways.extend(open.map(|to| {
                    let wait = if to.kind == DestinationKind::Webhook { 0 } else { quiet };
                    (to.kind.word(), to.id.to_string(), wait)
                }));
            }
            for (channel, recipient, wait) in ways {
                let new = NewMessage {
                    organisation: point.organisation,
                    channel: channel.to_owned(),
                    idempotency_key: format!("alert:{}:{}:{recipient}", event.id, moment.word()),
                    recipient,
                    document: document.clone(),
                };
                let now = wall_clock();
                outbox::enqueue_for(tx, &new, now.plus(wait), now)?;
            }
        }
        Ok(())
    }

    fn people(&self, tx: &mut Tx) -> Result<Vec<Person>, MdmError> {
        let mut people: Vec<Person> = users::for_usage_point(tx, self.point.id)?
            .into_iter()
            .map(|user| Person {
                user: Some(user.id),
                email: user.email,
                name: user.name,
                language: user.language,
            })
            .collect();
        if people.is_empty()
            && let Some(customer) = self.point.customer
            && let Some(customer) = customers::get(tx, customer)?
            && let Some(email) = customer.email
        {
            people.push(Person {
                user: None,
                email,
                name: customer.name,
                language: customer.language,
            });
        }
        Ok(people)
    }

    /// Real seconds until the quiet hours are over.
    fn quiet(&self, preference: Preference) -> i64 {
        preference.quiet_minutes.map_or(0, |(from_minute, until_minute)| {
            let hours = QuietHours { from_minute, until_minute };
            self.real_seconds(hours.deliver_at(&self.calendar, self.now))
        })
    }

    /// Real seconds until the letter of the day goes out.
    fn until_digest(&self) -> i64 {
        let at =
            |date: corrente_metering::Date| self.calendar.instant(date.at(DIGEST_HOUR, 0, 0, 0));
        let today = self.calendar.date(self.now);
        let next = if self.now < at(today) { at(today) } else { at(next_day(today)) };
        self.real_seconds(next)
    }

    fn real_seconds(&self, until: Timestamp) -> i64 {
        until.since(self.now).max(0) / i64::from(self.factor.max(1))
    }
}

/// What was told last of an event, to nobody by name and in this language: nothing where it is of a kind
/// or a moment of another version.
pub fn told(event: &AlertEvent, point: &UsagePoint, language: String) -> Option<Message> {
    let kind = event.kind.parse().ok()?;
    let values: BTreeMap<String, String> = serde_json::from_value(event.document.clone()).ok()?;
    let moment = match values.get("moment") {
        Some(word) => Moment::from_word(word)?,
        None => Moment::Started,
    };
    Some(message_about(point, kind, moment, language, values))
}

fn message_about(
    point: &UsagePoint,
    kind: RuleKind,
    moment: Moment,
    language: String,
    values: BTreeMap<String, String>,
) -> Message {
    Message {
        kind: kind.into(),
        moment,
        language,
        name: String::new(),
        usage_point: point.name.clone(),
        currency: point.currency.code().to_owned(),
        values,
    }
}

/// Does it go on, or is it something that happens?
fn lasts(kind: RuleKind) -> bool {
    match kind {
        RuleKind::ExcessiveConsumption
        | RuleKind::BillJump
        | RuleKind::BillJumpYear
        | RuleKind::ForecastOverBudget
        | RuleKind::AlwaysOn
        | RuleKind::UnusualDay
        | RuleKind::MeterSilent => true,
        RuleKind::InvoiceIssued
        | RuleKind::InvoiceDue
        | RuleKind::InvoiceOverdue
        | RuleKind::InvoicePaid => false,
    }
}

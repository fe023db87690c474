//! A quantity that rises over a limit and falls again.

use corrente_metering::Timestamp;
use rust_decimal::Decimal;

use crate::{Fact, Notice, Phase, State, Told};

/// The machine of a quantity with a limit.
///
/// It starts when the value is *above* `limit` (300 kWh is not more than 300 kWh) for long enough and
/// is over when the value is at or below `over_at`, or when another subject begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Above this it starts.
    pub limit: Decimal,
    /// At or below this it is over; at most `limit`.
    pub over_at: Decimal,
    /// So much above what was last told is "worse".
    pub worse_by: Decimal,
    /// So long, in seconds, the value has to stay above the limit first.
    pub for_seconds: i64,
}

impl Threshold {
    /// One step.
    pub fn step(&self, state: &State, fact: &Fact) -> (State, Vec<Notice>) {
        let mut next = state.clone();
        let mut notices = Vec::new();
        if let Phase::Active { subject, worst, told, .. } = &state.phase
            && *subject != fact.subject
        {
            if *told {
                notices.push(Notice::Over {
                    at: fact.at,
                    subject: subject.clone(),
                    value: None,
                    worst: *worst,
                });
            }
            next.phase = Phase::Quiet;
        }
        if let Phase::Pending { subject, .. } = &next.phase
            && *subject != fact.subject
        {
            next.phase = Phase::Quiet;
        }
        let Some(value) = fact.value else { return (next, notices) };
        next.phase = match next.phase.clone() {
            Phase::Quiet if value > self.limit => {
                self.begin(&mut next, fact, value, fact.at, &mut notices)
            }
            Phase::Pending { since, .. } if value > self.limit => {
                self.begin(&mut next, fact, value, since, &mut notices)
            }
            Phase::Quiet | Phase::Pending { .. } => Phase::Quiet,
            Phase::Active { subject, worst, told, .. } if value <= self.over_at => {
                if told {
                    let value = Some(value);
                    notices.push(Notice::Over { at: fact.at, subject, value, worst });
                }
                Phase::Quiet
            }
            Phase::Active { since, subject, worst, mut told } => {
                if self.is_worse(&next, value) {
                    notices.push(if told {
                        Notice::Worse { at: fact.at, subject: subject.clone(), value }
                    } else {
                        Notice::Started { at: since, subject: subject.clone(), value }
                    });
                    told = true;
                    next.told = Some(Told { day: fact.day, subject: subject.clone(), value });
                }
                Phase::Active { since, subject, worst: worst.max(value), told }
            }
        };
        (next, notices)
    }

    /// Above the limit: starts when that has lasted, and is told unless this day has heard of it.
    fn begin(
        &self,
        next: &mut State,
        fact: &Fact,
        value: Decimal,
        since: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Phase {
        let subject = fact.subject.clone();
        if fact.at.since(since) < self.for_seconds {
            return Phase::Pending { since, subject };
        }
        let told_today = next.told.as_ref().is_some_and(|told| told.day == fact.day);
        let told = !told_today || self.is_worse(next, value);
        if told {
            notices.push(Notice::Started { at: fact.at, subject: subject.clone(), value });
            next.told = Some(Told { day: fact.day, subject: subject.clone(), value });
        }
        Phase::Active { since: fact.at, subject, worst: value, told }
    }

    fn is_worse(&self, state: &State, value: Decimal) -> bool {
        state
            .told
            .as_ref()
            .is_some_and(|told| value.checked_sub(told.value).is_some_and(|d| d >= self.worse_by))
    }
}

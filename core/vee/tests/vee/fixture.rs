//! A small language in which a person can write down a meter's life and read what VEE makes of it.
//! `docs/vee.md` explains its words under "How to read the examples".

use std::fmt::Write as _;

use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Date, Interval, LoadProfile, Quality, Reading, SourceQuality,
    Span, Timestamp, calendar::next_day,
};
use corrente_units::{Energy, Power, Price};
use corrente_vee::{
    ClassProfile, ClockCorrection, ClockSample, Edit, EnergyUnit, EventKind, Finding, Member,
    MeterPeriod, MultiplierFrom, Outcome, OwnHistory, Parameters, PointEvent, PointHistory, Ratio,
    RuleSet, Sibling, SiblingRole, balance, prorate, register_from_intervals, run,
};

/// A fixture that was read.
pub(crate) struct Fixture {
    pub(crate) history: PointHistory,
    pub(crate) rules: RuleSet,
    base: Date,
    children: Vec<(String, LoadProfile)>,
    price: Option<Price>,
    asked: Vec<Asked>,
}

/// A question that is answered below the outcome.
enum Asked {
    /// The register after the profile, from the one at its start.
    Register(Reading),
    /// The register at an instant between two.
    Proration(Timestamp, Reading, Reading),
}

/// Reads the text; panics with the line that it does not understand.
pub(crate) fn read(text: &str) -> Fixture {
    let mut base: Date = "2026-11-02".parse().unwrap();
    let mut calendar = Calendar::utc();
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("zone", name)) => calendar = Calendar::new(name.trim()).unwrap(),
            Some(("day", date)) => base = date.trim().parse().unwrap(),
            _ => {}
        }
    }
    let span = calendar.day(base);
    let mut fixture = Fixture {
        history: PointHistory::new(span, 3600, calendar),
        rules: RuleSet::standard(),
        base,
        children: Vec::new(),
        price: None,
        asked: Vec::new(),
    };
    fixture.history.now = span.end.plus(30 * 86_400);
    let mut numbers = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["set", rest @ ..] = words.as_slice() {
            writeln!(numbers, "{}", rest.join(" ")).unwrap();
        } else if let Some(first) = words.first()
            && !first.starts_with('#')
        {
            fixture.line(&words).unwrap_or_else(|| panic!("not understood: {line}"));
        }
    }
    fixture.rules.parameters = toml::from_str::<Parameters>(&numbers).unwrap();
    fixture
}

impl Fixture {
    fn t(&self, text: &str) -> Timestamp {
        let (days, time) = text.split_once('/').unwrap_or(("0", text));
        let days: i64 = days.parse().unwrap();
        let (hour, minute) = time.split_once(':').unwrap();
        let mut date = self.base;
        for _ in 0..days {
            date = next_day(date);
        }
        // Elapsed time since midnight, so that switch days can be written down.
        let seconds = hour.parse::<i64>().unwrap() * 3600 + minute.parse::<i64>().unwrap() * 60;
        self.history.calendar.midnight(date).plus(seconds)
    }

    fn meter(&mut self) -> &mut MeterPeriod {
        self.history.meters.last_mut().expect("a meter line comes first")
    }

    fn line(&mut self, words: &[&str]) -> Option<()> {
        let wh = |text: &str| text.parse::<i64>().map(Energy::from_wh).ok();
        match *words {
            ["zone" | "day", _] => {}
            ["span", a, b] => self.history.span = Span::new(self.t(a), self.t(b)),
            ["step", step] => self.history.step_seconds = seconds(step)?,
            ["now", t] => self.history.now = self.t(t),
            ["off-rule", rule] => {
                self.rules.off.insert(rule.parse().ok()?);
            }
            ["meter", number, kind, ref rest @ ..] => {
                let kind = match kind {
                    "register" => ChannelKind::Register,
                    "interval" => ChannelKind::Interval,
                    _ => return None,
                };
                let start = self.t("0:00").plus(-400 * 86_400);
                let id = ChannelId::from_number(number.parse().ok()?);
                let mut meter = MeterPeriod::new(id, kind, start);
                for pair in rest.chunks(2) {
                    let &[key, value] = pair else { return None };
                    match key {
                        "from" => meter.from = self.t(value),
                        "until" => meter.until = Some(self.t(value)),
                        "first" => meter.first_register = wh(value),
                        "final" => meter.final_register = wh(value),
                        "every" => meter.interval_seconds = Some(seconds(value)?),
                        "modulus" => meter.register_modulus_wh = value.parse().ok(),
                        "power" => meter.power_max = Some(Power::from_w(value.parse().ok()?)),
                        "declared" => meter.declared_multiplier = Some(ratio(value)?),
                        "unit" => {
                            meter.declared_unit = Some(match value {
                                "Wh" => EnergyUnit::Wh,
                                "kWh" => EnergyUnit::Kwh,
                                _ => return None,
                            });
                        }
                        _ => return None,
                    }
                }
                self.history.meters.push(meter);
            }
            ["times", t, value] => {
                let entry = MultiplierFrom { from: self.t(t), ratio: ratio(value)? };
                self.meter().multipliers.push(entry);
            }
            ["rise", a, b, step, first, more] => {
                let (mut t, end, step) = (self.t(a), self.t(b), seconds(step)?);
                let (mut value, more): (i64, i64) = (first.parse().ok()?, more.parse().ok()?);
                while t <= end {
                    self.meter().readings.push(reading(t, value, SourceQuality::GOOD));
                    (t, value) = (t.plus(step), value + more);
                }
            }
            ["dial", t, value] => {
                let reading = reading(self.t(t), value.parse().ok()?, SourceQuality::GOOD);
                self.meter().registers.push(reading);
            }
            ["clock", t, ahead] => {
                let sample = ClockSample { at: self.t(t), ahead_seconds: ahead.parse().ok()? };
                self.meter().clock.push(sample);
            }
            ["correct", a, b, add] => {
                let span = Span::new(self.t(a), self.t(b));
                let correction = ClockCorrection { span, add_seconds: add.parse().ok()? };
                self.meter().clock_corrections.push(correction);
            }
            ["off", t] => self.event(t, EventKind::Disconnected),
            ["on", t] => self.event(t, EventKind::Reconnected),
            ["tamper", t, code] => {
                let code = code.parse().ok()?;
                self.event(t, EventKind::Tamper { code });
            }
            ["edit", a, b, energy, who, ref why @ ..] => self.history.edits.push(Edit {
                span: Span::new(self.t(a), self.t(b)),
                energy: wh(energy)?,
                who: who.to_owned(),
                why: why.join(" "),
                at: self.history.now,
            }),
            ["own", days, hours] => {
                let profile = self.past(days.parse().ok()?, &hours_of(hours)?);
                self.history.own = Some(OwnHistory::from_profile(&profile, &self.history.calendar));
            }
            ["class", day, hours] => {
                self.history.class = Some(ClassProfile {
                    name: "class".to_owned(),
                    hours: hours_of(hours)?.repeat(7),
                    day_wh: day.parse().ok()?,
                });
            }
            ["sibling", role, name, a, b, step, wh] => {
                let role = match role {
                    "check" => SiblingRole::Check,
                    "part" => SiblingRole::Part,
                    "whole" => SiblingRole::Whole,
                    "beside" => SiblingRole::Beside,
                    _ => return None,
                };
                let profile = self.flat(a, b, step, wh)?;
                self.history.siblings.push(Sibling { name: name.to_owned(), role, profile });
            }
            ["child", name, a, b, step, wh] => {
                let profile = self.flat(a, b, step, wh)?;
                self.children.push((name.to_owned(), profile));
            }
            ["register-after", t, value] => {
                self.asked.push(Asked::Register(reading(
                    self.t(t),
                    value.parse().ok()?,
                    SourceQuality::GOOD,
                )));
            }
            ["register-at", t, from, first, to, last] => {
                let first = reading(self.t(from), first.parse().ok()?, SourceQuality::GOOD);
                let last = reading(self.t(to), last.parse().ok()?, SourceQuality::GOOD);
                self.asked.push(Asked::Proration(self.t(t), first, last));
            }
            ["price", price] => self.price = price.parse().ok(),
            [t, value, ref quality @ ..] if t.contains(':') => {
                let quality = match quality {
                    [] => SourceQuality::GOOD,
                    ["estimated"] => SourceQuality::ESTIMATED,
                    ["substituted"] => SourceQuality::SUBSTITUTED,
                    _ => return None,
                };
                let reading = reading(self.t(t), value.parse().ok()?, quality);
                self.meter().readings.push(reading);
            }
            _ => return None,
        }
        Some(())
    }

    fn event(&mut self, t: &str, kind: EventKind) {
        let at = self.t(t);
        self.history.events.push(PointEvent { at, kind });
    }

    fn flat(&self, a: &str, b: &str, step: &str, wh: &str) -> Option<LoadProfile> {
        let (mut t, end, step) = (self.t(a), self.t(b), seconds(step)?);
        let mut intervals = Vec::new();
        while t < end {
            let span = Span::new(t, t.plus(step));
            intervals.push(match wh {
                "missing" => Interval::missing(span),
                wh => Interval::known(span, Energy::from_wh(wh.parse().ok()?), Quality::Measured),
            });
            t = span.end;
        }
        Some(LoadProfile { intervals })
    }

    /// Hours of the days before the first, all alike.
    fn past(&self, days: i64, hours: &[i64]) -> LoadProfile {
        let start = self.history.calendar.midnight(self.base).plus(-days * 86_400);
        let mut intervals = Vec::new();
        for hour in 0..days * 24 {
            let span = Span::new(start.plus(hour * 3600), start.plus((hour + 1) * 3600));
            let wh = hours[usize::try_from(hour % 24).unwrap()];
            intervals.push(Interval::known(span, Energy::from_wh(wh), Quality::Measured));
        }
        LoadProfile { intervals }
    }

    /// Runs it; findings of the balance, where there are children, are among the others.
    pub(crate) fn run(&self) -> Outcome {
        let mut outcome = run(&self.history, &self.rules);
        if !self.children.is_empty() {
            let members: Vec<Member<'_>> =
                self.children.iter().map(|(name, profile)| Member { name, profile }).collect();
            let parent = Member { name: "parent", profile: &outcome.profile };
            let balance = balance(
                parent,
                &members,
                self.history.span,
                &self.history.calendar,
                &self.rules,
                self.price,
            );
            outcome.findings.extend(balance.findings);
        }
        outcome
    }

    fn clock(&self, t: Timestamp) -> String {
        let mut date = self.base;
        let mut day = 0;
        while self.history.calendar.midnight(next_day(date)) < t {
            (date, day) = (next_day(date), day + 1);
        }
        let seconds = t.since(self.history.calendar.midnight(date));
        let time = format!("{:02}:{:02}", seconds.div_euclid(3600), seconds.rem_euclid(3600) / 60);
        if day == 0 { time } else { format!("{day}/{time}") }
    }

    fn span(&self, span: Span) -> String {
        if span.seconds() <= 1 {
            return self.clock(span.end);
        }
        format!("{} to {}", self.clock(span.start), self.clock(span.end))
    }

    /// The outcome as a person reads it.
    pub(crate) fn print(&self, outcome: &Outcome) -> String {
        let mut text = String::new();
        let mut rest = outcome.profile.intervals.as_slice();
        while let Some(first) = rest.first() {
            let alike = |i: &&Interval| {
                i.energy() == first.energy()
                    && i.quality() == first.quality()
                    && i.span().seconds() == first.span().seconds()
            };
            let count = rest.iter().take_while(alike).count();
            let (run, later) = rest.split_at(count);
            let span = self.span(Span::new(first.span().start, run.last().unwrap().span().end));
            let energy = first.energy().map_or(String::new(), |e| format!("{e}, "));
            let quality = match first.quality() {
                Quality::Measured => "measured".to_owned(),
                Quality::Estimated { method } => format!("estimated by {method:?}"),
                Quality::Edited => "edited".to_owned(),
                Quality::Missing => "missing".to_owned(),
            };
            let each = if count > 1 { format!("{count} times ") } else { String::new() };
            writeln!(text, "{span}: {each}{energy}{quality}").unwrap();
            rest = later;
        }
        for estimate in &outcome.estimates {
            writeln!(
                text,
                "estimate {} {}: {}",
                estimate.estimator.name(),
                self.span(estimate.span),
                estimate.energy
            )
            .unwrap();
        }
        for finding in &outcome.findings {
            writeln!(text, "{}", self.print_finding(finding)).unwrap();
        }
        for asked in &self.asked {
            let answer = match asked {
                Asked::Register(r) => register_from_intervals(*r, &outcome.profile),
                Asked::Proration(t, a, b) => prorate(*a, *b, *t, Span::seconds),
            };
            match answer {
                Some(r) => writeln!(text, "register {}: {}", self.clock(r.end), r.value).unwrap(),
                None => writeln!(text, "no register").unwrap(),
            }
        }
        text
    }

    pub(crate) fn print_finding(&self, finding: &Finding) -> String {
        let severity = format!("{:?}", finding.severity).to_lowercase();
        format!("{severity} {} {}: {}", finding.rule, self.span(finding.span), finding.evidence)
    }
}

fn reading(end: Timestamp, value: i64, quality: SourceQuality) -> Reading {
    Reading { end, value: Energy::from_wh(value), quality }
}

fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: i64 = number.parse().ok()?;
    match unit {
        "h" => Some(number * 3600),
        "m" => Some(number * 60),
        "s" => Some(number),
        _ => None,
    }
}

fn ratio(text: &str) -> Option<Ratio> {
    let (numerator, denominator) = text.split_once('/')?;
    Some(Ratio::new(numerator.parse().ok()?, denominator.parse().ok()?))
}

/// `100*6,200*18` or 24 figures.
fn hours_of(text: &str) -> Option<Vec<i64>> {
    let mut hours = Vec::new();
    for part in text.split(',') {
        let (wh, count) = part.split_once('*').unwrap_or((part, "1"));
        let (wh, count): (i64, usize) = (wh.parse().ok()?, count.parse().ok()?);
        hours.extend(vec![wh; count]);
    }
    (hours.len() == 24).then_some(hours)
}

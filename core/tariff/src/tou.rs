//! The compiled form of periods of the day: who asks gets an answer for each instant.
//!
//! A table per season and kind of day holds each of its 1440 civil minutes exactly once; the checker
//! refuses a calendar that leaves a minute out or gives it to two periods.

use corrente_metering::{Calendar, Date, Span, Timestamp, calendar::next_day};
use jiff::civil::Weekday;

use crate::{
    file::{DayName, TouCalendar, TouRule},
    problems::Problems,
};

const MINUTES_PER_DAY: usize = 1440;
/// Monday to Sunday, then holidays.
const DAY_KINDS: [&str; 8] = [
    "Mondays",
    "Tuesdays",
    "Wednesdays",
    "Thursdays",
    "Fridays",
    "Saturdays",
    "Sundays",
    "holidays",
];

/// A stretch of time in one period of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TouSpan {
    /// When.
    pub span: Span,
    /// Which period, as an index into [`Tou::periods`].
    pub period: usize,
}

/// Periods of the day, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tou {
    periods: Vec<String>,
    /// First month and day of each season with its table, in order; the last one also covers the
    /// days before the first.
    seasons: Vec<((i8, i8), usize)>,
    /// By season, then by kind of day: runs of minutes.
    tables: Vec<Vec<Vec<Run>>>,
    knows_holidays: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    until_minute: usize,
    period: usize,
}

/// The kind of a day, as far as tariffs distinguish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayKind {
    /// The weekday.
    pub weekday: Weekday,
    /// A holiday of the tariff's list.
    pub holiday: bool,
}

impl Tou {
    /// The names of the periods, in the order of the bill.
    pub fn periods(&self) -> &[String] {
        &self.periods
    }

    /// Do its rules say anything about holidays, so that the list of each year must be known?
    pub fn knows_holidays(&self) -> bool {
        self.knows_holidays
    }

    /// The period at this civil minute (0 to 1439) of such a day.
    pub fn period_at(&self, date: Date, kind: DayKind, minute: usize) -> usize {
        self.runs(date, kind)
            .iter()
            .find(|run| minute < run.until_minute)
            .map_or(0, |run| run.period)
    }

    /// The day's stretches in order, from its midnight to the next.
    pub fn day(&self, calendar: &Calendar, date: Date, kind: DayKind) -> Vec<TouSpan> {
        let day = calendar.day(date);
        if day.seconds() == 86_400 {
            self.plain_day(day, date, kind)
        } else {
            self.switch_day(calendar, day, date, kind)
        }
    }

    /// A day without a change of the clock: civil minutes are minutes after midnight.
    fn plain_day(&self, day: Span, date: Date, kind: DayKind) -> Vec<TouSpan> {
        let mut start = day.start;
        self.runs(date, kind)
            .iter()
            .map(|run| {
                let minutes = i64::try_from(run.until_minute).unwrap_or(1440);
                let span = Span::new(start, day.start.plus(minutes.saturating_mul(60)));
                start = span.end;
                TouSpan { span, period: run.period }
            })
            .collect()
    }

    /// A day on which the clock changes: each minute is asked for its civil time, so that a repeated
    /// hour belongs both times to the period of that hour.
    fn switch_day(
        &self,
        calendar: &Calendar,
        day: Span,
        date: Date,
        kind: DayKind,
    ) -> Vec<TouSpan> {
        let mut spans: Vec<TouSpan> = Vec::new();
        let mut start = day.start;
        while start < day.end {
            let end = start.plus(60).min(day.end);
            let civil = calendar.datetime(start);
            let minute = usize::try_from(i32::from(civil.hour()).saturating_mul(60))
                .unwrap_or(0)
                .saturating_add(usize::try_from(civil.minute()).unwrap_or(0));
            let period = self.period_at(date, kind, minute);
            match spans.last_mut() {
                Some(last) if last.period == period => last.span.end = end,
                _ => spans.push(TouSpan { span: Span::new(start, end), period }),
            }
            start = end;
        }
        spans
    }

    fn runs(&self, date: Date, kind: DayKind) -> &[Run] {
        let key = (date.month(), date.day());
        let season = self
            .seasons
            .iter()
            .rev()
            .find(|(from, _)| *from <= key)
            .or(self.seasons.last())
            .map_or(0, |(_, season)| *season);
        self.tables.get(season).and_then(|t| t.get(kind.index())).map_or(&[], Vec::as_slice)
    }

    /// Compiles a calendar; what is wrong goes to `problems` under `key`.
    pub(crate) fn compile(from: &TouCalendar, key: &str, problems: &mut Problems) -> Option<Self> {
        let before = problems.count();
        let seasons = seasons(from, key, problems);
        let rules = rules(from, key, &seasons.names, problems);
        let rest = from.rest.as_ref().and_then(|name| period(from, name));
        if from.rest.is_some() && rest.is_none() {
            problems.add(
                format!("{key}.rest"),
                "names a period that is not in `periods`",
                format!("use one of: {}", from.periods.join(", ")),
            );
        }
        if from.periods.is_empty() {
            problems.add(format!("{key}.periods"), "has no period", "name at least one");
        }
        if problems.count() > before {
            return None;
        }
        let mut tables = Vec::new();
        for (season, name) in seasons.names.iter().enumerate() {
            let mut kinds = Vec::new();
            let mut gaps: Vec<(Gap, Vec<&str>)> = Vec::new();
            for (kind, kind_name) in DAY_KINDS.iter().enumerate() {
                match table(key, &rules, rest, (season, name), kind, problems) {
                    Ok(runs) => kinds.push(runs),
                    Err(gap) => match gaps.iter_mut().find(|(g, _)| *g == gap) {
                        Some((_, days)) => days.push(kind_name),
                        None => gaps.push((gap, vec![kind_name])),
                    },
                }
            }
            for ((from, until), days) in gaps {
                let season =
                    if name.is_empty() { String::new() } else { format!(" of season `{name}`") };
                problems.add(
                    key.to_owned(),
                    format!(
                        "no rule covers {} to {} on {}{season}",
                        clock(from),
                        clock(until),
                        days.join(", ")
                    ),
                    "add a rule for it, or name the period of the rest with `rest`",
                );
            }
            tables.push(kinds);
        }
        let knows_holidays = from.rule.iter().any(|r| {
            r.days
                .iter()
                .any(|d| matches!(d, DayName::Business | DayName::Holiday | DayName::Weekend))
        });
        Some(Self {
            periods: from.periods.clone(),
            seasons: seasons.starts,
            tables,
            knows_holidays,
        })
    }
}

impl DayKind {
    fn index(self) -> usize {
        if self.holiday {
            return 7;
        }
        usize::try_from(self.weekday.to_monday_zero_offset()).unwrap_or(0)
    }
}

struct Seasons {
    names: Vec<String>,
    starts: Vec<((i8, i8), usize)>,
}

fn seasons(from: &TouCalendar, key: &str, problems: &mut Problems) -> Seasons {
    let mut names: Vec<String> = Vec::new();
    let mut starts = Vec::new();
    for (i, season) in from.season.iter().enumerate() {
        let index = names.iter().position(|n| *n == season.name).unwrap_or_else(|| {
            names.push(season.name.clone());
            names.len().saturating_sub(1)
        });
        match month_and_day(&season.from) {
            Some(start) => starts.push((start, index)),
            None => problems.add(
                format!("{key}.season[{i}].from"),
                format!("`{}` is no day of the year", season.from),
                "write month and day, such as \"06-01\"",
            ),
        }
    }
    if names.is_empty() {
        return Seasons { names: vec![String::new()], starts: vec![((1, 1), 0)] };
    }
    starts.sort_unstable();
    if starts.windows(2).any(|w| matches!(w, [a, b] if a.0 == b.0)) {
        problems.add(
            format!("{key}.season"),
            "has two seasons that begin on the same day",
            "give each its own first day",
        );
    }
    Seasons { names, starts }
}

struct CompiledRule {
    index: usize,
    period: usize,
    /// By kind of day.
    days: Vec<usize>,
    /// Indices of seasons; all when empty.
    seasons: Vec<usize>,
    ranges: Vec<(usize, usize)>,
}

fn rules(
    from: &TouCalendar,
    key: &str,
    seasons: &[String],
    problems: &mut Problems,
) -> Vec<CompiledRule> {
    let mut compiled = Vec::new();
    for (index, rule) in from.rule.iter().enumerate() {
        let at = format!("{key}.rule[{index}]");
        let Some(period) = period(from, &rule.period) else {
            problems.add(
                format!("{at}.period"),
                format!("`{}` is not in `periods`", rule.period),
                format!("use one of: {}", from.periods.join(", ")),
            );
            continue;
        };
        let mut rule_seasons = Vec::new();
        for name in &rule.seasons {
            match seasons.iter().position(|s| s == name) {
                Some(season) => rule_seasons.push(season),
                None => problems.add(
                    format!("{at}.seasons"),
                    format!("`{name}` is no season of this calendar"),
                    "name a season of `season`",
                ),
            }
        }
        let Some(ranges) = ranges(rule) else {
            problems.add(
                format!("{at}.from"),
                format!("`{}` until `{}` is no stretch of a day", rule.from, rule.until),
                "write times such as \"18:00\" and at most \"24:00\"",
            );
            continue;
        };
        let days = days(rule);
        compiled.push(CompiledRule { index, period, days, seasons: rule_seasons, ranges });
    }
    compiled
}

fn period(from: &TouCalendar, name: &str) -> Option<usize> {
    from.periods.iter().position(|p| p == name)
}

fn days(rule: &TouRule) -> Vec<usize> {
    if rule.days.is_empty() {
        return (0..DAY_KINDS.len()).collect();
    }
    let mut days: Vec<usize> = rule
        .days
        .iter()
        .flat_map(|day| match day {
            DayName::Mon => 0..1,
            DayName::Tue => 1..2,
            DayName::Wed => 2..3,
            DayName::Thu => 3..4,
            DayName::Fri => 4..5,
            DayName::Sat => 5..6,
            DayName::Sun => 6..7,
            DayName::Business => 0..5,
            DayName::Weekend => 5..7,
            DayName::Holiday => 7..8,
        })
        .collect();
    days.sort_unstable();
    days.dedup();
    days
}

fn ranges(rule: &TouRule) -> Option<Vec<(usize, usize)>> {
    let from = minute_of_day(&rule.from)?;
    let until = minute_of_day(&rule.until)?;
    match from.cmp(&until) {
        std::cmp::Ordering::Less => Some(vec![(from, until)]),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(vec![(0, until), (from, MINUTES_PER_DAY)]),
    }
}

fn minute_of_day(text: &str) -> Option<usize> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (usize, usize) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && total <= MINUTES_PER_DAY).then_some(total)
}

fn month_and_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.split_once('-')?;
    // A leap year, so that the 29th of February is a day too.
    let date = Date::new(2024, month.parse().ok()?, day.parse().ok()?).ok()?;
    Some((date.month(), date.day()))
}

/// The first minute without a rule, and the first one after it that has one.
type Gap = (usize, usize);

/// The minutes of one kind of day in one season, as runs.
fn table(
    key: &str,
    rules: &[CompiledRule],
    rest: Option<usize>,
    (season, season_name): (usize, &str),
    kind: usize,
    problems: &mut Problems,
) -> Result<Vec<Run>, Gap> {
    let mut minutes: Vec<Option<(usize, usize)>> = vec![None; MINUTES_PER_DAY];
    let when = day_words(kind, season_name);
    let applies = |r: &&CompiledRule| {
        r.days.contains(&kind) && (r.seasons.is_empty() || r.seasons.contains(&season))
    };
    for rule in rules.iter().filter(applies) {
        for (from, until) in &rule.ranges {
            for (minute, cell) in minutes.iter_mut().enumerate().take(*until).skip(*from) {
                match cell {
                    None => *cell = Some((rule.period, rule.index)),
                    Some((_, other)) => {
                        problems.add(
                            format!("{key}.rule[{}]", rule.index),
                            format!(
                                "covers {} on {when}, which rule[{other}] covers already",
                                clock(minute)
                            ),
                            "change `from`, `until` or `days` so that each minute has one rule",
                        );
                        return Ok(Vec::new());
                    }
                }
            }
        }
    }
    let mut runs: Vec<Run> = Vec::new();
    for (minute, cell) in minutes.iter().enumerate() {
        let Some(period) = cell.map(|(period, _)| period).or(rest) else {
            let open = minutes.iter().skip(minute).take_while(|c| c.is_none()).count();
            return Err((minute, minute.saturating_add(open)));
        };
        let until_minute = minute.saturating_add(1);
        match runs.last_mut() {
            Some(last) if last.period == period => last.until_minute = until_minute,
            _ => runs.push(Run { until_minute, period }),
        }
    }
    Ok(runs)
}

fn day_words(kind: usize, season: &str) -> String {
    let kind = DAY_KINDS.get(kind).copied().unwrap_or("days");
    if season.is_empty() { kind.to_owned() } else { format!("{kind} of season `{season}`") }
}

fn clock(minute: usize) -> String {
    format!("{:02}:{:02}", minute.checked_div(60).unwrap_or(0), minute.checked_rem(60).unwrap_or(0))
}

/// All days of a span of days, from the first to the one before `until`.
pub fn days_between(first: Date, until: Date) -> impl Iterator<Item = Date> {
    let mut date = first;
    std::iter::from_fn(move || {
        (date < until).then(|| {
            let today = date;
            date = next_day(date);
            today
        })
    })
}

/// The whole stretch of a day as one period, for tariffs without periods of the day.
pub fn whole_day(calendar: &Calendar, date: Date) -> TouSpan {
    TouSpan { span: calendar.day(date), period: 0 }
}

/// The stretch that contains `t`, by binary search; stretches are in order and do not overlap.
pub fn find(spans: &[TouSpan], t: Timestamp) -> Option<&TouSpan> {
    let index = spans.partition_point(|s| s.span.end < t);
    spans.get(index).filter(|s| s.span.contains(t))
}

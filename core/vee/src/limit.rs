//! The most that can flow at a connection, and so how far a dial can move.
//!
//! Where the connection's limit is known, more than that is not believed. Where nobody has entered it,
//! nothing can be called impossible by itself: a workshop of 200 kW looks like a household whose dial
//! jumped. Then a step above what a household carries is compared with the strongest flow that is
//! otherwise known: the point's own past, and the third strongest flow of the readings at hand, or of many
//! the strongest behind a twentieth of them, so that a few wild values do not vouch for each other. What
//! lies within ten times that is believed and said
//! (`high_low` asks for the limit); where nothing is known to compare with, it is believed as well.

use corrente_metering::{Span, Timestamp};
use corrente_units::Power;

use crate::{
    Evidence, MeterPeriod, OwnHistory, Rule, Severity, readings::Raw, run::Context, spread::scale,
};

/// Watts times permille carry so many watt-hours in this many seconds.
const PER_SECONDS: i64 = 3_600_000;

/// What the connection carries for sure in so many seconds, in Wh; nothing where nobody has entered it.
pub(crate) fn known_most(context: &Context<'_>, seconds: i64) -> Option<i64> {
    let parameters = &context.rules.parameters;
    let meters = context.history.meters.iter().filter_map(|m| m.power_max.map(Power::w));
    let power = meters.max().or(parameters.power_max_w)?;
    scale(seconds, power.saturating_mul(parameters.power_slack_permille), PER_SECONDS)
}

/// What a step is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Derived {
    /// Nobody needed it yet.
    NotYet,
    /// Nothing is known to compare with.
    Nothing,
    /// As [`Limit::carries`].
    Carries(i64),
}

/// The most that flows at a meter.
pub(crate) struct Limit<'a> {
    meter: &'a MeterPeriod,
    own: Option<&'a OwnHistory>,
    raw: &'a [Raw],
    within: Span,
    configured: bool,
    /// What it carries in [`PER_SECONDS`], in Wh.
    carries: i64,
    derived: Derived,
    own_permille: i64,
    slack_permille: i64,
    glitch_readings: usize,
    resolution: i64,
    cached: (i64, i64),
    /// The strongest flow that was believed above what is certain, and when.
    strong: Option<(i64, Span)>,
}

impl<'a> Limit<'a> {
    pub(crate) fn new<'h: 'a>(
        context: &Context<'h>,
        meter: &'a MeterPeriod,
        raw: &'a [Raw],
    ) -> Self {
        let parameters = &context.rules.parameters;
        let known = meter.power_max.map(Power::w).or(parameters.power_max_w);
        let power = known.unwrap_or(parameters.power_unknown_w);
        Self {
            meter,
            own: context.history.own.as_ref(),
            raw,
            within: context.history.span,
            configured: known.is_some(),
            carries: power.saturating_mul(parameters.power_slack_permille),
            derived: Derived::NotYet,
            own_permille: parameters.power_own_permille,
            slack_permille: parameters.power_slack_permille,
            glitch_readings: parameters.glitch_readings,
            resolution: parameters.register_resolution_wh,
            cached: (-1, 0),
            strong: None,
        }
    }

    /// How far the dial moves at most, with what is certain and what is derived.
    pub(crate) fn raw(&mut self, from: Timestamp, to: Timestamp) -> i64 {
        let certain = self.certain(from, to);
        match self.derived {
            Derived::Carries(carries) => certain.max(self.on_dial(carries, from, to)),
            Derived::NotYet | Derived::Nothing => certain,
        }
    }

    /// Can the dial have moved from the one to the other?
    pub(crate) fn forward(&mut self, before: Raw, next: Raw) -> bool {
        let difference = next.value.saturating_sub(before.value);
        if difference < 0 {
            return false;
        }
        if difference <= self.certain(before.t, next.t) {
            return true;
        }
        if self.configured {
            return false;
        }
        match self.derive() {
            None => true,
            Some(carries) => difference <= self.on_dial(carries, before.t, next.t),
        }
    }

    /// As [`Self::forward`], for the next reading of a walk: a strong flow is believed only where the
    /// register does not come back from it. Remembers what was believed.
    pub(crate) fn goes_on(&mut self, before: Raw, next: Raw, following: &[Raw]) -> bool {
        if !self.forward(before, next) {
            return false;
        }
        let difference = next.value.saturating_sub(before.value);
        if difference <= self.certain(before.t, next.t) {
            return true;
        }
        let comes_back = following
            .iter()
            .take(self.glitch_readings)
            .any(|later| before.value <= later.value && later.value < next.value);
        if comes_back {
            return false;
        }
        let rate = self.rate(before, next);
        self.remember(rate, Span::new(before.t, next.t));
        true
    }

    /// Is a step back from a wrong value to the right one too far to be use? Where nothing is known
    /// to compare with, what a household carries decides.
    pub(crate) fn springs(&mut self, before: Raw, next: Raw) -> bool {
        let difference = next.value.saturating_sub(before.value);
        if !self.configured {
            self.derive();
        }
        difference < 0 || difference > self.raw(before.t, next.t)
    }

    /// Can an interval of so many seconds hold so much?
    pub(crate) fn holds(&mut self, span: Span, wh: i64) -> bool {
        let most = |carries: i64, resolution: i64| {
            scale(span.seconds(), carries, PER_SECONDS)
                .unwrap_or(i64::MAX)
                .saturating_add(resolution)
        };
        if wh <= most(self.carries, self.resolution) {
            return true;
        }
        if self.configured {
            return false;
        }
        let believed = match self.derived {
            Derived::NotYet | Derived::Nothing => true,
            Derived::Carries(carries) => wh <= most(carries, self.resolution),
        };
        if believed {
            self.remember(scale(wh, 3600, span.seconds().max(1)).unwrap_or(i64::MAX), span);
        }
        believed
    }

    /// Notes a strong flow that was believed, where it lies in the span that is looked at.
    fn remember(&mut self, rate: i64, span: Span) {
        let inside = span.intersect(self.within);
        if !inside.is_empty() {
            self.strong = Some(match self.strong {
                None => (rate, inside),
                Some((most, known)) => (most.max(rate), Span::new(known.start, inside.end)),
            });
        }
    }

    /// The most of an interval of this length, in Wh, for a sentence.
    pub(crate) fn of_interval(&self, seconds: i64) -> i64 {
        let carries = match self.derived {
            Derived::Carries(derived) => self.carries.max(derived),
            Derived::NotYet | Derived::Nothing => self.carries,
        };
        scale(seconds, carries, PER_SECONDS).unwrap_or(i64::MAX).saturating_add(self.resolution)
    }

    /// Looks at the values of an interval channel, of this many seconds each.
    pub(crate) fn look_at_intervals(&mut self, seconds: i64) {
        if self.configured || self.derived != Derived::NotYet {
            return;
        }
        let certain = self.of_interval(seconds);
        let values = self.raw.iter().map(|raw| self.times(raw.t, raw.value));
        if values.clone().all(|wh| wh <= certain) {
            return;
        }
        let rates = values
            .map(|wh| wh.saturating_sub(self.resolution))
            .filter_map(|wh| scale(wh.max(0), 3600, seconds.max(1)))
            .collect();
        self.compare_with(rates);
    }

    /// Says that more flows than is certain, and that the limit should be entered; not again where the
    /// point's own past says so already.
    pub(crate) fn report(&self, context: &mut Context<'_>) {
        let Some((most, span)) = self.strong else { return };
        let usual = self.own.and_then(OwnHistory::peak_w).unwrap_or(0);
        if scale(usual, self.slack_permille, 1000).is_some_and(|usual| most <= usual) {
            return;
        }
        let taken = context.rules.parameters.power_unknown_w;
        let evidence =
            Evidence::LimitUnknown { power: Power::from_w(most), taken: Power::from_w(taken) };
        context.report(Rule::HighLow, Severity::Warning, span, Some(self.meter), evidence);
    }

    fn certain(&mut self, from: Timestamp, to: Timestamp) -> i64 {
        let seconds = to.since(from).max(0);
        if self.meter.multipliers.is_empty() && self.cached.0 == seconds {
            return self.cached.1;
        }
        self.cached = (seconds, self.on_dial(self.carries, from, to));
        self.cached.1
    }

    fn on_dial(&self, carries: i64, from: Timestamp, to: Timestamp) -> i64 {
        let energy = scale(to.since(from).max(0), carries, PER_SECONDS).unwrap_or(i64::MAX);
        let ratio = self.meter.multiplier_until(to);
        scale(energy, ratio.denominator, ratio.numerator.max(1))
            .unwrap_or(i64::MAX)
            .saturating_add(self.resolution)
    }

    fn times(&self, until: Timestamp, on_dial: i64) -> i64 {
        let ratio = self.meter.multiplier_until(until);
        scale(on_dial, ratio.numerator, ratio.denominator).unwrap_or(i64::MAX)
    }

    /// The flow between two readings in W.
    fn rate(&self, before: Raw, next: Raw) -> i64 {
        let wh = self.times(next.t, next.value.saturating_sub(before.value));
        scale(wh, 3600, next.t.since(before.t).max(1)).unwrap_or(i64::MAX)
    }

    fn derive(&mut self) -> Option<i64> {
        if self.derived == Derived::NotYet {
            let rates = self.steady_rates();
            self.compare_with(rates);
        }
        match self.derived {
            Derived::Carries(carries) => Some(carries),
            Derived::NotYet | Derived::Nothing => None,
        }
    }

    fn compare_with(&mut self, mut rates: Vec<i64>) {
        rates.sort_unstable_by(|a, b| b.cmp(a));
        let wild = rates.len().checked_div(20).unwrap_or(0).max(2);
        let strongest = rates.get(wild).copied();
        let own = self.own.and_then(OwnHistory::peak_w);
        self.derived = match strongest.max(own) {
            None => Derived::Nothing,
            Some(strongest) => Derived::Carries(strongest.saturating_mul(self.own_permille)),
        };
    }

    /// The flows between neighbouring readings that fit the readings before and after them: a wrong
    /// value fits neither.
    fn steady_rates(&self) -> Vec<i64> {
        let mut rates = Vec::new();
        for (index, (before, next)) in self.raw.iter().zip(self.raw.iter().skip(1)).enumerate() {
            let from = index.saturating_sub(self.glitch_readings);
            let earlier = self.raw.get(from..index).unwrap_or_default();
            let later = self.raw.get(index.saturating_add(2)..).unwrap_or_default();
            let steady = earlier.iter().all(|raw| raw.value <= before.value)
                && later.iter().take(self.glitch_readings).all(|raw| next.value <= raw.value);
            if steady && before.value <= next.value {
                // A coarse dial moves by its whole step at once.
                let wh = next.value.saturating_sub(before.value).saturating_sub(self.resolution);
                let wh = self.times(next.t, wh.max(0));
                rates.extend(scale(wh, 3600, next.t.since(before.t).max(1)));
            }
        }
        rates
    }
}

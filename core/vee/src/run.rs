//! One run of VEE: readings to pieces, pieces to intervals, gaps to estimates, rules over all.

mod gaps;
pub(crate) mod meters;

use corrente_metering::{LoadProfile, Span};

use crate::{
    Estimate, Evidence, Finding, GoodRegister, MeterPeriod, PointHistory, Rule, RuleSet, Severity,
    cells::Grid, checks,
};

/// Everything that a run gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is believed, interval by interval.
    pub profile: LoadProfile,
    /// What the rules found, in order of time.
    pub findings: Vec<Finding>,
    /// What was estimated, how, and from what.
    pub estimates: Vec<Estimate>,
    /// The good registers, segment by segment: between any two of a segment the intervals add up to
    /// the difference of their totals.
    pub segments: Vec<Vec<GoodRegister>>,
}

/// What is believed about the history's span, and what is wrong with it.
///
/// The same input gives the same output, whatever the order in which readings arrived, except that of
/// two values for one instant the first one stays.
pub fn validate(history: &PointHistory, rules: &RuleSet) -> (LoadProfile, Vec<Finding>) {
    let outcome = run(history, rules);
    (outcome.profile, outcome.findings)
}

/// As [`validate`], with the estimates and the good registers.
pub fn run(history: &PointHistory, rules: &RuleSet) -> Outcome {
    let mut context = Context { history, rules, findings: Vec::new(), estimates: Vec::new() };
    let mut grid = Grid::new(history.span, history.step_seconds, &history.calendar);
    gaps::place_edits(&mut context, &mut grid);
    let measured = meters::fill(&mut context, &mut grid);
    gaps::fill(&mut context, &mut grid, &measured.at_least);
    gaps::settle_edits(&mut context, &mut grid);
    checks::run(&mut context, &mut grid, &measured.at_least);
    let Context { mut findings, mut estimates, .. } = context;
    findings.sort_by_key(|f| (f.span.start, f.span.end, f.rule));
    estimates.sort_by_key(|e| (e.span.start, e.span.end));
    let intervals = grid.cells.iter().map(crate::cells::Cell::interval).collect();
    Outcome { profile: LoadProfile { intervals }, findings, estimates, segments: measured.segments }
}

/// What a run carries along.
pub(crate) struct Context<'a> {
    pub(crate) history: &'a PointHistory,
    pub(crate) rules: &'a RuleSet,
    pub(crate) findings: Vec<Finding>,
    pub(crate) estimates: Vec<Estimate>,
}

impl Context<'_> {
    /// Adds a finding, unless its rule is off.
    pub(crate) fn report(
        &mut self,
        rule: Rule,
        severity: Severity,
        span: Span,
        meter: Option<&MeterPeriod>,
        evidence: Evidence,
    ) {
        if self.rules.has(rule) {
            self.findings.push(Finding {
                rule,
                rule_version: rule.version(),
                severity,
                span,
                channel: meter.map(|m| m.channel),
                evidence,
            });
        }
    }
}

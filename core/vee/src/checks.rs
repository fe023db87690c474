//! The rules that look at intervals, days and the meter's own words.

mod level;
mod meter;
mod past;
mod runs;
mod siblings;

pub use self::siblings::compare_siblings;

use corrente_metering::{Date, Span};

use crate::{
    cells::{Cell, Grid},
    run::Context,
};

/// A local day of the profile.
pub(crate) struct Day<'a> {
    pub(crate) date: Date,
    pub(crate) span: Span,
    pub(crate) cells: &'a [Cell],
    /// Its energy in Wh, when it is covered from midnight to midnight.
    pub(crate) wh: Option<i64>,
}

/// Runs every rule over the finished grid.
pub(crate) fn run(context: &mut Context<'_>, grid: &mut Grid, at_least: &[(Span, i64)]) {
    let cells = grid.cells.as_slice();
    let days = days(context, cells);
    runs::missing(context, cells, at_least);
    runs::prolonged_estimation(context, cells);
    runs::consecutive_interval(context, cells);
    runs::zero(context, cells);
    runs::inactive(context, cells);
    level::high_low(context, &days);
    level::spike(context, &days);
    past::dynamic_comparison(context, &days);
    past::multiplier(context, &days);
    past::unit(context, &days);
    siblings::sibling_channels(context, &days);
    meter::interval_size(context);
    meter::clock_drift(context);
    meter::tamper(context);
}

fn days<'a>(context: &Context<'_>, cells: &'a [Cell]) -> Vec<Day<'a>> {
    let calendar = &context.history.calendar;
    let span = context.history.span;
    let mut rest = cells;
    let mut days = Vec::new();
    for cut in calendar.cut_days(span) {
        let (cells, later) = rest.split_at(rest.partition_point(|c| c.span.end <= cut.end));
        rest = later;
        let date = calendar.date(cut.start);
        // A span may begin or end inside a day: such a day has no total.
        let whole = cut.start > span.start && cut.end < span.end || calendar.day(date) == cut;
        let wh = cells
            .iter()
            .try_fold(0_i64, |sum, c| Some(sum.saturating_add(c.value()?)))
            .filter(|_| whole && !cells.is_empty());
        days.push(Day { date, span: cut, cells, wh });
    }
    days
}

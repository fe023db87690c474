//! Energy per kWh, by period of the day and block, and flags.

use std::collections::BTreeMap;

use corrente_metering::Date;
use corrente_tariff::{
    Dated, Tariff,
    file::{Block, BlockCount, BlockPer, EnergyCharge, EnergyUnit, PriceByPeriod, Split},
};
use corrente_units::Decimal;

use super::{Context, Draft, daily_taxes, day_share, kwh, value_on};
use crate::{
    BillingError, LineGroup, Segment, Share, determinants::days, exact::Exact, portion::Portion,
};

/// A part of a charge that becomes a line, or joins one.
struct Piece {
    first: Date,
    until: Date,
    period: Option<String>,
    block: Option<usize>,
    wh: i64,
    /// Of the block's or the whole period's energy.
    share: Option<(i64, i64, &'static str)>,
    price: Decimal,
}

pub(super) fn drafts<'a>(
    context: &Context<'a>,
    portion: &Portion<'a>,
    segments: &[Segment],
    drafts: &mut Vec<Draft<'a>>,
) -> Result<(), BillingError> {
    let steps = TaxSteps::of(portion);
    for charge in &portion.tariff.file().energy {
        let mut pieces = Vec::new();
        if charge.blocks.is_empty() {
            plain(context, portion, segments, charge, &mut pieces)?;
        } else if charge.blocks_per == BlockPer::Day {
            daily_blocks(context, portion, segments, charge, &mut pieces)?;
        } else {
            period_blocks(context, portion, segments, charge, &mut pieces)?;
        }
        for piece in merged(pieces, &steps) {
            let price = per_kwh(piece.price, charge.unit)?;
            let share = piece
                .share
                .filter(|(part, of, _)| part != of)
                .map(|(part, of, unit)| Share { part, of, unit: unit.to_owned() });
            let quantity = kwh(piece.wh);
            drafts.push(Draft {
                code: charge.code.clone(),
                label: charge.label.clone(),
                group: LineGroup::Energy,
                first: piece.first,
                until: piece.until,
                period: piece.period,
                block: piece.block.map(|b| block_name(&charge.blocks, b)),
                detail: None,
                quantity: Some(quantity),
                unit: "kWh",
                base: Draft::product(quantity, share.as_ref(), price)?,
                share,
                price: Some(price),
                price_is_mean: false,
                taxes: context.taxes(portion.tariff, charge.taxes.as_deref(), piece.first)?,
                clause: charge.clause.clone(),
                tariff: portion.tariff,
            });
        }
    }
    Ok(())
}

/// One price, or one by period of the day.
fn plain(
    context: &Context<'_>,
    portion: &Portion<'_>,
    segments: &[Segment],
    charge: &EnergyCharge,
    pieces: &mut Vec<Piece>,
) -> Result<(), BillingError> {
    // A charge with one price does not care about the period of the day.
    let one_price = charge.price.is_some();
    for segment in inside(segments, portion) {
        let mut counting =
            segment.quantities.iter().filter(|q| counts(charge, q.period.as_ref())).peekable();
        let mut add = |period: Option<&String>, wh, share| {
            pieces.push(Piece {
                first: segment.first,
                until: segment.until,
                period: period.cloned().filter(|_| !one_price),
                block: None,
                wh,
                share,
                price: price(charge, period, segment.first)?,
            });
            Ok::<_, BillingError>(())
        };
        let in_days = days(segment.first, segment.until);
        match context.split() {
            Split::Measured => {
                for quantity in counting {
                    add(quantity.period.as_ref(), energy_of(charge, quantity), None)?;
                }
            }
            Split::Days if one_price => {
                if counting.peek().is_some() {
                    let (wh, of) = over_days(segments, charge, |p| counts(charge, p));
                    add(None, wh, Some((in_days, of, "days")))?;
                }
            }
            Split::Days => {
                for quantity in counting {
                    let period = quantity.period.as_ref();
                    let (wh, of) = over_days(segments, charge, |p| p == period);
                    add(period, wh, Some((in_days, of, "days")))?;
                }
            }
        }
    }
    Ok(())
}

/// Blocks of the period's energy. Where the period has several prices, each block is shared among
/// them in proportion to their energy.
fn period_blocks(
    context: &Context<'_>,
    portion: &Portion<'_>,
    segments: &[Segment],
    charge: &EnergyCharge,
    pieces: &mut Vec<Piece>,
) -> Result<(), BillingError> {
    // Energy of other periods of the day may fill the blocks too; it is shared out, but not billed here.
    let all = segments.iter().flat_map(|s| &s.quantities);
    let total: i64 =
        all.filter(|q| fills(charge, q.period.as_ref())).map(|q| energy_of(charge, q)).sum();
    let parts = parts_of(&limits(context, charge)?, total, limit_share(context, charge))?;
    for segment in inside(segments, portion) {
        for quantity in segment.quantities.iter().filter(|q| counts(charge, q.period.as_ref())) {
            let share = match context.split() {
                Split::Measured => (energy_of(charge, quantity), total, "wh"),
                Split::Days => {
                    // By days, but by energy among the periods of the day.
                    let of = |p: Option<&String>| p == quantity.period.as_ref();
                    let (wh, of_days) = over_days(segments, charge, of);
                    let in_days = days(segment.first, segment.until);
                    (wh.saturating_mul(in_days), total.saturating_mul(of_days), "wh")
                }
            };
            for (index, wh) in parts.iter().enumerate().filter(|(_, wh)| **wh > 0) {
                let block = charge.blocks.get(index);
                pieces.push(Piece {
                    first: segment.first,
                    until: segment.until,
                    period: quantity
                        .period
                        .clone()
                        .filter(|_| block.is_some_and(|b| b.price.is_none())),
                    block: Some(index),
                    wh: *wh,
                    share: Some(share),
                    price: block_price(charge, index, quantity.period.as_ref(), segment.first)?,
                });
            }
        }
    }
    Ok(())
}

/// Blocks of each day's energy; segments are single days then.
fn daily_blocks(
    context: &Context<'_>,
    portion: &Portion<'_>,
    segments: &[Segment],
    charge: &EnergyCharge,
    pieces: &mut Vec<Piece>,
) -> Result<(), BillingError> {
    let one = (context.days.min(1), 1);
    for segment in inside(segments, portion) {
        let cells: Vec<_> =
            segment.quantities.iter().filter(|q| fills(charge, q.period.as_ref())).collect();
        let total: i64 = cells.iter().map(|q| energy_of(charge, q)).sum();
        let parts = parts_of(&limits(context, charge)?, total, one)?;
        for (index, block) in charge.blocks.iter().enumerate() {
            let part = parts.get(index).copied().unwrap_or(0);
            let weights: Vec<i64> = cells.iter().map(|q| energy_of(charge, q)).collect();
            let shared = crate::exact::apportion(part, &weights);
            for (quantity, wh) in cells.iter().zip(shared).filter(|(_, wh)| *wh > 0) {
                if !counts(charge, quantity.period.as_ref()) {
                    continue;
                }
                pieces.push(Piece {
                    first: segment.first,
                    until: segment.until,
                    period: quantity.period.clone().filter(|_| block.price.is_none()),
                    block: Some(index),
                    wh,
                    share: None,
                    price: block_price(charge, index, quantity.period.as_ref(), segment.first)?,
                });
            }
        }
    }
    Ok(())
}

/// The days on which taxes change that hold each day their own rate: lines do not reach over them.
struct TaxSteps(Vec<Date>);

impl TaxSteps {
    fn of(portion: &Portion<'_>) -> Self {
        let changes = |dated: &Dated| dated.changes().collect::<Vec<_>>();
        Self(daily_taxes(portion.tariff).flat_map(changes).collect())
    }

    /// How many of them are past.
    fn on(&self, date: Date) -> usize {
        self.0.iter().filter(|change| **change <= date).count()
    }
}

/// Pieces of the same price, period, block and rates of taxes become one.
fn merged(pieces: Vec<Piece>, steps: &TaxSteps) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        let same = merged.iter_mut().find(|m| {
            m.period == piece.period
                && m.block == piece.block
                && m.price == piece.price
                && steps.on(m.first) == steps.on(piece.first)
                && m.share.map(|s| (s.1, s.2)) == piece.share.map(|s| (s.1, s.2))
                && (piece.share.is_none() || m.wh == piece.wh)
        });
        match same {
            Some(same) => {
                same.until = same.until.max(piece.until);
                match (&mut same.share, piece.share) {
                    (Some(share), Some(other)) => share.0 = share.0.saturating_add(other.0),
                    _ => same.wh = same.wh.saturating_add(piece.wh),
                }
            }
            None => merged.push(piece),
        }
    }
    merged.sort_by_key(|p| p.block);
    merged
}

fn inside<'s>(segments: &'s [Segment], portion: &Portion<'_>) -> impl Iterator<Item = &'s Segment> {
    let (first, until) = (portion.first, portion.until);
    segments.iter().filter(move |s| first <= s.first && s.until <= until)
}

fn counts(charge: &EnergyCharge, period: Option<&String>) -> bool {
    charge.periods.is_empty() || period.is_some_and(|p| charge.periods.contains(p))
}

/// Does energy of this period of the day fill the charge's blocks?
fn fills(charge: &EnergyCharge, period: Option<&String>) -> bool {
    charge.blocks_count == BlockCount::All || counts(charge, period)
}

fn energy_of(charge: &EnergyCharge, quantity: &crate::Quantity) -> i64 {
    if charge.export { quantity.export.wh() } else { quantity.import.wh() }
}

/// The billing period's energy in periods of the day, Wh, and the days on which the tariff knows them. A tariff
/// that names its periods otherwise shares nothing of them.
fn over_days(
    segments: &[Segment],
    charge: &EnergyCharge,
    counts: impl Fn(Option<&String>) -> bool,
) -> (i64, i64) {
    let mut sum = (0_i64, 0_i64);
    for segment in segments {
        let mut counting =
            segment.quantities.iter().filter(|q| counts(q.period.as_ref())).peekable();
        if counting.peek().is_some() {
            sum.1 = sum.1.saturating_add(days(segment.first, segment.until));
        }
        sum.0 = counting.fold(sum.0, |wh, q| wh.saturating_add(energy_of(charge, q)));
    }
    sum
}

/// Block limits grow with the days where the charge says so, and count by days in a part of a period.
pub(super) fn limit_share(context: &Context<'_>, charge: &EnergyCharge) -> (i64, i64) {
    match (charge.blocks_for_days, context.inputs.part_of_days) {
        (Some(of), _) => (context.days, i64::from(of).max(1)),
        (None, Some(of)) => (context.days, of.max(1)),
        (None, None) => (1, 1),
    }
}

/// Where the blocks end, in kWh. Ends per kW follow the period's highest demand.
fn limits(
    context: &Context<'_>,
    charge: &EnergyCharge,
) -> Result<Vec<Option<Decimal>>, BillingError> {
    let mut kw = Decimal::ZERO;
    if charge.demand_window_minutes().is_some() {
        let mut own =
            context.determinants.demand.iter().filter(|d| d.charge == charge.code).peekable();
        own.peek().ok_or(BillingError::OtherDeterminants)?;
        let highest = own.flat_map(|d| &d.windows).map(|w| w.mean.w()).max();
        kw = Decimal::new(highest.unwrap_or(0), 3);
    }
    let mut limits = Vec::new();
    for block in &charge.blocks {
        let per_kw = match block.up_to_kwh_per_kw {
            Some(hours) => Some(hours.0.times(kw)?),
            None => None,
        };
        limits.push(match (block.up_to_kwh.map(|a| a.0), per_kw) {
            (Some(kwh), Some(per_kw)) => Some(kwh.min(per_kw)),
            (kwh, per_kw) => kwh.or(per_kw),
        });
    }
    Ok(limits)
}

/// The energy between limits given in kWh, Wh. Limits that are scaled are rounded to the watt-hour.
pub(super) fn parts_of(
    limits: &[Option<Decimal>],
    total: i64,
    share: (i64, i64),
) -> Result<Vec<i64>, BillingError> {
    let mut from = 0_i64;
    let mut parts = Vec::new();
    for limit in limits {
        let until = end_of(limit.as_ref(), share)?.min(total);
        parts.push(until.saturating_sub(from).max(0));
        from = from.max(until);
    }
    Ok(parts)
}

/// Where a block ends, Wh.
fn end_of(limit: Option<&Decimal>, (part, of): (i64, i64)) -> Result<i64, BillingError> {
    let Some(kwh) = limit else { return Ok(i64::MAX) };
    let wh = kwh.times(Decimal::ONE_THOUSAND)?.times(part.into())?.over(of.into())?;
    let rounded = corrente_units::round_to(wh, 0, corrente_units::Rounding::HalfUp);
    Ok(i64::try_from(rounded).unwrap_or(i64::MAX))
}

fn block_name(blocks: &[Block], index: usize) -> String {
    let limit = |i: usize| {
        let block = blocks.get(i)?;
        let kwh = block.up_to_kwh.map(|a| a.0.normalize().to_string());
        kwh.or_else(|| block.up_to_kwh_per_kw.map(|a| format!("{}/kW", a.0.normalize())))
    };
    let from = index.checked_sub(1).and_then(limit).unwrap_or_else(|| "0".to_owned());
    limit(index).map_or_else(|| format!("{from}.."), |until| format!("{from}..{until}"))
}

fn price(
    charge: &EnergyCharge,
    period: Option<&String>,
    on: Date,
) -> Result<Decimal, BillingError> {
    one_price(charge.price.as_ref(), &charge.prices, period, on, &charge.code)
}

fn block_price(
    charge: &EnergyCharge,
    block: usize,
    period: Option<&String>,
    on: Date,
) -> Result<Decimal, BillingError> {
    let none = || BillingError::NoValue { charge: charge.code.clone(), on };
    let block = charge.blocks.get(block).ok_or_else(none)?;
    one_price(block.price.as_ref(), &block.prices, period, on, &charge.code)
}

fn one_price(
    price: Option<&Dated>,
    prices: &PriceByPeriod,
    period: Option<&String>,
    on: Date,
    code: &str,
) -> Result<Decimal, BillingError> {
    let dated = price.or_else(|| period.and_then(|p| prices.get(p)));
    let none = || BillingError::NoValue { charge: code.to_owned(), on };
    value_on(dated.ok_or_else(none)?, on, code)
}

/// A price per kWh.
pub(crate) fn per_kwh(price: Decimal, unit: EnergyUnit) -> Result<Decimal, BillingError> {
    Ok(match unit {
        EnergyUnit::Kwh => price,
        EnergyUnit::Mwh => price.over(Decimal::ONE_THOUSAND)?,
    })
}

/// Energy that was used already, in a period of the day.
pub(crate) struct Used<'a> {
    pub(crate) period: Option<&'a String>,
    /// Since the billing period's beginning, Wh.
    pub(crate) in_period_wh: i64,
    /// Since midnight, Wh.
    pub(crate) today_wh: i64,
}

/// What the next energy costs in each charge.
pub(crate) struct Marginal<'a> {
    /// Each charge that counts, with its price per kWh.
    pub(crate) prices: Vec<(&'a EnergyCharge, Decimal)>,
    /// For so much energy the prices hold, Wh: until a block ends. At least 1.
    pub(crate) room_wh: i64,
}

/// The prices in a period of the day after what was used, for charts.
pub(crate) fn marginal_prices<'a>(
    context: &Context<'_>,
    tariff: &'a Tariff,
    on: Date,
    period: Option<&String>,
    used: &[Used<'_>],
) -> Result<Marginal<'a>, BillingError> {
    let mut marginal = Marginal { prices: Vec::new(), room_wh: i64::MAX };
    for charge in tariff.file().energy.iter().filter(|c| !c.export && counts(c, period)) {
        let found = if charge.blocks.is_empty() {
            price(charge, period, on)?
        } else {
            let fills = used.iter().filter(|used| fills(charge, used.period));
            let sum = |wh: fn(&Used<'_>) -> i64| fills.map(wh).fold(0, i64::saturating_add);
            let (used, share) = match charge.blocks_per {
                BlockPer::Day => (sum(|used| used.today_wh), (1, 1)),
                BlockPer::Period => (sum(|used| used.in_period_wh), limit_share(context, charge)),
            };
            let (block, end) = block_after(&limits(context, charge)?, used, share)?;
            marginal.room_wh = marginal.room_wh.min(end.saturating_sub(used)).max(1);
            block_price(charge, block, period, on)?
        };
        marginal.prices.push((charge, per_kwh(found, charge.unit)?));
    }
    Ok(marginal)
}

/// The block in which the next watt-hour falls, and where it ends. What lies above the last end belongs
/// to the last block.
fn block_after(
    limits: &[Option<Decimal>],
    used: i64,
    share: (i64, i64),
) -> Result<(usize, i64), BillingError> {
    for (index, limit) in limits.iter().enumerate() {
        let end = end_of(limit.as_ref(), share)?;
        if used < end {
            return Ok((index, end));
        }
    }
    Ok((limits.len().saturating_sub(1), i64::MAX))
}

/// Flags: the period's energy shared over its days, whatever was used on which of them.
pub(super) fn flags<'a>(
    context: &Context<'a>,
    total_wh: i64,
    drafts: &mut Vec<Draft<'a>>,
) -> Result<(), BillingError> {
    for portion in &context.portions {
        let steps = TaxSteps::of(portion);
        for charge in &portion.tariff.file().flag {
            if charge.exempt_classes.iter().any(|c| c == context.class()) {
                continue;
            }
            let mut found: BTreeMap<(Date, &str), (Decimal, i64, Date)> = BTreeMap::new();
            let mut firsts: BTreeMap<(&str, Decimal, usize), Date> = BTreeMap::new();
            for on in corrente_tariff::tou::days_between(portion.first, portion.until) {
                let flag = flag_on(charge, on)?;
                let price = charge
                    .prices
                    .get(flag)
                    .and_then(|p| p.on(on))
                    .ok_or_else(|| BillingError::NoValue { charge: charge.code.clone(), on })?;
                let first = *firsts.entry((flag, price, steps.on(on))).or_insert(on);
                let entry = found.entry((first, flag)).or_insert((price, 0, on));
                entry.1 = entry.1.saturating_add(1);
                entry.2 = corrente_metering::calendar::next_day(on);
            }
            for ((first, flag), (price, in_days, until)) in found {
                let price = per_kwh(price, charge.unit)?;
                if price.is_zero() || total_wh == 0 {
                    continue;
                }
                let quantity = kwh(total_wh);
                let share = day_share(in_days, context.days);
                drafts.push(Draft {
                    code: charge.code.clone(),
                    label: format!("{} {flag}", charge.label),
                    group: LineGroup::Flag,
                    first,
                    until,
                    period: None,
                    block: None,
                    detail: Some(flag.to_owned()),
                    quantity: Some(quantity),
                    unit: "kWh",
                    base: Draft::product(quantity, share.as_ref(), price)?,
                    share,
                    price: Some(price),
                    price_is_mean: false,
                    taxes: context.taxes(portion.tariff, charge.taxes.as_deref(), first)?,
                    clause: charge.clause.clone(),
                    tariff: portion.tariff,
                });
            }
        }
    }
    Ok(())
}

/// The flag of a day.
pub(crate) fn flag_on(
    charge: &corrente_tariff::file::FlagCharge,
    on: Date,
) -> Result<&str, BillingError> {
    let unknown = || BillingError::FlagUnknown { charge: charge.code.clone(), on };
    if charge.known_until.is_some_and(|until| until.0 <= on) {
        return Err(unknown());
    }
    charge
        .calendar
        .iter()
        .rev()
        .find(|d| d.from.0 <= on)
        .map(|d| d.flag.as_str())
        .filter(|flag| *flag != corrente_tariff::file::UNKNOWN_FLAG)
        .ok_or_else(unknown)
}

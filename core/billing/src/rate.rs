//! Rating: determinants × tariff → plan.
//!
//! Charges make [`Draft`]s (quantity × share × price before taxes), `tax` makes lines and the tax box
//! out of them. Nothing is rounded before that.

use std::collections::BTreeMap;

use corrente_metering::{Calendar, Date};
use corrente_tariff::{Dated, Tariff, file::Tax};
use corrente_units::{Decimal, Money};

use crate::{
    BillingError, BillingInput, BillingPlan, Determinants, Inputs, LineGroup, Note, PLAN_FORM,
    PlanKind, Share, TariffRef, Totals,
    determinants::days,
    digest,
    exact::{Exact, sum},
    portion::{Portion, portions},
};

mod credit;
mod demand;
mod energy;
mod fixed;
mod lighting;
mod minimum;
mod series;
mod social;
mod tax;

pub(crate) use energy::{Used, flag_on, marginal_prices, per_kwh};
pub(crate) use series::formula as series_formula;
pub(crate) use tax::{Taxable, gross_up, taxed_lines};

/// A line before taxes and rounding.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) code: String,
    pub(crate) label: String,
    pub(crate) group: LineGroup,
    pub(crate) first: Date,
    pub(crate) until: Date,
    pub(crate) period: Option<String>,
    pub(crate) block: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) quantity: Option<Decimal>,
    pub(crate) unit: &'static str,
    pub(crate) share: Option<Share>,
    pub(crate) price: Option<Decimal>,
    /// The price is only the mean of many: the amount comes from `base`.
    pub(crate) price_is_mean: bool,
    pub(crate) base: Decimal,
    pub(crate) taxes: Vec<RatedTax<'a>>,
    pub(crate) clause: Option<String>,
    pub(crate) tariff: &'a Tariff,
}

/// A tax with the rate that holds for a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RatedTax<'a> {
    pub(crate) tax: &'a Tax,
    pub(crate) rate: Decimal,
}

/// What all charges look at.
pub(crate) struct Context<'a> {
    pub(crate) kind: PlanKind,
    pub(crate) calendar: &'a Calendar,
    pub(crate) determinants: &'a Determinants,
    pub(crate) inputs: &'a Inputs,
    pub(crate) portions: Vec<Portion<'a>>,
    /// All energy from the grid in the period, Wh.
    pub(crate) total_wh: i64,
    /// Calendar days of the period.
    pub(crate) days: i64,
}

/// Makes the plan of a period.
///
/// # Errors
/// Why the usage point cannot be billed: [`BillingError`] says what to do about it.
pub fn plan(input: &BillingInput<'_>) -> Result<BillingPlan, BillingError> {
    let given = &input.determinants;
    let portions = portions(input.tariffs, given.first, given.until)?;
    check_determinants(input, &portions)?;
    let total_wh = given.import()?.wh();
    let quality = given.import_quality();
    let used: Vec<TariffRef> = portions.iter().map(tariff_ref).collect();
    let currency = portions.first().map_or_else(
        || Err(BillingError::NoTariff { on: given.first }),
        |p| Ok(p.tariff.currency()),
    )?;
    let context = Context {
        kind: input.kind,
        calendar: input.calendar,
        determinants: given,
        inputs: &input.inputs,
        portions,
        total_wh,
        days: given.days(),
    };
    let (mut drafts, credits) = drafts(&context)?;
    let (mut lines, mut tax_box) = tax::lines(&drafts)?;
    if let Some(missing) = minimum::amount(&context, &lines)? {
        drafts.push(missing);
        (lines, tax_box) = tax::lines(&drafts)?;
    }
    let after = lighting::lines(&context, &lines)?;
    lines.extend(after);
    let mut by_group: BTreeMap<LineGroup, Money> = BTreeMap::new();
    for line in &lines {
        let sum = by_group.entry(line.group).or_default();
        *sum = sum.checked_add(line.amount)?;
    }
    let box_sum = |inclusive: bool| {
        Money::sum(tax_box.iter().filter(|r| r.inclusive == inclusive).map(|r| r.amount))
    };
    let taxes_added = box_sum(false)?;
    let totals = Totals {
        import_wh: total_wh,
        export_wh: given.export()?.wh(),
        estimated_wh: quality.estimated_wh,
        missing_intervals: quality.missing,
        taxes_included: box_sum(true)?,
        taxes_added,
        total: Money::sum(lines.iter().map(|l| l.amount))?.checked_add(taxes_added)?,
        by_group,
    };
    let zone = input.calendar.name();
    Ok(BillingPlan {
        form: PLAN_FORM.to_owned(),
        kind: input.kind,
        currency,
        zone: zone.to_owned(),
        zone_database: Calendar::database_version().to_owned(),
        first: given.first,
        until: given.until,
        days: given.days(),
        inputs_digest: digest::of_inputs(input.kind, zone, given, &input.inputs, &used),
        notes: notes(&context, quality.estimated_wh),
        tariffs: used,
        lines,
        tax_box,
        totals,
        credits,
        determinants: given.clone(),
        inputs: input.inputs.clone(),
    })
}

fn drafts<'a>(
    context: &Context<'a>,
) -> Result<(Vec<Draft<'a>>, Option<crate::CreditBalance>), BillingError> {
    let mut drafts = Vec::new();
    let offset = credit::offset(context)?;
    // Energy that is offset at a price of its own is not charged as energy.
    let reduced = offset.as_ref().and_then(|o| o.reduced(context.determinants));
    let segments = reduced.as_ref().unwrap_or(&context.determinants.segments);
    let flag_wh = context.total_wh.saturating_sub(offset.as_ref().map_or(0, |o| o.wh));
    for portion in &context.portions {
        energy::drafts(context, portion, segments, &mut drafts)?;
        social::drafts(context, portion, segments, &mut drafts)?;
        series::drafts(context, portion, &mut drafts)?;
        demand::drafts(context, portion, &mut drafts)?;
        fixed::drafts(context, portion, &mut drafts)?;
    }
    energy::flags(context, flag_wh, &mut drafts)?;
    let balance = credit::drafts(context, offset, &mut drafts)?;
    minimum::energy(context, balance.as_ref(), &mut drafts)?;
    Ok((drafts, balance))
}

fn check_determinants(
    input: &BillingInput<'_>,
    portions: &[Portion<'_>],
) -> Result<(), BillingError> {
    let given = &input.determinants;
    let missing = given.import_quality().missing;
    if input.kind == PlanKind::Final && missing > 0 {
        return Err(BillingError::MissingEnergy { intervals: missing });
    }
    for segment in &given.segments {
        for quantity in &segment.quantities {
            let wh = quantity.import.wh().min(quantity.export.wh());
            if wh < 0 {
                return Err(BillingError::NegativeEnergy { first: segment.first, wh });
            }
        }
    }
    // Each segment lies in one portion and names that portion's periods of the day.
    let fits = given.segments.iter().all(|segment| {
        portions.iter().any(|p| {
            let names: Vec<Option<&str>> = p.tariff.tou().map_or_else(
                || vec![None],
                |t| t.periods().iter().map(|n| Some(n.as_str())).collect(),
            );
            p.first <= segment.first
                && segment.until <= p.until
                && segment.quantities.iter().map(|q| q.period.as_deref()).eq(names)
        })
    });
    let covered: i64 = given.segments.iter().map(|s| days(s.first, s.until)).sum();
    if !fits || covered != given.days() {
        return Err(BillingError::OtherDeterminants);
    }
    Ok(())
}

fn tariff_ref(portion: &Portion<'_>) -> TariffRef {
    TariffRef {
        code: portion.tariff.code().to_owned(),
        version: portion.tariff.version().to_owned(),
        name: portion.tariff.file().name.clone(),
        digest: portion.tariff.digest().to_owned(),
        first: portion.first,
        until: portion.until,
    }
}

fn notes(context: &Context<'_>, estimated_wh: i64) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |code: &str, text: &str| {
        notes.push(Note { code: code.to_owned(), text: text.to_owned() });
    };
    if context.portions.iter().any(|p| p.tariff.file().example) {
        note("example_prices", "the prices of this tariff are examples");
    }
    if estimated_wh != 0 {
        note("energy_estimated", "a part of the energy is estimated");
    }
    if context.portions.len() > 1 {
        note("tariff_changed", "the tariff changed inside the period");
    }
    let minimum = context.portions.iter().any(|p| p.tariff.file().minimum.is_some());
    if context.kind == PlanKind::Provisional && minimum {
        note("minimum_not_applied", "the least that is billed counts only at the period's end");
    }
    notes
}

impl<'a> Context<'a> {
    /// The last portion's tariff: what concerns the whole bill follows it.
    pub(crate) fn last(&self) -> Option<Portion<'a>> {
        self.portions.last().copied()
    }

    /// How energy is shared over days: one way for the whole bill, or some energy would be billed twice
    /// or never.
    pub(crate) fn split(&self) -> corrente_tariff::file::Split {
        self.last().map(|p| p.tariff.file().split).unwrap_or_default()
    }

    /// The customer's class, or an empty word.
    pub(crate) fn class(&self) -> &str {
        self.inputs.customer.class.as_deref().unwrap_or_default()
    }

    /// Energy from the grid in kWh.
    pub(crate) fn total_kwh(&self) -> Decimal {
        kwh(self.total_wh)
    }

    /// The taxes on a charge with the rates that hold for a line of these days.
    pub(crate) fn taxes(
        &self,
        tariff: &'a Tariff,
        names: Option<&[String]>,
        line_first: Date,
    ) -> Result<Vec<RatedTax<'a>>, BillingError> {
        use corrente_tariff::file::RateOn;
        let last_day = self.determinants.until.yesterday().unwrap_or(self.determinants.until);
        let mut rated = Vec::new();
        for tax in &tariff.file().tax {
            let named = names.is_none_or(|n| n.contains(&tax.code));
            if !named || self.exempt(&tax.exempt, last_day) {
                continue;
            }
            let on = match tax.rate_on {
                RateOn::LastDay => last_day,
                RateOn::FirstDay => self.determinants.first,
                RateOn::EachDay => line_first,
            };
            // A tariff that ended before the day has its last known rate.
            let rate = value_on(&tax.rate, on, &tax.code)?;
            rated.push(RatedTax { tax, rate });
        }
        rated.sort_by_key(|r| r.tax.layer);
        Ok(rated)
    }

    /// Is this customer exempt?
    pub(crate) fn exempt(&self, rules: &[corrente_tariff::file::Exemption], on: Date) -> bool {
        rules.iter().any(|rule| {
            rule.class.as_deref().is_none_or(|c| c == self.class())
                && rule.up_to_kwh.is_none_or(|limit| self.total_kwh() <= limit.0)
                && rule.from.is_none_or(|from| from.0 <= on)
                && rule.until.is_none_or(|until| on < until.0)
        })
    }
}

impl Draft<'_> {
    /// `quantity × share × price`, exactly.
    pub(crate) fn product(
        quantity: Decimal,
        share: Option<&Share>,
        price: Decimal,
    ) -> Result<Decimal, BillingError> {
        let product = quantity.times(price)?;
        Ok(match share {
            None => product,
            Some(share) => product.times(share.part.into())?.over(share.of.into())?,
        })
    }
}

/// The value of a dated amount on a day.
pub(crate) fn value_on(dated: &Dated, on: Date, code: &str) -> Result<Decimal, BillingError> {
    dated.on(on).ok_or_else(|| BillingError::NoValue { charge: code.to_owned(), on })
}

/// Stretches of days in which none of these amounts changes.
pub(crate) fn runs<'d>(
    dated: impl IntoIterator<Item = &'d Dated>,
    first: Date,
    until: Date,
) -> Vec<(Date, Date)> {
    let mut cuts: Vec<Date> = dated
        .into_iter()
        .flat_map(|d| d.changes().collect::<Vec<_>>())
        .filter(|d| first < *d && *d < until)
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let ends: Vec<Date> = cuts.iter().copied().chain([until]).collect();
    [first].into_iter().chain(cuts).zip(ends).collect()
}

/// Taxes whose rate may change on any day, so that lines are cut there.
pub(crate) fn daily_taxes(tariff: &Tariff) -> impl Iterator<Item = &Dated> {
    use corrente_tariff::file::RateOn;
    tariff.file().tax.iter().filter(|t| t.rate_on == RateOn::EachDay).map(|t| &t.rate)
}

/// Days of the whole: nothing when it is all of them.
pub(crate) fn day_share(part: i64, of: i64) -> Option<Share> {
    (part != of).then(|| Share { part, of, unit: "days".to_owned() })
}

/// Watt-hours in kilowatt-hours.
pub(crate) fn kwh(wh: i64) -> Decimal {
    Decimal::new(wh, 3).normalize()
}

/// The sum of the energy charges' single prices on a day, for energy that has no period of the day.
pub(crate) fn plain_energy_price(
    tariff: &Tariff,
    on: Date,
) -> Result<Option<Decimal>, BillingError> {
    let mut prices = Vec::new();
    for charge in tariff.file().energy.iter().filter(|c| !c.export) {
        let Some(price) = &charge.price else { return Ok(None) };
        prices.push(per_kwh(value_on(price, on, &charge.code)?, charge.unit)?);
    }
    Ok(Some(sum(prices)?))
}

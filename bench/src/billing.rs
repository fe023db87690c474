//! A month's billing run over many usage points with periods of the day, from the ledger's quarter
//! hours to stored plans; and how many invoices a second become a PDF.

use std::{sync::Arc, time::Instant};

use corrente_billing::BillingPlan;
use corrente_clock::BusinessClock;
use corrente_document::{Facts, Language, Party, compose, invoice_pdf};
use corrente_ledger::{Ledger, LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_mdm::{Mdm, RunRequest};
use corrente_metering::{
    Calendar, Date, Span, Timestamp,
    id::{OrganisationId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError, billing_runs, meters, organisations, plans, usage_points,
};

use crate::{
    Failure, Place, cpu, engine,
    figure::{Figure, float},
    town::{self, ZONE},
    workload::{START, Workload},
};

/// The readings begin with the year; the first local day that is whole is the 2nd.
const FIRST: Date = Date::constant(2026, 1, 2);
const UNTIL: Date = Date::constant(2026, 2, 1);
/// The route that all homes are on.
const ROUTE: &str = "bench";
/// So many homes are validated and the others taken to be.
const VALIDATED: usize = 2000;
/// Days of readings: those of the period, and the ones around it.
const DAYS: u32 = 32;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Usage points with one meter each.
    #[arg(long, default_value_t = 100_000)]
    points: u32,
    /// Invoices that become a PDF.
    #[arg(long, default_value_t = 300)]
    documents: usize,
    /// Done in a minute: 5,000 usage points.
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let folder = options.place.temporary()?;
    let points = if options.quick { options.points.min(5000) } else { options.points };
    let registry = Registry::open(folder.path().join("registry.db"))?;
    let organisation =
        town::build(&registry, points, Timestamp::from_second(START - 86_400), Some(ROUTE))?;
    let ledger =
        Arc::new(SqliteLedger::open(&folder.path().join("ledger.db"), LedgerOptions::default())?);
    ledger.open_channels(&registry.read_blocking(meters::all_channel_specs)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let written =
        runtime.block_on(engine::write(&ledger, Workload::new(points, 42), 1000, DAYS))?;
    ledger.seal_until(Timestamp::MAX)?;
    Figure::new("billing.readings", float(written.readings()) / 1e6, "million").print();

    let calendar = Calendar::new(ZONE)?;
    let clock = BusinessClock::stopped_at(calendar.midnight(UNTIL).plus(36 * 3600));
    let stores: Arc<dyn Ledger> = Arc::clone(&ledger) as _;
    let mdm = Mdm::new(registry.clone(), stores, clock, LiveHub::new());
    let homes = registry.read_blocking(move |tx| usage_points::list_all(tx, organisation))?;
    let homes: Vec<UsagePointId> = homes.into_iter().map(|home| home.id).collect();
    // As days pass each is validated, and a run finds that done: the first ones show how long it takes.
    let looked = homes.get(VALIDATED..).unwrap_or_default();
    let around = 2 * 86_400;
    let end = calendar.midnight(UNTIL).plus(around);
    let span = Span::new(Timestamp::from_second(START).plus(-around), end);
    town::looked_at(&registry, &ledger, looked, (span, UNTIL))?;
    month(&mdm, organisation, &homes)?;
    documents(&registry, &calendar, options.documents)
}

/// Prepare looks at each usage point, approve computes each plan again and stores it.
fn month(mdm: &Mdm, organisation: OrganisationId, homes: &[UsagePointId]) -> Result<(), Failure> {
    let request = RunRequest {
        organisation,
        route: Some(ROUTE.to_owned()),
        usage_point: None,
        first: Some(FIRST),
        until: UNTIL,
    };
    let of_step = |name: &str, points: usize, step: &mut dyn FnMut() -> Result<(), Failure>| {
        let started = Instant::now();
        step()?;
        let wall = started.elapsed();
        Figure::new(format!("billing.{name}.time"), wall.as_secs_f64(), "s").print();
        let rate = float(u64::try_from(points)?) / wall.as_secs_f64();
        Figure::new(format!("billing.{name}.rate"), rate, "usage points/s").print();
        Ok::<_, Failure>(())
    };
    let (validated, _) = homes.split_at(homes.len().min(VALIDATED));
    of_step("validate", validated.len(), &mut || validate(mdm, validated))?;
    let mut detail = None;
    of_step("prepare", homes.len(), &mut || {
        detail = Some(mdm.prepare_run(&request)?);
        Ok(())
    })?;
    let detail = detail.ok_or("no run was prepared")?;
    Figure::new("billing.ready", float(u64::try_from(detail.summary.ready)?), "usage points")
        .print();
    if detail.summary.ready * 100 < homes.len() * 95 {
        let reasons: Vec<_> =
            detail.summary.items.iter().filter_map(|(_, i)| i.reason.as_ref()).take(3).collect();
        return Err(format!("only {} can be billed: {reasons:?}", detail.summary.ready).into());
    }
    of_step("store", homes.len(), &mut || {
        mdm.approve_run(detail.run.id, "bench", detail.summary.total)?;
        Ok(())
    })?;
    Figure::new("billing.peak_memory", float(cpu::peak_memory(std::process::id())) / 1e6, "MB")
        .print();
    Ok(())
}

/// On as many threads as a run has.
fn validate(mdm: &Mdm, homes: &[UsagePointId]) -> Result<(), Failure> {
    let half = homes.len().div_ceil(2).max(1);
    std::thread::scope(|scope| {
        let each =
            |half: &[UsagePointId]| half.iter().try_for_each(|id| mdm.validate(*id).map(drop));
        let halves: Vec<_> =
            homes.chunks(half).map(|half| scope.spawn(move || each(half))).collect();
        halves.into_iter().try_for_each(|half| match half.join() {
            Ok(done) => Ok(done?),
            Err(_) => Err("a thread panicked".into()),
        })
    })
}

/// PDFs of stored plans, on one thread.
fn documents(registry: &Registry, calendar: &Calendar, count: usize) -> Result<(), Failure> {
    let stored = registry.read_blocking(move |tx| {
        let organisation =
            organisations::default_organisation(tx)?.ok_or(RegistryError::Reference)?.id;
        let runs = billing_runs::list(tx, organisation)?;
        let run = runs.first().ok_or(RegistryError::Reference)?.id;
        let mut found = Vec::new();
        for item in
            billing_runs::items(tx, run)?.into_iter().filter_map(|item| item.plan).take(count)
        {
            found.extend(plans::get(tx, item)?.map(|plan| plan.document));
        }
        Ok::<_, RegistryError>(found)
    })?;
    let started = Instant::now();
    let mut bytes = 0;
    for (number, document) in stored.iter().enumerate() {
        let plan: BillingPlan = serde_json::from_str(document)?;
        let party = |name: &str| Party {
            name: name.to_owned(),
            number: String::new(),
            document: None,
            address: "Rua das Flores, 1".to_owned(),
        };
        let facts = Facts {
            number: format!("2026-{number:06}"),
            corrects: None,
            amount: plan.totals.total,
            issuer: party("Luz do Vale"),
            customer: party("Rua 1"),
            usage_point: format!("Rua {number}"),
            class: "residential".to_owned(),
            phases: 1,
            issued: UNTIL,
            due: Date::constant(2026, 2, 15),
            next_reading: Some(Date::constant(2026, 3, 1)),
            history: vec![(FIRST, Some(corrente_units::Energy::from_wh(plan.totals.import_wh)))],
            flags: Vec::new(),
            pix: None,
            barcode: None,
            why: None,
            why_last_year: None,
            nf3e: None,
        };
        bytes += invoice_pdf(
            &compose(&plan, facts, calendar, Language::Portuguese),
            Language::Portuguese,
        )?
        .len();
    }
    let seconds = started.elapsed().as_secs_f64();
    let made = float(u64::try_from(stored.len())?);
    Figure::new("billing.documents.rate", made / seconds, "PDFs/s on one thread").print();
    let kilobytes = float(u64::try_from(bytes)?) / made.max(1.0) / 1e3;
    Figure::new("billing.documents.size", kilobytes, "kB each").print();
    Ok(())
}

//! What the pages ask of the API: over HTTP of the real program, with a year of many homes in the
//! store, while meters report beside it. Each question goes to a home at random, so that most homes
//! are asked for the first time.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use corrente_ledger::{Ledger as _, LedgerOptions, SqliteLedger};
use corrente_metering::{
    Calendar, Date, Span, Timestamp,
    id::{OrganisationId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError,
    api_tokens::{self, Scope},
    enrolment::{self, NewToken},
    meters, usage_points,
    users::{self, NewUser, Role},
};
use jiff::ToSpan as _;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

use crate::{
    Failure, Place, cpu, engine,
    figure::{Figure, float, quantile},
    http::Http,
    peer::{Program, free_address},
    town::{self, ZONE},
    workload::{DAY_SECONDS, Workload},
};

/// So many people look at once.
const PEOPLE: u64 = 2;
/// How long the last month's invoices may take after the start.
const CATCH_UP: Duration = Duration::from_mins(20);

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Homes with a meter each.
    #[arg(long, default_value_t = 10_000)]
    homes: u32,
    /// Days of quarter hours of each home, up to today.
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// Meters that report every ten seconds meanwhile.
    #[arg(long, default_value_t = 1000)]
    meters: u32,
    /// How long it is asked, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Done in a minute: 300 homes, 70 days, 10 seconds.
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut options = options.clone();
    if options.quick {
        options.homes = options.homes.min(300);
        options.days = options.days.min(70);
        options.seconds = options.seconds.min(10);
    }
    let folder = options.place.temporary()?;
    let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())?;
    let start = (now / DAY_SECONDS - i64::from(options.days)) * DAY_SECONDS;
    let town = fill(folder.path(), &options, start)?;

    let program = std::env::current_exe()?.with_file_name("corrente");
    let address = free_address()?;
    let mut serve = Command::new(&program);
    serve.arg("serve").arg("--data").arg(folder.path()).args(["--listen", &address.to_string()]);
    let server = Program::start(&mut serve, address)?;
    caught_up(address, &town)?;
    let mut fleet = Command::new(&program);
    fleet
        .args(["fleet", "--connect", &address.to_string(), "--token", &town.enrolment])
        .args(["--meters", &options.meters.to_string(), "--interval", "10"])
        .arg("--state")
        .arg(folder.path().join("fleet"));
    let fleet = Program::start(&mut fleet, address)?;
    let (used, begun) = (cpu::of_threads(server.id()), Instant::now());
    let asked = ask_for(address, &town, now, Duration::from_secs(options.seconds))?;
    let used = cpu::of_threads(server.id()).saturating_sub(used);
    let cores = used.as_secs_f64() / begun.elapsed().as_secs_f64();
    fleet.kill()?;
    print(asked);
    Figure::new("pages.server.cores", cores, "processors busy").print();
    Figure::new("pages.server.memory", float(cpu::peak_memory(server.id())) / 1e6, "MB").print();
    server.stop("-TERM")
}

/// What is asked about, and how.
struct Town {
    homes: Vec<UsagePointId>,
    /// Reads all of them.
    token: String,
    /// Lets new meters in.
    enrolment: String,
}

fn fill(folder: &Path, options: &Options, start: i64) -> Result<Town, Failure> {
    let registry = Registry::open(folder.join("registry.db"))?;
    let from = Timestamp::from_second(start - DAY_SECONDS);
    let organisation = town::build(&registry, options.homes, from, None)?;
    let town = enter(&registry, organisation)?;
    let ledger = SqliteLedger::open(&folder.join("ledger.db"), LedgerOptions::default())?;
    ledger.open_channels(&registry.read_blocking(meters::all_channel_specs)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let workload = Workload::new(options.homes, 42).starting(start);
    let written = runtime.block_on(engine::write(&ledger, workload, 1000, options.days))?;
    Figure::new("pages.readings", float(written.readings()) / 1e6, "million").print();
    let until = Timestamp::from_second(start + i64::from(options.days) * DAY_SECONDS);
    ledger.seal_until(until)?;
    let looked = Calendar::new(ZONE)?.date(until).saturating_sub(2.days());
    town::looked_at(&registry, &ledger, &town.homes, (Span::new(from, until), looked))?;
    ledger.close()?;
    Ok(town)
}

fn enter(registry: &Registry, organisation: OrganisationId) -> Result<Town, Failure> {
    let found = registry.write_blocking(move |tx| -> Result<_, RegistryError> {
        let now = Timestamp::from_second(0);
        let clerk = NewUser {
            organisation,
            customer: None,
            email: "bench@example.org".to_owned(),
            name: "Bench".to_owned(),
            role: Role::Admin,
            password_hash: None,
            language: None,
        };
        let clerk = users::insert(tx, &clerk, now)?;
        let (_, token) = api_tokens::create(tx, clerk, "bench", Scope::Read, None, now)?;
        let enrolment = enrolment::create(tx, &NewToken::open(organisation, "bench"), now)?;
        let homes =
            usage_points::list_all(tx, organisation)?.into_iter().map(|row| row.id).collect();
        Ok((homes, token.reveal().to_owned(), enrolment.reveal().to_owned()))
    })?;
    let (homes, token, enrolment) = found;
    Ok(Town { homes, token, enrolment })
}

/// Waits until the last home has the invoice of the month that is over: a server that has run for long
/// has them, and does not make ten thousand at once.
fn caught_up(address: SocketAddr, town: &Town) -> Result<(), Failure> {
    let begun = Instant::now();
    let last = town.homes.last().ok_or("a town has a home")?;
    let mut http = Http::connect(address)?.with_token(&town.token);
    while begun.elapsed() < CATCH_UP {
        let answer = http.get(&format!("/api/v1/usage-points/{last}/invoices"))?;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        let some = answer.get("invoices").and_then(|i| i.as_array()).is_some_and(|i| !i.is_empty());
        if some {
            Figure::new("pages.invoices.time", begun.elapsed().as_secs_f64(), "s").print();
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Err("the invoices of the last month are not issued after twenty minutes".into())
}

/// Name and path of what each page asks about a home.
fn questions(today: Date) -> Vec<(&'static str, String)> {
    let back = |days: i64| today.saturating_sub(days.days());
    let month = today.first_of_month();
    let year = today.first_of_year();
    let usage = |from: Date, step: &str| format!("/usage?from={from}&to={today}&step={step}");
    vec![
        ("home", "/home".to_owned()),
        ("day", usage(back(1), "30m")),
        ("week", format!("{}&compare=previous", usage(back(7), "day"))),
        ("month", format!("{}&compare=previous&whole=true", usage(month, "day"))),
        ("year", usage(year, "month")),
        ("invoices", "/invoices".to_owned()),
        ("alerts", "/alerts".to_owned()),
        ("tariff", "/tariff".to_owned()),
        ("readings", format!("/readings?from={}&to={today}&limit=100", back(1))),
    ]
}

type Asked = BTreeMap<&'static str, Vec<Duration>>;

fn ask_for(address: SocketAddr, town: &Town, now: i64, time: Duration) -> Result<Asked, Failure> {
    let today = Calendar::new(ZONE)?.date(Timestamp::from_second(now));
    let questions = questions(today);
    let person = |seed: u64| -> Result<Asked, String> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut http = Http::connect(address).map_err(|e| e.to_string())?.with_token(&town.token);
        let mut asked = Asked::new();
        let begun = Instant::now();
        while begun.elapsed() < time {
            for (name, path) in &questions {
                let place = usize::try_from(random.next_u32()).unwrap_or(0) % town.homes.len();
                let Some(home) = town.homes.get(place) else { continue };
                let started = Instant::now();
                let path = format!("/api/v1/usage-points/{home}{path}");
                http.get(&path).map_err(|e| e.to_string())?;
                asked.entry(name).or_default().push(started.elapsed());
            }
        }
        Ok(asked)
    };
    let mut all = Asked::new();
    std::thread::scope(|scope| -> Result<(), Failure> {
        let people: Vec<_> = (0..PEOPLE).map(|seed| scope.spawn(move || person(seed))).collect();
        for asked in people {
            for (name, times) in asked.join().map_err(|_| "a thread panicked")?? {
                all.entry(name).or_default().extend(times);
            }
        }
        Ok(())
    })?;
    Ok(all)
}

fn print(asked: Asked) {
    let mut all: Vec<Duration> = asked.values().flatten().copied().collect();
    all.sort_unstable();
    for (name, mut times) in asked {
        times.sort_unstable();
        for (word, q) in [("p50", 0.5), ("p95", 0.95)] {
            Figure::millis(format!("pages.{name}.{word}"), quantile(&times, q)).print();
        }
    }
    Figure::new("pages.questions", float(u64::try_from(all.len()).unwrap_or(0)), "asked").print();
    for (word, q) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        Figure::millis(format!("pages.all.{word}"), quantile(&all, q)).print();
    }
}

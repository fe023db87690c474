//! `corrente demo`: a small city that lives, for a visitor.

mod bills;
mod city;
mod history;
mod settle;
mod street;

use std::{
    io::{Write, stdout},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;
use corrente_api::DemoAccount;
use corrente_clock::ClockMode;
use corrente_live::LiveHub;
use corrente_mdm::Mdm;
use corrente_metering::{Calendar, Date, Timestamp};
use corrente_registry::{RegistryError, meters};

use crate::{
    data_directory::DataDirectory,
    failure::Failure,
    live_line::{LiveLine, grouped},
    log,
    serve::{announce, serve_until},
    server::{Demo, Server, ledger_options},
    settings::{MailSecurity, Settings},
    shutdown::asked_to_stop,
};

use settle::City;

/// Options of `corrente demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Address and port of everything
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:4005")]
    listen: SocketAddr,
    /// Data directory; a city that is there already goes on where it was
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data: PathBuf,
    /// Homes in the city
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(2..=5000))]
    homes: u64,
    /// Days of history that the city begins with
    #[arg(long, value_name = "DAYS", default_value_t = 730, value_parser = clap::value_parser!(u16).range(40..=3660))]
    days: u16,
    /// Business seconds per real second: 60 makes an hour pass in a minute
    #[arg(long, value_name = "FACTOR", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
    speed: u32,
    /// A mail server without encryption that takes the city's letters, for example 127.0.0.1:1025
    #[arg(long, value_name = "HOST:PORT")]
    mail: Option<SocketAddr>,
    /// Lets visitors in from other machines, over plain HTTP
    #[arg(long)]
    insecure_http: bool,
}

/// Makes the city, or wakes it, and serves until it is asked to stop.
pub(crate) fn run(arguments: DemoArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let mut settings = Settings::default();
    settings.server.listen = arguments.listen;
    settings.server.insecure_http = arguments.insecure_http;
    settings.lab.enabled = true;
    // The city's webhooks may be on the visitor's own machine.
    settings.mail.private_targets = true;
    settings.mail.portal = format!("http://localhost:{}", arguments.listen.port());
    "Luz do Vale <avisos@valeclaro.example>".clone_into(&mut settings.mail.from);
    if let Some(mail) = arguments.mail {
        settings.mail.host = Some(mail.ip().to_string());
        settings.mail.port = mail.port();
        settings.mail.security = MailSecurity::None;
    }
    city::ZONE.clone_into(&mut settings.lab.zone);
    // Every meter of the city comes from this machine.
    let meters = u32::try_from(arguments.homes).unwrap_or(u32::MAX).saturating_add(200);
    let limits = &mut settings.limits;
    limits.connections_per_address = limits.connections_per_address.max(meters);
    settings.server.data.clone_from(&arguments.data);
    "warn".clone_into(&mut settings.log.level);
    let _traces = log::start(&settings.log, &settings.traces)?;

    let clock =
        ClockMode::Simulated { start: corrente_clock::wall_clock(), factor: arguments.speed };
    let data = DataDirectory::open(&arguments.data, clock, ledger_options(&settings.ledger))?;
    crate::runtime()?.block_on(live(&arguments, &settings, data, started))
}

async fn live(
    arguments: &DemoArguments,
    settings: &Settings,
    data: DataDirectory,
    started: Instant,
) -> Result<(), Failure> {
    let stop = asked_to_stop()?;
    let (clock, ledger, registry) =
        (data.clock.clone(), Arc::clone(&data.ledger), data.registry.clone());
    let now = clock.now();
    let first_day = first_day(now, arguments.days)?;

    let homes = arguments.homes;
    say(&format!("  {homes} homes move into {}", city::MUNICIPALITY));
    let people = registry.clone();
    let city = blocking(move || {
        settle::settle(&people, homes, first_day, now)
            .map_err(|error| Failure::of("the city cannot be settled", error))
    })
    .await?;
    let city = Arc::new(city);
    let specs = registry.read::<_, RegistryError, _>(meters::all_channel_specs).await?;
    ledger.open_channels(&specs)?;

    let count = write_history(&city, &data, now).await?;
    let sealed = Arc::clone(&ledger);
    blocking(move || sealed.seal_until(now).map_err(Failure::from)).await?;
    say(&format!("  {} readings written", grouped(count)));

    // Before the server, which would begin with the last month.
    let mdm = Mdm::new(registry, ledger, clock.clone(), LiveHub::new());
    let of_residents = Arc::clone(&city);
    blocking(move || {
        bills::issue_for_residents(&mdm, &of_residents, now)
            .map_err(|error| Failure::of("the demo's bills cannot be issued", error))
    })
    .await?;
    let demo = Demo { accounts: accounts() };
    let server = Server::start(settings, data, Some(demo))?;
    let street = street::open(&city, server.address(), &clock);
    announce(&server.url());
    welcome(server.address(), &arguments.data, started.elapsed());

    let served = serve_until(server, stop).await;
    drop(street);
    served
}

/// The first day of the city's history: the first of a month, so that its first bill is a whole one.
fn first_day(now: Timestamp, days: u16) -> Result<Date, Failure> {
    let calendar = Calendar::new(city::ZONE).map_err(|error| Failure::new(error.to_string()))?;
    Ok(calendar.date(now.plus(-i64::from(days) * 86_400)).first_of_month())
}

async fn write_history(
    city: &Arc<City>,
    data: &DataDirectory,
    now: Timestamp,
) -> Result<u64, Failure> {
    let total = city.homes.len();
    let mut line = LiveLine::new();
    let read = Arc::new(AtomicU64::new(0));
    let writing = history::write(city, &data.ledger, now, Arc::clone(&read));
    tokio::pin!(writing);
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let written = loop {
        tokio::select! {
            written = &mut writing => break written,
            _ = ticks.tick() => {
                line.show(&format!("  {} of {total} meters read", read.load(Ordering::Relaxed)));
            }
        }
    };
    line.clear();
    written.map_err(|error| Failure::of("the city's history cannot be written", error))
}

fn accounts() -> Vec<DemoAccount> {
    [city::ANA, city::BRUNO, city::OPERATOR]
        .into_iter()
        .map(|account| DemoAccount {
            email: account.email.to_owned(),
            password: city::PASSWORD.to_owned(),
            name: account.name.to_owned(),
            note: account.note.to_owned(),
        })
        .collect()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::of("a task of the demo ended", error))?
}

/// What a visitor can do now.
fn welcome(address: SocketAddr, data: &Path, took: Duration) {
    let (host, port) = ("localhost", address.port());
    let program = std::env::args().next().unwrap_or_else(|| "corrente".to_owned());
    let mut text = format!(
        "\n  {} is alive after {:.1} s: http://{host}:{port}\n\n  Sign in with one tap, or as\n",
        city::MUNICIPALITY,
        took.as_secs_f64()
    );
    for account in [city::ANA, city::BRUNO, city::OPERATOR] {
        text = format!("{text}    {:<32} {}   {}\n", account.email, city::PASSWORD, account.note);
    }
    text = format!(
        "{text}\n  Try beside it\n    \
         {program} meter --connect {host}:{port} --token {}\n    \
         python3 testing/prototype/measurer.py {host}:{port}    (a meter of the prototype, from the clone)\n    \
         curl -s {host}:{port}/spent -d '{{\"id\": \"1\", \"consumption\": 12.0, \"datetime\": \"2026-03-20 10:11:12\", \"type\": \"/spent\"}}'\n\n  \
         Everything is in {}; remove it to begin anew. Ctrl-C ends the city.\n",
        settle::VISITOR_TOKEN,
        data.display()
    );
    say(&text);
}

fn say(text: &str) {
    // Nobody may be reading; the city lives all the same.
    drop(writeln!(stdout(), "{text}"));
}

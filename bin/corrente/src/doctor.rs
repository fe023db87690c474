//! `corrente doctor`: looks at an installation and says what to do.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use clap::Args;
use corrente_clock::{BusinessClock, wall_clock};
use corrente_metering::{Calendar, Timestamp};
use corrente_registry::{
    Registry, RegistryError, Tx, agreements, meters, organisations, tariffs, usage_points,
    users::{self, Role},
};

use crate::{
    data_directory::{in_use, open_registry},
    failure::Failure,
    output::print,
};

/// Before this instant (2024-01-01) a machine's clock is certainly wrong.
const EARLIEST: Timestamp = Timestamp::from_second(1_704_067_200);
/// Descriptors below which a fleet of meters is refused too early.
const DESCRIPTORS: u64 = 4_096;

/// Options of `corrente doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Data directory; a server may be using it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where the server listens, or is to listen
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:4005")]
    listen: SocketAddr,
}

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    bad: usize,
    looked: usize,
}

impl Findings {
    fn good(&mut self, said: &str) -> Result<(), Failure> {
        self.looked += 1;
        print(&format!("ok    {said}\n"))
    }

    fn note(&mut self, said: &str) -> Result<(), Failure> {
        self.looked += 1;
        print(&format!("note  {said}\n"))
    }

    fn bad(&mut self, said: &str, fix: &str) -> Result<(), Failure> {
        self.looked += 1;
        self.bad += 1;
        print(&format!("BAD   {said}: {fix}\n"))
    }
}

/// Looks. The exit code is not 0 when something is wrong.
pub(crate) fn run(arguments: DoctorArguments) -> Result<(), Failure> {
    let mut found = Findings::default();
    machine(&mut found)?;
    let running = directory(&mut found, &arguments.data)?;
    port(&mut found, arguments.listen, running)?;
    match open_registry(&arguments.data) {
        Err(failure) => found.bad("registry", &failure.to_string())?,
        Ok((registry, clock)) => town(&mut found, &registry, &clock)?,
    }
    crate::output::differing(found.bad, found.looked, "things are wrong")
}

fn machine(found: &mut Findings) -> Result<(), Failure> {
    let now = wall_clock();
    if now < EARLIEST {
        found.bad(
            &format!("the clock of this machine says {now}"),
            "set it, for example with NTP",
        )?;
    } else {
        found.good(&format!("clock: {now}; time zones: {}", Calendar::database_version()))?;
    }
    match descriptors() {
        Some(limit) if limit < DESCRIPTORS => found.note(&format!(
            "a process may open {limit} files: each meter needs one; raise it with `ulimit -n` or LimitNOFILE"
        )),
        Some(limit) => found.good(&format!("a process may open {limit} files")),
        None => Ok(()),
    }
}

fn descriptors() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// Says whether a server is using the directory.
fn directory(found: &mut Findings, path: &Path) -> Result<bool, Failure> {
    if !path.is_dir() {
        found.bad(
            &format!("{} is no directory", path.display()),
            "`corrente serve --data` makes one, or give the right one",
        )?;
        return Ok(false);
    }
    let probe = path.join("doctor.probe");
    match fs::write(&probe, b"probe").and_then(|()| fs::remove_file(&probe)) {
        Ok(()) => found.good(&format!("{} can be written", path.display()))?,
        Err(error) => found.bad(
            &format!("{} cannot be written ({error})", path.display()),
            "give it to the user of the server, or make room on the disk",
        )?,
    }
    let running = in_use(path);
    let process = fs::read_to_string(path.join("lock")).unwrap_or_default();
    if running {
        found.good(&format!("a server is using it (process {})", process.trim()))?;
    } else {
        found.note("no server is using it")?;
    }
    Ok(running)
}

fn port(found: &mut Findings, listen: SocketAddr, running: bool) -> Result<(), Failure> {
    match (TcpListener::bind(listen), running) {
        (Ok(_), false) => found.good(&format!("{listen} is free")),
        (Ok(_), true) => found
            .note(&format!("the server listens elsewhere than {listen}: say where with --listen")),
        (Err(_), true) => match crate::health::check(&listen.to_string(), true) {
            Ok(()) => found.good(&format!("the server on {listen} is ready")),
            Err(failure) => found.bad(&failure.to_string(), "look into its log"),
        },
        (Err(error), false) => found.bad(
            &format!("{listen} cannot be had ({error})"),
            "stop the program that has it, or choose another address with --listen",
        ),
    }
}

/// Counts of what a town needs.
struct Town {
    organisation: Option<String>,
    zone: String,
    administrators: usize,
    tariffs: usize,
    points: usize,
    without_tariff: usize,
    meters: usize,
    pix: bool,
}

fn town(found: &mut Findings, registry: &Registry, clock: &BusinessClock) -> Result<(), Failure> {
    let now = clock.now();
    let town = registry.read_blocking(move |tx| count(tx, now))?;
    let Some(name) = &town.organisation else {
        return found.note("no organisation yet: the first `corrente serve` makes one");
    };
    found.good(&format!(
        "{name} in {}: {} usage points, {} meters, {} tariffs",
        town.zone, town.points, town.meters, town.tariffs
    ))?;
    if town.administrators == 0 {
        found.note("no administrator has a password: `corrente serve` prints a link, `corrente admin user` helps")?;
    }
    if town.without_tariff > 0 {
        found.note(&format!(
            "{} usage points have no tariff now and get no bill: `corrente admin tariff agree`",
            town.without_tariff
        ))?;
    }
    if !town.pix {
        found.note(
            "no PIX key: bills have no payment code; `corrente admin organisation set --pix-key`",
        )?;
    }
    Ok(())
}

fn count(tx: &mut Tx, now: Timestamp) -> Result<Town, RegistryError> {
    let Some(organisation) = organisations::default_organisation(tx)? else {
        return Ok(Town {
            organisation: None,
            zone: String::new(),
            administrators: 0,
            tariffs: 0,
            points: 0,
            without_tariff: 0,
            meters: 0,
            pix: false,
        });
    };
    let points = usage_points::list_all(tx, organisation.id)?;
    let mut without_tariff = 0;
    for point in &points {
        if agreements::at(tx, point.id, now)?.is_none() {
            without_tariff += 1;
        }
    }
    let users = users::list(tx, organisation.id)?;
    Ok(Town {
        administrators: users
            .iter()
            .filter(|user| user.role == Role::Admin && user.password_hash.is_some())
            .count(),
        tariffs: tariffs::list(tx, organisation.id)?.len(),
        points: points.len(),
        without_tariff,
        meters: meters::list(tx, organisation.id)?.len(),
        pix: organisation.pix_key.is_some(),
        zone: organisation.zone,
        organisation: Some(organisation.name),
    })
}

//! `corrente doctor`: looks at an installation and says what to do. It changes nothing.

mod certificate;
mod directory;
mod machine;
mod town;

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use clap::Args;
use corrente_headend::tls::Certificate;

use crate::{
    data_directory::{Look, look_at_registry},
    failure::Failure,
    output::print,
    settings::{Overlay, Settings},
};

/// Options of `corrente doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Configuration file of the server
    #[arg(long, value_name = "FILE", env = "CORRENTE_CONFIG")]
    config: Option<PathBuf>,
    /// Data directory, where the configuration names no other; a server may be using it
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the server listens, or is to listen
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
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

    /// A sentence that says what to do itself.
    fn wrong(&mut self, said: &str) -> Result<(), Failure> {
        self.looked += 1;
        self.bad += 1;
        print(&format!("BAD   {said}\n"))
    }

    fn bad(&mut self, said: &str, fix: &str) -> Result<(), Failure> {
        self.wrong(&format!("{said}: {fix}"))
    }
}

/// Looks. The exit code is not 0 when something is wrong.
pub(crate) fn run(arguments: DoctorArguments) -> Result<(), Failure> {
    let mut found = Findings::default();
    let settings = configuration(&mut found, &arguments)?;
    machine::look(&mut found, settings.limits.connections)?;
    certificate(&mut found, &settings)?;
    let data = &settings.server.data;
    let running = directory::look(&mut found, data)?;
    port(&mut found, settings.server.listen, running)?;
    registry(&mut found, data, running)?;
    directory::ledger(&mut found, data)?;
    crate::output::differing(found.bad, found.looked, "things are wrong")
}

/// The settings that the server would have; with a mistake in them, the defaults and the flags.
fn configuration(found: &mut Findings, arguments: &DoctorArguments) -> Result<Settings, Failure> {
    let overlay = || {
        let mut flags = Overlay::default();
        let data = arguments.data.as_ref().map(|data| data.to_string_lossy().into_owned());
        flags.set_some("server.data", data);
        flags.set_some("server.listen", arguments.listen.map(|listen| listen.to_string()));
        flags
    };
    match Settings::load(arguments.config.as_deref(), std::env::vars(), overlay()) {
        Ok(settings) => {
            if let Some(file) = &arguments.config {
                found.good(&format!("configuration: {}", file.display()))?;
            }
            Ok(settings)
        }
        Err(failure) => {
            found.wrong(&failure.to_string())?;
            Settings::load(None, [], overlay())
        }
    }
}

fn certificate(found: &mut Findings, settings: &Settings) -> Result<(), Failure> {
    let (Some(chain), Some(key)) = (&settings.tls.cert, &settings.tls.key) else { return Ok(()) };
    match Certificate::from_files(chain, key) {
        Err(error) => found.wrong(&crate::failure::sentence(&error)),
        Ok(_) => certificate::look(found, chain, corrente_clock::wall_clock()),
    }
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

fn registry(found: &mut Findings, data: &Path, running: bool) -> Result<(), Failure> {
    match look_at_registry(data) {
        Err(Look::Failed(failure)) => found.wrong(&failure.to_string()),
        Err(Look::Older(why)) if running => {
            found.bad("a server of an older version is running", &why)
        }
        Err(Look::Older(why)) => found.note(&why),
        Ok((registry, clock)) => town::look(found, &registry, &clock),
    }
}

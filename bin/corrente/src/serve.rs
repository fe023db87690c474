//! `corrente serve`.

use std::{
    io::{Write, stdout},
    net::SocketAddr,
    path::PathBuf,
};

use clap::Args;
use corrente_clock::ClockMode;
use ipnet::IpNet;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    data_directory::{DataDirectory, parse_clock},
    failure::Failure,
    log,
    output::print,
    server::{Server, ledger_options},
    settings::{self, Overlay, Settings},
    shutdown::asked_to_stop,
};

/// Options of `corrente serve`. Each is also a setting (docs/configuration.md) and a variable,
/// CORRENTE_LISTEN for example; flags go over variables, and both over the file.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "CORRENTE_CONFIG")]
    config: Option<PathBuf>,
    /// Data directory; made when it is missing
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port of everything [default: 127.0.0.1:4005]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Answers the prototype's protocol, to this machine
    #[arg(long)]
    lab: bool,
    /// Lab mode also for these networks
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    lab_allow: Vec<IpNet>,
    /// Zone of the civil times in lab mode [default: America/Bahia]
    #[arg(long, value_name = "ZONE")]
    lab_zone: Option<String>,
    /// Lets people sign in over plain HTTP from other machines
    #[arg(long)]
    insecure_http: bool,
    /// Certificate chain in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Simulates business time, for example 2026-01-01T00:00:00Z@60
    #[arg(long, value_name = "START@FACTOR")]
    simulate_clock: Option<String>,
    /// Prints a configuration file with every setting and its default, and ends
    #[arg(long)]
    print_config: bool,
}

impl ServeArguments {
    fn overlay(&self) -> Overlay {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut flags = Overlay::default();
        flags.set_some("server.data", self.data.as_ref().map(text));
        flags.set_some("server.listen", self.listen.map(|listen| listen.to_string()));
        if self.insecure_http {
            flags.set("server.insecure_http", true);
        }
        if self.lab {
            flags.set("lab.enabled", true);
        }
        if !self.lab_allow.is_empty() {
            flags.set(
                "lab.allow",
                self.lab_allow.iter().map(ToString::to_string).collect::<Vec<_>>(),
            );
        }
        flags.set_some("lab.zone", self.lab_zone.clone());
        flags.set_some("tls.cert", self.tls_cert.as_ref().map(text));
        flags.set_some("tls.key", self.tls_key.as_ref().map(text));
        flags.set_some("clock.simulate", self.simulate_clock.clone());
        flags
    }
}

/// Serves until it is asked to stop.
pub(crate) fn run(arguments: ServeArguments) -> Result<(), Failure> {
    if arguments.print_config {
        return print(&settings::example());
    }
    let settings =
        Settings::load(arguments.config.as_deref(), std::env::vars(), arguments.overlay())?;
    let _traces = log::start(&settings.log, &settings.traces)?;
    let mode = settings.clock.simulate.as_deref().map_or(Ok(ClockMode::Real), parse_clock)?;
    let data = DataDirectory::open(&settings.server.data, mode, ledger_options(&settings.ledger))?;
    crate::runtime()?.block_on(async {
        let stop = asked_to_stop()?;
        let server = Server::start(&settings, data, None)?;
        announce(&server.url());
        if let Some(link) = server.first_administrator(&settings)? {
            let email = &settings.organisation.administrator;
            print(&format!(
                "first administrator ({email}) chooses a password within a day: {link}\n"
            ))?;
        }
        serve_until(server, stop).await
    })
}

/// Runs the server until `stop` ends; SIGHUP reads the certificate again.
pub(crate) async fn serve_until(
    server: Server,
    mut stop: impl Future<Output = ()> + Unpin,
) -> Result<(), Failure> {
    let mut reload = signal(SignalKind::hangup())
        .map_err(|error| Failure::of("cannot listen for signals", error))?;
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = reload.recv() => server.reload(),
        }
    }
    server.shutdown().await
}

/// The line that says that the server is ready.
pub(crate) fn announce(url: &str) {
    let mut out = stdout();
    // Nobody may be reading; the server serves all the same.
    drop(writeln!(out, "listening on {url}").and_then(|()| out.flush()));
}

//! `corrente import`: meter data files of the field into a data directory or a running server.

mod remote;
mod report;

use std::path::{Path, PathBuf};

use clap::Args;
use corrente_clock::wall_clock;
use corrente_files::{FileReadings, Mapping};
use corrente_live::LiveHub;
use corrente_mdm::{
    Mdm,
    import::{ImportOrder, ImportReport},
};
use corrente_metering::id::OrganisationId;
use corrente_registry::{admin::By, organisations};

use self::remote::RemoteImport;
use crate::{
    data_directory::{DataDirectory, in_use},
    failure::Failure,
    figures::Figures,
    live_line::LiveLine,
    output::read_text,
    remote::ServerArguments,
};

/// Options of `corrente import`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct ImportArguments {
    /// Files with meter data, or gzip of them; what they are is seen from what is in them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Data directory, while no server uses it
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArguments,
    /// What the columns of another CSV mean: a TOML file (docs/imports.md)
    #[arg(long, value_name = "MAP.toml")]
    map: Option<PathBuf>,
    /// The meter's serial, for files that name none
    #[arg(long, value_name = "SERIAL")]
    meter: Option<String>,
    /// The usage point of meters that are made; without it each gets one of its own name
    #[arg(long, value_name = "NAME", requires = "create")]
    usage_point: Option<String>,
    /// Makes meters and channels that are not known yet
    #[arg(long)]
    create: bool,
    /// Goes on after a file or a channel that is refused; without it a file is all or nothing
    #[arg(long)]
    keep_going: bool,
    /// Reads and says what would be done, and does nothing; needs no server and no data directory
    #[arg(long)]
    dry_run: bool,
    /// The report as JSON: an object for one file, an array for several
    #[arg(long)]
    json: bool,
}

/// Where the readings go.
enum Place {
    /// Nowhere: the files are only read.
    Nowhere,
    /// Into a directory that is ours, or a copy of it, to look only.
    Look(Figures, OrganisationId),
    /// Into a directory that is ours.
    Directory(Box<DataDirectory>, Mdm, OrganisationId),
    /// To a server.
    Server(RemoteImport),
}

/// Imports the files, one after the other.
pub(crate) fn run(arguments: &ImportArguments) -> Result<(), Failure> {
    crate::log::start_for_tool()?;
    let map = arguments.map.as_deref().map(read_text).transpose()?;
    let mapping = map
        .as_deref()
        .map(Mapping::from_toml)
        .transpose()
        .map_err(|error| Failure::of("--map", error))?;
    let place = Place::find(arguments, map)?;
    let runtime = crate::runtime()?;
    let mut line = LiveLine::new();
    let mut reports = Vec::new();
    let mut failures = Vec::new();
    for (n, path) in arguments.files.iter().enumerate() {
        if arguments.files.len() > 1 {
            line.show(&format!("{} of {}: {}", n + 1, arguments.files.len(), path.display()));
        }
        match runtime.block_on(place.import(arguments, path, mapping.as_ref())) {
            Ok(report) => {
                line.clear();
                if !arguments.json {
                    report::print(&report, arguments.dry_run)?;
                }
                let refused = !report.refused.is_empty();
                reports.push(report);
                if refused && !arguments.keep_going {
                    break;
                }
            }
            Err(failure) => {
                line.clear();
                failures.push(failure);
                if !arguments.keep_going {
                    break;
                }
            }
        }
    }
    if arguments.json {
        report::print_json(&reports)?;
    }
    ended(&reports, failures)
}

/// The exit code says whether every row of every file was good.
fn ended(reports: &[ImportReport], mut failures: Vec<Failure>) -> Result<(), Failure> {
    match failures.len() {
        0 => {}
        1 => return Err(failures.remove(0)),
        count => {
            let sentences: Vec<String> = failures.iter().map(ToString::to_string).collect();
            return Err(Failure::new(format!(
                "{count} files were not read: {}",
                sentences.join("; ")
            )));
        }
    }
    let unclean: Vec<&str> = reports
        .iter()
        .filter(|report| !report.is_clean())
        .map(|report| report.file.file.as_str())
        .collect();
    if unclean.is_empty() {
        return Ok(());
    }
    Err(Failure::with_code(
        format!(
            "not everything was good in {}: the report has the lines and the reasons",
            unclean.join(", ")
        ),
        2,
    ))
}

impl Place {
    fn find(arguments: &ImportArguments, map: Option<String>) -> Result<Self, Failure> {
        if let Some(server) = arguments.server.remote()? {
            return Ok(Self::Server(RemoteImport::new(server, arguments, map)));
        }
        let Some(path) = &arguments.data else {
            if arguments.dry_run {
                return Ok(Self::Nowhere);
            }
            return Err(Failure::new(
                "say where the readings go: --data DIR, --server URL, or --dry-run to look only",
            ));
        };
        if arguments.dry_run {
            let figures = Figures::open(path)?;
            let organisation = organisation(&figures.mdm())?;
            return Ok(Self::Look(figures, organisation));
        }
        if in_use(path) {
            return Err(Failure::new(format!(
                "{}: a server is using this directory; give its address with --server, and --api-token",
                path.display()
            )));
        }
        let data = DataDirectory::open_existing(path)?;
        let mdm = Mdm::new(
            data.registry.clone(),
            std::sync::Arc::clone(&data.ledger),
            data.clock.clone(),
            LiveHub::new(),
        );
        let organisation = organisation(&mdm)?;
        Ok(Self::Directory(Box::new(data), mdm, organisation))
    }

    async fn import(
        &self,
        arguments: &ImportArguments,
        path: &Path,
        mapping: Option<&Mapping>,
    ) -> Result<ImportReport, Failure> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::of(format!("cannot read {name}"), error))?;
        let short = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What the server is asked is what a look without it would say; it reads the file itself.
        let readings = corrente_files::read(&bytes, &short, mapping)
            .map_err(|error| Failure::of(&name, error))?;
        match self {
            Self::Nowhere => Ok(ImportReport::of(&readings)),
            Self::Look(figures, organisation) => {
                let order = order(arguments, *organisation);
                Ok(figures.mdm().import_rehearsed(&readings, &order)?)
            }
            Self::Directory(data, mdm, organisation) => {
                let by = By::command_line(data.clock.now(), wall_clock());
                Ok(mdm.import(readings, order(arguments, *organisation), by).await?)
            }
            Self::Server(remote) => {
                let answered = remote.import(&bytes, &short)?;
                Ok(told(&readings, answered))
            }
        }
    }
}

/// The server's answer beside what is in the file.
fn told(readings: &FileReadings, answered: remote::Answered) -> ImportReport {
    ImportReport {
        stored: answered.stored,
        refused: answered.refused,
        against: answered.against,
        ..ImportReport::of(readings)
    }
}

fn order(arguments: &ImportArguments, organisation: OrganisationId) -> ImportOrder {
    ImportOrder {
        organisation,
        meter: arguments.meter.clone(),
        usage_point: arguments.usage_point.clone(),
        create: arguments.create,
        keep_going: arguments.keep_going,
    }
}

fn organisation(mdm: &Mdm) -> Result<OrganisationId, Failure> {
    let found = mdm.registry().read_blocking(organisations::default_organisation)?;
    found.map(|organisation| organisation.id).ok_or_else(|| {
        Failure::new(
            "the data directory has no organisation yet: start `corrente serve` on it once",
        )
    })
}

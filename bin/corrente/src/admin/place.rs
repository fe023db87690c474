//! Where an administrator works: in a data directory, or in a running server by its API.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use corrente_clock::{BusinessClock, wall_clock};
use corrente_live::LiveHub;
use corrente_mdm::Mdm;
use corrente_metering::{Calendar, Timestamp};
use corrente_registry::{admin::By, organisations::Organisation};
use serde::Deserialize;

use super::default_organisation;
use crate::{
    data_directory::{DataDirectory, in_use},
    failure::Failure,
    figures::Figures,
    instant::Moment,
    remote::{Remote, ServerArguments},
};

/// A data directory or a server.
#[derive(Clone, Debug, Args)]
pub(super) struct PlaceArguments {
    /// Data directory that no server uses; figures are read beside one too
    #[arg(long, value_name = "DIR", required_unless_present = "server", conflicts_with = "server")]
    data: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArguments,
}

/// Where it is done.
pub(super) enum Place {
    /// In a server.
    Server(Remote),
    /// Here.
    Here(Box<OwnMdm>),
}

/// A data directory, or a copy of it to look only.
pub(super) struct OwnMdm {
    pub(super) mdm: Mdm,
    pub(super) organisation: Organisation,
    pub(super) clock: BusinessClock,
    _figures: Option<Figures>,
    _own: Option<DataDirectory>,
}

impl PlaceArguments {
    /// To look only.
    pub(super) fn look(&self) -> Result<Place, Failure> {
        if let Some(server) = self.server.remote()? {
            return Ok(Place::Server(server));
        }
        let figures = Figures::open(self.directory()?)?;
        let mdm = figures.mdm();
        let organisation = mdm.registry().read_blocking(default_organisation)?;
        let clock = mdm.clock().clone();
        Ok(Place::Here(Box::new(OwnMdm {
            mdm,
            organisation,
            clock,
            _figures: Some(figures),
            _own: None,
        })))
    }

    /// To change something: what concerns readings is done by one program at a time.
    pub(super) fn own(&self) -> Result<Place, Failure> {
        if let Some(server) = self.server.remote()? {
            return Ok(Place::Server(server));
        }
        let path = self.directory()?;
        if in_use(path) {
            return Err(Failure::new(format!(
                "{}: a server is using this directory; give its address with --server, and --api-token",
                path.display()
            )));
        }
        let data = DataDirectory::open_existing(path)?;
        let mdm = Mdm::new(
            data.registry.clone(),
            Arc::clone(&data.ledger),
            data.clock.clone(),
            LiveHub::new(),
        );
        let organisation = data.registry.read_blocking(default_organisation)?;
        // What a crash left over comes first.
        crate::runtime()?.block_on(mdm.store_dials())?;
        Ok(Place::Here(Box::new(OwnMdm {
            mdm,
            organisation,
            clock: data.clock.clone(),
            _figures: None,
            _own: Some(data),
        })))
    }

    fn directory(&self) -> Result<&std::path::Path, Failure> {
        self.data
            .as_deref()
            .ok_or_else(|| Failure::new("say where: --data DIR, or --server URL with --api-token"))
    }
}

impl OwnMdm {
    /// An instant in the organisation's zone.
    pub(super) fn at(&self, moment: &Moment) -> Timestamp {
        let zone = &self.organisation.zone;
        let calendar = Calendar::new(zone).unwrap_or_else(|_| Calendar::utc());
        moment.at(&calendar, self.clock.now())
    }

    /// An instant in the organisation's zone, or now.
    pub(super) fn at_or_now(&self, moment: Option<&Moment>) -> Timestamp {
        moment.map_or_else(|| self.clock.now(), |moment| self.at(moment))
    }

    /// Somebody at this command line.
    pub(super) fn by(&self, reason: Option<String>) -> By {
        By { reason, ..By::command_line(self.clock.now(), wall_clock()) }
    }
}

/// An instant as the API takes it; nothing where nothing was said, which means now.
pub(super) fn written(server: &Remote, moment: Option<&Moment>) -> Result<Option<String>, Failure> {
    let Some(moment) = moment else { return Ok(None) };
    Ok(instants(server, &[moment])?.first().map(ToString::to_string))
}

/// Instants in the zone of the server's organisation. From now is by this machine's clock.
pub(super) fn instants(server: &Remote, moments: &[&Moment]) -> Result<Vec<Timestamp>, Failure> {
    #[derive(Deserialize)]
    struct Zone {
        zone: String,
    }
    let organisation: Zone = server.get("/admin/organisation")?;
    let calendar = Calendar::new(&organisation.zone).unwrap_or_else(|_| Calendar::utc());
    Ok(moments.iter().map(|moment| moment.at(&calendar, wall_clock())).collect())
}

//! `corrente admin findings`: what validation found, and what a person decides.

use clap::{Args, Subcommand};
use corrente_clock::wall_clock;
use corrente_live::LiveHub;
use corrente_mdm::{
    Mdm,
    vee::worklist::{Verdict, sentence},
};
use corrente_metering::{
    Span,
    id::{FindingId, OrganisationId},
};
use corrente_registry::{admin::By, findings::FindingState};
use corrente_units::{Decimal, Energy};

use super::{Directory, default_organisation};
use crate::{
    data_directory::{DataDirectory, in_use},
    failure::Failure,
    figures::Figures,
    instant::{self, Moment},
    output::{print, print_json},
};

/// Options of `corrente admin findings`.
#[derive(Debug, Args)]
pub(crate) struct FindingsArguments {
    #[command(subcommand)]
    command: FindingsCommand,
}

#[derive(Debug, Subcommand)]
enum FindingsCommand {
    /// What waits, grouped by cause, with the effect of the suggested values
    List {
        #[command(flatten)]
        directory: Directory,
        /// open, returned, accepted or resolved
        #[arg(long, default_value = "open", value_parser = state)]
        state: FindingState,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// One finding with its numbers
    Show {
        #[command(flatten)]
        directory: Directory,
        /// Its id
        id: FindingId,
    },
    /// Says that it is as it should be: suggested values stand
    Accept(Decision),
    /// Says that somebody has to look on site, or ask the source again
    SendBack(Decision),
    /// Enters the energy of the stretch
    Edit {
        #[command(flatten)]
        decision: Decision,
        /// The energy of the stretch
        #[arg(long, value_name = "KWH")]
        kwh: Decimal,
        /// Beginning, when it is not the finding's own
        #[arg(long, value_name = "WHEN", value_parser = instant::parse, requires = "until")]
        from: Option<Moment>,
        /// End
        #[arg(long, value_name = "WHEN", value_parser = instant::parse, requires = "from")]
        until: Option<Moment>,
    },
}

#[derive(Debug, Args)]
struct Decision {
    #[command(flatten)]
    directory: Directory,
    /// The finding's id
    id: FindingId,
    /// Why; it stands in the audit log, and an edit needs it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

fn state(word: &str) -> Result<FindingState, String> {
    FindingState::from_word(word)
        .ok_or_else(|| "give open, returned, accepted or resolved".to_owned())
}

pub(super) fn run(arguments: FindingsArguments) -> Result<(), Failure> {
    match arguments.command {
        FindingsCommand::List { directory, state, json } => list(&directory, state, json),
        FindingsCommand::Show { directory, id } => show(&directory, id),
        FindingsCommand::Accept(decision) => decide(&decision, |_| Ok(Verdict::Accept)),
        FindingsCommand::SendBack(decision) => decide(&decision, |_| Ok(Verdict::SendBack)),
        FindingsCommand::Edit { decision, kwh, from, until } => {
            let wh = kwh.checked_mul(Decimal::ONE_THOUSAND).map(|wh| wh.trunc());
            let wh = wh
                .and_then(|wh| i64::try_from(wh).ok())
                .ok_or_else(|| Failure::new(format!("--kwh {kwh} is too large")))?;
            decide(&decision, |data| {
                let organisation = data.registry.read_blocking(default_organisation)?;
                let calendar = corrente_metering::Calendar::new(&organisation.zone)
                    .unwrap_or_else(|_| corrente_metering::Calendar::utc());
                let now = data.clock.now();
                let span = from.as_ref().zip(until.as_ref()).map(|(from, until)| {
                    Span::new(from.at(&calendar, now), until.at(&calendar, now))
                });
                Ok(Verdict::Edit { energy: Energy::from_wh(wh), span })
            })
        }
    }
}

fn list(directory: &Directory, state: FindingState, json: bool) -> Result<(), Failure> {
    let figures = Figures::open(&directory.data)?;
    let mdm = figures.mdm();
    let groups = mdm.worklist(organisation(&mdm)?, state)?;
    if json {
        return print_json(&groups);
    }
    print("rule,from,until,usage_points,effect_wh,first,sentence\n")?;
    groups.iter().try_for_each(|group| {
        let effect = group.effect_wh.map_or_else(String::new, |wh| wh.to_string());
        let first = group.findings.first().map_or_else(String::new, ToString::to_string);
        print(&format!(
            "{},{},{},{},{effect},{first},\"{}\"\n",
            group.rule, group.from, group.until, group.usage_points, group.sentence
        ))
    })
}

fn show(directory: &Directory, id: FindingId) -> Result<(), Failure> {
    let figures = Figures::open(&directory.data)?;
    let mdm = figures.mdm();
    let shown = mdm.finding(organisation(&mdm)?, id)?;
    print_json(&serde_json::json!({
        "id": shown.finding.id.to_string(),
        "usage_point": shown.usage_point,
        "rule": shown.finding.rule,
        "from": shown.finding.from.to_string(),
        "until": shown.finding.until.to_string(),
        "state": shown.finding.state.word(),
        "sentence": sentence(&shown.finding),
        "document": shown.finding.document,
    }))
}

/// Decides on a directory that no server uses: an edit reads the readings again.
fn decide(
    decision: &Decision,
    verdict: impl FnOnce(&DataDirectory) -> Result<Verdict, Failure>,
) -> Result<(), Failure> {
    let path = &decision.directory.data;
    if in_use(path) {
        return Err(Failure::new(format!(
            "{}: a server is using this directory; decide by its API: POST /api/v1/admin/findings/{}/decision",
            path.display(),
            decision.id
        )));
    }
    let data = DataDirectory::open_existing(path)?;
    let mdm = Mdm::new(
        data.registry.clone(),
        std::sync::Arc::clone(&data.ledger),
        data.clock.clone(),
        LiveHub::new(),
    );
    let verdict = verdict(&data)?;
    let mut by = By::command_line(data.clock.now(), wall_clock());
    by.reason.clone_from(&decision.reason);
    let shown = mdm.finding(organisation(&mdm)?, decision.id)?;
    Ok(mdm.decide(&by, &shown, verdict)?)
}

fn organisation(mdm: &Mdm) -> Result<OrganisationId, Failure> {
    Ok(mdm.registry().read_blocking(default_organisation)?.id)
}

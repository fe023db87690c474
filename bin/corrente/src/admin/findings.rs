//! `corrente admin findings`: what validation found, and what a person decides.

use clap::{Args, Subcommand};
use corrente_mdm::vee::worklist::{Group, Verdict, Which, WorklistPage, WorklistQuery, sentence};
use corrente_metering::{
    Span, Timestamp,
    id::{FindingId, OrganisationId},
};
use corrente_registry::findings::FindingState;
use corrente_units::{Decimal, Energy};
use serde_json::{Value as Json, json};

use super::place::{OwnMdm, Place, PlaceArguments};
use crate::{
    failure::Failure,
    instant::{self, Moment},
    output::{print, print_json},
    remote::{Remote, encoded},
};

/// Groups that are asked for at a time.
const AT_ONCE: usize = 500;

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
        place: PlaceArguments,
        /// open, returned, accepted or resolved
        #[arg(long, default_value = "open", value_parser = state)]
        state: FindingState,
        /// Only of this rule
        #[arg(long, value_name = "RULE")]
        rule: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// One finding with its numbers, and what was read and believed around it
    Show {
        #[command(flatten)]
        place: PlaceArguments,
        /// Its id
        id: FindingId,
    },
    /// Says that it is as it should be: suggested values stand
    Accept(Decision),
    /// Says that somebody has to look on site, or ask the source again
    SendBack(Decision),
    /// Enters the energy of the stretch, of one usage point
    Edit {
        #[command(flatten)]
        decision: Decision,
        /// The energy of the stretch
        #[arg(long, value_name = "KWH")]
        kwh: Decimal,
        /// Beginning, when it is not the findings' own
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
    place: PlaceArguments,
    /// The findings' ids
    #[arg(required_unless_present = "group", value_name = "ID")]
    ids: Vec<FindingId>,
    /// All of a group, by the key that `list` gives it
    #[arg(long, value_name = "KEY", conflicts_with = "ids")]
    group: Option<String>,
    /// In which state the group's findings are
    #[arg(long, default_value = "open", value_parser = state)]
    state: FindingState,
    /// Why; it stands in the audit log, and an edit needs it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

fn state(word: &str) -> Result<FindingState, String> {
    FindingState::from_word(word)
        .ok_or_else(|| "give open, returned, accepted or resolved".to_owned())
}

/// What is decided, before anybody knows in which zone a date is meant.
enum Decided<'a> {
    Accept,
    SendBack,
    Edit(Decimal, Option<(&'a Moment, &'a Moment)>),
}

pub(super) fn run(arguments: FindingsArguments) -> Result<(), Failure> {
    match arguments.command {
        FindingsCommand::List { place, state, rule, json } => list(&place, state, rule, json),
        FindingsCommand::Show { place, id } => show(&place, id),
        FindingsCommand::Accept(decision) => decide(&decision, &Decided::Accept),
        FindingsCommand::SendBack(decision) => decide(&decision, &Decided::SendBack),
        FindingsCommand::Edit { decision, kwh, from, until } => {
            decide(&decision, &Decided::Edit(kwh, from.as_ref().zip(until.as_ref())))
        }
    }
}

fn list(
    place: &PlaceArguments,
    state: FindingState,
    rule: Option<String>,
    json: bool,
) -> Result<(), Failure> {
    let groups = match place.look()? {
        Place::Server(server) => groups_of(&server, state, rule.as_deref())?,
        Place::Here(here) => {
            let query = WorklistQuery { state, rule, cursor: None, limit: usize::MAX };
            here.mdm.worklist_page(here.organisation.id, query)?.groups
        }
    };
    if json {
        return print_json(&groups);
    }
    print("rule,from,until,usage_points,findings,effect_wh,place,key,first,sentence\n")?;
    groups.iter().try_for_each(|group| {
        let effect = group.effect_wh.map_or_else(String::new, |wh| wh.to_string());
        let first = group.findings.first().map_or_else(String::new, ToString::to_string);
        print(&format!(
            "{},{},{},{},{},{effect},\"{}\",\"{}\",{first},\"{}\"\n",
            group.rule,
            group.from,
            group.until,
            group.usage_points,
            group.count,
            group.place.as_deref().unwrap_or_default().replace('"', "\"\""),
            group.key.replace('"', "\"\""),
            group.sentence.replace('"', "\"\"")
        ))
    })
}

/// All groups, page by page.
fn groups_of(
    server: &Remote,
    state: FindingState,
    rule: Option<&str>,
) -> Result<Vec<Group>, Failure> {
    let mut groups = Vec::new();
    let mut more = String::new();
    loop {
        let rule = rule.map_or_else(String::new, |rule| format!("&rule={}", encoded(rule)));
        let path = format!("/admin/findings?limit={AT_ONCE}&state={}{rule}{more}", state.word());
        let page: WorklistPage = server.get(&path)?;
        groups.extend(page.groups);
        let Some(next) = page.next else { return Ok(groups) };
        more = format!("&cursor={}", encoded(&next));
    }
}

fn show(place: &PlaceArguments, id: FindingId) -> Result<(), Failure> {
    match place.look()? {
        Place::Server(server) => print_json(&server.get::<Json>(&format!("/admin/findings/{id}"))?),
        Place::Here(here) => print_json(&shown(&here, id)?),
    }
}

/// The document that the API has.
fn shown(here: &OwnMdm, id: FindingId) -> Result<Json, Failure> {
    let shown = here.mdm.finding(here.organisation.id, id)?;
    let finding = &shown.finding;
    let part = |name: &str| finding.document.get(name).cloned().unwrap_or_default();
    let chart: Vec<Json> = here
        .mdm
        .finding_chart(finding)?
        .map(|chart| {
            let interval = |i: &corrente_mdm::vee::worklist::ChartInterval| {
                json!({
                    "from": chart.calendar.rfc3339(i.span.start),
                    "to": chart.calendar.rfc3339(i.span.end),
                    "read_wh": i.read.map(Energy::wh),
                    "read_at_least": i.read_at_least,
                    "wh": i.believed.map(Energy::wh),
                    "quality": corrente_mdm::export::quality_word(i.quality),
                    "at_least": i.at_least,
                })
            };
            chart.intervals.iter().map(interval).collect()
        })
        .unwrap_or_default();
    Ok(json!({
        "id": id.to_string(),
        "usage_point": finding.usage_point.map(|point| point.to_string()),
        "usage_point_name": shown.usage_point,
        "rule": finding.rule,
        "from": finding.from.to_string(),
        "until": finding.until.to_string(),
        "state": finding.state.word(),
        "sentence": sentence(finding),
        "effect_wh": part("effect_wh"),
        "evidence": part("finding"),
        "suggestion": part("suggestion"),
        "chart": chart,
    }))
}

fn decide(decision: &Decision, decided: &Decided<'_>) -> Result<(), Failure> {
    match decision.place.own()? {
        Place::Server(server) => decide_there(&server, decision, decided),
        Place::Here(here) => decide_here(&here, decision, decided),
    }
}

fn told(findings: u64) -> Result<(), Failure> {
    print(&match findings {
        0 => "nothing changed: it was decided so before\n".to_owned(),
        1 => "1 finding decided\n".to_owned(),
        count => format!("{count} findings decided\n"),
    })
}

fn decide_here(here: &OwnMdm, decision: &Decision, decided: &Decided<'_>) -> Result<(), Failure> {
    let verdict = match decided {
        Decided::Accept => Verdict::Accept,
        Decided::SendBack => Verdict::SendBack,
        Decided::Edit(kwh, ends) => {
            let wh = kwh.checked_mul(Decimal::ONE_THOUSAND).map(|wh| wh.trunc());
            let wh = wh
                .and_then(|wh| i64::try_from(wh).ok())
                .ok_or_else(|| Failure::new(format!("--kwh {kwh} is too large")))?;
            let span = ends.map(|(from, until)| Span::new(here.at(from), here.at(until)));
            Verdict::Edit { energy: Energy::from_wh(wh), span }
        }
    };
    let which = match &decision.group {
        Some(key) => Which::Group(key.clone(), decision.state),
        None => Which::Findings(decision.ids.clone()),
    };
    let organisation: OrganisationId = here.organisation.id;
    let by = here.by(decision.reason.clone());
    let done = here.mdm.decide_all(&by, organisation, &which, verdict)?;
    told(u64::try_from(done.findings).unwrap_or(u64::MAX))
}

fn decide_there(
    server: &Remote,
    decision: &Decision,
    decided: &Decided<'_>,
) -> Result<(), Failure> {
    let mut body = json!({ "reason": decision.reason });
    match &decision.group {
        Some(key) => {
            body["group"] = json!(key);
            body["state"] = json!(decision.state.word());
        }
        None => body["ids"] = json!(decision.ids),
    }
    match decided {
        Decided::Accept => body["verdict"] = json!("accept"),
        Decided::SendBack => body["verdict"] = json!("send_back"),
        Decided::Edit(kwh, ends) => {
            body["verdict"] = json!("edit");
            body["kwh"] = json!(kwh.to_string());
            if let Some((from, until)) = ends {
                let ends = super::place::instants(server, &[from, until])?;
                let [from, until] = <[Timestamp; 2]>::try_from(ends)
                    .map_err(|_| Failure::new("--from and --until are two instants"))?;
                body["from"] = json!(from.to_string());
                body["until"] = json!(until.to_string());
            }
        }
    }
    let done: Json = server.post("/admin/findings/decisions", &body)?;
    told(done["findings"].as_u64().unwrap_or_default())
}

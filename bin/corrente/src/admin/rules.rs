//! `corrente admin rules`: rule sets of validation, and which usage points they are for.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use corrente_mdm::vee::rules::{new_rule_set, standard_toml};
use corrente_metering::{Calendar, Date};
use corrente_registry::{admin, rule_sets};

use super::{Directory, Refusal};
use crate::{
    failure::Failure,
    output::{print, read_text},
};

/// Options of `corrente admin rules`.
#[derive(Debug, Args)]
pub(crate) struct RulesArguments {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Stores a rule set file: its name is the group, its version higher than the last one. Days from its
    /// first day on are looked at again
    Put {
        #[command(flatten)]
        directory: Directory,
        /// The file (docs/vee.md)
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The first day that it is for; today when left out
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
    },
    /// Lists the groups and their versions
    List(Directory),
    /// Prints the newest version of a group's file; without a name the rules that apply where nothing is
    /// stored
    Show {
        /// The group
        #[arg(requires = "data")]
        group: Option<String>,
        /// Data directory
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Puts usage points into a group; into none without --group
    Assign {
        #[command(flatten)]
        directory: Directory,
        /// The group
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// Recorded names
        #[arg(required = true, value_name = "USAGE POINT")]
        usage_points: Vec<String>,
    },
}

pub(super) fn run(arguments: RulesArguments) -> Result<(), Failure> {
    match arguments.command {
        RulesCommand::Put { directory, file, from } => put(&directory, &file, from),
        RulesCommand::List(directory) => list(&directory),
        RulesCommand::Show { group: Some(group), data: Some(data) } => {
            show(&Directory { data }, group)
        }
        RulesCommand::Show { .. } => print(&standard_toml()?),
        RulesCommand::Assign { directory, group, usage_points } => {
            directory.write(move |tx, by, organisation| {
                for name in &usage_points {
                    admin::set_rule_group(tx, by, organisation.id, name, group.as_deref())?;
                }
                Ok(())
            })
        }
    }
}

fn put(directory: &Directory, file: &std::path::Path, from: Option<Date>) -> Result<(), Failure> {
    let text = read_text(file)?;
    let name = file.display().to_string();
    let (new, is_new) = directory.write(move |tx, by, organisation| {
        let calendar = Calendar::new(&organisation.zone).unwrap_or_else(|_| Calendar::utc());
        let from = from.unwrap_or_else(|| calendar.date(by.business));
        let new = new_rule_set(organisation.id, &text, from)
            .map_err(|error| Refusal::Rules { file: name.clone(), error: error.to_string() })?;
        let is_new = admin::store_rule_set(tx, by, &new)?;
        Ok((new, is_new))
    })?;
    let known = if is_new { "" } else { " (known already)" };
    print(&format!(
        "{} version {}, for days from {} on{known}\n",
        new.group, new.version, new.valid_from
    ))
}

fn list(directory: &Directory) -> Result<(), Failure> {
    let found = directory.read(|tx, organisation| Ok(rule_sets::list(tx, organisation.id)?))?;
    print("group,version,valid_from\n")?;
    found
        .iter()
        .try_for_each(|row| print(&format!("{},{},{}\n", row.group, row.version, row.valid_from)))
}

fn show(directory: &Directory, group: String) -> Result<(), Failure> {
    let found = directory.read(move |tx, organisation| {
        rule_sets::of_group(tx, organisation.id, &group)?.pop().ok_or(Refusal::Unknown {
            kind: "rule set",
            name: group.clone(),
            fix: ": `corrente admin rules list` names them",
        })
    })?;
    print(&found.content)
}

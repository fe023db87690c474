//! `corrente admin rules`: rule sets of validation, which usage points they are for, and the mean weeks of classes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use corrente_mdm::vee::{
    ClassWeek,
    rules::{new_rule_set, standard_toml},
};
use corrente_metering::{Calendar, Date};
use corrente_registry::{admin, rule_sets};

use super::{
    Directory, Refusal,
    place::{Place, PlaceArguments},
};
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
    /// Lists the mean weeks by which gaps of usage points without a past are estimated, as CSV
    ClassProfiles(Directory),
    /// Makes the mean week of a class now, from what its usage points measured in the last four weeks. One is made
    /// by itself every four weeks, for the days after it
    MakeClassProfile {
        #[command(flatten)]
        place: PlaceArguments,
        /// The class: residential
        class: String,
        /// The first day that it is for; today when left out. Days that were looked at are looked at again
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
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
        RulesCommand::ClassProfiles(directory) => class_profiles(&directory),
        RulesCommand::MakeClassProfile { place, class, from } => {
            make_class_profile(&place, &class, from)
        }
    }
}

fn class_profiles(directory: &Directory) -> Result<(), Failure> {
    let found = directory.read(|tx, organisation| {
        Ok(corrente_registry::class_profiles::list(tx, organisation.id)?)
    })?;
    print("class,valid_from,usage_points,day_wh\n")?;
    found.iter().try_for_each(|row| {
        let week = ClassWeek::of(row)?;
        let (points, day_wh) = (week.usage_points, week.profile.day_wh);
        print(&format!("{},{},{points},{day_wh}\n", row.class, row.valid_from))
    })
}

fn make_class_profile(
    place: &PlaceArguments,
    class: &str,
    from: Option<Date>,
) -> Result<(), Failure> {
    #[derive(serde::Deserialize)]
    struct Made {
        day_wh: i64,
        usage_points: usize,
        valid_from: String,
    }
    let made = match place.own()? {
        Place::Server(server) => {
            let body = serde_json::json!({
                "class": class, "valid_from": from.map(|from| from.to_string()),
            });
            server.post("/admin/class-profiles", &body)?
        }
        Place::Here(here) => {
            let calendar =
                Calendar::new(&here.organisation.zone).unwrap_or_else(|_| Calendar::utc());
            let from = from.unwrap_or_else(|| calendar.date(here.clock.now()));
            let (by, organisation) = (here.by(None), here.organisation.id);
            let week = here.mdm.make_class_profile(&by, organisation, class, from)?;
            let (day_wh, usage_points) = (week.profile.day_wh, week.usage_points);
            Made { day_wh, usage_points, valid_from: from.to_string() }
        }
    };
    print(&format!(
        "{class}, for days from {} on: {} usage points, {} Wh a day\n",
        made.valid_from, made.usage_points, made.day_wh
    ))
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

//! `corrente admin token`.

use clap::{Args, Subcommand};
use corrente_metering::{Calendar, Timestamp, id::EnrolmentTokenId};
use corrente_registry::{
    Tx, admin,
    enrolment::{self, NewToken},
    organisations::Organisation,
    tariffs, usage_points,
};

use super::{Directory, Refusal};
use crate::{
    failure::Failure,
    instant::{self, Moment},
};

/// Options of `corrente admin token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Makes a token and prints it, once
    Create(Box<CreateArguments>),
    /// Refuses a token from now on; meters that came in by it stay
    Revoke {
        #[command(flatten)]
        directory: Directory,
        /// Its id, from the list
        id: EnrolmentTokenId,
    },
    /// Lists the tokens, without their text
    List(Directory),
}

#[derive(Clone, Debug, Args)]
struct CreateArguments {
    #[command(flatten)]
    directory: Directory,
    /// What it is for, for the list
    #[arg(long, default_value = "made on the command line")]
    label: String,
    /// The one usage point that it is for, by name; without it each meter gets a new one
    #[arg(long, value_name = "NAME")]
    usage_point: Option<String>,
    /// For how many meters; without it as many as come
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    uses: Option<i64>,
    /// Until when: an instant, a date, or from now as in 7d or 12h
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    expires: Option<Moment>,
    /// From when its meters count as installed: an instant, a date, or `beginning`; for recorded data
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    installed_from: Option<Moment>,
    /// The tariff of the usage points that it makes, by name
    #[arg(long, value_name = "NAME")]
    tariff: Option<String>,
    /// Lets a meter that came in by it come in again and get a new secret: for simulated meters
    #[arg(long)]
    again: bool,
}

pub(super) fn run(arguments: TokenArguments) -> Result<(), Failure> {
    match arguments.command {
        TokenCommand::Create(arguments) => create(&arguments),
        TokenCommand::Revoke { directory, id } => directory.write(move |tx, by, organisation| {
            Ok(admin::revoke_token(tx, by, organisation.id, id)?)
        }),
        TokenCommand::List(directory) => list(&directory),
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the result of the command")]
fn create(arguments: &CreateArguments) -> Result<(), Failure> {
    let given = arguments.clone();
    let (_, secret) = arguments.directory.write(move |tx, by, organisation| {
        let token = new_token(tx, &given, organisation, by.business)?;
        Ok(admin::create_token(tx, by, &token)?)
    })?;
    eprintln!("Enrolment token `{}`, shown once:", arguments.label);
    println!("{}", secret.reveal());
    Ok(())
}

fn new_token(
    tx: &mut Tx,
    arguments: &CreateArguments,
    organisation: &Organisation,
    now: Timestamp,
) -> Result<NewToken, Refusal> {
    let calendar = Calendar::new(&organisation.zone).unwrap_or_else(|_| Calendar::utc());
    let at = |moment: &Moment| moment.at(&calendar, now);
    let mut token = NewToken::open(organisation.id, &arguments.label);
    token.uses = arguments.uses;
    token.again = arguments.again;
    token.expires = arguments.expires.as_ref().map(at);
    token.installed_from = arguments.installed_from.as_ref().map(at);
    if let Some(name) = &arguments.usage_point {
        let point = usage_points::by_name(tx, organisation.id, name)?;
        token.usage_point = Some(
            point
                .ok_or_else(|| Refusal::Unknown {
                    kind: "usage point named",
                    name: name.clone(),
                    fix: ": leave --usage-point out, and the meter makes one",
                })?
                .id,
        );
        token.uses = token.uses.or(Some(1));
    }
    if let Some(name) = &arguments.tariff {
        let tariff = tariffs::by_name(tx, organisation.id, name)?;
        token.tariff = Some(
            tariff
                .ok_or_else(|| Refusal::Unknown {
                    kind: "tariff named",
                    name: name.clone(),
                    fix: ": `corrente admin tariff add FILE` stores one",
                })?
                .id,
        );
    }
    Ok(token)
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn list(directory: &Directory) -> Result<(), Failure> {
    let (_, clock) = crate::data_directory::open_registry(&directory.data)?;
    let tokens = directory.read(|tx, organisation| Ok(enrolment::list(tx, organisation.id)?))?;
    println!("created,label,uses_left,expires,state,id");
    let now = clock.now();
    for token in tokens {
        let state = if token.revoked.is_some() {
            "revoked"
        } else if token.expires.is_some_and(|expires| expires < now) {
            "expired"
        } else if token.uses_left == Some(0) {
            "used up"
        } else {
            "open"
        };
        let uses = token.uses_left.map_or_else(|| "any".to_owned(), |uses| uses.to_string());
        let expires =
            token.expires.map_or_else(|| "never".to_owned(), |expires| expires.to_string());
        println!("{},{},{uses},{expires},{state},{}", token.created, token.label, token.id);
    }
    Ok(())
}

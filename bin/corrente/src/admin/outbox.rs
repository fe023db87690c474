//! `corrente admin outbox`: messages that were given up.

use clap::{Args, Subcommand};
use corrente_clock::wall_clock;
use corrente_metering::id::OutboxId;
use corrente_registry::outbox::{self, OutboxMessage};
use serde_json::json;

use super::{Directory, Refusal};
use crate::{
    failure::Failure,
    output::{print, print_json},
};

/// So many are listed, and tried again at once.
const MOST: u32 = 1_000;

/// Options of `corrente admin outbox`.
#[derive(Debug, Args)]
pub(crate) struct OutboxArguments {
    #[command(subcommand)]
    command: OutboxCommand,
}

#[derive(Debug, Subcommand)]
enum OutboxCommand {
    /// Messages that were given up, the latest first, with the reason
    Failed {
        #[command(flatten)]
        directory: Directory,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tries messages once more that were given up
    Again {
        #[command(flatten)]
        directory: Directory,
        /// The message's id; without it all of them
        id: Option<OutboxId>,
    },
}

pub(super) fn run(arguments: OutboxArguments) -> Result<(), Failure> {
    match arguments.command {
        OutboxCommand::Failed { directory, json } => failed(&directory, json),
        OutboxCommand::Again { directory, id } => again(&directory, id),
    }
}

fn failed(directory: &Directory, as_json: bool) -> Result<(), Failure> {
    let found =
        directory.read(|tx, organisation| Ok(outbox::failed(tx, organisation.id, MOST)?))?;
    if as_json {
        let messages: Vec<_> = found
            .iter()
            .map(|message| {
                json!({
                    "id": message.id.to_string(),
                    "kind": kind(message),
                    "channel": message.channel,
                    "recipient": message.recipient,
                    "attempts": message.attempts,
                    "error": message.last_error,
                })
            })
            .collect();
        return print_json(&json!({ "messages": messages }));
    }
    if found.is_empty() {
        return print("No message was given up.\n");
    }
    let lines: Vec<String> = found
        .iter()
        .map(|message| {
            format!(
                "{}  {} by {} to {}, tried {} times: {}\n",
                message.id,
                kind(message),
                message.channel,
                message.recipient,
                message.attempts,
                message.last_error.as_deref().unwrap_or("no reason was kept"),
            )
        })
        .collect();
    print(&lines.concat())
}

fn kind(message: &OutboxMessage) -> &str {
    message.document.get("kind").and_then(|kind| kind.as_str()).unwrap_or("a message")
}

fn again(directory: &Directory, id: Option<OutboxId>) -> Result<(), Failure> {
    let count = directory.write(move |tx, _, organisation| {
        let now = wall_clock();
        let Some(id) = id else {
            let mut count = 0;
            for message in outbox::failed(tx, organisation.id, MOST)? {
                count += usize::from(outbox::again(tx, organisation.id, message.id, now)?);
            }
            return Ok(count);
        };
        if outbox::again(tx, organisation.id, id, now)? {
            return Ok(1);
        }
        Err(Refusal::Unknown {
            kind: "message that was given up",
            name: id.to_string(),
            fix: ": `corrente admin outbox failed` lists them",
        })
    })?;
    print(&format!("{count} messages are tried again.\n"))
}

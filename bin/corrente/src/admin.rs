//! `corrente admin`: what an administrator does on the server's machine, beside a running server too.

mod token;

use clap::{Args, Subcommand};

use crate::failure::Failure;

/// Options of `corrente admin`.
#[derive(Debug, Args)]
pub(crate) struct AdminArguments {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Enrolment tokens, with which new meters come in
    Token(token::TokenArguments),
}

/// Does it.
pub(crate) fn run(arguments: AdminArguments) -> Result<(), Failure> {
    match arguments.command {
        AdminCommand::Token(arguments) => token::run(arguments),
    }
}

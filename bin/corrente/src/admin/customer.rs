//! `corrente admin customer`: one customer by hand; many come by `corrente admin import`.

use clap::{Args, Subcommand};
use corrente_registry::{
    admin,
    customers::{self, NewCustomer},
};

use super::Directory;
use crate::{failure::Failure, output::print};

/// Options of `corrente admin customer`.
#[derive(Debug, Args)]
pub(crate) struct CustomerArguments {
    #[command(subcommand)]
    command: CustomerCommand,
}

#[derive(Debug, Subcommand)]
enum CustomerCommand {
    /// Makes a customer
    Create(CreateArguments),
    /// Lists the customers
    List(Directory),
}

#[derive(Clone, Debug, Args)]
struct CreateArguments {
    #[command(flatten)]
    directory: Directory,
    /// The utility's own number, unique
    #[arg(long)]
    number: String,
    /// Name
    #[arg(long)]
    name: String,
    /// Tax number (CPF or CNPJ)
    #[arg(long)]
    document: Option<String>,
    /// Where messages go
    #[arg(long)]
    email: Option<String>,
    /// Telephone
    #[arg(long)]
    phone: Option<String>,
    /// Where bills go
    #[arg(long)]
    address: Option<String>,
    /// Language of messages
    #[arg(long, value_parser = ["pt-BR", "en", "es"])]
    language: Option<String>,
}

pub(super) fn run(arguments: CustomerArguments) -> Result<(), Failure> {
    match arguments.command {
        CustomerCommand::Create(create) => {
            let given = create.clone();
            create.directory.write(move |tx, by, organisation| {
                let new = NewCustomer {
                    organisation: organisation.id,
                    number: given.number.clone(),
                    name: given.name.clone(),
                    document: given.document.clone(),
                    email: given.email.clone(),
                    phone: given.phone.clone(),
                    address: given.address.clone(),
                    language: given.language.clone(),
                };
                Ok(admin::create_customer(tx, by, &new)?)
            })?;
            Ok(())
        }
        CustomerCommand::List(directory) => {
            let found =
                directory.read(|tx, organisation| Ok(customers::list(tx, organisation.id)?))?;
            print("number,name,email\n")?;
            found.iter().try_for_each(|customer| {
                let email = customer.email.as_deref().unwrap_or_default();
                print(&format!("{},{},{email}\n", customer.number, customer.name))
            })
        }
    }
}

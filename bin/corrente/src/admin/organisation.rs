//! `corrente admin organisation`.

use clap::{Args, Subcommand};
use corrente_registry::{
    admin,
    organisations::{self, NewOrganisation, Organisation},
};
use corrente_units::Currency;

use super::Directory;
use crate::{failure::Failure, output::print};

/// Options of `corrente admin organisation`.
#[derive(Debug, Args)]
pub(crate) struct OrganisationArguments {
    #[command(subcommand)]
    command: OrganisationCommand,
}

#[derive(Debug, Subcommand)]
enum OrganisationCommand {
    /// Shows it
    Show(Directory),
    /// Changes what is given and leaves the rest
    Set(Box<SetArguments>),
}

#[derive(Clone, Debug, Args)]
struct SetArguments {
    #[command(flatten)]
    directory: Directory,
    /// Name on pages and invoices
    #[arg(long)]
    name: Option<String>,
    /// Tax number on invoices
    #[arg(long)]
    document: Option<String>,
    /// Postal address on invoices
    #[arg(long)]
    address: Option<String>,
    /// Municipality of new usage points
    #[arg(long)]
    municipality: Option<String>,
    /// Zone of new usage points, an IANA name
    #[arg(long)]
    zone: Option<String>,
    /// Currency of new usage points
    #[arg(long, value_parser = |text: &str| text.parse::<Currency>().map_err(|e| e.to_string()))]
    currency: Option<Currency>,
    /// Language of messages: pt-BR, en, es
    #[arg(long)]
    language: Option<String>,
    /// PIX key that invoices are paid to
    #[arg(long)]
    pix_key: Option<String>,
    /// Payee's name in the PIX code
    #[arg(long)]
    pix_payee: Option<String>,
    /// Payee's city in the PIX code
    #[arg(long)]
    pix_city: Option<String>,
    /// The company's number with FEBRABAN, 4 digits: bills carry a bar code
    #[arg(long)]
    febraban: Option<String>,
}

pub(super) fn run(arguments: OrganisationArguments) -> Result<(), Failure> {
    match arguments.command {
        OrganisationCommand::Show(directory) => {
            show(&directory.read(|_, organisation| Ok(organisation.clone()))?)
        }
        OrganisationCommand::Set(set) => {
            let directory = set.directory.clone();
            directory.write(move |tx, by, organisation| {
                admin::change_organisation(tx, by, organisation.id, &set.over(organisation))?;
                if let Some(number) = &set.febraban {
                    organisations::set_febraban(tx, organisation.id, Some(number))?;
                }
                Ok(())
            })?;
            show(&directory.read(|_, organisation| Ok(organisation.clone()))?)
        }
    }
}

impl SetArguments {
    fn over(&self, old: &Organisation) -> NewOrganisation {
        let given = |new: &Option<String>, old: &str| new.clone().unwrap_or_else(|| old.to_owned());
        let or = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
        NewOrganisation {
            name: given(&self.name, &old.name),
            document: or(&self.document, &old.document),
            address: or(&self.address, &old.address),
            municipality: or(&self.municipality, &old.municipality),
            zone: given(&self.zone, &old.zone),
            currency: self.currency.unwrap_or(old.currency),
            language: given(&self.language, &old.language),
            pix_key: or(&self.pix_key, &old.pix_key),
            pix_payee: or(&self.pix_payee, &old.pix_payee),
            pix_city: or(&self.pix_city, &old.pix_city),
        }
    }
}

fn show(organisation: &Organisation) -> Result<(), Failure> {
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    print(&format!(
        "name          {}\ndocument      {}\naddress       {}\nmunicipality  {}\nzone          {}\n\
         currency      {}\nlanguage      {}\npix-key       {}\npix-payee     {}\npix-city      {}\n\
         febraban      {}\n",
        organisation.name,
        said(&organisation.document),
        said(&organisation.address),
        said(&organisation.municipality),
        organisation.zone,
        organisation.currency,
        organisation.language,
        said(&organisation.pix_key),
        said(&organisation.pix_payee),
        said(&organisation.pix_city),
        said(&organisation.febraban),
    ))
}

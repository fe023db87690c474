//! `corrente admin user`.

use clap::{Args, Subcommand, ValueEnum};
use corrente_registry::{
    admin,
    api_tokens::Scope,
    customers, passwords,
    users::{self, NewUser, Role, User},
};

use super::{Directory, Refusal};
use crate::{failure::Failure, output::print};

/// Options of `corrente admin user`.
#[derive(Debug, Args)]
pub(crate) struct UserArguments {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Makes a user and prints a sign-in code, once
    Create(Box<CreateArguments>),
    /// Prints a new sign-in code for a user, once
    Code {
        #[command(flatten)]
        directory: Directory,
        /// Address that the user signs in with
        email: String,
    },
    /// Makes an API token for a user's programs and prints it, once
    ApiToken {
        #[command(flatten)]
        directory: Directory,
        /// Address that the user signs in with
        email: String,
        /// What it is for, for the list
        #[arg(long, default_value = "made on the command line")]
        label: String,
        /// What it may do at most: read, write (the daily work) or admin (all that the user may do)
        #[arg(long, default_value = "read", value_parser = ["read", "write", "admin"])]
        scope: String,
    },
    /// Sets a user's password, which is read from standard input; the user's sessions end
    Password {
        #[command(flatten)]
        directory: Directory,
        /// Address that the user signs in with
        email: String,
    },
    /// Refuses a user from now on; the user's sessions end
    Disable {
        #[command(flatten)]
        directory: Directory,
        /// Address that the user signs in with
        email: String,
    },
    /// Lets a refused user in again
    Enable {
        #[command(flatten)]
        directory: Directory,
        /// Address that the user signs in with
        email: String,
    },
    /// Lists the users
    List(Directory),
}

#[derive(Clone, Debug, Args)]
struct CreateArguments {
    #[command(flatten)]
    directory: Directory,
    /// Address that the user signs in with
    #[arg(long)]
    email: String,
    /// Name
    #[arg(long)]
    name: String,
    /// What the user may do
    #[arg(long, value_enum)]
    role: WrittenRole,
    /// Number of the customer, for the role of that name
    #[arg(long, value_name = "NUMBER")]
    customer: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WrittenRole {
    /// Sees the own usage points
    Customer,
    /// Works in the console
    Operator,
    /// Also makes users and tokens
    Admin,
}

pub(super) fn run(arguments: UserArguments) -> Result<(), Failure> {
    match arguments.command {
        UserCommand::Create(create) => make(&create),
        UserCommand::Code { directory, email } => {
            let code = directory.write(move |tx, by, organisation| {
                let user = find(tx, &email)?;
                Ok(admin::create_code(tx, by, organisation.id, user.id)?)
            })?;
            print(&format!("{}\n", code.reveal()))
        }
        UserCommand::ApiToken { directory, email, label, scope } => {
            let scope = match scope.as_str() {
                "admin" => Scope::Admin,
                "write" => Scope::Write,
                _ => Scope::Read,
            };
            let token = directory.write(move |tx, by, organisation| {
                let user = find(tx, &email)?;
                Ok(admin::create_api_token(tx, by, organisation.id, user.id, &label, scope)?)
            })?;
            print(&format!("{}\n", token.reveal()))
        }
        UserCommand::Password { directory, email } => set_password(&directory, email),
        UserCommand::Disable { directory, email } => set_disabled(&directory, email, true),
        UserCommand::Enable { directory, email } => set_disabled(&directory, email, false),
        UserCommand::List(directory) => list(&directory),
    }
}

fn make(create: &CreateArguments) -> Result<(), Failure> {
    let given = create.clone();
    let (_, code) = create.directory.write(move |tx, by, organisation| {
        let customer = match &given.customer {
            None => None,
            Some(number) => Some(
                customers::by_number(tx, organisation.id, number)?
                    .ok_or_else(|| Refusal::Unknown {
                        kind: "customer with number",
                        name: number.clone(),
                        fix: ": `corrente admin import --customers` makes customers",
                    })?
                    .id,
            ),
        };
        let new = NewUser {
            organisation: organisation.id,
            customer,
            email: users::normal_email(&given.email),
            name: given.name.clone(),
            role: match given.role {
                WrittenRole::Customer => Role::Customer,
                WrittenRole::Operator => Role::Operator,
                WrittenRole::Admin => Role::Admin,
            },
            password_hash: None,
            language: None,
        };
        Ok(admin::create_user(tx, by, &new)?)
    })?;
    print(&format!("{}\n", code.reveal()))
}

fn set_password(directory: &Directory, email: String) -> Result<(), Failure> {
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::of("cannot read the password from standard input", error))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.chars().count() < 10 {
        return Err(Failure::new("the password is too short: give at least 10 characters"));
    }
    let hash = passwords::hash(password)
        .map_err(|error| Failure::of("the password cannot be hashed", error))?;
    directory.write(move |tx, by, organisation| {
        let user = find(tx, &email)?;
        Ok(admin::set_password(tx, by, organisation.id, user.id, &hash)?)
    })
}

fn set_disabled(directory: &Directory, email: String, disabled: bool) -> Result<(), Failure> {
    directory.write(move |tx, by, organisation| {
        let user = find(tx, &email)?;
        Ok(admin::set_user_disabled(tx, by, organisation.id, user.id, disabled)?)
    })
}

fn find(tx: &mut corrente_registry::Tx, email: &str) -> Result<User, Refusal> {
    users::by_email(tx, &users::normal_email(email))?.ok_or_else(|| Refusal::Unknown {
        kind: "user with address",
        name: email.to_owned(),
        fix: ": `corrente admin user create` makes one",
    })
}

fn list(directory: &Directory) -> Result<(), Failure> {
    let users = directory.read(|tx, organisation| Ok(users::list(tx, organisation.id)?))?;
    print("email,role,name,state\n")?;
    users.iter().try_for_each(|user| {
        let state = if user.disabled.is_some() {
            "disabled"
        } else if user.password_hash.is_none() {
            "no password yet"
        } else {
            "active"
        };
        print(&format!("{},{},{},{state}\n", user.email, user.role.word(), user.name))
    })
}

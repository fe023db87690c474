//! Import of a town from CSV files: all of them in one transaction, or nothing.
//!
//! Every mistake is told with file, line, column and what to do, so that a file is mended in one go. The
//! separator is a comma or a semicolon, whichever the header has; a byte-order mark is skipped.

use std::{collections::HashMap, fmt};

use corrente_metering::{
    Calendar, ChannelKind, Date, Direction, Timestamp,
    id::{CustomerId, OrganisationId},
};

use corrente_units::Decimal;

use super::{By, RegisteredMeter, agree, calendar_of, create_customer, create_user};
use crate::{
    RegistryError, Tx,
    channels::NewChannel,
    customers::{self, NewCustomer},
    declarations::Declaration,
    meters::{self, DEFAULT_REPORTING_SECONDS},
    organisations::{self, Organisation},
    secrets::Secret,
    tariffs,
    usage_points::{self, NewUsagePoint},
    users::{self, NewUser, Role},
};

/// So many mistakes are told by line.
const MOST_LISTED: usize = 100;

/// What a file lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImportKind {
    /// `number`, `name`; may have `document`, `email`, `phone`, `address`, `language`.
    Customers,
    /// `name`; may have `customer`, `address`, `municipality`, `zone`, `class`, `phases`,
    /// `power_max_w`, `credit_regime`, `contracted_kw`, `meters`.
    UsagePoints,
    /// `serial`, `usage_point`; may have `model`, `reporting_seconds`, `installed_from`, `secret`,
    /// `kind`, `interval_seconds`, `register_digits`, `export`, `gateway`,
    /// `declared_multiplier`, `declared_unit`.
    Meters,
    /// `usage_point`, `tariff`, `from`.
    Agreements,
}

impl ImportKind {
    /// The columns that must be there, and those that may.
    pub const fn columns(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Customers => {
                (&["number", "name"], &["document", "email", "phone", "address", "language"])
            }
            Self::UsagePoints => (
                &["name"],
                &[
                    "customer",
                    "address",
                    "municipality",
                    "zone",
                    "class",
                    "phases",
                    "power_max_w",
                    "credit_regime",
                    "contracted_kw",
                    "meters",
                ],
            ),
            Self::Meters => (
                &["serial", "usage_point"],
                &[
                    "model",
                    "reporting_seconds",
                    "installed_from",
                    "secret",
                    "kind",
                    "interval_seconds",
                    "register_digits",
                    "export",
                    "gateway",
                    "declared_multiplier",
                    "declared_unit",
                ],
            ),
            Self::Agreements => (&["usage_point", "tariff", "from"], &[]),
        }
    }
}

/// A file to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFile {
    /// What it lists.
    pub kind: ImportKind,
    /// Its name, for mistakes.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What is wrong at one place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportMistake {
    /// The file.
    pub file: String,
    /// The line, the first one is 1.
    pub line: u64,
    /// The column.
    pub column: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for ImportMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message, fix } = self;
        write!(f, "{file}:{line}: {column}: {message}; {fix}")
    }
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportRefusal {
    /// There are mistakes.
    #[error("nothing was imported, mend {}:{}", counted(.0.len()), listed(.0))]
    Mistakes(Vec<ImportMistake>),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

fn counted(mistakes: usize) -> String {
    if mistakes == 1 { "this mistake".to_owned() } else { format!("these {mistakes} mistakes") }
}

/// A line for each of the first hundred.
fn listed(mistakes: &[ImportMistake]) -> String {
    let told = mistakes.iter().take(MOST_LISTED).map(ToString::to_string);
    let more = mistakes.len().saturating_sub(MOST_LISTED);
    let more = (more > 0).then(|| format!("and {more} more"));
    told.chain(more).flat_map(|line| ["\n  ".to_owned(), line]).collect()
}

/// A meter's secret, shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterSecret {
    /// The meter.
    pub serial: String,
    /// Its secret.
    pub secret: Secret,
}

/// A customer's sign-in code, shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInCode {
    /// The customer's number.
    pub number: String,
    /// The address to sign in with.
    pub email: String,
    /// The code.
    pub code: Secret,
}

/// What was imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Customers made.
    pub customers: usize,
    /// Usage points made.
    pub usage_points: usize,
    /// Agreements made.
    pub agreements: usize,
    /// Meters registered, with their secrets.
    pub meters: Vec<MeterSecret>,
    /// Users made for customers with an e-mail address, with their codes.
    pub codes: Vec<SignInCode>,
}

/// Imports files into an organisation: customers first, then usage points, meters and agreements,
/// whatever the order of the files. After a refusal nothing was changed.
pub fn import(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    files: &[ImportFile],
) -> Result<Imported, ImportRefusal> {
    let organisation = organisations::get(tx, organisation)?.ok_or_else(|| {
        RegistryError::NotFound { kind: "organisation", name: organisation.to_string() }
    })?;
    let mut files: Vec<&ImportFile> = files.iter().collect();
    files.sort_by_key(|file| file.kind);
    let mut run = Run { by, organisation, imported: Imported::default(), mistakes: Vec::new() };
    let read: Vec<_> = files.iter().map(|file| (file, run.lines(file))).collect();
    let mut seen = HashMap::new();
    // Behind a header that is wrong each line of the other files would miss what it names.
    if read.iter().all(|(_, lines)| lines.is_some()) {
        for (file, lines) in read {
            for line in lines.into_iter().flatten() {
                run.take(tx, file, &line, &mut seen)?;
            }
        }
    }
    if run.mistakes.is_empty() {
        Ok(run.imported)
    } else {
        Err(ImportRefusal::Mistakes(run.mistakes))
    }
}

struct Run<'a> {
    by: &'a By,
    organisation: Organisation,
    imported: Imported,
    mistakes: Vec<ImportMistake>,
}

/// A line of a file, by column.
struct Line {
    number: u64,
    values: HashMap<String, String>,
}

impl Line {
    fn get(&self, column: &str) -> Option<&str> {
        self.values.get(column).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn text(&self, column: &str) -> Option<String> {
        self.get(column).map(str::to_owned)
    }
}

/// What is wrong with a value.
struct Wrong {
    column: &'static str,
    message: String,
    fix: String,
}

impl Wrong {
    fn new(column: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { column, message: message.into(), fix: fix.into() }
    }
}

/// Where a key stood first: by kind of file and key, the file and the line.
type Seen = HashMap<(ImportKind, String), (String, u64)>;

impl Run<'_> {
    fn mistake(&mut self, file: &ImportFile, line: u64, wrong: Wrong) {
        self.mistakes.push(ImportMistake {
            file: file.name.clone(),
            line,
            column: wrong.column.to_owned(),
            message: wrong.message,
            fix: wrong.fix,
        });
    }

    /// The lines of a file; nothing when its header is wrong.
    fn lines(&mut self, file: &ImportFile) -> Option<Vec<Line>> {
        let text = file.text.trim_start_matches('\u{feff}');
        let header = text.lines().next().unwrap_or_default();
        let separator = if header.contains(';') { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let columns: Vec<String> = match reader.headers() {
            Ok(headers) => headers.iter().map(str::to_lowercase).collect(),
            Err(error) => {
                let wrong = Wrong::new("(header)", error.to_string(), "save the file as UTF-8 CSV");
                self.mistake(file, 1, wrong);
                return None;
            }
        };
        if !self.check_header(file, &columns) {
            return None;
        }
        let mut lines = Vec::new();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    let wrong =
                        Wrong::new("(line)", error.to_string(), "save the file as UTF-8 CSV");
                    self.mistake(file, line, wrong);
                    continue;
                }
            };
            let number = record.position().map_or(0, csv::Position::line);
            if record.iter().all(str::is_empty) {
                continue;
            }
            if record.len() != columns.len() {
                let message = format!("{} values, the header has {}", record.len(), columns.len());
                let fix = "give each line as many values; put a value with a separator in quotes";
                self.mistake(file, number, Wrong::new("(line)", message, fix));
                continue;
            }
            let values = columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
            lines.push(Line { number, values });
        }
        Some(lines)
    }

    fn check_header(&mut self, file: &ImportFile, columns: &[String]) -> bool {
        let (needed, allowed) = file.kind.columns();
        let before = self.mistakes.len();
        for column in needed {
            if !columns.iter().any(|found| found == column) {
                let fix = format!("add a column named {column} to the first line");
                self.mistake(file, 1, Wrong::new(column, "the column is missing", fix));
            }
        }
        for (index, column) in columns.iter().enumerate() {
            let known = needed.iter().chain(allowed).any(|name| name == column);
            let twice = columns.iter().take(index).any(|earlier| earlier == column);
            if known && !twice {
                continue;
            }
            let message =
                if known { "the column is there twice" } else { "the column is not known" };
            let names: Vec<&str> = needed.iter().chain(allowed).copied().collect();
            self.mistakes.push(ImportMistake {
                file: file.name.clone(),
                line: 1,
                column: column.clone(),
                message: message.to_owned(),
                fix: format!("columns are {}", names.join(", ")),
            });
        }
        self.mistakes.len() == before
    }

    /// Imports a line, or notes what is wrong with it.
    fn take(
        &mut self,
        tx: &mut Tx,
        file: &ImportFile,
        line: &Line,
        seen: &mut Seen,
    ) -> Result<(), RegistryError> {
        let key = match file.kind {
            ImportKind::Customers => "number",
            ImportKind::UsagePoints => "name",
            ImportKind::Meters => "serial",
            ImportKind::Agreements => "usage_point",
        };
        let (needed, _) = file.kind.columns();
        let mut complete = true;
        for column in needed {
            if line.get(column).is_none() {
                self.mistake(file, line.number, Wrong::new(column, "it is empty", "fill it in"));
                complete = false;
            }
        }
        if !complete {
            return Ok(());
        }
        let name = line.text(key).unwrap_or_default();
        if file.kind != ImportKind::Agreements {
            let here = (file.name.clone(), line.number);
            if let Some((other, first)) = seen.insert((file.kind, name.clone()), here) {
                let message = format!("`{name}` stands on line {first} of {other} too");
                let wrong = Wrong::new(key, message, "keep one of them");
                self.mistake(file, line.number, wrong);
                return Ok(());
            }
        }
        let done = match file.kind {
            ImportKind::Customers => self.customer(tx, line, &name),
            ImportKind::UsagePoints => self.usage_point(tx, line, &name),
            ImportKind::Meters => self.meter(tx, line, &name),
            ImportKind::Agreements => self.agreement(tx, line, &name),
        };
        match done {
            Ok(()) => Ok(()),
            Err(Trouble::Wrong(wrong)) => {
                self.mistake(file, line.number, wrong);
                Ok(())
            }
            Err(Trouble::Registry(RegistryError::Invalid { field, reason })) => {
                let fix = "write an allowed value".to_owned();
                self.mistake(file, line.number, Wrong { column: field, message: reason, fix });
                Ok(())
            }
            Err(Trouble::Registry(error)) => Err(error),
        }
    }

    fn customer(&mut self, tx: &mut Tx, line: &Line, number: &str) -> Result<(), Trouble> {
        let organisation = self.organisation.id;
        if customers::by_number(tx, organisation, number)?.is_some() {
            return Err(exists("number", number, "customer"));
        }
        let email = line.text("email");
        if let Some(email) = &email
            && users::by_email(tx, email)?.is_some()
        {
            return Err(exists("email", email, "user"));
        }
        let new = NewCustomer {
            organisation,
            number: number.to_owned(),
            name: line.text("name").unwrap_or_default(),
            document: line.text("document"),
            email: email.clone(),
            phone: line.text("phone"),
            address: line.text("address"),
            language: line.text("language"),
        };
        let customer = create_customer(tx, self.by, &new)?;
        self.imported.customers += 1;
        if let Some(email) = email {
            let user = NewUser {
                organisation,
                customer: Some(customer),
                email: email.clone(),
                name: new.name,
                role: Role::Customer,
                password_hash: None,
                language: new.language,
            };
            let (_, code) = create_user(tx, self.by, &user)?;
            self.imported.codes.push(SignInCode { number: number.to_owned(), email, code });
        }
        Ok(())
    }

    fn usage_point(&mut self, tx: &mut Tx, line: &Line, name: &str) -> Result<(), Trouble> {
        let organisation = self.organisation.id;
        if usage_points::by_name(tx, organisation, name)?.is_some() {
            return Err(exists("name", name, "usage point"));
        }
        let customer: Option<CustomerId> = match line.get("customer") {
            Some(number) => {
                let found = customers::by_number(tx, organisation, number)?;
                Some(found.ok_or_else(|| missing("customer", number, "customer"))?.id)
            }
            None => None,
        };
        let mut new = NewUsagePoint::named(&self.organisation, name);
        new.customer = customer;
        new.address = line.text("address");
        new.municipality = line.text("municipality").or(new.municipality);
        new.zone = line.text("zone").unwrap_or(new.zone);
        new.class = line.text("class").unwrap_or(new.class);
        if let Some(phases) = number(line, "phases", 1, 3)? {
            new.phases = u8::try_from(phases).unwrap_or(1);
        }
        new.power_max_w = number(line, "power_max_w", 1, 1_000_000_000)?;
        new.terms.credit_regime = line.text("credit_regime");
        new.terms.contracted_kw = decimal(line, "contracted_kw")?;
        new.terms.meters =
            number(line, "meters", 1, 10_000)?.and_then(|meters| u32::try_from(meters).ok());
        super::create_usage_point(tx, self.by, &new)?;
        self.imported.usage_points += 1;
        Ok(())
    }

    fn meter(&mut self, tx: &mut Tx, line: &Line, serial: &str) -> Result<(), Trouble> {
        let organisation = self.organisation.id;
        if meters::by_serial(tx, organisation, serial)?.is_some() {
            return Err(exists("serial", serial, "meter"));
        }
        let place = line.get("usage_point").unwrap_or_default();
        let point = usage_points::by_name(tx, organisation, place)?
            .ok_or_else(|| missing("usage_point", place, "usage point"))?;
        let stands = meters::at_usage_point(tx, point.id)?;
        if stands.iter().any(|installation| installation.until.is_none()) {
            let message = format!("another meter stands at `{place}`");
            let fix = "end its installation first, or name another usage point";
            return Err(Trouble::Wrong(Wrong::new("usage_point", message, fix)));
        }
        let installed_from = match line.get("installed_from") {
            Some(text) => instant(&calendar_of(&point)?, "installed_from", text)?,
            None => self.by.business,
        };
        let new = RegisteredMeter {
            organisation,
            serial: serial.to_owned(),
            model: line.text("model"),
            reporting_seconds: number(line, "reporting_seconds", 1, 86_400)?
                .unwrap_or(DEFAULT_REPORTING_SECONDS),
            secret: line.get("secret").map(Secret::given),
            channels: channels(line)?,
            usage_point: point.id,
            installed_from,
        };
        let (_, secret) = super::register_meter(tx, self.by, &new)?;
        if let Some(gateway) = line.get("gateway") {
            super::set_gateway(tx, self.by, organisation, serial, Some(gateway))?;
        }
        let declared = declared(line)?;
        if declared != Declaration::default() {
            super::declare(tx, self.by, organisation, serial, declared)?;
        }
        self.imported.meters.push(MeterSecret { serial: serial.to_owned(), secret });
        Ok(())
    }

    fn agreement(&mut self, tx: &mut Tx, line: &Line, place: &str) -> Result<(), Trouble> {
        let organisation = self.organisation.id;
        if usage_points::by_name(tx, organisation, place)?.is_none() {
            return Err(missing("usage_point", place, "usage point"));
        }
        let tariff = line.get("tariff").unwrap_or_default();
        if tariffs::by_name(tx, organisation, tariff)?.is_none() {
            let known: Vec<String> =
                tariffs::list(tx, organisation)?.into_iter().map(|tariff| tariff.name).collect();
            let message = format!("there is no tariff `{tariff}`");
            let fix = if known.is_empty() {
                "store its tariff file first".to_owned()
            } else {
                format!("store its tariff file first, or name one of {}", known.join(", "))
            };
            return Err(Trouble::Wrong(Wrong::new("tariff", message, fix)));
        }
        let from = date("from", line.get("from").unwrap_or_default())?;
        agree(tx, self.by, organisation, place, tariff, from)?;
        self.imported.agreements += 1;
        Ok(())
    }
}

enum Trouble {
    Wrong(Wrong),
    Registry(RegistryError),
}

impl From<RegistryError> for Trouble {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

fn exists(column: &'static str, value: &str, kind: &str) -> Trouble {
    let message = format!("there is a {kind} `{value}` already");
    Trouble::Wrong(Wrong::new(column, message, "take the line out, or change the value"))
}

fn missing(column: &'static str, value: &str, kind: &str) -> Trouble {
    let message = format!("there is no {kind} `{value}`");
    Trouble::Wrong(Wrong::new(column, message, format!("add the {kind}, or mend the value")))
}

fn date(column: &'static str, text: &str) -> Result<Date, Trouble> {
    text.parse().map_err(|_| {
        let message = format!("`{text}` is not a date");
        Trouble::Wrong(Wrong::new(column, message, "write it as 2026-11-23"))
    })
}

fn instant(calendar: &Calendar, column: &'static str, text: &str) -> Result<Timestamp, Trouble> {
    Ok(calendar.midnight(date(column, text)?))
}

fn number(
    line: &Line,
    column: &'static str,
    least: i64,
    most: i64,
) -> Result<Option<i64>, Trouble> {
    let Some(text) = line.get(column) else { return Ok(None) };
    match text.parse::<i64>() {
        Ok(value) if (least..=most).contains(&value) => Ok(Some(value)),
        _ => {
            let message = format!("`{text}` is not a whole number from {least} to {most}");
            Err(Trouble::Wrong(Wrong::new(column, message, "write such a number")))
        }
    }
}

fn declared(line: &Line) -> Result<Declaration, Trouble> {
    let wrong = |column, text: Option<&str>, fix: &str| {
        let message = format!("`{}` cannot be read", text.unwrap_or_default());
        Trouble::Wrong(Wrong::new(column, message, fix))
    };
    let (multiplier, unit) = (line.get("declared_multiplier"), line.get("declared_unit"));
    let ratio = Declaration::read(multiplier, None)
        .map_err(|_| wrong("declared_multiplier", multiplier, "write a ratio such as 200/5"))?;
    let unit = Declaration::read(None, unit)
        .map_err(|_| wrong("declared_unit", unit, "write Wh, kWh, MWh, varh or m3"))?;
    Ok(Declaration { unit: unit.unit, ..ratio })
}

fn decimal(line: &Line, column: &'static str) -> Result<Option<Decimal>, Trouble> {
    let Some(text) = line.get(column) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let message = format!("`{text}` is not a number");
        Trouble::Wrong(Wrong::new(column, message, "write it with a decimal point: 12.5"))
    })
}

/// The meter's channels: imported energy, and exported energy where `export` says yes.
fn channels(line: &Line) -> Result<Vec<NewChannel>, Trouble> {
    let kind = match line.get("kind") {
        None | Some("register") => ChannelKind::Register,
        Some("interval") => ChannelKind::Interval,
        Some(other) => {
            let message = format!("`{other}` is not a kind of channel");
            let fix = "write register or interval";
            return Err(Trouble::Wrong(Wrong::new("kind", message, fix)));
        }
    };
    let export = match line.get("export").map(str::to_lowercase).as_deref() {
        None | Some("no" | "0" | "false") => false,
        Some("yes" | "1" | "true") => true,
        Some(other) => {
            let message = format!("`{other}` is neither yes nor no");
            return Err(Trouble::Wrong(Wrong::new("export", message, "write yes or no")));
        }
    };
    let digits = number(line, "register_digits", 3, 12)?;
    let import = NewChannel {
        kind,
        interval_seconds: number(line, "interval_seconds", 1, 86_400)?,
        register_digits: digits.and_then(|digits| u8::try_from(digits).ok()),
        ..NewChannel::import()
    };
    let mut channels = vec![import.clone()];
    if export {
        let name = "export".to_owned();
        channels.push(NewChannel { name, direction: Direction::Export, ..import });
    }
    Ok(channels)
}

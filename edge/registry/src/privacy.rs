//! What each column says about a person, read from the migrations, where it stands beside the column.

use crate::migrations::MIGRATIONS;

/// Who may see a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Anyone in the organisation.
    Public,
    /// It says something about a person: part of that person's export and erasure.
    Personal,
    /// It never leaves the server.
    Secret,
}

/// A column and its privacy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnPrivacy {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What it says of a person.
    pub privacy: Privacy,
}

/// Every column that says what it is.
pub fn columns() -> Vec<ColumnPrivacy> {
    let mut found = Vec::new();
    for migration in MIGRATIONS {
        let mut table = None;
        for line in migration.lines() {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                table = rest.split_whitespace().next().map(str::to_owned);
                continue;
            }
            if let Some(rest) = line.strip_prefix("ALTER TABLE ") {
                let mut words = rest.split_whitespace();
                let altered = words.next().map(str::to_owned);
                let column = words.skip_while(|word| *word != "COLUMN").nth(1);
                found.extend(column_of(altered.as_deref(), column, line));
                continue;
            }
            if line.starts_with(')') {
                table = None;
            } else if line.starts_with("  ") {
                found.extend(column_of(table.as_deref(), line.split_whitespace().next(), line));
            }
        }
    }
    found
}

fn column_of(table: Option<&str>, column: Option<&str>, line: &str) -> Option<ColumnPrivacy> {
    let (_, comment) = line.split_once("-- ")?;
    let word = comment.split([':', ' ']).next()?;
    let privacy = match word {
        "public" => Privacy::Public,
        "personal" => Privacy::Personal,
        "secret" => Privacy::Secret,
        _ => return None,
    };
    Some(ColumnPrivacy { table: table?.to_owned(), column: column?.to_owned(), privacy })
}

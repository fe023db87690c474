use corrente_registry::{Registry, RegistryError, organisations, settings};

use super::town::Town;

fn sqlite(path: &std::path::Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn what_is_committed_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.db");
    let registry = Registry::open(&path).unwrap();
    registry.write_blocking(|tx| settings::set(tx, "clock", "real")).unwrap();
    drop(registry);
    let registry = Registry::open(&path).unwrap();
    let stored = registry.read_blocking(|tx| settings::get(tx, "clock")).unwrap();
    assert_eq!(stored.as_deref(), Some("real"));
}

#[test]
fn a_failed_operation_changes_nothing() {
    let town = Town::new();
    let outcome: Result<(), RegistryError> = town.registry.write_blocking(|tx| {
        settings::set(tx, "half", "done")?;
        Err(RegistryError::Invalid { field: "x", reason: "on purpose".to_owned() })
    });
    assert!(outcome.is_err());
    let outcome: Result<(), RegistryError> = town.registry.write_blocking(|tx| {
        settings::set(tx, "half", "done")?;
        panic!("on purpose")
    });
    assert!(matches!(outcome, Err(RegistryError::Panicked)));
    assert_eq!(town.read(|tx| settings::get(tx, "half")), None);
}

#[test]
fn a_reader_cannot_write() {
    let town = Town::new();
    let outcome = town.registry.read_blocking(|tx| settings::set(tx, "key", "value"));
    assert!(matches!(outcome, Err(RegistryError::Database(_))), "{outcome:?}");
}

#[tokio::test]
async fn many_writers_take_turns() {
    let town = Town::new();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let registry = town.registry.clone();
        tasks.spawn(async move {
            registry
                .write(|tx| {
                    let count: u32 =
                        settings::get(tx, "count")?.map_or(0, |text| text.parse().unwrap());
                    settings::set(tx, "count", &(count + 1).to_string())
                })
                .await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let count = town.registry.read(|tx| settings::get(tx, "count")).await.unwrap();
    assert_eq!(count.as_deref(), Some("50"));
}

#[test]
fn two_processes_share_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.db");
    let (server, tool) = (Registry::open(&path).unwrap(), Registry::open(&path).unwrap());
    tool.write_blocking(|tx| settings::set(tx, "from", "tool")).unwrap();
    let seen = server.read_blocking(|tx| settings::get(tx, "from")).unwrap();
    assert_eq!(seen.as_deref(), Some("tool"));
}

#[test]
fn a_newer_or_foreign_file_is_refused_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let newer = directory.path().join("newer.db");
    drop(Registry::open(&newer).unwrap());
    sqlite(&newer, "PRAGMA user_version = 99");
    let foreign = directory.path().join("foreign.db");
    sqlite(&foreign, "CREATE TABLE recipe (name TEXT)");
    let text = directory.path().join("text.db");
    std::fs::write(&text, "this is a letter, and long enough to have a header ".repeat(40))
        .unwrap();
    let nowhere = directory.path().join("no/such/folder/registry.db");
    for (path, words) in [
        (&newer, "schema 99, this one knows "),
        (&foreign, "is not a registry of corrente: choose another data directory"),
        (&text, "is not a registry of corrente"),
        (&nowhere, "check that the directory exists"),
    ] {
        let message = Registry::open(path).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
    let message = Registry::open(&newer).unwrap_err().to_string();
    assert!(message.contains("start that version, or restore a backup"), "{message}");
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("this is a letter"));
}

#[test]
fn half_a_registry_is_refused_and_left_as_it_is() {
    for sql in [
        "DROP TABLE outbox",
        "ALTER TABLE meter DROP COLUMN gateway",
        "ALTER TABLE tariff RENAME TO tariff_old",
        // Written by something that stopped between the tables and their version, or in a step.
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 12",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("registry.db");
        drop(Registry::open(&path).unwrap());
        sqlite(&path, &format!("PRAGMA foreign_keys = off; {sql}"));
        let before = std::fs::read(&path).unwrap();
        let message = Registry::open(&path).unwrap_err().to_string();
        assert!(message.contains("is incomplete (schema "), "{sql}: {message}");
        assert!(message.ends_with("restore it from a backup"), "{message}");
        assert!(!message.contains('\n'), "{message}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "nothing was changed");
    }
}

#[test]
fn a_damaged_registry_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.db");
    drop(Registry::open(&path).unwrap());
    std::fs::File::options().write(true).open(&path).unwrap().set_len(30_000).unwrap();
    let message = Registry::open(&path).unwrap_err().to_string();
    assert!(message.contains("is damaged"), "{message}");
    assert!(message.ends_with("restore it from a backup"), "{message}");
}

#[test]
fn a_registry_that_another_program_locks_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.db");
    drop(Registry::open(&path).unwrap());
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let message = Registry::open(&path).unwrap_err().to_string();
    assert!(message.contains("is locked by another program: close that one first"), "{message}");
    drop(other);
    Registry::open(&path).unwrap();
}

#[tokio::test]
async fn a_backup_is_a_registry() {
    let town = Town::new();
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.db");
    town.registry.backup(copy.clone()).await.unwrap();
    let copy = Registry::open(copy).unwrap();
    let found = copy.read(organisations::list).await.unwrap();
    assert_eq!(found[0].name, "Vila Corrente");
}

#[test]
fn a_wrong_zone_is_refused_before_a_bill_needs_it() {
    let town = Town::new();
    let error = town
        .registry
        .write_blocking(|tx| {
            let new = organisations::NewOrganisation::named("X", "Feira/Santana");
            organisations::insert(tx, &new, super::town::NOW)
        })
        .unwrap_err();
    assert!(error.to_string().contains("America/Bahia"), "{error}");
}

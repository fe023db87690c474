//! `doctor` on directories in which something is wrong: the sentence that it says of each.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::{Town, refused, run, text};

/// Writes the schema's number into an SQLite file, where it stands at byte 60.
fn schema(file: &Path, number: u32) {
    let file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(&number.to_be_bytes(), 60).unwrap();
}

/// A new data directory that a server has left in good order.
fn sound() -> Town {
    let mut town = Town::start(&[]);
    town.stop();
    // The ledger was written into its file when the server ended. What may still stand beside it says the
    // same again, and would be read instead of what a test spoils.
    for beside in ["ledger.db-wal", "ledger.db-shm"] {
        match fs::remove_file(Path::new(&town.data()).join(beside)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            Ok(()) | Err(_) => {}
        }
    }
    town
}

/// What it says of a directory that is wrong in one way.
fn said_of(data: &Path, more: &[&str]) -> String {
    let mut arguments = vec!["doctor", "--data", data.to_str().unwrap()];
    if !more.contains(&"--listen") {
        arguments.extend(["--listen", "127.0.0.1:0"]);
    }
    arguments.extend(more);
    let output = run(&arguments);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let bad: Vec<&str> = said.lines().filter(|line| line.starts_with("BAD")).collect();
    bad.join("\n")
}

#[test]
fn a_broken_directory_is_told_in_a_sentence() {
    type Break = fn(&Path);
    let table: [(Break, &str); 8] = [
        (|data| fs::remove_file(data.join("ledger.db")).unwrap(), "there is no ledger.db in"),
        (
            |data| fs::remove_file(data.join("registry.db")).unwrap(),
            "no data directory of Corrente",
        ),
        (
            |data| fs::write(data.join("registry.db"), "a letter, ".repeat(90)).unwrap(),
            "is not a registry of corrente: choose another",
        ),
        (
            |data| fs::write(data.join("ledger.db"), "a letter, ".repeat(90)).unwrap(),
            "is not a database: choose another data directory",
        ),
        (
            |data| schema(&data.join("registry.db"), 999),
            "registry.db was written by a newer version",
        ),
        (
            |data| schema(&data.join("ledger.db"), 999),
            "was written by a newer Corrente (schema 999",
        ),
        (
            |data| {
                let file = fs::OpenOptions::new().write(true).open(data.join("ledger.db")).unwrap();
                // The second page and what follows it.
                file.write_all_at(&[0xa5; 16_384], 8_192).unwrap();
            },
            "is damaged (",
        ),
        (
            |data| {
                fs::remove_dir_all(data).unwrap();
                fs::write(data, "").unwrap();
            },
            "is no directory: `corrente serve --data` makes one",
        ),
    ];
    for (spoil, sentence) in table {
        let town = sound();
        let data = PathBuf::from(town.data());
        spoil(&data);
        let said = said_of(&data, &[]);
        assert!(said.contains(sentence), "{sentence:?} is not in\n{said}");
    }
}

#[test]
fn what_is_about_the_machine_and_the_settings_is_told_too() {
    let town = sound();
    let data = PathBuf::from(town.data());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = said_of(&data, &["--listen", &address]);
    assert!(said.contains("stop the program that has it"), "{said}");

    let written = |name: &str, text: &str| {
        let path = town.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let config = written("unknown.toml", "[server]\nlissten = \"127.0.0.1:1\"\n");
    let said = said_of(&data, &["--config", &config]);
    assert!(said.contains("line 2: unknown key `lissten`: did you mean `listen`"), "{said}");

    let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (wanted.not_before, wanted.not_after) =
        (rcgen::date_time_ymd(2024, 1, 1), rcgen::date_time_ymd(2025, 1, 1));
    let (key, other) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let chain = written("chain.pem", &wanted.self_signed(&key).unwrap().pem());
    for (key, sentence) in [
        (&key, "the certificate ended at 2025-01-01T00:00:00Z: renew it"),
        (&other, "cannot be used with the certificate"),
    ] {
        let key = written("key.pem", &key.serialize_pem());
        let config = format!("[tls]\ncert = \"{chain}\"\nkey = \"{key}\"\n");
        let said = said_of(&data, &["--config", &written("tls.toml", &config)]);
        assert!(said.contains(sentence), "{said}");
    }

    fs::set_permissions(&data, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(data.join("probe"), "").is_err() {
        let said = said_of(&data, &[]);
        assert!(said.contains("cannot be written"), "{said}");
    } else {
        println!("skipped: this user writes everywhere");
    }
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
}

/// An older schema is brought to the newest one by a server alone, or by a command while there is none.
#[test]
fn nobody_changes_the_schema_under_a_running_server() {
    let mut town = Town::start(&[]);
    let (data, registry) = (town.data(), Path::new(&town.data()).join("registry.db"));
    town.stop();
    let newest = number(&registry);
    // A server that is still of an older version: its lock, and its schema.
    schema(&registry, 1);
    let lock = fs::File::open(Path::new(&data).join("lock")).unwrap();
    lock.lock().unwrap();
    let said = refused(&["admin", "token", "create", "--data", &data]);
    assert!(said.contains("a server of an older version is using this directory"), "{said}");
    let said = said_of(Path::new(&data), &[]);
    assert!(said.contains("a server of an older version is running"), "{said}");
    let copy = town.path("copy");
    let copied = run(&["admin", "backup", "--data", &data, "--to", copy.to_str().unwrap()]);
    assert!(copied.status.success(), "a backup before the upgrade: {}", text(&copied.stderr));
    assert_eq!((number(&registry), number(&copy.join("registry.db"))), (1, 1), "nothing changed");
    drop(lock);
    let output = run(&["doctor", "--data", &data, "--listen", "127.0.0.1:0"]);
    let said = text(&output.stdout);
    assert!(said.contains("note") && said.contains("schema of an older version"), "{said}");
    assert_eq!(number(&registry), 1, "a look changes nothing");
    assert!(newest > 1);
}

/// The number of the schema.
fn number(file: &Path) -> u32 {
    let mut bytes = [0; 4];
    fs::File::open(file).unwrap().read_exact_at(&mut bytes, 60).unwrap();
    u32::from_be_bytes(bytes)
}

//! `serve`: what it says when it cannot, and how it ends.

use std::{fs, io::Read, net::TcpListener, os::unix::fs::PermissionsExt};

use crate::{Town, command, printed, refused, run, text};

#[test]
fn a_busy_port_is_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = dir.path().join("data");
    let said = refused(&["serve", "--data", data.to_str().unwrap(), "--listen", &address]);
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
}

#[test]
fn a_directory_that_cannot_be_written_is_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let inside = file.join("data");
    let said = refused(&["serve", "--data", inside.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert!(said.contains("data directory") && said.contains("--data"), "{said}");
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(closed.join("probe"), "").is_err() {
        let said = refused(&["serve", "--data", closed.to_str().unwrap()]);
        assert!(said.contains("cannot be written"), "{said}");
    } else {
        println!("skipped: this user writes everywhere");
    }
}

#[test]
fn a_wrong_configuration_names_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("corrente.toml");
    for (written, said) in [
        ("[server]\nlisen = \"127.0.0.1:0\"\n", "did you mean `listen`"),
        ("[server]\nlisten = 5\n", "line 2"),
        ("[clock]\nsimulate = \"tomorrow\"\n", "START@FACTOR"),
        ("[log]\nlevel = \"=loud=\"\n", "log.level"),
        ("not toml", "line 1"),
    ] {
        let data = dir.path().join("data");
        fs::write(&config, format!("{written}\n")).unwrap();
        let answer = refused(&[
            "serve",
            "--config",
            config.to_str().unwrap(),
            "--data",
            data.to_str().unwrap(),
        ]);
        assert!(answer.contains(said), "{written}: {answer}");
        assert!(!data.exists(), "nothing is made from a wrong configuration");
    }
    let missing = dir.path().join("none.toml");
    let answer = refused(&["serve", "--config", missing.to_str().unwrap()]);
    assert!(answer.contains("none.toml"), "{answer}");
    let output =
        command(&["serve", "--data", "x"]).env("CORRENTE_LIMITS_CONECTIONS", "1").output().unwrap();
    let answer = text(&output.stderr);
    assert!(answer.contains("did you mean `CORRENTE_LIMITS_CONNECTIONS`"), "{answer}");
}

#[test]
fn two_servers_do_not_share_a_directory() {
    let town = Town::start(&[]);
    let said = refused(&["serve", "--data", &town.data(), "--listen", "127.0.0.1:0"]);
    assert!(said.contains("is using this data directory"), "{said}");
    assert!(said.contains(&format!("process {}", town.server.as_ref().unwrap().pid())), "{said}");
}

#[test]
fn it_ends_in_good_order_and_starts_again() {
    let mut town = Town::start(&["--lab"]);
    printed(&["health", "--connect", &town.address()]);
    printed(&["health", "--ready", "--connect", &town.address()]);
    town.stop();
    assert!(!run(&["health", "--connect", &town.listen]).status.success());
    town.serve(&["--lab"]);
    printed(&["health", "--connect", &town.address()]);
    let said =
        refused(&["serve", "--data", &town.data(), "--simulate-clock", "2026-01-01T00:00:00Z@5"]);
    assert!(said.contains("is using this data directory"), "{said}");
    town.stop();
    let said =
        refused(&["serve", "--data", &town.data(), "--simulate-clock", "2026-01-01T00:00:00Z@5"]);
    assert!(said.contains("real time and cannot go on in simulated time"), "{said}");
}

#[test]
fn the_example_configuration_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("corrente.toml");
    fs::write(&config, printed(&["serve", "--print-config"])).unwrap();
    let mut child = command(&[
        "serve",
        "--config",
        config.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--data",
        dir.path().join("data").to_str().unwrap(),
    ])
    .stdout(std::process::Stdio::piped())
    .spawn()
    .unwrap();
    let mut line = [0_u8; 12];
    child.stdout.take().unwrap().read_exact(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(&line, b"listening on");
}

#[test]
fn an_administrator_works_beside_the_server() {
    let town = Town::start(&[]);
    assert!(town.token(&["--label", "line 3", "--uses", "2", "--expires", "7d"]).len() > 20);
    let listed = printed(&["admin", "token", "list", "--data", &town.data()]);
    assert!(listed.contains(",line 3,2,"), "{listed}");
    let data = town.data();
    let said = refused(&["admin", "token", "create", "--data", &data, "--usage-point", "Rua 9"]);
    assert!(said.contains("no usage point named `Rua 9`"), "{said}");
    let nowhere = town.path("nowhere");
    let said = refused(&["admin", "token", "create", "--data", nowhere.to_str().unwrap()]);
    assert!(said.contains("no data directory of Corrente there"), "{said}");
}

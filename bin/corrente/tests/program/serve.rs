//! `serve`: what it says when it cannot, and how it ends.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
};

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

#[tokio::test]
async fn the_first_administrator_comes_by_a_link_that_works_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let start = || {
        let mut child = command(&["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.next().unwrap().unwrap().replace("listening on ", "");
        (Ends(child), url, lines)
    };
    let (child, url, mut lines) = start();
    let said = lines.next().unwrap().unwrap();
    let (_, link) = said.split_once(": ").unwrap();
    assert!(link.starts_with(&format!("{url}/claim/code_")), "{said}");
    let http = reqwest::Client::new();
    let options = |url: String| {
        let http = http.clone();
        async move {
            let answer = http.get(format!("{url}/api/v1/options")).send().await.unwrap();
            answer.json::<serde_json::Value>().await.unwrap()
        }
    };
    assert_eq!(options(url.clone()).await["first_steps"], true);
    assert!(http.get(link).send().await.unwrap().status().is_success(), "the page is there");
    let claim = |password: &'static str| {
        let code = link.rsplit('/').next().unwrap();
        let body = serde_json::json!({"code": code, "password": password});
        http.post(format!("{url}/api/v1/claim")).json(&body).send()
    };
    let answer = claim("quatro palavras ao acaso").await.unwrap();
    assert_eq!(answer.status(), 200);
    let me: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(me["user"]["role"], "admin", "{me}");
    let again: serde_json::Value =
        claim("somebody else's words").await.unwrap().json().await.unwrap();
    assert_eq!(again["code"], "invalid_code", "it works once: {again}");
    assert_eq!(options(url.clone()).await["first_steps"], false);
    drop(child);
    // A server that has an administrator prints no link.
    let (child, _, lines) = start();
    let asked = std::process::Command::new("kill").arg(child.0.id().to_string()).status().unwrap();
    assert!(asked.success());
    let more: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(more.is_empty(), "{more:?}");
}

/// A process that ends with the test.
struct Ends(std::process::Child);

impl Drop for Ends {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            drop(self.0.wait());
        }
    }
}

//! People, tokens and single things of a town on the command line, beside a running server.

use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use corrente_testkit::Server;
use serde_json::{Value, json};

use crate::{Town, command, printed, refused, text};

/// Runs a command with this on its standard input.
fn given(arguments: &[&str], input: &str) -> Output {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Asks the server as the holder of a cookie.
async fn ask(url: &str, path: &str, cookie: &str) -> (u16, Value) {
    let request = reqwest::Client::new().get(format!("{url}/api/v1{path}"));
    let answer = request.header("cookie", cookie).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Signs in and gives the cookie.
async fn sign_in(url: &str, path: &str, body: Value) -> Option<String> {
    let request = reqwest::Client::new().post(format!("{url}/api/v1{path}")).json(&body);
    let answer = request.send().await.unwrap();
    if !answer.status().is_success() {
        return None;
    }
    let cookie = answer.headers().get("set-cookie").unwrap().to_str().unwrap();
    cookie.split(';').next().map(str::to_owned)
}

#[tokio::test]
async fn a_password_set_by_an_administrator_ends_sessions_and_is_written_down() {
    let town = Town::start(&[]);
    let (data, url) = (town.data(), town.server.as_ref().map(Server::url).unwrap());
    let create = ["admin", "user", "create", "--data", &data, "--name", "Ana", "--role", "admin"];
    let code = printed(&[&create[..], &["--email", "ana@x.example"]].concat());
    let claim = json!({"code": code.trim(), "password": "quatro palavras ao acaso"});
    let cookie = sign_in(url, "/claim", claim).await.unwrap();
    assert_eq!(ask(url, "/me", &cookie).await.0, 200);

    let set = ["admin", "user", "password", "--data", &data, "ana@x.example"];
    let short = given(&set, "short\n");
    assert!(text(&short.stderr).contains("at least 10 characters"), "{}", text(&short.stderr));
    assert_eq!(ask(url, "/me", &cookie).await.0, 200);
    assert!(given(&set, "outras quatro palavras\n").status.success());
    assert_eq!(ask(url, "/me", &cookie).await.0, 401, "who knew the old password is out");

    let credentials = json!({"email": "ana@x.example", "password": "outras quatro palavras"});
    let cookie = sign_in(url, "/session", credentials.clone()).await.unwrap();
    let (_, log) = ask(url, "/admin/audit", &cookie).await;
    let written = log["entries"].as_array().unwrap();
    let line = written.iter().find(|line| line["action"] == "user.password").unwrap();
    assert_eq!(line["actor"], "command line");
    assert!(!log.to_string().contains("argon2"), "no hash is written down");

    printed(&["admin", "user", "disable", "--data", &data, "ana@x.example"]);
    assert_eq!(ask(url, "/me", &cookie).await.0, 401);
    assert!(sign_in(url, "/session", credentials.clone()).await.is_none());
    printed(&["admin", "user", "enable", "--data", &data, "ana@x.example"]);
    assert!(sign_in(url, "/session", credentials).await.is_some());
}

#[test]
fn a_home_is_made_by_hand() {
    let town = Town::start(&[]);
    let data = town.data();
    let data = data.as_str();
    let customer =
        ["admin", "customer", "create", "--data", data, "--number", "7", "--name", "Ana"];
    printed(&customer);
    let said = refused(&customer);
    assert!(said.contains("there is already a row with this number of a customer"), "{said}");
    let point = ["admin", "usage-point", "create", "--data", data, "--name", "Rua A, 1"];
    let said = refused(&[&point[..], &["--customer", "8"]].concat());
    assert!(
        said.contains("no customer with number `8`: `corrente admin customer create`"),
        "{said}"
    );
    let said = refused(&[&point[..], &["--zone", "Feira"]].concat());
    assert!(said.contains("America/Bahia"), "{said}");
    printed(&[&point[..], &["--customer", "7", "--class", "commercial", "--phases", "3"]].concat());
    let listed = printed(&["admin", "usage-point", "list", "--data", data]);
    assert!(listed.contains("Rua A, 1,commercial,3,America/Bahia"), "{listed}");
    assert!(printed(&["admin", "customer", "list", "--data", data]).contains("7,Ana,"));
    let meter = ["admin", "meter", "create", "--data", data, "--serial", "M-1", "--usage-point"];
    let said = refused(&[&meter[..], &["Rua B"]].concat());
    assert!(said.contains("`corrente admin usage-point create` makes one"), "{said}");
    let secret = printed(&[&meter[..], &["Rua A, 1"]].concat());
    let state = town.path("meter.state");
    let mut arguments = vec!["meter", "--plain", "--serial", "M-1", "--secret", secret.trim()];
    let address = town.address();
    arguments.extend(["--connect", &address, "--state", state.to_str().unwrap()]);
    let output = given(&arguments, "4\n");
    assert!(text(&output.stdout).contains("Everything is acknowledged"));
}

#[test]
fn a_revoked_token_lets_nobody_in() {
    let town = Town::start(&[]);
    let (data, token) = (town.data(), town.token(&["--label", "line 3"]));
    let listed = printed(&["admin", "token", "list", "--data", &data]);
    let id = listed.lines().last().unwrap().rsplit(',').next().unwrap();
    let revoke = ["admin", "token", "revoke", "--data", &data, id];
    printed(&revoke);
    assert!(refused(&revoke).contains("there is no enrolment token"));
    assert!(printed(&["admin", "token", "list", "--data", &data]).contains(",revoked,"));
    let (address, state) = (town.address(), town.path("meter.state"));
    let mut arguments = vec!["meter", "--plain", "--serial", "M-1", "--token", &token];
    arguments.extend(["--connect", &address, "--state", state.to_str().unwrap()]);
    let output = given(&arguments, "4\n");
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!said.contains("Everything is acknowledged"), "{said}");
}

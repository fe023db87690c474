//! A bare machine, as a small image is one: no certificates of its own, few open files.

use std::{fs, io::Read as _, net::TcpStream, process::Command};

use corrente_testkit::Server;

use crate::{binary, printed};

/// Runs what follows with nothing in `/etc/ssl`, as root of its own namespaces.
const WITHOUT_CERTIFICATES: &str = "mount -t tmpfs none /etc/ssl && exec \"$@\"";

#[test]
fn a_machine_without_certificates_serves() {
    let unshare = ["--map-root-user", "--mount"];
    let trial = ["sh", "-c", WITHOUT_CERTIFICATES, "sh", "true"];
    let tried = Command::new("unshare").args(unshare).args(trial).output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        println!("SKIPPED: this machine lets nobody take /etc/ssl away for a moment");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let program = binary().to_str().unwrap();
    let data = dir.path().join("data");
    let mut arguments = unshare.to_vec();
    // What points elsewhere is taken away too.
    arguments.extend(["env", "--unset=SSL_CERT_FILE", "--unset=SSL_CERT_DIR"]);
    arguments.extend(["sh", "-c", WITHOUT_CERTIFICATES, "sh", program, "serve"]);
    arguments.extend(["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    let server = Server::start("unshare".as_ref(), arguments).unwrap();
    printed(&["health", "--ready", "--connect", &server.address().unwrap().to_string()]);
    assert!(server.terminate().unwrap().success());
}

#[test]
fn few_open_files_leave_room_for_the_server_itself() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    // The soft limit is no obstacle; the hard one is, and then connections are what gives way.
    let limited = "ulimit -Sn 64 && ulimit -Hn 300 && exec \"$@\"";
    let arguments = [
        "-c",
        limited,
        "sh",
        binary().to_str().unwrap(),
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
    ];
    let server = Server::start("sh".as_ref(), arguments).unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let open = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(open.split_whitespace().nth(3), Some("300"), "{open}");
    let address = server.address().unwrap();
    // More than there is room for: those are told, and the server still answers afterwards.
    let crowd: Vec<TcpStream> = (0..320).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut told = String::new();
    let mut last = crowd.last().unwrap();
    last.read_to_string(&mut told).unwrap();
    assert!(told.contains("too many connections"), "{told}");
    drop(crowd);
    printed(&["health", "--ready", "--wait", "10", "--connect", &address.to_string()]);
}

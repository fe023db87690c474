//! A meter over TLS, on the same port.

use std::fs;

use crate::{Town, command, text};

#[test]
fn a_meter_reports_over_tls_to_a_certificate_that_it_trusts() {
    let dir = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&cert, own.cert.pem()).unwrap();
    fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    // The harness waits for an http:// address and gives what follows: https works alike.
    let town = Town::start(&["--tls-cert", cert, "--tls-key", key]);
    let token = town.token(&[]);
    let port = town.address().rsplit_once(':').unwrap().1.to_owned();
    let address = format!("localhost:{port}");
    let (menu, state) = (dir.path().join("menu"), town.path("meter.state"));
    fs::write(&menu, "4\n").unwrap();
    let meter = |serial: &str, more: &[&str]| {
        let state = state.with_extension(serial);
        let mut arguments = vec![
            "meter",
            "--plain",
            "--connect",
            &address,
            "--token",
            &token,
            "--serial",
            serial,
            "--state",
            state.to_str().unwrap(),
        ];
        arguments.extend(more);
        let output = command(&arguments).stdin(fs::File::open(&menu).unwrap()).output().unwrap();
        text(&output.stdout)
    };
    let said = meter("T-1", &["--tls-ca", cert]);
    assert!(said.contains("Everything is acknowledged"), "{said}");
    // Another certificate is not trusted: the reading waits.
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let untrusted = dir.path().join("other.pem");
    fs::write(&untrusted, other.cert.pem()).unwrap();
    let said = meter("T-2", &["--tls-ca", untrusted.to_str().unwrap()]);
    assert!(said.contains("1 readings wait"), "{said}");
}

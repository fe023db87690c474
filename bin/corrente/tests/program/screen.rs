//! `corrente meter` on a real terminal, which tmux plays.

use std::process::Command;

use crate::{Town, binary, piped::wait_until};

/// A terminal of 80 columns and 24 lines, with one program in it. Both end with the test.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn start(name: &str, program: &[&str]) -> Option<Self> {
        let terminal = Self { socket: format!("corrente-{name}-{}", std::process::id()) };
        // It stays when the program ends, so that its last words can be read.
        let shell = ["sh", "-c", "\"$0\" \"$@\"; echo \"ended with $?\"; exec cat"];
        let open = ["new-session", "-d", "-x", "80", "-y", "24"];
        let started = terminal.tmux().args(open).args(shell).args(program).status();
        started.is_ok_and(|status| status.success()).then_some(terminal)
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        // Without anybody's own settings.
        tmux.args(["-u", "-f", "/dev/null", "-L", &self.socket]);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CORRENTE_")) {
            tmux.env_remove(name);
        }
        tmux
    }

    fn type_keys(&self, keys: &[&str]) {
        assert!(self.tmux().arg("send-keys").args(keys).status().unwrap().success());
    }

    fn picture(&self) -> String {
        let shown = self.tmux().args(["capture-pane", "-p"]).output().unwrap();
        String::from_utf8(shown.stdout).unwrap()
    }

    /// Waits until all of these stand on the screen at once.
    fn wait_for(&self, wanted: &[&str]) {
        let stands = || {
            let picture = self.picture();
            wanted.iter().all(|text| picture.contains(text))
        };
        wait_until(&format!("{wanted:?} on the screen"), stands);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The server of this socket is the test's own; it may have ended by itself.
        drop(self.tmux().arg("kill-server").output());
    }
}

#[test]
fn the_screen_shows_the_meter_and_takes_keys() {
    if !Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: no tmux on this machine, the meter's screen was not tried");
        return;
    }
    let mut town = Town::start(&[]);
    let (address, token, state) = (town.address(), town.token(&[]), town.path("screen.state"));
    let program = [
        binary().to_str().unwrap(),
        "meter",
        "--connect",
        &address,
        "--token",
        &token,
        "--serial",
        "T-1",
        "--state",
        state.to_str().unwrap(),
        "--rate",
        "0.5",
        "--interval",
        "1",
    ];
    let terminal = Terminal::start("screen", &program).expect("tmux starts");
    terminal.wait_for(&[
        "Corrente meter T-1",
        "Register",
        "0.5 kWh per second",
        "connected, a reading every 1 s",
        "4 - Leave the program",
        "Option:",
    ]);
    terminal.wait_for(&["up to #2"]);
    terminal.type_keys(&["1"]);
    terminal.wait_for(&["Increase by how many kWh:", "Esc goes back"]);
    terminal.type_keys(&["many", "Enter"]);
    terminal.wait_for(&["for example 0.5"]);
    terminal.type_keys(&["0.25", "Enter"]);
    terminal.wait_for(&["Consumption rate: 0.75 kWh per second", "2700.0 kW"]);
    terminal.type_keys(&["2"]);
    terminal.type_keys(&["9", "Enter"]);
    terminal.wait_for(&["Consumption rate: 0 kWh per second"]);
    // Without its server it says so, and goes on.
    town.kill();
    terminal.wait_for(&["no connection, again in"]);
    town.serve(&[]);
    terminal.wait_for(&["connected, a reading every 1 s", "none waiting"]);
    terminal.type_keys(&["4"]);
    terminal.wait_for(&["Meter T-1 off. Everything is acknowledged", "ended with 0"]);
}

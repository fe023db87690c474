//! Mosquitto, where it is installed.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Server, load::Spoken};
use crate::Failure;

/// Debian puts it where only an administrator's path looks.
const PLACES: [&str; 2] = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"];
const START: Duration = Duration::from_secs(10);

/// Starts a broker of one's own; nothing when there is none to start.
pub(super) fn mosquitto(folder: &Path) -> Result<Option<Server>, Failure> {
    let Some(program) = PLACES.into_iter().find(|place| Path::new(place).exists()) else {
        return Ok(None);
    };
    // A port that is free now; the broker cannot choose one by itself.
    let address: SocketAddr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let settings = folder.join("mosquitto.conf");
    let port = address.port();
    fs::write(
        &settings,
        format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nmax_connections -1\nset_tcp_nodelay true\nlog_type none\n"
        ),
    )?;
    let process = Command::new(program)
        .arg("-c")
        .arg(&settings)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let server = Server { process, address, spoken: Spoken::Mqtt };
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > START {
            return Err("mosquitto does not listen".into());
        }
        std::thread::yield_now();
    }
    Ok(Some(server))
}

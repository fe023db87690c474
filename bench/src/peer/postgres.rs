//! PostgreSQL with a row per reading, where it is installed. Spoken to through psql.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{
    Asker, Loaded, Pace, Peer, Program, Question,
    load::{self, decimal},
    program::{free_address, said},
};
use crate::{
    Failure, cpu,
    workload::{Sample, Workload},
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS reading (meter int NOT NULL, time bigint NOT NULL, \
                     wh bigint NOT NULL, PRIMARY KEY (meter, time));";
/// A row for each reading, without those that are there: what the peer has no word for is done by the
/// key.
const STAGE: &str = "CREATE TEMPORARY TABLE stage (meter int, time bigint, wh bigint) ON COMMIT \
                     DELETE ROWS;";
const DONE: &str = "bench-done";

/// A cluster of one's own.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    program: Option<Program>,
}

impl Postgres {
    /// Nothing when it is not installed.
    pub(crate) fn find(folder: &Path) -> Option<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let mut places: Vec<PathBuf> = versions
            .flatten()
            .map(|version| version.path().join("bin"))
            .filter(|place| place.join("initdb").exists())
            .collect();
        places.sort();
        Some(Self { programs: places.pop()?, folder: folder.join("postgres"), program: None })
    }

    fn make(&self, parent: &Path) -> Result<(), Failure> {
        fs::create_dir_all(&self.folder)?;
        if is_root()? {
            // Its user has to get there.
            fs::set_permissions(parent, fs::Permissions::from_mode(0o755))?;
            Command::new("chown").arg("postgres").arg(&self.folder).status()?;
        }
        let mut command = self.command("initdb", None)?;
        command.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "bench", "-D"]);
        let made = command.arg(&self.folder).stdout(Stdio::null()).status()?;
        if made.success() { Ok(()) } else { Err("initdb failed".into()) }
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, name: &str, processors: Option<&str>) -> Result<Command, Failure> {
        let program = self.programs.join(name);
        if !is_root()? {
            return Ok(cpu::command(&program.to_string_lossy(), processors));
        }
        let mut command = cpu::command("setpriv", processors);
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(program)
            .current_dir("/");
        Ok(command)
    }

    fn psql(&self) -> Result<Psql, Failure> {
        Psql::start(self.program()?.address)
    }
}

fn is_root() -> Result<bool, Failure> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

impl Peer for Postgres {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn title(&self) -> String {
        let said = said(&self.programs.join("postgres").to_string_lossy(), &["--version"]);
        format!("PostgreSQL {} rows", said.split_whitespace().nth(2).unwrap_or_default())
    }

    fn start(&mut self, processors: Option<&str>) -> Result<(), Failure> {
        if !self.folder.exists() {
            let parent = self.folder.parent().unwrap_or(Path::new("/")).to_owned();
            self.make(&parent)?;
        }
        let address = free_address()?;
        let mut command = self.command("postgres", processors)?;
        command.arg("-D").arg(&self.folder);
        for setting in [
            format!("port={}", address.port()),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "shared_buffers=1GB".to_owned(),
            "max_wal_size=8GB".to_owned(),
            "fsync=on".to_owned(),
            "synchronous_commit=on".to_owned(),
        ] {
            command.args(["-c", &setting]);
        }
        self.program = Some(Program::start(&mut command, address)?);
        // It takes connections before it takes questions.
        let begun = std::time::Instant::now();
        loop {
            match self.psql().and_then(|mut psql| psql.run(TABLE)) {
                Ok(_) => return Ok(()),
                Err(error) if begun.elapsed().as_secs() > 60 => return Err(error),
                Err(_) => std::thread::sleep(std::time::Duration::from_millis(100)),
            }
        }
    }

    fn program(&self) -> Result<&Program, Failure> {
        self.program.as_ref().ok_or_else(|| "PostgreSQL does not run".into())
    }

    fn kill(&mut self) -> Result<(), Failure> {
        self.program.take().map_or(Ok(()), Program::kill)
    }

    fn stop(&mut self) -> Result<(), Failure> {
        self.program.take().map_or(Ok(()), |program| program.stop("-INT"))
    }

    fn load(
        &self,
        workload: &mut Workload,
        quarters: u32,
        pace: &Pace<'_>,
    ) -> Result<Loaded, Failure> {
        load::batches(workload, quarters, pace, rows, || {
            let mut psql = self.psql()?;
            psql.run(STAGE)?;
            Ok(Box::new(move |body: &[u8]| psql.send(body).map(|_| ())))
        })
    }

    fn settle(&mut self) -> Result<(), Failure> {
        self.psql()?.run("CHECKPOINT;")?;
        self.psql()?.run("VACUUM reading;").map(|_| ())
    }

    fn size(&self) -> Result<u64, Failure> {
        // The table and its key; what the log keeps is no part of the readings.
        let answer = self.psql()?.run("SELECT pg_total_relation_size('reading');")?;
        Ok(answer.first().and_then(|line| line.parse().ok()).unwrap_or_default())
    }

    fn count(&self) -> Result<u64, Failure> {
        let answer = self.psql()?.run("SELECT count(*) FROM reading;")?;
        Ok(answer.first().and_then(|line| line.parse().ok()).unwrap_or_default())
    }

    fn forget(&mut self) -> Result<(), Failure> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    fn asker(&self) -> Result<Box<dyn Asker>, Failure> {
        Ok(Box::new(Questions(self.psql()?)))
    }
}

fn rows(samples: &[Sample], body: &mut Vec<u8>) {
    body.extend_from_slice(b"BEGIN;\nCOPY stage FROM STDIN;\n");
    for sample in samples {
        decimal(sample.meter.into(), body);
        body.push(b'\t');
        decimal(sample.time, body);
        body.push(b'\t');
        decimal(sample.wh, body);
        body.push(b'\n');
    }
    body.extend_from_slice(
        b"\\.\nINSERT INTO reading SELECT * FROM stage ORDER BY meter, time ON CONFLICT DO NOTHING;\n\
          COMMIT;\n",
    );
}

/// A session of psql.
struct Psql {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Psql {
    fn start(address: SocketAddr) -> Result<Self, Failure> {
        let mut child = Command::new("psql")
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "bench",
                "-d",
                "postgres",
            ])
            .args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().ok_or("psql has no input")?;
        let output = child.stdout.take().map(BufReader::new).ok_or("psql has no output")?;
        Ok(Self { child, input, output })
    }

    fn run(&mut self, statement: &str) -> Result<Vec<String>, Failure> {
        self.send(format!("{statement}\n").as_bytes())
    }

    fn send(&mut self, script: &[u8]) -> Result<Vec<String>, Failure> {
        self.input.write_all(script)?;
        self.input.write_all(format!("\\echo {DONE}\n").as_bytes())?;
        self.input.flush()?;
        let mut answer = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err("psql ended: a statement failed".into());
            }
            if line.trim_end() == DONE {
                return Ok(answer);
            }
            answer.push(line.trim_end().to_owned());
        }
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Questions(Psql);

impl Asker for Questions {
    fn ask(&mut self, question: Question) -> Result<usize, Failure> {
        let statement = match question {
            Question::Last { meter } => format!(
                "SELECT time, wh FROM reading WHERE meter = {meter} ORDER BY time DESC LIMIT 1;"
            ),
            Question::Range { meter, start, end } => format!(
                "SELECT time, wh FROM reading WHERE meter = {meter} AND time > {start} \
                 AND time <= {end} ORDER BY time;"
            ),
            Question::City { start, end } => format!(
                "SELECT sum(d) FROM (SELECT max(wh) - min(wh) AS d FROM reading \
                 WHERE time >= {start} AND time <= {end} GROUP BY meter) AS m;"
            ),
            Question::Everybody { start, end } => format!(
                "SELECT meter, max(wh) - min(wh) FROM reading WHERE time >= {start} \
                 AND time <= {end} GROUP BY meter;"
            ),
        };
        Ok(self.0.run(&statement)?.len())
    }
}

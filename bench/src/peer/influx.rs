//! InfluxDB 1, where it is installed.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    Asker, Loaded, Pace, Peer, Program, Question,
    load::{self, influx_lines},
    program::{find, free_address, said},
};
use crate::{Failure, cpu, http::Http, workload::Workload};

/// InfluxDB with a folder of its own.
pub(crate) struct Influx {
    place: &'static str,
    folder: PathBuf,
    program: Option<Program>,
}

impl Influx {
    /// Nothing when it is not installed.
    pub(crate) fn find(folder: &Path) -> Option<Self> {
        let place = find(&["/usr/bin/influxd"])?;
        Some(Self { place, folder: folder.join("influx"), program: None })
    }

    fn http(&self) -> Result<Http, Failure> {
        Http::connect(self.program()?.address)
    }
}

impl Peer for Influx {
    fn name(&self) -> &'static str {
        "influxdb"
    }

    fn title(&self) -> String {
        let said = said(self.place, &["version"]);
        format!("InfluxDB {}", said.split_whitespace().nth(1).unwrap_or_default())
    }

    fn start(&mut self, processors: Option<&str>) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.folder)?;
        let (address, other) = (free_address()?, free_address()?);
        let mut command = cpu::command(self.place, processors);
        command
            .args(["run", "-config", "/dev/null"])
            .env("INFLUXDB_META_DIR", self.folder.join("meta"))
            .env("INFLUXDB_DATA_DIR", self.folder.join("data"))
            .env("INFLUXDB_DATA_WAL_DIR", self.folder.join("wal"))
            .env("INFLUXDB_DATA_WAL_FSYNC_DELAY", "0s")
            .env("INFLUXDB_DATA_INDEX_VERSION", "tsi1")
            .env("INFLUXDB_DATA_MAX_VALUES_PER_TAG", "0")
            .env("INFLUXDB_DATA_MAX_SERIES_PER_DATABASE", "0")
            .env("INFLUXDB_DATA_QUERY_LOG_ENABLED", "false")
            .env("INFLUXDB_MONITOR_STORE_ENABLED", "false")
            .env("INFLUXDB_REPORTING_DISABLED", "true")
            .env("INFLUXDB_HTTP_LOG_ENABLED", "false")
            .env("INFLUXDB_HTTP_BIND_ADDRESS", address.to_string())
            .env("INFLUXDB_BIND_ADDRESS", other.to_string());
        let program = Program::start(&mut command, address)?;
        Http::connect(address)?.post("/query?q=CREATE%20DATABASE%20b", &[])?;
        self.program = Some(program);
        Ok(())
    }

    fn program(&self) -> Result<&Program, Failure> {
        self.program.as_ref().ok_or_else(|| "InfluxDB does not run".into())
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
        load::batches(workload, quarters, pace, influx_lines, || {
            let mut http = self.http()?;
            Ok(Box::new(move |body: &[u8]| http.post("/write?db=b&precision=s", body).map(|_| ())))
        })
    }

    fn settle(&mut self) -> Result<(), Failure> {
        // What is in its write-ahead log is compacted when it has been quiet for a while, or at a start.
        let process = self.program()?.id();
        let begun = Instant::now();
        let mut before = cpu::of_tree(process);
        while begun.elapsed() < Duration::from_secs(90) {
            std::thread::sleep(Duration::from_secs(5));
            let now = cpu::of_tree(process);
            if now.saturating_sub(before) < Duration::from_millis(300) {
                break;
            }
            before = now;
        }
        Ok(())
    }

    fn size(&self) -> Result<u64, Failure> {
        Ok(cpu::bytes_on_disk(&self.folder)?)
    }

    fn count(&self) -> Result<u64, Failure> {
        let answer = self.http()?.get("/query?db=b&q=SELECT%20count(v)%20FROM%20wh")?;
        let text = String::from_utf8_lossy(&answer);
        // …"values":[["1970-01-01T00:00:00Z",960000]]…
        let number = text.rsplit_once(',').map(|(_, rest)| rest.trim_start());
        let digits = number.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
        Ok(digits.and_then(|digits: String| digits.parse().ok()).unwrap_or_default())
    }

    fn forget(&mut self) -> Result<(), Failure> {
        Ok(std::fs::remove_dir_all(&self.folder)?)
    }

    fn asker(&self) -> Result<Box<dyn Asker>, Failure> {
        Ok(Box::new(Questions(self.http()?)))
    }
}

struct Questions(Http);

impl Asker for Questions {
    fn ask(&mut self, question: Question) -> Result<usize, Failure> {
        let spans = |start, end| format!("time > {start}s AND time <= {end}s");
        let query = match question {
            Question::Last { meter } => format!("SELECT last(v) FROM wh WHERE m = '{meter}'"),
            Question::Range { meter, start, end } => {
                format!("SELECT v FROM wh WHERE m = '{meter}' AND {}", spans(start, end))
            }
            Question::City { start, end } => format!(
                "SELECT sum(d) FROM (SELECT spread(v) AS d FROM wh WHERE {} GROUP BY m)",
                spans(start, end)
            ),
            Question::Everybody { start, end } => {
                format!("SELECT spread(v) FROM wh WHERE {} GROUP BY m", spans(start, end))
            }
        };
        let query = query.replace(' ', "%20").replace('\'', "%27").replace('>', "%3E");
        let query = query.replace('<', "%3C").replace('=', "%3D");
        let answer = self.0.get(&format!("/query?db=b&q={query}"))?;
        let text = String::from_utf8_lossy(&answer);
        Ok(text.matches("[\"").count().saturating_sub(text.matches("[\"time\"").count()))
    }
}

//! VictoriaMetrics, where it is installed.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    Asker, Loaded, Pace, Peer, Program, Question,
    load::{self, influx_lines},
    program::{find, free_address, said},
};
use crate::{Failure, cpu, http::Http, workload::Workload};

const PLACES: [&str; 2] = ["/usr/bin/victoria-metrics", "/usr/local/bin/victoria-metrics"];

/// VictoriaMetrics with a folder of its own.
pub(crate) struct Victoria {
    place: &'static str,
    folder: PathBuf,
    program: Option<Program>,
}

impl Victoria {
    /// Nothing when it is not installed.
    pub(crate) fn find(folder: &Path) -> Option<Self> {
        let place = find(&PLACES)?;
        Some(Self { place, folder: folder.join("victoria"), program: None })
    }

    fn http(&self) -> Result<Http, Failure> {
        Http::connect(self.program()?.address)
    }
}

impl Peer for Victoria {
    fn name(&self) -> &'static str {
        "victoria_metrics"
    }

    fn title(&self) -> String {
        // Debian's build does not know its own version; the package does.
        let version = said("dpkg-query", &["-W", "-f", "${Version}", "victoria-metrics"]);
        let version = version.split('+').next().unwrap_or_default();
        format!("VictoriaMetrics {version}").trim_end().to_owned()
    }

    fn start(&mut self, processors: Option<&str>) -> Result<(), Failure> {
        let address: SocketAddr = free_address()?;
        let mut command = cpu::command(self.place, processors);
        command
            .arg("-storageDataPath")
            .arg(&self.folder)
            .arg("-httpListenAddr")
            .arg(address.to_string())
            .args(["-retentionPeriod", "100y", "-search.maxUniqueTimeseries", "2000000"])
            .args(["-search.latencyOffset", "0s", "-search.disableCache"]);
        self.program = Some(Program::start(&mut command, address)?);
        Ok(())
    }

    fn program(&self) -> Result<&Program, Failure> {
        self.program.as_ref().ok_or_else(|| "VictoriaMetrics does not run".into())
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
            Ok(Box::new(move |body: &[u8]| http.post("/write?precision=s", body).map(|_| ())))
        })
    }

    fn settle(&mut self) -> Result<(), Failure> {
        let mut http = self.http()?;
        http.get("/internal/force_flush")?;
        http.get("/internal/force_merge")?;
        // It merges in the background: quiet for three seconds is settled.
        let process = self.program()?.id();
        let begun = Instant::now();
        let mut before = cpu::of_tree(process);
        while begun.elapsed() < Duration::from_mins(2) {
            std::thread::sleep(Duration::from_secs(3));
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
        let mut http = self.http()?;
        // A year up to a time after everything.
        let path = "/api/v1/query?query=sum(count_over_time(wh_v%5B365d%5D))&time=1798761600";
        let answer = http.get(path)?;
        let text = String::from_utf8_lossy(&answer);
        // …"value":[1798761600,"960000"]…
        let number = text.rsplit_once(",\"").and_then(|(_, rest)| rest.split('"').next());
        Ok(number.and_then(|number| number.parse().ok()).unwrap_or_default())
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
        let path = match question {
            Question::Last { meter } => format!(
                "/api/v1/query?query=last_over_time(wh_v%7Bm=%22{meter}%22%7D%5B40d%5D)&time=now"
            ),
            Question::Range { meter, start, end } => format!(
                "/api/v1/export?match%5B%5D=wh_v%7Bm=%22{meter}%22%7D&start={}&end={end}",
                start + 1
            ),
            Question::City { start, end } => {
                format!("/api/v1/query?query=sum(increase(wh_v%5B{}s%5D))&time={end}", end - start)
            }
            Question::Everybody { start, end } => {
                format!("/api/v1/query?query=increase(wh_v%5B{}s%5D)&time={end}", end - start)
            }
        };
        // The last reading lies in the workload's time and not in ours.
        let path = path.replace("time=now", "time=1769904000");
        let answer = self.0.get(&path)?;
        let marks = answer.windows(9).filter(|bytes| *bytes == b"\"metric\":").count();
        Ok(match question {
            Question::Range { .. } => {
                let text = String::from_utf8_lossy(&answer);
                let times = text.split("\"timestamps\":[").nth(1).unwrap_or_default();
                times.split(']').next().map_or(0, |t| t.matches(',').count() + 1)
            }
            Question::Last { .. } | Question::City { .. } | Question::Everybody { .. } => marks,
        })
    }
}

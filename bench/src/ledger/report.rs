//! What is printed, and the page that anyone can make again.

use std::path::Path;

use super::{Asked, Ingest, Options, Ours, Outcome, questions::MEANWHILE};
use crate::{
    cpu,
    figure::{Figure, float, say},
};

pub(super) struct Report {
    head: String,
    served: &'static str,
    figures: Vec<Figure>,
    /// Rows of the table of peers.
    rows: Vec<String>,
    missing: Vec<String>,
}

impl Report {
    pub(super) fn new(options: &Options, folder: &Path) -> Self {
        let head = format!(
            "{} meters × 96 readings a day, in order of time, 1 % late, 0.1 % twice: {} days for \
             Corrente, the first {} of them for its peers. Machine: {}.",
            options.meters,
            options.days,
            options.peer_days,
            cpu::machine(folder)
        );
        say(&head);
        Self { head, served: "", figures: Vec::new(), rows: Vec::new(), missing: Vec::new() }
    }

    fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    fn ingest(&mut self, name: &str, ingest: &Ingest) {
        self.add(Figure::new(format!("{name}.readings"), ingest.millions(), "million"));
        self.add(Figure::new(format!("{name}.rate"), ingest.rate(), "million/s"));
        self.add(Figure::new(format!("{name}.cpu"), ingest.cpu_per_million(), "s/million"));
        let settled = ingest.settled_per_million();
        self.add(Figure::new(format!("{name}.cpu_settled"), settled, "s/million"));
        for (what, share) in [("p50", 0.5), ("p99", 0.99)] {
            let time = ingest.acknowledged(share);
            self.add(Figure::millis(format!("{name}.acknowledged.{what}"), time));
        }
    }

    fn asked(&mut self, name: &str, asked: &[Asked], beside: Option<(&str, &[Asked])>) {
        for one in asked {
            let other = beside.and_then(|(peer, asked)| {
                Some((peer, asked.iter().find(|other| other.what == one.what)?))
            });
            if one.answers == 0 {
                self.missing.push(format!("{name}.{}: no answer", one.what));
            }
            let many = one.count() > 10;
            for (what, share) in
                [("p50", 0.5), ("p99", 0.99)].into_iter().take(1 + usize::from(many))
            {
                let time = one.quantile(share);
                let mut figure = Figure::millis(format!("{name}.{}.{what}", one.what), time);
                if let Some((peer, other)) = other {
                    let ratio = time.as_secs_f64() / other.quantile(share).as_secs_f64();
                    figure = figure.beside(ratio, peer);
                }
                self.add(figure);
            }
        }
    }

    fn row(&mut self, outcome: &Outcome) {
        let Outcome { title, days, pinned, bytes_per_reading, peak_memory, survived, .. } = outcome;
        let (acknowledged, found) = survived;
        let survives = if found >= acknowledged { "yes" } else { "**no**" };
        self.rows.push(format!(
            "| {title} | {days} | {:.2} | {:.2} | {:.2} | {bytes_per_reading:.2} | {:.0} | {survives}: \
             {found} of {acknowledged} |",
            pinned.rate(),
            pinned.cpu_per_million(),
            pinned.settled_per_million(),
            float(*peak_memory) / 1e6,
        ));
    }

    pub(super) fn corrente(&mut self, ours: &Ours) {
        self.served = if ours.is_binary {
            "the release binary"
        } else {
            "the head-end and the ledger of the release binary in a program of the bench (the binary \
             was not built)"
        };
        let outcome = &ours.outcome;
        self.row(outcome);
        self.ingest("ledger.corrente.pinned", &outcome.pinned);
        self.ingest("ledger.corrente.unpinned", &ours.unpinned);
        let (readings, time) = ours.replay;
        self.add(Figure::new("ledger.corrente.replay.readings", float(readings) / 1e6, "million"));
        let each = time.as_secs_f64() / (float(readings) / 1e7);
        self.add(Figure::new("ledger.corrente.replay.of_10_million", each, "s"));
        let window = ours.window_bytes_per_meter;
        self.add(Figure::new("ledger.corrente.window_per_meter", window, "B"));
        self.common(outcome);
        self.asked("ledger.corrente.idle", &outcome.asked, None);
        self.asked("ledger.corrente.ingesting", &ours.asked_while_ingesting, None);
    }

    fn common(&mut self, outcome: &Outcome) {
        let name = format!("ledger.{}", outcome.name);
        let (acknowledged, found) = outcome.survived;
        let share = float(found) / float(acknowledged) * 100.0;
        self.add(Figure::new(format!("{name}.survives_kill"), share, "% of acknowledged"));
        let bytes = outcome.bytes_per_reading;
        self.add(Figure::new(format!("{name}.bytes_per_reading"), bytes, "B"));
        let memory = float(outcome.peak_memory) / 1e6;
        self.add(Figure::new(format!("{name}.peak_memory"), memory, "MB"));
    }

    pub(super) fn peer(&mut self, outcome: &Outcome, ours: &Ours) {
        self.row(outcome);
        let name = format!("ledger.{}", outcome.name);
        self.ingest(&format!("{name}.pinned"), &outcome.pinned);
        self.common(outcome);
        self.asked(&format!("{name}.idle"), &outcome.asked, None);
        // How Corrente stands beside it: above 1 is more.
        let (us, them) = (&ours.outcome, outcome);
        let title = them.title.clone();
        for (what, unit, our, their) in [
            ("rate", "million/s", us.pinned.rate(), them.pinned.rate()),
            ("cpu", "s/million", us.pinned.cpu_per_million(), them.pinned.cpu_per_million()),
            (
                "cpu_settled",
                "s/million",
                us.pinned.settled_per_million(),
                them.pinned.settled_per_million(),
            ),
            ("bytes_per_reading", "B", us.bytes_per_reading, them.bytes_per_reading),
        ] {
            let figure = Figure::new(format!("ledger.beside.{}.{what}", them.name), our, unit);
            self.add(figure.beside(our / their, &title));
        }
        let beside = format!("ledger.beside.{}", them.name);
        self.asked(&beside, &us.asked, Some((&title, &them.asked)));
    }

    pub(super) fn missing(&mut self, peer: &str, why: &str) {
        self.missing.push(format!("{peer}: {why}"));
    }

    pub(super) fn print(&self) {
        for missing in &self.missing {
            say(&format!("missing: {missing}"));
        }
        for figure in &self.figures {
            figure.print();
        }
    }

    /// The page.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("# The ledger beside its peers\n\n");
        let mut line = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        line(
            "Made by `cargo xtask bench ledger`. Trust the ratios and the processor time, which hold on other machines; wall-clock figures are of this one, which had other work to do.\n",
        );
        line(&self.head);
        line("");
        line(
            "| | days | million readings/s | CPU s per million, acknowledged | the same, settled | bytes per reading | peak memory, MB | acknowledged readings survive kill -9 |",
        );
        line("|---|---|---|---|---|---|---|---|");
        for row in &self.rows {
            line(row);
        }
        line("");
        line("How it was measured:");
        line("");
        let served = self.served;
        line(&format!(
            "- Server on one processor, client on another. Corrente: {served}, 64 connections of gateways, a line of JSON per reading, acknowledged up to a number after fsync. VictoriaMetrics and InfluxDB: their fastest text form over HTTP, four connections, 10,000 readings a request, InfluxDB with an fsync for each. PostgreSQL: COPY into a temporary table and an insert of what the key does not hold, 10,000 readings a transaction, four connections, `synchronous_commit` on."
        ));
        line(
            "- CPU is that of the server alone: system and user, of all its processes; once until the last acknowledgement, once with what it did until it was quiet (merging, sealing, checkpoint).",
        );
        line(
            "- Bytes are those on the disk after settling, over the different readings; for PostgreSQL those of the table and its key.",
        );
        line(
            "- kill -9 hits the server right after the last acknowledgement of ten quarters of an hour.",
        );
        line(&format!(
            "- Questions go over HTTP on one connection (PostgreSQL: one psql), idle after settling; \"ingesting\" means {MEANWHILE} readings a second meanwhile. Not in these figures: TLS, what pages and alerts ask, validation."
        ));
        for missing in &self.missing {
            line(&format!("- Missing: {missing}."));
        }
        line("\n```text");
        for figure in &self.figures {
            line(&figure.to_string());
        }
        line("```");
        text
    }
}

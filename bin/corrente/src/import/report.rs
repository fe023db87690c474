//! What an import did, for a person and for a script.

use std::fmt::Write as _;

use corrente_mdm::import::ImportReport;

use crate::{failure::Failure, live_line::grouped, output};

/// Lines of a kind that are shown; the JSON report has all.
const MOST_LINES: usize = 20;

/// Prints the report of one file.
pub(super) fn print(report: &ImportReport, dry_run: bool) -> Result<(), Failure> {
    let mut text = String::new();
    write(&mut text, report, dry_run).map_err(|error| Failure::of("cannot print", error))?;
    output::print(&text)
}

fn write(text: &mut String, report: &ImportReport, dry_run: bool) -> std::fmt::Result {
    let file = &report.file;
    writeln!(text, "{}: {}", file.file, file.format.title())?;
    let span = match (file.first, file.last) {
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        (None, _) | (_, None) => String::new(),
    };
    let ignored = match file.rows_ignored {
        0 => String::new(),
        rows => format!(" ({} of something else than electricity)", grouped(rows)),
    };
    writeln!(text, "  {} rows{ignored}{span}", grouped(file.rows_read))?;
    for channel in &file.channels {
        let meter = channel.meter.as_deref().unwrap_or("-");
        let energy =
            channel.wh.map_or_else(|| "energy unknown".to_owned(), |wh| format!("{wh} Wh"));
        let left = match (channel.check, channel.unit) {
            (true, _) => ", only to compare with",
            (false, corrente_files::Unit::Wh) => "",
            (false, _) => ", not imported: no active energy",
        };
        writeln!(
            text,
            "  {meter} {}: {} readings, {energy}, {} gaps, {} repeated, {} contradicting{left}",
            channel.name,
            grouped(channel.readings),
            channel.gaps.len(),
            channel.duplicates,
            channel.conflicts.len(),
        )?;
        for gap in channel.gaps.iter().take(MOST_LINES) {
            let missing = gap.missing.map_or_else(String::new, |n| format!(", {n} readings"));
            writeln!(text, "    missing from {} to {}{missing}", gap.from, gap.to)?;
        }
        for conflict in channel.conflicts.iter().take(MOST_LINES) {
            writeln!(
                text,
                "    line {}: {} for {}, where {} came first",
                conflict.line, conflict.other, conflict.at, conflict.kept
            )?;
        }
    }
    for problem in file.problems.iter().take(MOST_LINES) {
        writeln!(text, "  line {}: {}", problem.line, problem.reason)?;
    }
    if file.problems.len() > MOST_LINES {
        writeln!(text, "  and {} lines more; --json has all", file.problems.len() - MOST_LINES)?;
    }
    for note in &file.notes {
        writeln!(text, "  note: {note}")?;
    }
    for against in report.against.iter().take(MOST_LINES) {
        let line = against.line.map_or_else(|| against.at.clone(), |line| format!("line {line}"));
        match against.kept_wh {
            Some(kept) => writeln!(
                text,
                "  {line}: {} Wh for {}, where {kept} Wh are stored",
                against.wh, against.at
            )?,
            None => writeln!(text, "  {line}: kept aside, {}", against.reason.replace('_', " "))?,
        }
    }
    if report.against.len() > MOST_LINES {
        writeln!(
            text,
            "  and {} readings more; --json has them",
            report.against.len() - MOST_LINES
        )?;
    }
    for refused in &report.refused {
        writeln!(text, "  `{}` refused: {}", refused.channel, refused.reason)?;
    }
    if let Some(stored) = report.stored {
        writeln!(
            text,
            "  {}: {} new, {} known already, {} contradicting what is stored, {} kept aside{}",
            if dry_run { "would be stored" } else { "stored" },
            grouped(stored.new),
            grouped(stored.duplicates),
            grouped(stored.conflicts),
            grouped(stored.quarantined),
            if stored.made > 0 {
                format!("; {} channels made", stored.made)
            } else {
                String::new()
            },
        )?;
    }
    Ok(())
}

/// An object for one file, an array for several.
pub(super) fn print_json(reports: &[ImportReport]) -> Result<(), Failure> {
    match reports {
        [] => output::print("[]\n"),
        [one] => output::print_json(one),
        several => output::print_json(&several),
    }
}

//! `docs/first-town.md` is run as it is written: its `sh` blocks by one shell, one after the other, and
//! what they print is compared with the `text` blocks behind them.

use std::{fs, net::TcpListener, path::Path, process::Command};

use corrente_units::Decimal;

use crate::{binary, text};

const PAGE: &str = include_str!("../../../../docs/first-town.md");
/// Seconds that all of the page may take: its loops wait for a server that should be there at once.
const SECONDS: &str = "300";
/// Between the outputs of two blocks.
const MARK: &str = "@@@ block";

/// A block of commands, and what it shall print where the page says so.
#[derive(Debug, PartialEq)]
struct Block {
    commands: String,
    expected: Option<String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let body: String = lines
            .by_ref()
            .take_while(|line| !line.starts_with("```"))
            .flat_map(|line| [line, "\n"])
            .collect();
        match (language, blocks.last_mut()) {
            ("sh", _) => blocks.push(Block { commands: body, expected: None }),
            ("text", Some(block)) => block.expected = Some(body),
            _ => {}
        }
    }
    blocks
}

/// Does a line say what the page says? A number stands for any number, `…` for anything.
fn alike(expected: &str, printed: &str) -> bool {
    let mut rest = printed;
    let mut pieces = expected.split('…');
    let Some(after) = pieces.next().and_then(|piece| starts_alike(piece, rest)) else {
        return false;
    };
    rest = after;
    let mut open = false;
    for piece in pieces {
        open = piece.is_empty();
        let found = rest
            .char_indices()
            .map(|(at, _)| at)
            .chain([rest.len()])
            .find_map(|at| starts_alike(piece, rest.get(at..)?));
        let Some(after) = found else { return false };
        rest = after;
    }
    open || rest.is_empty()
}

/// What is left of `printed` behind `expected`.
fn starts_alike<'a>(expected: &str, printed: &'a str) -> Option<&'a str> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (mut expected, mut printed) = (expected, printed);
    while let Some(next) = expected.chars().next() {
        let (wanted, found) = (digits(expected), digits(printed));
        if wanted > 0 && found > 0 {
            (expected, printed) = (expected.get(wanted..)?, printed.get(found..)?);
        } else {
            printed = printed.strip_prefix(next)?;
            expected = expected.get(next.len_utf8()..)?;
        }
    }
    Some(printed)
}

/// A line that is `…` alone stands for any number of lines.
fn lines_alike(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&"…", rest)) => {
            (0..=printed.len()).any(|skipped| lines_alike(rest, &printed[skipped..]))
        }
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, others)| alike(line, first) && lines_alike(rest, others)),
    }
}

#[test]
fn the_page_leads_to_the_first_bill() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks(PAGE);
    assert!(blocks.len() >= 10, "{}", blocks.len());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut script = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n".to_owned();
    for block in &blocks {
        script.push_str(&block.commands);
        script.extend(["echo '", MARK, "'\n"]);
    }
    let script = script.replace("4005", &port);
    let path = std::env::var("PATH").unwrap();
    let programs = binary().parent().and_then(Path::to_str).unwrap();
    let output = Command::new("timeout")
        .args(["--kill-after=10", SECONDS, "bash", "-c", &format!("exec 2>&1\n{script}")])
        .env_clear()
        .env("PATH", format!("{programs}:{path}"))
        .env("HOME", folder.path())
        .env("CORRENTE_LISTEN", format!("127.0.0.1:{port}"))
        .env("CORRENTE_CONNECT", format!("127.0.0.1:{port}"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let printed = text(&output.stdout).replace(&port, "4005");
    assert_ne!(output.status.code(), Some(124), "above {SECONDS} seconds: {printed}");
    assert!(output.status.success(), "{printed}");
    let outputs: Vec<&str> = printed.split(&format!("{MARK}\n")).collect();
    assert_eq!(outputs.len(), blocks.len() + 1, "{printed}");
    for (block, printed) in blocks.iter().zip(outputs) {
        let Some(expected) = &block.expected else { continue };
        let (wanted, found): (Vec<&str>, Vec<&str>) =
            (expected.lines().collect(), printed.lines().collect());
        assert!(
            lines_alike(&wanted, &found),
            "{}\nis on the page to print\n{expected}\nand prints\n{printed}",
            block.commands
        );
    }
    let town = folder.path().join("vila-corrente");
    check_bills(&town);
    // The same bills are in the backup.
    let exported =
        crate::printed(&["export", "bills", "--data", town.join("backup").to_str().unwrap()]);
    assert_eq!(exported, fs::read_to_string(town.join("bills.csv")).unwrap());
}

/// Worked out a second time, from what the page says each home uses.
fn check_bills(town: &Path) {
    let bills = fs::read_to_string(town.join("bills.csv")).unwrap();
    let days = fs::read_to_string(town.join("last-month.csv"))
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("M-01,") && line.contains(" 00:00,"))
        .count();
    let bills: Vec<Vec<&str>> = bills.lines().skip(1).map(|l| l.split(',').collect()).collect();
    assert_eq!(bills.len(), 10);
    for (home, bill) in (1_i64..).zip(bills) {
        let wh = home * i64::try_from(days).unwrap() * (20 * 30 + 4 * 90);
        let amount = Decimal::new(wh, 3) * Decimal::new(62, 2) + Decimal::new(990, 2);
        assert_eq!(bill[0], format!("{home:06}"));
        assert_eq!(bill[1], format!("Flores {home:02}"));
        assert_eq!(bill[5], wh.to_string(), "{bill:?}");
        let printed: Decimal = bill[6].parse().unwrap();
        assert!((printed - amount).abs() <= Decimal::new(5, 3), "{bill:?}: {amount}");
    }
}

#[test]
fn lines_are_compared_by_shape() {
    assert!(alike("a 1, …, b 22", "a 345, anything, b 6"));
    assert!(alike("…equal…", "000001: equal"));
    assert!(alike("code_…", "code_4f"));
    assert!(!alike("a 1", "a x"));
    assert!(!alike("a", "a b"));
    assert!(!alike("… b", "a b c"));
    assert!(lines_alike(&["…", "b", "…"], &["a", "b", "c", "d"]));
    assert!(!lines_alike(&["a"], &["a", "b"]));
    let found = blocks("x\n```sh\nrun\n```\n\n```text\nout\n```\n```console\n$ not run\n```\n");
    let expected = Some("out\n".to_owned());
    assert_eq!(found, [Block { commands: "run\n".to_owned(), expected }]);
}

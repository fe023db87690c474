//! Real bills and real rates of the shared folder, where it is present.

#![expect(clippy::disallowed_methods, reason = "a test reads files that core must not")]
#![expect(clippy::print_stdout, reason = "says that it was skipped")]

use std::path::PathBuf;

use corrente_billing::check::{check_bills, check_urdb};

fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("CORRENTE_SHARED_DOMAIN").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/domain"),
        PathBuf::from,
    );
    let folder = root.join("vectors");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not here", folder.display());
    None
}

#[test]
fn real_bills_are_equal_to_the_cent() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("br_bills.json")).unwrap();
    for report in check_bills(&text).unwrap() {
        let wrong: Vec<_> = report.compared.iter().filter(|c| !c.equal).collect();
        assert!(report.equal, "{}: {wrong:#?}", report.id);
        assert!(!report.compared.is_empty(), "{} compares nothing", report.id);
        println!(
            "{}: {} figures equal by {}, as printed: {:?}",
            report.id,
            report.compared.len(),
            report.algorithm,
            report.taken
        );
    }
}

#[test]
fn real_rates_are_equal_to_another_program() {
    let Some(folder) = folder() else { return };
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("urdb")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for file in files {
        let report = check_urdb(&std::fs::read_to_string(&file).unwrap()).unwrap();
        println!(
            "{}: largest difference {} {:?}",
            report.name, report.largest_difference, report.notes
        );
        let wrong: Vec<_> = report.months.iter().filter(|m| !m.equal).collect();
        assert!(report.equal, "{}: {wrong:#?}", file.display());
    }
}

//! The examples of `docs/vee.md` are run: what the page says is what comes out.

use std::{fmt::Write as _, fs, path::PathBuf};

use crate::fixture::read;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/vee.md")
}

#[expect(clippy::disallowed_methods, reason = "a test reads the documentation")]
pub(crate) fn page() -> String {
    fs::read_to_string(path()).unwrap()
}

/// Does the page have a heading with this name, and an example below it?
pub(crate) fn section_has_example(page: &str, name: &str) -> bool {
    page.split("\n### ")
        .skip(1)
        .any(|section| section.starts_with(&format!("`{name}`")) && section.contains("\n```vee\n"))
}

/// Set `CORRENTE_UPDATE_DOCS=1` to write what comes out into the page, and read the difference.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test reads and, when asked, writes the documentation"
)]
fn the_examples_of_the_page_come_out_as_written() {
    let page = page();
    let mut fresh = String::new();
    let mut rest = page.as_str();
    while let Some((before, after)) = rest.split_once("```vee\n") {
        let (example, later) = after.split_once("```").unwrap();
        let (input, _) = example.split_once("=>\n").expect("an example has an arrow");
        let fixture = read(input);
        write!(fresh, "{before}```vee\n{input}=>\n{}```", fixture.print(&fixture.run())).unwrap();
        rest = later;
    }
    fresh += rest;
    if std::env::var_os("CORRENTE_UPDATE_DOCS").is_some() {
        fs::write(path(), fresh).unwrap();
    } else if fresh != page {
        for (fresh, written) in fresh.lines().zip(page.lines()) {
            assert_eq!(fresh, written, "docs/vee.md is not what comes out");
        }
        panic!("docs/vee.md has another number of lines than what comes out");
    }
}

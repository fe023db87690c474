use std::{fmt::Write as _, path::Path};

use corrente_api::Code;

#[test]
fn the_committed_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let document =
        format!("{}\n", serde_json::to_string_pretty(&corrente_api::openapi_document()).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == document,
        "edge/api/openapi.json is not what the code says: run `UPDATE=1 cargo test -p corrente-api document`"
    );
    assert!(document.contains("\"openapi\": \"3.1.0\""));
}

/// Behind this line of `docs/api.md` all is made from the code.
const MADE: &str = "<!-- From here on it is made from the code: cargo xtask generate. -->\n";

/// The operations and the codes, as a reader looks for them.
fn reference() -> String {
    let document = corrente_api::openapi_document();
    let mut areas: std::collections::BTreeMap<String, Vec<String>> =
        std::collections::BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let area = operation["tags"][0].as_str().unwrap().to_owned();
            let text = operation["summary"].as_str().unwrap();
            let text = text.replace('\n', " ").replace('|', "\\|");
            areas.entry(area).or_default().push(format!(
                "| `{} {}` | {} | {text} |",
                method.to_uppercase(),
                path.trim_start_matches("/api/v1"),
                operation["x-access"].as_str().unwrap_or("public"),
            ));
        }
    }
    let mut page = "\n## Operations\n\nAll below `/api/v1`.\n".to_owned();
    for (area, rows) in areas {
        let rows = rows.join("\n");
        write!(page, "\n### {area}\n\n| | who | |\n|---|---|---|\n{rows}\n").unwrap();
    }
    page.push_str("\n## Codes of errors\n\n| `code` | status | |\n|---|---|---|\n");
    for code in Code::ALL {
        let (word, status, title) = (code.word(), code.status().as_u16(), code.title());
        writeln!(page, "| `{word}` | {status} | {title} |").unwrap();
    }
    page
}

#[test]
fn the_page_of_the_book_lists_what_the_code_has() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, committed) = page.split_once(MADE).expect("the line behind which it is made");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{head}{MADE}{}", reference())).unwrap();
        return;
    }
    assert!(
        committed == reference(),
        "docs/api.md is not what the code says: `cargo xtask generate`"
    );
}

#[test]
fn every_operation_has_its_own_name_and_says_what_it_is_for() {
    let document = corrente_api::openapi_document();
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} names two operations");
            assert!(operation["summary"].is_string(), "{method} {path} says nothing");
            assert!(operation["tags"][0].is_string(), "{method} {path} has no tag");
        }
    }
    assert!(names.len() >= 7, "{names:?}");
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(document: &serde_json::Value, value: &serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(serde_json::Value::as_str) {
                    let pointer = reference.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                map.values().for_each(|value| check(document, value));
            }
            serde_json::Value::Array(list) => list.iter().for_each(|value| check(document, value)),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => {}
        }
    }
    let document = corrente_api::openapi_document();
    check(&document, &document);
}

#[test]
fn codes_of_problems_are_words_and_different() {
    let words: std::collections::BTreeSet<&str> =
        Code::ALL.iter().map(|code| code.word()).collect();
    assert_eq!(words.len(), Code::ALL.len());
    assert!(words.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
}

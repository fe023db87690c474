//! The files of a town, good and broken, cut and changed: imported or refused, and after a refusal nothing is
//! different.

use std::{cell::Cell, sync::Arc};

use corrente_registry::{
    RegistryError,
    admin::{self, By, ImportFile, ImportKind, ImportRefusal},
    customers, usage_points,
};
use corrente_testkit::fuzz::Corpus;

use super::town::{NOW, Town};

const FILES: [(ImportKind, &str); 4] = [
    (
        ImportKind::Customers,
        "number,name,email,language\n1,Ana,ana@x.example,pt-BR\n2,\"Rui, filho\",,\n",
    ),
    (ImportKind::UsagePoints, "name;customer;zone;phases\nRua A 1;1;America/Bahia;2\nRua A 2;;;\n"),
    (
        ImportKind::Meters,
        "serial,usage_point,installed_from,kind,interval_seconds\nM-1,Rua A 1,2026-01-01,interval,900\n",
    ),
    (ImportKind::Agreements, "usage_point,tariff,from\nRua A 1,no-such,2026-01-01\n"),
];

/// Why the transaction is undone.
#[derive(Debug)]
enum Undo {
    Imported,
    Refused(String),
}

impl From<RegistryError> for Undo {
    fn from(error: RegistryError) -> Self {
        Self::Refused(error.to_string())
    }
}

#[test]
fn whatever_the_file_is_it_is_imported_or_refused() {
    let town = Town::new();
    let organisation = town.read(|tx| {
        Ok(corrente_registry::organisations::default_organisation(tx)?.expect("an organisation").id)
    });
    let counts = move |tx: &mut corrente_registry::Tx| {
        let points = usage_points::list_all(tx, organisation)?.len();
        Ok::<_, RegistryError>((customers::list(tx, organisation)?.len(), points))
    };
    let before = town.read(counts);
    let imported = Cell::new(0_u32);
    for (kind, text) in FILES {
        Corpus::from_texts([text]).try_all(|bytes, _| {
            let text: Arc<str> = String::from_utf8_lossy(bytes).into();
            let outcome: Result<(), Undo> = town.registry.write_blocking(move |tx| {
                let by = By::command_line(NOW, NOW);
                let mut files =
                    vec![ImportFile { kind, name: "x.csv".into(), text: text.to_string() }];
                // What the file names is there.
                let others = FILES.iter().filter(|(other, _)| *other < kind);
                files.extend(others.map(|(kind, text)| ImportFile {
                    kind: *kind,
                    name: "other.csv".to_owned(),
                    text: (*text).to_owned(),
                }));
                Err(match admin::import(tx, &by, organisation, &files) {
                    Ok(_) => Undo::Imported,
                    Err(ImportRefusal::Mistakes(mistakes)) => {
                        assert!(!mistakes.is_empty());
                        Undo::Refused(format!("{mistakes:?}"))
                    }
                    Err(ImportRefusal::Registry(error)) => Undo::from(error),
                })
            });
            match outcome {
                Err(Undo::Imported) => imported.set(imported.get() + 1),
                // A panic inside is caught there, and comes back as these words.
                Err(Undo::Refused(why)) => assert!(!why.contains("unexpectedly"), "{why}"),
                Ok(()) => unreachable!("each is undone"),
            }
        });
    }
    assert!(imported.get() > 10, "most changes of a name leave a file");
    assert_eq!(town.read(counts), before);
}

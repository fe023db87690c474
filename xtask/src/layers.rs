//! Dependencies point down only: `bin → edge → proto → core`.
//!
//! Three rules, read from `cargo metadata`: no edge upward; nothing that does input or output is
//! reachable from `core` or `proto`; a storage engine is named by `edge/ledger` and `edge/registry`
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::{Failure, Outcome, process};

/// Crates that do input or output, or run those that do.
const IO_CRATES: [&str; 17] = [
    "axum",
    "async-std",
    "hyper",
    "hyper-util",
    "lettre",
    "libsqlite3-sys",
    "mio",
    "postgres",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tonic",
];

/// Storage engines, and the folders that may name them.
const ENGINE_CRATES: [&str; 7] =
    ["rusqlite", "libsqlite3-sys", "sqlx", "postgres", "tokio-postgres", "fjall", "rocksdb"];
const ENGINE_FOLDERS: [&str; 2] = ["edge/ledger", "edge/registry"];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Layer {
    Core,
    Proto,
    Edge,
    Bin,
    /// Tests and tools stand beside the layers: nothing of the product may depend on them.
    Beside,
}

pub(crate) fn check() -> Outcome {
    let metadata = MetadataCommand::new()
        .current_dir(process::root())
        .exec()
        .map_err(|error| Failure(format!("cargo metadata failed: {error}")))?;
    let violations = violations(&metadata)?;
    if violations.is_empty() {
        println!("Layers hold: {} crates.", metadata.workspace_members.len());
        return Ok(());
    }
    Err(Failure(format!("the layers are broken:\n  {}", violations.join("\n  "))))
}

fn violations(metadata: &Metadata) -> Result<Vec<String>, Failure> {
    let packages: BTreeMap<&PackageId, &Package> =
        metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let needs = normal_dependencies(metadata)?;
    let mut found = Vec::new();
    for package in metadata.workspace_packages() {
        let layer = layer_of(metadata, package);
        for needed in needs.get(&package.id).into_iter().flatten() {
            let Some(needed) = packages.get(needed) else { continue };
            if metadata.workspace_members.contains(&needed.id) {
                let below = layer_of(metadata, needed);
                if below > layer {
                    found.push(format!(
                        "{} ({layer:?}) depends on {} ({below:?}), which is above it",
                        package.name, needed.name
                    ));
                }
            } else if ENGINE_CRATES.contains(&needed.name.as_str())
                && !ENGINE_FOLDERS.contains(&folder_of(metadata, package).as_str())
            {
                found.push(format!(
                    "{} names the storage engine {}: only {} may",
                    package.name,
                    needed.name,
                    ENGINE_FOLDERS.join(" and ")
                ));
            }
        }
        if layer <= Layer::Proto {
            for reached in reachable(&needs, &package.id) {
                let Some(reached) = packages.get(reached) else { continue };
                if IO_CRATES.contains(&reached.name.as_str()) {
                    found.push(format!(
                        "{} is pure and reaches {}, which does input or output",
                        package.name, reached.name
                    ));
                }
            }
        }
    }
    Ok(found)
}

/// What each package needs to run, without what only its tests or its build need.
fn normal_dependencies(
    metadata: &Metadata,
) -> Result<BTreeMap<&PackageId, Vec<&PackageId>>, Failure> {
    let resolve = metadata
        .resolve
        .as_ref()
        .ok_or_else(|| Failure("cargo metadata resolved nothing".into()))?;
    Ok(resolve
        .nodes
        .iter()
        .map(|node| {
            let needed = node
                .deps
                .iter()
                .filter(|d| d.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal))
                .map(|d| &d.pkg)
                .collect();
            (&node.id, needed)
        })
        .collect())
}

fn reachable<'a>(
    needs: &BTreeMap<&'a PackageId, Vec<&'a PackageId>>,
    from: &'a PackageId,
) -> BTreeSet<&'a PackageId> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        for needed in needs.get(next).into_iter().flatten() {
            if seen.insert(*needed) {
                open.push(needed);
            }
        }
    }
    seen
}

fn folder_of(metadata: &Metadata, package: &Package) -> String {
    package
        .manifest_path
        .parent()
        .and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok())
        .map_or_else(String::new, ToString::to_string)
}

fn layer_of(metadata: &Metadata, package: &Package) -> Layer {
    match folder_of(metadata, package).split('/').next() {
        Some("core") => Layer::Core,
        Some("proto") => Layer::Proto,
        Some("edge") => Layer::Edge,
        Some("bin") => Layer::Bin,
        _ => Layer::Beside,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ROOT: &str = "/repository";

    /// A crate: its name, its folder (none for one of a registry), and what it needs.
    type Crate = (&'static str, &'static str, &'static [&'static str]);

    /// A repository that holds the layers.
    const GOOD: [Crate; 10] = [
        ("corrente-units", "core/units", &["serde"]),
        ("corrente-tariff", "core/tariff", &["corrente-units", "serde"]),
        ("corrente-line", "proto/line", &["corrente-units"]),
        ("corrente-ledger", "edge/ledger", &["corrente-units", "rusqlite", "tokio"]),
        ("corrente-api", "edge/api", &["corrente-ledger", "corrente-tariff", "tokio"]),
        ("corrente", "bin/corrente", &["corrente-api", "corrente-line"]),
        ("xtask", "xtask", &["serde"]),
        ("serde", "", &[]),
        ("tokio", "", &["mio"]),
        ("mio", "", &[]),
    ];

    /// What `cargo metadata` says of these crates, as far as the check reads it. What a crate needs only
    /// for its tests stands behind `dev:`.
    fn metadata(crates: &[Crate]) -> Metadata {
        let path = |name: &str, folder: &str| match folder {
            "" => format!("/registry/{name}/Cargo.toml"),
            folder => format!("{ROOT}/{folder}/Cargo.toml"),
        };
        let package = |(name, folder, _): &Crate| {
            json!({
                "name": name, "version": "1.0.0", "id": name, "dependencies": [], "targets": [],
                "features": {}, "manifest_path": path(name, folder),
            })
        };
        let needs = |needs: &[&str]| -> Vec<Value> {
            needs
                .iter()
                .map(|needed| {
                    let (name, kind) = match needed.strip_prefix("dev:") {
                        Some(name) => (name, json!("dev")),
                        None => (*needed, Value::Null),
                    };
                    json!({
                        "name": name, "pkg": name,
                        "dep_kinds": [{"kind": kind, "target": null}],
                    })
                })
                .collect()
        };
        let node = |(name, _, needed): &Crate| json!({"id": name, "dependencies": [], "deps": needs(needed), "features": []});
        let members: Vec<&str> =
            crates.iter().filter(|one| !one.1.is_empty()).map(|one| one.0).collect();
        let text = json!({
            "version": 1,
            "workspace_root": ROOT,
            "target_directory": format!("{ROOT}/target"),
            "workspace_members": members,
            "packages": crates.iter().map(package).collect::<Vec<_>>(),
            "resolve": {"root": null, "nodes": crates.iter().map(node).collect::<Vec<_>>()},
        });
        serde_json::from_value(text).unwrap()
    }

    /// What is found when the crate `changed` of a good repository needs `needs` as well.
    fn check(changed: &str, needs: &'static [&'static str], expected: &[&str]) {
        let crates: Vec<Crate> = GOOD
            .into_iter()
            .chain([("rusqlite", "", &["libsqlite3-sys"][..]), ("libsqlite3-sys", "", &[])])
            .map(|one| if one.0 == changed { (one.0, one.1, needs) } else { one })
            .collect();
        let found = violations(&metadata(&crates)).unwrap();
        assert_eq!(found, expected, "{changed} needs {needs:?}");
    }

    #[test]
    fn a_repository_that_holds_the_layers_is_left_alone() {
        check("nothing", &[], &[]);
        // What tests and builds need is no part of the product.
        check("corrente-units", &["dev:tokio", "dev:corrente-ledger"], &[]);
    }

    #[test]
    fn each_way_to_break_them_is_one_sentence() {
        let upward = "corrente-units (Core) depends on corrente-line (Proto), which is above it";
        check("corrente-units", &["corrente-line"], &[upward]);
        check(
            "corrente-line",
            &["corrente"],
            &[
                "corrente-line (Proto) depends on corrente (Bin), which is above it",
                "corrente-line is pure and reaches libsqlite3-sys, which does input or output",
                "corrente-line is pure and reaches mio, which does input or output",
                "corrente-line is pure and reaches rusqlite, which does input or output",
                "corrente-line is pure and reaches tokio, which does input or output",
            ],
        );
        check(
            "corrente-api",
            &["corrente-ledger", "rusqlite"],
            &[
                "corrente-api names the storage engine rusqlite: only edge/ledger and edge/registry may",
            ],
        );
        check(
            "corrente",
            &["corrente-api", "xtask"],
            &["corrente (Bin) depends on xtask (Beside), which is above it"],
        );
    }

    #[test]
    fn what_a_pure_crate_reaches_through_others_counts() {
        let crates = [
            ("corrente-units", "core/units", &["helper"][..]),
            ("helper", "", &["deeper"]),
            ("deeper", "", &["socket2"]),
            ("socket2", "", &[]),
        ];
        assert_eq!(
            violations(&metadata(&crates)).unwrap(),
            ["corrente-units is pure and reaches socket2, which does input or output"]
        );
    }
}

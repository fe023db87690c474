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

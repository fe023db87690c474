//! Builds the crate again when the portal was built again.
//!
//! A debug build reads the portal's files from disk while it runs and needs no rebuild. A release build
//! holds them; without a built portal it looks for one at each build, and says on its page how to make it.

use std::{env, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Without "..": a debug build compares the folder's name with the real path of a file in it, and the
    // folder may not be there yet when this crate is compiled.
    let portal = Path::new("../../portal");
    let dist = portal.canonicalize().unwrap_or_else(|_| portal.to_path_buf()).join("dist");
    println!("cargo::rustc-env=CORRENTE_PORTAL_DIST={}", dist.display());
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if release || dist.exists() {
        println!("cargo::rerun-if-changed={}", dist.display());
    }
}

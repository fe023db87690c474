//! Builds the crate again when the portal was built again.
//!
//! A debug build reads the portal's files from disk while it runs and needs no rebuild. A release build
//! holds them; without a built portal it looks for one at each build, and says on its page how to make it.

use std::{env, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let dist = Path::new("../../portal/dist");
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if release || dist.exists() {
        println!("cargo::rerun-if-changed={}", dist.display());
    }
}

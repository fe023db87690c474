//! The Debian package, by `dpkg-deb` alone.

use std::{fs, path::PathBuf};

use super::{Release, tree};
use crate::{Failure, process};

/// Builds it: program, unit, configuration, tariffs and the book.
pub(super) fn build(release: &Release) -> Result<PathBuf, Failure> {
    let root = process::root();
    let deploy = root.join("deploy");
    let inside = release.folder.join("deb");
    let book = inside.join("usr/share/doc/corrente");
    tree::install(&release.binary, &inside.join("usr/bin/corrente"), tree::PROGRAM)?;
    tree::install(
        &deploy.join("corrente.service"),
        &inside.join("lib/systemd/system/corrente.service"),
        tree::FILE,
    )?;
    tree::install(
        &deploy.join("corrente.toml"),
        &inside.join("etc/corrente/corrente.toml"),
        tree::FILE,
    )?;
    tree::copy(&root.join("tariffs"), &inside.join("usr/share/corrente/tariffs"))?;
    tree::copy(&root.join("docs"), &book)?;
    tree::write(&book.join("copyright"), COPYRIGHT, tree::FILE)?;
    for script in ["postinst", "prerm", "postrm"] {
        let from = deploy.join("debian").join(script);
        tree::install(&from, &inside.join("DEBIAN").join(script), tree::PROGRAM)?;
    }
    tree::write(&inside.join("DEBIAN/conffiles"), "/etc/corrente/corrente.toml\n", tree::FILE)?;
    let size = process::output({
        let mut du = process::command("du", &["--summarize", "--block-size=1024"]);
        du.arg(&inside);
        du
    })?;
    let size = size.split_whitespace().next().unwrap_or("0");
    tree::write(&inside.join("DEBIAN/control"), &control(release, size), tree::FILE)?;
    let made =
        release.folder.join(format!("corrente_{}_{}.deb", release.version, release.architecture));
    let mut build = process::command("dpkg-deb", &["--root-owner-group", "--build"]);
    build.arg(&inside).arg(&made);
    process::run(build)?;
    fs::remove_dir_all(&inside)
        .map_err(|error| Failure(format!("{}: {error}", inside.display())))?;
    Ok(made)
}

fn control(release: &Release, size: &str) -> String {
    let Release { version, architecture, .. } = release;
    format!(
        "Package: corrente\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The Corrente authors <corrente@example.org>\n\
         Installed-Size: {size}\n\
         Section: science\n\
         Priority: optional\n\
         Recommends: ca-certificates\n\
         Description: electricity metering, from the meter to the paid bill\n \
         Meters connect and report, every reading is kept, what is wrong with it is found, the\n \
         bill is worked out, the customer is warned before the bill hurts. One program with one\n \
         port and one data directory.\n"
    )
}

const COPYRIGHT: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: corrente

Files: *
Copyright: The Corrente authors
License: Apache-2.0
 On Debian systems the text of the licence is in /usr/share/common-licenses/Apache-2.0.
";

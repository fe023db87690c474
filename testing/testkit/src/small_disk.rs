//! A disk that is soon full.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

/// A small file system of its own, undone when this is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts one of so many bytes over a folder. Nothing without the right to do so: a test then says
    /// that it was skipped.
    pub fn mount(path: &Path, bytes: u64) -> Option<Self> {
        let size = format!("size={bytes}");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self { path: path.to_owned() })
    }

    /// Lets nothing be written to it any more.
    pub fn make_read_only(&self) -> io::Result<()> {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.path).status()?;
        if done.success() { Ok(()) } else { Err(io::Error::other("mount failed")) }
    }

    /// Fills what is left of it with one file, to the last page.
    pub fn fill(&self) -> io::Result<()> {
        let mut ballast = fs::File::create(self.ballast())?;
        for bytes in [1 << 20, 1 << 16, 1 << 12, 1] {
            let chunk = vec![7; bytes];
            while ballast.write_all(&chunk).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again.
    pub fn empty(&self) -> io::Result<()> {
        fs::remove_file(self.ballast())
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A process of the test may still have a file open there.
        drop(Command::new("umount").arg("--lazy").arg(&self.path).status());
    }
}

//! What a process used, from Linux's /proc, and where it may run.

use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::Failure;

/// Ticks of /proc/…/stat in a second: fixed in Linux's interface to programs.
const TICKS: u64 = 100;

/// Time on a processor of all threads of a process that live now.
pub(crate) fn of_threads(process: u32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Duration::ZERO;
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|line| line.split(' ').next()?.parse().ok())
        .map(Duration::from_nanos)
        .sum()
}

/// Time on a processor of a process, of its threads that ended, and of its children, those that ended
/// included. In steps of 10 ms.
pub(crate) fn of_tree(root: u32) -> Duration {
    let ticks: u64 = tree(root).iter().map(|one| one.own + one.ended).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// Most memory that a process held so far, in bytes. Children add what they have for themselves now.
pub(crate) fn peak_memory(root: u32) -> u64 {
    let children = tree(root).into_iter().filter(|one| one.id != root);
    let of_children: u64 = children.map(|one| status(one.id, "RssAnon:")).sum();
    status(root, "VmHWM:") + of_children
}

fn status(process: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}

/// A process with its ticks.
#[derive(Clone, Copy)]
struct Used {
    id: u32,
    parent: u32,
    own: u64,
    ended: u64,
}

fn tree(root: u32) -> Vec<Used> {
    let all: HashMap<u32, Used> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| used(entry.file_name().to_str()?.parse().ok()?))
        .map(|one| (one.id, one))
        .collect();
    let belongs = |one: &&Used| {
        let mut at = Some(*one);
        while let Some(here) = at {
            if here.id == root {
                return true;
            }
            at = all.get(&here.parent);
        }
        false
    };
    all.values().filter(belongs).copied().collect()
}

fn used(id: u32) -> Option<Used> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in brackets may hold anything; what follows are numbers (proc(5)).
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<u64> = rest.split(' ').map(|field| field.parse().unwrap_or(0)).collect();
    let field = |place: usize| fields.get(place).copied().unwrap_or_default();
    let parent = u32::try_from(field(1)).ok()?;
    Some(Used { id, parent, own: field(11) + field(12), ended: field(13) + field(14) })
}

/// Bytes of a file, or of everything below a folder, as the disk sees them.
pub(crate) fn bytes_on_disk(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let about = fs::symlink_metadata(path)?;
    if !about.is_dir() {
        return Ok(about.blocks() * 512);
    }
    fs::read_dir(path)?.map(|entry| bytes_on_disk(&entry?.path())).sum()
}

/// Puts a process and its threads onto these processors.
pub(crate) fn pin(process: u32, processors: &str) -> Result<(), Failure> {
    // A thread that ends meanwhile fails it: the next attempt finds those that are left.
    for _ in 0..5 {
        let done = Command::new("taskset")
            .args(["-a", "-c", "-p", processors, &process.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if done.success() {
            return Ok(());
        }
    }
    Err("taskset failed".into())
}

/// Puts a process and what it started onto these processors, or onto all.
pub(crate) fn pin_family(root: u32, processors: Option<&str>) -> Result<(), Failure> {
    let all = all_processors();
    for process in family(root) {
        pin(process, processors.unwrap_or(&all))?;
    }
    Ok(())
}

/// All there are, as taskset names them.
pub(crate) fn all_processors() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let count = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    format!("0-{}", count.max(1) - 1)
}

/// A command that starts on these processors, when any are named.
pub(crate) fn command(program: &str, processors: Option<&str>) -> Command {
    let Some(processors) = processors else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["-c", processors, program]);
    command
}

/// The machine, for a report: processor, memory, kernel, file system.
pub(crate) fn machine(folder: &Path) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let processors = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let meminfo = read("/proc/meminfo");
    let memory = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let kind = Command::new("stat").args(["-f", "-c", "%T"]).arg(folder).output();
    let kind = kind.map_or_else(
        |_| String::from("?"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!(
        "{model}, {processors} processors, {} GiB, Linux {}, {kind}",
        memory.div_ceil(1 << 20),
        kernel.trim()
    )
}

/// A process and everything that it started.
pub(crate) fn family(root: u32) -> Vec<u32> {
    tree(root).iter().map(|one| one.id).collect()
}

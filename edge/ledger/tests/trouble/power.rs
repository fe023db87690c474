//! The power fails: writes that were not synced are dropped, torn or reordered.

use std::fs;

use crate::{
    kill, load,
    trace::{self, Act, Disks, Random},
};

#[test]
fn nothing_acknowledged_is_lost_when_the_power_fails() {
    let folder = tempfile::TempDir::new().unwrap();
    let Some(shim) = trace::shim(folder.path()) else {
        println!("skipped: no C compiler");
        return;
    };
    let written = folder.path().join("written");
    fs::create_dir(&written).unwrap();
    let noted = folder.path().join("trace");
    let status = kill::child(&written, &[0, 0, 0], 260)
        .env("LD_PRELOAD", &shim)
        .env("CORRENTE_TRACE", &noted)
        .env("CORRENTE_TRACE_FOLDER", &written)
        .status()
        .unwrap();
    assert!(status.success());
    let acts = trace::parse(&fs::read(&noted).unwrap());
    let syncs = acts.iter().filter(|noted| matches!(noted.act, Act::Sync)).count();
    assert!(syncs > 10, "the library saw only {syncs} syncs");
    let of_file = acts.iter().filter(|noted| noted.file == "ledger.db").count();
    assert!(of_file > 10, "no checkpoint was seen");

    let cuts = 90;
    let seed = 0x5eed_1234_5678_9abc;
    let mut random = Random(seed);
    let mut disks = Disks::default();
    let mut moments: Vec<usize> = (0..cuts)
        .map(|_| usize::try_from(random.below(u64::try_from(acts.len()).unwrap())).unwrap())
        .collect();
    moments.sort_unstable();
    let mut moments = moments.into_iter().peekable();
    let mut checked = 0;
    for number in 0..acts.len() {
        while moments.next_if_eq(&number).is_some() {
            let mode = random.below(3);
            let target = folder.path().join("cut");
            disks.cut(&acts, &target, mode, &mut random);
            let next = load::acknowledged(&fs::read(target.join("acks")).unwrap_or_default());
            checked += load::check(&target.join("ledger.db"), &next)
                .unwrap_or_else(|error| panic!("cut before act {number}, mode {mode}: {error}"));
            fs::remove_dir_all(&target).unwrap();
        }
        disks.take(&acts, number);
    }
    println!("{cuts} power cuts among {} acts, {checked} readings checked", acts.len());
}

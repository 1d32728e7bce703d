//! Several processes on one file, and what they cost the disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aegis_log::{Durability, Evidence, Log, verify};

use crate::child::Orders;
use crate::making::{Place, append_action, session};

/// What the log holds under the names that the children gave.
fn recorded(log: &dyn Log) -> Vec<String> {
    let mut names = Vec::new();
    for summary in log.chains().unwrap() {
        if summary.chain.session().is_some() {
            let read = log.read(&summary.chain, 0, usize::MAX).unwrap();
            // Each action is two records.
            let subjects = read.into_iter().step_by(2);
            names.extend(subjects.filter_map(|envelope| envelope.subject));
        }
    }
    names.sort();
    names
}

fn acknowledged(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // A line without its end was cut off by the kill.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut names: Vec<String> = whole.lines().map(str::to_owned).collect();
    names.sort();
    names
}

fn beside(place: &Place, name: &str) -> PathBuf {
    place.path().with_file_name(name)
}

#[test]
fn thirty_two_processes_at_once_lose_nothing_and_break_no_chain() {
    let place = Place::new();
    let path = place.path();
    let lines = beside(&place, "acknowledged");
    let names: Vec<String> = (0..32).map(|number| format!("process-{number}")).collect();
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            let orders = Orders {
                log: &path,
                acknowledged: &lines,
                durability: Durability::Normal,
                name,
                appends: 6,
                wal_pages: 32,
            };
            orders.command(&[]).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let log = place.open();
    let recorded = recorded(&log);
    assert_eq!(recorded.len(), 32 * 6);
    assert_eq!(recorded, acknowledged(&lines));
    let found = verify(&log, &Evidence::NONE).unwrap();
    assert!(found.is_sound(), "{:?}", found.faults);
}

fn check_killed(durability: Durability) {
    for round in 0..6 {
        let place = Place::new();
        let lines = beside(&place, "acknowledged");
        let orders = Orders {
            log: &place.path(),
            acknowledged: &lines,
            durability,
            name: "killed",
            appends: 1_000_000,
            wal_pages: 16,
        };
        let mut child = orders.command(&[]).spawn().unwrap();
        let began = Instant::now();
        while acknowledged(&lines).len() < 5 + 7 * round {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
        // SIGKILL, in the middle of whatever it does.
        child.kill().unwrap();
        child.wait().unwrap();
        let log = place.open();
        let recorded: BTreeSet<String> = recorded(&log).into_iter().collect();
        for name in acknowledged(&lines) {
            assert!(recorded.contains(&name), "{name} is lost");
        }
        let found = verify(&log, &Evidence::NONE).unwrap();
        assert!(found.is_sound(), "{:?}", found.faults);
        append_action(&log, &session("after"), "after", 20);
    }
}

/// Returns numbers below `bound` that look random and are the same each time.
fn scattered(bound: u64) -> impl Iterator<Item = u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    })
}

#[test]
fn three_hundred_kills_at_random_points_lose_nothing_acknowledged_at_level_normal() {
    let place = Place::new();
    let lines = beside(&place, "acknowledged");
    let written = || std::fs::metadata(&lines).map_or(0, |found| found.len());
    let check = || {
        let log = place.open();
        let recorded: BTreeSet<String> = recorded(&log).into_iter().collect();
        for name in acknowledged(&lines) {
            assert!(recorded.contains(&name), "{name} is lost");
        }
        let found = verify(&log, &Evidence::NONE).unwrap();
        assert!(found.is_sound(), "{:?}", found.faults);
    };
    for (round, bytes) in scattered(240).take(300).enumerate() {
        let name = format!("killed-{round}");
        let orders = Orders {
            log: &place.path(),
            acknowledged: &lines,
            durability: Durability::Normal,
            name: &name,
            appends: 1_000_000,
            // A checkpoint every few commits is killed as well.
            wal_pages: 16,
        };
        let before = written();
        let mut child = orders.command(&[]).spawn().unwrap();
        let began = Instant::now();
        // Some are killed before they have done anything.
        while bytes > 40 && written() < before + bytes {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if round % 50 == 49 {
            check();
        }
    }
    assert!(
        acknowledged(&lines).len() > 300,
        "the processes have worked"
    );
    check();
}

#[test]
fn a_killed_process_loses_nothing_acknowledged_at_level_normal() {
    check_killed(Durability::Normal);
}

#[test]
fn a_killed_process_loses_nothing_acknowledged_at_level_full() {
    check_killed(Durability::Full);
}

/// Returns the syncs of a process that opens the log, appends, and leaves.
fn syncs(durability: Durability, wal_pages: u32, appends: usize) -> Vec<String> {
    let place = Place::new();
    let log = place.open_with(aegis_log::Options {
        wal_pages: 0,
        ..aegis_log::Options::default()
    });
    append_action(&log, &session("before"), "before", 10);
    log.maintain().unwrap();
    drop(log);
    let trace = beside(&place, "trace");
    let strace = [
        "strace",
        "-f",
        "-y",
        "-e",
        "trace=fsync,fdatasync,sync_file_range,unlink",
        "-o",
        trace.to_str().unwrap(),
    ];
    let orders = Orders {
        log: &place.path(),
        acknowledged: &beside(&place, "acknowledged"),
        durability,
        name: "traced",
        appends,
        wal_pages,
    };
    let ended = orders.command(&strace).status();
    let ended = ended.expect("strace is needed: install it, as `cargo xtask test` does");
    assert!(ended.success());
    let trace = std::fs::read_to_string(&trace).unwrap();
    let calls = trace.lines().filter(|line| !line.contains("+++"));
    calls.map(str::to_owned).collect()
}

#[test]
fn a_commit_at_level_normal_does_not_sync_and_neither_does_leaving() {
    assert_eq!(syncs(Durability::Normal, 1_000, 1), Vec::<String>::new());
    assert_eq!(syncs(Durability::Normal, 1_000, 10), Vec::<String>::new());
}

#[test]
fn a_commit_at_level_full_syncs_once_and_leaving_does_not() {
    for appends in [1, 10] {
        let calls = syncs(Durability::Full, 1_000, appends);
        let of_wal = calls.iter().filter(|call| call.contains("log.db-wal"));
        assert_eq!(of_wal.count(), appends, "{calls:#?}");
        // The first sync of a process also makes the name of the WAL durable.
        assert!(calls.len() <= appends + 1, "{calls:#?}");
    }
}

#[test]
fn folding_the_wal_back_syncs_a_few_times_and_only_when_it_is_due() {
    let calls = syncs(Durability::Normal, 0, 1);
    assert!((2..=6).contains(&calls.len()), "{calls:#?}");
}

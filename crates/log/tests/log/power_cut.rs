//! What is left after the power fails.
//!
//! A process appends while every write, sync and change of a name is recorded.
//! From the record the disk is made again as it may be after a cut at any
//! moment: what was synced is there; of what was not, any part may be, down to
//! single sectors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aegis_log::{Durability, Evidence, Log, Options, SqliteLog, verify};

use crate::child::Orders;
use crate::making::Place;

/// The unit that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What a process did to files.
#[derive(Debug)]
enum Step {
    /// A name was given to a file, by making or linking it.
    Named {
        name: String,
        file: usize,
    },
    /// A name was taken away.
    Unnamed {
        name: String,
    },
    Written {
        file: usize,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncated {
        file: usize,
        length: usize,
    },
    Synced {
        file: usize,
    },
    /// The names in the folder were synced.
    FolderSynced,
    /// An append was acknowledged.
    Acknowledged {
        name: String,
    },
}

/// Reads what `strace` wrote of a process that works in `folder`.
fn read_trace(trace: &str, folder: &Path) -> Vec<Step> {
    let mut reader = Reader {
        folder: folder.to_str().unwrap().to_owned(),
        ..Reader::default()
    };
    for line in trace.lines() {
        assert!(!line.contains("<unfinished"), "two threads at once: {line}");
        reader.read(line);
    }
    reader.steps
}

#[derive(Default)]
struct Reader {
    folder: String,
    steps: Vec<Step>,
    /// What each descriptor stands for: a file, the folder, or the acknowledgements.
    open: BTreeMap<i64, Opened>,
    names: BTreeMap<String, usize>,
    files: usize,
}

#[derive(Clone, Copy, Debug)]
enum Opened {
    File(usize),
    Folder,
    Acknowledgements,
}

impl Reader {
    fn read(&mut self, line: &str) {
        let Some((call, result)) = line.rsplit_once(" = ") else {
            return;
        };
        let result: i64 = match result.split(' ').next().unwrap().parse() {
            Ok(result) if result >= 0 => result,
            _ => return,
        };
        let (start, rest) = call.split_once('(').unwrap();
        let name = start.rsplit(' ').next().unwrap();
        let arguments = arguments(rest.trim_end().strip_suffix(')').unwrap());
        let file = |reader: &Self, place: usize| -> Option<Opened> {
            let descriptor: i64 = arguments.get(place)?.parse().ok()?;
            reader.open.get(&descriptor).copied()
        };
        match name {
            "openat" => self.opened(&text(&arguments[1]), &arguments[2], result),
            "close" => {
                self.open.remove(&arguments[0].parse().unwrap());
            }
            "linkat" => self.named(&text(&arguments[1]), &text(&arguments[3])),
            "link" => self.named(&text(&arguments[0]), &text(&arguments[1])),
            "unlink" => self.unnamed(&text(&arguments[0])),
            "unlinkat" => self.unnamed(&text(&arguments[1])),
            "pwrite64" | "write" => {
                let bytes = bytes(&arguments[1]);
                assert_eq!(bytes.len() as i64, result, "strace cut the bytes");
                match file(self, 0) {
                    Some(Opened::File(file)) => {
                        let offset = arguments[3].parse().unwrap();
                        self.steps.push(Step::Written {
                            file,
                            offset,
                            bytes,
                        });
                    }
                    Some(Opened::Acknowledgements) => {
                        let name = String::from_utf8(bytes).unwrap().trim().to_owned();
                        self.steps.push(Step::Acknowledged { name });
                    }
                    Some(Opened::Folder) | None => {}
                }
            }
            "ftruncate" => {
                if let Some(Opened::File(file)) = file(self, 0) {
                    let length = arguments[1].parse().unwrap();
                    self.steps.push(Step::Truncated { file, length });
                }
            }
            "fsync" | "fdatasync" => match file(self, 0) {
                Some(Opened::File(file)) => self.steps.push(Step::Synced { file }),
                Some(Opened::Folder) => self.steps.push(Step::FolderSynced),
                Some(Opened::Acknowledgements) | None => {}
            },
            other => panic!("{other} is not known: {line}"),
        }
    }

    fn opened(&mut self, path: &str, flags: &str, descriptor: i64) {
        let opened = if path == self.folder {
            Opened::Folder
        } else if path.ends_with("acknowledged") {
            Opened::Acknowledgements
        } else if path.starts_with(&self.folder) && !path.ends_with("-shm") {
            let file = match self.names.get(path) {
                Some(file) => *file,
                None => self.make(path),
            };
            if flags.contains("O_TRUNC") {
                self.steps.push(Step::Truncated { file, length: 0 });
            }
            Opened::File(file)
        } else {
            self.open.remove(&descriptor);
            return;
        };
        self.open.insert(descriptor, opened);
    }

    fn make(&mut self, path: &str) -> usize {
        let file = self.files;
        self.files += 1;
        self.names.insert(path.to_owned(), file);
        self.steps.push(Step::Named {
            name: path.to_owned(),
            file,
        });
        file
    }

    fn named(&mut self, from: &str, to: &str) {
        let file = self.names[from];
        self.names.insert(to.to_owned(), file);
        self.steps.push(Step::Named {
            name: to.to_owned(),
            file,
        });
    }

    fn unnamed(&mut self, path: &str) {
        if self.names.remove(path).is_some() {
            self.steps.push(Step::Unnamed {
                name: path.to_owned(),
            });
        }
    }
}

/// Splits the arguments of a call; commas in texts are written in hexadecimal.
fn arguments(list: &str) -> Vec<String> {
    list.split(", ").map(str::to_owned).collect()
}

/// Reads a text that is written as `"\x41\x42"`.
fn bytes(argument: &str) -> Vec<u8> {
    let inner = argument
        .strip_prefix('"')
        .unwrap()
        .strip_suffix('"')
        .unwrap();
    let hex = inner.split("\\x").skip(1);
    hex.map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

fn text(argument: &str) -> String {
    String::from_utf8(bytes(argument)).unwrap()
}

/// A row of numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn is(&mut self) -> bool {
        self.next() & 8 == 0
    }
}

/// A disk as it is, and what of it is not synced.
#[derive(Default)]
struct Disk {
    files: BTreeMap<usize, Vec<u8>>,
    names: BTreeMap<String, usize>,
    unsynced: BTreeMap<usize, Vec<Change>>,
    unsynced_names: Vec<(String, Option<usize>)>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>, mut takes_sector: impl FnMut() -> bool) {
        match self {
            Self::Truncate(length) => file.resize(*length, 0),
            Self::Write(offset, bytes) => {
                if file.len() < offset + bytes.len() {
                    file.resize(offset + bytes.len(), 0);
                }
                let mut done = 0;
                while done < bytes.len() {
                    let start = offset + done;
                    let length = (SECTOR - start % SECTOR).min(bytes.len() - done);
                    if takes_sector() {
                        file[start..start + length].copy_from_slice(&bytes[done..done + length]);
                    }
                    done += length;
                }
            }
        }
    }
}

impl Disk {
    /// Returns the disk after the power failed behind `steps`.
    fn after(steps: &[Step], chance: &mut Chance) -> Self {
        let mut disk = Self::default();
        for step in steps {
            disk.take(step);
        }
        for (file, changes) in std::mem::take(&mut disk.unsynced) {
            let content = disk.files.entry(file).or_default();
            // Nothing, everything, or anything between may have got through.
            let share = chance.below(3);
            for change in changes {
                if share == 2 || share == 1 && chance.is() {
                    let whole = share == 2 || chance.is();
                    change.apply(content, || whole || chance.is());
                }
            }
        }
        let keeps_names = chance.is();
        for (name, file) in std::mem::take(&mut disk.unsynced_names) {
            if keeps_names || chance.is() {
                disk.rename(name, file);
            }
        }
        disk
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Named { name, file } => self.unsynced_names.push((name.clone(), Some(*file))),
            Step::Unnamed { name } => self.unsynced_names.push((name.clone(), None)),
            Step::Written {
                file,
                offset,
                bytes,
            } => {
                let changes = self.unsynced.entry(*file).or_default();
                changes.push(Change::Write(*offset, bytes.clone()));
            }
            Step::Truncated { file, length } => {
                let changes = self.unsynced.entry(*file).or_default();
                changes.push(Change::Truncate(*length));
            }
            Step::Synced { file } => {
                let content = self.files.entry(*file).or_default();
                for change in self.unsynced.remove(file).unwrap_or_default() {
                    change.apply(content, || true);
                }
            }
            Step::FolderSynced => {
                for (name, file) in std::mem::take(&mut self.unsynced_names) {
                    self.rename(name, file);
                }
            }
            Step::Acknowledged { .. } => {}
        }
    }

    fn rename(&mut self, name: String, file: Option<usize>) {
        match file {
            Some(file) => self.names.insert(name, file),
            None => self.names.remove(&name),
        };
    }

    /// Writes the files into `folder` under their own names.
    fn write(&self, folder: &Path) {
        for (name, file) in &self.names {
            let content = self.files.get(file).cloned().unwrap_or_default();
            let name = Path::new(name).file_name().unwrap();
            std::fs::write(folder.join(name), content).unwrap();
        }
    }
}

/// Records a process that appends `appends` actions.
fn record(durability: Durability, appends: usize) -> Vec<Step> {
    let place = Place::new();
    let folder = place.path().parent().unwrap().canonicalize().unwrap();
    let elsewhere = tempfile::TempDir::new().unwrap();
    let trace = elsewhere.path().join("trace");
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-xx",
        "-s",
        "200000",
        "-e",
        "trace=openat,close,link,linkat,unlink,unlinkat,pwrite64,write,ftruncate,fsync,fdatasync",
        "-e",
        "signal=none",
        "-o",
        trace.to_str().unwrap(),
    ];
    let orders = Orders {
        log: &folder.join("log.db"),
        acknowledged: &folder.join("acknowledged"),
        durability,
        name: "cut",
        appends,
        wal_pages: 16,
    };
    let ended = orders.command(&strace).status();
    let ended = ended.expect("strace is needed: install it, as `cargo xtask test` does");
    assert!(ended.success());
    read_trace(&std::fs::read_to_string(&trace).unwrap(), &folder)
}

fn acknowledged(steps: &[Step]) -> BTreeSet<&str> {
    let names = steps.iter().filter_map(|step| match step {
        Step::Acknowledged { name } => Some(name.as_str()),
        _ => None,
    });
    names.collect()
}

/// Opens what a cut left; returns what is recorded if there is a log at all.
fn recover(disk: &Disk) -> Option<BTreeSet<String>> {
    let folder = tempfile::TempDir::new().unwrap();
    disk.write(folder.path());
    let path = folder.path().join("log.db");
    if !path.exists() {
        return None;
    }
    let options = Options {
        create: false,
        ..Options::default()
    };
    let log = SqliteLog::open(path, options).unwrap();
    let found = verify(&log, &Evidence::NONE).unwrap();
    assert!(found.is_sound(), "{:?}", found.faults);
    let mut subjects = BTreeSet::new();
    for chain in &found.chains {
        let read = log.read(&chain.chain, 0, usize::MAX).unwrap();
        subjects.extend(read.into_iter().filter_map(|envelope| envelope.subject));
    }
    Some(subjects)
}

#[test]
fn a_power_cut_at_level_full_loses_nothing_acknowledged() {
    let steps = record(Durability::Full, 60);
    assert_eq!(acknowledged(&steps).len(), 60);
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut most = 0;
    for cut in 0..300 {
        let happened = &steps[..=chance.below(steps.len())];
        let recorded = recover(&Disk::after(happened, &mut chance)).unwrap_or_default();
        for name in acknowledged(happened) {
            assert!(recorded.contains(name), "cut {cut}: {name} is lost");
        }
        most = most.max(recorded.len());
    }
    assert!(
        most > 50,
        "the cuts came too early to show anything: {most}"
    );
}

#[test]
fn a_power_cut_at_level_normal_may_lose_the_last_commits_but_breaks_nothing() {
    let steps = record(Durability::Normal, 60);
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let mut lost = 0;
    for _ in 0..100 {
        let happened = &steps[..=chance.below(steps.len())];
        let recorded = recover(&Disk::after(happened, &mut chance)).unwrap_or_default();
        let acknowledged = acknowledged(happened);
        lost += acknowledged
            .iter()
            .filter(|name| !recorded.contains(**name))
            .count();
    }
    // Were nothing lost at this level, the cuts above would prove nothing.
    assert!(lost > 0);
}

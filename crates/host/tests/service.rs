//! The examination of a service, in a tree of its own.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use aegis_gate::{Places, Surroundings};
use aegis_host::{
    Client, FindClientError, Part, Patient, Registration, Start, Symptom, Tree, Wanted, examine_at,
    plan_service,
};
use aegis_types::{DurationMs, Timestamp};

const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

/// A tree with a service in it that listens.
struct Desk {
    folder: tempfile::TempDir,
    _socket: UnixListener,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let programs = folder.path().join("programs");
        for folder in [&root, &programs, &root.join("etc"), &root.join("run")] {
            fs::create_dir(folder).unwrap();
            fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        }
        for name in ["aegis", "aegis-hook"] {
            let program = programs.join(name);
            fs::write(&program, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        }
        let user = rustix::process::geteuid().as_raw();
        let line = format!("aegis:x:{user}:{user}::/var/lib/aegis:/usr/sbin/nologin\n");
        fs::write(root.join("etc/passwd"), line).unwrap();
        let wanted = Wanted {
            tree: Tree::below(&root),
            user: "aegis".to_owned(),
            programs,
            longest_approval: DurationMs::from_secs(600),
            start: Start::No,
        };
        plan_service(&wanted).unwrap().apply(NOW).unwrap();
        fs::create_dir(wanted.tree.run()).unwrap();
        fs::set_permissions(wanted.tree.run(), Permissions::from_mode(0o755)).unwrap();
        let socket = UnixListener::bind(wanted.tree.socket()).unwrap();
        Self {
            folder,
            _socket: socket,
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path)
    }

    /// Returns what is found of the service.
    fn examine(&self) -> Vec<Symptom> {
        let tree = Tree::below(&self.at(""));
        let surroundings = Surroundings {
            home: self.at("home"),
            managed: tree.managed(),
            host_managed: self.at("etc/claude-code"),
            directory: self.at(""),
            ..Surroundings::default()
        };
        let client: Result<&Client, &FindClientError> = Err(&FindClientError::NotOnPath);
        let patient = Patient {
            surroundings: &surroundings,
            places: &Places::of(&surroundings),
            client,
            tree: &tree,
            registration: &Registration::of(&tree.hook_program(), DurationMs::from_secs(600)),
        };
        let mut symptoms = examine_at(&patient, NOW).symptoms;
        symptoms.retain(|symptom| symptom.part == Part::Service);
        symptoms
    }

    /// Returns the text of the faults, with the tree's folder taken out.
    fn faults(&self) -> Vec<String> {
        let root = format!("{}/", self.at("").display()).replace("//", "/");
        let faults = self.examine().into_iter().filter(|it| it.remedy.is_some());
        faults.map(|it| it.text.replace(&root, "/")).collect()
    }
}

fn append(path: &Path) {
    let mut text = fs::read_to_string(path).unwrap();
    text.push('\n');
    fs::write(path, text).unwrap();
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_service_as_it_was_put_in_place_has_no_fault() {
    let desk = Desk::new();
    assert_eq!(desk.faults(), Vec::<String>::new());
    assert_eq!(desk.examine().len(), 7);
}

type Tamper = fn(&Desk);

/// What is done to a service, and what is then said of it.
const TAMPERINGS: &[(Tamper, &str)] = &[
    (
        |desk| fs::remove_file(desk.at("etc/passwd")).unwrap(),
        "the account `aegis` is not there",
    ),
    (
        |desk| {
            let list = fs::read_to_string(desk.at("etc/passwd")).unwrap();
            let list = list.replace("/usr/sbin/nologin", "/bin/bash");
            fs::write(desk.at("etc/passwd"), list).unwrap();
        },
        "people log into the account `aegis`: its shell is `/bin/bash`",
    ),
    (
        |desk| append(&desk.at("usr/local/lib/aegis/aegis-hook")),
        "`/usr/local/lib/aegis/aegis-hook` was changed since it was put there",
    ),
    (
        |desk| mode(&desk.at("usr/local/lib/aegis/aegis"), 0o775),
        "`/usr/local/lib/aegis/aegis` can be changed by others (mode 775)",
    ),
    (
        |desk| mode(&desk.at("usr/local"), 0o777),
        "`/usr/local` can be changed by others than root",
    ),
    (
        |desk| append(&desk.at("etc/systemd/system/aegis.service")),
        "`/etc/systemd/system/aegis.service` was changed since it was put there",
    ),
    (
        |desk| fs::write(desk.at("etc/aegis/settings.toml"), "").unwrap(),
        "`/etc/aegis/settings.toml` does not name the service, so hooks decide by themselves",
    ),
    (
        |desk| mode(&desk.at("etc/aegis/policy.yaml"), 0o646),
        "`/etc/aegis/policy.yaml` can be changed by others (mode 646)",
    ),
    (
        |desk| {
            let path = desk.at("etc/aegis/policy.yaml");
            fs::rename(&path, desk.at("elsewhere")).unwrap();
            symlink(desk.at("elsewhere"), path).unwrap();
        },
        "`/etc/aegis/policy.yaml` is no file",
    ),
    (
        |desk| mode(&desk.at("var/lib/aegis"), 0o711),
        "`/var/lib/aegis` opens for others (mode 711)",
    ),
    (
        |desk| mode(&desk.at("run/aegis"), 0o1777),
        "others may replace `/run/aegis/aegis.sock`: its folder is not the service's own",
    ),
    (
        |desk| fs::remove_file(desk.at("run/aegis/aegis.sock")).unwrap(),
        "nobody listens at `/run/aegis/aegis.sock` (entity not found), so every action is denied",
    ),
    (
        |desk| fs::write(desk.at("etc/claude-code/managed-settings.json"), "{}").unwrap(),
        "`/etc/claude-code/managed-settings.json` does not run `/usr/local/lib/aegis/aegis-hook` for every event",
    ),
    (
        |desk| {
            let path = desk.at("etc/claude-code/managed-settings.json");
            let text = fs::read_to_string(&path).unwrap();
            let text = text.replace("\"disableAllHooks\": false", "\"disableAllHooks\": true");
            fs::write(path, text).unwrap();
        },
        "`/etc/claude-code/managed-settings.json` does not pin `disableAllHooks` to false",
    ),
];

#[test]
fn each_part_that_is_not_as_it_must_be_is_named() {
    for (tamper, expected) in TAMPERINGS {
        let desk = Desk::new();
        tamper(&desk);
        let faults = desk.faults();
        assert!(
            faults.iter().any(|fault| fault == expected),
            "{expected}\n{faults:#?}"
        );
    }
}

//! The service of the machine, part by part: whether anything could be changed,
//! replaced or spoken for by who is neither root nor the service.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use aegis_canon::Digest;
use serde_json::Value;

use super::{Level, Part, Symptom};
use crate::registration::{EVENTS, SWITCH, groups, hooks};
use crate::service::{ServiceRecord, Tree, account_called, exposed_above, named};

/// The remedy of what was changed since it was put in place.
const AGAIN: &str = "run `aegis install service` as root; it puts right what was changed";

/// How a service stands that was put in place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Standing {
    /// The number of its account.
    pub(super) user: Option<u32>,
    /// Whether every part is as it must be.
    pub(super) is_sound: bool,
}

/// Examines the service of `tree`; nothing if none was put in place.
pub(super) fn examine(tree: &Tree, symptoms: &mut Vec<Symptom>) -> Option<Standing> {
    let record = match ServiceRecord::read(tree) {
        Ok(None) => return None,
        Ok(Some(record)) => record,
        Err(error) => {
            symptoms.push(fault(error.to_string()));
            return Some(Standing {
                user: None,
                is_sound: false,
            });
        }
    };
    let mut found = Vec::new();
    let user = account(tree, &record.user, &mut found);
    programs(tree, &record, &mut found);
    unit(tree, &record, &mut found);
    settings(tree, &record, &mut found);
    state(tree, user, &mut found);
    socket(tree, user, &mut found);
    host(tree, &mut found);
    let is_sound = found.iter().all(|symptom| symptom.level < Level::Warning);
    symptoms.extend(found);
    Some(Standing { user, is_sound })
}

fn account(tree: &Tree, name: &str, found: &mut Vec<Symptom>) -> Option<u32> {
    let Some(account) = account_called(&tree.accounts(), name) else {
        found.push(fault(format!("the account `{name}` is not there")));
        return None;
    };
    if account.user == 0 && tree.is_machine() {
        found.push(fault(format!("the account `{name}` is root's own")));
    } else if account.lets_people_in() {
        let text = format!(
            "people log into the account `{name}`: its shell is `{}`",
            account.shell
        );
        found.push(fault(text));
    } else {
        let text = format!("the account `{name}` has the number {}", account.user);
        found.push(Symptom::good(Part::Service, text));
    }
    Some(account.user)
}

fn programs(tree: &Tree, record: &ServiceRecord, found: &mut Vec<Symptom>) {
    let folder = tree.programs();
    let good = format!(
        "the programs in `{}` are those that were put there",
        folder.display()
    );
    part(found, good, |found| {
        for name in ["aegis", "aegis-hook"] {
            let path = folder.join(name);
            guarded(tree, &path, found);
            unchanged(tree, &path, record, found);
        }
    });
}

fn unit(tree: &Tree, record: &ServiceRecord, found: &mut Vec<Symptom>) {
    let path = tree.unit();
    let good = format!("the unit `{}` is as it was written", path.display());
    part(found, good, |found| {
        guarded(tree, &path, found);
        unchanged(tree, &path, record, found);
    });
    let more = path.with_extension("service.d");
    for entry in fs::read_dir(&more).into_iter().flatten().flatten() {
        guarded(tree, &entry.path(), found);
        let text = format!("`{}` changes the unit", entry.path().display());
        found.push(Symptom::note(Part::Service, text));
    }
}

fn settings(tree: &Tree, record: &ServiceRecord, found: &mut Vec<Symptom>) {
    let folder = tree.managed();
    let path = folder.join("settings.toml");
    let good = format!(
        "`{}` names the service, and only root may change it",
        path.display()
    );
    part(found, good, |found| {
        guarded(tree, &path, found);
        guarded(tree, &folder.join("policy.yaml"), found);
        let socket = tree.path_on_machine(&tree.socket());
        let expected = (socket.to_string_lossy().into_owned(), record.user.clone());
        let text = fs::read_to_string(&path).unwrap_or_default();
        if named(&text) != Some(expected) {
            let text = format!(
                "`{}` does not name the service, so hooks decide by themselves",
                path.display()
            );
            found.push(fault(text));
        }
    });
}

fn state(tree: &Tree, user: Option<u32>, found: &mut Vec<Symptom>) {
    let path = tree.state();
    let good = format!("`{}` opens for the service alone", path.display());
    part(found, good, |found| {
        let name = path.display();
        match fs::symlink_metadata(&path) {
            Ok(it) if !it.is_dir() => found.push(fault(format!("`{name}` is no folder"))),
            Ok(it) if Some(it.uid()) != user => {
                found.push(fault(format!("`{name}` does not belong to the service")));
            }
            Ok(it) if it.mode() & 0o077 != 0 => {
                let mode = it.mode() & 0o777;
                found.push(fault(format!("`{name}` opens for others (mode {mode:o})")));
            }
            Ok(_) => exposed(tree, &path, found),
            Err(_) => found.push(fault(format!("`{name}` is not there"))),
        }
    });
}

fn socket(tree: &Tree, user: Option<u32>, found: &mut Vec<Symptom>) {
    let path = tree.socket();
    let name = path.display();
    let folder = fs::symlink_metadata(tree.run());
    let may_replace = folder.is_ok_and(|it| {
        let is_theirs = Some(it.uid()) == user || it.uid() == tree.owner();
        !is_theirs || it.mode() & 0o022 != 0
    });
    if may_replace {
        let text = format!("others may replace `{name}`: its folder is not the service's own");
        found.push(fault(text));
    }
    exposed(tree, &tree.run(), found);
    let is_socket = fs::symlink_metadata(&path).is_ok_and(|it| it.file_type().is_socket());
    let peer = if is_socket {
        peer_at(&path)
    } else {
        Err(io::ErrorKind::NotFound.into())
    };
    found.push(match peer {
        Ok(peer) if Some(peer) == user || peer == 0 => Symptom::good(
            Part::Service,
            format!("the service listens at `{name}`, as the user with id {peer}"),
        ),
        Ok(peer) => fault(format!(
            "the user with id {peer} listens at `{name}`, and not the service"
        )),
        Err(error) => Symptom::fault(
            Part::Service,
            format!("nobody listens at `{name}` ({error}), so every action is denied"),
            "start it: `systemctl start aegis`; `journalctl --unit aegis` says why it stopped",
        ),
    });
}

fn host(tree: &Tree, found: &mut Vec<Symptom>) {
    let path = tree.host_settings();
    let name = path.display().to_string();
    part(
        found,
        format!("`{name}` registers the hook for every event"),
        |found| {
            guarded(tree, &path, found);
            let settings = fs::read(&path)
                .ok()
                .and_then(|bytes| aegis_canon::parse(&bytes).ok())
                .unwrap_or(Value::Null);
            let program = tree.hook_program();
            let runs = |event: &str| {
                let hooks = groups(&settings, event).flat_map(hooks);
                let mut commands = hooks.filter_map(|hook| hook.get("command")?.as_str());
                commands.any(|command| Path::new(command) == program)
            };
            if !EVENTS.into_iter().all(runs) {
                let text = format!(
                    "`{name}` does not run `{}` for every event",
                    program.display()
                );
                found.push(fault(text));
            }
            if settings.get(SWITCH) != Some(&Value::Bool(false)) {
                found.push(fault(format!("`{name}` does not pin `{SWITCH}` to false")));
            }
        },
    );
}

/// Adds what `examine` finds of one part, or that it is good.
fn part(found: &mut Vec<Symptom>, good: String, examine: impl FnOnce(&mut Vec<Symptom>)) {
    let before = found.len();
    examine(found);
    if found.len() == before {
        found.push(Symptom::good(Part::Service, good));
    }
}

/// Adds that others than root could change the file `path`.
fn guarded(tree: &Tree, path: &Path, found: &mut Vec<Symptom>) {
    let name = path.display();
    match fs::symlink_metadata(path) {
        Ok(it) if !it.is_file() => found.push(fault(format!("`{name}` is no file"))),
        Ok(it) if it.uid() != tree.owner() => {
            let text = format!("`{name}` belongs to the user with id {}", it.uid());
            found.push(fault(text));
        }
        Ok(it) if it.mode() & 0o022 != 0 => {
            let mode = it.mode() & 0o777;
            let text = format!("`{name}` can be changed by others (mode {mode:o})");
            found.push(fault(text));
        }
        Ok(_) => exposed(tree, path, found),
        Err(_) => found.push(fault(format!("`{name}` is not there"))),
    }
}

fn exposed(tree: &Tree, path: &Path, found: &mut Vec<Symptom>) {
    if let Some(above) = exposed_above(tree, path) {
        found.push(Symptom::fault(
            Part::Service,
            format!("`{}` can be changed by others than root", above.display()),
            "make it belong to root and take the right to write from all others",
        ));
    }
}

fn unchanged(tree: &Tree, path: &Path, record: &ServiceRecord, found: &mut Vec<Symptom>) {
    let held = fs::read(path).map(|bytes| Digest::of(&bytes)).ok();
    let written = record.files.get(&tree.path_on_machine(path));
    if held.is_some() && held.as_ref() != written {
        let text = format!("`{}` was changed since it was put there", path.display());
        found.push(fault(text));
    }
}

fn fault(text: String) -> Symptom {
    Symptom::fault(Part::Service, text, AGAIN)
}

/// Returns the number of the user whose process listens at `socket`.
fn peer_at(socket: &Path) -> io::Result<u32> {
    let stream = UnixStream::connect(socket)?;
    let peer = rustix::net::sockopt::socket_peercred(&stream)?;
    Ok(peer.uid.as_raw())
}

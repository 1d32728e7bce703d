//! Owners and modes of the files that Aegis stands on.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use aegis_gate::{GuardError, HomeOrigin, Places, Secrecy, Surroundings, link_among, open_guarded};

use super::{Part, Symptom};
use crate::registration::Registration;

/// Examines the program of the hook.
pub(super) fn program(registration: &Registration, symptoms: &mut Vec<Symptom>) {
    let path = Path::new(&registration.program);
    let name = path.display();
    let Ok(found) = fs::metadata(path) else {
        symptoms.push(Symptom::fault(
            Part::Program,
            format!("`{name}` is not there"),
            "install `aegis-hook` beside `aegis` (see the README)",
        ));
        return;
    };
    if found.permissions().mode() & 0o111 == 0 {
        symptoms.push(Symptom::fault(
            Part::Program,
            format!("`{name}` cannot be run"),
            format!("run `chmod +x {name}`"),
        ));
    }
    let before = symptoms.len();
    guarded(Part::Program, path, &found, 0o022, symptoms);
    if symptoms.len() == before {
        symptoms.push(Symptom::good(Part::Program, format!("`{name}`")));
    }
}

/// Examines how the home directory is known, which leads to all files of the user.
pub(super) fn home(surroundings: &Surroundings, symptoms: &mut Vec<Symptom>) {
    let remedy = "set `HOME` to the folder of your own files where the client is started";
    match surroundings.home_origin {
        HomeOrigin::Variable => {}
        HomeOrigin::UserDatabase => symptoms.push(Symptom::warning(
            Part::Files,
            format!(
                "`HOME` is no absolute path; the list of users names `{}`, and programs of an \
                 agent may take another folder for the home directory",
                surroundings.home.display()
            ),
            remedy,
        )),
        HomeOrigin::Nowhere => symptoms.push(Symptom::fault(
            Part::Files,
            "`HOME` is no absolute path, and the list of users does not name this user; your \
             policy cannot be found, so every action is denied",
            remedy,
        )),
    }
}

/// Examines the state folder and what lies in it.
pub(super) fn state(places: &Places, symptoms: &mut Vec<Symptom>) {
    let private = [
        &places.state,
        &places.keys,
        &places.redaction_key,
        &places.log,
        &places.trust,
    ];
    let written = [
        &places.user_settings,
        &places.user_policy,
        &places.managed_settings,
        &places.managed_policy,
    ];
    let before = symptoms.len();
    symptoms.extend(link_among(&places.state).map(|link| {
        Symptom::fault(
            Part::Files,
            format!(
                "`{}` is a link, and Aegis writes only what is its own; until it is gone every \
                 action is denied",
                link.display()
            ),
            "put there what the link leads to, or remove it",
        )
    }));
    let mut is_there = false;
    for (path, forbidden) in private
        .iter()
        .map(|path| (path, 0o077))
        .chain(written.iter().map(|path| (path, 0o022)))
    {
        if let Ok(found) = fs::metadata(path) {
            is_there |= *path == &places.state;
            guarded(Part::Files, path, &found, forbidden, symptoms);
        }
    }
    // As the service reads it.
    if let Err(GuardError::Exposed(cause)) = open_guarded(&places.tokens, Secrecy::Secret) {
        symptoms.push(Symptom::fault(
            Part::Files,
            format!(
                "a service believes no token in `{}`: {cause}",
                places.tokens.display()
            ),
            "mend that; the service reads the file again by itself",
        ));
    }
    if symptoms.len() > before {
        return;
    }
    symptoms.push(if is_there {
        Symptom::good(
            Part::Files,
            format!("`{}` is private", places.state.display()),
        )
    } else {
        Symptom::note(
            Part::Files,
            format!(
                "`{}` is not there yet; the first decision makes it",
                places.state.display()
            ),
        )
    });
}

/// Adds what is wrong with the owner and the mode of a file.
fn guarded(part: Part, path: &Path, found: &Metadata, forbidden: u32, symptoms: &mut Vec<Symptom>) {
    let name = path.display();
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user && found.uid() != 0 {
        symptoms.push(Symptom::fault(
            part,
            format!("`{name}` belongs to the user with id {}", found.uid()),
            "make it belong to you or to root",
        ));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & forbidden != 0 {
        let kept = mode & !forbidden;
        let who = if forbidden == 0o077 {
            "read or changed"
        } else {
            "changed"
        };
        symptoms.push(Symptom::fault(
            part,
            format!("`{name}` can be {who} by others (mode {mode:o})"),
            format!("run `chmod {kept:o} {name}`"),
        ));
    }
}

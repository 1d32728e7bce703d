//! `aegis trust`: files of a project that may also loosen.

use std::path::{Path, PathBuf};

use aegis_canon::Digest;
use aegis_gate::{ActivePolicies, Trust};
use serde_json::json;

use crate::arguments::TrustArguments;
use crate::command::checked::read_bytes;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Trusts the files as they are now, or withdraws the trust.
pub(crate) fn trust(here: &Here, arguments: &TrustArguments) -> Result<Report, Failure> {
    let place = &here.places.trust;
    let failed = |error: aegis_gate::TrustError| Failure::environment(causes(&error));
    let mut trust = Trust::load(place).map_err(failed)?;
    let mut page = Page::default();
    if arguments.list {
        let digests: Vec<String> = trust.iter().map(Digest::to_string).collect();
        if digests.is_empty() {
            page.plain("No file is trusted.");
        }
        let known = known(here);
        for digest in &digests {
            let name = known.iter().find(|(known, _)| known == digest);
            page.line(&[
                piece(Tone::Plain, format!("  {digest}")),
                piece(
                    Tone::Quiet,
                    name.map(|(_, file)| format!("  {}", file.display()))
                        .unwrap_or_default(),
                ),
            ]);
        }
        return Ok(Report::done(page, json!({"trusted": digests})));
    }
    here.refuse_agents()?;
    let mut changed = Vec::new();
    for file in files(here, arguments)? {
        let shown = file.display().to_string();
        let digest = digest(here, &file)?;
        let is_new = if arguments.revoke {
            trust.remove(&digest)
        } else {
            trust.add(digest)
        };
        let (tone, word) = match (arguments.revoke, is_new) {
            (false, true) => (Tone::Good, "trusted"),
            (true, true) => (Tone::Good, "no longer trusted"),
            (false, false) => (Tone::Quiet, "trusted already"),
            (true, false) => (Tone::Quiet, "was not trusted"),
        };
        page.line(&[piece(tone, word), piece(Tone::Plain, format!("  {shown}"))]);
        page.line(&[piece(Tone::Quiet, format!("  {digest}"))]);
        changed.push(json!({"file": shown, "digest": digest, "changed": is_new}));
    }
    trust.save(place).map_err(failed)?;
    if !arguments.revoke {
        page.plain("A trusted file counts in full until one byte of it changes.");
    }
    Ok(Report::done(page, json!({"files": changed})))
}

/// Returns the files of the project here with the digests they have at present.
fn known(here: &Here) -> Vec<(String, PathBuf)> {
    let project = here.places.project.iter();
    project
        .flat_map(|project| [&project.settings, &project.policy])
        .filter_map(|path| Some((digest(here, path).ok()?.to_string(), here.shown(path))))
        .collect()
}

/// Returns the digest by which a file is trusted: that of all its texts for a policy.
fn digest(here: &Here, file: &Path) -> Result<Digest, Failure> {
    let shown = file.display();
    let bytes = read_bytes(file)?;
    if file.extension().is_some_and(|ending| ending == "toml") {
        return Ok(Digest::of(&bytes));
    }
    ActivePolicies::digest_to_trust(&here.places, file).ok_or_else(|| {
        Failure::usage(format!("`{shown}` cannot be used as a policy"))
            .remedy(format!("`aegis policy check {shown}` shows what is wrong"))
    })
}

fn files(here: &Here, arguments: &TrustArguments) -> Result<Vec<PathBuf>, Failure> {
    if !arguments.files.is_empty() {
        return Ok(arguments.files.clone());
    }
    let project = here.places.project.as_ref().ok_or_else(|| {
        Failure::usage("there is no project here").remedy("name the files, or run `aegis init`")
    })?;
    let found: Vec<PathBuf> = [&project.settings, &project.policy]
        .into_iter()
        .filter(|path| path.is_file())
        .map(|path| here.shown(path))
        .collect();
    if found.is_empty() {
        return Err(Failure::usage(
            "the project has no settings and no policy to trust",
        ));
    }
    Ok(found)
}

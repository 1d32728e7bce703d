//! `aegis install` and `aegis uninstall`: the agent's host.

use std::path::{Path, PathBuf};

use aegis_gate::{Clock as _, SystemClock};
use aegis_host::{
    Change, Client, FailOpen, FindClientError, InstallError, Note, Proof, ProveError, Registration,
    Target, check_client, plan_install, plan_uninstall, prove, registration,
};
use serde_json::{Value, json};

use crate::arguments::{InstallArguments, PlaceArguments, UninstallArguments};
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Registers Aegis with a host, and proves through the client that it holds.
pub(crate) fn install(here: &Here, arguments: &InstallArguments) -> Result<Report, Failure> {
    if !arguments.dry_run {
        here.refuse_agents()?;
    }
    let target = target(here, &arguments.place);
    let client = find_client(arguments.client.as_deref());
    let fail_open = if arguments.accept_fail_open {
        FailOpen::Accept
    } else {
        FailOpen::Refuse
    };
    if let Ok(client) = &client {
        check_client(client, fail_open).map_err(|error| refused(&error))?;
    }
    let registration = registered(here)?;
    let change = plan_install(&target, &registration).map_err(|error| refused(&error))?;
    let mut page = Page::default();
    if arguments.dry_run {
        return Ok(preview(page, &change, "install"));
    }
    let at = SystemClock.now();
    let backup = change.apply_install(at).map_err(|error| refused(&error))?;
    tell_change(&mut page, &change, backup.as_deref(), "registered in");
    let proof = match &client {
        Ok(client) if !arguments.no_proof => Some(show_proof(here, client, &change, &mut page)?),
        Ok(_) => {
            told_line(
                &mut page,
                Tone::Careful,
                "not proved",
                "--no-proof was given",
            );
            None
        }
        Err(error) => {
            told_line(&mut page, Tone::Careful, "not proved", &causes(error));
            let remedy = "install the client, or name it with --client PROGRAM, and run this again";
            told_line(&mut page, Tone::Quiet, "", remedy);
            None
        }
    };
    page.blank()
        .plain("Next: `aegis doctor` shows what is in force.");
    Ok(Report::done(
        page,
        told(&change, backup.as_deref(), proof.as_ref()),
    ))
}

/// Takes out what `install` added.
pub(crate) fn uninstall(here: &Here, arguments: &UninstallArguments) -> Result<Report, Failure> {
    if !arguments.dry_run {
        here.refuse_agents()?;
    }
    let target = target(here, &arguments.place);
    let change = plan_uninstall(&target).map_err(|error| refused(&error))?;
    let mut page = Page::default();
    if arguments.dry_run {
        return Ok(preview(page, &change, "uninstall"));
    }
    let backup = change
        .apply_uninstall(SystemClock.now())
        .map_err(|error| refused(&error))?;
    tell_change(&mut page, &change, backup.as_deref(), "removed from");
    Ok(Report::done(page, told(&change, backup.as_deref(), None)))
}

/// Returns the client named, or the one on the search path.
pub(crate) fn find_client(named: Option<&Path>) -> Result<Client, FindClientError> {
    match named {
        Some(program) => Client::at(program),
        None => Client::on_path(&std::env::var_os("PATH").unwrap_or_default()),
    }
}

/// Returns the registration of the hook program that lies beside this one.
fn registered(here: &Here) -> Result<Registration, Failure> {
    let wait = here.settings()?.approval_wait_max.value;
    registration(&hook_program()?, wait).map_err(|error| refused(&error))
}

/// Returns the path of the hook program beside this one.
pub(crate) fn hook_program() -> Result<PathBuf, Failure> {
    let this = std::env::current_exe()
        .and_then(|path| path.canonicalize())
        .map_err(|error| {
            Failure::environment(format!(
                "it cannot be told where this program lies: {error}"
            ))
        })?;
    Ok(this.with_file_name("aegis-hook"))
}

fn target(here: &Here, place: &PlaceArguments) -> Target {
    let state = here.places.state.clone();
    if place.project {
        return Target {
            settings: here.directory.join(".claude/settings.json"),
            within: Some(here.directory.clone()),
            state,
        };
    }
    let config = here
        .surroundings
        .variables
        .get("CLAUDE_CONFIG_DIR")
        .filter(|folder| folder.starts_with('/'))
        .map_or_else(|| here.surroundings.home.join(".claude"), PathBuf::from);
    Target {
        settings: config.join("settings.json"),
        within: None,
        state,
    }
}

fn refused(error: &InstallError) -> Failure {
    let failure = Failure {
        message: causes(error),
        remedy: None,
        exit: Exit::No,
    };
    match error {
        InstallError::FailsOpen { .. } => {
            failure.remedy("update the client, or accept this with --accept-fail-open")
        }
        InstallError::NoProgram { .. } => {
            failure.remedy("install `aegis-hook` beside `aegis` (see the README)")
        }
        InstallError::Settings(_)
        | InstallError::Path { .. }
        | InstallError::State { .. }
        | InstallError::Link { .. }
        | InstallError::Layout { .. } => failure,
    }
}

fn preview(mut page: Page, change: &Change, verb: &str) -> Report {
    if change.is_empty() {
        page.plain(format!(
            "Nothing to {verb}: `{}` is as it should be.",
            change.path().display()
        ));
    } else {
        page.line(&[
            piece(Tone::Strong, change.path().display().to_string()),
            piece(Tone::Quiet, "  would change; nothing was written"),
        ]);
        for line in change.difference().lines() {
            let tone = match line.as_bytes().first() {
                Some(b'+') => Tone::Good,
                Some(b'-') => Tone::Bad,
                _ => Tone::Quiet,
            };
            page.line(&[piece(tone, line)]);
        }
    }
    tell_notes(&mut page, change);
    Report::done(
        page,
        json!({"settings": change.path(), "changes": !change.is_empty(), "difference": change.difference()}),
    )
}

fn tell_change(page: &mut Page, change: &Change, backup: Option<&Path>, verb: &str) {
    let path = change.path().display().to_string();
    if change.is_empty() {
        told_line(page, Tone::Quiet, "unchanged", &path);
    } else {
        told_line(page, Tone::Good, verb, &path);
    }
    if let Some(backup) = backup {
        told_line(page, Tone::Quiet, "backup", &backup.display().to_string());
    }
    tell_notes(page, change);
}

/// Adds a line of what was done, the second column aligned.
fn told_line(page: &mut Page, tone: Tone, word: &str, text: &str) {
    page.line(&[piece(tone, format!("{word:<15}")), piece(Tone::Plain, text)]);
}

fn tell_notes(page: &mut Page, change: &Change) {
    for note in change.notes() {
        let text = match note {
            Note::HooksWereOff => {
                "hooks were switched off in these settings, and are on now".to_owned()
            }
            Note::OtherHooks { count: 1 } => "one other hook runs beside ours".to_owned(),
            Note::OtherHooks { count } => format!("{count} other hooks run beside ours"),
            Note::ChangedSince => {
                "the file was changed since; only our entries were cut out".to_owned()
            }
        };
        told_line(page, Tone::Careful, "note", &text);
    }
}

fn show_proof(
    here: &Here,
    client: &Client,
    change: &Change,
    page: &mut Page,
) -> Result<Proof, Failure> {
    let settings: Value = serde_json::from_str(change.after().unwrap_or("{}"))
        .map_err(|error| Failure::environment(format!("the settings do not read back: {error}")))?;
    let scratch = here
        .places
        .state
        .join(format!("proof-{}", std::process::id()));
    let proof = prove(client, &settings, &scratch).map_err(|error| unproved(&error))?;
    let shown = format!(
        "in {} {}: a denied call left no trace, and is in the log",
        proof.program.display(),
        proof.version
    );
    told_line(page, Tone::Good, "proved", &shown);
    Ok(proof)
}

fn unproved(error: &ProveError) -> Failure {
    Failure {
        message: format!("the installation could not be proved: {}", causes(error)),
        remedy: None,
        exit: Exit::No,
    }
    .remedy("the settings are written; `aegis uninstall claude-code` takes them out again")
}

fn told(change: &Change, backup: Option<&Path>, proof: Option<&Proof>) -> Value {
    json!({
        "settings": change.path(),
        "changed": !change.is_empty(),
        "backup": backup,
        "proof": proof.map(|proof| json!({
            "client": proof.program,
            "version": proof.version.to_string(),
            "told": proof.told,
        })),
    })
}

//! The registration in the client's settings, wherever it stands.

use std::fs;
use std::path::{Path, PathBuf};

use aegis_gate::Surroundings;
use serde_json::Value;

use super::{Part, Patient, Source, Symptom};
use crate::registration::{EVENTS, PRE_TOOL_USE, SWITCH, groups, hooks, is_ours};

/// The remedy of a registration that is not whole.
const INSTALL: &str = "run `aegis install claude-code`";

/// A hook of ours, with where it stands.
struct Registered<'a> {
    source: &'a Source,
    group: &'a Value,
    hook: &'a Value,
}

/// Reads the settings files of the client, from the strongest to the weakest.
pub(super) fn sources(surroundings: &Surroundings) -> Vec<Source> {
    let folder = |name: &str| {
        let value = surroundings.variables.get(name)?;
        value.starts_with('/').then(|| PathBuf::from(value))
    };
    let project = folder("CLAUDE_PROJECT_DIR").unwrap_or_else(|| surroundings.directory.clone());
    let user = folder("CLAUDE_CONFIG_DIR").unwrap_or_else(|| surroundings.home.join(".claude"));
    let managed = &surroundings.host_managed;
    let mut sources = vec![source(
        "managed",
        managed.join("managed-settings.json"),
        true,
    )];
    let mut parts: Vec<PathBuf> = fs::read_dir(managed.join("managed-settings.d"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    parts.sort();
    sources.extend(parts.into_iter().map(|path| source("managed", path, true)));
    sources.push(source(
        "local",
        project.join(".claude/settings.local.json"),
        false,
    ));
    sources.push(source(
        "project",
        project.join(".claude/settings.json"),
        false,
    ));
    sources.push(source("user", user.join("settings.json"), false));
    sources
}

fn source(name: &'static str, path: PathBuf, is_managed: bool) -> Source {
    let settings = match fs::read(&path) {
        Ok(bytes) if bytes.trim_ascii().is_empty() => None,
        Ok(bytes) => Some(aegis_canon::parse(&bytes).map_err(|error| error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(error.to_string())),
    };
    Source {
        name,
        path,
        is_managed,
        settings,
    }
}

/// Examines the registration.
pub(super) fn examine(patient: &Patient<'_>, sources: &[Source], symptoms: &mut Vec<Symptom>) {
    for source in sources {
        readable(source, symptoms);
    }
    switches(sources, symptoms);
    let (present, missing): (Vec<&str>, Vec<&str>) = EVENTS
        .into_iter()
        .partition(|event| registered(sources, event).next().is_some());
    if present.is_empty() {
        symptoms.push(Symptom::fault(
            Part::Hooks,
            "no event is registered, so nothing is decided and nothing recorded",
            INSTALL,
        ));
    } else {
        absent(&missing, symptoms);
    }
    for event in present {
        for registered in registered(sources, event) {
            whole(patient, event, &registered, symptoms);
        }
    }
    for source in sources {
        places(source, symptoms);
    }
    others(sources, symptoms);
}

/// Says how many events are registered in `source`, if it is there.
fn places(source: &Source, symptoms: &mut Vec<Symptom>) {
    let count = EVENTS
        .into_iter()
        .filter(|event| {
            registered(std::slice::from_ref(source), event)
                .next()
                .is_some()
        })
        .count();
    if !matches!(source.settings, Some(Ok(_))) {
        return;
    }
    let whose = format!("the {} settings `{}`", source.name, source.path.display());
    let all = EVENTS.len();
    symptoms.push(match count {
        0 => return,
        count if count == all => Symptom::good(
            Part::Hooks,
            format!("all {all} events are registered in {whose}"),
        ),
        count => Symptom::good(
            Part::Hooks,
            format!("{count} of {all} events are registered in {whose}"),
        ),
    });
}

fn readable(source: &Source, symptoms: &mut Vec<Symptom>) {
    let path = source.path.display();
    match &source.settings {
        None | Some(Ok(_)) => {}
        Some(Err(cause)) => symptoms.push(Symptom::fault(
            Part::Hooks,
            format!(
                "the {} settings `{path}` cannot be used: {cause}",
                source.name
            ),
            "correct the file; until then no hook in it runs",
        )),
    }
}

fn switches(sources: &[Source], symptoms: &mut Vec<Symptom>) {
    let read = |source: &Source, key: &str| -> Option<Value> {
        source.settings.as_ref()?.as_ref().ok()?.get(key).cloned()
    };
    for source in sources {
        if read(source, SWITCH) == Some(Value::Bool(true)) {
            symptoms.push(Symptom::fault(
                Part::Hooks,
                format!("`{}` switches every hook off", source.path.display()),
                format!("set `{SWITCH}` to false there"),
            ));
        }
        let only_managed = read(source, "allowManagedHooksOnly") == Some(Value::Bool(true));
        let is_managed_ours = sources
            .iter()
            .filter(|source| source.is_managed)
            .any(|source| {
                registered(std::slice::from_ref(source), PRE_TOOL_USE)
                    .next()
                    .is_some()
            });
        if only_managed && source.is_managed && !is_managed_ours {
            symptoms.push(Symptom::fault(
                Part::Hooks,
                "managed settings let only managed hooks run, and ours is not one".to_owned(),
                "ask the administrator to register the hook in the managed settings",
            ));
        }
    }
    let pinned = sources
        .iter()
        .any(|source| read(source, SWITCH) == Some(Value::Bool(false)));
    let is_anywhere = EVENTS
        .into_iter()
        .any(|event| registered(sources, event).next().is_some());
    // Where nothing is registered, that is said, and its remedy pins this too.
    if !pinned && is_anywhere {
        symptoms.push(Symptom::warning(
            Part::Hooks,
            format!("no settings pin `{SWITCH}` to false"),
            INSTALL,
        ));
    }
}

/// Names the events that are missing where others are registered.
fn absent(missing: &[&str], symptoms: &mut Vec<Symptom>) {
    if missing.contains(&PRE_TOOL_USE) {
        symptoms.push(Symptom::fault(
            Part::Hooks,
            format!("{PRE_TOOL_USE}: not registered, so nothing is decided"),
            INSTALL,
        ));
    }
    let silent: Vec<&str> = missing
        .iter()
        .copied()
        .filter(|event| *event != PRE_TOOL_USE)
        .collect();
    if !silent.is_empty() {
        symptoms.push(Symptom::warning(
            Part::Hooks,
            format!(
                "{}: not registered, so nothing is recorded of it",
                silent.join(", ")
            ),
            INSTALL,
        ));
    }
}

/// Adds what is wrong with one registration.
fn whole(
    patient: &Patient<'_>,
    event: &str,
    registered: &Registered<'_>,
    symptoms: &mut Vec<Symptom>,
) {
    let Registered {
        source,
        group,
        hook,
    } = registered;
    let mut wrong = |text: String, remedy: &str| {
        let place = format!("{event} in `{}`: {text}", source.path.display());
        let symptom = if event == PRE_TOOL_USE {
            Symptom::fault(Part::Hooks, place, remedy)
        } else {
            Symptom::warning(Part::Hooks, place, remedy)
        };
        symptoms.push(symptom);
    };
    let text = |key: &str| hook.get(key).and_then(Value::as_str);
    let matcher = group
        .get("matcher")
        .map_or("", |matcher| matcher.as_str().unwrap_or("?"));
    if !matches!(matcher, "" | "*") {
        wrong(
            format!("it runs only for `{matcher}`"),
            "remove the `matcher`",
        );
    }
    if hook.get("if").is_some() {
        wrong(
            "it runs only under a condition".to_owned(),
            "remove the `if`",
        );
    }
    if hook
        .get("async")
        .is_some_and(|value| *value != Value::Bool(false))
    {
        wrong(
            "an asynchronous hook decides nothing".to_owned(),
            "remove the `async`",
        );
    }
    if hook.get("args").is_none() {
        wrong(
            "it runs through a shell, whose output may void the answer".to_owned(),
            INSTALL,
        );
    }
    let command = text("command").unwrap_or_default();
    if command != patient.registration.program {
        wrong(
            format!("it runs `{command}`, not the program beside this one"),
            INSTALL,
        );
    }
    if !Path::new(command).exists() {
        wrong(format!("`{command}` is not there"), INSTALL);
    }
    if event == PRE_TOOL_USE {
        if text("onFailure") != Some("block") {
            wrong("a failing hook lets the call run".to_owned(), INSTALL);
        }
        let needed = patient.registration.decision_timeout.as_secs();
        let timeout = hook.get("timeout").and_then(Value::as_u64).unwrap_or(600);
        if timeout < needed {
            let text = format!(
                "its time-out of {timeout} s is shorter than an approval may take ({needed} s)"
            );
            wrong(text, INSTALL);
        }
    }
}

/// Names the hooks of others, which run beside ours.
fn others(sources: &[Source], symptoms: &mut Vec<Symptom>) {
    for source in sources {
        let Some(Ok(settings)) = &source.settings else {
            continue;
        };
        let events = settings.get("hooks").and_then(Value::as_object);
        for (event, list) in events.into_iter().flatten() {
            let count = list
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(hooks)
                .filter(|hook| !is_ours(hook))
                .count();
            if count > 0 {
                symptoms.push(Symptom::note(
                    Part::Hooks,
                    format!(
                        "{event}: {count} other in `{}`; of several answers the strictest counts",
                        source.path.display()
                    ),
                ));
            }
        }
    }
}

fn registered<'a>(sources: &'a [Source], event: &'a str) -> impl Iterator<Item = Registered<'a>> {
    sources.iter().flat_map(move |source| {
        let settings = source.settings.as_ref().and_then(|read| read.as_ref().ok());
        settings
            .into_iter()
            .flat_map(move |settings| groups(settings, event))
            .flat_map(move |group| {
                hooks(group)
                    .filter(|hook| is_ours(hook))
                    .map(move |hook| Registered {
                        source,
                        group,
                        hook,
                    })
            })
    })
}

//! `aegis doctor`: what is in force, and what is wrong.

use std::path::Path;

use aegis_gate::Settings;
use aegis_host::{Level, Patient, Registration, Symptom, Tree, examine};
use serde_json::json;

use crate::command::install::{find_client, hook_program};
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Examines the installation around the process.
pub(crate) fn doctor(here: &Here) -> Result<Report, Failure> {
    let tree = Tree::below(Path::new("/"));
    let registration = wanted(here, &tree)?;
    let client = find_client(None);
    let found = examine(&Patient {
        surroundings: &here.surroundings,
        places: &here.places,
        client: client.as_ref(),
        tree: &tree,
        registration: &registration,
    });
    let mut page = Page::default();
    let mut part = None;
    for symptom in &found.symptoms {
        if part != Some(symptom.part) {
            let name = symptom.part.as_str();
            let mut letters = name.chars();
            let first = letters
                .next()
                .map(|letter| letter.to_uppercase().to_string());
            page.heading(format!("{}{}", first.unwrap_or_default(), letters.as_str()));
            part = Some(symptom.part);
        }
        show(&mut page, symptom);
    }
    let (summary, exit) = match found.worst() {
        Level::Good | Level::Note => (piece(Tone::Good, "All is as it should be."), Exit::Done),
        Level::Warning => (
            piece(Tone::Careful, "Something holds less than it could."),
            Exit::Done,
        ),
        Level::Fault => (piece(Tone::Bad, "Something is wrong."), Exit::No),
    };
    page.blank().line(&[summary]);
    let symptoms: Vec<_> = found
        .symptoms
        .iter()
        .map(|symptom| {
            json!({
                "part": symptom.part.as_str(),
                "level": symptom.level.as_str(),
                "text": symptom.text,
                "remedy": symptom.remedy,
            })
        })
        .collect();
    Ok(Report::done(
        page,
        json!({"worst": found.worst().as_str(), "findings": symptoms}),
    )
    .with(exit))
}

/// Returns what the installer would register, as far as broken settings let it be known.
///
/// Whether the program is there, and what the settings say, is for the
/// examination to find.
fn wanted(here: &Here, tree: &Tree) -> Result<Registration, Failure> {
    let settings = here
        .settings()
        .or_else(|_| Settings::defaults())
        .map_err(|error| Failure::environment(causes(&error)))?;
    let longest = settings.approval_wait_max.value;
    // Where the machine has a service, its hook is the one that must run.
    let program = if tree.record().exists() {
        tree.hook_program()
    } else {
        hook_program()?
    };
    Ok(Registration::of(&program, longest))
}

fn show(page: &mut Page, symptom: &Symptom) {
    let (sign, tone) = match symptom.level {
        Level::Good => ("  ✓ ", Tone::Good),
        Level::Note => ("  · ", Tone::Quiet),
        Level::Warning => ("  ! ", Tone::Careful),
        Level::Fault => ("  ✗ ", Tone::Bad),
    };
    page.line(&[piece(tone, sign), piece(Tone::Plain, &symptom.text)]);
    if let Some(remedy) = &symptom.remedy {
        page.line(&[piece(Tone::Quiet, "    → "), piece(Tone::Plain, remedy)]);
    }
}

//! The grade of a set-up: what its promises hold against.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aegis_gate::Places;

use super::{Part, Source, Symptom};
use crate::registration::{PRE_TOOL_USE, groups, hooks, is_ours};

/// The grade of a set-up, from least to most.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Grade {
    /// Everything runs under the account in which the agent works.
    G0,
    /// Policy, keys and log belong to another user, and the registration to root.
    G1,
    /// The same, with the agent in a sandbox of the operating system.
    G2,
}

/// A grade, and what keeps it from the next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grading {
    /// The grade.
    pub grade: Grade,
    /// What is lacking for the next one.
    pub lacking: Vec<String>,
}

impl Grade {
    /// Returns the name of the grade.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::G0 => "G0",
            Self::G1 => "G1",
            Self::G2 => "G2",
        }
    }

    /// Returns what holds at the grade, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::G0 => {
                "every mediated call is decided and recorded; what an allowed program does by itself \
                 is not seen, and whoever works in this account could rewrite the log"
            }
            Self::G1 => "the agent can change neither policy nor log, and cannot approve itself",
            Self::G2 => {
                "what runs unseen still reaches neither protected files nor undeclared hosts"
            }
        }
    }
}

/// Examines the grade.
pub(super) fn examine(places: &Places, sources: &[Source], symptoms: &mut Vec<Symptom>) {
    let Grading { grade, lacking } = grading(places, sources);
    symptoms.push(Symptom::note(
        Part::Grade,
        format!("{}: {}", grade.as_str(), grade.meaning()),
    ));
    for text in lacking {
        symptoms.push(Symptom::note(
            Part::Grade,
            format!("for a higher grade: {text}"),
        ));
    }
}

/// Returns the grade that can be shown to hold; everything doubtful counts against it.
pub(super) fn grading(places: &Places, sources: &[Source]) -> Grading {
    let user = rustix::process::geteuid().as_raw();
    let mut lacking = Vec::new();
    for (path, what) in [
        (&places.state, "the log and the keys belong"),
        (&places.user, "the user's policy belongs"),
    ] {
        if owner(path).is_none_or(|owner| owner == user) {
            lacking.push(format!("{what} to the account in which the agent works"));
        }
    }
    let is_managed = sources
        .iter()
        .filter(|source| source.is_managed)
        .any(|source| {
            let settings = source.settings.as_ref().and_then(|read| read.as_ref().ok());
            owner(&source.path) == Some(0)
                && settings.is_some_and(|settings| {
                    groups(settings, PRE_TOOL_USE).flat_map(hooks).any(is_ours)
                })
        });
    if !is_managed {
        lacking
            .push("the hook is not registered in managed settings that belong to root".to_owned());
    }
    // The hook appends by itself: whoever runs it can write to the log.
    lacking.push("no daemon under another account decides and records".to_owned());
    Grading {
        grade: Grade::G0,
        lacking,
    }
}

fn owner(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|found| found.uid())
}

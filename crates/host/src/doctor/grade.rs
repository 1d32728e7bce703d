//! The grade of a set-up: what its promises hold against.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aegis_gate::Places;

use super::service::Standing;
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
pub(super) fn examine(
    places: &Places,
    sources: &[Source],
    service: Option<Standing>,
    symptoms: &mut Vec<Symptom>,
) {
    let user = rustix::process::geteuid().as_raw();
    let Grading { grade, lacking } = match service {
        Some(service) => with_service(service, user),
        None => without_service(places, sources, user),
    };
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

/// Returns the grade for agents that work as `user` on a machine with a service.
fn with_service(service: Standing, user: u32) -> Grading {
    let lacking = if !service.is_sound {
        "the service is not as it must be; what is wrong stands above"
    } else if user == 0 {
        "this is root's account, and nothing holds against an agent that works in it; ask as the \
         user as whom agents work"
    } else if service.user == Some(user) {
        "this is the account of the service; ask as the user as whom agents work"
    } else {
        return Grading {
            grade: Grade::G1,
            lacking: vec!["the agent's processes run in no sandbox that Aegis starts".to_owned()],
        };
    };
    Grading {
        grade: Grade::G0,
        lacking: vec![lacking.to_owned()],
    }
}

/// Returns the grade where every hook decides by itself; everything doubtful counts against it.
fn without_service(places: &Places, sources: &[Source], user: u32) -> Grading {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grade_holds_for_who_is_neither_root_nor_the_service() {
        let sound = Standing {
            user: Some(997),
            is_sound: true,
        };
        let unsound = Standing {
            is_sound: false,
            ..sound
        };
        for (standing, user, expected) in [
            (sound, 1000, Grade::G1),
            (sound, 997, Grade::G0),
            (sound, 0, Grade::G0),
            (unsound, 1000, Grade::G0),
        ] {
            let grading = with_service(standing, user);
            assert_eq!(grading.grade, expected, "{standing:?} {user}");
            assert_eq!(grading.lacking.len(), 1, "{grading:?}");
        }
    }
}

//! Whether what only running would show may be a protected object.
//!
//! Some of an action may stay dark: a word with a gap, code in a language that
//! is not followed, text that does not parse. Such a part *comes near* an
//! object, and counts as an uncertain touch, when one of these holds.
//!
//! 1. The text before the gap leads into the object's home, and the object's
//!    name does not contradict it (`.aegis/$F`, `.claude/set$X`).
//! 2. The steps after the gap are the last steps of the object's path: two or
//!    more of them, or one that is Aegis' own (`$D/.claude/settings.json`,
//!    `$D/.aegis`).
//! 3. A word that dark code shows, taken as a path from its working directory,
//!    leads to the object or its home (`python -c "open('.aegis/x','w')"`).
//! 4. The words that could be put together into the missing part (assigned
//!    values, text that is printed, literals of the code) hold two of the last
//!    three steps of the object's path, or one that is Aegis' own.
//! 5. The command runs in the object's own folder.
//!
//! Everything else that is dark is left to the policies: a program that is not
//! understood may do anything, and most of them do not.

use std::collections::BTreeSet;
use std::path::Path;

use crate::protected::{Protected, ProtectedObject};

/// The steps of a path that are Aegis' own, so that one of them is telling enough.
const OWN_STEPS: [&str; 3] = [".aegis", "aegis-hook", "redaction.key"];

/// How many steps at the end of an object's path count.
const LAST_STEPS: usize = 3;

/// Words out of which something dark could be put together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Material(BTreeSet<String>);

impl Material {
    /// Adds the steps of every word in `text`.
    pub(crate) fn add(&mut self, text: &str) {
        let steps = text
            .split('/')
            .map(str::trim)
            .filter(|step| !step.is_empty());
        self.0.extend(steps.map(str::to_owned));
    }

    fn makes(&self, object: &ProtectedObject) -> bool {
        let last: Vec<String> = last_steps(&object.path, LAST_STEPS);
        let held = last.iter().filter(|step| self.0.contains(*step));
        held.clone().count() >= 2 || held.clone().any(|step| is_own(step))
    }
}

fn is_own(step: &str) -> bool {
    OWN_STEPS.contains(&step)
}

fn last_steps(path: &Path, count: usize) -> Vec<String> {
    let mut steps: Vec<String> = path
        .components()
        .rev()
        .take(count)
        .map(|step| step.as_os_str().to_string_lossy().into_owned())
        .collect();
    steps.reverse();
    steps
}

/// Returns the object whose missing part could be put together from `material`.
pub(crate) fn by_material<'a>(
    protected: &'a Protected,
    material: &Material,
) -> Option<&'a ProtectedObject> {
    protected
        .objects()
        .iter()
        .find(|object| material.makes(object))
}

/// Returns the object that lies in `folder` and whose name begins like `start`.
pub(crate) fn by_start<'a>(
    protected: &'a Protected,
    folder: &Path,
    start: &str,
) -> Option<&'a ProtectedObject> {
    protected.objects().iter().find(|object| {
        if object.is_folder {
            return object.contains(&folder.join(if start.is_empty() { "x" } else { start }));
        }
        let name = object.path.file_name().unwrap_or_default();
        object.home() == folder && name.to_string_lossy().starts_with(start)
    })
}

/// Returns the object whose path, or whose home, ends with the steps of `after`.
///
/// `after` is the text after a gap; its part before the first slash is not a
/// whole step.
pub(crate) fn by_end<'a>(protected: &'a Protected, after: &str) -> Option<&'a ProtectedObject> {
    let (_, whole) = after.split_once('/')?;
    by_last_steps(protected, whole)
}

/// Returns the object whose path, or whose home, ends with the steps of `text`.
pub(crate) fn by_last_steps<'a>(
    protected: &'a Protected,
    text: &str,
) -> Option<&'a ProtectedObject> {
    let mut steps: Vec<&str> = text
        .split('/')
        .filter(|step| !step.is_empty() && *step != ".")
        .collect();
    // What stands before a step back is not part of the path.
    if let Some(back) = steps.iter().rposition(|step| *step == "..") {
        steps.drain(..=back);
    }
    let is_telling = steps.len() >= 2 || steps.iter().any(|step| is_own(step));
    if !is_telling {
        return None;
    }
    protected.objects().iter().find(|object| {
        let ends_so = |path: &Path| last_steps(path, steps.len()) == steps;
        ends_so(&object.path) || ends_so(object.home())
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::places::Places;
    use crate::surroundings::Surroundings;

    fn protected() -> Protected {
        let surroundings = Surroundings {
            home: PathBuf::from("/nowhere/ada"),
            directory: PathBuf::from("/nowhere/app"),
            managed: PathBuf::from("/nowhere/etc/aegis"),
            host_managed: PathBuf::from("/nowhere/etc/claude-code"),
            variables: [("CLAUDE_PROJECT_DIR".to_owned(), "/nowhere/app".to_owned())].into(),
            ..Surroundings::default()
        };
        Protected::of(&Places::of(&surroundings), &surroundings)
    }

    #[test]
    fn a_gap_in_the_home_of_an_object_comes_near() {
        let protected = protected();
        let near =
            |folder: &str, start: &str| by_start(&protected, Path::new(folder), start).is_some();
        assert!(near("/nowhere/app/.aegis", ""));
        assert!(near("/nowhere/app/.claude", "set"));
        assert!(near("/nowhere/app/.claude", ""));
        assert!(!near("/nowhere/app/.claude", "comm"));
        assert!(!near("/nowhere/app", ""));
        assert!(!near("/nowhere/app/.aegis/reports", ""));
    }

    #[test]
    fn the_end_of_a_path_comes_near_when_it_is_telling() {
        let protected = protected();
        let near = |after: &str| by_end(&protected, after).is_some();
        assert!(near("/.claude/settings.json"));
        assert!(near("/.aegis"));
        assert!(near("/x/../.aegis"));
        assert!(!near("/.aegis/.."));
        assert!(near("x/.config/aegis"));
        assert!(!near("/settings.json"));
        assert!(!near("/build"));
        assert!(!near(".aegis"));
    }

    #[test]
    fn words_that_make_up_an_object_come_near() {
        let protected = protected();
        let near = |words: &[&str]| {
            let mut material = Material::default();
            for word in words {
                material.add(word);
            }
            by_material(&protected, &material).is_some()
        };
        assert!(near(&[".config", "aegis/policy.yaml"]));
        assert!(near(&[".aegis"]));
        assert!(near(&["settings.json", ".claude"]));
        assert!(!near(&["settings.json"]));
        assert!(!near(&["aegis", "src/main.rs"]));
    }
}

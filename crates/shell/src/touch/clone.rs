//! Folders into which a command brings a whole repository of somebody else.

use aegis_types::{Access, Command, Word};

use super::{Touched, here, word_at};
use crate::locate::beneath;
use crate::option::{self, Spec, first_text};
use crate::option_code::GIT;
use crate::program::program_name;
use crate::written;

/// The options of a clone that take a value.
const CLONE: Spec = Spec {
    short: "bocuj",
    long: &[
        "branch",
        "config",
        "depth",
        "filter",
        "jobs",
        "origin",
        "reference",
        "separate-git-dir",
        "shallow-since",
        "template",
        "upload-pack",
    ],
    ends_at_operand: false,
};

/// Returns the folder that a clone makes: the one it names, or the last step of the address.
pub(crate) fn cloned(command: &Command) -> Option<Word> {
    let name = program_name(command)?;
    if !matches!(name.as_ref(), "git" | "gh" | "glab" | "hg") {
        return None;
    }
    let arguments = command.arguments.as_slice();
    let at = arguments
        .iter()
        .position(|word| first_text(word) == "clone")?;
    let words = option::read(arguments.get(at + 1..)?, &CLONE);
    let (source, named) = words.operands.split_first()?;
    let folder = match named.first() {
        Some(folder) => (**folder).clone(),
        None => {
            let address = written(source);
            let address = address.trim_end_matches('/').trim_end_matches(".git");
            let last = address.rsplit(['/', ':']).next()?;
            word_at(source, last)
        }
    };
    if name != "git" {
        return Some(folder);
    }
    let moves = option::read(arguments, &GIT);
    let base = moves.values(&["C"]);
    let base = base.fold(None, |base: Option<Word>, word| {
        Some(base.map_or_else(|| word.clone(), |base| beneath(&base, word)))
    });
    Some(base.map_or_else(|| folder.clone(), |base| beneath(&base, &folder)))
}

/// Adds what a clone brings, where the source alone names its folder.
pub(super) fn touched(command: &Command, list: &mut Vec<Touched>) {
    let Some(folder) = cloned(command).filter(|folder| !folder.is_unknown()) else {
        return;
    };
    let steps = written(&folder);
    if matches!(steps.as_str(), "" | "." | "..") || folder == here(command) {
        return;
    }
    let brought = Touched::new(&folder, Access::WRITE)
        .possible()
        .beneath(true);
    if !list
        .iter()
        .any(|known| known.word == folder && known.access.write)
    {
        list.push(brought);
    }
}

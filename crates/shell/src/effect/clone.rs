//! Folders into which a command brings a whole repository of somebody else.

use aegis_types::{Word, WordPart};

use super::command::Told;
use crate::option::{Spec, first_text, read};
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
pub(super) fn folder(told: &Told<'_>) -> Option<Word> {
    if !matches!(told.name(), "git" | "gh" | "glab" | "hg") {
        return None;
    }
    let arguments = told.command.arguments.as_slice();
    let at = arguments
        .iter()
        .position(|word| first_text(word) == "clone")?;
    let words = read(arguments.get(at + 1..)?, &CLONE);
    let (source, named) = words.operands.split_first()?;
    if let Some(folder) = named.first() {
        return Some((**folder).clone());
    }
    let address = written(source);
    let address = address.trim_end_matches('/').trim_end_matches(".git");
    let (_, last) = address.rsplit_once(['/', ':'])?;
    Some(Word {
        span: source.span,
        parts: vec![WordPart::Literal(last.to_owned())],
        ..Word::default()
    })
}

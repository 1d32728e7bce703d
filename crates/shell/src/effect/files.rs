//! Files that the commands of a plan write, and what is in them.

use std::collections::BTreeMap;

use aegis_types::{Command, Span, Word};

use super::flow::Mask;
use crate::locate::located;
use crate::written;

/// What is known of a file that the plan writes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Content {
    /// Where its content comes from.
    pub(super) mask: Mask,
    /// The word with which it is written, if by a command that puts text or files there.
    pub(super) written: Option<Span>,
}

/// The files, by their paths from where the text starts.
#[derive(Debug, Default)]
pub(super) struct Files {
    known: BTreeMap<String, Content>,
    /// Folders below which any file may come from a host.
    below: Vec<(String, Mask)>,
}

/// Beginnings of a path above which nothing is known.
const LEADING: [&str; 3] = ["..", "…", "~"];

/// How many folders are kept.
const FOLDERS_MAX: usize = 64;

impl Files {
    /// Returns what is known of the file that a word names.
    pub(super) fn content(&self, command: &Command, word: &Word) -> Content {
        if self.known.is_empty() && self.below.is_empty() {
            return Content::default();
        }
        let key = key(command, word);
        let mut content = self.known.get(&key).copied().unwrap_or_default();
        if key.split('/').any(|step| step == "..") {
            // Where that leads the text alone does not tell: any file of that name.
            let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
            let same = self
                .known
                .iter()
                .filter(|(path, _)| name(path) == name(&key));
            for (_, other) in same {
                content.mask |= other.mask;
                content.written = content.written.or(other.written);
            }
        }
        for (folder, mask) in &self.below {
            let is_below = match key.strip_prefix(folder.as_str()) {
                Some(rest) if folder.is_empty() => !rest.starts_with(['/', '~', '$', '…']),
                Some(rest) => rest.is_empty() || rest.starts_with('/'),
                None => false,
            };
            if is_below {
                content.mask |= mask;
            }
        }
        content
    }

    /// Notes that files below a folder are written.
    pub(super) fn write_below(&mut self, command: &Command, folder: &Word, mask: Mask) {
        if self.below.len() < FOLDERS_MAX {
            self.below.push((key(command, folder), mask));
        }
    }

    /// Notes that a file is written.
    pub(super) fn write(&mut self, command: &Command, word: &Word, content: Content) {
        self.add(key(command, word), content);
    }

    /// Notes that the file is written that is packed in the one that a word names.
    pub(super) fn unpack(&mut self, command: &Command, word: &Word, content: Content) {
        let key = key(command, word);
        if let Some((packed, _)) = key.rsplit_once('.') {
            self.add(packed.to_owned(), content);
        }
    }

    fn add(&mut self, key: String, content: Content) {
        let known = self.known.entry(key).or_default();
        known.mask |= content.mask;
        known.written = content.written.or(known.written);
    }
}

/// Returns a path in the one form in which paths are compared.
fn key(command: &Command, word: &Word) -> String {
    let path = match located(command, word) {
        Some(word) => written(&word),
        None => format!("…/{}", written(word)),
    };
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/').filter(|step| !matches!(*step, "" | ".")) {
        // A link may lead elsewhere; that is seen where paths are resolved.
        let is_back = step == ".." && steps.last().is_some_and(|last| !LEADING.contains(last));
        if is_back {
            steps.pop();
        } else {
            steps.push(step);
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", steps.join("/"))
}

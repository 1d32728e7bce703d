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

/// How many folders are kept.
const FOLDERS_MAX: usize = 64;

impl Files {
    /// Returns what is known of the file that a word names.
    pub(super) fn content(&self, command: &Command, word: &Word) -> Content {
        if self.known.is_empty() {
            return Content::default();
        }
        let key = key(command, word);
        let mut content = self.known.get(&key).copied().unwrap_or_default();
        for (folder, mask) in &self.below {
            let is_below = match key.strip_prefix(folder.as_str()) {
                Some(rest) if folder.is_empty() => !rest.starts_with(['/', '~', '$', '…']),
                Some(rest) => rest.starts_with('/'),
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
        let known = self.known.entry(key(command, word)).or_default();
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
    let mut key = String::with_capacity(path.len());
    if path.starts_with('/') {
        key.push('/');
    }
    for step in path.split('/').filter(|step| !matches!(*step, "" | ".")) {
        if !key.is_empty() && !key.ends_with('/') {
            key.push('/');
        }
        key.push_str(step);
    }
    key
}

//! The files that the text writes, as far as it shows what they hold.
//!
//! A script that is written and then run in one text is followed like any
//! other text for a shell. What a file holds is no part of the shell's state: a
//! subshell that ends takes no file with it.

use std::collections::BTreeMap;
use std::rc::Rc;

/// The most files that are followed.
const FILES_MAX: usize = 64;
/// The most texts that one file may hold.
const TEXTS_MAX: usize = 4;
/// The longest text of a file.
const BYTES_MAX: usize = 32 * 1024;

/// The most beginnings of names that are followed.
const BEGINNINGS_MAX: usize = 16;

/// The files that the text writes, by their path as seen from its start.
#[derive(Debug, Default)]
pub(crate) struct Files {
    known: BTreeMap<String, Content>,
    /// What the paths of files begin with that hold what cannot be told.
    beginnings: Vec<String>,
    /// What these hold.
    begun: Content,
}

/// What a file may hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    /// The texts that it may hold.
    pub(crate) texts: Vec<Rc<str>>,
    /// Whether it may hold something else.
    pub(crate) is_open: bool,
    /// Whether what it held before the text may still be in it.
    pub(crate) is_partial: bool,
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing {
    /// Whether what it held stays in front.
    pub(crate) appends: bool,
    /// Whether it surely happens.
    pub(crate) is_sure: bool,
}

impl Files {
    /// Returns whether none is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.beginnings.is_empty()
    }

    /// Returns what a file may hold, if the text writes it.
    pub(crate) fn get(&self, path: &str) -> Option<&Content> {
        let begins = |begin: &String| path.starts_with(begin.as_str());
        let is_begun = || self.beginnings.iter().any(begins);
        let known = self.known.get(path);
        known.or_else(|| is_begun().then_some(&self.begun))
    }

    /// Writes what cannot be told to every file whose path begins so; beyond some
    /// beginnings, to any file.
    pub(crate) fn write_all(&mut self, begin: String) {
        self.begun.is_open = true;
        if self.beginnings.len() >= BEGINNINGS_MAX {
            self.beginnings = vec![String::new()];
        } else if !self.beginnings.contains(&begin) {
            self.beginnings.push(begin);
        }
    }

    /// Returns every text that a file may hold, with its path.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &Rc<str>)> {
        self.known.iter().flat_map(|(path, content)| {
            let texts = content.texts.iter();
            texts.map(move |text| (path.as_str(), text))
        })
    }

    /// Writes `text`, or what cannot be told, to a file.
    pub(crate) fn write(&mut self, path: &str, text: Option<&str>, writing: Writing) {
        if self.known.len() >= FILES_MAX && !self.known.contains_key(path) {
            return;
        }
        let before = self.known.get(path).cloned();
        let mut content = Content::default();
        if let Some(before) = &before
            && (!writing.is_sure || writing.appends && text.is_none())
        {
            content = before.clone();
        }
        content.is_partial = match &before {
            Some(before) => before.is_partial && (writing.appends || !writing.is_sure),
            None => writing.appends || !writing.is_sure,
        };
        match text.filter(|text| text.len() <= BYTES_MAX) {
            None => content.is_open = true,
            Some(text) if writing.appends => {
                let before = before.unwrap_or_default();
                content.is_open |= before.is_open;
                if before.texts.is_empty() {
                    content.add(text.into());
                }
                for start in before.texts {
                    content.add(format!("{start}{text}").into());
                }
            }
            Some(text) => content.add(text.into()),
        }
        self.known.insert(path.to_owned(), content);
    }

    /// Adds what a file held before it was written, if it was written at all.
    pub(crate) fn add(&mut self, path: &str, before: Option<Content>) {
        let Some(content) = self.known.get_mut(path) else {
            return;
        };
        let Some(before) = before else {
            content.is_partial = true;
            return;
        };
        content.is_open |= before.is_open;
        content.is_partial |= before.is_partial;
        for text in before.texts {
            content.add(text);
        }
    }

    /// Makes open what a file holds that some program may change.
    pub(crate) fn change(&mut self, path: &str) {
        if let Some(content) = self.known.get_mut(path) {
            content.is_open = true;
        }
    }

    /// Copies a file that is known to another path.
    pub(crate) fn copy(&mut self, from: &str, to: &str) {
        if let Some(content) = self.known.get(from).cloned()
            && self.known.len() < FILES_MAX
        {
            self.known.insert(to.to_owned(), content);
        }
    }
}

impl Content {
    fn add(&mut self, text: Rc<str>) {
        if self.texts.contains(&text) {
            return;
        }
        if self.texts.len() >= TEXTS_MAX || text.len() > BYTES_MAX {
            self.is_open = true;
        } else {
            self.texts.push(text);
        }
    }

    /// Returns the text if it is all that the file can hold.
    pub(crate) fn only(&self) -> Option<&str> {
        match self.texts.as_slice() {
            [text] if !self.is_open && !self.is_partial => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURE: Writing = Writing {
        appends: false,
        is_sure: true,
    };

    #[test]
    fn what_a_file_holds_follows_what_is_written() {
        let mut files = Files::default();
        let append = Writing {
            appends: true,
            ..SURE
        };
        files.write("x", Some("a\n"), SURE);
        files.write("x", Some("b\n"), append);
        assert_eq!(files.get("x").and_then(Content::only), Some("a\nb\n"));
        files.copy("x", "y");
        files.write("x", Some("c\n"), SURE);
        assert_eq!(files.get("x").and_then(Content::only), Some("c\n"));
        assert_eq!(files.get("y").and_then(Content::only), Some("a\nb\n"));
    }

    #[test]
    fn what_may_not_happen_leaves_both() {
        let mut files = Files::default();
        let perhaps = Writing {
            is_sure: false,
            ..SURE
        };
        files.write("x", Some("a"), SURE);
        files.write("x", Some("b"), perhaps);
        assert_eq!(files.get("x").map(|content| content.texts.len()), Some(2));
        files.write("x", None, perhaps);
        assert!(files.get("x").is_some_and(|content| content.is_open));
    }
}

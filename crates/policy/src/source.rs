//! The texts a policy is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The text of a policy file or pack, already read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// Its name: a path with `/` between its steps, or `aegis:…` for a pack.
    pub name: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
}

impl Source {
    /// Returns a source with this name and text.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: Arc::from(name),
            text: Arc::from(text),
        }
    }
}

/// Reads what a policy extends.
///
/// This crate does no I/O, so whoever reads the first file reads the others.
pub trait Sources {
    /// Reads the text that `reference` names in the source called `from`.
    ///
    /// The reference is relative to the folder of `from`, and [`parse`](crate::parse)
    /// has checked that its text does not lead out of the first source's folder.
    /// An implementation checks the same of the real path, links resolved. The
    /// source is known by [`resolve`] of both, whatever name is returned.
    ///
    /// # Errors
    ///
    /// [`LoadSourceError`] when there is no such text, or it may not be read.
    fn load(&self, from: &str, reference: &str) -> Result<Source, LoadSourceError>;
}

/// Why a source cannot be loaded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoadSourceError {
    /// There is no such file.
    #[error("there is no file `{name}`")]
    Missing {
        /// The file that was looked for.
        name: String,
    },
    /// It lies outside of the folder of the policy that is read.
    #[error("`{name}` leads out of the policy's folder")]
    Outside {
        /// The file that was asked for.
        name: String,
    },
    /// It is no text in UTF-8.
    #[error("`{name}` is not text in UTF-8")]
    NotText {
        /// The file that was read.
        name: String,
    },
    /// It cannot be read.
    #[error("`{name}` cannot be read: {cause}")]
    Unreadable {
        /// The file that was read.
        name: String,
        /// What the system says.
        cause: String,
    },
}

/// Returns the name of what `reference` means in the source called `from`:
/// a path beside it, with `.` and `..` resolved by their text.
///
/// # Errors
///
/// [`LoadSourceError::Outside`] when the reference is absolute, or leads above
/// the first folder of a relative name.
pub fn resolve(from: &str, reference: &str) -> Result<String, LoadSourceError> {
    let outside = || LoadSourceError::Outside {
        name: reference.to_owned(),
    };
    let is_drive = reference.as_bytes().get(1) == Some(&b':');
    if reference.starts_with(['/', '~']) || reference.contains(['\\', '\0']) || is_drive {
        return Err(outside());
    }
    let (folder, _) = from.rsplit_once('/').unwrap_or(("", from));
    let is_absolute = from.starts_with('/');
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in reference.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                if steps.last().is_none_or(|last| *last == "..") {
                    return Err(outside());
                }
                steps.pop();
            }
            _ => steps.push(step),
        }
    }
    let root = if is_absolute { "/" } else { "" };
    Ok(format!("{root}{}", steps.join("/")))
}

/// Sources that lie in memory, by name.
#[derive(Clone, Debug, Default)]
pub struct MemorySources(BTreeMap<String, Arc<str>>);

impl MemorySources {
    /// Returns sources with these names and texts.
    pub fn new<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, text): (&str, &str)| (name.to_owned(), Arc::from(text));
        Self(texts.into_iter().map(owned).collect())
    }
}

impl Sources for MemorySources {
    fn load(&self, from: &str, reference: &str) -> Result<Source, LoadSourceError> {
        let name = resolve(from, reference)?;
        match self.0.get(&name) {
            Some(text) => Ok(Source {
                name: Arc::from(name),
                text: Arc::clone(text),
            }),
            None => Err(LoadSourceError::Missing { name }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, reference: &str, expected: Option<&str>) {
        assert_eq!(resolve(from, reference).ok().as_deref(), expected);
    }

    #[test]
    fn a_reference_is_relative_to_the_file_that_names_it() {
        check("policy.yaml", "base.yaml", Some("base.yaml"));
        check("a/policy.yaml", "./b/base.yaml", Some("a/b/base.yaml"));
        check("/x/a/policy.yaml", "base.yaml", Some("/x/a/base.yaml"));
        check("a/b/policy.yaml", "../base.yaml", Some("a/base.yaml"));
    }

    #[test]
    fn a_reference_never_names_a_file_by_itself() {
        check("policy.yaml", "/etc/passwd", None);
        check("policy.yaml", "~/base.yaml", None);
        check("policy.yaml", "C:base.yaml", None);
        check("policy.yaml", "a\\b.yaml", None);
        check("policy.yaml", "../base.yaml", None);
        check("../policy.yaml", "../base.yaml", None);
    }
}

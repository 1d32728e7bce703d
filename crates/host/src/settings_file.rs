//! Reading and replacing a settings file that belongs to a person.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aegis_canon::ParseJsonError;
use serde_json::Value;
use thiserror::Error;

use crate::json_text::Node;

/// The greatest settings file that is read, in bytes.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why a settings file cannot be used.
#[derive(Debug, Error)]
pub enum SettingsFileError {
    /// The file is not JSON, or JSON with a key that stands twice.
    #[error("`{}` is not valid JSON", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: ParseJsonError,
    },
    /// A part of the file is not of the kind that the client documents.
    #[error("`{key}` in `{}` is not {expected} (line {line})", path.display())]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What it should be.
        expected: &'static str,
        /// The line on which the value begins, from 1.
        line: usize,
    },
    /// The file, or its folder, is a link that leads elsewhere.
    #[error("`{}` is a link to `{}`; change that file yourself, or replace the link by a file",
        path.display(), target.display())]
    Link {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// The file or its folder belongs to somebody else.
    #[error("`{}` belongs to the user with id {owner}; run this as that user", path.display())]
    NotOurs {
        /// The file or folder.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
    },
    /// The file is marked read-only.
    #[error("`{}` is read-only; make it writable first", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// It is no plain file, or too large for settings.
    #[error("`{}` is not a plain file of at most 16 MiB", path.display())]
    NotAFile {
        /// What stands there.
        path: PathBuf,
    },
    /// Somebody changed the file meanwhile.
    #[error("`{}` was changed by another program meanwhile; try again", path.display())]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {doing} `{}`", path.display())]
    System {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why the system refused.
        #[source]
        source: io::Error,
    },
}

/// A settings file as it was read.
#[derive(Clone, Debug)]
pub(crate) struct SettingsFile {
    pub(crate) path: PathBuf,
    /// Its text; absent when there is no file.
    pub(crate) text: Option<String>,
    /// Its mode, whether it is there or not yet.
    pub(crate) mode: u32,
}

/// A settings text that was understood.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) text: String,
    pub(crate) value: Value,
    pub(crate) root: Node,
}

impl SettingsFile {
    /// Reads the file `path`, which may be absent.
    ///
    /// # Errors
    ///
    /// [`SettingsFileError`] when it must not be changed or cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self, SettingsFileError> {
        let failed = |source| SettingsFileError::System {
            doing: "read",
            path: path.to_owned(),
            source,
        };
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    path: path.to_owned(),
                    text: None,
                    mode: 0o600,
                });
            }
            Err(source) => return Err(failed(source)),
        };
        if found.is_symlink() {
            return Err(SettingsFileError::Link {
                path: path.to_owned(),
                target: fs::read_link(path).unwrap_or_default(),
            });
        }
        if !found.is_file() || found.len() > BYTES_MAX {
            return Err(SettingsFileError::NotAFile {
                path: path.to_owned(),
            });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            text: Some(text),
            mode: found.permissions().mode() & 0o777,
        })
    }

    /// Checks that this program may replace the file.
    ///
    /// `within` is the folder that the file must not leave by a link.
    ///
    /// # Errors
    ///
    /// [`SettingsFileError`] when it may not.
    pub(crate) fn check_writable(&self, within: Option<&Path>) -> Result<(), SettingsFileError> {
        let user = rustix::process::geteuid().as_raw();
        if let Ok(found) = fs::symlink_metadata(&self.path) {
            if found.uid() != user {
                return Err(SettingsFileError::NotOurs {
                    path: self.path.clone(),
                    owner: found.uid(),
                });
            }
            if found.permissions().mode() & 0o200 == 0 {
                return Err(SettingsFileError::ReadOnly {
                    path: self.path.clone(),
                });
            }
        }
        let Some(folder) = self.path.ancestors().skip(1).find(|folder| folder.exists()) else {
            return Ok(());
        };
        let system = |source| SettingsFileError::System {
            doing: "look at",
            path: folder.to_owned(),
            source,
        };
        let owner = fs::metadata(folder).map_err(system)?.uid();
        if owner != user {
            return Err(SettingsFileError::NotOurs {
                path: folder.to_owned(),
                owner,
            });
        }
        let Some(within) = within else {
            return Ok(());
        };
        let real = fs::canonicalize(folder).map_err(system)?;
        let bound = fs::canonicalize(within).map_err(system)?;
        if real.starts_with(&bound) {
            return Ok(());
        }
        Err(SettingsFileError::Link {
            path: folder.to_owned(),
            target: real,
        })
    }

    /// Returns the text understood; no file counts as an empty object.
    ///
    /// # Errors
    ///
    /// [`SettingsFileError`] when it is no JSON object.
    pub(crate) fn document(&self) -> Result<Document, SettingsFileError> {
        match self.text.as_deref() {
            // The client writes and accepts an empty file as no settings.
            None => Document::of("{}\n", &self.path),
            Some(text) if text.trim().is_empty() => Document::of("{}\n", &self.path),
            Some(text) => Document::of(text, &self.path),
        }
    }

    /// Replaces the file by `text`, whole or not at all; absent text removes it.
    ///
    /// # Errors
    ///
    /// [`SettingsFileError::ChangedMeanwhile`] when the file is no longer as
    /// it was read, or the system's refusal.
    pub(crate) fn replace(&self, text: Option<&str>) -> Result<(), SettingsFileError> {
        if Self::read(&self.path)?.text != self.text {
            return Err(SettingsFileError::ChangedMeanwhile {
                path: self.path.clone(),
            });
        }
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| SettingsFileError::System {
                doing,
                path,
                source,
            }
        };
        match text {
            None if self.text.is_none() => Ok(()),
            None => fs::remove_file(&self.path).map_err(failed("remove", &self.path)),
            Some(text) => {
                if let Some(folder) = self.path.parent() {
                    fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
                }
                write_whole(&self.path, text.as_bytes(), self.mode)
                    .map_err(failed("write", &self.path))
            }
        }
    }
}

impl Document {
    /// Understands `text`, which stands in `path`.
    ///
    /// # Errors
    ///
    /// [`SettingsFileError`] when it is no JSON object.
    pub(crate) fn of(text: &str, path: &Path) -> Result<Self, SettingsFileError> {
        let value =
            aegis_canon::parse(text.as_bytes()).map_err(|source| SettingsFileError::NotJson {
                path: path.to_owned(),
                source,
            })?;
        let whole = |line| SettingsFileError::WrongKind {
            path: path.to_owned(),
            key: "the whole".to_owned(),
            expected: "an object",
            line,
        };
        let root = Node::of(text).ok_or_else(|| whole(1))?;
        if !value.is_object() {
            return Err(whole(line_of(text, root.span.start)));
        }
        Ok(Self {
            text: text.to_owned(),
            value,
            root,
        })
    }
}

/// Returns the line that holds the byte `at`, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// Writes a file by a neighbour and a rename, so that nobody ever sees half of it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&part)
        .and_then(|mut file| {
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // The rename did not happen, so the part is of no use to anybody.
        let _ = fs::remove_file(&part);
    }
    written
}

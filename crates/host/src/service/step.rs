//! A plan, step by step: what is told of each, and how it is carried out.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use aegis_types::Timestamp;

use super::{ServiceError, Tree, account};
use crate::install::Change;
use crate::settings_file::write_whole;

/// What becomes of something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// It was not there.
    Made,
    /// It was there and not as it should be.
    Changed,
    /// It is as it should be.
    Kept,
    /// It goes.
    Removed,
    /// It stays though it was put in place, because it holds what people or the service wrote.
    Left,
    /// It runs from then on.
    Started,
    /// It runs no longer.
    Stopped,
    /// It is not done here.
    Skipped,
}

/// What becomes of one thing, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Deed {
    /// What becomes of it.
    pub word: Word,
    /// What it is.
    pub text: String,
}

/// What must be done, in order.
#[derive(Debug)]
pub struct Plan {
    tree: Tree,
    steps: Vec<Step>,
}

/// One step of a plan.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) deed: Deed,
    pub(super) act: Act,
}

/// How a step is carried out.
#[derive(Debug)]
pub(super) enum Act {
    Nothing,
    MakeAccount {
        name: String,
        home: PathBuf,
    },
    RemoveAccount {
        name: String,
        groups: PathBuf,
    },
    /// Makes a folder, or gives one another mode and owner; `None`: this process.
    Folder {
        path: PathBuf,
        mode: u32,
        owner: Option<String>,
    },
    File {
        path: PathBuf,
        bytes: Vec<u8>,
        mode: u32,
    },
    RemoveFile(PathBuf),
    /// Removes a folder if it is empty.
    RemoveFolder(PathBuf),
    /// Removes a folder with all in it.
    RemoveAll(PathBuf),
    /// Gives a folder with all in it to root.
    GiveToRoot(PathBuf),
    Register(Box<Change>),
    Unregister(Box<Change>),
    Run {
        program: PathBuf,
        words: Vec<String>,
    },
}

impl Word {
    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Changed => "changed",
            Self::Kept => "kept",
            Self::Removed => "removed",
            Self::Left => "left",
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Skipped => "skipped",
        }
    }
}

impl Plan {
    pub(super) fn new(tree: &Tree, steps: Vec<Step>) -> Self {
        Self {
            tree: tree.clone(),
            steps,
        }
    }

    /// Returns what becomes of what, in order.
    pub fn deeds(&self) -> impl Iterator<Item = &Deed> {
        self.steps.iter().map(|step| &step.deed)
    }

    /// Carries it out.
    ///
    /// # Errors
    ///
    /// [`ServiceError`] at the first step that fails; those before it hold.
    pub fn apply(&self, at: Timestamp) -> Result<(), ServiceError> {
        self.steps
            .iter()
            .try_for_each(|step| step.act.apply(&self.tree, at))
    }
}

impl Step {
    pub(super) fn new(word: Word, text: impl Into<String>, act: Act) -> Self {
        Self {
            deed: Deed {
                word,
                text: text.into(),
            },
            act,
        }
    }

    /// Returns the step for something that is as it should be.
    pub(super) fn kept(text: impl Into<String>) -> Self {
        Self::new(Word::Kept, text, Act::Nothing)
    }
}

impl Act {
    fn apply(&self, tree: &Tree, at: Timestamp) -> Result<(), ServiceError> {
        match self {
            Self::Nothing => Ok(()),
            Self::MakeAccount { name, home } => account::make(name, home),
            Self::RemoveAccount { name, groups } => account::remove(name, groups),
            Self::Folder { path, mode, owner } => folder(tree, path, *mode, owner.as_deref()),
            Self::File { path, bytes, mode } => {
                write_whole(path, bytes, *mode).map_err(failed("write", path))
            }
            Self::RemoveFile(path) => gone(fs::remove_file(path)).map_err(failed("remove", path)),
            Self::RemoveFolder(path) => match fs::remove_dir(path) {
                // What somebody else put there stays, and the folder with it.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
                removed => gone(removed).map_err(failed("remove", path)),
            },
            Self::RemoveAll(path) => gone(fs::remove_dir_all(path)).map_err(failed("remove", path)),
            Self::GiveToRoot(path) => give(path, 0, 0),
            Self::Register(change) => {
                change.apply_install(at)?;
                Ok(())
            }
            Self::Unregister(change) => {
                change.apply_uninstall(at)?;
                Ok(())
            }
            Self::Run { program, words } => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                account::run(program, &words)
            }
        }
    }
}

fn folder(tree: &Tree, path: &Path, mode: u32, owner: Option<&str>) -> Result<(), ServiceError> {
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(failed("make the folder", path)(error));
        }
        Ok(()) | Err(_) => {}
    }
    if let Some(name) = owner {
        let account = account::account_called(&tree.accounts(), name)
            .ok_or_else(|| failed("find the account of", path)(io::ErrorKind::NotFound.into()))?;
        give(path, account.user, account.group)?;
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed("set the mode of", path))
}

/// Gives `path`, and everything below it, to an account; links are not followed.
fn give(path: &Path, user: u32, group: u32) -> Result<(), ServiceError> {
    lchown(path, Some(user), Some(group)).map_err(failed("give away", path))?;
    let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    if !is_folder {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(failed("read", path))? {
        let entry = entry.map_err(failed("read", path))?;
        give(&entry.path(), user, group)?;
    }
    Ok(())
}

/// Takes what is gone already for removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Returns what makes an error of a refusal of the system.
pub(super) fn failed<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl Fn(io::Error) -> ServiceError + 'a {
    move |source| ServiceError::System {
        doing,
        path: path.to_path_buf(),
        source,
    }
}

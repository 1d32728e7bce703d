//! Installing into Claude Code, and taking it away again.
//!
//! Both are planned first and applied afterwards, so that a plan can be shown
//! without writing anything. A plan always begins at the text without what
//! is ours: the one kept when it was installed if nothing else has changed, and
//! otherwise the present one with our entries cut out.

mod insert;
mod record;
mod strip;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aegis_gate::link_among;
use aegis_types::Timestamp;
use serde_json::Value;
use thiserror::Error;

use crate::client::{Client, ClientVersion};
use crate::difference::difference;
use crate::registration::{PROGRAM, Registration, hooks, is_ours};
use crate::settings_file::{Document, SettingsFile, SettingsFileError, write_whole};
use insert::with_ours;
use record::{Pin, Record};
use strip::without_ours;

/// Where to install.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// The settings file of the client.
    pub settings: PathBuf,
    /// The folder that the settings file must not leave by a link: that of the project.
    pub within: Option<PathBuf>,
    /// The state folder of Aegis, which keeps backups and records.
    pub state: PathBuf,
}

/// Whether a client that lets calls run when a hook fails may be installed into.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FailOpen {
    /// It is refused.
    Refuse,
    /// A person accepted it.
    Accept,
}

/// Why nothing was installed or removed.
#[derive(Debug, Error)]
pub enum InstallError {
    /// The settings file cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsFileError),
    /// The client lets a call run when its hook fails.
    #[error(
        "the client `{}` is version {version}; before {} it lets a call run when the hook is killed, hangs or is missing",
        program.display(), ClientVersion::FAIL_CLOSED
    )]
    FailsOpen {
        /// The client.
        program: PathBuf,
        /// Its version.
        version: ClientVersion,
    },
    /// The program of the hook is not there or cannot be run.
    #[error("`{}` is not a program that can be run; the hook would never answer", program.display())]
    NoProgram {
        /// The program.
        program: PathBuf,
    },
    /// The path of the program cannot stand in a settings file.
    #[error("the path `{}` is not absolute or not valid text", program.display())]
    Path {
        /// The path.
        program: PathBuf,
    },
    /// The state folder cannot be used.
    #[error("cannot {doing} `{}`", path.display())]
    State {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why the system refused.
        #[source]
        source: io::Error,
    },
    /// What is kept of the installation would land where a link leads.
    #[error("`{}` is a link, and Aegis writes only what is its own; put there what the link leads to, or remove it", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// The text that came out does not say what it should.
    #[error("`{}` is laid out in a way that cannot be edited safely; nothing was written", path.display())]
    Layout {
        /// The settings file.
        path: PathBuf,
    },
}

/// Something a person should know of a plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Note {
    /// Hooks were switched off by the settings, and will be on.
    HooksWereOff,
    /// Other hooks run beside ours.
    OtherHooks {
        /// How many.
        count: usize,
    },
    /// The settings were changed since, so only our entries were cut out.
    ChangedSince,
}

/// A change of a settings file, planned and not yet made.
#[derive(Debug)]
pub struct Change {
    file: SettingsFile,
    after: Option<String>,
    record: Option<Record>,
    record_path: PathBuf,
    state: PathBuf,
    notes: Vec<Note>,
}

/// Refuses a client that fails open, unless a person accepted it.
///
/// # Errors
///
/// [`InstallError::FailsOpen`].
pub fn check_client(client: &Client, fail_open: FailOpen) -> Result<(), InstallError> {
    match fail_open {
        FailOpen::Accept => Ok(()),
        FailOpen::Refuse if client.version().is_fail_closed() => Ok(()),
        FailOpen::Refuse => Err(InstallError::FailsOpen {
            program: client.program().to_owned(),
            version: client.version(),
        }),
    }
}

/// Returns the registration of the program `program`, which must be there.
///
/// # Errors
///
/// [`InstallError`] when the client could not run it.
pub fn registration(
    program: &Path,
    longest_approval: aegis_types::DurationMs,
) -> Result<Registration, InstallError> {
    let path = || program.to_owned();
    let is_program = fs::metadata(program)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if !program.is_absolute() {
        return Err(InstallError::Path { program: path() });
    }
    if !is_program || program.file_name() != Some(PROGRAM.as_ref()) {
        return Err(InstallError::NoProgram { program: path() });
    }
    if program.to_str().is_none() {
        return Err(InstallError::Path { program: path() });
    }
    Ok(Registration::of(program, longest_approval))
}

/// Plans to register the hook in the settings file of `target`.
///
/// # Errors
///
/// [`InstallError`] when the file cannot or must not be changed.
pub fn plan_install(target: &Target, registration: &Registration) -> Result<Change, InstallError> {
    let mut change = Change::begin(target)?;
    let present = change.file.document()?;
    if registration.is_in(&present.value) {
        change.after = change.file.text.clone();
        return Ok(change);
    }
    let stripped = without_ours(&change.file, change.record.as_ref())?;
    let made_folder = match &change.record {
        Some(record) => record.made_folder,
        None => !target.settings.parent().is_some_and(Path::exists),
    };
    let document = match stripped.text.as_deref() {
        Some(text) if !text.trim().is_empty() => Document::of(text, &target.settings)?,
        Some(_) | None => Document::of("{}\n", &target.settings)?,
    };
    let (after, pin) = with_ours(&document, registration, &target.settings)?;
    let others = other_hooks(&document.value);
    if others > 0 {
        change.notes.push(Note::OtherHooks { count: others });
    }
    if pin == Pin::WasTrue {
        change.notes.push(Note::HooksWereOff);
    }
    change.record = Some(Record::new(
        &target.settings,
        stripped.text,
        &after,
        registration,
        (pin, made_folder),
    ));
    change.after = Some(after);
    Ok(change)
}

/// Plans to take away what is ours from the settings file of `target`.
///
/// # Errors
///
/// [`InstallError`] when the file cannot or must not be changed.
pub fn plan_uninstall(target: &Target) -> Result<Change, InstallError> {
    let mut change = Change::begin(target)?;
    let stripped = without_ours(&change.file, change.record.as_ref())?;
    if stripped.is_cut && stripped.text != change.file.text {
        change.notes.push(Note::ChangedSince);
    }
    change.after = stripped.text;
    Ok(change)
}

impl Change {
    fn begin(target: &Target) -> Result<Self, InstallError> {
        let file = SettingsFile::read(&target.settings)?;
        file.check_writable(target.within.as_deref())?;
        if let Some(path) = link_among(&target.state) {
            return Err(InstallError::Link { path });
        }
        let record_path = Record::path(&target.state, &target.settings);
        let record = Record::read(&record_path)?;
        Ok(Self {
            file,
            after: None,
            record,
            record_path,
            state: target.state.clone(),
            notes: Vec::new(),
        })
    }

    /// Returns the same change to a file that everybody may read.
    pub(crate) fn for_everybody(mut self) -> Self {
        self.file.mode |= 0o444;
        self
    }

    /// Returns the settings file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Returns what people should know of it.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns whether the file already is as it should be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.file.text == self.after
    }

    /// Returns the text after the change; absent when the file goes.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Returns what the change does to the file, by lines.
    #[must_use]
    pub fn difference(&self) -> String {
        difference(
            self.file.text.as_deref().unwrap_or_default(),
            self.after.as_deref().unwrap_or_default(),
        )
    }

    /// Makes the planned registration real, and returns where the file as it was is kept.
    ///
    /// # Errors
    ///
    /// [`InstallError`]; the settings file is then as it was.
    pub fn apply_install(&self, at: Timestamp) -> Result<Option<PathBuf>, InstallError> {
        if self.is_empty() {
            return Ok(None);
        }
        let backup = self.back_up(at)?;
        // The record comes first: without the settings it does no harm, while
        // settings without their record could not be restored byte for byte.
        if let Some(record) = &self.record {
            record.write(&self.record_path)?;
        }
        self.file.replace(self.after.as_deref())?;
        Ok(backup)
    }

    /// Makes the planned removal real, and returns where the file as it was is kept.
    ///
    /// # Errors
    ///
    /// [`InstallError`]; the settings file is then as it was.
    pub fn apply_uninstall(&self, at: Timestamp) -> Result<Option<PathBuf>, InstallError> {
        let backup = if self.is_empty() {
            None
        } else {
            let backup = self.back_up(at)?;
            self.file.replace(self.after.as_deref())?;
            backup
        };
        if let Some(record) = &self.record {
            if record.made_folder && self.after.is_none() {
                // Only an empty folder can be removed; another file keeps it.
                let _ = self.file.path.parent().map(fs::remove_dir);
            }
            Record::remove(&self.record_path)?;
        }
        Ok(backup)
    }

    fn back_up(&self, at: Timestamp) -> Result<Option<PathBuf>, InstallError> {
        let Some(text) = &self.file.text else {
            return Ok(None);
        };
        let folder = self.state.join("backups");
        make_folder(&folder)?;
        let stem = Record::name(&self.file.path);
        let path = folder.join(format!("{stem}-{}.json", moment(at)));
        write_whole(&path, text.as_bytes(), 0o600).map_err(|source| InstallError::State {
            doing: "write",
            path: path.clone(),
            source,
        })?;
        Ok(Some(path))
    }
}

/// Makes a folder of the state that only its user can look into.
fn make_folder(folder: &Path) -> Result<(), InstallError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| InstallError::State {
            doing: "make the folder",
            path: folder.to_owned(),
            source,
        })
}

/// Returns the time as `20261121T061500.123Z`, which sorts as text.
fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.unix_ms()).map_or_else(
        |_| at.unix_ms().to_string(),
        |at| at.strftime("%Y%m%dT%H%M%S%.3fZ").to_string(),
    )
}

fn other_hooks(settings: &Value) -> usize {
    settings
        .get("hooks")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|events| events.values())
        .filter_map(Value::as_array)
        .flatten()
        .flat_map(hooks)
        .filter(|hook| !is_ours(hook))
        .count()
}

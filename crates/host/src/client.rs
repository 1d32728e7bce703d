//! A Claude Code client on this machine: finding it and driving it offline.
//!
//! A client is only ever started with an empty environment, a home folder that
//! the caller made for it, and a model on the loopback. Nothing that the machine
//! has configured reaches it, and it changes nothing that the machine has.

mod ending;
mod session;
mod transcript;
mod version;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use thiserror::Error;

use ending::finish;
pub use session::{Mode, Session, SessionError};
pub use transcript::{PermissionDenial, Transcript};
pub use version::ClientVersion;

/// How long a client may take to tell its version, on a busy machine.
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// A Claude Code client that was found and told its version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Client {
    program: PathBuf,
    version: ClientVersion,
}

/// Why no client was found.
#[derive(Debug, Error)]
pub enum FindClientError {
    /// No folder of the search path holds the program.
    #[error("no `claude` on the search path")]
    NotOnPath,
    /// The program could not be started.
    #[error("cannot start the client `{}`", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// Why the system refused.
        #[source]
        source: io::Error,
    },
    /// The program answered something that is not a version.
    #[error("the client `{}` told no version, but `{answer}`", program.display())]
    NoVersion {
        /// The program.
        program: PathBuf,
        /// The first line of its answer, cut and escaped.
        answer: String,
    },
}

impl Client {
    /// Returns the client that is the program `program`.
    ///
    /// # Errors
    ///
    /// [`FindClientError`] if it cannot be started or is not Claude Code.
    pub fn at(program: &Path) -> Result<Self, FindClientError> {
        let mut command = Command::new(program);
        command
            .arg("--version")
            .env_clear()
            // The client is a native program, or a wrapper that needs an
            // interpreter from the path; a home that does not exist keeps it
            // from reading or leaving anything.
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/nonexistent")
            .env("DISABLE_AUTOUPDATER", "1");
        let ended =
            finish(&mut command, VERSION_LIMIT).map_err(|source| FindClientError::NotStarted {
                program: program.to_owned(),
                source,
            })?;
        let answer = ended.output;
        let version = ClientVersion::in_answer(&answer);
        Ok(Self {
            program: program.to_owned(),
            version: version.ok_or_else(|| FindClientError::NoVersion {
                program: program.to_owned(),
                answer: first_line(&answer),
            })?,
        })
    }

    /// Returns the first client in the folders of `path`, a search path.
    ///
    /// # Errors
    ///
    /// [`FindClientError`] if there is none, or the first cannot be used.
    pub fn on_path(path: &OsStr) -> Result<Self, FindClientError> {
        let program = std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join("claude"))
            .find(|program| is_executable(program))
            .ok_or(FindClientError::NotOnPath)?;
        Self::at(&program)
    }

    /// Returns the program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the version that the program told.
    pub fn version(&self) -> ClientVersion {
        self.version
    }
}

fn is_executable(program: &Path) -> bool {
    fs::metadata(program)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn first_line(answer: &str) -> String {
    let line = answer.lines().next().unwrap_or_default();
    line.escape_debug().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(name: &str, text: &str, mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(name);
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    #[test]
    fn the_first_executable_client_on_the_path_is_found() {
        let text = "#!/bin/sh\necho '2.1.329 (Claude Code)'\n";
        let plain = folder_with("claude", text, 0o644);
        let other = folder_with("claude-x", text, 0o755);
        let right = folder_with("claude", text, 0o755);
        let path = std::env::join_paths([plain.path(), other.path(), right.path()]).unwrap();
        let client = Client::on_path(&path).unwrap();
        assert_eq!(client.program(), right.path().join("claude"));
        assert_eq!(client.version().to_string(), "2.1.329");

        let path = std::env::join_paths([plain.path(), other.path()]).unwrap();
        let error = Client::on_path(&path).unwrap_err();
        assert!(matches!(error, FindClientError::NotOnPath), "{error}");
    }

    #[test]
    fn a_program_that_tells_no_version_is_not_a_client() {
        let folder = folder_with("claude", "#!/bin/sh\nprintf 'hello\\033[1m'\n", 0o755);
        let error = Client::at(&folder.path().join("claude")).unwrap_err();
        assert!(
            error.to_string().ends_with("but `hello\\u{1b}[1m`"),
            "{error}"
        );
        let error = Client::at(&folder.path().join("absent")).unwrap_err();
        assert!(
            matches!(error, FindClientError::NotStarted { .. }),
            "{error}"
        );
    }
}

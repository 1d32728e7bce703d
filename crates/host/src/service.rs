//! The service of a machine under an account of its own.
//!
//! [`plan_service`] says what must be made so that nobody who works on the
//! machine can talk around Aegis: an account, programs, settings and policy that
//! belong to root, a hardened unit, and the registration in the client's managed
//! settings. [`plan_service_removal`] says what must go. A plan is shown as it
//! is, or carried out; what is already as it should be stays as it is.
//!
//! Everything lies below a root, so that packages and tests get the same tree
//! in a folder of their own. Accounts and systemd are touched for `/` alone.

mod account;
mod of_user;
mod plan;
mod record;
mod removal;
mod settings;
mod step;
mod unit;

use std::io;
use std::path::{Path, PathBuf};

use aegis_types::DurationMs;
use thiserror::Error;

use crate::install::{InstallError, Target};

pub(crate) use account::account_called;
pub use of_user::{DaemonWanted, plan_daemon, plan_daemon_removal};
pub(crate) use plan::exposed_above;
pub use plan::plan_service;
pub(crate) use record::ServiceRecord;
pub use removal::{Keep, plan_service_removal};
pub(crate) use settings::named;
pub use step::{Deed, Plan, Word};

/// The account of the service, unless another one is named.
pub const SERVICE_USER: &str = "aegis";

/// The name of the unit.
const UNIT: &str = "aegis.service";

/// The programs that are put in place.
const PROGRAMS: [&str; 2] = ["aegis", "aegis-hook"];

/// Where the parts of a service lie below a root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tree {
    root: PathBuf,
}

/// A service to put in place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Where its parts lie.
    pub tree: Tree,
    /// The account under which it runs.
    pub user: String,
    /// The folder that holds `aegis` and `aegis-hook`.
    pub programs: PathBuf,
    /// The longest wait for an approval, which the client must wait out.
    pub longest_approval: DurationMs,
    /// Whether it is started.
    pub start: Start,
}

/// Whether a service is started, or stopped, where systemd runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// It is.
    Now,
    /// Somebody else does that.
    No,
}

/// Why a service cannot be put in place or taken away.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// Only root may do this.
    #[error("this changes the machine for everybody, which only root may do")]
    NotRoot,
    /// The name is none for an account.
    #[error(
        "`{0}` is no name for the account of a service: a-z, 0-9, `-` and `_`, at most 31, and not root"
    )]
    Name(String),
    /// People work in the account.
    #[error(
        "`{user}` is an account that people log into (its shell is `{shell}`); the service needs one of its own"
    )]
    LoginAccount {
        /// The account.
        user: String,
        /// Its shell.
        shell: String,
    },
    /// The machine has no program that makes accounts.
    #[error(
        "this machine has neither `useradd` nor `adduser`; make the system account `{0}` yourself"
    )]
    NoAccountTool(String),
    /// A program to put in place is missing.
    #[error("`{}` is not there or no program", .0.display())]
    NoProgram(PathBuf),
    /// Others could change what must belong to root.
    #[error("`{}` can be changed by others than root, and what lies in it with it", .0.display())]
    Exposed(PathBuf),
    /// A link lies where something of its own must be.
    #[error("`{}` is a link, and Aegis writes only what is its own", .0.display())]
    Link(PathBuf),
    /// The settings name another service.
    #[error("`{}` names another service under `[service]`; remove that table first", .0.display())]
    OtherService(PathBuf),
    /// The settings cannot be read.
    #[error("`{}` cannot be read as settings: {cause}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The record of what was put in place cannot be read.
    #[error("`{}` is damaged, so it cannot be told what is ours", .0.display())]
    Record(PathBuf),
    /// The service still runs.
    #[error("the service still listens at `{}`; stop it first", .0.display())]
    Running(PathBuf),
    /// The client's managed settings cannot be changed.
    #[error(transparent)]
    Host(#[from] InstallError),
    /// A program of the system failed.
    #[error("`{line}` failed: {said}")]
    Failed {
        /// Its command line.
        line: String,
        /// What it said.
        said: String,
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

impl Tree {
    /// Returns the tree below `root`.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// Returns whether it is that of this machine.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Refuses to go on for who may not change the machine.
    fn must_be_ours(&self) -> Result<(), ServiceError> {
        if self.is_machine() && !rustix::process::geteuid().is_root() {
            return Err(ServiceError::NotRoot);
        }
        Ok(())
    }

    /// Returns to whom must belong what only root may change.
    pub(crate) fn owner(&self) -> u32 {
        if self.is_machine() {
            return 0;
        }
        rustix::process::geteuid().as_raw()
    }

    /// Returns where a path of the machine lies.
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Returns the path of the machine that lies at `path`.
    pub(crate) fn path_on_machine(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        Path::new("/").join(below)
    }

    /// Returns the folder of the programs.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.at("/usr/local/lib/aegis")
    }

    /// Returns the program of the hook, as the client finds it.
    #[must_use]
    pub fn hook_program(&self) -> PathBuf {
        self.path_on_machine(&self.programs().join("aegis-hook"))
    }

    /// Returns the folder of managed settings and policy.
    #[must_use]
    pub fn managed(&self) -> PathBuf {
        self.at("/etc/aegis")
    }

    /// Returns the folder of the log and the keys.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.at("/var/lib/aegis")
    }

    /// Returns the folder of the socket.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.at("/run/aegis")
    }

    /// Returns the socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.run().join("aegis.sock")
    }

    /// Returns the unit.
    #[must_use]
    pub fn unit(&self) -> PathBuf {
        self.at("/etc/systemd/system").join(UNIT)
    }

    /// Returns the managed settings of the client.
    #[must_use]
    pub fn host_settings(&self) -> PathBuf {
        self.at("/etc/claude-code/managed-settings.json")
    }

    /// Returns the record of what was put in place.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.programs().join("installed.json")
    }

    /// Returns the folder of what is remembered of the client's settings.
    fn host_record(&self) -> PathBuf {
        self.programs().join("host")
    }

    /// Returns where the registration goes.
    fn host_target(&self) -> Target {
        Target {
            settings: self.host_settings(),
            within: None,
            state: self.host_record(),
        }
    }

    /// Returns the list of accounts.
    pub(crate) fn accounts(&self) -> PathBuf {
        self.at("/etc/passwd")
    }

    /// Returns whether systemd runs this machine.
    fn has_systemd(&self) -> bool {
        self.is_machine() && Path::new("/run/systemd/system").is_dir()
    }
}

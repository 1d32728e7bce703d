//! The command lines that put Aegis in place and take it away.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{InstallServiceArguments, UninstallServiceArguments};

/// An agent's host.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum HostName {
    /// Claude Code.
    ClaudeCode,
}

/// What to install.
#[derive(Debug, Subcommand)]
pub(crate) enum InstallCommand {
    /// Register Aegis with Claude Code and prove that it holds.
    ClaudeCode(InstallArguments),
    /// Put the service under an account of its own, which no agent can talk around (as root).
    Service(InstallServiceArguments),
    /// Let systemd start the service of this user with the first session.
    Daemon(DaemonUnitArguments),
}

/// What to remove.
#[derive(Debug, Subcommand)]
pub(crate) enum UninstallCommand {
    /// Take Aegis out of the settings of Claude Code.
    ClaudeCode(UninstallArguments),
    /// Take the service, its account and its folders away; the log stays (as root).
    Service(UninstallServiceArguments),
    /// Take the service of this user out of systemd; the log stays.
    Daemon(DaemonUnitArguments),
}

/// The service of this user.
#[derive(Args, Debug)]
pub(crate) struct DaemonUnitArguments {
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave systemd alone.
    #[arg(long)]
    pub(crate) no_start: bool,
}

/// Where and how to install.
#[derive(Args, Debug)]
pub(crate) struct InstallArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Accept a client older than 2.1.295, which lets a call through when the hook is killed.
    #[arg(long)]
    pub(crate) accept_fail_open: bool,
    /// The client's program; found on the search path when absent.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) client: Option<PathBuf>,
    /// Do not prove the installation with the client.
    #[arg(long)]
    pub(crate) no_proof: bool,
}

/// Whose settings are meant.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(crate) struct PlaceArguments {
    /// The settings of the user (the usual place).
    #[arg(long)]
    pub(crate) user: bool,
    /// The settings of the project in this folder.
    #[arg(long)]
    pub(crate) project: bool,
}

/// Where to uninstall.
#[derive(Args, Debug)]
pub(crate) struct UninstallArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

//! How a log is kept: copied, put back, rid of what must go.

use std::path::PathBuf;

use clap::Args;

/// Where the copy goes.
#[derive(Args, Debug)]
pub(crate) struct BackupArguments {
    /// The file, which must not be there yet.
    pub(crate) file: PathBuf,
    /// Replace the file if it is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What is put back.
#[derive(Args, Debug)]
pub(crate) struct RestoreArguments {
    /// A file written by `backup`.
    pub(crate) file: PathBuf,
    /// Restore it even if the log holds records that it lacks, or cannot be read.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What is pruned.
#[derive(Args, Debug)]
pub(crate) struct PruneArguments {
    /// Sessions in which nothing was recorded since: a date, or an age of 31 days at least, as `90d`.
    #[arg(long, value_name = "DATE|AGE")]
    pub(crate) before: String,
    /// Only sessions of this tenant.
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Show what would go, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also give the space back to the file system; whoever writes waits for that.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) compact: bool,
}

/// What is erased.
#[derive(Args, Debug)]
pub(crate) struct EraseArguments {
    /// The session.
    #[arg(long)]
    pub(crate) session: String,
    /// Only what belongs to this request.
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<String>,
}

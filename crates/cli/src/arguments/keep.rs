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

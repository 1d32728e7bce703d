//! What SQLite's failures mean to those who append and read.

use rusqlite::ErrorCode;

use crate::log::{AppendError, ReadLogError, StoreFault};

/// A failure of the store, sorted by what can be done about it.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Somebody else kept the file locked.
    Busy {
        /// How long this one waited.
        waited_ms: u64,
    },
    /// The file may not be written.
    ReadOnly,
    /// There is no room left.
    Full,
    /// The file contradicts itself.
    Damaged(StoreFault),
    /// Anything else.
    Unavailable(StoreFault),
    /// A later writer took over.
    Fenced,
}

impl Fault {
    pub(crate) fn of(error: rusqlite::Error, waited_ms: u64) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { waited_ms },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(StoreFault::new(error))
            }
            // A column of another type, or a missing row or table, is damage as well.
            None => Self::Damaged(StoreFault::new(error)),
            Some(_) => Self::Unavailable(StoreFault::new(error)),
        }
    }
}

impl From<Fault> for AppendError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Busy { waited_ms } => Self::Busy { waited_ms },
            Fault::ReadOnly => Self::ReadOnly,
            Fault::Full => Self::Full,
            Fault::Damaged(source) => Self::Damaged(source),
            Fault::Unavailable(source) => Self::Unavailable(source),
            Fault::Fenced => Self::Fenced,
        }
    }
}

impl From<Fault> for ReadLogError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Busy { waited_ms } => Self::Busy { waited_ms },
            Fault::Damaged(source) => Self::Damaged(source),
            Fault::Unavailable(source) => Self::Unavailable(source),
            Fault::ReadOnly => Self::Unavailable(StoreFault::new("the file may not be written")),
            Fault::Full => Self::Unavailable(StoreFault::new("no room is left")),
            Fault::Fenced => Self::Unavailable(StoreFault::new("a later writer has taken over")),
        }
    }
}

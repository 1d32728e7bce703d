//! `aegis hook`: the small program's code in the large one.

use crate::report::{Failure, Report};

/// Answers one event of the agent's host and ends the process.
pub(crate) fn hook() -> Result<Report, Failure> {
    aegis_hook::serve()
}

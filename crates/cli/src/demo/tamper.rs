//! Doing what an attacker with the file in hands would do.

use std::path::PathBuf;

use rusqlite::Connection;

use crate::demo::stage::Stage;
use crate::report::Failure;

/// Copies the log and rewrites a denial in the copy; returns the copy.
///
/// The triggers that refuse changes are taken out first: they are a hurdle for
/// accidents, and the hashes are what tells.
pub(super) fn altered_copy(stage: &Stage) -> Result<PathBuf, Failure> {
    let copy = stage.root().join("altered.db");
    let failed = |error: rusqlite::Error| {
        Failure::environment(format!("cannot alter a copy of the log: {error}"))
    };
    let source = Connection::open(stage.log_path()).map_err(failed)?;
    let shown = copy.to_string_lossy().into_owned();
    source.execute("VACUUM INTO ?1", [&shown]).map_err(failed)?;
    let altered = Connection::open(&copy).map_err(failed)?;
    let triggers: Vec<String> = altered
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .map_err(failed)?;
    for trigger in triggers {
        altered
            .execute_batch(&format!("DROP TRIGGER \"{trigger}\""))
            .map_err(failed)?;
    }
    let changed = altered
        .execute(
            "UPDATE records SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"verdict\":\"deny\"', '\"verdict\":\"allow\"') AS BLOB) \
             WHERE rowid = (SELECT min(rowid) FROM records WHERE CAST(bytes AS TEXT) LIKE '%\"verdict\":\"deny\"%')",
            [],
        )
        .map_err(failed)?;
    if changed == 1 {
        Ok(copy)
    } else {
        Err(Failure::environment(
            "the log of the demonstration holds no denial to alter",
        ))
    }
}

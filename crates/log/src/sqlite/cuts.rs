//! Reading what a file says was pruned, and where its chains were cut for that.

use std::collections::BTreeMap;

use aegis_types::{ChainId, Envelope};

use super::index::{INDEXED, IndexDiffers, last_indexed};
use super::read::{chain_at, digest_at};
use super::schema::IS_RARE;
use crate::prune::{Cut, Cuts};
use crate::stored::read_envelope;

/// Reads what the records of pruning in a file say.
pub(crate) fn cuts_in(connection: &rusqlite::Connection) -> Result<Cuts, rusqlite::Error> {
    let mut cuts = Cuts::default();
    for envelope in prunings_in(connection)? {
        cuts.add(&envelope);
    }
    Ok(cuts)
}

/// Reads the records of pruning in a file, in order.
pub(crate) fn prunings_in(
    connection: &rusqlite::Connection,
) -> Result<Vec<Envelope>, rusqlite::Error> {
    let by_index = format!(
        "SELECT bytes, hash FROM records WHERE id IN (
             SELECT id FROM entries WHERE {IS_RARE} AND kind = 'RECORDS_PRUNED'
             UNION ALL
             SELECT id FROM records WHERE kind = 'RECORDS_PRUNED' AND id > {INDEXED})
         AND kind = 'RECORDS_PRUNED' ORDER BY id"
    );
    // Verification names what is wrong with the index, and looks past it.
    let select = match last_indexed(connection) {
        Ok(_) => by_index.as_str(),
        Err(error) if IndexDiffers::is(&error) => {
            "SELECT bytes, hash FROM records WHERE kind = 'RECORDS_PRUNED' ORDER BY id"
        }
        Err(error) => return Err(error),
    };
    let mut prunings = Vec::new();
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob()?;
        // What does not read is named where its chain is verified.
        prunings.extend(read_envelope(bytes, digest_at(row, 1)?));
    }
    Ok(prunings)
}

/// Reads where a file says that chains were cut.
pub(crate) fn cut_table(
    connection: &rusqlite::Connection,
) -> Result<BTreeMap<ChainId, Cut>, rusqlite::Error> {
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'cuts')";
    let mut cuts = BTreeMap::new();
    if !connection.query_row(exists, [], |row| row.get(0))? {
        return Ok(cuts);
    }
    let select =
        "SELECT tenant, session, seq, hash FROM cuts JOIN chains ON chains.id = cuts.chain";
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let seq = row.get::<_, i64>(2)?.cast_unsigned();
        let hash = digest_at(row, 3)?;
        cuts.insert(chain_at(row, 0)?, Cut { hash, seq });
    }
    Ok(cuts)
}

//! The tables of a log file.

/// The version of the tables of a log of which nothing was pruned.
pub(super) const FORMAT: i64 = 1;

/// The version of the tables from the first pruning on.
pub(super) const FORMAT_PRUNED: i64 = 2;

/// Marks the file as a log of ours: `AegL`.
pub(super) const APPLICATION_ID: i64 = 0x4165_674c;

/// The session name under which the chain of heads is listed; no session is called so.
pub(super) const HEADS: &str = "";

/// Kinds that every session has many of.
///
/// All others are so few that an index over them costs nothing.
macro_rules! frequent {
    () => {
        "'TOOL_CALL_PROPOSED', 'POLICY_DECISION', 'TOOL_RESULT', 'HEADS_MOVED'"
    };
}

/// The condition of the index over rare kinds; a query repeats it to use the index.
pub(super) const IS_RARE: &str = concat!("kind NOT IN (", frequent!(), ")");

/// Makes the tables.
///
/// `records` is what counts, and an append writes nothing else: a page or two
/// at its end. `entries` repeats its columns for the indexes. It is filled
/// later, many records at a time; what is not there yet is at the end of
/// `records` and is looked through.
///
/// `records.bytes` comes last, so that the other columns are read without it.
/// The triggers are a hurdle for accidents; they stop nobody who means it.
pub(super) const CREATE: &str = concat!(
    "
CREATE TABLE store (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE chains (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    session TEXT NOT NULL,
    UNIQUE (tenant, session)
) STRICT;
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    chain INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    chain INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT
) STRICT;
CREATE UNIQUE INDEX entries_place ON entries (chain, seq);
CREATE INDEX entries_subject ON entries (subject) WHERE subject IS NOT NULL;
CREATE INDEX entries_time ON entries (at, kind, chain);
CREATE INDEX entries_rare ON entries (kind, chain) WHERE kind NOT IN (",
    frequent!(),
    ");
CREATE TABLE documents (
    digest BLOB PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE sealed (
    record INTEGER PRIMARY KEY,
    key_id TEXT NOT NULL,
    ciphertext BLOB
) STRICT;
CREATE TRIGGER records_stay BEFORE DELETE ON records
BEGIN SELECT raise(ABORT, 'records are never deleted'); END;
CREATE TRIGGER records_keep BEFORE UPDATE ON records
BEGIN SELECT raise(ABORT, 'records are never changed'); END;
CREATE TRIGGER chains_stay BEFORE DELETE ON chains
BEGIN SELECT raise(ABORT, 'chains are never deleted'); END;
CREATE TRIGGER chains_keep BEFORE UPDATE ON chains
BEGIN SELECT raise(ABORT, 'chains are never changed'); END;
CREATE TRIGGER documents_stay BEFORE DELETE ON documents
BEGIN SELECT raise(ABORT, 'documents are never deleted'); END;
CREATE TRIGGER documents_keep BEFORE UPDATE ON documents
BEGIN SELECT raise(ABORT, 'documents are never changed'); END;
CREATE TRIGGER sealed_stay BEFORE DELETE ON sealed
BEGIN SELECT raise(ABORT, 'sealed payloads are erased, not deleted'); END;
CREATE TRIGGER sealed_keep BEFORE UPDATE ON sealed
WHEN new.record IS NOT old.record OR new.key_id IS NOT old.key_id
    OR new.ciphertext IS NOT NULL
BEGIN SELECT raise(ABORT, 'sealed payloads are never changed'); END;
"
);

/// Hides the index from a connection: an empty one of its own stands before it, so
/// that everything is looked for among the records.
pub(super) const HIDE_INDEX: &str = concat!(
    "
CREATE TEMP TABLE entries (
    id INTEGER PRIMARY KEY,
    chain INTEGER,
    seq INTEGER,
    at INTEGER,
    kind TEXT,
    subject TEXT
);
CREATE INDEX temp.entries_place ON entries (chain, seq);
CREATE INDEX temp.entries_subject ON entries (subject) WHERE subject IS NOT NULL;
CREATE INDEX temp.entries_time ON entries (at, kind, chain);
CREATE INDEX temp.entries_rare ON entries (kind, chain) WHERE kind NOT IN (",
    frequent!(),
    ");
"
);

/// Makes tables of [`FORMAT`] those of [`FORMAT_PRUNED`].
///
/// `cuts` names the last record of each chain that may go, and the hurdles for
/// accidents let nothing else pass.
pub(super) const ALLOW_PRUNING: &str = "
CREATE TABLE cuts (
    chain INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
DROP TRIGGER records_stay;
CREATE TRIGGER records_stay BEFORE DELETE ON records
WHEN NOT EXISTS (SELECT 1 FROM cuts WHERE chain = old.chain AND seq >= old.seq)
BEGIN SELECT raise(ABORT, 'records are never deleted unless they were pruned'); END;
DROP TRIGGER sealed_stay;
CREATE TRIGGER sealed_stay BEFORE DELETE ON sealed
WHEN EXISTS (SELECT 1 FROM records WHERE id = old.record)
BEGIN SELECT raise(ABORT, 'sealed payloads are erased, not deleted'); END;
UPDATE store SET value = 2 WHERE name = 'format';
PRAGMA user_version = 2;
";

#[cfg(test)]
mod tests {
    use aegis_types::EventKind;

    #[test]
    fn every_frequent_kind_is_one_of_ours() {
        for quoted in frequent!().split(", ") {
            let name = quoted.trim_matches('\'');
            assert!(EventKind::from_wire(name).is_some(), "{name}");
        }
    }
}

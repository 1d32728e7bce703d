//! Writing a log as lines of JSON.
//!
//! One envelope a line, as it is stored, with its hash beside its fields; before
//! them, once more, those that say what was pruned. Then
//! the documents, and last a line that counts everything and names all heads,
//! so that an export that was cut shows.

use std::collections::BTreeMap;
use std::io::{self, Write};

use aegis_canon::{Digest, write_canonical};
use aegis_types::{ChainId, Head};
use serde_json::{Map, Value, json};

use crate::log::{ReadLogError, StoreFault};
use crate::seal::write_hex;
use crate::sqlite::{SqliteLog, chain_at, digest_at, prunings_in};

/// The version of the form of exports.
pub(crate) const EXPORT_VERSION: u64 = 1;

/// Why an export was not finished.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log could not be read.
    #[error("the log could not be read")]
    Read(#[from] ReadLogError),
    /// The lines could not be written.
    #[error("the export could not be written")]
    Write(#[from] io::Error),
}

/// Writes the whole log, or one chain of it, to `out`, and returns how many
/// records that were.
///
/// # Errors
///
/// [`ExportError`]; what was written until then lacks the last line, so it
/// does not pass for complete.
pub fn export(
    log: &SqliteLog,
    only: Option<&ChainId>,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let reader = log.another_reader()?;
    let mut lines = Lines {
        out,
        line: Vec::with_capacity(4_096),
        records: 0,
        documents: 0,
        heads: BTreeMap::new(),
        erased: Vec::new(),
    };
    // All that is read belongs to one moment.
    let read = |error| ExportError::Read(log.read_failure(error));
    reader.execute_batch("BEGIN").map_err(read)?;
    lines.prunings(log, &reader, only)?;
    lines.records(log, &reader, only)?;
    if only.is_none() {
        lines.documents(log, &reader)?;
    }
    lines.end(only.is_none())?;
    Ok(lines.records)
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    line: Vec<u8>,
    records: u64,
    documents: u64,
    heads: BTreeMap<ChainId, Head>,
    /// The records whose sealed payload was erased.
    erased: Vec<Value>,
}

impl Lines<'_> {
    /// Writes the records of what was pruned first, so that a reader knows where
    /// chains begin.
    fn prunings(
        &mut self,
        log: &SqliteLog,
        reader: &rusqlite::Connection,
        only: Option<&ChainId>,
    ) -> Result<(), ExportError> {
        let prunings = prunings_in(reader).map_err(|error| log.read_failure(error))?;
        let is_asked_for =
            |chain: &ChainId| only.is_none_or(|only| only.tenant() == chain.tenant());
        for envelope in prunings.iter().filter(|one| is_asked_for(&one.chain)) {
            self.value(&json!({ "pruned": envelope.to_json() }))?;
        }
        Ok(())
    }

    fn records(
        &mut self,
        log: &SqliteLog,
        reader: &rusqlite::Connection,
        only: Option<&ChainId>,
    ) -> Result<(), ExportError> {
        let read = |error| ExportError::Read(log.read_failure(error));
        let select = "SELECT tenant, session, seq, hash, bytes,
                          sealed.record IS NOT NULL AND sealed.ciphertext IS NULL
                      FROM records JOIN chains ON chains.id = records.chain
                      LEFT JOIN sealed ON sealed.record = records.id
                      WHERE ?1 IS NULL OR (tenant = ?1 AND session = ?2) ORDER BY records.id";
        let mut statement = reader.prepare(select).map_err(read)?;
        let tenant = only.map(|chain| chain.tenant().as_str());
        let session = only.map(|chain| chain.session().map_or("", |session| session.as_str()));
        let mut rows = statement.query([tenant, session]).map_err(read)?;
        while let Some(row) = rows.next().map_err(read)? {
            let chain = chain_at(row, 0).map_err(read)?;
            let seq = row.get::<_, i64>(2).map_err(read)?.cast_unsigned();
            let hash = digest_at(row, 3).map_err(read)?;
            let bytes = row.get_ref(4).map_err(read)?;
            let bytes = bytes.as_blob().map_err(|error| read(error.into()))?;
            self.record(bytes, &hash)?;
            if row.get(5).map_err(read)? {
                self.erased.push(place_of(&chain, seq));
            }
            let next = seq.saturating_add(1);
            let hash = Some(hash);
            self.heads.insert(chain, Head { next, hash });
        }
        Ok(())
    }

    fn record(&mut self, bytes: &[u8], hash: &Digest) -> Result<(), ExportError> {
        // In canonical order the hash stands before the payload, and nothing
        // before the payload can hold its key.
        let key = b"\"payload\":";
        let place = bytes.windows(key.len()).position(|found| found == key);
        let Some((start, rest)) = place.and_then(|place| bytes.split_at_checked(place)) else {
            let fault = StoreFault::new("a record has no payload");
            return Err(ReadLogError::Damaged(fault).into());
        };
        self.line.clear();
        self.line.extend_from_slice(start);
        self.line.extend_from_slice(b"\"hash\":\"");
        write_hex(hash, &mut self.line);
        self.line.extend_from_slice(b"\",");
        self.line.extend_from_slice(rest);
        self.records += 1;
        self.write()
    }

    fn documents(
        &mut self,
        log: &SqliteLog,
        reader: &rusqlite::Connection,
    ) -> Result<(), ExportError> {
        let read = |error| ExportError::Read(log.read_failure(error));
        let select = "SELECT digest, bytes FROM documents ORDER BY digest";
        let mut statement = reader.prepare(select).map_err(read)?;
        let mut rows = statement.query([]).map_err(read)?;
        while let Some(row) = rows.next().map_err(read)? {
            let digest = digest_at(row, 0).map_err(read)?;
            let bytes: Vec<u8> = row.get(1).map_err(read)?;
            let mut document = Map::new();
            document.insert("digest".to_owned(), Value::from(digest.to_string()));
            match String::from_utf8(bytes) {
                Ok(text) => document.insert("text".to_owned(), Value::from(text)),
                Err(error) => {
                    let hex = error.as_bytes().iter().map(|byte| format!("{byte:02x}"));
                    document.insert("hex".to_owned(), Value::from(hex.collect::<String>()))
                }
            };
            self.documents += 1;
            self.value(&json!({ "document": document }))?;
        }
        Ok(())
    }

    fn end(&mut self, is_whole: bool) -> Result<(), ExportError> {
        let heads: Vec<Value> = self
            .heads
            .iter()
            .map(|(chain, head)| head_of(chain, head))
            .collect();
        let mut end = Map::new();
        let mut put = |key: &str, value: Value| end.insert(key.to_owned(), value);
        put("v", Value::from(EXPORT_VERSION));
        put("records", Value::from(self.records));
        put("documents", Value::from(self.documents));
        put("heads", Value::from(heads));
        put("whole", Value::from(is_whole));
        if !self.erased.is_empty() {
            // Absent where it says nothing, as in exports of earlier versions.
            put("erased", Value::from(std::mem::take(&mut self.erased)));
        }
        self.value(&json!({ "end": end }))?;
        Ok(self.out.flush()?)
    }

    fn value(&mut self, value: &Value) -> Result<(), ExportError> {
        self.line.clear();
        write_canonical(value, &mut self.line);
        self.write()
    }

    fn write(&mut self) -> Result<(), ExportError> {
        self.line.push(b'\n');
        Ok(self.out.write_all(&self.line)?)
    }
}

/// Returns the place of a record as the last line of an export has it.
fn place_of(chain: &ChainId, seq: u64) -> Value {
    let mut fields = name_of(chain);
    fields.insert("seq".to_owned(), Value::from(seq));
    Value::Object(fields)
}

/// Returns where `chain` ends as the last line of an export has it.
pub(crate) fn head_of(chain: &ChainId, head: &Head) -> Value {
    let mut fields = name_of(chain);
    fields.insert("next".to_owned(), Value::from(head.next));
    let hash = head.hash.map(|hash| hash.to_string());
    fields.insert("hash".to_owned(), Value::from(hash));
    Value::Object(fields)
}

fn name_of(chain: &ChainId) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("tenant_id".to_owned(), Value::from(chain.tenant().as_str()));
    match chain.session() {
        Some(session) => fields.insert("session_id".to_owned(), Value::from(session.as_str())),
        None => fields.insert("chain".to_owned(), Value::from("heads")),
    };
    fields
}

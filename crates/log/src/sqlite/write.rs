//! The commit of a group of batches to the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_types::{ChainId, Head};
use rusqlite::{OptionalExtension, params};

use super::connection::{Connection, OpenLogError};
use super::fault::Fault;
use super::read::digest_at;
use super::schema::HEADS;
use crate::commit::{OpenCommit, Sealing, seal_group};
use crate::seal::{Drafts, Sealed};

/// How many digests of stored documents are remembered.
const DOCUMENTS_REMEMBERED_MAX: usize = 4_096;

impl Connection {
    /// Commits `group` in one transaction.
    pub(super) fn commit(&mut self, group: Vec<Drafts>) -> Result<Vec<Sealing>, Fault> {
        let sealings = self.in_transaction(|connection| {
            connection.check_generation()?;
            let mut open = Transaction {
                connection,
                ids: BTreeMap::new(),
                found: Vec::new(),
            };
            let sealings = seal_group(&mut open, group)?;
            let found = open.found;
            Ok((sealings, found))
        });
        let (sealings, found) = sealings?;
        if self.documents.len() > DOCUMENTS_REMEMBERED_MAX {
            self.documents.clear();
        }
        self.documents.extend(found);
        self.fold_back_if_huge();
        Ok(sealings)
    }

    /// Begins a generation of writers: all who opened the log before are shut out.
    pub(super) fn begin_generation(&mut self) -> Result<(), OpenLogError> {
        let begun = self.in_transaction(|connection| {
            let begin = "UPDATE store SET value = value + 1 WHERE name = 'generation'
                         RETURNING value";
            connection
                .statement(begin)
                .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
                .map_err(|error| connection.fault(error))
        });
        self.generation = begun.map_err(OpenLogError::from)?;
        Ok(())
    }

    /// Runs `write` in a transaction that is rolled back if anything fails.
    pub(super) fn in_transaction<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.patience.begin();
        self.execute("BEGIN IMMEDIATE")?;
        let written = write(self).and_then(|written| {
            self.execute("COMMIT")?;
            Ok(written)
        });
        if written.is_err() && !self.sqlite.is_autocommit() {
            // The failure that led here is the one to report.
            let _ = self.execute("ROLLBACK");
        }
        written
    }

    fn execute(&self, sql: &str) -> Result<(), Fault> {
        self.statement(sql)
            .and_then(|mut statement| statement.execute([]))
            .map(|_| ())
            .map_err(|error| self.fault(error))
    }

    pub(super) fn check_generation(&self) -> Result<(), Fault> {
        let latest: i64 = self
            .statement("SELECT value FROM store WHERE name = 'generation'")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(|error| self.fault(error))?;
        if latest == self.generation {
            Ok(())
        } else {
            Err(Fault::Fenced)
        }
    }
}

/// A commit that is open in the file.
struct Transaction<'a> {
    connection: &'a Connection,
    /// The numbers of the chains met.
    ids: BTreeMap<ChainId, i64>,
    /// Documents that are stored once this commits.
    found: Vec<Digest>,
}

pub(super) fn chain_key(chain: &ChainId) -> (&str, &str) {
    let session = chain.session().map_or(HEADS, |session| session.as_str());
    (chain.tenant().as_str(), session)
}

impl Transaction<'_> {
    fn sqlite<T>(&self, result: Result<T, rusqlite::Error>) -> Result<T, Fault> {
        result.map_err(|error| self.connection.fault(error))
    }

    /// Returns the number of `chain`, which it gets with its first envelope.
    fn id(&mut self, chain: &ChainId) -> Result<i64, Fault> {
        if let Some(id) = self.ids.get(chain) {
            return Ok(*id);
        }
        let (tenant, session) = chain_key(chain);
        let insert = "INSERT INTO chains (tenant, session) VALUES (?1, ?2)";
        self.sqlite(
            self.connection
                .statement(insert)
                .and_then(|mut statement| statement.execute([tenant, session])),
        )?;
        let id = self.connection.sqlite.last_insert_rowid();
        self.ids.insert(chain.clone(), id);
        Ok(id)
    }
}

impl OpenCommit for Transaction<'_> {
    type Fault = Fault;

    fn head(&mut self, chain: &ChainId) -> Result<Head, Fault> {
        let found = self.sqlite(self.connection.find_head(chain))?;
        Ok(match found {
            Some((id, head)) => {
                self.ids.insert(chain.clone(), id);
                head
            }
            None => Head::default(),
        })
    }

    fn put(&mut self, sealed: &Sealed) -> Result<(), Fault> {
        let envelope = &sealed.envelope;
        let chain = self.id(&envelope.chain)?;
        let insert = "INSERT INTO records (chain, seq, at, kind, subject, hash, bytes)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.sqlite(self.connection.statement(insert).and_then(|mut statement| {
            statement.execute(params![
                chain,
                envelope.seq.cast_signed(),
                envelope.at.unix_ms(),
                envelope.kind.as_str(),
                envelope.subject,
                envelope.hash.as_bytes(),
                sealed.bytes,
            ])
        }))?;
        let Some(payload) = &envelope.sealed else {
            return Ok(());
        };
        let record = self.connection.sqlite.last_insert_rowid();
        let insert = "INSERT INTO sealed (record, key_id, ciphertext) VALUES (?1, ?2, ?3)";
        self.sqlite(self.connection.statement(insert).and_then(|mut statement| {
            statement.execute(params![record, payload.key_id, payload.ciphertext])
        }))?;
        Ok(())
    }

    fn has_document(&mut self, digest: &Digest) -> Result<bool, Fault> {
        if self.connection.documents.contains(digest) || self.found.contains(digest) {
            return Ok(true);
        }
        let select = "SELECT 1 FROM documents WHERE digest = ?1";
        let is_stored = self.sqlite(
            self.connection
                .statement(select)
                .and_then(|mut statement| statement.exists([digest.as_bytes()])),
        )?;
        if is_stored {
            self.found.push(*digest);
        }
        Ok(is_stored)
    }

    fn put_document(&mut self, digest: &Digest, bytes: &Arc<[u8]>) -> Result<(), Fault> {
        let insert = "INSERT INTO documents (digest, bytes) VALUES (?1, ?2)";
        self.sqlite(
            self.connection
                .statement(insert)
                .and_then(|mut statement| statement.execute(params![digest.as_bytes(), bytes])),
        )?;
        self.found.push(*digest);
        Ok(())
    }
}

impl Connection {
    /// Returns the number of `chain` and where it ends, if it is known.
    pub(super) fn find_head(
        &self,
        chain: &ChainId,
    ) -> Result<Option<(i64, Head)>, rusqlite::Error> {
        let (tenant, session) = chain_key(chain);
        let select = "SELECT chains.id, seq, hash
                      FROM chains LEFT JOIN records ON records.chain = chains.id
                      WHERE tenant = ?1 AND session = ?2 ORDER BY seq DESC LIMIT 1";
        self.statement(select)?
            .query_row([tenant, session], |row| {
                let seq: Option<i64> = row.get(1)?;
                let head = match seq {
                    Some(seq) => Head {
                        next: seq.cast_unsigned().saturating_add(1),
                        hash: Some(digest_at(row, 2)?),
                    },
                    None => Head::default(),
                };
                Ok((row.get(0)?, head))
            })
            .optional()
    }
}

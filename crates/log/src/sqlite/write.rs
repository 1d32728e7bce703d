//! The commit of a group of batches to the file.

use std::sync::Arc;

use aegis_canon::Digest;
use aegis_types::{ChainId, Head};
use rusqlite::{OptionalExtension, Params, Row, params};

use super::connection::{Connection, OpenLogError};
use super::fault::Fault;
use super::index::last_indexed;
use super::read::digest_at;
use super::schema::HEADS;
use crate::commit::{OpenCommit, Sealing, seal_group};
use crate::seal::{Drafts, Sealed};

/// How many chains, and how many documents, are remembered.
const REMEMBERED_MAX: usize = 4_096;

/// How many records may wait for the indexes before a commit takes them in.
const UNINDEXED_MAX: i64 = 512;

impl Connection {
    /// Commits `group` in one transaction.
    pub(super) fn commit(&mut self, group: Vec<Drafts>) -> Result<Vec<Sealing>, Fault> {
        let sealings = self.in_transaction(|connection| {
            connection.renew_knowledge()?;
            let sealings = seal_group(connection, group)?;
            let last = connection.sqlite.last_insert_rowid();
            if last.saturating_sub(connection.known.indexed) > UNINDEXED_MAX {
                connection.index()?;
            }
            Ok(sealings)
        })?;
        self.fold_back_if_huge();
        Ok(sealings)
    }

    /// Forgets what others have changed since the last commit, and checks that
    /// no later writer took over.
    fn renew_knowledge(&mut self) -> Result<(), Fault> {
        let version = self.one("PRAGMA data_version", [], |row| row.get(0))?;
        if self.known.version == Some(version) {
            return Ok(());
        }
        self.known.forget();
        self.check_generation()?;
        self.known.indexed = self.indexed()?;
        self.known.version = Some(version);
        Ok(())
    }

    /// Begins a generation of writers: all who opened the log before are shut out.
    pub(super) fn begin_generation(&mut self) -> Result<(), OpenLogError> {
        let begun = self.in_transaction(|connection| {
            let begin = "UPDATE store SET value = value + 1 WHERE name = 'generation'
                         RETURNING value";
            connection.one(begin, [], |row| row.get(0))
        });
        self.generation = begun.map_err(OpenLogError::from)?;
        Ok(())
    }

    /// Runs `write` in a transaction that is rolled back if anything fails, or if
    /// the file is no longer at its path.
    pub(super) fn in_transaction<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.patience.begin();
        self.execute("BEGIN IMMEDIATE")?;
        let written = write(self).and_then(|written| {
            self.held.check()?;
            self.execute("COMMIT")?;
            Ok(written)
        });
        if written.is_err() {
            self.known.forget();
            if !self.sqlite.is_autocommit() {
                // The failure that led here is the one to report.
                let _ = self.execute("ROLLBACK");
            }
        }
        written
    }

    fn execute(&self, sql: &str) -> Result<(), Fault> {
        self.change(sql, []).map(|_| ())
    }

    /// Executes `sql`, which gives no rows, and returns how many it changed.
    pub(super) fn change(&self, sql: &str, values: impl Params) -> Result<usize, Fault> {
        self.statement(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(|error| self.fault(error))
    }

    /// Reads the one row that `sql` gives.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Fault> {
        self.statement(sql)
            .and_then(|mut statement| statement.query_row(values, read))
            .map_err(|error| self.fault(error))
    }

    pub(super) fn check_generation(&self) -> Result<(), Fault> {
        let select = "SELECT value FROM store WHERE name = 'generation'";
        let latest: i64 = self.one(select, [], |row| row.get(0))?;
        if latest == self.generation {
            Ok(())
        } else {
            Err(Fault::Fenced)
        }
    }

    /// Notes that `chain` is about to end at `head`, and returns its number,
    /// which it gets with its first envelope.
    ///
    /// INVARIANT: whatever fails afterwards rolls back, and all is forgotten.
    fn advance(&mut self, chain: &ChainId, head: Head) -> Result<i64, Fault> {
        if let Some((id, known)) = self.known.chains.get_mut(chain) {
            *known = head;
            return Ok(*id);
        }
        let found = self.find_id(chain).map_err(|error| self.fault(error))?;
        let id = match found {
            Some(id) => id,
            None => {
                let insert = "INSERT INTO chains (tenant, session) VALUES (?1, ?2)";
                self.change(insert, chain_key(chain))?;
                self.sqlite.last_insert_rowid()
            }
        };
        self.remember(chain, id, head);
        Ok(id)
    }

    fn remember(&mut self, chain: &ChainId, id: i64, head: Head) {
        if let Some(known) = self.known.chains.get_mut(chain) {
            *known = (id, head);
            return;
        }
        if self.known.chains.len() >= REMEMBERED_MAX {
            self.known.chains.clear();
        }
        self.known.chains.insert(chain.clone(), (id, head));
    }

    fn remember_document(&mut self, digest: &Digest) {
        if self.known.documents.len() >= REMEMBERED_MAX {
            self.known.documents.clear();
        }
        self.known.documents.insert(*digest);
    }
}

fn chain_key(chain: &ChainId) -> (&str, &str) {
    let session = chain.session().map_or(HEADS, |session| session.as_str());
    (chain.tenant().as_str(), session)
}

impl OpenCommit for Connection {
    type Fault = Fault;

    fn head(&mut self, chain: &ChainId) -> Result<Head, Fault> {
        if let Some((_, head)) = self.known.chains.get(chain) {
            return Ok(*head);
        }
        let found = self.find_head(chain).map_err(|error| self.fault(error))?;
        let Some((id, head)) = found else {
            return Ok(Head::default());
        };
        self.remember(chain, id, head);
        Ok(head)
    }

    fn put(&mut self, sealed: &Sealed) -> Result<(), Fault> {
        let envelope = &sealed.envelope;
        let chain = self.advance(&envelope.chain, sealed.head())?;
        let insert = "INSERT INTO records (chain, seq, at, kind, subject, hash, bytes)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.change(
            insert,
            params![
                chain,
                envelope.seq.cast_signed(),
                envelope.at.unix_ms(),
                envelope.kind.as_str(),
                envelope.subject,
                envelope.hash.as_bytes(),
                sealed.bytes,
            ],
        )?;
        if let Some(payload) = &envelope.sealed {
            let record = self.sqlite.last_insert_rowid();
            let insert = "INSERT INTO sealed (record, key_id, ciphertext) VALUES (?1, ?2, ?3)";
            self.change(insert, params![record, payload.key_id, payload.ciphertext])?;
        }
        Ok(())
    }

    fn has_document(&mut self, digest: &Digest) -> Result<bool, Fault> {
        if self.known.documents.contains(digest) {
            return Ok(true);
        }
        let select = "SELECT EXISTS (SELECT 1 FROM documents WHERE digest = ?1)";
        let is_stored = self.one(select, [digest.as_bytes()], |row| row.get(0))?;
        if is_stored {
            self.remember_document(digest);
        }
        Ok(is_stored)
    }

    fn put_document(&mut self, digest: &Digest, bytes: &Arc<[u8]>) -> Result<(), Fault> {
        let insert = "INSERT INTO documents (digest, bytes) VALUES (?1, ?2)";
        self.change(insert, params![digest.as_bytes(), bytes])
            .map(|_| ())
    }
}

impl Connection {
    pub(super) fn find_id(&self, chain: &ChainId) -> Result<Option<i64>, rusqlite::Error> {
        let select = "SELECT id FROM chains WHERE tenant = ?1 AND session = ?2";
        self.statement(select)?
            .query_row(chain_key(chain), |row| row.get(0))
            .optional()
    }

    /// Returns the number of `chain` and where it ends, if it is known.
    pub(super) fn find_head(
        &self,
        chain: &ChainId,
    ) -> Result<Option<(i64, Head)>, rusqlite::Error> {
        let Some(id) = self.find_id(chain)? else {
            return Ok(None);
        };
        let last = last_indexed(&self.sqlite)?;
        // The newest records are not in the indexes yet, and the chain that
        // is asked for is mostly the one that moved last.
        let newest = "SELECT seq, hash FROM records WHERE chain = ?1 AND id > ?2
                      ORDER BY id DESC LIMIT 1";
        let read = |row: &Row<'_>| {
            Ok(Head {
                next: row.get::<_, i64>(0)?.cast_unsigned().saturating_add(1),
                hash: Some(digest_at(row, 1)?),
            })
        };
        let newest = self
            .statement(newest)?
            .query_row([id, last], read)
            .optional()?;
        let head = match newest {
            Some(head) => Some(head),
            None => self.indexed_head(id, read)?,
        };
        let head = match head {
            Some(head) => head,
            // A chain without a record is one that was pruned.
            None if self.was_pruned()? => self
                .statement("SELECT seq, hash FROM cuts WHERE chain = ?1")?
                .query_row([id], read)
                .optional()?
                .unwrap_or_default(),
            None => Head::default(),
        };
        Ok(Some((id, head)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteLog;

    #[test]
    fn chains_and_documents_beyond_those_that_are_remembered_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(folder.path().join("log.db"), crate::Options::default());
        let log = log.unwrap();
        let mut writer = log.writer();
        for number in 0..=REMEMBERED_MAX {
            let chain = ChainId::Session {
                tenant: "acme".parse().unwrap(),
                session: format!("s-{number}").parse().unwrap(),
            };
            writer.remember(&chain, 1, Head::default());
            writer.remember_document(&Digest::of(number.to_string().as_bytes()));
        }
        assert!(writer.known.chains.len() <= REMEMBERED_MAX);
        assert!(writer.known.documents.len() <= REMEMBERED_MAX);
    }
}

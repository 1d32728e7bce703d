//! Reading from the file.

use std::fmt::Write as _;
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_types::{ChainId, Envelope, EventKind, Head, Timestamp};
use rusqlite::types::{Type, Value};
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::connection::Connection;
use super::schema::{HEADS, IS_RARE};
use super::write::chain_key;
use crate::log::{ChainSummary, Query, ReadLogError};
use crate::stored::read_envelope;

/// The columns of a record that an envelope is read from.
const COLUMNS: &str = "seq, hash, bytes, (SELECT ciphertext FROM sealed WHERE record = records.id)";

/// Reads a digest from column `column` of `row`.
pub(crate) fn digest_at(row: &Row<'_>, column: usize) -> Result<Digest, rusqlite::Error> {
    row.get(column).map(Digest::from_bytes)
}

fn envelope_at(row: &Row<'_>) -> Result<Result<Envelope, ReadLogError>, rusqlite::Error> {
    let seq: i64 = row.get(0)?;
    let bytes = row.get_ref(2)?.as_blob()?;
    let read = read_envelope(bytes, digest_at(row, 1)?);
    let mut envelope = match read {
        Ok(envelope) => envelope,
        Err(source) => {
            let seq = seq.cast_unsigned();
            return Ok(Err(ReadLogError::Envelope { seq, source }));
        }
    };
    if let Some(sealed) = &mut envelope.sealed {
        sealed.ciphertext = row.get(3)?;
    }
    Ok(Ok(envelope))
}

impl Connection {
    fn reads<T>(
        &self,
        read: impl FnOnce() -> Result<T, rusqlite::Error>,
    ) -> Result<T, ReadLogError> {
        self.patience.begin();
        read().map_err(|error| self.fault(error).into())
    }

    fn envelopes(&self, sql: &str, values: &[Value]) -> Result<Vec<Envelope>, ReadLogError> {
        self.reads(|| {
            let mut statement = self.statement(sql)?;
            let rows = statement.query_and_then(params_from_iter(values), envelope_at)?;
            rows.collect::<Result<Vec<_>, _>>()
        })?
        .into_iter()
        .collect()
    }

    pub(super) fn head(&mut self, chain: &ChainId) -> Result<Head, ReadLogError> {
        let found = self.reads(|| self.find_head(chain))?;
        Ok(found.map_or_else(Head::default, |(_, head)| head))
    }

    pub(super) fn read(
        &mut self,
        chain: &ChainId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadLogError> {
        let (tenant, session) = chain_key(chain);
        let select = format!(
            "SELECT {COLUMNS} FROM records
             WHERE chain = (SELECT id FROM chains WHERE tenant = ?1 AND session = ?2)
               AND seq >= ?3 ORDER BY seq LIMIT ?4"
        );
        let values = [
            Value::from(tenant.to_owned()),
            Value::from(session.to_owned()),
            Value::from(i64::try_from(from).unwrap_or(i64::MAX)),
            Value::from(i64::try_from(limit).unwrap_or(i64::MAX)),
        ];
        self.envelopes(&select, &values)
    }

    pub(super) fn newest(&mut self, query: &Query<'_>) -> Result<Vec<Envelope>, ReadLogError> {
        let chains = self.reads(|| self.chains_of(query))?;
        let Selection { sql, values } = Selection::of(query, chains.as_deref());
        self.envelopes(&sql, &values)
    }

    /// Returns the numbers of the chains of the session asked for, if one is.
    fn chains_of(&self, query: &Query<'_>) -> Result<Option<Vec<i64>>, rusqlite::Error> {
        let Some(session) = query.session else {
            return Ok(None);
        };
        let select = match query.tenant {
            Some(_) => "SELECT id FROM chains WHERE session = ?1 AND tenant = ?2",
            None => "SELECT id FROM chains WHERE session = ?1 AND ?2 IS NULL",
        };
        let tenant = query.tenant.map(|tenant| tenant.as_str());
        let mut statement = self.statement(select)?;
        let ids = statement.query_map(params![session.as_str(), tenant], |row| row.get(0))?;
        ids.collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn chains(&mut self) -> Result<Vec<ChainSummary>, ReadLogError> {
        let select = "SELECT tenant, session, last.seq, last.hash, first.at, last.at FROM chains
             JOIN records AS last ON last.chain = chains.id
                AND last.seq = (SELECT max(seq) FROM records WHERE chain = chains.id)
             JOIN records AS first ON first.chain = chains.id
                AND first.seq = (SELECT min(seq) FROM records WHERE chain = chains.id)";
        let mut chains = self.reads(|| {
            let mut statement = self.statement(select)?;
            let rows = statement.query_map([], |row| {
                Ok(ChainSummary {
                    chain: chain_at(row, 0)?,
                    head: Head {
                        next: row.get::<_, i64>(2)?.cast_unsigned().saturating_add(1),
                        hash: Some(digest_at(row, 3)?),
                    },
                    first_at: Timestamp::from_unix_ms(row.get(4)?),
                    last_at: Timestamp::from_unix_ms(row.get(5)?),
                })
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        })?;
        chains.sort_by(|one, other| one.chain.cmp(&other.chain));
        Ok(chains)
    }

    pub(super) fn document(&mut self, digest: &Digest) -> Result<Option<Arc<[u8]>>, ReadLogError> {
        let found: Option<Vec<u8>> = self.reads(|| {
            self.statement("SELECT bytes FROM documents WHERE digest = ?1")?
                .query_row(params![digest.as_bytes()], |row| row.get(0))
                .optional()
        })?;
        match found {
            Some(bytes) if Digest::of(&bytes) != *digest => {
                Err(ReadLogError::Document { digest: *digest })
            }
            found => Ok(found.map(Arc::from)),
        }
    }

    pub(super) fn change_counter(&mut self) -> Result<u64, ReadLogError> {
        let last: Option<i64> = self.reads(|| {
            self.statement("SELECT max(id) FROM records")?
                .query_row([], |row| row.get(0))
        })?;
        Ok(last.unwrap_or(0).cast_unsigned())
    }
}

/// Reads the name of a chain from columns `column` and the one after it.
pub(crate) fn chain_at(row: &Row<'_>, column: usize) -> Result<ChainId, rusqlite::Error> {
    let tenant: String = row.get(column)?;
    let session: String = row.get(column + 1)?;
    let unreadable = |place, error| {
        rusqlite::Error::FromSqlConversionFailure(place, Type::Text, Box::new(error))
    };
    let tenant = tenant.parse().map_err(|error| unreadable(column, error))?;
    if session == HEADS {
        return Ok(ChainId::Heads { tenant });
    }
    let session = session
        .parse()
        .map_err(|error| unreadable(column + 1, error))?;
    Ok(ChainId::Session { tenant, session })
}

/// A query in the words of SQLite.
///
/// Each form names the index that bounds it: what a record is about, its time,
/// its chain, or its rare kind. Without any of these the newest records are
/// looked through, which is short because what is asked for is then frequent.
struct Selection {
    sql: String,
    values: Vec<Value>,
}

impl Selection {
    /// `chains` are the numbers of the chains asked for, if not all are.
    fn of(query: &Query<'_>, chains: Option<&[i64]>) -> Self {
        let bound = Bound::of(query, chains);
        let mut selection = Self {
            sql: format!(
                "SELECT {COLUMNS} FROM records WHERE id IN (SELECT id FROM records {} \
                 WHERE kind <> 'HEADS_MOVED'",
                bound.index()
            ),
            values: Vec::new(),
        };
        if let Some(subject) = query.subject {
            selection.add_condition("subject = ", subject.to_owned());
        }
        if let Some(since) = query.since {
            selection.add_condition("at >= ", since.unix_ms());
        }
        if bound == Bound::Rare {
            selection.add(&format!(" AND {IS_RARE}"));
        }
        if !query.kinds.is_empty() {
            let kinds: Vec<_> = query.kinds.iter().map(|kind| kind.as_str()).collect();
            selection.add(&format!(" AND kind IN ('{}')", kinds.join("','")));
        }
        match (chains, query.tenant) {
            (Some([chain]), _) => selection.add_condition("chain = ", *chain),
            (Some(chains), _) => {
                let chains: Vec<_> = chains.iter().map(i64::to_string).collect();
                selection.add(&format!(" AND chain IN ({})", chains.join(",")));
            }
            // Looked up for each record, because a tenant may have many chains.
            (None, Some(tenant)) => selection.add_condition(
                "(SELECT tenant FROM chains WHERE id = chain) = ",
                tenant.as_str().to_owned(),
            ),
            (None, None) => {}
        }
        selection.finish(bound, query.limit)
    }

    fn finish(mut self, bound: Bound, limit: usize) -> Self {
        let order = match bound {
            Bound::Chain => "seq",
            Bound::Subject | Bound::Time | Bound::Rare | Bound::Newest => "id",
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.values.push(Value::from(limit));
        let place = self.values.len();
        self.add(&format!(
            " ORDER BY {order} DESC LIMIT ?{place}) ORDER BY id DESC"
        ));
        self
    }

    fn add(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn add_condition(&mut self, sql: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        // Writing to a string does not fail.
        let _ = write!(self.sql, " AND {sql}?{}", self.values.len());
    }
}

/// What keeps a query from looking at the whole log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Bound {
    Subject,
    Time,
    /// A single chain, whose order is that of appending.
    Chain,
    Rare,
    /// Nothing but the number of records asked for.
    Newest,
}

impl Bound {
    fn of(query: &Query<'_>, chains: Option<&[i64]>) -> Self {
        let is_rare = |kind: &EventKind| {
            !matches!(
                kind,
                EventKind::ActionRequested
                    | EventKind::DecisionMade
                    | EventKind::OutcomeRecorded
                    | EventKind::HeadsMoved
            )
        };
        if query.subject.is_some() {
            Self::Subject
        } else if query.since.is_some() {
            Self::Time
        } else if chains.is_some_and(|chains| chains.len() == 1) {
            Self::Chain
        } else if !query.kinds.is_empty() && query.kinds.iter().all(is_rare) {
            Self::Rare
        } else {
            Self::Newest
        }
    }

    const fn index(self) -> &'static str {
        match self {
            Self::Subject => "INDEXED BY records_subject",
            Self::Time => "INDEXED BY records_time",
            Self::Chain => "INDEXED BY records_place",
            Self::Rare => "INDEXED BY records_rare",
            Self::Newest => "NOT INDEXED",
        }
    }
}

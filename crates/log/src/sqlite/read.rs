//! Reading from the file.

use std::sync::Arc;

use aegis_canon::Digest;
use aegis_types::{ChainId, Envelope, EventKind, Head, TenantId, Timestamp};
use rusqlite::types::{Type, Value};
use rusqlite::{OptionalExtension, Params, Row, params, params_from_iter};

use super::connection::Connection;
use super::index::{INDEXED, IndexDiffers, last_indexed};
use super::schema::{HEADS, IS_RARE};
use crate::log::{ChainSummary, Placed, Query, ReadLogError, Walk};
use crate::stored::read_envelope;

/// The columns of a record that an envelope is read from.
const COLUMNS: &str = "records.seq, records.hash, records.bytes,
    (SELECT ciphertext FROM sealed WHERE record = records.id), found.id";

/// What the index says of a record.
const FOUND: &str = "id, chain, seq, at, kind, subject";

/// Reads a digest from column `column` of `row`.
pub(crate) fn digest_at(row: &Row<'_>, column: usize) -> Result<Digest, rusqlite::Error> {
    row.get(column).map(Digest::from_bytes)
}

fn placed_at(row: &Row<'_>) -> Result<Result<Placed, ReadLogError>, rusqlite::Error> {
    let place = row.get::<_, i64>(4)?.cast_unsigned();
    Ok(envelope_at(row)?.map(|envelope| Placed { place, envelope }))
}

/// Reads the record that was found, if it is what the index said of it.
fn envelope_at(row: &Row<'_>) -> Result<Result<Envelope, ReadLogError>, rusqlite::Error> {
    if !row.get::<_, bool>(5)? {
        return Err(IndexDiffers::at(row.get(4)?));
    }
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

    /// Returns the records that `sql` finds, in its order.
    fn placed(&self, sql: &str, values: &[Value]) -> Result<Vec<Placed>, ReadLogError> {
        self.reads(|| {
            last_indexed(&self.sqlite)?;
            let mut statement = self.statement(sql)?;
            let rows = statement.query_and_then(params_from_iter(values), placed_at)?;
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
        let id = self.reads(|| self.find_id(chain))?;
        let Some(id) = id else {
            return Ok(Vec::new());
        };
        let select = format!(
            "SELECT {COLUMNS}, records.chain IS ?1 AND records.seq IS found.seq
             FROM (SELECT id, seq FROM (SELECT id, seq FROM entries
                                        WHERE chain = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3)
                   UNION ALL
                   SELECT id, seq FROM records WHERE id > {INDEXED} AND chain = ?1 AND seq >= ?2
                   ORDER BY id LIMIT ?3) AS found
             LEFT JOIN records ON records.id = found.id ORDER BY found.id"
        );
        let values = [
            Value::from(id),
            Value::from(i64::try_from(from).unwrap_or(i64::MAX)),
            Value::from(i64::try_from(limit).unwrap_or(i64::MAX)),
        ];
        let found = self.placed(&select, &values)?;
        self.reads(|| self.check_gaps(id, from, &found))?;
        Ok(envelopes(found))
    }

    pub(super) fn newest(&mut self, query: &Query<'_>) -> Result<Vec<Envelope>, ReadLogError> {
        let chains = self.reads(|| self.chains_of(query))?;
        if chains.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let selection = Selection::of(query, chains.as_deref(), None);
        let sql = selection.sql(Bound::of(query, chains.as_deref()));
        self.placed(&sql, &selection.values).map(envelopes)
    }

    pub(super) fn walk(
        &mut self,
        query: &Query<'_>,
        walk: Walk,
    ) -> Result<Vec<Placed>, ReadLogError> {
        let chains = self.reads(|| self.chains_of(query))?;
        if chains.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let bound = match walk {
            // What is later than a place is bounded by it.
            Walk::After(_) => Bound::Newest,
            Walk::Before(_) => Bound::of(query, chains.as_deref()),
        };
        let selection = Selection::of(query, chains.as_deref(), Some(walk));
        self.placed(&selection.sql(bound), &selection.values)
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
        let mut chains = self.chains_in("SELECT id, tenant, session FROM chains", [])?;
        chains.sort_by(|one, other| one.chain.cmp(&other.chain));
        Ok(chains)
    }

    pub(super) fn chains_after(
        &mut self,
        tenant: &TenantId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<ChainSummary>, ReadLogError> {
        // The chain of heads has the first name of all, so it is after none.
        let listed = "SELECT id, tenant, session FROM chains
                      WHERE tenant = ?1 AND session > ?2 ORDER BY session LIMIT ?3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut chains = self.chains_in(listed, params![tenant.as_str(), after, limit])?;
        chains.sort_by(|one, other| one.chain.cmp(&other.chain));
        Ok(chains)
    }

    /// Returns the chains that the query `listed` names, in any order.
    fn chains_in(
        &mut self,
        listed: &str,
        values: impl Params,
    ) -> Result<Vec<ChainSummary>, ReadLogError> {
        // The newest records have no row in the index that could say something else.
        let agrees = |end: &str| {
            format!(
                "{end}.chain IS ends.id AND {end}.seq IS
                 coalesce((SELECT seq FROM entries WHERE id = {end}.id), {end}.seq)"
            )
        };
        let (last_agrees, first_agrees) = (agrees("last"), agrees("first"));
        let select = format!(
            "WITH listed AS ({listed}), tail AS (
                 SELECT chain, min(id) AS first, max(id) AS last
                 FROM records WHERE id > {INDEXED} GROUP BY chain),
             ends AS (
                 SELECT listed.*, coalesce(tail.last,
                     (SELECT id FROM entries WHERE chain = listed.id ORDER BY seq DESC LIMIT 1)
                 ) AS last_id, coalesce(
                     (SELECT id FROM entries WHERE chain = listed.id ORDER BY seq LIMIT 1),
                     tail.first) AS first_id
                 FROM listed LEFT JOIN tail ON tail.chain = listed.id)
             SELECT tenant, session, last.seq, last.hash, first.at, last.at, first.seq,
                 {last_agrees} AND {first_agrees}, last_id
             FROM ends LEFT JOIN records AS last ON last.id = last_id
             LEFT JOIN records AS first ON first.id = first_id
             WHERE last_id IS NOT NULL"
        );
        self.reads(|| {
            last_indexed(&self.sqlite)?;
            let mut statement = self.statement(&select)?;
            let rows = statement.query_and_then(values, |row| {
                if !row.get::<_, bool>(7)? {
                    return Err(IndexDiffers::at(row.get(8)?));
                }
                Ok(ChainSummary {
                    chain: chain_at(row, 0)?,
                    first: row.get::<_, i64>(6)?.cast_unsigned(),
                    head: Head {
                        next: row.get::<_, i64>(2)?.cast_unsigned().saturating_add(1),
                        hash: Some(digest_at(row, 3)?),
                    },
                    first_at: Timestamp::from_unix_ms(row.get(4)?),
                    last_at: Timestamp::from_unix_ms(row.get(5)?),
                })
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        })
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

fn envelopes(found: Vec<Placed>) -> Vec<Envelope> {
    found.into_iter().map(|placed| placed.envelope).collect()
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
/// Most records are found through the index that bounds the query: what a
/// record is about, its time, its chain, or its rare kind. Without any of
/// these the newest are looked through, which is short because what is asked
/// for is then frequent. The records that are not in the indexes yet are
/// always looked through.
struct Selection {
    conditions: String,
    values: Vec<Value>,
    /// The order of the records: `ASC` from earlier to later, `DESC` back.
    order: &'static str,
}

impl Selection {
    /// `chains` are the numbers of the chains asked for, if not all are.
    fn of(query: &Query<'_>, chains: Option<&[i64]>, walk: Option<Walk>) -> Self {
        let mut selection = Self {
            conditions: "kind <> 'HEADS_MOVED'".to_owned(),
            values: Vec::new(),
            order: match walk {
                Some(Walk::After(_)) => "ASC",
                Some(Walk::Before(_)) | None => "DESC",
            },
        };
        let place = |place: u64| i64::try_from(place).unwrap_or(i64::MAX);
        match walk {
            Some(Walk::After(from)) => selection.add_value("id > ", place(from)),
            Some(Walk::Before(from)) => selection.add_value("id < ", place(from)),
            None => {}
        }
        if let Some(subject) = query.subject {
            selection.add_value("subject = ", subject.to_owned());
        }
        if let Some(since) = query.since {
            selection.add_value("at >= ", since.unix_ms());
        }
        if !query.kinds.is_empty() {
            let kinds: Vec<_> = query.kinds.iter().map(|kind| kind.as_str()).collect();
            selection.add(&format!("kind IN ('{}')", kinds.join("','")));
        }
        match (chains, query.tenant) {
            (Some([chain]), _) => selection.add_value("chain = ", *chain),
            (Some(chains), _) => {
                let chains: Vec<_> = chains.iter().map(i64::to_string).collect();
                selection.add(&format!("chain IN ({})", chains.join(",")));
            }
            // Looked up for each record, because a tenant may have many chains.
            (None, Some(tenant)) => selection.add_value(
                "(SELECT tenant FROM chains WHERE id = chain) = ",
                tenant.as_str().to_owned(),
            ),
            (None, None) => {}
        }
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        selection.values.push(Value::from(limit));
        selection
    }

    fn sql(&self, bound: Bound) -> String {
        let conditions = &self.conditions;
        let limit = self.values.len();
        let direction = self.order;
        let (index, order) = match bound {
            Bound::Subject => ("INDEXED BY entries_subject", "id"),
            Bound::Time => ("INDEXED BY entries_time", "id"),
            Bound::Chain => ("INDEXED BY entries_place", "seq"),
            Bound::Rare => ("INDEXED BY entries_rare", "id"),
            Bound::Newest => ("NOT INDEXED", "id"),
        };
        let repeated = match bound {
            Bound::Rare => IS_RARE,
            Bound::Subject | Bound::Time | Bound::Chain | Bound::Newest => "true",
        };
        format!(
            "SELECT {COLUMNS}, records.chain IS found.chain AND records.seq IS found.seq
                 AND records.at IS found.at AND records.kind IS found.kind
                 AND records.subject IS found.subject
             FROM (SELECT * FROM (SELECT {FOUND} FROM entries {index}
                                  WHERE {repeated} AND {conditions}
                                  ORDER BY {order} {direction} LIMIT ?{limit})
                   UNION ALL
                   SELECT {FOUND} FROM records WHERE id > {INDEXED} AND {conditions}
                   ORDER BY id {direction} LIMIT ?{limit}) AS found
             LEFT JOIN records ON records.id = found.id ORDER BY found.id {direction}"
        )
    }

    fn add(&mut self, condition: &str) {
        self.conditions.push_str(" AND ");
        self.conditions.push_str(condition);
    }

    fn add_value(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        self.add(&format!("{condition}?{}", self.values.len()));
    }
}

/// How many records are looked for at the end of a chain rather than by their time.
const NEAR_MAX: usize = 1_024;

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
        let is_one_chain = chains.is_some_and(|chains| chains.len() == 1);
        let are_all_rare = !query.kinds.is_empty() && query.kinds.iter().all(is_rare);
        // A few frequent records stand near the end of their chain, while
        // within the time asked for there may be many of other chains.
        let are_near = query.limit <= NEAR_MAX;
        if query.subject.is_some() {
            Self::Subject
        } else if is_one_chain && are_all_rare {
            Self::Rare
        } else if is_one_chain && are_near {
            Self::Chain
        } else if query.since.is_some() {
            Self::Time
        } else if is_one_chain {
            Self::Chain
        } else if are_all_rare {
            Self::Rare
        } else {
            Self::Newest
        }
    }
}

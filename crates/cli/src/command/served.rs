//! Records to look into, whether they lie in a file here or at a service.

use aegis_api::{Client, ClientError, ProblemKind, RecordQuery, SessionView};
use aegis_log::{ChainSummary, Log, Query, envelope_of};
use aegis_types::{ChainId, Envelope, Head, Timestamp};

use crate::command::log::unreadable;
use crate::command::remote::{self, is};
use crate::report::{Failure, causes};

/// How many records a page has.
const PAGE: usize = 1_000;

/// What is looked into.
pub(crate) trait Records {
    /// Returns the records that answer `query`, the one appended last first.
    fn newest_records(&self, query: &Query<'_>) -> Result<Vec<Envelope>, Failure>;

    /// Returns every chain, ordered by its name.
    fn all_chains(&self) -> Result<Vec<ChainSummary>, Failure>;
}

impl<T: Log + ?Sized> Records for T {
    fn newest_records(&self, query: &Query<'_>) -> Result<Vec<Envelope>, Failure> {
        self.newest(query).map_err(|error| unreadable(&error))
    }

    fn all_chains(&self) -> Result<Vec<ChainSummary>, Failure> {
        self.chains().map_err(|error| unreadable(&error))
    }
}

/// The records of the caller's tenant at a service.
pub(crate) struct Served<'a>(pub(crate) &'a Client);

impl Records for Served<'_> {
    fn newest_records(&self, query: &Query<'_>) -> Result<Vec<Envelope>, Failure> {
        let kinds: Vec<&str> = query.kinds.iter().map(|kind| kind.as_str()).collect();
        let kinds = (!kinds.is_empty()).then(|| kinds.join(","));
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let page = self.0.records(&RecordQuery {
                session: query.session.map(|session| session.as_str()),
                event_type: kinds.as_deref(),
                subject: query.subject,
                since: query.since.map(Timestamp::unix_ms),
                limit: query.limit.saturating_sub(found.len()).clamp(1, PAGE),
                page_token: token.as_deref(),
            });
            let page = page.map_err(|error| refused(&error))?;
            for record in page.records {
                found.push(envelope_of(record).map_err(|error| {
                    Failure::environment(format!("the service sent a record: {}", causes(&error)))
                })?);
            }
            token = page.next_page_token;
            if token.is_none() || found.len() >= query.limit {
                return Ok(found);
            }
        }
    }

    fn all_chains(&self) -> Result<Vec<ChainSummary>, Failure> {
        let mut chains = Vec::new();
        let mut token = None;
        loop {
            let page = self.0.sessions(token.as_deref());
            let page = page.map_err(|error| refused(&error))?;
            for session in page.sessions {
                chains.push(summary(&session).ok_or_else(strange)?);
            }
            token = page.next_page_token;
            if token.is_none() {
                return Ok(chains);
            }
        }
    }
}

fn summary(session: &SessionView) -> Option<ChainSummary> {
    // A service that does not say it knows no pruning: its chains begin at 0.
    let next = match session.last_seq {
        Some(last) => last.checked_add(1)?,
        None => session.records,
    };
    Some(ChainSummary {
        chain: ChainId::Session {
            tenant: session.tenant_id.parse().ok()?,
            session: session.session_id.parse().ok()?,
        },
        first: next.checked_sub(session.records)?,
        head: Head {
            next,
            hash: Some(session.head.parse().ok()?),
        },
        first_at: Timestamp::from_unix_ms(session.first_unix_ms),
        last_at: Timestamp::from_unix_ms(session.last_unix_ms),
    })
}

fn strange() -> Failure {
    Failure::environment("the service sent a session that does not read as one")
}

/// Says what the service answered, with what is needed to read the log.
pub(crate) fn refused(error: &ClientError) -> Failure {
    let failure = remote::failure(error);
    if is(error, ProblemKind::Forbidden) {
        return failure.remedy("reading the log needs the role `auditor` of its tenant");
    }
    failure
}

//! Which event of a client may follow which.

use aegis_log::{Log, Query};
use aegis_types::{ChainId, EventKind};
use serde_json::Value;

use super::{AddForeignError, ForeignEvent, ForeignRecord};

/// How many events are looked through for the one that another belongs to.
const LOOKED_AT_MAX: usize = 1_024;

/// Whether the order of a client's events is enforced.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum EventOrder {
    /// Any event may follow any other, and kinds may have any name.
    #[default]
    Any,
    /// Kinds are those that are known, and what ends something follows what
    /// began it: by its name, so that calls may overlap.
    Paired,
}

/// A kind of event that a client may report.
struct Observation {
    kind: &'static str,
    /// What it ends, and the field that names that.
    ends: Option<(&'static str, &'static str)>,
    /// The field that names what it begins.
    begins: Option<&'static str>,
}

const fn plain(kind: &'static str) -> Observation {
    Observation {
        kind,
        ends: None,
        begins: None,
    }
}

const fn begins(kind: &'static str, name: &'static str) -> Observation {
    Observation {
        begins: Some(name),
        ..plain(kind)
    }
}

const fn ends(kind: &'static str, begun: &'static str, name: &'static str) -> Observation {
    Observation {
        ends: Some((begun, name)),
        ..plain(kind)
    }
}

const OBSERVATIONS: [Observation; 12] = [
    begins("MODEL_CALL_STARTED", "call_id"),
    ends("MODEL_CALL_FINISHED", "MODEL_CALL_STARTED", "call_id"),
    begins("TOOL_CALL_PROPOSED", "call_id"),
    ends("TOOL_RESULT", "TOOL_CALL_PROPOSED", "call_id"),
    plain("MEMORY_READ"),
    plain("MEMORY_WRITE"),
    begins("HANDOFF_REQUESTED", "context_id"),
    ends("HANDOFF_COMPLETED", "HANDOFF_REQUESTED", "context_id"),
    plain("CHECKPOINT_CREATED"),
    plain("ERROR_RAISED"),
    plain("SESSION_STARTED"),
    plain("SESSION_ENDED"),
];

impl EventOrder {
    /// Checks that `event` may come next in `chain`.
    pub(super) fn check(
        self,
        log: &dyn Log,
        chain: &ChainId,
        event: &ForeignEvent,
    ) -> Result<(), AddForeignError> {
        match self {
            Self::Any => return Ok(()),
            Self::Paired => {}
        }
        let wrong = |cause: String| Err(AddForeignError::Order(cause));
        let kind = &event.kind;
        let Some(observation) = OBSERVATIONS.iter().find(|known| known.kind == kind) else {
            return wrong(format!(
                "`{kind}` is no kind of event that a client reports"
            ));
        };
        let (begun, field) = match (observation.begins, observation.ends) {
            (Some(field), _) => (observation.kind, field),
            (None, Some((begun, field))) => (begun, field),
            (None, None) => return Ok(()),
        };
        let Some(name) = text(&event.payload, field) else {
            return wrong(format!("the payload of a `{kind}` names its `{field}`"));
        };
        let is_open = is_open(log, chain, begun, (field, name))?;
        match (observation.begins, is_open) {
            (Some(_), true) => wrong(format!("`{name}` has begun already and not ended")),
            (None, false) => wrong(format!("no open `{begun}` has the `{field}` `{name}`")),
            (Some(_), false) | (None, true) => Ok(()),
        }
    }
}

/// Returns whether the newest event on `name` is the one that begins it.
fn is_open(
    log: &dyn Log,
    chain: &ChainId,
    begun: &str,
    (field, name): (&str, &str),
) -> Result<bool, AddForeignError> {
    let ended = OBSERVATIONS
        .iter()
        .find(|known| known.ends.is_some_and(|(kind, _)| kind == begun));
    let events = log.newest(&Query {
        tenant: Some(chain.tenant()),
        session: chain.session(),
        kinds: &[EventKind::ForeignEventAdded],
        limit: LOOKED_AT_MAX,
        ..Query::default()
    })?;
    let newest = events
        .iter()
        .filter_map(ForeignRecord::of)
        .map(|record| record.event)
        .find(|event| {
            let is_end = ended.is_some_and(|ended| event.event_type == ended.kind);
            let is_of_pair = event.event_type == begun || is_end;
            is_of_pair && text(&event.payload, field) == Some(name)
        });
    Ok(newest.is_some_and(|event| event.event_type == begun))
}

fn text<'a>(payload: &'a Value, field: &str) -> Option<&'a str> {
    payload.get(field)?.as_str()
}

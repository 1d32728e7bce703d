//! What the records of a session add up to.

use aegis_canon::Digest;
use aegis_gate::{ForeignRecord, foreign_chain};
use aegis_log::{Fault, Log, ReadLogError, verify_chain};
use aegis_types::{ChainId, Envelope, EventKind, Head, SessionId, TenantId};
use serde::Serialize;
use serde_json::Value;

/// What the records of a session add up to, in the words of the control plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) budgets: Counters,
    last_outcomes: LastOutcomes,
    handoff: Handoff,
    decisions: Verdicts,
}

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Counters {
    /// Records of every kind, in both chains.
    pub(crate) steps_consumed: u64,
    pub(crate) model_calls_consumed: u64,
    /// Actions that the gate decided; if it decided none, those that clients reported.
    pub(crate) tool_calls_consumed: u64,
    wall_time_ms: i64,
    session_start_ms: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct LastOutcomes {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_model_call_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_tool_call_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_tool_name: Option<String>,
    last_tool_was_error: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_policy_outcome: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Handoff {
    in_handoff: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Verdicts {
    allow: u64,
    ask: u64,
    deny: u64,
}

/// The two chains of a session, as they were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) snapshot: Snapshot,
    /// What the gate wrote.
    pub(crate) gate: Option<Chain>,
    /// What clients added.
    pub(crate) client: Option<Chain>,
    last_unix_ms: i64,
    first_unix_ms: Option<i64>,
}

/// One chain of a session, and whether it holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chain {
    /// Where the records end, or for clients their events.
    pub(crate) head: Head,
    pub(crate) events: u64,
    /// How many events could not be hashed again, because secrets were taken out.
    pub(crate) redacted: u64,
    /// What is wrong, and the number of the first event that it touches.
    pub(crate) fault: Option<(u64, String)>,
}

impl Found {
    /// Reads everything of a session, and recomputes its chains meanwhile.
    pub(crate) fn of(
        log: &dyn Log,
        tenant: &TenantId,
        session: &SessionId,
    ) -> Result<Self, ReadLogError> {
        let mut found = Self::default();
        let chain = ChainId::Session {
            tenant: tenant.clone(),
            session: session.clone(),
        };
        let (mut events, mut tool_calls) = (Chain::default(), 0);
        let fault = verify_chain(log, &chain, |envelope| {
            if envelope.kind == EventKind::ForeignEventAdded {
                return;
            }
            found.step(envelope.at.unix_ms());
            found.snapshot.add_record(envelope);
            tool_calls += u64::from(envelope.kind == EventKind::ActionRequested);
            events.events += 1;
            events.head = Head {
                next: envelope.seq.saturating_add(1),
                hash: Some(envelope.hash),
            };
        })?;
        found.gate = events.if_any(fault);
        if let Ok(chain) = foreign_chain(tenant, session) {
            let mut events = Chain::default();
            let fault = verify_chain(log, &chain, |envelope| {
                if let Some(record) = ForeignRecord::of(envelope) {
                    found.step(envelope.at.unix_ms());
                    events.follow(&record);
                    found.snapshot.add_reported(&record);
                }
            })?;
            found.client = events.if_any(fault);
        }
        if tool_calls > 0 {
            found.snapshot.budgets.tool_calls_consumed = tool_calls;
        }
        let start = found.first_unix_ms.unwrap_or_default();
        found.snapshot.budgets.session_start_ms = start;
        found.snapshot.budgets.wall_time_ms = found.last_unix_ms.saturating_sub(start);
        Ok(found)
    }

    fn step(&mut self, unix_ms: i64) {
        self.snapshot.budgets.steps_consumed += 1;
        self.last_unix_ms = self.last_unix_ms.max(unix_ms);
        let first = self.first_unix_ms.unwrap_or(unix_ms);
        self.first_unix_ms = Some(first.min(unix_ms));
    }

    /// Returns when the last record was made.
    pub(crate) const fn last_unix_ms(&self) -> i64 {
        self.last_unix_ms
    }

    /// Returns whether there is such a session.
    pub(crate) const fn is_known(&self) -> bool {
        self.gate.is_some() || self.client.is_some()
    }
}

impl Chain {
    /// Moves the end past an event of a client, and checks its place and hash.
    fn follow(&mut self, record: &ForeignRecord) {
        let event = &record.event;
        let cause = if event.seq != self.head.next {
            Some("does not have the number that comes next")
        } else if event.prev_hash != self.head.hash {
            Some("does not follow the one before")
        } else if record.has_its_hash() == Some(false) {
            Some("does not have its hash")
        } else {
            None
        };
        if let Some(cause) = cause {
            let cause = format!("event {} {cause}", event.seq);
            self.fault.get_or_insert((event.seq, cause));
        }
        self.redacted += u64::from(record.redacted > 0);
        self.events += 1;
        self.head = Head {
            next: event.seq.saturating_add(1),
            hash: Some(event.hash),
        };
    }

    /// Returns the chain if there is anything in it, with what else is wrong.
    fn if_any(mut self, fault: Option<Fault>) -> Option<Self> {
        if let Some(fault) = fault {
            let seq = fault.place().map_or(0, |(_, seq)| seq);
            let earlier = self.fault.take().filter(|(earlier, _)| *earlier < seq);
            self.fault = earlier.or_else(|| Some((seq, fault.to_string())));
        }
        (self.events > 0 || self.fault.is_some()).then_some(self)
    }
}

fn text(payload: &Value, field: &str) -> Option<String> {
    payload.get(field)?.as_str().map(str::to_owned)
}

impl Snapshot {
    /// Returns the digest of the canonical form.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of_value(&self.to_json())
    }

    /// Returns it as JSON.
    pub(crate) fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Adds what the gate recorded.
    fn add_record(&mut self, envelope: &Envelope) {
        let payload = envelope.payload.value();
        if envelope.kind == EventKind::ActionRequested {
            self.add_proposed(payload);
        } else if envelope.kind == EventKind::OutcomeRecorded {
            self.add_result(payload);
        } else if envelope.kind == EventKind::DecisionMade {
            let verdict = text(payload, "verdict");
            match verdict.as_deref() {
                Some("allow") => self.decisions.allow += 1,
                Some("ask") => self.decisions.ask += 1,
                Some(_) | None => self.decisions.deny += 1,
            }
            self.last_outcomes.last_policy_outcome = verdict;
        }
    }

    /// Adds what a client reported.
    fn add_reported(&mut self, record: &ForeignRecord) {
        let payload = &record.event.payload;
        match record.event.event_type.as_str() {
            "MODEL_CALL_STARTED" => {
                self.budgets.model_calls_consumed += 1;
                self.last_outcomes.last_model_call_id = text(payload, "call_id");
            }
            "TOOL_CALL_PROPOSED" => {
                self.budgets.tool_calls_consumed += 1;
                self.add_proposed(payload);
            }
            "TOOL_RESULT" => self.add_result(payload),
            "HANDOFF_REQUESTED" => {
                self.handoff = Handoff {
                    in_handoff: true,
                    from_agent: text(payload, "from_agent"),
                    to_agent: text(payload, "to_agent"),
                    context_id: text(payload, "context_id"),
                }
            }
            "HANDOFF_COMPLETED" => self.handoff = Handoff::default(),
            _ => {}
        }
    }

    fn add_proposed(&mut self, payload: &Value) {
        self.last_outcomes.last_tool_call_id = text(payload, "call_id");
        self.last_outcomes.last_tool_name = text(payload, "tool_name");
    }

    fn add_result(&mut self, payload: &Value) {
        let is_error = payload.get("is_error").and_then(Value::as_bool);
        self.last_outcomes.last_tool_was_error = is_error.unwrap_or_default();
    }
}

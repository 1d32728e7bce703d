//! Answering a request once that its caller named.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use aegis_api::ProblemKind;
use aegis_canon::Digest;
use aegis_gate::Gate;
use aegis_log::Query;
use aegis_types::{Envelope, EventKind, SessionId};
use axum::extract::Request;
use axum::http::HeaderValue;
use serde_json::{Value, json};

use crate::problem::Refusal;

/// The field in which a caller names its request.
const FIELD: &str = "idempotency-key";

/// How long a name may be.
const NAME_BYTES_MAX: usize = 255;

/// A request with a name, of which nothing more is known.
pub(crate) struct NamedRequest {
    name: HeaderValue,
    path: String,
}

/// The name that a caller gave its request, and what the request says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RequestKey {
    name: String,
    digest: Digest,
}

impl NamedRequest {
    /// Returns the name of `request`, if it has one.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        Some(Self {
            name: request.headers().get(FIELD)?.clone(),
            path: request.uri().path().to_owned(),
        })
    }

    /// Returns the key of the request, which says `body`.
    pub(crate) fn key(&self, body: &Value) -> Result<RequestKey, Refusal> {
        let name = self.name.to_str().ok();
        let name = name.filter(|name| !name.is_empty() && name.len() <= NAME_BYTES_MAX);
        let Some(name) = name else {
            return Err(Refusal::new(
                ProblemKind::InvalidRequest,
                "the field `Idempotency-Key` has 1 to 255 visible characters",
            ));
        };
        Ok(RequestKey {
            name: name.to_owned(),
            digest: Digest::of_value(&json!([self.path, body])),
        })
    }
}

impl RequestKey {
    /// Returns the digest of what the request says.
    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns what records of the request are about: a caller's names are its own.
    pub(crate) fn subject(&self, caller: &str) -> String {
        format!("key:{}", Digest::of_value(&json!([caller, self.name])))
    }

    /// Refuses to go on if the record `used` was made by another request.
    fn must_be_same(&self, used: &Envelope) -> Result<(), Refusal> {
        let recorded = used.payload.value().get("request_digest");
        if recorded.and_then(Value::as_str) == Some(&self.digest.to_string()) {
            return Ok(());
        }
        Err(Refusal::new(
            ProblemKind::Conflict,
            "the `Idempotency-Key` was used for another request",
        ))
    }
}

/// The keys whose requests are in hand.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    held: Mutex<BTreeSet<String>>,
    freed: Condvar,
}

/// A key that one request holds, and no other meanwhile.
struct Held<'a> {
    keys: &'a Keys,
    subject: String,
}

impl Keys {
    fn hold(&self, subject: String) -> Held<'_> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while !held.insert(subject.clone()) {
            held = self
                .freed
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(held);
        Held {
            keys: self,
            subject,
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut held = self
            .keys
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.subject);
        self.keys.freed.notify_all();
    }
}

/// A request with a name, on its way.
pub(crate) struct Once<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) gate: &'a Gate,
    pub(crate) caller: &'a str,
    pub(crate) key: Option<&'a RequestKey>,
}

impl Once<'_> {
    /// Returns what `work` answers, once for all requests of this name.
    ///
    /// That the name is used is recorded in `session` before the work begins.
    /// What came of it stands behind that record, where `find` finds it, also
    /// after a restart; if nothing came of it, the work is done.
    pub(crate) fn answer<T>(
        &self,
        session: &SessionId,
        find: impl FnOnce(&Envelope) -> Result<Option<T>, Refusal>,
        work: impl FnOnce() -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let Some(key) = self.key else {
            return work();
        };
        let subject = key.subject(self.caller);
        let _held = self.keys.hold(subject.clone());
        if let Some(used) = self.used(key, &subject)? {
            return match find(&used)? {
                Some(answer) => Ok(answer),
                None => work(),
            };
        }
        let detail = json!({ "request_digest": key.digest() });
        self.gate
            .observe(session, EventKind::KeyUsed, Some(&subject), &detail)?;
        work()
    }

    /// As [`Once::answer`], where the record of the work names the key itself.
    pub(crate) fn answer_in_one<T>(
        &self,
        find: impl FnOnce(&Envelope) -> Result<Option<T>, Refusal>,
        work: impl FnOnce(Option<(String, Digest)>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let Some(key) = self.key else {
            return work(None);
        };
        let subject = key.subject(self.caller);
        let _held = self.keys.hold(subject.clone());
        let used = self.used(key, &subject)?;
        match used.map(|used| find(&used)).transpose()?.flatten() {
            Some(answer) => Ok(answer),
            None => work(Some((subject, key.digest()))),
        }
    }

    /// Returns the record that the key was used by this request.
    fn used(&self, key: &RequestKey, subject: &str) -> Result<Option<Envelope>, Refusal> {
        let found = self.gate.log().newest(&Query {
            tenant: Some(&self.gate.settings().tenant.value),
            kinds: &[EventKind::KeyUsed, EventKind::ForeignEventAdded],
            subject: Some(subject),
            limit: 1,
            ..Query::default()
        })?;
        let Some(used) = found.into_iter().next() else {
            return Ok(None);
        };
        key.must_be_same(&used)?;
        Ok(Some(used))
    }
}

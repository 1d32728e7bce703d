//! Erasing what was sealed.

use std::io;
use std::time::Duration;

use aegis_log::{AppendError, OpenLogError, Options, ReadLogError, SqliteLog};
use aegis_types::{ApproverId, ChainId, Envelope, Event, EventKind, RequestId, SessionId};
use serde_json::json;

use crate::gate::Gate;
use crate::outcome::RecordError;
use crate::sealing::PayloadKeys;

/// How many records are read at a time.
const PAGE: usize = 1_024;

/// How long others are waited for until the ciphertext can be cut from the log.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was erased.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Erased {
    /// How many sealed payloads are gone.
    pub payloads: u64,
    /// How many keys were there to destroy.
    pub keys: u64,
}

/// Why something was not erased in full; doing it again does the rest.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadLogError),
    /// That it is erased cannot be recorded, so nothing was.
    #[error("the erasure cannot be recorded, so nothing was erased")]
    Record(#[source] RecordError),
    /// The keys cannot be destroyed.
    #[error("the keys cannot be destroyed")]
    Keys(#[from] io::Error),
    /// The log cannot be opened to overwrite the ciphertext.
    #[error("the keys are destroyed, and the log cannot be opened to overwrite the ciphertext")]
    Open(#[from] OpenLogError),
    /// The ciphertext cannot be overwritten.
    #[error("the keys are destroyed, and the ciphertext cannot be overwritten in full")]
    Overwrite(#[from] AppendError),
}

impl Gate {
    /// Destroys the keys of what is sealed in a session, or about one request of
    /// it, then the ciphertext, and records first that `by` had it done.
    ///
    /// The chain stays as it is: it holds only digests of ciphertexts.
    ///
    /// # Errors
    ///
    /// [`EraseError`].
    pub fn erase(
        &self,
        session: &SessionId,
        request: Option<&RequestId>,
        by: &ApproverId,
    ) -> Result<Erased, EraseError> {
        let chain = self.chain(session);
        let keys = PayloadKeys::of(self.places());
        let known = keys.known(&chain)?;
        let mut doomed = self.sealed_in(&chain, request)?;
        doomed.retain(|(_, key_id, has_ciphertext)| *has_ciphertext || known.contains(key_id));
        if doomed.is_empty() {
            return Ok(Erased::default());
        }
        let records: Vec<u64> = doomed.iter().map(|(seq, ..)| *seq).collect();
        let event = Event::Observed {
            kind: EventKind::PayloadErased,
            subject: request.map(ToString::to_string),
            detail: json!({"by": by, "request": request, "records": records}),
        };
        self.append_event(session, &event)
            .map_err(EraseError::Record)?;
        let names: Vec<&str> = doomed.iter().map(|(_, name, _)| name.as_str()).collect();
        let destroyed = keys.destroy(&chain, &names.iter().copied().collect())?;
        let options = Options {
            create: false,
            patience: PATIENCE,
            ..Options::default()
        };
        SqliteLog::open(&self.places().log, options)?.erase_sealed(&names)?;
        Ok(Erased {
            payloads: doomed.len() as u64,
            keys: destroyed,
        })
    }

    /// Returns what is sealed in `chain`: the number of the record, the name of
    /// the key, and whether the ciphertext is there.
    fn sealed_in(
        &self,
        chain: &ChainId,
        request: Option<&RequestId>,
    ) -> Result<Vec<(u64, String, bool)>, ReadLogError> {
        let is_about = |envelope: &Envelope| {
            request.is_none_or(|request| envelope.subject.as_deref() == Some(request.as_str()))
        };
        let mut found = Vec::new();
        let mut from = 0;
        loop {
            let page = self.log().read(chain, from, PAGE)?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            from = last.seq.saturating_add(1);
            for envelope in page.into_iter().filter(is_about) {
                let Some(sealed) = envelope.sealed else {
                    continue;
                };
                found.push((envelope.seq, sealed.key_id, sealed.ciphertext.is_some()));
            }
        }
    }
}

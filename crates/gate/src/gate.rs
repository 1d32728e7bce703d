//! The pipeline with everything it stands on.

use std::sync::Arc;

use aegis_log::{AppendError, Batch, Log, ReadLogError};
use aegis_redact::Redactor;
use aegis_types::{ChainId, Head, SessionId, Timestamp};

use crate::approver::Approver;
use crate::clock::Clock;
use crate::in_force::{InForce, Policies};
use crate::pause::Pause;
use crate::places::Places;
use crate::process::Processes;
use crate::protected::Protected;
use crate::recent::Recents;
use crate::settings::{FallbackLevel, Settings};
use crate::surroundings::Surroundings;

/// What a gate is made of.
pub struct Parts {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How the gate waits.
    pub pause: Arc<dyn Pause>,
    /// The policies.
    pub policies: Arc<dyn Policies>,
    /// The processes of the machine.
    pub processes: Arc<dyn Processes>,
    /// Who is told that an approval waits.
    pub approver: Arc<dyn Approver>,
    /// The settings.
    pub settings: Settings,
    /// What removes secrets before anything is recorded.
    pub redactor: Redactor,
    /// Where the files of Aegis lie.
    pub places: Places,
    /// What Aegis stands on.
    pub protected: Protected,
    /// What the process finds around it.
    pub surroundings: Surroundings,
}

/// The pipeline: the only writer of decisions and approvals.
pub struct Gate {
    parts: Arc<Parts>,
    approver: Arc<dyn Approver>,
    recents: Arc<Recents>,
}

impl Gate {
    /// Returns a gate made of `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self::sharing(parts, Arc::default())
    }

    /// Returns a gate made of `parts` that remembers together with others of the same log.
    pub(crate) fn sharing(parts: Parts, recents: Arc<Recents>) -> Self {
        Self {
            approver: Arc::clone(&parts.approver),
            parts: Arc::new(parts),
            recents,
        }
    }

    /// Returns a gate made of the same parts, of whose approvals `approver` is told.
    pub(crate) fn telling(&self, approver: Arc<dyn Approver>) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
            approver,
            recents: Arc::clone(&self.recents),
        }
    }

    /// Returns the log.
    #[must_use]
    pub fn log(&self) -> &dyn Log {
        &*self.parts.log
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    /// Returns the policies in force at this moment.
    #[must_use]
    pub fn policies(&self) -> Arc<InForce> {
        self.parts.policies.in_force()
    }

    /// Returns what Aegis stands on.
    #[must_use]
    pub fn protected(&self) -> &Protected {
        &self.parts.protected
    }

    /// Returns what the process finds around it.
    #[must_use]
    pub fn surroundings(&self) -> &Surroundings {
        &self.parts.surroundings
    }

    /// Returns the present time, by the clock of the gate.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Returns the settings as the engine takes them.
    #[must_use]
    pub fn engine_settings(&self) -> aegis_engine::Settings {
        aegis_engine::Settings {
            fallback: match self.parts.settings.fallback.value {
                FallbackLevel::Host => aegis_engine::Fallback::Host,
                FallbackLevel::Deny => aegis_engine::Fallback::Deny,
            },
        }
    }

    /// Returns where the files of Aegis lie. In a service these are its own,
    /// whatever its caller finds around it.
    pub(crate) fn places(&self) -> &Places {
        &self.parts.places
    }

    pub(crate) fn pause(&self) -> &dyn Pause {
        &*self.parts.pause
    }

    pub(crate) fn processes(&self) -> &dyn Processes {
        &*self.parts.processes
    }

    pub(crate) fn approver(&self) -> &dyn Approver {
        &*self.approver
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.parts.redactor
    }

    pub(crate) fn redact_text(&self, text: &str) -> String {
        self.parts.redactor.redact_text(text).value.into_owned()
    }

    /// Returns what is remembered of the newest records of sessions.
    pub(crate) fn recents(&self) -> &Recents {
        &self.recents
    }

    /// Returns where a chain ends, as far as this gate knows.
    ///
    /// Another process may have moved it; then an append that expects it fails.
    pub(crate) fn head(&self, chain: &ChainId) -> Result<Head, ReadLogError> {
        match self.recents.head(chain) {
            Some(head) => Ok(head),
            None => self.log().head(chain),
        }
    }

    /// Appends to the log, and remembers what was appended.
    pub(crate) fn append(&self, batch: Batch) -> Result<(), AppendError> {
        let chain = batch.chain.clone();
        match self.log().append(batch) {
            Ok(appended) => {
                self.recents.follow(appended);
                Ok(())
            }
            Err(error) => {
                self.recents.forget(&chain);
                Err(error)
            }
        }
    }

    /// Returns the chain of a session.
    pub(crate) fn chain(&self, session: &SessionId) -> ChainId {
        ChainId::Session {
            tenant: self.parts.settings.tenant.value.clone(),
            session: session.clone(),
        }
    }
}

//! The pipeline with everything it stands on.

use std::sync::Arc;

use aegis_log::Log;
use aegis_redact::Redactor;
use aegis_types::{ChainId, SessionId, Timestamp};

use crate::approver::Approver;
use crate::clock::Clock;
use crate::in_force::{InForce, Policies};
use crate::pause::Pause;
use crate::process::Processes;
use crate::protected::Protected;
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
    /// What Aegis stands on.
    pub protected: Protected,
    /// What the process finds around it.
    pub surroundings: Surroundings,
}

/// The pipeline: the only writer of decisions and approvals.
pub struct Gate(Parts);

impl Gate {
    /// Returns a gate made of `parts`.
    #[must_use]
    pub const fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// Returns the log.
    #[must_use]
    pub fn log(&self) -> &dyn Log {
        &*self.0.log
    }

    /// Returns the settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns the policies in force at this moment.
    #[must_use]
    pub fn policies(&self) -> Arc<InForce> {
        self.0.policies.in_force()
    }

    /// Returns what Aegis stands on.
    #[must_use]
    pub const fn protected(&self) -> &Protected {
        &self.0.protected
    }

    /// Returns what the process finds around it.
    #[must_use]
    pub const fn surroundings(&self) -> &Surroundings {
        &self.0.surroundings
    }

    /// Returns the present time, by the clock of the gate.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Returns the settings as the engine takes them.
    #[must_use]
    pub const fn engine_settings(&self) -> aegis_engine::Settings {
        aegis_engine::Settings {
            fallback: match self.0.settings.fallback.value {
                FallbackLevel::Host => aegis_engine::Fallback::Host,
                FallbackLevel::Deny => aegis_engine::Fallback::Deny,
            },
        }
    }

    pub(crate) fn pause(&self) -> &dyn Pause {
        &*self.0.pause
    }

    pub(crate) fn processes(&self) -> &dyn Processes {
        &*self.0.processes
    }

    pub(crate) fn approver(&self) -> &dyn Approver {
        &*self.0.approver
    }

    pub(crate) const fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    pub(crate) fn redact_text(&self, text: &str) -> String {
        self.0.redactor.redact_text(text).value.into_owned()
    }

    /// Returns the chain of a session.
    pub(crate) fn chain(&self, session: &SessionId) -> ChainId {
        ChainId::Session {
            tenant: self.0.settings.tenant.value.clone(),
            session: session.clone(),
        }
    }
}

//! What a command answers: a page for people, JSON for programs, an exit code.

pub(crate) use aegis_gate::with_causes as causes;
use serde_json::Value;

use crate::exit::Exit;
use crate::page::Page;

/// The answer of a command in both its forms.
#[derive(Debug)]
pub(crate) struct Report {
    /// For people.
    pub(crate) page: Page,
    /// For programs.
    pub(crate) json: Value,
    /// How the command ended.
    pub(crate) exit: Exit,
}

impl Report {
    /// Returns the answer of a command that did what was asked.
    pub(crate) fn done(page: Page, json: Value) -> Self {
        Self {
            page,
            json,
            exit: Exit::Done,
        }
    }

    /// Returns the answer of a command that has already written what it had to say.
    pub(crate) fn silent() -> Self {
        Self::done(Page::default(), Value::Null)
    }

    /// Returns the same answer with another exit code.
    pub(crate) fn with(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

/// Why a command could not answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// What went wrong, in a sentence without a full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) remedy: Option<String>,
    /// How the command ends.
    pub(crate) exit: Exit,
}

impl Failure {
    /// Returns a failure of what was given: a file or an argument.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: None,
            exit: Exit::Usage,
        }
    }

    /// Returns a failure of something around the program.
    pub(crate) fn environment(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: None,
            exit: Exit::Environment,
        }
    }

    /// Returns the failure with a remedy.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

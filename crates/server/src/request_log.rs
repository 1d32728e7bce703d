//! What is written down of requests, for who runs the service.
//!
//! Bodies, header fields and parameters are not: they may hold secrets. What
//! was decided is in the log, and this is none.

use axum::http::StatusCode;

/// Which requests are written down, from all to those that failed here.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum RequestLevel {
    /// Every request, those to `/healthz` and `/readyz` included.
    Debug,
    /// Every other request.
    Info,
    /// Those that were refused.
    Warn,
    /// Those at which the service failed.
    Error,
}

impl RequestLevel {
    /// Returns its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// Returns the level of a request that was answered with `status`.
    pub(crate) fn of(status: StatusCode) -> Self {
        if status.is_server_error() {
            Self::Error
        } else if status.is_client_error() {
            Self::Warn
        } else {
            Self::Info
        }
    }
}

/// What is written down of requests, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RequestLog {
    /// The least of what is written down.
    pub level: RequestLevel,
    /// Whether each line is a JSON object.
    pub is_json: bool,
}

//! What goes wrong, as a reply says it: RFC 9457 problem details.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)+) => {
        /// A kind of problem; its code and status never change.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum ProblemKind {
            $($(#[$doc])* $name,)+
        }

        impl ProblemKind {
            /// Every kind, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the last part of the problem's type.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Returns the status of the reply.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// Returns the title, which is the same for all problems of the kind.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

problems! {
    /// The body is no JSON, or no I-JSON.
    InvalidJson = "invalid-json", 400, "The body is not valid JSON";
    /// A parameter or a field is missing or wrong.
    InvalidRequest = "invalid-request", 400, "The request is not valid";
    /// A hash does not fit what it is of.
    HashMismatch = "hash-mismatch", 400, "A hash does not fit";
    /// Nobody is named, or the name does not hold.
    Unauthenticated = "unauthenticated", 401, "It is not known who asks";
    /// Who asks may not do this.
    Forbidden = "forbidden", 403, "Who asks may not do this";
    /// There is no such thing for who asks.
    NotFound = "not-found", 404, "There is no such thing";
    /// The path has no such method.
    MethodNotAllowed = "method-not-allowed", 405, "The path has no such method";
    /// The request took too long to arrive.
    TimedOut = "timed-out", 408, "The request took too long to arrive";
    /// It contradicts what is recorded.
    Conflict = "conflict", 409, "It contradicts what is recorded";
    /// The body is too large.
    TooLarge = "too-large", 413, "The body is too large";
    /// The body is of another type.
    UnsupportedType = "unsupported-type", 415, "The body is of another type";
    /// Who asks has asked too often.
    RateLimited = "rate-limited", 429, "Who asks has asked too often";
    /// Who asks has as much in hand as one may have.
    ShareTaken = "share-taken", 429, "Who asks has its share in hand";
    /// The service failed.
    Failed = "failed", 500, "The service failed";
    /// The log cannot be read or written now.
    Unavailable = "unavailable", 503, "The log cannot be used now";
    /// Too many requests are in hand.
    Busy = "busy", 503, "Too many requests are in hand";
}

impl ProblemKind {
    /// Returns whether the same request may be answered a little later.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::ShareTaken | Self::Unavailable | Self::Busy
        )
    }
}

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// The kind: `urn:aegis:problem:` and its code.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// What is the same for every problem of the kind.
    pub title: Cow<'static, str>,
    /// The status of the reply.
    pub status: u16,
    /// What is wrong with this request, for people.
    pub detail: String,
    /// The same as `detail`, for clients of the control plane.
    pub error: String,
    /// The request: `urn:aegis:request:` and its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Where a chain ends, if the request contradicts that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_seq: Option<u64>,
    /// The hash of the last record there, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_prev_hash: Option<String>,
}

impl Problem {
    /// The media type of a problem.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// Returns a problem of `kind`, of which `detail` tells more.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            kind: format!("urn:aegis:problem:{}", kind.code()).into(),
            title: kind.title().into(),
            status: kind.status(),
            error: detail.clone(),
            detail,
            instance: None,
            expected_seq: None,
            expected_prev_hash: None,
        }
    }
}

impl Problem {
    /// Returns the code of its kind, if it is one of ours.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        let code = self.kind.strip_prefix("urn:aegis:problem:")?;
        let mut kinds = ProblemKind::ALL.iter().map(|kind| kind.code());
        kinds.find(|known| *known == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_the_error_member_of_older_clients() {
        let problem = Problem::new(ProblemKind::NotFound, "no session `s`");
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["type"], "urn:aegis:problem:not-found");
        assert_eq!(json["status"], 404);
        assert_eq!(json["error"], json["detail"]);
        assert!(json.get("expected_seq").is_none());
        assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
    }
}

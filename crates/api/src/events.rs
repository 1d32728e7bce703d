//! Events that clients report, and what is listed of sessions.
//!
//! The names are those of the control plane. Its older listings have members
//! in capitals and bytes in base64; the later ones have neither.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// An event that a client adds to its own chain of a session.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventRequest {
    /// Whose session it is; that of the caller if absent, and no other's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The session.
    #[schema(min_length = 1, max_length = 248, pattern = "^[!-~]+$")]
    pub session_id: String,
    /// The user; a part of the hash.
    #[serde(default)]
    pub user_id: String,
    /// The place in the chain, which goes up by one from 0. Absent, the event
    /// is added at the end; with a `hash` it is then number 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// When it happened, by the clock of the client; that of the service if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts_unix_ms: Option<i64>,
    /// What kind of event it is.
    #[schema(pattern = "^[A-Z][A-Z0-9_]{0,63}$")]
    pub event_type: String,
    /// What it says.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: Value,
    /// The hash of the event before: hexadecimal digits, base64 or a list of bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub prev_hash: Option<Value>,
    /// The hash, if the client seals the event itself, in the same spellings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub hash: Option<Value>,
}

/// What the service says of an event that was added.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct EventReply {
    /// Its hash, in hexadecimal digits.
    pub hash: String,
    /// Its place.
    pub seq: u64,
}

/// Whose chain an event stands in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventOrigin {
    /// The one that the gate writes.
    Gate,
    /// The one that clients add to.
    Client,
}

/// An event of a listing.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct EventView {
    /// Whose session it is.
    pub tenant_id: String,
    /// The session.
    pub session_id: String,
    /// Whose chain it stands in.
    pub origin: EventOrigin,
    /// Its place there.
    pub seq: u64,
    /// When it happened; what a client says of its own events.
    pub ts_unix_ms: i64,
    /// When the service received it.
    pub received_unix_ms: i64,
    /// What kind of event it is.
    pub event_type: String,
    /// What it says.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// The hash of the event before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_hash: Option<String>,
    /// Its hash.
    pub hash: String,
    /// The user whom a client named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// How many secrets were taken out of what a client said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<usize>,
}

/// A page of a listing.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct EventPage {
    /// The events, by session, chain and place.
    pub events: Vec<EventView>,
    /// Where the next page begins; absent after the last one.
    pub next_token: Option<String>,
}

/// An event as the control plane lists it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PlainEventView {
    /// Whose session it is.
    #[serde(rename = "TenantID")]
    pub tenant_id: String,
    /// The session.
    #[serde(rename = "SessionID")]
    pub session_id: String,
    /// Its place in its chain.
    pub seq: u64,
    /// When it happened.
    pub ts_unix_ms: i64,
    /// What kind of event it is.
    pub event_type: String,
    /// What it says, as JSON in base64.
    #[serde(rename = "PayloadJSON")]
    pub payload_json: String,
    /// Its hash in base64.
    pub hash: String,
    /// The hash of the event before, in base64.
    pub prev_hash: Option<String>,
    /// Whose chain it stands in; the control plane had one only.
    pub origin: EventOrigin,
    /// The user whom a client named; the control plane did not keep it.
    #[serde(rename = "UserID", default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// A page as the control plane lists it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PlainEventPage {
    /// The events, by session, chain and place; `null` if there are none.
    pub events: Option<Vec<PlainEventView>>,
    /// Where the next page begins; empty after the last one.
    pub next_token: String,
}

//! Records of the log, and what recomputing it found, over the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Records, newest first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct RecordList {
    /// The envelopes, each with its hash.
    #[schema(value_type = Vec<Object>)]
    pub records: Vec<Value>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// Which records are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordQuery<'a> {
    /// Only those of this session.
    pub session: Option<&'a str>,
    /// Only those of this kind, or of these, with commas between.
    pub event_type: Option<&'a str>,
    /// Only those about this request or approval.
    pub subject: Option<&'a str>,
    /// Only those recorded at this time or later, in milliseconds since 1970.
    pub since: Option<i64>,
    /// How many at most, from 1 to 1000.
    pub limit: usize,
    /// Where the page begins, as the page before said.
    pub page_token: Option<&'a str>,
}

/// How a log is recomputed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyRequest {
    /// Also write every envelope anew and compare the bytes.
    pub canonical: bool,
    /// Records as they were kept elsewhere: `TENANT/SESSION@SEQ:HASH`, or
    /// `TENANT@SEQ:HASH` of the chain of heads. In the names all but letters, digits
    /// and `-._~` is escaped, as in an address.
    #[schema(max_items = 64)]
    pub anchors: Vec<String>,
}

/// What recomputing a log found.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct VerificationView {
    /// Whether nothing is wrong.
    pub sound: bool,
    /// How many records there are, those of the chain of heads included.
    pub records: u64,
    /// How many documents there are; absent where others share the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
    /// How many sealed payloads have their ciphertext; absent where others share the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<u64>,
    /// How many were erased; absent where others share the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<u64>,
    /// What was pruned, in order.
    pub pruned: Vec<PrunedView>,
    /// How many things are wrong.
    pub fault_count: u64,
    /// What is wrong, the first thousand.
    pub faults: Vec<FaultView>,
    /// Every chain, by its name.
    pub chains: Vec<VerifiedChainView>,
}

/// What was pruned at one time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct PrunedView {
    /// Whose records they were.
    pub tenant: String,
    /// How many, those of the chain of heads included.
    pub records: u64,
    /// How many sessions went.
    pub sessions: u64,
    /// Nothing of them was recorded at this time or later.
    pub before_unix_ms: i64,
    /// Who had it done.
    pub by: String,
    /// When it was recorded that they go.
    pub ts_unix_ms: i64,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct FaultView {
    /// What it is, for people.
    pub text: String,
    /// The session; null for the chain of heads, or if it is in no chain.
    pub session: Option<String>,
    /// The first record that it touches.
    pub seq: Option<u64>,
}

/// A chain, and how sure each part of it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct VerifiedChainView {
    /// Whose it is.
    pub tenant: String,
    /// The session; null for the chain of heads.
    pub session: Option<String>,
    /// How many records of it there are.
    pub records: u64,
    /// The number that comes next.
    pub next: u64,
    /// The hash of the last record.
    pub head: Option<String>,
    /// Its parts, in order.
    pub ranges: Vec<RangeView>,
}

/// Records of one chain with the same standing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct RangeView {
    /// The number of the first one.
    pub from: u64,
    /// The number of the last one.
    pub to: u64,
    /// `anchored`, `consistent` or `faulty`.
    pub standing: String,
}

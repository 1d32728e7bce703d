//! Tokens over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is known of a token; never the token itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct TokenView {
    /// The name of its record.
    pub id: String,
    /// The name of who uses it.
    pub name: String,
    /// Whose sessions it opens.
    pub tenant_id: String,
    /// What it lets do.
    pub roles: Vec<String>,
    /// The agents in whose name it lets act; any if empty.
    pub agents: Vec<String>,
    /// When it was made.
    pub created_unix_ms: i64,
    /// When it ends; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_unix_ms: Option<i64>,
}

/// The tokens of a tenant.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct TokenList {
    /// The tokens.
    pub tokens: Vec<TokenView>,
}

/// A token to make.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Whose sessions it opens; that of the caller if absent, and no other's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The name of who uses it.
    #[schema(min_length = 1, max_length = 256)]
    pub name: String,
    /// `agent`, `approver`, `auditor`, `operator`.
    #[schema(min_items = 1)]
    pub roles: Vec<String>,
    /// The agents in whose name it lets act; any if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<String>,
    /// How long it holds, such as `90d`; until it is revoked if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
}

/// A token that was made.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct TokenReply {
    /// The token. It is shown this one time.
    pub token: String,
    /// The name of its record.
    pub id: String,
}

impl std::fmt::Debug for TokenReply {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TokenReply")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

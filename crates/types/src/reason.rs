//! Why a finding came to its verdict.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $wire:literal,)+) => {
        /// The enumerated cause of a finding; its wire code never changes.
        ///
        /// The order is the order of precedence: of several findings with the
        /// deciding verdict, the one whose reason stands first goes on the wire.
        /// Each code has a page in `docs/reasons/`.
        #[derive(
            Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
        )]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $wire)] $name,)+
        }

        impl Reason {
            /// Every reason, in order of precedence.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the wire code.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $wire,)+
                }
            }
        }
    };
}

reasons! {
    /// Aegis could not decide; the gate denies.
    CannotDecide = "CANNOT_DECIDE",
    /// The request touches what Aegis itself stands on.
    ProtectedResource = "PROTECTED_RESOURCE",
    /// The request would start an agent that Aegis does not govern.
    UngovernedAgent = "UNGOVERNED_AGENT",
    /// Too many calls in a window of time.
    RateLimited = "RATE_LIMITED",
    /// A rule of a policy matched.
    RuleMatched = "RULE_MATCHED",
    /// The base rules of the agent's tier matched.
    Tier = "TIER",
    /// No rule matched; the policy's default decided.
    Default = "DEFAULT",
    /// No policy had an opinion; the setting `fallback` decided.
    Fallback = "FALLBACK",
    /// A person refused the action.
    ApprovalRefused = "APPROVAL_REFUSED",
    /// Nobody answered in time.
    ApprovalExpired = "APPROVAL_EXPIRED",
    /// A result appeared for an action that was never decided.
    UndecidedAction = "UNDECIDED_ACTION",
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

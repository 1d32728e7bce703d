//! The events of Claude Code.

use std::fmt;

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// An event for which the host runs the hook.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum HookEvent {
            $($(#[$doc])* $name,)+
        }

        impl HookEvent {
            /// Every event, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the host's name of the event.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// Returns the event that the host calls `name`; absent for one that is not known.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|event| event.as_str() == name)
            }
        }
    };
}

events! {
    /// A tool is about to be called. The only event that decides.
    PreToolUse,
    /// The host asks for its own permission.
    PermissionRequest,
    /// The host refused a call by itself.
    PermissionDenied,
    /// A tool succeeded.
    PostToolUse,
    /// A tool failed.
    PostToolUseFailure,
    /// All calls of one message are resolved.
    PostToolBatch,
    /// A person gave a prompt.
    UserPromptSubmit,
    /// A typed command became a prompt.
    UserPromptExpansion,
    /// A file of instructions was loaded.
    InstructionsLoaded,
    /// A session began or was resumed.
    SessionStart,
    /// A session ended.
    SessionEnd,
    /// A turn ended.
    Stop,
    /// A turn ended by an error.
    StopFailure,
    /// A sub-agent began.
    SubagentStart,
    /// A sub-agent ended.
    SubagentStop,
    /// A settings file changed.
    ConfigChange,
}

impl fmt::Display for HookEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

//! Agent-host hooks.

//! Decides whether an action may happen.

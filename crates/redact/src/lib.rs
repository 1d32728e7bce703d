//! Secrets, found and replaced; text from strangers, made safe to look at.

mod visible;

pub use visible::visible;

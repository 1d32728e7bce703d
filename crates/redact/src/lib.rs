//! Finds secrets and replaces them by keyed digests; shows text from
//! strangers safely.
//!
//! A [`Redactor`] turns text or JSON into the same text or JSON with
//! `[redacted:<kind>:<digest>]` where each secret was. The digest is keyed, so
//! it shows that two secrets are equal without allowing anybody to guess one.
//!
//! Secrets are known by their own shape (`ghp_…`, a PEM block), by where they
//! stand (a URL's password, a bearer header) or by the name they are given
//! (`client_secret = …`). Shapes are plain tables and nothing is compiled at
//! start-up: text without secrets costs a few passes for the rare characters
//! that each detector needs.
//!
//! It is a net, not a proof: what has no shape, place or name of a secret
//! passes. Where it is in doubt, it redacts.
//!
//! [`visible`] is the one renderer of text that an agent or a policy wrote.

mod kind;

mod redactor;

mod found;

mod glance;

mod value;

mod text;

mod pair;

mod key_name;

mod candidate;

mod placeholder;

mod flag;

mod phrase;

mod assigned;

mod url;

mod pem;

mod token;

mod shape;

mod shape_table;

mod marker;

mod span;

mod visible;

pub use found::Found;
pub use kind::SecretKind;
pub use marker::contains_redaction;
pub use redactor::{Redacted, Redactor};
pub use visible::{push_visible, visible};

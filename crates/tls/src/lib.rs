//! Certificates: read from files, named, and used on both ends of a stream.
//!
//! Whatever speaks TLS here does so by one provider, in the versions 1.2 and
//! 1.3, and resumes nothing: each connection shows its certificates anew. The
//! program of the hook links none of it; it speaks with a socket of its machine.

mod certificate;

mod read;

mod server;

mod error;

mod connect;

pub use certificate::{Certificate, ParseCertificateError};
pub use connect::SecureConnector;
pub use error::SecureError;
pub use read::{Authorities, Credentials, Opened, ReadCredentialsError};
pub use server::{ClientRule, Demand, server_settings};

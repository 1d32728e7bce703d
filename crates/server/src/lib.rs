//! The service: one pipeline for many agents on one machine.
//!
//! Hooks, proxies, programs and people speak HTTP with it, over a socket of the
//! machine or over a port. It knows who asks before it looks at what is asked,
//! hands proposals to the gate and reads the log for those who may. It decides
//! nothing by itself.

mod problem;

mod limits;

mod rate;

mod request_log;

mod notice;

mod token;

mod certificates;

mod identity;

mod places;

mod waiting;

mod daemon;

mod key;

mod body;

mod paced;

mod changes;

mod crowd;

mod assurance;

mod page;

mod query;

mod listing;

mod records;

mod snapshot;

mod secure;

mod connections;

mod verification;

mod listen;

mod figures;

mod trail;

mod routes;

pub use aegis_tls::Demand;
pub use aegis_types::Role;
pub use certificates::{Certificates, OpenCertificatesError};
pub use daemon::{Daemon, Hooks};
pub use identity::{Peer, Roles};
pub use limits::Limits;
pub use listen::{BindError, Bound, Door, serve};
pub use request_log::{RequestLevel, RequestLog};
pub use routes::{openapi, router};
pub use secure::{ClientDoor, OpenSecureError, SecureDoor};
pub use token::{MadeToken, NewToken, StoredToken, TokenError, Tokens};
pub use verification::verification_view;

//! Where a service listens, and how its port speaks TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use aegis_policy::{ServiceClients, ServiceTls};
use aegis_server::{BindError, ClientDoor, Demand, Door, OpenSecureError, RequestLog, SecureDoor};
use aegis_tls::ReadCredentialsError;

use crate::arguments::{ClientDemand, ServeTlsArguments};
use crate::report::{Failure, causes};

/// Where a service listens.
pub(crate) struct Doors {
    /// The socket, and who may connect to it.
    pub(crate) socket: Option<(PathBuf, u32)>,
    /// The port.
    pub(crate) address: Option<SocketAddr>,
    /// Whether clear text that leaves the machine was asked for in so many words.
    pub(crate) is_clear_text_meant: bool,
}

/// Returns what a port needs for TLS: what a file of settings says, and what the
/// flags say instead.
pub(crate) fn tls(
    file: Option<ServiceTls>,
    flags: &ServeTlsArguments,
) -> Result<Option<ServiceTls>, Failure> {
    let (chain, key, clients) = match file {
        Some(file) => (Some(file.chain), Some(file.key), file.clients),
        None => (None, None, None),
    };
    let authorities = flags.client_ca.clone();
    let clients = match (clients, authorities) {
        (Some(clients), None) => Some(clients),
        (clients, Some(authorities)) => Some(ServiceClients {
            authorities,
            is_optional: clients.as_ref().is_some_and(|it| it.is_optional),
            principals: clients.and_then(|it| it.principals),
        }),
        (None, None) => None,
    };
    if clients.is_none() && flags.client_auth.is_some() {
        return Err(unused("--client-auth", "--client-ca"));
    }
    if clients.is_none() && flags.principals.is_some() {
        return Err(unused("--principals", "--client-ca"));
    }
    let clients = clients.map(|clients| ServiceClients {
        is_optional: match flags.client_auth {
            Some(demand) => demand == ClientDemand::Optional,
            None => clients.is_optional,
        },
        principals: flags.principals.clone().or(clients.principals),
        authorities: clients.authorities,
    });
    let chain = flags.tls_cert.clone().or(chain);
    let key = flags.tls_key.clone().or(key);
    match (chain, key) {
        (Some(chain), Some(key)) => Ok(Some(ServiceTls {
            chain,
            key,
            clients,
        })),
        (None, None) if clients.is_none() => Ok(None),
        (None, None) => Err(unused("--client-ca", "--tls-cert")),
        (Some(_), None) => Err(unused("--tls-cert", "--tls-key")),
        (None, Some(_)) => Err(unused("--tls-key", "--tls-cert")),
    }
}

fn unused(given: &str, lack: &str) -> Failure {
    Failure::usage(format!("`{given}` has no effect without `{lack}`"))
        .remedy(format!("add `{lack} FILE`, or take `{given}` away"))
}

impl Doors {
    /// Refuses what would be less safe than it was told to be.
    pub(crate) fn check(&self, tls: Option<&ServiceTls>, is_prod: bool) -> Result<(), Failure> {
        let Some(address) = self.address else {
            if self.is_clear_text_meant {
                let message = "`--clear-text` has no effect without `--listen`";
                return Err(Failure::usage(message)
                    .remedy("name a port with `--listen ADDRESS`, or take `--clear-text` away"));
            }
            return match tls {
                Some(_) => Err(Failure::usage("a socket of the machine speaks no TLS")
                    .remedy("name a port with `--listen`, or take the certificate away")),
                None => Ok(()),
            };
        };
        if tls.is_some() {
            return match self.is_clear_text_meant {
                true => Err(
                    Failure::usage("`--clear-text` and a certificate exclude each other")
                        .remedy("take one of them away"),
                ),
                false => Ok(()),
            };
        }
        if address.ip().is_loopback() || self.is_clear_text_meant && !is_prod {
            return Ok(());
        }
        let message = format!("tokens would go in clear text over the network to `{address}`");
        let safe = "give it a certificate with `--tls-cert` and `--tls-key`, or listen at \
                    127.0.0.1, behind a proxy that speaks TLS";
        Err(Failure::usage(message).remedy(if is_prod {
            safe.to_owned()
        } else {
            format!("{safe}; `--clear-text` does it all the same")
        }))
    }

    /// Returns the doors to open; files are named from the folder `directory`.
    pub(crate) fn list(
        self,
        tls: Option<&ServiceTls>,
        directory: &Path,
        log: Option<RequestLog>,
    ) -> Vec<Door> {
        let socket = self.socket.map(|(path, mode)| Door::Socket { path, mode });
        let port = self.address.map(|address| match tls {
            None => Door::Port(address),
            Some(tls) => Door::Secure(address, secure(tls, directory, log)),
        });
        socket.into_iter().chain(port).collect()
    }
}

fn secure(tls: &ServiceTls, directory: &Path, log: Option<RequestLog>) -> SecureDoor {
    SecureDoor {
        chain: directory.join(&tls.chain),
        key: directory.join(&tls.key),
        clients: tls.clients.as_ref().map(|clients| ClientDoor {
            authorities: directory.join(&clients.authorities),
            demand: if clients.is_optional {
                Demand::Optional
            } else {
                Demand::Required
            },
        }),
        log,
    }
}

/// Says why a door does not open, and what to do.
pub(crate) fn unopened(error: &BindError) -> Failure {
    let failure = Failure::environment(causes(error));
    match error {
        BindError::InUse(_) => {
            failure.remedy("a service runs there already; stop it, or name another place")
        }
        BindError::Credentials(OpenSecureError::Read(error)) => unread(error),
        BindError::System { .. } => {
            failure.remedy("name a place that is there and where this user may listen")
        }
        BindError::Credentials(OpenSecureError::Exposed { .. } | OpenSecureError::Unusable(_))
        | BindError::NoSocket(_) => failure,
    }
}

/// Says why certificates or keys are not taken, and what to do.
pub(crate) fn unread(error: &ReadCredentialsError) -> Failure {
    let failure = Failure::usage(causes(error));
    match error {
        ReadCredentialsError::Exposed { path, .. } => {
            failure.remedy(format!("`chmod 600 {}` keeps others out", path.display()))
        }
        ReadCredentialsError::Encrypted(path) => failure.remedy(format!(
            "`openssl pkey -in {}` writes it without a password; keep it from others",
            path.display()
        )),
        ReadCredentialsError::NoCertificate(_) => {
            failure.remedy("it begins with `-----BEGIN CERTIFICATE-----`")
        }
        ReadCredentialsError::NoKey(_) => {
            failure.remedy("it begins with `-----BEGIN PRIVATE KEY-----`")
        }
        ReadCredentialsError::Expired(_) => failure
            .remedy("have it renewed; `openssl x509 -noout -dates -in FILE` shows when it holds"),
        ReadCredentialsError::Mismatch { .. } => {
            failure.remedy("name the key with which this certificate was asked for")
        }
        ReadCredentialsError::NoAuthority { .. } => {
            failure.remedy("name the certificate of whoever signed it, or take it out of the file")
        }
        ReadCredentialsError::File { .. } => {
            failure.remedy("name a file that is there and that this user may read")
        }
        ReadCredentialsError::Damaged { .. } | ReadCredentialsError::Unusable { .. } => failure,
    }
}

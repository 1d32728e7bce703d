//! Streams of a client that speak TLS.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aegis_api::{Address, Connect, Stream, SystemConnector};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::error::SecureError;
use crate::read::{Authorities, Credentials};

/// Makes streams to services that speak TLS, and plain ones to all others.
///
/// The name in the address must stand in the service's certificate.
#[derive(Clone, Debug)]
pub struct SecureConnector {
    settings: Arc<ClientConfig>,
    plain: SystemConnector,
}

impl SecureConnector {
    /// Returns a connector that believes `authorities`, and shows `own` to
    /// services that want a certificate.
    ///
    /// # Errors
    ///
    /// What is wrong with the credentials.
    pub fn new(
        authorities: &Authorities,
        own: Option<&Credentials>,
    ) -> Result<Self, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities.0.clone());
        let mut settings = match own {
            None => builder.with_no_client_auth(),
            Some(own) => builder.with_client_auth_cert(own.chain.clone(), own.key.clone_key())?,
        };
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        settings.resumption = Resumption::disabled();
        Ok(Self {
            settings: Arc::new(settings),
            plain: SystemConnector::default(),
        })
    }

    fn secured(
        &self,
        host: &str,
        mut stream: Box<dyn Stream>,
        deadline: Instant,
    ) -> io::Result<SecureStream> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| SecureError::HostName(host.to_owned()))?;
        let settings = Arc::clone(&self.settings);
        let mut connection = ClientConnection::new(settings, name).map_err(SecureError::Broken)?;
        while connection.is_handshaking() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late());
            }
            stream.bound(left)?;
            while connection.wants_write() {
                connection.write_tls(&mut stream)?;
            }
            if !connection.is_handshaking() {
                break;
            }
            if connection.read_tls(&mut stream).map_err(in_time)? == 0 {
                let message = "it closed the connection before it said who it is";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            if let Err(error) = connection.process_new_packets() {
                // The service learns why, if it still listens.
                let _ = connection.write_tls(&mut stream);
                return Err(SecureError::of_client(error, host).into());
            }
        }
        Ok(SecureStream {
            inner: StreamOwned::new(connection, stream),
            host: host.to_owned(),
        })
    }
}

impl Connect for SecureConnector {
    fn connect(&self, address: &Address, left: Duration) -> io::Result<Box<dyn Stream>> {
        let Address::Tcp {
            host,
            port,
            is_tls: true,
        } = address
        else {
            return self.plain.connect(address, left);
        };
        let deadline = Instant::now() + left;
        let below = Address::Tcp {
            host: host.clone(),
            port: *port,
            is_tls: false,
        };
        let stream = self.plain.connect(&below, left)?;
        Ok(Box::new(self.secured(host, stream, deadline)?))
    }
}

/// A stream that speaks TLS over another one.
struct SecureStream {
    inner: StreamOwned<ClientConnection, Box<dyn Stream>>,
    host: String,
}

impl SecureStream {
    /// Says in our words what went wrong.
    ///
    /// In version 1.3 the service says what it thinks of the client's
    /// certificate when the handshake is over for the client.
    fn told(&self, error: io::Error) -> io::Error {
        match error.downcast::<rustls::Error>() {
            Ok(error) => SecureError::of_client(error, &self.host).into(),
            Err(error) => error,
        }
    }
}

impl Read for SecureStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        read.map_err(|error| self.told(error))
    }
}

impl Write for SecureStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer);
        written.map_err(|error| self.told(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        flushed.map_err(|error| self.told(error))
    }
}

impl Stream for SecureStream {
    fn bound(&self, left: Duration) -> io::Result<()> {
        self.inner.sock.bound(left)
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it did not say in time who it is")
}

fn in_time(error: io::Error) -> io::Error {
    if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind()) {
        return late();
    }
    error
}

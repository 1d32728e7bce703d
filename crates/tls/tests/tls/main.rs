//! Certificates as they come from an authority, and services as a client meets them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[allow(dead_code)]
mod authority;

use std::fs::{self, Permissions};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use aegis_api::{Address, Connect as _};
use aegis_canon::Digest;
use aegis_tls::{
    Authorities, Certificate, Credentials, Opened, ReadCredentialsError, SecureConnector,
    SecureError,
};
use aegis_types::Timestamp;
use rcgen::{BasicConstraints, DistinguishedName, DnType, IsCa, KeyUsagePurpose, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use tempfile::TempDir;

use authority::{Authority, Issued, client_params, host, mail, service_params, uri};

/// A moment at which what is signed here holds.
const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

#[test]
fn a_certificate_says_all_names_of_its_holder() {
    let names = [
        uri("spiffe://acme/bot"),
        host("Bot.Acme.Example"),
        mail("bot@acme.example"),
        host("bot"),
    ];
    let mut params = client_params(&names);
    params.not_before = date_time_ymd(2026, 1, 2);
    params.not_after = date_time_ymd(2027, 3, 4);
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Acme, Inc. + Sons");
    for (kind, text) in [
        (DnType::CountryName, "DE"),
        (DnType::StateOrProvinceName, "BW"),
        (DnType::LocalityName, "Ulm"),
        (DnType::OrganizationalUnitName, "Größe"),
        (DnType::CommonName, "#bot "),
    ] {
        params.distinguished_name.push(kind, text);
    }
    let issued = Authority::new("tests").sign(&params);
    let expected = Certificate {
        subject: "CN=\\#bot\\ ,OU=Größe,L=Ulm,ST=BW,C=DE,O=Acme\\, Inc. \\+ Sons".to_owned(),
        hosts: vec!["bot.acme.example".to_owned(), "bot".to_owned()],
        uris: vec!["spiffe://acme/bot".to_owned()],
        mails: vec!["bot@acme.example".to_owned()],
        is_authority: false,
        fingerprint: Digest::of(&issued.der),
        begins_at: Timestamp::from_unix_ms(1_767_312_000_000),
        ends_at: Timestamp::from_unix_ms(1_804_118_400_000),
    };
    assert_eq!(Certificate::parse(&issued.der).unwrap(), expected);
    for end in 0..issued.der.len() {
        assert!(Certificate::parse(&issued.der[..end]).is_err(), "{end}");
    }
}

/// A folder with a certificate and its key.
struct Files {
    folder: TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
            authority: Authority::new("tests"),
        };
        files.put(&files.authority.service(&["localhost"]));
        files
    }

    fn put(&self, issued: &Issued) {
        issued.write(self.folder.path(), "own");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self) -> Result<Credentials, ReadCredentialsError> {
        let (chain, key) = (self.path("own.pem"), self.path("own.key"));
        Credentials::read((&chain, opened(&chain)?), (&key, opened(&key)?), NOW)
    }

    /// Reads the files after `change`, which must be told with `cause`.
    #[track_caller]
    fn fails(&self, change: impl FnOnce(&Path), cause: &str) {
        self.put(&self.authority.service(&["localhost"]));
        self.read().unwrap();
        change(self.folder.path());
        let said = self.read().unwrap_err().to_string();
        assert!(said.contains(cause), "{said}");
    }
}

#[test]
fn what_is_no_certificate_or_no_secret_key_is_told() {
    let files = Files::new();
    let write = |name: &'static str, text: &str| {
        let text = text.to_owned();
        move |folder: &Path| fs::write(folder.join(name), text).unwrap()
    };
    files.fails(write("own.pem", ""), "holds no certificate");
    files.fails(write("own.pem", "nonsense"), "holds no certificate");
    let damaged = "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n";
    files.fails(write("own.pem", damaged), "is damaged");
    files.fails(write("own.key", "nonsense"), "holds no private key");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n\
                     -----END ENCRYPTED PRIVATE KEY-----\n";
    files.fails(write("own.key", encrypted), "is encrypted");
    let other = files.authority.service(&["localhost"]);
    files.fails(
        write("own.pem", &other.pem),
        "is not that of the certificate",
    );
    let expired = files.authority.expired_service(&["localhost"]);
    files.fails(|_| files.put(&expired), "expired");
    let remove = |folder: &Path| fs::remove_file(folder.join("own.pem")).unwrap();
    files.fails(remove, "cannot be read");
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let files = Files::new();
    let is_root = fs::metadata(files.path("own.key")).unwrap();
    let is_root = std::os::unix::fs::MetadataExt::uid(&is_root) == 0;
    for (mode, is_private) in [
        (0o600, true),
        (0o400, true),
        (0o700, true),
        // A group may read what belongs to root, and nobody may change it.
        (0o640, is_root),
        (0o660, false),
        (0o604, false),
        (0o601, false),
        (0o644, false),
    ] {
        fs::set_permissions(files.path("own.key"), Permissions::from_mode(mode)).unwrap();
        let found = files.read();
        assert_eq!(found.is_ok(), is_private, "{mode:o}");
        if let Err(error) = found {
            assert!(
                error
                    .to_string()
                    .ends_with(&format!("its mode is {mode:o}"))
            );
        }
    }
}

#[test]
fn a_bundle_of_authorities_has_at_least_one() {
    let files = Files::new();
    let bundle = format!("{}{}", files.authority.pem, Authority::new("else").pem);
    fs::write(files.path("ca.pem"), bundle).unwrap();
    authorities(&files.path("ca.pem")).unwrap();
    fs::write(files.path("ca.pem"), "# none\n").unwrap();
    let error = authorities(&files.path("ca.pem")).unwrap_err();
    assert!(
        matches!(error, ReadCredentialsError::NoCertificate(_)),
        "{error:?}"
    );
}

#[test]
fn a_bundle_of_authorities_has_nobody_who_may_not_sign() {
    let files = Files::new();
    let path = files.path("ca.pem");
    let mut for_nothing_else = service_params(&["plain.example"]);
    for_nothing_else.is_ca = IsCa::ExplicitNoCa;
    let mut without_the_right = service_params(&["plain.example"]);
    without_the_right.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    without_the_right.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let silent = service_params(&["plain.example"]);
    for mut params in [for_nothing_else, without_the_right.clone(), silent] {
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "plain");
        let other = files.authority.sign(&params);
        fs::write(&path, format!("{}{}", files.authority.pem, other.pem)).unwrap();
        let error = authorities(&path).unwrap_err().to_string();
        let expected = format!(
            "certificate 2 of `{}`, `CN=plain`, is no authority: it may sign no others",
            path.display()
        );
        assert_eq!(error, expected);
    }
    without_the_right
        .key_usages
        .push(KeyUsagePurpose::KeyCertSign);
    let other = files.authority.sign(&without_the_right);
    fs::write(&path, &other.pem).unwrap();
    authorities(&path).unwrap();
}

/// Answers one connection with the certificate `issued`, whatever it says.
fn serve_once(issued: &Issued) -> (SocketAddr, JoinHandle<()>) {
    let chain = vec![CertificateDer::from(issued.der.clone())];
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let settings = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(settings)).unwrap();
        while connection.is_handshaking() {
            if connection.complete_io(&mut stream).is_err() {
                return;
            }
        }
        connection.writer().write_all(b"hello").unwrap();
        let _ = connection.complete_io(&mut stream);
    });
    (address, thread)
}

/// Returns what a client of `authority` reads from a service with `issued`.
fn met(authority: &Authority, issued: &Issued) -> io::Result<String> {
    let (address, thread) = serve_once(issued);
    let found = client(authority)
        .connect(&named(address), Duration::from_secs(20))
        .and_then(|mut stream| {
            let mut bytes = [0; 5];
            stream.read_exact(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        });
    thread.join().unwrap();
    found
}

fn opened(path: &Path) -> Result<Opened, ReadCredentialsError> {
    let opened = fs::File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (found, file) = opened.map_err(|source| ReadCredentialsError::unread(path, source))?;
    Ok((file, found))
}

fn authorities(path: &Path) -> Result<Authorities, ReadCredentialsError> {
    Authorities::read(path, opened(path)?)
}

fn client(authority: &Authority) -> SecureConnector {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    fs::write(&path, &authority.pem).unwrap();
    SecureConnector::new(&authorities(&path).unwrap(), None).unwrap()
}

fn named(address: SocketAddr) -> Address {
    Address::Tcp {
        host: "localhost".to_owned(),
        port: address.port(),
        is_tls: true,
    }
}

#[test]
fn a_client_speaks_with_whom_it_knows_and_says_why_not_with_others() {
    let authority = Authority::new("tests");
    let good = authority.service(&["localhost"]);
    assert_eq!(met(&authority, &good).unwrap(), "hello");
    let mut later = service_params(&["localhost"]);
    later.not_before = date_time_ymd(2090, 1, 1);
    let mut for_clients = client_params(&[host("localhost")]);
    for_clients.not_after = date_time_ymd(2090, 1, 1);
    for (issued, cause) in [
        (
            Authority::new("else").service(&["localhost"]),
            "no authority that is trusted",
        ),
        (
            Authority::new("tests").service(&["localhost"]),
            "certificate",
        ),
        (
            authority.service(&["a.example", "b.example"]),
            "`a.example`, `b.example`",
        ),
        (authority.expired_service(&["localhost"]), "has expired"),
        (authority.sign(&later), "does not hold yet"),
        (authority.sign(&for_clients), "cannot be used"),
    ] {
        let error = met(&authority, &issued).unwrap_err();
        let inner = error
            .get_ref()
            .and_then(|it| it.downcast_ref::<SecureError>());
        let said = inner.unwrap_or_else(|| panic!("{error:?}")).to_string();
        assert!(said.contains(cause), "{said}");
    }
}

#[test]
fn a_service_that_says_nothing_costs_the_client_its_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = named(listener.local_addr().unwrap());
    let authority = Authority::new("tests");
    let left = Duration::from_millis(200);
    let Err(error) = client(&authority).connect(&address, left) else {
        panic!("nobody answered");
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_host_that_can_stand_in_no_certificate_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // The system takes it for an address all the same.
    let address: Address = format!("https://127.1:{port}").parse().unwrap();
    let connected = client(&Authority::new("tests")).connect(&address, Duration::from_secs(1));
    let Err(error) = connected else {
        panic!("there is no such name");
    };
    assert_eq!(error.to_string(), "`127.1` is no name of a host");
}

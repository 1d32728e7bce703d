//! An authority of the tests, and certificates that it signs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};

/// Signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub pem: String,
}

/// A certificate and its key.
pub struct Issued {
    pub pem: String,
    pub key: String,
    pub der: Vec<u8>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Signs a certificate of a service for `hosts`.
    pub fn service(&self, hosts: &[&str]) -> Issued {
        self.sign(&service_params(hosts))
    }

    /// Signs a certificate of a service that has ended.
    pub fn expired_service(&self, hosts: &[&str]) -> Issued {
        let mut params = service_params(hosts);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(&params)
    }

    /// Signs a certificate of a client with these names.
    pub fn client(&self, names: &[SanType]) -> Issued {
        self.sign(&client_params(names))
    }

    /// Signs a certificate of a client that has ended.
    pub fn expired_client(&self, names: &[SanType]) -> Issued {
        let mut params = client_params(names);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(&params)
    }

    /// Signs whatever `params` say.
    pub fn sign(&self, params: &CertificateParams) -> Issued {
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Issued {
            pem: signed.pem(),
            key: key.serialize_pem(),
            der: signed.der().to_vec(),
        }
    }
}

impl Issued {
    /// Writes `NAME.pem` and `NAME.key` into `folder`.
    pub fn write(&self, folder: &Path, name: &str) {
        fs::write(folder.join(format!("{name}.pem")), &self.pem).unwrap();
        let key = folder.join(format!("{name}.key"));
        fs::write(&key, &self.key).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    }
}

pub fn service_params(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

pub fn client_params(names: &[SanType]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.to_vec();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// Returns the name of a client as SPIFFE writes it.
pub fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

pub fn host(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

pub fn mail(text: &str) -> SanType {
    SanType::Rfc822Name(text.try_into().unwrap())
}

//! Whom to trust, and who one is: certificates from files.

use std::path::{Path, PathBuf};

use redis::{ClientTlsConfig, TlsCertificates};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// Files of certificates in PEM format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Authorities that are trusted, in the place of the system's.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to the Redis server, and its private key.
    pub own: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// For connections to the Redis server; `None` where no file is named.
    pub(super) fn of_redis(&self) -> Result<Option<TlsCertificates>, String> {
        if *self == Self::default() {
            return Ok(None);
        }
        let root_cert = match &self.ca {
            None => None,
            Some(path) => {
                authorities(path)?;
                Some(read("--tls-ca", path)?)
            }
        };
        let client_tls = match &self.own {
            None => None,
            Some((certificate, key)) => {
                let (client_cert, client_key) = (read("--tls-cert", certificate)?, read("--tls-key", key)?);
                if certificates(&client_cert).is_none_or(|found| found.is_empty()) {
                    return Err(no_certificate("--tls-cert", certificate));
                }
                if PrivateKeyDer::from_pem_slice(&client_key).is_err() {
                    return Err(format!(
                        "--tls-key {}: it holds no private key in PEM format (-----BEGIN PRIVATE KEY-----)",
                        key.display()
                    ));
                }
                Some(ClientTlsConfig { client_cert, client_key })
            }
        };
        Ok(Some(TlsCertificates { client_tls, root_cert }))
    }

    /// For connections to an origin, which is shown no certificate.
    pub(super) fn config(&self) -> Result<ClientConfig, String> {
        let roots = if let Some(path) = &self.ca {
            authorities(path)?
        } else {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        };
        Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    }
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{option} {}: {error}", path.display()))
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()
}

fn no_certificate(option: &str, path: &Path) -> String {
    format!(
        "{option} {}: it holds no certificate in PEM format (-----BEGIN CERTIFICATE-----)",
        path.display()
    )
}

/// The authorities in a file.
fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let pem = read("--tls-ca", path)?;
    let mut roots = RootCertStore::empty();
    let found = certificates(&pem).unwrap_or_default();
    let added = found.into_iter().try_for_each(|certificate| roots.add(certificate));
    if roots.is_empty() || added.is_err() {
        return Err(no_certificate("--tls-ca", path));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let tls = Tls { ca: Some(path.clone()), own: None };
        assert!(tls.config().unwrap_err().contains("ca.pem"), "it is not there");
        std::fs::write(&path, "nothing").unwrap();
        for why in [tls.config().unwrap_err(), tls.of_redis().unwrap_err()] {
            assert!(why.contains("--tls-ca") && why.contains("BEGIN CERTIFICATE"), "{why}");
        }
        let own = Tls { ca: None, own: Some((path.clone(), path)) };
        assert!(own.of_redis().unwrap_err().contains("--tls-cert"));
        assert_eq!(Tls::default().of_redis().unwrap().map(|_| ()), None);
    }
}

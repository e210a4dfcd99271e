//! A certificate authority for one test, and TLS connections that trust it.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::scene::DOMAIN;

/// Signs the certificates of all programs of a test.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: PathBuf,
}

/// Certificate and key of one program, as PEM files.
pub struct Credentials {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Both in one file, as baresip wants them.
    pub both: PathBuf,
}

/// An authenticated stream.
pub type TlsStream = StreamOwned<ClientConnection, TcpStream>;

impl Authority {
    pub fn new(dir: &Path) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Kirkwall test authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(dir.join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, dir: dir.to_owned() }
    }

    /// The file with the authority's own certificate.
    pub fn file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// A certificate for 127.0.0.1, `localhost` and the test domain, for server and client use.
    pub fn issue(&self, name: &str) -> Credentials {
        let names = ["127.0.0.1", "localhost", DOMAIN].map(String::from);
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "127.0.0.1");
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        let file = |suffix: &str, text: String| {
            let path = self.dir.join(format!("{name}-{suffix}.pem"));
            std::fs::write(&path, text).unwrap();
            path
        };
        Credentials {
            both: file("both", format!("{certificate}{}", key.serialize_pem())),
            key: file("key", key.serialize_pem()),
            certificate: file("cert", certificate),
        }
    }

    /// A TLS connection to a program that holds a certificate of this authority.
    pub fn connect(&self, to: SocketAddr, patience: Duration) -> std::io::Result<TlsStream> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.file()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::IpAddress(to.ip().into());
        let socket = TcpStream::connect_timeout(&to, patience)?;
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        let session = ClientConnection::new(Arc::new(config), name).map_err(std::io::Error::other)?;
        Ok(StreamOwned::new(session, socket))
    }
}

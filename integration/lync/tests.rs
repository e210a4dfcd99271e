//! The inner handshake against a server of OpenSSL's own, over buffers.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kirkwall_core::lync::tls_dsk::{DskPort, DskSource, DskStep, KEY_LABEL, KEY_MATERIAL, are_records};
use openssl::pkey::PKey;
use openssl::ssl::{HandshakeError, Ssl, SslContext, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::{Provisioner, UserCertificate, UserTls};

const NAME: &str = "fe1.contoso.com";

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "CA of the test");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> (X509, PKey<openssl::pkey::Private>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let made = params.signed_by(&key, &self.0).unwrap();
        let certificate = X509::from_pem(made.pem().as_bytes()).unwrap();
        (certificate, PKey::private_key_from_pem(key.serialize_pem().as_bytes()).unwrap())
    }
}

/// What the client wrote, and what is written to it.
#[derive(Debug, Default)]
struct Pipe(Vec<u8>, Vec<u8>);

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(into.len());
        into[..count].copy_from_slice(&self.0[..count]);
        self.0.drain(..count);
        if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
    }
}

impl Write for Pipe {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.1.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn server(authority: &Authority, name: &str) -> Ssl {
    let mut builder = SslContext::builder(SslMethod::tls_server()).unwrap();
    let (certificate, key) = authority.issue(name);
    builder.set_certificate(&certificate).unwrap();
    builder.set_private_key(&key).unwrap();
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(X509::from_pem(authority.0.pem().as_bytes()).unwrap()).unwrap();
    builder.set_cert_store(store.build());
    builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    Ssl::new(&builder.build()).unwrap()
}

fn user(authority: &Authority, certificate: (X509, PKey<openssl::pkey::Private>), life: Duration) -> UserTls {
    let tls = UserTls::new(Arc::new(Provisioner::new(Some(authority.0.pem()), true).unwrap()));
    let (certificate, key) = certificate;
    let fetched = SystemTime::now();
    tls.keep(UserCertificate { certificate, key, fetched, not_after: fetched + life });
    tls
}

/// Carries flights until both ends are done, or the words of the end that breaks off.
fn shake(mut port: Box<dyn DskPort>, server: Ssl) -> Result<(DskStep, SslStream<Pipe>), String> {
    let words = |fault: kirkwall_core::lync::tls_dsk::DskFailure| fault.to_string();
    let mut channel = port.open(NAME).map_err(words)?;
    let mut step = channel.advance(&[]).map_err(words)?;
    let mut went = server.accept(Pipe(flight(step), Vec::new()));
    loop {
        let sent = match &mut went {
            Ok(done) => std::mem::take(&mut done.get_mut().1),
            Err(HandshakeError::WouldBlock(amid)) => std::mem::take(&mut amid.get_mut().1),
            Err(error) => return Err(format!("server: {error}")),
        };
        step = channel.advance(&sent).map_err(words)?;
        went = match (step, went) {
            (DskStep::Send(flight), Err(HandshakeError::WouldBlock(mut amid))) => {
                assert!(are_records(&flight));
                amid.get_mut().0 = flight;
                amid.handshake()
            }
            (step, Ok(done)) => return Ok((step, done)),
            (step, _) => return Err(format!("the client is done first: {step:?}")),
        };
    }
}

fn flight(step: DskStep) -> Vec<u8> {
    match step {
        DskStep::Send(flight) if are_records(&flight) => flight,
        step => panic!("{step:?}"),
    }
}

const DAYS: Duration = Duration::from_secs(180 * 86_400);

#[test]
fn both_ends_derive_the_same_keys_from_a_handshake_without_a_socket() {
    let authority = Authority::new();
    let tls = user(&authority, authority.issue("anna"), DAYS);
    assert!(tls.has_certificate());
    let (step, server) = shake(tls.port(), server(&authority, NAME)).unwrap();
    let DskStep::Established { material, hash, certificate_left } = step else { panic!("{step:?}") };
    let mut theirs = [0; KEY_MATERIAL];
    server.ssl().export_keying_material(&mut theirs, KEY_LABEL, None).unwrap();
    assert_eq!(material.0, theirs);
    assert_eq!(hash, kirkwall_core::lync::tls_dsk::DskHash::Sha1);
    assert!(certificate_left <= DAYS && certificate_left > DAYS / 2);
}

#[test]
fn a_server_of_another_name_or_authority_is_told_apart() {
    let (authority, other) = (Authority::new(), Authority::new());
    let tls = user(&authority, authority.issue("anna"), DAYS);
    let why = shake(tls.port(), server(&authority, "fe2.contoso.com")).unwrap_err();
    assert!(why.contains("hostname mismatch"), "{why}");
    let why = shake(tls.port(), server(&other, NAME)).unwrap_err();
    assert!(why.contains("the certificate of fe1.contoso.com is not accepted"), "{why}");
}

#[test]
fn a_certificate_is_used_until_the_last_third_of_its_life_and_forgotten_when_refused() {
    let authority = Authority::new();
    let mut tls = user(&authority, authority.issue("anna"), Duration::from_secs(30));
    assert!(tls.has_certificate());
    let mut old = tls.kept().clone().unwrap();
    old.fetched -= Duration::from_secs(60);
    tls.keep(UserCertificate { not_after: old.fetched + Duration::from_secs(70), ..old });
    assert!(!tls.has_certificate(), "a third of 70 s is more than the 10 s that are left");
    tls.forget_certificate();
    assert!(tls.open(NAME).unwrap_err().to_string().contains("no certificate"));
}

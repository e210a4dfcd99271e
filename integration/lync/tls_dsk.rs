//! The inner handshake of TLS-DSK ([MS-SIPAE] §3.2.5.1) by OpenSSL: no socket, only flights.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kirkwall_core::lync::tls_dsk::{
    DskChannel, DskFailure, DskHash, DskPort, DskSource, DskStep, KEY_LABEL, KEY_MATERIAL,
};
use kirkwall_core::pii::Pii;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    HandshakeError, MidHandshakeSslStream, Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslRef,
    SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::{X509, X509VerifyResult};

use super::Provisioner;

/// Suites whose MAC is HMAC-SHA1: signatures follow it. The TLS around the SIP protects what goes by; this
/// one only proves the certificate, so that the oldest versions will do.
const SUITES: &str = "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:\
    AES256-SHA:AES128-SHA:@SECLEVEL=0";
/// A certificate that ends sooner is not begun with, if its life is long; else a third of its life.
const LASTS: Duration = Duration::from_secs(3_600);

/// A user's certificate and its key.
#[derive(Clone)]
pub struct UserCertificate {
    pub(super) certificate: X509,
    pub(super) key: PKey<Private>,
    pub(super) fetched: SystemTime,
    pub(super) not_after: SystemTime,
}

impl fmt::Debug for UserCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserCertificate").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl UserCertificate {
    fn left(&self, now: SystemTime) -> Duration {
        self.not_after.duration_since(now).unwrap_or_default()
    }

    fn lasts(&self, now: SystemTime) -> bool {
        let life = self.not_after.duration_since(self.fetched).unwrap_or_default();
        self.left(now) > LASTS.min(life / 3)
    }
}

/// One user's certificate, shared by who fetches it and who proves himself by it.
#[derive(Debug, Clone)]
pub struct UserTls {
    provisioner: Arc<Provisioner>,
    kept: Arc<Mutex<Option<UserCertificate>>>,
}

impl UserTls {
    /// Without a certificate yet.
    pub fn new(provisioner: Arc<Provisioner>) -> Self {
        Self { provisioner, kept: Arc::default() }
    }

    /// Keeps a certificate in place of the old one.
    pub fn keep(&self, certificate: UserCertificate) {
        *self.kept() = Some(certificate);
    }

    /// Who fetches it.
    pub fn provisioner(&self) -> &Arc<Provisioner> {
        &self.provisioner
    }

    /// A panic elsewhere leaves it whole: it is replaced by one move.
    pub(super) fn kept(&self) -> MutexGuard<'_, Option<UserCertificate>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DskSource for UserTls {
    fn port(&self) -> Box<dyn DskPort> {
        Box::new(self.clone())
    }
}

impl DskPort for UserTls {
    fn has_certificate(&self) -> bool {
        self.kept().as_ref().is_some_and(|kept| kept.lasts(SystemTime::now()))
    }

    fn forget_certificate(&mut self) {
        *self.kept() = None;
    }

    fn open(&mut self, target_name: &str) -> Result<Box<dyn DskChannel>, DskFailure> {
        let kept = self.kept().clone();
        let kept = kept.ok_or_else(|| DskFailure("the user has no certificate".into()))?;
        let ssl = context(&kept, &self.provisioner).and_then(|context| ssl(&context, target_name));
        let ssl = ssl.map_err(|error| DskFailure(format!("TLS cannot be set up: {error}")))?;
        let left = kept.left(SystemTime::now());
        Ok(Box::new(Channel { state: State::Fresh(ssl), target_name: target_name.to_owned(), left }))
    }
}

fn context(kept: &UserCertificate, provisioner: &Provisioner) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContextBuilder::new(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1))?;
    builder.set_max_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_cipher_list(SUITES)?;
    // Each flight is a message of SIP: tickets and resumption would save none.
    builder.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_TICKET);
    builder.set_certificate(&kept.certificate)?;
    builder.set_private_key(&kept.key)?;
    match provisioner.store()? {
        Some(store) => builder.set_cert_store(store),
        None => builder.set_default_verify_paths()?,
    }
    builder.set_verify(if provisioner.verifies() { SslVerifyMode::PEER } else { SslVerifyMode::NONE });
    Ok(builder.build())
}

fn ssl(context: &SslContext, target_name: &str) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(context)?;
    ssl.param_mut().set_host(target_name)?;
    Ok(ssl)
}

/// One handshake.
struct Channel {
    state: State,
    target_name: String,
    /// How long the certificate is good.
    left: Duration,
}

enum State {
    Fresh(Ssl),
    Amid(MidHandshakeSslStream<Flights>),
    Over,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("target_name", &self.target_name).finish_non_exhaustive()
    }
}

impl DskChannel for Channel {
    fn advance(&mut self, flight: &[u8]) -> Result<DskStep, DskFailure> {
        let went = match std::mem::replace(&mut self.state, State::Over) {
            State::Fresh(ssl) => ssl.connect(Flights::default()),
            State::Amid(mut amid) => {
                amid.get_mut().take_in(flight);
                amid.handshake()
            }
            State::Over => return Err(DskFailure("the handshake is over already".into())),
        };
        match went {
            Ok(done) => self.established(&done),
            Err(HandshakeError::WouldBlock(mut amid)) => {
                let out = std::mem::take(&mut amid.get_mut().outgoing);
                self.state = State::Amid(amid);
                match out.is_empty() {
                    false => Ok(DskStep::Send(out)),
                    true => Err(DskFailure(format!("the flight of {} is cut short", self.target_name))),
                }
            }
            Err(HandshakeError::SetupFailure(error)) => Err(DskFailure(error.to_string())),
            Err(HandshakeError::Failure(failed)) => Err(DskFailure(self.words(failed.ssl(), failed.error()))),
        }
    }
}

impl Channel {
    fn established(&self, done: &SslStream<Flights>) -> Result<DskStep, DskFailure> {
        let ssl = done.ssl();
        let suite = ssl.current_cipher().map_or("", |cipher| cipher.name());
        let hash = match suite.rsplit('-').next() {
            Some("SHA") => DskHash::Sha1,
            Some("MD5") => DskHash::Md5,
            _ => return Err(DskFailure(format!("the suite {suite} has no MAC to sign with"))),
        };
        let mut material = [0; KEY_MATERIAL];
        ssl.export_keying_material(&mut material, KEY_LABEL, None)
            .map_err(|error| DskFailure(format!("no keys: {error}")))?;
        Ok(DskStep::Established { material: Pii(material), hash, certificate_left: self.left })
    }

    /// OpenSSL's own for a bad chain is "certificate verify failed" and nothing else.
    fn words(&self, ssl: &SslRef, error: &openssl::ssl::Error) -> String {
        let name = &self.target_name;
        match ssl.verify_result() {
            X509VerifyResult::OK => {
                let reasons = error.ssl_error().map(ErrorStack::errors).unwrap_or_default();
                let reason = reasons.iter().find_map(|one| one.reason()).unwrap_or("it is broken off");
                format!("{name} does not take the handshake: {reason}")
            }
            why => format!("the certificate of {name} is not accepted: {}", why.error_string()),
        }
    }
}

/// What came and what goes, in place of a socket.
#[derive(Debug, Default)]
struct Flights {
    incoming: Vec<u8>,
    read: usize,
    outgoing: Vec<u8>,
}

impl Flights {
    fn take_in(&mut self, flight: &[u8]) {
        (self.incoming, self.read) = (flight.to_vec(), 0);
    }
}

impl Read for Flights {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.incoming[self.read..];
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Flights {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

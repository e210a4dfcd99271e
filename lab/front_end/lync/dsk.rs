//! TLS-DSK, the server's half: an inner TLS handshake by OpenSSL over buffers, and the keys that it gives
//! ([MS-SIPAE] 3.3.5). Written here a second time, as NTLM is.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::{Mutex, OnceLock};

use hmac::{Hmac, KeyInit, Mac};
use openssl::ssl::{
    HandshakeError, MidHandshakeSslStream, Ssl, SslContext, SslMethod, SslOptions, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use sha1::Sha1;

use super::associations::Endpoint;
use crate::ntlm::Direction;
use crate::sip::Failure;
use crate::sip::endpoint::locked;
use crate::sip::tls::Authority;

/// Most handshakes under way.
const MAX_HANDSHAKES: usize = 8_192;
/// Suites with a MAC of SHA-1: the signatures follow it.
const SUITES: &str = "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0";

/// See the module.
pub(super) struct Dsk {
    context: SslContext,
    /// Where certificates are given, known once the web services listen.
    pub(super) service: OnceLock<String>,
    /// By opaque.
    under_way: Mutex<HashMap<String, (Endpoint, Handshake)>>,
}

enum Handshake {
    Amid(Box<MidHandshakeSslStream<Flights>>),
    Done { keys: Keys, user: String },
}

/// What one flight leads to.
pub(super) enum Step {
    /// Answer with these records under this opaque.
    Flight { opaque: String, data: Vec<u8> },
    /// It is broken off, with the reason.
    Broken(String),
}

/// Keys of both directions. Debug shows nothing.
#[derive(Clone)]
pub(super) struct Keys {
    client: [u8; 32],
    server: [u8; 32],
}

impl Keys {
    /// RFC 5216 2.3: 64 octets of MSK, then 64 of EMSK, whose halves are the two keys.
    fn of(material: &[u8; 128]) -> Self {
        let quarter = |n: usize| std::array::from_fn(|at| material[32 * n + at]);
        Self { client: quarter(2), server: quarter(3) }
    }

    pub(super) fn sign(&self, direction: Direction, text: &str) -> String {
        let key = match direction {
            Direction::FromClient => &self.client,
            Direction::FromServer => &self.server,
        };
        let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

impl Dsk {
    /// With a certificate of this authority for `name`; users' certificates must be of it too.
    pub(super) fn new(authority: &Authority, name: &str) -> Result<Self, Failure> {
        let (certificate, key) = authority.issue(&[name.to_owned()], &[])?;
        let context = context(&certificate, &key, &authority.pem());
        let context = context.map_err(|error| Failure::io("TLS-DSK", error))?;
        Ok(Self { context, service: OnceLock::new(), under_way: Mutex::default() })
    }

    /// A client's first flight.
    pub(super) fn begin(&self, endpoint: Endpoint, flight: &[u8]) -> Step {
        let ssl = match Ssl::new(&self.context) {
            Ok(ssl) => ssl,
            Err(error) => return Step::Broken(error.to_string()),
        };
        let opaque = format!("{:08X}", rand::random::<u32>());
        let flights = Flights { incoming: flight.to_vec(), ..Flights::default() };
        self.keep(opaque, endpoint, ssl.accept(flights))
    }

    /// A later flight of the handshake of that name.
    pub(super) fn go_on(&self, opaque: &str, endpoint: &Endpoint, flight: &[u8]) -> Step {
        let found = locked(&self.under_way).remove(opaque);
        match found {
            Some((whose, Handshake::Amid(mut amid))) if whose == *endpoint => {
                let flights = amid.get_mut();
                (flights.incoming, flights.read) = (flight.to_vec(), 0);
                self.keep(opaque.to_owned(), whose, amid.handshake())
            }
            _ => Step::Broken("opaque is of no handshake of this user, epid and connection".into()),
        }
    }

    /// The keys of a handshake that is over, and whose certificate was shown.
    pub(super) fn finish(&self, opaque: &str, endpoint: &Endpoint) -> Option<(Keys, String)> {
        match locked(&self.under_way).remove(opaque) {
            Some((whose, Handshake::Done { keys, user })) if whose == *endpoint => Some((keys, user)),
            _ => None,
        }
    }

    fn keep(
        &self,
        opaque: String,
        endpoint: Endpoint,
        went: Result<openssl::ssl::SslStream<Flights>, HandshakeError<Flights>>,
    ) -> Step {
        let (data, handshake) = match went {
            Err(HandshakeError::WouldBlock(mut amid)) => {
                (std::mem::take(&mut amid.get_mut().outgoing), Handshake::Amid(Box::new(amid)))
            }
            Ok(mut done) => {
                let data = std::mem::take(&mut done.get_mut().outgoing);
                let mut material = [0; 128];
                if let Err(error) =
                    done.ssl().export_keying_material(&mut material, "client EAP encryption", None)
                {
                    return Step::Broken(error.to_string());
                }
                let shown = done.ssl().peer_certificate();
                let user = shown.as_deref().and_then(common_name).unwrap_or_default();
                (data, Handshake::Done { keys: Keys::of(&material), user })
            }
            Err(HandshakeError::SetupFailure(error)) => return Step::Broken(error.to_string()),
            Err(HandshakeError::Failure(failed)) => {
                return Step::Broken(match failed.ssl().verify_result() {
                    openssl::x509::X509VerifyResult::OK => failed.error().to_string(),
                    why => format!("The client certificate is not valid: {}", why.error_string()),
                });
            }
        };
        let mut under_way = locked(&self.under_way);
        if under_way.len() >= MAX_HANDSHAKES {
            return Step::Broken("too many handshakes".into());
        }
        under_way.insert(opaque.clone(), (endpoint, handshake));
        Step::Flight { opaque, data }
    }
}

fn common_name(certificate: &openssl::x509::X509Ref) -> Option<String> {
    let mut names = certificate.subject_name().entries_by_nid(openssl::nid::Nid::COMMONNAME);
    names.next()?.data().to_string().ok()
}

fn context(certificate: &str, key: &str, authority: &str) -> Result<SslContext, openssl::error::ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_server())?;
    builder.set_max_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_cipher_list(SUITES)?;
    builder.set_options(SslOptions::NO_TICKET);
    builder.set_certificate(&*X509::from_pem(certificate.as_bytes())?)?;
    builder.set_private_key(&*openssl::pkey::PKey::private_key_from_pem(key.as_bytes())?)?;
    let authority = X509::from_pem(authority.as_bytes())?;
    builder.add_client_ca(&authority)?;
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(authority)?;
    builder.set_cert_store(store.build());
    builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    Ok(builder.build())
}

/// What came and what goes.
#[derive(Debug, Default)]
struct Flights {
    incoming: Vec<u8>,
    read: usize,
    outgoing: Vec<u8>,
}

impl Read for Flights {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = &self.incoming[self.read..];
        if left.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = left.len().min(into.len());
        into[..count].copy_from_slice(&left[..count]);
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

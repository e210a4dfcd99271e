//! What a certificate says.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls_pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::PkiFault;

/// Smallest RSA key we show or believe (NIST SP 800-131A: shorter ones are disallowed).
const MIN_RSA: usize = 2_048;

/// What a certificate shall be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Shown by a TLS server.
    Server,
    /// Shown by a TLS client.
    Client,
    /// Both: SIP over MTLS.
    Both,
}

/// SHA-256 fingerprint in the usual form, `AB:CD:…`.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// The names that a certificate proves, lower case: DNS names, SIP domains and addresses of the subject
/// alternative name; the common name only when there is none of them (RFC 5922 §7.1). Empty when it does
/// not parse.
pub fn names_of(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let names = Names::of(&parsed);
    names.identities().cloned().chain(names.addresses.iter().map(IpAddr::to_string)).collect()
}

/// The SubjectPublicKeyInfo of a certificate, DER; `None` when it does not parse.
pub fn spki_of(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.public_key().raw.to_vec())
}

/// The common name of a certificate.
pub fn common_name_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    parsed.subject().iter_common_name().next()?.as_str().ok().map(str::to_owned)
}

/// Whether `certificate` proves `domain` (RFC 5922 §7).
pub(super) fn proves_domain(certificate: &X509Certificate<'_>, domain: &str) -> bool {
    // RFC 5922 §7.2: "Implementations MUST match the SIP domain identity […] case-insensitive" and "MUST
    // NOT match any form of wildcard".
    Names::of(certificate).identities().any(|name| name.eq_ignore_ascii_case(domain.trim_end_matches('.')))
}

/// Whether `certificate` proves `address`.
pub(super) fn proves_address(certificate: &X509Certificate<'_>, address: IpAddr) -> bool {
    Names::of(certificate).addresses.contains(&address)
}

/// When a certificate ends.
pub(super) fn not_after(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Refuses a certificate that peers would refuse, with words.
pub(super) fn check(
    origin: &str,
    certificate: &CertificateDer<'_>,
    usage: Usage,
    now: SystemTime,
) -> Result<(), PkiFault> {
    let parsed = parse(origin, certificate)?;
    let faults = [key_fault(&parsed), time_fault(&parsed, now), usage_fault(&parsed, usage)];
    match faults.into_iter().flatten().next() {
        Some(what) => {
            let subject = parsed.subject().to_string();
            Err(PkiFault::Unfit { origin: origin.to_owned(), subject, what })
        }
        None => Ok(()),
    }
}

/// Parses, or names the file.
pub(super) fn parse<'a>(
    origin: &str,
    certificate: &'a CertificateDer<'_>,
) -> Result<X509Certificate<'a>, PkiFault> {
    let parsed = X509Certificate::from_der(certificate);
    let what = |error: &dyn std::fmt::Display| format!("not a certificate inside the PEM: {error}");
    parsed
        .map(|(_, certificate)| certificate)
        .map_err(|error| PkiFault::Pem { origin: origin.to_owned(), what: what(&error) })
}

/// A moment as certificates print it.
pub(super) fn date(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|s| ASN1Time::from_timestamp(s).ok());
    time.map_or_else(|| format!("{seconds} s after 1970"), |t| t.to_string())
}

/// The names of a certificate, sorted by what they may prove.
struct Names {
    /// SIP URIs without user, and DNS names, of the subject alternative name.
    domains: Vec<String>,
    addresses: Vec<IpAddr>,
    common: Option<String>,
}

impl Names {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        let common = certificate.subject().iter_common_name().next();
        let common = common.and_then(|name| name.as_str().ok()).map(str::to_ascii_lowercase);
        let mut names = Self { domains: Vec::new(), addresses: Vec::new(), common };
        let Ok(Some(alternative)) = certificate.subject_alternative_name() else { return names };
        for name in &alternative.value.general_names {
            match name {
                GeneralName::DNSName(name) => names.domains.push(name.to_ascii_lowercase()),
                GeneralName::URI(uri) => names.domains.extend(sip_domain(uri)),
                GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
                _ => {}
            }
        }
        names
    }

    /// RFC 5922 §7.1: "If and only if the subjectAltName does not appear in the certificate, the
    /// implementation MAY examine the CN field" — we do, for old PBXs.
    fn identities(&self) -> impl Iterator<Item = &String> {
        let common = self.common.iter().filter(|_| self.domains.is_empty() && self.addresses.is_empty());
        self.domains.iter().chain(common)
    }
}

/// RFC 5922 §7.1: a URI "is accepted as a SIP domain identity […] if and only if the scheme is sip and
/// there is no userinfo".
fn sip_domain(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    let host = rest.split([';', '?', ':']).next()?;
    let plain = scheme.eq_ignore_ascii_case("sip") && !rest.contains('@') && !host.is_empty();
    plain.then(|| host.to_ascii_lowercase())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

pub(super) fn key_fault(certificate: &X509Certificate<'_>) -> Option<String> {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() < MIN_RSA => {
            let bits = key.key_size();
            Some(format!("its RSA key has {bits} bits, at least {MIN_RSA} are needed; issue a new one"))
        }
        Ok(PublicKey::RSA(_) | PublicKey::EC(_)) => None,
        // Ed25519 is unknown to the parser and known to TLS.
        Ok(PublicKey::Unknown(_)) => None,
        Ok(_) => Some("its kind of key cannot be used for TLS; use RSA or ECDSA".to_owned()),
        Err(error) => Some(format!("its key cannot be read: {error}")),
    }
}

fn time_fault(certificate: &X509Certificate<'_>, now: SystemTime) -> Option<String> {
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let validity = certificate.validity();
    if validity.not_after.timestamp() < now {
        return Some(format!("it expired on {}; renew it", validity.not_after));
    }
    (validity.not_before.timestamp() > now)
        .then(|| format!("it is valid only from {}; is this node's clock right?", validity.not_before))
}

fn usage_fault(certificate: &X509Certificate<'_>, usage: Usage) -> Option<String> {
    // RFC 5280 §4.2.1.12: "If the extension is present, then the certificate MUST only be used for one of
    // the purposes indicated."
    let allowed = certificate.extended_key_usage().ok()??.value;
    let lacks = |has: bool, name: &str| {
        (!has && !allowed.any)
            .then(|| format!("its extended key usage lacks {name}; have it issued with that usage"))
    };
    let server = lacks(allowed.server_auth, "serverAuth (TLS server)").filter(|_| usage != Usage::Client);
    server
        .or_else(|| lacks(allowed.client_auth, "clientAuth (TLS client)").filter(|_| usage != Usage::Server))
}

//! TLS settings for front ends that rustls cannot speak with.
//!
//! Windows Server 2008 R2 and 2012 R2 offer no cipher suite of rustls with an RSA certificate: no AES-GCM
//! with ECDHE_RSA. OpenSSL, which the media engine has brought along, speaks their CBC suites. TLS 1.0 and
//! 1.1, key exchange by RSA and SHA-1 in certificates are taken only when told so.
//!
//! Chains are checked by OpenSSL, names by the same rules as elsewhere ([`names_of`]).

use std::fmt;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslOptions, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyParam;
use rustls_pki_types::CertificateDer;

use super::{PkiFault, names_of};

/// TLS 1.2, forward secrecy, RSA certificates; the strong suites first.
const SUITES: &str = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA384:\
     ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA";
/// What servers have that were never updated. OpenSSL 3 takes TLS 1.0 at security level 0 only.
const OLD_SUITES: &str = ":AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA:@SECLEVEL=0";

/// How far back TLS goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oldest {
    /// TLS 1.2 with forward secrecy.
    Tls12,
    /// TLS 1.0, and suites without forward secrecy.
    Tls10,
}

/// What OpenSSL is told.
#[derive(Clone)]
pub struct LegacyTls {
    /// For connections that we open.
    pub client: SslContext,
    /// For connections that come to us.
    pub server: SslContext,
    /// Hosts in the north that are spoken to so, in lower case.
    pub hosts: Vec<String>,
    /// Names of whom a certificate is asked when they connect to us; none: of nobody.
    pub clients: Option<Vec<String>>,
    /// Whether certificates are checked.
    pub verified: bool,
}

impl fmt::Debug for LegacyTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyTls").field("hosts", &self.hosts).field("clients", &self.clients).finish()
    }
}

/// What it is made from, as PEM.
pub struct LegacyMaterial<'a> {
    /// Our certificate with its chain.
    pub chain: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Authorities that are believed; none: those of the system.
    pub authorities: Option<&'a str>,
    /// Whether certificates of servers are checked.
    pub verified: bool,
    /// How far back.
    pub oldest: Oldest,
}

impl LegacyTls {
    /// Both contexts.
    ///
    /// # Errors
    /// When certificate, key or authorities cannot be used.
    pub fn new(
        material: &LegacyMaterial<'_>,
        hosts: Vec<String>,
        clients: Option<Vec<String>>,
    ) -> Result<Self, PkiFault> {
        let context = |server| {
            context(material, server && clients.is_some()).map_err(|error| PkiFault::Library {
                origin: "legacy TLS".to_owned(),
                what: error.to_string(),
            })
        };
        let lower = |names: Vec<String>| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Ok(Self {
            client: context(false)?,
            server: context(true)?,
            hosts: lower(hosts),
            clients: clients.map(lower),
            verified: material.verified,
        })
    }

    /// Whether `name` is spoken to so.
    pub fn speaks_to(&self, name: &str) -> bool {
        self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
    }

    /// Whether a peer with this certificate may connect to us.
    ///
    /// # Errors
    /// With the reason in words.
    pub fn admits(&self, certificate: Option<&CertificateDer<'_>>) -> Result<(), String> {
        let (Some(allowed), shown) = (&self.clients, certificate.map(names_of).unwrap_or_default()) else {
            return Ok(());
        };
        match shown.iter().any(|name| allowed.contains(&name.to_ascii_lowercase())) {
            true => Ok(()),
            false => Err(format!(
                "the peer's certificate is for {}, and only {} may connect here",
                shown.join(", "),
                allowed.join(", ")
            )),
        }
    }
}

fn context(material: &LegacyMaterial<'_>, asks_clients: bool) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContextBuilder::new(SslMethod::tls())?;
    let (oldest, suites) = match material.oldest {
        Oldest::Tls12 => (SslVersion::TLS1_2, SUITES.to_owned()),
        Oldest::Tls10 => (SslVersion::TLS1, format!("{SUITES}{OLD_SUITES}")),
    };
    builder.set_min_proto_version(Some(oldest))?;
    builder.set_cipher_list(&suites)?;
    // RFC 5746 and RFC 7457 §2.6: neither compression nor renegotiation by the client.
    builder.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
    let mut chain = X509::stack_from_pem(material.chain.as_bytes())?.into_iter();
    if let Some(own) = chain.next() {
        builder.set_certificate(&own)?;
    }
    chain.try_for_each(|above| builder.add_extra_chain_cert(above))?;
    builder.set_private_key(&*PKey::private_key_from_pem(material.key.as_bytes())?)?;
    builder.check_private_key()?;
    believe(&mut builder, material.authorities)?;
    let mode = match (material.verified, asks_clients) {
        (false, _) => SslVerifyMode::NONE,
        (true, true) => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        (true, false) => SslVerifyMode::PEER,
    };
    builder.set_verify(mode);
    Ok(builder.build())
}

/// Front ends show us, as clients, the certificate that they have as servers; so any purpose will do, and
/// the name decides.
fn believe(builder: &mut SslContextBuilder, authorities: Option<&str>) -> Result<(), ErrorStack> {
    let Some(authorities) = authorities else { return builder.set_default_verify_paths() };
    let mut store = X509StoreBuilder::new()?;
    for authority in X509::stack_from_pem(authorities.as_bytes())? {
        store.add_cert(authority)?;
    }
    let mut any = X509VerifyParam::new()?;
    any.set_purpose(openssl::x509::X509PurposeId::ANY)?;
    store.set_param(&any)?;
    builder.set_cert_store(store.build());
    Ok(())
}

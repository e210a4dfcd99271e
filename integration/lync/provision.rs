//! A certificate for a user, from the certificate provisioning service of his front end.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kirkwall_core::id::Tokens;
use kirkwall_core::lync::ntlm::{Authenticate, NtlmPolicy, negotiate};
use kirkwall_core::lync::security_association::NtlmUser;
use kirkwall_core::lync::web_ticket::{
    self, CERTIFICATE_ACTION, CertificateAsked, Service, TICKET_ACTION, Ticket,
};
use kirkwall_core::timer::Moment;
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::{X509, X509Name, X509ReqBuilder};
use tokio::sync::Semaphore;

use super::UserCertificate;
use super::https::{Answer, Connection, Place, Request};

/// Most users who fetch theirs at once.
const AT_ONCE: usize = 16;
/// Bits of a user's key.
const KEY_BITS: u32 = 2_048;

/// Why there is no certificate: at which step, and what happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {what}")]
pub struct Fault {
    doing: &'static str,
    what: String,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Asker {
    /// `anna@contoso.com`.
    pub entity: String,
    /// UUID of the endpoint.
    pub device: String,
    /// Name and password.
    pub user: NtlmUser,
}

/// Fetches certificates for all users of a node.
pub struct Provisioner {
    authorities: Option<String>,
    verifies: bool,
    connector: SslConnector,
    permits: Semaphore,
}

impl fmt::Debug for Provisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provisioner").field("verifies", &self.verifies).finish_non_exhaustive()
    }
}

impl Provisioner {
    /// With the authorities that are believed, as PEM; none: those of the system.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(authorities: Option<String>, verifies: bool) -> Result<Self, String> {
        let connector = connector(authorities.as_deref(), verifies).map_err(|error| error.to_string())?;
        Ok(Self { authorities, verifies, connector, permits: Semaphore::new(AT_ONCE) })
    }

    pub(super) fn verifies(&self) -> bool {
        self.verifies
    }

    pub(super) fn store(&self) -> Result<Option<X509Store>, ErrorStack> {
        self.authorities.as_deref().map(store).transpose()
    }

    /// Fetches one from the service at `sts_uri`.
    ///
    /// # Errors
    /// With the step that failed.
    pub async fn fetch(
        self: &Arc<Self>,
        sts_uri: &str,
        asker: Asker,
        mut tokens: Tokens,
    ) -> Result<UserCertificate, Fault> {
        let closed = |_| Fault { doing: "waiting for its turn", what: "the node ends".into() };
        let _permit = self.permits.acquire().await.map_err(closed)?;
        let doing = "asking the certificate provisioning service what it wants";
        let metadata = self.get(&format!("{sts_uri}/mex"), doing).await?;
        let service = Service::read(&metadata).map_err(|fault| Fault { doing, what: fault.to_string() })?;
        let doing = "asking the web ticket service what it wants";
        let metadata = self.get(&format!("{}/mex", service.tickets), doing).await?;
        let uri =
            web_ticket::ticket_uri(&metadata).map_err(|fault| Fault { doing, what: fault.to_string() })?;

        let (entropy, context) = (tokens.bytes(), uuid(&mut tokens));
        let user = format!("sip:{}", asker.entity);
        let request = web_ticket::ticket_request(&user, &service.uri, &context, &entropy);
        let answer = self.signed_in(&uri, &request, &asker.user, &mut tokens).await?;
        let doing = "reading the web ticket";
        let ticket = Ticket::read(&answer).map_err(|fault| Fault { doing, what: fault.to_string() })?;

        let (key, csr) = self.key(asker.entity.clone()).await?;
        let request_id = uuid(&mut tokens);
        let asked = CertificateAsked {
            entity: &asker.entity,
            device: &asker.device,
            request: &csr,
            request_id: &request_id,
        };
        let body = web_ticket::certificate_request(&service, &ticket, &entropy, asked);
        let doing = "asking for a certificate";
        let answer = self.post(&service.uri, CERTIFICATE_ACTION, &body, doing).await?;
        let der =
            web_ticket::certificate(&answer).map_err(|fault| Fault { doing, what: fault.to_string() })?;
        kept(&der, key).map_err(|what| Fault { doing: "reading the certificate", what })
    }

    async fn get(&self, uri: &str, doing: &'static str) -> Result<Vec<u8>, Fault> {
        let (mut connection, path) = self.connect(uri, doing).await?;
        let answer = connection.ask(&path, Request { post: None, authorization: None }).await;
        body(answer, doing)
    }

    async fn post(&self, uri: &str, action: &str, text: &str, doing: &'static str) -> Result<Vec<u8>, Fault> {
        let (mut connection, path) = self.connect(uri, doing).await?;
        let answer = connection.ask(&path, Request { post: Some((action, text)), authorization: None }).await;
        body(answer, doing)
    }

    /// A request for a ticket, with name and password by NTLM. IIS takes NTLM's own messages under either
    /// name ([MS-NTHT], [MS-SPNG]).
    async fn signed_in(
        &self,
        uri: &str,
        text: &str,
        user: &NtlmUser,
        tokens: &mut Tokens,
    ) -> Result<Vec<u8>, Fault> {
        let doing = "signing in at the web ticket service";
        let fault = |what: String| Fault { doing, what };
        let (mut connection, path) = self.connect(uri, doing).await?;
        let mut refused = None;
        for scheme in ["NTLM", "Negotiate"] {
            let first = format!("{scheme} {}", STANDARD.encode(negotiate()));
            let post = Some((TICKET_ACTION, text));
            let answer = connection.ask(&path, Request { post, authorization: Some(&first) }).await;
            let answer = answer.map_err(fault)?;
            let offered = challenge_of(&answer, scheme);
            let (401, Some(challenge)) = (answer.status, offered) else {
                refused = Some(answer);
                continue;
            };
            let policy = NtlmPolicy { connected: true, ..NtlmPolicy::default() };
            let who = (user.domain.as_str(), user.user.as_str(), &user.hash);
            let (proof, _) = Authenticate::answer(&challenge, who, policy, now(), tokens)
                .map_err(|error| fault(error.to_string()))?;
            let last = format!("{scheme} {}", STANDARD.encode(proof));
            let answer = connection.ask(&path, Request { post, authorization: Some(&last) }).await;
            return match answer {
                Ok(Answer { status: 401, .. }) => Err(fault("name or password is refused".into())),
                answer => body(answer, doing),
            };
        }
        let offers = refused.iter().flat_map(|answer| answer.headers("WWW-Authenticate"));
        let offers: Vec<_> = offers.filter_map(|offer| offer.split_whitespace().next()).take(4).collect();
        Err(fault(format!("it offers no NTLM, but {}", offers.join(", "))))
    }

    async fn connect(&self, uri: &str, doing: &'static str) -> Result<(Connection, String), Fault> {
        let place =
            Place::of(uri).ok_or_else(|| Fault { doing, what: format!("{uri:?} is no https URI") })?;
        let path = place.path.clone();
        let connection = Connection::open(&self.connector, self.verifies, place).await;
        connection.map(|connection| (connection, path)).map_err(|what| Fault { doing, what })
    }

    /// A key and the request for its certificate; it takes a while, so not on the actors' threads.
    async fn key(&self, entity: String) -> Result<(PKey<Private>, Vec<u8>), Fault> {
        let doing = "making a key";
        let made = tokio::task::spawn_blocking(move || make_key(&entity)).await;
        let made = made.map_err(|error| Fault { doing, what: error.to_string() })?;
        made.map_err(|error| Fault { doing, what: error.to_string() })
    }
}

fn body(answer: Result<Answer, String>, doing: &'static str) -> Result<Vec<u8>, Fault> {
    let answer = answer.map_err(|what| Fault { doing, what })?;
    match answer.status {
        200 => Ok(answer.body),
        status => {
            let words = web_ticket::fault_words(&answer.body);
            let what =
                words.map_or_else(|| format!("HTTP {status}"), |words| format!("HTTP {status}, {words}"));
            Err(Fault { doing, what })
        }
    }
}

fn challenge_of(answer: &Answer, scheme: &str) -> Option<Vec<u8>> {
    let mut offers = answer.headers("WWW-Authenticate").filter_map(|offer| offer.split_once(' '));
    let (_, data) = offers.find(|(offered, _)| offered.eq_ignore_ascii_case(scheme))?;
    STANDARD.decode(data.trim()).ok()
}

fn kept(der: &[u8], key: PKey<Private>) -> Result<UserCertificate, String> {
    let words = |error: ErrorStack| error.to_string();
    let certificate = X509::from_der(der).map_err(words)?;
    if !certificate.public_key().map_err(words)?.public_eq(&key) {
        return Err("it is for another key".into());
    }
    let (now, asn1_now) = (SystemTime::now(), Asn1Time::days_from_now(0).map_err(words)?);
    let left = asn1_now.diff(certificate.not_after()).map_err(words)?;
    let seconds = i64::from(left.days) * 86_400 + i64::from(left.secs);
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    let not_after = now + std::time::Duration::from_secs(seconds.ok_or("it has ended already")?);
    Ok(UserCertificate { certificate, key, fetched: now, not_after })
}

fn make_key(entity: &str) -> Result<(PKey<Private>, Vec<u8>), ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(KEY_BITS)?)?;
    let mut name = X509Name::builder()?;
    // RFC 5280 appendix A.1: ub-common-name is 64.
    name.append_entry_by_nid(Nid::COMMONNAME, &entity.chars().take(64).collect::<String>())?;
    let mut request = X509ReqBuilder::new()?;
    request.set_subject_name(&name.build())?;
    request.set_pubkey(&key)?;
    request.sign(&key, MessageDigest::sha256())?;
    Ok((key.clone(), request.build().to_der()?))
}

fn connector(authorities: Option<&str>, verifies: bool) -> Result<SslConnector, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    if let Some(authorities) = authorities {
        builder.set_cert_store(store(authorities)?);
    }
    builder.set_verify(if verifies { SslVerifyMode::PEER } else { SslVerifyMode::NONE });
    Ok(builder.build())
}

fn store(authorities: &str) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    for authority in X509::stack_from_pem(authorities.as_bytes())? {
        store.add_cert(authority)?;
    }
    Ok(store.build())
}

fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(u64::try_from(since.as_micros()).unwrap_or_default())
}

/// RFC 9562 §5.4, version 4.
fn uuid(tokens: &mut Tokens) -> String {
    let mut octets: [u8; 32] = tokens.bytes();
    octets[6] = octets[6] & 0x0f | 0x40;
    octets[8] = octets[8] & 0x3f | 0x80;
    let hex: String = octets[..16].iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

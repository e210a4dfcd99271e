//! The web services of a front end that give users certificates ([MS-OCAUTHWS]): metadata, web tickets for
//! who signs in by NTLM, certificates for who has a ticket and proves that it is his.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Name, X509Req};
use rustls::ServerConfig;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::security::Security;
use super::xml::{Element, escaped};
use crate::ntlm::Authenticate;
use crate::sip::Failure;
use crate::sip::endpoint::locked;
use crate::sip::tls::Authority;

const PROVISIONING: &str = "/CertProv/CertProvisioningService.svc";
const TICKETS: &str = "/WebTicket/WebTicketService.svc";
const PORT: &str = "CertProvisioningServiceWebTicketProof_SHA1";
/// Longest request.
const MAX_REQUEST: usize = 128 << 10;
/// A connection that says nothing for so long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Most tickets that are known.
const MAX_TICKETS: usize = 16_384;

/// Whose certificates are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// Right ones.
    Right,
    /// Of an authority that the front end does not believe.
    OfAnotherAuthority,
    /// Made out to somebody else.
    OfAnotherUser,
}

/// See the module.
pub(in crate::front_end) struct Web {
    at: SocketAddr,
    security: Arc<Security>,
    authority: Arc<Authority>,
    other: Authority,
    domain: String,
    life: Mutex<Duration>,
    gives: Mutex<Gives>,
    /// By AssertionID: the user, and the key that proves the ticket.
    tickets: Mutex<HashMap<String, (String, [u8; 32])>>,
    given: Mutex<HashMap<String, u64>>,
}

/// One HTTP request.
struct Asked {
    path: String,
    authorization: Option<String>,
    body: String,
}

/// Status, headers, body.
type Answer = (u16, String, String);

impl Web {
    /// Listens on a free loopback port; answers the services and the address of the first.
    pub(super) async fn start(
        security: Arc<Security>,
        authority: Arc<Authority>,
        domain: &str,
        life: Duration,
        stop: CancellationToken,
    ) -> Result<(Arc<Self>, String), Failure> {
        let here = Ipv4Addr::LOCALHOST;
        let bind = |e| Failure::io("binding the web services", e);
        let listener = TcpListener::bind((here, 0)).await.map_err(bind)?;
        let at = listener.local_addr().map_err(bind)?;
        let tls = authority.server(&["localhost".to_owned()], &[here.into()])?;
        let web = Arc::new(Self {
            at,
            security,
            authority,
            other: Authority::new("Somebody else's CA")?,
            domain: domain.to_owned(),
            life: Mutex::new(life),
            gives: Mutex::new(Gives::Right),
            tickets: Mutex::default(),
            given: Mutex::default(),
        });
        tokio::spawn(web.clone().serve(listener, tls, stop));
        Ok((web, format!("https://{at}{PROVISIONING}")))
    }

    pub(super) fn give(&self, gives: Option<Gives>, life: Option<Duration>) {
        if let Some(gives) = gives {
            *locked(&self.gives) = gives;
        }
        if let Some(life) = life {
            *locked(&self.life) = life;
        }
    }

    /// How many certificates a user was given.
    pub(super) fn given(&self, user: &str) -> u64 {
        locked(&self.given).get(user).copied().unwrap_or(0)
    }

    async fn serve(self: Arc<Self>, listener: TcpListener, tls: Arc<ServerConfig>, stop: CancellationToken) {
        let acceptor = TlsAcceptor::from(tls);
        while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
            let (web, acceptor, stop) = (self.clone(), acceptor.clone(), stop.clone());
            tokio::spawn(async move { stop.run_until_cancelled(web.connection(stream, acceptor)).await });
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, acceptor: TlsAcceptor) {
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        // NTLM signs a connection in, not a request.
        let mut challenged = None;
        while let Some(asked) = read(&mut stream).await {
            let (status, headers, body) = self.answer(&asked, &mut challenged);
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
            );
            if stream.write_all(text.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, asked: &Asked, challenged: &mut Option<[u8; 8]>) -> Answer {
        let Some(under) = asked.path.strip_prefix(PROVISIONING) else {
            return match asked.path.strip_prefix(TICKETS) {
                Some("/mex") => ok(self.ticket_metadata()),
                Some("/Auth") => self.ticket(asked, challenged),
                _ => (404, String::new(), String::new()),
            };
        };
        match under {
            "/mex" => ok(self.metadata()),
            "/WebTicket_Proof_SHA1" => self.certificate(&asked.body).map_or_else(|why| fault(&why), ok),
            _ => (404, String::new(), String::new()),
        }
    }

    fn metadata(&self) -> String {
        let at = self.at;
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><wsdl:definitions \
             xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:wsp=\"http://schemas.xmlsoap.org/ws/2004/09/policy\" \
             xmlns:wsu=\"u\"><wsp:Policy wsu:Id=\"Other_policy\"/><wsp:Policy wsu:Id=\"{PORT}_policy\"><wsp:ExactlyOne>\
             <wsp:All><sp:EndorsingSupportingTokens xmlns:sp=\"s\"><wsp:Policy><sp:IssuedToken><Issuer xmlns=\"i\"><Address>\
             https://{at}{TICKETS}</Address></Issuer></sp:IssuedToken></wsp:Policy></sp:EndorsingSupportingTokens></wsp:All>\
             </wsp:ExactlyOne></wsp:Policy><wsdl:service name=\"CertProvisioningService\"><wsdl:port name=\"{PORT}\">\
             <soap:address xmlns:soap=\"x\" location=\"https://{at}{PROVISIONING}/WebTicket_Proof_SHA1\"/></wsdl:port>\
             </wsdl:service></wsdl:definitions>"
        )
    }

    fn ticket_metadata(&self) -> String {
        let at = self.at;
        format!(
            "<wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\"><wsdl:service><wsdl:port \
             name=\"WebTicketServiceAnon\"><a location=\"https://{at}{TICKETS}/Anon\"/></wsdl:port><wsdl:port \
             name=\"WebTicketServiceWinNegotiate\"><soap:address xmlns:soap=\"x\" location=\"https://{at}{TICKETS}/Auth\"/>\
             </wsdl:port></wsdl:service></wsdl:definitions>"
        )
    }

    /// A ticket for who has proved by NTLM that he is the user of the claim.
    fn ticket(&self, asked: &Asked, challenged: &mut Option<[u8; 8]>) -> Answer {
        let refuse = |offer: String| {
            (401, format!("WWW-Authenticate: Negotiate\r\nWWW-Authenticate: {offer}\r\n"), String::new())
        };
        let data = asked.authorization.as_deref().and_then(|value| value.strip_prefix("NTLM "));
        let Some(octets) = data.and_then(|data| STANDARD.decode(data).ok()) else {
            return refuse("NTLM".into());
        };
        if octets.get(8) == Some(&1) {
            let challenge = self.security.http_challenge();
            *challenged = Some(challenge.server_challenge);
            return refuse(format!("NTLM {}", STANDARD.encode(challenge.to_bytes())));
        }
        let (Some(challenge), Ok(proof)) = (challenged.take(), Authenticate::parse(&octets)) else {
            return refuse("NTLM".into());
        };
        let claim =
            Element::parse(&asked.body).and_then(|root| find(&root, "Value").map(|value| value.text.clone()));
        let claim = claim.unwrap_or_default();
        let user =
            claim.strip_prefix("sip:").and_then(|claim| claim.split('@').next()).unwrap_or("").to_owned();
        if self.security.proves(&user, &challenge, &proof).is_err() {
            return refuse("NTLM".into());
        }
        match self.new_ticket(&asked.body, user) {
            Some(ticket) => ok(ticket),
            None => fault("The request for a ticket has no entropy"),
        }
    }

    fn new_ticket(&self, request: &str, user: String) -> Option<String> {
        let root = Element::parse(request)?;
        let theirs = STANDARD.decode(find(&root, "BinarySecret")?.text.trim()).ok()?;
        let ours: [u8; 32] = rand::random();
        let id = format!("SamlSecurityToken-{:016x}", rand::random::<u64>());
        let mut tickets = locked(&self.tickets);
        if tickets.len() >= MAX_TICKETS {
            tickets.clear();
        }
        tickets.insert(id.clone(), (user, p_sha1(&theirs, &ours)));
        Some(format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><RequestSecurityTokenResponseCollection \
             xmlns=\"http://docs.oasis-open.org/ws-sx/ws-trust/200512\"><RequestSecurityTokenResponse><RequestedSecurityToken>\
             <saml:Assertion MajorVersion=\"1\" AssertionID=\"{id}\" xmlns:saml=\"urn:oasis:names:tc:SAML:1.0:assertion\">\
             <saml:Conditions/> </saml:Assertion></RequestedSecurityToken><Lifetime><wsu:Created xmlns:wsu=\"u\">\
             2026-01-01T00:00:00Z</wsu:Created><wsu:Expires xmlns:wsu=\"u\">2036-01-01T00:00:00Z</wsu:Expires></Lifetime>\
             <Entropy><BinarySecret>{}</BinarySecret></Entropy></RequestSecurityTokenResponse>\
             </RequestSecurityTokenResponseCollection></s:Body></s:Envelope>",
            STANDARD.encode(ours)
        ))
    }

    /// A certificate for who has a ticket and signs the time stamp with its key.
    fn certificate(&self, body: &str) -> Result<String, String> {
        let root = Element::parse(body).ok_or("The request is no XML")?;
        let assertion = find(&root, "Assertion").ok_or("There is no ticket")?;
        let id = assertion.attribute("AssertionID").unwrap_or("");
        let (user, key) = locked(&self.tickets).get(id).cloned().ok_or("The ticket is not known")?;
        let (stamp, signed) = (source(&root, "Timestamp")?, source(&root, "SignedInfo")?);
        let text = |name: &str| find(&root, name).map(|one| one.text.trim().to_owned()).unwrap_or_default();
        if text("DigestValue") != STANDARD.encode(Sha1::digest(stamp)) {
            return Err("The digest of the time stamp is wrong".into());
        }
        if text("SignatureValue") != STANDARD.encode(hmac_sha1(&key, &[signed.as_bytes()])) {
            return Err("The ticket is not proved to be the sender's".into());
        }
        let asked = find(&root, "GetAndPublishCert").ok_or("Nothing is asked")?;
        let entity = format!("{user}@{}", self.domain);
        if asked.attribute("Entity") != Some(&entity) {
            return Err(format!("The ticket is of {entity}"));
        }
        let token = find(asked, "BinarySecurityToken").map(|token| token.text.trim()).unwrap_or("");
        let request = STANDARD.decode(token).map_err(|_| "The PKCS#10 is not base64")?;
        let issued = self.issue(&request, &entity).map_err(|error| error.to_string())?;
        *locked(&self.given).entry(user).or_default() += 1;
        Ok(format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><GetAndPublishCertResponse \
             xmlns=\"http://schemas.microsoft.com/OCS/AuthWebServices/\"><RequestSecurityTokenResponse xmlns=\"t\">\
             <RequestedSecurityToken><BinarySecurityToken xmlns=\"w\">{}</BinarySecurityToken></RequestedSecurityToken>\
             </RequestSecurityTokenResponse></GetAndPublishCertResponse></s:Body></s:Envelope>",
            STANDARD.encode(issued)
        ))
    }

    fn issue(&self, request: &[u8], entity: &str) -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let gives = *locked(&self.gives);
        let authority = if gives == Gives::OfAnotherAuthority { &self.other } else { &*self.authority };
        let entity = if gives == Gives::OfAnotherUser { "somebody@else.test" } else { entity };
        let (issuer, signer) = (
            X509::from_pem(authority.pem().as_bytes())?,
            PKey::private_key_from_pem(authority.key_pem().as_bytes())?,
        );
        let request = X509Req::from_der(request)?;
        let mut name = X509Name::builder()?;
        name.append_entry_by_text("CN", entity)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let ends = i64::try_from(now + locked(&self.life).as_secs()).unwrap_or(i64::MAX);
        let mut made = X509::builder()?;
        made.set_version(2)?;
        made.set_serial_number(&*BigNum::from_u32(rand::random::<u32>() | 1)?.to_asn1_integer()?)?;
        made.set_subject_name(&name.build())?;
        made.set_issuer_name(issuer.subject_name())?;
        made.set_not_before(&*Asn1Time::from_unix(i64::try_from(now).unwrap_or(0) - 60)?)?;
        made.set_not_after(&*Asn1Time::from_unix(ends)?)?;
        made.set_pubkey(&*request.public_key()?)?;
        made.sign(&signer, MessageDigest::sha256())?;
        made.build().to_der()
    }
}

fn ok(body: String) -> Answer {
    (200, String::new(), body)
}

fn fault(words: &str) -> Answer {
    let body = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault><faultcode>s:Client</faultcode>\
         <faultstring>{}</faultstring></s:Fault></s:Body></s:Envelope>",
        escaped(words)
    );
    (500, String::new(), body)
}

fn find<'a, 'b>(root: &'b Element<'a>, name: &str) -> Option<&'b Element<'a>> {
    if root.name == name {
        return Some(root);
    }
    root.children.iter().find_map(|child| find(child, name))
}

fn source<'a>(root: &Element<'a>, name: &'static str) -> Result<&'a str, String> {
    find(root, name).map(|one| one.source).ok_or_else(|| format!("There is no {name}"))
}

/// One request, whole; none when the connection is over.
async fn read(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Asked> {
    let mut octets = Vec::new();
    loop {
        if let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&octets[..end]).into_owned();
            let header = |name: &str| {
                let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
                let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
                found.next().map(|(_, value)| value.trim().to_owned())
            };
            let length = header("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if length > MAX_REQUEST {
                return None;
            }
            if let Some(body) = octets.get(end + 4..end + 4 + length) {
                let path = head.split_ascii_whitespace().nth(1)?.to_owned();
                let body = String::from_utf8_lossy(body).into_owned();
                return Some(Asked { path, authorization: header("Authorization"), body });
            }
        }
        let more = tokio::time::timeout(IDLE, stream.read_buf(&mut octets)).await;
        if !matches!(more, Ok(Ok(1..))) || octets.len() > 2 * MAX_REQUEST {
            return None;
        }
    }
}

/// P_SHA-1 (RFC 2246 5), 32 octets.
fn p_sha1(secret: &[u8], seed: &[u8]) -> [u8; 32] {
    let first = hmac_sha1(secret, &[seed]);
    let second = hmac_sha1(secret, &[&first]);
    let all = [hmac_sha1(secret, &[&first, seed]), hmac_sha1(secret, &[&second, seed])].concat();
    std::array::from_fn(|at| all[at])
}

fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

//! The web services that give a user a certificate for TLS-DSK: what is asked, what is answered
//! ([MS-OCAUTHWS], WS-Trust 1.3).
//!
//! ```text
//!  GET  sts-uri/mex ─────────────────────► Service: who gives tickets, where certificates are given
//!  GET  ticket service/mex ──────────────► where a ticket is given for a Windows name and password
//!  POST RequestSecurityToken, entropy ───► Ticket: a SAML assertion, entropy, lifetime
//!  POST GetAndPublishCert, signed ───────► the certificate
//! ```
//!
//! The ticket is the server's own signed XML, so it is passed on byte for byte. Where the service asks for
//! proof that the ticket is ours, the request's time stamp is signed by a key made of both entropies
//! (WS-Trust 1.3, `CK/PSHA1`). The bodies are written in the canonical form that is signed (exclusive
//! C14N): no white space, no empty-element tags.
//!
//! Certainty: names of ports and policies, and the form of the requests, as a client in the field uses
//! them; not tried against a real server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};

use super::xml::{Element, XmlFault, escape};
use crate::pii::Pii;

/// Port of the provisioning service that wants a ticket with proof of its key.
const SERVICE_PORT: &str = "CertProvisioningServiceWebTicketProof_SHA1";
/// Port of the ticket service that takes Windows names and passwords by HTTP.
const TICKET_PORT: &str = "WebTicketServiceWinNegotiate";

/// SOAPAction of a request for a ticket.
pub const TICKET_ACTION: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue";
/// SOAPAction of a request for a certificate.
pub const CERTIFICATE_ACTION: &str = "http://schemas.microsoft.com/OCS/AuthWebServices/GetAndPublishCert";

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const TRUST: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
const SAML: &str = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1";

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebFault {
    /// It is no XML.
    #[error("the answer of {service}: {fault}")]
    Xml {
        /// Of which service.
        service: &'static str,
        /// What is wrong with it.
        fault: XmlFault,
    },
    /// It lacks something.
    #[error("the answer of {service} has no {missing}")]
    Lacks {
        /// Of which service.
        service: &'static str,
        /// What.
        missing: &'static str,
    },
    /// The service refuses.
    #[error("{service} refuses: {words}")]
    Refused {
        /// Which.
        service: &'static str,
        /// Its own words.
        words: String,
    },
}

const PROVISIONING: &str = "the certificate provisioning service";
const TICKETS: &str = "the web ticket service";

/// What the metadata of the provisioning service say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The service that gives tickets for it.
    pub tickets: String,
    /// Where it takes requests with a ticket.
    pub uri: String,
    /// Whether a request must prove that the ticket is the sender's.
    pub proves: bool,
}

impl Service {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// They are no XML, or name neither port nor issuer.
    pub fn read(metadata: &[u8]) -> Result<Self, WebFault> {
        let root = parse(PROVISIONING, metadata)?;
        let lacks = |missing| WebFault::Lacks { service: PROVISIONING, missing };
        let id = format!("{SERVICE_PORT}_policy");
        let of_port = |element: &&Element| element.name == "Policy" && element.attribute("Id") == Some(&id);
        let policy = root.all().find(of_port).ok_or(lacks("policy for web tickets"))?;
        let issuer = |tokens: &str| {
            let address = policy.find(tokens)?.find("Issuer")?.find("Address")?;
            Some(address.text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let (proved, plain) = (issuer("EndorsingSupportingTokens"), issuer("SignedSupportingTokens"));
        let proves = proved.is_some();
        let tickets = proved.or(plain).ok_or(lacks("issuer of web tickets"))?;
        let uri = port(&root, SERVICE_PORT).ok_or(lacks("port that takes web tickets"))?;
        Ok(Self { tickets, uri, proves })
    }
}

/// Where the ticket service takes a Windows name and password.
///
/// # Errors
///
/// The metadata are no XML, or name no such port.
pub fn ticket_uri(metadata: &[u8]) -> Result<String, WebFault> {
    let missing = "port for Windows authentication (WebTicketServiceWinNegotiate)";
    let root = parse(TICKETS, metadata)?;
    port(&root, TICKET_PORT).ok_or(WebFault::Lacks { service: TICKETS, missing })
}

/// The body of a request for a ticket: for whom (`sip:` URI), for which service, with our entropy.
pub fn ticket_request(user: &str, applies_to: &str, context: &str, entropy: &[u8; 32]) -> String {
    let (user, to, secret) = (escape(user), escape(applies_to), STANDARD.encode(entropy));
    let body = format!(
        "<wst:RequestSecurityToken xmlns:wst=\"{TRUST}\" Context=\"{}\"><wst:TokenType>{SAML}</wst:TokenType>\
         <wst:RequestType>http://schemas.xmlsoap.org/ws/2005/02/trust/Issue</wst:RequestType>\
         <wsp:AppliesTo xmlns:wsp=\"http://schemas.xmlsoap.org/ws/2004/09/policy\">\
         <wsa:EndpointReference xmlns:wsa=\"http://www.w3.org/2005/08/addressing\"><wsa:Address>{to}</wsa:Address>\
         </wsa:EndpointReference></wsp:AppliesTo>\
         <wst:Claims Dialect=\"urn:component:Microsoft.Rtc.WebAuthentication.2010:authclaims\">\
         <auth:ClaimType xmlns:auth=\"http://schemas.xmlsoap.org/ws/2006/12/authorization\" \
         Uri=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/uri\" Optional=\"false\">\
         <auth:Value>{user}</auth:Value></auth:ClaimType></wst:Claims>\
         <wst:Entropy><wst:BinarySecret>{secret}</wst:BinarySecret></wst:Entropy>\
         <wst:KeyType>{TRUST}/SymmetricKey</wst:KeyType></wst:RequestSecurityToken>",
        escape(context)
    );
    envelope("", &body)
}

/// A web ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The assertion, as it came.
    assertion: Pii<String>,
    id: String,
    /// `wsu:Created` and `wsu:Expires`.
    lifetime: (String, String),
    /// The server's half of the key.
    entropy: Pii<Vec<u8>>,
}

impl Ticket {
    /// Reads the answer to [`ticket_request`].
    ///
    /// # Errors
    ///
    /// The service refuses, or the answer lacks the ticket.
    pub fn read(answer: &[u8]) -> Result<Self, WebFault> {
        let root = parse(TICKETS, answer)?;
        refused(TICKETS, &root)?;
        let lacks = |missing| WebFault::Lacks { service: TICKETS, missing };
        let parsed = root.find("Assertion").ok_or(lacks("Assertion"))?;
        let id = parsed.attribute("AssertionID").ok_or(lacks("AssertionID"))?.to_owned();
        let lifetime = root.find("Lifetime").ok_or(lacks("Lifetime"))?;
        let moment = |name| lifetime.text_of(name).map(str::to_owned);
        let lifetime = moment("Created").zip(moment("Expires")).ok_or(lacks("Created and Expires"))?;
        let secret = root.find("BinarySecret").map(|secret| STANDARD.decode(secret.text.trim()));
        let entropy = secret.transpose().map_err(|_| lacks("BinarySecret in base64"))?;
        let text = std::str::from_utf8(answer).unwrap_or_default();
        let assertion = raw(text, "Assertion").ok_or(lacks("Assertion"))?.to_owned();
        Ok(Self { assertion: Pii(assertion), id, lifetime, entropy: Pii(entropy.unwrap_or_default()) })
    }

    /// The security header of a request: time stamp, ticket, and where it is asked for the signature.
    fn security(&self, own: Option<&[u8; 32]>) -> String {
        let (created, expires) = (escape(&self.lifetime.0), escape(&self.lifetime.1));
        let stamp = format!(
            "<wsu:Timestamp xmlns:wsu=\"{WSU}\" wsu:Id=\"timestamp\"><wsu:Created>{created}</wsu:Created>\
             <wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
        );
        let signature = own.map(|own| self.signature(&stamp, own)).unwrap_or_default();
        format!("{stamp}{}{signature}", self.assertion.0)
    }

    fn signature(&self, stamp: &str, own: &[u8; 32]) -> String {
        let digest = STANDARD.encode(Sha1::digest(stamp));
        let signed = format!(
            "<SignedInfo xmlns=\"{DSIG}\"><CanonicalizationMethod Algorithm=\"{C14N}\"></CanonicalizationMethod>\
             <SignatureMethod Algorithm=\"{DSIG}hmac-sha1\"></SignatureMethod><Reference URI=\"#timestamp\">\
             <Transforms><Transform Algorithm=\"{C14N}\"></Transform></Transforms>\
             <DigestMethod Algorithm=\"{DSIG}sha1\"></DigestMethod><DigestValue>{digest}</DigestValue></Reference>\
             </SignedInfo>"
        );
        // "key = P_SHA1(EntREQ, EntRES)" (WS-Trust 1.3 §4.4.4, "PSHA1").
        let key = p_sha1::<32>(own, &self.entropy.0);
        let value = STANDARD.encode(hmac_sha1(&key, &[signed.as_bytes()]));
        let id = escape(&self.id);
        format!(
            "<Signature xmlns=\"{DSIG}\">{signed}<SignatureValue>{value}</SignatureValue><KeyInfo>\
             <wsse:SecurityTokenReference xmlns:wsse=\"{WSSE}\" wsse:TokenType=\"{SAML}\"><wsse:KeyIdentifier \
             ValueType=\"http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID\">{id}\
             </wsse:KeyIdentifier></wsse:SecurityTokenReference></KeyInfo></Signature>"
        )
    }
}

/// What a request for a certificate says.
#[derive(Debug, Clone, Copy)]
pub struct CertificateAsked<'a> {
    /// For whom: `anna@contoso.com`.
    pub entity: &'a str,
    /// The endpoint, the UUID of `+sip.instance`.
    pub device: &'a str,
    /// PKCS#10, DER.
    pub request: &'a [u8],
    /// A fresh UUID.
    pub request_id: &'a str,
}

/// The body of a request for a certificate.
pub fn certificate_request(
    service: &Service,
    ticket: &Ticket,
    own: &[u8; 32],
    asked: CertificateAsked<'_>,
) -> String {
    let CertificateAsked { entity, device, request, request_id } = asked;
    let security = ticket.security(service.proves.then_some(own));
    let header = format!(
        "<s:Header><wsa:To xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">{to}</wsa:To>\
         <wsa:Action xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">{CERTIFICATE_ACTION}</wsa:Action>\
         <wsse:Security xmlns:wsse=\"{WSSE}\">{security}</wsse:Security></s:Header>",
        to = escape(&service.uri)
    );
    let body = format!(
        "<GetAndPublishCert xmlns=\"http://schemas.microsoft.com/OCS/AuthWebServices/\" DeviceId=\"{{{}}}\" \
         Entity=\"{}\"><wst:RequestSecurityToken xmlns:wst=\"{TRUST}/\">\
         <wst:TokenType>http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3\
         </wst:TokenType><wst:RequestType>{TRUST}/Issue</wst:RequestType>\
         <wsse:BinarySecurityToken xmlns:wsse=\"{WSSE}\" \
         ValueType=\"http://schemas.microsoft.com/OCS/AuthWebServices.xsd#PKCS10\" \
         EncodingType=\"{WSSE}#Base64Binary\">{}</wsse:BinarySecurityToken>\
         <wstep:RequestID xmlns:wstep=\"http://schemas.microsoft.com/windows/pki/2009/01/enrollment\">{}\
         </wstep:RequestID></wst:RequestSecurityToken></GetAndPublishCert>",
        escape(device),
        escape(entity),
        STANDARD.encode(request),
        escape(request_id)
    );
    envelope(&header, &body)
}

/// The certificate in the answer to [`certificate_request`], DER.
///
/// # Errors
///
/// The service refuses, or the answer has none.
pub fn certificate(answer: &[u8]) -> Result<Vec<u8>, WebFault> {
    let root = parse(PROVISIONING, answer)?;
    refused(PROVISIONING, &root)?;
    let lacks = WebFault::Lacks { service: PROVISIONING, missing: "certificate" };
    let response = root.find("GetAndPublishCertResponse").ok_or(lacks.clone())?;
    let token = response.find("BinarySecurityToken").ok_or(lacks.clone())?;
    let clean: String = token.text.split_ascii_whitespace().collect();
    STANDARD.decode(clean).map_err(|_| lacks)
}

/// What a web service says of a refusal, from the body of an HTTP error; none when it says nothing.
pub fn fault_words(body: &[u8]) -> Option<String> {
    let root = Element::parse(body).ok()?;
    let fault = root.find("Fault")?;
    let own = fault.find("internalerror").and_then(|error| error.find("text"));
    let said = own.or_else(|| fault.find("faultstring")).or_else(|| fault.find("Text"))?;
    let clean: String = said.text.trim().chars().filter(|c| !c.is_control()).take(160).collect();
    (!clean.is_empty()).then_some(clean)
}

fn refused(service: &'static str, root: &Element) -> Result<(), WebFault> {
    let has_fault = root.find("Body").and_then(|body| body.child("Fault"));
    let Some(fault) = has_fault else { return Ok(()) };
    let own = fault.find("internalerror").and_then(|error| error.find("text"));
    let said = own.or_else(|| fault.find("faultstring")).map_or("no reason", |text| text.text.trim());
    let words = said.chars().filter(|c| !c.is_control()).take(160).collect();
    Err(WebFault::Refused { service, words })
}

fn parse(service: &'static str, document: &[u8]) -> Result<Element, WebFault> {
    Element::parse(document).map_err(|fault| WebFault::Xml { service, fault })
}

/// The location of a port of a WSDL service.
fn port(root: &Element, name: &str) -> Option<String> {
    let is = |element: &&Element| element.name == "port" && element.attribute("name") == Some(name);
    let location = root.all().find(is)?.child("address")?.attribute("location")?;
    Some(location.trim().to_owned())
}

fn envelope(header: &str, body: &str) -> String {
    format!("<s:Envelope xmlns:s=\"{SOAP}\">{header}<s:Body>{body}</s:Body></s:Envelope>")
}

/// The first element of that local name, as it stands in the text.
fn raw<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    for (at, _) in text.match_indices('<') {
        let tag = &text[at + 1..];
        let end = tag.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
        let (_, local) = tag[..end].rsplit_once(':').unwrap_or(("", &tag[..end]));
        if local == name {
            let close = format!("</{}>", &tag[..end]);
            let stop = tag.find(&close)? + close.len();
            return Some(&text[at..at + 1 + stop]);
        }
    }
    None
}

/// P_SHA-1 of TLS 1.0 (RFC 2246 §5).
fn p_sha1<const N: usize>(secret: &[u8], seed: &[u8]) -> [u8; N] {
    let (mut made, mut a) = (Vec::with_capacity(N + 20), hmac_sha1(secret, &[seed]));
    while made.len() < N {
        made.extend(hmac_sha1(secret, &[&a, seed]));
        a = hmac_sha1(secret, &[&a]);
    }
    std::array::from_fn(|n| made[n])
}

fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = "<wsdl:definitions xmlns:wsdl=\"w\" xmlns:wsp=\"p\" xmlns:soap=\"s\">\
        <wsp:Policy wsu:Id=\"CertProvisioningServiceWebTicketProof_SHA1_policy\" xmlns:wsu=\"u\"><wsp:ExactlyOne><wsp:All>\
        <sp:EndorsingSupportingTokens xmlns:sp=\"x\"><wsp:Policy><sp:IssuedToken><sp:Issuer><a:Address xmlns:a=\"y\">\
        https://fe1/WebTicket/WebTicketService.svc</a:Address></sp:Issuer></sp:IssuedToken></wsp:Policy>\
        </sp:EndorsingSupportingTokens></wsp:All></wsp:ExactlyOne></wsp:Policy><wsdl:service>\
        <wsdl:port name=\"CertProvisioningServiceWebTicketProof_SHA1\"><soap:address \
        location=\"https://fe1/CertProv/CertProvisioningService.svc/WebTicket_Proof_SHA1\"/></wsdl:port></wsdl:service>\
        </wsdl:definitions>";
    const TICKET: &str = "<s:Envelope xmlns:s=\"x\"><s:Body><RequestSecurityTokenResponse>\
        <RequestedSecurityToken><saml:Assertion AssertionID=\"SamlSecurityToken-1\" xmlns:saml=\"urn:saml\"><a/>x\
        </saml:Assertion></RequestedSecurityToken><Lifetime><wsu:Created xmlns:wsu=\"u\">2026-11-24T10:00:00Z\
        </wsu:Created><wsu:Expires xmlns:wsu=\"u\">2026-11-24T18:00:00Z</wsu:Expires></Lifetime><Entropy>\
        <BinarySecret>AAECAwQFBgc=</BinarySecret></Entropy></RequestSecurityTokenResponse></s:Body></s:Envelope>";

    #[test]
    fn metadata_tell_where_tickets_and_certificates_are_given() {
        let service = Service::read(METADATA.as_bytes()).unwrap();
        assert_eq!(service.tickets, "https://fe1/WebTicket/WebTicketService.svc");
        assert!(service.uri.ends_with("/WebTicket_Proof_SHA1") && service.proves);
        let signed = METADATA.replace("EndorsingSupportingTokens", "SignedSupportingTokens");
        assert!(!Service::read(signed.as_bytes()).unwrap().proves);
        let fault = Service::read(METADATA.replace("_policy", "").as_bytes()).unwrap_err().to_string();
        assert!(fault.contains("no policy for web tickets"), "{fault}");
        assert!(ticket_uri(METADATA.as_bytes()).unwrap_err().to_string().contains("Windows"));
    }

    #[test]
    fn a_ticket_is_passed_on_as_it_came_and_proved_by_both_entropies() {
        let (service, ticket) =
            (Service::read(METADATA.as_bytes()).unwrap(), Ticket::read(TICKET.as_bytes()).unwrap());
        let asked =
            CertificateAsked { entity: "anna@contoso.com", device: "D", request: &[1, 2], request_id: "R" };
        let body = certificate_request(&service, &ticket, &[7; 32], asked);
        Element::parse(body.as_bytes()).unwrap();
        let whole = "<saml:Assertion AssertionID=\"SamlSecurityToken-1\" xmlns:saml=\"urn:saml\"><a/>x</saml:Assertion>";
        assert!(body.contains(whole) && body.contains("Entity=\"anna@contoso.com\""));
        assert!(body.contains("<SignatureValue>") && body.contains("DeviceId=\"{D}\""));
        let plain = certificate_request(&Service { proves: false, ..service }, &ticket, &[7; 32], asked);
        assert!(!plain.contains("<SignatureValue>"));
        assert!(!format!("{ticket:?}").contains("urn:saml"));
    }

    #[test]
    fn the_key_is_p_sha1_of_tls() {
        // By `openssl kdf -keylen 32 -kdfopt digest:SHA1 …`, TLS1-PRF without its MD5 half is not offered, so
        // the definition is written out once more.
        let (secret, seed) = (b"secret", b"seed");
        let a1 = hmac_sha1(secret, &[seed]);
        let a2 = hmac_sha1(secret, &[&a1]);
        let mut whole = hmac_sha1(secret, &[&a1, seed]).to_vec();
        whole.extend(hmac_sha1(secret, &[&a2, seed]));
        assert_eq!(p_sha1::<32>(secret, seed).to_vec(), whole[..32]);
    }

    #[test]
    fn refusals_are_told_in_the_services_words() {
        let fault = "<s:Envelope xmlns:s=\"x\"><s:Body><s:Fault><faultcode>c</faultcode><faultstring>no</faultstring>\
            <detail><error><internalerror><text>Not &lt;allowed&gt;&#x0A;</text></internalerror></error></detail>\
            </s:Fault></s:Body></s:Envelope>";
        assert_eq!(fault_words(fault.as_bytes()).as_deref(), Some("Not <allowed>"));
        assert!(certificate(fault.as_bytes()).unwrap_err().to_string().contains("refuses: Not <allowed>"));
        assert_eq!(fault_words(b"<html>"), None);
        let none = "<s:Envelope xmlns:s=\"x\"><s:Body><GetAndPublishCertResponse/></s:Body></s:Envelope>";
        assert!(certificate(none.as_bytes()).unwrap_err().to_string().contains("no certificate"));
    }

    #[test]
    fn the_certificate_is_found_whatever_white_space_it_has() {
        let answer = "<Envelope><Body><GetAndPublishCertResponse><BinarySecurityToken>AQ\n ID</BinarySecurityToken>\
            </GetAndPublishCertResponse></Body></Envelope>";
        assert_eq!(certificate(answer.as_bytes()).unwrap(), [1, 2, 3]);
        let request = ticket_request("sip:a&b@c", "https://x", "ctx", &[1; 32]);
        assert!(Element::parse(request.as_bytes()).unwrap().find("Value").unwrap().text == "sip:a&b@c");
    }
}

//! What is signed ([MS-SIPAE] 3.1.5, "Signing"), and the credentials that carry the signature.

use crate::sip::{Message, address};

/// Marks a message whose signature shall not fit; it does not leave with it.
pub(super) const FORGED: &str = "X-Forged";

/// A scheme and its parameters: Authorization, Authentication-Info and their Proxy forms.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    pub(super) scheme: String,
    list: Vec<(String, String)>,
}

impl Parameters {
    /// Reads a header value. Names without regard to case, quotes taken off.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(char::is_whitespace)?;
        let pairs = address::list(rest).filter_map(|one| one.split_once('='));
        let clean = |text: &str| text.trim().trim_matches('"').to_owned();
        let list = pairs.map(|(name, value)| (name.trim().to_ascii_lowercase(), clean(value))).collect();
        Some(Self { scheme: scheme.to_owned(), list })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What goes before the fields of the message.
pub(super) struct Preamble<'a> {
    pub(super) scheme: &'a str,
    /// crand or srand.
    pub(super) rand: &'a str,
    /// cnum or snum.
    pub(super) number: &'a str,
    pub(super) realm: &'a str,
    pub(super) target: &'a str,
}

/// The signed text. Version 2 knows no To URI and no asserted identity.
pub(super) fn text(version: u8, preamble: &Preamble<'_>, message: &Message) -> String {
    let Preamble { scheme, rand, number, realm, target } = preamble;
    let uri = |name| message.header(name).map_or("", address::uri).to_owned();
    let tag = |name| message.tag(name).unwrap_or("").to_owned();
    let cseq = message.cseq_number().to_string();
    let mut fields: Vec<String> = [scheme, rand, number, realm, target].map(|one| (*one).to_owned()).into();
    fields.extend([message.call_id().to_owned(), cseq, message.cseq_method().to_owned()]);
    fields.extend([uri("From"), tag("From")]);
    if version >= 3 {
        fields.push(uri("To"));
    }
    fields.push(tag("To"));
    if version >= 3 {
        fields.extend(identities(message));
    }
    fields.push(message.header("Expires").unwrap_or("").trim().to_owned());
    fields.extend(message.code().map(|code| code.to_string()));
    fields.iter().map(|field| format!("<{field}>")).collect()
}

/// The sip: and the tel: URI of P-Asserted-Identity, or of what a client prefers.
fn identities(message: &Message) -> [String; 2] {
    let names = ["P-Asserted-Identity", "P-Preferred-Identity"];
    let name = names.into_iter().find(|name| message.header(name).is_some()).unwrap_or("");
    let uris: Vec<&str> = message.headers_named(name).flat_map(address::list).map(address::uri).collect();
    let of = |scheme: &str| {
        let found = uris.iter().find(|uri| uri.get(..4).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
        found.map(|uri| (*uri).to_owned()).unwrap_or_default()
    };
    [of("sip:"), of("tel:")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ntlm::{Direction, EXTENDED_SESSION_SECURITY, Keys, unhex};

    /// Response and keys of a real OCS 2007 R2, version 4 (trace in the tests of SIPE,
    /// src/core/sip-sec-ntlm-tests.c, github.com/tieto/sipe; exported session key computed from its
    /// type 3 message).
    #[test]
    fn the_signature_of_a_real_200_verifies() {
        let head = "SIP/2.0 200 OK\r\n\
            From: \"User\"<sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15\r\n\
            To: <sip:user@cosmo.local>;tag=5E61CCD925D17E043D9A74835A88F664\r\n\
            Call-ID: 4037df9284354df39065195bd57a4b14\r\nCSeq: 3 REGISTER\r\nExpires: 7200\r\n\r\n";
        let message = Message::parse(&bytes::Bytes::from_static(head.as_bytes())).unwrap();
        let info = "NTLM rspauth=\"01000000E615438A917661BE64000000\", srand=\"9616454F\", snum=\"1\", \
            opaque=\"2BDBAC9D\", qop=\"auth\", targetname=\"cosmo-ocs-r2.cosmo.local\", \
            realm=\"SIP Communications Service\"";
        let info = Parameters::parse(info).unwrap();
        let get = |name| info.get(name).unwrap();
        let preamble = Preamble {
            scheme: &info.scheme,
            rand: get("srand"),
            number: get("snum"),
            realm: get("realm"),
            target: get("targetname"),
        };
        let text = text(4, &preamble, &message);
        let exported: [u8; 16] = unhex("6742fbe37bb1946b49d86a525bd29a9b").try_into().unwrap();
        let keys = Keys::new(&exported, EXTENDED_SESSION_SECURITY);
        assert!(keys.verifies(Direction::FromServer, &text, get("rspauth")), "{text}");
        let other = text.replace("<200>", "<202>");
        assert!(!keys.verifies(Direction::FromServer, &other, get("rspauth")));
    }

    #[test]
    fn version_2_leaves_out_what_it_does_not_know_and_a_request_has_no_status() {
        let mut message = Message::request(ezk_sip_types::Method::INVITE, "sip:b@lab.test");
        message.push("From", "\"A\" <sip:a@lab.test>;tag=1;epid=aa");
        message.push("To", "<sip:b@lab.test;user=phone>");
        message.push("Call-ID", "c");
        message.push("CSeq", "7 INVITE");
        message.push("P-Preferred-Identity", "<sip:a@lab.test>,<tel:+1555;ext=1>");
        let preamble = Preamble { scheme: "NTLM", rand: "r", number: "1", realm: "s", target: "t" };
        let head = "<NTLM><r><1><s><t><c><7><INVITE><sip:a@lab.test><1>";
        assert_eq!(text(2, &preamble, &message), format!("{head}<><>"));
        let third = "<sip:b@lab.test;user=phone><><sip:a@lab.test><tel:+1555;ext=1><>";
        assert_eq!(text(3, &preamble, &message), format!("{head}{third}"));
    }
}

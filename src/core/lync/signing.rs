//! What is signed of a SIP message, and the header that carries the signature ([MS-SIPAE] §3.2.5, §2.2).
//!
//! ```text
//! <NTLM><crand><cnum><realm><targetname><Call-ID><CSeq number><method><From URI><From tag>
//!       <To URI><To tag><PAI sip><PAI tel><Expires>[<status>]          versions 3 and 4
//! ```
//!
//! Every field stands in angle brackets; what the message lacks leaves them empty. The text is UTF-8
//! and is made when all headers are final, from what is sent, byte for byte. Words: *rand* and *num* are
//! crand and cnum in what the client sends, srand and snum in what the server sends.

use crate::sip::digest::AuthParams;
use crate::sip::wire::{HeaderName, Message, NameAddr, Text};

/// The realm of every front end ([MS-SIPAE] §2.2).
pub const REALM: &str = "SIP Communications Service";

/// Version of the authentication protocol; each end uses the lower of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// No `version` parameter; OCS 2007 and before.
    V2,
    /// With the URI of To and the asserted identities.
    V3,
    /// The last request of the handshake is signed too. Lync 2010 and later.
    V4,
}

impl Version {
    /// What a challenge offers; a version that is newer than ours counts as ours, one that is no number
    /// as none.
    pub fn offered(challenge: &AuthParams) -> Self {
        match challenge.get("version").and_then(|version| version.parse::<u32>().ok()) {
            Some(4..) => Self::V4,
            Some(3) => Self::V3,
            _ => Self::V2,
        }
    }

    /// As parameter; version 2 has none.
    pub(super) const fn number(self) -> Option<u8> {
        match self {
            Self::V2 => None,
            Self::V3 => Some(3),
            Self::V4 => Some(4),
        }
    }
}

/// What the text holds besides the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// `NTLM` or `TLS-DSK`, as in the header.
    pub scheme: &'a str,
    /// crand or srand as written.
    pub rand: &'a str,
    /// cnum or snum as written.
    pub num: &'a str,
    /// Realm.
    pub realm: &'a str,
    /// Name of the server.
    pub target_name: &'a str,
}

/// Why a message cannot be signed or looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the header {header} is missing or malformed, so that no signature can be made over the message")]
pub struct Unsignable {
    /// Which header.
    pub header: &'static str,
}

/// The text to sign.
///
/// # Errors
///
/// A header that every message has is missing or broken.
pub fn text(version: Version, stamp: Stamp<'_>, message: &Message) -> Result<String, Unsignable> {
    let Stamp { scheme, rand, num, realm, target_name } = stamp;
    let missing = |header| Unsignable { header };
    let call_id = message.call_id().ok_or(missing("Call-ID"))?;
    let cseq = message.header(&HeaderName::CSeq).ok_or(missing("CSeq"))?;
    let (number, method) = cseq.split_once(char::is_whitespace).ok_or(missing("CSeq"))?;
    let from = message.from().ok_or(missing("From"))?;
    let to = message.to().ok_or(missing("To"))?;
    let (from_tag, to_tag) = (from.tag().unwrap_or_default(), to.tag().unwrap_or_default());
    let expires = message.header(&HeaderName::Expires).map_or("", Text::as_str);

    let mut fields = vec![scheme, rand, num, realm, target_name, call_id, number, method.trim()];
    fields.extend([from.uri.raw.as_str(), from_tag.as_str()]);
    let identity = Identity::of(message);
    match version {
        Version::V2 => fields.push(to_tag.as_str()),
        Version::V3 | Version::V4 => {
            fields.extend([
                to.uri.raw.as_str(),
                to_tag.as_str(),
                identity.sip.as_str(),
                identity.tel.as_str(),
            ]);
        }
    }
    fields.push(expires);
    let status = message.status().map(|status| status.to_string());
    fields.extend(status.as_deref());
    Ok(fields.iter().map(|field| format!("<{field}>")).collect())
}

/// The URIs of P-Asserted-Identity, or of P-Preferred-Identity when that is not there.
#[derive(Default)]
struct Identity {
    sip: Text,
    tel: Text,
}

impl Identity {
    fn of(message: &Message) -> Self {
        let asserted = message.headers.list(&HeaderName::PAssertedIdentity);
        let values = match asserted.is_empty() {
            true => message.headers.list(&HeaderName::PPreferredIdentity),
            false => asserted,
        };
        let uris: Vec<Text> = values.iter().filter_map(uri_of).collect();
        let first = |schemes: &[&str]| {
            let is = |uri: &&Text| schemes.iter().any(|scheme| starts_with_scheme(uri, scheme));
            uris.iter().find(is).cloned().unwrap_or_default()
        };
        Self { sip: first(&["sip:", "sips:"]), tel: first(&["tel:"]) }
    }
}

/// The URI of a value; one that is no name-addr we know is taken by its brackets.
fn uri_of(value: &Text) -> Option<Text> {
    if let Some(address) = NameAddr::parse(value) {
        return Some(address.uri.raw);
    }
    let (_, inside) = value.split_once('<')?;
    Some(value.share(inside.split_once('>')?.0))
}

fn starts_with_scheme(uri: &str, scheme: &str) -> bool {
    uri.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// Who asks for authentication: the header names differ, and our answer mirrors them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// 401, WWW-Authenticate, Authorization, Authentication-Info.
    Registrar,
    /// 407, Proxy-Authenticate, Proxy-Authorization, Proxy-Authentication-Info.
    Proxy,
}

impl Side {
    /// Both, the registrar first.
    pub const BOTH: [Self; 2] = [Self::Registrar, Self::Proxy];

    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Registrar => Self::Proxy,
            Self::Proxy => Self::Registrar,
        }
    }

    /// Header of the challenge.
    pub const fn challenge(self) -> HeaderName {
        match self {
            Self::Registrar => HeaderName::WwwAuthenticate,
            Self::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    /// Header of what we send.
    pub const fn credentials(self) -> HeaderName {
        match self {
            Self::Registrar => HeaderName::Authorization,
            Self::Proxy => HeaderName::ProxyAuthorization,
        }
    }

    /// Header of the server's signature.
    pub fn info(self) -> HeaderName {
        match self {
            Self::Registrar => HeaderName::AuthenticationInfo,
            Self::Proxy => HeaderName::Other(Text::from_static("Proxy-Authentication-Info")),
        }
    }
}

/// The server's signature on a message, if it carries one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSignature {
    /// Where it stands.
    pub side: Side,
    /// All parameters.
    pub params: AuthParams,
}

impl ServerSignature {
    /// All of them, at most one per header line that can be read.
    pub fn all_of(message: &Message) -> Vec<Self> {
        let read = |side: Side| {
            let name = side.info();
            let lines: Vec<_> = message.headers.get_all(&name).filter_map(|v| AuthParams::parse(v)).collect();
            lines.into_iter().map(move |params| Self { side, params })
        };
        Side::BOTH.into_iter().flat_map(read).take(4).collect()
    }

    /// A parameter, or "".
    pub fn get(&self, name: &str) -> &str {
        self.params.get(name).unwrap_or_default()
    }

    /// The text that it is over.
    ///
    /// # Errors
    ///
    /// See [`text`].
    pub fn text(&self, version: Version, message: &Message) -> Result<String, Unsignable> {
        let stamp = Stamp {
            scheme: self.params.scheme(),
            rand: self.get("srand"),
            num: self.get("snum"),
            realm: self.get("realm"),
            target_name: self.get("targetname"),
        };
        text(version, stamp, message)
    }
}

/// A credentials value in the making: scheme, then parameters.
#[derive(Debug, Clone)]
pub struct CredentialsValue(String);

impl CredentialsValue {
    /// Begins with the scheme and `qop`.
    pub fn new(scheme: &str) -> Self {
        Self(format!("{scheme} qop=\"auth\""))
    }

    /// A quoted parameter. Quotes and line ends in a value, which no real one has, are left out.
    #[must_use]
    pub fn quoted(mut self, name: &str, value: &str) -> Self {
        let clean: String = value.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
        self.0 += &format!(", {name}=\"{clean}\"");
        self
    }

    /// `version`, unquoted as every real message has it; nothing for version 2.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        if let Some(number) = version.number() {
            self.0 += &format!(", version={number}");
        }
        self
    }

    /// The value.
    pub fn finish(self) -> String {
        self.0
    }
}

/// Numbers of the messages of one direction that were seen ([MS-SIP]: a window of 256).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    highest: u32,
    /// Bit n of the whole: whether `highest - n` was seen.
    seen: [u64; 4],
}

impl Window {
    /// Numbers kept behind the highest.
    pub const SIZE: u32 = 256;

    /// Whether a message of that number is new, without noting it.
    pub fn is_new(&self, number: u32) -> bool {
        match self.highest.checked_sub(number) {
            _ if number == 0 => false,
            None => true,
            Some(behind) => behind < Self::SIZE && !self.has(behind),
        }
    }

    /// Notes it. Call it once the signature has proved the number.
    pub fn note(&mut self, number: u32) {
        if number > self.highest {
            self.shift(number - self.highest);
            self.highest = number;
        }
        let behind = self.highest - number;
        if behind < Self::SIZE {
            self.seen[(behind / 64) as usize] |= 1 << (behind % 64);
        }
    }

    fn has(&self, behind: u32) -> bool {
        self.seen[(behind / 64) as usize] >> (behind % 64) & 1 == 1
    }

    fn shift(&mut self, by: u32) {
        let old = std::mem::take(&mut self.seen);
        for behind in 0..Self::SIZE.saturating_sub(by) {
            if old[(behind / 64) as usize] >> (behind % 64) & 1 == 1 {
                let to = behind + by;
                self.seen[(to / 64) as usize] |= 1 << (to % 64);
            }
        }
    }
}

#[cfg(test)]
mod tests;

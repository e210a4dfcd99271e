//! The side that asks who is there (RFC 3261 §22.1, RFC 7616 §3.3, RFC 8760).
//!
//! A nonce carries its own proof: `moment ‖ number ‖ HMAC-SHA-256(secret, moment ‖ number ‖ source ‖
//! realm)`, in hexadecimal. Nothing is kept for the many that are issued, so a flood of requests
//! without credentials costs no memory. The secret is fresh at every start; nonces of an earlier life
//! are answered `stale=true`, which a phone repeats without asking its user.
//!
//! A nonce is good for [`NONCE_LIFE`] and for the address it was given to. So an attempt that counts
//! as wrong was made by somebody who can receive at that address, and nobody can lock out a base
//! station by forging its source. A phone that changes its address hears `stale=true` once.
//!
//! Replay. With `qop=auth` each nonce count passes once: a window of 64 counts per nonce, kept only
//! after a correct digest, for at most [`MAX_NONCES`](super::replay::MAX_NONCES) nonces. When the table is full the oldest nonce
//! is given up and with it every unseen nonce of its age, so giving up never opens a replay. Without
//! `qop` (RFC 2069) there is no count: such a digest can be replayed for the same method and URI from
//! the same address while its nonce lives. That is the price of old phones.

use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::replay::{NonceKey, Replays};
use super::{Algorithm, AuthParams, Ha1, Protection, equal_in_constant_time, hex, response};
use crate::id::Tokens;
use crate::pii::Pii;
use crate::sip::wire::{HeaderName, Message, StartLine, Text, Uri};
use crate::timer::Moment;

/// How long a nonce is accepted.
pub const NONCE_LIFE: Duration = Duration::from_secs(300);

/// Which hashes are offered in challenges and accepted in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offer {
    /// MD5 only: every SIP-DECT base knows it, and some stumble over a second challenge.
    #[default]
    Md5,
    /// SHA-256 only.
    Sha256,
    /// Both, "most preferred first" (RFC 8760 §2.3): SHA-256, then MD5.
    Both,
}

impl Offer {
    const fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::Md5 => &[Algorithm::Md5],
            Self::Sha256 => &[Algorithm::Sha256],
            Self::Both => &[Algorithm::Sha256, Algorithm::Md5],
        }
    }
}

/// As what we ask (RFC 3261 §22.1): it decides status and header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// User agent server or registrar: 401, `WWW-Authenticate`, `Authorization`.
    UserAgent,
    /// Proxy: 407, `Proxy-Authenticate`, `Proxy-Authorization`.
    Proxy,
}

impl Role {
    fn credentials(self) -> HeaderName {
        match self {
            Self::UserAgent => HeaderName::Authorization,
            Self::Proxy => HeaderName::ProxyAuthorization,
        }
    }
}

/// What a request presents.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// Value of `Authorization` or `Proxy-Authorization`.
    pub authorization: &'a str,
    /// Method of the request.
    pub method: &'a str,
    /// Request-URI as received.
    pub request_uri: &'a str,
    /// Address the request came from.
    pub source: IpAddr,
}

/// What a verifier found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The sender knows the password of this user, and this request was not seen before.
    Authentic {
        /// `username` of the credentials.
        username: String,
    },
    /// Nothing usable was presented: challenge. Not a failure of anybody.
    Challenge {
        /// The nonce is old, used or not ours; a phone may try again without asking its user.
        stale: bool,
    },
    /// A live nonce of ours, and a wrong answer: unknown user or wrong password, which look alike.
    /// Count it ([`super::GuessLimiter`]) and challenge again.
    Wrong {
        /// `username` as claimed; Debug and logs must not show what people mistype here.
        username: Pii<String>,
    },
}

/// Why a text cannot be a realm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("realm {0:?}: must have 1 to 128 characters and no quote, backslash or control character")]
pub struct BadRealm(pub String);

/// The verifier of one realm. Its memory is the replay table and nothing else.
#[derive(Debug, Clone)]
pub struct DigestServer {
    realm: String,
    offer: Offer,
    secret: Pii<[u8; 32]>,
    tokens: Tokens,
    seen: Replays,
}

impl DigestServer {
    /// For `realm`; secret and nonces are drawn from `tokens`.
    pub fn new(realm: &str, offer: Offer, mut tokens: Tokens) -> Result<Self, BadRealm> {
        let bad = |c: char| c.is_control() || matches!(c, '"' | '\\');
        if realm.is_empty() || realm.len() > 128 || realm.chars().any(bad) {
            return Err(BadRealm(realm.to_owned()));
        }
        let secret = Pii(tokens.bytes());
        Ok(Self { realm: realm.to_owned(), offer, secret, tokens, seen: Replays::default() })
    }

    /// The realm, for making an [`Ha1`].
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The values of `WWW-Authenticate` or `Proxy-Authenticate`, one per header line.
    pub fn challenges(&mut self, source: IpAddr, stale: bool, now: Moment) -> Vec<String> {
        let number = self.tokens.number();
        let nonce = self.nonce(now, number, source);
        let stale = if stale { ", stale=true" } else { "" };
        let challenge = |algorithm: &Algorithm| {
            let (realm, name) = (&self.realm, algorithm.name());
            format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={name}, qop=\"auth\"{stale}")
        };
        self.offer.algorithms().iter().map(challenge).collect()
    }

    /// The 401 or 407 to `request`, with challenges.
    pub fn demand(
        &mut self,
        request: &Message,
        role: Role,
        source: IpAddr,
        stale: bool,
        to_tag: &str,
        now: Moment,
    ) -> Message {
        let (status, reason, name) = match role {
            Role::UserAgent => (401, "Unauthorized", HeaderName::WwwAuthenticate),
            Role::Proxy => (407, "Proxy Authentication Required", HeaderName::ProxyAuthenticate),
        };
        let mut answer = Message::response(request, status, reason, Some(to_tag));
        for challenge in self.challenges(source, stale, now) {
            answer.headers.push(name.clone(), challenge);
        }
        answer
    }

    /// Verifies a request by the first of its credentials that is for our realm and an offered hash.
    pub fn verify_request(
        &mut self,
        request: &Message,
        role: Role,
        source: IpAddr,
        ha1: impl Fn(&str, Algorithm) -> Option<Ha1>,
        now: Moment,
    ) -> Verdict {
        let StartLine::Request { method, uri } = &request.start else {
            return Verdict::Challenge { stale: false };
        };
        // Four lines are enough for a path of proxies; more would only make us work.
        for value in request.headers.get_all(&role.credentials()).take(4) {
            let (method, request_uri) = (method.as_str(), uri.as_str());
            let presented = Presented { authorization: value, method, request_uri, source };
            match self.verify(presented, &ha1, now) {
                Verdict::Challenge { stale: false } => continue,
                verdict => return verdict,
            }
        }
        Verdict::Challenge { stale: false }
    }

    /// Verifies one set of credentials. `ha1` looks a user's hash up by name and algorithm.
    ///
    /// An unknown user takes the same steps with a hash nobody knows, so neither the answer nor (about)
    /// the time tells which names exist.
    pub fn verify(
        &mut self,
        presented: Presented<'_>,
        ha1: impl FnOnce(&str, Algorithm) -> Option<Ha1>,
        now: Moment,
    ) -> Verdict {
        let Some(auth) = AuthParams::parse(presented.authorization) else {
            return Verdict::Challenge { stale: false };
        };
        let Some(answer) = self.read(&auth) else {
            return Verdict::Challenge { stale: false };
        };
        // RFC 7616 §3.3: "The server should only set stale to true if it receives a request for which
        // the nonce is invalid." The digest is not even looked at, so the answer tells nothing.
        let Some(nonce) = self.live_nonce(answer.nonce, presented.source, now) else {
            return Verdict::Challenge { stale: true };
        };
        let known = ha1(answer.username, answer.algorithm).filter(|h| h.algorithm == answer.algorithm);
        let right = self.is_right(&answer, &presented, known);
        // A count that passes once ties the digest to this one request; without it the URI must.
        let bound = answer.count.is_some() || same_resource(answer.uri, presented.request_uri);
        if !right || !bound {
            return Verdict::Wrong { username: Pii(answer.username.to_owned()) };
        }
        // RFC 7616 §3.4: "If the same nc value is seen twice, then the request is a replay."
        match answer.count {
            Some(count) if !self.seen.pass(nonce, count.number, now) => Verdict::Challenge { stale: true },
            _ => Verdict::Authentic { username: answer.username.to_owned() },
        }
    }

    /// The parts we need; `None` when one is missing or the credentials are meant for somebody else.
    fn read<'a>(&self, auth: &'a AuthParams) -> Option<Answer<'a>> {
        let (algorithm, session) = Algorithm::from_param(auth.get("algorithm"))?;
        let ours = auth.is_scheme("Digest")
            && auth.get("realm") == Some(self.realm.as_str())
            && !session
            && self.offer.algorithms().contains(&algorithm);
        let count = match auth.get("qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => Some(Count::read(auth)?),
            Some(_) => return None,
        };
        ours.then_some(Answer {
            algorithm,
            username: auth.get("username")?,
            nonce: auth.get("nonce")?,
            uri: auth.get("uri")?,
            response: auth.get("response")?,
            count,
        })
    }

    fn is_right(&self, answer: &Answer<'_>, presented: &Presented<'_>, known: Option<Ha1>) -> bool {
        let algorithm = answer.algorithm;
        let nobody = algorithm.hash_joined(&[answer.username, &self.realm, &hex(&self.secret.0)]);
        let exists = known.is_some();
        let ha1 = known.map_or(nobody, |ha1| ha1.hex.0);
        let ha2 = algorithm.hash_joined(&[presented.method, answer.uri]);
        let with = answer.count.as_ref().map(|c| Protection { nc: c.nc, cnonce: c.cnonce, qop: c.qop });
        let wanted = response(algorithm, &ha1, answer.nonce, with, &ha2);
        let given = answer.response.to_ascii_lowercase();
        equal_in_constant_time(wanted.as_bytes(), given.as_bytes()) && exists
    }

    fn nonce(&self, moment: Moment, number: u64, source: IpAddr) -> String {
        let mac = self.proof(moment, number, source);
        format!("{:016x}{number:016x}{}", moment.as_micros(), hex(&mac))
    }

    fn proof(&self, moment: Moment, number: u64, source: IpAddr) -> [u8; 16] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret.0).expect("HMAC takes keys of every length");
        mac.update(&moment.as_micros().to_be_bytes());
        mac.update(&number.to_be_bytes());
        mac.update(&octets(source));
        mac.update(self.realm.as_bytes());
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        std::array::from_fn(|at| whole[at])
    }

    /// Reads a nonce back when we issued it, to this source, not too long ago.
    fn live_nonce(&self, text: &str, source: IpAddr, now: Moment) -> Option<NonceKey> {
        let part = |range| u64::from_str_radix(text.get(range)?, 16).ok();
        let (moment, number) = (Moment::from_micros(part(0..16)?), part(16..32)?);
        let ours = equal_in_constant_time(self.nonce(moment, number, source).as_bytes(), text.as_bytes());
        let young = moment <= now && now.since(moment) <= NONCE_LIFE;
        (ours && young).then_some((moment, number))
    }
}

/// The credentials, read.
struct Answer<'a> {
    algorithm: Algorithm,
    username: &'a str,
    nonce: &'a str,
    uri: &'a str,
    response: &'a str,
    /// Present with `qop=auth`.
    count: Option<Count<'a>>,
}

struct Count<'a> {
    nc: &'a str,
    number: u32,
    cnonce: &'a str,
    qop: &'a str,
}

impl<'a> Count<'a> {
    fn read(auth: &'a AuthParams) -> Option<Self> {
        let nc = auth.get("nc").filter(|nc| nc.len() == 8 && nc.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let number = u32::from_str_radix(nc, 16).ok()?;
        Some(Self { nc, number, cnonce: auth.get("cnonce")?, qop: auth.get("qop")? })
    }
}

/// Asked only of digests without a nonce count: load generators and some old phones write the server's
/// address as `uri`, whatever the Request-URI.
///
/// RFC 3261 §22.4 item 1 lets `uri` differ from the Request-URI, since a proxy may change the latter;
/// RFC 7616 §3.4.6 wants the same resource. User and host must agree; bases differ in port and
/// parameters.
fn same_resource(digest_uri: &str, request_uri: &str) -> bool {
    let read = |text: &str| Uri::parse(&Text::from(text)).map(|uri| uri.aor());
    digest_uri == request_uri || read(digest_uri).is_some_and(|aor| read(request_uri) == Some(aor))
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

#[cfg(test)]
mod tests;

//! Digest access authentication with MD5 and `qop=auth` (RFC 3261 §22, RFC 2617 §3.2.2), both sides.

use std::fmt;

use md5::{Digest, Md5};

use super::{Message, fresh_token};

/// A user name and its password. Debug shows no password.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Credentials {
    /// The `username` of the digest.
    pub username: String,
    /// The secret.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A challenge in 401 or 407.
#[derive(Debug, Clone)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    qop_auth: bool,
}

impl Challenge {
    /// Our own challenge; its nonce belongs to one key (see [`Verifier`]).
    fn value(realm: &str, nonce: &str, stale: bool) -> String {
        let stale = if stale { ", stale=true" } else { "" };
        format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{stale}")
    }

    /// Reads the first MD5 challenge of a 401 or 407.
    pub fn of(response: &Message) -> Option<Self> {
        let name = if response.code()? == 407 { "Proxy-Authenticate" } else { "WWW-Authenticate" };
        response.headers_named(name).find_map(Self::read)
    }

    fn read(value: &str) -> Option<Self> {
        let algorithm = field(value, "algorithm").unwrap_or_else(|| "MD5".into());
        (is_digest(value) && algorithm.eq_ignore_ascii_case("MD5")).then_some(())?;
        let qop = field(value, "qop").unwrap_or_default();
        Some(Self {
            realm: field(value, "realm")?,
            nonce: field(value, "nonce")?,
            opaque: field(value, "opaque"),
            qop_auth: qop.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth")),
        })
    }

    /// The value of Authorization or Proxy-Authorization that answers it.
    pub fn answer(&self, with: &Credentials, method: &str, uri: &str) -> String {
        let (realm, nonce) = (&self.realm, &self.nonce);
        let (cnonce, nc) = (fresh_token(), "00000001");
        let ha1 = hash(&format!("{}:{realm}:{}", with.username, with.password));
        let ha2 = hash(&format!("{method}:{uri}"));
        let (response, qop) = if self.qop_auth {
            let response = hash(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"));
            (response, format!(", qop=auth, nc={nc}, cnonce=\"{cnonce}\""))
        } else {
            (hash(&format!("{ha1}:{nonce}:{ha2}")), String::new())
        };
        let opaque = self.opaque.as_ref().map(|o| format!(", opaque=\"{o}\"")).unwrap_or_default();
        format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm=MD5{qop}{opaque}",
            with.username
        )
    }

    /// Puts the answer into `request`, in the header that fits the response's code.
    pub fn sign(&self, request: &mut Message, code: u16, with: &Credentials) {
        let name = if code == 407 { "Proxy-Authorization" } else { "Authorization" };
        let method = request.method().map(ToString::to_string).unwrap_or_default();
        let value = self.answer(with, &method, request.uri());
        request.set(name, value);
    }
}

/// What a server made of a request's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They fit this user.
    Good(String),
    /// None, or for another nonce: challenge.
    Challenge,
    /// Wrong name or password.
    Bad,
}

/// The server's side. Nonces are made from a key, so that none needs to be kept.
#[derive(Debug)]
pub struct Verifier {
    realm: String,
    key: String,
}

impl Verifier {
    /// A verifier for one realm, with a fresh key.
    pub fn new(realm: &str) -> Self {
        Self { realm: realm.to_owned(), key: format!("{}{}", fresh_token(), fresh_token()) }
    }

    /// The value of WWW-Authenticate or Proxy-Authenticate.
    pub fn challenge(&self) -> String {
        let salt = fresh_token();
        let nonce = format!("{salt}{}", hash(&format!("{salt}:{}", self.key)));
        Challenge::value(&self.realm, &nonce, false)
    }

    /// Checks Authorization or Proxy-Authorization (`header`); `password_of` knows the users.
    pub fn check(
        &self,
        request: &Message,
        header: &str,
        password_of: impl Fn(&str) -> Option<String>,
    ) -> Verdict {
        let ours = |v: &&str| is_digest(v) && field(v, "realm").as_deref() == Some(&self.realm);
        let Some(value) = request.headers_named(header).find(ours) else { return Verdict::Challenge };
        let get = |name| field(value, name).unwrap_or_default();
        let (nonce, username, uri) = (get("nonce"), get("username"), get("uri"));
        if !self.made(&nonce) {
            return Verdict::Challenge;
        }
        let Some(password) = password_of(&username) else { return Verdict::Bad };
        let ha1 = hash(&format!("{username}:{}:{password}", self.realm));
        let method = request.method().map(ToString::to_string).unwrap_or_default();
        let ha2 = hash(&format!("{method}:{uri}"));
        let expected = match get("qop").as_str() {
            "" => hash(&format!("{ha1}:{nonce}:{ha2}")),
            qop => hash(&format!("{ha1}:{nonce}:{}:{}:{qop}:{ha2}", get("nc"), get("cnonce"))),
        };
        if expected.eq_ignore_ascii_case(&get("response")) { Verdict::Good(username) } else { Verdict::Bad }
    }

    fn made(&self, nonce: &str) -> bool {
        nonce.split_at_checked(16).is_some_and(|(salt, rest)| hash(&format!("{salt}:{}", self.key)) == rest)
    }
}

fn is_digest(value: &str) -> bool {
    value.trim_start().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("Digest "))
}

fn hash(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// One `name=value` of a challenge or of credentials, quotes taken off; commas in quotes do not split.
fn field(value: &str, name: &str) -> Option<String> {
    let value = value.trim_start().get(7..)?;
    super::address::list(value).find_map(|part| {
        let (key, content) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| content.trim().trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use ezk_sip_types::Method;

    use super::*;

    /// RFC 2617 §3.5, the example, without its fixed cnonce: HA1 and HA2 as printed there.
    #[test]
    fn the_example_of_rfc_2617_has_its_printed_response() {
        let ha1 = hash("Mufasa:testrealm@host.com:Circle Of Life");
        let ha2 = hash("GET:/dir/index.html");
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let response = hash(&format!("{ha1}:{nonce}:00000001:0a4f113b:auth:{ha2}"));
        assert_eq!(response, "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn credentials_are_challenged_then_accepted_and_a_wrong_password_is_refused() {
        let verifier = Verifier::new("lab.test");
        let good = Credentials { username: "1001".into(), password: "pw,\u{e4}".into() };
        let know = |user: &str| (user == "1001").then(|| "pw,\u{e4}".to_owned());
        let mut request = Message::request(Method::REGISTER, "sip:lab.test");
        assert_eq!(verifier.check(&request, "Authorization", know), Verdict::Challenge);

        let challenge = Challenge::read(&verifier.challenge()).unwrap();
        challenge.sign(&mut request, 401, &good);
        assert_eq!(verifier.check(&request, "Authorization", know), Verdict::Good("1001".into()));
        assert_eq!(Verifier::new("lab.test").check(&request, "Authorization", know), Verdict::Challenge);

        challenge.sign(&mut request, 401, &Credentials { password: "other".into(), ..good });
        assert_eq!(verifier.check(&request, "Authorization", know), Verdict::Bad);
    }
}

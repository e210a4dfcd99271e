//! The side that says who it is (RFC 3261 §22.2–22.3, RFC 7616 §3.4).

use crate::id::Tokens;
use crate::pii::Pii;
use crate::sip::wire::{HeaderName, Message, StartLine};

use super::{Algorithm, AuthParams, Ha1, Protection, quoted, response};

/// Most realms answered at once: a registrar and the proxies before it.
const MAX_REALMS: usize = 4;
/// Most challenges answered for one request: stale nonces and one realm after another.
const MAX_ROUNDS: u8 = 6;

/// A user's name and password towards another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Name for authentication; may differ from the user part of the address.
    pub username: String,
    /// The password in clear: the realm, and with it HA1, is the other side's choice.
    pub password: Pii<String>,
}

/// Why a challenge cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// The answer to this very challenge was refused.
    #[error("name or password was refused by realm {realm:?}")]
    Refused {
        /// Whose realm.
        realm: String,
    },
    /// Nothing in it that we know.
    #[error("no known authentication scheme among: {offered}")]
    NoKnownScheme {
        /// Schemes and algorithms as offered.
        offered: String,
    },
    /// The other side goes on challenging.
    #[error("challenged more often than can be sense for one request")]
    Endless,
}

/// Answers challenges with one set of credentials and remembers nonces with their counts.
#[derive(Debug, Clone)]
pub struct DigestClient {
    credentials: Credentials,
    held: Vec<Held>,
    rounds: u8,
}

impl DigestClient {
    /// Knows no challenge yet: the first request goes without credentials.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, held: Vec::new(), rounds: 0 }
    }

    /// New name or password; nonces are dropped.
    pub fn replace(&mut self, credentials: Credentials) {
        *self = Self::new(credentials);
    }

    /// A new request begins (not a repetition with credentials): earlier challenges are history.
    pub fn begin(&mut self) {
        self.rounds = 0;
        self.held.iter_mut().for_each(|held| held.progress = Progress::Kept);
    }

    /// Takes a 401 or 407. `Ok`: repeat the request, [`authorize`](Self::authorize)d.
    ///
    /// Of several challenges of one realm the strongest known one is taken. A challenge that repeats
    /// the nonce we have just answered, or follows an answer to a fresh one, means that the password is
    /// wrong, unless it says `stale=true`.
    pub fn learn(&mut self, answer: &Message, tokens: &mut Tokens) -> Result<(), Unanswerable> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            return Err(Unanswerable::Endless);
        }
        let offered = offered(answer);
        let known = strongest_per_realm(offered.iter());
        if known.is_empty() {
            let names = offered.iter().take(8).map(|(_, auth)| describe(auth)).collect::<Vec<_>>();
            return Err(Unanswerable::NoKnownScheme { offered: names.join(", ") });
        }
        known.into_iter().try_for_each(|challenge| self.take(challenge, tokens))
    }

    /// Puts credentials for every realm we know into `request`, in place of those it has.
    pub fn authorize(&mut self, request: &mut Message) {
        let StartLine::Request { method, uri } = request.start.clone() else { return };
        request.headers.remove(&HeaderName::Authorization);
        request.headers.remove(&HeaderName::ProxyAuthorization);
        for held in &mut self.held {
            let value = held.answer(&self.credentials, method.as_str(), &uri, &request.body);
            request.headers.push(held.challenge.side.credentials(), value);
        }
    }

    fn take(&mut self, challenge: Challenge, tokens: &mut Tokens) -> Result<(), Unanswerable> {
        let place = self.held.iter().position(|held| held.challenge.is_of_same_realm(&challenge));
        if let Some(held) = place.map(|place| &self.held[place]) {
            // RFC 7616 §3.3: without stale, "the username and/or password supplied are invalid".
            let same = held.challenge.nonce == challenge.nonce;
            let refused = held.progress == Progress::Answered || (same && held.count > 0);
            if refused && !challenge.stale {
                return Err(Unanswerable::Refused { realm: challenge.realm });
            }
        }
        let held = Held { challenge, cnonce: tokens.word(), count: 0, progress: Progress::Fresh };
        match place {
            Some(place) => self.held[place] = held,
            None if self.held.len() == MAX_REALMS => return Err(Unanswerable::Endless),
            None => self.held.push(held),
        }
        Ok(())
    }
}

/// Who challenges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    UserAgent,
    Proxy,
}

impl Side {
    const BOTH: [Self; 2] = [Self::UserAgent, Self::Proxy];

    const fn challenges(self) -> HeaderName {
        match self {
            Self::UserAgent => HeaderName::WwwAuthenticate,
            Self::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    const fn credentials(self) -> HeaderName {
        match self {
            Self::UserAgent => HeaderName::Authorization,
            Self::Proxy => HeaderName::ProxyAuthorization,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Qop {
    Auth,
    AuthInt,
}

/// A challenge we can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenge {
    side: Side,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// A `-sess` algorithm.
    session: bool,
    /// `algorithm` as it was written; old servers that send none do not want it back.
    algorithm_param: Option<String>,
    qop: Option<Qop>,
    stale: bool,
}

impl Challenge {
    fn read(side: Side, auth: &AuthParams) -> Option<Self> {
        let algorithm_param = auth.get("algorithm").map(str::to_owned);
        let (algorithm, session) = Algorithm::from_param(algorithm_param.as_deref())?;
        let qop = match auth.get("qop") {
            None => None,
            Some(list) => {
                let has = |wanted: &str| list.split(',').any(|q| q.trim().eq_ignore_ascii_case(wanted));
                // auth first: a body that a proxy on the way may touch is no sound ground for a hash.
                let known = [(Qop::Auth, has("auth")), (Qop::AuthInt, has("auth-int"))];
                Some(known.into_iter().find(|(_, offered)| *offered)?.0)
            }
        };
        auth.is_scheme("Digest").then_some(())?;
        Some(Self {
            side,
            realm: auth.get("realm")?.to_owned(),
            nonce: auth.get("nonce")?.to_owned(),
            opaque: auth.get("opaque").map(str::to_owned),
            algorithm,
            session,
            algorithm_param,
            qop,
            stale: auth.get("stale").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }

    fn is_of_same_realm(&self, other: &Self) -> bool {
        self.side == other.side && self.realm == other.realm
    }
}

/// How far the present request has got with a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Kept from an earlier request; it may have aged since.
    Kept,
    /// Came with the last answer.
    Fresh,
    /// Came during this request and was answered.
    Answered,
}

/// A challenge with our side of it.
#[derive(Debug, Clone)]
struct Held {
    challenge: Challenge,
    /// One per nonce, so that `-sess` keys stay the same; the count makes each answer new.
    cnonce: String,
    count: u32,
    progress: Progress,
}

impl Held {
    fn answer(&mut self, credentials: &Credentials, method: &str, uri: &str, body: &[u8]) -> String {
        // RFC 7616 §3.4: nc counts "the number of requests … that the client has sent with the nonce".
        self.count = self.count.saturating_add(1);
        if self.progress == Progress::Fresh {
            self.progress = Progress::Answered;
        }
        let Challenge { realm, nonce, algorithm, qop, .. } = &self.challenge;
        let nc = format!("{:08x}", self.count);
        let qop_word = qop.map(|qop| if qop == Qop::Auth { "auth" } else { "auth-int" });
        let with = qop_word.map(|qop| Protection { nc: &nc, cnonce: &self.cnonce, qop });
        let ha2 = match qop {
            // RFC 7616 §3.4.3: A2 = Method ":" request-uri ":" H(entity-body)
            Some(Qop::AuthInt) => algorithm.hash_joined(&[method, uri, &algorithm.hash(body)]),
            _ => algorithm.hash_joined(&[method, uri]),
        };
        let digest = response(*algorithm, &self.ha1(credentials), nonce, with, &ha2);
        let username = quoted(&credentials.username);
        let mut value = format!(
            "Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{digest}\""
        );
        if let Some(name) = &self.challenge.algorithm_param {
            value += &format!(", algorithm={name}");
        }
        if let Some(opaque) = &self.challenge.opaque {
            value += &format!(", opaque=\"{opaque}\"");
        }
        if let Some(qop) = qop_word {
            value += &format!(", qop={qop}, cnonce=\"{}\", nc={nc}", self.cnonce);
        }
        value
    }

    fn ha1(&self, Credentials { username, password }: &Credentials) -> String {
        let Challenge { realm, nonce, algorithm, session, .. } = &self.challenge;
        let ha1 = Ha1::of(*algorithm, username, realm, &password.0).hex.0;
        match session {
            true => algorithm.hash_joined(&[&ha1, nonce, &self.cnonce]),
            false => ha1,
        }
    }
}

/// All that a response offers. Lines that do not parse are as good as absent.
fn offered(answer: &Message) -> Vec<(Side, AuthParams)> {
    let lines = |side: Side| {
        let values: Vec<_> = answer.headers.get_all(&side.challenges()).take(8).cloned().collect();
        values.into_iter().filter_map(|v| AuthParams::parse_all(&v)).flatten().map(move |a| (side, a))
    };
    Side::BOTH.into_iter().flat_map(lines).collect()
}

fn strongest_per_realm<'a>(offered: impl Iterator<Item = &'a (Side, AuthParams)>) -> Vec<Challenge> {
    let mut chosen: Vec<Challenge> = Vec::new();
    for challenge in offered.filter_map(|(side, auth)| Challenge::read(*side, auth)) {
        match chosen.iter_mut().find(|other| other.is_of_same_realm(&challenge)) {
            // RFC 8760 §2.4: among equals the first, since servers list by preference.
            Some(other) if challenge.algorithm > other.algorithm => *other = challenge,
            Some(_) => {}
            None => chosen.push(challenge),
        }
    }
    chosen
}

fn describe(auth: &AuthParams) -> String {
    let name = |text: &str| text.chars().filter(|c| !c.is_control()).take(32).collect::<String>();
    match auth.get("algorithm") {
        Some(algorithm) => format!("{} {}", name(auth.scheme()), name(algorithm)),
        None => name(auth.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Method;

    fn client() -> DigestClient {
        DigestClient::new(Credentials { username: "bob".into(), password: Pii("zanzibar".into()) })
    }

    fn tokens() -> Tokens {
        Tokens::new([7; 32])
    }

    fn request() -> Message {
        Message::request(Method::Register, "sip:biloxi.com")
    }

    fn answer(status: u16, challenges: &[(HeaderName, &str)]) -> Message {
        let mut answer = Message::response(&request(), status, "", None);
        challenges.iter().for_each(|(name, value)| answer.headers.push(name.clone(), *value));
        answer
    }

    fn www(value: &str) -> Message {
        answer(401, &[(HeaderName::WwwAuthenticate, value)])
    }

    fn credentials(request: &Message) -> AuthParams {
        AuthParams::parse(request.header(&HeaderName::Authorization).unwrap()).unwrap()
    }

    #[test]
    fn a_legacy_challenge_is_answered_as_rfc_2617_without_qop() {
        // Hash values computed apart with coreutils' md5sum.
        let mut client = client();
        client
            .learn(
                &www(r#"Digest realm="biloxi.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c0", opaque="5c""#),
                &mut tokens(),
            )
            .unwrap();
        let mut request = request();
        client.authorize(&mut request);
        let sent = credentials(&request);
        assert_eq!(sent.get("response"), Some("e3010c38344df837a921427c646bde7e"));
        assert_eq!((sent.get("qop"), sent.get("nc"), sent.get("algorithm")), (None, None, None));
        assert_eq!(sent.get("opaque"), Some("5c"));
    }

    #[test]
    fn the_strongest_known_challenge_of_a_realm_is_taken() {
        let mut client = client();
        let both = answer(
            401,
            &[
                (HeaderName::WwwAuthenticate, r#"NTLM realm="r", version=4"#),
                (HeaderName::WwwAuthenticate, r#"Digest realm="r", nonce="m", algorithm=MD5, qop="auth""#),
                (
                    HeaderName::WwwAuthenticate,
                    r#"Digest realm="r", nonce="s", algorithm=SHA-256, qop="auth-int, auth""#,
                ),
                (
                    HeaderName::WwwAuthenticate,
                    r#"Digest realm="r", nonce="x", algorithm=SHA-512-256, qop="auth""#,
                ),
            ],
        );
        client.learn(&both, &mut tokens()).unwrap();
        let mut request = request();
        client.authorize(&mut request);
        let sent = credentials(&request);
        assert_eq!(
            (sent.get("nonce"), sent.get("algorithm"), sent.get("qop")),
            (Some("s"), Some("SHA-256"), Some("auth"))
        );
    }

    #[test]
    fn counts_grow_per_nonce_and_start_anew_with_a_new_one() {
        let (mut client, mut tokens) = (client(), tokens());
        client.learn(&www(r#"Digest realm="r", nonce="1", qop="auth""#), &mut tokens).unwrap();
        let mut request = request();
        for wanted in ["00000001", "00000002", "00000003"] {
            client.authorize(&mut request);
            assert_eq!(credentials(&request).get("nc"), Some(wanted));
            assert_eq!(request.headers.get_all(&HeaderName::Authorization).count(), 1);
        }
        client.begin();
        client.learn(&www(r#"Digest realm="r", nonce="2", qop="auth", stale=TRUE"#), &mut tokens).unwrap();
        client.authorize(&mut request);
        assert_eq!(credentials(&request).get("nc"), Some("00000001"));
    }

    #[test]
    fn the_same_nonce_again_is_a_refusal() {
        let (mut client, mut tokens) = (client(), tokens());
        let challenge = www(r#"Digest realm="r", nonce="1", qop="auth""#);
        client.learn(&challenge, &mut tokens).unwrap();
        client.authorize(&mut request());
        assert_eq!(client.learn(&challenge, &mut tokens), Err(Unanswerable::Refused { realm: "r".into() }));
    }

    #[test]
    fn a_new_nonce_after_a_fresh_answer_is_a_refusal_but_after_a_kept_one_is_not() {
        let (mut client, mut tokens) = (client(), tokens());
        client.learn(&www(r#"Digest realm="r", nonce="1""#), &mut tokens).unwrap();
        client.authorize(&mut request());
        assert!(client.learn(&www(r#"Digest realm="r", nonce="2""#), &mut tokens).is_err());
        client.begin();
        client.authorize(&mut request());
        client.learn(&www(r#"Digest realm="r", nonce="3""#), &mut tokens).unwrap();
        client.authorize(&mut request());
        assert!(client.learn(&www(r#"Digest realm="r", nonce="4""#), &mut tokens).is_err());
    }

    #[test]
    fn a_kept_nonce_that_comes_back_without_stale_is_a_refusal() {
        // The password was changed at the registrar while we were registered.
        let (mut client, mut tokens) = (client(), tokens());
        let challenge = www(r#"Digest realm="r", nonce="1", qop="auth""#);
        client.learn(&challenge, &mut tokens).unwrap();
        client.authorize(&mut request());
        client.begin();
        client.authorize(&mut request());
        assert!(client.learn(&challenge, &mut tokens).is_err());
    }

    #[test]
    fn endless_stale_challenges_end() {
        let (mut client, mut tokens) = (client(), tokens());
        let mut learn = |n: u32| {
            let outcome =
                client.learn(&www(&format!(r#"Digest realm="r", nonce="{n}", stale=true"#)), &mut tokens);
            client.authorize(&mut request());
            outcome
        };
        assert_eq!((0..20).map_while(|n| learn(n).ok()).count(), usize::from(MAX_ROUNDS));
    }

    #[test]
    fn registrar_and_proxy_are_answered_side_by_side() {
        let (mut client, mut tokens) = (client(), tokens());
        client
            .learn(
                &answer(407, &[(HeaderName::ProxyAuthenticate, r#"Digest realm="p", nonce="1""#)]),
                &mut tokens,
            )
            .unwrap();
        client.authorize(&mut request());
        client.learn(&www(r#"Digest realm="r", nonce="1""#), &mut tokens).unwrap();
        let mut request = request();
        client.authorize(&mut request);
        assert!(request.header(&HeaderName::ProxyAuthorization).unwrap().contains(r#"realm="p""#));
        assert_eq!(credentials(&request).get("realm"), Some("r"));
    }

    #[test]
    fn auth_int_hashes_the_body_and_sess_the_nonces() {
        let (mut client, mut tokens) = (client(), tokens());
        let challenge = r#"Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth-int""#;
        client.learn(&www(challenge), &mut tokens).unwrap();
        let mut request = request();
        request.set_body("text/plain", "hello");
        client.authorize(&mut request);
        let sent = credentials(&request);
        let (md5, cnonce) = (Algorithm::Md5, sent.get("cnonce").unwrap());
        let ha1 = md5.hash_joined(&[&md5.hash(b"bob:r:zanzibar"), "n", cnonce]);
        let ha2 = md5.hash_joined(&["REGISTER", "sip:biloxi.com", &md5.hash(b"hello")]);
        let wanted = md5.hash_joined(&[&ha1, "n", "00000001", cnonce, "auth-int", &ha2]);
        assert_eq!(sent.get("response"), Some(wanted.as_str()));
    }

    #[test]
    fn unknown_schemes_are_named() {
        let fault = client().learn(&www(r#"NTLM realm="SIP", version=4, Kerberos realm="x""#), &mut tokens());
        assert_eq!(fault, Err(Unanswerable::NoKnownScheme { offered: "NTLM, Kerberos".into() }));
        assert!(client().learn(&www("Digest realm=\"r"), &mut tokens()).is_err());
    }

    #[test]
    fn a_name_with_backslash_is_escaped_on_the_wire_and_plain_in_the_hash() {
        let credentials = Credentials { username: "CORP\\bob".into(), password: Pii("x".into()) };
        let mut client = DigestClient::new(credentials);
        client.learn(&www(r#"Digest realm="r", nonce="n""#), &mut tokens()).unwrap();
        let mut request = request();
        client.authorize(&mut request);
        let sent = super::tests::credentials(&request);
        assert_eq!(sent.get("username"), Some("CORP\\\\bob"));
        let ha1 = Algorithm::Md5.hash(b"CORP\\bob:r:x");
        let ha2 = Algorithm::Md5.hash(b"REGISTER:sip:biloxi.com");
        assert_eq!(sent.get("response"), Some(Algorithm::Md5.hash_joined(&[&ha1, "n", &ha2]).as_str()));
    }
}

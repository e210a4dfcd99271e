//! NTLM security associations: challenge, handshake, verification of everything that arrives, signature of
//! everything that leaves ([MS-SIPAE] 3.2, [MS-SIP] 3.1.4).
//!
//! ```text
//!  request ──► no credentials ─────────────► 401: the schemes
//!              gssapi-data="" ─────────────► 401: CHALLENGE, opaque        (kept as a handshake)
//!              gssapi-data=AUTHENTICATE ──► association of user, epid, connection
//!              response ───────────────────► verified against the association, or 401; ACK, CANCEL dropped
//! ```

mod by_dsk;

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;

use super::associations::{Association, Endpoint, Handshake, Keys, Table, receiver, sender};
use super::config::{ChallengeStyle, Ntlm};
use super::dsk::Dsk;
use super::signing::{FORGED, Parameters, Preamble, text};
use super::tally::Tally;
use super::window::Window;
use crate::front_end::accounts::Register;
use crate::ntlm::{self, Authenticate, Challenge, Direction};
use crate::sip::endpoint::locked;
use crate::sip::guard::{Refusal, Verdict};
use crate::sip::{Hop, Message};

const REALM: &str = "SIP Communications Service";
/// NTLMSSP_NEGOTIATE_DATAGRAM: not in HTTP.
const DATAGRAM: u32 = 0x40;

pub(super) struct Security {
    ntlm: Ntlm,
    fqdn: String,
    domain: String,
    accounts: Arc<Register>,
    tally: Arc<Tally>,
    dsk: Option<Dsk>,
    table: Mutex<Table>,
}

/// Why credentials are not taken.
enum Fault {
    /// There are none that could be checked.
    Missing(&'static str),
    /// They are wrong.
    Wrong(&'static str),
    /// The inner handshake of TLS-DSK is broken off.
    Broken(String),
}

impl Security {
    pub(super) fn new(
        ntlm: Ntlm,
        fqdn: &str,
        domain: &str,
        accounts: Arc<Register>,
        tally: Arc<Tally>,
        dsk: Option<Dsk>,
    ) -> Self {
        let (fqdn, domain) = (fqdn.to_owned(), domain.to_owned());
        Self { ntlm, fqdn, domain, accounts, tally, dsk, table: Mutex::default() }
    }

    /// Where users get their certificates is known now.
    pub(super) fn certificates_are_given_at(&self, service: String) {
        if let Some(dsk) = &self.dsk {
            // A second call would say the same.
            let _ = dsk.service.set(service);
        }
    }

    /// What a web service challenges with.
    pub(super) fn http_challenge(&self) -> Challenge {
        Challenge { flags: ntlm::OFFERED & !DATAGRAM, ..self.new_challenge() }
    }

    /// Whether an answer to such a challenge is of this user.
    pub(super) fn proves(&self, user: &str, challenge: &[u8; 8], answer: &Authenticate) -> Result<(), ()> {
        self.keys(user, challenge, answer).map(drop).map_err(drop)
    }

    /// Judges a message from a client that must sign.
    pub(super) fn judge(&self, message: &Message, hop: &Hop) -> Verdict {
        let Some(credentials) = credentials(message) else {
            return self.refuse(message, Fault::Missing("unsigned"));
        };
        let data = credentials.get("gssapi-data").filter(|_| message.code().is_none());
        if let (Some(dsk), Some(data)) = (&self.dsk, data) {
            return self.by_dsk(dsk, message, hop, &credentials, data);
        }
        let checked = match credentials.get("gssapi-data") {
            Some("") if message.code().is_none() => return self.begin(message, hop),
            Some(data) if message.code().is_none() => self.finish(message, hop, &credentials, data),
            _ => self.verify(message, hop, &credentials),
        };
        match checked {
            Ok(()) => Verdict::Pass,
            Err(fault) => self.refuse(message, fault),
        }
    }

    fn refuse(&self, message: &Message, fault: Fault) -> Verdict {
        match fault {
            Fault::Missing(why) => self.tally.missing(message, why),
            Fault::Wrong(why) => self.tally.bad(message, why),
            Fault::Broken(ref why) => self.tally.bad(message, why),
        }
        // [MS-SIPAE] 3.2.5: ACK and CANCEL cannot be challenged, responses neither.
        if message.code().is_some() || ["ACK", "CANCEL"].contains(&message.cseq_method()) {
            return Verdict::Drop;
        }
        let mut headers = vec![("Date", super::date::now())];
        headers.extend(self.schemes().map(|value| (self.challenge_header(), value)));
        let why = match fault {
            Fault::Missing(_) => None,
            Fault::Wrong(why) => Some(why.to_owned()),
            Fault::Broken(why) => Some(why),
        };
        if let Some(why) = why {
            headers.push(("ms-diagnostics", format!("1000;reason=\"{why}\";source=\"{}\"", self.fqdn)));
        }
        self.challenge(headers)
    }

    /// The schemes on offer, as a Lync 2013 server lists them.
    fn schemes(&self) -> impl Iterator<Item = String> {
        let (fqdn, version) = (&self.fqdn, self.version_parameter());
        let common = |scheme: &str, target: &str| {
            format!("{scheme} realm=\"{REALM}\", targetname=\"{target}{fqdn}\"{version}")
        };
        let given = self.dsk.as_ref().and_then(|dsk| dsk.service.get().cloned());
        let elsewhere = || format!("https://{fqdn}:443/CertProv/CertProvisioningService.svc");
        let sts = given.unwrap_or_else(elsewhere);
        let dsk = format!("{}, sts-uri=\"{sts}\"", common("TLS-DSK", ""));
        let (ntlm, kerberos) = (common("NTLM", ""), common("Kerberos", "sip/"));
        let offers = match (self.dsk.is_some(), self.ntlm.offers_others) {
            (true, _) => vec![kerberos, dsk],
            (false, true) => vec![ntlm, kerberos, dsk],
            (false, false) => vec![ntlm],
        };
        offers.into_iter()
    }

    /// Version 2 has no parameter.
    fn version_parameter(&self) -> String {
        if self.ntlm.version < 3 { String::new() } else { format!(", version={}", self.ntlm.version) }
    }

    fn challenge(&self, headers: Vec<(&'static str, String)>) -> Verdict {
        let (code, reason) = match self.ntlm.challenge {
            ChallengeStyle::Unauthorized => (401, "Unauthorized"),
            ChallengeStyle::Proxy => (407, "Proxy Authentication Required"),
        };
        Verdict::Refuse(Refusal { code, reason, headers })
    }

    const fn challenge_header(&self) -> &'static str {
        match self.ntlm.challenge {
            ChallengeStyle::Unauthorized => "WWW-Authenticate",
            ChallengeStyle::Proxy => "Proxy-Authenticate",
        }
    }

    fn new_challenge(&self) -> Challenge {
        Challenge {
            server_challenge: rand::random(),
            flags: ntlm::OFFERED,
            domain: self.ntlm.netbios_domain.clone(),
            dns_domain: self.domain.clone(),
            server: self.fqdn.clone(),
            time: self.ntlm.sends_time.then(SystemTime::now),
        }
    }

    fn associate(
        &self,
        opaque: &str,
        endpoint: Endpoint,
        keys: Keys,
        credentials: &Parameters,
    ) -> Result<u8, Fault> {
        let asked = credentials.get("version").and_then(|v| v.parse().ok()).unwrap_or(2);
        let version = self.ntlm.version.min(asked);
        let association = Association {
            opaque: opaque.to_owned(),
            endpoint,
            version,
            keys,
            heard: Window::default(),
            said: 0,
            until: Instant::now() + self.ntlm.life,
        };
        match locked(&self.table).associate(association) {
            true => Ok(version),
            false => Err(Fault::Wrong("too many security associations")),
        }
    }

    fn begin(&self, message: &Message, hop: &Hop) -> Verdict {
        let challenge = self.new_challenge();
        let opaque = format!("{:08X}", rand::random::<u32>());
        let handshake =
            Handshake { endpoint: sender(message, hop), server_challenge: challenge.server_challenge };
        locked(&self.table).keep(opaque.clone(), handshake);
        let data = STANDARD.encode(challenge.to_bytes());
        let value = format!(
            "NTLM opaque=\"{opaque}\", gssapi-data=\"{data}\", targetname=\"{}\", realm=\"{REALM}\"{}",
            self.fqdn,
            self.version_parameter()
        );
        self.challenge(vec![("Date", super::date::now()), (self.challenge_header(), value)])
    }

    fn finish(
        &self,
        message: &Message,
        hop: &Hop,
        credentials: &Parameters,
        data: &str,
    ) -> Result<(), Fault> {
        let opaque = credentials.get("opaque").unwrap_or("");
        let handshake = locked(&self.table).take_handshake(opaque);
        let handshake = handshake.ok_or(Fault::Missing("opaque is of no handshake"))?;
        let endpoint = sender(message, hop);
        if handshake.endpoint != endpoint {
            return Err(Fault::Wrong("opaque is of another user, epid or connection"));
        }
        let octets = STANDARD.decode(data).map_err(|_| Fault::Wrong("gssapi-data is not base64"))?;
        let answer = Authenticate::parse(&octets).map_err(|error| Fault::Wrong(error.0))?;
        let keys = self.keys(&endpoint.user, &handshake.server_challenge, &answer)?;
        let version = self.associate(opaque, endpoint, Keys::Ntlm(keys), credentials)?;
        // Version 4: the last request of the handshake is signed already.
        if version >= 4 { self.verify(message, hop, credentials) } else { Ok(()) }
    }

    fn keys(&self, user: &str, challenge: &[u8; 8], answer: &Authenticate) -> Result<ntlm::Keys, Fault> {
        let account = self.accounts.credentials_of(user).ok_or(Fault::Wrong("no such user"))?;
        if !self.is_name_of(&answer.user, &answer.domain, user, &account.username) {
            return Err(Fault::Wrong("credentials are another user's"));
        }
        let late = ntlm::response_time(&answer.nt_response).is_none_or(|time| {
            let now = SystemTime::now();
            let apart = now.duration_since(time).or_else(|_| time.duration_since(now));
            apart.is_ok_and(|apart| apart > self.ntlm.skew)
        });
        if late {
            return Err(Fault::Wrong("Final handshake failed: clocks differ"));
        }
        let key = ntlm::password_key(&answer.user, &answer.domain, &account.password);
        let base = ntlm::check_response(&key, challenge, &answer.nt_response);
        let base = base.ok_or(Fault::Wrong("Final handshake failed"))?;
        let exported = ntlm::exported_key(&base, &answer.sealed_key, answer.flags);
        let exported = exported.ok_or(Fault::Wrong("EncryptedRandomSessionKey"))?;
        Ok(ntlm::Keys::new(&exported, answer.flags))
    }

    /// `CONTOSO\user`, `user` alone, or a user principal name; the account may be written in each form.
    fn is_name_of(&self, typed: &str, typed_domain: &str, user: &str, account: &str) -> bool {
        let (account_domain, name) = account.rsplit_once('\\').unwrap_or(("", account));
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let principal = format!("{user}@{}", self.domain);
        let domains = ["", &self.ntlm.netbios_domain, &self.domain, account_domain];
        let named = same(typed, name)
            || same(typed, &principal)
            || same(typed, name.split('@').next().unwrap_or(name));
        named && domains.iter().any(|domain| same(domain, typed_domain))
    }

    fn verify(&self, message: &Message, hop: &Hop, credentials: &Parameters) -> Result<(), Fault> {
        let get = |name| credentials.get(name).unwrap_or("");
        let mut table = locked(&self.table);
        let association = table.of_opaque(get("opaque"));
        let association = association.ok_or(Fault::Missing("no such security association"))?;
        let endpoint = sender(message, hop);
        // [MS-SIPAE] 3.2.5: the association is found by opaque and epid.
        if association.endpoint.connection != endpoint.connection {
            return Err(Fault::Missing("the security association is of another connection"));
        }
        if association.endpoint.epid != endpoint.epid {
            return Err(Fault::Wrong("epid is not the security association's"));
        }
        // A forwarded call goes on under the name of who was called first.
        let begins = message.code().is_none() && message.tag("To").is_none();
        if begins && association.endpoint.user != endpoint.user {
            return Err(Fault::Wrong("the user is not the security association's"));
        }
        if association.until < Instant::now() {
            return Err(Fault::Missing("the security association is too old"));
        }
        let preamble = Preamble {
            scheme: &credentials.scheme,
            rand: get("crand"),
            number: get("cnum"),
            realm: get("realm"),
            target: get("targetname"),
        };
        let signed = text(association.version, &preamble, message);
        if !association.keys.verifies(Direction::FromClient, &signed, get("response")) {
            return Err(Fault::Wrong("the signature does not fit"));
        }
        let number = get("cnum").parse().map_err(|_| Fault::Wrong("cnum is no number"))?;
        if !association.heard.takes(number) {
            return Err(Fault::Wrong("cnum was heard before, or is too old"));
        }
        self.tally.verified();
        Ok(())
    }

    /// Signs what goes to a client.
    pub(super) fn sign(&self, message: &mut Message, hop: &Hop) {
        let provisional = message.code().is_some_and(|code| code < 200);
        let challenges =
            ["WWW-Authenticate", "Proxy-Authenticate"].iter().any(|h| message.header(h).is_some());
        if challenges || provisional && !self.ntlm.signs_provisional {
            return;
        }
        let mut table = locked(&self.table);
        let Some(association) = table.of_endpoint(&receiver(message, hop)) else {
            return self.tally.unsigned();
        };
        association.said += 1;
        let (rand, number) = (format!("{:08X}", rand::random::<u32>()), association.said.to_string());
        let scheme = association.keys.scheme();
        let preamble = Preamble { scheme, rand: &rand, number: &number, realm: REALM, target: &self.fqdn };
        let signed = text(association.version, &preamble, message);
        let mac = association.keys.sign(Direction::FromServer, &signed);
        let forged = message.header(FORGED).is_some();
        let mac = if forged { "0".repeat(mac.len()) } else { mac };
        message.remove(FORGED);
        let version = match association.version {
            0..3 => String::new(),
            version => format!(", version={version}"),
        };
        let opaque = &association.opaque;
        let value = format!(
            "{scheme} qop=\"auth\", opaque=\"{opaque}\", srand=\"{rand}\", snum=\"{number}\", rspauth=\"{mac}\", \
             targetname=\"{}\", realm=\"{REALM}\"{version}",
            self.fqdn
        );
        message.set(self.info_header(), value);
        self.tally.signed();
    }

    const fn info_header(&self) -> &'static str {
        match self.ntlm.challenge {
            ChallengeStyle::Unauthorized => "Authentication-Info",
            ChallengeStyle::Proxy => "Proxy-Authentication-Info",
        }
    }

    /// A connection is gone, and its associations with it.
    pub(super) fn forget(&self, connection: u64) {
        locked(&self.table).forget(connection);
    }

    /// Associations that stand now.
    pub(super) fn associations(&self) -> usize {
        locked(&self.table).len()
    }
}

/// The credentials of a message.
fn credentials(message: &Message) -> Option<Parameters> {
    let names = ["Authorization", "Proxy-Authorization"];
    let all = names.into_iter().flat_map(|name| message.headers_named(name));
    all.filter_map(Parameters::parse)
        .find(|one| ["NTLM", "TLS-DSK"].iter().any(|scheme| one.scheme.eq_ignore_ascii_case(scheme)))
}

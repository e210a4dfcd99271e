//! A Lync client of a few lines: signs in by NTLM, signs what it sends, verifies what it hears.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ezk_sip_types::Method;
use hmac::{Hmac, KeyInit, Mac};
use kirkwall_lab::front_end::FrontEnd;
use kirkwall_lab::front_end::lync::identity::Instance;
use kirkwall_lab::ntlm::{Direction, Keys, password_key};
use kirkwall_lab::sip::guard::{Guard, Verdict};
use kirkwall_lab::sip::{Endpoint, EndpointConfig, Hop, Incoming, Message, Transport, address, fresh_token};
use tokio::sync::mpsc;

use super::{DOMAIN, PASSWORD};

/// What is agreed on in AUTHENTICATE (that of Communicator 2007 R2).
const FLAGS: u32 = 0x6298_8255;
/// The exported session key: the client's choice.
const SESSION_KEY: [u8; 16] = [0x42; 16];

pub struct Client {
    pub user: String,
    pub epid: String,
    pub password: String,
    pub version: u8,
    pub endpoint: Endpoint,
    pub requests: mpsc::Receiver<Incoming>,
    pub signer: Arc<Signer>,
    pub hop: Hop,
    call_id: String,
    cseq: u32,
}

impl Client {
    /// A client with its own connection over TCP.
    pub async fn new(front_end: &FrontEnd, user: &str, epid: &str) -> Self {
        let signer = Arc::new(Signer::default());
        let config = EndpointConfig { guard: Some(signer.clone()), ..EndpointConfig::default() };
        let (endpoint, requests) = Endpoint::start(config).await.unwrap();
        let at = Hop::new(Transport::Tcp, front_end.listening().tcp.unwrap());
        let hop = endpoint.connect(&at).await.unwrap();
        Self {
            user: user.into(),
            epid: epid.into(),
            password: PASSWORD.into(),
            version: 4,
            endpoint,
            requests,
            signer,
            hop,
            call_id: fresh_token(),
            cseq: 0,
        }
    }

    /// Signed in, with the 200.
    pub async fn signed_in(front_end: &FrontEnd, user: &str, epid: &str) -> (Self, Message) {
        let mut client = Self::new(front_end, user, epid).await;
        let ok = client.sign_in().await;
        assert_eq!(ok.code(), Some(200), "{ok:?}");
        (client, ok)
    }

    /// The three REGISTERs of a sign-in; the last answer.
    pub async fn sign_in(&mut self) -> Message {
        let request = self.register();
        let first = self.ask(request).await;
        if !matches!(first.code(), Some(401 | 407)) {
            return first;
        }
        let value = schemes(&first).find(|value| value.starts_with("NTLM")).unwrap().to_owned();
        assert!(first.header("Date").is_some());
        let common = format!(
            "NTLM qop=\"auth\", realm=\"SIP Communications Service\", targetname=\"{}\"",
            field(&value, "targetname")
        );
        let version = if self.version < 3 { String::new() } else { format!(", version={}", self.version) };
        let mut request = self.register();
        request.push(reply_header(&first), format!("{common}, gssapi-data=\"\"{version}"));
        let second = self.ask(request).await;
        let value = schemes(&second).next().unwrap().to_owned();
        let challenge = STANDARD.decode(field(&value, "gssapi-data")).unwrap();
        let answer = STANDARD.encode(self.authenticate(&challenge));
        let opaque = field(&value, "opaque");
        let agreed = if value.contains("version=") { self.version } else { 2 };
        let credentials = format!("{common}, opaque=\"{opaque}\"");
        self.signer.learn(credentials, reply_header(&second), agreed);
        let mut request = self.register();
        let credentials = format!("{common}, opaque=\"{opaque}\", gssapi-data=\"{answer}\"{version}");
        request.push(reply_header(&second), credentials);
        self.ask(request).await
    }

    /// A REGISTER, the next of its Call-ID.
    pub fn register(&mut self) -> Message {
        let mut request = self.request(Method::REGISTER, &format!("sip:{DOMAIN}"), "");
        request.set("To", format!("<sip:{}@{DOMAIN}>", self.user));
        self.cseq += 1;
        request.set("CSeq", format!("{} REGISTER", self.cseq));
        request.set("Call-ID", &self.call_id);
        request.push("Contact", self.contact());
        for token in ["gruu-10, adhoclist, msrtc-event-categories", "ms-forking"] {
            request.push("Supported", token);
        }
        request.push("Event", "registration");
        request.push("ms-keep-alive", "UAC;hop-hop=yes");
        request
    }

    pub fn instance(&self) -> Instance {
        Instance::of_epid(&self.epid)
    }

    pub fn gruu(&self) -> String {
        self.instance().gruu(&self.user, DOMAIN)
    }

    fn contact(&self) -> String {
        let own = self.hop.connection.unwrap();
        let instance = self.instance().to_string().to_uppercase();
        format!(
            "<sip:127.0.0.1:{};transport=tcp;ms-opaque={own:x}>;methods=\"INVITE, ACK\";proxy=replace;\
             +sip.instance=\"<urn:uuid:{instance}>\"",
            40_000 + own
        )
    }

    /// A request outside a dialog, from this client.
    pub fn request(&self, method: Method, uri: &str, to_epid: &str) -> Message {
        let cseq = format!("1 {method}");
        let mut request = Message::request(method, uri);
        request.push("Max-Forwards", "70");
        let tag = fresh_token();
        request.push("From", format!("<sip:{}@{DOMAIN}>;tag={tag};epid={}", self.user, self.epid));
        request.push("To", format!("<{uri}>{to_epid}"));
        request.push("Call-ID", fresh_token());
        request.push("CSeq", cseq);
        request
    }

    pub async fn ask(&self, request: Message) -> Message {
        let transaction = self.endpoint.request(request, &self.hop).await.unwrap();
        let answered = tokio::time::timeout(super::SOON, transaction.outcome()).await;
        answered.expect("an answer in time").expect("an answer")
    }

    /// AUTHENTICATE ([MS-NLMP] 2.2.1.3) to a CHALLENGE.
    fn authenticate(&self, challenge: &[u8]) -> Vec<u8> {
        let at = |n: usize| u32::from_le_bytes(challenge[n..n + 4].try_into().unwrap()) as usize;
        let length = usize::from(u16::from_le_bytes(challenge[40..42].try_into().unwrap()));
        let names = &challenge[at(44)..at(44) + length];
        let key = password_key(&self.user, "LAB", &self.password);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ticks = (now.as_secs() + 11_644_473_600) * 10_000_000;
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        blob.extend(ticks.to_le_bytes());
        blob.extend([0xAA; 8]);
        blob.extend([0; 4]);
        blob.extend(names);
        blob.extend([0; 4]);
        let proof = hmac_md5(&key, &[&challenge[24..32], &blob]);
        let base = hmac_md5(&key, &[&proof]);
        let response = [&proof[..], &blob].concat();
        let sealed = rc4(&base, &SESSION_KEY);
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let fields = [vec![0; 24], response, utf16("LAB"), utf16(&self.user), utf16("TEST"), sealed];
        let mut message = b"NTLMSSP\0\x03\0\0\0".to_vec();
        let mut offset = 72;
        for field in &fields {
            message.extend([field.len() as u16; 2].iter().flat_map(|n| n.to_le_bytes()));
            message.extend((offset as u32).to_le_bytes());
            offset += field.len();
        }
        message.extend(FLAGS.to_le_bytes());
        message.extend([6, 1, 0, 0, 0, 0, 0, 15]);
        fields.iter().for_each(|field| message.extend(field));
        message
    }
}

pub fn schemes(response: &Message) -> impl Iterator<Item = &str> {
    ["WWW-Authenticate", "Proxy-Authenticate"].into_iter().flat_map(|name| response.headers_named(name))
}

fn reply_header(challenge: &Message) -> &'static str {
    if challenge.code() == Some(407) { "Proxy-Authorization" } else { "Authorization" }
}

pub fn field(value: &str, name: &str) -> String {
    let (_, rest) = value.split_once(' ').unwrap();
    let found = address::list(rest).filter_map(|one| one.split_once('=')).find(|(key, _)| key.trim() == name);
    found.map(|(_, value)| value.trim_matches('"').to_owned()).unwrap_or_default()
}

/// The client's door: signs and verifies once it has learnt an association.
#[derive(Default)]
pub struct Signer(Mutex<Signing>);

#[derive(Default)]
pub struct Signing {
    association: Option<(String, &'static str, u8)>,
    said: u32,
    /// Messages of the server whose signature fits.
    pub verified: u32,
    /// And those without, or with a wrong one, with what they were.
    pub wrong: Vec<String>,
    /// Spoils the next signatures.
    pub spoils: bool,
    /// Leaves signatures out.
    pub silent: bool,
}

impl Signer {
    fn learn(&self, credentials: String, header: &'static str, version: u8) {
        self.now().association = Some((credentials, header, version));
    }

    /// What was heard without a signature, or with a wrong one.
    pub fn wrong(&self) -> Vec<String> {
        self.now().wrong.clone()
    }

    /// Its state. Never twice in one expression: the lock is held to the expression's end.
    pub fn now(&self) -> std::sync::MutexGuard<'_, Signing> {
        self.0.lock().unwrap()
    }
}

impl Guard for Signer {
    fn way_to(&self, _: &kirkwall_lab::sip::Message) -> Option<Hop> {
        None
    }

    fn arriving(&self, message: &mut Message, _: &Hop, _: &[String]) -> Verdict {
        let mut state = self.now();
        let Some((_, header, version)) = state.association.clone() else { return Verdict::Pass };
        if schemes(message).next().is_some() {
            return Verdict::Pass;
        }
        let info = header.replace("Authorization", "Authentication-Info");
        let Some(value) = message.header(&info).map(str::to_owned) else {
            state.wrong.push(format!("unsigned {} {:?}", message.cseq_method(), message.code()));
            return Verdict::Pass;
        };
        let text = text(version, &value, "srand", "snum", message);
        let keys = Keys::new(&SESSION_KEY, FLAGS);
        if keys.verifies(Direction::FromServer, &text, &field(&value, "rspauth")) {
            state.verified += 1;
        } else {
            state.wrong.push(format!(
                "wrongly signed {} {:?}: {text}",
                message.cseq_method(),
                message.code()
            ));
        }
        Verdict::Pass
    }

    fn leaving(&self, message: &mut Message, _: &Hop, _: &[String]) {
        let mut state = self.now();
        let Some((credentials, header, version)) = state.association.clone() else { return };
        if state.silent {
            return;
        }
        state.said += 1;
        let numbered = |rest: &str| format!("{rest}, crand=\"{:08x}\", cnum=\"{}\"", state.said, state.said);
        let value = match message.header(header).filter(|value| value.contains("gssapi-data")) {
            // The last request of the handshake: signed in version 4 only.
            Some(value) if version >= 4 => numbered(value),
            Some(_) => return,
            None => numbered(&credentials),
        };
        let text = text(version, &value, "crand", "cnum", message);
        let text = if state.spoils { text + " " } else { text };
        let mac = Keys::new(&SESSION_KEY, FLAGS).sign(Direction::FromClient, &text);
        message.set(header, format!("{value}, response=\"{mac}\""));
    }

    fn admits(&self, _: &[String]) -> bool {
        true
    }
}

/// [MS-SIPAE]'s text, written a second time.
fn text(version: u8, value: &str, rand: &str, number: &str, m: &Message) -> String {
    let uri = |name: &str| address::uri(m.header(name).unwrap_or("")).to_owned();
    let tag = |name: &str| m.tag(name).unwrap_or("").to_owned();
    let mut t = format!("<NTLM><{}><{}>", field(value, rand), field(value, number));
    t += &format!("<{}><{}>", field(value, "realm"), field(value, "targetname"));
    t += &format!("<{}><{}><{}>", m.call_id(), m.cseq_number(), m.cseq_method());
    t += &format!("<{}><{}>", uri("From"), tag("From"));
    if version > 2 {
        t += &format!("<{}>", uri("To"));
    }
    t += &format!("<{}>", tag("To"));
    if version > 2 {
        t += "<><>";
    }
    t += &format!("<{}>", m.header("Expires").unwrap_or(""));
    m.code().map_or(t.clone(), |code| t + &format!("<{code}>"))
}

fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<md5::Md5>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn rc4(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut s: Vec<u8> = (0..=255).collect();
    let mut j = 0;
    for i in 0..256 {
        j = (j + usize::from(s[i]) + usize::from(key[i % key.len()])) % 256;
        s.swap(i, j);
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    for octet in text {
        i = (i + 1) % 256;
        j = (j + usize::from(s[i])) % 256;
        s.swap(i, j);
        out.push(octet ^ s[(usize::from(s[i]) + usize::from(s[j])) % 256]);
    }
    out
}

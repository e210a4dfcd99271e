//! Over real sockets: what base stations, and who only pretends to be one, get to hear.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use kirkwall_core::dect::base_link::code::{GoodbyeReason, Role};
use kirkwall_core::dect::base_link::frame::{LONGEST, cut};
use kirkwall_core::dect::base_link::word::{Enrol, Goodbye, Log, Ping, Refuse, Welcome};
use kirkwall_core::dect::base_link::{ALPN, FromBase, Octets, ToBase, hear_as_base};
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData as _};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::pki::{Authority, LiveIdentity};

const A: BaseId = BaseId([0xA; 6]);
const B: BaseId = BaseId([0xB; 6]);
/// No test waits longer; a loaded machine may need some of it.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
enum Event {
    Greeted(LinkNo, Certified),
    Heard(LinkNo, Heard),
    Gone(LinkNo),
}

/// Writes down what it is told; knows tokens by heart.
struct Recorder {
    events: mpsc::UnboundedSender<Event>,
    tokens: Mutex<HashMap<String, BaseId>>,
    /// Takes no frames of this base station.
    stuck: Option<BaseId>,
    stuck_links: Mutex<Vec<LinkNo>>,
}

impl Office for Recorder {
    fn greeted(&self, link: LinkNo, _: Box<Hello>, who: Certified, _: SocketAddr) -> BoxFuture<'static, ()> {
        if self.stuck == Some(who.base) {
            self.stuck_links.lock().unwrap().push(link);
        }
        self.events.send(Event::Greeted(link, who)).unwrap();
        ready(()).boxed()
    }

    fn heard(&self, link: LinkNo, heard: Heard) -> BoxFuture<'static, ()> {
        self.events.send(Event::Heard(link, heard)).unwrap();
        match self.stuck_links.lock().unwrap().contains(&link) {
            true => std::future::pending().boxed(),
            false => ready(()).boxed(),
        }
    }

    fn gone(&self, link: LinkNo) {
        // A test that has ended hears no more.
        let _ = self.events.send(Event::Gone(link));
    }

    fn redeem(
        &self,
        base: BaseId,
        _: KeyPrint,
        token: Pii<String>,
    ) -> BoxFuture<'static, Result<(), RefuseReason>> {
        let good = self.tokens.lock().unwrap().get(&token.0) == Some(&base);
        ready(if good { Ok(()) } else { Err(RefuseReason::BAD_TOKEN) }).boxed()
    }
}

struct Scene {
    links: Links,
    address: SocketAddr,
    authority: std::sync::Arc<Authority>,
    events: mpsc::UnboundedReceiver<Event>,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new(limits: Limits) -> Self {
        Self::with(limits, None).await
    }

    async fn with(limits: Limits, stuck: Option<BaseId>) -> Self {
        let (folder, now) = (tempfile::tempdir().unwrap(), SystemTime::now());
        let authority = std::sync::Arc::new(Authority::open(folder.path(), now).unwrap());
        let identity = authority.server(folder.path(), &["localhost".to_owned()], now).unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        let tokens = Mutex::new(HashMap::from([("token-a".to_owned(), A)]));
        let office = Recorder { events: sender, tokens, stuck, stuck_links: Mutex::default() };
        let links = Links::new(limits);
        let (any, identity) = (SocketAddr::from(([127, 0, 0, 1], 0)), LiveIdentity::new(identity));
        let listening = links.listen(any, identity, authority.clone(), std::sync::Arc::new(office));
        let address = listening.await.unwrap();
        Self { links, address, authority, events, _folder: folder }
    }

    /// A key, and a certificate of our authority for it.
    fn enrolled(&self, base: BaseId) -> Shown {
        let (key, csr) = request(base);
        let request = crate::pki::CertificateRequest::read(&csr).unwrap();
        let certificate = self.authority.issue(&request, &base.to_string(), SystemTime::now()).unwrap();
        Some((certificate, key.serialize_der()))
    }

    async fn connect(&self, shown: Shown) -> Base {
        Base::connect(self.address, shown, Some(ALPN)).await.unwrap()
    }

    /// A base station that is let in.
    async fn admitted(&mut self, base: BaseId) -> (Base, LinkNo) {
        let mut client = self.connect(self.enrolled(base)).await;
        client.say(1, hello(base)).await;
        match self.event().await {
            Event::Greeted(link, certified) if certified.base == base => (client, link),
            other => panic!("{other:?}"),
        }
    }

    async fn event(&mut self) -> Event {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap()
    }

    /// The link is there, and what is said on it is heard.
    async fn is_alive(&mut self, client: &mut Base, link: LinkNo) {
        client.say(7, Ping { timestamp: 5 }).await;
        let pong = kirkwall_core::dect::base_link::word::Pong { timestamp: 5 };
        let heard = self.event().await;
        assert!(matches!(heard, Event::Heard(on, Heard::Word { seq: 7, .. }) if on == link), "{heard:?}");
        self.links.send(link, 7, pong.clone().into());
        assert_eq!(client.hear().await, Some((7, pong.into())));
    }

    async fn gone(&mut self, link: LinkNo) {
        let gone = self.event().await;
        assert!(matches!(gone, Event::Gone(which) if which == link), "{gone:?}");
    }
}

type Shown = Option<(Vec<u8>, Vec<u8>)>;

fn request(base: BaseId) -> (KeyPair, Vec<u8>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, base.to_string());
    let csr = params.serialize_request(&key).unwrap().der().to_vec();
    (key, csr)
}

fn hello(base: BaseId) -> Hello {
    Hello {
        proto_min: 1,
        proto_max: 1,
        base_id: base,
        hw_model: "R".into(),
        fw_version: "PCS12A_".into(),
        role: Role::Base,
        slot_pairs: None,
        codecs: None,
        features: None,
        boot_reason: None,
        resume_token: None,
        live: Vec::new(),
    }
}

fn welcome() -> Welcome {
    Welcome {
        proto: 1,
        session_id: [1; 16],
        resume_token: None,
        ping_ms: 5000,
        dead_ms: 15_000,
        server_time: 0,
        policy: 10_000,
        resume_ok: None,
        live: Vec::new(),
    }
}

fn long_log() -> FromBase {
    // Eight kilobytes of text that nobody wants, in fields that nobody knows.
    Log { level: None, text: Some("x".repeat(255)) }.into()
}

/// The other end: octets in, octets out.
struct Base {
    stream: TlsStream<TcpStream>,
    read: Vec<u8>,
}

impl Base {
    async fn connect(address: SocketAddr, shown: Shown, alpn: Option<&[u8]>) -> std::io::Result<Self> {
        let mut config = client(&[&rustls::version::TLS13], shown);
        config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
        Self::with(address, config).await
    }

    async fn with(address: SocketAddr, config: ClientConfig) -> std::io::Result<Self> {
        let name = ServerName::try_from("localhost").unwrap();
        let socket = TcpStream::connect(address).await?;
        let connector = TlsConnector::from(std::sync::Arc::new(config));
        Ok(Self { stream: connector.connect(name, socket).await?, read: Vec::new() })
    }

    async fn say(&mut self, seq: u32, word: impl Into<FromBase>) {
        let mut octets = Vec::new();
        word.into().encode(seq, &mut octets);
        self.send(&octets).await;
    }

    async fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next word; `None` when the other end has closed.
    async fn hear(&mut self) -> Option<(u32, ToBase)> {
        loop {
            if let Some((frame, length)) = cut(&self.read, LONGEST).unwrap() {
                let heard = (frame.head.seq, hear_as_base(frame).unwrap());
                self.read.drain(..length);
                return Some(heard);
            }
            let reading = self.stream.read_buf(&mut self.read);
            match tokio::time::timeout(PATIENCE, reading).await.unwrap() {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    #[track_caller]
    fn refused(heard: Option<(u32, ToBase)>) -> RefuseReason {
        match heard {
            Some((1, ToBase::Refuse(Refuse { reason, .. }))) => reason,
            other => panic!("{other:?}"),
        }
    }
}

fn client(versions: &[&'static rustls::SupportedProtocolVersion], shown: Shown) -> ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let builder = builder.dangerous().with_custom_certificate_verifier(std::sync::Arc::new(Anybody));
    match shown {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
            builder.with_client_auth_cert(vec![CertificateDer::from(certificate)], key).unwrap()
        }
    }
}

/// Believes every server: these tests are about clients.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[tokio::test]
async fn a_base_station_enrols_by_its_token_and_comes_back_with_its_certificate() {
    let mut scene = Scene::new(Limits::default()).await;
    let (key, csr) = request(A);
    let enrol = |token: &str, csr: &[u8]| Enrol {
        enrol_token: Pii(token.into()),
        csr: Octets::new(csr.to_vec()).unwrap(),
    };
    let mut stranger = scene.connect(None).await;
    stranger.say(1, enrol("guessed", &csr)).await;
    assert_eq!(Base::refused(stranger.hear().await), RefuseReason::BAD_TOKEN);
    let mut stranger = scene.connect(None).await;
    stranger.say(1, enrol("token-a", &csr)).await;
    let Some((1, ToBase::EnrolCfm(granted))) = stranger.hear().await else { panic!("no certificate") };
    assert_eq!(granted.ca.as_slice(), &scene.authority.certificate()[..]);
    assert_eq!(stranger.hear().await, None, "the connection was for that only");
    let shown = Some((granted.cert.into_vec(), key.serialize_der()));
    let mut base = scene.connect(shown).await;
    base.say(1, hello(A)).await;
    let Event::Greeted(link, certified) = scene.event().await else { panic!("not admitted") };
    assert_eq!(certified, Certified { base: A, key: KeyPrint::of(&key.subject_public_key_info()) });
    scene.links.send(link, 1, welcome().into());
    assert_eq!(base.hear().await, Some((1, welcome().into())));
    scene.is_alive(&mut base, link).await;
    // The switch closes it, after its last word.
    let goodbye = Goodbye { reason: GoodbyeReason::SHUTDOWN, retry_s: None };
    scene.links.send(link, 2, goodbye.clone().into());
    scene.links.close(link);
    assert_eq!(base.hear().await, Some((2, goodbye.into())));
    assert_eq!(base.hear().await, None);
    scene.gone(link).await;
    assert_eq!(scene.links.count(), 0);
}

#[tokio::test]
async fn a_certificate_request_is_for_the_base_station_that_asks() {
    let scene = Scene::new(Limits::default()).await;
    let ask = |csr: Vec<u8>| Enrol { enrol_token: Pii("token-a".into()), csr: Octets::new(csr).unwrap() };
    // The token is for A.
    let mut base = scene.connect(None).await;
    base.say(1, ask(request(B).1)).await;
    assert_eq!(Base::refused(base.hear().await), RefuseReason::BAD_TOKEN);
    let mut base = scene.connect(None).await;
    base.say(1, hello(B)).await;
    base.say(2, ask(request(A).1)).await;
    assert_eq!(Base::refused(base.hear().await), RefuseReason::STOLEN_ID);
    // A request that was signed by somebody else.
    let mut forged = request(A).1;
    *forged.last_mut().unwrap() ^= 1;
    let mut base = scene.connect(None).await;
    base.say(1, ask(forged)).await;
    assert_eq!(Base::refused(base.hear().await), RefuseReason::BAD_WORD);
}

#[tokio::test]
async fn a_wrong_certificate_and_a_stolen_id_are_refused_and_others_do_not_notice() {
    let mut scene = Scene::new(Limits::default()).await;
    let (mut good, link) = scene.admitted(A).await;
    // Signed by an authority of the same name that is not ours.
    let foreign = Scene::new(Limits::default()).await.enrolled(B);
    let refused = async {
        let mut base = Base::connect(scene.address, foreign, Some(ALPN)).await?;
        // TLS 1.3: the client has finished before the server says no.
        let _ = base.stream.write_all(&[0; 12]).await;
        base.stream.read_u8().await
    };
    assert!(tokio::time::timeout(PATIENCE, refused).await.unwrap().is_err());
    // B's own certificate, and A's name.
    let mut thief = scene.connect(scene.enrolled(B)).await;
    thief.say(1, hello(A)).await;
    assert_eq!(Base::refused(thief.hear().await), RefuseReason::STOLEN_ID);
    assert_eq!(thief.hear().await, None);
    scene.is_alive(&mut good, link).await;
}

#[tokio::test]
async fn without_a_certificate_one_gets_no_further_than_the_door() {
    let limits = Limits { greeting: Duration::from_millis(100), ..Limits::default() };
    let mut scene = Scene::new(limits).await;
    let mut silent = scene.connect(None).await;
    assert_eq!(Base::refused(silent.hear().await), RefuseReason::BAD_WORD);
    let mut talker = scene.connect(None).await;
    talker.say(1, Ping { timestamp: 1 }).await;
    assert_eq!(Base::refused(talker.hear().await), RefuseReason::BAD_WORD);
    assert!(scene.events.try_recv().is_err(), "the office has heard nothing of them");
}

#[tokio::test]
async fn who_says_hello_without_a_certificate_is_told_to_enrol() {
    // Long enough for HELLO on a machine that does other things.
    let limits = Limits { greeting: Duration::from_secs(3), ..Limits::default() };
    let scene = Scene::new(limits).await;
    let mut nameless = scene.connect(None).await;
    nameless.say(1, hello(A)).await;
    assert_eq!(Base::refused(nameless.hear().await), RefuseReason::NOT_ENROLLED);
}

#[tokio::test]
async fn old_tls_and_other_protocols_are_refused() {
    let mut scene = Scene::new(Limits::default()).await;
    let mut old = client(&[&rustls::version::TLS12], None);
    old.alpn_protocols = vec![ALPN.to_vec()];
    assert!(Base::with(scene.address, old).await.is_err());
    for alpn in [None, Some(&b"http/1.1"[..])] {
        let told = async {
            let mut base = Base::connect(scene.address, scene.enrolled(A), alpn).await?;
            let mut octets = Vec::new();
            FromBase::from(hello(A)).encode(1, &mut octets);
            let _ = base.stream.write_all(&octets).await;
            base.stream.read_u8().await
        };
        assert!(tokio::time::timeout(PATIENCE, told).await.unwrap().is_err(), "{alpn:?}");
    }
    assert!(scene.events.try_recv().is_err());
}

#[tokio::test]
async fn half_a_frame_is_waited_for_only_so_long() {
    let limits = Limits { frame: Duration::from_millis(200), ..Limits::default() };
    let mut scene = Scene::new(limits).await;
    let (mut good, good_link) = scene.admitted(A).await;
    let (mut bad, bad_link) = scene.admitted(B).await;
    let mut octets = Vec::new();
    FromBase::from(Ping { timestamp: 1 }).encode(2, &mut octets);
    // A whole one and a half.
    bad.send(&[&octets[..], &octets[..10]].concat()).await;
    assert!(matches!(scene.event().await, Event::Heard(on, Heard::Word { seq: 2, .. }) if on == bad_link));
    scene.gone(bad_link).await;
    assert_eq!(bad.hear().await, None);
    scene.is_alive(&mut good, good_link).await;
}

#[tokio::test]
async fn octets_that_are_no_frames_end_the_link_with_a_word() {
    let mut scene = Scene::new(Limits::default()).await;
    let (mut good, good_link) = scene.admitted(A).await;
    let (mut bad, bad_link) = scene.admitted(B).await;
    scene.links.send(bad_link, 1, welcome().into());
    assert!(matches!(bad.hear().await, Some((1, ToBase::Welcome(_)))));
    bad.send(&[0, 0, 0, 3, 1, 2, 3, 4]).await;
    let goodbye = Goodbye { reason: GoodbyeReason::PROTOCOL, retry_s: None };
    assert_eq!(bad.hear().await, Some((2, goodbye.into())));
    assert_eq!(bad.hear().await, None);
    scene.gone(bad_link).await;
    scene.is_alive(&mut good, good_link).await;
}

#[tokio::test]
async fn a_long_frame_is_for_those_who_were_welcomed() {
    let mut scene = Scene::new(Limits::default()).await;
    let long = {
        let mut octets = Vec::new();
        long_log().encode(2, &mut octets);
        // Unknown fields that may be skipped make it long.
        (0..20).for_each(|_| octets.extend([&[0x7F, 0, 0, 200][..], &[0; 200]].concat()));
        let length = (octets.len() as u32 - 4).to_be_bytes();
        octets[..4].copy_from_slice(&length);
        octets
    };
    let (mut early, link) = scene.admitted(A).await;
    early.send(&long).await;
    assert!(matches!(early.hear().await, Some((1, ToBase::Goodbye(_)))));
    scene.gone(link).await;
    let (mut base, link) = scene.admitted(B).await;
    scene.links.send(link, 1, welcome().into());
    assert!(matches!(base.hear().await, Some((1, ToBase::Welcome(_)))));
    base.send(&long).await;
    let heard = scene.event().await;
    assert!(matches!(&heard, Event::Heard(_, Heard::Word { word: FromBase::Log(_), .. })), "{heard:?}");
}

#[tokio::test]
async fn a_flood_waits_for_the_office_and_others_do_not_notice() {
    let mut scene = Scene::with(Limits::default(), Some(B)).await;
    let (mut good, good_link) = scene.admitted(A).await;
    let (mut flooder, flood_link) = scene.admitted(B).await;
    let mut octets = Vec::new();
    (0..2000).for_each(|seq| long_log().encode(seq, &mut octets));
    let flood = tokio::spawn(async move {
        loop {
            if flooder.stream.write_all(&octets).await.is_err() {
                return;
            }
        }
    });
    // One frame is with the office; the next ones stay in the socket.
    assert!(matches!(scene.event().await, Event::Heard(link, _) if link == flood_link));
    for _ in 0..20 {
        scene.is_alive(&mut good, good_link).await;
    }
    assert!(!flood.is_finished());
    flood.abort();
}

#[tokio::test]
async fn a_base_station_that_takes_nothing_is_cut_when_its_queue_is_full() {
    let limits = Limits { queue: 8, ..Limits::default() };
    let mut scene = Scene::new(limits).await;
    let (_deaf, link) = scene.admitted(A).await;
    let (mut good, good_link) = scene.admitted(B).await;
    let pdu = kirkwall_core::dect::base_link::value::Pdu::new(vec![1; 4096]).unwrap();
    let word = kirkwall_core::dect::base_link::word::NwkBcast { pdu, group: None };
    let told = async {
        let mut seq = 0;
        while scene.links.count() > 1 {
            seq += 1;
            scene.links.send(link, seq, word.clone().into());
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
    scene.gone(link).await;
    scene.is_alive(&mut good, good_link).await;
}

#[tokio::test]
async fn strangers_have_few_seats_and_give_them_back() {
    let limits = Limits { strangers: 2, ..Limits::default() };
    let mut scene = Scene::new(limits).await;
    let (mut good, link) = scene.admitted(A).await;
    let waiting =
        [TcpStream::connect(scene.address).await.unwrap(), TcpStream::connect(scene.address).await.unwrap()];
    let mut third = TcpStream::connect(scene.address).await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, third.read_u8()).await.unwrap();
    assert!(closed.is_err());
    scene.is_alive(&mut good, link).await;
    drop(waiting);
    let admitted = async {
        // The seats are free once the listener has noticed.
        loop {
            if let Ok(base) = Base::connect(scene.address, scene.enrolled(B), Some(ALPN)).await {
                return base;
            }
            tokio::task::yield_now().await;
        }
    };
    let mut base = tokio::time::timeout(PATIENCE, admitted).await.unwrap();
    base.say(1, hello(B)).await;
    assert!(matches!(scene.event().await, Event::Greeted(_, certified) if certified.base == B));
}

#[tokio::test]
async fn a_stop_lets_the_last_words_out() {
    let mut scene = Scene::new(Limits::default()).await;
    let (mut base, link) = scene.admitted(A).await;
    let goodbye = Goodbye { reason: GoodbyeReason::SHUTDOWN, retry_s: Some(2) };
    scene.links.send(link, 1, goodbye.clone().into());
    scene.links.close(link);
    scene.links.stop().await;
    assert_eq!(base.hear().await, Some((1, goodbye.into())));
    assert_eq!(base.hear().await, None);
    scene.gone(link).await;
    assert!(TcpStream::connect(scene.address).await.is_err());
}

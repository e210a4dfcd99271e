//! Visits to servers on loopback, good and bad, and certificates on disk.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kirkwall_core::doctor::Verdict::{self, Error, Good, Skipped, Warning};
use kirkwall_core::sip::Facing;
use kirkwall_core::sip::registrar::http_date;
use kirkwall_core::sip::wire::{HeaderName, Message, Method};
use kirkwall_core::timer::Moment;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::*;
use crate::pki::{ClientAuth, Usage, server_config};
use crate::sip::{Arrival, Limits, Listen, Transports, TransportsConfig};

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn trust(&self) -> Trust {
        Trust::from_pem("test authority", self.0.pem().as_bytes()).unwrap()
    }

    fn clients(&self) -> ClientAuth {
        match self.trust() {
            Trust::Roots(roots) => ClientAuth::Required(roots),
            Trust::Unverified => unreachable!(),
        }
    }

    /// PEM of certificate and key.
    fn issue(&self, names: &[&str], change: impl Fn(&mut CertificateParams)) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = (SystemTime::now() - 10 * DAY).into();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// Read as of five days ago, so that one which has expired since can still be shown.
    fn identity_with(&self, names: &[&str], change: impl Fn(&mut CertificateParams)) -> Identity {
        let (certificate, key) = self.issue(names, change);
        Identity::from_pem("test", &certificate, &key, Usage::Both, SystemTime::now() - 5 * DAY).unwrap()
    }

    fn identity(&self, names: &[&str]) -> Identity {
        self.identity_with(names, |_| {})
    }
}

/// A proxy that answers OPTIONS with 200 and REGISTER with `register`, an hour wrong when `late`.
struct Proxy {
    at: SocketAddr,
    _transports: Transports,
}

impl Proxy {
    async fn start(
        transport: Transport,
        tls: Option<(Identity, ClientAuth)>,
        register: u16,
        late: bool,
    ) -> Self {
        let bind = "127.0.0.1:0".parse().unwrap();
        let mut config = TransportsConfig::default();
        config.listeners.push(Listen { facing: Facing::South, transport, bind });
        config.limits = Limits { shutdown: Duration::ZERO, ..Limits::default() };
        if let Some((identity, clients)) = tls {
            config.server_tls = BTreeMap::from([(
                Facing::South,
                server_config(LiveIdentity::new(identity), clients).unwrap(),
            )]);
        }
        let own = Arc::new(OnceLock::<Transports>::new());
        let sink = {
            let own = own.clone();
            move |arrival| {
                if let Arrival::Message { parsed: Ok(request), peer } = arrival
                    && let Some(transports) = own.get()
                {
                    transports.send(reply(&request, register, late), peer.back());
                }
            }
        };
        let transports = Transports::start(config, sink).await.unwrap();
        own.set(transports.clone()).ok().unwrap();
        Self { at: transports.bound()[0].bind, _transports: transports }
    }
}

fn reply(request: &Message, register: u16, late: bool) -> Message {
    let is_register = request.method() == Some(Method::Register);
    if is_register {
        assert!(request.header(&HeaderName::Contact).is_none(), "a binding would be changed");
        assert!(request.header(&HeaderName::Authorization).is_none());
    }
    let (status, reason) = if is_register { (register, "Said") } else { (200, "OK") };
    let mut answer = Message::response(request, status, reason, Some("tag"));
    let now = SystemTime::now() - if late { Duration::from_secs(3_600) } else { Duration::ZERO };
    let now = Moment::from_micros(now.duration_since(UNIX_EPOCH).unwrap().as_micros() as u64);
    answer.headers.push(HeaderName::Date, http_date(now));
    answer.headers.push(HeaderName::from_text("Server".into()), "RTC/5.0");
    answer
}

fn plan(host: &str, at: SocketAddr, transport: Transport, trust: Trust) -> Plan {
    Plan {
        fqdn: None,
        media_address: None,
        certificates: Vec::new(),
        north: NorthPlan {
            proxies: vec![(host.to_owned(), Some(at.port()))],
            transport,
            dns: DnsMethod::A,
            domain: Some("example.com".into()),
            user_agent: "Kirkwall".into(),
            trust: Ok(trust),
            ca: None,
            identity: None,
            legacy: None,
            topology: None,
            aor: Ok("sip:4711@example.com".into()),
        },
        directory: None,
        media: MediaPlan { first: 2, last: 5, channels: 1, running: true },
        data: None,
        files: 1,
        tokens: Tokens::new([7; 32]),
    }
}

/// The findings of the visit, by id; each id once.
async fn visit(plan: Plan) -> BTreeMap<&'static str, Finding> {
    let all = run(plan, |_| {}).await;
    let visits = all.into_iter().filter(|finding| finding.target.is_some());
    let mut found = BTreeMap::new();
    for finding in visits {
        let twice = found.insert(finding.id, finding);
        assert!(twice.is_none(), "{twice:?}");
    }
    found
}

#[track_caller]
fn expect(found: &BTreeMap<&'static str, Finding>, wanted: &[(&str, Verdict)]) {
    let seen: Vec<_> =
        wanted.iter().map(|(id, _)| (*id, found.get(id).map(|finding| finding.verdict))).collect();
    let wanted: Vec<_> = wanted.iter().map(|(id, verdict)| (*id, Some(*verdict))).collect();
    assert_eq!(seen, wanted, "{found:#?}");
    let troubled = found.values().filter(|finding| finding.verdict >= Warning);
    troubled.for_each(|finding| assert!(finding.mend.is_some(), "{finding:?}"));
}

/// Without SIP-001: where "localhost" is an IPv6 address too, nobody listens there.
const ALL_GOOD: [(&str, Verdict); 7] = [
    ("DNS-003", Good),
    ("SIP-002", Good),
    ("SIP-003", Good),
    ("SIP-004", Good),
    ("SIP-005", Good),
    ("SIP-006", Good),
    ("TIME-002", Good),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_good_proxy_with_mtls_is_good_in_everything() {
    let authority = Authority::new("one");
    let tls = (authority.identity(&["localhost"]), authority.clients());
    let proxy = Proxy::start(Transport::Tls, Some(tls), 401, false).await;
    let mut plan = plan("localhost", proxy.at, Transport::Tls, authority.trust());
    plan.north.identity = Some(authority.identity(&["dect1.example.com"]));
    let found = visit(plan).await;
    expect(&found, &ALL_GOOD);
    assert!(found["SIP-002"].evidence.contains("TLS 1.3"), "{:?}", found["SIP-002"]);
    assert!(found["SIP-005"].evidence.contains("RTC/5.0"), "{:?}", found["SIP-005"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_udp_and_tcp_there_is_no_tls_to_judge() {
    for (transport, connect) in [(Transport::Udp, Skipped), (Transport::Tcp, Good)] {
        let proxy = Proxy::start(transport, None, 404, true).await;
        let found = visit(plan("127.0.0.1", proxy.at, transport, Trust::Unverified)).await;
        expect(
            &found,
            &[
                ("SIP-001", connect),
                ("SIP-002", Skipped),
                ("SIP-003", Skipped),
                ("SIP-004", Skipped),
                ("SIP-005", Good),
                ("SIP-006", Error),
                ("TIME-002", Error),
            ],
        );
        assert!(found["TIME-002"].evidence.contains("ahead"), "{:?}", found["TIME-002"]);
    }
}

/// Visits a TLS proxy whose certificate is `shown`, trusting `trust`; what is said of the certificate.
async fn refused_certificate(shown: Identity, trust: Trust) -> String {
    let proxy = Proxy::start(Transport::Tls, Some((shown, ClientAuth::None)), 401, false).await;
    let found = visit(plan("localhost", proxy.at, Transport::Tls, trust)).await;
    expect(
        &found,
        &[
            ("SIP-002", Good),
            ("SIP-003", Error),
            ("SIP-004", Good),
            ("SIP-005", Skipped),
            ("SIP-006", Skipped),
            ("TIME-002", Skipped),
        ],
    );
    let finding = &found["SIP-003"];
    format!("{} MEND {}", finding.evidence, finding.mend.as_ref().unwrap().words)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_an_unknown_authority_and_an_expired_certificate_are_told_apart() {
    let (authority, other) = (Authority::new("one"), Authority::new("two"));
    let said = refused_certificate(authority.identity(&["fe01.example.com"]), authority.trust()).await;
    assert!(
        said.contains("is for fe01.example.com, not for localhost") && said.contains("in sip.proxies"),
        "{said}"
    );
    let said = refused_certificate(other.identity(&["localhost"]), authority.trust()).await;
    assert!(said.contains("authority we do not trust") && said.contains("Set sip.ca"), "{said}");
    let yesterday = |params: &mut CertificateParams| params.not_after = (SystemTime::now() - DAY).into();
    let said =
        refused_certificate(authority.identity_with(&["localhost"], yesterday), authority.trust()).await;
    assert!(said.contains("expired on") && said.contains("Renew"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_our_certificate_or_misses_it_is_told() {
    let (authority, other) = (Authority::new("one"), Authority::new("two"));
    for (ours, wanted) in [(Some(other.identity(&["dect1.example.com"])), "trust"), (None, "requires one")] {
        let tls = (authority.identity(&["localhost"]), authority.clients());
        let proxy = Proxy::start(Transport::Tls, Some(tls), 401, false).await;
        let mut plan = plan("localhost", proxy.at, Transport::Tls, authority.trust());
        plan.north.identity = ours;
        let found = visit(plan).await;
        expect(&found, &[("SIP-002", Good), ("SIP-003", Good), ("SIP-004", Error), ("SIP-005", Skipped)]);
        assert!(found["SIP-004"].evidence.contains(wanted), "{:?}", found["SIP-004"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lync_port_that_asks_for_no_certificate_is_the_wrong_port() {
    let authority = Authority::new("one");
    let proxy = Proxy::start(
        Transport::Tls,
        Some((authority.identity(&["localhost"]), ClientAuth::None)),
        401,
        false,
    )
    .await;
    let mut plan = plan("localhost", proxy.at, Transport::Tls, authority.trust());
    plan.north.topology =
        Some(Topology { pool: "dectpool.example.com".into(), application: "dect".into(), port: 5061 });
    let found = visit(plan).await;
    expect(&found, &[("SIP-004", Warning), ("SIP-005", Good)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_port_and_an_unknown_name_end_the_visit_at_once() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let begun = std::time::Instant::now();
    let found = visit(plan("localhost", dead, Transport::Tls, Trust::Unverified)).await;
    expect(&found, &[("DNS-003", Good), ("SIP-001", Error), ("SIP-002", Skipped), ("SIP-006", Skipped)]);
    assert!(found["SIP-001"].evidence.contains("refused"), "{:?}", found["SIP-001"]);
    assert!(begun.elapsed() < STEP);
    // RFC 6761 §6.4: "invalid" is never there.
    let found = visit(plan("proxy.invalid", dead, Transport::Tls, Trust::Unverified)).await;
    expect(&found, &[("DNS-003", Error), ("SIP-001", Skipped), ("TIME-002", Skipped)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn black_holes_are_given_up_in_time() {
    // Its queue takes the connection; nobody ever accepts it.
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let begun = std::time::Instant::now();
    let (over_tls, over_udp) = tokio::join!(
        visit(plan("localhost", tcp.local_addr().unwrap(), Transport::Tls, Trust::Unverified)),
        visit(plan("127.0.0.1", udp.local_addr().unwrap(), Transport::Udp, Trust::Unverified)),
    );
    expect(&over_tls, &[("SIP-002", Error), ("SIP-005", Skipped)]);
    assert!(
        over_tls["SIP-002"].evidence.contains("no TLS handshake within 10s"),
        "{:?}",
        over_tls["SIP-002"]
    );
    expect(&over_udp, &[("SIP-001", Skipped), ("SIP-005", Error), ("SIP-006", Error), ("TIME-002", Skipped)]);
    assert!(over_udp["SIP-005"].evidence.contains("no answer within 10s"), "{:?}", over_udp["SIP-005"]);
    assert!(begun.elapsed() < WHOLE / 2);
    // The OPTIONS was repeated (Timer E), the two requests at 0, 0.5, 1.5, 3.5 and 7.5 s.
    let mut datagrams = 0;
    let mut buffer = [0; 2_048];
    while udp.try_recv(&mut buffer).is_ok() {
        datagrams += 1;
    }
    assert_eq!(datagrams, 10);
}

/// Answers every connection with the same octets.
async fn parrot(octets: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 4_096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(&octets).await;
            let _ = stream.shutdown().await;
        }
    });
    at
}

fn server_hello(version: [u8; 2], cipher: [u8; 2]) -> Vec<u8> {
    let mut octets = vec![22, version[0], version[1], 0, 42, 2, 0, 0, 38, version[0], version[1]];
    octets.extend_from_slice(&[7; 32]);
    octets.extend_from_slice(&[0, cipher[0], cipher[1], 0]);
    octets
}

async fn unreachable_tls(at: SocketAddr) -> String {
    let found = visit(plan("localhost", at, Transport::Tls, Trust::Unverified)).await;
    expect(&found, &[("SIP-002", Error), ("SIP-003", Skipped), ("SIP-005", Skipped)]);
    found["SIP-002"].evidence.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_age_or_another_protocol_is_named() {
    let said = unreachable_tls(parrot(server_hello([3, 1], [0x00, 0x2f])).await).await;
    assert!(said.contains("no newer version than TLS 1.0 (it chose TLS_RSA_WITH_AES_128_CBC_SHA)"), "{said}");
    assert!(said.contains("rustls"), "{said}");
    let said = unreachable_tls(parrot(server_hello([3, 3], [0xc0, 0x28])).await).await;
    assert!(
        said.contains("TLS 1.2, but has no cipher in common") && said.contains("AES_256_CBC_SHA384"),
        "{said}"
    );
    let said = unreachable_tls(parrot(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await).await;
    assert!(said.contains("not with TLS"), "{said}");
    // A cipher that we have: whatever failed, it was not that.
    let said = unreachable_tls(parrot(server_hello([3, 3], [0xc0, 0x2f])).await).await;
    assert!(!said.contains("cipher in common"), "{said}");
    // As Windows does when it has no version in common.
    let said = unreachable_tls(parrot(Vec::new()).await).await;
    assert!(!said.is_empty());
}

/// `openssl s_server`; `None` on a machine without it.
struct OpenSsl {
    child: Child,
    at: SocketAddr,
    _folder: TempDir,
}

impl OpenSsl {
    fn start(arguments: &[&str]) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let (certificate, key) = Authority::new("one").issue(&["localhost"], |_| {});
        let (certificate_file, key_file) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        std::fs::write(&certificate_file, certificate).unwrap();
        std::fs::write(&key_file, key).unwrap();
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert"]).arg(certificate_file);
        command.arg("-key").arg(key_file).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = match command.stderr(Stdio::null()).spawn() {
            Ok(child) => child,
            Err(error) => {
                eprintln!("SKIPPED: openssl: {error}");
                return None;
            }
        };
        // "ACCEPT 127.0.0.1:41867"
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let at =
            lines.find_map(|line| line.ok()?.strip_prefix("ACCEPT ")?.parse().ok()).expect("openssl listens");
        // Keeps the pipe open and empty.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, at, _folder: folder })
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_servers_of_openssl_are_named() {
    for (arguments, wanted) in [
        (&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"][..], "no newer version than TLS 1.1"),
        (&["-tls1", "-cipher", "ALL:@SECLEVEL=0"][..], "no newer version than TLS 1.0"),
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA"][..],
            "it would take TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        ),
    ] {
        let Some(server) = OpenSsl::start(arguments) else { return };
        let said = unreachable_tls(server.at).await;
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_refused_under_tls_1_2_is_no_fault_of_version_or_cipher() {
    // -Verify demands a certificate; with none, OpenSSL ends the handshake with an alert.
    let Some(server) = OpenSsl::start(&["-tls1_2", "-Verify", "1", "-verify_return_error"]) else { return };
    let found = visit(plan("localhost", server.at, Transport::Tls, Trust::Unverified)).await;
    expect(&found, &[("SIP-002", Good), ("SIP-003", Skipped), ("SIP-004", Error), ("SIP-005", Skipped)]);
}

/// Certificates on disk.
struct Own {
    folder: TempDir,
    authority: Authority,
}

impl Own {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), authority: Authority::new("one") }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn look(&self, certificate: &str, key: &str) -> BTreeMap<&'static str, Finding> {
        let at = "127.0.0.1:1".parse().unwrap();
        let mut plan = plan("localhost", at, Transport::Tls, self.authority.trust());
        plan.north.proxies.clear();
        plan.certificates.push(CertificatePlan {
            setting: "sip.certificate",
            certificate: self.write("c.pem", certificate),
            key: self.write("k.pem", key),
            names: vec!["dect1.example.com".into(), "dectpool.example.com".into()],
            mutual: true,
            self_made: false,
        });
        visit(plan).await
    }
}

const NAMES: [&str; 2] = ["dect1.example.com", "dectpool.example.com"];
const GOOD_CERTIFICATE: [(&str, Verdict); 6] = [
    ("CERT-001", Good),
    ("CERT-002", Good),
    ("CERT-003", Good),
    ("CERT-004", Good),
    ("CERT-005", Good),
    ("CERT-007", Good),
];

/// All good but one.
fn but(id: &str, verdict: Verdict) -> Vec<(&'static str, Verdict)> {
    GOOD_CERTIFICATE
        .iter()
        .map(|(other, good)| (*other, if *other == id { verdict } else { *good }))
        .collect()
}

#[tokio::test]
async fn a_good_certificate_is_good_and_each_fault_is_told_alone() {
    let own = Own::new();
    let (certificate, key) = own.authority.issue(&NAMES, |_| {});
    expect(&own.look(&certificate, &key).await, &GOOD_CERTIFICATE);

    let (_, other_key) = own.authority.issue(&NAMES, |_| {});
    expect(&own.look(&certificate, &other_key).await, &but("CERT-001", Error));

    let (strange, strange_key) = Authority::new("two").issue(&NAMES, |_| {});
    expect(&own.look(&strange, &strange_key).await, &but("CERT-002", Error));

    let (one, one_key) = own.authority.issue(&NAMES[..1], |_| {});
    let found = own.look(&one, &one_key).await;
    expect(&found, &but("CERT-003", Error));
    assert!(found["CERT-003"].evidence.contains("not dectpool.example.com"), "{found:?}");

    let (wild, wild_key) = own.authority.issue(&["*.example.com"], |_| {});
    expect(&own.look(&wild, &wild_key).await, &[("CERT-003", Error)]);

    let server = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
    };
    let (server, server_key) = own.authority.issue(&NAMES, server);
    let found = own.look(&server, &server_key).await;
    expect(&found, &but("CERT-004", Error));
    assert!(found["CERT-004"].evidence.contains("clientAuth"), "{found:?}");

    for (days, verdict) in [(20, Warning), (5, Error)] {
        let ends =
            |params: &mut CertificateParams| params.not_after = (SystemTime::now() + days * DAY).into();
        let (short, short_key) = own.authority.issue(&NAMES, ends);
        expect(&own.look(&short, &short_key).await, &but("CERT-005", verdict));
    }
    let expired = |params: &mut CertificateParams| params.not_after = (SystemTime::now() - DAY).into();
    let (expired, expired_key) = own.authority.issue(&NAMES, expired);
    expect(&own.look(&expired, &expired_key).await, &but("CERT-005", Error));
}

#[tokio::test]
async fn a_short_key_is_told() {
    let weak = crate::pki::tests::keys::rsa(1_024);
    let found = Own::new().look(&weak.certificate, &weak.key).await;
    expect(&found, &[("CERT-001", Error), ("CERT-007", Error)]);
    assert!(found["CERT-007"].evidence.contains("1024 bits"), "{found:?}");
}

#[tokio::test]
async fn a_file_without_a_certificate_is_one_finding() {
    let found = Own::new().look("nothing", "nothing").await;
    expect(&found, &[("CERT-001", Error)]);
    assert_eq!(found.len(), 1);
}

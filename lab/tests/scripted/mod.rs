//! A small scripted switch: TLS, a CA, and frames that a test sends and expects one by one.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use kirkwall_lab::dect::obl::number::{kind, tag};
use kirkwall_lab::dect::obl::{Coding, EVENT, Frame};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::codec::Framed;

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);
pub const TOKEN: &str = "one-time";
/// PARI of the scripted system, and RPN 0.
pub const RFPI: [u8; 5] = [0x10, 0x2A, 0xF1, 0x2C, 0];

pub struct Switch {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Switch {
    pub async fn start() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "scripted switch");
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["switch.lab".into()]).unwrap().signed_by(&key, &ca).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
            .with_single_cert(
                vec![own.der().clone()],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        tls.alpn_protocols = vec![b"obl/1".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(tls)), ca }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next connection, whoever it is.
    pub async fn accept(&self) -> Line {
        let accepted = async {
            let (socket, _) = self.listener.accept().await.unwrap();
            self.acceptor.accept(socket).await.unwrap()
        };
        let stream = tokio::time::timeout(SOON, accepted).await.expect("a base connects");
        let proved = stream.get_ref().1.peer_certificates().is_some();
        Line { frames: Framed::new(stream, Coding), sequence: 0, proved, aside: Vec::new() }
    }

    /// Enrols one base and greets it; what the session needs stands in the fields that `welcome` adds.
    pub async fn enrol_and_greet(&self, welcome: impl FnOnce(Frame) -> Frame) -> (Line, Frame) {
        self.enrol().await;
        self.greet(welcome).await
    }

    pub async fn enrol(&self) {
        let mut line = self.accept().await;
        let ask = line.expect(kind::ENROL).await;
        self.grant(&mut line, &ask).await;
    }

    /// Answers ENROL.
    pub async fn grant(&self, line: &mut Line, ask: &Frame) {
        assert_eq!((line.proved, ask.string(tag::ENROL_TOKEN)), (false, Some(TOKEN)));
        let certificate = self.sign(ask.get(tag::CSR).unwrap());
        let granted = Frame::request(kind::ENROL_CFM).bytes(tag::CERT, &certificate);
        line.send(granted.bytes(tag::CA, self.ca.der())).await;
    }

    pub async fn greet(&self, welcome: impl FnOnce(Frame) -> Frame) -> (Line, Frame) {
        let mut line = self.accept().await;
        let hello = line.expect(kind::HELLO).await;
        assert!(line.proved, "an enrolled base shows its certificate");
        line.send(welcome(greeting())).await;
        (line, hello)
    }

    /// A certificate for the point of the P-256 key in the request.
    fn sign(&self, request: &[u8]) -> Vec<u8> {
        struct Point(Vec<u8>);
        impl PublicKeyData for Point {
            fn der_bytes(&self) -> &[u8] {
                &self.0
            }
            fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
                &rcgen::PKCS_ECDSA_P256_SHA256
            }
        }
        // BIT STRING of 66 octets, none unused, an uncompressed point.
        let at = request.windows(4).position(|w| w == [3, 0x42, 0, 4]).unwrap();
        let point = Point(request[at + 3..at + 68].to_vec());
        let params = CertificateParams::new(Vec::new()).unwrap();
        params.signed_by(&point, &self.ca).unwrap().der().to_vec()
    }
}

pub fn greeting() -> Frame {
    Frame::request(kind::WELCOME)
        .u16(tag::PROTO, 1)
        .bytes(tag::SESSION_ID, &[1; 16])
        .bytes(tag::RESUME_TOKEN, &[2; 16])
        .u16(tag::PING_MS, 5_000)
        .u16(tag::DEAD_MS, 15_000)
        .u64(tag::SERVER_TIME, 0)
        .u32(tag::POLICY, 10_000)
}

/// A link to one base.
pub struct Line {
    frames: Framed<TlsStream<TcpStream>, Coding>,
    sequence: u32,
    pub proved: bool,
    /// What came while something else was waited for.
    aside: Vec<Frame>,
}

impl Line {
    pub async fn send(&mut self, frame: Frame) -> u32 {
        self.sequence += 1;
        let seq = if frame.seq == 0 { self.sequence } else { frame.seq };
        self.frames.send(Frame { seq, ..frame }).await.unwrap();
        seq
    }

    /// The next frame, whatever it is.
    pub async fn next(&mut self) -> Frame {
        if !self.aside.is_empty() {
            return self.aside.remove(0);
        }
        self.frames.next().await.expect("the link lives").unwrap()
    }

    /// The next frame of this type; others are kept for later, PINGs answered.
    pub async fn expect(&mut self, kind: u16) -> Frame {
        self.expect_such(&format!("a frame {kind:04x}"), |frame| frame.kind == kind).await
    }

    pub async fn expect_such(&mut self, what: &str, is_it: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.aside.iter().position(&is_it) {
            return self.aside.remove(at);
        }
        let found = async {
            loop {
                let frame = self.frames.next().await.expect("the link lives").unwrap();
                if is_it(&frame) {
                    return frame;
                }
                if frame.kind == kind::PING {
                    let pong = Frame { kind: kind::PONG, ..frame.response() };
                    self.send(pong.u64(tag::TIMESTAMP, 0)).await;
                } else {
                    self.aside.push(frame);
                }
            }
        };
        let found = tokio::time::timeout(SOON, found).await;
        found.unwrap_or_else(|_| panic!("{what} comes; instead {:04x?}", self.aside))
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&mut self, frame: Frame) -> Frame {
        let seq = self.send(frame).await;
        self.expect_such("an answer", |frame| frame.seq == seq && frame.flags & 3 != 0).await
    }

    /// The words for octets that are no frame.
    pub async fn next_fault(&mut self) -> String {
        loop {
            match tokio::time::timeout(SOON, self.frames.next()).await.expect("octets come") {
                Some(Ok(_)) => {}
                Some(Err(fault)) => return fault.to_string(),
                None => panic!("the link ended"),
            }
        }
    }

    /// Whether the other end has hung up.
    pub async fn is_closed(&mut self) -> bool {
        let closed = async { while let Some(Ok(_)) = self.frames.next().await {} };
        tokio::time::timeout(SOON, closed).await.is_ok()
    }

    /// Radio on, as the root of the tree, with this radio number.
    pub async fn switch_radio_on(&mut self, rpn: u8, hlc: u16) {
        let config = Frame::request(kind::RADIO_CONFIG)
            .bytes(tag::RFPI, &[RFPI[0], RFPI[1], RFPI[2], RFPI[3], rpn])
            .u8(tag::RPN, rpn)
            .u16(tag::CARRIER_MASK, 0x3FF)
            .u8(tag::TX_POWER, 24)
            .u16(tag::HLC, hlc)
            .u32(tag::EXT_HLC, 0)
            .u32(tag::EXT_HLC2, 0)
            .u8(tag::VOICE_MAX, 11)
            .u8(tag::VOICE_MAX_SRTP, 6)
            .u8(tag::HO_RESERVE, 1)
            .u8(tag::DLC_MODE, 0);
        assert_eq!(self.ask(config).await.kind, kind::RADIO_CONFIG);
        let sync = Frame::request(kind::SYNC_CONFIG).u8(tag::SYNC_MODE, 1).u8(tag::SYNC_ROLE, 1);
        assert_eq!(self.ask(sync).await.kind, kind::SYNC_CONFIG);
        assert_eq!(self.ask(Frame::request(kind::RADIO_START)).await.kind, kind::RADIO_START);
        self.expect_such("a master", |frame| {
            frame.kind == kind::SYNC_STATE && frame.number(tag::SYNC_STATE) == Some(6)
        })
        .await;
    }

    /// A network layer message to the handset.
    pub async fn say(&mut self, connection: u16, pdu: &[u8]) {
        let data = Frame::event(kind::NWK_DATA).u16(tag::CONN_ID, connection).u8(tag::SAPI, 0);
        assert_eq!(data.flags, EVENT);
        self.send(data.bytes(tag::PDU, pdu)).await;
    }

    /// The next network layer message of the handset.
    pub async fn heard(&mut self, connection: u16) -> Vec<u8> {
        let data = self
            .expect_such("a network layer message", |frame| {
                frame.kind == kind::NWK_DATA && frame.number(tag::CONN_ID) == Some(connection.into())
            })
            .await;
        data.get(tag::PDU).unwrap().to_vec()
    }
}

/// The next connection that a handset opens on this base, taken.
pub async fn take_connection(line: &mut Line) -> (u16, Frame) {
    let asked = line.expect(kind::CONN_IND).await;
    let id = asked.number(tag::CONN_ID).unwrap() as u16;
    line.send(Frame::request(kind::CONN_ACCEPT).u16(tag::CONN_ID, id)).await;
    (id, asked)
}

/// REMOTE of this socket.
pub fn remote(socket: &tokio::net::UdpSocket) -> Vec<u8> {
    let SocketAddr::V4(address) = socket.local_addr().unwrap() else { panic!("a socket of IPv4") };
    [&[4][..], &address.ip().octets(), &address.port().to_be_bytes()].concat()
}

/// The port of a LOCAL field.
pub fn local(field: &[u8]) -> SocketAddr {
    let [4, a, b, c, d, high, low] = *field else { panic!("an address of IPv4") };
    SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low])))
}

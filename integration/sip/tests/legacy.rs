//! Front ends of old Windows: no suite of rustls, so OpenSSL speaks with them, and only with them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;

use kirkwall_core::sip::{Destination, Facing, Transport};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVersion};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Name, X509NameBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_openssl::SslStream;

use super::world::{Node, request};
use crate::pki::{ClientAuth, LegacyMaterial, LegacyTls, Oldest, Trust, client_config, server_config};
use crate::sip::{Listen, SendFault, TransportsConfig};

/// An authority with RSA keys, as Active Directory has.
struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

fn name(common: &str) -> X509Name {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", common).unwrap();
    name.build()
}

impl Authority {
    fn new() -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let certificate = issue("Old CA", &key, None);
        Self { certificate, key }
    }

    fn issue(&self, host: &str) -> (X509, PKey<Private>) {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        (issue(host, &key, Some(self)), key)
    }
}

fn issue(common: &str, key: &PKey<Private>, by: Option<&Authority>) -> X509 {
    let mut x509 = X509::builder().unwrap();
    x509.set_version(2).unwrap();
    x509.set_serial_number(&BigNum::from_u32(1 + common.len() as u32).unwrap().to_asn1_integer().unwrap())
        .unwrap();
    x509.set_subject_name(&name(common)).unwrap();
    x509.set_issuer_name(by.map_or(&name(common), |by| by.certificate.subject_name())).unwrap();
    x509.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    x509.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    x509.set_pubkey(key).unwrap();
    match by {
        None => x509.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap(),
        Some(_) => {
            let names = SubjectAlternativeName::new().dns(common).build(&x509.x509v3_context(None, None));
            x509.append_extension(names.unwrap()).unwrap();
            // As a Windows server's certificate: for servers alone.
            x509.append_extension(ExtendedKeyUsage::new().server_auth().build().unwrap()).unwrap();
        }
    }
    x509.sign(by.map_or(key, |by| &by.key), MessageDigest::sha256()).unwrap();
    x509.build()
}

fn pem(x509: &X509) -> String {
    String::from_utf8(x509.to_pem().unwrap()).unwrap()
}

/// What an old Windows server would do: these suites, at most this version.
fn windows((own, key): &(X509, PKey<Private>), newest: SslVersion, suites: &str) -> SslContext {
    let mut context = SslContextBuilder::new(SslMethod::tls()).unwrap();
    context.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    context.set_max_proto_version(Some(newest)).unwrap();
    context.set_cipher_list(suites).unwrap();
    context.set_certificate(own).unwrap();
    context.set_private_key(key).unwrap();
    context.build()
}

/// Answers what it hears, once, with the suite that was used.
async fn serve(listener: TcpListener, context: SslContext) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = SslStream::new(Ssl::new(&context).unwrap(), stream).unwrap();
        if Pin::new(&mut stream).accept().await.is_err() {
            continue;
        }
        let mut heard = [0; 4096];
        if stream.read(&mut heard).await.is_ok_and(|length| length > 0) {
            let suite = stream.ssl().current_cipher().unwrap().name().to_owned();
            let answer = format!(
                "SIP/2.0 200 {suite}\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nCall-ID: 1@x\r\n\
                 CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

const HOST: &str = "pool.old.example.com";

fn north(address: SocketAddr) -> Destination {
    Destination {
        transport: Transport::Tls,
        address,
        facing: Facing::North,
        connection: None,
        server_name: Some(HOST.to_owned()),
    }
}

fn legacy(authority: &Authority, oldest: Oldest, hosts: &[&str]) -> LegacyTls {
    let (own, key) = authority.issue("dect.example.com");
    let key = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let authorities = pem(&authority.certificate);
    let material = LegacyMaterial {
        chain: &pem(&own),
        key: &key,
        authorities: Some(&authorities),
        verified: true,
        oldest,
    };
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>();
    LegacyTls::new(&material, hosts.clone(), Some(hosts)).unwrap()
}

async fn node(authority: &Authority, legacy: Option<LegacyTls>) -> Node {
    let trust = Trust::from_pem("ca", pem(&authority.certificate).as_bytes()).unwrap();
    let client_tls = BTreeMap::from([(Facing::North, client_config(&trust, None).unwrap())]);
    let node = Node::start(TransportsConfig { client_tls, ..TransportsConfig::default() }).await;
    node.transports.set_legacy_tls(legacy);
    node
}

async fn listening(context: SslContext) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, context));
    address
}

#[tokio::test]
async fn a_server_with_cbc_suites_alone_is_reached_by_openssl_and_by_nothing_else() {
    let authority = Authority::new();
    let context = windows(&authority.issue(HOST), SslVersion::TLS1_2, "ECDHE-RSA-AES128-SHA");
    let address = listening(context).await;
    let mut modern = node(&authority, None).await;
    modern.transports.send(request("1@x"), north(address));
    assert!(matches!(modern.failed().await, SendFault::Tls(_)));
    let mut elsewhere =
        node(&authority, Some(legacy(&authority, Oldest::Tls12, &["other.example.com"]))).await;
    elsewhere.transports.send(request("1@x"), north(address));
    assert!(matches!(elsewhere.failed().await, SendFault::Tls(_)), "only hosts that are named");
    let mut old = node(&authority, Some(legacy(&authority, Oldest::Tls12, &[HOST]))).await;
    old.transports.send(request("1@x"), north(address));
    let (answer, from) = old.message().await;
    assert_eq!(answer.reason(), "ECDHE-RSA-AES128-SHA");
    assert_eq!(from.tls_names, [HOST]);
}

#[tokio::test]
async fn tls_1_0_is_spoken_only_when_told_so() {
    let authority = Authority::new();
    let context = windows(&authority.issue(HOST), SslVersion::TLS1, "AES128-SHA:@SECLEVEL=0");
    let address = listening(context).await;
    let mut careful = node(&authority, Some(legacy(&authority, Oldest::Tls12, &[HOST]))).await;
    careful.transports.send(request("1@x"), north(address));
    let SendFault::Tls(what) = careful.failed().await else { panic!() };
    assert!(what.contains("protocol version") || what.contains("alert"), "{what}");
    let mut told = node(&authority, Some(legacy(&authority, Oldest::Tls10, &[HOST]))).await;
    told.transports.send(request("1@x"), north(address));
    assert_eq!(told.message().await.0.reason(), "AES128-SHA");
}

#[tokio::test]
async fn a_certificate_of_another_name_or_authority_is_refused_in_words() {
    let authority = Authority::new();
    let suites = "ECDHE-RSA-AES128-SHA";
    let wrong = windows(&authority.issue("pool.wrong.example.com"), SslVersion::TLS1_2, suites);
    let mut old = node(&authority, Some(legacy(&authority, Oldest::Tls12, &[HOST]))).await;
    old.transports.send(request("1@x"), north(listening(wrong).await));
    let SendFault::Tls(what) = old.failed().await else { panic!() };
    assert!(what.contains("is for pool.wrong.example.com, not for pool.old.example.com"), "{what}");
    let forged = windows(&Authority::new().issue(HOST), SslVersion::TLS1_2, suites);
    old.transports.send(request("2@x"), north(listening(forged).await));
    let SendFault::Tls(what) = old.failed().await else { panic!() };
    assert!(what.contains("is not accepted"), "{what}");
}

#[tokio::test]
async fn an_old_server_may_call_us_by_its_name_and_nobody_else() {
    let authority = Authority::new();
    let bind = "127.0.0.1:0".parse().unwrap();
    let listeners = vec![Listen { facing: Facing::North, transport: Transport::Tls, bind }];
    let world = super::world::Authority::new();
    let server = server_config(world.issue(&["dect.example.com"]), ClientAuth::None).unwrap();
    let server_tls = BTreeMap::from([(Facing::North, server)]);
    let config = TransportsConfig { listeners, server_tls, ..TransportsConfig::default() };
    let mut node = Node::start(config).await;
    node.transports.set_legacy_tls(Some(legacy(&authority, Oldest::Tls12, &[HOST])));
    for (host, welcome) in [(HOST, true), ("stranger.example.com", false)] {
        let (own, key) = authority.issue(host);
        let mut context = SslContextBuilder::new(SslMethod::tls()).unwrap();
        context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
        context.set_cipher_list("ECDHE-RSA-AES256-SHA").unwrap();
        context.set_certificate(&own).unwrap();
        context.set_private_key(&key).unwrap();
        let stream = TcpStream::connect(node.address()).await.unwrap();
        let mut stream = SslStream::new(Ssl::new(&context.build()).unwrap(), stream).unwrap();
        Pin::new(&mut stream).connect().await.unwrap();
        if welcome {
            stream.write_all(&request("1@x").encode()).await.unwrap();
            assert_eq!(node.message().await.1.tls_names, [HOST]);
            drop(stream);
            node.closed().await;
        } else {
            let what = node.refused().await;
            assert!(what.contains("is for stranger.example.com, and only"), "{what}");
        }
    }
}

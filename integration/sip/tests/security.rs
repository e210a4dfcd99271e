//! TLS and MTLS: who is believed, and the words when not.

use std::time::{Duration, SystemTime};

use kirkwall_core::sip::wire::Message;
use kirkwall_core::sip::{Facing, Transport};
use rcgen::ExtendedKeyUsagePurpose;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::world::{Authority, Node, call_id, listen, named, request, tls_client, tls_server, to};
use crate::pki::{ClientAuth, Identity, LiveIdentity, Trust, Usage, client_config, self_signed};
use crate::sip::{CloseCause, Limits, SendFault, TransportsConfig};

async fn tls_fault(client: &mut Node) -> String {
    match client.failed().await {
        SendFault::Tls(what) => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_go_both_ways_and_the_server_has_proved_its_name() {
    let authority = Authority::new();
    let mut server =
        tls_server(authority.issue(&["sip.example.com"]), ClientAuth::None, Limits::default()).await;
    let mut client = tls_client(&authority.trust(), None).await;
    client.transports.send(request("1@x"), named(server.address(), "sip.example.com"));
    let (message, from) = server.message().await;
    assert!(from.tls_names.is_empty(), "nobody was asked");
    server.transports.send(Message::response(&message, 200, "OK", Some("t")), from.back());
    let (answer, back) = client.message().await;
    assert_eq!(answer.status(), Some(200));
    assert_eq!(back.tls_names, ["sip.example.com"]);
}

#[tokio::test]
async fn mtls_tells_the_clients_names_and_refuses_who_shows_nothing() {
    let authority = Authority::new();
    let required = ClientAuth::Required(authority.roots());
    let mut server = tls_server(authority.issue(&["127.0.0.1"]), required, Limits::default()).await;
    let identity = authority.issue(&["fe01.example.com", "10.1.2.3", "sip:example.com"]);
    let client = tls_client(&authority.trust(), Some(identity)).await;
    client.transports.send(request("1@x"), to(Transport::Tls, server.address()));
    let (_, from) = server.message().await;
    assert_eq!(from.tls_names, ["fe01.example.com", "example.com", "10.1.2.3"]);

    let mut stranger = tls_client(&authority.trust(), None).await;
    stranger.transports.send(request("2@x"), to(Transport::Tls, server.address()));
    let what = server.refused().await;
    assert!(what.contains("showed no certificate"), "{what}");
    // In TLS 1.3 a client learns of it after its own handshake has ended.
    let CloseCause::Tls(what) = closed_or_unsent(&mut stranger).await else { panic!() };
    assert!(what.contains("requires a certificate of ours"), "{what}");

    let other = Authority::new();
    let mut forged = tls_client(&authority.trust(), Some(other.issue(&["fe01.example.com"]))).await;
    forged.transports.send(request("3@x"), to(Transport::Tls, server.address()));
    let what = server.refused().await;
    assert!(what.contains("authority we do not trust"), "{what}");
    assert!(matches!(closed_or_unsent(&mut forged).await, CloseCause::Tls(_)));
}

#[tokio::test]
async fn front_ends_connect_by_their_name_and_others_are_told_why_not() {
    let authority = Authority::new();
    let allowed = vec!["Pool.example.com".to_owned(), "fe01.example.com".to_owned()];
    let servers = ClientAuth::Servers(authority.roots(), allowed);
    let mut server = tls_server(authority.issue(&["127.0.0.1"]), servers, Limits::default()).await;
    // A front end shows the certificate that it has as a server.
    for usage in [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth] {
        let identity = authority.issue_for(&["pool.example.com", "fe07.example.com"], &[usage]);
        let front_end = tls_client(&authority.trust(), Some(identity)).await;
        front_end.transports.send(request("1@x"), to(Transport::Tls, server.address()));
        assert_eq!(server.message().await.1.tls_names[0], "pool.example.com");
    }
    let both = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let refused = [
        (
            Some(authority.issue_for(&["fe09.example.com"], &both)),
            "is for fe09.example.com, and only pool.example.com",
        ),
        (
            Some(authority.issue_for(&["fe01.example.com"], &[ExtendedKeyUsagePurpose::CodeSigning])),
            "not for this use (extended key usage)",
        ),
        (Some(Authority::new().issue_for(&["fe01.example.com"], &both)), "authority we do not trust"),
        (None, "showed no certificate"),
    ];
    for (identity, words) in refused {
        let mut stranger = tls_client(&authority.trust(), identity).await;
        stranger.transports.send(request("2@x"), to(Transport::Tls, server.address()));
        let what = server.refused().await;
        assert!(what.contains(words), "{what}");
        assert!(matches!(closed_or_unsent(&mut stranger).await, CloseCause::Tls(_)));
    }
}

async fn closed_or_unsent(node: &mut Node) -> CloseCause {
    loop {
        match node.next().await {
            crate::sip::Arrival::Closed { cause, .. } => return cause,
            crate::sip::Arrival::Opened { .. } | crate::sip::Arrival::SendFailed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_optional_certificate_is_used_when_shown() {
    let authority = Authority::new();
    let optional = ClientAuth::Optional(authority.roots());
    let mut server = tls_server(authority.issue(&["127.0.0.1"]), optional, Limits::default()).await;
    let bare = tls_client(&authority.trust(), None).await;
    bare.transports.send(request("1@x"), to(Transport::Tls, server.address()));
    assert!(server.message().await.1.tls_names.is_empty());
    let known = tls_client(&authority.trust(), Some(authority.issue(&["base1"]))).await;
    known.transports.send(request("2@x"), to(Transport::Tls, server.address()));
    assert_eq!(server.message().await.1.tls_names[0], "base1");
}

#[tokio::test]
async fn a_wrong_name_is_refused_and_both_names_are_told() {
    let authority = Authority::new();
    let server =
        tls_server(authority.issue(&["other.example.com"]), ClientAuth::None, Limits::default()).await;
    let mut client = tls_client(&authority.trust(), None).await;
    client.transports.send(request("1@x"), named(server.address(), "sip.example.com"));
    let what = tls_fault(&mut client).await;
    assert!(what.contains("other.example.com") && what.contains("not for sip.example.com"), "{what}");
    client.transports.send(request("2@x"), to(Transport::Tls, server.address()));
    assert!(tls_fault(&mut client).await.contains("not for 127.0.0.1"));
}

#[tokio::test]
async fn a_wildcard_proves_nothing_and_a_sip_domain_does() {
    let authority = Authority::new();
    let server = tls_server(authority.issue(&["*.example.com"]), ClientAuth::None, Limits::default()).await;
    let mut client = tls_client(&authority.trust(), None).await;
    client.transports.send(request("1@x"), named(server.address(), "sip.example.com"));
    assert!(tls_fault(&mut client).await.contains("*.example.com"));

    let mut server =
        tls_server(authority.issue(&["sip:example.com"]), ClientAuth::None, Limits::default()).await;
    client.transports.send(request("2@x"), named(server.address(), "Example.com"));
    assert_eq!(call_id(&server.message().await.0), "2@x");
}

#[tokio::test]
async fn an_unknown_authority_and_an_expired_certificate_are_refused_with_words() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = tls_server(other.issue(&["127.0.0.1"]), ClientAuth::None, Limits::default()).await;
    let mut client = tls_client(&authority.trust(), None).await;
    client.transports.send(request("1@x"), to(Transport::Tls, server.address()));
    assert!(tls_fault(&mut client).await.contains("authority we do not trust"));

    let expired = authority.issue_with(&["127.0.0.1"], |params| {
        params.not_after = (SystemTime::now() - Duration::from_secs(60)).into();
    });
    let server = tls_server(expired, ClientAuth::None, Limits::default()).await;
    client.transports.send(request("2@x"), to(Transport::Tls, server.address()));
    let what = tls_fault(&mut client).await;
    assert!(what.contains("certificate expired on "), "{what}");
}

#[tokio::test]
async fn without_verification_anyone_is_believed_but_proves_no_name() {
    let server =
        tls_server(Authority::new().issue(&["x.example.com"]), ClientAuth::None, Limits::default()).await;
    let mut client = tls_client(&Trust::unverified("sip.north.verify"), None).await;
    client.transports.send(request("1@x"), named(server.address(), "y.example.com"));
    assert!(client.opened().await.tls_names.is_empty());
}

#[tokio::test]
async fn a_self_signed_certificate_can_be_trusted_by_itself() {
    let now = SystemTime::now();
    let created = self_signed(&["localhost".into(), "127.0.0.1".into()], now).unwrap();
    let identity = Identity::from_pem("own", &created.certificate, &created.key, Usage::Both, now).unwrap();
    let trust = Trust::from_pem("own", created.certificate.as_bytes()).unwrap();
    let mut server = tls_server(LiveIdentity::new(identity), ClientAuth::None, Limits::default()).await;
    let client = tls_client(&trust, None).await;
    client.transports.send(request("1@x"), named(server.address(), "localhost"));
    assert_eq!(call_id(&server.message().await.0), "1@x");
}

#[tokio::test]
async fn a_new_certificate_is_shown_from_the_next_handshake_on() {
    let authority = Authority::new();
    let live = authority.issue(&["old.example.com"]);
    let mut server = tls_server(live.clone(), ClientAuth::None, Limits::default()).await;
    let mut client = tls_client(&authority.trust(), None).await;
    client.transports.send(request("1@x"), named(server.address(), "old.example.com"));
    server.message().await;
    client.opened().await;
    live.swap(authority.issue(&["new.example.com"]).current());
    client.transports.send(request("2@x"), named(server.address(), "new.example.com"));
    assert_eq!(call_id(&server.message().await.0), "2@x");
    client.transports.send(request("3@x"), named(server.address(), "old.example.com"));
    assert_eq!(call_id(&server.message().await.0), "3@x", "the old connection lives on");
}

#[tokio::test]
async fn a_client_that_never_begins_its_handshake_is_dropped() {
    let limits = Limits { handshake: Duration::from_millis(200), ..Limits::default() };
    let authority = Authority::new();
    let mut server = tls_server(authority.issue(&["127.0.0.1"]), ClientAuth::None, limits).await;
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    assert!(server.refused().await.contains("no TLS handshake within"));
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
    let mut plain = TcpStream::connect(server.address()).await.unwrap();
    plain.write_all(&request("plain@x").encode()).await.unwrap();
    assert!(server.refused().await.contains("does not speak TLS"));
    assert_eq!(server.transports.connections(), (0, 0));
}

#[tokio::test]
async fn a_server_without_tls_is_told_as_such() {
    let mut client = tls_client(&Authority::new().trust(), None).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    client.transports.send(request("1@x"), to(Transport::Tls, listener.local_addr().unwrap()));
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"SIP/2.0 400 Bad Request\r\n\r\n").await.unwrap();
    assert!(tls_fault(&mut client).await.contains("does not speak TLS"));
    client.transports.send(request("2@x"), to(Transport::Tls, listener.local_addr().unwrap()));
    let (mut peer, _) = listener.accept().await.unwrap();
    assert_ne!(peer.read(&mut [0; 16]).await.unwrap(), 0);
    drop(peer);
    assert!(!tls_fault(&mut client).await.is_empty());
}

#[tokio::test]
async fn a_side_without_tls_settings_names_the_one_that_is_missing() {
    let mut node = Node::start(TransportsConfig::default()).await;
    node.transports.send(request("1@x"), to(Transport::Tls, "127.0.0.1:9".parse().unwrap()));
    let fault = node.failed().await;
    assert!(fault.to_string().contains("sip.south: no TLS settings"), "{fault}");
}

#[tokio::test]
async fn tls_1_2_and_ipv6_work_as_lync_servers_need_them() {
    let authority = Authority::new();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let old = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(authority.issue(&["::1"]));
    let mut server = Node::start(TransportsConfig {
        listeners: vec![listen(Transport::Tls, "[::1]:0")],
        server_tls: [(Facing::South, std::sync::Arc::new(old))].into(),
        ..TransportsConfig::default()
    })
    .await;
    let mut client = tls_client(&authority.trust(), None).await;
    client.transports.send(request("1@x"), to(Transport::Tls, server.address()));
    assert_eq!(call_id(&server.message().await.0), "1@x");
    assert_eq!(client.opened().await.tls_names, ["::1"]);
    let mut stranger = tls_client(&Authority::new().trust(), None).await;
    stranger.transports.send(request("2@x"), to(Transport::Tls, server.address()));
    assert!(tls_fault(&mut stranger).await.contains("authority we do not trust"));
}

#[tokio::test]
async fn new_tls_settings_hold_for_connections_to_come() {
    let (old, new) = (Authority::new(), Authority::new());
    let mut server = tls_server(new.issue(&["127.0.0.1"]), ClientAuth::None, Limits::default()).await;
    let mut client = tls_client(&old.trust(), None).await;
    client.transports.send(request("1@x"), to(Transport::Tls, server.address()));
    assert!(tls_fault(&mut client).await.contains("authority we do not trust"));
    server.refused().await;
    let trusting = client_config(&new.trust(), None).unwrap();
    client.transports.set_tls([].into(), [(Facing::South, trusting)].into());
    client.transports.send(request("2@x"), to(Transport::Tls, server.address()));
    assert_eq!(call_id(&server.message().await.0), "2@x");
}

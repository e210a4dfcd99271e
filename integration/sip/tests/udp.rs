//! UDP both ways.

use kirkwall_core::sip::wire::{Message, ParseFault};
use kirkwall_core::sip::{Facing, Transport};
use tokio::net::UdpSocket;

use super::world::{Node, call_id, listen, request, to};
use crate::sip::{Arrival, Limits, SendFault, TransportsConfig};

#[tokio::test]
async fn a_message_comes_and_its_answer_goes_back() {
    let mut node = Node::listening(Transport::Udp, Limits::default()).await;
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    peer.send_to(&request("1@x").encode(), node.address()).await.unwrap();
    let (message, from) = node.message().await;
    assert_eq!(call_id(&message), "1@x");
    assert_eq!((from.remote, from.local), (peer.local_addr().unwrap(), node.address()));
    assert_eq!(from.connection, None);
    node.transports.send(Message::response(&message, 200, "OK", Some("t")), from.back());
    let mut buffer = [0; 2_000];
    let (length, source) = peer.recv_from(&mut buffer).await.unwrap();
    assert!(buffer[..length].starts_with(b"SIP/2.0 200 OK\r\n"));
    assert_eq!(source, node.address(), "from the port it was sent to (RFC 3581 §4)");
}

#[tokio::test]
async fn ipv6_works_and_has_its_own_socket() {
    let listeners = vec![listen(Transport::Udp, "127.0.0.1:0"), listen(Transport::Udp, "[::1]:0")];
    let mut node = Node::start(TransportsConfig { listeners, ..TransportsConfig::default() }).await;
    let six = node.transports.bound()[1].bind;
    let peer = UdpSocket::bind("[::1]:0").await.unwrap();
    peer.send_to(&request("6@x").encode(), six).await.unwrap();
    let (message, from) = node.message().await;
    node.transports.send(message, from.back());
    let (_, source) = peer.recv_from(&mut [0; 2_000]).await.unwrap();
    assert_eq!(source, six);
}

#[tokio::test]
async fn keep_alives_are_ignored_and_rubbish_is_told_with_its_fault() {
    let mut node = Node::listening(Transport::Udp, Limits::default()).await;
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in
        [&b"\r\n\r\n"[..], b"", b"\0\0\0\0", b"rubbish", b"OPTIONS sip:a@b SIP/2.0\r\nl: 9\r\n\r\nx"]
    {
        peer.send_to(datagram, node.address()).await.unwrap();
    }
    let Arrival::Message { parsed: Err(ParseFault::NotSip(_)), .. } = node.next().await else { panic!() };
    let Arrival::Message { parsed: Err(ParseFault::Malformed { .. }), .. } = node.next().await else {
        panic!()
    };
    assert!(node.try_next().is_none());
}

#[tokio::test]
async fn a_wildcard_listener_knows_under_which_address_it_is_seen() {
    let listeners = vec![listen(Transport::Udp, "0.0.0.0:0")];
    let mut node = Node::start(TransportsConfig { listeners, ..TransportsConfig::default() }).await;
    let port = node.address().port();
    let seen = node.transports.local(Facing::South, Transport::Udp, "127.0.0.1".parse().unwrap());
    assert_eq!(seen, Some(([127, 0, 0, 1], port).into()));
    assert_eq!(node.transports.local(Facing::North, Transport::Udp, "127.0.0.1".parse().unwrap()), None);
    assert_eq!(node.transports.local(Facing::South, Transport::Udp, "::1".parse().unwrap()), None);
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    peer.send_to(&request("1@x").encode(), ("127.0.0.1", port)).await.unwrap();
    assert_eq!(node.message().await.1.local, ([127, 0, 0, 1], port).into());
}

#[tokio::test]
async fn what_cannot_leave_comes_back_with_the_reason() {
    let mut node = Node::listening(Transport::Udp, Limits::default()).await;
    let mut north = to(Transport::Udp, "127.0.0.1:9".parse().unwrap());
    north.facing = Facing::North;
    node.transports.send(request("1@x"), north);
    let fault = node.failed().await;
    assert!(fault.to_string().contains("sip.north.listen_udp"), "{fault}");

    let mut large = request("2@x");
    large.set_body("text/plain", vec![b'a'; 70_000]);
    node.transports.send(large, to(Transport::Udp, "127.0.0.1:9".parse().unwrap()));
    assert!(matches!(node.failed().await, SendFault::TooLarge(_)));
}

#[tokio::test]
async fn a_peer_that_is_gone_does_not_disturb_the_others() {
    let mut node = Node::listening(Transport::Udp, Limits::default()).await;
    let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for _ in 0..20 {
        node.transports.send(request("0@x"), to(Transport::Udp, gone));
    }
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    peer.send_to(&request("1@x").encode(), node.address()).await.unwrap();
    assert_eq!(call_id(&node.message().await.0), "1@x");
}

#[tokio::test]
async fn a_burst_arrives_whole() {
    let mut node = Node::listening(Transport::Udp, Limits::default()).await;
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for number in 0..500 {
        peer.send_to(&request(&format!("{number}@x")).encode(), node.address()).await.unwrap();
    }
    for number in 0..500 {
        assert_eq!(call_id(&node.message().await.0), format!("{number}@x"));
    }
}

#[tokio::test]
async fn after_shutdown_nothing_leaves() {
    let mut node = Node::listening(Transport::Udp, Limits::default()).await;
    node.transports.shutdown().await;
    node.transports.send(request("late@x"), to(Transport::Udp, "127.0.0.1:9".parse().unwrap()));
    assert!(matches!(node.failed().await, SendFault::NotNow(_)));
}

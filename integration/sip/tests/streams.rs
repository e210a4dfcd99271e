//! TCP: both ways, reuse, cut and joined messages, keep-alives, ends.

use std::net::SocketAddr;

use kirkwall_core::sip::wire::{MAX_BODY, Message, ParseFault};
use kirkwall_core::sip::{Destination, Facing, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::world::{Node, call_id, listen, request, to};
use crate::sip::{Arrival, CloseCause, Limits, SendFault, TransportsConfig};

async fn read(stream: &mut TcpStream, at_least: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < at_least {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "closed after {} bytes", bytes.len());
    }
    bytes
}

#[tokio::test]
async fn an_answer_takes_the_connection_of_its_request() {
    let mut node = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut peer = TcpStream::connect(node.address()).await.unwrap();
    peer.write_all(&request("1@x").encode()).await.unwrap();
    let opened = node.opened().await;
    let (message, from) = node.message().await;
    assert_eq!(from, opened);
    assert_eq!((from.remote, from.local), (peer.local_addr().unwrap(), node.address()));
    let answer = Message::response(&message, 200, "OK", Some("t"));
    let length = answer.encode().len();
    node.transports.send(answer.clone(), from.back());
    assert!(read(&mut peer, length).await.starts_with(b"SIP/2.0 200"));
    // By address alone too: nothing else can listen on that port of the peer.
    node.transports.send(answer, to(Transport::Tcp, from.remote));
    assert!(read(&mut peer, length).await.starts_with(b"SIP/2.0 200"));
    assert_eq!(node.transports.connections(), (1, 0));
}

#[tokio::test]
async fn requests_to_one_place_share_one_connection_and_the_peer_may_use_it_back() {
    let mut a = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut b = Node::listening(Transport::Tcp, Limits::default()).await;
    for number in 0..10 {
        a.transports.send(request(&format!("{number}@x")), to(Transport::Tcp, b.address()));
    }
    let mut from = None;
    for number in 0..10 {
        let (message, peer) = b.message().await;
        assert_eq!(call_id(&message), format!("{number}@x"), "in order");
        from = Some(peer);
    }
    assert_eq!((a.transports.connections(), b.transports.connections()), ((0, 1), (1, 0)));
    b.transports.send(request("back@x"), from.unwrap().back());
    assert_eq!(call_id(&a.message().await.0), "back@x");
    assert_eq!((a.transports.connections(), b.transports.connections()), ((0, 1), (1, 0)));
}

#[tokio::test]
async fn halves_and_pairs_of_messages_are_read_as_they_are_meant() {
    let mut node = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut peer = TcpStream::connect(node.address()).await.unwrap();
    peer.set_nodelay(true).unwrap();
    let one = request("half@x").encode();
    peer.write_all(&one[..30]).await.unwrap();
    node.opened().await;
    let mut rest = one[30..].to_vec();
    for number in 0..100 {
        rest.extend_from_slice(&request(&format!("{number}@x")).encode());
    }
    peer.write_all(&rest).await.unwrap();
    assert_eq!(call_id(&node.message().await.0), "half@x");
    for number in 0..100 {
        assert_eq!(call_id(&node.message().await.0), format!("{number}@x"));
    }
}

#[tokio::test]
async fn a_keep_alive_is_answered_once() {
    let node = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut peer = TcpStream::connect(node.address()).await.unwrap();
    peer.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut peer, 2).await, b"\r\n");
    peer.write_all(b"\r\n").await.unwrap();
    peer.write_all(b"\r\n").await.unwrap();
    assert_eq!(read(&mut peer, 2).await, b"\r\n");
}

#[tokio::test]
async fn broken_framing_gets_its_answer_and_then_the_end() {
    let mut node = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut peer = TcpStream::connect(node.address()).await.unwrap();
    peer.write_all(b"OPTIONS sip:a@b SIP/2.0\r\ni: 1@x\r\nl: -5\r\n\r\n").await.unwrap();
    peer.write_all(&request("never@x").encode()).await.unwrap();
    peer.shutdown().await.unwrap();
    node.opened().await;
    let Arrival::Message { parsed: Err(ParseFault::Malformed { salvaged, .. }), peer: from } =
        node.next().await
    else {
        panic!()
    };
    node.transports.send(Message::response(&salvaged, 400, "Bad Content-Length", None), from.back());
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("SIP/2.0 400"), "{answer}");
    assert!(matches!(node.closed().await, CloseCause::Framing(_)));
    assert_eq!(node.transports.connections(), (0, 0));
}

#[tokio::test]
async fn an_oversize_head_or_body_ends_the_connection() {
    for text in ["OPTIONS sip:a@b SIP/2.0\r\nl: 262145\r\n\r\n".to_owned(), "A".repeat(65_537)] {
        let mut node = Node::listening(Transport::Tcp, Limits::default()).await;
        let mut peer = TcpStream::connect(node.address()).await.unwrap();
        peer.write_all(text.as_bytes()).await.unwrap();
        node.opened().await;
        assert!(matches!(node.next().await, Arrival::Message { parsed: Err(_), .. }));
        assert!(matches!(node.closed().await, CloseCause::Framing(_)));
    }
}

#[tokio::test]
async fn the_largest_permitted_body_passes_both_ways() {
    let mut a = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut b = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut large = request("large@x");
    large.set_body("text/plain", vec![b'a'; MAX_BODY]);
    a.transports.send(large.clone(), to(Transport::Tcp, b.address()));
    let (message, from) = b.message().await;
    assert_eq!(message.body.len(), MAX_BODY);
    b.transports.send(message, from.back());
    assert_eq!(a.message().await.0.body, large.body);
}

#[tokio::test]
async fn a_peer_that_shuts_its_half_still_gets_its_answer() {
    let mut node = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut peer = TcpStream::connect(node.address()).await.unwrap();
    peer.write_all(&request("1@x").encode()).await.unwrap();
    peer.shutdown().await.unwrap();
    let (message, from) = node.message().await;
    node.transports.send(Message::response(&message, 200, "OK", Some("t")), from.back());
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("SIP/2.0 200"));
    assert_eq!(node.closed().await, CloseCause::Remote);
}

#[tokio::test]
async fn a_message_cut_short_by_its_sender_is_answered_too() {
    let mut node = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut peer = TcpStream::connect(node.address()).await.unwrap();
    peer.write_all(b"OPTIONS sip:a@b SIP/2.0\r\ni: 1@x\r\nl: 50\r\n\r\nshort").await.unwrap();
    peer.shutdown().await.unwrap();
    node.opened().await;
    let Arrival::Message { parsed: Err(fault), peer: from } = node.next().await else { panic!() };
    let answer = Message::response(fault.salvaged().unwrap(), 400, "Body Cut Short", None);
    node.transports.send(answer, from.back());
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("SIP/2.0 400"), "{answer}");
    assert_eq!(node.closed().await, CloseCause::Remote);
}

#[tokio::test]
async fn a_closed_connection_is_opened_anew_for_the_next_message() {
    let mut node = Node::start(TransportsConfig::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = to(Transport::Tcp, listener.local_addr().unwrap());
    node.transports.send(request("1@x"), there.clone());
    let (mut first, _) = listener.accept().await.unwrap();
    read(&mut first, 10).await;
    let old = node.opened().await.connection;
    drop(first);
    let Arrival::Closed { connection, .. } = node.next().await else { panic!() };
    assert_eq!(Some(connection), old);
    node.transports.send(request("2@x"), Destination { connection: old, ..there });
    let (mut second, _) = listener.accept().await.unwrap();
    assert!(String::from_utf8(read(&mut second, 100).await).unwrap().contains("2@x"));
    assert_ne!(node.opened().await.connection, old);
}

#[tokio::test]
async fn nobody_there_brings_every_waiting_message_back() {
    let mut node = Node::start(TransportsConfig::default()).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for number in 0..3 {
        node.transports.send(request(&format!("{number}@x")), to(Transport::Tcp, gone));
    }
    for _ in 0..3 {
        let fault = node.failed().await;
        assert!(matches!(&fault, SendFault::Unreachable(what) if what.contains("refused")), "{fault}");
    }
    assert_eq!(node.transports.connections(), (0, 0));
}

#[tokio::test]
async fn ipv6_and_the_listening_address_as_source() {
    let listeners = vec![listen(Transport::Tcp, "[::1]:0"), listen(Transport::Tcp, "127.0.0.1:0")];
    let node = Node::start(TransportsConfig { listeners, ..TransportsConfig::default() }).await;
    let mut peer = Node::start(TransportsConfig {
        listeners: vec![listen(Transport::Tcp, "[::1]:0")],
        ..TransportsConfig::default()
    })
    .await;
    node.transports.send(request("6@x"), to(Transport::Tcp, peer.address()));
    let (_, from) = peer.message().await;
    assert_eq!(from.remote.ip(), node.address().ip());
    let seen = node.transports.local(Facing::South, Transport::Tcp, from.local.ip());
    assert_eq!(seen, Some(node.address()));
}

#[tokio::test]
async fn shutdown_says_what_is_queued_and_refuses_the_rest() {
    let mut a = Node::listening(Transport::Tcp, Limits::default()).await;
    let mut b = Node::listening(Transport::Tcp, Limits::default()).await;
    a.transports.send(request("1@x"), to(Transport::Tcp, b.address()));
    b.message().await;
    for number in 0..50 {
        a.transports.send(request(&format!("{number}@x")), to(Transport::Tcp, b.address()));
    }
    a.transports.shutdown().await;
    for number in 0..50 {
        assert_eq!(call_id(&b.message().await.0), format!("{number}@x"));
    }
    assert_eq!(b.closed().await, CloseCause::Remote);
    let closed: SocketAddr = a.address();
    assert!(TcpStream::connect(closed).await.is_err(), "nobody listens any more");
    a.transports.send(request("late@x"), to(Transport::Tcp, b.address()));
    assert!(matches!(a.failed().await, SendFault::NotNow(_)));
}

#[tokio::test]
async fn a_listener_that_cannot_open_names_its_setting() {
    let first = Node::listening(Transport::Tcp, Limits::default()).await;
    for transport in [Transport::Tcp, Transport::Tls] {
        let listeners = vec![listen(transport, &first.address().to_string())];
        let config = TransportsConfig { listeners, ..TransportsConfig::default() };
        let Err(fault) = crate::sip::Transports::start(config, drop).await else { panic!("{transport}") };
        assert!(fault.to_string().contains(&format!("sip.south.{transport}")), "{fault}");
        assert!(fault.to_string().contains(&first.address().to_string()), "{fault}");
    }
}

//! Bounds in time, number and bytes.

use std::time::Duration;

use kirkwall_core::sip::Transport;
use kirkwall_core::sip::wire::ParseFault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::world::{Node, call_id, request, to};
use crate::sip::{Arrival, CloseCause, Limits, SendFault, TransportsConfig};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_message_that_is_dribbled_does_not_hold_the_connection() {
    let limits = Limits { message: SHORT, ..Limits::default() };
    let mut node = Node::listening(Transport::Tcp, limits).await;
    let peer = TcpStream::connect(node.address()).await.unwrap();
    let (_reading, mut writing) = peer.into_split();
    let began = Instant::now();
    // Each byte comes in time, the whole does not.
    let dribble = tokio::spawn(async move {
        for byte in request("slow@x").encode() {
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(SHORT / 20).await;
        }
    });
    assert_eq!(slow(&mut node).await, CloseCause::SlowMessage);
    assert!(began.elapsed() >= SHORT);
    dribble.abort();
}

#[tokio::test]
async fn a_body_that_never_comes_does_not_hold_it_either() {
    let limits = Limits { message: SHORT, ..Limits::default() };
    let mut node = Node::listening(Transport::Tcp, limits).await;
    let mut peer = TcpStream::connect(node.address()).await.unwrap();
    peer.write_all(b"OPTIONS sip:a@b SIP/2.0\r\nl: 10\r\n\r\nabc").await.unwrap();
    assert_eq!(slow(&mut node).await, CloseCause::SlowMessage);
}

/// The end of a connection whose last message is told as cut short.
async fn slow(node: &mut Node) -> CloseCause {
    node.opened().await;
    let Arrival::Message { parsed: Err(fault), .. } = node.next().await else { panic!() };
    assert!(fault.salvaged().is_some() || matches!(fault, ParseFault::NotSip(_)));
    node.closed().await
}

#[tokio::test]
async fn silence_ends_an_accepted_connection_and_traffic_either_way_keeps_it() {
    let idle = SHORT * 5;
    let limits = Limits { accepted_idle: idle, ..Limits::default() };
    let mut node = Node::listening(Transport::Tcp, limits).await;
    let mut peer = TcpStream::connect(node.address()).await.unwrap();
    let began = Instant::now();
    let there = node.opened().await.back();
    for turn in 0..6 {
        tokio::time::sleep(SHORT).await;
        match turn % 2 {
            0 => peer.write_all(b"\r\n\r\n").await.unwrap(),
            _ => node.transports.send(request("1@x"), there.clone()),
        }
    }
    assert_eq!(node.closed().await, CloseCause::Idle);
    assert!(began.elapsed() >= SHORT * 6 + idle, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_peer_that_once_answered_a_keep_alive_must_go_on_answering() {
    let limits = Limits { keep_alive: SHORT, pong: SHORT * 5, ..Limits::default() };
    let mut node = Node::start(TransportsConfig { limits, ..TransportsConfig::default() }).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    node.transports.send(request("1@x"), to(Transport::Tcp, listener.local_addr().unwrap()));
    let (mut peer, _) = listener.accept().await.unwrap();
    let mut bytes = vec![0; request("1@x").encode().len()];
    peer.read_exact(&mut bytes).await.unwrap();
    let mut ping = [0; 4];
    peer.read_exact(&mut ping).await.unwrap();
    assert_eq!(&ping, b"\r\n\r\n");
    peer.write_all(b"\r\n").await.unwrap();
    peer.read_exact(&mut ping).await.unwrap();
    assert_eq!(node.closed().await, CloseCause::NoPong);
}

#[tokio::test]
async fn a_peer_that_never_answers_keep_alives_is_left_alone() {
    let limits = Limits { keep_alive: SHORT / 3, pong: SHORT / 3, ..Limits::default() };
    let mut node = Node::start(TransportsConfig { limits, ..TransportsConfig::default() }).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    node.transports.send(request("1@x"), to(Transport::Tcp, listener.local_addr().unwrap()));
    let (mut peer, _) = listener.accept().await.unwrap();
    let mut bytes = vec![0; request("1@x").encode().len() + 5 * 4];
    peer.read_exact(&mut bytes).await.unwrap();
    assert!(bytes.ends_with(b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"), "five pings");
    peer.write_all(&request("alive@x").encode()).await.unwrap();
    assert_eq!(call_id(&node.message().await.0), "alive@x");
}

#[tokio::test]
async fn one_source_cannot_take_all_connections() {
    let limits = Limits { per_source: 3, ..Limits::default() };
    let mut node = Node::listening(Transport::Tcp, limits).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(node.address()).await.unwrap());
        node.opened().await;
    }
    let mut fourth = TcpStream::connect(node.address()).await.unwrap();
    assert_eq!(fourth.read(&mut [0; 1]).await.unwrap_or(0), 0, "closed at once");
    drop(held.pop());
    assert_eq!(node.closed().await, CloseCause::Remote);
    let mut again = TcpStream::connect(node.address()).await.unwrap();
    again.write_all(&request("again@x").encode()).await.unwrap();
    assert_eq!(call_id(&node.message().await.0), "again@x");
}

#[tokio::test]
async fn a_full_queue_gives_messages_back_and_a_stalled_peer_ends() {
    let limits = Limits { queue: 8, write: SHORT, ..Limits::default() };
    let mut node = Node::start(TransportsConfig { limits, ..TransportsConfig::default() }).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = to(Transport::Tcp, listener.local_addr().unwrap());
    let mut large = request("1@x");
    large.set_body("text/plain", vec![b'a'; 200_000]);
    node.transports.send(large.clone(), there.clone());
    let (_peer, _) = listener.accept().await.unwrap();
    node.opened().await;
    // The peer reads nothing: first the kernel's buffers fill, then the queue.
    let mut sent = 1;
    let fault = loop {
        node.transports.send(large.clone(), there.clone());
        sent += 1;
        tokio::task::yield_now().await;
        match node.try_next() {
            Some(Arrival::SendFailed { cause, .. }) => break cause,
            Some(other) => panic!("{other:?}"),
            None => assert!(sent < 10_000),
        }
    };
    assert!(matches!(fault, SendFault::NotNow(_)), "{fault}");
    let mut lost = 0;
    loop {
        match node.next().await {
            Arrival::SendFailed { cause: SendFault::Closed(CloseCause::Stalled), .. } => lost += 1,
            Arrival::SendFailed { cause: SendFault::NotNow(_), .. } => {}
            Arrival::Closed { cause, .. } => break assert_eq!(cause, CloseCause::Stalled),
            other => panic!("{other:?}"),
        }
    }
    assert!(lost >= 8, "what was queued came back: {lost}");
    assert_eq!(node.transports.connections(), (0, 0));
}

#[tokio::test]
async fn a_thousand_connections_are_served_and_forgotten() {
    let limits = Limits { per_source: 1_000, ..Limits::default() };
    let mut node = Node::listening(Transport::Tcp, limits).await;
    let mut peers = Vec::new();
    for number in 0..1_000 {
        let mut peer = TcpStream::connect(node.address()).await.unwrap();
        peer.write_all(&request(&format!("{number}@x")).encode()).await.unwrap();
        peers.push(peer);
    }
    for _ in 0..1_000 {
        let (message, from) = node.message().await;
        node.transports.send(message, from.back());
    }
    for (number, peer) in peers.iter_mut().enumerate() {
        let expected = request(&format!("{number}@x")).encode();
        let mut bytes = vec![0; expected.len()];
        peer.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, expected, "each its own");
    }
    assert_eq!(node.transports.connections(), (1_000, 0));
    drop(peers);
    for _ in 0..1_000 {
        assert_eq!(node.closed().await, CloseCause::Remote);
    }
    assert_eq!(node.transports.connections(), (0, 0));
}

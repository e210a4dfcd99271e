//! RFC 5923: requests back over the connection that a peer opened.

use kirkwall_core::sip::wire::HeaderName;
use kirkwall_core::sip::{Destination, Facing, Transport};

use super::world::{Authority, Node, call_id, named, request, tls_client, tls_server, to};
use crate::pki::ClientAuth;
use crate::sip::{Limits, SendFault};

/// A request whose sender says that it listens on `port` and wants its connection used both ways.
fn aliased(call_id: &str, port: u16) -> kirkwall_core::sip::wire::Message {
    let mut message = request(call_id);
    let via = format!("SIP/2.0/TLS fe01.example.com:{port};branch=z9hG4bK1;alias");
    message.headers.set(HeaderName::Via, via);
    message
}

#[tokio::test]
async fn a_proved_peer_is_reached_by_its_own_connection() {
    let authority = Authority::new();
    let required = ClientAuth::Required(authority.roots());
    let mut node = tls_server(authority.issue(&["127.0.0.1"]), required, Limits::default()).await;
    let mut peer = tls_client(&authority.trust(), Some(authority.issue(&["fe01.example.com"]))).await;
    peer.transports.send(aliased("1@x", 5061), to(Transport::Tls, node.address()));
    node.message().await;
    peer.opened().await;
    node.transports.send(request("back@x"), named("127.0.0.1:5061".parse().unwrap(), "fe01.example.com"));
    assert_eq!(call_id(&peer.message().await.0), "back@x");
    assert_eq!(node.transports.connections(), (1, 0));
    // For another name the alias is worth nothing, and nobody listens there.
    node.transports.send(request("no@x"), named("127.0.0.1:5061".parse().unwrap(), "fe02.example.com"));
    assert!(matches!(node.failed().await, SendFault::NoTls(_)));
}

#[tokio::test]
async fn without_a_proved_name_there_is_no_alias() {
    let authority = Authority::new();
    let optional = ClientAuth::Optional(authority.roots());
    let mut node = tls_server(authority.issue(&["127.0.0.1"]), optional, Limits::default()).await;
    let peer = tls_client(&authority.trust(), None).await;
    peer.transports.send(aliased("1@x", 5061), to(Transport::Tls, node.address()));
    node.message().await;
    node.transports.send(request("no@x"), to(Transport::Tls, "127.0.0.1:5061".parse().unwrap()));
    assert!(matches!(node.failed().await, SendFault::NoTls(_)));

    let mut node = Node::listening(Transport::Tcp, Limits::default()).await;
    let peer = Node::start(Default::default()).await;
    peer.transports.send(aliased("1@x", 1), to(Transport::Tcp, node.address()));
    node.message().await;
    node.transports.send(request("no@x"), to(Transport::Tcp, "127.0.0.1:1".parse().unwrap()));
    assert!(matches!(node.failed().await, SendFault::Unreachable(_)));
}

#[tokio::test]
async fn the_other_side_of_the_switch_never_shares_a_connection() {
    let mut node = Node::start(Default::default()).await;
    let mut peer = Node::listening(Transport::Tcp, Limits::default()).await;
    let south = to(Transport::Tcp, peer.address());
    node.transports.send(request("s@x"), south.clone());
    node.opened().await;
    node.transports.send(request("n@x"), Destination { facing: Facing::North, ..south });
    peer.message().await;
    peer.message().await;
    assert_eq!(node.transports.connections(), (0, 2));
}

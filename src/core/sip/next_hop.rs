//! Where a request in a dialog goes (RFC 3261 §12.2.1.1, RFC 3263), as far as that can be said without DNS.

use std::net::SocketAddr;

use super::wire::{Host, Scheme, Text, Uri};
use super::{Destination, Facing, Transport};

/// The destination for `resolve`, the URI that the dialog's route set or remote target names; `last` is
/// where the peer was last heard.
///
/// * South: always `last`. Handsets and bases sit behind NAT and firewalls and name private addresses.
/// * A stream whose connection lives, or whose peer is at the very address named: `last`, since that
///   connection is what was authenticated (RFC 5923 §5).
/// * A literal address: that address.
/// * A name: `last`. The names that front ends put into Record-Route mean themselves; asking DNS in the
///   middle of a call would only find the same machine, or worse another one of its pool.
pub fn next_hop(resolve: Option<&Text>, last: Destination) -> Destination {
    let Some(uri) = resolve.and_then(Uri::parse) else { return last };
    let transport = match (&uri.scheme, uri.params.get("transport").as_deref()) {
        (Scheme::Sips, _) => Transport::Tls,
        (_, Some(name)) if name.eq_ignore_ascii_case("tls") => Transport::Tls,
        (_, Some(name)) if name.eq_ignore_ascii_case("tcp") => Transport::Tcp,
        (_, Some(name)) if name.eq_ignore_ascii_case("udp") => Transport::Udp,
        // RFC 3263 §4.1: an address without transport parameter means UDP; but a peer that we hear over
        // a stream and that names no transport means that stream.
        _ => last.transport,
    };
    let Some(Host::Ip(ip)) = uri.host else { return last };
    let address = SocketAddr::new(ip, uri.port.unwrap_or(transport.default_port()));
    let same_stream = last.transport.is_reliable() && transport == last.transport && ip == last.address.ip();
    match last.facing {
        Facing::South => last,
        Facing::North if same_stream => last,
        Facing::North => {
            Destination { transport, address, facing: Facing::North, connection: None, server_name: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ConnectionId;
    use super::*;

    fn last(transport: Transport, facing: Facing) -> Destination {
        let connection = transport.is_reliable().then_some(ConnectionId(7));
        Destination {
            transport,
            address: "10.0.0.1:40000".parse().unwrap(),
            facing,
            connection,
            server_name: None,
        }
    }

    fn hop(uri: &str, last: Destination) -> String {
        let to = next_hop(Some(&Text::from(uri)), last);
        format!("{} {}{}", to.transport, to.address, if to.connection.is_some() { " same" } else { "" })
    }

    #[test]
    fn the_south_is_answered_where_it_was_heard() {
        assert_eq!(
            hop("sip:anna@192.168.0.9:5060", last(Transport::Udp, Facing::South)),
            "udp 10.0.0.1:40000"
        );
    }

    #[test]
    fn a_stream_to_the_same_host_is_kept_and_another_host_gets_its_own() {
        let tls = || last(Transport::Tls, Facing::North);
        assert_eq!(hop("sip:10.0.0.1:5061;transport=tls;lr", tls()), "tls 10.0.0.1:40000 same");
        assert_eq!(hop("sip:10.0.0.2:5061;transport=tls;lr", tls()), "tls 10.0.0.2:5061");
        assert_eq!(hop("sip:pool.example.com;transport=tls;lr", tls()), "tls 10.0.0.1:40000 same");
    }

    #[test]
    fn udp_goes_to_the_address_that_is_named() {
        assert_eq!(hop("sip:10.0.0.1:5070;lr", last(Transport::Udp, Facing::North)), "udp 10.0.0.1:5070");
    }
}

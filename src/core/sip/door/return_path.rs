//! The way back: what a server adds to the top Via, and where a response goes.

use std::net::{IpAddr, SocketAddr};

use crate::sip::wire::{HeaderName, Host, Message, Text, Via};
use crate::sip::{Destination, Peer};

/// Notes in the top Via where the message really came from. To be called on each received request
/// before anything else; a second call changes nothing.
///
/// RFC 3261 §18.2.1: "If the host portion of the "sent-by" parameter contains a domain name, or if it
/// contains an IP address that differs from the packet source address, the server MUST add a
/// "received" parameter". RFC 3581 §4: "it MUST set the value of the parameter to the source port of
/// the request … [and] MUST insert a "received" parameter …, even if it is identical to the value of
/// the "sent-by" component."
pub fn via_stamp(message: &mut Message, peer: &Peer) {
    let Some(element) = message.headers.first_of_list(&HeaderName::Via) else { return };
    let Some(via) = Via::parse(&element) else { return };
    // A socket that serves both families shows IPv4 senders as ::ffff:a.b.c.d.
    let source = peer.remote.ip().to_canonical();
    let asked_port = via.params.has("rport");
    if !asked_port && !via.params.has("received") && via.host == Host::Ip(source) {
        return;
    }
    let mut stamped = element.split(';').next().unwrap_or("").trim_end().to_owned();
    for (name, value) in via.params.iter() {
        match value {
            // Whatever the sender claims of itself is replaced by what the socket saw.
            _ if name.eq_ignore_ascii_case("received") => {}
            _ if name.eq_ignore_ascii_case("rport") => {
                stamped.push_str(&format!(";rport={}", peer.remote.port()));
            }
            Some(value) => stamped.push_str(&format!(";{name}={value}")),
            None => stamped.push_str(&format!(";{name}")),
        }
    }
    stamped.push_str(&format!(";received={source}"));
    message.headers.set_first_of_list(&HeaderName::Via, &stamped);
}

/// Where a response goes (RFC 3261 §18.2.2, RFC 3581 §4): `message` is the stamped request or any
/// response to it, `peer` who sent the request.
///
/// Over a connection, back on it; should it be gone, to the port of sent-by at the address the request
/// came from. Over UDP, to `maddr`, or to the port of `rport`, or to the port of sent-by, in that order.
pub fn response_destination(message: &Message, peer: &Peer) -> Destination {
    let mut back = peer.back();
    let Some(via) = message.top_via() else { return back };
    let port = via.port.unwrap_or(peer.transport.default_port());
    if peer.transport.is_reliable() {
        back.address.set_port(port);
        return back;
    }
    back.address = match maddr(&via) {
        Some(address) => SocketAddr::new(address, port),
        None if via.params.has("rport") => peer.remote,
        None => SocketAddr::new(peer.remote.ip(), port),
    };
    back
}

/// A literal address in `maddr`; names are not resolved for a response.
fn maddr(via: &Via) -> Option<IpAddr> {
    match Host::parse(&Text::from(via.params.get("maddr")?.as_str())) {
        Some(Host::Ip(address)) => Some(address),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::peer;
    use super::*;
    use crate::sip::wire::Method;
    use crate::sip::{ConnectionId, Transport};

    fn request(vias: &[&str]) -> Message {
        let mut message = Message::request(Method::Options, "sip:a@b");
        vias.iter().for_each(|via| message.headers.push(HeaderName::Via, *via));
        message
    }

    fn stamped(via: &str) -> String {
        let mut message = request(&[via]);
        via_stamp(&mut message, &peer());
        let once = message.clone();
        via_stamp(&mut message, &peer());
        assert_eq!(message, once, "a second stamp changes nothing");
        message.header(&HeaderName::Via).unwrap().to_string()
    }

    fn destination(via: &str, peer: &Peer) -> SocketAddr {
        response_destination(&request(&[via]), peer).address
    }

    #[test]
    fn received_is_added_when_the_name_differs_from_the_source() {
        assert_eq!(stamped("SIP/2.0/UDP 192.0.2.9;branch=z"), "SIP/2.0/UDP 192.0.2.9;branch=z");
        assert_eq!(stamped("SIP/2.0/UDP pc;branch=z"), "SIP/2.0/UDP pc;branch=z;received=192.0.2.9");
        assert_eq!(
            stamped("SIP/2.0/UDP 10.0.0.1:5070;branch=z"),
            "SIP/2.0/UDP 10.0.0.1:5070;branch=z;received=192.0.2.9"
        );
    }

    #[test]
    fn rport_is_filled_in_and_received_goes_with_it() {
        assert_eq!(
            stamped("SIP/2.0/UDP 192.0.2.9;rport;branch=z"),
            "SIP/2.0/UDP 192.0.2.9;rport=5099;branch=z;received=192.0.2.9"
        );
    }

    #[test]
    fn what_the_sender_claims_is_replaced() {
        assert_eq!(
            stamped("SIP/2.0/UDP pc;received=198.51.100.1;rport=1;branch=z"),
            "SIP/2.0/UDP pc;rport=5099;branch=z;received=192.0.2.9"
        );
    }

    #[test]
    fn lower_vias_and_quoted_parameters_stay() {
        let mut message =
            request(&["SIP/2.0/UDP pc;x=\"a,b;c\" , SIP/2.0/TCP low;branch=y", "SIP/2.0/TCP z"]);
        via_stamp(&mut message, &peer());
        let vias: Vec<_> = message.headers.get_all(&HeaderName::Via).map(|via| via.to_string()).collect();
        assert_eq!(
            vias,
            ["SIP/2.0/UDP pc;x=\"a,b;c\";received=192.0.2.9 , SIP/2.0/TCP low;branch=y", "SIP/2.0/TCP z"]
        );
    }

    #[test]
    fn an_ipv4_sender_on_a_socket_for_both_families_is_shown_as_ipv4() {
        let mut message = request(&["SIP/2.0/UDP 192.0.2.9;branch=z"]);
        via_stamp(&mut message, &Peer { remote: "[::ffff:192.0.2.9]:5099".parse().unwrap(), ..peer() });
        assert_eq!(message.header(&HeaderName::Via).unwrap(), "SIP/2.0/UDP 192.0.2.9;branch=z");
    }

    #[test]
    fn over_udp_the_response_goes_where_the_via_says() {
        let to = |via: &str| destination(via, &peer()).to_string();
        assert_eq!(to("SIP/2.0/UDP pc:5070;branch=z;received=192.0.2.9"), "192.0.2.9:5070");
        assert_eq!(to("SIP/2.0/UDP pc;branch=z;received=192.0.2.9"), "192.0.2.9:5060");
        assert_eq!(to("SIP/2.0/UDP pc:5070;rport=5099;branch=z"), "192.0.2.9:5099");
        assert_eq!(to("SIP/2.0/UDP pc:5070;maddr=239.1.2.3;branch=z"), "239.1.2.3:5070");
        assert_eq!(to("SIP/2.0/UDP pc:5070;maddr=name.example;branch=z"), "192.0.2.9:5070");
    }

    #[test]
    fn over_a_connection_it_goes_back_on_it_or_to_the_port_of_sent_by() {
        let tls = Peer { transport: Transport::Tls, connection: Some(ConnectionId(3)), ..peer() };
        let back = response_destination(&request(&["SIP/2.0/TLS pc;branch=z;rport=5099"]), &tls);
        assert_eq!((back.connection, back.address.to_string()), (tls.connection, "192.0.2.9:5061".into()));
    }
}

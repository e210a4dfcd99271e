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

//! One binding: a contact under which a handset can be reached, until when, and the way there.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::sip::wire::{Host, NameAddr, Scheme, Text, Uri};
use crate::sip::{ConnectionId, Destination, Peer, SipBaseProfile, Transport, Vendor};
use crate::timer::Moment;

/// A binding of an address-of-record (RFC 3261 §10.3), as it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Contact URI as the handset wrote it: Request-URI of calls to it.
    pub contact: String,
    /// `+sip.instance` (RFC 5626 §4.1), without its quotes.
    pub instance: Option<String>,
    /// Call-ID of the REGISTER that made or last refreshed it.
    pub call_id: String,
    /// CSeq of that REGISTER.
    pub cseq: u32,
    /// Preference in thousandths (RFC 3261 §20.10).
    pub q: Option<u16>,
    /// When it ends.
    pub expires: Moment,
    /// When the last REGISTER came.
    pub refreshed: Moment,
    /// Where that REGISTER came from. Its connection is apart, since it does not outlive the node.
    pub received_from: Peer,
    /// The connection it came by, while this node lives.
    #[serde(skip)]
    pub connection: Option<ConnectionId>,
    /// `User-Agent`, at most 256 characters.
    pub user_agent: Option<String>,
}

impl Binding {
    /// The way to the handset.
    ///
    /// * TCP and TLS: the connection the handset opened, as long as it lives. Behind a firewall there is
    ///   no other. After a restart the connection is gone: then the contact's own address, if it is a
    ///   literal one and the source agrees with it, else the source.
    /// * UDP: the contact's address and port when its host is the very address the REGISTER came from.
    ///   Otherwise the contact is private, or a name, behind a different source, and the source address
    ///   is what reached us through the NAT: back there (the spirit of RFC 3581 §4).
    pub fn destination(&self) -> Destination {
        let from = &self.received_from;
        let address = match self.connection {
            Some(_) => from.remote,
            None => self.own_address().filter(|own| own.ip() == from.remote.ip()).unwrap_or(from.remote),
        };
        let (transport, facing) = (from.transport, from.facing);
        Destination { transport, address, facing, connection: self.connection, server_name: None }
    }

    /// Which base station the handset is on, as far as SIP shows.
    pub fn base_station(&self) -> SipBaseProfile {
        let mut text = format!("<{}>", self.contact);
        if let Some(instance) = &self.instance {
            text += &format!(";+sip.instance=\"{instance}\"");
        }
        let contact = NameAddr::parse(&Text::from(text));
        let source = self.received_from.remote.ip();
        SipBaseProfile::recognise(self.user_agent.as_deref(), contact.as_ref(), source)
    }

    /// Seconds left, rounded up, so that a fresh binding shows what was asked for.
    pub fn seconds_left(&self, now: Moment) -> u64 {
        self.expires.since(now).as_millis().div_ceil(1000) as u64
    }

    /// As an element of Contact in the answer.
    pub(super) fn contact_value(&self, now: Moment) -> String {
        let mut value = format!("<{}>", self.contact);
        if let Some(q) = self.q {
            value += &format!(";q={}.{:03}", q / 1000, q % 1000);
        }
        if let Some(instance) = &self.instance {
            value += &format!(";+sip.instance=\"{instance}\"");
        }
        value + &format!(";expires={}", self.seconds_left(now))
    }

    /// Whether both name the same place: the same URI, and no two instances.
    pub(super) fn is_at_same_place(&self, other: &Binding) -> bool {
        let rivals = matches!((&self.instance, &other.instance), (Some(a), Some(b)) if a != b);
        !rivals && same_contact(&self.contact, &other.contact)
    }

    /// Whether both were made by the same registration of the same place: by address of record,
    /// `+sip.instance` or else Call-ID, and contact URI.
    pub(super) fn has_same_key(&self, other: &Binding) -> bool {
        let same_maker = match (&self.instance, &other.instance) {
            (Some(a), Some(b)) => a == b,
            _ => self.call_id == other.call_id,
        };
        same_maker && same_contact(&self.contact, &other.contact)
    }

    /// Whether both are one handset, seen from two bases or managers: one instance, one Call-ID, or,
    /// where neither shows an instance, the same maker's bases, since one account is one handset there.
    pub(super) fn is_same_device(&self, other: &Binding) -> bool {
        match (&self.instance, &other.instance) {
            (Some(a), Some(b)) => a == b,
            _ if self.call_id == other.call_id => true,
            (None, None) => {
                let vendor = self.base_station().vendor;
                vendor != Vendor::Unknown && vendor == other.base_station().vendor
            }
            _ => false,
        }
    }

    /// Host and port of the contact, when the host is a literal address.
    fn own_address(&self) -> Option<SocketAddr> {
        let uri = Uri::parse(&Text::from(self.contact.as_str()))?;
        let Some(Host::Ip(ip)) = uri.host else { return None };
        let default = match (&uri.scheme, self.received_from.transport) {
            (Scheme::Sips, _) | (_, Transport::Tls) => Transport::Tls.default_port(),
            (_, transport) => transport.default_port(),
        };
        Some(SocketAddr::new(ip, uri.port.unwrap_or(default)))
    }
}

/// Whether two contacts are the same URI (RFC 3261 §19.1.4).
pub(crate) fn same_contact(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let read = |text: &str| Uri::parse(&Text::from(text));
    let (Some(a), Some(b)) = (read(a), read(b)) else { return false };
    let host = |uri: &Uri| uri.host.as_ref().map(|host| host.to_string().to_ascii_lowercase());
    let is_sip = |uri: &Uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips);
    // "A SIP and SIPS URI are never equivalent." "Comparison of the userinfo … is case-sensitive."
    // "A URI omitting any component with a default value will not match a URI explicitly containing
    // that component with its default value."
    is_sip(&a)
        && a.scheme == b.scheme
        && a.user.is_some() == b.user.is_some()
        && a.user_text() == b.user_text()
        && a.password == b.password
        && host(&a) == host(&b)
        && a.port == b.port
        && a.headers == b.headers
        && agree_in_params(&a, &b)
        && agree_in_params(&b, &a)
}

/// "Any uri-parameter appearing in both URIs must match. A user, ttl, or method uri-parameter appearing
/// in only one URI never matches … A URI that includes an maddr parameter will not match a URI that
/// contains no maddr parameter." `transport` likewise: it has a default (ibid.).
fn agree_in_params(a: &Uri, b: &Uri) -> bool {
    const DECISIVE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];
    a.params.iter().all(|(name, value)| {
        let decisive = DECISIVE.iter().any(|word| word.eq_ignore_ascii_case(name));
        match (value, b.params.get_raw(name)) {
            (Some(ours), Some(theirs)) => ours.eq_ignore_ascii_case(theirs),
            (None, None) => !decisive || b.params.has(name),
            _ => !decisive && !b.params.has(name),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Facing;

    fn binding(contact: &str, transport: Transport, remote: &str) -> Binding {
        let received_from = Peer {
            transport,
            remote: remote.parse().unwrap(),
            local: "10.0.0.1:5060".parse().unwrap(),
            facing: Facing::South,
            connection: None,
            tls_names: Vec::new(),
        };
        Binding {
            contact: contact.into(),
            instance: None,
            call_id: "c".into(),
            cseq: 1,
            q: None,
            expires: Moment::from_micros(0),
            refreshed: Moment::from_micros(0),
            received_from,
            connection: None,
            user_agent: None,
        }
    }

    #[test]
    fn a_private_contact_behind_another_source_is_reached_at_the_source() {
        let natted = binding("sip:a@192.168.1.9:5062", Transport::Udp, "203.0.113.5:40123");
        assert_eq!(natted.destination().address, "203.0.113.5:40123".parse().unwrap());
        let named = binding("sip:a@base.local", Transport::Udp, "10.0.0.7:5099");
        assert_eq!(named.destination().address, "10.0.0.7:5099".parse().unwrap());
    }

    #[test]
    fn a_contact_at_the_source_address_is_reached_at_its_port() {
        let own = binding("sip:a@10.0.0.7:5062", Transport::Udp, "10.0.0.7:40123");
        assert_eq!(own.destination().address, "10.0.0.7:5062".parse().unwrap());
        let default = binding("sip:a@10.0.0.7", Transport::Udp, "10.0.0.7:40123");
        assert_eq!(default.destination().address, "10.0.0.7:5060".parse().unwrap());
    }

    #[test]
    fn a_connection_is_the_way_while_it_lives() {
        let mut tls = binding("sip:a@10.0.0.7;transport=tls", Transport::Tls, "10.0.0.7:40123");
        tls.connection = Some(ConnectionId(4));
        assert_eq!(tls.destination().connection, Some(ConnectionId(4)));
        assert_eq!(tls.destination().address, "10.0.0.7:40123".parse().unwrap());
        tls.connection = None;
        assert_eq!(tls.destination().address, "10.0.0.7:5061".parse().unwrap());
    }

    /// The examples of RFC 3261 §19.1.4.
    #[test]
    fn uris_are_compared_as_the_rfc_says() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        ] {
            assert!(same_contact(a, b) && same_contact(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:carol@chicago.com?Subject=next%20meeting", "sip:carol@chicago.com"),
            ("mailto:a@b", "mailto:A@b"),
        ] {
            assert!(!same_contact(a, b) && !same_contact(b, a), "{a} {b}");
        }
    }

    #[test]
    fn a_saved_binding_comes_back_without_its_connection() {
        let mut tls = binding("sip:a@10.0.0.7", Transport::Tls, "10.0.0.7:40123");
        tls.connection = Some(ConnectionId(4));
        let json = serde_json::to_string(&tls).unwrap();
        let back: Binding = serde_json::from_str(&json).unwrap();
        assert_eq!((back.connection, &back.contact), (None, &tls.contact));
    }
}

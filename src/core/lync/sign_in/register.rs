//! What a REGISTER to a front end carries besides, and which of the answered contacts is ours.

use crate::lync::endpoint::{Epid, Instance};
use crate::pii::Pii;
use crate::sip::digest::Credentials;
use crate::sip::wire::{HeaderName, Message, NameAddr, Text};

use super::{Facts, other};

/// As the clients of Lync write it.
const METHODS: &str = "INVITE, MESSAGE, INFO, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY";
/// [MS-SIPREGE] §2.2.1.5: gruu-10 must go with msrtc-event-categories (error 2057).
const SUPPORTED: [&str; 4] = [
    "gruu-10, adhoclist, msrtc-event-categories",
    "ms-forking",
    "ms-cluster-failover",
    "ms-userservices-state-notification",
];

/// Parameters of Contact.
pub(super) fn contact_params(instance: Instance) -> String {
    format!(";methods=\"{METHODS}\";proxy=replace;+sip.instance=\"<urn:uuid:{instance}>\"")
}

/// Finishes a REGISTER of the registration; its credentials come after.
pub(super) fn dress(register: &mut Message, facts: &Facts) {
    add_epid(register, HeaderName::From, &facts.epid);
    // Clients send no Expires: the server chooses. Zero, to sign out, they do send.
    let leaving = register.header(&HeaderName::Expires).is_some_and(|expires| *expires == "0");
    if !leaving && !facts.ask_expires {
        register.headers.remove(&HeaderName::Expires);
    }
    register.headers.remove(&HeaderName::Supported);
    SUPPORTED.into_iter().for_each(|tags| register.headers.push(HeaderName::Supported, tags));
    register.headers.push(other("ms-keep-alive"), "UAC;hop-hop=yes");
    if let Some(subnet) = facts.subnet {
        register.headers.push(other("ms-subnet"), subnet.to_string());
    }
    // "Event: registration" is mandatory (error 4055).
    register.headers.set(HeaderName::Event, "registration");
}

/// Adds our epid to an address that has none. The server finds the association by it.
pub(super) fn add_epid(message: &mut Message, name: HeaderName, epid: &Epid) {
    let Some(value) = message.header(&name) else { return };
    let bare = NameAddr::parse(value).is_some_and(|address| !address.params.has("epid"));
    if bare {
        let value = format!("{value};epid={epid}");
        message.headers.set(name, value);
    }
}

/// "the GRUU … as Contact" of whatever makes or keeps a dialog. In a redirection Contact is somebody else.
pub(super) fn put_gruu(message: &mut Message, gruu: &str) {
    if matches!(message.status(), Some(300..)) || message.headers.count(&HeaderName::Contact) != 1 {
        return;
    }
    let params = message.header(&HeaderName::Contact).and_then(|value| value.split_once('>'));
    let value = format!("<{gruu}>{}", params.map_or("", |(_, params)| params));
    message.headers.set(HeaderName::Contact, value);
}

/// Leaves only our own contact, found by its instance: the server rewrites the URI.
pub(super) fn keep_own_contact(response: &mut Message, instance: Instance) {
    let listed = response.headers.list(&HeaderName::Contact);
    let own = listed.iter().find(|value| is_own(value, instance)).cloned();
    if let Some(own) = own {
        response.headers.set(HeaderName::Contact, own);
    }
}

fn is_own(value: &Text, instance: Instance) -> bool {
    let contact = NameAddr::parse(value);
    contact
        .and_then(|contact| contact.params.get("+sip.instance"))
        .is_some_and(|named| instance.is_named_by(&named))
}

/// For the digest client of the registration, which never gets to use it.
pub(super) fn no_credentials() -> Credentials {
    Credentials { username: String::new(), password: Pii(String::new()) }
}

//! Who is it? The first word on a new connection, before any handset's machine has it.

use std::collections::BTreeMap;

use crate::dect::element::{PortableIdentity, RejectReason, ReleaseReason};
use crate::dect::identity::{Ipui, Tpui, TpuiKind};
use crate::dect::lce;
use crate::dect::message::{Kind, Message, Side, receive};

/// The handsets that are subscribed.
#[derive(Debug, Default)]
pub struct Directory {
    handsets: BTreeMap<Ipui, Option<Tpui>>,
}

impl Directory {
    /// Takes one in, with the temporary name it was given.
    pub fn put(&mut self, ipui: Ipui, tpui: Option<Tpui>) {
        self.handsets.insert(ipui, tpui);
    }

    /// Strikes one out.
    pub fn remove(&mut self, ipui: &Ipui) {
        self.handsets.remove(ipui);
    }

    /// Whether it is subscribed.
    pub fn knows(&self, ipui: &Ipui) -> bool {
        self.handsets.contains_key(ipui)
    }

    /// All of them, in order.
    pub fn all(&self) -> impl Iterator<Item = &Ipui> {
        self.handsets.keys()
    }

    /// Whom an identity means. A default TPUI has 16 bits of the IPUI: when two handsets share them, it means
    /// nobody, and the handset will have to give its IPUI.
    pub fn find(&self, identity: &PortableIdentity) -> Option<&Ipui> {
        match identity {
            PortableIdentity::Ipui(ipui) => self.handsets.get_key_value(ipui).map(|(ipui, _)| ipui),
            PortableIdentity::Ipei(ipei) => {
                self.handsets.get_key_value(&Ipui::N(*ipei)).map(|(ipui, _)| ipui)
            }
            PortableIdentity::Tpui { tpui, .. } => {
                let default = tpui.kind() == TpuiKind::Default;
                let means = |(ipui, assigned): &(&Ipui, &Option<Tpui>)| match default {
                    true => Tpui::default_of(ipui) == *tpui,
                    false => **assigned == Some(*tpui),
                };
                let mut meant = self.handsets.iter().filter(means);
                meant.next().filter(|_| meant.next().is_none()).map(|(ipui, _)| ipui)
            }
        }
    }
}

/// What to do with whoever has opened a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Greeting {
    /// A handset that is subscribed: the connection is its own.
    Handset(Ipui),
    /// One that wants to be.
    Newcomer(Ipui),
    /// Nobody we know: this is answered, then the connection is released.
    TurnAway {
        /// The answer, if the standard has one.
        answer: Option<Vec<u8>>,
    },
}

/// Reads the first word of a connection.
pub fn greet(first: &[u8], directory: &Directory) -> Greeting {
    let message = match receive(first, Side::Portable) {
        Ok(message) => message,
        Err(fault) => return turn_away(fault.answer()),
    };
    let Some(identity) = message.get::<PortableIdentity>() else { return turn_away(None) };
    match (directory.find(&identity), message.kind, identity) {
        (Some(ipui), ..) => Greeting::Handset(ipui.clone()),
        (None, Kind::AccessRightsRequest, PortableIdentity::Ipui(ipui)) => Greeting::Newcomer(ipui),
        _ => turn_away(refusal(&message)),
    }
}

fn turn_away(answer: Option<Message>) -> Greeting {
    Greeting::TurnAway { answer: answer.map(|answer| answer.encode()) }
}

/// The no that the standard has for what was asked.
fn refusal(message: &Message) -> Option<Message> {
    let unknown = RejectReason::IPUI_UNKNOWN;
    match message.kind {
        Kind::LcePageResponse => Some(lce::reject(message, RejectReason::FALSE_LCE_REPLY)),
        Kind::CcSetup => Some(message.answer(Kind::CcReleaseCom).with(&ReleaseReason::UNKNOWN_IDENTITY)),
        // As real systems answer it (captured: 85 57 60 01 06).
        Kind::LocateRequest => {
            Some(message.answer(Kind::LocateReject).with(&RejectReason::IPUI_NOT_ACCEPTED))
        }
        Kind::AccessRightsRequest => Some(message.answer(Kind::AccessRightsReject).with(&unknown)),
        Kind::AccessRightsTerminateRequest => {
            Some(message.answer(Kind::AccessRightsTerminateReject).with(&unknown))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::identity::Ipei;

    fn ipui(emc: u16, psn: u32) -> Ipui {
        Ipui::N(Ipei::new(emc, psn).unwrap())
    }

    fn says(kind: Kind, ipui: &Ipui) -> Vec<u8> {
        let transaction = crate::dect::message::Transaction::first(kind.protocol(), Side::Portable);
        let message = Message::new(kind, Side::Portable, transaction);
        message.with(&PortableIdentity::Ipui(ipui.clone())).encode()
    }

    #[test]
    fn a_stranger_may_ask_for_access_rights_and_nothing_else() {
        let (known, stranger) = (ipui(0x0E02, 1), ipui(0x0E02, 2));
        let mut directory = Directory::default();
        directory.put(known.clone(), None);
        assert_eq!(greet(&says(Kind::LocateRequest, &known), &directory), Greeting::Handset(known));
        let asks = says(Kind::AccessRightsRequest, &stranger);
        assert_eq!(greet(&asks, &directory), Greeting::Newcomer(stranger.clone()));
        let refused = Greeting::TurnAway { answer: Some(vec![0x85, 0x57, 0x60, 0x01, 0x06]) };
        assert_eq!(greet(&says(Kind::LocateRequest, &stranger), &directory), refused);
        let silent = Greeting::TurnAway { answer: None };
        assert_eq!(greet(&says(Kind::Detach, &stranger), &directory), silent);
        for junk in [&[][..], &[0x05], &[0xFF; 40], &[0x05, 0x54, 0x05, 0x07, 0x80]] {
            assert!(matches!(greet(junk, &directory), Greeting::TurnAway { .. }), "{junk:?}");
        }
    }

    #[test]
    fn a_default_name_that_two_handsets_share_means_nobody() {
        let (one, other) = (ipui(1, 0x1_2345), ipui(1, 0x2_2345));
        let mut directory = Directory::default();
        directory.put(one.clone(), None);
        let name = PortableIdentity::tpui(Tpui::default_of(&one));
        assert_eq!(directory.find(&name), Some(&one));
        directory.put(other.clone(), Some(Tpui::assigned(0x0_0777).unwrap()));
        assert_eq!(directory.find(&name), None);
        let given = PortableIdentity::tpui(Tpui::assigned(0x0_0777).unwrap());
        assert_eq!(directory.find(&given), Some(&other));
    }
}

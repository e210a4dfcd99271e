//! How wide the handset's bearer is: G.722 takes a long slot, and that is asked for when it was agreed on.
//!
//! ```text
//!   Full ──G.722 agreed──► Widening ──done──► Long ──another codec agreed──► Narrowing ──done──► Full
//!     ▲                        │ refused                                                           │
//!     └────────────────────────┴───────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What a packet carries and what the air carries are two things: a base station that can do G.722 converts
//! between the two, so the call is heard all the way through, whatever the slot is just then. Without room for a
//! long slot the call stays in G.722 towards the switch and in G.726 on the air.

use super::{DectLeg, LocalMedia, Out, Output, Stage};
use crate::dect::portable;
use crate::media::Codec;

/// How wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Width {
    #[default]
    Full,
    Widening,
    Long,
    Narrowing,
}

/// The bearer of the call on the air.
#[derive(Debug, Default)]
pub(super) struct Bearer {
    /// Handset and base station can do long slots.
    able: bool,
    width: Width,
    /// There was no room at this base station.
    refused: bool,
    /// The handset does not want G.722 in this call.
    declined: bool,
}

impl DectLeg {
    /// The connection is another one.
    pub(super) fn carried(&mut self, able: bool, long: bool, out: &mut Out) {
        if self.is_wide() && !long {
            out.push(Output::Handset(portable::Order::Speak(self.call, false)));
        }
        let width = if long { Width::Long } else { Width::Full };
        self.bearer = Bearer { able, width, refused: false, ..self.bearer };
    }

    /// The connection is gone, and with it what was agreed about it.
    pub(super) fn bearer_gone(&mut self) {
        self.bearer = Bearer::default();
    }

    /// Whether the bearer has a long slot, or is about to.
    pub fn is_wide(&self) -> bool {
        matches!(self.bearer.width, Width::Long | Width::Widening)
    }

    /// Our media, before any address is known to the other side.
    pub(super) fn local(&self, address: std::net::SocketAddr) -> LocalMedia {
        let media = LocalMedia::new(address.ip(), address.port(), self.codecs());
        LocalMedia { srtp: self.abilities.srtp, ..media }
    }

    /// What can be agreed on over this connection.
    pub(super) fn codecs(&self) -> Vec<Codec> {
        self.abilities.codecs_of(self.bearer.able)
    }

    /// The slot follows what was agreed on with the line in front.
    pub(super) fn fit_bearer(&mut self, out: &mut Out) {
        let front = self.front.and_then(|no| self.lines.get(&no));
        let agreed = front.and_then(|line| line.media.as_ref()?.agreed()).map(|agreed| agreed.codec);
        let Some(codec) = agreed.filter(|_| self.stage == Stage::Open) else { return };
        let Bearer { able, width, refused, declined } = self.bearer;
        let wide = codec == Codec::G722 && able && !refused && !declined;
        let next = match (width, wide) {
            (Width::Full, true) => Width::Widening,
            (Width::Long, false) => Width::Narrowing,
            _ => return,
        };
        self.bearer.width = next;
        out.push(Output::Handset(portable::Order::Speak(self.call, wide)));
        out.push(Output::Slot { long: wide });
    }

    /// The base station has changed the slot, or has not.
    pub(super) fn slot_changed(&mut self, long: bool, out: &mut Out) {
        self.bearer.width = match (self.bearer.width, long) {
            (Width::Widening, true) => Width::Long,
            (Width::Widening, false) => {
                self.bearer.refused = true;
                out.push(Output::Handset(portable::Order::Speak(self.call, false)));
                Width::Full
            }
            // A long slot that cannot be given up is no use to a handset in G.726 either.
            (Width::Narrowing, _) => Width::Full,
            (width, _) => width,
        };
        self.fit_bearer(out);
    }

    /// The handset does not speak G.722 in this call.
    pub(super) fn stays_narrow(&mut self, out: &mut Out) {
        self.bearer.declined = true;
        self.fit_bearer(out);
    }
}

//! What a leg hears that does not come from the other one: a sound over and over, and key presses.
//!
//! While either sounds, the other leg's voice is held back. A packet goes out each [`EVERY`], with numbers
//! that follow those before it ([`outgoing`](super::outgoing)), so that the peer hears one stream.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kirkwall_core::id::ChannelId;
use kirkwall_core::media::Codec;
use kirkwall_core::media::dtmf::Press;
use kirkwall_core::media::rtp::{HEADER_LEN, Header};
use kirkwall_core::timer::Moment;

use super::channel::send;
use super::counters::Count;
use super::engine::Engine;
use super::fault::EngineFault;
use super::flow::Side;
use super::leg::{Buffer, Leg};
use super::worker::{Deed, Order};

impl Engine {
    /// Lets a side hear `sound`, G.711 A-law at 8000 samples a second, over and over in place of the other
    /// side; none: the other side again.
    pub fn play(&self, channel: ChannelId, side: Side, sound: Option<Arc<[u8]>>) -> Result<(), EngineFault> {
        self.insert(channel, side, Deed::Play(sound))
    }

    /// Presses a key towards a side (RFC 4733), behind those that are pressed already. A peer that takes no
    /// telephone events does not hear it.
    pub fn press(&self, channel: ChannelId, side: Side, press: Press) -> Result<(), EngineFault> {
        self.insert(channel, side, Deed::Press(press))
    }

    fn insert(&self, channel: ChannelId, side: Side, deed: Deed) -> Result<(), EngineFault> {
        self.tell(channel, Order::Do(channel, side, deed))
    }
}

/// Interval of the packets.
pub(super) const EVERY: Duration = Press::INTERVAL;
/// Samples, and octets of G.711, in one.
const FRAME: usize = 160;
/// Most key presses that wait; a queue of half a minute.
const MOST_PRESSES: usize = 64;
/// Pause between two key presses, in packets: receivers must tell them apart (ITU-T Q.24: 40 ms at least).
const GAP: u8 = 3;

/// What is put in for one leg.
#[derive(Default)]
pub(super) struct Insert {
    /// G.711 A-law and how far it has come.
    sound: Option<(Arc<[u8]>, usize)>,
    /// The first is under way.
    presses: VecDeque<Press>,
    begun: bool,
    gap: u8,
    sequence: u16,
    timestamp: u32,
}

impl Insert {
    pub(super) fn play(&mut self, sound: Option<Arc<[u8]>>) {
        self.sound = sound.filter(|sound| !sound.is_empty()).map(|sound| (sound, 0));
    }

    /// One that comes when too many wait is dropped.
    pub(super) fn press(&mut self, press: Press) {
        if self.presses.len() < MOST_PRESSES {
            self.presses.push_back(press);
        }
    }

    /// Whether the other leg's voice may pass.
    pub(super) fn is_idle(&self) -> bool {
        self.sound.is_none() && self.presses.is_empty()
    }

    fn header(&mut self, marker: bool) -> Header {
        self.sequence = self.sequence.wrapping_add(1);
        let (sequence, timestamp) = (self.sequence, self.timestamp);
        // No source has SSRC 0 by chance; if one has, its numbers are taken anew when it is heard again.
        Header {
            marker,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc: 0,
            payload_at: HEADER_LEN,
            padding: false,
        }
    }
}

/// Sends what is due on a leg.
pub(super) fn beat(leg: &mut Leg, buffer: &mut Buffer, now: Moment) {
    let Some(flow) = leg.flow.as_ref().filter(|flow| flow.direction.sends()) else {
        // Nobody listens. Keys that were pressed meanwhile are not pressed later.
        return leg.insert.presses.clear();
    };
    let (codec, send_pt, events) = (flow.codec, flow.send_pt, flow.dtmf_send_pt);
    match (leg.insert.presses.is_empty(), events) {
        (true, _) => play(leg, buffer, codec, send_pt, now),
        (false, Some(payload_type)) => press(leg, buffer, payload_type, now),
        (false, None) => {
            leg.insert.presses.clear();
            leg.cells.one(Count::Untranslatable);
        }
    }
}

/// RFC 4733 §2.5.1: all packets of an event have the timestamp of its beginning.
fn press(leg: &mut Leg, buffer: &mut Buffer, payload_type: u8, now: Moment) {
    if leg.insert.gap > 0 {
        leg.insert.gap -= 1;
        leg.insert.timestamp = leg.insert.timestamp.wrapping_add(FRAME as u32);
        return;
    }
    let Some(first) = leg.insert.presses.front_mut() else { return };
    let (length, next) = (first.length(), first.next());
    if !std::mem::replace(&mut leg.insert.begun, true) {
        leg.outgoing.pause();
    }
    match next {
        Some(packet) => {
            let payload = packet.event.to_bytes();
            buffer.0[HEADER_LEN..HEADER_LEN + payload.len()].copy_from_slice(&payload);
            let header = leg.insert.header(packet.marker);
            send(leg, buffer, &header, HEADER_LEN + payload.len(), payload_type, now);
        }
        None => {
            leg.insert.presses.pop_front();
            leg.insert.timestamp = leg.insert.timestamp.wrapping_add(u32::from(length));
            (leg.insert.begun, leg.insert.gap) = (false, GAP);
            leg.outgoing.skip(u32::from(length));
        }
    }
}

/// A piece of the sound.
fn play(leg: &mut Leg, buffer: &mut Buffer, codec: Codec, payload_type: u8, now: Moment) {
    let Some((sound, at)) = leg.insert.sound.as_mut() else { return };
    let place = HEADER_LEN..HEADER_LEN + FRAME;
    for octet in &mut buffer.0[place.clone()] {
        *octet = sound[*at];
        *at = (*at + 1) % sound.len();
    }
    let header = leg.insert.header(false);
    leg.insert.timestamp = leg.insert.timestamp.wrapping_add(FRAME as u32);
    let Some(end) = leg.translator.translate((Codec::Pcma, codec), header.ssrc, &mut buffer.0, place) else {
        return leg.cells.one(Count::Untranslatable);
    };
    send(leg, buffer, &header, end, payload_type, now);
}

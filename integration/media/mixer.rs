//! Conferences on a media thread: a leg that sits in a mixer is heard by all others there and hears them,
//! in place of the other leg of its channel.
//!
//! ```text
//!  packet ─► decode ─► Playout of its seat          every 20 ms, for each mixer of the thread:
//!                          └──────────────────────► 1. all frames are added up, with what is announced
//!                                                   2. each seat: the sum without its own ─► encode ─► send
//! ```
//!
//! All parties of a mixer live on one thread, so no sample waits for a lock: a channel whose leg sits down
//! goes over to the thread where the others are ([`migrate`](super::migrate)). What a seat needs is
//! allocated when it is taken, by whoever asks for it; a packet allocates nothing.
//!
//! A leg keeps its latch, keys, numbers and telephone events. What is put in for it (`insert`) is heard in
//! place of the mix, and what it presses is reported and not passed on.
//!
//! Out of scope: CSRC lists, which RFC 3550 §7.1 asks of a mixer: who is in a conference is told by its
//! own means, and not to whoever sees the packets.

use std::collections::HashMap;
use std::sync::Arc;

use kirkwall_core::id::{ChannelId, MixerId};
use kirkwall_core::media::Codec;
use kirkwall_core::media::codec::{g711, g722, g726};
use kirkwall_core::media::mix::{FRAME, Frame, Gate, Limiter, Sum};
use kirkwall_core::media::playout::Playout;
use kirkwall_core::media::rtp::{HEADER_LEN, Header};
use kirkwall_core::timer::Moment;

use super::channel::{Payload, Taken, kind, send, tell_event};
use super::counters::Count;
use super::engine::Engine;
use super::fault::EngineFault;
use super::flow::Side;
use super::leg::{Buffer, Leg, Surroundings};
use super::worker::{Channels, Deed, Order, Worker};

/// Most parties of one mixer: a ward round, not a broadcast. At 32 one frame of all costs a thread less
/// than half a millisecond of its 20.
pub const MOST_PARTIES: usize = 32;
/// Most mixers of an engine.
pub const MOST_MIXERS: usize = 256;
/// Longest packet that is decoded, in samples: 100 ms.
const LONGEST: usize = 800;
/// A source of ours, so that a leg's numbers go on where the other leg or a tone left them.
const SOURCE: u32 = 1;

/// Where a leg sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chair {
    /// With whom.
    pub mixer: MixerId,
    /// It hears the others, and they do not hear it.
    pub muted: bool,
}

impl Engine {
    /// Lets a leg talk in a mixer in place of the other leg of its channel; none: with the other leg again.
    /// A mixer begins with the first who sits in it and ends with the last.
    ///
    /// # Errors
    /// The channel is not open, the mixer has [`MOST_PARTIES`], there are [`MOST_MIXERS`], the other leg
    /// sits in another mixer, or a media thread takes no orders. Then nothing has changed.
    pub fn seat(&self, channel: ChannelId, side: Side, chair: Option<Chair>) -> Result<(), EngineFault> {
        let mut table = self.0.table();
        let entry = table.get(&channel).ok_or(EngineFault::Unknown(channel))?;
        let (mut thread, before) = (entry.thread, entry.chairs[side.index()]);
        if let Some(Chair { mixer, .. }) = chair {
            let beside = entry.chairs[side.other().index()];
            if beside.is_some_and(|beside| beside.mixer != mixer) {
                return Err(EngineFault::Exists(channel));
            }
            let mut parties = 0;
            let mut mixers: Vec<MixerId> = Vec::new();
            for entry in table.values() {
                for chair in entry.chairs.iter().flatten() {
                    if chair.mixer == mixer {
                        (parties, thread) = (parties + 1, entry.thread);
                    }
                    mixers.push(chair.mixer);
                }
            }
            mixers.sort_unstable();
            mixers.dedup();
            let newcomer = before.is_none_or(|before| before.mixer != mixer);
            if newcomer && parties >= MOST_PARTIES {
                return Err(EngineFault::MixerFull(mixer));
            }
            if parties == 0 && mixers.len() >= MOST_MIXERS {
                return Err(EngineFault::NoMixers);
            }
        }
        self.hand_over(&mut table, channel, thread)?;
        let seat = chair.map(Seat::new).map(Box::new);
        self.0.threads[thread].order(Order::Do(channel, side, Deed::Sit(seat)))?;
        if let Some(entry) = table.get_mut(&channel) {
            entry.chairs[side.index()] = chair;
        }
        Ok(())
    }

    /// Lets everybody in a mixer hear `sound` once, G.711 A-law at 8000 samples a second, beside what is
    /// said. Nothing happens when nobody sits there.
    pub fn announce(&self, mixer: MixerId, sound: Arc<[u8]>) -> Result<(), EngineFault> {
        let table = self.0.table();
        let sits = |chair: &Option<Chair>| chair.is_some_and(|chair| chair.mixer == mixer);
        let Some(entry) = table.values().find(|entry| entry.chairs.iter().any(sits)) else { return Ok(()) };
        self.0.threads[entry.thread].order(Order::Announce(mixer, sound))
    }
}

/// A leg's place in a mixer, and what its codecs remember.
pub(super) struct Seat {
    chair: Chair,
    playout: Playout,
    decoder: Decoder,
    encoder: Encoder,
    gate: Gate,
    limiter: Limiter,
    /// Its own last 20 ms, if they were added.
    own: Frame,
    speaks: bool,
    sequence: u16,
    timestamp: u32,
}

/// Of one source.
#[derive(Default)]
struct Decoder {
    ssrc: u32,
    g726: g726::Decoder,
    g722: g722::Decoder,
}

#[derive(Default)]
struct Encoder {
    g726: g726::Encoder,
    g722: g722::Encoder,
}

impl Seat {
    fn new(chair: Chair) -> Self {
        Self {
            chair,
            playout: Playout::default(),
            decoder: Decoder::default(),
            encoder: Encoder::default(),
            gate: Gate::default(),
            limiter: Limiter::default(),
            own: Frame::SILENCE,
            speaks: false,
            sequence: 0,
            timestamp: 0,
        }
    }

    /// Takes its next 20 ms to the others.
    fn speak(&mut self, sum: &mut Sum) {
        self.playout.take(&mut self.own);
        self.speaks = self.gate.admits(&self.own) && !self.chair.muted;
        if self.speaks {
            sum.add(&self.own);
        }
    }
}

/// Sits down, rises, or is muted.
pub(super) fn sit(leg: &mut Leg, new: Option<Box<Seat>>) {
    match (&mut leg.seat, new) {
        (Some(old), Some(new)) if old.chair.mixer == new.chair.mixer => old.chair = new.chair,
        (seat, new) => {
            *seat = new;
            leg.outgoing.pause();
        }
    }
}

/// Takes a packet of a leg that sits in a mixer.
pub(super) fn hear(
    channel: ChannelId,
    leg: &mut Leg,
    buffer: &mut Buffer,
    taken: Taken,
    now: Moment,
    around: &Surroundings,
) {
    let Taken { header, end, .. } = taken;
    let kind = leg.flow.as_ref().and_then(|flow| kind(flow, header.payload_type));
    let payload = &buffer.0[header.payload_at..end];
    match kind {
        Some(Payload::Event) => tell_event(channel, leg, payload, &header, now, around),
        Some(Payload::Audio(codec)) => {
            let Some(seat) = &mut leg.seat else { return };
            if !decode(seat, codec, &header, payload) {
                leg.cells.one(Count::Untranslatable);
            }
        }
        // Silence is what is heard when nothing comes.
        Some(Payload::Noise) => {}
        None => leg.cells.one(Count::UnknownPayload),
    }
}

fn decode(seat: &mut Seat, codec: Codec, header: &Header, payload: &[u8]) -> bool {
    let length = if codec == Codec::G726 { 2 * payload.len() } else { payload.len() };
    if length > LONGEST {
        return false;
    }
    if seat.decoder.ssrc != header.ssrc {
        seat.decoder = Decoder { ssrc: header.ssrc, ..Decoder::default() };
    }
    let (mut low, mut high) = ([0; LONGEST], [0; LONGEST]);
    let mut wide = 0;
    match codec {
        Codec::Pcma => low.iter_mut().zip(payload).for_each(|(s, octet)| *s = g711::decode_alaw(*octet)),
        Codec::Pcmu => low.iter_mut().zip(payload).for_each(|(s, octet)| *s = g711::decode_ulaw(*octet)),
        Codec::G726 => {
            let words = payload.iter().flat_map(|octet| g726::unpack(*octet));
            for (sample, word) in low.iter_mut().zip(words) {
                *sample = g711::decode_alaw(seat.decoder.g726.decode_alaw(word));
            }
        }
        Codec::G722 => {
            wide = length;
            for (n, octet) in payload.iter().enumerate() {
                let bands = seat.decoder.g722.decode(*octet);
                (low[n], high[n]) = (bands.low, bands.high);
            }
        }
    }
    seat.playout.put(header.timestamp, &low[..length], &high[..wide]);
    true
}

/// The mixers of a thread: what is said in this 20 ms, and what is announced.
#[derive(Default)]
pub(super) struct Mixers {
    mixers: HashMap<MixerId, Mixer>,
    /// Whether any leg may sit in one.
    pub(super) used: bool,
}

#[derive(Default)]
struct Mixer {
    sum: Sum,
    announced: Option<(Arc<[u8]>, usize)>,
    parties: usize,
}

impl Mixer {
    /// Adds the next piece of what is announced.
    fn announce(&mut self) {
        let Some((sound, at)) = &mut self.announced else { return };
        let mut frame = Frame::SILENCE;
        for (sample, octet) in frame.low.iter_mut().zip(&sound[*at..]) {
            *sample = g711::decode_alaw(*octet);
        }
        *at += FRAME;
        self.sum.add(&frame);
        if *at >= sound.len() {
            self.announced = None;
        }
    }
}

impl Mixers {
    pub(super) fn announce(&mut self, mixer: MixerId, sound: Arc<[u8]>) {
        if let Some(mixer) = self.mixers.get_mut(&mixer) {
            mixer.announced = Some((sound, 0));
        }
    }

    /// The next 20 ms of all of them.
    pub(super) fn beat(&mut self, channels: &mut Channels, buffer: &mut Buffer, now: Moment) {
        for mixer in self.mixers.values_mut() {
            mixer.sum.clear();
            mixer.parties = 0;
            mixer.announce();
        }
        for seat in channels.legs().filter_map(|leg| leg.seat.as_mut()) {
            let mixer = self.mixers.entry(seat.chair.mixer).or_default();
            mixer.parties += 1;
            seat.speak(&mut mixer.sum);
        }
        for leg in channels.legs() {
            tell(leg, &self.mixers, buffer, now);
        }
        self.mixers.retain(|_, mixer| mixer.parties > 0);
        self.used = !self.mixers.is_empty();
    }
}

/// Sends a leg what the others say.
fn tell(leg: &mut Leg, mixers: &HashMap<MixerId, Mixer>, buffer: &mut Buffer, now: Moment) {
    let Some(seat) = &mut leg.seat else { return };
    let Some(mixer) = mixers.get(&seat.chair.mixer) else { return };
    seat.sequence = seat.sequence.wrapping_add(1);
    seat.timestamp = seat.timestamp.wrapping_add(FRAME as u32);
    let Some(flow) = leg.flow.as_ref().filter(|flow| flow.direction.sends() && leg.insert.is_idle()) else {
        return leg.outgoing.pause();
    };
    let (codec, payload_type) = (flow.codec, flow.send_pt);
    let mut heard = Frame::SILENCE;
    mixer.sum.without(seat.speaks.then_some(&seat.own), &mut seat.limiter, &mut heard);
    let length = encode(&mut seat.encoder, codec, &heard, &mut buffer.0[HEADER_LEN..]);
    let header = Header {
        marker: false,
        payload_type,
        sequence: seat.sequence,
        timestamp: seat.timestamp,
        ssrc: SOURCE,
        payload_at: HEADER_LEN,
        padding: false,
    };
    send(leg, buffer, &header, HEADER_LEN + length, payload_type, now);
}

/// Octets of a frame in a codec.
fn encode(encoder: &mut Encoder, codec: Codec, frame: &Frame, octets: &mut [u8]) -> usize {
    match codec {
        Codec::Pcma => octets.iter_mut().zip(frame.low).for_each(|(o, s)| *o = g711::encode_alaw(s)),
        Codec::Pcmu => octets.iter_mut().zip(frame.low).for_each(|(o, s)| *o = g711::encode_ulaw(s)),
        Codec::G722 => {
            for ((octet, low), high) in octets.iter_mut().zip(frame.low).zip(frame.high) {
                *octet = encoder.g722.encode(g722::Bands { low, high });
            }
        }
        Codec::G726 => {
            for (octet, pair) in octets.iter_mut().zip(frame.low.as_chunks::<2>().0) {
                *octet = g726::pack(pair.map(|sample| encoder.g726.encode(sample)));
            }
            return FRAME / 2;
        }
    }
    FRAME
}

impl Worker {
    /// What is put in, and what is mixed, when its time has come; gives when it comes next. A thread that is
    /// late makes up for a few packets and forgets the rest.
    pub(super) fn beat(&mut self, buffer: &mut Buffer, due: Moment, now: Moment) -> Moment {
        if !self.inserts && !self.mixers.used {
            return now;
        }
        let mut due = due.max(now - 5 * super::insert::EVERY);
        while due <= now {
            due = due + super::insert::EVERY;
            if self.inserts {
                self.beat_inserts(buffer, now);
            }
            if self.mixers.used {
                self.mixers.beat(&mut self.channels, buffer, now);
            }
        }
        due
    }
}

//! One channel on its thread: the way of a packet from one leg to the other.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use kirkwall_core::id::ChannelId;
use kirkwall_core::media::Codec;
use kirkwall_core::media::dtmf::{Digit, Event, Tracker};
use kirkwall_core::media::rtp::{HEADER_LEN, Header, Receiver, Sequence};
use kirkwall_core::timer::Moment;

use super::adopt::put_off;
use super::counters::Count;
use super::flow::{Flow, Report, Side};
use super::insert::beat;
use super::leg::{Buffer, LONGEST, Leg, Surroundings};
use super::mixer;
use super::outgoing::ticks;
use super::srtp::Refused;
use super::stun::{self, StunListener};
use super::worker::Deed;

/// Two legs, joined.
pub(super) struct Channel {
    pub(super) id: ChannelId,
    pub(super) legs: [Leg; 2],
    /// Orders for a side whose leg is still to come from another channel.
    pub(super) awaiting: [Option<Vec<Deed>>; 2],
    /// Who hears STUN.
    pub(super) stun: Option<StunListener>,
}

impl Channel {
    /// Does what is ordered for one side, or puts it off.
    pub(super) fn take_up(&mut self, side: Side, deed: Deed, now: Moment) {
        if let Some(waiting) = &mut self.awaiting[side.index()] {
            return put_off(waiting, deed);
        }
        let leg = &mut self.legs[side.index()];
        match deed {
            Deed::Set(change) => leg.set(*change, now),
            Deed::Play(sound) => leg.insert.play(sound),
            Deed::Press(press) => leg.insert.press(press),
            Deed::Sit(seat) => mixer::sit(leg, seat),
        }
    }

    /// Whether anything is put in on either side.
    pub(super) fn inserts(&self) -> bool {
        self.legs.iter().any(|leg| !leg.insert.is_idle())
    }

    /// What is due of that.
    pub(super) fn beat(&mut self, buffer: &mut Buffer, now: Moment) {
        for leg in self.legs.iter_mut().filter(|leg| !leg.insert.is_idle()) {
            beat(leg, buffer, now);
        }
    }

    /// Receives one datagram on a side's RTP port and sends it on. `WouldBlock` when there is none.
    pub(super) fn receive(
        &mut self,
        side: Side,
        buffer: &mut Buffer,
        now: Moment,
        around: &Surroundings,
    ) -> io::Result<()> {
        let [a, b] = &mut self.legs;
        let (from, to) = if side == Side::A { (a, b) } else { (b, a) };
        let (len, source) = from.rtp.recv_from(&mut buffer.0[..=LONGEST])?;
        if stun::pass(self.stun.as_ref(), from, false, &buffer.0[..len], source, now) {
            return Ok(());
        }
        match take(self.id, from, buffer, len, source, now, around) {
            Some(taken) if from.seat.is_some() => mixer::hear(self.id, from, buffer, taken, now, around),
            // Who talks with its other leg is not heard by one that talks with a conference.
            Some(_) if to.seat.is_some() => from.cells.one(Count::Paused),
            Some(taken) => pass_on(self.id, from, to, buffer, taken, now, around),
            None if from.is_paused() && to.seat.is_none() => to.outgoing.pause(),
            None => {}
        }
        Ok(())
    }

    /// What is due by time: lost ends of key presses, silence, figures, RTCP.
    pub(super) fn tick(&mut self, buffer: &mut Buffer, now: Moment, around: &Surroundings) {
        for leg in &mut self.legs {
            if let Some(digit) = leg.events.expire(now) {
                press(self.id, leg, digit, around);
            }
            watch_silence(self.id, leg, now, around);
            if leg.flow.is_some() && now >= leg.report_at {
                leg.report_at = now + around.report_every;
                let counters = leg.cells.read();
                (around.reports)(Report::Counters { channel: self.id, side: leg.side, counters });
            }
            super::control::report_if_due(leg, buffer, now);
        }
    }

    /// The last words: a BYE for each peer.
    pub(super) fn leave(&mut self, buffer: &mut Buffer, now: Moment) {
        for leg in &mut self.legs {
            super::control::bye(leg, buffer, now);
        }
    }
}

/// A packet that is to be passed on.
pub(super) struct Taken {
    pub(super) header: Header,
    /// Where its payload ends in the buffer.
    pub(super) end: usize,
    /// The source began anew with it.
    restarted: bool,
}

/// Time during which packets of a source that has just been replaced are its stragglers.
const STRAGGLE: Duration = Duration::from_millis(200);

/// Checks a datagram, and learns from it what there is to learn.
fn take(
    channel: ChannelId,
    leg: &mut Leg,
    buffer: &mut Buffer,
    len: usize,
    source: SocketAddr,
    now: Moment,
    around: &Surroundings,
) -> Option<Taken> {
    let listening = leg.flow.as_ref()?.direction.receives();
    let header = match Header::parse(&buffer.0[..len]) {
        Ok(header) if len <= LONGEST => header,
        _ => {
            leg.cells.one(Count::Malformed);
            return None;
        }
    };
    let secured = leg.inbound.is_some();
    if !leg.latch.admits(source, header.ssrc, secured, now) {
        let report = Report::StrangerRefused { channel, side: leg.side, from: source };
        leg.complain(Count::Strangers, report, around, now);
        return None;
    }
    let len = open(channel, leg, buffer, len, &header, now, around)?;
    let Ok(payload) = header.payload_len(&buffer.0[..len]) else {
        leg.cells.one(Count::Malformed);
        return None;
    };
    leg.latch.accept(source, header.ssrc, secured, now);
    note_heard(channel, leg, now, around);
    let restarted = follow(leg, &header, payload, now)?;
    if !listening {
        leg.cells.one(Count::Paused);
        return None;
    }
    Some(Taken { header, end: header.payload_at + payload, restarted })
}

fn open(
    channel: ChannelId,
    leg: &mut Leg,
    buffer: &mut Buffer,
    len: usize,
    header: &Header,
    now: Moment,
    around: &Surroundings,
) -> Option<usize> {
    let Some(inbound) = &mut leg.inbound else {
        return Some(len);
    };
    match inbound.open(&mut buffer.0[..len], header) {
        Ok(len) => Some(len),
        Err(refused) => {
            let count = match refused {
                Refused::Replayed => Count::Replayed,
                Refused::Unauthentic | Refused::TooManySources => Count::Unauthentic,
            };
            leg.complain(count, Report::SrtpRefused { channel, side: leg.side }, around, now);
            None
        }
    }
}

fn note_heard(channel: ChannelId, leg: &mut Leg, now: Moment, around: &Surroundings) {
    leg.last_heard = now;
    if !leg.heard {
        leg.heard = true;
        (around.reports)(Report::FirstPacket { channel, side: leg.side });
    }
    if leg.silent {
        leg.silent = false;
        (around.reports)(Report::Resumed { channel, side: leg.side });
    }
}

/// Statistics of the source: whether it began anew, or `None` for a packet that does not belong.
fn follow(leg: &mut Leg, header: &Header, payload: usize, now: Moment) -> Option<bool> {
    let straggler = leg.replaced.is_some_and(|(ssrc, until)| ssrc == header.ssrc && now < until);
    if straggler {
        leg.cells.one(Count::Stray);
        return None;
    }
    let known = leg.receiver.as_ref().is_some_and(|receiver| receiver.ssrc() == header.ssrc);
    if !known {
        if let Some(old) = leg.receiver.replace(Receiver::new(header)) {
            leg.replaced = Some((old.ssrc(), now + STRAGGLE));
            leg.lost_before += old.lost().max(0);
        }
        leg.events = Tracker::default();
    }
    let receiver = leg.receiver.as_mut()?;
    let verdict = receiver.sequence(header.sequence);
    if verdict == Sequence::Wild {
        leg.cells.one(Count::Stray);
        return None;
    }
    leg.cells.one(Count::PacketsIn);
    leg.cells.add(Count::OctetsIn, payload as u64);
    leg.cells.set(Count::Lost, (leg.lost_before + receiver.lost()).max(0) as u64);
    let event = leg.flow.as_ref().and_then(|flow| flow.dtmf_recv_pt) == Some(header.payload_type);
    if !event {
        receiver.arrival(header.timestamp, ticks(now.since(Moment::default())));
        // 8000 ticks a second: 125 microseconds each.
        leg.cells.set(Count::Jitter, receiver.jitter() as u64 * 125);
    }
    Some(verdict == Sequence::Restarted)
}

/// What a payload type stands for on a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    Audio(Codec),
    Event,
    Noise,
}

/// Sends a packet of one leg out of the other.
fn pass_on(
    channel: ChannelId,
    from: &mut Leg,
    to: &mut Leg,
    buffer: &mut Buffer,
    taken: Taken,
    now: Moment,
    around: &Surroundings,
) {
    let Taken { header, end, restarted } = taken;
    if restarted {
        to.outgoing.pause();
    }
    let kind = from.flow.as_ref().and_then(|flow| kind(flow, header.payload_type));
    if kind == Some(Payload::Event) {
        tell_event(channel, from, &buffer.0[header.payload_at..end], &header, now, around);
    }
    let Some(kind) = kind else {
        return from.cells.one(Count::UnknownPayload);
    };
    let Some(flow) = &to.flow else {
        return to.cells.one(Count::NoDestination);
    };
    if !flow.direction.sends() {
        to.outgoing.pause();
        return from.cells.one(Count::Paused);
    }
    // What is put in is a source of its own; the numbers that it has begun go on.
    if !to.insert.is_idle() {
        return from.cells.one(Count::Paused);
    }
    let payload_type = match kind {
        Payload::Event => flow.dtmf_send_pt,
        Payload::Noise => flow.noise_send_pt,
        Payload::Audio(_) => Some(flow.send_pt),
    };
    let translated = match kind {
        Payload::Audio(codec) => {
            let (codecs, place) = ((codec, flow.codec), header.payload_at..end);
            to.translator.translate(codecs, header.ssrc, &mut buffer.0[..LONGEST], place)
        }
        Payload::Event | Payload::Noise => Some(end),
    };
    let Some((payload_type, end)) = payload_type.zip(translated) else {
        return from.cells.one(Count::Untranslatable);
    };
    send(to, buffer, &header, end, payload_type, now);
}

/// Reports a key press that a packet of events ends.
pub(super) fn tell_event(
    channel: ChannelId,
    leg: &mut Leg,
    payload: &[u8],
    header: &Header,
    now: Moment,
    around: &Surroundings,
) {
    let event = Event::parse(payload);
    if let Some(digit) = event.and_then(|event| leg.events.take(event, header.timestamp, now)) {
        press(channel, leg, digit, around);
    }
}

/// What `payload_type` stands for on a leg, by its flow.
pub(super) fn kind(flow: &Flow, payload_type: u8) -> Option<Payload> {
    let negotiated = Some(payload_type);
    match payload_type {
        _ if payload_type == flow.recv_pt => Some(Payload::Audio(flow.codec)),
        _ if negotiated == flow.dtmf_recv_pt => Some(Payload::Event),
        _ if negotiated == flow.noise_recv_pt => Some(Payload::Noise),
        // RFC 3264 §6.1: the peer may send any format of our answer, and the G.711 pair goes together
        // in practice; RFC 3551 §6 fixes their numbers.
        0 if is_g711(flow.codec) => Some(Payload::Audio(Codec::Pcmu)),
        8 if is_g711(flow.codec) => Some(Payload::Audio(Codec::Pcma)),
        _ => None,
    }
}

const fn is_g711(codec: Codec) -> bool {
    matches!(codec, Codec::Pcma | Codec::Pcmu)
}

/// Numbers, protects and sends a packet. Its new header goes right before the payload, over the end of
/// the old one: CSRC list and extensions were agreed with the other peer, not with this one.
pub(super) fn send(
    to: &mut Leg,
    buffer: &mut Buffer,
    header: &Header,
    end: usize,
    payload_type: u8,
    now: Moment,
) {
    let Some(destination) = to.destination() else {
        to.outgoing.pause();
        return to.cells.one(Count::NoDestination);
    };
    let next = to.outgoing.next(header, payload_type, now);
    let start = header.payload_at - HEADER_LEN;
    buffer.0[start..header.payload_at].copy_from_slice(&next.to_bytes());
    let clear = end - start;
    let packet = &mut buffer.0[start..];
    let sealed = match &mut to.outbound {
        None => Ok(clear),
        Some(outbound) => outbound.protect(packet, clear),
    };
    let Ok(len) = sealed else {
        return to.cells.one(Count::Unprotected);
    };
    match to.rtp.send_to(&packet[..len], destination) {
        Ok(_) => {
            to.cells.one(Count::PacketsOut);
            to.cells.add(Count::OctetsOut, (clear - HEADER_LEN) as u64);
        }
        Err(_) => to.cells.one(Count::SendFailed),
    }
}

fn press(channel: ChannelId, leg: &mut Leg, digit: Digit, around: &Surroundings) {
    leg.cells.one(Count::Digits);
    let Digit { digit, millis } = digit;
    (around.reports)(Report::Dtmf { channel, side: leg.side, digit, millis });
}

fn watch_silence(channel: ChannelId, leg: &mut Leg, now: Moment, around: &Surroundings) {
    let quiet = now.since(leg.last_heard);
    let listening = leg.flow.as_ref().is_some_and(|flow| flow.direction.receives());
    if listening && !leg.silent && quiet >= around.silence_after {
        leg.silent = true;
        (around.reports)(Report::Silence { channel, side: leg.side, quiet });
    }
}

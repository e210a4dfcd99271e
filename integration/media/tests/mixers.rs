//! Conferences over real sockets: who hears whom, in which codec, on whatever thread.

use std::sync::Arc;

use kirkwall_core::id::MixerId;
use kirkwall_core::media::codec::{g711, g722};

use super::*;
use crate::media::{Chair, MOST_PARTIES};

const ROOM: MixerId = MixerId(7);

/// Somebody in a conference, who says one value without end. A constant is loud enough to be heard, and
/// a sum of constants tells whose they are.
struct Party {
    channel: ChannelId,
    peer: Peer,
    codec: Codec,
    octets: Vec<u8>,
}

impl Party {
    fn new(engine: &Engine, number: u64, codec: Codec, value: i16) -> Self {
        Self::with(engine, number, codec, value, None)
    }

    fn with(engine: &Engine, number: u64, codec: Codec, value: i16, keys: Option<SrtpPair>) -> Self {
        let channel = ChannelId(100 + number);
        let ports = engine.open(channel).unwrap();
        let mut peer = Peer::new(0x100 + number as u32, codec.payload_type());
        peer.face(ports.a);
        if let Some(keys) = &keys {
            peer.secure(keys);
        }
        engine.set(channel, Side::A, Flow { srtp: keys, ..peer.flow(codec) }).unwrap();
        peer.rtp.set_nonblocking(true).unwrap();
        let octets = match codec {
            Codec::Pcma => vec![g711::encode_alaw(value); 160],
            Codec::Pcmu => vec![g711::encode_ulaw(value); 160],
            Codec::G726 | Codec::G722 => Vec::new(),
        };
        let mut party = Self { channel, peer, codec, octets };
        if codec == Codec::G722 {
            let mut coder = g722::Encoder::default();
            // What a coder makes of a constant settles to a constant.
            for _ in 0..10 {
                party.octets = (0..160).map(|_| coder.encode(g722::Bands { low: value, high: 0 })).collect();
            }
        }
        party
    }

    fn sit(&self, engine: &Engine, muted: bool) {
        engine.seat(self.channel, Side::A, Some(Chair { mixer: ROOM, muted })).unwrap();
    }

    fn say(&mut self) {
        let octets = self.octets.clone();
        self.peer.say(&octets);
    }

    /// The value heard last, from the newest packet of those that wait.
    fn hears(&mut self, decoder: &mut g722::Decoder) -> Option<i32> {
        let mut newest = None;
        while self.peer.rtp.peek(&mut [0; 2048]).is_ok() {
            let (_, payload) = self.peer.hear();
            let middle = payload[payload.len() / 2];
            let wide = payload.iter().map(|octet| decoder.decode(*octet).low).last();
            newest = Some(match self.codec {
                Codec::Pcma => g711::decode_alaw(middle),
                Codec::Pcmu => g711::decode_ulaw(middle),
                _ => wide.unwrap_or(0),
            });
        }
        newest.map(i32::from)
    }
}

/// Everybody goes on talking until each hears about what is expected.
fn await_mix(what: &str, parties: &mut [&mut Party], expected: &[i32]) {
    let mut decoders = vec![g722::Decoder::default(); parties.len()];
    let mut met = vec![0; parties.len()];
    let deadline = Instant::now() + PATIENCE;
    let mut next = Instant::now();
    // Three frames in a row, so that nothing passes for right that only passes by.
    while met.iter().any(|times| *times < 3) {
        next += Duration::from_millis(20);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        for (n, party) in parties.iter_mut().enumerate() {
            party.say();
            let Some(heard) = party.hears(&mut decoders[n]) else { continue };
            let near = (heard - expected[n]).abs() <= expected[n].abs() / 12 + 150;
            met[n] = if near { met[n] + 1 } else { 0 };
        }
        assert!(Instant::now() < deadline, "never: {what}; {met:?}");
    }
}

#[test]
fn everybody_hears_all_others_and_not_himself_on_whatever_thread_he_was() {
    let (engine, _reports) = engine(43_000..=43_399);
    let keys = pair(SrtpSuite::AesCm128HmacSha1_80, None);
    // The engine has two threads and gives channels out in turn.
    let mut a = Party::new(&engine, 1, Codec::Pcma, 2_000);
    let mut b = Party::new(&engine, 2, Codec::Pcmu, 4_000);
    let mut c = Party::with(&engine, 3, Codec::Pcma, 8_000, Some(keys));
    let mut d = Party::new(&engine, 4, Codec::G722, -1_000);
    [&a, &b, &c, &d].into_iter().for_each(|party| party.sit(&engine, false));
    let mut all = [&mut a, &mut b, &mut c, &mut d];
    await_mix("the sum of the others", &mut all, &[11_000, 9_000, 5_000, 14_000]);
    b.sit(&engine, true);
    let mut all = [&mut a, &mut b, &mut c, &mut d];
    await_mix("one is muted, and hears", &mut all, &[7_000, 9_000, 1_000, 10_000]);
    b.sit(&engine, false);
    engine.close(c.channel);
    await_mix("one has left", &mut [&mut a, &mut b, &mut d], &[3_000, 1_000, 6_000]);
    engine.close(a.channel);
    engine.close(b.channel);
    await_mix("alone", &mut [&mut d], &[0]);
}

#[test]
fn two_legs_of_one_channel_talk_over_the_mixer_and_then_with_each_other_again() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let mut third = Party::new(&call.engine, 1, Codec::Pcma, 4_000);
    third.sit(&call.engine, false);
    let chair = Some(Chair { mixer: ROOM, muted: false });
    for side in Side::BOTH {
        call.engine.seat(CHANNEL, side, chair).unwrap();
    }
    let low = [g711::encode_alaw(1_000); 160];
    call.a.rtp.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut heard = 0;
    let mut ssrc = None;
    await_true("the third is heard in the call", || {
        third.say();
        call.b.say(&low);
        std::thread::sleep(Duration::from_millis(20));
        while call.a.rtp.peek(&mut [0; 2048]).is_ok() {
            let (header, payload) = call.a.hear();
            assert_eq!(*ssrc.get_or_insert(header.ssrc), header.ssrc, "one stream to each peer");
            heard += usize::from((i32::from(g711::decode_alaw(payload[80])) - 5_000).abs() < 300);
        }
        heard > 3
    });
    for side in Side::BOTH {
        call.engine.seat(CHANNEL, side, None).unwrap();
    }
    await_true("they are alone again", || {
        third.say();
        call.b.say(&[0x2A; 160]);
        std::thread::sleep(Duration::from_millis(5));
        let mut packet = [0; 2048];
        call.a.rtp.recv(&mut packet).is_ok_and(|len| packet[12..len] == [0x2A; 160])
    });
}

#[test]
fn keys_are_reported_and_not_heard_and_an_announcement_is_heard_by_all() {
    let (engine, reports) = engine(43_400..=43_599);
    let mut a = Party::new(&engine, 1, Codec::Pcma, 0);
    let mut b = Party::new(&engine, 2, Codec::Pcma, 0);
    a.sit(&engine, false);
    b.sit(&engine, false);
    await_mix("both are there", &mut [&mut a, &mut b], &[0, 0]);
    for packet in Press::new('5', 100).unwrap() {
        let audio = std::mem::replace(&mut a.peer.next.payload_type, 101);
        let timestamp = a.peer.next.timestamp;
        a.peer.say(&packet.event.to_bytes());
        (a.peer.next.payload_type, a.peer.next.timestamp) = (audio, timestamp);
    }
    let digit = await_report(&reports, |report| match report {
        Report::Dtmf { channel, digit, .. } => Some((channel, digit)),
        _ => None,
    });
    assert_eq!(digit, (a.channel, '5'));
    let sound: Arc<[u8]> = Arc::from(vec![g711::encode_alaw(3_000); 16_000]);
    engine.announce(ROOM, sound).unwrap();
    await_mix("both hear it", &mut [&mut a, &mut b], &[3_000, 3_000]);
    await_mix("once", &mut [&mut a, &mut b], &[0, 0]);
}

#[test]
fn a_full_conference_takes_nobody_more_and_one_who_leaves_makes_room() {
    let (engine, _reports) = engine(43_600..=43_899);
    let open = |number: u64| {
        let channel = ChannelId(number);
        engine.open(channel).unwrap();
        channel
    };
    let chair = Some(Chair { mixer: ROOM, muted: false });
    for number in 0..MOST_PARTIES as u64 {
        engine.seat(open(number), Side::A, chair).unwrap();
    }
    let late = open(1_000);
    let full = engine.seat(late, Side::A, chair);
    assert!(matches!(full, Err(EngineFault::MixerFull(ROOM))), "{full:?}");
    engine.seat(ChannelId(3), Side::A, None).unwrap();
    engine.seat(late, Side::A, chair).unwrap();
}

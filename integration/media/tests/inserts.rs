//! What is heard in place of the other leg, and legs that move between channels.

use std::sync::Arc;

use super::*;

fn sound() -> Option<Arc<[u8]>> {
    Some(Arc::from(vec![0xD5; 400]))
}

/// Speaks until the other one hears it.
fn passes(from: &mut Peer, to: &Peer, said: u8, heard: u8) {
    to.rtp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    await_true("the voice passes", || {
        from.say(&[said; 160]);
        let mut packet = [0; 200];
        to.rtp.recv(&mut packet).is_ok_and(|len| len == 172 && packet[12..172] == [heard; 160])
    });
    to.rtp.set_read_timeout(Some(PATIENCE)).unwrap();
}

#[test]
fn a_held_peer_hears_the_sound_in_its_own_law_and_then_the_other_one_again() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcmu);
    call.a.say(&[0xD5; 160]);
    let (before, _) = call.b.hear();
    call.engine.play(CHANNEL, Side::B, sound()).unwrap();
    let (first, payload) = call.b.hear();
    assert_eq!((first.payload_type, payload), (0, vec![0xFE; 160]));
    assert_eq!((first.ssrc, first.sequence), (before.ssrc, before.sequence.wrapping_add(1)));
    let (second, _) = call.b.hear();
    assert_eq!(second.sequence, first.sequence.wrapping_add(1));
    assert_eq!(second.timestamp, first.timestamp.wrapping_add(160));
    // Who holds is not heard meanwhile.
    call.a.say(&[0x2A; 160]);
    for _ in 0..10 {
        assert_eq!(call.b.hear().1, [0xFE; 160]);
    }
    call.engine.play(CHANNEL, Side::B, None).unwrap();
    passes(&mut call.a, &call.b, 0xAA, 0x80);
    assert!(call.a.hears_nothing(), "nothing was played to the other side");
}

#[test]
fn nothing_is_played_to_a_peer_that_does_not_listen() {
    let call = Call::new(Codec::Pcma, Codec::Pcma);
    let mut listens = call.b.flow(Codec::Pcma);
    call.set(Side::B, Flow { direction: Direction::Inactive, ..listens.clone() });
    call.engine.play(CHANNEL, Side::B, sound()).unwrap();
    call.engine.play(CHANNEL, Side::A, sound()).unwrap();
    for _ in 0..5 {
        let mut buffer = [0; 200];
        call.a.rtp.recv(&mut buffer).unwrap();
    }
    assert!(call.b.hears_nothing());
    listens.direction = Direction::SendOnly;
    call.set(Side::B, listens);
    call.b.rtp.recv(&mut [0; 200]).unwrap();
}

#[test]
fn keys_are_pressed_one_after_the_other_and_the_voice_goes_on_behind_them() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    for digit in ['1', '#'] {
        call.engine.press(CHANNEL, Side::B, Press::new(digit, 60).unwrap()).unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < 10 {
        let (header, payload) = call.b.hear();
        assert_eq!(header.payload_type, 101);
        heard.push((header.marker, header.timestamp, payload[0], payload[1] & 0x80 != 0));
    }
    let [first, second] = [&heard[..5], &heard[5..]];
    for (press, code) in [(first, 1), (second, 11)] {
        assert_eq!(press.iter().filter(|(marker, ..)| *marker).count(), 1);
        assert!(press.iter().all(|(_, timestamp, event, _)| (*timestamp, *event) == (press[0].1, code)));
        assert_eq!(press.iter().filter(|(.., end)| *end).count(), 3);
    }
    assert!(second[0].1.wrapping_sub(first[0].1) >= 480, "they do not overlap");
    passes(&mut call.a, &call.b, 7, 7);
}

/// RFC 4733 §2.5.1.1: one event, one timestamp, whatever the other leg says meanwhile.
#[test]
fn a_key_is_one_event_while_the_other_one_speaks() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    call.a.say(&[7; 160]);
    call.b.hear();
    call.engine.press(CHANNEL, Side::B, Press::new('5', 100).unwrap()).unwrap();
    let mut stamps = Vec::new();
    while stamps.len() < 7 {
        let (header, _) = call.b.hear();
        if header.payload_type == 101 {
            stamps.push(header.timestamp);
            call.a.say(&[7; 160]);
        }
    }
    stamps.dedup();
    assert_eq!(stamps.len(), 1, "{stamps:?}");
    passes(&mut call.a, &call.b, 8, 8);
}

#[test]
fn keys_for_a_peer_that_takes_no_events_are_dropped() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    call.set(Side::B, Flow { dtmf_send_pt: None, ..call.b.flow(Codec::Pcma) });
    call.engine.press(CHANNEL, Side::B, Press::new('1', 60).unwrap()).unwrap();
    passes(&mut call.a, &call.b, 7, 7);
}

const OTHER: ChannelId = ChannelId(2);

/// A second channel; with two threads it lives on the other one.
fn other(call: &Call) -> (Peer, Peer) {
    let ports = call.engine.open(OTHER).unwrap();
    let (mut c, mut d) = (Peer::new(0xC, 8), Peer::new(0xD, 8));
    c.face(ports.a);
    d.face(ports.b);
    (c, d)
}

#[test]
fn a_leg_moves_with_its_port_keys_and_numbers() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let (mut c, mut d) = other(&call);
    let keys = pair(SrtpSuite::AesCm128HmacSha1_80, None);
    d.secure(&keys);
    let flow = Flow { srtp: Some(keys), ..d.flow(Codec::Pcma) };
    call.engine.set(OTHER, Side::A, c.flow(Codec::Pcma)).unwrap();
    call.engine.set(OTHER, Side::B, flow.clone()).unwrap();
    c.say(&[1; 160]);
    let (before, _) = d.hear();
    let replay = d.packet(&[7; 160]);
    d.send_raw(&replay);
    assert_eq!(c.hear().1, [7; 160]);
    let ports = call.engine.adopt(CHANNEL, Side::A, OTHER, Side::B).unwrap();
    assert_eq!((ports.a, ports.b), (d.port, call.b.port));
    // The same again, as a call says it: nothing is keyed anew.
    call.set(Side::A, flow);
    // A packet that comes while the leg is on its way between the threads finds the one before it.
    d.rtp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    await_true("the moved leg is spoken to", || {
        call.b.say(&[2; 160]);
        d.rtp.peek(&mut [0; 200]).is_ok()
    });
    d.rtp.set_read_timeout(Some(PATIENCE)).unwrap();
    let (after, payload) = d.hear();
    assert_eq!(payload, [2; 160]);
    while !call.a.hears_nothing() {}
    call.b.say(&[4; 160]);
    assert_eq!(d.hear().1, [4; 160]);
    assert_eq!((after.ssrc, after.sequence), (before.ssrc, before.sequence.wrapping_add(1)));
    d.say(&[3; 160]);
    assert_eq!(call.b.hear().1, [3; 160]);
    d.send_raw(&replay);
    call.await_count("the replay list moved too", Side::A, |c| c.replayed, 1);
    // Nobody else is here any more.
    assert_eq!(call.engine.open_channels(), 1);
    assert!(call.engine.counters(OTHER).is_none());
    assert!(call.a.hears_nothing());
    call.engine.close(CHANNEL);
    await_true("all ports are free again", || {
        let all: Vec<_> = (0..500).map_while(|n| call.engine.open(ChannelId(100 + n)).ok()).collect();
        (0..500).for_each(|n| _ = call.engine.close(ChannelId(100 + n)));
        all.len() >= 249
    });
}

#[test]
fn orders_for_a_leg_that_is_still_to_come_meet_it() {
    for round in 0..20 {
        let mut call = Call::new(Codec::Pcma, Codec::Pcma);
        let (_c, mut d) = other(&call);
        call.engine.set(OTHER, Side::B, d.flow(Codec::Pcma)).unwrap();
        call.engine.adopt(CHANNEL, Side::B, OTHER, Side::B).unwrap();
        call.engine.play(CHANNEL, Side::B, sound()).unwrap();
        assert_eq!(d.hear().1, [0xD5; 160], "round {round}");
        call.engine.play(CHANNEL, Side::B, None).unwrap();
        call.engine.set(CHANNEL, Side::B, d.flow(Codec::Pcmu)).unwrap();
        passes(&mut call.a, &d, 0xD5, 0xFE);
    }
}

#[test]
fn what_is_not_there_cannot_move() {
    let call = Call::new(Codec::Pcma, Codec::Pcma);
    let refused = |into, from| call.engine.adopt(into, Side::A, from, Side::B);
    assert!(matches!(refused(CHANNEL, OTHER), Err(EngineFault::Unknown(OTHER))));
    assert!(matches!(refused(OTHER, CHANNEL), Err(EngineFault::Unknown(OTHER))));
    assert!(refused(CHANNEL, CHANNEL).is_err());
    assert_eq!(call.engine.open_channels(), 1);
}

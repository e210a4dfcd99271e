//! kill -9 while a call rings: whoever rings or waits is told, by whichever end lives on.

use super::super::*;
use super::pair::*;
use crate::id::Tokens;
use crate::machine::Machine;
use crate::sip::{Destination, Facing, Transport};

/// The process of one end dies and comes back; nobody there knows the call, so the leg is told to end.
fn dies(pair: &mut Pair, side: Side) {
    let end = pair.end(side);
    let Some(LegSave::Put(record)) = end.saves.last().cloned() else { panic!("nothing saved") };
    assert!(record.open.is_some());
    let bytes = serde_json::to_vec(&record).unwrap();
    end.leg = Leg::restore(serde_json::from_slice(&bytes).unwrap(), Tokens::new([0x77; 32]));
    pair.input(side, LegInput::Started).unwrap();
    pair.order(side, hang_up());
}

fn ringing(transport: Transport) -> Pair {
    let mut pair = Pair::over(transport);
    pair.dial();
    pair.ms(100);
    pair.order(B, progress(180, None, false));
    pair.ms(100);
    pair
}

#[test]
fn an_invite_is_on_disk_before_it_is_said_or_answered_and_once() {
    let mut pair = Pair::new();
    let ready = pair.a.leg.handle(LegInput::Order(dial(Some("offer a"))), START).unwrap();
    assert!(matches!(&ready.save[..], [LegSave::Put(record)] if record.open.is_some()));
    let mut pair = ringing(Transport::Udp);
    assert_eq!((pair.a.saves.len(), pair.b.saves.len()), (1, 1));
    let LegSave::Put(theirs) = &pair.b.saves[0] else { panic!() };
    let theirs = theirs.open.as_ref().unwrap().message().unwrap();
    assert!(theirs.body.is_empty(), "its answer needs no description");
    pair.order(B, reject(486));
    pair.drive();
    pair.both_closed();
    for end in [&pair.a, &pair.b] {
        assert!(matches!(end.saves.last(), Some(LegSave::Delete(_))));
    }
}

#[test]
fn who_rings_is_cancelled_after_the_callers_process_died() {
    for transport in [Transport::Udp, Transport::Tls] {
        let mut pair = ringing(transport);
        dies(&mut pair, A);
        pair.drive();
        assert_eq!(pair.b.cause(), Some(EndCause::ByPeer), "{:?}", pair.b.said());
        assert_eq!(pair.a.count("CANCEL"), 1);
        pair.both_closed();
        assert!(matches!(pair.a.saves.last(), Some(LegSave::Delete(_))));
    }
}

#[test]
fn who_answers_while_the_callers_process_is_dead_is_hung_up() {
    let mut pair = ringing(Transport::Udp);
    let before = pair.b.sent.len();
    pair.b.lose = (before..before + 20).collect();
    pair.order(B, accept(Some("answer b")));
    pair.ms(3_000);
    pair.b.lose.clear();
    dies(&mut pair, A);
    pair.drive();
    assert_eq!(pair.a.count("CANCEL"), 0);
    assert_eq!((pair.a.count("ACK") > 0, pair.a.count("BYE")), (true, 1), "{:?}", pair.a.said());
    assert_eq!(pair.b.cause(), Some(EndCause::ByPeer));
    pair.both_closed();
}

#[test]
fn who_waits_is_refused_after_the_callees_process_died() {
    for transport in [Transport::Udp, Transport::Tls] {
        let mut pair = ringing(transport);
        dies(&mut pair, B);
        pair.drive();
        assert_eq!(pair.b.said().last().map(String::as_str), Some("480 INVITE"));
        assert_eq!(pair.a.told("Refused"), 1);
        pair.both_closed();
    }
}

#[test]
fn a_call_that_was_taken_back_before_the_process_died_is_taken_back_again() {
    let mut pair = ringing(Transport::Udp);
    pair.a.silent = true;
    pair.order(A, hang_up());
    pair.a.silent = false;
    let Some(LegSave::Put(record)) = pair.a.saves.last().cloned() else { panic!() };
    assert!(record.ending && record.open.is_some());
    pair.a.leg = Leg::restore(*record, Tokens::new([0x77; 32]));
    pair.input(A, LegInput::Started).unwrap();
    pair.drive();
    assert_eq!(pair.b.cause(), Some(EndCause::ByPeer));
    assert!(pair.a.leg.is_closed() && pair.b.leg.is_closed());
}

/// A handset behind a stream, which went with the process.
fn south(number: u16) -> Destination {
    Destination {
        transport: Transport::Tls,
        address: ([192, 0, 2, 1], number).into(),
        facing: Facing::South,
        connection: None,
        server_name: None,
    }
}

#[test]
fn a_handset_that_rings_behind_a_lost_stream_is_cancelled_over_its_new_one() {
    let mut pair = Pair::over(Transport::Tls);
    let LegOrder::Dial(mut call) = dial(Some("offer a")) else { panic!() };
    call.destination = south(5070);
    pair.order(A, LegOrder::Dial(call));
    pair.ms(100);
    pair.order(B, progress(180, None, false));
    pair.ms(100);
    pair.a.silent = true;
    dies(&mut pair, A);
    let invite = pair.a.sent.last().unwrap().clone();
    pair.input(A, LegInput::TransportFailed(invite)).unwrap();
    pair.a.silent = false;
    assert!(!pair.a.leg.is_closed(), "it waits for the handset");
    pair.ms(5_000);
    // Another handset registers, then this one.
    let moved = |contact: &str| LegInput::Moved { contact: contact.into(), destination: south(5071) };
    pair.input(A, moved("sip:other@example.com")).unwrap();
    assert!(pair.b.cause().is_none());
    pair.input(A, moved("sip:b@example.com")).unwrap();
    pair.drive();
    assert_eq!(pair.b.cause(), Some(EndCause::ByPeer), "{:?}", pair.a.said());
    pair.both_closed();
}

#[test]
fn a_handset_that_never_comes_back_is_not_waited_for_for_ever() {
    let mut pair = Pair::over(Transport::Tls);
    let LegOrder::Dial(mut call) = dial(Some("offer a")) else { panic!() };
    call.destination = south(5070);
    pair.order(A, LegOrder::Dial(call));
    pair.a.silent = true;
    dies(&mut pair, A);
    let invite = pair.a.sent.last().unwrap().clone();
    pair.input(A, LegInput::TransportFailed(invite)).unwrap();
    pair.run(std::time::Duration::from_secs(700));
    assert!(pair.a.leg.is_closed(), "{}", pair.a.leg.state_name());
    assert!(matches!(pair.a.saves.last(), Some(LegSave::Delete(_))));
}

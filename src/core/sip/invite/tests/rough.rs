//! Any schedule of orders and losses ends well.

use std::time::Duration;

use proptest::prelude::*;

use super::super::*;
use super::pair::*;
use crate::id::Tokens;
use crate::machine::Machine;
use crate::sip::Transport;
use crate::sip::wire::Message;
use crate::timer::T4;

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Act {
    Order(Side, u8),
    Wait(u16),
    Fail(Side),
    Replay(Side, usize),
    Restart(Side),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let side = || prop_oneof![Just(A), Just(B)];
    let act = prop_oneof![
        4 => (side(), 0..24u8).prop_map(|(side, order)| Act::Order(side, order)),
        4 => (0..3000u16).prop_map(Act::Wait),
        1 => side().prop_map(Act::Fail),
        1 => side().prop_map(Act::Restart),
        1 => (side(), 0..64usize).prop_map(|(side, which)| Act::Replay(side, which)),
    ];
    prop::collection::vec(act, 1..40)
}

fn order(number: u8) -> LegOrder {
    match number {
        0 => progress(180, None, false),
        1 => progress(183, Some("early"), true),
        2 => progress(180, None, true),
        3 | 4 | 12..=14 => accept(Some("answer")),
        5 => reject(486),
        6 => hang_up(),
        7 | 15..=17 => reoffer("offer"),
        8 => LegOrder::Reoffer { body: None },
        9 | 18..=21 => agree("answer"),
        10 => LegOrder::AnswerReoffer(ReofferAnswer::Refuse { status: 488, reason: "x".into() }),
        _ => LegOrder::Request { number: 1, method: "INFO".into(), headers: vec![], body: None },
    }
}

fn play(pair: &mut Pair, act: Act) {
    match act {
        // A refusal is an answer too; it must change nothing, which the rest of the run shows.
        Act::Order(side, number) => drop(pair.input(side, LegInput::Order(order(number)))),
        Act::Restart(side) => {
            if let Some(LegSave::Put(record)) = pair.end(side).saves.last().cloned() {
                let seed = pair.end(side).saves.len() as u8;
                let open = record.open.is_some();
                pair.end(side).leg = Leg::restore(*record, Tokens::new([seed; 32]));
                pair.input(side, LegInput::Started).unwrap();
                if open {
                    // A call that rang is lost, and whoever finds its legs ends them.
                    let _ = pair.input(side, LegInput::Order(hang_up()));
                }
            }
        }
        Act::Wait(millis) => pair.ms(millis.into()),
        Act::Fail(side) => {
            // A BYE that cannot be sent leaves the other end to its session timer; not told here.
            if let Some(message) = pair.end(side).sent.last().cloned().filter(|m| line(m) != "BYE") {
                pair.input(side, LegInput::TransportFailed(message)).unwrap();
            }
        }
        Act::Replay(side, which) => {
            let other = if side == A { B } else { A };
            let now = pair.now;
            let end = pair.end(other);
            // The network may repeat a message, but not after T4.
            let young = end.sent_at.iter().position(|at| now.since(*at) < T4);
            let sent = &end.sent[young.unwrap_or(end.sent.len())..];
            if let Some(message) = sent.get(which % sent.len().max(1)).cloned() {
                pair.deliver(side, message);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_ends_with_both_closed_or_both_in_one_dialog(
        acts in acts(),
        tcp in any::<bool>(),
        offer in any::<bool>(),
        lose_a in prop::collection::vec(0..30usize, 0..8),
        lose_b in prop::collection::vec(0..30usize, 0..8),
        latency in 1..400u64,
    ) {
        let mut pair = Pair::over(if tcp { Transport::Tcp } else { Transport::Udp });
        pair.latency = Duration::from_millis(latency);
        if !tcp {
            (pair.a.lose, pair.b.lose) = (lose_a, lose_b);
        }
        pair.order(A, dial(offer.then_some("offer")));
        for act in &acts {
            play(&mut pair, *act);
        }
        pair.drive();
        pair.drive();
        let states = (pair.a.leg.state_name(), pair.b.leg.state_name());
        match states {
            ("confirmed", "confirmed") => {
                pair.same_dialog();
                prop_assert_eq!(pair.a.leg.deadline(), None);
                prop_assert_eq!(pair.b.leg.deadline(), None);
                pair.order(A, hang_up());
                pair.drive();
                pair.both_closed();
            }
            // The INVITE was lost for good or never sent.
            ("closed", "idle") => prop_assert_eq!(pair.b.story().len(), 0),
            ("closed", "closed") => pair.both_closed(),
            other => prop_assert!(false, "{:?} {:?} {:?}", other, pair.a.said(), pair.b.said()),
        }
        for end in [&pair.a, &pair.b] {
            prop_assert!(end.told("Ended") + end.told("Refused") <= 1);
            let over = end.story().iter().position(|name| matches!(*name, "Ended" | "Refused"));
            let after = over.map_or(&[][..], |at| &end.events[at + 1..]);
            prop_assert!(after.iter().all(|event| matches!(event, LegEvent::Closed)), "{:?}", end.story());
        }
    }

    #[test]
    fn no_message_whatever_makes_a_leg_panic(
        acts in acts(),
        cuts in prop::collection::vec((0..40usize, any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut pair = Pair::new();
        pair.dial();
        for act in &acts {
            play(&mut pair, *act);
        }
        for (which, place, byte) in cuts {
            for side in [A, B] {
                let other = if side == A { B } else { A };
                let sent = &pair.end(other).sent;
                let Some(message) = sent.get(which % sent.len().max(1)) else { continue };
                let mut bytes = message.encode().to_vec();
                let at = place.index(bytes.len());
                bytes[at] = byte;
                if let Ok(message) = Message::parse_datagram(bytes.into()) {
                    pair.deliver(side, message);
                }
            }
        }
        pair.drive();
    }
}

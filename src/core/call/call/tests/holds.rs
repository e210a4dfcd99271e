//! Hold and resume: both ends, both orders, and what each hears meanwhile.

use super::super::*;
use super::reoffers::reoffers;
use super::world::*;
use crate::media::Direction::{self, Inactive, SendOnly, SendRecv};

fn talking() -> World {
    World::talking(Setup::default(), phone(2, &ALL))
}

fn holds(world: &mut World, leg: u32, wish: Direction) -> Vec<String> {
    reoffers(world, leg, |media| media.set_direction(wish))
}

const SIDES: [(u32, Side, u32, Side); 2] = [(0, Side::A, 1, Side::B), (1, Side::B, 0, Side::A)];

#[test]
fn the_other_end_is_held_by_re_invite_hears_the_tone_and_gets_its_voice_back() {
    for (leg, side, other, far) in SIDES {
        let mut world = talking();
        let said = holds(&mut world, leg, SendOnly);
        let flow = format!("flow {side:?} G722");
        let (answer, ask) = (format!("leg {leg}: answer"), format!("leg {other}: reoffer"));
        assert_eq!(said.join(", "), format!("{flow}, {answer}, {ask}, play {far:?} Hold"));
        world.takes_reoffer(other);
        assert_eq!(world.flows[&far].direction, SendOnly);
        assert_eq!(world.far(other).agreed().direction, Direction::RecvOnly);
        assert_eq!(world.stored.as_deref(), Some(&world.call));
        world.said();
        let said = holds(&mut world, leg, SendRecv);
        assert_eq!(said.join(", "), format!("{flow}, {answer}, {ask}, play {far:?} nothing"));
        world.takes_reoffer(other);
        world.matched(side, leg);
        world.matched(far, other);
        assert_eq!(world.flows[&far].direction, SendRecv);
    }
}

#[test]
fn each_world_is_held_as_its_kind_wants_it() {
    for (north, said_in_the_north) in [
        (HoldSignal::SendOnly, Some(SendOnly)),
        (HoldSignal::Inactive, Some(Inactive)),
        (HoldSignal::Tone, None),
    ] {
        let mut world = World::new(Setup { attempts: vec![vec![north_phone()]], ..Setup::default() });
        world.grant.hold = HoldSignals { north, ..HoldSignals::default() };
        world.grant();
        world.answers(1, phone(2, &ALL));
        world.acknowledges();
        world.said();
        let said = holds(&mut world, 0, SendOnly);
        assert_eq!(said.contains(&"leg 1: reoffer".to_owned()), said_in_the_north.is_some());
        if let Some(direction) = said_in_the_north {
            world.takes_reoffer(1);
            assert_eq!(world.flows[&Side::B].direction, direction);
        }
        assert_eq!(world.sounds.get(&Side::B), Some(&Sound::Hold));
        holds(&mut world, 0, SendRecv);
        if said_in_the_north.is_some() {
            world.takes_reoffer(1);
        }
        assert!(world.sounds.is_empty());
        world.matched(Side::B, 1);
    }
}

fn north_phone() -> Target {
    north("bob", 1)
}

#[test]
fn a_gateway_that_holds_with_music_of_its_own_is_heard_and_a_handset_is_not() {
    let mut world =
        World::talking(Setup { attempts: vec![vec![north_phone()]], ..Setup::default() }, phone(2, &ALL));
    holds(&mut world, 1, SendOnly);
    assert!(world.sounds.is_empty(), "the gateway's music");
    world.takes_reoffer(0);
    holds(&mut world, 1, Inactive);
    assert_eq!(world.sounds.get(&Side::A), Some(&Sound::Hold), "it is silent now");
}

#[test]
fn both_hold_and_either_may_resume_first() {
    for (first, second) in [(0, 1), (1, 0)] {
        for resumes_first in [first, second] {
            let mut world = talking();
            holds(&mut world, first, SendOnly);
            world.takes_reoffer(second);
            holds(&mut world, second, SendOnly);
            world.takes_reoffer(first);
            let side = |leg| if leg == 0 { Side::A } else { Side::B };
            assert_eq!(world.flows[&side(first)].direction, Inactive, "nobody hears anybody");
            holds(&mut world, resumes_first, SendRecv);
            let other = 1 - resumes_first;
            // Who resumed is still held by the other one.
            assert_eq!(world.sounds.get(&side(resumes_first)), Some(&Sound::Hold));
            if world.told_to(other).reoffer.is_some() {
                world.takes_reoffer(other);
            }
            holds(&mut world, other, SendRecv);
            for leg in [0, 1] {
                while world.call.legs[&LegNo(leg)].offer_is_out() {
                    world.takes_reoffer(leg);
                }
            }
            world.matched(Side::A, 0);
            world.matched(Side::B, 1);
            assert_eq!(world.flows[&Side::A].direction, SendRecv);
            assert_eq!(world.flows[&Side::B].direction, SendRecv);
            assert!(world.sounds.is_empty());
        }
    }
}

#[test]
fn a_session_refresh_is_no_hold_and_changes_none() {
    let mut world = talking();
    assert_eq!(holds(&mut world, 0, SendRecv), ["flow A G722", "leg 0: answer"]);
    holds(&mut world, 0, SendOnly);
    world.takes_reoffer(1);
    world.said();
    // The held end refreshes what it agreed to; who holds says the same again.
    let said = reoffers(&mut world, 1, |_| {});
    assert_eq!(said, ["flow B G722", "leg 1: answer"]);
    assert_eq!(holds(&mut world, 0, SendOnly), ["flow A G722", "leg 0: answer"]);
    assert_eq!(world.flows[&Side::B].direction, SendOnly);
}

#[test]
fn an_end_that_refuses_to_be_held_hears_the_tone_and_is_not_asked_again() {
    let mut world = talking();
    holds(&mut world, 0, SendOnly);
    world.news(1, LegNews::ReofferAnswered { body: None });
    assert!(world.said().iter().all(|line| !line.contains("reoffer")));
    world.wait(60);
    assert!(world.said().is_empty());
    assert_eq!(world.sounds.get(&Side::B), Some(&Sound::Hold));
    let said = holds(&mut world, 0, SendRecv);
    assert_eq!(said, ["flow A G722", "leg 0: answer", "play B nothing"]);
}

#[test]
fn an_end_that_refuses_to_be_resumed_is_asked_again_a_few_times() {
    let mut world = talking();
    holds(&mut world, 0, SendOnly);
    world.takes_reoffer(1);
    holds(&mut world, 0, SendRecv);
    // A telephone that is out of reach may come back: the pauses grow, and there is an end.
    for pause in [4, 8, 16, 32, 64, 64, 64, 64, 64] {
        world.news(1, LegNews::ReofferAnswered { body: None });
        world.said();
        world.wait(pause - 1);
        assert_eq!(world.said(), [""; 0]);
        world.wait(2);
        assert_eq!(world.said(), ["leg 1: reoffer"]);
    }
    world.news(1, LegNews::ReofferAnswered { body: None });
    world.wait(600);
    assert!(world.said().is_empty() && world.over.is_none());
}

#[test]
fn a_hold_while_the_other_end_changes_something_is_said_in_the_answer() {
    let mut world = talking();
    holds(&mut world, 0, SendOnly);
    // Its own re-INVITE met ours, which waits; it is answered first, and held by the answer.
    let said = reoffers(&mut world, 1, |media| media.set_address([198, 51, 100, 9].into(), 4444));
    assert_eq!(said, ["flow B G722", "leg 1: answer"]);
    assert_eq!(world.flows[&Side::B].direction, SendOnly);
    assert_eq!(world.far(1).agreed().direction, Direction::RecvOnly);
}

#[test]
fn holds_are_as_they_were_after_a_restart() {
    let mut world = talking();
    holds(&mut world, 0, SendOnly);
    let record = serde_json::to_string(world.stored.as_deref().unwrap()).unwrap();
    world.call = Call::restored(serde_json::from_str(&record).unwrap(), Tokens::new([77; 32]));
    world.sounds.clear();
    world.said();
    world.input(Input::Started);
    // The re-INVITE went with the process: it is sent again, and so is the tone.
    assert_eq!(world.said(), ["flow A G722", "flow B G722", "leg 1: reoffer", "play B Hold"]);
    world.takes_reoffer(1);
    assert_eq!(world.flows[&Side::B].direction, SendOnly);
}

#[test]
fn keys_told_beside_the_voice_are_pressed_towards_the_other_end() {
    let mut world = talking();
    world.news(0, LegNews::KeyPressed { digit: '5', millis: 100 });
    world.news(1, LegNews::KeyPressed { digit: '#', millis: 100 });
    assert_eq!(world.said(), ["press B 5", "press A #"]);
    let mut world = World::dialling(Setup::default());
    world.news(0, LegNews::KeyPressed { digit: '5', millis: 100 });
    assert!(world.said().is_empty(), "nobody hears it");
}

/// A telephone whose answer takes no telephone events.
fn without_events(world: &mut World) {
    let mut bob = phone(2, &ALL);
    let answer = bob.answer(world.told_to(1).offer.as_ref().unwrap());
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    let (line, events) = (text.lines().find(|line| line.starts_with("m=audio")).unwrap(), " 101");
    let text =
        text.replace(line, &line.replace(events, "")).replace("a=rtpmap:101 telephone-event/8000\r\n", "");
    let fork = bob.tag.clone();
    world.legs.get_mut(&LegNo(1)).unwrap().far = Some(bob);
    world.news(1, LegNews::Answered { fork, body: Some(Body::sdp(text)) });
    world.acknowledges();
    world.said();
}

#[test]
fn who_takes_no_telephone_events_is_told_of_keys_beside_the_voice() {
    let mut world = World::dialling(Setup::default());
    without_events(&mut world);
    assert_eq!(world.flows[&Side::B].dtmf_send_pt, None);
    // As events, by INFO or from a keypad: it hears of all.
    world.input(Input::KeyHeard(Side::A, '5', 120));
    world.news(0, LegNews::KeyPressed { digit: '#', millis: 100 });
    assert_eq!(world.said(), ["leg 1: key 5 for 120", "leg 1: key # for 100"]);
    // The other way by events.
    world.news(1, LegNews::KeyPressed { digit: '7', millis: 100 });
    assert_eq!(world.said(), ["press A 7"]);
    world.input(Input::KeyHeard(Side::B, '7', 100));
    assert!(world.said().is_empty(), "the media engine passed it on");
}

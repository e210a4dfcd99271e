//! Conferences as a call lives them: its ends in a room, in place of each other.

pub(in crate::call) mod scenes;

use super::super::*;
use super::reoffers::reoffers;
use super::world::*;
use crate::call::Ticket;
use crate::call::conference::{Prompt, RoomName, RoomOrder, Whom};
use crate::id::{CallRef, MixerId, OwnerId};
use crate::media::Direction::{SendOnly, SendRecv};

const MIXER: MixerId = MixerId(9);

fn room() -> RoomName {
    "8001".parse().unwrap()
}

fn in_room() -> About {
    About { room: Some(room()), ..About::default() }
}

fn member(leg: u32) -> OwnerId {
    LegNo(leg).owner(CallRef(7))
}

impl World {
    fn ordered(&mut self, order: RoomOrder) {
        self.input(Input::Room(order));
    }

    fn sits(&mut self, leg: u32) {
        self.ordered(RoomOrder::Sit { member: member(leg), mixer: MIXER, muted: false });
    }

    /// Anna talks with Bob, and then both are in the room.
    fn meets(without: Option<Whom>) -> Self {
        let mut world = Self::talking(Setup::default(), phone(2, &ALL));
        world.ordered(RoomOrder::Meet { room: room(), without });
        world
    }
}

#[test]
fn whoever_dials_a_room_is_answered_and_waits_at_its_door() {
    let mut world = World::new(Setup { about: in_room(), attempts: Vec::new(), ..Setup::default() });
    world.said();
    world.grant();
    let enters = format!("room 8001: anna enters as {}", member(0));
    let said = world.said();
    assert_eq!(said, ["flow A G722", "leg 0: focus 8001", "leg 0: accept", &enters]);
    assert_eq!(world.stored.as_deref(), Some(&world.call));
    world.acknowledges();
    world.ordered(RoomOrder::Prompt(member(0), Prompt::AskPin));
    assert_eq!(world.said(), ["play A AskPin"]);
    world.news(0, LegNews::KeyPressed { digit: '4', millis: 100 });
    world.input(Input::KeyHeard(Side::A, '7', 100));
    let keys = [format!("room 8001: {} presses 4", member(0)), format!("room 8001: {} presses 7", member(0))];
    assert_eq!(world.said(), keys);
    world.sits(0);
    assert_eq!(world.said(), ["mix A 9", "play A nothing"]);
    world.ends(0);
    assert_eq!(world.said(), [format!("room 8001: {} leaves", member(0)), "over".into()]);
    world.buried();
}

#[test]
fn a_caller_without_an_offer_gets_all_codecs_of_the_mixer() {
    let setup = Setup { about: in_room(), attempts: Vec::new(), offers: false, ..Setup::default() };
    let mut world = World::new(setup);
    world.grant();
    let offer = world.caller_heard.clone().unwrap();
    let reviewed = phone(5, &ALL).media.review(&offer.content_type, &offer.bytes).unwrap();
    assert!(reviewed.codecs.len() >= 3, "{:?}", reviewed.codecs);
    world.acknowledges();
    world.matched(Side::A, 0);
}

#[test]
fn both_ends_of_a_call_are_in_the_room_each_for_itself() {
    let mut world = World::meets(None);
    let enter = |leg, who| format!("room 8001: {who} enters as {}", member(leg));
    assert_eq!(world.said(), [enter(0, "anna"), enter(1, "bob")]);
    world.sits(0);
    world.sits(1);
    assert_eq!(world.said(), ["mix A 9", "mix B 9"]);
    // One that holds is not heard, and nobody is told that it holds.
    reoffers(&mut world, 1, |media| media.set_direction(SendOnly));
    assert_eq!(world.mixes[&Side::B], (MIXER, true));
    assert!(world.sounds.is_empty());
    reoffers(&mut world, 1, |media| media.set_direction(SendRecv));
    assert_eq!(world.mixes[&Side::B], (MIXER, false));
    // Anna leaves, Bob stays.
    world.ends(0);
    let left = [format!("room 8001: {} leaves", member(0)), "free anna".into(), "mix A nothing".into()];
    assert_eq!(world.said(), left);
    assert_eq!(world.stored.as_deref(), Some(&world.call));
    world.ends(1);
    world.buried();
}

#[test]
fn who_is_in_the_room_already_leaves_its_other_call_and_the_held_end_hears_again() {
    let mut world = World::talking(Setup::default(), phone(2, &ALL));
    reoffers(&mut world, 0, |media| media.set_direction(SendOnly));
    world.takes_reoffer(1);
    world.said();
    world.ordered(RoomOrder::Meet { room: room(), without: Some(Whom::User("anna".parse().unwrap())) });
    let said = world.said();
    assert_eq!(said[0], "leg 0: hang up q16");
    assert!(said.contains(&"free anna".into()), "{said:?}");
    assert!(said.contains(&format!("room 8001: bob enters as {}", member(1))), "{said:?}");
    assert!(said.contains(&"leg 1: reoffer".into()) && said.contains(&"play B nothing".into()), "{said:?}");
    world.takes_reoffer(1);
    assert_eq!(world.flows[&Side::B].direction, SendRecv);
    world.matched(Side::B, 1);
    world.ends(1);
    world.buried();
}

#[test]
fn the_last_two_of_one_call_talk_with_each_other_again() {
    let mut world = World::meets(None);
    world.sits(0);
    world.sits(1);
    world.said();
    world.ordered(RoomOrder::Part);
    assert_eq!(world.said(), ["mix A nothing", "mix B nothing"]);
    // A call like any other.
    reoffers(&mut world, 0, |media| media.set_direction(SendOnly));
    assert_eq!(world.sounds.get(&Side::B), Some(&Sound::Hold));
    assert!(world.try_input(Input::Room(RoomOrder::Part)).is_err());
    world.ends(0);
    world.buried();
}

#[test]
fn a_transfer_to_a_room_brings_who_stays_into_it() {
    let mut world = World::talking(Setup::default(), phone(2, &ALL));
    world.refers(0, "8001", None);
    world.said();
    world.input(Input::Admitted(Box::new(Admitted {
        attempts: Vec::new(),
        about: in_room(),
        ..world.grant.clone()
    })));
    let said = world.said();
    assert_eq!(said[..3], ["leg 0: told 200 last", "leg 0: hang up q16", "free anna"]);
    assert!(said.contains(&format!("room 8001: bob enters as {}", member(1))), "{said:?}");
    assert!(said.contains(&"play B nothing".into()));
    world.sits(1);
    world.ends(1);
    world.buried();
}

#[test]
fn who_is_removed_is_told_and_so_is_everybody_when_the_call_ends() {
    let mut world = World::meets(None);
    world.sits(0);
    world.sits(1);
    world.said();
    world.ordered(RoomOrder::Dismiss(member(1), Cause::normal()));
    assert_eq!(world.said()[0], "leg 1: hang up q16");
    assert!(world.try_input(Input::Room(RoomOrder::Dismiss(member(1), Cause::normal()))).is_err());
    world.input(Input::HangUp(Cause::preempted()));
    assert_eq!(world.said()[0], format!("room 8001: {} leaves", member(0)));
    world.buried();
}

#[test]
fn keys_that_join_calls_are_the_users_and_reach_the_other_end_too() {
    let mut world = World::talking(Setup::default(), phone(2, &ALL));
    let press = |world: &mut World, leg, digit| world.news(leg, LegNews::KeyPressed { digit, millis: 100 });
    for digit in ['1', '*'] {
        press(&mut world, 0, digit);
    }
    press(&mut world, 0, '3');
    assert_eq!(world.said(), ["press B 1", "press B *", "press B 3", "gather anna"]);
    // In the voice the other end has heard them.
    for digit in ['!', '3'] {
        world.input(Input::KeyHeard(Side::A, digit, 100));
    }
    assert_eq!(world.said(), ["gather anna"], "a flash is as good as a star");
    for (side, digit) in [(Side::A, '*'), (Side::B, '3'), (Side::A, '3')] {
        world.input(Input::KeyHeard(side, digit, 100));
    }
    assert_eq!(world.said(), [""; 0], "not the keys of two people");
}

#[test]
fn a_participant_asks_for_another_call_of_its_own() {
    let mut world = World::new(Setup { about: in_room(), attempts: Vec::new(), ..Setup::default() });
    world.grant();
    world.acknowledges();
    world.said();
    let other = LegNo(0).owner(CallRef(9));
    world.refers(0, "carol", Some(other));
    assert_eq!(world.said(), ["leg 0: refuse transfer 603: call somebody first, then ask for that call"]);
    world.sits(0);
    world.said();
    world.refers(0, "carol", Some(other));
    assert_eq!(world.said(), ["leg 0: take transfer".into(), format!("summon {other} to 8001")]);
    // Without a call of its own: the switch calls in the participant's name.
    world.refers(0, "carol", None);
    assert_eq!(world.said(), ["leg 0: take transfer", "invite sip:carol@example.com to 8001 by anna"]);
    let ticket = Ticket { handle: 1, number: 2, quiet: false };
    world.input(Input::Summoned { leg: LegNo::CALLER, ticket, status: 200 });
    assert_eq!(world.said(), ["leg 0: told 200 last"]);
}

#[test]
fn the_last_end_of_another_call_comes_over() {
    let mut world = World::meets(None);
    world.sits(0);
    world.sits(1);
    world.ends(1);
    let mut other = World::meets(Some(Whom::User("anna".parse().unwrap())));
    other.call.summary_of_test().reference = CallRef(9);
    world.said();
    let carol = LegNo(1).owner(CallRef(9));
    world.ordered(RoomOrder::Unite(CallRef(9), carol));
    assert_eq!(world.said(), [format!("cede {carol} of {}", CallRef(9))]);
    let estate = other.call.whole_estate(LegNo(1)).unwrap();
    assert!(world.call.whole_estate(LegNo(1)).is_err());
    let told = other.legs[&LegNo(1)].clone();
    world.legs.insert(LegNo(2), told);
    world.input(Input::Inherited(Box::new(estate)));
    let said = world.said();
    assert_eq!(said[..2], [format!("take {} B into B", CallRef(9)), "mix A nothing".into()]);
    world.matched(Side::B, 2);
    assert_eq!(world.call.leg_named(carol), Some(LegNo(2)));
    other.input(Input::Bequeathed(LegNo(u32::MAX)));
    assert!(other.over.is_some());
    reoffers(&mut world, 2, |media| media.set_direction(SendOnly));
    assert_eq!(world.sounds.get(&Side::A), Some(&Sound::Hold));
    world.ends(0);
    world.buried();
}

#[test]
fn after_a_restart_the_room_hears_again_who_is_there() {
    let mut world = World::meets(None);
    world.sits(0);
    world.ends(0);
    world.said();
    let record = serde_json::to_string(world.stored.as_deref().unwrap()).unwrap();
    world.call = Call::restored(serde_json::from_str(&record).unwrap(), Tokens::new([77; 32]));
    world.legs.remove(&LegNo(0));
    world.input(Input::Started);
    assert_eq!(world.said(), ["flow B G722".into(), format!("room 8001: bob enters as {}", member(1))]);
    world.sits(1);
    assert_eq!(world.said(), ["mix B 9"]);
    world.input(Input::RoomBegan(room()));
    assert_eq!(world.said(), [format!("room 8001: bob enters as {}", member(1))]);
    world.input(Input::RoomBegan("other".parse().unwrap()));
    assert!(world.said().is_empty());
}

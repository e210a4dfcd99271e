//! Hold, transfers and the end of calls whose ends are in a room.

use super::*;

crate::call::town::scenes::observed! {
    who_holds_in_a_conference_is_not_heard_there: Conference, Hold,
        "20 and 21 are in a conference, and 21 holds",
        "20 is in the room; 21 is in the room and not heard", || {
            let mut world = seated();
            reoffers(&mut world, 1, |media| media.set_direction(SendOnly));
            ends(world)
        };
    who_was_held_hears_everybody_in_the_conference: Conference, Hold,
        "20 calls 21 and holds; 20 makes a conference of this call and the one it has in front",
        "21 is in the room", || {
            let mut world = World::talking(Setup::default(), phone(2, &ALL));
            reoffers(&mut world, 0, |media| media.set_direction(SendOnly));
            world.takes_reoffer(1);
            assert_eq!(words(&world), "20 talks; 21 hears hold");
            let anna = Whom::User("anna".parse().unwrap());
            world.ordered(RoomOrder::Meet { room: room(), without: Some(anna) });
            world.takes_reoffer(1);
            world.sits(1);
            ends(world)
        };
    a_call_is_parked_in_a_room: Room, BlindTransfer,
        "20 calls 21 and transfers it to the room 8001: it parks there",
        "21 is in the room", || {
            let mut world = World::talking(Setup::default(), phone(2, &ALL));
            parks(&mut world);
            world.sits(1);
            ends(world)
        };
    who_is_parked_behind_a_pin_is_asked_for_it: Room, BlindTransfer,
        "20 calls 21, holds, and transfers it to the room 8001, which has a PIN",
        "21 is asked for the PIN", || {
            let mut world = World::talking(Setup::default(), phone(2, &ALL));
            reoffers(&mut world, 0, |media| media.set_direction(SendOnly));
            world.takes_reoffer(1);
            parks(&mut world);
            world.ordered(RoomOrder::Prompt(member(1), Prompt::AskPin));
            ends(world)
        };
    a_participant_brings_its_other_call: Conference, AttendedTransfer,
        "20 is in the room 8001, has a second call, and asks the room for its far end",
        "20 is in the room; the other call comes to 8001", || {
            let mut world = entered();
            world.said();
            world.refers(0, "91", Some(LegNo(0).owner(CallRef(9))));
            let brought = world.said().iter().any(|said| said.starts_with("summon ") && said.ends_with(" to 8001"));
            let then = if brought { "comes to 8001" } else { "stays where it is" };
            format!("{}; the other call {then}", ends(world))
        };
    a_participant_has_somebody_called: Conference, BlindTransfer,
        "20 is in the room 8001 and asks it to call 91",
        "20 is in the room; 91 is called into 8001", || {
            let mut world = entered();
            world.said();
            world.refers(0, "91", None);
            let called = world.said().contains(&"invite sip:91@example.com to 8001 by anna".into());
            let then = if called { "is called into 8001" } else { "is not called" };
            format!("{}; 91 {then}", ends(world))
        };
    an_emergency_call_takes_the_channels_of_a_conference: Room, Emergency,
        "20 talks with 21 in a room; their call is ended to make room for an emergency call",
        "the call is over", || {
            let mut world = seated();
            world.input(Input::HangUp(Cause::preempted()));
            ends(world)
        };
    one_that_leaves_leaves_the_other_in_the_room: Room, Hold,
        "20 and 21 are in a room; 21 holds, and 20 hangs up; 21 resumes",
        "21 is in the room", || {
            let mut world = seated();
            reoffers(&mut world, 1, |media| media.set_direction(SendOnly));
            world.ends(0);
            reoffers(&mut world, 1, |media| media.set_direction(SendRecv));
            ends(world)
        };
    a_call_becomes_part_of_a_lync_conference: LyncConference, Hold,
        "20 calls 21 and holds; 20's calls become a conference of the pool, whose mixer answers",
        "20 and the mixer talk", || {
            let mut world = World::talking(Setup::default(), phone(2, &ALL));
            reoffers(&mut world, 0, |media| media.set_direction(SendOnly));
            world.takes_reoffer(1);
            convened(&mut world);
            world.answers(2, phone(3, &ALL));
            settled(world)
        };
    a_lync_conference_that_does_not_take_the_call_gives_it_back: LyncConference, Hold,
        "20 calls 21; 20's calls become a conference of the pool, whose mixer refuses",
        "20 and 21 talk", || {
            let mut world = World::talking(Setup::default(), phone(2, &ALL));
            convened(&mut world);
            world.refuses(2, 503);
            settled(world)
        };
}

/// 20's calls become a conference of the pool; its mixer is dialled.
fn convened(world: &mut World) {
    world.input(Input::Convene("anna".parse().unwrap(), "sip:mixer@example.com".into()));
    world.routes_to(vec![vec![north("mixer", 1)]]);
}

/// Who talks with whom; and then everybody hangs up.
fn settled(mut world: World) -> String {
    for leg in world.call.open_ends() {
        if world.legs.get(&leg).is_some_and(|told| told.reoffer.is_some()) {
            world.takes_reoffer(leg.0);
        }
    }
    let summary = world.call.summary();
    let name = |number: &str| match number {
        "anna" => "20".to_owned(),
        "bob" => "21".to_owned(),
        other => format!("the {other}"),
    };
    let (one, other) = (name(&summary.caller.number), name(&summary.callee.number));
    let words = match world.call.is_over() {
        true => "the call is over".into(),
        false => format!("{one} and {other} talk"),
    };
    if let Some(leg) = world.call.open_ends().first() {
        world.ends(leg.0);
    }
    world.all_close();
    assert!(world.call.is_over() && world.call.deadline().is_none(), "nothing stays behind");
    words
}

fn seated() -> World {
    let mut world = World::meets(None);
    world.sits(0);
    world.sits(1);
    world
}

/// 20 alone has dialled the room.
fn entered() -> World {
    let mut world = World::new(Setup { about: in_room(), attempts: Vec::new(), ..Setup::default() });
    world.grant();
    world.acknowledges();
    world.sits(0);
    world
}

fn parks(world: &mut World) {
    world.refers(0, "8001", None);
    let grant = Admitted { attempts: Vec::new(), about: in_room(), ..world.grant.clone() };
    world.input(Input::Admitted(Box::new(grant)));
    if world.legs.get(&LegNo(1)).is_some_and(|told| told.reoffer.is_some()) {
        world.takes_reoffer(1);
    }
}

/// What is; and then everybody hangs up, and nothing may be left.
fn ends(mut world: World) -> String {
    let words = words(&world);
    for leg in world.call.open_ends() {
        world.ends(leg.0);
    }
    world.buried();
    words
}

fn words(world: &World) -> String {
    if world.call.is_over() || world.over.is_some() {
        return "the call is over".into();
    }
    let ends = world.call.open_ends().into_iter().map(|leg| {
        let side = world.call.side_of_test(leg);
        let who = if side == Side::A { "20" } else { "21" };
        match (world.mixes.get(&side), world.sounds.get(&side)) {
            (Some((_, false)), None) => format!("{who} is in the room"),
            (Some((_, true)), None) => format!("{who} is in the room and not heard"),
            (_, Some(Sound::AskPin)) => format!("{who} is asked for the PIN"),
            (_, Some(sound)) => format!("{who} hears {}", format!("{sound:?}").to_lowercase()),
            (None, None) => format!("{who} talks"),
        }
    });
    ends.collect::<Vec<_>>().join("; ")
}

//! Conferences that fill, empty and ask for a PIN.

use super::*;

crate::call::town::scenes::observed! {
    a_full_room_tells_the_next_one_busy: Room, Room,
        "20, 21, 22 and 30 are in a room for four; 90 dials it",
        "20, 21, 22, 30 are inside; 90 is told 486", || {
            let mut world = World::new(room(RoomKind::MeetMe, None));
            [20, 21, 22, 30].into_iter().for_each(|who| _ = world.enters(who, who));
            let then = world.enters(90, 90);
            words(&world, &then)
        };
    who_dials_a_room_is_asked_for_the_pin_and_who_is_brought_is_not: Room, Conference,
        "20 talks with 21, and both are made part of a room with a PIN; 22 dials it",
        "20, 21 are inside; 22 is asked for the PIN", || {
            let mut world = World::new(room(RoomKind::MeetMe, Some("4711")));
            [20, 21].into_iter().for_each(|who| _ = world.comes(who, 20, true));
            let then = world.enters(22, 22);
            words(&world, &then)
        };
    two_that_are_left_of_a_conference_are_a_call: Conference, Conference,
        "20 makes a conference of its calls with 21 and 90; 20 hangs up",
        "the two others talk in one call; the conference is over", || {
            let mut world = World::new(room(RoomKind::AdHoc, None));
            [(20, 1), (21, 1), (90, 2)].into_iter().for_each(|(who, call)| _ = world.enters(who, call));
            let then = world.hears(Input::Left(OwnerId(20)));
            words(&world, &then)
        };
    a_conference_ends_with_its_last_two_calls: Conference, Emergency,
        "20 makes a conference of its calls with 21 and 90; the call of 20 and 21 is ended to make room for an emergency call",
        "90 is sent away; the conference is over", || {
            let mut world = World::new(room(RoomKind::AdHoc, None));
            [(20, 1), (21, 1), (90, 2)].into_iter().for_each(|(who, call)| _ = world.enters(who, call));
            let then = world.hears(Input::CallGone(CallRef(1)));
            words(&world, &then)
        };
}

fn words(world: &World, then: &[Output]) -> String {
    let inside: Vec<_> = world.inside().iter().map(u64::to_string).collect();
    let inside = (!inside.is_empty()).then(|| format!("{} are inside", inside.join(", ")));
    let ordered = then.iter().filter_map(|output| match output {
        Output::Call(_, RoomOrder::Dismiss(who, cause)) if cause.status == 200 => {
            Some(format!("{} is sent away", who.0))
        }
        Output::Call(_, RoomOrder::Dismiss(who, cause)) => {
            Some(format!("{} is told {}", who.0, cause.status))
        }
        Output::Call(_, RoomOrder::Prompt(who, Prompt::AskPin)) => {
            Some(format!("{} is asked for the PIN", who.0))
        }
        Output::Call(_, RoomOrder::Part | RoomOrder::Unite(..)) => {
            Some("the two others talk in one call".into())
        }
        Output::Over => Some("the conference is over".into()),
        _ => None,
    });
    inside.into_iter().chain(ordered).collect::<Vec<_>>().join("; ")
}

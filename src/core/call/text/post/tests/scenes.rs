//! Texts and alarms that meet handsets which are away or do not want them.

use super::*;

crate::call::town::scenes::observed! {
    a_text_waits_for_who_is_out_of_range: Text, Handover,
        "21 is out of range; the desk writes to 21; ten minutes later 21 is back",
        "21: waiting, then delivered", || {
            let mut world = World::new(&[]);
            let id = world.submit(draft(&["21"]));
            world.run(600);
            let before = words(&world, id);
            world.handsets.insert("21", 200);
            world.give(PostInput::Reachable(user("21"))).unwrap();
            then(&before, &words(&world, id))
        };
    a_text_waits_for_a_handset_that_is_quiet: Text, DoNotDisturb,
        "21's handset itself is quiet and answers 486; the desk writes to 21; a minute later it is quiet no more",
        "21: waiting, then delivered", || {
            let mut world = World::new(&[("21", 486)]);
            let id = world.submit(draft(&["21"]));
            let before = words(&world, id);
            world.run(60);
            world.handsets.insert("21", 200);
            world.run(600);
            then(&before, &words(&world, id))
        };
    an_alarm_passes_who_is_quiet_by: Alarm, DoNotDisturb,
        "21's handset itself is quiet and answers 486; an alarm for 21, and after 30 s for 22; 22 confirms",
        "21: waiting, then 21: unneeded, 22: confirmed", || {
            let mut world = World::new(&[("21", 486), ("22", 200)]);
            let id = world.submit(alarm(&["21"], &[&["22"]]));
            let before = words(&world, id);
            world.run(31);
            world.give(PostInput::Answer { by: user("22"), text: None }).unwrap();
            world.run(300);
            then(&before, &words(&world, id))
        };
    an_alarm_is_confirmed_and_not_the_text_before_it: Alarm, Text,
        "the desk writes to 21, and an alarm follows; 21 answers",
        "21: delivered, then 21: confirmed", || {
            let mut world = World::new(&[("21", 200), ("22", 200)]);
            let text = world.submit(draft(&["21"]));
            let id = world.submit(alarm(&["21"], &[&["22"]]));
            world.give(PostInput::Answer { by: user("21"), text: None }).unwrap();
            world.run(300);
            format!("{}, then {}", words(&world, text), words(&world, id))
        };
    an_alarm_rings_although_the_user_is_quiet: Alarm, DoNotDisturb,
        "an alarm for 21, who does not want to be disturbed; 21 answers and presses 1",
        "21 rings; then 21: confirmed", || {
            // The call is the switch's own, which asks nobody what he has set (core/call/route.rs).
            let mut world = World::new(&[("21", 200)]);
            let id = world.submit(alarm(&["21"], &[&["22"]]));
            let rings = world.ringing().join(", ");
            world.rung("21", HouseFate::Confirmed);
            format!("{rings} rings; then {}", words(&world, id))
        };
    an_alarm_is_told_to_many_and_answered_by_one: Alarm, Alarm,
        "an alarm for 20, 21 and 22 rings; 20 hears it and presses nothing, 21 presses 1",
        "20, 21, 22 ring, then nobody; 20: read, 21: confirmed, 22: delivered", || {
            let mut world = World::new(&[("20", 200), ("21", 200), ("22", 200)]);
            let id = world.submit(alarm(&["20", "21", "22"], &[&["30"]]));
            let rings = world.ringing().join(", ");
            world.rung("20", HouseFate::Heard);
            world.rung("21", HouseFate::Confirmed);
            let still = if world.ringing().is_empty() { "nobody".into() } else { world.ringing().join(", ") };
            format!("{rings} ring, then {still}; {}", words(&world, id))
        };
    two_alarms_are_answered_one_by_one: Alarm, Alarm,
        "two alarms for 21, and after 30 s for 22; 21 answers once",
        "21: delivered, 22: delivered, then 21: confirmed", || {
            let mut world = World::new(&[("21", 200), ("22", 200)]);
            let first = world.submit(alarm(&["21"], &[&["22"]]));
            world.run(1);
            let second = world.submit(alarm(&["21"], &[&["22"]]));
            world.give(PostInput::Answer { by: user("21"), text: None }).unwrap();
            world.run(60);
            format!("{}, then {}", words(&world, first), words(&world, second))
        };
}

fn words(world: &World, id: TextId) -> String {
    let standings = world.standings(id).into_iter();
    let words = standings.map(|(who, standing)| format!("{who}: {}", format!("{standing:?}").to_lowercase()));
    words.collect::<Vec<_>>().join(", ")
}

/// One recipient's name once.
fn then(before: &str, after: &str) -> String {
    let alone =
        |words: &str| words.split_once(": ").filter(|_| !words.contains(',')).map(|(_, how)| how.to_owned());
    match (alone(before), alone(after)) {
        (Some(_), Some(how)) => format!("{before}, then {how}"),
        _ => format!("{before}, then {after}"),
    }
}

//! Forwards that depend on what the handset says, and feature codes.

use super::super::*;
use super::world::*;
use crate::call::forward::{ForwardReason, Forwarding};

fn forwarding(set: impl FnOnce(&mut Forwarding)) -> Setup {
    let mut forwarding = Forwarding::default();
    set(&mut forwarding);
    let forwards = forwarding.later(&"bob".parse().unwrap());
    Setup { about: About { forwards, ..About::default() }, ..Setup::default() }
}

fn refuses(world: &mut World, leg: u32, status: u16, contacts: &[&str]) {
    let contacts = contacts.iter().map(|contact| (*contact).to_owned()).collect();
    world.news(leg, LegNews::Refused { cause: Cause::of_status(status, "x"), contacts, route_failed: false });
}

/// As the router answers a forward of bob's.
fn by_bob(reason: ForwardReason) -> About {
    let trail = vec![Diversion { from: "bob".into(), reason }];
    About { trail, ..About::default() }
}

#[test]
fn a_busy_handset_s_call_goes_on_with_the_same_media_and_the_trail_is_kept() {
    let mut world = World::dialling(forwarding(|set| set.busy = Some("carol".into())));
    refuses(&mut world, 1, 486, &[]);
    assert_eq!(world.said(), ["release 1", "leg 0: 181", "divert carol busy"]);
    world.grant_way(vec![vec![handset("carol")]], by_bob(ForwardReason::UserBusy));
    assert_eq!(world.said(), ["dial 2 carol"]);
    world.answers(2, phone(2, &ALL));
    assert_eq!(world.said().last().unwrap(), "leg 0: accept");
    assert_eq!(world.call.summary().trail.len(), 1);
    assert_eq!(world.call.summary().callee.number, "carol");
}

#[test]
fn a_handset_that_nobody_answers_stops_ringing_and_the_call_goes_on() {
    let mut world = World::dialling(forwarding(|set| set.no_answer = Some("carol".into())));
    world.progress(1, 180);
    world.said();
    world.pass(19);
    assert!(world.said().is_empty());
    world.pass(2);
    assert_eq!(world.said(), ["leg 1: hang up q19", "release 1", "leg 0: 181", "divert carol no answer"]);
    world.grant_way(vec![vec![north("carol", 1)]], by_bob(ForwardReason::NoAnswer));
    world.progress(2, 180);
    assert_eq!(world.said(), ["dial 2 carol", "leg 0: 180"], "the caller hears that it rings again");
    world.pass(60);
    assert!(world.said().is_empty(), "the time to answer was bob's");
}

#[test]
fn a_handset_that_is_answered_in_time_is_not_forwarded() {
    let setup = forwarding(|set| set.no_answer = Some("carol".into()));
    let mut world = World::talking(setup, phone(2, &ALL));
    world.pass(60);
    assert!(world.said().is_empty());
}

#[test]
fn a_handset_out_of_range_forwards_and_one_that_rejects_does_not() {
    let set = || forwarding(|set| (set.out_of_range, set.busy) = (Some("o".into()), Some("b".into())));
    for (status, divert) in [(480, "divert o out of range"), (408, "divert o out of range")] {
        let mut world = World::dialling(set());
        refuses(&mut world, 1, status, &[]);
        assert_eq!(world.said().last().unwrap(), divert);
    }
    let mut world = World::dialling(set());
    refuses(&mut world, 1, 603, &[]);
    assert_eq!(world.said().last().unwrap(), "over");
    world.buried();
}

#[test]
fn a_handset_of_which_nothing_is_heard_is_out_of_range_though_it_is_registered() {
    let set = || forwarding(|set| set.out_of_range = Some("carol".into()));
    let mut world = World::dialling(set());
    world.pass(7);
    assert!(world.said().is_empty());
    world.pass(2);
    assert_eq!(world.said(), ["leg 1: hang up q20", "release 1", "leg 0: 181", "divert carol out of range"]);
    // One that rings may ring as long as it likes, and without a forward silence ends nothing.
    let mut world = World::dialling(set());
    world.progress(1, 180);
    world.said();
    world.pass(60);
    assert!(world.said().is_empty());
    let mut world = World::dialling(Setup::default());
    world.pass(60);
    assert!(world.said().is_empty());
}

#[test]
fn a_handset_may_send_a_call_on_with_the_rights_of_its_user() {
    let mut world = World::dialling(forwarding(|_| {}));
    refuses(&mut world, 1, 302, &["sip:carol@example.com"]);
    assert_eq!(world.said().last().unwrap(), "divert sip:carol@example.com sent on by the handset");
    // A call back of an emergency desk has no forwards at all.
    let mut world = World::dialling(Setup::default());
    refuses(&mut world, 1, 302, &["sip:carol@example.com"]);
    assert_eq!(world.said().last().unwrap(), "over");
}

#[test]
fn a_forward_that_leads_nowhere_ends_with_the_handset_s_own_reason() {
    let mut world = World::dialling(forwarding(|set| set.busy = Some("carol".into())));
    refuses(&mut world, 1, 486, &[]);
    world.said();
    world.input(Input::Denied(Cause::of_status(482, "loop")));
    assert_eq!(world.said(), ["leg 0: reject 486 q17", "over"]);
    world.buried();
}

#[test]
fn a_second_forward_follows_the_first_as_the_router_says() {
    let mut world = World::dialling(forwarding(|set| set.busy = Some("carol".into())));
    refuses(&mut world, 1, 486, &[]);
    let carol = Forwarding { no_answer: Some("dora".into()), no_answer_seconds: 5, ..Forwarding::default() };
    let forwards = carol.later(&"carol".parse().unwrap());
    world.grant_way(vec![vec![handset("carol")]], About { forwards, ..by_bob(ForwardReason::UserBusy) });
    world.said();
    world.pass(6);
    assert_eq!(world.said().last().unwrap(), "divert dora no answer");
}

#[test]
fn a_caller_who_gives_up_while_a_way_is_sought_ends_the_call() {
    let mut world = World::dialling(forwarding(|set| set.busy = Some("carol".into())));
    refuses(&mut world, 1, 486, &[]);
    world.news(0, LegNews::Ended { cause: Cause::normal() });
    let late = Input::Admitted(Box::new(world.call.grant.as_deref().unwrap().clone()));
    assert!(world.try_input(late).is_err());
    world.buried();
}

#[test]
fn a_feature_code_is_answered_and_the_switch_hangs_up() {
    let about = About { confirms: true, ..About::default() };
    for offers in [true, false] {
        let setup = Setup { attempts: Vec::new(), about: about.clone(), offers, ..Setup::default() };
        let mut world = World::new(setup);
        world.grant();
        let said = world.said();
        assert_eq!(said[said.len() - 2..], ["leg 0: accept", "play A Confirmation"]);
        world.pass(2);
        assert_eq!(world.said(), ["leg 0: hang up q16", "over"]);
        world.buried();
    }
}

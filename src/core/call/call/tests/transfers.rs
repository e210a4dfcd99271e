//! Transfers: blind, attended, semi-attended, and everything that may cross them.

use super::super::*;
use super::reoffers::reoffers;
use super::world::*;
use crate::call::Party;
use crate::id::{CallRef, OwnerId};
use crate::media::Direction::{SendOnly, SendRecv};

/// Anna, a handset, has called Bob, another one.
fn talking() -> World {
    World::talking(Setup::default(), phone(2, &ALL))
}

/// Anna holds Bob and wants him connected with Carol, whom the switch dials.
fn dialling() -> World {
    let mut world = talking();
    reoffers(&mut world, 0, |media| media.set_direction(SendOnly));
    world.takes_reoffer(1);
    world.refers(0, "carol", None);
    world.routes_to(vec![vec![handset("carol")]]);
    world.said();
    world
}

fn parties(world: &World) -> (&str, &str) {
    let summary = world.call.summary();
    (&summary.caller.number, &summary.callee.number)
}

#[test]
fn a_blind_transfer_connects_the_held_end_with_who_answers() {
    let mut world = talking();
    world.refers(0, "carol", None);
    let asked =
        ["leg 0: take transfer", "leg 0: told 100", "play B Hold", "route sip:carol@example.com by anna"];
    assert_eq!(world.said(), asked);
    assert_eq!(world.stored.as_deref(), Some(&world.call), "what was accepted is on disk");
    world.routes_to(vec![vec![handset("carol")]]);
    assert_eq!(world.said(), ["dial 2 carol"]);
    world.progress(2, 180);
    assert_eq!(world.said(), ["leg 0: told 180", "play B Ringing"]);
    world.answers(2, phone(3, &ALL));
    let done = ["leg 0: told 200 last", "leg 0: hang up q16", "free anna", "flow A G722", "play B nothing"];
    assert_eq!(world.said(), done);
    world.matched(Side::A, 2);
    assert_eq!(parties(&world), ("carol", "bob"));
    let summary = world.call.summary();
    assert_eq!(summary.began_with, Some(("anna".into(), "bob".into())));
    assert_eq!((summary.handed_over[0].by.as_str(), summary.handed_over[0].to.as_str()), ("anna", "carol"));
    assert_eq!(world.stored.as_deref(), Some(&world.call));
    world.news(0, LegNews::Closed);
    // From here on it is a call like any other.
    reoffers(&mut world, 2, |media| media.set_direction(SendOnly));
    assert_eq!(world.sounds.get(&Side::B), Some(&Sound::Hold));
    world.ends(1);
    assert_eq!(world.said().last().unwrap(), "over");
    world.buried();
}

#[test]
fn the_callee_transfers_the_caller_just_as_well() {
    let mut world = talking();
    world.refers(1, "carol", None);
    assert_eq!(world.said().last().unwrap(), "route sip:carol@example.com by bob");
    world.routes_to(vec![vec![handset("carol")]]);
    world.answers(2, phone(3, &ALL));
    world.matched(Side::B, 2);
    world.matched(Side::A, 0);
    assert_eq!(parties(&world), ("anna", "carol"));
    world.ends(0);
    world.buried();
}

#[test]
fn who_is_held_gets_its_voice_back_with_the_new_one() {
    let mut world = dialling();
    world.answers(2, phone(3, &ALL));
    let said = world.said();
    assert!(said.contains(&"leg 1: reoffer".to_owned()), "{said:?}");
    world.takes_reoffer(1);
    world.matched(Side::A, 2);
    world.matched(Side::B, 1);
    assert_eq!(world.flows[&Side::B].direction, SendRecv);
    assert!(world.sounds.is_empty());
}

#[test]
fn a_transfer_that_fails_gives_the_call_back() {
    let mut world = dialling();
    world.refuses(2, 486);
    // Still held, as it was before.
    assert_eq!(world.said(), ["release 2", "leg 0: told 486 last"]);
    assert_eq!(world.sounds.get(&Side::B), Some(&Sound::Hold));
    reoffers(&mut world, 0, |media| media.set_direction(SendRecv));
    world.takes_reoffer(1);
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
    assert!(world.sounds.is_empty());
    assert_eq!(parties(&world), ("anna", "bob"));
    // And it can be tried again.
    world.refers(0, "dave", None);
    world.routes_to(vec![vec![handset("dave")]]);
    world.answers(3, phone(4, &ALL));
    world.matched(Side::A, 3);
}

#[test]
fn a_target_that_may_not_be_called_is_told_as_such() {
    let mut world = talking();
    world.refers(0, "carol", None);
    world.said();
    world.input(Input::Denied(Cause::of_status(403, "barred")));
    assert_eq!(world.said(), ["leg 0: told 403 last", "play B nothing"]);
    world.matched(Side::A, 0);
}

#[test]
fn a_referrer_that_hangs_up_leaves_its_transfer_behind() {
    for answers in [true, false] {
        let mut world = dialling();
        world.ends(0);
        assert_eq!(world.said(), ["free anna"]);
        assert_eq!(world.sounds.get(&Side::B), Some(&Sound::Hold));
        if answers {
            world.answers(2, phone(3, &ALL));
            world.takes_reoffer(1);
            world.matched(Side::A, 2);
            world.matched(Side::B, 1);
            world.ends(2);
        } else {
            world.refuses(2, 486);
            assert_eq!(world.said(), ["release 2", "leg 1: hang up q17", "over"]);
        }
        world.buried();
    }
}

#[test]
fn who_waits_may_hang_up() {
    let mut world = dialling();
    world.ends(1);
    assert_eq!(world.said(), ["leg 0: told 487 last", "leg 0: hang up q16", "leg 2: hang up q16", "over"]);
    world.buried();
}

#[test]
fn an_administrator_ends_all_of_it() {
    let mut world = dialling();
    world.input(Input::HangUp(Cause::of_status(480, "admin")));
    world.buried();
}

#[test]
fn nobody_rings_for_ever() {
    let mut world = dialling();
    for _ in 0..3 {
        world.progress(2, 180);
        world.wait(50);
    }
    world.said();
    world.wait(31);
    assert_eq!(world.said(), ["leg 2: hang up q19", "release 2", "leg 0: told 480 last", "play B Hold"]);
    assert!(world.over.is_none());
}

#[test]
fn to_oneself_to_who_is_there_and_twice_at_once_is_refused_with_words() {
    let mut world = talking();
    world.refers(0, "anna", None);
    world.refers(0, "bob", None);
    let said = world.said();
    assert_eq!(said[0], "leg 0: refuse transfer 603: a call cannot be transferred to who transfers it");
    assert_eq!(said[1], "leg 0: refuse transfer 482: a call cannot be transferred to who is in it");
    let mut world = dialling();
    world.refers(0, "dave", None);
    assert_eq!(world.said(), ["leg 0: refuse transfer 603: another transfer of this call is under way"]);
    let mut world = World::dialling(Setup::default());
    world.refers(0, "carol", None);
    assert_eq!(world.said(), ["leg 0: refuse transfer 603: the call cannot be transferred now"]);
}

#[test]
fn a_call_is_handed_on_only_so_often() {
    let mut world = talking();
    let mut at_a = 0;
    for round in 0..16 {
        world.refers(at_a, &format!("n{round}"), None);
        world.routes_to(vec![vec![handset(&format!("n{round}"))]]);
        let next = 2 + round;
        world.answers(next, phone(3, &ALL));
        world.news(at_a, LegNews::Closed);
        at_a = next;
    }
    world.said();
    world.refers(at_a, "more", None);
    assert_eq!(
        world.said(),
        [format!("leg {at_a}: refuse transfer 482: the call was transferred too often")]
    );
    world.ends(1);
    world.buried();
}

#[test]
fn all_its_handsets_ring_and_the_others_stop() {
    let mut world = talking();
    world.refers(0, "carol", None);
    world.routes_to(vec![vec![handset("c1"), handset("c2")]]);
    world.said();
    world.answers(3, phone(3, &ALL));
    let said = world.said();
    assert_eq!(said[..2], ["leg 2: hang up q26", "release 2"]);
    world.matched(Side::A, 3);
}

#[test]
fn the_new_one_is_offered_only_what_goes_with_the_one_who_stays() {
    let mut world = World::talking(Setup::default(), phone(2, &[Pcma]));
    world.refers(0, "carol", None);
    world.routes_to(vec![vec![handset("carol")]]);
    let offer = world.told_to(2).offer.clone().unwrap();
    let reviewed = phone(5, &ALL).media.review(&offer.content_type, &offer.bytes).unwrap();
    assert_eq!(reviewed.codecs, [Pcma, Pcmu]);
}

#[test]
fn after_a_restart_the_referrer_is_told_that_it_failed() {
    let mut world = dialling();
    let record = serde_json::to_string(world.stored.as_deref().unwrap()).unwrap();
    world.call = Call::restored(serde_json::from_str(&record).unwrap(), Tokens::new([77; 32]));
    world.sounds.clear();
    world.legs.remove(&LegNo(2));
    world.input(Input::Started);
    let said = world.said();
    assert_eq!(said, ["flow A G722", "flow B G722", "leg 0: told 503 last", "play B Hold"]);
    assert_eq!(world.stored.as_deref(), Some(&world.call));
}

// Attended.

/// Anna's other call, with Carol: she called, or was called.
fn other_call(anna_called: bool) -> World {
    let mut other =
        World::talking(Setup { attempts: vec![vec![handset("carol")]], ..Setup::default() }, phone(5, &ALL));
    if !anna_called {
        other.call.summary_of_test().caller.number = "carol".into();
    }
    other
}

fn estate_of(other: &mut World, leg: u32) -> Estate {
    let reference = CallRef(9);
    other.call.summary_of_test().reference = reference;
    other.call.estate(LegNo(leg)).unwrap()
}

/// The legs of another call as this world knows them.
fn lend(world: &mut World, other: &World, leg: u32, from: u32) {
    let told = other.legs[&LegNo(from)].clone();
    world.legs.insert(LegNo(leg), told);
}

#[test]
fn an_attended_transfer_takes_the_other_calls_far_end_with_its_media() {
    for (leg, far, side) in [(0, 1, Side::B), (1, 0, Side::A)] {
        let mut other = other_call(leg == 0);
        reoffers(&mut other, leg, |media| media.set_direction(SendOnly));
        other.takes_reoffer(far);
        let estate = estate_of(&mut other, leg);
        let owner = estate.owners()[0];
        let mut world = talking();
        world.refers(0, "carol", Some(OwnerId(0x900 | u64::from(leg))));
        assert_eq!(world.said()[3], format!("inherit {}", OwnerId(0x900 | u64::from(leg))));
        lend(&mut world, &other, 2, far);
        world.input(Input::Inherited(Box::new(estate)));
        let said = world.said();
        let taken = format!("take {} {side:?} into A", CallRef(9));
        assert_eq!(said[..4], [&taken, "leg 0: told 200 last", "leg 0: hang up q16", "free anna"]);
        assert!(said.contains(&"leg 2: reoffer".to_owned()), "Carol is not held any more: {said:?}");
        world.takes_reoffer(2);
        assert_eq!(world.flows[&Side::A].direction, SendRecv);
        assert_eq!(world.call.leg_named(owner), Some(LegNo(2)));
        assert_eq!(parties(&world), ("carol", "bob"));
        assert_eq!(world.stored.as_deref(), Some(&world.call));
        other.said();
        // The other call ends, and does not touch what it gave away.
        other.legs.get_mut(&LegNo(far)).unwrap().ended = true;
        other.input(Input::Bequeathed(LegNo(leg)));
        let said = other.said();
        assert_eq!(said, [format!("leg {leg}: hang up q16"), "over".to_owned()]);
        world.ends(2);
        world.buried();
    }
}

#[test]
fn the_ports_of_the_ends_are_those_that_they_were_told() {
    let mut other = other_call(true);
    let estate = estate_of(&mut other, 0);
    let mut world = talking();
    world.refers(0, "carol", Some(OwnerId(0x900)));
    lend(&mut world, &other, 2, 1);
    assert_eq!(world.call.ports(), [Some(30000), Some(30002)]);
    world.input(Input::Inherited(Box::new(estate)));
    assert_eq!(
        world.call.ports(),
        [Some(30002), Some(30002)],
        "both worlds of this test have the same ports"
    );
}

#[test]
fn a_semi_attended_transfer_goes_on_ringing() {
    let setup = Setup { attempts: vec![vec![handset("carol")], vec![handset("more")]], ..Setup::default() };
    let mut other = World::dialling(setup);
    other.progress(1, 180);
    let estate = estate_of(&mut other, 0);
    assert_eq!(estate.bases().len(), 1);
    let mut world = talking();
    world.refers(0, "carol", Some(OwnerId(0x900)));
    world.said();
    lend(&mut world, &other, 2, 1);
    world.input(Input::Inherited(Box::new(estate)));
    assert_eq!(world.said(), [&format!("take {} B into A", CallRef(9)), "leg 0: told 180", "play B Ringing"]);
    world.ends(0);
    world.answers(2, phone(5, &ALL));
    world.matched_by(Side::A, 2, 30002);
    assert_eq!(parties(&world), ("carol", "bob"));
    other.legs.get_mut(&LegNo(1)).unwrap().ended = true;
    other.said();
    other.input(Input::Bequeathed(LegNo(0)));
    assert_eq!(other.said(), ["leg 0: reject 487 q16", "over"]);
}

#[test]
fn a_semi_attended_transfer_that_fails_tells_the_referrer_its_new_port() {
    let mut other = World::dialling(Setup { attempts: vec![vec![handset("carol")]], ..Setup::default() });
    other.progress(1, 180);
    let estate = estate_of(&mut other, 0);
    let mut world = talking();
    world.refers(0, "carol", Some(OwnerId(0x900)));
    lend(&mut world, &other, 2, 1);
    world.input(Input::Inherited(Box::new(estate)));
    world.said();
    // The socket towards Anna went when Carol's came: what she still sends to it nobody hears.
    world.refuses(2, 486);
    let said = world.said();
    assert_eq!(said[..4], ["release 2", "leg 0: told 486 last", "flow A G722", "leg 0: reoffer"]);
    world.takes_reoffer(0);
    world.matched_by(Side::A, 0, 30002);
    assert_eq!(world.said().iter().filter(|line| *line == "leg 0: reoffer").count(), 0);
    world.ends(1);
    world.buried();
}

#[test]
fn a_refused_change_of_codec_is_not_asked_for_again_and_again() {
    let setup = || Setup { attempts: vec![vec![handset("carol")]], ..Setup::default() };
    let mut other = World::talking(setup(), phone(5, &[G722]));
    let estate = estate_of(&mut other, 0);
    let bob_only = Setup { caller: phone(1, &[Pcma]), ..Setup::default() };
    let mut world = World::talking(bob_only, phone(2, &[Pcma]));
    world.refers(1, "carol", Some(OwnerId(0x900)));
    lend(&mut world, &other, 2, 1);
    world.input(Input::Inherited(Box::new(estate)));
    // Carol speaks G.722 alone, Anna G.711 alone: each is asked once.
    world.news(0, LegNews::ReofferAnswered { body: None });
    let said = world.said();
    assert_eq!(said.iter().filter(|line| *line == "leg 0: reoffer").count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|line| *line == "leg 2: reoffer").count(), 1, "{said:?}");
    world.news(2, LegNews::ReofferAnswered { body: None });
    assert!(world.said().is_empty(), "they are translated");
    world.ends(0);
    world.buried();
}

#[test]
fn a_dialog_that_is_none_of_ours_is_dialled_with_replaces() {
    let mut world = talking();
    world.refers(0, "carol", Some(OwnerId(0x900)));
    world.said();
    world.input(Input::NotOurs);
    assert_eq!(world.said(), ["route sip:carol@example.com by anna"]);
    world.routes_to(vec![vec![north("carol", 1)]]);
    assert!(world.call.referral().unwrap().replaces.is_some());
}

#[test]
fn legs_that_come_too_late_are_not_taken() {
    let mut other = other_call(true);
    let estate = estate_of(&mut other, 0);
    let mut world = talking();
    world.refers(0, "carol", Some(OwnerId(0x900)));
    world.ends(1);
    assert!(world.try_input(Input::Inherited(Box::new(estate))).is_err());
    world.buried();
    // The other call still has them.
    other.ends(0);
    other.buried();
}

#[test]
fn a_call_with_nothing_to_leave_says_so() {
    let world = World::dialling(Setup::default());
    assert!(world.call.estate(LegNo(1)).is_err());
    assert!(dialling().call.estate(LegNo(0)).is_err(), "it is being transferred itself");
    let mut over = talking();
    over.ends(0);
    assert!(over.call.estate(LegNo(1)).is_err());
}

// INVITE with Replaces.

fn joining(world: &World, replaced: Result<u32, u16>, offer: Option<Body>) -> Input {
    let replaced = replaced.map(LegNo).map_err(|status| Cause::of_status(status, "no"));
    let grant = &world.grant;
    Input::Joining(
        world.call.next_leg(),
        Box::new(Joining {
            replaced,
            party: Party {
                number: "dave".into(),
                base: Some(crate::id::BaseStationId("dave".into())),
                ..Party::default()
            },
            facing: Facing::South,
            offer,
            ports: (30000, 30002),
            address: grant.address_a,
            codecs: ALL.to_vec(),
            srtp: grant.srtp.0,
            habits: Default::default(),
            ice: Default::default(),
        }),
    )
}

fn joins(world: &mut World, replaced: Result<u32, u16>, offers: bool) -> u32 {
    let mut dave = phone(6, &ALL);
    let offer = offers.then(|| dave.offer());
    let leg = world.call.next_leg();
    let input = joining(world, replaced, offer);
    world.legs.insert(leg, Told { far: Some(dave), ..Told::default() });
    world.input(input);
    world.news(leg.0, LegNews::Invited);
    leg.0
}

#[test]
fn an_invite_with_replaces_takes_the_place_of_either_end() {
    for (old, stays, side, base) in [(0, 1, Side::A, "free anna"), (1, 0, Side::B, "release 1")] {
        let mut world = talking();
        let leg = joins(&mut world, Ok(old), true);
        let said = world.said();
        assert_eq!(said[..2], ["leg 2: accept".to_owned(), format!("leg {old}: hang up q16")]);
        assert!(said.contains(&base.to_owned()));
        let answer = world.told_to(leg).reoffer.clone().unwrap();
        world.far(leg).accept(&answer);
        world.news(leg, LegNews::Acknowledged { body: None });
        world.matched(side, leg);
        world.matched(side.other(), stays);
        world.ends(leg);
        world.buried();
    }
}

#[test]
fn one_without_offer_gets_ours() {
    let mut world = talking();
    let leg = joins(&mut world, Ok(0), false);
    let offer = world.told_to(leg).reoffer.clone().unwrap();
    let body = world.far(leg).answer(&offer);
    world.news(leg, LegNews::Acknowledged { body: Some(body) });
    world.matched(Side::A, leg);
}

#[test]
fn a_call_that_rings_is_picked_up_from_elsewhere() {
    let mut world = World::dialling(Setup::default());
    world.progress(1, 180);
    world.said();
    let leg = joins(&mut world, Ok(1), true);
    let said = world.said();
    let expected =
        ["flow A G722", "flow B G722", "leg 1: hang up q26", "release 1", "leg 2: accept", "leg 0: accept"];
    assert_eq!(said, expected);
    let answer = world.told_to(leg).reoffer.clone().unwrap();
    world.far(leg).accept(&answer);
    world.acknowledges();
    world.matched(Side::B, leg);
    assert_eq!(parties(&world), ("anna", "dave"));
    assert!(world.call.summary().answered.is_some());
}

#[test]
fn one_that_may_not_or_cannot_leaves_the_call_as_it_is() {
    let mut world = talking();
    let leg = joins(&mut world, Err(486), true);
    assert_eq!(world.said(), [format!("leg {leg}: reject 486 q17"), "free dave".into()]);
    world.news(leg, LegNews::Closed);
    let mut deaf = phone(7, &[Codec::G726]);
    let offer = deaf.offer();
    let leg = world.call.next_leg();
    let input = joining(&world, Ok(0), Some(offer));
    world.legs.insert(leg, Told { far: Some(deaf), ..Told::default() });
    world.input(input);
    world.news(leg.0, LegNews::Invited);
    assert_eq!(world.said(), [format!("leg {}: reject 488 q65", leg.0), "free dave".into()]);
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
    // One that its leg refuses by itself.
    let leg = world.call.next_leg();
    let input = joining(&world, Ok(0), None);
    world.legs.insert(leg, Told::default());
    world.input(input);
    world.news(leg.0, LegNews::Closed);
    assert_eq!(world.said(), ["free dave"]);
    assert!(world.over.is_none());
}

#[test]
fn who_waits_hears_early_media_of_whom_a_transfer_calls_until_it_refuses() {
    let mut world = talking();
    world.refers(1, "carol", None);
    world.routes_to(vec![vec![north("carol", 1)]]);
    world.said();
    let mut carol = phone(3, &[Codec::G722, Codec::Pcma]);
    world.early(2, 183, &mut carol);
    let said = world.said();
    assert!(said.iter().any(|word| word.starts_with("flow B")), "{said:?}");
    assert!(world.call.hears_for_transfer_of_test());
    world.refuses(2, 486);
    let said = world.said();
    assert!(said.iter().any(|word| word.starts_with("flow B")), "the referrer's media run again: {said:?}");
    assert_eq!(parties(&world), ("anna", "bob"));
    world.matched(Side::B, 1);
}

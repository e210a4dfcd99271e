//! An end whose media relay is gone moves, or the call ends with words.

use super::super::*;
use super::world::*;
use crate::media::ice::agent::Local;
use crate::media::ice::candidate::{Candidate, Component, Kind, Transport};
use crate::media::ice::description::Description;
use crate::media::negotiate::{IceMode, LocalIce};

fn relayed(port: u16) -> Vec<Candidate> {
    let at = |component, more: u16| {
        let address = ([203, 0, 113, 50], port + more).into();
        Local::relayed(component, Transport::Udp, address, ([192, 0, 2, 1], 30002 + more).into(), 3).candidate
    };
    vec![at(Component::Rtp, 0), at(Component::Rtcp, 1)]
}

/// A far end that does ICE, or would if it were offered.
fn icy(number: u8) -> FarEnd {
    let mut tokens = Tokens::new([number; 32]);
    let ice = LocalIce::of(IceMode::Offers, &mut tokens);
    let local = LocalMedia { ice, ..LocalMedia::new([198, 51, 100, number].into(), 4000, ALL.to_vec()) };
    let mut far = phone(number, &ALL);
    far.media = OfferAnswer::new(local, &mut tokens);
    far
}

/// Anna talks with Bob, whose side has addresses at a relay.
fn talking() -> World {
    let mut world = World::new(Setup::default());
    world.grant.ice = (IceMode::Off, IceMode::Offers);
    world.grant.relayed = (Vec::new(), relayed(50_000));
    world.grant();
    world.answers(1, icy(2));
    world.acknowledges();
    world.said();
    world
}

fn lost(port: Option<u16>) -> Input {
    Input::WayLost {
        side: Side::B,
        relayed: port.map(relayed).unwrap_or_default(),
        why: "the relay does not answer".into(),
    }
}

/// Bob answers what he was offered last.
fn bob_answers(world: &mut World) {
    let offer = world.told_to(1).reoffer.clone().unwrap();
    let answer = world.far(1).answer(&offer);
    world.news(1, LegNews::ReofferAnswered { body: Some(answer) });
}

fn found() -> Input {
    let chosen = Description { candidates: relayed(50_100), ..Description::default() };
    Input::IceSettled(Side::B, Box::new(chosen))
}

#[test]
fn an_end_whose_relay_is_gone_is_offered_fresh_credentials_and_the_new_relay() {
    let mut world = talking();
    let before = world.flows[&Side::B].ice.clone().unwrap();
    world.input(lost(Some(50_100)));
    assert_eq!(world.said(), ["leg 1: reoffer"]);
    bob_answers(&mut world);
    let after = world.flows[&Side::B].ice.clone().unwrap();
    assert_ne!(before.credentials, after.credentials, "RFC 5245 §9.1.1.1");
    assert!(after.controlling);
    let ours: Vec<_> = after.candidates.iter().filter(|one| one.kind == Kind::Relayed).collect();
    assert_eq!(ours.iter().map(|one| one.address.port()).collect::<Vec<_>>(), [50_100, 50_101]);
    world.input(found());
    world.wait(600);
    assert!(world.over.is_none(), "it goes on");
}

#[test]
fn without_any_relay_our_own_sockets_are_what_is_left() {
    let mut world = talking();
    world.input(lost(None));
    bob_answers(&mut world);
    let candidates = world.flows[&Side::B].ice.clone().unwrap().candidates;
    assert!(!candidates.is_empty() && candidates.iter().all(|one| one.kind == Kind::Host));
}

fn ended_because(world: &World, words: &str) -> bool {
    let cause = world.over.as_ref().and_then(|over| over.cause.clone()).unwrap();
    cause.q850 == 38 && cause.words.contains("the relay does not answer") && cause.words.contains(words)
}

#[test]
fn a_call_that_finds_no_other_way_ends_and_says_why() {
    let mut world = talking();
    world.input(Input::WayNotFound(Side::B));
    assert!(world.over.is_none(), "of a way that was not lost it is no news");
    world.input(lost(None));
    bob_answers(&mut world);
    world.input(Input::WayNotFound(Side::B));
    assert!(ended_because(&world, "no other way was found"));

    let mut world = talking();
    world.input(lost(None));
    world.news(1, LegNews::ReofferAnswered { body: None });
    assert!(ended_because(&world, "refuses to move"));

    let mut world = talking();
    world.input(lost(None));
    world.wait(60);
    assert!(ended_because(&world, "in time"));
}

#[test]
fn an_offer_of_the_far_end_in_between_delays_ours_and_no_more() {
    let mut world = talking();
    world.input(lost(Some(50_100)));
    world.said();
    // Glare: theirs is answered, ours was refused and is said anew.
    let offer = world.far(1).offer();
    world.news(1, LegNews::Reoffered { body: Some(offer) });
    let answer = world.told_to(1).reoffer.clone().unwrap();
    let said = world.said();
    assert!(said.iter().any(|line| line == "leg 1: reoffer"), "{said:?}");
    assert!(!answer.bytes.is_empty());
}

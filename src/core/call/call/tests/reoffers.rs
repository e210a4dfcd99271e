//! Changes of a running session.

use super::super::*;
use super::world::*;
use crate::media::Direction;

/// The far end of a leg offers a change; what it was answered, if it was.
pub fn reoffers(world: &mut World, leg: u32, change: impl FnOnce(&mut OfferAnswer)) -> Vec<String> {
    change(&mut world.far(leg).media);
    let offer = world.far(leg).offer();
    world.news(leg, LegNews::Reoffered { body: Some(offer) });
    let said = world.said();
    match said.iter().any(|line| line.ends_with("answer")) {
        true => {
            let answer = world.told_to(leg).reoffer.clone().unwrap();
            world.far(leg).accept(&answer);
        }
        false => world.far(leg).media.rollback(),
    }
    said
}

fn talking() -> World {
    World::talking(Setup::default(), phone(2, &ALL))
}

#[test]
fn a_new_address_is_followed() {
    let mut world = talking();
    reoffers(&mut world, 1, |media| media.set_address([198, 51, 100, 99].into(), 6000));
    world.matched(Side::B, 1);
}

#[test]
fn the_same_description_again_is_answered_with_the_same() {
    let mut world = talking();
    let before = world.call.legs[&LegNo(1)].media.as_ref().unwrap().agreed().cloned();
    reoffers(&mut world, 1, |_| {});
    reoffers(&mut world, 1, |_| {});
    assert_eq!(world.call.legs[&LegNo(1)].media.as_ref().unwrap().agreed().cloned(), before);
}

#[test]
fn who_changes_to_a_codec_that_does_not_go_with_the_other_end_is_followed_by_it() {
    for leg in [0, 1] {
        let mut world = talking();
        let (side, other) = (if leg == 0 { Side::A } else { Side::B }, 1 - leg);
        let said = reoffers(&mut world, leg, |media| media.set_codecs(vec![Pcmu]));
        let asked = format!("leg {other}: reoffer");
        assert_eq!(said, [format!("flow {side:?} Pcmu"), format!("leg {leg}: answer"), asked]);
        world.takes_reoffer(other);
        world.matched(Side::A, 0);
        world.matched(Side::B, 1);
        assert!([Pcma, Pcmu].contains(&world.flows[&side.other()].codec));
        assert!(world.call.codecs_join());
    }
}

#[test]
fn who_changes_to_a_codec_that_the_other_end_cannot_follow_is_translated() {
    let mut world = World::talking(Setup::default(), phone(2, &[Pcma]));
    let said = reoffers(&mut world, 0, |media| media.set_codecs(vec![G722]));
    assert_eq!(said, ["flow A G722", "leg 0: answer", "leg 1: reoffer"]);
    world.news(1, LegNews::ReofferAnswered { body: None });
    assert!(world.said().is_empty(), "nobody is asked again, and nobody hangs up");
    assert_eq!(world.call.summary().codecs, (Some(G722), Some(Pcma)));
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
    // A hold and its end ask nobody to change.
    let said = reoffers(&mut world, 0, |media| media.set_direction(Direction::SendOnly));
    assert_eq!(said, ["flow A G722", "leg 0: answer", "leg 1: reoffer", "play B Hold"]);
    world.takes_reoffer(1);
    assert_eq!(world.call.summary().codecs, (Some(G722), Some(Pcma)));
    // Asked for our offer it may stay where it is, or come back.
    world.said();
    world.news(0, LegNews::Reoffered { body: None });
    let offer = world.told_to(0).reoffer.clone().unwrap();
    let offered = phone(5, &ALL).media.review(&offer.content_type, &offer.bytes).unwrap().codecs;
    assert_eq!(offered, [G722, Pcma, Pcmu]);
    world.news(0, LegNews::ReofferWithdrawn);
    world.said();
    let said = reoffers(&mut world, 0, |media| {
        media.set_codecs(vec![Pcmu, Pcma]);
        media.set_direction(Direction::SendRecv);
    });
    assert_eq!(said[..2], ["flow A Pcmu", "leg 0: answer"]);
    assert!(world.call.codecs_join());
}

#[test]
fn a_codec_that_the_house_does_not_speak_is_refused_and_the_session_stays() {
    let mut world = talking();
    let flows = world.flows.clone();
    assert_eq!(reoffers(&mut world, 0, |media| media.set_codecs(vec![Codec::G726])), ["leg 0: refuse 488"]);
    assert_eq!(world.flows, flows);
    world.matched(Side::A, 0);
}

#[test]
fn another_form_of_g711_is_taken_and_translated() {
    let mut world = World::talking(Setup::default(), phone(2, &[Pcma]));
    assert_eq!(world.call.summary().codecs, (Some(Pcma), Some(Pcma)));
    let said = reoffers(&mut world, 0, |media| media.set_codecs(vec![Pcmu]));
    assert_eq!(said, ["flow A Pcmu", "leg 0: answer"]);
    assert_eq!(world.call.summary().codecs, (Some(Pcmu), Some(Pcma)));
    world.matched(Side::A, 0);
    // The codec in use stays when it is offered, whatever the order.
    let said = reoffers(&mut world, 1, |media| media.set_codecs(vec![Pcmu, Pcma]));
    assert_eq!(said, ["flow B Pcma", "leg 1: answer"]);
}

#[test]
fn a_description_that_cannot_be_read_is_refused() {
    let mut world = talking();
    world.news(1, LegNews::Reoffered { body: Some(Body::sdp("nonsense")) });
    assert_eq!(world.said(), ["leg 1: refuse 400"]);
}

#[test]
fn a_re_invite_without_offer_gets_ours_and_the_ack_answers_it() {
    for (leg, side) in [(0, Side::A), (1, Side::B)] {
        let mut world = talking();
        world.news(leg, LegNews::Reoffered { body: None });
        assert_eq!(world.said(), [format!("leg {leg}: answer")]);
        let offer = world.told_to(leg).reoffer.clone().unwrap();
        world.far(leg).media.set_address([198, 51, 100, 50].into(), 7000);
        let body = world.far(leg).answer(&offer);
        world.news(leg, LegNews::Acknowledged { body: Some(body) });
        assert_eq!(world.said(), [format!("flow {side:?} G722")]);
        world.matched(side, leg);
        assert_eq!(world.stored.as_deref(), Some(&world.call));
        // And the next ordinary one is answered.
        reoffers(&mut world, leg, |media| media.set_direction(Direction::SendOnly));
        world.matched(side, leg);
    }
}

#[test]
fn our_offer_in_talk_has_only_codecs_that_go_with_the_other_end() {
    let mut world = World::talking(Setup::default(), phone(2, &[Pcmu]));
    world.news(0, LegNews::Reoffered { body: None });
    let offer = world.told_to(0).reoffer.clone().unwrap();
    let reviewed = phone(5, &ALL).media.review(&offer.content_type, &offer.bytes).unwrap();
    assert_eq!(reviewed.codecs, [Pcmu, Pcma]);
}

#[test]
fn an_unusable_answer_in_the_ack_of_a_re_invite_ends_the_call() {
    let mut world = talking();
    world.news(1, LegNews::Reoffered { body: None });
    world.said();
    world.news(1, LegNews::Acknowledged { body: Some(Body::sdp("nonsense")) });
    assert_eq!(world.said()[..2], ["leg 0: hang up q65", "leg 1: hang up q65"]);
    world.buried();
}

#[test]
fn a_change_that_is_withdrawn_is_undone() {
    let mut world = talking();
    let flows = world.flows.clone();
    world.far(1).media.set_direction(Direction::SendOnly);
    let offer = world.far(1).offer();
    world.news(1, LegNews::Reoffered { body: Some(offer) });
    assert_ne!(world.flows, flows);
    world.news(1, LegNews::ReofferWithdrawn);
    assert_eq!(world.flows, flows);
    world.far(1).media.rollback();
    world.matched(Side::B, 1);
    // Once: a second withdrawal has nothing to undo.
    world.said();
    world.news(1, LegNews::ReofferWithdrawn);
    assert!(world.said().is_empty());
}

#[test]
fn a_withdrawn_question_for_our_offer_leaves_no_offer_open() {
    let mut world = talking();
    world.news(1, LegNews::Reoffered { body: None });
    world.news(1, LegNews::ReofferWithdrawn);
    world.said();
    let said = reoffers(&mut world, 1, |media| media.set_direction(Direction::SendOnly));
    assert_eq!(said, ["flow B G722", "leg 1: answer", "leg 0: reoffer", "play A Hold"]);
    world.matched(Side::B, 1);
}

#[test]
fn the_answer_to_a_session_refresh_is_taken_and_a_refused_refresh_changes_nothing() {
    let mut world = talking();
    let refresh =
        Body::sdp(world.call.legs[&LegNo(1)].media.as_ref().unwrap().local_sdp().unwrap().to_owned());
    world.far(1).media.set_address([198, 51, 100, 77].into(), 9000);
    let body = world.far(1).answer(&refresh);
    world.news(1, LegNews::ReofferAnswered { body: Some(body) });
    assert_eq!(world.said(), ["flow B G722"]);
    world.matched(Side::B, 1);
    world.news(1, LegNews::ReofferAnswered { body: Some(Body::sdp("nonsense")) });
    world.news(1, LegNews::ReofferAnswered { body: None });
    assert!(world.said().is_empty());
    world.matched(Side::B, 1);
    reoffers(&mut world, 1, |media| media.set_direction(Direction::SendOnly));
    world.matched(Side::B, 1);
}

#[test]
fn their_offer_goes_before_ours_when_both_cross() {
    let setup = Setup { attempts: vec![vec![handset("a"), handset("b")]], ..Setup::default() };
    let mut world = World::dialling(setup);
    world.early(1, 183, &mut phone(2, &[G722]));
    world.answers(2, phone(3, &[Pcmu]));
    world.acknowledges();
    assert_eq!(world.said().last().unwrap(), "leg 0: reoffer");
    let said = reoffers(&mut world, 0, |media| media.set_codecs(vec![Pcma, Pcmu]));
    assert_eq!(said, ["flow A Pcma", "leg 0: answer"]);
    world.matched(Side::A, 0);
    // Ours, if the leg still sends it after the glare, is answered like a refresh.
    world.news(0, LegNews::Acknowledged { body: None });
    assert!(world.said().is_empty());
    world.news(0, LegNews::ReofferAnswered { body: None });
    assert!(world.said().is_empty() && world.over.is_none());
}

#[test]
fn an_update_of_the_caller_before_the_answer_is_answered() {
    let mut world = World::dialling(Setup::default());
    let mut bob = phone(2, &ALL);
    world.early(1, 183, &mut bob);
    world.said();
    let said = reoffers(&mut world, 0, |media| media.set_address([198, 51, 100, 9].into(), 4444));
    assert_eq!(said, ["flow A G722", "leg 0: answer"]);
    assert!(world.stored.is_none(), "only answered calls are kept");
    world.answers(1, bob);
    world.matched(Side::A, 0);
}

#[test]
fn an_update_of_a_dialled_fork_before_its_answer_is_answered_when_it_is_the_only_one() {
    let mut world = World::dialling(Setup::default());
    let mut bob = phone(2, &ALL);
    world.early(1, 183, &mut bob);
    let fork = bob.tag.clone();
    world.legs.get_mut(&LegNo(1)).unwrap().far = Some(bob);
    world.said();
    let said = reoffers(&mut world, 1, |media| media.set_address([198, 51, 100, 9].into(), 4444));
    assert_eq!(said, ["flow B G722", "leg 1: answer"]);
    world.news(1, LegNews::Answered { fork, body: None });
    world.matched(Side::B, 1);
    let mut world = World::dialling(Setup::default());
    world.early(1, 183, &mut phone(2, &ALL));
    world.early(1, 183, &mut phone(3, &ALL));
    world.said();
    world.news(1, LegNews::Reoffered { body: Some(phone(4, &ALL).offer()) });
    assert_eq!(world.said(), ["leg 1: refuse 488"]);
}

#[test]
fn an_update_that_crosses_the_answer_does_not_swallow_it() {
    let mut world = World::dialling(Setup::default());
    let mut bob = phone(2, &ALL);
    world.early(1, 183, &mut bob);
    world.answers(1, bob);
    world.said();
    let said = reoffers(&mut world, 0, |media| media.set_direction(Direction::SendOnly));
    let held = ["leg 1: reoffer", "play B Hold"];
    assert_eq!(said, [&["flow A G722", "leg 0: answer", "leg 0: accept"], &held[..]].concat());
    world.acknowledges();
    world.takes_reoffer(1);
    world.said();
    let said = reoffers(&mut world, 0, |media| media.set_direction(Direction::SendRecv));
    assert_eq!(said, ["flow A G722", "leg 0: answer", "leg 1: reoffer", "play B nothing"]);
}

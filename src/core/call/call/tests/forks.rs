//! Several legs, and several forks of one leg: who rings, who is heard early, who wins.

use super::super::*;
use super::world::*;
use crate::media::negotiate::SrtpMode;

fn two() -> Setup {
    Setup { attempts: vec![vec![handset("bob"), handset("desk")]], ..Setup::default() }
}

#[test]
fn one_is_busy_and_the_other_answers() {
    let mut world = World::dialling(two());
    world.progress(2, 180);
    world.refuses(1, 486);
    assert_eq!(world.said(), ["leg 0: 180", "release 1"]);
    world.answers(2, phone(2, &ALL));
    assert_eq!(world.said(), ["flow A G722", "flow B G722", "leg 0: accept"]);
    world.matched(Side::B, 2);
    assert_eq!(world.call.summary().callee.number, "desk");
    world.news(1, LegNews::Closed);
    world.ends(2);
    assert_eq!(world.said(), ["leg 0: hang up q16", "over"]);
    world.buried();
}

#[test]
fn the_first_answer_wins_and_the_others_are_told_that_it_was_completed_elsewhere() {
    let mut world = World::dialling(two());
    world.answers(2, phone(2, &ALL));
    assert_eq!(
        world.said(),
        ["flow A G722", "flow B G722", "leg 1: hang up q26", "release 1", "leg 0: accept"]
    );
    // The answer of the other crossed our CANCEL; its leg says BYE by itself (RFC 3261 §9.1).
    let body = phone(3, &ALL).answer(world.told_to(1).offer.clone().as_ref().unwrap());
    world.news(1, LegNews::Answered { fork: "x".into(), body: Some(body) });
    world.ends(1);
    world.news(1, LegNews::Closed);
    assert!(world.said().is_empty());
    assert_eq!(world.call.summary().phase, Phase::Talking);
}

#[test]
fn of_several_refusals_the_caller_is_told_the_one_that_says_most() {
    for (first, second, told) in [
        (480, 486, 486),
        (486, 480, 486),
        (486, 404, 486),
        (500, 480, 480),
        (302, 500, 500),
        (486, 484, 484),
        (503, 408, 408),
        (401, 487, 401),
        (404, 404, 404),
    ] {
        let mut world = World::dialling(two());
        world.refuses(1, first);
        world.refuses(2, second);
        let q850 = Cause::of_status(told, "").q850;
        let reject = format!("leg 0: reject {told} q{q850}");
        assert_eq!(world.said(), ["release 1", "release 2", &reject, "over"], "{first} {second}");
        world.buried();
        assert_eq!(world.records[0].cause.as_ref().unwrap().status, told);
    }
}

#[test]
fn a_6xx_ends_the_search_for_all() {
    let mut world = World::dialling(two());
    world.progress(2, 180);
    world.said();
    world.refuses(1, 603);
    assert_eq!(world.said(), ["release 1", "leg 0: reject 603 q21", "leg 2: hang up q21", "over"]);
    world.buried();
}

#[test]
fn ringing_is_told_once_and_not_taken_back() {
    let mut world = World::dialling(two());
    world.progress(1, 183);
    world.progress(2, 183);
    world.progress(1, 180);
    world.progress(2, 180);
    world.progress(1, 183);
    world.progress(1, 199);
    world.progress(1, 175);
    world.progress(2, 182);
    assert_eq!(world.said(), ["leg 0: 183", "leg 0: 180", "leg 0: 182"]);
}

#[test]
fn early_media_then_ringing_then_the_same_answer() {
    let mut world = World::dialling(Setup::default());
    let mut bob = phone(2, &[Pcma]);
    world.early(1, 183, &mut bob);
    assert_eq!(world.said(), ["flow A Pcma", "flow B Pcma", "leg 0: 183 sdp"]);
    world.matched(Side::A, 0);
    world.progress(1, 180);
    world.early(1, 180, &mut bob);
    assert_eq!(world.said(), ["leg 0: 180", "flow B Pcma"]);
    world.answers(1, bob);
    assert_eq!(world.said(), ["flow B Pcma", "leg 0: accept"]);
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
}

#[test]
fn ringing_with_early_media_stays_ringing() {
    let mut world = World::dialling(Setup::default());
    let mut bob = phone(2, &ALL);
    world.early(1, 180, &mut bob);
    assert_eq!(world.said(), ["flow A G722", "flow B G722", "leg 0: 180 sdp"]);
    assert_eq!(world.call.summary().phase, Phase::Ringing);
}

#[test]
fn one_leg_sends_early_media_and_another_answers_with_other_codec_and_keys() {
    let mut world = World::dialling(two());
    world.early(1, 183, &mut phone(2, &[Pcma]));
    world.said();
    world.answers(2, phone(3, &[Pcmu]));
    assert_eq!(world.said(), ["flow B Pcmu", "leg 1: hang up q26", "release 1", "leg 0: accept"]);
    world.matched(Side::A, 0);
    world.matched(Side::B, 2);
    assert_eq!(world.call.summary().codecs, (Some(Pcma), Some(Pcmu)));
    world.acknowledges();
    assert!(world.said().is_empty(), "the two forms of G.711 are translated");
}

#[test]
fn a_fork_of_the_one_leg_sends_early_media_and_another_fork_answers() {
    let mut world = World::dialling(Setup::default());
    world.early(1, 183, &mut FarEnd::new(2, &[Pcma], SrtpMode::Off));
    world.early(1, 183, &mut phone(3, &[Pcma]));
    world.said();
    let third = phone(4, &[Pcmu]);
    world.answers(1, third);
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
    assert_eq!(world.call.summary().codecs, (Some(Pcma), Some(Pcmu)));
}

#[test]
fn a_2xx_without_description_takes_the_early_answer_of_its_own_fork() {
    let mut world = World::dialling(Setup::default());
    let (mut first, mut second) = (phone(2, &[Pcma]), phone(3, &[Pcmu]));
    world.early(1, 183, &mut first);
    world.early(1, 183, &mut second);
    world.said();
    let fork = first.tag.clone();
    world.legs.get_mut(&LegNo(1)).unwrap().far = Some(first);
    world.news(1, LegNews::Answered { fork, body: None });
    assert_eq!(world.said(), ["flow B Pcma", "leg 0: accept"]);
    world.matched(Side::B, 1);
}

#[test]
fn many_forks_are_remembered_up_to_a_number() {
    let mut world = World::dialling(Setup::default());
    let mut early = phone(2, &ALL);
    for n in 0..100 {
        early.tag = Text::from(format!("fork{n}"));
        let body = early.answer(world.told_to(1).offer.clone().as_ref().unwrap());
        world.news(1, LegNews::Progress { status: 183, fork: early.tag.clone(), body: Some(body) });
    }
    world.news(1, LegNews::Answered { fork: "fork0".into(), body: None });
    assert!(world.said().contains(&"leg 0: reject 488 q65".to_owned()), "forgotten long ago");
    world.buried();
}

#[test]
fn the_first_early_media_is_heard_until_its_leg_ends() {
    let mut world = World::dialling(two());
    world.early(1, 183, &mut phone(2, &[Pcma]));
    let mut desk = phone(3, &[Pcmu]);
    world.said();
    world.early(2, 183, &mut desk);
    assert!(world.said().is_empty());
    world.refuses(1, 486);
    assert_eq!(world.said(), ["release 1", "flow B Pcmu"]);
    world.legs.get_mut(&LegNo(2)).unwrap().far = Some(desk);
    world.matched(Side::B, 2);
}

#[test]
fn when_the_early_codec_does_not_go_with_the_final_one_the_caller_is_asked_to_change() {
    let mut world = World::dialling(two());
    world.early(1, 183, &mut phone(2, &[G722]));
    // What cannot be passed on is not run.
    let mut desk = phone(3, &[Pcmu]);
    world.said();
    world.early(2, 183, &mut desk);
    assert!(world.said().is_empty());
    world.answers(2, desk);
    world.said();
    world.acknowledges();
    assert_eq!(world.said(), ["leg 0: reoffer"]);
    let offer = world.told_to(0).reoffer.clone().unwrap();
    let body = world.far(0).answer(&offer);
    world.news(0, LegNews::ReofferAnswered { body: Some(body) });
    assert_eq!(world.said(), ["flow A Pcmu"]);
    world.matched(Side::A, 0);
    world.matched(Side::B, 2);
    assert_eq!(world.stored.as_deref(), Some(&world.call));
}

#[test]
fn a_caller_that_will_not_change_leaves_it_to_the_other_end() {
    let mut world = World::dialling(two());
    world.early(1, 183, &mut phone(2, &[G722]));
    world.answers(2, phone(3, &[Pcmu]));
    world.far(2).media.set_codecs(vec![Pcmu, G722]);
    world.acknowledges();
    world.news(0, LegNews::ReofferAnswered { body: None });
    world.takes_reoffer(2);
    world.matched(Side::B, 2);
    assert_eq!(world.flows[&Side::B].codec, G722);
    world.ends(0);
    world.buried();
}

#[test]
fn two_ends_that_will_not_change_are_translated() {
    let mut world = World::dialling(two());
    world.early(1, 183, &mut phone(2, &[G722]));
    world.answers(2, phone(3, &[Pcmu]));
    world.acknowledges();
    world.said();
    world.news(0, LegNews::ReofferAnswered { body: None });
    assert_eq!(world.said(), ["leg 2: reoffer"]);
    world.news(2, LegNews::ReofferAnswered { body: None });
    assert!(world.said().is_empty());
    assert_eq!(world.call.summary().codecs, (Some(G722), Some(Pcmu)));
    world.ends(0);
    world.buried();
}

#[test]
fn an_unusable_answer_is_hung_up_and_the_others_still_ring() {
    let mut world = World::dialling(two());
    let nonsense = |fork: &str| LegNews::Answered {
        fork: fork.into(),
        body: Some(Body::sdp("v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n")),
    };
    world.news(1, nonsense("a"));
    assert_eq!(world.said(), ["leg 1: hang up q65", "release 1"]);
    world.news(2, nonsense("b"));
    assert_eq!(world.said(), ["leg 2: hang up q65", "release 2", "leg 0: reject 488 q65", "over"]);
    world.buried();
}

#[test]
fn an_unusable_early_answer_is_ignored() {
    let mut world = World::dialling(Setup::default());
    let body = Some(Body::sdp("nonsense"));
    world.news(1, LegNews::Progress { status: 180, fork: "a".into(), body });
    assert_eq!(world.said(), ["leg 0: 180"]);
    world.answers(1, phone(2, &ALL));
    world.matched(Side::B, 1);
}

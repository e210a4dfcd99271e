//! From the INVITE to both talking, when all goes well, and what stops it before anybody rings.

use super::super::*;
use super::world::*;
use crate::media::Direction;
use crate::media::negotiate::SrtpMode;
use crate::sip::Transport;

#[test]
fn a_call_is_dialled_rings_and_is_answered_and_both_ends_agree_with_the_switch() {
    let mut world = World::new(Setup::default());
    world.grant();
    assert_eq!(world.said(), ["dial 1 bob"]);
    assert_eq!(world.call.summary().phase, Phase::Dialling);
    world.progress(1, 180);
    assert_eq!(world.said(), ["leg 0: 180"]);
    assert_eq!(world.call.summary().phase, Phase::Ringing);
    world.wait(4);
    world.answers(1, phone(2, &ALL));
    assert_eq!(world.said(), ["flow A G722", "flow B G722", "leg 0: accept"]);
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
    assert!(world.flows.values().all(|agreed| agreed.srtp.is_some()));
    let summary = world.call.summary().clone();
    assert_eq!((summary.phase, summary.answered), (Phase::Talking, Some(world.now)));
    assert_eq!((summary.codecs, summary.srtp), ((Some(G722), Some(G722)), (true, true)));
    assert_eq!(summary.callee.number, "bob");
    assert_eq!(world.stored.as_deref(), Some(&world.call));
    world.acknowledges();
    assert_eq!(world.call.deadline(), None);
    world.ends(0);
    assert_eq!(world.said(), ["leg 1: hang up q16", "over"]);
    world.buried();
    assert_eq!(world.records[0].cause.as_ref().unwrap().status, 200);
}

#[test]
fn ends_that_speak_the_two_forms_of_g711_are_translated() {
    let setup = Setup { caller: phone(1, &[Pcmu]), ..Setup::default() };
    let mut world = World::talking(setup, phone(2, &[Pcma]));
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
    assert_eq!(world.call.summary().codecs, (Some(Pcmu), Some(Pcma)));
}

#[test]
fn the_callee_is_offered_the_callers_order_then_what_can_be_translated_and_nothing_else() {
    let offered = |caller: &[Codec], ours: &[Codec]| {
        let setup = Setup { caller: phone(1, caller), ours: ours.to_vec(), ..Setup::default() };
        let world = World::dialling(setup);
        let mut far = phone(2, &ALL);
        far.answer(world.told_to(1).offer.as_ref().unwrap());
        let offer = world.told_to(1).offer.clone().unwrap();
        let reviewed = phone(3, &ALL).media.review(&offer.content_type, &offer.bytes).unwrap();
        reviewed.codecs
    };
    assert_eq!(offered(&[Pcmu, G722], &ALL), [Pcmu, G722, Pcma]);
    assert_eq!(offered(&[G722], &ALL), [G722, Pcma, Pcmu]);
    assert_eq!(offered(&[Pcma, G722], &[Pcma]), [Pcma]);
    assert_eq!(offered(&ALL, &[G722, Pcma]), [G722, Pcma]);
}

#[test]
fn a_callee_without_the_callers_wide_codec_talks_through_a_translation() {
    let mut world = World::dialling(Setup { caller: phone(1, &[G722]), ..Setup::default() });
    world.answers(1, phone(2, &[Pcmu]));
    world.acknowledges();
    assert_eq!(world.call.summary().codecs, (Some(G722), Some(Pcmu)));
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
}

#[test]
fn a_caller_without_a_common_codec_is_refused_before_anybody_is_dialled() {
    let setup = Setup { caller: phone(1, &[G722]), ours: vec![Pcma], ..Setup::default() };
    let mut world = World::new(setup);
    world.grant();
    assert_eq!(world.said(), ["leg 0: reject 488 q65", "over"]);
    world.buried();
}

#[test]
fn a_description_that_cannot_be_read_is_refused_with_the_status_that_says_so() {
    for (kind, text, status) in [
        ("application/sdp", "v=0\r\nnonsense\r\n", 400),
        ("multipart/mixed;boundary=x", "--x\r\n\r\nhello\r\n--x--\r\n", 415),
        ("application/sdp", "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\n", 488),
    ] {
        let mut world = World::uninvited(Setup::default());
        world.call.offer = Some(Body { content_type: kind.into(), bytes: text.as_bytes().to_vec().into() });
        world.news(0, LegNews::Invited);
        world.grant();
        assert!(world.said().iter().any(|line| line.starts_with(&format!("leg 0: reject {status}"))));
        world.buried();
    }
}

#[test]
fn a_call_that_is_not_admitted_is_refused_with_the_supervisors_cause() {
    let mut world = World::new(Setup::default());
    world.input(Input::Denied(Cause::no_channel(503, "no free media channel: 32 of 32 in use")));
    assert_eq!(world.said(), ["leg 0: reject 503 q34", "over"]);
    world.buried();
    assert_eq!(world.records[0].cause.as_ref().unwrap().q850, 34);
}

#[test]
fn a_call_with_nobody_to_dial_is_refused() {
    for attempts in [vec![], vec![vec![]], vec![vec![], vec![]]] {
        let mut world = World::new(Setup { attempts, ..Setup::default() });
        world.grant();
        assert_eq!(world.said(), ["leg 0: reject 480 q18", "over"]);
        world.buried();
    }
    let mut world =
        World::dialling(Setup { attempts: vec![vec![], vec![north("x", 1)]], ..Setup::default() });
    world.answers(1, phone(2, &ALL));
}

#[test]
fn an_invite_that_the_leg_refuses_by_itself_is_never_admitted() {
    let mut world = World::uninvited(Setup::default());
    world.news(0, LegNews::Closed);
    assert_eq!((world.admits, world.said()), (0, vec!["over".to_owned()]));
    world.buried();
}

#[test]
fn an_invite_is_admitted_once() {
    let mut world = World::new(Setup::default());
    world.news(0, LegNews::Invited);
    assert_eq!(world.admits, 1);
    world.grant();
    world.said();
    assert!(world.try_input(Input::Denied(Cause::normal())).is_err());
    let again = Input::Admitted(Box::new(Admitted {
        attempts: vec![],
        ..world.call.grant.as_deref().unwrap().clone()
    }));
    assert!(world.try_input(again).is_err());
    assert!(world.said().is_empty());
}

#[test]
fn a_grant_that_nobody_asked_for_is_refused() {
    let mut world = World::uninvited(Setup::default());
    assert!(world.try_input(Input::Denied(Cause::normal())).is_err());
}

#[test]
fn a_caller_without_an_offer_gets_ours_and_answers_it_in_the_ack() {
    let mut world = World::dialling(Setup { offers: false, caller: phone(1, &[Pcmu]), ..Setup::default() });
    world.progress(1, 180);
    assert_eq!(world.said(), ["leg 0: 180"]);
    world.answers(1, phone(2, &[Pcma]));
    assert_eq!(world.said(), ["flow B Pcma", "leg 0: accept"]);
    world.acknowledges();
    assert_eq!(world.said(), ["flow A Pcmu"]);
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
    assert_eq!(world.stored.as_deref(), Some(&world.call));
}

#[test]
fn our_late_offer_has_only_codecs_that_go_with_the_callees() {
    for (callee, ours, offered) in [
        (G722, ALL.to_vec(), ALL.to_vec()),
        (Pcmu, ALL.to_vec(), vec![Pcmu, Pcma]),
        (Pcma, vec![G722, Pcma], vec![Pcma]),
    ] {
        let mut world = World::dialling(Setup { offers: false, ours, ..Setup::default() });
        world.answers(1, phone(2, &[callee]));
        let offer = world.caller_heard.clone().unwrap();
        let reviewed = phone(3, &ALL).media.review(&offer.content_type, &offer.bytes).unwrap();
        assert_eq!(reviewed.codecs, offered);
    }
}

#[test]
fn early_media_is_not_forced_on_a_caller_that_made_no_offer() {
    let mut world = World::dialling(Setup { offers: false, ..Setup::default() });
    let mut bob = phone(2, &ALL);
    world.early(1, 183, &mut bob);
    assert_eq!(world.said(), ["leg 0: 183"]);
    world.answers(1, bob);
    world.acknowledges();
    world.matched(Side::A, 0);
}

#[test]
fn an_ack_with_an_unusable_answer_ends_the_call_for_both() {
    let mut world = World::dialling(Setup { offers: false, ..Setup::default() });
    world.answers(1, phone(2, &[G722]));
    world.said();
    let body = Body::sdp(
        "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 0 RTP/AVP 9\r\n",
    );
    world.news(0, LegNews::Acknowledged { body: Some(body) });
    assert_eq!(world.said(), ["leg 0: hang up q65", "leg 1: hang up q65", "over"]);
    world.buried();
}

#[test]
fn keys_are_offered_over_tls_only_unless_they_are_required() {
    let crypto = |mode: SrtpMode, transport: Transport| {
        let mut target = handset("bob");
        target.destination.transport = transport;
        let caller = FarEnd::new(1, &ALL, mode);
        let world =
            World::dialling(Setup { srtp: mode, caller, attempts: vec![vec![target]], ..Setup::default() });
        let offer = world.told_to(1).offer.clone().unwrap();
        String::from_utf8_lossy(&offer.bytes).contains("a=crypto:")
    };
    for transport in [Transport::Udp, Transport::Tcp] {
        assert!(!crypto(SrtpMode::Optional, transport) && crypto(SrtpMode::Required, transport));
    }
    assert!(crypto(SrtpMode::Optional, Transport::Tls) && !crypto(SrtpMode::Off, Transport::Tls));
}

#[test]
fn one_side_may_be_encrypted_and_the_other_not() {
    let mut world = World::talking(Setup::default(), FarEnd::new(2, &ALL, SrtpMode::Off));
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
    assert_eq!(world.call.summary().srtp, (true, false));
}

#[test]
fn a_caller_that_calls_on_hold_hears_nothing_yet() {
    let mut setup = Setup::default();
    setup.caller.media.set_direction(Direction::Inactive);
    let mut world = World::talking(setup, phone(2, &ALL));
    world.matched(Side::A, 0);
    assert_eq!(world.flows[&Side::A].direction, Direction::Inactive);
}

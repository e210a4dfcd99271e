//! What is tried next when somebody will not: other proxies, other contacts.

use super::super::*;
use super::world::*;

fn proxies(count: u8) -> Setup {
    let attempts = (1..=count).map(|proxy| vec![north("555", proxy)]).collect();
    Setup { attempts, ..Setup::default() }
}

fn fails(world: &mut World, leg: u32, status: u16, route_failed: bool) {
    let cause = Cause::of_status(status, "x");
    world.news(leg, LegNews::Refused { cause, contacts: vec![], route_failed });
}

#[test]
fn the_next_proxy_is_tried_when_the_way_by_the_first_fails() {
    let mut world = World::dialling(proxies(3));
    fails(&mut world, 1, 408, true);
    assert_eq!(world.said(), ["dial 2 555"]);
    assert_eq!(world.told_to(2).target.as_ref().unwrap().destination.address.to_string(), "203.0.113.2:5061");
    fails(&mut world, 2, 503, true);
    world.answers(3, phone(2, &ALL));
    assert_eq!(world.said().last().unwrap(), "leg 0: accept");
}

#[test]
fn when_every_proxy_fails_the_best_reason_is_told() {
    let mut world = World::dialling(proxies(2));
    fails(&mut world, 1, 408, true);
    fails(&mut world, 2, 503, true);
    assert_eq!(world.said(), ["dial 2 555", "inside?"]);
    world.input(Input::Denied(Cause::of_status(503, "no way inside")));
    assert_eq!(world.said(), ["leg 0: reject 408 q102", "over"]);
    world.buried();
}

#[test]
fn a_handsets_call_goes_on_inside_when_no_proxy_can_be_reached() {
    let mut world = World::dialling(proxies(1));
    fails(&mut world, 1, 503, true);
    assert_eq!(world.said(), ["inside?"]);
    world.grant_way(vec![vec![handset("555")]], About::default());
    assert_eq!(world.said(), ["dial 2 555"]);
    fails(&mut world, 2, 503, true);
    assert_eq!(world.said(), ["release 2", "leg 0: reject 503 q41", "over"], "asked once");
    world.buried();
}

#[test]
fn a_call_that_reached_the_north_or_came_from_there_does_not_go_inside() {
    let mut world = World::dialling(proxies(1));
    fails(&mut world, 1, 503, false);
    assert_eq!(world.said(), ["leg 0: reject 503 q41", "over"]);
    let mut world = World::dialling(Setup { attempts: vec![vec![handset("a")]], ..Setup::default() });
    fails(&mut world, 1, 503, true);
    assert_eq!(world.said(), ["release 1", "leg 0: reject 503 q41", "over"]);
}

#[test]
fn a_callee_that_was_reached_is_not_tried_again_by_another_way() {
    for (status, route_failed) in [(486, false), (404, false), (500, false), (403, false)] {
        let mut world = World::dialling(proxies(2));
        fails(&mut world, 1, status, route_failed);
        assert_eq!(world.said().len(), 2);
        world.buried();
    }
    // It rang: a time-out or 503 after that is no failure of the way.
    let mut world = World::dialling(proxies(2));
    world.progress(1, 180);
    fails(&mut world, 1, 503, true);
    assert_eq!(world.said(), ["leg 0: 180", "leg 0: reject 503 q41", "over"]);
}

#[test]
fn the_next_attempt_waits_until_every_leg_of_the_present_one_has_failed_on_its_way() {
    let setup =
        || Setup { attempts: vec![vec![handset("a"), handset("b")], vec![handset("c")]], ..Setup::default() };
    let mut world = World::dialling(setup());
    fails(&mut world, 1, 503, true);
    fails(&mut world, 2, 408, true);
    assert_eq!(world.said(), ["release 1", "release 2", "dial 3 c"]);
    let mut world = World::dialling(setup());
    fails(&mut world, 1, 486, false);
    fails(&mut world, 2, 503, true);
    assert_eq!(world.said(), ["release 1", "release 2", "leg 0: reject 486 q17", "over"]);
}

#[test]
fn who_lacks_bandwidth_is_reached_by_another_way_where_that_is_allowed() {
    let lacks = |world: &mut World, leg, elsewhere| {
        let cause = Cause::no_bandwidth(elsewhere, "x");
        world.news(leg, LegNews::Refused { cause, contacts: vec![], route_failed: false });
    };
    let about = |reroutes| About { reroutes, detour: vec![north("gateway", 9)], ..About::default() };
    let dialling = |reroutes| World::dialling(Setup { about: about(reroutes), ..proxies(2) });
    let mut world = dialling(true);
    lacks(&mut world, 1, true);
    assert_eq!(world.said(), ["dial 2 555"]);
    lacks(&mut world, 2, true);
    assert_eq!(world.said(), ["dial 3 gateway"]);
    world.refuses(3, 486);
    assert_eq!(world.said(), ["leg 0: reject 486 q17", "over"]);
    world.buried();
    let mut world = dialling(true);
    lacks(&mut world, 1, false);
    assert_eq!(world.said(), ["leg 0: reject 488 q49", "over"]);
    let mut world = dialling(false);
    lacks(&mut world, 1, true);
    assert_eq!(world.said(), ["leg 0: reject 488 q47", "over"]);
}

#[test]
fn an_offer_in_two_parts_that_is_not_taken_comes_again_in_one() {
    let about = About { federated: true, ..About::default() };
    let mut world = World::dialling(Setup { about, ..proxies(1) });
    let kind = |world: &mut World, leg| world.told_to(leg).offer.clone().unwrap().content_type;
    assert!(kind(&mut world, 1).starts_with("multipart/alternative"));
    fails(&mut world, 1, 415, false);
    assert_eq!(kind(&mut world, 2), "application/sdp");
    fails(&mut world, 2, 415, false);
    assert_eq!(world.said().last().unwrap(), "over", "once");
}

#[test]
fn a_redirection_of_the_north_is_followed_by_the_same_next_hop_one_contact_after_the_other() {
    let mut world = World::dialling(proxies(1));
    world.redirects(1, 302, &["sip:first@x.test", "sip:second@x.test"]);
    assert_eq!(world.said(), ["dial 2 first@x.test"]);
    let target = world.told_to(2).target.clone().unwrap();
    assert_eq!(target.destination, north("555", 1).destination);
    assert_eq!((target.to_uri.as_str(), target.party.number.as_str()), ("sip:555@example.com", "555"));
    world.refuses(2, 486);
    assert_eq!(world.said(), ["dial 3 second@x.test"]);
    world.refuses(3, 404);
    assert_eq!(world.said(), ["leg 0: reject 486 q17", "over"]);
    world.buried();
}

#[test]
fn redirections_in_a_circle_come_to_an_end() {
    let mut world = World::dialling(proxies(1));
    world.redirects(1, 302, &["sip:a@x.test"]);
    world.redirects(2, 302, &["sip:b@x.test"]);
    world.redirects(3, 302, &["sip:a@x.test", "sip:555@example.com", "sip:b@x.test"]);
    assert_eq!(world.said(), ["dial 2 a@x.test", "dial 3 b@x.test", "leg 0: reject 302 q31", "over"]);
    world.buried();
}

#[test]
fn only_so_many_redirections_are_followed() {
    let mut world = World::dialling(proxies(1));
    for n in 1..=5 {
        world.redirects(n, 302, &[&format!("sip:{n}@x.test")]);
        assert_eq!(world.said(), [format!("dial {} {n}@x.test", n + 1)]);
    }
    world.redirects(6, 302, &["sip:more@x.test"]);
    assert_eq!(world.said(), ["leg 0: reject 302 q31", "over"]);
    world.buried();
}

#[test]
fn what_is_no_redirection_to_the_callee_is_not_followed() {
    for (status, contact) in
        [(305, "sip:proxy@x.test"), (380, "sip:other@x.test"), (302, "mailto:a@x.test"), (302, "nonsense")]
    {
        let mut world = World::dialling(proxies(1));
        world.redirects(1, status, &[contact]);
        assert_eq!(world.said()[1..], ["over"]);
        world.buried();
    }
    let mut secure = north("555", 1);
    secure.request_uri = "sips:555@example.com".into();
    let mut world = World::dialling(Setup { attempts: vec![vec![secure]], ..Setup::default() });
    world.redirects(1, 302, &["sip:plain@x.test", "SIPS:safe@x.test"]);
    assert_eq!(world.said(), ["dial 2 SIPS:safe@x.test"]);
}

#[test]
fn who_refuses_an_open_offer_with_488_is_offered_srtp_alone_once() {
    let mut world = World::dialling(Setup::default());
    world.refuses(1, 488);
    assert_eq!(world.said(), ["dial 2 bob"]);
    let offer = world.told_to(2).offer.clone().unwrap();
    assert!(String::from_utf8_lossy(&offer.bytes).contains("RTP/SAVP"));
    world.refuses(2, 488);
    assert_eq!(world.said(), ["release 2", "leg 0: reject 488 q65", "over"]);
    world.buried();
}

#[test]
fn a_handsets_redirection_is_not_followed() {
    let mut world = World::dialling(Setup::default());
    world.redirects(1, 302, &["sip:elsewhere@x.test"]);
    assert_eq!(world.said(), ["release 1", "leg 0: reject 302 q31", "over"]);
    assert_eq!(world.records[0].cause.as_ref().unwrap().status_for_caller(), 480);
}

#[test]
fn a_redirection_of_one_leg_is_followed_while_another_rings() {
    let setup = Setup { attempts: vec![vec![north("555", 1), handset("bob")]], ..Setup::default() };
    let mut world = World::dialling(setup);
    world.redirects(1, 302, &["sip:a@x.test"]);
    assert_eq!(world.said(), ["dial 3 a@x.test"]);
    world.refuses(2, 486);
    assert_eq!(world.said(), ["release 2"]);
    world.answers(3, phone(2, &ALL));
    world.matched(Side::B, 3);
}

#[test]
fn a_call_has_only_so_many_legs() {
    let attempts = (0..200).map(|_| vec![north("555", 1)]).collect();
    let mut world = World::dialling(Setup { attempts, ..Setup::default() });
    let mut leg = 1;
    while world.over.is_none() {
        fails(&mut world, leg, 503, true);
        leg += 1;
        if world.said().contains(&"inside?".to_owned()) {
            world.input(Input::Denied(Cause::of_status(503, "x")));
        }
    }
    assert_eq!(leg, 64);
    world.buried();
}

#[test]
fn a_lost_leg_counts_as_refused() {
    let setup = Setup { attempts: vec![vec![handset("a"), handset("b")]], ..Setup::default() };
    let mut world = World::dialling(setup);
    world.news(1, LegNews::Closed);
    world.news(1, LegNews::Closed);
    assert_eq!(world.said(), ["release 1"]);
    world.news(2, LegNews::Closed);
    assert_eq!(world.said(), ["release 2", "leg 0: reject 500 q41", "over"]);
    world.buried();
}

#[test]
fn a_call_for_help_goes_out_again_without_its_place_where_that_cannot_be_read() {
    let part = crate::sip::invite::BodyPart {
        content_type: "application/pidf+xml".into(),
        content_id: "a@b".into(),
        disposition: String::new(),
        bytes: b"<presence/>".to_vec(),
    };
    let headers = vec![
        ("Priority".to_owned(), "emergency".to_owned()),
        ("Geolocation".to_owned(), "<cid:a@b>".to_owned()),
        ("Geolocation-Routing".to_owned(), "yes".to_owned()),
    ];
    let located = |status: u16| {
        let target = Target { parts: vec![part.clone()], headers: headers.clone(), ..north("112", 1) };
        let mut world = World::dialling(Setup { attempts: vec![vec![target]], ..Setup::default() });
        fails(&mut world, 1, status, false);
        world
    };
    for status in [400, 415, 424, 488, 500] {
        let mut world = located(status);
        assert_eq!(world.said(), ["dial 2 112"], "{status}");
        let again = world.told_to(2).target.clone().unwrap();
        assert!(again.parts.is_empty() && again.headers == headers[..1], "{status}: {again:?}");
        // Once is enough.
        fails(&mut world, 2, 500, false);
        assert_eq!(world.said().last().unwrap(), "over", "{status}");
        world.buried();
    }
    assert_eq!(located(486).said().last().unwrap(), "over");
}

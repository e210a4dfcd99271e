//! Conferences: three people and more, each of whom hears all others and not himself; and rooms with a PIN.

use std::time::Duration;

use serde_json::json;

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::linphone::Linphone;
use crate::phone::Phone;
use crate::process::{PATIENCE, until_true};
use crate::scene::Scene;
use crate::switch::{Options, Switch};
use crate::transfer::{hears, hears_no_more};

/// What a room says: the higher of the two tones that ask for a PIN, the one for a wrong PIN.
const ASK_PIN: Tone = Tone { hertz: 880 };
const WRONG_PIN: Tone = Tone { hertz: 300 };

/// A switch without a north, with handsets 201 and up.
fn house(scene: &Scene, users: usize) -> Switch<'_> {
    let switch = Switch::start(scene, Options::default());
    (0..users).for_each(|n| switch.create_user(&user(n)));
    switch
}

fn user(n: usize) -> String {
    format!("{}", 201 + n)
}

fn account(switch: &Switch<'_>, n: usize) -> Account {
    switch.handset(&user(n), "udp", Tone::number(n as u32))
}

/// Every one hears every other one.
fn all_hear_all(phones: &[&dyn Phone]) {
    for one in phones {
        for other in phones.iter().filter(|other| other.user() != one.user()) {
            hears(*one, other.tone());
        }
    }
}

/// And nobody himself: what comes back would be an echo.
fn nobody_hears_himself(phones: &[&dyn Phone]) {
    for one in phones {
        let own = one.heard(one.tone()).map_or(Duration::ZERO, |heard| heard.duration);
        assert!(own < Duration::from_millis(200), "{} hears himself for {own:?}", one.user());
    }
}

fn rooms(switch: &Switch<'_>) -> usize {
    switch.rest("GET", "/rooms", None)["items"].as_array().map_or(0, Vec::len)
}

/// Anna talks with Bob, holds him, talks with Carol, and presses the keys that join all.
///
/// Bob is a linphone: baresip records nothing more once its session was changed, as by a hold.
fn three(anna: &mut Baresip, bob: &mut Linphone, carol: &mut Baresip) {
    anna.dial(bob.user());
    anna.wait_established();
    bob.wait_established();
    hears(bob, anna.tone());
    anna.hold();
    hears_no_more(bob, anna.tone());
    anna.dial(carol.user());
    anna.wait_established();
    carol.wait_established();
    hears(carol, anna.tone());
    anna.press("*3");
    // The call that was on hold is not needed any more: she is in the conference by the other one.
    anna.wait_closed();
}

#[test]
fn three_handsets_hear_each_other_and_the_last_two_are_a_call_again() {
    let scene = Scene::new("conference");
    let mut switch = house(&scene, 3);
    let mut anna = Baresip::start(&scene, account(&switch, 0));
    let mut bob = Linphone::start(&scene, account(&switch, 1));
    let mut carol = Baresip::start(&scene, account(&switch, 2));
    three(&mut anna, &mut bob, &mut carol);
    all_hear_all(&[&anna, &bob, &carol]);
    nobody_hears_himself(&[&anna, &bob, &carol]);
    assert_eq!(rooms(&switch), 1);
    // Anna made the conference and leaves it: Bob and Carol, of two calls, are one call now.
    anna.hang_up();
    anna.wait_closed();
    until_true("the conference is over", PATIENCE, || rooms(&switch) == 0);
    all_hear_all(&[&bob, &carol]);
    let calls = switch.rest("GET", "/calls?state=active", None);
    assert_eq!(calls["items"].as_array().map_or(0, Vec::len), 1, "{calls}");
    bob.hang_up();
    carol.wait_closed();
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn a_conference_survives_kill_9_and_one_of_its_parties_leaves() {
    let scene = Scene::new("conference-kill");
    let mut switch = house(&scene, 3);
    let mut anna = Baresip::start(&scene, account(&switch, 0));
    let mut bob = Linphone::start(&scene, account(&switch, 1));
    let mut carol = Baresip::start(&scene, account(&switch, 2));
    three(&mut anna, &mut bob, &mut carol);
    all_hear_all(&[&anna, &bob, &carol]);
    switch.kill();
    switch.start_again();
    all_hear_all(&[&anna, &bob, &carol]);
    // Bob leaves; the two who are left are ends of one call.
    bob.hang_up();
    bob.wait_closed();
    until_true("the conference is over", PATIENCE, || rooms(&switch) == 0);
    all_hear_all(&[&anna, &carol]);
    carol.hang_up();
    anna.wait_closed();
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn linphone_makes_a_conference_at_the_factory_and_brings_others_in() {
    let scene = Scene::new("conference-factory");
    let mut switch = house(&scene, 3);
    let mut anna = Linphone::start(&scene, account(&switch, 0));
    let mut bob = Baresip::start(&scene, account(&switch, 1));
    let mut carol = Baresip::start(&scene, account(&switch, 2));
    // RFC 4579 §5.4: the factory answers with the conference's URI in Contact.
    anna.dial("conference");
    anna.wait_established();
    anna.wait_trace(";isfocus");
    let room = switch.rest("GET", "/rooms", None)["items"][0]["name"].as_str().expect("a room").to_owned();
    bob.dial(&room);
    bob.wait_established();
    carol.dial(&room);
    carol.wait_established();
    all_hear_all(&[&anna, &bob, &carol]);
    anna.hang_up();
    until_true("the conference is over", PATIENCE, || rooms(&switch) == 0);
    all_hear_all(&[&bob, &carol]);
    carol.hang_up();
    bob.wait_closed();
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn a_handset_transfers_somebody_into_a_conference() {
    let scene = Scene::new("conference-refer");
    let mut switch = house(&scene, 3);
    let mut anna = Baresip::start(&scene, account(&switch, 0));
    let mut bob = Baresip::start(&scene, account(&switch, 1));
    let mut carol = Linphone::start(&scene, account(&switch, 2));
    carol.dial("conference");
    carol.wait_established();
    let room = switch.rest("GET", "/rooms", None)["items"][0]["name"].as_str().expect("a room").to_owned();
    anna.dial("202");
    anna.wait_established();
    bob.wait_established();
    hears(&bob, anna.tone());
    anna.transfer(&room);
    anna.wait_closed();
    anna.dial(&room);
    anna.wait_established();
    all_hear_all(&[&anna, &bob, &carol]);
    anna.hang_up();
    until_true("the conference is over", PATIENCE, || rooms(&switch) == 0);
    all_hear_all(&[&bob, &carol]);
    bob.hang_up();
    carol.wait_closed();
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn a_room_asks_for_its_pin_and_lets_in_who_knows_it() {
    let scene = Scene::new("conference-pin");
    let mut switch = house(&scene, 3);
    let room = json!({ "name": "8001", "title": "Ward round", "pin": "4711" });
    switch.rest("POST", "/rooms", Some(&room));
    let mut anna = Baresip::start(&scene, account(&switch, 0));
    let mut bob = Baresip::start(&scene, account(&switch, 1));
    let mut carol = Baresip::start(&scene, account(&switch, 2));
    for phone in [&mut anna, &mut bob, &mut carol] {
        phone.dial("8001");
        phone.wait_established();
        hears(phone, ASK_PIN);
        phone.press("4711");
    }
    all_hear_all(&[&anna, &bob, &carol]);
    nobody_hears_himself(&[&anna, &bob, &carol]);
    // Muted by the administrator, then sent away.
    let shown = switch.rest("GET", "/rooms/8001", None);
    let member = shown["members"].as_array().unwrap().iter().find(|m| m["number"] == "202").unwrap().clone();
    let path = format!("/rooms/8001/members/{}", member["id"].as_str().unwrap());
    switch.rest("PATCH", &path, Some(&json!({ "muted": true })));
    hears_no_more(&anna, bob.tone());
    hears(&bob, anna.tone());
    switch.rest("DELETE", &path, None);
    bob.wait_closed();
    all_hear_all(&[&anna, &carol]);
    // Who does not know the PIN is asked again, and then sent away.
    bob.dial("8001");
    bob.wait_established();
    bob.press("4712");
    hears(&bob, WRONG_PIN);
    bob.press("0000");
    bob.press("1111");
    bob.wait_closed();
    assert!(carol.heard(bob.tone()).is_some(), "he was heard before");
    carol.hang_up();
    anna.hang_up();
    carol.wait_closed();
    switch.wait_idle();
    assert_eq!(rooms(&switch), 1, "a room stays when it is empty");
    switch.assert_alive();
}

#[test]
fn linphone_asks_the_focus_for_its_other_call() {
    let scene = Scene::new("conference-replaces");
    let mut switch = house(&scene, 2);
    let mut anna = Linphone::start(&scene, account(&switch, 0));
    let mut bob = Baresip::start(&scene, account(&switch, 1));
    anna.dial("conference");
    anna.wait_established();
    anna.hold();
    anna.dial("202");
    anna.wait_established();
    bob.wait_established();
    hears(&bob, anna.tone());
    // RFC 4579 §5.6: REFER to the focus, with Replaces of the call whose far end shall take part.
    anna.join(1, 2);
    until_true("Bob is in the conference, and Anna's call with him is over", PATIENCE, || {
        let room = &switch.rest("GET", "/rooms", None)["items"][0];
        let calls = switch.rest("GET", "/calls?state=active", None);
        let there =
            room["members"].as_array().is_some_and(|all| all.iter().any(|one| one["number"] == "202"));
        there && calls["items"].as_array().is_some_and(|all| all.len() == 1)
    });
    // Linphone takes a REFER that went well for a transfer, and leaves the focus: Bob is alone there.
    assert!(!bob.has_event("CALL_CLOSED"));
    bob.hang_up();
    bob.wait_closed();
    until_true("the conference is over", PATIENCE, || rooms(&switch) == 0);
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn a_code_brings_everybody_on_hold_into_a_conference() {
    let scene = Scene::new("conference-code");
    let mut switch = house(&scene, 3);
    let mut anna = Baresip::start(&scene, account(&switch, 0));
    let mut bob = Linphone::start(&scene, account(&switch, 1));
    let mut carol = Linphone::start(&scene, account(&switch, 2));
    for phone in [&mut bob, &mut carol] {
        anna.dial(phone.user());
        anna.wait_established();
        phone.wait_established();
        hears(phone, anna.tone());
        anna.hold();
        hears_no_more(phone, anna.tone());
    }
    anna.dial("*3");
    anna.wait_established();
    all_hear_all(&[&anna, &bob, &carol]);
    bob.hang_up();
    until_true("the conference is over", PATIENCE, || rooms(&switch) == 0);
    all_hear_all(&[&anna, &carol]);
    carol.hang_up();
    switch.wait_idle();
    switch.assert_alive();
}

//! Hold and transfer: who hears whom before, meanwhile and afterwards, and that nothing stays behind.

use std::time::Duration;

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::Kamailio;
use crate::linphone::Linphone;
use crate::phone::{Phone, SPEECH};
use crate::process::{PATIENCE, free_port, until_true};
use crate::rig::north;
use crate::scene::Scene;
use crate::sipp::{Load, Sipp};
use crate::switch::{Options, Switch, south_password};

/// What the switch plays to held ends.
const HOLD_TONE: Tone = Tone { hertz: 425 };
/// How much more of a tone must come for it to be heard now.
const MORE: Duration = Duration::from_millis(400);

/// Waits until `who` hears a tone now, not only before.
pub fn hears(who: &dyn Phone, tone: Tone) {
    let so_far = || who.heard(tone).map_or(Duration::ZERO, |heard| heard.duration);
    let before = so_far();
    // A client that began another recording counts anew.
    until_true(&format!("{} hears {} Hz", who.user(), tone.hertz), PATIENCE, || {
        let now = so_far();
        now > before + MORE || (now < before && now > MORE)
    });
}

/// Waits until `who` does not hear a tone any more.
pub fn hears_no_more(who: &dyn Phone, tone: Tone) {
    let so_far = || who.heard(tone).map_or(Duration::ZERO, |heard| heard.duration);
    until_true(&format!("{} hears no more {} Hz", who.user(), tone.hertz), PATIENCE, || {
        let before = so_far();
        std::thread::sleep(Duration::from_secs(1));
        so_far() == before
    });
}

fn hear_each_other(one: &dyn Phone, other: &dyn Phone) {
    hears(one, other.tone());
    hears(other, one.tone());
}

/// Who was heard is heard no more, but the hold tone is.
fn is_held(who: &dyn Phone, before: Tone) {
    hears_no_more(who, before);
    hears(who, HOLD_TONE);
}

/// A handset holds a phone in the north, which notices, and takes it back.
fn handset_holds(handset: &mut dyn Phone, phone: &dyn Phone) {
    hear_each_other(handset, phone);
    handset.hold();
    is_held(phone, handset.tone());
    hears_no_more(handset, phone.tone());
    handset.resume();
}

/// The other way round. What a phone in the north sends while it holds is its own music.
fn phone_holds(phone: &mut dyn Phone, handset: &dyn Phone) {
    phone.hold();
    hears_no_more(phone, handset.tone());
    phone.resume();
}

/// A switch with a line to kamailio and its handsets 201 and 202, and a phone 301 in the north.
struct House<'a> {
    switch: Switch<'a>,
    kamailio: Kamailio,
}

impl<'a> House<'a> {
    fn start(scene: &'a Scene) -> Self {
        let kamailio = Kamailio::start(scene, None);
        let switch = Switch::start(scene, Options::line(&kamailio, "tls"));
        for user in ["201", "202"] {
            switch.create_user(user);
            switch.wait_line(user);
            kamailio.wait_contact(user);
        }
        House { switch, kamailio }
    }

    fn handset(&self, user: &str, tone: u32) -> Account {
        self.switch.handset(user, "udp", Tone::number(tone))
    }

    fn phone(&self, user: &str, tone: u32) -> Account {
        north(&self.kamailio, user, "udp", Tone::number(tone))
    }

    /// Waits until the switch sends to both ends of its only call. Linphone's recorder does not always follow it
    /// into a call that took another's place.
    fn speaks_to_both(&self) {
        let sent = || {
            let calls = self.switch.rest("GET", "/calls?state=active", None);
            let reference = calls["items"][0]["id"].as_str().expect("a call stands").to_owned();
            let call = self.switch.rest("GET", &format!("/calls/{reference}"), None);
            [0, 1].map(|side| call["media"][side]["packets_sent"].as_u64().unwrap_or(0))
        };
        let before = sent();
        until_true("voice goes to both ends", PATIENCE, || {
            sent().iter().zip(before).all(|(now, before)| *now > before + 50)
        });
    }

    fn empty(mut self) {
        self.switch.wait_idle();
        self.switch.assert_alive();
    }
}

#[test]
fn a_handset_and_a_phone_in_the_north_hold_each_other_and_talk_again() {
    let scene = Scene::new("hold");
    let house = House::start(&scene);
    let mut anna = Linphone::start(&scene, house.handset("201", 0));
    let mut bob = Linphone::start(&scene, house.phone("301", 1));
    anna.dial("301");
    anna.wait_established();
    bob.wait_established();
    handset_holds(&mut anna, &bob);
    hear_each_other(&anna, &bob);
    phone_holds(&mut bob, &anna);
    hear_each_other(&anna, &bob);
    anna.hang_up();
    bob.wait_closed();
    house.empty();
}

#[test]
fn baresip_holds_and_is_held() {
    let scene = Scene::new("hold-baresip");
    let house = House::start(&scene);
    let mut anna = Baresip::start(&scene, house.handset("201", 0));
    let mut bob = Baresip::start(&scene, house.phone("301", 1));
    anna.dial("301");
    anna.wait_established();
    bob.wait_established();
    hear_each_other(&anna, &bob);
    for _ in 0..2 {
        anna.hold();
        // It records nothing once its session was changed; its own counts say what goes and comes.
        anna.wait_rates(|_, hears| !hears);
        bob.wait_rates(|sends, hears| !sends && hears);
        anna.resume();
        anna.wait_rates(|sends, hears| sends && hears);
        bob.wait_rates(|sends, hears| sends && hears);
    }
    bob.hang_up();
    anna.wait_closed();
    house.empty();
}

#[test]
fn a_handset_transfers_a_phone_in_the_north_to_another_handset() {
    let scene = Scene::new("blind-south");
    let house = House::start(&scene);
    let mut anna = Baresip::start(&scene, house.handset("201", 0));
    let mut carol = Baresip::start(&scene, house.handset("202", 2));
    let mut bob = Linphone::start(&scene, house.phone("301", 1));
    bob.dial("201");
    anna.wait_established();
    bob.wait_established();
    hear_each_other(&anna, &bob);
    anna.hold();
    is_held(&bob, anna.tone());
    anna.transfer("202");
    carol.wait_established();
    anna.wait_closed();
    hear_each_other(&bob, &carol);
    carol.hang_up();
    bob.wait_closed();
    house.empty();
}

#[test]
fn a_handset_transfers_a_handset_to_a_phone_in_the_north() {
    let scene = Scene::new("blind-north");
    let house = House::start(&scene);
    let mut anna = Baresip::start(&scene, house.handset("201", 0));
    let mut carol = Baresip::start(&scene, house.handset("202", 2));
    let mut bob = Baresip::start(&scene, house.phone("301", 1));
    carol.dial("201");
    anna.wait_established();
    carol.wait_established();
    hear_each_other(&anna, &carol);
    anna.transfer("301");
    bob.wait_established();
    anna.wait_closed();
    hear_each_other(&bob, &carol);
    bob.hang_up();
    carol.wait_closed();
    house.empty();
}

#[test]
fn an_attendant_in_the_north_transfers_a_handset_to_another_phone() {
    let scene = Scene::new("blind-attendant");
    let house = House::start(&scene);
    let mut anna = Baresip::start(&scene, house.handset("201", 0));
    let mut desk = Baresip::start(&scene, house.phone("300", 1));
    let mut bob = Baresip::start(&scene, house.phone("301", 2));
    desk.dial("201");
    anna.wait_established();
    desk.wait_established();
    hear_each_other(&anna, &desk);
    desk.transfer("301");
    bob.wait_established();
    desk.wait_closed();
    hear_each_other(&anna, &bob);
    anna.hang_up();
    bob.wait_closed();
    house.empty();
}

#[test]
fn a_transfer_to_nobody_gives_the_call_back() {
    let scene = Scene::new("blind-failed");
    let house = House::start(&scene);
    let mut anna = Linphone::start(&scene, house.handset("201", 0));
    let mut bob = Linphone::start(&scene, house.phone("301", 1));
    anna.dial("301");
    anna.wait_established();
    bob.wait_established();
    anna.hold();
    is_held(&bob, anna.tone());
    anna.transfer("399");
    anna.wait_trace("SIP/2.0 404 Not Found");
    anna.resume();
    hear_each_other(&anna, &bob);
    bob.hang_up();
    anna.wait_closed();
    house.empty();
}

/// Anna, a handset, talks with Bob, then with Carol, and connects the two.
fn attended(scene: &Scene, carol_number: &str) {
    let mut house = House::start(scene);
    let mut anna = Linphone::start(scene, house.handset("201", 0));
    let mut bob = Linphone::start(scene, house.phone("301", 1));
    let carol = match carol_number {
        "202" => house.handset("202", 2),
        other => house.phone(other, 2),
    };
    let mut carol = Baresip::start(scene, carol);
    anna.dial("301");
    anna.wait_established();
    bob.wait_established();
    anna.hold();
    is_held(&bob, anna.tone());
    anna.dial(carol_number);
    anna.wait_established();
    carol.wait_established();
    hears(&carol, anna.tone());
    anna.join(1, 2);
    hear_each_other(&bob, &carol);
    assert!(!carol.has_event("CALL_CLOSED"));
    // What is left is one call, which lives as any other. Calls that are seconds old are not kept.
    bob.wait_heard(carol.tone(), SPEECH);
    carol.wait_heard(bob.tone(), SPEECH);
    house.switch.kill();
    house.switch.start_again();
    hear_each_other(&bob, &carol);
    bob.hang_up();
    carol.wait_closed();
    house.empty();
}

#[test]
fn linphone_connects_a_phone_in_the_north_with_a_handset_that_it_has_asked() {
    attended(&Scene::new("attended-south"), "202");
}

#[test]
fn linphone_connects_two_phones_in_the_north_with_each_other() {
    attended(&Scene::new("attended-north"), "302");
}

#[test]
fn linphone_in_the_north_connects_a_handset_with_a_phone_that_we_do_not_know() {
    let scene = Scene::new("attended-elsewhere");
    let house = House::start(&scene);
    let mut anna = Linphone::start(&scene, house.handset("201", 0));
    let mut desk = Linphone::start(&scene, house.phone("300", 1));
    let mut bob = Linphone::start(&scene, house.phone("301", 2));
    desk.dial("201");
    desk.wait_established();
    anna.wait_established();
    hear_each_other(&anna, &desk);
    desk.hold();
    hears_no_more(&desk, anna.tone());
    desk.dial("301");
    desk.wait_established();
    bob.wait_established();
    desk.join(1, 2);
    hears(&anna, bob.tone());
    house.speaks_to_both();
    anna.hang_up();
    house.empty();
}

#[test]
fn a_phone_in_the_north_takes_the_place_of_the_one_that_talks_with_a_handset() {
    let scene = Scene::new("attended-into-us");
    let house = House::start(&scene);
    let mut anna = Baresip::start(&scene, house.handset("201", 0));
    let mut desk = Linphone::start(&scene, house.phone("300", 1));
    let mut bob = Linphone::start(&scene, house.phone("301", 2));
    desk.dial("301");
    desk.wait_established();
    bob.wait_established();
    desk.hold();
    desk.dial("201");
    desk.wait_established();
    anna.wait_established();
    // Bob is asked to call Anna, in the place of the desk.
    desk.join(1, 2);
    hears(&anna, bob.tone());
    house.speaks_to_both();
    anna.hang_up();
    house.empty();
}

#[test]
fn a_key_told_by_info_is_heard_as_a_telephone_event() {
    let scene = Scene::new("info-key");
    let house = House::start(&scene);
    let mut bob = Linphone::start(&scene, house.phone("301", 1));
    let rows = [format!("201;[authentication username=201 password={}];301", south_password("201"))];
    let load = Load { calls: 1, per_second: 1, at_once: 1, talk_ms: 2_000 };
    let switch = house.switch.bound().udp;
    let mut caller = Sipp::client(&scene, "press", "press", switch, free_port(), &rows, load);
    bob.wait_established();
    bob.wait_key('5');
    let counted = caller.wait(PATIENCE);
    assert_eq!((counted.successful, counted.failed), (1, 0), "{counted}");
    house.empty();
}

//! Forwards set by REST and by code: to another handset and to the north, and what the logs say after.

use serde_json::{Value, json};

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::Kamailio;
use crate::phone::Phone;
use crate::process::{PATIENCE, until};
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch};

/// Handsets 201 and 202, users 201 to 203, phones 301 and 302 in the north.
struct House<'a> {
    switch: Switch<'a>,
    anna: Baresip,
    bob: Baresip,
    caller: Baresip,
    outside: Baresip,
}

impl<'a> House<'a> {
    fn start(scene: &'a Scene, kamailio: &Kamailio) -> House<'a> {
        let switch = Switch::start(scene, Options::line(kamailio, "udp"));
        ["201", "202", "203"].iter().for_each(|user| switch.create_user(user));
        let patient = |account: Account| Account { answers: false, ..account };
        let anna = Baresip::start(scene, patient(switch.handset("201", "udp", Tone::number(0))));
        let bob = Baresip::start(scene, switch.handset("202", "udp", Tone::number(1)));
        let caller = Baresip::start(scene, north(kamailio, "301", "udp", Tone::number(2)));
        let outside = Baresip::start(scene, north(kamailio, "302", "udp", Tone::number(3)));
        for user in ["201", "202", "203"] {
            switch.wait_line(user);
            kamailio.wait_contact(user);
        }
        House { switch, anna, bob, caller, outside }
    }

    fn set(&self, user: &str, forwarding: &Value) {
        self.switch.rest("PUT", &format!("/users/{user}/forwarding"), Some(forwarding));
    }

    /// The newest entries of a user's log, once there are so many.
    fn log(&self, user: &str, count: usize) -> Vec<Value> {
        until(&format!("{user} has {count} calls in the log"), PATIENCE, || {
            let log = self.switch.rest("GET", &format!("/users/{user}/calls"), None);
            let items = log["items"].as_array().cloned().unwrap_or_default();
            (items.len() == count).then_some(items)
        })
    }
}

/// `caller` and `callee` talk; the caller hangs up.
fn ends(caller: &mut Baresip, callee: &mut Baresip) {
    caller.wait_established();
    callee.wait_established();
    caller.hang_up();
    caller.wait_closed();
    callee.wait_closed();
}

#[test]
fn a_handset_that_is_busy_silent_or_away_forwards_to_another_and_to_the_north() {
    let scene = Scene::new("forward");
    let kamailio = Kamailio::start(&scene, None);
    let mut house = House::start(&scene, &kamailio);

    house.set("201", &json!({ "busy": "202" }));
    house.caller.dial("201");
    house.anna.wait_event("CALL_INCOMING");
    house.anna.hang_up();
    ends(&mut house.caller, &mut house.bob);

    house.set("201", &json!({ "no_answer": "302", "no_answer_seconds": 5 }));
    house.caller.dial("201");
    house.anna.wait_event("CALL_INCOMING");
    ends(&mut house.caller, &mut house.outside);
    house.anna.wait_closed();
    let seen = house.outside.output();
    assert!(seen.contains("Diversion: <sip:201@hospital.test>;reason=no-answer"), "{seen}");
    assert!(seen.contains("History-Info: <sip:201@hospital.test?Reason=SIP%3Bcause%3D408>;index=1"));

    house.set("203", &json!({ "out_of_range": "202" }));
    house.caller.dial("203");
    ends(&mut house.caller, &mut house.bob);

    let anna = house.log("201", 2);
    assert!(anna.iter().all(|call| call["kind"] == "elsewhere" && call["forwarded"] == true), "{anna:?}");
    let bob = house.log("202", 2);
    assert!(bob.iter().all(|call| call["kind"] == "received" && call["number"] == "301"), "{bob:?}");
    house.switch.wait_idle();
    house.switch.assert_alive();
}

#[test]
fn forwards_in_a_circle_and_a_wish_for_quiet_are_told_to_the_caller() {
    let scene = Scene::new("forward-loop");
    let kamailio = Kamailio::start(&scene, None);
    let mut house = House::start(&scene, &kamailio);
    house.set("201", &json!({ "always": "202" }));
    house.set("202", &json!({ "always": "201" }));
    house.caller.dial("201");
    let why = house.caller.wait_closed();
    assert!(why.starts_with("482"), "{why}");
    house.set("201", &json!({ "do_not_disturb": true }));
    house.caller.dial("201");
    let why = house.caller.wait_closed();
    assert!(why.starts_with("486"), "{why}");
    // The forward of the other one now leads to somebody who does not want to be disturbed.
    house.caller.dial("202");
    let why = house.caller.wait_closed();
    assert!(why.starts_with("486"), "{why}");
    assert_eq!(house.log("201", 3).iter().filter(|call| call["kind"] == "missed").count(), 3);
    house.switch.wait_idle();
}

#[test]
fn a_call_that_an_exchange_brings_back_by_another_name_is_a_loop_at_once() {
    let scene = Scene::new("forward-back");
    let kamailio = Kamailio::start(&scene, None);
    let mut house = House::start(&scene, &kamailio);
    house.set("201", &json!({ "always": "8201" }));
    house.caller.dial("201");
    let why = house.caller.wait_closed();
    assert!(why.starts_with("482"), "{why}");
    house.switch.wait_idle();
    let calls = house.switch.rest("GET", "/calls?state=ended", None);
    assert_eq!(calls["total"], 1, "it was refused at the door when it came back: {calls}");
}

#[test]
fn a_code_sets_a_forward_that_survives_a_crash_and_redial_calls_who_was_missed() {
    let scene = Scene::new("forward-code");
    let kamailio = Kamailio::start(&scene, None);
    let mut house = House::start(&scene, &kamailio);
    let code = |phone: &mut Baresip, code: &str| {
        phone.dial(&code.replace('#', "%23"));
        phone.wait_established();
        phone.wait_closed()
    };
    // Set at the handset, answered by the switch, which hangs up by itself.
    code(&mut house.anna, "*21*202#");
    let set = house.switch.rest("GET", "/users/201/forwarding", None);
    assert_eq!(set["always"], "202");
    house.anna.dial("*21*0171%23");
    let why = house.anna.wait_closed();
    assert!(why.starts_with("403"), "{why}");

    house.switch.kill();
    house.switch.start_again();
    house.switch.wait_line("201");
    house.switch.wait_handset("202");
    house.caller.dial("201");
    ends(&mut house.caller, &mut house.bob);

    code(&mut house.anna, "#21#");
    assert_eq!(house.switch.rest("GET", "/users/201/forwarding", None)["always"], Value::Null);
    house.caller.dial("201");
    house.anna.wait_event("CALL_INCOMING");
    house.caller.hang_up();
    house.caller.wait_closed();
    house.anna.wait_closed();
    let log = house.log("201", 2);
    assert_eq!((&log[0]["kind"], &log[0]["number"]), (&json!("missed"), &json!("301")), "{log:?}");

    house.anna.dial("*69");
    ends(&mut house.anna, &mut house.caller);
    assert_eq!(house.log("201", 3)[0]["kind"], "placed");
    house.anna.dial("*66%23");
    ends(&mut house.anna, &mut house.caller);
    house.switch.wait_idle();
    house.switch.assert_alive();
}

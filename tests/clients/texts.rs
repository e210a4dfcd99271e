//! Texts (RFC 3428): linphone writes, baresip reads, kamailio carries; alarms are confirmed.

use serde_json::{Value, json};

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::Kamailio;
use crate::linphone::Linphone;
use crate::phone::Phone;
use crate::process::{PATIENCE, until};
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch};

const DESK: &str = "[messages]\nemergency_desk = [\"202\"]\n";

/// The newest message whose text has these words, once it stands so.
fn message(switch: &Switch, words: &str, state: &str) -> Value {
    until(&format!("a message with {words:?} is {state}"), PATIENCE, || {
        let all = switch.rest("GET", "/messages", None);
        let found =
            all["items"].as_array()?.iter().find(|item| item["text"].as_str().unwrap().contains(words))?;
        (found["state"] == state).then(|| found.clone())
    })
}

fn standing<'a>(message: &'a Value, address: &str) -> &'a str {
    let recipients = message["recipients"].as_array().unwrap();
    let found = recipients.iter().find(|recipient| recipient["address"] == address).unwrap();
    found["standing"].as_str().unwrap()
}

#[test]
fn handsets_and_the_north_write_to_each_other() {
    let scene = Scene::new("texts");
    let kamailio = Kamailio::start(&scene, None);
    let switch = Switch::start(&scene, Options::line(&kamailio, "udp"));
    switch.create_user("201");
    switch.create_user("202");
    let mut anna = Linphone::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let mut bert = Baresip::start(&scene, switch.handset("202", "tcp", Tone::number(1)));
    let mut carl = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(2)));
    switch.wait_line("201");
    switch.wait_handset("202");

    anna.text("202", "Tea at four");
    bert.wait_output("Tea at four");
    let sent = message(&switch, "Tea at four", "delivered");
    assert_eq!((&sent["from"], standing(&sent, "202")), (&json!("201"), "delivered"), "{sent}");

    // By the sender's line, whose registrar asks who it is.
    anna.text("301", "Bring the file");
    carl.wait_output("Bring the file");
    message(&switch, "Bring the file", "delivered");

    // Nobody has that number: the switch took the text, and says what became of it.
    anna.text("399", "Is anybody there");
    let lost = message(&switch, "Is anybody there", "failed");
    assert!(lost["recipients"][0]["cause"].as_str().unwrap().starts_with("404"), "{lost}");

    // From the north to a handset.
    let mut dora = Linphone::start(&scene, north(&kamailio, "302", "udp", Tone::number(3)));
    dora.text("202", "Call the lab");
    bert.wait_output("Call the lab");
    let sent = message(&switch, "Call the lab", "delivered");
    assert_eq!(sent["from"], "302", "{sent}");
}

#[test]
fn an_alarm_goes_to_the_next_who_answers_and_a_text_waits_for_its_handset_over_a_kill() {
    let scene = Scene::new("alarm");
    let mut switch = Switch::start(&scene, Options::default());
    for user in ["201", "202", "203"] {
        switch.create_user(user);
    }
    let mut anna = Linphone::start(&scene, switch.handset("201", "tcp", Tone::number(0)));
    // Whose handset answers what rings by itself.
    let mut bert = Baresip::start(&scene, switch.handset("202", "udp", Tone::number(1)));
    switch.wait_handset("201");
    switch.wait_handset("202");
    let alarm = json!({
        "text": "Bed 7: call", "to": ["202"], "priority": "emergency", "confirmation": "reply",
        "escalation": { "after_seconds": 5, "levels": [["201"]] },
    });
    let sent = switch.rest("POST", "/messages", Some(&alarm));
    // Baresip opens no envelopes, says so, and gets the bare text.
    bert.wait_output("Bed 7: call");
    assert!(bert.output().contains("Priority: emergency"));
    anna.wait_text("Bed 7: call");
    anna.text("alarm", "I go");
    let confirmed = message(&switch, "Bed 7", "confirmed");
    assert_eq!(confirmed["id"], sent["id"]);
    assert_eq!(standing(&confirmed, "201"), "confirmed");
    // His telephone answers what rings: whether that had an end before anna wrote, nobody knows.
    assert!(["delivered", "read"].contains(&standing(&confirmed, "202")), "{confirmed}");
    let answer = confirmed["recipients"].as_array().unwrap().iter().find(|r| r["address"] == "201").unwrap();
    assert_eq!(answer["answer"], "I go", "{confirmed}");

    let patient = json!({ "text": "Welcome back", "to": ["203"] });
    let waiting = switch.rest("POST", "/messages", Some(&patient));
    assert_eq!(waiting["state"], "waiting", "{waiting}");
    switch.kill();
    switch.start_again();
    let mut late = Baresip::start(&scene, switch.handset("203", "udp", Tone::number(2)));
    late.wait_output("Welcome back");
    assert_eq!(message(&switch, "Welcome back", "delivered")["id"], waiting["id"]);
}

#[test]
fn the_desk_is_told_who_calls_for_help_and_from_where() {
    let scene = Scene::new("desk");
    let kamailio = Kamailio::start(&scene, None);
    let switch = Switch::start(&scene, Options { more: DESK, ..Options::line(&kamailio, "udp") });
    switch.create_user("201");
    switch.create_user("202");
    let mut caller = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let rings = Account { answers: false, ..switch.handset("202", "udp", Tone::number(1)) };
    let mut desk = Baresip::start(&scene, rings);
    let _centre = Baresip::start(&scene, north(&kamailio, "112", "udp", Tone::number(2)));
    switch.wait_line("201");
    switch.wait_handset("202");
    let bases = switch.rest("GET", "/base-stations", None);
    let base = bases["items"][0]["id"].as_str().unwrap().replace('/', "%2F");
    let place = json!({ "location": { "building": "B", "floor": "2", "room": "217" } });
    switch.rest("PATCH", &format!("/base-stations/{base}"), Some(&place));

    caller.dial("112");
    caller.wait_established();
    desk.wait_output("EMERGENCY CALL to 112 by Nurse 201 (201): room 217, floor 2, building B");
    desk.wait_event("CALL_INCOMING");
    assert!(desk.output().contains("Alert-Info: <urn:alert:priority:high>;info=alarm"));
    caller.hang_up();
    caller.wait_closed();
    let told = message(&switch, "EMERGENCY CALL", "unconfirmed");
    let at = format!("/messages/{}/confirm", told["id"].as_str().unwrap());
    switch.rest("POST", &at, Some(&json!({ "recipient": "202" })));
    message(&switch, "EMERGENCY CALL", "confirmed");
    desk.wait_closed();
    switch.wait_idle();
}

#[test]
fn an_alarm_rings_until_a_key_confirms_it_and_the_others_are_hushed() {
    let scene = Scene::new("alarm-rings");
    let mut switch = Switch::start(&scene, Options::default());
    for user in ["201", "202"] {
        switch.create_user(user);
    }
    let rings = |user, tone| Account { answers: false, ..switch.handset(user, "udp", tone) };
    let (anna, bert) = (rings("201", Tone::number(0)), rings("202", Tone::number(1)));
    let (mut anna, mut bert) = (Baresip::start(&scene, anna), Baresip::start(&scene, bert));
    switch.wait_handset("201");
    switch.wait_handset("202");
    let quiet = json!({ "do_not_disturb": true, "no_answer_seconds": 20 });
    switch.rest("PUT", "/users/202/forwarding", Some(&quiet));
    let alarm = json!({
        "text": "Bed 9", "to": ["201", "202"], "priority": "emergency", "confirmation": "reply",
        "escalation": { "after_seconds": 600, "levels": [["201"]] },
    });
    switch.rest("POST", "/messages", Some(&alarm));
    anna.wait_event("CALL_INCOMING");
    bert.wait_event("CALL_INCOMING");
    anna.wait_output("ALARM Bed 9");
    // Heard is not answered for.
    anna.accept();
    anna.wait_established();
    anna.hang_up();
    until("anna has heard it", PATIENCE, || {
        (standing(&message(&switch, "Bed 9", "unconfirmed"), "201") == "read").then_some(())
    });
    bert.accept();
    bert.wait_established();
    bert.press("1");
    bert.wait_closed();
    let confirmed = message(&switch, "Bed 9", "confirmed");
    assert_eq!((standing(&confirmed, "202"), standing(&confirmed, "201")), ("confirmed", "read"));
    switch.wait_idle();
    switch.assert_alive();
}

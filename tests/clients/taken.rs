//! Calls that ring and are taken from another handset by a code, and calls by click.

use serde_json::{Value, json};

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::Kamailio;
use crate::linphone::Linphone;
use crate::phone::{Phone, SPEECH};
use crate::process::{PATIENCE, until};
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch};

fn rings(account: Account) -> Account {
    Account { answers: false, ..account }
}

/// The newest line of a user's log.
fn logged(switch: &Switch, user: &str, kind: &str) -> Value {
    until(&format!("a {kind} call in the log of {user}"), PATIENCE, || {
        let log = switch.rest("GET", &format!("/users/{user}/calls"), None);
        log["items"].as_array()?.first().filter(|newest| newest["kind"] == kind).cloned()
    })
}

#[test]
fn a_ringing_call_is_taken_by_number_and_in_the_group_and_is_not_missed() {
    let scene = Scene::new("taken");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "udp"));
    for (user, group) in [("201", "ward 3"), ("202", "ward 3"), ("203", "")] {
        switch.create_user(user);
        switch.change_user(user, &json!({ "pickup_group": group }));
    }
    let mut anna = Baresip::start(&scene, rings(switch.handset("201", "udp", Tone::number(0))));
    let mut bert = Linphone::start(&scene, switch.handset("202", "tcp", Tone::number(1)));
    let mut carl = Baresip::start(&scene, switch.handset("203", "udp", Tone::number(2)));
    let mut dora = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(3)));
    for user in ["201", "202", "203"] {
        switch.wait_line(user);
    }

    // By its number: carl is in no group.
    dora.dial("201");
    anna.wait_event("CALL_INCOMING");
    carl.dial("*8*201");
    dora.wait_established();
    dora.wait_heard(carl.tone(), SPEECH);
    carl.wait_heard(dora.tone(), SPEECH);
    assert!(carl.output().contains("P-Asserted-Identity:"), "carl is told who calls");
    dora.hang_up();
    carl.wait_closed();
    assert_eq!(logged(&switch, "201", "elsewhere")["number"], "301");
    assert_eq!(logged(&switch, "203", "received")["number"], "301");

    // In the group.
    dora.dial("201");
    anna.wait_event("CALL_INCOMING");
    bert.dial("*8");
    dora.wait_established();
    dora.wait_heard(bert.tone(), SPEECH);
    bert.hang_up();
    dora.wait_closed();
    assert_eq!(logged(&switch, "202", "received")["number"], "301");

    // There is nothing to take any more.
    carl.dial("*8*201");
    assert!(carl.wait_closed().contains("480"));
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn a_click_rings_the_users_handset_and_then_calls_whom_the_user_wants() {
    let scene = Scene::new("click");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "udp"));
    switch.create_user("201");
    switch.change_user("201", &json!({ "allowed_calls": ["internal"] }));
    let mut anna = Baresip::start(&scene, rings(switch.handset("201", "udp", Tone::number(0))));
    let mut dora = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(3)));
    switch.wait_line("201");
    let quiet = json!({ "always": "301", "do_not_disturb": true, "no_answer_seconds": 20 });
    switch.rest("PUT", "/users/201/forwarding", Some(&quiet));

    let call = switch.rest("POST", "/calls", Some(&json!({ "user": "201", "to": "301" })));
    assert_eq!(
        (&call["caller"]["number"], &call["callee"]["number"]),
        (&json!("201"), &json!("301")),
        "{call}"
    );
    anna.wait_event("CALL_INCOMING");
    assert!(!dora.has_event("CALL_INCOMING"), "nobody is called before the user is there");
    anna.accept();
    dora.wait_established();
    dora.wait_heard(anna.tone(), SPEECH);
    anna.wait_heard(dora.tone(), SPEECH);
    let stands = switch.rest("GET", &format!("/calls/{}", call["id"].as_str().unwrap()), None);
    assert_eq!(
        (&stands["state"], &stands["callee"]["number"]),
        (&json!("talking"), &json!("301")),
        "{stands}"
    );
    assert!(dora.output().contains("sip:201@"), "dora sees whose call it is");
    dora.hang_up();
    anna.wait_closed();
    assert_eq!(logged(&switch, "201", "placed")["number"], "301");
    switch.wait_idle();
    switch.assert_alive();
}

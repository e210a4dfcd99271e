//! A second call at a handset that is in one: it waits, is taken and swapped, refused, or never gets there. And a
//! call that another telephone of the user takes.

use serde_json::json;

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::Kamailio;
use crate::linphone::Linphone;
use crate::phone::{Phone, SPEECH};
use crate::process::{PATIENCE, until};
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch};

const WAITS: &str = "Alert-Info: <urn:alert:service:call-waiting>";

fn rings(account: Account) -> Account {
    Account { answers: false, ..account }
}

/// A switch with anna's handset 201, which rings, and kamailio in the north.
fn ward<'a>(scene: &'a Scene, kamailio: &Kamailio) -> (Switch<'a>, Baresip) {
    let switch = Switch::start(scene, Options::line(kamailio, "udp"));
    switch.create_user("201");
    let anna = Baresip::start(scene, rings(switch.handset("201", "udp", Tone::number(0))));
    switch.wait_line("201");
    (switch, anna)
}

#[test]
fn a_second_call_waits_is_taken_and_swapped_with_the_first() {
    let scene = Scene::new("waiting");
    let kamailio = Kamailio::start(&scene, None);
    let (mut switch, mut anna) = ward(&scene, &kamailio);
    let mut bob = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(1)));
    let mut carl = Baresip::start(&scene, north(&kamailio, "302", "udp", Tone::number(2)));
    let mut dora = Baresip::start(&scene, north(&kamailio, "303", "udp", Tone::number(3)));

    bob.dial("201");
    anna.wait_event("CALL_INCOMING");
    assert!(!anna.output().contains(WAITS), "the first call waits for nobody");
    anna.accept();
    bob.wait_established();
    bob.wait_heard(anna.tone(), SPEECH);

    carl.dial("201");
    anna.wait_event("CALL_INCOMING");
    carl.wait_output(WAITS);
    assert!(anna.output().contains(WAITS), "the handset is told too");

    // Two calls are as many as a handset has.
    dora.dial("201");
    assert!(dora.wait_closed().contains("486"), "a third call finds the handset busy");

    // Taking it, baresip holds the first by itself.
    anna.accept();
    carl.wait_established();
    carl.wait_heard(anna.tone(), SPEECH);

    // The swap: the second on hold, the first in front.
    bob.wait_rates(|sends, _| !sends);
    anna.hold();
    anna.select(1);
    anna.resume();
    carl.wait_rates(|sends, _| !sends);
    bob.wait_rates(|sends, hears| sends && hears);
    anna.hang_up();
    bob.wait_closed();
    anna.select(2);
    anna.hang_up();
    carl.wait_closed();
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn a_waiting_call_is_refused_as_busy_and_one_that_may_not_wait_never_rings() {
    let scene = Scene::new("not-waiting");
    let kamailio = Kamailio::start(&scene, None);
    let (mut switch, mut anna) = ward(&scene, &kamailio);
    let mut bob = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(1)));
    let mut carl = Baresip::start(&scene, north(&kamailio, "302", "udp", Tone::number(2)));
    bob.dial("201");
    anna.wait_event("CALL_INCOMING");
    anna.accept();
    bob.wait_established();

    carl.dial("201");
    anna.wait_event("CALL_INCOMING");
    anna.hang_up();
    assert!(carl.wait_closed().contains("486"), "refused at the handset");
    bob.wait_heard(anna.tone(), SPEECH);

    switch.rest("PUT", "/users/201/forwarding", Some(&json!({ "call_waiting": false })));
    carl.dial("201");
    assert!(carl.wait_closed().contains("486"), "it may not wait");
    assert!(!anna.has_event("CALL_INCOMING"));

    // Who forwards while busy is called elsewhere.
    let busy = json!({ "call_waiting": true, "busy": "302" });
    switch.rest("PUT", "/users/201/forwarding", Some(&busy));
    let mut dora = Baresip::start(&scene, north(&kamailio, "303", "udp", Tone::number(3)));
    dora.dial("201");
    dora.wait_established();
    carl.wait_established();
    dora.hang_up();
    carl.wait_closed();

    switch.rest("PUT", "/users/201/forwarding", Some(&json!({ "do_not_disturb": true })));
    bob.hang_up();
    anna.wait_closed();
    carl.dial("201");
    assert!(carl.wait_closed().contains("486"), "do not disturb");
    assert!(!anna.has_event("CALL_INCOMING"));
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn a_call_that_another_telephone_of_the_user_takes_is_not_a_missed_call() {
    let scene = Scene::new("elsewhere");
    let kamailio = Kamailio::start(&scene, None);
    let (mut switch, mut anna) = ward(&scene, &kamailio);
    // The user's other telephone, which the registrar rings together with the switch.
    let mut desk = Linphone::start(&scene, rings(north(&kamailio, "201", "udp", Tone::number(1))));
    let mut bob = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(2)));
    bob.dial("201");
    anna.wait_event("CALL_INCOMING");
    desk.answer();
    bob.wait_established();
    anna.wait_closed();
    assert!(anna.output().contains("Call completed elsewhere"), "the handset is told why it stops ringing");
    let log =
        |kind: &str| switch.rest("GET", &format!("/users/201/calls?kind={kind}"), None)["total"].clone();
    until("the log has the call", PATIENCE, || (log("elsewhere") == 1).then_some(()));
    assert_eq!(log("missed"), 0);
    bob.hang_up();
    desk.wait_closed();

    // One that nobody takes is missed.
    bob.dial("201");
    anna.wait_event("CALL_INCOMING");
    bob.hang_up();
    anna.wait_closed();
    until("the log has the missed call", PATIENCE, || (log("missed") == 1).then_some(()));
    switch.wait_idle();
    switch.assert_alive();
}

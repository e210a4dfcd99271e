//! Numbers: who may call what, and emergency calls that nothing holds up.

use serde_json::{Value, json};

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::Kamailio;
use crate::phone::Phone;
use crate::process::{PATIENCE, until_true};
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch, south_password};

#[test]
fn a_toll_call_is_barred_with_words_until_it_is_allowed_and_an_emergency_call_is_not() {
    let scene = Scene::new("barring");
    let kamailio = Kamailio::start(&scene, None);
    let dialling = "[dialling]\nnational = \"7\"\nrules = [\"^5$ => 301\"]\n";
    let switch = Switch::start(&scene, Options { more: dialling, ..Options::line(&kamailio, "udp") });
    switch.create_user("201");
    let nothing = json!({ "allowed_calls": [] });
    switch.change_user("201", &nothing);
    let mut handset = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    // Registered under a number that needs the right to call far, one of the house, and an emergency number.
    let _far = Baresip::start(&scene, north(&kamailio, "7301", "udp", Tone::number(1)));
    let _near = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(2)));
    let _desk = Baresip::start(&scene, north(&kamailio, "112", "udp", Tone::number(3)));
    switch.wait_line("201");

    for barred in ["7301", "301", "5"] {
        handset.dial(barred);
        let why = handset.wait_closed();
        assert!(why.starts_with("403"), "{barred}: {why}");
    }
    let call = switch.last_call();
    assert_eq!((&call["cause"]["status"], &call["cause"]["q850"]), (&json!(403), &json!(52)), "{call}");
    let said = handset.output();
    assert!(said.contains("calls to national numbers are barred for 201"), "{said}");
    handset.dial("112");
    handset.wait_established();
    handset.hang_up();
    handset.wait_closed();

    switch.change_user("201", &json!({ "allowed_calls": ["internal"] }));
    handset.dial("5");
    handset.wait_established();
    handset.hang_up();
    handset.wait_closed();
    handset.dial("7301");
    assert!(handset.wait_closed().starts_with("403"));

    switch.change_user("201", &json!({ "allowed_calls": ["national"] }));
    handset.dial("7301");
    handset.wait_established();
    handset.hang_up();
    handset.wait_closed();
    switch.wait_idle();
}

#[test]
fn an_emergency_call_ends_another_when_no_channel_is_free_and_goes_by_any_line() {
    let scene = Scene::new("emergency");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options { channels: 1, ..Options::line(&kamailio, "udp") });
    switch.create_user("201");
    // The registrar knows no such password: this line never comes up.
    let second =
        json!({ "username": "202", "auth_password": "wrong", "south_password": south_password("202") });
    switch.rest("POST", "/users", Some(&second));
    let mut first = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let mut second = Baresip::start(&scene, switch.handset("202", "udp", Tone::number(1)));
    let mut phone = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(2)));
    let patient = Account { answers: false, ..north(&kamailio, "112", "udp", Tone::number(3)) };
    let mut desk = Baresip::start(&scene, patient);
    switch.wait_line("201");

    first.dial("301");
    first.wait_established();
    phone.wait_established();
    second.dial("301");
    assert!(!second.wait_closed().is_empty(), "no channel is free for an ordinary call");

    second.dial("112");
    desk.wait_event("CALL_INCOMING");
    first.wait_closed();
    phone.wait_closed();
    assert!(first.output().contains("Q.850;cause=8"), "the ended call is told why");
    assert!(desk.output().contains("Priority: emergency"));
    desk.accept();
    second.wait_established();
    until_true("the emergency call alone stands", PATIENCE, || {
        let calls = switch.rest("GET", "/calls?state=active", None);
        calls["items"].as_array().is_some_and(|items| items.len() == 1 && items[0]["answered"] != Value::Null)
    });
    // It is not ended for another one.
    first.dial("112");
    assert!(first.wait_closed().starts_with("503"));
    second.hang_up();
    second.wait_closed();
    switch.wait_idle();
    switch.assert_alive();
}

//! kill -9, start again: nobody has to do anything.

use std::time::Duration;

use crate::audio::Tone;
use crate::baresip::Baresip;
use crate::kamailio::Kamailio;
use crate::phone::{Ender, Phone, SPEECH, talk};
use crate::process::{PATIENCE, until_true};
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch};

#[test]
fn users_handsets_and_lines_are_back_after_kill_9_without_the_clients_doing_anything() {
    let scene = Scene::new("restart");
    let kamailio = Kamailio::start(&scene, None);
    let options = Options { expires: 30, ..Options::line(&kamailio, "tls") };
    let mut switch = Switch::start(&scene, options);
    switch.create_user("201");
    let mut anna = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let mut bob = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(1)));
    switch.wait_line("201");
    let before = kamailio.contacts("201");
    switch.kill();
    println!("back after {:?}", switch.start_again());
    assert!(switch.has_handset("201"), "{}", switch.user("201"));
    assert_eq!(kamailio.contacts("201"), before);
    talk(&mut bob, &mut anna, Ender::Caller);
    talk(&mut anna, &mut bob, Ender::Caller);
    // The line lives on: the registrar sees refreshes, still of the same contact.
    let order = |kamailio: &Kamailio| {
        kamailio.contact_field("201", "CSeq").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    let seen = (kamailio.contact_field("201", "Call-ID"), order(&kamailio));
    println!("at kamailio: {:?}", kamailio.lookup("201"));
    until_true("the registration is refreshed", Duration::from_secs(45), || {
        (kamailio.contact_field("201", "Call-ID"), order(&kamailio)) != seen
    });
    assert_eq!(kamailio.contacts("201").len(), 1);
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn a_call_that_stands_goes_on_after_kill_9_and_either_side_can_end_it() {
    let scene = Scene::new("restart-call");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "tls"));
    switch.create_user("201");
    let mut anna = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let mut bob = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(1)));
    switch.wait_line("201");
    for ender in [Ender::Caller, Ender::Callee] {
        anna.dial("301");
        anna.wait_established();
        bob.wait_established();
        let heard = [anna.wait_heard(bob.tone(), SPEECH), bob.wait_heard(anna.tone(), SPEECH)];
        switch.kill();
        let away = switch.start_again();
        let more = |heard: &crate::audio::Heard| heard.duration + SPEECH;
        let after =
            [anna.wait_heard(bob.tone(), more(&heard[0])), bob.wait_heard(anna.tone(), more(&heard[1]))];
        println!("away for {away:?}; 201 heard {}; 301 heard {}", after[0], after[1]);
        match ender {
            Ender::Caller => anna.hang_up(),
            Ender::Callee => bob.hang_up(),
        }
        anna.wait_closed();
        bob.wait_closed();
        switch.wait_idle();
    }
    switch.assert_alive();
}

#[test]
fn a_registrar_that_forgot_everything_is_told_again() {
    let scene = Scene::new("registrar-restart");
    let mut kamailio = Kamailio::start(&scene, None);
    let options = Options { expires: 30, ..Options::line(&kamailio, "tls") };
    let mut switch = Switch::start(&scene, options);
    switch.create_user("201");
    switch.wait_line("201");
    kamailio.stop();
    kamailio.start_again();
    until_true("201 is registered again", PATIENCE + Duration::from_secs(30), || {
        !kamailio.contacts("201").is_empty()
    });
    switch.assert_alive();
}

#[test]
fn a_switch_that_is_asked_to_stop_ends_with_success() {
    let scene = Scene::new("stop");
    let mut switch = Switch::start(&scene, Options::default());
    switch.create_user("201");
    switch.stop();
    switch.start_again();
    assert_eq!(switch.user("201")["username"], "201");
}

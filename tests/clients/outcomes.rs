//! Calls that are not answered: each side learns why, and nothing stays behind.

use serde_json::Value;

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::Kamailio;
use crate::phone::Phone;
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch};

/// A handset 201 and a phone 301 that ring until somebody does something.
struct Pair<'a> {
    switch: Switch<'a>,
    handset: Baresip,
    phone: Baresip,
}

impl<'a> Pair<'a> {
    fn start(scene: &'a Scene, kamailio: &Kamailio) -> Pair<'a> {
        let switch = Switch::start(scene, Options::line(kamailio, "tls"));
        switch.create_user("201");
        let patient = |account: Account| Account { answers: false, ..account };
        let handset = Baresip::start(scene, patient(switch.handset("201", "udp", Tone::number(0))));
        let phone = Baresip::start(scene, patient(north(kamailio, "301", "udp", Tone::number(1))));
        switch.wait_line("201");
        kamailio.wait_contact("201");
        Pair { switch, handset, phone }
    }

    /// No channel is left, and the switch's own record of the call has this status and Q.850 cause.
    fn expect_recorded(&mut self, status: u16, q850: u16) {
        self.switch.wait_idle();
        let call = self.switch.last_call();
        assert_eq!(call["answered"], Value::Null, "{call}");
        assert_eq!(
            (&call["cause"]["status"], &call["cause"]["q850"]),
            (&status.into(), &q850.into()),
            "{call}"
        );
        self.switch.assert_alive();
    }
}

#[test]
fn a_phone_that_is_busy_is_told_to_the_handset_as_busy() {
    let scene = Scene::new("busy-north");
    let kamailio = Kamailio::start(&scene, None);
    let mut pair = Pair::start(&scene, &kamailio);
    pair.handset.dial("301");
    pair.phone.wait_event("CALL_INCOMING");
    pair.handset.wait_event("CALL_RINGING");
    pair.phone.hang_up();
    let why = pair.handset.wait_closed();
    assert!(why.starts_with("486"), "{why}");
    pair.expect_recorded(486, 17);
}

#[test]
fn a_handset_that_is_busy_is_told_to_the_phone_as_busy() {
    let scene = Scene::new("busy-south");
    let kamailio = Kamailio::start(&scene, None);
    let mut pair = Pair::start(&scene, &kamailio);
    pair.phone.dial("201");
    pair.handset.wait_event("CALL_INCOMING");
    pair.phone.wait_event("CALL_RINGING");
    pair.handset.hang_up();
    let why = pair.phone.wait_closed();
    assert!(why.starts_with("486"), "{why}");
    pair.expect_recorded(486, 17);
}

#[test]
fn a_call_that_the_handset_takes_back_stops_ringing_in_the_north() {
    let scene = Scene::new("cancel-south");
    let kamailio = Kamailio::start(&scene, None);
    let mut pair = Pair::start(&scene, &kamailio);
    pair.handset.dial("301");
    pair.phone.wait_event("CALL_INCOMING");
    pair.handset.wait_event("CALL_RINGING");
    pair.handset.hang_up();
    pair.handset.wait_closed();
    pair.phone.wait_closed();
    pair.handset.wait_output("SIP/2.0 487 ");
    // A normal end, only earlier than hoped.
    pair.expect_recorded(487, 16);
}

#[test]
fn a_call_that_the_phone_takes_back_stops_ringing_at_the_handset() {
    let scene = Scene::new("cancel-north");
    let kamailio = Kamailio::start(&scene, None);
    let mut pair = Pair::start(&scene, &kamailio);
    pair.phone.dial("201");
    pair.handset.wait_event("CALL_INCOMING");
    pair.phone.wait_event("CALL_RINGING");
    pair.phone.hang_up();
    pair.phone.wait_closed();
    pair.handset.wait_closed();
    pair.phone.wait_output("SIP/2.0 487 ");
    pair.expect_recorded(487, 16);
}

#[test]
fn a_number_that_nobody_has_is_not_found() {
    let scene = Scene::new("not-found");
    let kamailio = Kamailio::start(&scene, None);
    let mut pair = Pair::start(&scene, &kamailio);
    pair.handset.dial("399");
    let why = pair.handset.wait_closed();
    assert!(why.starts_with("404"), "{why}");
    pair.expect_recorded(404, 1);
}

#[test]
fn a_phone_that_nobody_answers_times_out_and_stops_ringing() {
    let scene = Scene::new("no-answer");
    // Its patience with ringing phones is shorter than anybody else's.
    let kamailio = Kamailio::start_with(&scene, None, 4_000);
    let mut pair = Pair::start(&scene, &kamailio);
    pair.handset.dial("301");
    pair.phone.wait_event("CALL_INCOMING");
    let why = pair.handset.wait_closed();
    assert!(why.starts_with("408"), "{why}");
    pair.phone.wait_closed();
    pair.expect_recorded(408, 102);
}

#[test]
fn a_handset_that_is_switched_off_is_temporarily_unavailable() {
    let scene = Scene::new("off");
    let kamailio = Kamailio::start(&scene, None);
    let mut pair = Pair::start(&scene, &kamailio);
    pair.switch.create_user("202");
    pair.switch.wait_line("202");
    kamailio.wait_contact("202");
    pair.phone.dial("202");
    let why = pair.phone.wait_closed();
    assert!(why.starts_with("480"), "{why}");
    pair.switch.wait_idle();
}

#[test]
fn a_wrong_password_registers_nobody() {
    let scene = Scene::new("wrong-password");
    let switch = Switch::start(&scene, Options::default());
    switch.create_user("201");
    let account = Account { password: "guessed".into(), ..switch.handset("201", "udp", Tone::number(0)) };
    let mut baresip = Baresip::start_unregistered(&scene, account);
    baresip.wait_output("403 Forbidden");
    let output = baresip.output();
    assert!(!output.contains("SIP/2.0 200"));
    assert!(!switch.has_handset("201"));
}

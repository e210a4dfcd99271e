//! Calls between handsets in the south and phones in the north: both hear, either ends.

use std::collections::HashSet;

use crate::audio::Tone;
use crate::baresip::{Account, Baresip, Srtp};
use crate::kamailio::Kamailio;
use crate::linphone::Linphone;
use crate::phone::{Ender, Phone, talk};
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch};

/// Both directions, ended from both sides.
fn talk_every_way(south: &mut dyn Phone, north: &mut dyn Phone, switch: &mut Switch) {
    for ender in [Ender::Caller, Ender::Callee] {
        talk(south, north, ender);
        talk(north, south, ender);
        switch.wait_idle();
    }
    switch.assert_alive();
}

#[test]
fn a_handset_over_udp_and_a_phone_behind_kamailio_over_tls_hear_each_other() {
    let scene = Scene::new("udp-tls");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "tls"));
    switch.create_user("201");
    let mut anna = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let mut bob = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(1)));
    switch.wait_line("201");
    kamailio.wait_contact("201");
    talk_every_way(&mut anna, &mut bob, &mut switch);
}

#[test]
fn a_handset_over_tls_that_offers_srtp_and_a_phone_without_hear_each_other() {
    srtp_in_the_south("202", Srtp::Offered);
}

#[test]
fn a_handset_over_tls_that_requires_srtp_and_a_phone_without_hear_each_other() {
    srtp_in_the_south("203", Srtp::Required);
}

/// SRTP in the south, RTP in the north. The switch's record says so, and so do the handset's SDP bodies.
fn srtp_in_the_south(user: &str, srtp: Srtp) {
    let scene = Scene::new("srtp");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "tls"));
    switch.create_user(user);
    let mut anna = Baresip::start(&scene, Account { srtp, ..switch.handset(user, "tls", Tone::number(0)) });
    let mut bob = Baresip::start(&scene, north(&kamailio, "302", "udp", Tone::number(1)));
    switch.wait_line(user);
    talk(&mut anna, &mut bob, Ender::Caller);
    let encrypted = switch.last_call()["srtp"].clone();
    assert_eq!((&encrypted["caller"], &encrypted["callee"]), (&true.into(), &false.into()), "{encrypted}");
    talk_every_way(&mut anna, &mut bob, &mut switch);
}

#[test]
fn with_srtp_on_both_sides_each_side_has_keys_of_its_own() {
    let scene = Scene::new("srtp-srtp");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options { srtp: "required", ..Options::line(&kamailio, "tls") });
    switch.create_user("204");
    let required = |account: Account| Account { srtp: Srtp::Required, ..account };
    let mut anna = Baresip::start(&scene, required(switch.handset("204", "tls", Tone::number(0))));
    let mut bob = Baresip::start(&scene, required(north(&kamailio, "304", "tls", Tone::number(1))));
    switch.wait_line("204");
    talk_every_way(&mut anna, &mut bob, &mut switch);
    let keys = |baresip: &Baresip| {
        let output = baresip.output();
        let lines = output.lines().filter(|line| line.starts_with("a=crypto:"));
        lines.map(|line| line.trim().to_owned()).collect::<HashSet<_>>()
    };
    assert!(!keys(&anna).is_empty() && !keys(&bob).is_empty());
    assert!(keys(&anna).is_disjoint(&keys(&bob)), "a key went from one side to the other");
}

#[test]
fn a_handset_over_tcp_to_a_line_over_udp() {
    let scene = Scene::new("tcp-udp");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "udp"));
    switch.create_user("204");
    let mut anna = Baresip::start(&scene, switch.handset("204", "tcp", Tone::number(0)));
    let mut bob = Baresip::start(&scene, north(&kamailio, "304", "udp", Tone::number(1)));
    switch.wait_line("204");
    talk_every_way(&mut anna, &mut bob, &mut switch);
}

#[test]
fn linphone_as_handset_and_baresip_behind_kamailio_hear_each_other() {
    let scene = Scene::new("linphone-south");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "tls"));
    switch.create_user("205");
    let mut anna = Linphone::start(&scene, switch.handset("205", "udp", Tone::number(0)));
    let mut bob = Baresip::start(&scene, north(&kamailio, "305", "udp", Tone::number(1)));
    switch.wait_line("205");
    talk_every_way(&mut anna, &mut bob, &mut switch);
}

#[test]
fn baresip_as_handset_and_linphone_behind_kamailio_hear_each_other() {
    let scene = Scene::new("linphone-north");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "tls"));
    switch.create_user("206");
    let mut anna = Baresip::start(&scene, switch.handset("206", "udp", Tone::number(0)));
    let mut bob = Linphone::start(&scene, north(&kamailio, "306", "tls", Tone::number(1)));
    switch.wait_line("206");
    talk_every_way(&mut anna, &mut bob, &mut switch);
}

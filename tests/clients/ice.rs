//! ICE with a client that does it.

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::Kamailio;
use crate::namespace;
use crate::phone::{Ender, talk};
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch};

#[test]
fn a_phone_in_the_north_that_offers_ice_is_answered_and_checked() {
    if !namespace::inside("ice::a_phone_in_the_north_that_offers_ice_is_answered_and_checked") {
        return;
    }
    let scene = Scene::new("ice");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options { ice: true, ..Options::line(&kamailio, "udp") });
    switch.create_user("208");
    let mut anna = Baresip::start(&scene, switch.handset("208", "udp", Tone::number(0)));
    let phone = Account { ice: true, ..north(&kamailio, "308", "udp", Tone::number(1)) };
    let mut bob = Baresip::start(&scene, phone);
    switch.wait_line("208");
    kamailio.wait_contact("208");
    talk(&mut bob, &mut anna, Ender::Caller);
    talk(&mut bob, &mut anna, Ender::Callee);
    assert!(bob.output().contains("a=candidate:1 2 UDP"), "the switch names its sockets");
    let output = bob.output();
    let second = output.lines().filter(|line| line.starts_with("a=remote-candidates:1 198.18.0.1")).count();
    assert!(second >= 2, "its second offers are answered with the pair that they name");
    switch.wait_idle();
    switch.assert_alive();
}

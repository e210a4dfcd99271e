//! What makers' handsets take: names are cut for them, and for nobody else.

use serde_json::json;

use crate::audio::Tone;
use crate::baresip::Baresip;
use crate::phone::Phone;
use crate::scene::Scene;
use crate::switch::{Options, Switch};

#[test]
fn a_long_name_is_cut_for_the_handset_and_whole_in_the_records() {
    let scene = Scene::new("profiles");
    let switch = Switch::start(&scene, Options::default());
    switch.create_user("201");
    switch.create_user("202");
    let name = "Oberärztin Dr. Müller-Lüdenscheidt";
    switch.change_user("201", &json!({ "display_name": name }));
    let mut caller = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let mut callee = Baresip::start(&scene, switch.handset("202", "udp", Tone::number(1)));
    caller.dial("202");
    caller.wait_established();
    // Of an unknown maker 24 characters are known to be safe.
    callee.wait_output("From: \"Oberärztin Dr. Müller-Lü\" <sip:201@");
    caller.hang_up();
    caller.wait_closed();
    callee.wait_closed();
    assert_eq!(switch.last_call()["caller"]["display"], name);
}

//! Codecs that do not go together are translated: from the start of a call, and when one end changes in talk.

use crate::audio::Tone;
use crate::baresip::{Account, Baresip, G711};
use crate::kamailio::Kamailio;
use crate::phone::{Ender, Phone, SPEECH, talk};
use crate::process::PATIENCE;
use crate::process::until_true;
use crate::rig::north;
use crate::scene::Scene;
use crate::sipp::Sipp;
use crate::switch::{Options, Switch};

/// What baresip wants for it: its own coder, which shares nothing with ours.
const G722: &str = "module g722.so\n";

#[test]
fn a_handset_that_speaks_g722_alone_and_a_phone_that_speaks_g711_alone_hear_each_other() {
    let scene = Scene::new("g722-g711");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "udp"));
    switch.create_user("201");
    let wide = Account { codecs: "G722/16000/1", ..switch.handset("201", "udp", Tone::number(0)) };
    let mut anna = Baresip::start_with(&scene, wide, G722);
    let narrow = Account { codecs: G711, ..north(&kamailio, "301", "udp", Tone::number(1)) };
    let mut bob = Baresip::start(&scene, narrow);
    switch.wait_line("201");
    talk(&mut anna, &mut bob, Ender::Caller);
    let codecs = switch.last_call()["codecs"].clone();
    assert_eq!(codecs["caller"], "G722", "{codecs}");
    assert!(codecs["callee"].as_str().is_some_and(|codec| codec.starts_with("PCM")), "{codecs}");
    talk(&mut bob, &mut anna, Ender::Callee);
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn a_far_end_that_changes_to_g722_in_talk_is_translated_for_a_handset_that_cannot_follow() {
    let scene = Scene::new("codec-change");
    let far = Sipp::echoing_server(&scene, "far", "change");
    let kamailio = Kamailio::start(&scene, Some(far.address));
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "udp"));
    switch.create_user("201");
    let mut anna = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    switch.wait_line("201");
    anna.dial("9301");
    anna.wait_established();
    anna.wait_heard(anna.tone(), SPEECH);
    // A telephone event of hers reaches the far end, which takes none, by INFO; then it changes.
    anna.press("5");
    until_true("the far end has changed its codec", PATIENCE, || {
        let messages = far.messages();
        messages.contains("RTP/AVP 9\n") && messages.contains("7 ACK")
    });
    // All that she says goes to G.722 and back, and she hears herself as loud as before.
    let so_far = anna.heard(anna.tone()).map_or(SPEECH, |heard| heard.duration);
    let heard = anna.wait_heard(anna.tone(), so_far + SPEECH);
    assert!((heard.level_db + 10.0).abs() < 1.0, "{heard}");
    anna.hang_up();
    anna.wait_closed();
    let counted = far.wait_quiet();
    assert_eq!((counted.successful, counted.failed), (1, 0), "{}", far.messages());
    switch.wait_idle();
    switch.assert_alive();
}

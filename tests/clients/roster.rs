//! The roster of a conference (RFC 4575): linphone subscribes to it as soon as the focus has answered.

use serde_json::json;

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::linphone::Linphone;
use crate::phone::Phone;
use crate::scene::Scene;
use crate::switch::{Options, Switch};
use crate::transfer::hears;

fn account(switch: &Switch<'_>, user: &str, n: u32) -> Account {
    switch.handset(user, "udp", Tone::number(n))
}

/// A room with three telephones, of which the first is in it.
fn ward_round(scene: &Scene) -> (Switch<'_>, Linphone, Baresip, Baresip) {
    let switch = Switch::start(scene, Options::default());
    ["201", "202", "203"].iter().for_each(|user| switch.create_user(user));
    switch.rest("POST", "/rooms", Some(&json!({ "name": "8001", "title": "Ward round" })));
    let mut anna = Linphone::start(scene, account(&switch, "201", 0));
    let bob = Baresip::start(scene, account(&switch, "202", 1));
    let carol = Baresip::start(scene, account(&switch, "203", 2));
    anna.dial("8001");
    anna.wait_established();
    (switch, anna, bob, carol)
}

#[test]
fn linphone_learns_who_comes_and_goes_also_after_kill_9() {
    let scene = Scene::new("roster");
    let (mut switch, anna, mut bob, mut carol) = ward_round(&scene);
    // All of the room, then who comes.
    anna.wait_trace("state=\"full\" version=\"0\"");
    anna.wait_trace("<display-text>Ward round</display-text>");
    bob.dial("8001");
    bob.wait_established();
    anna.wait_trace("<user entity=\"sip:202@");
    anna.wait_trace("state=\"partial\" version=\"1\"");
    hears(&anna, bob.tone());

    switch.kill();
    switch.start_again();
    // The subscription is on disk, and its numbers go on.
    anna.wait_trace("state=\"full\" version=\"2\"");
    carol.dial("8001");
    carol.wait_established();
    anna.wait_trace("<user entity=\"sip:203@");
    hears(&anna, carol.tone());
    bob.hang_up();
    bob.wait_closed();
    anna.wait_trace("<user entity=\"sip:202@hospital.test\" state=\"deleted\"/>");
    // The room is removed: its roster ends with it.
    switch.rest("DELETE", "/rooms/8001", None);
    carol.wait_closed();
    anna.wait_trace("terminated;reason=noresource");
    switch.wait_idle();
    switch.assert_alive();
}

#[test]
fn baresip_asks_the_focus_to_invite_somebody_who_is_then_on_the_roster() {
    let scene = Scene::new("roster-invite");
    let (mut switch, anna, mut bob, mut carol) = ward_round(&scene);
    bob.dial("8001");
    bob.wait_established();
    hears(&anna, bob.tone());
    // A plain REFER within a call to a focus (RFC 4579 §5.5).
    bob.transfer("203");
    carol.wait_established();
    anna.wait_trace("<user entity=\"sip:203@hospital.test\" state=\"full\">");
    hears(&anna, carol.tone());
    hears(&carol, anna.tone());
    switch.rest("DELETE", "/rooms/8001", None);
    carol.wait_closed();
    anna.wait_trace("terminated;reason=noresource");
    switch.wait_idle();
    switch.assert_alive();
}

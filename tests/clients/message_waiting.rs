//! Message waiting with unmodified clients: SIPp is the voice mail, baresip subscribes, linphone is told unasked.

use serde_json::{Value, json};

use crate::audio::Tone;
use crate::baresip::Baresip;
use crate::kamailio::Kamailio;
use crate::linphone::Linphone;
use crate::process::{PATIENCE, free_port, until, until_true};
use crate::scene::Scene;
use crate::sipp::{Load, Sipp};
use crate::switch::{Options, Switch};

/// How often a baresip is started until it subscribes as it should.
const STARTS: usize = 5;
/// It does so again for each challenge and registration; more is without end.
const MOST_SUBSCRIBES: usize = 50;

/// Has the voice mail tell of messages unasked, by way of the registrar.
fn tell(scene: &Scene, kamailio: &Kamailio, rows: &[&str]) {
    let rows: Vec<String> = rows.iter().map(|row| (*row).to_owned()).collect();
    let load = Load { calls: rows.len() as u64, per_second: 10, at_once: 10, talk_ms: 0 };
    let mut mail = Sipp::client(scene, "notify", "notify", kamailio.sip, free_port(), &rows, load);
    let counted = mail.wait(PATIENCE);
    assert_eq!((counted.successful, counted.failed), (rows.len() as u64, 0), "{counted}");
}

fn waiting(switch: &Switch<'_>, user: &str) -> Value {
    switch.rest("GET", &format!("/users/{user}/message-waiting"), None)
}

fn wait_lamp(phone: &mut Baresip, words: &str) {
    until(&format!("baresip is told {words}"), PATIENCE, || {
        let told = phone.wait_event("MWI_NOTIFY");
        told["param"].as_str().is_some_and(|body| body.contains(words)).then_some(())
    });
}

/// A baresip that shows what waits. Now and then its module subscribes without end and never reads an answer:
/// such a one is started anew.
fn lamp(scene: &Scene, switch: &Switch<'_>, user: &str, transport: &'static str) -> Baresip {
    for _ in 0..STARTS {
        let account = switch.handset(user, transport, Tone::number(0));
        let baresip = Baresip::start_with(scene, account, "module_app mwi.so\n");
        let subscribed = || baresip.output().matches("mwi: subscribing to messages").count();
        until_true("baresip subscribes", PATIENCE, || subscribed() > 0);
        let answered = until("its SUBSCRIBE is answered", PATIENCE, || {
            let answered = baresip.output().contains("\nNOTIFY sip:");
            (answered || subscribed() > MOST_SUBSCRIBES).then_some(answered)
        });
        if answered {
            return baresip;
        }
    }
    panic!("baresip subscribed without end {STARTS} times");
}

#[test]
fn an_unasked_notification_lights_lamps_survives_kill_9_and_is_cleared() {
    let scene = Scene::new("mwi");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "tls"));
    for user in ["201", "202"] {
        switch.create_user(user);
        switch.wait_line(user);
    }
    let mut anna = lamp(&scene, &switch, "201", "udp");
    let bert = Linphone::start(&scene, switch.handset("202", "udp", Tone::number(1)));
    // A subscriber is told at once that nothing waits.
    wait_lamp(&mut anna, "Messages-Waiting: no");
    tell(&scene, &kamailio, &["201;yes;2/1", "202;yes;5/0"]);
    wait_lamp(&mut anna, "Voice-Message: 2/1");
    bert.wait_trace("Voice-Message: 5/0 (0/0)");
    let told = waiting(&switch, "201");
    assert_eq!((&told["waiting"], &told["new"], &told["old"]), (&json!(true), &json!(2), &json!(1)));
    assert_eq!(told["account"], "sip:900@hospital.test");
    assert_eq!(switch.user("202")["status"]["messages"], 5);

    switch.kill();
    switch.start_again();
    assert_eq!(waiting(&switch, "201"), told, "what was told is on disk");
    // The subscription too: its dialog goes on.
    wait_lamp(&mut anna, "Voice-Message: 2/1");

    switch.rest("DELETE", "/users/201/message-waiting", None);
    wait_lamp(&mut anna, "Messages-Waiting: no");
    assert_eq!(waiting(&switch, "201")["new"], 0);
    switch.assert_alive();
}

#[test]
fn the_voice_mail_of_the_registrar_is_subscribed_to_and_its_news_reach_the_handset() {
    let scene = Scene::new("mwi-north");
    let mail = Sipp::server(&scene, "voicemail", "voicemail");
    let kamailio = Kamailio::start(&scene, Some(mail.address));
    let mut switch = Switch::start(&scene, Options::line(&kamailio, "udp"));
    switch.create_user("601");
    let mut anna = lamp(&scene, &switch, "601", "tcp");
    wait_lamp(&mut anna, "Voice-Message: 2/1");
    assert_eq!(waiting(&switch, "601")["new"], 2);
    wait_lamp(&mut anna, "Messages-Waiting: no");
    let told = waiting(&switch, "601");
    assert_eq!((&told["waiting"], &told["old"]), (&json!(false), &json!(3)));
    let counted = mail.wait_quiet();
    assert_eq!((counted.successful, counted.failed), (1, 0), "{counted}");
    switch.assert_alive();
}

/// What a voice mail cannot be asked for: another user's messages, by a handset or from a stranger.
#[test]
fn nobody_hears_of_messages_who_has_no_business_with_them() {
    let scene = Scene::new("mwi-stranger");
    let switch = Switch::start(&scene, Options::default());
    switch.create_user("201");
    let rows = ["201;yes;2/1".to_owned()];
    let load = Load { calls: 1, per_second: 1, at_once: 1, talk_ms: 0 };
    let mut mail = Sipp::client(&scene, "stranger", "notify", switch.bound().udp, free_port(), &rows, load);
    let counted = mail.wait(PATIENCE);
    assert_eq!((counted.successful, counted.failed), (0, 1), "{counted}");
    assert_eq!(waiting(&switch, "201")["waiting"], Value::Null);
}

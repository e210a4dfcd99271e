//! The instruments themselves, without the switch.

use crate::audio::Tone;
use crate::baresip::{Account, Baresip, G711, Srtp};
use crate::kamailio::{Kamailio, north_password};
use crate::linphone::Linphone;
use crate::phone::{Ender, talk};
use crate::process::{PATIENCE, free_port};
use crate::scene::Scene;
use crate::sipp::{Load, Sipp};

/// An account in the north.
pub fn north(kamailio: &Kamailio, user: &str, transport: &'static str, tone: Tone) -> Account {
    let server = if transport == "tls" { kamailio.sip_tls } else { kamailio.sip };
    Account {
        user: user.into(),
        password: north_password(user),
        server,
        transport,
        srtp: Srtp::Off,
        answers: true,
        tone,
        codecs: G711,
        ice: false,
    }
}

#[test]
fn baresip_hears_baresip_through_kamailio_alone() {
    let scene = Scene::new("rig");
    let kamailio = Kamailio::start(&scene, None);
    for (from, to) in [("udp", "udp"), ("udp", "tls"), ("tls", "udp")] {
        let (anna, bob) = (format!("3{from}"), format!("4{to}"));
        let mut anna = Baresip::start(&scene, north(&kamailio, &anna, from, Tone::number(0)));
        let mut bob = Baresip::start(&scene, north(&kamailio, &bob, to, Tone::number(1)));
        talk(&mut anna, &mut bob, Ender::Callee);
    }
}

#[test]
fn linphone_hears_baresip_through_kamailio_alone() {
    let scene = Scene::new("rig-linphone");
    let kamailio = Kamailio::start(&scene, None);
    let mut bob = Baresip::start(&scene, north(&kamailio, "302", "udp", Tone::number(1)));
    for transport in ["udp", "tls"] {
        let account = north(&kamailio, &format!("3{transport}"), transport, Tone::number(0));
        let mut anna = Linphone::start(&scene, account);
        talk(&mut anna, &mut bob, Ender::Caller);
        talk(&mut bob, &mut anna, Ender::Caller);
    }
}

#[test]
fn sipp_calls_sipp_through_kamailio_alone() {
    let scene = Scene::new("rig-sipp");
    let far = Sipp::server(&scene, "answer", "answer");
    let kamailio = Kamailio::start(&scene, Some(far.address));
    let rows: Vec<String> =
        (0..50).map(|n| row(&format!("{}", 700 + n), north_password(&format!("{}", 700 + n)))).collect();
    let port = free_port();
    let registrations = Load { calls: 50, per_second: 100, at_once: 50, talk_ms: 200 };
    let mut phones = Sipp::client(&scene, "register", "register", kamailio.sip, port, &rows, registrations);
    let counted = phones.wait(PATIENCE);
    assert_eq!((counted.successful, counted.failed), (50, 0), "{counted}");
    let load = Load { calls: 300, per_second: 100, at_once: 200, talk_ms: 200 };
    let mut phones = Sipp::client(&scene, "call", "call", kamailio.sip, port, &rows, load);
    let counted = phones.wait(PATIENCE);
    let answered = far.wait_quiet();
    eprintln!("calling {counted}; answering {answered}");
    assert_eq!((answered.successful, answered.failed), (300, 0), "{answered}");
    assert_eq!((counted.successful, counted.failed), (300, 0), "{counted}");
}

/// A line of SIPp's file: who calls, how it proves that, whom.
pub fn row(user: &str, password: String) -> String {
    format!("{user};[authentication username={user} password={password}];9000")
}

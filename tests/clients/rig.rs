//! The instruments themselves, without the switch.

use std::time::Duration;

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::{Kamailio, north_password};
use crate::scene::Scene;

const SPEECH: Duration = Duration::from_secs(3);

/// An account in the north.
pub fn north(kamailio: &Kamailio, user: &str, transport: &'static str, tone: Tone) -> Account {
    let server = if transport == "tls" { kamailio.sip_tls } else { kamailio.sip };
    Account {
        user: user.into(),
        password: north_password(user),
        server,
        transport,
        srtp: false,
        answers: true,
        tone,
    }
}

#[test]
fn baresip_hears_baresip_through_kamailio_alone() {
    let scene = Scene::new("rig");
    let kamailio = Kamailio::start(&scene, None);
    for (from, to) in [("udp", "udp"), ("udp", "tls"), ("tls", "udp")] {
        let scene_names = [format!("3{from}"), format!("4{to}")];
        let mut anna = Baresip::start(&scene, north(&kamailio, &scene_names[0], from, Tone::number(0)));
        let mut bob = Baresip::start(&scene, north(&kamailio, &scene_names[1], to, Tone::number(1)));
        kamailio.wait_contact(&scene_names[0]);
        anna.dial(&scene_names[1]);
        anna.wait_event("CALL_ESTABLISHED");
        bob.wait_event("CALL_ESTABLISHED");
        let heard = [anna.wait_heard(bob.tone(), SPEECH), bob.wait_heard(anna.tone(), SPEECH)];
        bob.hang_up();
        bob.wait_closed();
        anna.wait_closed();
        for heard in heard {
            eprintln!("{from} {to}: {heard}");
            assert!((heard.level_db + 10.0).abs() < 1.0, "{heard}");
            assert_eq!((heard.longest_gap, heard.packets_cut), (Duration::ZERO, 0), "{heard}");
        }
    }
}

//! A Lync client that no one here wrote talks with a handset: an unmodified pidgin-sipe, its media libnice's.
//!
//! ```text
//!  pidgin-sipe ── TLS, NTLM ── the lab's front end ── TLS, NTLM ── kirkwall ── UDP ── baresip
//!       └───────────────── ICE of MS-ICE2, then SRTP ─────────────────┘
//! ```

use kirkwall_lab::ice::relay::Relay;
use tokio::runtime::Handle;

use crate::audio::Tone;
use crate::baresip::Baresip;
use crate::namespace;
use crate::phone::{Ender, talk};
use crate::pidgin::{Lync, PASSWORD, Pidgin};
use crate::scene::Scene;
use crate::switch::{Options, Switch};

/// A front end with alice, who has a pidgin, and with user 208, who has a handset.
struct Ward<'a> {
    lync: Lync,
    relay: Relay,
    switch: Switch<'a>,
    alice: Pidgin,
    anna: Baresip,
}

impl<'a> Ward<'a> {
    fn open(scene: &'a Scene, options: Options) -> Ward<'a> {
        let mut relay = None;
        let lync = Lync::start(&["alice", "208"], |config| {
            let address = namespace::ADDRESS.parse().unwrap();
            let start = Relay::start(address, &config.relay_key);
            let started = Handle::current().block_on(start).unwrap();
            config.relay_host = namespace::ADDRESS.into();
            (config.relay_udp, config.relay_tcp) = (started.address().port(), 0);
            relay = Some(started);
        });
        let ca = scene.path().join("lync-ca.pem");
        std::fs::write(&ca, lync.front_end.ca_pem()).unwrap();
        let north = lync.front_end.listening().tls.map(|address| (address, "tls"));
        let more = "[lync]\nenabled = true\nask_expires = true\n";
        let switch = Switch::start(scene, Options { north, ca: Some(ca), ice: true, more, ..options });
        switch.create_user("208");
        switch.change_user("208", &serde_json::json!({ "auth_password": PASSWORD }));
        let anna = Baresip::start(scene, switch.handset("208", "udp", Tone::number(0)));
        let alice = Pidgin::start(scene, &lync, "alice", "tls", Tone::number(1));
        switch.wait_line("208");
        Ward { lync, relay: relay.unwrap(), switch, alice, anna }
    }

    /// How much the client has said so far.
    fn said(&self) -> usize {
        self.alice.output().len()
    }

    /// Since then a call was made. Its caller, to whom the arrows of the client's log lead, made a second
    /// offer with what ICE chose ([MS-ICE2] §3.1.4.2), it was answered so too, and all media had keys.
    fn is_settled(&self, since: usize, from_caller: &str) {
        let output = self.alice.output();
        let messages: Vec<&str> = output[since..].split("MESSAGE START ").skip(1).collect();
        let described =
            |message: &&&str| message.contains("\nm=audio ") && message.contains("\na=remote-candidates:1 ");
        let settled: Vec<_> = messages.iter().filter(described).collect();
        let [offer, answer] = settled[..] else { panic!("{} descriptions name pairs", settled.len()) };
        assert!(offer.starts_with(from_caller) && offer.contains("\nCSeq: 2 INVITE"), "{offer}");
        assert!(!answer.starts_with(from_caller) && answer.contains("SIP/2.0 200 "), "{answer}");
        for message in [offer, answer] {
            assert!(message.contains(" RTP/SAVP ") && message.contains("\na=crypto:"), "{message}");
            assert_eq!(message.matches("\na=candidate:").count(), 2, "one for each component: {message}");
        }
        assert!(!messages.iter().any(|message| message.contains("SIP/2.0 409 ")), "its presence is in step");
    }

    fn close(mut self) {
        // libnice takes the lab's relay for one, and names its address there.
        let relayed = self.alice.output().matches(" typ relay ").count();
        assert!(relayed > 0 && self.relay.work().refused == 0, "{relayed} lines, {:?}", self.relay.work());
        self.switch.wait_idle();
        self.switch.assert_alive();
        self.lync.is_clean();
    }
}

#[test]
fn pidgin_sipe_and_a_handset_talk_over_srtp_after_ice_whoever_calls() {
    if !namespace::inside("lync_calls::pidgin_sipe_and_a_handset_talk_over_srtp_after_ice_whoever_calls") {
        return;
    }
    let scene = Scene::new("lync-calls");
    let mut ward = Ward::open(&scene, Options::default());
    for ender in [Ender::Caller, Ender::Callee] {
        let said = ward.said();
        talk(&mut ward.alice, &mut ward.anna, ender);
        ward.is_settled(said, ">>>>");
    }
    for ender in [Ender::Caller, Ender::Callee] {
        let said = ward.said();
        talk(&mut ward.anna, &mut ward.alice, ender);
        ward.is_settled(said, "<<<<");
    }
    ward.close();
}

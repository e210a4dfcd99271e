//! A Lync client that no one here wrote talks with a handset: an unmodified pidgin-sipe, its media libnice's.
//!
//! ```text
//!  pidgin-sipe ── TLS, NTLM ── the lab's front end ── TLS, NTLM ── kirkwall ── UDP ── baresip
//!       └──────────── ICE of MS-ICE2, then SRTP ──────────────┘
//! ```
//!
//! In one test nothing goes from the switch's media ports to the network that the client is in: the media relay is the
//! one address that both reach.

use std::net::Ipv4Addr;
use std::time::Duration;

use kirkwall_lab::front_end::lync::conference::Status;
use kirkwall_lab::ice::Manner;
use kirkwall_lab::ice::relay::Relay;
use kirkwall_lab::phone::{Behaviour, PhoneConfig};
use tokio::runtime::Handle;

use crate::audio::Tone;
use crate::baresip::Baresip;
use crate::namespace;
use crate::phone::{Ender, Phone, talk};
use crate::pidgin::{Lync, PASSWORD, Pidgin};
use crate::process::{PATIENCE, until_true};
use crate::scene::{DOMAIN, Scene};
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
    fn open(scene: &'a Scene, beyond: bool) -> Ward<'a> {
        let mut relay = None;
        let address: Ipv4Addr = namespace::ADDRESS.parse().unwrap();
        let at = if beyond { address } else { Ipv4Addr::LOCALHOST };
        let lync = Lync::start_at(at, &["alice", "208"], |config| {
            let start = Relay::start(address.into(), &config.relay_key);
            let started = Handle::current().block_on(start).unwrap();
            config.relay_host = namespace::ADDRESS.into();
            (config.relay_udp, config.relay_tcp) = (started.address().port(), 0);
            (config.mcu_ice, config.mcu_address) = (Manner::FULL, Some(address.into()));
            relay = Some(started);
        });
        let ca = scene.path().join("lync-ca.pem");
        std::fs::write(&ca, lync.front_end.ca_pem()).unwrap();
        let north = lync.front_end.listening().tls.map(|address| (address, "tls"));
        let more = "[lync]\nenabled = true\nask_expires = true\n";
        let switch =
            Switch::start(scene, Options { north, ca: Some(ca), ice: true, more, ..Options::default() });
        switch.create_user("208");
        switch.change_user("208", &serde_json::json!({ "auth_password": PASSWORD }));
        let anna = Baresip::start(scene, switch.handset("208", "udp", Tone::number(0)));
        let tone = Tone::number(1);
        let alice = match beyond {
            true => Pidgin::start_beyond(scene, &lync, "alice", tone),
            false => Pidgin::start(scene, &lync, "alice", "tls", tone),
        };
        switch.wait_line("208");
        Ward { lync, relay: relay.unwrap(), switch, alice, anna }
    }

    /// How much the client has said so far.
    fn said(&self) -> usize {
        self.alice.output().len()
    }

    /// Since then calls were made; the last one counts. Its caller, to whom the arrows of the client's log lead, made a second
    /// offer with what ICE chose ([MS-ICE2] §3.1.4.2), it was answered so too, and all media had keys.
    fn is_settled(&self, since: usize, from_caller: &str) {
        let output = self.alice.output();
        let messages: Vec<&str> = output[since..].split("MESSAGE START ").skip(1).collect();
        let described =
            |message: &&&str| message.contains("\nm=audio ") && message.contains("\na=remote-candidates:1 ");
        let settled: Vec<_> = messages.iter().filter(described).collect();
        let [.., offer, answer] = settled[..] else { panic!("{} descriptions name pairs", settled.len()) };
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
    let mut ward = Ward::open(&scene, false);
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

#[test]
fn pidgin_sipe_that_reaches_the_switch_by_its_relay_only_talks_over_it() {
    if !namespace::inside("lync_calls::pidgin_sipe_that_reaches_the_switch_by_its_relay_only_talks_over_it") {
        return;
    }
    let scene = Scene::new("lync-calls");
    let mut ward = Ward::open(&scene, true);
    namespace::bar(ward.switch.media_ports());
    ward.switch.wait_output("credentials for the media relay are there");
    let said = ward.said();
    talk(&mut ward.alice, &mut ward.anna, Ender::Caller);
    ward.is_settled(said, ">>>>");
    let said = ward.said();
    talk(&mut ward.anna, &mut ward.alice, Ender::Callee);
    ward.is_settled(said, "<<<<");
    // Three seconds of voice each way, in either call.
    let work = ward.relay.work();
    assert!(work.bare > 500, "{work:?}");
    ward.close();
}

#[test]
fn pidgin_sipe_and_a_handset_hold_each_other_as_lync_does() {
    if !namespace::inside("lync_calls::pidgin_sipe_and_a_handset_hold_each_other_as_lync_does") {
        return;
    }
    let scene = Scene::new("lync-calls");
    let mut ward = Ward::open(&scene, false);
    ward.alice.dial("208");
    ward.alice.wait_established();
    ward.anna.wait_established();
    ward.both_hear_more();
    ward.holds(|ward| ward.alice.hold(), |ward| ward.alice.resume(), ">>>>");
    ward.holds(|ward| ward.anna.hold(), |ward| ward.anna.resume(), "<<<<");
    ward.alice.hang_up();
    ward.alice.wait_closed();
    ward.anna.wait_closed();
    ward.close();
}

#[test]
fn pidgin_sipe_and_a_handset_are_in_one_conference_and_hear_each_other() {
    if !namespace::inside("lync_calls::pidgin_sipe_and_a_handset_are_in_one_conference_and_hear_each_other") {
        return;
    }
    let scene = Scene::new("lync-calls");
    let mut ward = Ward::open(&scene, false);
    let inside = ward.lync.inside();
    ward.lync.front_end.add_far_end(PhoneConfig::new("carol", DOMAIN), Behaviour::NoAnswer).unwrap();
    let meeting = ward.lync.front_end.make_conference("carol", "Ward round").unwrap();
    // She listens only: a tone is found where it sounds alone.
    meeting.mute("carol", true).unwrap();
    let at_table = |user: &str| meeting.participant(user).and_then(|one| one.audio());
    meeting.invite("carol", "alice").unwrap();
    ward.alice.wait_established();
    until_true("the client is at the table", PATIENCE, || at_table("alice") == Some(Status::Connected));
    meeting.invite("carol", "208").unwrap();
    ward.anna.wait_established();
    until_true("the handset is at the table", PATIENCE, || at_table("208") == Some(Status::Connected));
    assert_eq!(meeting.invitation("208"), Some(200));
    let second = Duration::from_secs(1);
    ward.alice.wait_heard(ward.anna.tone(), second);
    ward.anna.wait_heard(ward.alice.tone(), second);

    ward.anna.hang_up();
    ward.anna.wait_closed();
    until_true("the handset is gone", PATIENCE, || at_table("208").is_none());
    meeting.end();
    ward.alice.wait_closed();
    drop(inside);
    ward.close();
}

impl Ward<'_> {
    /// The client hears the handset for a second more than so far, and a second of its own voice, whole and proved,
    /// comes to the switch and goes on. baresip's recording ends with the first offer that it is made.
    fn both_hear_more(&mut self) {
        let tone = self.anna.tone();
        let heard = self.alice.heard(tone).map_or(Duration::ZERO, |heard| heard.duration);
        let before = self.packets();
        self.alice.wait_heard(tone, heard + Duration::from_secs(1));
        until_true("the switch hears the client and passes it on", PATIENCE, || {
            self.packets().iter().zip(before).all(|(now, before)| *now >= before + 50)
        });
        self.anna.wait_rates(|sends, receives| sends && receives);
    }

    /// What has come to the switch from the caller, and what it has sent to the callee.
    fn packets(&self) -> [u64; 2] {
        let calls = self.switch.rest("GET", "/calls?state=active", None);
        let reference = calls["items"][0]["id"].as_str().expect("the call stands").to_owned();
        let call = self.switch.rest("GET", &format!("/calls/{reference}"), None);
        let of = |side: &str, field: &str| {
            let sides = call["media"].as_array().into_iter().flatten();
            let mut side = sides.filter(|one| one["side"] == side);
            side.next().and_then(|one| one[field].as_u64()).unwrap_or_default()
        };
        [of("caller", "packets_received"), of("callee", "packets_sent")]
    }

    /// Who holds says `a=inactive` in an offer ([MS-SDPEXT] 3.1.5.23), which comes from where the arrows show, is
    /// answered with the same, and hears and is heard again when it takes the other back.
    fn holds(&mut self, hold: impl Fn(&mut Self), resume: impl Fn(&mut Self), from_holder: &str) {
        let said = self.said();
        hold(self);
        let mut inactive = Vec::new();
        until_true("both descriptions are inactive", PATIENCE, || {
            let output = self.alice.output()[said..].to_owned();
            let messages = output.split("MESSAGE START ").skip(1);
            let held = messages.filter(|message| message.contains("\na=inactive"));
            inactive = held.map(|message| message.starts_with(from_holder)).collect();
            inactive.len() >= 2
        });
        assert_eq!(inactive, [true, false], "an offer of the holder and its answer");
        let said = self.said();
        resume(self);
        until_true("the call is taken back", PATIENCE, || {
            self.alice.output()[said..].matches("\nm=audio ").count() >= 2
        });
        self.both_hear_more();
    }
}

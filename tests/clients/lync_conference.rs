//! The conferences of the lab's Lync front end, judged by a client that no one here wrote: an unmodified pidgin-sipe
//! makes them, is invited into them, talks and writes in them.
//!
//! ```text
//!  alice: pidgin-sipe ──┐                    ┌── bob: pidgin-sipe
//!                       ├── focus, mixer, ───┤
//!  carol, of the lab ───┘   relay of texts
//! ```

use std::time::Duration;

use kirkwall_lab::front_end::lync::Meeting;
use kirkwall_lab::front_end::lync::conference::Status;
use kirkwall_lab::ice::Manner;
use kirkwall_lab::phone::{Behaviour, PhoneConfig};

use crate::audio::Tone;
use crate::namespace;
use crate::phone::Phone;
use crate::pidgin::{Lync, Pidgin};
use crate::process::{PATIENCE, until_true};
use crate::scene::{DOMAIN, Scene};

/// Frames of 20 ms without a sound before a table counts as silent.
const SILENT_FRAMES: u64 = 100;
/// dBm0: what A-law makes of silence is below.
const SILENCE: f32 = -50.0;

fn audio(meeting: &Meeting, user: &str) -> Option<Status> {
    meeting.participant(user)?.audio()
}

/// Whether there was a sound at the table since somebody began to listen there.
fn sounds(meeting: &Meeting) -> bool {
    meeting.ears().since_then().level_dbm0.is_some_and(|level| level > SILENCE)
}

#[test]
fn pidgin_sipe_is_invited_talks_in_a_conference_and_is_muted_there() {
    if !namespace::inside("lync_conference::pidgin_sipe_is_invited_talks_in_a_conference_and_is_muted_there")
    {
        return;
    }
    let scene = Scene::new("lync-conference");
    let lync = Lync::start(&["alice", "bob"], |config| {
        config.mcu_ice = Manner::FULL;
        config.mcu_address = namespace::ADDRESS.parse().ok();
    });
    let mut alice = Pidgin::start(&scene, &lync, "alice", "tls", Tone::number(0));
    let mut bob = Pidgin::start(&scene, &lync, "bob", "tcp", Tone::number(1));
    let inside = lync.inside();
    lync.front_end.add_far_end(PhoneConfig::new("carol", DOMAIN), Behaviour::NoAnswer).unwrap();
    let meeting = lync.front_end.make_conference("carol", "Ward round").unwrap();
    // She listens only: a tone is found where it sounds alone.
    meeting.mute("carol", true).unwrap();
    for (user, pidgin) in [("alice", &mut alice), ("bob", &mut bob)] {
        meeting.invite("carol", user).unwrap();
        pidgin.wait("\nasked ");
        pidgin.wait_established();
        until_true("it is at the table", PATIENCE, || audio(&meeting, user) == Some(Status::Connected));
        assert_eq!(meeting.invitation(user), Some(200));
    }
    let second = Duration::from_secs(1);
    alice.wait_heard(bob.tone(), second);
    bob.wait_heard(alice.tone(), second);

    // The client mutes itself by the focus, and is muted there.
    alice.order("mute");
    until_true("alice has muted herself", PATIENCE, || meeting.participant("alice").unwrap().is_muted());
    meeting.mute("bob", true).unwrap();
    let ears = meeting.ears();
    ears.listen();
    until_true("nobody is heard", PATIENCE, || {
        if sounds(&meeting) {
            ears.listen();
        }
        ears.since_then().packets >= SILENT_FRAMES
    });
    alice.order("unmute");
    until_true("alice is heard again", PATIENCE, || {
        !meeting.participant("alice").unwrap().is_muted() && sounds(&meeting)
    });

    meeting.remove("bob").unwrap();
    bob.wait("\nended\n");
    alice.hang_up();
    alice.wait_closed();
    until_true("only carol is at the table", PATIENCE, || {
        audio(&meeting, "alice").is_none() && audio(&meeting, "bob").is_none()
    });
    meeting.end();
    drop(inside);
    lync.is_clean();
}

#[test]
fn pidgin_sipe_makes_a_conference_and_writes_in_it() {
    let scene = Scene::new("lync-conference");
    let lync = Lync::start(&["alice", "bob"], |_| {});
    let mut alice = Pidgin::start(&scene, &lync, "alice", "tls", Tone::number(0));
    let mut bob = Pidgin::start(&scene, &lync, "bob", "tls", Tone::number(1));
    let (alices, bobs) = (format!("sip:alice@{DOMAIN}"), format!("sip:bob@{DOMAIN}"));
    alice.wait(&format!("\nbuddy {bobs} available\n"));
    alice.order(&format!("new-chat {bobs}"));
    alice.wait(&format!("\nchat-joined {bobs}\n"));
    bob.wait(&format!("\nchat-joined {alices}\n"));
    let meeting = lync.front_end.meeting_of("alice").expect("she has made it");
    assert!(meeting.participant("alice").unwrap().presents());
    assert!(!meeting.participant("bob").unwrap().presents());
    alice.order("say The ward is quiet");
    bob.wait(&format!("\nchat {alices} The ward is quiet\n"));
    bob.order("say Not for long");
    alice.wait(&format!("\nchat {bobs} Not for long\n"));
    bob.order("leave");
    alice.wait(&format!("\nchat-left {bobs}\n"));
    until_true("bob has left", PATIENCE, || meeting.participant("bob").is_none());
    lync.is_clean();
}

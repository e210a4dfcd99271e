//! The lab's Lync front end, judged by a client that no one here wrote: an unmodified pidgin-sipe.
//!
//! ```text
//!  client.c: libpurple, pidgin-sipe ── TCP or TLS, NTLM ── the lab's front end
//! ```
//!
//! Everything that Kirkwall does at the emulated front end means something only because this client signs in
//! to it, verifies what it signs and understands what it tells.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kirkwall_lab::front_end::lync::{Ntlm, Proof};
use kirkwall_lab::front_end::{Account, Accounts, FrontEnd, FrontEndConfig, LyncConfig};
use kirkwall_lab::sip::Credentials;

use crate::audio::{Heard, Tone, listen};
use crate::namespace;
use crate::phone::Phone;
use crate::process::{PATIENCE, Process, until, until_true};
use crate::scene::{DOMAIN, Scene};

/// Of every user.
pub const PASSWORD: &str = "Pa$$w0rd";
/// Where Debian puts the plugin.
const PLUGINS: &str = "/usr/lib/purple-2";
/// How often one is started until it signs in.
const SIGN_INS: usize = 10;

/// A front end with a runtime of its own.
pub struct Lync {
    pub front_end: FrontEnd,
    runtime: tokio::runtime::Runtime,
}

impl Lync {
    pub fn start(users: &[&str], change: impl FnOnce(&mut LyncConfig)) -> Lync {
        Self::start_at(Ipv4Addr::LOCALHOST, users, change)
    }

    /// One whose TLS port is at this address.
    pub fn start_at(tls: Ipv4Addr, users: &[&str], change: impl FnOnce(&mut LyncConfig)) -> Lync {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let account = |user: &&str| Account {
            user: user.to_string(),
            credentials: Credentials { username: format!("LAB\\{user}"), password: PASSWORD.into() },
        };
        let accounts = Accounts::Given(users.iter().map(account).collect());
        let mut lync = LyncConfig { proof: Proof::Ntlm(Ntlm::default()), ..LyncConfig::new(DOMAIN) };
        lync.contacts = users.iter().map(|user| user.to_string()).collect();
        let inside = runtime.enter();
        change(&mut lync);
        drop(inside);
        let mut config = FrontEndConfig { lync: Some(lync), ..FrontEndConfig::loopback(DOMAIN, accounts) };
        config.tls = Some((tls, 0).into());
        let front_end = runtime.block_on(FrontEnd::start(config)).unwrap();
        Lync { front_end, runtime }
    }

    /// For what starts tasks of the front end.
    pub fn inside(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Every signature of either side fitted, and nothing was left unsigned.
    pub fn is_clean(&self) {
        let seen = self.front_end.signatures();
        assert_eq!((seen.bad, seen.unsigned), (0, 0), "{seen:?} {:?}", self.front_end.complaints());
        assert!(seen.verified > 0 && seen.signed > 0, "{seen:?}");
    }
}

impl Drop for Lync {
    fn drop(&mut self) {
        self.runtime.block_on(self.front_end.stop());
    }
}

/// A running client.
pub struct Pidgin {
    user: String,
    tone: Tone,
    process: Process,
    read: usize,
}

impl Pidgin {
    pub fn start(scene: &Scene, lync: &Lync, user: &str, transport: &str, tone: Tone) -> Pidgin {
        let listening = lync.front_end.listening();
        let server = if transport == "tls" { listening.tls } else { listening.tcp };
        let server = format!("localhost:{}", server.unwrap().port());
        Self::signed_on(user, tone, || {
            let (room, command) = Self::program(scene, lync, user, [&server, transport], tone);
            Self::run(&room, command, user)
        })
    }

    /// In the network beyond that of the test, over TLS.
    pub fn start_beyond(scene: &Scene, lync: &Lync, user: &str, tone: Tone) -> Pidgin {
        let server = lync.front_end.listening().tls.unwrap().to_string();
        Self::signed_on(user, tone, || {
            let (room, command) = Self::program(scene, lync, user, [&server, "tls"], tone);
            let process = Self::run(&room, namespace::beyond(&command), user);
            namespace::join(process.pid());
            process
        })
    }

    fn program(scene: &Scene, lync: &Lync, user: &str, server: [&str; 2], tone: Tone) -> (PathBuf, Command) {
        // Each run has a room, and so a log, of its own.
        let room = (0..).map(|n| format!("pidgin-{user}-{n}")).find(|name| !scene.path().join(name).exists());
        let room = scene.room(&room.expect("the numbers do not end"));
        let mut command = Command::new(built(scene));
        let ca = room.join("ca.pem");
        std::fs::write(&ca, lync.front_end.ca_pem()).unwrap();
        command.arg(room.join("purple")).arg(PLUGINS).arg(ca);
        command.args(server);
        command.args([&format!("{user}@{DOMAIN}"), &format!("LAB\\{user}")[..], PASSWORD]);
        command.arg(tone.hertz.to_string());
        command.env("HOME", &room).env("PURPLE_DEBUG", "1").env("PURPLE_UNSAFE_DEBUG", "1");
        (room, command)
    }

    fn run(room: &Path, mut command: Command, user: &str) -> Process {
        Process::with_stdin(&mut command);
        Process::start(&format!("pidgin-{user}"), room, command)
    }

    /// Starts one that signs in. Now and then pidgin-sipe reads the answer to its second REGISTER twice, or for
    /// ever, if it comes as fast as here, and has no transaction for it then: such a one is started anew.
    fn signed_on(user: &str, tone: Tone, mut start: impl FnMut() -> Process) -> Pidgin {
        for _ in 0..SIGN_INS {
            let mut process = start();
            let stumbled = until("pidgin-sipe signs in", PATIENCE, || {
                let (output, ended) = (process.output(), process.poll());
                assert!(ended.is_none(), "pidgin-{user} ended with {ended:?} before it signed in");
                let stumbled = output.contains("received response to unknown transaction");
                (stumbled || output.contains("\nsigned-on\n")).then_some(stumbled)
            });
            if !stumbled {
                let mut pidgin = Pidgin { user: user.into(), tone, process, read: 0 };
                pidgin.wait("\nsigned-on\n");
                return pidgin;
            }
        }
        panic!("pidgin-{user} stumbled over an answer {SIGN_INS} times");
    }

    pub fn order(&mut self, line: &str) {
        writeln!(self.process.stdin(), "{line}").unwrap();
    }

    /// Waits for words behind those that were waited for last.
    pub fn wait(&mut self, needle: &str) {
        let fresh = self.process.wait_output(needle, self.read);
        // The newline that ends one line may begin the next.
        self.read += fresh.find(needle).expect("it was waited for") + needle.len() - 1;
    }

    /// Everything that it said, the SIP messages that it sent and got among it.
    pub fn output(&self) -> String {
        self.process.output()
    }
}

impl Phone for Pidgin {
    fn user(&self) -> &str {
        &self.user
    }

    /// It plays by a clock of its own.
    fn records_packets(&self) -> bool {
        false
    }

    fn tone(&self) -> Tone {
        self.tone
    }

    fn dial(&mut self, number: &str) {
        self.order(&format!("call sip:{number}@{DOMAIN}"));
        self.wait("\ncalling ");
    }

    fn hang_up(&mut self) {
        self.order("hang-up");
    }

    /// Waits for what ICE chooses, for RTP and RTCP.
    fn wait_established(&mut self) {
        self.wait("\npair ");
        self.wait("\npair ");
    }

    fn wait_closed(&mut self) -> String {
        self.wait("\nended\n");
        String::new()
    }

    fn heard(&self, tone: Tone) -> Option<Heard> {
        let output = self.output();
        let file = output.rsplit("\nrecording ").next()?.lines().next()?;
        listen(Path::new(file), tone)
    }

    fn hold(&mut self) {
        self.order("hold");
    }

    fn resume(&mut self) {
        self.order("resume");
    }

    fn transfer(&mut self, _: &str) {
        panic!("the plugin transfers no calls");
    }

    fn wait_heard(&self, tone: Tone, duration: Duration) -> Heard {
        let what = format!("{} hears {duration:?} of {} Hz", self.user, tone.hertz);
        until(&what, PATIENCE, || {
            let heard = self.heard(tone)?;
            (heard.duration >= duration).then_some(heard)
        })
    }
}

/// The client, compiled once for a scene.
fn built(scene: &Scene) -> PathBuf {
    let program = scene.path().join("pidgin-client");
    if !program.exists() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/pidgin");
        let order = format!(
            "cd '{}' && cc -O1 -Wall -Werror -rdynamic client.c media.c conference.c -o '{}' \
             $(pkg-config --cflags --libs purple libxml-2.0 gstreamer-1.0 gmodule-2.0)",
            sources.display(),
            program.display()
        );
        let done = Command::new("sh").args(["-c", &order]).output().unwrap();
        assert!(
            done.status.success(),
            "scripts/deps clients installs what this needs\n{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    program
}

#[test]
fn pidgin_sipe_signs_in_over_each_transport_and_publishes_what_it_shows() {
    let scene = Scene::new("pidgin");
    for (transport, version) in [("tcp", 4), ("tls", 4), ("tcp", 3), ("tcp", 2)] {
        let lync = Lync::start(&["alice", "bob"], |config| {
            config.proof = Proof::Ntlm(Ntlm { version, ..Ntlm::default() });
        });
        let mut alice = Pidgin::start(&scene, &lync, "alice", transport, Tone::number(0));
        let shows = |number| {
            until_true("its availability", PATIENCE, || {
                lync.front_end.presence("alice").availability == number
            })
        };
        shows(3_500);
        let presence = lync.front_end.presence("alice");
        assert_eq!(presence.states("machineState", 3).count(), 1, "{presence:?}");
        assert!(presence.publications.iter().any(|one| one.category == "device"), "{presence:?}");
        until("its subscriptions", PATIENCE, || {
            let events: Vec<_> = lync.front_end.subscribed().into_iter().map(|one| one.event).collect();
            let wanted = ["vnd-microsoft-roaming-self", "vnd-microsoft-roaming-contacts", "presence"];
            wanted.iter().all(|event| events.contains(event)).then_some(())
        });
        let binding = &lync.front_end.bindings("alice")[0];
        let identity = binding.identity.as_ref().unwrap();
        let derived = kirkwall_lab::front_end::lync::identity::Instance::of_epid(&identity.epid);
        assert_eq!(identity.instance, derived, "the instance follows from the epid, as it does here");

        alice.order("status away");
        shows(15_500);
        lync.is_clean();
        alice.order("quit");
        until_true("it has signed out", PATIENCE, || lync.front_end.registered() == 0);
    }
}

#[test]
fn two_pidgin_sipe_see_each_other_write_to_each_other_and_obey_a_forced_sign_out() {
    let scene = Scene::new("pidgin");
    let lync = Lync::start(&["alice", "bob"], |_| {});
    let mut alice = Pidgin::start(&scene, &lync, "alice", "tls", Tone::number(0));
    let mut bob = Pidgin::start(&scene, &lync, "bob", "tls", Tone::number(1));
    alice.wait(&format!("\nbuddy sip:bob@{DOMAIN} available\n"));
    bob.order("status do-not-disturb");
    alice.wait(&format!("\nbuddy sip:bob@{DOMAIN} do-not-disturb\n"));
    alice.order(&format!("im sip:bob@{DOMAIN} The ward is quiet"));
    bob.wait(&format!("\nim sip:alice@{DOMAIN} The ward is quiet\n"));
    lync.is_clean();

    let _inside = lync.runtime.enter();
    assert_eq!(lync.front_end.sign_out("bob", "rejected", "4141;reason=\"User disabled\""), 1);
    bob.wait("\nsigned-off\n");
    alice.wait(&format!("\nbuddy sip:bob@{DOMAIN} offline\n"));
}

//! Our ICE agent against libnice, which judges whether we speak [MS-ICE2] and RFC 5245.
//!
//! Needs `libnice-dev`, `pkg-config` and a C compiler: `scripts/deps build clients`.
#![allow(clippy::unwrap_used)]

mod ice_driver;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ice_driver::{Driver, read_line};
use kirkwall_core::media::ice::agent::{Nomination, Output, Role, Selection, Settings, State};
use kirkwall_core::media::ice::candidate::{Component, Kind};
use kirkwall_core::media::ice::description::Description;
use kirkwall_core::media::ice::stun::Dialect;

const PATIENCE: Duration = Duration::from_secs(10);

/// A libnice agent in a process of its own.
struct Libnice {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
    seen: Vec<String>,
}

impl Libnice {
    fn new(compatibility: &str, role: Role) -> Self {
        let role = if role == Role::Controlling { "controlling" } else { "controlled" };
        let mut child = Command::new(program())
            .args([compatibility, role])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, input, output: receiver, seen: Vec::new() }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// Its credentials and candidates.
    fn description(&mut self) -> Description {
        let mut description = Description::default();
        loop {
            let line = self.output.recv_timeout(PATIENCE).expect("libnice describes itself");
            let whole = read_line(&mut description, &line);
            self.seen.push(line);
            if whole {
                return description;
            }
        }
    }

    fn has_said(&mut self, wanted: &str) -> bool {
        self.seen.extend(self.output.try_iter());
        self.seen.iter().any(|line| line == wanted)
    }
}

impl Drop for Libnice {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Compiles the C side once.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let flags =
            Command::new("pkg-config").args(["--cflags", "--libs", "nice"]).output().expect("pkg-config");
        assert!(flags.status.success(), "install libnice-dev: {}", String::from_utf8_lossy(&flags.stderr));
        let flags = String::from_utf8(flags.stdout).unwrap();
        let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("libnice_peer");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/libnice.c");
        let compiled = Command::new("cc")
            .args(["-O1", "-Wall", "-Wno-unused-parameter", "-o"])
            .arg(&program)
            .arg(source)
            .args(flags.split_whitespace())
            .status()
            .expect("a C compiler");
        assert!(compiled.success());
        program
    })
}

/// Both describe themselves to each other, and then both must be ready and media must flow both ways.
fn meet(settings: Settings, compatibility: &str, ours: Role, theirs: Role) -> (Driver, Libnice) {
    let mut peer = Libnice::new(compatibility, theirs);
    let mut driver = Driver::new(settings, ours).unwrap();
    let description = peer.description();
    driver.lines().iter().for_each(|line| peer.say(line));
    driver.remote(description);
    let done = driver.run(PATIENCE, |driver| {
        driver.agent.state() == State::Completed
            && peer.has_said("state 1 ready")
            && peer.has_said("state 2 ready")
    });
    assert!(done, "ours: {:?}, {:?}; libnice: {:?}", driver.agent.state(), driver.events, peer.seen);
    exchange_media(&mut driver, &mut peer);
    (driver, peer)
}

fn exchange_media(driver: &mut Driver, peer: &mut Libnice) {
    for component in Component::ALL {
        let number = component.number();
        // Above 127, as RTP is, so that neither side takes it for STUN.
        driver.send(component, "écoute".as_bytes()).unwrap();
        peer.say(&format!("send {number} réponse {number}"));
        let heard = format!("received {number} écoute");
        let answer = (component, format!("réponse {number}").into_bytes());
        let both = driver.run(PATIENCE, |driver| peer.has_said(&heard) && driver.media.contains(&answer));
        assert!(both, "component {number}: {:?} {:?}", driver.media, peer.seen);
    }
}

/// Both took the same pair.
fn assert_agreed(driver: &Driver, peer: &mut Libnice) {
    for component in Component::ALL {
        let (local, remote, how) = driver.selected(component).unwrap();
        assert_eq!(how, Selection::Nominated);
        let line = format!("selected {} {} {}", component.number(), remote.port(), local.port());
        assert!(peer.has_said(&line), "{line}: {:?}", peer.seen);
    }
}

#[test]
fn we_call_libnice_in_its_lync_mode() {
    let (driver, mut peer) = meet(Settings::default(), "msice2", Role::Controlling, Role::Controlled);
    assert_agreed(&driver, &mut peer);
    assert_eq!(driver.agent.role(), Role::Controlling);
    let offer = driver.agent.final_description().unwrap();
    assert_eq!((offer.candidates.len(), offer.remote_candidates.len()), (2, 2));
}

#[test]
fn we_call_libnice_and_nominate_aggressively() {
    let settings = Settings { nomination: Nomination::Aggressive, ..Settings::default() };
    let (driver, mut peer) = meet(settings, "msice2", Role::Controlling, Role::Controlled);
    assert_agreed(&driver, &mut peer);
}

#[test]
fn libnice_calls_us_in_its_lync_mode() {
    let (driver, mut peer) = meet(Settings::default(), "msice2", Role::Controlled, Role::Controlling);
    assert_agreed(&driver, &mut peer);
    assert_eq!(driver.agent.role(), Role::Controlled);
}

#[test]
fn copies_with_the_old_fingerprint_do_not_disturb_libnice() {
    let settings = Settings { old_fingerprint: true, ..Settings::default() };
    let (driver, mut peer) = meet(settings, "msice2", Role::Controlling, Role::Controlled);
    assert_agreed(&driver, &mut peer);
}

#[test]
fn a_role_conflict_with_libnice_is_repaired_either_way() {
    for compatibility in ["msice2", "rfc5245"] {
        for role in [Role::Controlling, Role::Controlled] {
            for _ in 0..3 {
                let dialect = if compatibility == "msice2" { Dialect::MsIce2 } else { Dialect::Rfc5389 };
                let (driver, mut peer) =
                    meet(Settings { dialect, ..Settings::default() }, compatibility, role, role);
                assert_agreed(&driver, &mut peer);
            }
        }
    }
}

#[test]
fn libnice_in_its_rfc_mode_is_met_in_the_dialect_of_the_rfc() {
    let settings = Settings { dialect: Dialect::Rfc5389, ..Settings::default() };
    for (ours, theirs) in [(Role::Controlling, Role::Controlled), (Role::Controlled, Role::Controlling)] {
        let (driver, mut peer) = meet(settings.clone(), "rfc5245", ours, theirs);
        assert_agreed(&driver, &mut peer);
    }
}

#[test]
fn an_agent_set_to_the_lync_dialect_takes_up_that_of_the_rfc() {
    let (driver, mut peer) = meet(Settings::default(), "rfc5245", Role::Controlled, Role::Controlling);
    assert_agreed(&driver, &mut peer);
}

#[test]
fn a_candidate_that_libnice_does_not_tell_is_learnt_from_its_checks() {
    let mut peer = Libnice::new("msice2", Role::Controlling);
    let mut driver = Driver::new(Settings::default(), Role::Controlled).unwrap();
    let mut description = peer.description();
    // Somewhere else on loopback, where nobody answers.
    description.candidates.iter_mut().for_each(|c| c.address.set_ip("127.0.0.9".parse().unwrap()));
    driver.lines().iter().for_each(|line| peer.say(line));
    driver.remote(description);
    let done = driver
        .run(PATIENCE, |driver| driver.agent.state() == State::Completed && peer.has_said("state 2 ready"));
    assert!(done, "{:?} {:?}", driver.events, peer.seen);
    exchange_media(&mut driver, &mut peer);
    let learnt = driver.agent.remote_candidates().iter().filter(|c| c.kind == Kind::PeerReflexive);
    assert_eq!(learnt.count(), 2);
}

#[test]
fn a_wrong_password_brings_nobody_together() {
    let mut peer = Libnice::new("msice2", Role::Controlled);
    let settings = Settings { patience: Duration::from_secs(2), ..Settings::default() };
    let mut driver = Driver::new(settings, Role::Controlling).unwrap();
    let mut description = peer.description();
    driver.lines().iter().for_each(|line| peer.say(line));
    description.credentials.as_mut().unwrap().password.0.push('x');
    driver.remote(description);
    let failed = Output::Failed(Component::ALL.to_vec());
    assert!(driver.run(PATIENCE, |driver| driver.events.contains(&failed)), "{:?}", driver.events);
    assert!(!peer.has_said("state 1 ready"));
}

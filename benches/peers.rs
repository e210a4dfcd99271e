//! Kirkwall beside kamailio and rtpengine, in one run on one machine: `make bench`.
//!
//! The same SIPp scenarios go through either server; CPU is user and system time of all its processes,
//! memory their proportional set size. Compare rows of one run only: the cost of a wake-up depends on the
//! rate and on the machine. Nothing is asserted about time; a call that fails does stop the run.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on shall stop")]
#![allow(dead_code, reason = "the rigs of the tests are used in part")]

#[path = "../tests/clients/audio.rs"]
mod audio;
#[path = "../tests/clients/authority.rs"]
mod authority;
#[path = "../tests/clients/baresip.rs"]
mod baresip;
#[path = "peers/cost.rs"]
mod cost;
#[path = "../tests/clients/kamailio.rs"]
mod kamailio;
#[path = "../tests/clients/phone.rs"]
mod phone;
#[path = "../tests/clients/process.rs"]
mod process;
#[path = "peers/rtpengine.rs"]
mod rtpengine;
#[path = "../tests/clients/scene.rs"]
mod scene;
#[path = "../tests/clients/sipp.rs"]
mod sipp;
#[path = "../tests/clients/switch.rs"]
mod switch;
#[path = "../tests/clients/web.rs"]
mod web;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cost::{cpu, memory};
use kamailio::{Kamailio, north_password};
use process::{PATIENCE, free_port, until_true};
use scene::Scene;
use sipp::{Load, Sipp};
use switch::{Options, Switch, south_password};

const USERS: u64 = 1_000;
const CALLS: u64 = 3_000;
const STANDING: u64 = 300;
const PER_SECOND: u64 = 200;

/// Figures of one server.
struct Figures {
    /// CPU of a registration: REGISTER, challenge, REGISTER, 200.
    register: Duration,
    /// CPU of a call: two INVITEs, 180, 200, ACK, BYE, 200.
    call: Duration,
    /// Memory of a registered user and of a standing call, in bytes.
    user: f64,
    standing: f64,
}

fn main() {
    let scene = Scene::new("bench");
    let far = Sipp::server(&scene, "far-end", "answer");
    let kamailio = Kamailio::start(&scene, Some(far.address));
    let users: Vec<String> = (0..USERS).map(|n| (20_000 + n).to_string()).collect();
    let rows = |password: fn(&str) -> String| -> Vec<String> {
        let row = |user: &String| {
            format!("{user};[authentication username={user} password={}];9000", password(user))
        };
        users.iter().map(row).collect()
    };
    // The far end is called through kamailio in both series, as a proxy needs somebody behind it.
    let theirs = measure(&scene, "kamailio", kamailio.pid(), kamailio.sip, &rows(north_password));
    let switch = Switch::start(&scene, Options { media_ports: 3_000, ..Options::line(&kamailio, "udp") });
    switch.import_users(users.iter().cloned());
    until_true("all lines to the north are up", PATIENCE * 4, || {
        switch.rest("GET", "/overview", None)["lines_registered"] == USERS
    });
    let ours = measure(&scene, "kirkwall", switch.pid(), switch.bound().udp, &rows(south_password));
    switch.wait_idle();
    drop(switch);

    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!("\n{:<44} {:>10} {:>10} {:>7}", "SIP over UDP, digest", "kamailio", "kirkwall", "ratio");
    let row = |what: &str, theirs: f64, ours: f64| {
        println!("{what:<44} {theirs:>10.1} {ours:>10.1} {:>7.2}", ours / theirs)
    };
    row("CPU of a registration, us", micros(theirs.register), micros(ours.register));
    row("CPU of a call (proxy / B2BUA with media), us", micros(theirs.call), micros(ours.call));
    row("memory of a registered user, KiB", theirs.user / 1024.0, ours.user / 1024.0);
    row("memory of a standing call, KiB", theirs.standing / 1024.0, ours.standing / 1024.0);
    media(&scene);
}

/// Registers everybody three times, lets calls stand, then lets calls pass.
fn measure(scene: &Scene, name: &str, group: u32, to: SocketAddr, rows: &[String]) -> Figures {
    let port = free_port();
    let run = |what: &str, scenario: &str, calls: u64, talk_ms: u64| {
        let load = Load { calls, per_second: PER_SECOND, at_once: 2_000, talk_ms };
        Sipp::client(scene, &format!("{name}-{what}"), scenario, to, port, rows, load)
    };
    let all_well = |mut sipp: Sipp, calls: u64| {
        let counted = sipp.wait(PATIENCE * 4);
        assert_eq!((counted.successful, counted.failed), (calls, 0), "{name}: {counted}");
    };
    let (empty, idle) = (memory(group), cpu(group));
    all_well(run("register", "register", USERS, 0), USERS);
    let user = (memory(group) as f64 - empty as f64) / USERS as f64;
    all_well(run("register-again", "register", USERS * 2, 0), USERS * 2);
    let register = (cpu(group) - idle) / (USERS * 3) as u32;

    // Before the many short calls: memory that they leave free would be taken again unseen.
    let before = memory(group);
    let talk_ms = 1_000 * STANDING / PER_SECOND + 4_000;
    let standing = run("standing", "call", STANDING, talk_ms);
    until_true("the calls stand", PATIENCE, || {
        standing.has_started() && standing.counted().current == STANDING
    });
    let each = (memory(group) as f64 - before as f64) / STANDING as f64;
    all_well(standing, STANDING);

    let before = cpu(group);
    all_well(run("call", "call", CALLS, 0), CALLS);
    let call = (cpu(group) - before) / CALLS as u32;
    Figures { register, call, user, standing: each }
}

/// Relayed packets: rtpengine here, then the switch's engine by its own bench, under its own traffic.
fn media(scene: &Scene) {
    println!("\n{:<12} {:>8} {:>10} {:>10} {:>10}", "rtpengine", "calls", "us/packet", "sent", "received");
    for calls in [50, 200] {
        for encrypts in [false, true] {
            let relayed = rtpengine::relay(scene, calls, encrypts, Duration::from_secs(4));
            let what = if encrypts { "RTP to SRTP" } else { "RTP" };
            let each = relayed.each.as_secs_f64() * 1e6;
            println!("{what:<12} {calls:>8} {each:>10.1} {:>10} {:>10}", relayed.sent, relayed.received);
        }
    }
    let bench = Path::new(env!("CARGO_BIN_EXE_kirkwall")).with_file_name("examples").join("media_bench");
    println!("\nkirkwall's engine beside a bare forwarder (channel: one flow):");
    match Command::new(&bench).args(["4", "50", "200"]).status() {
        Ok(status) if status.success() => {}
        other => println!("{} did not run ({other:?}); `make bench` builds it", bench.display()),
    }
}

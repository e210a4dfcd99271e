//! Many calls: none fails, none is left over.

use std::time::{Duration, Instant};

use crate::kamailio::Kamailio;
use crate::process::{PATIENCE, free_port};
use crate::rig::row;
use crate::scene::Scene;
use crate::sipp::{Load, Sipp};
use crate::switch::{Options, Switch, south_password};

/// Handsets that call in turn.
const HANDSETS: u64 = 200;
/// Calls a second.
const RATE: u64 = 100;

/// Calls of the run: `KIRKWALL_SIPP_CALLS`, or 10,000.
fn calls() -> u64 {
    let wanted = std::env::var("KIRKWALL_SIPP_CALLS").ok();
    wanted.map_or(10_000, |calls| calls.parse().expect("KIRKWALL_SIPP_CALLS is a number"))
}

#[test]
fn ten_thousand_calls_at_a_hundred_a_second_leave_nothing_behind() {
    let scene = Scene::new("load");
    let far = Sipp::server(&scene, "far-end", "answer");
    let kamailio = Kamailio::start(&scene, Some(far.address));
    let mut switch = Switch::start(&scene, Options { media_ports: 2_000, ..Options::line(&kamailio, "tls") });
    let users: Vec<String> = (0..HANDSETS).map(|n| (2_000 + n).to_string()).collect();
    switch.import_users(users.iter().cloned());
    for user in &users {
        switch.wait_line(user);
    }
    let rows: Vec<String> = users.iter().map(|user| row(user, south_password(user))).collect();
    let (to, port) = (switch.bound().udp, free_port());
    let registrations = Load { calls: HANDSETS, per_second: 100, at_once: HANDSETS, talk_ms: 200 };
    let registered =
        Sipp::client(&scene, "registering", "register", to, port, &rows, registrations).wait(PATIENCE);
    assert_eq!((registered.successful, registered.failed), (HANDSETS, 0), "{registered}");

    let load = Load { calls: calls(), per_second: RATE, at_once: 1_000, talk_ms: 200 };
    let started = Instant::now();
    let within = Duration::from_secs(60 + 2 * calls() / RATE);
    let called = Sipp::client(&scene, "calling", "call", to, port, &rows, load).wait(within);
    let lasted = started.elapsed();
    let answered = far.wait_quiet();
    println!("{:.1} s; calling: {called}; answering: {answered}", lasted.as_secs_f64());
    assert_eq!((called.successful, called.failed, called.current), (calls(), 0, 0), "{called}");
    assert_eq!((answered.successful, answered.failed), (calls(), 0), "{answered}");
    switch.wait_idle();
    println!("capacity afterwards: {}", switch.capacity());
    switch.assert_alive();
}

//! A network of a test's own, for clients that do not use the loopback address.

use std::process::Command;

use crate::process::{PATIENCE, until_true};

const INSIDE: &str = "KIRKWALL_TEST_NAMESPACE";

/// An address of that network, of the block for benchmarks (RFC 2544).
pub const ADDRESS: &str = "198.18.0.1";

/// The address of who stands [`beyond`] it.
pub const BEYOND: &str = "198.18.0.2";

/// The same program in a second network of its own, which a cable joins to the first: it reaches [`ADDRESS`] and
/// nothing else, and nobody's loopback. It waits for [`join`].
pub fn beyond(program: &Command) -> Command {
    let setup = format!(
        "ip link set lo up; until ip link set v1 up 2>/dev/null; do sleep 0.02; done; \
         ip addr add {BEYOND}/24 dev v1 && until ip -o link show v1 | grep -q \"state UP\"; do sleep 0.02; done; \
         exec \"$0\" \"$@\""
    );
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", &setup]).arg(program.get_program()).args(program.get_args());
    for (key, value) in program.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    command
}

/// Puts the far end of the cable into the network of a process.
pub fn join(pid: u32) {
    let network = |of: &str| std::fs::read_link(format!("/proc/{of}/ns/net")).ok();
    until_true("it has a network of its own", PATIENCE, || {
        network(&pid.to_string()).is_some_and(|theirs| Some(theirs) != network("self"))
    });
    lay_cable();
    let status = Command::new("ip").args(["link", "set", "v1", "netns", &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "the cable reaches process {pid}");
    // Until our end has a carrier again, what goes there is lost, and a client tries once.
    until_true("the cable has a carrier", PATIENCE, || {
        let shown = Command::new("ip").args(["-o", "link", "show", "v0"]).output();
        shown.is_ok_and(|shown| String::from_utf8_lossy(&shown.stdout).contains("state UP"))
    });
}

/// A cable goes with the network at either end: where a process beyond has ended, there is a new one.
fn lay_cable() {
    let shown = |end: &str| {
        let shown = Command::new("ip").args(["link", "show", end]).output();
        shown.is_ok_and(|shown| shown.status.success())
    };
    if shown("v1") {
        return;
    }
    until_true("the old cable is gone", PATIENCE, || !shown("v0"));
    let laid = Command::new("sh").args(["-c", &cable()]).status();
    assert!(laid.is_ok_and(|laid| laid.success()), "a new cable is laid");
}

fn cable() -> String {
    format!(
        "ip link add v0 type veth peer name v1 && ip addr add {ADDRESS}/24 dev v0 && ip link set v0 up && \
         ip link set v1 up"
    )
}

/// Nothing goes from these UDP ports to the network [`beyond`].
pub fn bar((first, last): (u16, u16)) {
    let ports = format!("{first}-{last}");
    let rule = ["rule", "add", "to", BEYOND, "ipproto", "udp", "sport", &ports, "prohibit"];
    let status = Command::new("ip").args(rule).status();
    assert!(status.is_ok_and(|status| status.success()), "ip {}", rule.join(" "));
}

/// Whether the calling test runs in a network of its own: loopback, an interface with [`ADDRESS`] and no way
/// out. If not,
/// runs it there, by its name, and answers `false`: it has been run.
pub fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    // Loopback carries what is local; but libnice passes over its addresses.
    let setup = format!("ip link set lo up && {} && exec \"$0\" \"$@\"", cable());
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "sh", "-c", &setup]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let status = command.status().expect("unshare is there; see scripts/deps");
    assert!(status.success(), "{test} failed in a network of its own: {status}");
    false
}

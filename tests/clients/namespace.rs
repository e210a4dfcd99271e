//! A network of a test's own, for clients that do not use the loopback address.

use std::process::Command;

const INSIDE: &str = "KIRKWALL_TEST_NAMESPACE";

/// An address of that network, of the block for benchmarks (RFC 2544).
pub const ADDRESS: &str = "198.18.0.1";

/// Whether the calling test runs in a network of its own: loopback, an interface with [`ADDRESS`] and no way
/// out. If not,
/// runs it there, by its name, and answers `false`: it has been run.
pub fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    // Loopback carries what is local; but libnice passes over its addresses.
    let setup = format!(
        "ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add {ADDRESS}/24 dev v0 && \
         ip link set v0 up && ip link set v1 up && exec \"$0\" \"$@\""
    );
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "sh", "-c", &setup]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let status = command.status().expect("unshare is there; see scripts/deps");
    assert!(status.success(), "{test} failed in a network of its own: {status}");
    false
}

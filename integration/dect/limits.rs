//! Every bound the base link keeps.

use std::time::Duration;

/// Bounds on what base stations, and who only pretends to be one, may hold of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections, all together, handshakes included. A system has 256 radios.
    pub links: usize,
    /// Connections of one source address: a gateway may hide a building.
    pub per_source: usize,
    /// Connections that are not admitted yet, all together.
    pub strangers: usize,
    /// Words that may wait for one link.
    pub queue: usize,
    /// Until a TLS handshake ends.
    pub handshake: Duration,
    /// Until a connection has said who it is.
    pub greeting: Duration,
    /// From the first octet of a frame to its last.
    pub frame: Duration,
    /// How long a base station may refuse to take octets.
    pub write: Duration,
    /// How long a shutdown waits for links to say their last words.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            links: 1024,
            per_source: 512,
            strangers: 256,
            queue: 1024,
            handshake: Duration::from_secs(10),
            greeting: kirkwall_core::dect::base_link::greeting::PATIENCE,
            frame: Duration::from_secs(10),
            write: Duration::from_secs(10),
            shutdown: Duration::from_secs(3),
        }
    }
}

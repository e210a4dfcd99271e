//! Every bound the transports keep.

use std::time::Duration;

/// Bounds on what peers may hold of us, and how long we wait for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Accepted connections, all peers together, handshakes included.
    pub accepted: usize,
    /// Accepted connections of one source address.
    pub per_source: usize,
    /// Connections opened by us.
    pub opened: usize,
    /// Messages that may wait for one connection.
    pub queue: usize,
    /// Bytes that may wait for one connection.
    pub queue_bytes: usize,
    /// Until a TCP connection of ours is answered.
    pub connect: Duration,
    /// Until a TLS handshake ends, either direction.
    pub handshake: Duration,
    /// From the first byte of a message to its last.
    pub message: Duration,
    /// Silence in both directions after which an accepted connection is closed.
    pub accepted_idle: Duration,
    /// Time without a message, keep-alives not counted, after which a connection of ours is closed.
    pub opened_idle: Duration,
    /// Silence after which a connection of ours gets a CRLF CRLF.
    pub keep_alive: Duration,
    /// How long a peer that has ever answered a keep-alive may take to answer the next.
    pub pong: Duration,
    /// How long a peer may refuse to take bytes from us.
    pub write: Duration,
    /// After broken framing, how long the answer to it may still be written.
    pub linger: Duration,
    /// How long a shutdown waits for connections to say their last words.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accepted: 8_192,
            per_source: 64,
            opened: 8_192,
            queue: 256,
            queue_bytes: 4 << 20,
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            message: Duration::from_secs(30),
            accepted_idle: Duration::from_secs(600),
            opened_idle: Duration::from_secs(7_200),
            keep_alive: Duration::from_secs(60),
            // RFC 5626 §4.4.1: "If a pong is not received within 10 seconds after sending a ping […]
            // then the client MUST treat the flow as failed."
            pong: Duration::from_secs(10),
            write: Duration::from_secs(20),
            linger: Duration::from_secs(1),
            shutdown: Duration::from_secs(5),
        }
    }
}

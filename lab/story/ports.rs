//! Ports for a switch that is to find them again after its restart.

use std::collections::HashSet;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::sync::{LazyLock, Mutex};

use super::Fault;
use crate::sip::endpoint::locked;

/// Below the range from which Linux takes ports for outgoing sockets.
const FIRST: u16 = 10_000;
const SPAN: u16 = 20_000;

/// Ports that a story of this process has.
static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// Ports in a row; they are another story's when this one is over.
pub(super) struct Ports {
    first: u16,
    count: u16,
}

impl Ports {
    /// `count` ports that are free on `ip`, for UDP and TCP, and that no other story of this process has. The
    /// first is even, as RTP wants it (RFC 3550 section 11).
    pub(super) fn free(ip: IpAddr, count: u16) -> Result<Self, Fault> {
        // From another place in each process, so that two runs on one machine seldom look at the same ports.
        let start = (std::process::id() as u16).wrapping_mul(97) % SPAN;
        let is_free = |port| UdpSocket::bind((ip, port)).is_ok() && TcpListener::bind((ip, port)).is_ok();
        let mut given = locked(&GIVEN);
        let first = (0..SPAN)
            .map(|step| FIRST + (start + step) % SPAN)
            .filter(|first| first % 2 == 0)
            .find(|first| (*first..first + count).all(|port| !given.contains(&port) && is_free(port)));
        let first = first.ok_or_else(|| {
            let what = format!("no {count} ports in a row are free from {FIRST} on");
            Fault::unusable(what, "end other programs on this machine")
        })?;
        given.extend(first..first + count);
        Ok(Self { first, count })
    }

    pub(super) fn first(&self) -> u16 {
        self.first
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        let mut given = locked(&GIVEN);
        (self.first..self.first + self.count).for_each(|port| {
            given.remove(&port);
        });
    }
}

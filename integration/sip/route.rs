//! Which of our addresses a peer sees.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Remembered answers; when full, all are forgotten.
const MAX: usize = 4_096;
/// How long an answer is believed. Addresses change seldom, and a wrong one mends itself.
const FRESH: Duration = Duration::from_secs(30);

/// Source addresses the kernel would choose, remembered for a while.
#[derive(Debug, Default)]
pub(super) struct Routes {
    known: Mutex<HashMap<IpAddr, (IpAddr, Instant)>>,
}

impl Routes {
    /// Our address as `remote` sees it, or none when there is no route.
    pub fn source(&self, remote: IpAddr) -> Option<IpAddr> {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((source, at)) = known.get(&remote)
            && now.duration_since(*at) < FRESH
        {
            return Some(*source);
        }
        let source = ask_kernel(remote)?;
        if known.len() >= MAX {
            known.clear();
        }
        known.insert(remote, (source, now));
        Some(source)
    }
}

/// Connecting a UDP socket sends nothing; it only chooses the route.
fn ask_kernel(remote: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match remote {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(SocketAddr::new(remote, 5060)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_sees_loopback() {
        let routes = Routes::default();
        for remote in ["127.0.0.1", "::1"] {
            let remote: IpAddr = remote.parse().unwrap();
            assert_eq!(routes.source(remote), Some(remote));
            assert_eq!(routes.source(remote), Some(remote), "remembered");
        }
    }
}

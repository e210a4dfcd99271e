//! Pairs of UDP ports, even for RTP and the odd one above for RTCP (RFC 3550 §11).

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use socket2::{Domain, Socket, Type};

/// The two sockets of a leg.
#[derive(Debug)]
pub(super) struct Pair {
    /// The even port.
    pub(super) port: u16,
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
}

/// Hands out pairs round robin, so that a port just given back rests longest: packets of the last
/// call that are still on their way do not meet a new one.
#[derive(Debug)]
pub(super) struct PortPool {
    bind: IpAddr,
    dscp: u8,
    first: u16,
    pairs: u16,
    next: u16,
    taken: HashSet<u16>,
}

impl PortPool {
    /// The local address.
    pub(super) fn bind(&self) -> IpAddr {
        self.bind
    }

    /// Over the whole pairs within `range`. `None` when there is none.
    pub(super) fn new(bind: IpAddr, range: &RangeInclusive<u16>, dscp: u8) -> Option<PortPool> {
        let first = range.start().checked_next_multiple_of(2)?.max(2);
        let pairs = (*range.end() as u32 + 1).saturating_sub(first as u32) / 2;
        let pairs = pairs as u16;
        (pairs > 0).then(|| PortPool { bind, dscp, first, pairs, next: 0, taken: HashSet::new() })
    }

    /// The next free pair, bound. `Ok(None)` when all are taken, by us or by others.
    pub(super) fn take(&mut self) -> io::Result<Option<Pair>> {
        for _ in 0..self.pairs {
            let port = self.first + 2 * self.next;
            self.next = (self.next + 1) % self.pairs;
            if self.taken.contains(&port) {
                continue;
            }
            match self.bind_pair(port) {
                Ok(pair) => {
                    self.taken.insert(port);
                    return Ok(Some(pair));
                }
                // Somebody else on this machine has it, or may not let us.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// A certain pair, bound. `Ok(None)` when it is taken, or is no pair of the range.
    pub(super) fn take_exactly(&mut self, port: u16) -> io::Result<Option<Pair>> {
        let last = self.first as u32 + 2 * (self.pairs as u32 - 1);
        let ours = port.is_multiple_of(2) && (self.first as u32..=last).contains(&(port as u32));
        if !ours || self.taken.contains(&port) {
            return Ok(None);
        }
        match self.bind_pair(port) {
            Ok(pair) => {
                self.taken.insert(port);
                Ok(Some(pair))
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes back a pair whose sockets are closed.
    pub(super) fn release(&mut self, port: u16) {
        self.taken.remove(&port);
    }

    fn bind_pair(&self, port: u16) -> io::Result<Pair> {
        Ok(Pair { port, rtp: self.bind_one(port)?, rtcp: self.bind_one(port + 1)? })
    }

    fn bind_one(&self, port: u16) -> io::Result<UdpSocket> {
        let address = SocketAddr::new(self.bind, port);
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
        // RFC 2474 §3: the code point is the upper six bits of the octet.
        let octet = (self.dscp as u32) << 2;
        match self.bind {
            IpAddr::V4(_) => socket.set_tos_v4(octet)?,
            IpAddr::V6(_) => socket.set_tclass_v6(octet)?,
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(socket.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn only_whole_pairs_within_the_range_count() {
        let pairs = |range| PortPool::new(HOME, &range, 46).map(|pool| (pool.first, pool.pairs));
        assert_eq!(pairs(30_000..=30_003), Some((30_000, 2)));
        assert_eq!(pairs(30_001..=30_004), Some((30_002, 1)));
        assert_eq!(pairs(30_000..=30_000), None);
        assert_eq!(pairs(30_001..=30_002), None);
        assert_eq!(pairs(65_535..=65_535), None);
        assert_eq!(pairs(65_534..=65_535), Some((65_534, 1)));
    }

    #[test]
    fn ports_go_round_and_come_back_last() {
        let mut pool = PortPool::new(HOME, &(41_200..=41_207), 46).unwrap();
        let pairs: Vec<_> = std::iter::from_fn(|| pool.take().unwrap()).collect();
        assert!(pairs.len() <= 4 && pairs.len() > 1, "{}", pairs.len());
        assert!(pairs.iter().all(|pair| pair.port % 2 == 0));
        assert!(pairs.iter().all(|pair| pair.rtcp.local_addr().unwrap().port() == pair.port + 1));
        let (first, second) = (pairs[0].port, pairs[1].port);
        drop(pairs);
        pool.release(second);
        pool.release(first);
        assert_eq!(pool.take().unwrap().map(|pair| pair.port), Some(first));
        assert_eq!(pool.take().unwrap().map(|pair| pair.port), Some(second));
    }

    #[test]
    fn packets_leave_with_the_code_point() {
        let mut pool = PortPool::new(HOME, &(41_210..=41_217), 46).unwrap();
        let pair = pool.take().unwrap().unwrap();
        assert_eq!(socket2::SockRef::from(&pair.rtp).tos_v4().unwrap(), 46 << 2);
        assert_eq!(socket2::SockRef::from(&pair.rtcp).tos_v4().unwrap(), 46 << 2);
    }
}

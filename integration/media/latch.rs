//! Who is listened to on a leg, and where symmetric RTP (RFC 4961) answers.
//!
//! A phone behind a NAT sends from an address that its SDP does not name, so a relay must answer to
//! where packets come from; but whoever sends first to an open port must not get a patient's call.
//! The rule:
//!
//! 1. Until a lock, the SDP's address is preferred: its first packet locks at once.
//! 2. Any other source is on trial. It is heard and answered meanwhile, and locks with its
//!    [`TRIAL`]th packet. A third party is refused; the SDP's address is not, whenever it speaks: to
//!    forge it takes more than to be first at a port, and behind a NAT it is never seen.
//! 3. With SRTP a packet that authenticates is proof: the first one locks, whoever sent it.
//! 4. Once locked, to address and SSRC, others are refused. The locked address may begin a new SSRC
//!    when the old one has been quiet for [`SOURCE_QUIET`]; so a sender that forges the address must
//!    guess the SSRC too. With SRTP a new SSRC is taken at once, and an authentic packet from another
//!    address (a roaming phone) once the locked one has been quiet for [`ADDRESS_QUIET`].
//! 5. A new address by SDP opens the latch again. Packets on their way from the old one are heard,
//!    but lock only when nothing else comes for [`LINGER`] of them, with SRTP as without: a handset that
//!    changes its base station speaks over both for a moment.
//!
//! Pure: the engine's threads tell it of packets, it says yes or no.

use std::net::SocketAddr;
use std::time::Duration;

use kirkwall_core::timer::Moment;

/// Packets by which a source other than the SDP's locks.
pub const TRIAL: u8 = 5;
/// Packets by which the address before the last change of SDP locks again.
pub const LINGER: u8 = 50;
/// Quiet of the locked source after which its address may begin a new SSRC in clear RTP.
pub const SOURCE_QUIET: Duration = Duration::from_millis(50);
/// Quiet of the locked address after which an authentic packet may move the lock.
pub const ADDRESS_QUIET: Duration = Duration::from_secs(1);

/// The latch of one leg.
#[derive(Debug, Clone)]
pub struct Latch {
    /// What the SDP says.
    expected: Option<SocketAddr>,
    state: State,
    last_heard: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// A source that is not the SDP's. `needs` more packets until it locks.
    Trial {
        from: SocketAddr,
        ssrc: u32,
        needs: u8,
        answered: bool,
    },
    Locked {
        from: SocketAddr,
        ssrc: u32,
    },
}

impl Latch {
    /// Open, expecting the SDP's address.
    pub fn new(expected: Option<SocketAddr>) -> Latch {
        Latch { expected, state: State::Open, last_heard: Moment::default() }
    }

    /// Takes the address of a new SDP. Nothing changes when it is the same.
    pub fn expect(&mut self, expected: Option<SocketAddr>) {
        if self.expected == expected {
            return;
        }
        self.expected = expected;
        self.state = match self.state {
            State::Locked { from, ssrc } if Some(from) == expected => State::Locked { from, ssrc },
            State::Locked { from, ssrc } | State::Trial { from, ssrc, .. } => {
                State::Trial { from, ssrc, needs: LINGER, answered: false }
            }
            State::Open => State::Open,
        };
    }

    /// Whether a packet may be looked at further. `secured`: SRTP will check it.
    pub fn admits(&self, from: SocketAddr, ssrc: u32, secured: bool, now: Moment) -> bool {
        let quiet = now.since(self.last_heard);
        match self.state {
            State::Open => true,
            State::Trial { .. } if secured => true,
            State::Trial { from: on_trial, answered, .. } => {
                from == on_trial || Some(from) == self.expected || !answered
            }
            State::Locked { from: locked, .. } if from != locked => match secured {
                true => quiet >= ADDRESS_QUIET,
                false => Some(from) == self.expected,
            },
            State::Locked { ssrc: locked, .. } => ssrc == locked || secured || quiet >= SOURCE_QUIET,
        }
    }

    /// Takes a packet that was admitted and, with `secured`, has authenticated.
    pub fn accept(&mut self, from: SocketAddr, ssrc: u32, secured: bool, now: Moment) {
        self.last_heard = now;
        let lingers = matches!(self.state, State::Trial { from: old, answered: false, .. } if old == from);
        if secured && !lingers || Some(from) == self.expected || matches!(self.state, State::Locked { .. }) {
            self.state = State::Locked { from, ssrc };
            return;
        }
        let needs = match self.state {
            State::Trial { from: on_trial, needs, ssrc: old, .. } if on_trial == from && old == ssrc => {
                needs - 1
            }
            _ => TRIAL - 1,
        };
        let answered = match self.state {
            State::Trial { from: on_trial, answered, .. } if on_trial == from => answered,
            _ => true,
        };
        self.state = match needs {
            0 => State::Locked { from, ssrc },
            needs => State::Trial { from, ssrc, needs, answered },
        };
    }

    /// Where a symmetric flow sends: where packets come from, else the SDP's address.
    pub fn destination(&self) -> Option<SocketAddr> {
        self.source().or(self.expected)
    }

    /// Where the peer's packets come from, once some have.
    pub fn source(&self) -> Option<SocketAddr> {
        match self.state {
            State::Locked { from, .. } | State::Trial { from, answered: true, .. } => Some(from),
            State::Open | State::Trial { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn at(millis: u64) -> Moment {
        Moment::from_micros(millis * 1000)
    }

    /// Feeds one clear packet; whether it was taken.
    fn hear(latch: &mut Latch, port: u16, ssrc: u32, millis: u64) -> bool {
        let admitted = latch.admits(addr(port), ssrc, false, at(millis));
        if admitted {
            latch.accept(addr(port), ssrc, false, at(millis));
        }
        admitted
    }

    #[test]
    fn the_address_of_the_sdp_locks_at_once() {
        let mut latch = Latch::new(Some(addr(1)));
        assert!(hear(&mut latch, 1, 7, 0));
        assert!(!hear(&mut latch, 2, 8, 1));
        assert_eq!(latch.destination(), Some(addr(1)));
    }

    #[test]
    fn another_source_is_answered_on_trial_and_then_locks() {
        let mut latch = Latch::new(Some(addr(1)));
        assert!(hear(&mut latch, 2, 7, 0));
        assert_eq!(latch.destination(), Some(addr(2)));
        assert!(!hear(&mut latch, 3, 9, 1), "a third party");
        for n in 1..TRIAL as u64 {
            assert!(hear(&mut latch, 2, 7, n * 20));
        }
        assert!(!hear(&mut latch, 3, 9, 100), "a third party");
        assert!(hear(&mut latch, 1, 8, 101), "the SDP's comes late, but comes");
        assert!(!hear(&mut latch, 2, 7, 102));
    }

    #[test]
    fn the_address_of_the_sdp_wins_over_one_on_trial() {
        let mut latch = Latch::new(Some(addr(1)));
        assert!(hear(&mut latch, 2, 7, 0));
        assert!(hear(&mut latch, 1, 8, 20));
        assert!(!hear(&mut latch, 2, 7, 21));
        assert_eq!(latch.destination(), Some(addr(1)));
    }

    #[test]
    fn a_new_source_from_the_locked_address_waits_for_the_old_to_fall_quiet() {
        let mut latch = Latch::new(Some(addr(1)));
        assert!(hear(&mut latch, 1, 7, 0));
        assert!(!hear(&mut latch, 1, 8, 20), "forged, or too early");
        assert!(hear(&mut latch, 1, 8, 60));
        assert!(!hear(&mut latch, 1, 7, 61));
    }

    #[test]
    fn proof_by_key_locks_and_moves_only_after_quiet() {
        let mut latch = Latch::new(Some(addr(1)));
        latch.accept(addr(2), 7, true, at(0));
        assert!(!latch.admits(addr(1), 7, true, at(500)), "a replay race cannot move it");
        assert!(latch.admits(addr(2), 8, true, at(1)), "a new source may begin at once");
        assert!(latch.admits(addr(1), 7, true, at(1000)));
    }

    #[test]
    fn a_new_sdp_opens_it_again_and_stragglers_do_not_shut_it() {
        let mut latch = Latch::new(Some(addr(1)));
        hear(&mut latch, 1, 7, 0);
        latch.expect(Some(addr(4)));
        assert_eq!(latch.destination(), Some(addr(4)));
        for n in 0..20 {
            assert!(hear(&mut latch, 1, 7, n * 20));
            assert_eq!(latch.destination(), Some(addr(4)), "we already send to the new place");
        }
        assert!(hear(&mut latch, 4, 8, 500));
        assert!(!hear(&mut latch, 1, 7, 501));
    }

    #[test]
    fn two_ends_with_the_same_key_do_not_shut_each_other_out_while_one_takes_over() {
        let mut latch = Latch::new(Some(addr(1)));
        latch.accept(addr(1), 7, true, at(0));
        latch.expect(Some(addr(4)));
        for n in 1..4 {
            assert!(latch.admits(addr(1), 7, true, at(n * 20)), "the old one goes on");
            latch.accept(addr(1), 7, true, at(n * 20));
        }
        assert!(latch.admits(addr(4), 8, true, at(81)));
        latch.accept(addr(4), 8, true, at(81));
        assert!(!latch.admits(addr(1), 7, true, at(100)));
        assert_eq!(latch.source(), Some(addr(4)));
    }

    #[test]
    fn the_same_sdp_again_changes_nothing() {
        let mut latch = Latch::new(Some(addr(1)));
        for n in 0..10 {
            hear(&mut latch, 2, 7, n * 20);
        }
        latch.expect(Some(addr(1)));
        assert_eq!(latch.destination(), Some(addr(2)));
    }
}

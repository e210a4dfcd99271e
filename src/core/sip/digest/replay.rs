//! Which nonce counts have passed (RFC 7616 §3.4, §5.12).
//!
//! A nonce enters the table only after a correct digest, so strangers cannot fill it.

use std::collections::BTreeMap;

use super::server::NONCE_LIFE;
use crate::timer::Moment;

/// Most nonces whose counts are remembered.
pub(super) const MAX_NONCES: usize = 8192;

/// Issue moment and number: sorts by age.
pub(super) type NonceKey = (Moment, u64);

/// Which nonce counts have passed.
#[derive(Debug, Clone, Default)]
pub(super) struct Replays {
    windows: BTreeMap<NonceKey, Window>,
    /// Nonces up to this one that are not in the table are given up.
    floor: NonceKey,
}

/// The highest count seen, and the 64 below it, one bit each (bit 0 is the highest).
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    highest: u32,
    bits: u64,
}

impl Replays {
    /// Whether `count` is new for `nonce`; then it is marked as seen.
    pub(super) fn pass(&mut self, nonce: NonceKey, count: u32, now: Moment) -> bool {
        self.forget_dead(now);
        if !self.windows.contains_key(&nonce) {
            if nonce <= self.floor {
                return false;
            }
            self.make_room();
            // Making room may have raised the floor above this very nonce.
            if nonce <= self.floor {
                return false;
            }
        }
        self.windows.entry(nonce).or_default().pass(count)
    }

    fn forget_dead(&mut self, now: Moment) {
        while let Some(oldest) = self.windows.first_entry() {
            if now.since(oldest.key().0) <= NONCE_LIFE {
                break;
            }
            oldest.remove();
        }
    }

    fn make_room(&mut self) {
        if self.windows.len() >= MAX_NONCES
            && let Some((oldest, _)) = self.windows.pop_first()
        {
            self.floor = self.floor.max(oldest);
        }
    }
}

impl Window {
    fn pass(&mut self, count: u32) -> bool {
        // RFC 7616 §3.4: "the first request sent in response to a given nonce value, the client sends
        // "nc=00000001"", so 0 is never right.
        if count == 0 {
            return false;
        }
        if count > self.highest {
            let step = count - self.highest;
            self.bits = self.bits.checked_shl(step).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let bit = 1u64.checked_shl(self.highest - count).unwrap_or(0);
        let new = bit != 0 && self.bits & bit == 0;
        self.bits |= bit;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Moment {
        Moment::from_micros((1_000_000 + secs) * 1_000_000)
    }

    #[test]
    fn the_replay_table_is_bounded_and_giving_up_opens_no_replay() {
        let mut seen = Replays::default();
        let nonce = |n: u64| (Moment::from_micros(at(0).as_micros() - 20_000 + n), 7);
        for n in 0..(MAX_NONCES as u64 + 10) {
            assert!(seen.pass(nonce(n), 1, at(0)));
        }
        assert_eq!(seen.windows.len(), MAX_NONCES);
        assert!(!seen.pass(nonce(3), 1, at(0)), "given up, so refused");
        assert!(!seen.pass(nonce(3), 2, at(0)), "given up, so refused");
        assert!(!seen.pass(nonce(20), 1, at(0)), "still known, so seen");
        assert!(seen.pass(nonce(20), 2, at(0)));
    }

    #[test]
    fn dead_nonces_leave_the_table() {
        let mut seen = Replays::default();
        assert!(seen.pass((at(0), 1), 1, at(0)));
        assert!(seen.pass((at(301), 1), 1, at(301)));
        assert_eq!(seen.windows.len(), 1);
    }

    #[test]
    fn a_window_forgets_what_lies_64_behind() {
        let mut window = Window::default();
        assert!(!window.pass(0));
        assert!(window.pass(100) && window.pass(37) && !window.pass(37));
        assert!(!window.pass(36));
        assert!(window.pass(u32::MAX) && !window.pass(100));
    }
}

//! How fast a node may ask, all its users together: after an outage thousands want in at once, and a
//! front end throttles or falls over.
//!
//! Turns lie at even distances, with a burst that may go at once (the generic cell rate algorithm of
//! ITU-T I.371). Whoever gets a wait has his turn: he comes back after it and asks no more. A turn is for all
//! that a registration takes: answers to challenges ask for none, since the far side holds the handshake open.

use std::time::Duration;

use crate::timer::Moment;

/// Gives out turns.
#[derive(Debug, Clone)]
pub struct Pace {
    distance: Duration,
    burst: u32,
    /// When the next turn would be, if turns lay at even distances without a burst.
    next: Moment,
}

impl Pace {
    /// So many a second, at least one; a tenth of that may go at once.
    pub fn per_second(rate: u32) -> Self {
        let rate = rate.max(1);
        let distance = Duration::from_secs(1) / rate;
        Self { distance, burst: rate / 10, next: Moment::default() }
    }

    /// How long to wait for this turn; zero: now.
    pub fn turn(&mut self, now: Moment) -> Duration {
        let turn = self.next.max(now);
        self.next = turn + self.distance;
        (turn - self.distance * self.burst).since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_thousand_turns_at_two_hundred_a_second_take_twenty_seconds() {
        let (mut pace, now) = (Pace::per_second(200), Moment::from_micros(1_000_000_000));
        let waits: Vec<_> = (0..4_000).map(|_| pace.turn(now)).collect();
        assert_eq!(waits.iter().filter(|wait| wait.is_zero()).count(), 21);
        assert!(waits.is_sorted());
        let last = waits[3_999];
        assert!(last > Duration::from_millis(19_800) && last < Duration::from_secs(20), "{last:?}");
        let in_a_second = |from: u64| {
            let within = |wait: &&Duration| (from..from + 1_000).contains(&(wait.as_millis() as u64));
            waits.iter().filter(within).count()
        };
        assert!((1..18).all(|second| in_a_second(second * 1_000) == 200));
    }

    #[test]
    fn a_quiet_time_fills_the_burst_and_no_more() {
        let (mut pace, now) = (Pace::per_second(10), Moment::from_micros(1_000_000_000));
        assert!(pace.turn(now).is_zero() && pace.turn(now).is_zero());
        assert_eq!(pace.turn(now), Duration::from_millis(100));
        let later = now + Duration::from_secs(3_600);
        assert!(pace.turn(later).is_zero() && pace.turn(later).is_zero());
        assert!(!pace.turn(later).is_zero());
    }
}

//! Moments, and every timer by its standard's name.

use std::collections::BTreeMap;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: microseconds since the Unix epoch.
///
/// The node reads the wall clock once at start and counts on from there by the monotonic clock, so
/// moments never run backwards while it lives, and a moment in a record still means something after
/// a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(u64);

impl Moment {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, by: Duration) -> Moment {
        Moment(self.0.saturating_add(by.as_micros() as u64))
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;
    fn sub(self, by: Duration) -> Moment {
        Moment(self.0.saturating_sub(by.as_micros() as u64))
    }
}

/// RFC 3261 §17.1.1.1: estimate of the round-trip time.
pub const T1: Duration = Duration::from_millis(500);
/// RFC 3261 §17.1.2.2: longest interval between retransmissions of a non-INVITE request.
pub const T2: Duration = Duration::from_secs(4);
/// RFC 3261 §17.1.2.2: longest time a message stays in the network.
pub const T4: Duration = Duration::from_secs(5);

/// Running timers of one machine, keyed by their standard's names.
#[derive(Debug, Clone)]
pub struct TimerTable<K> {
    due: BTreeMap<K, Moment>,
}

impl<K: Ord + Copy> Default for TimerTable<K> {
    fn default() -> Self {
        Self { due: BTreeMap::new() }
    }
}

impl<K: Ord + Copy> TimerTable<K> {
    /// Starts `timer`, or moves it when it runs.
    pub fn set(&mut self, timer: K, at: Moment) {
        self.due.insert(timer, at);
    }

    /// Stops `timer`; nothing happens when it does not run.
    pub fn stop(&mut self, timer: K) {
        self.due.remove(&timer);
    }

    /// Stops all.
    pub fn stop_all(&mut self) {
        self.due.clear();
    }

    /// Whether `timer` runs.
    pub fn runs(&self, timer: K) -> bool {
        self.due.contains_key(&timer)
    }

    /// The earliest expiry.
    pub fn next(&self) -> Option<Moment> {
        self.due.values().min().copied()
    }

    /// Takes out one timer that is due, the earliest first. Call until `None`.
    pub fn pop_expired(&mut self, now: Moment) -> Option<K> {
        let (&timer, _) = self.due.iter().filter(|(_, at)| **at <= now).min_by_key(|(_, at)| **at)?;
        self.due.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_timer_expires_first_and_once() {
        let mut timers = TimerTable::default();
        timers.set('b', Moment::from_micros(20));
        timers.set('a', Moment::from_micros(30));
        assert_eq!(timers.next(), Some(Moment::from_micros(20)));
        assert_eq!(timers.pop_expired(Moment::from_micros(19)), None);
        assert_eq!(timers.pop_expired(Moment::from_micros(40)), Some('b'));
        assert_eq!(timers.pop_expired(Moment::from_micros(40)), Some('a'));
        assert_eq!(timers.pop_expired(Moment::from_micros(40)), None);
    }
}

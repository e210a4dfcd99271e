//! Who guesses passwords, and for how long he is not listened to.
//!
//! Failures are counted twice. Per **user at a source**: ten in ten minutes, and this name is refused
//! from this source. Per **source**: ten different names that failed in ten minutes, and names unknown
//! there are refused. A hundred handsets share the address of their base station, so one handset with
//! a wrong password must not silence the rest: each name counts once per window towards its source,
//! and a name that is `known` at the source (it holds or held a binding from there) is only ever refused
//! for its own failures. Elsewhere the real user is never touched: no count is kept per name alone.
//!
//! The first refusal lasts a minute, each further one twice as long, at most an hour; a day without
//! failure wipes the slate. The table holds [`MAX_ENTRIES`]; the one least recently touched goes first.
//! An IPv6 source is its /64, since a guesser has all of it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::timer::Moment;

/// Failures within [`WINDOW`] that close the door.
const FAILURES: usize = 10;
/// How far back failures count.
const WINDOW: Duration = Duration::from_secs(600);
/// The first refusal.
const FIRST_LOCK: Duration = Duration::from_secs(60);
/// The longest refusal.
const LONGEST_LOCK: Duration = Duration::from_secs(3600);
/// Without failure for so long, earlier refusals are forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(86_400);
/// Most sources and users at sources that are remembered.
pub const MAX_ENTRIES: usize = 4096;

/// Refused without being checked: answer 403 at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failures from this source; refused until {}", until.as_secs())]
pub struct Locked {
    /// When checks begin again.
    pub until: Moment,
}

/// The table of failures. Never saved: a restart forgives.
#[derive(Debug, Clone, Default)]
pub struct GuessLimiter {
    entries: HashMap<Key, Entry>,
    /// Touch number to key: the least recently touched comes first.
    order: BTreeMap<u64, Key>,
    touches: u64,
}

impl GuessLimiter {
    /// Whether credentials of `username` from `source` are to be checked at all. `known`: this user
    /// holds or held a binding from this source.
    pub fn admit(&self, source: IpAddr, username: &str, known: bool, now: Moment) -> Result<(), Locked> {
        let source = site(source);
        let at_source = self.locked(&Key::Source(source), now).filter(|_| !known);
        let own = self.locked(&Key::user(source, username), now);
        at_source.max(own).map_or(Ok(()), |until| Err(Locked { until }))
    }

    /// A wrong answer ([`super::Verdict::Wrong`]).
    pub fn failed(&mut self, source: IpAddr, username: &str, now: Moment) {
        let source = site(source);
        let own = self.touch(Key::user(source, username));
        let first = own.failures.iter().all(|&at| now.since(at) > WINDOW);
        own.fail(now);
        if first {
            self.touch(Key::Source(source)).fail(now);
        }
    }

    /// A right answer: the user's own failures at this source are forgiven, the source's are not,
    /// since a guesser may own one account.
    pub fn succeeded(&mut self, source: IpAddr, username: &str) {
        let key = Key::user(site(source), username);
        if let Some(entry) = self.entries.remove(&key) {
            self.order.remove(&entry.touched);
        }
    }

    /// How many entries are held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody has failed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn locked(&self, key: &Key, now: Moment) -> Option<Moment> {
        self.entries.get(key).map(|entry| entry.locked_until).filter(|&until| until > now)
    }

    /// The entry, made if need be, as the most recently touched.
    fn touch(&mut self, key: Key) -> &mut Entry {
        if !self.entries.contains_key(&key)
            && self.entries.len() >= MAX_ENTRIES
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.touches += 1;
        let entry = self.entries.entry(key.clone()).or_default();
        self.order.remove(&entry.touched);
        entry.touched = self.touches;
        self.order.insert(self.touches, key);
        entry
    }
}

/// What failures are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Source(IpAddr),
    User(IpAddr, String),
}

impl Key {
    /// Names are cut, so that a stranger cannot fill memory with long ones.
    fn user(source: IpAddr, username: &str) -> Self {
        Self::User(source, username.chars().take(64).collect())
    }
}

#[derive(Debug, Clone, Default)]
struct Entry {
    /// The last failures, oldest first, at most [`FAILURES`].
    failures: VecDeque<Moment>,
    /// Refusals so far; each doubles the next.
    locks: u32,
    locked_until: Moment,
    touched: u64,
}

impl Entry {
    fn fail(&mut self, now: Moment) {
        if self.failures.back().is_some_and(|&last| now.since(last) > FORGIVEN_AFTER) {
            self.locks = 0;
        }
        if self.failures.len() == FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        let full = self.failures.len() == FAILURES;
        if full && self.failures.front().is_some_and(|&oldest| now.since(oldest) <= WINDOW) {
            let lock = FIRST_LOCK.saturating_mul(1 << self.locks.min(10)).min(LONGEST_LOCK);
            self.locked_until = now + lock;
            self.locks += 1;
        }
    }
}

fn site(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "10.0.0.7";

    fn at(secs: u64) -> Moment {
        Moment::from_micros((1_000_000 + secs) * 1_000_000)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn fail(limiter: &mut GuessLimiter, name: &str, times: u64, from: u64) {
        (0..times).for_each(|n| limiter.failed(ip(BASE), name, at(from + n)));
    }

    #[test]
    fn the_tenth_failure_closes_the_door_for_a_minute() {
        let mut limiter = GuessLimiter::default();
        fail(&mut limiter, "anna", 9, 0);
        assert_eq!(limiter.admit(ip(BASE), "anna", false, at(9)), Ok(()));
        fail(&mut limiter, "anna", 1, 9);
        assert_eq!(limiter.admit(ip(BASE), "anna", true, at(10)), Err(Locked { until: at(69) }));
        assert_eq!(limiter.admit(ip(BASE), "anna", false, at(69)), Ok(()));
    }

    #[test]
    fn slow_mistakes_close_nothing() {
        let mut limiter = GuessLimiter::default();
        (0..50).for_each(|n| limiter.failed(ip(BASE), "anna", at(n * 67)));
        assert_eq!(limiter.admit(ip(BASE), "anna", false, at(50 * 67)), Ok(()));
    }

    /// Fails once a second from `now` until refused; how long, and till when.
    fn until_refused(limiter: &mut GuessLimiter, mut now: u64) -> (u64, u64) {
        loop {
            limiter.failed(ip(BASE), "anna", at(now));
            match limiter.admit(ip(BASE), "anna", true, at(now)) {
                Ok(()) => now += 1,
                Err(Locked { until }) => {
                    return (until.since(at(now)).as_secs(), until.since(at(0)).as_secs());
                }
            }
        }
    }

    #[test]
    fn refusals_double_to_an_hour_and_are_forgiven_after_a_day() {
        let (mut limiter, mut now, mut spans) = (GuessLimiter::default(), 0, Vec::new());
        for _ in 0..9 {
            let (span, until) = until_refused(&mut limiter, now);
            (now, spans) = (until, [spans, vec![span]].concat());
        }
        assert_eq!(spans, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        assert_eq!(until_refused(&mut limiter, now + 86_401).0, 60);
    }

    #[test]
    fn one_handset_with_a_wrong_password_does_not_silence_its_base() {
        let mut limiter = GuessLimiter::default();
        fail(&mut limiter, "anna", 30, 0);
        assert_eq!(limiter.admit(ip(BASE), "bert", false, at(30)), Ok(()));
    }

    #[test]
    fn a_source_that_tries_ten_names_is_refused_but_for_those_known_there() {
        let mut limiter = GuessLimiter::default();
        (0..10).for_each(|n| limiter.failed(ip(BASE), &format!("user{n}"), at(n)));
        assert!(limiter.admit(ip(BASE), "bert", false, at(10)).is_err());
        assert_eq!(limiter.admit(ip(BASE), "bert", true, at(10)), Ok(()));
        assert_eq!(limiter.admit(ip("10.0.0.8"), "user1", false, at(10)), Ok(()));
    }

    #[test]
    fn a_success_forgives_the_user_and_not_the_source() {
        let mut limiter = GuessLimiter::default();
        fail(&mut limiter, "anna", 9, 0);
        limiter.succeeded(ip(BASE), "anna");
        fail(&mut limiter, "anna", 9, 10);
        assert_eq!(limiter.admit(ip(BASE), "anna", false, at(20)), Ok(()));
        (0..8).for_each(|n| limiter.failed(ip(BASE), &format!("user{n}"), at(20)));
        assert!(limiter.admit(ip(BASE), "bert", false, at(21)).is_err());
    }

    #[test]
    fn the_table_stays_bounded_and_keeps_the_newest() {
        let mut limiter = GuessLimiter::default();
        for n in 0..10_000u32 {
            limiter.failed(Ipv6Addr::from_bits(u128::from(n) << 64).into(), "x", at(1));
        }
        assert_eq!((limiter.len(), limiter.order.len()), (MAX_ENTRIES, MAX_ENTRIES));
        assert!(limiter.entries.contains_key(&Key::Source(Ipv6Addr::from_bits(9999 << 64).into())));
    }

    #[test]
    fn an_ipv6_guesser_is_known_by_his_network() {
        let mut limiter = GuessLimiter::default();
        (1..=10).for_each(|n| limiter.failed(ip(&format!("2001:db8::{n}")), "anna", at(n)));
        assert!(limiter.admit(ip("2001:db8::ffff"), "anna", false, at(11)).is_err());
        assert!(limiter.admit(ip("2001:db8:0:1::1"), "anna", false, at(11)).is_ok());
    }
}

//! The proxies of one line, in order of preference, and which one it uses.
//!
//! ```text
//!            failed             failed            failed
//!   first ─────────► second ──────────► … ──────────► first
//!     ▲                │ redirected (301)
//!     │ go back        ▼
//!     └──────────── home server ── failed ──► first
//! ```
//!
//! Going back is dampened: a first proxy that answers and yet refuses must not be tried by each user
//! again and again, for each try costs the user his registration at the other one.

use std::time::Duration;

use super::Destination;
use crate::timer::Moment;

/// After a failure the first proxy is left alone for so long, …
const LEAVE_ALONE: Duration = Duration::from_secs(30);
/// … twice as long after each return that did not last, at most so long.
const LEAVE_ALONE_MOST: Duration = Duration::from_secs(3_600);
/// Most targets of one redirection.
const MOST_HOMES: usize = 8;

/// See the module.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// Never empty.
    list: Vec<Destination>,
    at: usize,
    /// Where the registrar said that the user is at home, the one in use first; empty: nowhere else.
    home: Vec<Destination>,
    /// No return before then.
    not_before: Moment,
    /// Returns that did not last, one after another.
    returns: u32,
}

impl Proxies {
    /// Begins with the first; `None` without any.
    pub fn new(list: Vec<Destination>) -> Option<Self> {
        let some = !list.is_empty();
        some.then_some(Self { list, at: 0, home: Vec::new(), not_before: Moment::default(), returns: 0 })
    }

    /// The one in use.
    pub fn current(&self) -> &Destination {
        self.home.first().unwrap_or(&self.list[self.at])
    }

    /// Whether the one in use is the most preferred, or another address of its name: which of them DNS
    /// names first means nothing.
    pub fn is_first(&self) -> bool {
        let (first, used) = (&self.list[0], &self.list[self.at]);
        let same_name = first.server_name.is_some() && first.server_name == used.server_name;
        self.home.is_empty() && (self.at == 0 || same_name)
    }

    /// Their addresses, looked up anew. Whether the one in use is another now.
    pub fn replace(&mut self, list: Vec<Destination>) -> bool {
        if list.is_empty() || list == self.list {
            return false;
        }
        let before = self.current().clone();
        let same = |proxy: &Destination| proxy.address == self.list[self.at].address;
        self.at = list.iter().position(same).unwrap_or(0);
        self.list = list;
        *self.current() != before
    }

    /// `failed` does not serve. Whether another is in use now; it is not when that had been left already.
    pub fn failed(&mut self, failed: &Destination, now: Moment) -> bool {
        if failed.address != self.current().address {
            return false;
        }
        if self.is_first() {
            let wait = LEAVE_ALONE.saturating_mul(1 << self.returns.min(8)).min(LEAVE_ALONE_MOST);
            self.not_before = now + wait;
        }
        match self.home.is_empty() {
            true => self.at = (self.at + 1) % self.list.len(),
            false => {
                self.home.remove(0);
                self.at = 0;
            }
        }
        *failed != *self.current()
    }

    /// The registrar has sent the user to his home server, by these ways.
    pub fn redirected(&mut self, mut home: Vec<Destination>) {
        home.truncate(MOST_HOMES);
        self.home = home;
    }

    /// `proxy` serves again: use it if it is one of ours. Whether another is in use now.
    pub fn choose(&mut self, proxy: &Destination) -> bool {
        let Some(at) = self.list.iter().position(|own| own.address == proxy.address) else { return false };
        let before = self.current().clone();
        (self.at, self.home) = (at, Vec::new());
        *self.current() != before
    }

    /// Back to the first, when it is time. Whether it is.
    pub fn go_back(&mut self, now: Moment) -> bool {
        // Who was sent home by the first is where he belongs.
        if self.at == 0 || self.is_first() || now < self.not_before {
            return false;
        }
        (self.at, self.home) = (0, Vec::new());
        self.returns += 1;
        self.not_before = now + LEAVE_ALONE;
        true
    }

    /// The user is registered. What lasts at the first wipes the slate.
    pub fn settled(&mut self, now: Moment) {
        if self.is_first() && now >= self.not_before {
            self.returns = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Facing, Transport};

    fn proxy(last: u8) -> Destination {
        let (transport, address) = (Transport::Tls, ([10, 0, 0, last], 5061).into());
        Destination { transport, address, facing: Facing::North, connection: None, server_name: None }
    }

    fn proxies() -> Proxies {
        Proxies::new(vec![proxy(1), proxy(2), proxy(3)]).unwrap()
    }

    const NOW: Moment = Moment::from_micros(1_000_000_000_000);

    #[test]
    fn each_failure_leads_to_the_next_and_round_again() {
        let mut proxies = proxies();
        assert!(Proxies::new(Vec::new()).is_none());
        for next in [2, 3, 1, 2] {
            let failed = proxies.current().clone();
            assert!(proxies.failed(&failed, NOW));
            assert_eq!(*proxies.current(), proxy(next));
        }
        assert!(!proxies.failed(&proxy(1), NOW), "that one was left already");
        assert!(!Proxies::new(vec![proxy(1)]).unwrap().failed(&proxy(1), NOW), "there is no other");
    }

    #[test]
    fn the_home_server_is_used_until_it_fails() {
        let mut proxies = proxies();
        proxies.redirected(vec![proxy(8), proxy(9)]);
        assert_eq!((proxies.current(), proxies.is_first()), (&proxy(8), false));
        assert!(!proxies.go_back(NOW + LEAVE_ALONE_MOST), "the first has sent him there");
        assert!(proxies.failed(&proxy(8), NOW) && *proxies.current() == proxy(9));
        assert!(proxies.failed(&proxy(9), NOW) && proxies.is_first());
    }

    #[test]
    fn going_back_waits_longer_each_time_that_it_did_not_last() {
        let mut proxies = proxies();
        let mut now = NOW;
        for seconds in [30, 60, 120, 240] {
            assert!(proxies.failed(&proxy(1), now));
            assert!(!proxies.go_back(now + Duration::from_secs(seconds - 1)), "{seconds}");
            now = now + Duration::from_secs(seconds);
            assert!(proxies.go_back(now) && proxies.is_first());
        }
        proxies.settled(now + LEAVE_ALONE);
        assert!(proxies.failed(&proxy(1), now));
        assert!(proxies.go_back(now + LEAVE_ALONE), "it had lasted");
        assert!(!proxies.go_back(now + LEAVE_ALONE_MOST), "it is there");
    }

    #[test]
    fn another_address_of_the_first_name_is_the_first_too() {
        let named = |last: u8, name: &str| Destination { server_name: Some(name.into()), ..proxy(last) };
        let list = [named(1, "pool"), named(2, "pool"), named(3, "other")];
        let mut proxies = Proxies::new(list.to_vec()).unwrap();
        proxies.failed(&list[0], NOW);
        assert!(proxies.is_first() && !proxies.go_back(NOW + LEAVE_ALONE_MOST));
        proxies.failed(&list[1], NOW);
        assert!(!proxies.is_first() && proxies.go_back(NOW + LEAVE_ALONE_MOST));
    }

    #[test]
    fn addresses_looked_up_anew_keep_the_one_in_use() {
        let mut proxies = proxies();
        proxies.failed(&proxy(1), NOW);
        assert!(!proxies.replace(vec![proxy(7), proxy(2)]));
        assert_eq!(*proxies.current(), proxy(2));
        assert!(proxies.replace(vec![proxy(7), proxy(8)]) && *proxies.current() == proxy(7));
        assert!(!proxies.replace(Vec::new()), "no answer of DNS takes away what works");
        assert!(proxies.choose(&proxy(8)) && !proxies.choose(&proxy(8)) && !proxies.choose(&proxy(1)));
    }
}

//! A window for one base station: open for minutes, for one machine, for one fetch.
//!
//! ```text
//! open ──► Waiting ── the base says its address (PnP), or the network knows it ──► fetch ──► Fetched
//!             └── time is up ──► Expired
//! ```
//!
//! A MAC in a file's name is a claim that anybody can make. The address that asks must belong to it: heard from
//! it by PnP in this window, told by the administrator, or known to this machine's own network as that MAC's.
//! All of that holds against everybody who does not sit in the same network as the base station and lies about
//! itself in just these minutes; who must guard against that sets the base up by hand.

use std::net::IpAddr;
use std::time::Duration;

use super::Make;
use crate::timer::Moment;

/// Longest that one may stay open.
pub const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// How one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowState {
    /// Nobody has fetched yet.
    Waiting,
    /// The file was given, once.
    Fetched,
    /// Nobody came in time.
    Expired,
}

impl WindowState {
    /// As in REST.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Fetched => "fetched",
            Self::Expired => "expired",
        }
    }
}

/// Why a file is not given. All of them are 404 to whoever asks; the administrator reads the words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchRefusal {
    /// No window is open for it, any more or at all.
    #[error("no window is open for this base station")]
    Closed,
    /// The file is of another make.
    #[error("{0:?} is no file of this make; choose the right one and open the window again")]
    Make(String),
    /// Who asks is not known to be that machine.
    #[error(
        "{0} asked, and is not known to be this base station; if it is, name its address and open the window again"
    )]
    Stranger(IpAddr),
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The MAC, twelve lower-case hexadecimal digits.
    pub mac: String,
    /// Whose files.
    pub make: Make,
    /// Users, in the order of their handsets.
    pub users: Vec<String>,
    /// Until when.
    pub until: Moment,
    /// Addresses that are its own: told, or heard.
    pub addresses: Vec<IpAddr>,
    /// When it was fetched, and by whom.
    pub fetched: Option<(Moment, IpAddr)>,
    /// The last refusal, for the administrator.
    pub refused: Option<(Moment, FetchRefusal)>,
}

/// Most addresses that are remembered of one: a base has one, liars have more.
const MOST_ADDRESSES: usize = 4;

impl Window {
    /// Opens one.
    pub fn open(mac: String, make: Make, users: Vec<String>, lasts: Duration, now: Moment) -> Self {
        let until = now + lasts.min(LONGEST);
        Self { mac, make, users, until, addresses: Vec::new(), fetched: None, refused: None }
    }

    /// How it stands.
    pub fn state(&self, now: Moment) -> WindowState {
        match self.fetched {
            Some(_) => WindowState::Fetched,
            None if self.until <= now => WindowState::Expired,
            None => WindowState::Waiting,
        }
    }

    /// The base station has spoken from there.
    pub fn heard_at(&mut self, address: IpAddr, now: Moment) {
        let room = self.addresses.len() < MOST_ADDRESSES && !self.addresses.contains(&address);
        if self.state(now) == WindowState::Waiting && room {
            self.addresses.push(address);
        }
    }

    /// Somebody asks for a file. `neighbour`: the MAC that this machine's network has for that address.
    ///
    /// # Errors
    ///
    /// The file is not given.
    pub fn fetch(
        &mut self,
        file: &str,
        by: IpAddr,
        neighbour: Option<&str>,
        now: Moment,
    ) -> Result<(), FetchRefusal> {
        let refusal = match () {
            () if self.state(now) != WindowState::Waiting => FetchRefusal::Closed,
            () if !self.make.names(&self.mac, file) => FetchRefusal::Make(file.chars().take(80).collect()),
            () if !self.addresses.contains(&by) && neighbour != Some(&self.mac) => FetchRefusal::Stranger(by),
            () => {
                self.fetched = Some((now, by));
                return Ok(());
            }
        };
        self.refused = Some((now, refusal.clone()));
        Err(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "7c2f80abcdef";
    const FILE: &str = "7C2F80ABCDEF.xml";
    const NOW: Moment = Moment::from_micros(1_000_000_000);

    fn window() -> Window {
        Window::open(MAC.into(), Make::Gigaset, vec!["4711".into()], Duration::from_secs(600), NOW)
    }

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn the_file_goes_out_once_to_the_machine_that_said_its_mac() {
        let mut window = window();
        assert_eq!(window.fetch(FILE, ip(7), None, NOW), Err(FetchRefusal::Stranger(ip(7))));
        window.heard_at(ip(7), NOW);
        assert_eq!(window.fetch(FILE, ip(8), None, NOW), Err(FetchRefusal::Stranger(ip(8))));
        assert_eq!(window.fetch(FILE, ip(7), None, NOW), Ok(()));
        assert_eq!(window.fetch(FILE, ip(7), None, NOW), Err(FetchRefusal::Closed));
        assert_eq!(window.state(NOW), WindowState::Fetched);
    }

    #[test]
    fn the_network_may_know_whose_address_it_is() {
        let mut window = window();
        assert!(window.fetch(FILE, ip(7), Some("7c2f80abcdee"), NOW).is_err());
        assert_eq!(window.fetch(FILE, ip(7), Some(MAC), NOW), Ok(()));
    }

    #[test]
    fn after_its_time_it_is_shut_and_learns_nothing() {
        let mut window = window();
        let late = NOW + Duration::from_secs(600);
        window.heard_at(ip(7), late);
        assert_eq!(window.fetch(FILE, ip(7), Some(MAC), late), Err(FetchRefusal::Closed));
        assert_eq!((window.state(late), window.addresses.len()), (WindowState::Expired, 0));
        assert_eq!(window.refused.unwrap().1, FetchRefusal::Closed);
    }

    #[test]
    fn another_makes_file_is_refused_by_name_and_liars_do_not_fill_it() {
        let mut window = window();
        (0..100).for_each(|last| window.heard_at(ip(last), NOW));
        assert_eq!(window.addresses.len(), MOST_ADDRESSES);
        let refused = window.fetch("7c2f80abcdef.cfg", ip(0), None, NOW);
        assert_eq!(refused, Err(FetchRefusal::Make("7c2f80abcdef.cfg".into())));
    }
}

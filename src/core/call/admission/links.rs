//! Links with little room: how many calls, and how many kilobits a second, may cross each.
//!
//! A link is named by the networks behind it. The media of this switch passes the switch, so each end of a call
//! that stands in such a network takes the link once; a call between two handsets there takes it twice. Until
//! a call talks an end is where its signalling comes from and is booked with the dearest codec; when it talks it
//! is where its media goes and is booked with what was agreed.
//!
//! Invariant: what is booked stands in `held` under its call, so [`Links::release`] gives back exactly what the
//! call has, once, however the call ended; and the loads are sums of what is held.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Serialize;

use crate::call::Side;
use crate::id::CallRef;
use crate::media::Codec;

/// Most links of a node.
pub const MOST_LINKS: usize = 64;
/// Most networks behind one.
const MOST_NETWORKS: usize = 64;
/// Longest name, in octets.
const LONGEST_NAME: usize = 32;

/// A range of addresses (RFC 4632).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address is one of its.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    /// `10.2.0.0/16`, or a single address.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, bits)| (a, Some(bits)));
        let address: IpAddr = address.parse().map_err(drop)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(drop))?;
        (bits <= most).then_some(Self { address, bits }).ok_or(())
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// A link as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// For people.
    pub name: String,
    /// What is behind it.
    pub networks: Vec<Network>,
    /// Most ends of calls; none: no limit.
    pub max_calls: Option<u32>,
    /// Most kilobits a second in each direction; none: no limit.
    pub max_kbit: Option<u32>,
}

/// Why a text is no link (the administrator's error).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// No name, or one that is no word.
    #[error("begins with no name of at most {LONGEST_NAME} letters, digits, - and _")]
    Name,
    /// A word that is neither.
    #[error("{0:?} is neither a network nor calls=NUMBER nor kbit=NUMBER")]
    Word(String),
    /// Nothing is behind it.
    #[error("names no network, or more than {MOST_NETWORKS}")]
    Networks,
    /// Nothing is limited.
    #[error("limits nothing; add calls=10 or kbit=800")]
    Limits,
}

impl FromStr for Link {
    type Err = LinkFault;

    /// `branch 10.2.0.0/16 10.3.0.0/16 calls=10 kbit=800`.
    fn from_str(text: &str) -> Result<Self, LinkFault> {
        let mut words = text.split_whitespace();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let name = words.next().filter(|name| name.len() <= LONGEST_NAME && name.chars().all(plain));
        let name = name.ok_or(LinkFault::Name)?.to_owned();
        let mut link = Self { name, networks: Vec::new(), max_calls: None, max_kbit: None };
        for word in words {
            let fault = || LinkFault::Word(word.chars().take(64).collect());
            match word.split_once('=') {
                Some(("calls", number)) => link.max_calls = Some(number.parse().map_err(|_| fault())?),
                Some(("kbit", number)) => link.max_kbit = Some(number.parse().map_err(|_| fault())?),
                Some(_) => return Err(fault()),
                None => link.networks.push(word.parse().map_err(|()| fault())?),
            }
        }
        if !(1..=MOST_NETWORKS).contains(&link.networks.len()) {
            return Err(LinkFault::Networks);
        }
        (link.max_calls.is_some() || link.max_kbit.is_some()).then_some(link).ok_or(LinkFault::Limits)
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        self.networks.iter().try_for_each(|network| write!(f, " {network}"))?;
        self.max_calls.iter().try_for_each(|calls| write!(f, " calls={calls}"))?;
        self.max_kbit.iter().try_for_each(|kbit| write!(f, " kbit={kbit}"))
    }
}

/// What a stream takes in each direction, in kilobits a second, with packets of 20 ms over IPv4: 12 octets of
/// RTP (RFC 3550 §5.1), 8 of UDP, 20 of IP, and with SRTP a tag of 80 bits (RFC 3711 §5.2).
pub const fn kbit(codec: Codec, srtp: bool) -> u32 {
    let voice = match codec {
        Codec::Pcma | Codec::Pcmu | Codec::G722 => 160,
        Codec::G726 => 80,
    };
    let octets = voice + 12 + 8 + 20 + if srtp { 10 } else { 0 };
    // 50 packets a second.
    octets * 8 * 50 / 1_000
}

/// A link carries no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFull {
    /// So many calls.
    #[error("the link to {name} is full: {calls} of {most} calls")]
    Calls {
        /// Its name.
        name: String,
        /// What it carries.
        calls: u32,
        /// Its limit.
        most: u32,
    },
    /// So much bandwidth.
    #[error("the link to {name} is full: {kbit} of {most} kbit/s in use, {wanted} wanted")]
    Bandwidth {
        /// Its name.
        name: String,
        /// What it carries.
        kbit: u32,
        /// What the call needs.
        wanted: u32,
        /// Its limit.
        most: u32,
    },
}

/// A link and what it carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkLoad {
    /// Its name.
    pub name: String,
    /// What is behind it.
    pub networks: Vec<String>,
    /// Ends of calls over it.
    pub calls: u32,
    /// Kilobits a second of them, in each direction.
    pub kbit: u32,
    /// Most calls.
    pub max_calls: Option<u32>,
    /// Most kilobits a second.
    pub max_kbit: Option<u32>,
    /// Ends of calls that found it full since start.
    pub refused: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Load {
    calls: u32,
    kbit: u32,
    refused: u64,
}

/// An end of a call and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Which end.
    pub side: Side,
    /// Its address.
    pub at: IpAddr,
    /// What its stream takes, by [`kbit`].
    pub kbit: u32,
}

/// The books of all links of this node.
#[derive(Debug, Default)]
pub struct Links {
    links: Vec<Link>,
    loads: Vec<Load>,
    /// What each end of each call takes of each link, by the link's place.
    held: BTreeMap<CallRef, BTreeMap<(Side, usize), u32>>,
}

impl Links {
    /// Empty books.
    pub fn new(links: Vec<Link>) -> Self {
        let loads = vec![Load::default(); links.len()];
        Self { links, loads, held: BTreeMap::new() }
    }

    /// Whether anything is limited at all.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Takes the links to an end. An end that rings at several places takes each link once: one of them will
    /// talk. `anyway`: a call for help is booked and never refused.
    ///
    /// # Errors
    ///
    /// A link is full; nothing was taken.
    pub fn take(&mut self, call: CallRef, end: End, anyway: bool) -> Result<(), LinkFull> {
        let held = self.held.get(&call);
        let more = |at: usize| {
            let before = held.and_then(|held| held.get(&(end.side, at))).copied();
            (u32::from(before.is_none()), end.kbit.saturating_sub(before.unwrap_or(0)))
        };
        let wanted: Vec<_> = self.over(end.at).map(|at| (at, more(at))).collect();
        let full = wanted.iter().find_map(|(at, more)| Some((*at, self.full(*at, *more)?)));
        if let Some((at, full)) = full.filter(|_| !anyway) {
            self.loads[at].refused += 1;
            return Err(full);
        }
        for (at, (calls, kbit)) in wanted {
            self.loads[at].calls += calls;
            self.loads[at].kbit += kbit;
            *self.held.entry(call).or_default().entry((end.side, at)).or_default() += kbit;
        }
        Ok(())
    }

    /// What a talking call takes in place of what it might have taken. Nothing is refused any more.
    pub fn settle(&mut self, call: CallRef, ends: &[End]) {
        self.release(call);
        for end in ends {
            // What talks is booked, whatever the limits.
            _ = self.take(call, *end, true);
        }
    }

    /// Gives back all that `call` holds. A second time does nothing.
    pub fn release(&mut self, call: CallRef) {
        for ((_, at), kbit) in self.held.remove(&call).unwrap_or_default() {
            self.loads[at].calls -= 1;
            self.loads[at].kbit -= kbit;
        }
    }

    /// Every link, in the order of the configuration.
    pub fn loads(&self) -> Vec<LinkLoad> {
        let both = self.links.iter().zip(&self.loads);
        both.map(|(link, load)| LinkLoad {
            name: link.name.clone(),
            networks: link.networks.iter().map(Network::to_string).collect(),
            calls: load.calls,
            kbit: load.kbit,
            max_calls: link.max_calls,
            max_kbit: link.max_kbit,
            refused: load.refused,
        })
        .collect()
    }

    fn over(&self, address: IpAddr) -> impl Iterator<Item = usize> {
        let behind = move |link: &Link| link.networks.iter().any(|network| network.contains(address));
        self.links.iter().enumerate().filter(move |(_, link)| behind(link)).map(|(at, _)| at)
    }

    fn full(&self, at: usize, (calls, kbit): (u32, u32)) -> Option<LinkFull> {
        let (link, load, name) = (&self.links[at], self.loads[at], self.links[at].name.clone());
        if let Some(most) = link.max_calls.filter(|most| calls > 0 && load.calls + calls > *most) {
            return Some(LinkFull::Calls { name, calls: load.calls, most });
        }
        let most = link.max_kbit.filter(|most| kbit > 0 && load.kbit + kbit > *most)?;
        Some(LinkFull::Bandwidth { name, kbit: load.kbit, wanted: kbit, most })
    }
}

#[cfg(test)]
pub(in crate::call) mod tests {
    pub(in crate::call) mod scenes;

    use super::*;
    use proptest::prelude::*;

    fn books(links: &[&str]) -> Links {
        Links::new(links.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn end(side: Side, at: &str, kbit: u32) -> End {
        End { side, at: at.parse().unwrap(), kbit }
    }

    fn load(books: &Links) -> (u32, u32) {
        let first = &books.loads()[0];
        (first.calls, first.kbit)
    }

    #[test]
    fn the_third_call_over_a_link_for_two_is_refused_until_one_ends() {
        let mut books = books(&["branch 10.2.0.0/16 calls=2"]);
        let there = end(Side::A, "10.2.7.1", 80);
        books.take(CallRef(1), there, false).unwrap();
        books.take(CallRef(2), there, false).unwrap();
        let full = books.take(CallRef(3), there, false).unwrap_err();
        assert_eq!(full.to_string(), "the link to branch is full: 2 of 2 calls");
        assert_eq!(books.take(CallRef(3), end(Side::A, "10.3.0.1", 80), false), Ok(()));
        books.release(CallRef(1));
        books.release(CallRef(1));
        books.take(CallRef(3), there, false).unwrap();
        assert_eq!((load(&books), books.loads()[0].refused), ((2, 160), 1));
    }

    #[test]
    fn bandwidth_is_counted_by_codec() {
        assert_eq!(
            (kbit(Codec::Pcma, false), kbit(Codec::G722, true), kbit(Codec::G726, false)),
            (80, 84, 48)
        );
        let mut books = books(&["branch 10.2.0.0/16 kbit=130"]);
        books.take(CallRef(1), end(Side::A, "10.2.0.1", 80), false).unwrap();
        let full = books.take(CallRef(2), end(Side::A, "10.2.0.2", 80), false).unwrap_err();
        assert_eq!(full.to_string(), "the link to branch is full: 80 of 130 kbit/s in use, 80 wanted");
        books.settle(CallRef(1), &[end(Side::A, "10.2.0.1", 48)]);
        books.take(CallRef(2), end(Side::A, "10.2.0.2", 80), false).unwrap();
        assert_eq!(load(&books), (2, 128));
    }

    #[test]
    fn a_call_with_both_ends_there_takes_the_link_twice_and_several_bells_take_it_once() {
        let mut books = books(&["branch 10.2.0.0/16 calls=2"]);
        books.take(CallRef(1), end(Side::A, "10.2.0.1", 80), false).unwrap();
        books.take(CallRef(1), end(Side::B, "10.2.0.2", 80), false).unwrap();
        books.take(CallRef(1), end(Side::B, "10.2.0.3", 84), false).unwrap();
        assert_eq!(load(&books), (2, 164));
        assert!(books.take(CallRef(2), end(Side::B, "10.2.0.3", 80), false).is_err());
        books.release(CallRef(1));
        assert_eq!((load(&books), books.held.len()), ((0, 0), 0));
    }

    #[test]
    fn a_call_for_help_and_one_that_talks_already_are_booked_and_not_refused() {
        let mut books = books(&["branch 10.2.0.0/16 calls=0"]);
        books.take(CallRef(1), end(Side::A, "10.2.0.1", 80), true).unwrap();
        books.settle(CallRef(2), &[end(Side::A, "10.2.0.1", 80), end(Side::B, "10.2.0.2", 80)]);
        assert_eq!(load(&books), (3, 240));
    }

    #[test]
    fn what_was_refused_on_one_of_two_links_took_nothing_of_the_other() {
        let mut books = books(&["region 10.0.0.0/8 calls=5", "branch 10.2.0.0/16 calls=0"]);
        assert!(books.take(CallRef(1), end(Side::A, "10.2.0.1", 80), false).is_err());
        assert_eq!(load(&books), (0, 0));
    }

    #[test]
    fn links_are_read_and_written_alike_and_errors_name_the_word() {
        let text = "branch 10.2.0.0/16 2001:db8::/32 192.0.2.7/32 calls=10 kbit=800";
        assert_eq!(text.parse::<Link>().unwrap().to_string(), text);
        let fault = |text: &str| text.parse::<Link>().unwrap_err();
        assert_eq!(fault("a b calls=1"), LinkFault::Word("b".into()));
        assert_eq!(fault("a 10.0.0.0/33 calls=1"), LinkFault::Word("10.0.0.0/33".into()));
        assert_eq!(fault("a 10.0.0.0/8 calls=many"), LinkFault::Word("calls=many".into()));
        assert_eq!((fault("a calls=1"), fault("a 10.0.0.0/8")), (LinkFault::Networks, LinkFault::Limits));
        assert_eq!(fault(""), LinkFault::Name);
        let v6: Network = "2001:db8::/32".parse().unwrap();
        assert!(v6.contains("2001:db8:1::1".parse().unwrap()) && !v6.contains("10.0.0.1".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("::ffff:10.0.0.1".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn whatever_happens_the_loads_are_what_is_held(
            acts in proptest::collection::vec((0_u64..4, 0_u8..4, 0_u8..4, prop_oneof![Just(48), Just(80)]), 0..60)
        ) {
            let mut books = books(&["a 10.0.0.0/30 calls=3", "b 10.0.0.2/31 kbit=200"]);
            for (call, act, host, kbit) in acts {
                let side = if act % 2 == 0 { Side::A } else { Side::B };
                let end = End { side, at: [10, 0, 0, host].into(), kbit };
                match act {
                    0 | 1 => _ = books.take(CallRef(call), end, false),
                    2 => books.settle(CallRef(call), &[end]),
                    _ => books.release(CallRef(call)),
                }
            }
            for (at, load) in books.loads.iter().enumerate() {
                let held = || books.held.values().flatten().filter(|((_, of), _)| *of == at);
                prop_assert_eq!(load.calls, held().count() as u32);
                prop_assert_eq!(load.kbit, held().map(|(_, kbit)| kbit).sum::<u32>());
            }
            (0..4).for_each(|call| books.release(CallRef(call)));
            prop_assert!(books.loads.iter().all(|load| (load.calls, load.kbit) == (0, 0)));
        }
    }
}

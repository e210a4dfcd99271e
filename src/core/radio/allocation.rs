//! Whether a base station has room for one more call.
//!
//! What a base station can carry is a budget: with limits `plain` and `srtp`, a plain channel takes one
//! `plain`-th of it and an encrypted one an `srtp`-th; any mixture fits while the sum is at most one. A call in
//! a long slot takes as many channels as its slot takes pairs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dect::base_link::session::Standing;

/// How many voice channels a pool carries when all are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Without SRTP.
    pub plain: u32,
    /// With SRTP.
    pub srtp: u32,
}

impl Limit {
    /// The same with and without SRTP.
    pub const fn flat(channels: u32) -> Self {
        Self { plain: channels, srtp: channels }
    }

    /// The limit for a channel of that kind.
    pub const fn of(self, srtp: bool) -> u32 {
        if srtp { self.srtp } else { self.plain }
    }
}

/// A native base station: 11 channels, 6 with SRTP.
pub const NATIVE: Limit = Limit { plain: 11, srtp: 6 };

/// Channels in use in one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Load {
    /// Channels without SRTP.
    pub plain: u32,
    /// Channels with SRTP.
    pub srtp: u32,
}

impl Load {
    /// Channels in use, of either kind.
    pub const fn channels(self) -> u32 {
        self.plain + self.srtp
    }

    /// The count of that kind.
    pub fn slot(&mut self, srtp: bool) -> &mut u32 {
        if srtp { &mut self.srtp } else { &mut self.plain }
    }

    /// Whether one more of that kind fits under `limit`.
    pub fn fits(self, limit: Limit, srtp: bool) -> bool {
        self.fits_more(1, limit, srtp)
    }

    /// Whether so many more of that kind fit under `limit`.
    pub fn fits_more(self, count: u32, limit: Limit, srtp: bool) -> bool {
        let mut more = self;
        *more.slot(srtp) += count;
        // A pool that carries none of a kind is full with the first of it.
        let possible = (more.plain == 0 || limit.plain > 0) && (more.srtp == 0 || limit.srtp > 0);
        let (plain, secure) = (u64::from(limit.plain.max(1)), u64::from(limit.srtp.max(1)));
        possible && u64::from(more.plain) * secure + u64::from(more.srtp) * plain <= plain * secure
    }
}

/// What a channel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A new call: leaves the reserve alone.
    New,
    /// A call that comes from another base station.
    Handover,
    /// A call for help.
    Emergency,
}

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// What for.
    pub purpose: Purpose,
    /// Whether its media are encrypted towards the base station.
    pub srtp: bool,
    /// Slot pairs: 1, or the base station's WIDEBAND_COST for a long slot.
    pub pairs: u8,
}

impl Want {
    /// A narrowband call without SRTP.
    pub const fn narrow(purpose: Purpose) -> Self {
        Self { purpose, srtp: false, pairs: 1 }
    }
}

/// What a base station has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Where its link stands.
    pub standing: Standing,
    /// Most channels.
    pub limit: Limit,
    /// Channels in use, by our own books.
    pub load: Load,
    /// Channels kept for handover.
    pub reserve: u32,
    /// Slot pairs that are free, as the base station last said.
    pub pairs_free: Option<u8>,
}

/// Why there is no channel.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Blocked {
    /// There is no link to it, or it is not set up.
    #[error("the base station is not in service")]
    OutOfService,
    /// It has lost its time.
    #[error("the base station is not synchronised")]
    NotSynced,
    /// It takes no more calls: maintenance, or it ends its calls for want of time.
    #[error("the base station takes no more calls")]
    Draining,
    /// All channels are in use.
    #[error("{in_use} of {limit} channels of the base station are in use")]
    Full {
        /// Channels in use.
        in_use: u32,
        /// Limit for the kind that was asked.
        limit: u32,
    },
    /// What is free is kept for handover.
    #[error("the last {reserve} channels of the base station are kept for handover")]
    Reserved {
        /// How many are kept.
        reserve: u32,
    },
    /// The air has too few free slot pairs.
    #[error("{free} slot pairs are free and {needed} are needed")]
    NoPairs {
        /// Free ones.
        free: u8,
        /// Needed ones.
        needed: u8,
    },
}

impl Blocked {
    /// Its name as a label of a counter.
    pub fn label(self) -> &'static str {
        match self {
            Self::OutOfService => "out_of_service",
            Self::NotSynced => "not_synced",
            Self::Draining => "draining",
            Self::Full { .. } => "full",
            Self::Reserved { .. } => "reserved",
            Self::NoPairs { .. } => "no_pairs",
        }
    }

    /// Whether another call's end would help.
    pub fn is_congestion(self) -> bool {
        matches!(self, Self::Full { .. } | Self::Reserved { .. } | Self::NoPairs { .. })
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Handover => "handover",
            Self::Emergency => "emergency",
        })
    }
}

impl Room {
    /// Whether there is a channel. "HO reserve is subtracted for new calls only".
    pub fn admits(&self, want: Want) -> Result<(), Blocked> {
        match self.standing {
            Standing::Operational | Standing::Busy => {}
            Standing::Syncing => return Err(Blocked::NotSynced),
            Standing::Draining => return Err(Blocked::Draining),
            _ => return Err(Blocked::OutOfService),
        }
        let Want { purpose, srtp, pairs: needed } = want;
        let channels = u32::from(needed);
        if !self.load.fits_more(channels, self.limit, srtp) {
            return Err(Blocked::Full { in_use: self.load.channels(), limit: self.limit.of(srtp) });
        }
        let reserve = self.reserve;
        if purpose == Purpose::New && !self.load.fits_more(channels + reserve, self.limit, srtp) {
            return Err(Blocked::Reserved { reserve });
        }
        match self.pairs_free {
            Some(free) if free < needed => Err(Blocked::NoPairs { free, needed }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(plain: u32, srtp: u32, reserve: u32) -> Room {
        let load = Load { plain, srtp };
        Room { standing: Standing::Operational, limit: NATIVE, load, reserve, pairs_free: None }
    }

    fn secure(purpose: Purpose) -> Want {
        Want { srtp: true, ..Want::narrow(purpose) }
    }

    #[test]
    fn the_twelfth_call_is_blocked_and_the_seventh_with_srtp() {
        let new = Want::narrow(Purpose::New);
        assert_eq!(room(10, 0, 0).admits(new), Ok(()));
        assert_eq!(room(11, 0, 0).admits(new), Err(Blocked::Full { in_use: 11, limit: 11 }));
        assert_eq!(room(0, 5, 0).admits(secure(Purpose::New)), Ok(()));
        let full = Err(Blocked::Full { in_use: 6, limit: 6 });
        assert_eq!(room(0, 6, 0).admits(secure(Purpose::New)), full);
        // Five plain ones and three encrypted ones are 21 of 22 halves.
        assert_eq!(room(5, 3, 0).admits(new), Err(Blocked::Full { in_use: 8, limit: 11 }));
    }

    #[test]
    fn the_reserve_is_for_handsets_that_come_over_and_for_help() {
        let blocked = Err(Blocked::Reserved { reserve: 2 });
        assert_eq!(room(8, 0, 2).admits(Want::narrow(Purpose::New)), Ok(()));
        assert_eq!(room(9, 0, 2).admits(Want::narrow(Purpose::New)), blocked);
        for purpose in [Purpose::Handover, Purpose::Emergency] {
            assert_eq!(room(10, 0, 2).admits(Want::narrow(purpose)), Ok(()));
            assert!(matches!(room(11, 0, 2).admits(Want::narrow(purpose)), Err(Blocked::Full { .. })));
        }
        assert_eq!(room(0, 4, 2).admits(secure(Purpose::New)), blocked);
        assert_eq!(room(0, 5, 2).admits(secure(Purpose::Handover)), Ok(()));
    }

    #[test]
    fn a_base_station_that_is_not_well_takes_nobody() {
        for (standing, blocked) in [
            (Standing::Syncing, Blocked::NotSynced),
            (Standing::Draining, Blocked::Draining),
            (Standing::Suspect, Blocked::OutOfService),
            (Standing::Down, Blocked::OutOfService),
            (Standing::RadioOff, Blocked::OutOfService),
        ] {
            let room = Room { standing, ..room(0, 0, 0) };
            assert_eq!(room.admits(Want::narrow(Purpose::Emergency)), Err(blocked));
            assert!(!blocked.is_congestion());
        }
        let busy = Room { standing: Standing::Busy, ..room(0, 0, 0) };
        assert_eq!(busy.admits(Want::narrow(Purpose::New)), Ok(()), "our own books decide");
    }

    #[test]
    fn a_base_station_carries_five_wide_calls_and_a_narrow_one() {
        let wide = Want { pairs: 2, ..Want::narrow(Purpose::New) };
        assert_eq!(room(8, 0, 0).admits(wide), Ok(()), "the fifth");
        assert_eq!(room(10, 0, 0).admits(wide), Err(Blocked::Full { in_use: 10, limit: 11 }));
        assert_eq!(room(10, 0, 0).admits(Want::narrow(Purpose::New)), Ok(()));
        assert_eq!(room(8, 0, 2).admits(wide), Err(Blocked::Reserved { reserve: 2 }));
        let comes = Want { purpose: Purpose::Handover, ..wide };
        assert_eq!(room(8, 0, 2).admits(comes), Ok(()), "the reserve is for those who come over");
    }

    #[test]
    fn a_wide_call_needs_two_pairs_on_the_air() {
        let room = Room { pairs_free: Some(1), ..room(3, 0, 0) };
        let wide = Want { pairs: 2, ..Want::narrow(Purpose::New) };
        assert_eq!(room.admits(wide), Err(Blocked::NoPairs { free: 1, needed: 2 }));
        assert_eq!(room.admits(Want::narrow(Purpose::New)), Ok(()));
    }
}

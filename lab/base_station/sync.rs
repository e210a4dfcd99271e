//! How a base keeps time with the others.
//!
//! ```text
//! Searching ──source heard──► Locked ──not heard for a while──► FreeRunning ──too long──► Lost, or
//!     ▲                         ▲ └──an alternative heard──► Assisted          Searching without a call
//!     └─────────────────────────┴── source heard again ◄──────────┘
//! ```

use std::time::Duration;

use tokio::time::Instant;

use crate::dect::obl::number::sync as state;
use crate::radio::{Clock, HeardBase};

/// A source weaker than this cannot be followed, dBm.
const WEAKEST: f64 = -80.0;

/// How long a base goes on without its source.
#[derive(Debug, Clone, Copy)]
pub struct SyncTimes {
    /// Then it says that it runs free.
    pub free_running: Duration,
    /// Then it gives up.
    pub lost: Duration,
}

impl Default for SyncTimes {
    /// As makers do: ten seconds, two minutes.
    fn default() -> Self {
        Self { free_running: Duration::from_secs(10), lost: Duration::from_secs(120) }
    }
}

/// The machine.
#[derive(Debug)]
pub(super) struct Sync {
    times: SyncTimes,
    /// One of [`state`].
    pub state: u8,
    /// The radio that is followed.
    pub source: Option<u8>,
    /// How loud it is, how far off we are, steps to the root.
    pub followed: Option<(i8, i32, u8)>,
    /// 1 air, 2 wire, 3 none.
    mode: u8,
    is_master: bool,
    sources: Vec<u8>,
    alternatives: Vec<u8>,
    heard_at: Option<Instant>,
}

impl Sync {
    pub(super) const fn new(times: SyncTimes) -> Self {
        Self {
            times,
            state: state::OFF,
            source: None,
            followed: None,
            mode: 1,
            is_master: false,
            sources: Vec::new(),
            alternatives: Vec::new(),
            heard_at: None,
        }
    }

    /// What the switch planned.
    pub(super) fn configure(&mut self, mode: u8, is_master: bool, sources: Vec<u8>, alternatives: Vec<u8>) {
        (self.mode, self.is_master) = (mode, is_master);
        (self.sources, self.alternatives) = (sources, alternatives);
    }

    /// The radio goes on, or off.
    pub(super) fn start(&mut self, on: bool) {
        self.state = if on { state::SEARCHING } else { state::OFF };
        (self.source, self.followed, self.heard_at) = (None, None, None);
    }

    /// Whether the radio may be on the air: frames that stand anywhere would disturb the others.
    pub(super) const fn is_good(&self) -> bool {
        matches!(self.state, state::LOCKED | state::FREE_RUNNING | state::ASSISTED | state::MASTER)
    }

    /// Whether it transmits: where time is lost in a call, for its bearers only, until the last one is gone.
    pub(super) const fn is_on_air(&self) -> bool {
        self.is_good() || self.state == state::LOST
    }

    /// Steps to the root of the tree.
    pub(super) const fn hops(&self) -> Option<u8> {
        match (self.state, self.followed) {
            (state::MASTER, _) => Some(0),
            (state::OFF | state::SEARCHING | state::LOST, _) => None,
            (_, Some((_, _, hops))) => Some(hops),
            (_, None) => None,
        }
    }

    /// Looks around. True when the state or the source is another now.
    pub(super) fn look(
        &mut self,
        now: Instant,
        passed: Duration,
        heard: &[HeardBase],
        clock: &mut Clock,
        in_call: bool,
    ) -> bool {
        let before = (self.state, self.source);
        if self.state == state::OFF {
            return false;
        }
        if self.is_master || self.mode != 1 {
            // Timed by wire, every base is as good as the master.
            clock.run(passed, None);
            (self.state, self.source, self.followed) = (state::MASTER, None, None);
            if self.mode == 2 && !self.is_master {
                self.state = state::LOCKED;
                self.followed = Some((0, 0, 1));
            }
            return before != (self.state, self.source);
        }
        match self.best(heard) {
            Some((base, is_alternative)) => {
                let theirs = base.broadcast.clock;
                clock.run(passed, Some(theirs));
                let hops = base.broadcast.hops.unwrap_or(0).saturating_add(1);
                self.followed = Some((base.level as i8, clock.after(&theirs), hops));
                self.source = Some(base.broadcast.rfpi.rpn());
                self.state = if is_alternative { state::ASSISTED } else { state::LOCKED };
                self.heard_at = Some(now);
            }
            None => {
                clock.run(passed, None);
                self.miss(now, in_call);
            }
        }
        before != (self.state, self.source)
    }

    fn best<'a>(&self, heard: &'a [HeardBase]) -> Option<(&'a HeardBase, bool)> {
        let usable = |base: &&HeardBase| base.level >= WEAKEST && base.broadcast.hops.is_some();
        let find = |rpn: &u8| heard.iter().filter(usable).find(|base| base.broadcast.rfpi.rpn() == *rpn);
        let source = self.sources.iter().find_map(find).map(|base| (base, false));
        source.or_else(|| self.alternatives.iter().find_map(find).map(|base| (base, true)))
    }

    fn miss(&mut self, now: Instant, in_call: bool) {
        let Some(heard_at) = self.heard_at else {
            // It was to be master, and is not any more.
            self.state = state::SEARCHING;
            return;
        };
        let silent = now.saturating_duration_since(heard_at);
        if silent >= self.times.lost {
            self.state = if in_call { state::LOST } else { state::SEARCHING };
            (self.source, self.followed) = (None, None);
        } else if silent >= self.times.free_running {
            self.state = state::FREE_RUNNING;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::dect::identity::Rfpi;
    use crate::radio::{Broadcast, Place, Radio};

    fn world(rpns: &[u8]) -> (Radio, Vec<std::sync::Arc<crate::radio::Beacon>>) {
        let radio = Radio::default();
        let beacons = rpns.iter().map(|rpn| {
            let (up, _) = mpsc::channel(1);
            let beacon = radio.put_up(Place::new(f64::from(*rpn) * 10.0, 0.0), up);
            let rfpi = Rfpi([0x10, 0x2A, 0xF1, 0x2C, *rpn]);
            let clock = Clock::new(0.0);
            beacon.send(Some(Broadcast { rfpi, hlc: 0, busy: 0, hops: Some(0), clock }));
            beacon
        });
        let beacons = beacons.collect();
        (radio, beacons)
    }

    #[test]
    fn a_slave_follows_its_source_and_the_alternative_when_that_is_gone() {
        let (radio, beacons) = world(&[1, 2]);
        let mut sync = Sync::new(SyncTimes::default());
        sync.configure(1, false, vec![1], vec![2]);
        sync.start(true);
        let (mut clock, mut now) = (Clock::new(3.0), Instant::now());
        let mut look = |sync: &mut Sync, in_call| {
            now += Duration::from_secs(1);
            let heard = radio.heard(Place::default());
            sync.look(now, Duration::from_secs(1), &heard, &mut clock, in_call);
            sync.state
        };
        assert_eq!(look(&mut sync, false), state::LOCKED);
        assert_eq!((sync.source, sync.hops()), (Some(1), Some(1)));
        beacons[0].send(None);
        assert_eq!(look(&mut sync, false), state::ASSISTED);
        beacons[1].send(None);
        let states: Vec<_> = (0..130).map(|_| look(&mut sync, true)).collect();
        assert_eq!((states[5], states[20], states[125]), (state::ASSISTED, state::FREE_RUNNING, state::LOST));
        assert!(!sync.is_good() && sync.is_on_air() && sync.hops().is_none());
        assert_eq!(look(&mut sync, false), state::SEARCHING);
        assert!(!sync.is_on_air());
    }

    #[test]
    fn a_master_and_a_lone_base_need_nobody() {
        for (mode, is_master) in [(1, true), (3, false)] {
            let mut sync = Sync::new(SyncTimes::default());
            sync.configure(mode, is_master, vec![], vec![]);
            sync.start(true);
            let mut clock = Clock::new(1.0);
            assert!(sync.look(Instant::now(), Duration::from_secs(1), &[], &mut clock, false));
            assert_eq!((sync.state, sync.hops()), (state::MASTER, Some(0)));
        }
    }
}

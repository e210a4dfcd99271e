//! What an administrator sees of one base station (pages, channels, handovers, losses).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::allocation::{Blocked, Purpose};
use crate::timer::Moment;

/// Most channels that the occupation counts: twelve pairs.
const MOST_CHANNELS: usize = 12;

/// Handovers in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Handovers {
    /// Begun.
    pub tried: u64,
    /// Done.
    pub done: u64,
    /// Not done: no channel, or the handset did not come.
    pub failed: u64,
    /// Done, and too slow: more than 150 ms.
    pub slow: u64,
}

/// What came of a handover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done within the budget.
    Done,
    /// Done, beyond the budget.
    Slow,
    /// Not done.
    Failed,
}

impl Handovers {
    /// One has begun.
    pub fn begin(&mut self) {
        self.tried += 1;
    }

    /// One has ended.
    pub fn end(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Done => self.done += 1,
            Outcome::Slow => (self.done, self.slow) = (self.done + 1, self.slow + 1),
            Outcome::Failed => self.failed += 1,
        }
    }
}

/// Counters of one base station since the switch started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Pages sent.
    pub pages: u64,
    /// Pages that no handset answered.
    pub pages_unanswered: u64,
    /// Calls blocked, by purpose and reason.
    pub blocked: BTreeMap<Purpose, BTreeMap<&'static str, u64>>,
    /// Calls that ended because something broke.
    pub abnormal: u64,
    /// Connections the radio lost.
    pub lost: u64,
    /// Connections at all.
    pub connections: u64,
    /// Handsets that came over.
    pub handovers_in: Handovers,
    /// Handsets that went elsewhere.
    pub handovers_out: Handovers,
    /// Frames of ended connections, good and bad.
    pub frames: (u64, u64),
    /// Times that synchronisation was lost.
    pub sync_lost: u64,
    /// Most channels in use at once.
    pub channels_max: u32,
    /// Seconds with n channels in use, n from 0 to 12.
    pub occupied_s: [u64; MOST_CHANNELS + 1],
    /// Signal of handsets when they connect, dBm: weakest, mean, strongest.
    pub rssi: Option<Rssi>,
    #[serde(skip)]
    channels: u32,
    #[serde(skip)]
    since: Moment,
    /// Microseconds of each occupation; [`Statistics::occupied_s`] is shown of it.
    #[serde(skip)]
    occupied: [u64; MOST_CHANNELS + 1],
    #[serde(skip)]
    rssi_sum: (i64, i64),
}

/// Signal strengths, dBm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rssi {
    /// Weakest.
    pub min: i8,
    /// Mean.
    pub mean: i8,
    /// Strongest.
    pub max: i8,
}

impl Statistics {
    /// Nothing counted yet.
    pub fn new(now: Moment) -> Self {
        Self {
            pages: 0,
            pages_unanswered: 0,
            blocked: BTreeMap::new(),
            abnormal: 0,
            lost: 0,
            connections: 0,
            handovers_in: Handovers::default(),
            handovers_out: Handovers::default(),
            frames: (0, 0),
            sync_lost: 0,
            channels_max: 0,
            occupied_s: [0; MOST_CHANNELS + 1],
            rssi: None,
            channels: 0,
            since: now,
            occupied: [0; MOST_CHANNELS + 1],
            rssi_sum: (0, 0),
        }
    }

    /// A call was blocked.
    pub fn block(&mut self, purpose: Purpose, blocked: Blocked) {
        *self.blocked.entry(purpose).or_default().entry(blocked.label()).or_default() += 1;
    }

    /// Calls blocked for that purpose.
    pub fn blocked_for(&self, purpose: Purpose) -> u64 {
        self.blocked.get(&purpose).map_or(0, |reasons| reasons.values().sum())
    }

    /// A handset has connected, this loud.
    pub fn connect(&mut self, rssi: Option<i8>) {
        self.connections += 1;
        let Some(rssi) = rssi else { return };
        self.rssi_sum = (self.rssi_sum.0 + i64::from(rssi), self.rssi_sum.1 + 1);
        let mean = (self.rssi_sum.0 / self.rssi_sum.1) as i8;
        let (min, max) = self.rssi.map_or((rssi, rssi), |old| (old.min.min(rssi), old.max.max(rssi)));
        self.rssi = Some(Rssi { min, mean, max });
    }

    /// So many channels are in use from now on; also called before it is shown.
    pub fn occupy(&mut self, channels: u32, now: Moment) {
        let place = (self.channels as usize).min(MOST_CHANNELS);
        self.occupied[place] += now.since(self.since).as_micros() as u64;
        self.occupied_s[place] = self.occupied[place] / 1_000_000;
        (self.channels, self.since) = (channels, now);
        self.channels_max = self.channels_max.max(channels);
    }

    /// What is shown at that moment.
    pub fn shown(&self, now: Moment) -> Self {
        let mut shown = self.clone();
        shown.occupy(self.channels, now);
        shown
    }

    /// How long at least `channels` were in use.
    pub fn busy_at(&self, channels: usize) -> Duration {
        Duration::from_micros(self.occupied.iter().skip(channels).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn occupation_is_time_by_channels() {
        let mut statistics = Statistics::new(at(0));
        statistics.occupy(1, at(10));
        statistics.occupy(2, at(13));
        statistics.occupy(1, at(14));
        let shown = statistics.shown(at(20));
        assert_eq!(shown.occupied_s[..4], [10, 9, 1, 0]);
        assert_eq!((shown.channels_max, shown.busy_at(1)), (2, Duration::from_secs(10)));
        assert_eq!(statistics.occupied_s[1], 3, "looking changes nothing");
        statistics.occupy(40, at(20));
        statistics.occupy(0, at(21));
        assert_eq!(statistics.occupied_s[12], 1);
    }

    #[test]
    fn blocked_calls_are_counted_by_purpose_and_reason() {
        let mut statistics = Statistics::new(at(0));
        statistics.block(Purpose::New, Blocked::Full { in_use: 11, limit: 11 });
        statistics.block(Purpose::New, Blocked::NotSynced);
        statistics.block(Purpose::Handover, Blocked::NotSynced);
        assert_eq!(statistics.blocked_for(Purpose::New), 2);
        assert_eq!(statistics.blocked[&Purpose::Handover]["not_synced"], 1);
        assert_eq!(statistics.blocked_for(Purpose::Emergency), 0);
    }

    #[test]
    fn signals_and_handovers_are_summed_up() {
        let mut statistics = Statistics::new(at(0));
        [Some(-80), None, Some(-60), Some(-70)].into_iter().for_each(|rssi| statistics.connect(rssi));
        assert_eq!(statistics.connections, 4);
        assert_eq!(statistics.rssi, Some(Rssi { min: -80, mean: -70, max: -60 }));
        for outcome in [Outcome::Done, Outcome::Slow, Outcome::Failed] {
            statistics.handovers_in.begin();
            statistics.handovers_in.end(outcome);
        }
        let expected = Handovers { tried: 3, done: 2, failed: 1, slow: 1 };
        assert_eq!(statistics.handovers_in, expected);
    }
}

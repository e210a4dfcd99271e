//! Busy bits: a base station without room tells handsets to look elsewhere.

use std::time::Duration;

use super::allocation::{Purpose, Room, Want};
use crate::dect::base_link::word::busy;
use crate::timer::Moment;

/// How long there has to be room before handsets are called back: a bit that flickers sends them to and
/// fro.
pub const RECOVERY: Duration = Duration::from_secs(2);

/// The busy bits of one base station.
#[derive(Debug, Default)]
pub struct Congestion {
    said: u8,
    /// Since when fewer bits would do.
    better_since: Option<Moment>,
    /// Busy time so far, and since when it is busy now.
    busy: (Duration, Option<Moment>),
    times: u64,
}

impl Congestion {
    /// The room has changed, or the deadline has come. The bits to say, when they are others now.
    pub fn look(&mut self, room: &Room, now: Moment) -> Option<u8> {
        let blocked = room.admits(Want::narrow(Purpose::New)).is_err_and(|blocked| blocked.is_congestion());
        let bit = |is_so: bool, bit| if is_so { bit } else { 0 };
        // Without a pair nobody can even tell where it is; without a channel it can.
        let wanted = bit(blocked, busy::SPEECH) | bit(room.pairs_free == Some(0), busy::SYSTEM);
        // Worse is told at once, better after a while.
        if wanted & !self.said != 0 {
            self.better_since = None;
            return self.say(self.said | wanted, now);
        }
        if wanted == self.said {
            self.better_since = None;
            return None;
        }
        let since = *self.better_since.get_or_insert(now);
        if now.since(since) < RECOVERY {
            return None;
        }
        self.better_since = None;
        self.say(wanted, now)
    }

    fn say(&mut self, bits: u8, now: Moment) -> Option<u8> {
        match (self.said != 0, bits != 0) {
            (false, true) => {
                self.times += 1;
                self.busy.1 = Some(now);
            }
            (true, false) => self.busy = (self.busy_time(now), None),
            _ => {}
        }
        self.said = bits;
        Some(bits)
    }

    /// When [`Congestion::look`] wants to be asked again.
    pub fn deadline(&self) -> Option<Moment> {
        self.better_since.map(|since| since + RECOVERY)
    }

    /// The bits that were said last.
    pub fn bits(&self) -> u8 {
        self.said
    }

    /// How long it has been busy.
    pub fn busy_time(&self, now: Moment) -> Duration {
        self.busy.0 + self.busy.1.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// How often it became busy.
    pub fn times(&self) -> u64 {
        self.times
    }
}

#[cfg(test)]
mod tests {
    use super::super::allocation::{Load, NATIVE};
    use super::*;
    use crate::dect::base_link::session::Standing;

    fn room(plain: u32) -> Room {
        let load = Load { plain, srtp: 0 };
        Room { standing: Standing::Operational, limit: NATIVE, load, reserve: 1, pairs_free: None }
    }

    fn at(millis: u64) -> Moment {
        Moment::from_micros(1_000_000_000 + millis * 1000)
    }

    #[test]
    fn worse_is_told_at_once_and_better_once_it_lasts() {
        let mut congestion = Congestion::default();
        assert_eq!(congestion.look(&room(9), at(0)), None);
        assert_eq!(congestion.look(&room(10), at(0)), Some(busy::SPEECH));
        let full = Room { pairs_free: Some(0), ..room(11) };
        assert_eq!(congestion.look(&full, at(100)), Some(busy::SPEECH | busy::SYSTEM));
        assert_eq!(congestion.look(&room(9), at(200)), None);
        assert_eq!(congestion.deadline(), Some(at(2200)));
        assert_eq!(congestion.look(&full, at(1000)), None, "it was not to last");
        assert_eq!(congestion.look(&room(9), at(2000)), None);
        assert_eq!(congestion.look(&room(9), at(4000)), Some(0));
        assert_eq!((congestion.times(), congestion.busy_time(at(9000))), (1, Duration::from_secs(4)));
    }

    #[test]
    fn a_base_station_without_time_is_not_congested() {
        let room = Room { standing: Standing::Syncing, ..room(11) };
        assert_eq!(Congestion::default().look(&room, at(0)), None);
    }
}

//! What a base counts for STATS, by the ids of the link.

use std::time::Duration;

/// Counters of a base.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    seconds: Duration,
    most_bearers: u64,
    busy: Duration,
    busy_times: u64,
    was_busy: bool,
    /// Seconds with 1 to 3, 4 to 6, 7 to 9, 10 and more bearers.
    buckets: [Duration; 4],
    free: [Duration; 13],
    pub lost: u64,
    pub good: u64,
    pub bad: u64,
    pub pages: u64,
    pub handovers_in: u64,
    pub handovers_out: u64,
    pub handovers_failed: u64,
}

impl Statistics {
    /// Time passes with so many bearers of so many.
    pub(super) fn pass(&mut self, time: Duration, bearers: usize, pairs: usize, busy: bool) {
        self.seconds += time;
        self.most_bearers = self.most_bearers.max(bearers as u64);
        if busy {
            self.busy += time;
            self.busy_times += u64::from(!self.was_busy);
        }
        self.was_busy = busy;
        if bearers > 0 {
            self.buckets[((bearers - 1) / 3).min(3)] += time;
        }
        self.free[pairs.saturating_sub(bearers).min(12)] += time;
    }

    /// Id and value.
    pub(super) fn counters(&self) -> Vec<(u16, u64)> {
        let mut counters = vec![
            (1, self.seconds.as_secs()),
            (2, self.most_bearers),
            (3, self.busy.as_secs()),
            (4, self.busy_times),
        ];
        counters.extend((5..).zip(self.buckets.map(|bucket| bucket.as_secs())));
        counters.extend([
            (9, self.lost),
            (11, self.good),
            (12, self.bad),
            (14, self.pages),
            (16, self.handovers_in),
            (17, self.handovers_out),
            (18, self.handovers_failed),
        ]);
        counters.extend((64..).zip(self.free.map(|time| time.as_secs())));
        counters
    }
}

/// COUNTERS as a field.
pub(super) fn field(counters: &[(u16, u64)]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(counters.len() * 10);
    for (id, value) in counters {
        octets.extend_from_slice(&id.to_be_bytes());
        octets.extend_from_slice(&value.to_be_bytes());
    }
    octets
}

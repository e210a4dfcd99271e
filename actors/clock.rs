//! The one place where the switch reads clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use kirkwall_core::timer::Moment;

/// Gives the present [`Moment`]. The wall clock is read once; from then on the monotonic clock counts,
/// so moments never run backwards while this process lives.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    epoch: Moment,
}

impl Clock {
    /// Reads the wall clock.
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), epoch: Moment::from_micros(since.as_micros() as u64) }
    }

    /// Now.
    pub fn now(&self) -> Moment {
        self.epoch + self.started.elapsed()
    }

    /// When this clock was started.
    pub fn epoch(&self) -> Moment {
        self.epoch
    }
}

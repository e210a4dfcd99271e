//! A base's frame clock: it drifts alone, and follows its source while locked.

use std::time::Duration;

/// Where a base's frames stand against the true time, and how fast they run away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// Parts per million; EN 300 175-2 allows 10 for a radio and 5 for a base.
    pub drift_ppm: f64,
    offset_ns: f64,
}

impl Clock {
    /// A clock that starts right and runs away at this rate.
    pub const fn new(drift_ppm: f64) -> Self {
        Self { drift_ppm, offset_ns: 0.0 }
    }

    /// Time passes; with a source the clock is pulled half the way to it, each time it looks.
    pub fn run(&mut self, time: Duration, source: Option<Self>) {
        self.offset_ns += self.drift_ppm * 1_000.0 * time.as_secs_f64();
        if let Some(source) = source {
            self.offset_ns -= (self.offset_ns - source.offset_ns) / 2.0;
        }
    }

    /// Nanoseconds by which it stands after another.
    pub fn after(&self, other: &Self) -> i32 {
        (self.offset_ns - other.offset_ns).clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_runs_away_alone_and_stays_near_its_source() {
        let (mut master, mut alone, mut slave) = (Clock::new(1.0), Clock::new(-3.0), Clock::new(5.0));
        for _ in 0..60 {
            master.run(Duration::from_secs(1), None);
            alone.run(Duration::from_secs(1), None);
            slave.run(Duration::from_secs(1), Some(master));
        }
        assert_eq!(alone.after(&master), -240_000);
        assert!(slave.after(&master).abs() < 5_000, "{}", slave.after(&master));
    }
}

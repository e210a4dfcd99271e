//! A bucket of permits that fills with time.

use std::time::Duration;

use crate::timer::Moment;

/// `burst` permits at once, and then one each `every`.
#[derive(Debug)]
pub(super) struct Bucket {
    every: Duration,
    burst: u32,
    /// When the bucket will be full again, if nothing more is taken.
    full_at: Moment,
}

impl Bucket {
    pub(super) fn new(burst: u32, every: Duration) -> Self {
        Self { every, burst, full_at: Moment::default() }
    }

    /// Takes a permit; false when there is none.
    pub(super) fn take(&mut self, now: Moment) -> bool {
        let full_at = self.full_at.max(now) + self.every;
        let fits = full_at.since(now) <= self.every * self.burst;
        if fits {
            self.full_at = full_at;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_what_the_rate_allows() {
        let (mut bucket, start) = (Bucket::new(3, Duration::from_secs(1)), Moment::from_micros(5_000_000));
        assert_eq!([(); 4].map(|()| bucket.take(start)), [true, true, true, false]);
        let later = start + Duration::from_secs(1);
        assert_eq!([(); 2].map(|()| bucket.take(later)), [true, false]);
        let much_later = start + Duration::from_secs(60);
        assert_eq!([(); 4].map(|()| bucket.take(much_later)), [true, true, true, false]);
    }
}

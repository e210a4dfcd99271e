//! What came of a base station's calls since the switch started, in words.

use askama::Template;
use kirkwall_core::radio::statistics::{Handovers, Statistics};

/// Counters of one base station. What changes every second (how long how many channels were in use) is by REST
/// alone: the page would change, and be read out, every second.
#[derive(Template)]
#[template(path = "rows/base_statistics.html")]
pub struct BaseStatistics<'a> {
    id: String,
    of: &'a Statistics,
    /// Purpose, how many, and how many of them by reason.
    blocked: Vec<(String, u64, String)>,
}

impl<'a> BaseStatistics<'a> {
    /// Of that base station.
    pub fn of(id: String, of: &'a Statistics) -> Self {
        let blocked = of.blocked.iter().map(|(purpose, reasons)| {
            let words = reasons.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " ")));
            (purpose.to_string(), of.blocked_for(*purpose), words.collect::<Vec<_>>().join(", "))
        });
        Self { id, of, blocked: blocked.collect() }
    }

    /// Bad frames of a thousand.
    fn bad_frames(&self) -> Option<u64> {
        let (good, bad) = self.of.frames;
        (bad * 1_000).checked_div(good + bad)
    }

    /// Both ways, with what each is called.
    fn ways(&self) -> [(&'static str, &Handovers); 2] {
        [("Handovers in", &self.of.handovers_in), ("Handovers out", &self.of.handovers_out)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kirkwall_core::radio::allocation::{Blocked, Purpose};
    use kirkwall_core::radio::statistics::Outcome;
    use kirkwall_core::timer::Moment;

    #[test]
    fn blocked_calls_slow_handovers_and_signals_are_told() {
        let mut statistics = Statistics::new(Moment::from_micros(0));
        statistics.block(Purpose::New, Blocked::Full { in_use: 11, limit: 11 });
        statistics.block(Purpose::Handover, Blocked::NotSynced);
        [Some(-71), Some(-55)].into_iter().for_each(|rssi| statistics.connect(rssi));
        statistics.abnormal = 4;
        statistics.frames = (997, 3);
        statistics.handovers_in.begin();
        statistics.handovers_in.end(Outcome::Slow);
        let page = BaseStatistics::of("b".into(), &statistics).render().unwrap();
        let told = [
            "1 for new calls",
            "1 full",
            "1 for handover",
            "1 not synced",
            "-71 to -55 dBm, -63 dBm in the mean",
            "1 took more than 150 ms",
            "3 of 1000",
        ];
        told.into_iter().for_each(|words| assert!(page.contains(words), "{words}: {page}"));
        assert!(page.contains("<dt>Calls that broke</dt><dd><span class=\"state warn\">4</span>"), "{page}");
    }

    #[test]
    fn nothing_counted_is_told_as_nothing() {
        let page = BaseStatistics::of("b".into(), &Statistics::new(Moment::from_micros(0))).render().unwrap();
        assert!(page.contains("<dt>Calls without a channel</dt><dd>none</dd>"), "{page}");
    }
}

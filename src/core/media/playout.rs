//! The playout buffer of one party of a conference: packets come when they come, frames go every 20 ms.
//!
//! ```text
//!        head                     tail
//!  ──────┼── depth: samples held ──┼──────►  RTP timestamp
//!        └─ take: 20 ms            └─ put: a packet
//! ```
//!
//! * *Jitter*: nothing is played until [`Playout::target`] has gathered. When it runs dry although the
//!   source goes on, the target grows by 20 ms, up to [`MOST`].
//! * *Loss*: a hole is filled with the frame before it, fading; after 60 ms with silence.
//! * *Silence*: a source that stops (RFC 3389, RFC 3551 §4.1) is silence, and its next words are timed anew.
//! * *Drift*: when a source's clock is fast, or a jam has passed, the buffer never gets low; then 10 ms are
//!   taken out, blended over. A slow one runs dry for 20 ms now and then.
//!
//! Memory is taken once. Late, double and impossible packets change nothing that is heard.

use std::ops::Range;

use super::mix::{FRAME, Frame};

/// Samples of each band that are held: half a second.
const ROOM: usize = 4_096;
/// Samples gathered at first: 40 ms.
const LEAST: u32 = 320;
/// And at most: 200 ms.
pub const MOST: u32 = 1_600;
/// One step of the target: 20 ms.
const STEP: u32 = FRAME as u32;
/// Frames over which the lowest depth is watched: two seconds.
const WINDOW: u32 = 100;
/// What the buffer may keep beyond the frame that comes next: 20 ms.
const SPARE: u32 = FRAME as u32;
/// Samples taken out at once: 10 ms.
const CUT: usize = 80;
/// Frames of a hole that are filled: 60 ms.
const FILLED: u8 = 3;
/// Windows without trouble after which the target shrinks: 20 seconds.
const CALM: u32 = 10;

/// See the module.
pub struct Playout {
    low: [i16; ROOM],
    high: [i16; ROOM],
    /// Whether a sample has come.
    there: [bool; ROOM],
    /// Timestamp of the sample to be played next, and of the one behind the newest.
    head: u32,
    tail: u32,
    /// A source is followed.
    begun: bool,
    playing: bool,
    target: u32,
    /// The least depth in this window, and how many frames of it are over.
    least: u32,
    watched: u32,
    calm: u32,
    last: Frame,
    /// Frames filled in a row.
    filled: u8,
}

impl Default for Playout {
    fn default() -> Self {
        Self {
            low: [0; ROOM],
            high: [0; ROOM],
            there: [false; ROOM],
            head: 0,
            tail: 0,
            begun: false,
            playing: false,
            target: LEAST,
            least: u32::MAX,
            watched: 0,
            calm: 0,
            last: Frame::SILENCE,
            filled: FILLED,
        }
    }
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It will be heard.
    Held,
    /// Its time was over.
    Late,
}

impl Playout {
    /// Takes the samples of a packet; `high` is as long as `low`, or empty.
    pub fn put(&mut self, timestamp: u32, low: &[i16], high: &[i16]) -> Put {
        let length = low.len().min(ROOM / 2) as u32;
        self.follow(timestamp, length);
        // How much of it is behind the head already.
        let behind = self.head.wrapping_sub(timestamp);
        let skip = if behind < ROOM as u32 { behind } else { 0 };
        if skip >= length {
            return Put::Late;
        }
        for n in skip..length {
            let at = place(timestamp.wrapping_add(n));
            self.low[at] = low[n as usize];
            self.high[at] = high.get(n as usize).copied().unwrap_or(0);
            self.there[at] = true;
        }
        let end = timestamp.wrapping_add(length);
        if ahead(end, self.tail) {
            self.tail = end;
        }
        Put::Held
    }

    /// The next 20 ms; whether there was anything.
    pub fn take(&mut self, frame: &mut Frame) -> bool {
        if !self.playing && self.begun && self.depth() >= self.target {
            (self.playing, self.least, self.watched) = (true, u32::MAX, 0);
        }
        if self.playing && self.depth() == 0 {
            self.playing = false;
        }
        if !self.playing {
            return self.fill(frame);
        }
        self.watch();
        let cut = self.is_too_deep();
        let heard = self.read(frame);
        if cut {
            self.blend(frame);
        }
        match heard {
            true => (self.last, self.filled) = (*frame, 0),
            false => _ = self.fill(frame),
        }
        heard
    }

    /// Samples held.
    pub fn depth(&self) -> u32 {
        self.tail.wrapping_sub(self.head)
    }

    /// Samples that are gathered before anything is played.
    pub fn target(&self) -> u32 {
        self.target
    }

    /// Begins where the source is, when nothing is held or it has jumped.
    fn follow(&mut self, timestamp: u32, length: u32) {
        let end = timestamp.wrapping_add(length);
        let (behind, beyond) = (self.head.wrapping_sub(end), end.wrapping_sub(self.head));
        let jumped = beyond > ROOM as u32 && behind > ROOM as u32;
        if !self.begun || jumped {
            self.there.fill(false);
            (self.head, self.tail, self.begun, self.playing) = (timestamp, timestamp, true, false);
        } else if !self.playing && self.depth() == 0 && ahead(timestamp, self.head) {
            // It was silent for a while, or packets are lost: its next words are timed anew.
            self.head = timestamp;
            self.tail = timestamp;
        } else if !self.playing && self.depth() == 0 && timestamp == self.head {
            // It had nothing to be silent about: the network was late.
            self.target = (self.target + STEP).min(MOST);
            self.calm = 0;
        }
    }

    /// The lowest depth of each window tells what is held for nothing.
    fn watch(&mut self) {
        self.least = self.least.min(self.depth());
        self.watched += 1;
        if self.watched > WINDOW {
            self.calm += 1;
            if self.calm >= CALM && self.target > LEAST {
                (self.target, self.calm) = (self.target - STEP, 0);
            }
            (self.least, self.watched) = (u32::MAX, 0);
        }
    }

    /// Whether 10 ms may go: at the end of a window in which more was always there than is needed.
    fn is_too_deep(&self) -> bool {
        let wanted = STEP + SPARE + (self.target - LEAST) + CUT as u32;
        self.watched == WINDOW && self.least >= wanted && self.depth() >= (FRAME + CUT) as u32
    }

    /// Reads a frame from the head; whether anything of it had come.
    fn read(&mut self, frame: &mut Frame) -> bool {
        let (mut heard, mut wide) = (false, false);
        for n in 0..FRAME {
            let at = place(self.head.wrapping_add(n as u32));
            let there = std::mem::take(&mut self.there[at]);
            (frame.low[n], frame.high[n]) = if there { (self.low[at], self.high[at]) } else { (0, 0) };
            heard |= there;
            wide |= frame.high[n] != 0;
        }
        frame.wide = wide;
        let left = self.depth().min(FRAME as u32);
        self.head = self.head.wrapping_add(left);
        heard
    }

    /// Takes [`CUT`] samples out: the frame's end becomes what comes behind them.
    fn blend(&mut self, frame: &mut Frame) {
        let mix = |old: i16, new: i16, n: usize| {
            let (old, new, n) = (i32::from(old), i32::from(new), n as i32);
            ((old * (CUT as i32 - n) + new * n) / CUT as i32) as i16
        };
        let tail: Range<usize> = FRAME - CUT..FRAME;
        for (n, at) in tail.enumerate() {
            let from = place(self.head.wrapping_add(n as u32));
            if std::mem::take(&mut self.there[from]) {
                frame.low[at] = mix(frame.low[at], self.low[from], n);
                frame.high[at] = mix(frame.high[at], self.high[from], n);
            }
        }
        self.head = self.head.wrapping_add(CUT as u32);
    }

    /// Nothing has come: the last frame fades, then silence.
    fn fill(&mut self, frame: &mut Frame) -> bool {
        if self.filled >= FILLED {
            *frame = Frame::SILENCE;
            return false;
        }
        self.filled += 1;
        *frame = self.last;
        for sample in frame.low.iter_mut().chain(&mut frame.high) {
            *sample >>= self.filled;
        }
        false
    }
}

fn place(timestamp: u32) -> usize {
    timestamp as usize % ROOM
}

/// Whether a timestamp comes after another one.
fn ahead(this: u32, other: u32) -> bool {
    let by = this.wrapping_sub(other);
    by != 0 && by < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that says its own packet numbers, 1 and up.
    struct Source {
        number: i16,
        timestamp: u32,
    }

    impl Source {
        fn packet(&mut self) -> (u32, [i16; FRAME]) {
            self.number += 1;
            let packet = (self.timestamp, [self.number; FRAME]);
            self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
            packet
        }
    }

    fn source() -> Source {
        // It wraps soon.
        Source { number: 0, timestamp: u32::MAX - 500 }
    }

    fn put(playout: &mut Playout, (timestamp, samples): (u32, [i16; FRAME])) -> Put {
        playout.put(timestamp, &samples, &[])
    }

    /// The value of a frame, which must be one value throughout.
    fn take(playout: &mut Playout) -> i16 {
        let mut frame = Frame::SILENCE;
        playout.take(&mut frame);
        assert!(frame.low.iter().all(|sample| *sample == frame.low[0]), "{:?}", frame.low);
        frame.low[0]
    }

    #[test]
    fn packets_are_played_in_order_whatever_order_they_come_in() {
        let (mut playout, mut source) = (Playout::default(), source());
        let mut heard = Vec::new();
        for _ in 0..10 {
            let (first, second) = (source.packet(), source.packet());
            put(&mut playout, second);
            heard.push(take(&mut playout));
            put(&mut playout, first);
            heard.push(take(&mut playout));
        }
        heard.extend([take(&mut playout), take(&mut playout)]);
        let said: Vec<_> = heard.into_iter().skip_while(|value| *value == 0).collect();
        // The very first pair came the wrong way round, so its first packet was before the beginning.
        assert!(said.windows(2).filter(|pair| pair[1] == pair[0] + 1).count() >= 16, "{said:?}");
    }

    #[test]
    fn a_lost_packet_is_faded_over_and_a_late_one_is_not_heard() {
        let (mut playout, mut source) = (Playout::default(), source());
        (0..2).for_each(|_| _ = put(&mut playout, source.packet()));
        let lost = source.packet();
        put(&mut playout, source.packet());
        assert_eq!([take(&mut playout), take(&mut playout)], [1, 2]);
        assert_eq!(take(&mut playout), 1, "half of the last one");
        assert_eq!(put(&mut playout, lost), Put::Late);
        assert_eq!(take(&mut playout), 4);
    }

    #[test]
    fn a_source_that_stops_is_silence_and_its_next_words_are_heard_whole() {
        let (mut playout, mut source) = (Playout::default(), source());
        (0..3).for_each(|_| _ = put(&mut playout, source.packet()));
        let before: Vec<_> = (0..10).map(|_| take(&mut playout)).collect();
        assert_eq!(before[..3], [1, 2, 3]);
        assert_eq!(before[6..], [0; 4]);
        source.timestamp = source.timestamp.wrapping_add(16_000);
        (0..3).for_each(|_| _ = put(&mut playout, source.packet()));
        let after: Vec<_> = (0..3).map(|_| take(&mut playout)).collect();
        assert_eq!(after, [4, 5, 6]);
        assert_eq!(playout.target(), LEAST, "nobody was late");
    }

    #[test]
    fn a_network_that_is_late_makes_it_wait_longer_and_calm_makes_it_shorter_again() {
        let (mut playout, mut source) = (Playout::default(), source());
        for gap in [3, 7].into_iter().cycle().take(60) {
            // Nothing for 60 or 140 ms, then all at once.
            for _ in 0..gap {
                playout.take(&mut Frame::SILENCE.clone());
            }
            (0..gap).for_each(|_| _ = put(&mut playout, source.packet()));
        }
        let grown = playout.target();
        assert!((480..=MOST).contains(&grown), "{grown}");
        let mut gaps = 0;
        for n in 0..20_000 {
            source.number = 5;
            put(&mut playout, source.packet());
            gaps += u32::from(take(&mut playout) == 0 && n > 100);
        }
        assert_eq!(gaps, 0);
        assert_eq!(playout.target(), LEAST);
        assert!(playout.depth() <= 4 * STEP, "{}", playout.depth());
    }

    #[test]
    fn a_fast_clock_is_followed_without_growing_delay() {
        let (mut playout, mut source) = (Playout::default(), source());
        let mut deepest = 0;
        // One packet more in 500: 2,000 ppm, far more than any telephone.
        for n in 0..50_000 {
            source.number = 700;
            put(&mut playout, source.packet());
            if n % 500 == 0 {
                source.number = 700;
                put(&mut playout, source.packet());
            }
            let mut frame = Frame::SILENCE;
            playout.take(&mut frame);
            assert!(n < 5 || frame.low.iter().all(|s| *s == 701), "{n} {:?}", frame.low);
            deepest = deepest.max(playout.depth());
        }
        assert!(deepest <= 8 * STEP, "{deepest}");
    }

    #[test]
    fn a_slow_clock_costs_a_frame_now_and_then() {
        let (mut playout, mut source) = (Playout::default(), source());
        let mut missing = 0;
        for n in 0..50_000 {
            if n % 500 != 0 {
                source.number = 700;
                put(&mut playout, source.packet());
            }
            let mut frame = Frame::SILENCE;
            missing += u32::from(!playout.take(&mut frame));
        }
        assert!(missing < 50_000 / 500 * 3, "{missing}");
    }

    #[test]
    fn a_source_that_jumps_is_followed_and_holds_no_more_than_its_room() {
        let (mut playout, mut source) = (Playout::default(), source());
        for round in 0..50u32 {
            for _ in 0..4 {
                put(&mut playout, source.packet());
            }
            let heard: Vec<_> = (0..4).map(|_| take(&mut playout)).collect();
            assert!(heard.contains(&source.number), "round {round}: {heard:?}");
            source.timestamp = source.timestamp.wrapping_mul(2_654_435_761).wrapping_add(round);
            assert!(playout.depth() as usize <= ROOM);
        }
    }

    #[test]
    fn packets_of_any_length_are_taken() {
        let mut playout = Playout::default();
        for length in [0, 1, 80, 240, 480, 4_000, 9_000] {
            playout.put(length as u32 * 7, &vec![1; length], &vec![1; length]);
            let mut frame = Frame::SILENCE;
            playout.take(&mut frame);
            assert!(playout.depth() as usize <= ROOM);
        }
    }
}

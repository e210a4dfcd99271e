//! A mixer: everybody at its table hears everybody else, summed, 20 ms at a time.
//!
//! ```text
//!  stream ──► said ──┐                    ┌──► heard ──► stream
//!  stream ──► said ──┼─► sum − one's own ─┼──► heard ──► stream
//!  voice ────────────┘   (each 20 ms)     └──► ears of who sits here in person
//! ```
//!
//! Who is muted is not in the sum, and hears all the same. A seat is left when its last clone goes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::stream::Ears;
use super::{FRAME, Voice};
use crate::sip::endpoint::locked;

/// Most seats of one table.
const MOST_SEATS: usize = 256;
/// Samples that wait before a queue is read: two packets even out what comes late.
const CUSHION: usize = 2 * FRAME;
/// Most samples that wait; older ones are forgotten.
const MOST_WAITING: usize = 10 * FRAME;

/// See the module. Cheap to clone; all clones are one table.
#[derive(Clone)]
pub struct Mixer(Arc<Table>);

#[derive(Default)]
struct Table {
    places: Mutex<BTreeMap<u64, Place>>,
    next: AtomicU64,
    /// Hears the sum of all who are not muted.
    ears: Ears,
    frames: AtomicU64,
}

/// One who sits there.
struct Place {
    muted: bool,
    source: Source,
}

/// Where his sound comes from, and goes to.
enum Source {
    /// A stream brings it, and takes it.
    Stream { said: Queue, heard: Queue },
    /// He sits here in person, and speaks without end.
    Person { speech: Vec<i16>, at: usize, ears: Ears, sequence: u16 },
}

/// Samples on their way between two clocks.
#[derive(Default)]
struct Queue {
    samples: VecDeque<i16>,
    flows: bool,
}

impl Queue {
    fn push(&mut self, samples: impl IntoIterator<Item = i16>) {
        self.samples.extend(samples);
        if self.samples.len() > MOST_WAITING {
            let late = self.samples.len() - CUSHION;
            self.samples.drain(..late);
        }
    }

    /// A frame; silence while too little has come.
    fn pull(&mut self) -> [i16; FRAME] {
        let least = if self.flows { FRAME } else { CUSHION };
        self.flows = self.samples.len() >= least;
        let mut frame = [0; FRAME];
        if self.flows {
            frame.iter_mut().zip(self.samples.drain(..FRAME)).for_each(|(to, from)| *to = from);
        }
        frame
    }
}

impl Default for Mixer {
    fn default() -> Self {
        Self::new()
    }
}

impl Mixer {
    /// An empty table. To be called within a runtime, which turns its clock.
    pub fn new() -> Self {
        let table = Arc::new(Table::default());
        tokio::spawn(turn(Arc::downgrade(&table)));
        Self(table)
    }

    /// A seat for somebody whose sound a stream brings; none when the table is full.
    pub fn sit(&self) -> Option<Seat> {
        self.seat(Source::Stream { said: Queue::default(), heard: Queue::default() })
    }

    /// A seat for somebody who is here in person, with his voice; what he hears comes to `ears`.
    pub fn sit_in_person(&self, voice: Voice, ears: Ears) -> Option<Seat> {
        self.seat(Source::Person { speech: voice.speech(), at: 0, ears, sequence: 0 })
    }

    fn seat(&self, source: Source) -> Option<Seat> {
        let mut places = locked(&self.0.places);
        if places.len() >= MOST_SEATS {
            return None;
        }
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        places.insert(id, Place { muted: false, source });
        Some(Seat(Arc::new(Sitting { table: Arc::downgrade(&self.0), id })))
    }

    /// What is said at the table, by all who are not muted.
    pub fn ears(&self) -> Ears {
        self.0.ears.clone()
    }

    /// Frames that were mixed so far.
    pub fn frames(&self) -> u64 {
        self.0.frames.load(Ordering::Relaxed)
    }
}

async fn turn(table: Weak<Table>) {
    let mut tick = interval(Duration::from_millis(20));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tick.tick().await;
        let Some(table) = table.upgrade() else { return };
        table.mix();
    }
}

impl Table {
    /// One frame.
    fn mix(&self) {
        let mut places = locked(&self.places);
        let said: Vec<[i16; FRAME]> = places.values_mut().map(Place::says).collect();
        let mut sum = [0_i32; FRAME];
        for frame in &said {
            sum.iter_mut().zip(frame).for_each(|(sum, sample)| *sum += i32::from(*sample));
        }
        for (place, own) in places.values_mut().zip(&said) {
            place.hears(std::array::from_fn(|n| clipped(sum[n] - i32::from(own[n]))));
        }
        drop(places);
        let number = self.frames.fetch_add(1, Ordering::Relaxed);
        self.ears.played(number as u16, &sum.map(clipped));
    }
}

fn clipped(sample: i32) -> i16 {
    sample.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

impl Place {
    fn says(&mut self) -> [i16; FRAME] {
        let frame = match &mut self.source {
            Source::Stream { said, .. } => said.pull(),
            Source::Person { speech, at, .. } => {
                let from = *at;
                *at = (from + FRAME) % speech.len();
                std::array::from_fn(|n| speech[(from + n) % speech.len()])
            }
        };
        if self.muted { [0; FRAME] } else { frame }
    }

    fn hears(&mut self, frame: [i16; FRAME]) {
        match &mut self.source {
            Source::Stream { heard, .. } => heard.push(frame),
            Source::Person { ears, sequence, .. } => {
                *sequence = sequence.wrapping_add(1);
                ears.played(*sequence, &frame);
            }
        }
    }
}

/// A seat at a table. Cheap to clone; it is left when the last clone goes, or [`Seat::leave`] is called.
#[derive(Clone)]
pub struct Seat(Arc<Sitting>);

struct Sitting {
    table: Weak<Table>,
    id: u64,
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Seat").field(&self.0.id).finish()
    }
}

impl Seat {
    /// Nobody hears him from now on, or he is heard again.
    pub fn mute(&self, muted: bool) {
        self.with(|place| place.muted = muted);
    }

    /// He gets up, whoever holds the seat still.
    pub fn leave(&self) {
        if let Some(table) = self.0.table.upgrade() {
            locked(&table.places).remove(&self.0.id);
        }
    }

    /// What came over his stream.
    pub(super) fn said(&self, samples: impl IntoIterator<Item = i16>) {
        self.with(|place| {
            if let Source::Stream { said, .. } = &mut place.source {
                said.push(samples);
            }
        });
    }

    /// What goes over his stream next.
    pub(super) fn hears(&self) -> [i16; FRAME] {
        let frame = self.with(|place| match &mut place.source {
            Source::Stream { heard, .. } => heard.pull(),
            Source::Person { .. } => [0; FRAME],
        });
        frame.unwrap_or([0; FRAME])
    }

    fn with<T>(&self, change: impl FnOnce(&mut Place) -> T) -> Option<T> {
        let table = self.0.table.upgrade()?;
        let mut places = locked(&table.places);
        places.get_mut(&self.0.id).map(change)
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            locked(&table.places).remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(table: &Mixer, voice: u8) -> (Seat, Ears) {
        let ears = Ears::default();
        (table.sit_in_person(Voice::new(voice), ears.clone()).unwrap(), ears)
    }

    /// A table whose clock stands: the test turns it.
    fn still() -> Mixer {
        Mixer(Arc::new(Table::default()))
    }

    /// Two seconds of sound, without waiting for them.
    fn two_seconds(table: &Mixer) {
        (0..100).for_each(|_| table.0.mix());
    }

    #[test]
    fn everybody_hears_everybody_else_and_not_himself() {
        let table = still();
        let all = [0, 9, 18].map(|voice| (voice, person(&table, voice)));
        two_seconds(&table);
        for (voice, (_, ears)) in &all {
            let heard = ears.whole().voices;
            for other in [0, 9, 18] {
                assert_eq!(heard.contains(&Voice::new(other)), other != *voice, "{heard:?}");
            }
        }
        assert!([0, 9, 18].iter().all(|one| table.ears().whole().voices.contains(&Voice::new(*one))));
    }

    #[test]
    fn who_is_muted_is_not_heard_and_hears() {
        let table = still();
        let ((one, ear), (_other, other_ear)) = (person(&table, 0), person(&table, 9));
        one.mute(true);
        two_seconds(&table);
        assert_eq!(ear.whole().voice, Some(Voice::new(9)));
        assert_eq!(other_ear.whole().voices, []);
        assert_eq!(table.ears().whole().voice, Some(Voice::new(9)));
        one.mute(false);
        other_ear.listen();
        two_seconds(&table);
        assert_eq!(other_ear.since_then().voice, Some(Voice::new(0)));
    }

    #[test]
    fn a_seat_is_empty_when_its_last_clone_is_gone() {
        let table = still();
        let (one, _) = person(&table, 0);
        let again = one.clone();
        drop(one);
        assert_eq!(locked(&table.0.places).len(), 1);
        drop(again);
        assert_eq!(locked(&table.0.places).len(), 0);
        let all: Vec<_> = std::iter::from_fn(|| table.sit()).collect();
        assert_eq!(all.len(), MOST_SEATS);
    }

    #[test]
    fn a_queue_evens_out_what_comes_late_and_never_grows() {
        let mut queue = Queue::default();
        queue.push([1; FRAME]);
        assert_eq!(queue.pull(), [0; FRAME]);
        queue.push([2; FRAME]);
        assert_eq!((queue.pull(), queue.pull(), queue.pull()), ([1; FRAME], [2; FRAME], [0; FRAME]));
        (0..100).for_each(|_| queue.push([3; FRAME]));
        assert!(queue.samples.len() <= MOST_WAITING);
    }
}

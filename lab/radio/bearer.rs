//! A bearer: what a handset and a base share while they are connected.

use std::sync::atomic::{AtomicBool, AtomicI8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::mpsc;

use super::{Down, Ear, bad_frames, locked};
use crate::dect::dsaa2::Key;

/// Where the handset's sound goes: the base's side of a media connection.
pub trait Uplink: Send + Sync {
    /// Sound of 20 ms; none when the frames were bad. Of a long slot twice as many samples.
    fn frame(&self, samples: Option<&[i16]>);
}

/// A radio connection with sound both ways.
pub struct Bearer {
    /// Its number in this world; a later one is greater.
    pub number: u64,
    mailbox: mpsc::Sender<Down>,
    ear: Arc<Mutex<Ear>>,
    uplink: Mutex<Option<Arc<dyn Uplink>>>,
    /// The handset's cipher key, with which the base's must agree.
    key: Mutex<Option<Key>>,
    /// dBm, as both sides measure it.
    level: AtomicI8,
    /// The handset can do long slots; it has one.
    able: AtomicBool,
    long: AtomicBool,
    /// It asks for one.
    wants_long: AtomicBool,
    good: AtomicU32,
    bad: AtomicU32,
    chance: Mutex<SmallRng>,
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bearer {} at {} dBm", self.number, self.level())
    }
}

impl Bearer {
    /// A bearer of a handset that reads `mailbox` and hears with `ear`.
    pub fn new(number: u64, mailbox: mpsc::Sender<Down>, ear: Arc<Mutex<Ear>>, level: f64) -> Self {
        Self {
            number,
            mailbox,
            ear,
            uplink: Mutex::default(),
            key: Mutex::default(),
            level: AtomicI8::new(level as i8),
            able: AtomicBool::new(false),
            long: AtomicBool::new(false),
            wants_long: AtomicBool::new(false),
            good: AtomicU32::new(0),
            bad: AtomicU32::new(0),
            chance: Mutex::new(SmallRng::seed_from_u64(number)),
        }
    }

    /// Tells the handset. False when it is gone or drowning.
    pub fn down(&self, down: Down) -> bool {
        self.mailbox.try_send(down).is_ok()
    }

    /// The handset moved.
    pub fn set_level(&self, level: f64) {
        self.level.store(level.max(-128.0) as i8, Ordering::Relaxed);
    }

    /// Its level, dBm.
    pub fn level(&self) -> i8 {
        self.level.load(Ordering::Relaxed)
    }

    /// Good and bad frames so far, both ways.
    pub fn frames(&self) -> (u32, u32) {
        (self.good.load(Ordering::Relaxed), self.bad.load(Ordering::Relaxed))
    }

    /// The base connects its side, or takes it away.
    pub fn attach(&self, uplink: Option<Arc<dyn Uplink>>) {
        *locked(&self.uplink) = uplink;
    }

    /// Whether a base has connected its side.
    pub fn is_attached(&self) -> bool {
        locked(&self.uplink).is_some()
    }

    /// The handset's key for ciphering.
    pub fn set_key(&self, key: Option<Key>) {
        *locked(&self.key) = key;
    }

    /// Whether the handset has this key: else ciphering fails.
    pub fn agrees(&self, key: &[u8]) -> bool {
        locked(&self.key).is_some_and(|ours| ours == key)
    }

    /// The handset can do long slots, and would have one at once.
    pub fn allow_long(&self, at_once: bool) {
        self.able.store(true, Ordering::Relaxed);
        self.wants_long.store(at_once, Ordering::Relaxed);
    }

    /// Whether the handset asked for a long slot.
    pub fn wants_long(&self) -> bool {
        self.wants_long.load(Ordering::Relaxed)
    }

    /// The base makes the slot long, or full. False when the handset cannot.
    pub fn set_long(&self, long: bool) -> bool {
        let can = !long || self.able.load(Ordering::Relaxed);
        self.long.store(long && can, Ordering::Relaxed);
        can
    }

    /// Whether it has a long slot: 16 kHz speech in place of 8.
    pub fn is_long(&self) -> bool {
        self.long.load(Ordering::Relaxed)
    }

    /// The base speaks in a long slot, with 16 kHz speech.
    pub fn hear_wide(&self, samples: &[i16]) {
        if self.passes() {
            locked(&self.ear).hear_wide(self.number, samples);
        } else {
            locked(&self.ear).mute(self.number, samples.len() / 2);
        }
    }

    /// The handset speaks, 20 ms.
    pub fn speak(&self, samples: &[i16]) {
        let uplink = locked(&self.uplink).clone();
        if let Some(uplink) = uplink {
            uplink.frame(self.passes().then_some(samples));
        }
    }

    /// The base speaks.
    pub fn hear(&self, samples: &[i16]) {
        if self.passes() {
            locked(&self.ear).hear(self.number, samples);
        } else {
            // A bad frame is muted, and takes as long.
            locked(&self.ear).mute(self.number, samples.len());
        }
    }

    fn passes(&self) -> bool {
        let bad = bad_frames(f64::from(self.level()));
        let passes = bad == 0.0 || locked(&self.chance).random_range(0.0..100.0) >= bad;
        let counter = if passes { &self.good } else { &self.bad };
        counter.fetch_add(1, Ordering::Relaxed);
        passes
    }
}

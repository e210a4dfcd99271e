//! A bearer: what a handset and a base share while they are connected.

use std::sync::atomic::{AtomicI8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::mpsc;

use super::{Down, Ear, bad_frames, locked};
use crate::dect::dsaa2::Key;

/// Where the handset's sound goes: the base's side of a media connection.
pub trait Uplink: Send + Sync {
    /// Sound of 20 ms; none when the frames were bad.
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

//! The air between base stations and handsets, in one process.
//!
//! ```text
//!            Beacon (a base's transmitter) ── Broadcast: RFPI, higher layer capabilities, busy bits
//! handset ──► Up:   Access, Sdu, Release ──► base
//! handset ◄── Down: Page, Accepted, Sdu … ◄── base
//! handset ◄─► Bearer: sound both ways, level and bad frames by the distance ◄─► base
//! ```
//!
//! Levels follow a log-distance law; frames go bad with the level. Everything is decided by a seed, so
//! that a run can be repeated. Slots and frames are not emulated one by one: a bearer carries sound in
//! pieces of 10 or 20 ms.

mod bearer;
mod clock;
mod ear;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use tokio::sync::mpsc;

pub use bearer::{Bearer, Uplink};
pub use clock::Clock;
pub use ear::Ear;

use crate::dect::identity::Rfpi;

/// A handset hears no base that is weaker than this (EN 300 175-2 demands −83; good ones reach −93).
pub const LIMIT: f64 = -93.0;
/// "Access rights requests supported": bit a44 of the higher layer capabilities (EN 300 175-5, annex F).
pub const ACCESS_RIGHTS: u16 = 1 << 3;
/// Busy bit for speech.
pub const BUSY_FOR_SPEECH: u8 = 1;
/// Busy bit for anything.
pub const SYSTEM_BUSY: u8 = 2;

/// A place, in metres.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// East.
    pub x: f64,
    /// North.
    pub y: f64,
}

impl Place {
    /// A place.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// Metres from here to there.
    pub fn distance(self, there: Self) -> f64 {
        (self.x - there.x).hypot(self.y - there.y)
    }

    /// The place `metres` from here on the way to `there`, not beyond it.
    pub fn towards(self, there: Self, metres: f64) -> Self {
        let way = self.distance(there);
        if way <= metres {
            return there;
        }
        let part = metres / way;
        Self { x: self.x + (there.x - self.x) * part, y: self.y + (there.y - self.y) * part }
    }
}

/// How levels fall: transmit power, loss of the first metre, loss of each decade of distance.
#[derive(Debug, Clone, Copy)]
pub struct Propagation {
    /// dBm; 24 is what EN 300 175-2 allows.
    pub transmit: f64,
    /// dB at one metre; 38 at 1.9 GHz.
    pub first_metre: f64,
    /// dB a decade; 20 in the open, 30 and more between walls.
    pub decade: f64,
}

impl Default for Propagation {
    fn default() -> Self {
        Self { transmit: 24.0, first_metre: 38.0, decade: 36.0 }
    }
}

impl Propagation {
    /// The level over this way, dBm.
    pub fn level(&self, metres: f64) -> f64 {
        self.transmit - self.first_metre - self.decade * metres.max(1.0).log10()
    }
}

/// Of a hundred frames at this level, so many are bad.
pub fn bad_frames(level: f64) -> f64 {
    match level {
        level if level >= -80.0 => 0.0,
        level if level >= -86.0 => (-80.0 - level) / 2.0,
        level if level >= LIMIT => 3.0 + (-86.0 - level) * 6.0,
        _ => 100.0,
    }
}

/// What a base sends to everybody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Broadcast {
    /// Its identity.
    pub rfpi: Rfpi,
    /// Higher layer capabilities, bits a32 to a47.
    pub hlc: u16,
    /// Bit 0 speech, bit 1 system.
    pub busy: u8,
    /// Steps to the root of the synchronisation tree; none while not synchronised.
    pub hops: Option<u8>,
    /// When its frames begin.
    pub clock: Clock,
}

/// From a handset to a base.
#[derive(Debug)]
pub enum Up {
    /// It wants a connection.
    Access {
        /// The bearer that it proposes.
        bearer: Arc<Bearer>,
        /// Identity of the medium access layer, 20 bits.
        pmid: u32,
        /// A handover, not a new connection.
        handover: Option<Handover>,
        /// The page that it answers.
        page: Option<u32>,
    },
    /// A network layer message.
    Sdu {
        /// Number of the bearer.
        bearer: u64,
        /// Its octets.
        pdu: Vec<u8>,
    },
    /// It leaves.
    Release {
        /// Number of the bearer.
        bearer: u64,
        /// Whether it went silent without a word.
        lost: bool,
    },
}

/// What a handset says of its old connection when it asks for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handover {
    /// 1 bearer, 2 connection, 3 involuntary.
    pub kind: u8,
    /// The radio it comes from.
    pub old_rpn: u8,
}

/// From a base to a handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// A page, to all that listen.
    Page {
        /// Three octets, or five.
        pdu: Arc<[u8]>,
        /// The link's number of it.
        id: Option<u32>,
    },
    /// The connection stands.
    Accepted {
        /// Number of the bearer.
        bearer: u64,
    },
    /// It does not.
    Refused {
        /// Number of the bearer.
        bearer: u64,
        /// The link's reason; 0 when the base itself is full or not ready.
        reason: u16,
    },
    /// A network layer message.
    Sdu {
        /// Number of the bearer.
        bearer: u64,
        /// Its octets.
        pdu: Vec<u8>,
    },
    /// The base released it.
    Released {
        /// Number of the bearer.
        bearer: u64,
        /// The link's reason.
        reason: u16,
    },
    /// Ciphering is on or off.
    Ciphered {
        /// Number of the bearer.
        bearer: u64,
        /// On.
        on: bool,
    },
    /// A tone, as SIGNAL numbers them.
    Tone {
        /// Number of the bearer.
        bearer: u64,
        /// 3F is none.
        tone: u8,
    },
    /// Quality is reported low, so that the handset looks for another base.
    LookElsewhere {
        /// Number of the bearer.
        bearer: u64,
    },
    /// The base that the handset listened to is off the air.
    Silence,
}

/// A base's transmitter. Off the air until it is told what to broadcast; leaves the air when dropped.
#[derive(Debug)]
pub struct Beacon {
    place: Place,
    broadcast: RwLock<Option<Broadcast>>,
    up: mpsc::Sender<Up>,
    listeners: Mutex<HashMap<u64, mpsc::Sender<Down>>>,
}

impl Beacon {
    /// Where it stands.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// What it sends now.
    pub fn broadcast(&self) -> Option<Broadcast> {
        *self.broadcast.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Sends this from now on; with nothing, everybody who listened hears silence.
    pub fn send(&self, broadcast: Option<Broadcast>) {
        *self.broadcast.write().unwrap_or_else(std::sync::PoisonError::into_inner) = broadcast;
        if broadcast.is_none() {
            for (_, listener) in locked(&self.listeners).drain() {
                let _ = listener.try_send(Down::Silence);
            }
        }
    }

    /// Sends a page to all that listen. Returns how many heard it.
    pub fn page(&self, pdu: &[u8], id: Option<u32>) -> usize {
        let pdu: Arc<[u8]> = pdu.into();
        let page = || Down::Page { pdu: pdu.clone(), id };
        locked(&self.listeners).values().filter(|listener| listener.try_send(page()).is_ok()).count()
    }

    /// A handset listens from now on.
    pub fn listen(&self, handset: u64, mailbox: mpsc::Sender<Down>) {
        locked(&self.listeners).insert(handset, mailbox);
    }

    /// A handset listens no more.
    pub fn forget(&self, handset: u64) {
        locked(&self.listeners).remove(&handset);
    }

    /// Passes something to the base. False when it is gone or drowning.
    pub fn up(&self, up: Up) -> bool {
        self.up.try_send(up).is_ok()
    }
}

/// The world: who stands where, and who hears whom. Clones are the same world.
#[derive(Debug, Clone, Default)]
pub struct Radio(Arc<World>);

#[derive(Debug, Default)]
struct World {
    propagation: Propagation,
    beacons: RwLock<Vec<Arc<Beacon>>>,
    next: std::sync::atomic::AtomicU64,
}

/// A base as heard from some place.
#[derive(Debug, Clone)]
pub struct HeardBase {
    /// Its transmitter.
    pub beacon: Arc<Beacon>,
    /// What it sends.
    pub broadcast: Broadcast,
    /// At this level, dBm.
    pub level: f64,
}

impl Radio {
    /// A world with these laws.
    pub fn new(propagation: Propagation) -> Self {
        Self(Arc::new(World { propagation, ..World::default() }))
    }

    /// Puts up a transmitter whose base reads `up`.
    pub fn put_up(&self, place: Place, up: mpsc::Sender<Up>) -> Arc<Beacon> {
        let (broadcast, listeners) = (RwLock::new(None), Mutex::default());
        let beacon = Arc::new(Beacon { place, broadcast, up, listeners });
        self.beacons_mut().push(beacon.clone());
        beacon
    }

    /// Takes a transmitter down.
    pub fn take_down(&self, beacon: &Arc<Beacon>) {
        beacon.send(None);
        self.beacons_mut().retain(|other| !Arc::ptr_eq(other, beacon));
    }

    /// A number that was not given before: for bearers and handsets.
    pub fn number(&self) -> u64 {
        1 + self.0.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// The level of one transmitter at a place, dBm.
    pub fn level(&self, beacon: &Beacon, at: Place) -> f64 {
        self.0.propagation.level(beacon.place.distance(at))
    }

    /// What is heard at a place, strongest first.
    pub fn heard(&self, at: Place) -> Vec<HeardBase> {
        let beacons = self.0.beacons.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let heard = beacons.iter().filter_map(|beacon| {
            let level = self.level(beacon, at);
            let broadcast = (level >= LIMIT).then(|| beacon.broadcast()).flatten()?;
            Some(HeardBase { beacon: beacon.clone(), broadcast, level })
        });
        let mut heard: Vec<_> = heard.collect();
        heard.sort_by(|a, b| b.level.total_cmp(&a.level));
        heard
    }

    fn beacons_mut(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Arc<Beacon>>> {
        self.0.beacons.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A poisoned lock holds what it held: a panicking test is loud enough.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broadcast(rpn: u8) -> Broadcast {
        Broadcast {
            rfpi: Rfpi([0x10, 0x2A, 0xF1, 0x2C, rpn]),
            hlc: 0xCE00,
            busy: 0,
            hops: Some(0),
            clock: Clock::new(0.0),
        }
    }

    #[test]
    fn the_nearest_base_is_heard_strongest_and_one_off_the_air_not_at_all() {
        let radio = Radio::default();
        let (up, _rest) = mpsc::channel(1);
        let bases: Vec<_> =
            (0..3_u8).map(|n| radio.put_up(Place::new(f64::from(n) * 30.0, 0.0), up.clone())).collect();
        bases[0].send(Some(broadcast(0)));
        bases[1].send(Some(broadcast(1)));
        let at = |x| {
            let heard = radio.heard(Place::new(x, 0.0));
            heard.iter().map(|base| base.broadcast.rfpi.rpn()).collect::<Vec<_>>()
        };
        assert_eq!(at(5.0), [0, 1]);
        assert_eq!(at(40.0), [1, 0]);
        assert_eq!(at(5_000.0), [0; 0], "out of range");
        radio.take_down(&bases[1]);
        assert_eq!(at(40.0), [0]);
    }

    #[tokio::test]
    async fn a_page_reaches_those_who_listen_and_silence_too() {
        let radio = Radio::default();
        let (up, _rest) = mpsc::channel(1);
        let base = radio.put_up(Place::default(), up);
        base.send(Some(broadcast(0)));
        let (mailbox, mut heard) = mpsc::channel(4);
        base.listen(7, mailbox);
        assert_eq!(base.page(&[0x0C, 2, 0x7B], Some(1)), 1);
        base.send(None);
        assert_eq!(base.page(&[0x0C, 2, 0x7B], Some(2)), 0);
        assert!(matches!(heard.recv().await, Some(Down::Page { id: Some(1), .. })));
        assert_eq!(heard.recv().await, Some(Down::Silence));
    }

    #[test]
    fn levels_fall_with_the_distance_and_frames_go_bad_with_the_level() {
        let law = Propagation::default();
        assert!((law.level(1.0) - -14.0).abs() < 1e-9);
        assert!(
            law.level(40.0) > -75.0 && law.level(60.0) < -75.0,
            "{} {}",
            law.level(40.0),
            law.level(60.0)
        );
        assert!(bad_frames(-70.0) == 0.0 && bad_frames(-84.0) == 2.0 && bad_frames(-99.0) == 100.0);
        assert_eq!(Place::new(0.0, 0.0).towards(Place::new(3.0, 4.0), 2.5), Place::new(1.5, 2.0));
    }
}

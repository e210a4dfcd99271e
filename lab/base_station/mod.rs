//! An emulated native base station: OBL/1 to the switch, [`crate::radio`] to the handsets, RTP and SRTP.
//!
//! ```text
//!            orders of a test (cut the link, lose synchronisation, …)
//!                 │
//! switch ◄─ TLS ─► station ◄─ Up, Down ─► handsets
//!    └───── RTP ───► flow ──────────────────┘ sound
//! ```
//!
//! One task lives a base; another one each media stream that is open. A base that is told to misbehave does
//! so on purpose: wrong firmware, lost synchronisation, a link that is cut, half a frame, a flood.

mod air;
mod connection;
mod faults;
mod flow;
mod handover;
mod identity;
mod link;
mod media;
mod station;
mod statistics;
mod switch_says;
mod sync;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use identity::Identity;
pub use sync::SyncTimes;

use crate::dect::identity::Rfpi;
use crate::radio::{Place, Radio};
use crate::sip::Failure;

/// Orders that wait.
const ORDERS: usize = 64;

/// A base station.
#[derive(Debug, Clone)]
pub struct BaseConfig {
    /// The switch's base link.
    pub switch: SocketAddr,
    /// Its name for TLS.
    pub switch_name: String,
    /// Our MAC address.
    pub base_id: [u8; 6],
    /// Maker and model.
    pub model: String,
    /// Firmware, as `PCS12A_`.
    pub firmware: String,
    /// 1 base station, 2 media resource.
    pub role: u8,
    /// How it proves who it is.
    pub proof: Proof,
    /// Slot pairs of its radio.
    pub slot_pairs: u8,
    /// Codecs as OBL/1 numbers them, the best first.
    pub codecs: Vec<u8>,
    /// Whether it has SRTP.
    pub srtp: bool,
    /// Whether it has long slots; see [`BaseConfig::wideband`].
    pub long_slots: bool,
    /// Where it hangs.
    pub place: Place,
    /// Where its media come to.
    pub ip: IpAddr,
    /// How its clock runs away, parts per million.
    pub drift_ppm: f64,
    /// How long it goes on without its source.
    pub sync_times: SyncTimes,
    /// How often it tells whom it hears.
    pub looks: Duration,
    /// How often it comes again after it lost its link.
    pub retry: Duration,
}

impl BaseConfig {
    /// A base of twelve slot pairs with G.726, A-law, µ-law and SRTP.
    pub fn new(switch: SocketAddr, base_id: [u8; 6], token: &str) -> Self {
        Self {
            switch,
            switch_name: "localhost".into(),
            base_id,
            model: "Lab RFP".into(),
            firmware: "PCS12A_".into(),
            role: 1,
            proof: Proof::Token(token.into()),
            slot_pairs: 12,
            codecs: vec![1, 2, 3],
            srtp: true,
            long_slots: false,
            place: Place::default(),
            ip: IpAddr::from([127, 0, 0, 1]),
            drift_ppm: 0.5,
            sync_times: SyncTimes::default(),
            looks: Duration::from_secs(30),
            retry: Duration::from_millis(500),
        }
    }

    /// The same with long slots and G.722.
    pub fn wideband(mut self) -> Self {
        self.long_slots = true;
        self.codecs.push(4);
        self
    }
}

/// How a base proves who it is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// It has a token and gets its certificate with it.
    Token(String),
    /// It has its certificate.
    Identity(Identity),
    /// It has nothing and says HELLO all the same.
    Nothing,
}

/// Where a base stands with its switch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Standing {
    /// No link.
    #[default]
    Unlinked,
    /// The switch said REFUSE.
    Refused {
        /// Its reason.
        reason: u16,
        /// Oldest firmware that it takes.
        fw_min: Option<String>,
        /// Its words.
        text: Option<String>,
    },
    /// The switch said WELCOME.
    Linked,
}

/// What can be seen of a running base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its link.
    pub standing: Standing,
    /// State of its radio, as in RADIO_STATE.
    pub radio: u8,
    /// State of its synchronisation, as in SYNC_STATE.
    pub sync: u8,
    /// The radio that it follows.
    pub sync_source: Option<u8>,
    /// What it broadcasts, when its radio was configured.
    pub rfpi: Option<Rfpi>,
    /// Busy bits that the switch has set.
    pub busy: u8,
    /// Connections of handsets.
    pub connections: usize,
    /// How many of them have a long slot.
    pub long_slots: usize,
    /// Media streams, and how many of them are SRTP.
    pub media: (usize, usize),
    /// WELCOMEs so far, and how many of them took the session up again.
    pub welcomes: (u32, u32),
    /// What its lamp shows.
    pub lamp: u8,
    /// What the switch did that this page of the link does not allow.
    pub faults: Vec<String>,
}

/// What a test tells a base to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Tear the link down without a word, and come again after this time.
    Cut(Duration),
    /// Hear no other base: synchronisation is lost in time. False ends it.
    Deafen(bool),
    /// Lose every handset on its way over, or none any more.
    FailHandovers(bool),
    /// Let every handset on its way over wait so long.
    SlowHandovers(Duration),
    /// Send so many PAGEs, which only a switch may.
    SendPages(u32),
    /// Announce so many connections of a handset that nobody knows, each with an answer to a page.
    AnswerPages(u32),
    /// Say GOODBYE, and come again as with other firmware.
    Firmware(String),
    /// Send half a frame and then nothing.
    HalfFrame,
    /// Send a frame that is none.
    BadFrame,
    /// Send so many PINGs as fast as the link takes them.
    Flood(u32),
    /// Forget the resume token: the next HELLO is a stranger's.
    ForgetSession,
}

/// A running base. Dropping it is pulling the plug: no GOODBYE, no release of its handsets.
pub struct BaseStation {
    orders: mpsc::Sender<Order>,
    seen: watch::Receiver<Seen>,
    identity: watch::Receiver<Option<Identity>>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
    base_id: [u8; 6],
}

impl BaseStation {
    /// Puts the base up and connects it; see [`BaseStation::wait_for`].
    pub fn start(config: BaseConfig, radio: &Radio) -> Self {
        let (orders, obeyed) = mpsc::channel(ORDERS);
        let (show, seen) = watch::channel(Seen::default());
        let own = match &config.proof {
            Proof::Identity(identity) => Some(identity.clone()),
            Proof::Token(_) | Proof::Nothing => None,
        };
        let (enrolled, identity) = watch::channel(own);
        let (stop, base_id) = (CancellationToken::new(), config.base_id);
        let station = station::Station::new(config, radio, show, enrolled);
        let task = Some(tokio::spawn(station.live(obeyed, stop.clone())));
        Self { orders, seen, identity, stop, task, base_id }
    }

    /// Tells it what to do.
    ///
    /// # Errors
    /// When it lives no more.
    pub async fn order(&self, order: Order) -> Result<(), Failure> {
        self.orders.send(order).await.map_err(|_| Failure::Stopped)
    }

    /// What it looks like now.
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Its MAC address.
    pub const fn base_id(&self) -> [u8; 6] {
        self.base_id
    }

    /// The certificate that it has got.
    pub fn identity(&self) -> Option<Identity> {
        self.identity.borrow().clone()
    }

    /// Waits until it looks so.
    ///
    /// # Errors
    /// With what it looked like, when the time is over.
    pub async fn wait_for(&self, limit: Duration, is_so: impl FnMut(&Seen) -> bool) -> Result<Seen, Seen> {
        let mut seen = self.seen.clone();
        match tokio::time::timeout(limit, seen.wait_for(is_so)).await {
            Ok(Ok(seen)) => Ok(seen.clone()),
            _ => Err(self.seen()),
        }
    }

    /// Says GOODBYE, releases its handsets and ends.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }

    /// Pulls the plug.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for BaseStation {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

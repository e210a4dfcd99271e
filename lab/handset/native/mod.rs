//! A native handset: the portable side's stack on the emulated air, a user with a script, a mouth and an ear.
//!
//! ```text
//! acts of a test ──► user ──► Portable (dect::pt) ──► link ──► Bearer ──► base
//!                                                      │ handover when another base is louder
//!                                ear, mouth ◄──────────┘ 20 ms at a time while a call is up
//! ```
//!
//! One task lives a handset. It listens to one base, opens a link when there is something to say, and when it
//! walks away from that base in a call it asks the louder one to take it before it leaves the old.

mod leave;
mod link;
mod prove;
mod sound;
mod task;
mod user;
mod write;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use crate::dect::dsaa2::{self, Key};
use crate::dect::identity::Ipei;
use crate::dect::pt::{CallState, Event, Ringing, Subscription};
use crate::media::{Heard, Voice};
use crate::phone::{Direction, LiveCall};
use crate::radio::{Place, Radio, locked};
use crate::sip::Failure;

/// Acts that wait.
const ACTS: usize = 64;
/// Events and reports that a slow listener may be behind.
const BEHIND: usize = 256;

/// A handset and who holds it.
#[derive(Debug, Clone)]
pub struct NativeConfig {
    /// Its serial number.
    pub ipei: Ipei,
    /// Where it is.
    pub place: Place,
    /// Whose voice is heard.
    pub voice: Voice,
    /// Hums instead of speaking: without pauses, for measuring gaps.
    pub hum: bool,
    /// It has long slots and G.722; over a long slot its user is heard above 4 kHz too.
    pub wideband: bool,
    /// What it remembers of a system.
    pub subscription: Option<Subscription>,
    /// What its user does when it rings.
    pub user: User,
}

impl NativeConfig {
    /// A handset without a system, whose user answers after a second.
    pub fn new(ipei: Ipei, voice: Voice) -> Self {
        let user = User::Answers { after: Duration::from_secs(1), talk: None };
        Self { ipei, place: Place::default(), voice, hum: false, wideband: false, subscription: None, user }
    }
}

/// What a user does when it rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Answers, and hangs up after some time; without one the other end does.
    Answers {
        /// Rings so long.
        after: Duration,
        /// Talks so long.
        talk: Option<Duration>,
    },
    /// Presses the red key.
    Rejects {
        /// Rings so long.
        after: Duration,
    },
    /// Does nothing: a test does.
    Waits,
}

/// How a number is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialling {
    /// Off hook first, then digit by digit, as GAP handsets do.
    #[default]
    Overlap,
    /// The number stands in CC-SETUP.
    EnBloc,
}

/// What a user does with a handset.
#[derive(Debug, Clone, PartialEq)]
enum Act {
    Subscribe(Key),
    Locate,
    Dial { number: String, dialling: Dialling, talk: Option<Duration> },
    Keys(Vec<u8>),
    KeysAtOnce(Vec<u8>),
    Answer,
    OnHook,
    Become(User),
    Walk { path: Vec<Place>, speed: f64 },
    Challenge,
    ChangeBearer,
    Replay(bool),
    Write { to: String, text: String },
    SwitchOff,
}

/// What can be seen of a handset.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SeenHandset {
    /// It has access rights.
    pub subscribed: bool,
    /// The system knows where it is.
    pub located: bool,
    /// The radio that it listens to, and how loud it is, dBm.
    pub base: Option<(u8, i8)>,
    /// Its call.
    pub call: Option<CallState>,
    /// Who rings.
    pub ringing: Option<Ringing>,
    /// What the display shows.
    pub display: String,
    /// The last tone or alerting pattern.
    pub signal: Option<u8>,
    /// Whether its link is ciphered.
    pub ciphered: bool,
    /// New voice messages.
    pub messages: u8,
    /// Texts that came, the last ones.
    pub texts: Vec<String>,
    /// Texts of its own that were taken, and that were not.
    pub sent: (u32, u32),
    /// Frames of sound that were played in this call, and whose voice it was.
    pub hears: (u64, Option<Voice>),
    /// Pieces of sound in this call that had something above 4 kHz.
    pub hears_wide: u64,
    /// The call is in G.722.
    pub speaks_wide: bool,
    /// Handovers that succeeded and that did not, ever.
    pub handovers: (u32, u32),
    /// What the system sent that the standard does not allow.
    pub faults: Vec<String>,
}

/// A call as the user saw it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NativeReport {
    /// Who began.
    pub direction: Direction,
    /// Number that was dialled or shown.
    pub peer: String,
    /// Name that was shown.
    pub name: Option<String>,
    /// Whether it was answered.
    pub answered: bool,
    /// It rang there, or here.
    pub rang: bool,
    /// RELEASE-REASON that the system gave; none when it gave none or was lost.
    pub reason: Option<u8>,
    /// This user ended it.
    pub ended_here: bool,
    /// Handovers in it.
    pub handovers: u32,
    /// What was heard after the answer.
    pub heard: Heard,
}

/// A running handset. Dropping it is taking its battery out.
pub struct NativeHandset {
    acts: mpsc::Sender<Act>,
    seen: watch::Receiver<SeenHandset>,
    events: broadcast::Sender<Event>,
    reports: broadcast::Sender<NativeReport>,
    kept: watch::Receiver<Option<Subscription>>,
    calls: Arc<Mutex<Vec<LiveCall>>>,
    ipei: Ipei,
    voice: Voice,
    task: JoinHandle<()>,
}

impl NativeHandset {
    /// Switches it on.
    pub fn start(config: NativeConfig, radio: &Radio) -> Self {
        let (acts, done) = mpsc::channel(ACTS);
        let (show, seen) = watch::channel(SeenHandset::default());
        let (events, _) = broadcast::channel(BEHIND);
        let (reports, _) = broadcast::channel(BEHIND);
        let (keep, kept) = watch::channel(config.subscription.clone());
        let (ipei, voice) = (config.ipei, config.voice);
        let calls: Arc<Mutex<Vec<LiveCall>>> = Arc::default();
        let (told, ended) = (events.clone(), reports.clone());
        let outlets = task::Outlets { show, events: told, reports: ended, keep, calls: calls.clone() };
        let task = tokio::spawn(task::Holder::new(config, radio, outlets).live(done));
        Self { acts, seen, events, reports, kept, calls, ipei, voice, task }
    }

    /// Its serial number.
    pub const fn ipei(&self) -> Ipei {
        self.ipei
    }

    /// Whose voice speaks into it.
    pub const fn voice(&self) -> Voice {
        self.voice
    }

    /// What it looks like now.
    pub fn seen(&self) -> SeenHandset {
        self.seen.borrow().clone()
    }

    /// The access rights that it has; to be given to one that is switched on later.
    pub fn subscription(&self) -> Option<Subscription> {
        self.kept.borrow().clone()
    }

    /// Its calls so far, oldest first.
    pub fn calls(&self) -> Vec<LiveCall> {
        locked(&self.calls).clone()
    }

    /// What happens to it from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Calls that end from now on.
    pub fn reports(&self) -> broadcast::Receiver<NativeReport> {
        self.reports.subscribe()
    }

    /// Waits until it looks so.
    ///
    /// # Errors
    /// With what it looked like, when the time is over.
    pub async fn wait_for(
        &self,
        limit: Duration,
        is_so: impl FnMut(&SeenHandset) -> bool,
    ) -> Result<SeenHandset, SeenHandset> {
        let mut seen = self.seen.clone();
        match tokio::time::timeout(limit, seen.wait_for(is_so)).await {
            Ok(Ok(seen)) => Ok(seen.clone()),
            _ => Err(self.seen()),
        }
    }

    /// Enters the access code and waits for the access rights.
    ///
    /// # Errors
    /// With the system's REJECT-REASON, or nothing when it gave none in this time.
    pub async fn subscribe(&self, code: &str, limit: Duration) -> Result<(), Option<u8>> {
        let mut events = self.events();
        let code = dsaa2::access_code(code).ok_or(None)?;
        self.act(Act::Subscribe(code)).await.map_err(|_| None)?;
        let outcome = async {
            loop {
                match events.recv().await {
                    Ok(Event::Subscribed) => return Ok(()),
                    Ok(Event::NotSubscribed { reason }) => return Err(reason),
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Err(None),
                }
            }
        };
        tokio::time::timeout(limit, outcome).await.unwrap_or(Err(None))
    }

    /// Dials, and sees the call through; hangs up `talk` after the answer, or leaves that to the other end.
    ///
    /// # Errors
    /// When the handset lives no more, or the call has not ended in this time.
    pub async fn call(
        &self,
        number: &str,
        dialling: Dialling,
        talk: Option<Duration>,
        limit: Duration,
    ) -> Result<NativeReport, Failure> {
        let mut reports = self.reports();
        self.dial(number, dialling, talk).await?;
        let report = tokio::time::timeout(limit, reports.recv()).await;
        report
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| Failure::io(format!("calling {number}"), "no end of it"))
    }

    /// Dials, and leaves the rest to whoever looks at it.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn dial(&self, number: &str, how: Dialling, talk: Option<Duration>) -> Result<(), Failure> {
        self.act(Act::Dial { number: number.to_owned(), dialling: how, talk }).await
    }

    /// Presses keys, one message each: digits, `R` for register recall.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn press(&self, keys: &str) -> Result<(), Failure> {
        self.act(Act::Keys(keypad(keys))).await
    }

    /// Presses keys that go out in one message.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn press_at_once(&self, keys: &str) -> Result<(), Failure> {
        self.act(Act::KeysAtOnce(keypad(keys))).await
    }

    /// The green key, while it rings.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn answer(&self) -> Result<(), Failure> {
        self.act(Act::Answer).await
    }

    /// The red key.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn hang_up(&self) -> Result<(), Failure> {
        self.act(Act::OnHook).await
    }

    /// What its user does from now on when it rings.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn become_user(&self, user: User) -> Result<(), Failure> {
        self.act(Act::Become(user)).await
    }

    /// Walks along these places, so many metres a second.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn walk(&self, path: &[Place], speed: f64) -> Result<(), Failure> {
        self.act(Act::Walk { path: path.to_vec(), speed }).await
    }

    /// Tells the system where it is, unasked.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn locate(&self) -> Result<(), Failure> {
        self.act(Act::Locate).await
    }

    /// Asks its base for another bearer, in a call.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn change_bearer(&self) -> Result<(), Failure> {
        self.act(Act::ChangeBearer).await
    }

    async fn act(&self, act: Act) -> Result<(), Failure> {
        self.acts.send(act).await.map_err(|_| Failure::Stopped)
    }
}

impl Drop for NativeHandset {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keys as the keypad sends them.
fn keypad(keys: &str) -> Vec<u8> {
    // 15: register recall (EN 300 175-5, annex D).
    keys.bytes().map(|key| if key == b'R' { 0x15 } else { key }).collect()
}

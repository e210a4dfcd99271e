//! A call while it lasts, for whoever holds the phone: where it stands, what is heard, and the keys that end
//! or take it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::wishes::Wishes;
use super::{CallReport, Direction, Outcome, Phone};
use crate::ice::Found;
use crate::media::Stream;
use crate::media::numbers::Teller;
use crate::media::stream::Ears;
use crate::sip::Message;
use crate::sip::endpoint::locked;

/// Calls that a phone remembers, standing and ended.
const REMEMBERED: usize = 64;

/// Where a call stands at this end.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// INVITE is out, or has come in; nobody rings yet.
    Begun,
    /// Placed: the other end rings. Served: this phone rings.
    Ringing,
    /// Answered.
    Talking,
    /// Over; how it was.
    Ended(Box<CallReport>),
}

/// Longest location object that is kept, in octets.
const LONGEST_PLACE: usize = 16_384;

/// A key that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Take the call that rings.
    Answer,
    /// Refuse the call that rings, with this status.
    Refuse(u16),
    /// End it: CANCEL before the answer, BYE after it.
    HangUp,
}

/// See the module. Cheap to clone; all clones are one call.
#[derive(Clone)]
pub struct LiveCall(Arc<Shared>);

struct Shared {
    direction: Direction,
    peer: String,
    progress: watch::Sender<Progress>,
    key: watch::Sender<Option<Key>>,
    ears: Mutex<Option<Ears>>,
    teller: Mutex<Option<Teller>>,
    found: Mutex<Option<Found>>,
    shown: Mutex<String>,
    referred_by: Mutex<String>,
    conversation: Mutex<Option<String>>,
    /// The document of where it comes from.
    place: Mutex<Option<String>>,
    /// Why its CANCEL goes out.
    reason: Mutex<Option<&'static str>>,
    talking_since: Mutex<Option<Instant>>,
    wishes: Wishes,
}

impl LiveCall {
    /// A call as its phone shows it: for the one who emulates the phone.
    pub fn new(direction: Direction, peer: &str, progress: Progress) -> Self {
        Self(Arc::new(Shared {
            direction,
            peer: peer.to_owned(),
            progress: watch::Sender::new(progress),
            key: watch::Sender::new(None),
            ears: Mutex::default(),
            teller: Mutex::default(),
            found: Mutex::default(),
            shown: Mutex::default(),
            referred_by: Mutex::default(),
            conversation: Mutex::default(),
            place: Mutex::default(),
            reason: Mutex::default(),
            talking_since: Mutex::default(),
            wishes: Wishes::default(),
        }))
    }

    pub(super) fn wishes(&self) -> &Wishes {
        &self.0.wishes
    }

    /// Who began it.
    pub fn direction(&self) -> Direction {
        self.0.direction
    }

    /// User part of the other end, as dialled or as shown.
    pub fn peer(&self) -> &str {
        &self.0.peer
    }

    /// The name that its display shows for the other end; empty: none came.
    pub fn shown(&self) -> String {
        locked(&self.0.shown).clone()
    }

    /// Its display shows this name: for the one who emulates the phone.
    pub fn show(&self, name: &str) {
        name.clone_into(&mut locked(&self.0.shown));
    }

    /// Who has transferred it here (Referred-By, RFC 3892); empty: nobody.
    pub fn referred_by(&self) -> String {
        locked(&self.0.referred_by).clone()
    }

    /// Its INVITE says so: for the one who emulates the phone.
    pub fn refer_by(&self, referrer: &str) {
        referrer.clone_into(&mut locked(&self.0.referred_by));
    }

    /// The conversation that it belongs to, when it is told (`Ms-Conversation-ID`).
    pub fn conversation(&self) -> Option<String> {
        locked(&self.0.conversation).clone()
    }

    pub(super) fn belongs_to(&self, conversation: Option<&str>) {
        *locked(&self.0.conversation) = conversation.map(str::to_owned);
    }

    /// Where it comes from, when its INVITE brought a location object (PIDF-LO, RFC 6442): the whole document.
    pub fn place(&self) -> Option<String> {
        locked(&self.0.place).clone()
    }

    /// Keeps the location object of the INVITE, if its Geolocation points at one in the body.
    pub(super) fn comes_from(&self, invite: &Message) {
        let points = invite.header("Geolocation").is_some_and(|value| value.contains("cid:"));
        let body = String::from_utf8_lossy(&invite.body);
        let document = body.find("<presence").zip(body.find("</presence>"));
        let document = document.filter(|(begin, end)| points && begin < end && end - begin <= LONGEST_PLACE);
        *locked(&self.0.place) = document.map(|(begin, end)| body[begin..end].to_owned());
    }

    /// Where it stands, from now on.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.0.progress.subscribe()
    }

    /// Where it stands now.
    pub fn progress(&self) -> Progress {
        self.0.progress.borrow().clone()
    }

    /// How long it has been talked; none before the answer.
    pub fn talked(&self) -> Option<Duration> {
        locked(&self.0.talking_since).map(|since| since.elapsed())
    }

    /// Whether it is over.
    pub fn has_ended(&self) -> bool {
        matches!(*self.0.progress.borrow(), Progress::Ended(_))
    }

    /// What is heard; none for a phone without sound, and before the call has a port.
    pub fn ears(&self) -> Option<Ears> {
        locked(&self.0.ears).clone()
    }

    /// What ICE finds; none for a phone without it.
    pub fn found(&self) -> Option<Found> {
        locked(&self.0.found).clone()
    }

    /// Takes the call that rings here.
    pub fn answer(&self) {
        self.press(Key::Answer);
    }

    /// Refuses the call that rings here: 486 of a user who does not want to, 300 to 699.
    pub fn refuse(&self, code: u16) {
        self.press(Key::Refuse(code));
    }

    /// Ends it: CANCEL of a placed call before its answer, BYE after it; a call that rings here is refused
    /// with 486.
    pub fn hang_up(&self) {
        self.press(Key::HangUp);
    }

    /// The same, because somebody else has answered: CANCEL says so (RFC 3326).
    pub fn hang_up_answered_elsewhere(&self) {
        *locked(&self.0.reason) = Some("SIP;cause=200;text=\"Call completed elsewhere\"");
        self.hang_up();
    }

    pub(super) fn reason(&self) -> Option<&'static str> {
        *locked(&self.0.reason)
    }

    fn press(&self, key: Key) {
        self.0.key.send_replace(Some(key));
    }

    /// Waits for a key that `fits`; for ever when none comes.
    pub async fn pressed(&self, fits: impl Fn(Key) -> bool) -> Key {
        let mut keys = self.0.key.subscribe();
        match keys.wait_for(|key| key.is_some_and(&fits)).await.map(|key| *key) {
            Ok(Some(key)) => key,
            _ => std::future::pending().await,
        }
    }

    /// It stands so from now on: for the one who emulates the phone.
    pub fn stands(&self, progress: Progress) {
        if progress == Progress::Talking {
            locked(&self.0.talking_since).get_or_insert_with(Instant::now);
        }
        self.0.progress.send_replace(progress);
    }

    /// Its stream is this: for the one who emulates the phone.
    pub fn listen_with(&self, stream: Option<&Stream>) {
        self.hear_with(stream.map(Stream::ears));
        self.tell_with(stream.map(Stream::teller));
        *locked(&self.0.found) = stream.and_then(Stream::found);
    }

    /// What it is heard with: for the one who emulates the phone.
    pub fn hear_with(&self, ears: Option<Ears>) {
        *locked(&self.0.ears) = ears;
    }

    /// What makes its user say numbers; none for a phone without sound.
    pub fn teller(&self) -> Option<Teller> {
        locked(&self.0.teller).clone()
    }

    /// Its user says numbers with this: for the one who emulates the phone.
    pub fn tell_with(&self, teller: Option<Teller>) {
        *locked(&self.0.teller) = teller;
    }
}

/// The calls of one phone, oldest first.
#[derive(Default)]
pub(super) struct Calls {
    calls: VecDeque<LiveCall>,
    forgotten: usize,
}

impl Phone {
    /// How many calls began at this phone so far: the number of the next one.
    pub fn calls_begun(&self) -> usize {
        let calls = locked(&self.0.calls);
        calls.forgotten + calls.calls.len()
    }

    /// The calls that it remembers from the one with this number on, oldest first.
    pub fn calls_since(&self, first: usize) -> Vec<LiveCall> {
        let calls = locked(&self.0.calls);
        calls.calls.iter().skip(first.saturating_sub(calls.forgotten)).cloned().collect()
    }

    /// A call begins.
    pub(super) fn begin(&self, direction: Direction, peer: &str) -> LiveCall {
        self.remember(LiveCall::new(direction, peer, Progress::Begun))
    }

    /// A call that ended before it began.
    pub(super) fn never_began(&self, report: &CallReport) {
        let ended = Progress::Ended(Box::new(report.clone()));
        self.remember(LiveCall::new(report.direction, &report.peer, ended));
    }

    fn remember(&self, call: LiveCall) -> LiveCall {
        let mut calls = locked(&self.0.calls);
        if calls.calls.len() >= REMEMBERED {
            calls.calls.pop_front();
            calls.forgotten += 1;
        }
        calls.calls.push_back(call.clone());
        self.0.newest.send_replace(Some(call.clone()));
        call
    }

    /// The newest call; waits for the first one.
    pub async fn newest_call(&self) -> LiveCall {
        let mut newest = self.0.newest.subscribe();
        match newest.wait_for(Option::is_some).await.map(|call| call.clone()) {
            Ok(Some(call)) => call,
            _ => std::future::pending().await,
        }
    }
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Begun => f.write_str("has begun, nobody rings"),
            Self::Ringing => f.write_str("rings"),
            Self::Talking => f.write_str("talks"),
            Self::Ended(report) => match &report.outcome {
                Outcome::Answered => write!(f, "was answered and ended ({:?})", report.ended),
                Outcome::Refused { code } => write!(f, "was refused with {code}"),
                Outcome::Cancelled => f.write_str("was cancelled"),
                Outcome::NoResponse => f.write_str("got no response"),
                Outcome::Failed { why } => write!(f, "failed: {why}"),
            },
        }
    }
}

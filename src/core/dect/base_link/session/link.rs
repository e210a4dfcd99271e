//! The connection that lives: numbers, pings, requests without an answer, and how much it may say.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bucket::Bucket;
use super::words::{LinkNo, Output, Refusal, Request};
use crate::dect::base_link::direction::ToBase;
use crate::dect::base_link::frame::MessageType;
use crate::dect::base_link::word::Ping;
use crate::timer::Moment;

/// Most requests without an answer.
pub const MOST_ASKED: usize = 256;
/// Frames a base station may send at once, and then one a millisecond: twelve calls need a tenth of it.
const FRAMES: (u32, Duration) = (2000, Duration::from_millis(1));
/// Bad frames it may send at once, and then one in six seconds.
const FAULTS: (u32, Duration) = (20, Duration::from_secs(6));
/// Connections it may announce at once, and then ten a second.
const ANNOUNCEMENTS: (u32, Duration) = (48, Duration::from_millis(100));

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) kind: MessageType,
    due: Moment,
}

/// The live connection of a base station.
#[derive(Debug)]
pub(super) struct Up {
    pub(super) no: LinkNo,
    seq: u32,
    /// PINGs since something was heard.
    unanswered: u8,
    pinged: Moment,
    asked: BTreeMap<u32, Asked>,
    pub(super) frames: Bucket,
    pub(super) faults: Bucket,
    pub(super) announcements: Bucket,
}

impl Up {
    pub(super) fn new(no: LinkNo, now: Moment) -> Self {
        let bucket = |(burst, every)| Bucket::new(burst, every);
        Self {
            no,
            seq: 0,
            unanswered: 0,
            pinged: now,
            asked: BTreeMap::new(),
            frames: bucket(FRAMES),
            faults: bucket(FAULTS),
            announcements: bucket(ANNOUNCEMENTS),
        }
    }

    /// "seq per sender, starts 1".
    pub(super) fn say(&mut self, word: impl Into<ToBase>) -> Output {
        self.seq = self.seq.wrapping_add(1).max(1);
        Output::Send { link: self.no, seq: self.seq, word: word.into() }
    }

    /// Says a word that is answered.
    pub(super) fn ask(&mut self, request: Request, word: ToBase, now: Moment) -> Result<Output, Refusal> {
        if self.asked.len() >= MOST_ASKED {
            return Err(Refusal::Full);
        }
        let (kind, due) = (word.message_type(), now + word.time_out());
        let said = self.say(word);
        self.asked.insert(self.seq, Asked { request, kind, due });
        Ok(said)
    }

    pub(super) fn ping(&mut self, now: Moment) -> Output {
        self.unanswered = self.unanswered.saturating_add(1);
        self.pinged = now;
        self.say(Ping { timestamp: now.as_micros() })
    }

    pub(super) fn heard(&mut self) {
        self.unanswered = 0;
    }

    /// Whether it has missed two pings, the second by a second.
    pub(super) fn is_silent(&self, now: Moment) -> bool {
        self.unanswered >= 2 && now.since(self.pinged) >= Duration::from_secs(1)
    }

    /// The request of that number, if it waits; `kind` is the type of the answer, when it has one.
    pub(super) fn answered(&mut self, seq: u32, kind: Option<MessageType>) -> Option<Request> {
        let right = |asked: &Asked| kind.is_none_or(|kind| kind == asked.kind);
        self.asked.get(&seq).filter(|asked| right(asked))?;
        self.asked.remove(&seq).map(|asked| asked.request)
    }

    /// Requests whose time has passed.
    pub(super) fn expired(&mut self, now: Moment) -> Vec<Request> {
        self.asked.extract_if(.., |_, asked| asked.due <= now).map(|(_, asked)| asked.request).collect()
    }

    /// When the next request's time passes.
    pub(super) fn due(&self) -> Option<Moment> {
        self.asked.values().map(|asked| asked.due).min()
    }

    /// All requests without an answer: the link is lost.
    pub(super) fn into_asked(self) -> impl Iterator<Item = Request> {
        self.asked.into_values().map(|asked| asked.request)
    }
}

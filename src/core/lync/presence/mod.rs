//! The presence of one handset, as a front end is told it ([MS-PRES]).
//!
//! ```text
//!             used, call ended              5 min             5 more
//!   Silent ──────────────────► Available ─────────► Inactive ───────► Away
//!     ▲   ready                    ▲                    │ used          │
//!     └── signed out               └────────────────────┴───────────────┘
//!   beside it: In a call from dialling or answering to the end of the last call;
//!              Do not disturb, and Offline when out of range, by settings
//! ```
//!
//! What should stand at the server follows from the facts; what does is known from its answers; the
//! difference is published, one SERVICE at a time, so that changes meanwhile go together in the next.
//! Nothing is published before roaming-self has told the versions. A 409 says which versions are out of
//! date: they are taken over and the same is sent once more. It fails in two ways: **refused**, which
//! is put into words and tried again after a while; **silence**, the same.
//!
//! The state of the machine is published at most three times in three minutes, as Lync does itself; calls
//! are told at once.

mod category;
mod publication;
mod standing;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use crate::machine::{Machine, Ready};
use crate::sip::wire::Message;
use crate::timer::{Moment, TimerTable};

use super::diagnostics;
use super::endpoint::Instance;
use super::roaming::Roaming;

use standing::{Sent, Session};

pub use category::{Activity, Availability, Instances, StateKind, device, note, state};
pub use publication::{
    CONTENT_TYPE, Conflict, Expiry, Place, Publication, Versions, conflicts, document, recover,
};

/// Containers that the server's aggregation reads: 2 for those who see all, 3 for the rest.
const CONTAINERS: [u32; 2] = [2, 3];
/// Most publications of the machine's state within [`QUOTA_TIME`].
const QUOTA: usize = 3;
const QUOTA_TIME: Duration = Duration::from_secs(180);
/// The wait after a refusal or silence.
const RETRY: Duration = Duration::from_secs(120);
/// What a person must do for a user whose presence was never set up.
pub const BOOTSTRAP: &str = "presence of this user is not set up yet: sign in once with a desktop client, or run the \
    presence bootstrapper (KB2737277)";

/// Settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresenceTimes {
    /// Available for so long after the last use.
    pub inactive_after: Duration,
    /// And then Inactive for so long.
    pub away_after: Duration,
}

impl Default for PresenceTimes {
    /// Five minutes each, as the guide has it.
    fn default() -> Self {
        Self { inactive_after: Duration::from_secs(300), away_after: Duration::from_secs(300) }
    }
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceInput {
    /// Signed in and roaming-self answered: publishing can begin.
    Ready {
        /// GRUU that the front end told.
        gruu: String,
        /// What roaming-self told.
        roaming: Box<Roaming>,
    },
    /// Another notification of roaming-self.
    Roaming(Box<Roaming>),
    /// Not signed in any longer: the server has dropped what the endpoint published.
    SignedOut,
    /// The user has touched the handset.
    Used,
    /// How many calls there are, from dialling or answering to the end.
    Calls(usize),
    /// Do not disturb, set at the handset; none leaves it to the desktop.
    DoNotDisturb(bool),
    /// Out of range of every base station, where the setting wants that shown as Offline.
    OutOfRange(bool),
    /// The answer to the SERVICE under way.
    Answered(Message),
    /// No answer came, or it could not be sent.
    Failed,
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceOutput {
    /// Send a SERVICE to the user's own address with this body, of type [`CONTENT_TYPE`].
    Publish {
        /// The document.
        body: String,
    },
    /// Presence does not work, in words for people; none when it works again.
    Trouble(Option<String>),
}

/// Why an input is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresenceRefusal {
    /// No SERVICE is under way.
    #[error("an answer, though nothing was published")]
    NothingAsked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// From Available to Inactive, or on to Away.
    Idle,
    /// The quota allows another publication.
    Quota,
    /// After a failure.
    Retry,
}

/// The presence of one handset.
#[derive(Debug)]
pub struct Presence {
    aor: String,
    instance: Instance,
    times: PresenceTimes,
    shown: Availability,
    calls: usize,
    do_not_disturb: bool,
    out_of_range: bool,
    timers: TimerTable<Timer>,
    /// When the machine's state was published lately.
    spent: VecDeque<Moment>,
    session: Option<Session>,
    trouble: Option<String>,
}

impl Presence {
    /// Of an endpoint. Nothing is said before [`PresenceInput::Ready`].
    pub fn new(aor: &str, instance: Instance, times: PresenceTimes) -> Self {
        Self {
            aor: aor.to_owned(),
            instance,
            times,
            // Nobody has touched it yet: "by default … Away", says the guide.
            shown: Availability::Away,
            calls: 0,
            do_not_disturb: false,
            out_of_range: false,
            timers: TimerTable::default(),
            spent: VecDeque::new(),
            session: None,
            trouble: None,
        }
    }

    /// How the handset is shown, calls first.
    pub fn shown(&self) -> Availability {
        match () {
            () if self.calls > 0 => Availability::Busy,
            () if self.do_not_disturb => Availability::DoNotDisturb,
            () => self.machine_state(),
        }
    }

    fn machine_state(&self) -> Availability {
        match self.out_of_range {
            true => Availability::Offline,
            false => self.shown,
        }
    }

    fn used(&mut self, now: Moment) {
        self.shown = Availability::Available;
        self.timers.set(Timer::Idle, now + self.times.inactive_after);
    }

    /// A call that only rings here is no use of the handset, and none that has ended elsewhere.
    fn calls(&mut self, calls: usize, now: Moment) {
        if std::mem::replace(&mut self.calls, calls) == calls {
            return;
        }
        self.used(now);
        if calls > 0 {
            // Available as long as the call lasts; the five minutes begin at its end.
            self.timers.stop(Timer::Idle);
        }
    }

    fn begin(&mut self, gruu: String, roaming: Roaming) -> Vec<PresenceOutput> {
        let hint = (roaming.has_containers == Some(false)).then(|| BOOTSTRAP.to_owned());
        self.session = Some(Session { gruu, versions: roaming.versions, published: Vec::new(), sent: None });
        self.timers.stop(Timer::Retry);
        self.set_trouble(hint)
    }

    fn end(&mut self) {
        self.session = None;
        self.timers.stop(Timer::Retry);
        self.timers.stop(Timer::Quota);
    }

    fn idle(&mut self, now: Moment) {
        match self.shown {
            Availability::Available => {
                self.shown = Availability::Inactive;
                self.timers.set(Timer::Idle, now + self.times.away_after);
            }
            _ => self.shown = Availability::Away,
        }
    }

    fn expired(&mut self, now: Moment) {
        while let Some(timer) = self.timers.pop_expired(now) {
            match timer {
                Timer::Idle => self.idle(now),
                // Both only let the next look publish.
                Timer::Quota | Timer::Retry => {}
            }
        }
    }

    fn answered(&mut self, answer: &Message, now: Moment) -> Result<Vec<PresenceOutput>, PresenceRefusal> {
        let session = self.session.as_mut().ok_or(PresenceRefusal::NothingAsked)?;
        let status = answer.status().unwrap_or(500);
        if status < 200 {
            return Ok(Vec::new());
        }
        let Sent { publications, again } = session.sent.take().ok_or(PresenceRefusal::NothingAsked)?;
        match status {
            200..=299 => {
                session.accepted(publications, answer);
                Ok(self.set_trouble(None))
            }
            409 if !again && session.recover(&publications, answer) => {
                let body = document(&self.aor, &publications, &session.versions);
                session.sent = Some(Sent { publications, again: true });
                Ok(vec![PresenceOutput::Publish { body }])
            }
            _ => {
                let words = diagnostics::words_of(answer).unwrap_or_default();
                let words = format!("the front end refuses presence: {status} {} {words}", answer.reason());
                Ok(self.failed(words.trim().to_owned(), now))
            }
        }
    }

    fn failed(&mut self, words: String, now: Moment) -> Vec<PresenceOutput> {
        if let Some(session) = &mut self.session {
            session.sent = None;
            self.timers.set(Timer::Retry, now + RETRY);
        }
        self.set_trouble(Some(words))
    }

    fn set_trouble(&mut self, trouble: Option<String>) -> Vec<PresenceOutput> {
        let changed = trouble != self.trouble;
        self.trouble = trouble.clone();
        changed.then_some(PresenceOutput::Trouble(trouble)).into_iter().collect()
    }

    /// Publishes what differs from what stands, unless something is under way.
    fn publish(&mut self, now: Moment) -> Option<PresenceOutput> {
        if self.timers.runs(Timer::Retry) {
            return None;
        }
        let wanted = self.wanted()?;
        let session = self.session.as_ref().filter(|session| session.sent.is_none())?;
        let mut publications = session.difference(&wanted);
        let machine = Instances::of(&self.aor, &session.gruu).machine;
        let is_machine = |publication: &Publication| publication.place.instance == machine;
        if publications.iter().any(is_machine) && !self.spend(now) {
            publications.retain(|publication| !is_machine(publication));
        }
        let session = self.session.as_mut().filter(|_| !publications.is_empty())?;
        let body = document(&self.aor, &publications, &session.versions);
        session.sent = Some(Sent { publications, again: false });
        Some(PresenceOutput::Publish { body })
    }

    /// Takes one from the quota, or sets the timer for when there is one.
    fn spend(&mut self, now: Moment) -> bool {
        while self.spent.front().is_some_and(|oldest| *oldest + QUOTA_TIME <= now) {
            self.spent.pop_front();
        }
        match self.spent.front() {
            Some(oldest) if self.spent.len() >= QUOTA => {
                self.timers.set(Timer::Quota, *oldest + QUOTA_TIME);
                false
            }
            _ => {
                self.spent.push_back(now);
                true
            }
        }
    }

    fn take(&mut self, input: PresenceInput, now: Moment) -> Result<Vec<PresenceOutput>, PresenceRefusal> {
        match input {
            PresenceInput::Ready { gruu, roaming } => return Ok(self.begin(gruu, *roaming)),
            PresenceInput::Roaming(roaming) => {
                if let Some(session) = &mut self.session {
                    session.versions.merge(roaming.versions);
                }
            }
            PresenceInput::SignedOut => self.end(),
            PresenceInput::Used if self.calls > 0 => {}
            PresenceInput::Used => self.used(now),
            PresenceInput::Calls(calls) => self.calls(calls, now),
            PresenceInput::DoNotDisturb(on) => self.do_not_disturb = on,
            PresenceInput::OutOfRange(out) => self.out_of_range = out,
            PresenceInput::Answered(answer) => return self.answered(&answer, now),
            PresenceInput::Failed => {
                let asked = self.session.as_ref().is_some_and(|session| session.sent.is_some());
                let words = "the front end does not answer a publication of presence";
                return asked.then(|| self.failed(words.into(), now)).ok_or(PresenceRefusal::NothingAsked);
            }
            PresenceInput::Deadline => self.expired(now),
        }
        Ok(Vec::new())
    }
}

impl Machine for Presence {
    type Input = PresenceInput;
    /// Nothing outlives a restart: the endpoint signs in anew and the server tells the versions.
    type Save = std::convert::Infallible;
    type Output = PresenceOutput;
    type Refusal = PresenceRefusal;

    fn handle(&mut self, input: PresenceInput, now: Moment) -> Result<Effects, PresenceRefusal> {
        let mut then = self.take(input, now)?;
        then.extend(self.publish(now));
        Ok(Ready::say(then))
    }

    fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }
}

type Effects = Ready<std::convert::Infallible, PresenceOutput>;

//! How a handset comes over. One machine for one handover; the channel at the new base station is held when
//! it begins.

use std::time::Duration;

use crate::dect::base_link::code::{ErrorCode, HandoverFailure, HandoverKind, ReleaseReason};
use crate::dect::base_link::value::{ConnId, DlcState};
use crate::dect::base_link::word::{HoComplete, HoPrepare, HoPrepared};
use crate::id::BaseStationId;
use crate::machine::{Machine, Ready};
use crate::timer::Moment;

/// "Budget: HO_IND to CONN_RELEASE <= 150 ms (T203 160 ms); otherwise count `ho_slow`."
pub const BUDGET: Duration = Duration::from_millis(150);
/// How long the old base station has for DLC_STATE: beyond it the handset has a bearer without a link.
pub const PREPARE: Duration = Duration::from_millis(500);
/// How long a handset has in all. One whose old bearer is gone sets its link up anew, "within 10 s".
pub const GIVE_UP: Duration = Duration::from_secs(3);
/// The same for one whose old bearer is gone.
pub const GIVE_UP_INVOLUNTARY: Duration = Duration::from_secs(10);

/// A connection at a base station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// Where.
    pub base: BaseStationId,
    /// Which.
    pub conn: ConnId,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It begins.
    Start,
    /// The old base station answered HO_PREPARE.
    Prepared(Result<HoPrepared, ErrorCode>),
    /// The new one says that the handset is there.
    Completed(HoComplete),
    /// The new one says that it is ciphered.
    Encrypted,
    /// The new one says that it did not come.
    Failed(Option<HandoverFailure>),
    /// The old connection is gone.
    OldGone,
    /// The new connection is gone, or its base station.
    NewGone,
    /// Its speech is at the new one, or there is none to follow.
    Followed,
    /// What lived on the old connection has ended.
    Cancel,
    /// The deadline has come.
    Deadline,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// HO_PREPARE to the old base station.
    Prepare(At, HoPrepare),
    /// HO_ACCEPT to the new one, with this state of the data link, and key and media of the handset.
    Accept(At, Option<DlcState>),
    /// The handset is at the new one: its link is there from now on, and its speech is to follow. Answer with
    /// [`Input::Followed`]; until then the old base station has it.
    Switch,
    /// CONN_RELEASE to a base station.
    Release(At, ReleaseReason),
    /// Give the channel at the old base station back.
    FreeOld,
    /// Give the channel at the new base station back.
    FreeNew,
    /// It is over.
    Ended(Ended),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The handset is at the new base station.
    Done {
        /// From HO_IND to CONN_RELEASE.
        took: Duration,
        /// More than [`BUDGET`].
        slow: bool,
    },
    /// It is at the old one, as before.
    Stayed,
    /// It is nowhere: the call ends.
    Lost,
    /// It was not wanted any more.
    Cancelled,
}

/// Why an input is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the handover is over")]
pub struct Over;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Preparing,
    Accepted,
    /// The link has moved; the speech follows.
    Switched,
    Over,
}

/// One handover.
#[derive(Debug)]
pub struct Handover {
    kind: HandoverKind,
    old: Option<At>,
    new: At,
    /// The link is ciphered, and has to be at the new base station before it moves.
    needs_cipher: bool,
    state: State,
    begun: Moment,
    due: Moment,
    completed: bool,
    encrypted: bool,
}

type Out = Vec<Output>;

impl Handover {
    /// From `old`, when it is still there, to `new`; `begun` is the moment of HO_IND.
    pub fn new(kind: HandoverKind, old: Option<At>, new: At, needs_cipher: bool, begun: Moment) -> Self {
        let kind = if old.is_none() { HandoverKind::Involuntary } else { kind };
        Self {
            kind,
            old,
            new,
            needs_cipher,
            state: State::Fresh,
            begun,
            due: begun + GIVE_UP,
            completed: false,
            encrypted: false,
        }
    }

    /// Where it goes.
    pub fn new_place(&self) -> &At {
        &self.new
    }

    /// Whence it comes, while that is there.
    pub fn old_place(&self) -> Option<&At> {
        self.old.as_ref()
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    fn start(&mut self, out: &mut Out) {
        match (&self.old, self.kind) {
            // "Old base gone: KIND=3, skip HO_PREPARE".
            (_, HandoverKind::Involuntary) | (None, _) => self.accept(None, out),
            (Some(old), kind) => {
                self.state = State::Preparing;
                self.due = self.begun + PREPARE;
                let prepare = HoPrepare { conn: old.conn, kind: Some(kind) };
                out.push(Output::Prepare(old.clone(), prepare));
            }
        }
    }

    fn accept(&mut self, dlc_state: Option<DlcState>, out: &mut Out) {
        let involuntary = self.kind == HandoverKind::Involuntary;
        self.state = State::Accepted;
        self.due = self.begun + if involuntary { GIVE_UP_INVOLUNTARY } else { GIVE_UP };
        out.push(Output::Accept(self.new.clone(), dlc_state));
    }

    /// "If ciphered: new base must report CIPHER_STATE=encrypted before the switch moves the link".
    fn arrive(&mut self, out: &mut Out) {
        if !self.completed || self.needs_cipher && !self.encrypted {
            return;
        }
        self.state = State::Switched;
        out.push(Output::Switch);
    }

    /// Make before break: the old bearer goes once speech runs over the new one, or cannot any more.
    fn finish(&mut self, now: Moment, out: &mut Out) {
        self.state = State::Over;
        if let Some(old) = self.old.take() {
            out.push(Output::Release(old, ReleaseReason::HANDOVER));
        }
        out.push(Output::FreeOld);
        let took = now.since(self.begun);
        out.push(Output::Ended(Ended::Done { took, slow: took > BUDGET }));
    }

    /// It did not come; `tell` when the new base station does not know yet.
    fn fail(&mut self, tell: bool, out: &mut Out) {
        self.state = State::Over;
        if tell {
            out.push(Output::Release(self.new.clone(), ReleaseReason::ABNORMAL));
        }
        out.push(Output::FreeNew);
        match self.old {
            Some(_) => out.push(Output::Ended(Ended::Stayed)),
            None => out.extend([Output::FreeOld, Output::Ended(Ended::Lost)]),
        }
    }
}

impl Machine for Handover {
    type Input = Input;
    type Save = std::convert::Infallible;
    type Output = Output;
    type Refusal = Over;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Ready<Self::Save, Output>, Over> {
        let mut out = Out::new();
        match (input, self.state) {
            (_, State::Over) => return Err(Over),
            (Input::Start, State::Fresh) => self.start(&mut out),
            (Input::Prepared(Ok(prepared)), State::Preparing) => self.accept(prepared.dlc_state, &mut out),
            // An old base station that cannot say is as good as gone: the handset sets its link up anew.
            (Input::Prepared(Err(_)), State::Preparing) => self.accept(None, &mut out),
            (Input::Completed(_), State::Accepted) => {
                self.completed = true;
                self.arrive(&mut out);
            }
            (Input::Encrypted, State::Accepted) => {
                self.encrypted = true;
                self.arrive(&mut out);
            }
            (Input::Followed | Input::NewGone | Input::Cancel, State::Switched) => self.finish(now, &mut out),
            (Input::OldGone, State::Switched) => self.old = None,
            (Input::Deadline, State::Switched) if now >= self.due => self.finish(now, &mut out),
            (Input::Failed(_), State::Switched) => {}
            (Input::Failed(_) | Input::NewGone, _) => self.fail(false, &mut out),
            (Input::OldGone, state) => {
                self.old = None;
                self.kind = HandoverKind::Involuntary;
                match state {
                    State::Preparing => self.accept(None, &mut out),
                    _ => self.due = self.begun + GIVE_UP_INVOLUNTARY,
                }
            }
            (Input::Cancel, _) => {
                self.state = State::Over;
                out.push(Output::Release(self.new.clone(), ReleaseReason::NORMAL));
                out.extend([Output::FreeNew, Output::Ended(Ended::Cancelled)]);
            }
            (Input::Deadline, _) if now < self.due => {}
            (Input::Deadline, State::Preparing) => self.accept(None, &mut out),
            (Input::Deadline, _) => self.fail(true, &mut out),
            (
                Input::Start | Input::Prepared(_) | Input::Completed(_) | Input::Encrypted | Input::Followed,
                _,
            ) => {}
        }
        Ok(Ready::say(out))
    }

    fn deadline(&self) -> Option<Moment> {
        (self.state != State::Over).then_some(self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_micros(1_000_000_000 + millis * 1000)
    }

    fn place(base: &str, conn: u16) -> At {
        At { base: BaseStationId(base.into()), conn: ConnId(conn) }
    }

    fn handover(needs_cipher: bool) -> Handover {
        let (old, new) = (place("old", 1), place("new", 2));
        let mut handover = Handover::new(HandoverKind::Connection, Some(old), new, needs_cipher, at(0));
        let prepare = HoPrepare { conn: ConnId(1), kind: Some(HandoverKind::Connection) };
        assert_eq!(step(&mut handover, Input::Start, 0), [Output::Prepare(place("old", 1), prepare)]);
        handover
    }

    #[track_caller]
    fn step(handover: &mut Handover, input: Input, millis: u64) -> Vec<Output> {
        handover.handle(input, at(millis)).unwrap().then
    }

    fn prepared() -> (Input, DlcState) {
        let state = DlcState::new(vec![1, 2, 3]).unwrap();
        (Input::Prepared(Ok(HoPrepared { dlc_state: Some(state.clone()), frame_no: None })), state)
    }

    fn completed() -> Input {
        Input::Completed(HoComplete { new_conn: ConnId(2), elapsed_ms: None, local: None })
    }

    fn arrived(took: u64) -> [Output; 3] {
        let took = Duration::from_millis(took);
        [
            Output::Release(place("old", 1), ReleaseReason::HANDOVER),
            Output::FreeOld,
            Output::Ended(Ended::Done { took, slow: took > BUDGET }),
        ]
    }

    #[test]
    fn the_new_bearer_is_made_before_the_old_one_breaks() {
        let mut handover = handover(false);
        let (input, state) = prepared();
        assert_eq!(step(&mut handover, input, 20), [Output::Accept(place("new", 2), Some(state))]);
        assert_eq!(step(&mut handover, completed(), 140), [Output::Switch], "the old one is still there");
        assert_eq!(step(&mut handover, Input::Followed, 150), arrived(150));
        assert!(handover.is_over() && handover.deadline().is_none());
        assert_eq!(handover.handle(completed(), at(151)), Err(Over));
    }

    #[test]
    fn more_than_the_budget_is_slow() {
        let mut handover = handover(false);
        step(&mut handover, prepared().0, 20);
        step(&mut handover, completed(), 151);
        let out = step(&mut handover, Input::Followed, 151);
        assert_eq!(out, arrived(151));
        assert!(matches!(out[2], Output::Ended(Ended::Done { slow: true, .. })));
    }

    #[test]
    fn an_old_bearer_whose_speech_does_not_follow_goes_all_the_same() {
        for input in [Input::Deadline, Input::NewGone, Input::Cancel] {
            let mut handover = handover(false);
            step(&mut handover, prepared().0, 20);
            step(&mut handover, completed(), 90);
            assert_eq!(step(&mut handover, Input::Deadline, 2_999), []);
            assert_eq!(step(&mut handover, input, 3_000), arrived(3_000));
        }
    }

    #[test]
    fn a_ciphered_link_moves_once_the_new_one_is_ciphered_in_either_order() {
        for first in [true, false] {
            let mut handover = handover(true);
            step(&mut handover, prepared().0, 20);
            let (one, other) =
                if first { (completed(), Input::Encrypted) } else { (Input::Encrypted, completed()) };
            assert_eq!(step(&mut handover, one, 60), []);
            assert_eq!(step(&mut handover, other, 80), [Output::Switch]);
            assert_eq!(step(&mut handover, Input::Followed, 81), arrived(81));
        }
    }

    #[test]
    fn a_handset_that_does_not_come_stays_where_it_was() {
        let stayed = [Output::FreeNew, Output::Ended(Ended::Stayed)];
        for input in [Input::Failed(Some(HandoverFailure::LOST)), Input::NewGone] {
            let mut handover = handover(false);
            step(&mut handover, prepared().0, 20);
            assert_eq!(step(&mut handover, input, 90), stayed);
        }
        let mut handover = handover(false);
        step(&mut handover, prepared().0, 20);
        assert_eq!(step(&mut handover, Input::Deadline, 2999), []);
        let out = step(&mut handover, Input::Deadline, 3000);
        assert_eq!(out[0], Output::Release(place("new", 2), ReleaseReason::ABNORMAL));
        assert_eq!(out[1..], stayed);
    }

    #[test]
    fn an_old_base_station_that_says_nothing_is_not_waited_for() {
        let mut handover = handover(false);
        assert_eq!(handover.deadline(), Some(at(500)));
        let accepted = [Output::Accept(place("new", 2), None)];
        assert_eq!(step(&mut handover, Input::Deadline, 500), accepted);
        let mut refused = self::handover(false);
        assert_eq!(step(&mut refused, Input::Prepared(Err(ErrorCode::NO_SUCH_CONN)), 5), accepted);
        assert_eq!(step(&mut refused, prepared().0, 9), [], "too late");
    }

    #[test]
    fn a_handset_whose_old_base_station_is_gone_has_ten_seconds() {
        let mut handover = Handover::new(HandoverKind::Connection, None, place("new", 2), false, at(0));
        assert_eq!(step(&mut handover, Input::Start, 0), [Output::Accept(place("new", 2), None)]);
        assert_eq!(handover.deadline(), Some(at(10_000)));
        let out = step(&mut handover, Input::Deadline, 10_000);
        assert_eq!(out[1..], [Output::FreeNew, Output::FreeOld, Output::Ended(Ended::Lost)]);
        // The same when it goes meanwhile.
        let mut handover = self::handover(false);
        assert_eq!(step(&mut handover, Input::OldGone, 5), [Output::Accept(place("new", 2), None)]);
        assert_eq!(step(&mut handover, completed(), 100), [Output::Switch]);
        let out = step(&mut handover, Input::Followed, 110);
        assert_eq!(out[0], Output::FreeOld, "nobody is left to be told");
    }

    #[test]
    fn a_call_that_ends_meanwhile_ends_the_handover() {
        let mut handover = handover(false);
        let out = step(&mut handover, Input::Cancel, 5);
        let release = Output::Release(place("new", 2), ReleaseReason::NORMAL);
        assert_eq!(out, [release, Output::FreeNew, Output::Ended(Ended::Cancelled)]);
    }
}

//! The call of a handset on a native base station, and the lines that share it: where DECT and SIP meet.
//!
//! ```text
//!  portable::CallNews ──►┌─────────┐──LegNews of a line──► the call of that line
//!  base link's answers ─►│ DectLeg │──portable::Order────► handset
//!  LegOrder of a line ──►└─────────┘──Stream─────────────► base station (MEDIA_OPEN, MEDIA_MODIFY, MEDIA_CLOSE)
//! ```
//!
//! *Terminology.* The **call on the air** is the one that the handset has by EN 300 175-5: one connection, one
//! stream. A **line** is a call of the switch that the handset takes part in. Usually there is one; a second
//! one is begun with the R key or knocks from outside. The line **in front** is the one that is heard.
//!
//! Towards its call a line is a leg like any other: it makes offers and answers, on behalf of the base
//! station, whose address, codecs and keys stand in them. The base station is opened a stream as soon as the
//! handset is on a connection, at first without direction; its address goes into the offers and answers of
//! every line, and what was agreed on with the line in front goes to it as a change of that stream.
//!
//! A handset that calls: [`Beginning::Asked`] → stream → [`Output::Begin`] with the offer → the call tells
//! progress and accepts. A handset that is called: [`Beginning::Dialled`] → page → stream → answer kept
//! → alerting (180) → answered (2xx with the answer). What the keypad does then is in `keys`, what becomes of
//! two lines in `parallel`.
//!
//! After a handover the stream is elsewhere; the line in front proposes the new address as a re-INVITE would
//! ([`LegNews::Reoffered`]), the call answers, and the far end hears nothing of it.
//!
//! It fails when the base station has no channel (the handset hears the congestion tone and reason 33),
//! when nothing of an offer fits (488), and when the handset is out of reach. After [`LegNews::Closed`] a line
//! says nothing more.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::cause::Cause;
use super::leg::{LegNews, LegOrder};
use super::menu::{Catalogue, Topic};
use crate::dect::cc::Ender;
use crate::dect::element::ReleaseReason;
use crate::dect::portable::{self, CallNews, CallNo, Connection, Fare};
use crate::id::{OwnerId, Tokens};
use crate::machine::{Machine, Ready};
use crate::media::negotiate::{LocalMedia, OfferAnswer};
use crate::pii::Pii;
use crate::sip::invite::Body;
use crate::sip::wire::Text;
use crate::timer::Moment;

mod bearer;
mod browse;
mod cause;
mod keys;
mod line;
mod parallel;
mod show;
mod speech;
mod stream;
#[cfg(test)]
pub(super) mod tests;

pub use cause::{cause_of, reason_of};
pub use line::LineNo;
pub use stream::{Abilities, Stream, secures};

use bearer::Bearer;
use keys::Keying;
use line::Line;

/// How it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// The handset asked for a call over this connection.
    Asked(Connection),
    /// The handset asked over this connection to look through the phone book or its user's calls.
    Browses(Connection, Topic),
    /// A call dials the handset.
    Dialled(Box<Called>),
}

/// A call that is for the handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The name of its leg in the call.
    pub owner: OwnerId,
    /// The call's offer.
    pub body: Body,
    /// What the handset shows and how it rings.
    pub offer: portable::Offer,
    /// It may wait while the handset is in another call.
    pub waits: bool,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It begins.
    Started(Beginning),
    /// The call that [`Output::Begin`] asked for stands, and its leg has this name.
    Joined(LineNo, OwnerId),
    /// The call of a line wants something. For one that has not joined: there will be no call.
    Order(LineNo, LegOrder),
    /// Another call is for the handset, while it has one. It is this line, [`DectLeg::next_line`].
    Knocks(LineNo, Box<Called>),
    /// The handset did something in the call on the air.
    Heard(CallNews),
    /// The stream is open; the base station receives here.
    Opened(SocketAddr),
    /// The base station has no stream for us.
    NotOpened(String),
    /// The call of this line has another of the lines at its other end: somebody connected two calls of the handset
    /// with each other.
    Looped(LineNo),
    /// The handset is on another connection; comes before [`Input::Opened`] and [`Input::StreamMoved`].
    Carried {
        /// Handset and base station can do G.722 in a long slot.
        able: bool,
        /// It has a long slot.
        long: bool,
    },
    /// The slot of the connection is long now, or full: the answer to [`Output::Slot`].
    SlotChanged {
        /// It is long.
        long: bool,
    },
    /// The connection was handed over with its stream; media are received here from now on.
    StreamMoved(SocketAddr),
    /// The dial plan says that these digits are all there will be: the answer to [`Output::Digits`].
    Whole(Pii<String>),
    /// What the handset's user may look through, or why not: the answer to [`Output::Browse`].
    Catalogue(Result<Box<Catalogue>, Cause>),
    /// The moment it asked for has come.
    Deadline,
}

/// What it orders, or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Tell the handset something.
    Handset(portable::Order),
    /// Open a stream for the connection, without direction; answer with [`Input::Opened`] or
    /// [`Input::NotOpened`].
    Open(Connection),
    /// Change the stream.
    Modify(Box<Stream>),
    /// Change the slot of the connection; answer with [`Input::SlotChanged`].
    Slot {
        /// To a long one, for which there must be room; else to a full one.
        long: bool,
    },
    /// The stream has followed the handset to its other base station, or will not.
    Followed,
    /// Close it.
    CloseStream,
    /// Make the call of a line, with this offer.
    Begin {
        /// The line.
        line: LineNo,
        /// What was dialled for it; none for the first line, whose number is known.
        digits: Option<Pii<String>>,
        /// The offer.
        body: Body,
    },
    /// Digits of a second call have come: whoever knows the dial plan may say [`Input::Whole`].
    Digits(Pii<String>),
    /// The handset's user wants to look through the phone book or the calls: answer with [`Input::Catalogue`].
    Browse,
    /// Tell the call of a line.
    News(LineNo, LegNews),
}

/// Why an input is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has ended.
    #[error("the leg has ended")]
    Ended,
    /// Nothing of the kind is awaited.
    #[error("the leg awaits nothing of the kind")]
    NotNow,
}

/// How far the call on the air is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No connection to the handset yet.
    Paging,
    /// The user looks through the phone book or the calls; there is no stream.
    Browsing,
    /// A stream is asked for.
    Opening,
    /// Speech can run.
    Open,
    /// The handset is told to release.
    Ending,
    /// The handset is on hook; its lines are being connected with each other, or with somebody else.
    Away,
    /// All said.
    Over,
}

/// How long a tone is heard, and words are read, of a call that came to nothing.
const TELLS: Duration = Duration::from_secs(3);
/// ITU-T Q.850: no circuit or channel available.
const NO_CHANNEL: u8 = 34;
/// Longest time that lines are connected with each other after the handset went on hook.
const LONGEST_AWAY: Duration = Duration::from_secs(200);

/// The machine. See the module.
#[derive(Debug)]
pub struct DectLeg {
    call: CallNo,
    abilities: Abilities,
    tokens: Tokens,
    stage: Stage,
    /// The handset began the call on the air.
    calling: bool,
    /// It is active: answered here, or told to be answered there.
    connected: bool,
    /// The handset answered before its stream was there.
    eager: bool,
    /// The connection that its user looks something up over, until something is dialled.
    browses_at: Option<Connection>,
    /// What was dialled first was looked up, so the call on the air was active before.
    browsed: bool,
    /// Its bearer.
    bearer: Bearer,
    /// Where the base station receives.
    address: Option<SocketAddr>,
    lines: BTreeMap<LineNo, Line>,
    next_line: u8,
    /// The line that is heard.
    front: Option<LineNo>,
    keying: Keying,
    /// {HOLD} or {RETRIEVE}, which the call has not granted yet.
    asked: Option<Asked>,
    /// The stream is on its way to another base station.
    following: bool,
    /// Why we end the call on the air, when we do.
    why: Option<Cause>,
    /// The line that rings at the handset as soon as the call on the air has ended.
    rings_next: Option<LineNo>,
    /// When lines must have been connected with each other.
    away_until: Option<Moment>,
    /// Until when the user may hear and read why the call came to nothing.
    tells_until: Option<Moment>,
}

/// What a handset asked that the call must grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Hold,
    Retrieve,
}

/// Orders as they come together; a native leg saves nothing: its speech goes on without the switch's
/// memory for no longer than the handset's link does.
type Out = Vec<Output>;

impl DectLeg {
    /// For this call of the handset.
    pub fn new(call: CallNo, abilities: Abilities, tokens: Tokens) -> Self {
        Self {
            call,
            abilities,
            tokens,
            stage: Stage::Paging,
            calling: false,
            connected: false,
            eager: false,
            browses_at: None,
            browsed: false,
            bearer: Bearer::default(),
            address: None,
            lines: BTreeMap::new(),
            next_line: 0,
            front: None,
            keying: Keying::Speech,
            asked: None,
            following: false,
            why: None,
            rings_next: None,
            away_until: None,
            tells_until: None,
        }
    }

    /// Whether it says nothing more.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over && self.lines.is_empty()
    }

    /// The number of the next line.
    pub fn next_line(&self) -> LineNo {
        LineNo(self.next_line)
    }

    /// Whether the handset is in it, over the air.
    pub fn is_on_air(&self) -> bool {
        !matches!(self.stage, Stage::Away | Stage::Over)
    }

    fn started(&mut self, beginning: Beginning, now: Moment, out: &mut Out) {
        match beginning {
            Beginning::Browses(connection, topic) => self.begin_browsing(connection, topic, now, out),
            Beginning::Asked(connection) => {
                self.calling = true;
                self.stage = Stage::Opening;
                self.front = Some(self.take_line(Line::asked()));
                out.push(Output::Open(connection));
            }
            Beginning::Dialled(called) => {
                let (call, offer) = (self.call, Box::new(called.offer.clone()));
                self.front = Some(self.take_line(Line::called(*called)));
                out.push(Output::Handset(portable::Order::Offer { call, offer }));
            }
        }
    }

    fn take_line(&mut self, line: Line) -> LineNo {
        let no = self.next_line();
        self.next_line = self.next_line.wrapping_add(1);
        self.lines.insert(no, line);
        no
    }

    /// The one match of orders.
    fn obey(&mut self, no: LineNo, order: LegOrder, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        if !self.lines.contains_key(&no) {
            return Err(Refusal::NotNow);
        }
        match order {
            LegOrder::Progress { status, body } => self.progress(no, status, body.as_ref(), out),
            LegOrder::CallWaits => self.lines.get_mut(&no).into_iter().for_each(|line| line.waits = true),
            LegOrder::Accept { body } => self.accept(no, body.as_ref(), now, out),
            LegOrder::Reject { cause } | LegOrder::HangUp { cause } => self.dismissed(no, cause, now, out),
            LegOrder::AnswerReoffer { body } => self.reoffer_granted(no, &body, out),
            LegOrder::RefuseReoffer { .. } => self.reoffer_refused(no, out),
            LegOrder::Reoffer { body } => self.reoffered(no, &body, out),
            LegOrder::Partner(party) => self.partner(no, &party, out),
            LegOrder::Confirmed { words } => self.confirmed(no, words, out),
            LegOrder::AcceptTransfer { .. } => {}
            LegOrder::RefuseTransfer { cause, .. } => self.not_transferred(no, &cause, out),
            // The call itself is over, and will say so.
            LegOrder::TellTransfer { status: 487, .. } => {}
            LegOrder::TellTransfer { status, left: None, .. } if status >= 300 => {
                self.not_transferred(no, &Cause::of_status(status, "nobody took the call"), out);
            }
            LegOrder::TellTransfer { left, .. } => self.transfer_goes(no, left.is_none()),
            // A handset knows no URI of a conference; its base station takes telephone events.
            LegOrder::Focus { .. } | LegOrder::Key { .. } => {}
        }
        Ok(())
    }

    fn progress(&mut self, no: LineNo, status: u16, body: Option<&Body>, out: &mut Out) {
        let heard = body.is_some_and(|body| self.take_answer(no, body, out));
        let fare = match (status, heard) {
            (180, in_band) => Fare::Alerting { in_band },
            (_, true) => Fare::InBand,
            // 181, 182, 183 without sound: the handset shows that the call proceeds already.
            (_, false) => return,
        };
        self.tell_fare(no, fare, out);
    }

    fn accept(&mut self, no: LineNo, body: Option<&Body>, now: Moment, out: &mut Out) {
        let Some(line) = self.lines.get(&no).filter(|line| !line.answered) else { return };
        let early = line.media.as_ref().is_some_and(|media| media.agreed().is_some());
        if !body.is_some_and(|body| self.take_answer(no, body, out)) && !early {
            return self.dismissed(
                no,
                Cause::of_status(488, "no codec in common with the base station"),
                now,
                out,
            );
        }
        if let Some(line) = self.lines.get_mut(&no) {
            line.answered = true;
        }
        self.tell_fare(no, Fare::Connected, out);
        self.connected |= self.is_on_air();
        out.push(Output::News(no, LegNews::Acknowledged { body: None }));
        // Its handset may have been handed over, or hold it already.
        self.align(no, out);
    }

    /// Ends the handset's call, in whatever way its state asks for. Who called in vain hears a tone and reads why
    /// for a moment first; not where the base station has no channel to spare.
    fn release(&mut self, cause: Cause, now: Moment, out: &mut Out) {
        if matches!(self.stage, Stage::Ending | Stage::Away | Stage::Over) {
            return;
        }
        let (reason, tone) = reason_of(&cause);
        let tone = tone.filter(|_| self.calling && !self.connected);
        let words = tone.is_some().then(|| Pii(cause.plain_words()));
        let room = cause.q850 != NO_CHANNEL && matches!(self.stage, Stage::Open | Stage::Browsing);
        if let (Some(words), true) = (&words, room) {
            self.show(words.0.clone(), tone, out);
            (self.tells_until, self.why, self.stage) = (Some(now + TELLS), Some(cause), Stage::Ending);
            return;
        }
        self.why = Some(cause);
        self.stage = Stage::Ending;
        out.push(Output::Handset(portable::Order::Release { call: self.call, reason, tone, words }));
    }

    /// The one match of what the handset does.
    fn heard(&mut self, news: CallNews, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        match news {
            CallNews::Ended { reason, by } if self.is_on_air() => self.ended(reason, by, now, out),
            _ if matches!(self.stage, Stage::Ending | Stage::Away) => return Err(Refusal::NotNow),
            CallNews::Reached(connection) if self.stage == Stage::Paging => {
                self.stage = Stage::Opening;
                out.push(Output::Open(connection));
            }
            CallNews::StaysNarrow => self.stays_narrow(out),
            CallNews::Alerting => self.rings(out),
            CallNews::Answered => {
                self.eager = true;
                self.tell_answered(out);
            }
            CallNews::HoldAsked => self.ask(Asked::Hold, out),
            CallNews::RetrieveAsked => self.ask(Asked::Retrieve, out),
            CallNews::Moved(to) if self.stage == Stage::Browsing => self.browses_at = Some(to),
            CallNews::Keys(keys) => keys.into_iter().for_each(|key| self.key(key, now, out)),
            // Whoever drives us takes the numbers of a new call and tells of a stream that moved
            // ([`Input::StreamMoved`]).
            CallNews::Asked { .. } | CallNews::Digits(_) | CallNews::Reached(_) | CallNews::Moved(_) => {}
            CallNews::Ended { .. } => return Err(Refusal::Ended),
        }
        Ok(())
    }

    fn rings(&mut self, out: &mut Out) {
        let front = self.front.and_then(|no| Some((no, self.lines.get(&no)?)));
        if let Some((no, _)) = front.filter(|(_, line)| !line.answered) {
            let (status, fork) = (180, Text::from(""));
            out.push(Output::News(no, LegNews::Progress { status, fork, body: None }));
        }
    }

    /// The call on the air is over: a user who puts the handset on hook in a second call connects the two.
    fn ended(&mut self, reason: ReleaseReason, by: Ender, now: Moment, out: &mut Out) {
        if std::mem::take(&mut self.following) {
            out.push(Output::Followed);
        }
        let why = self.why.take();
        let on_hook = why.is_none() && by == Ender::Handset && reason == ReleaseReason::NORMAL;
        let keying = std::mem::take(&mut self.keying);
        (self.connected, self.eager, self.address, self.asked) = (false, false, None, None);
        (self.browsed, self.tells_until) = (false, None);
        self.bearer_gone();
        out.push(Output::CloseStream);
        if on_hook && self.hands_over(&keying, now, out) {
            return;
        }
        let next = self.rings_next.take().or_else(|| self.behind().filter(|_| on_hook));
        let cause = why.unwrap_or_else(|| cause_of(reason, by));
        let gone: Vec<_> = self.lines.keys().copied().filter(|no| Some(*no) != next).collect();
        gone.into_iter().for_each(|no| self.close_line(no, cause.clone(), out));
        self.front = None;
        match next.filter(|no| self.lines.contains_key(no)) {
            Some(next) => self.rings_at_handset(next, out),
            None => self.stage = Stage::Over,
        }
    }

    fn not_opened(&mut self, words: String, now: Moment, out: &mut Out) {
        let status = if self.calling { 503 } else { 486 };
        self.release(Cause::no_channel(status, words), now, out);
    }

    fn joined(&mut self, no: LineNo, owner: OwnerId, out: &mut Out) -> Result<(), Refusal> {
        let Some(line) = self.lines.get_mut(&no).filter(|line| !line.joined) else {
            return Err(Refusal::NotNow);
        };
        (line.joined, line.owner) = (true, Some(owner));
        out.push(Output::News(no, LegNews::Invited));
        // The handset has gone meanwhile.
        if let Some(cause) = line.gone.take() {
            self.close_line(no, cause, out);
        }
        Ok(())
    }
}

impl Machine for DectLeg {
    type Input = Input;
    type Save = std::convert::Infallible;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Ready<Self::Save, Output>, Refusal> {
        let mut out = Out::new();
        match (input, self.stage) {
            (Input::Joined(no, owner), _) => self.joined(no, owner, &mut out)?,
            (Input::Order(no, order), _) => self.obey(no, order, now, &mut out)?,
            (Input::Looped(no), _) => self.looped(no, &mut out),
            (Input::Knocks(no, called), _) => self.knocks(no, *called, &mut out),
            (_, Stage::Over) => return Err(Refusal::Ended),
            (Input::Started(beginning), Stage::Paging) if self.lines.is_empty() => {
                self.started(beginning, now, &mut out);
            }
            (Input::Carried { able, long }, _) => self.carried(able, long, &mut out),
            (Input::SlotChanged { long }, _) => self.slot_changed(long, &mut out),
            (Input::Heard(news), _) => self.heard(news, now, &mut out)?,
            (Input::Opened(address), Stage::Opening) => self.opened(address, now, &mut out),
            // It was given up while the stream was asked for: `ended` closes it.
            (Input::Opened(_) | Input::NotOpened(_), Stage::Ending) => {}
            (Input::NotOpened(words), Stage::Opening) => self.not_opened(words, now, &mut out),
            (Input::StreamMoved(address), Stage::Open) => self.stream_moved(address, &mut out),
            // What follows then begins at the new place.
            (Input::StreamMoved(_), _) => out.push(Output::Followed),
            (Input::Catalogue(catalogue), _) => self.catalogue(catalogue, now, &mut out),
            (Input::Whole(digits), _) => self.whole(&digits.0, now, &mut out),
            (Input::Deadline, _) => self.expire(now, &mut out),
            _ => return Err(Refusal::NotNow),
        }
        Ok(Ready::say(out))
    }

    /// The handset's timers guard the call on the air (CC.01 to CC.04), the calls' Timer C their lines, and the
    /// base link's time-outs the stream. Ours are the pauses of the keypad, and the end of a transfer.
    fn deadline(&self) -> Option<Moment> {
        [self.keying.deadline(), self.away_until, self.tells_until].into_iter().flatten().min()
    }
}

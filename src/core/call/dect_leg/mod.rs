//! A leg of a call that ends at a handset on a native base station: where DECT and SIP meet.
//!
//! ```text
//!  portable::CallNews ──►┌─────────┐──LegNews──► call
//!  base link's answers ─►│ DectLeg │──portable::Order──► handset
//!  LegOrder ────────────►└─────────┘──Stream──► base station (MEDIA_OPEN, MEDIA_MODIFY, MEDIA_CLOSE)
//! ```
//!
//! Towards the call it is a leg like any other: it makes offers and answers, on behalf of the base station,
//! whose address, codecs and keys stand in them. The base station is opened a stream as soon as the handset
//! is on a connection, at first without direction; its address goes into the offer or answer, and what was
//! agreed on goes to it as a change of that stream.
//!
//! A handset that calls: [`Beginning::Asked`] → stream → [`Output::Begin`] with the offer → the call tells
//! progress and accepts. A handset that is called: [`Beginning::Dialled`] → page → stream → answer kept
//! → alerting (180) → answered (2xx with the answer).
//!
//! After a handover the stream is elsewhere; the leg proposes the new address as a re-INVITE would
//! ([`LegNews::Reoffered`]), the call answers, and the far end hears nothing of it.
//!
//! It fails when the base station has no channel (the handset hears the congestion tone and reason 33),
//! when nothing of an offer fits (488), and when the handset is out of reach. After [`LegNews::Closed`] it
//! says nothing more.

use std::net::SocketAddr;

use super::cause::Cause;
use super::leg::{LegNews, LegOrder};
use crate::dect::portable::{self, CallNews, CallNo, Connection, Fare};
use crate::id::Tokens;
use crate::machine::{Machine, Ready};
use crate::media::negotiate::{LocalMedia, OfferAnswer};
use crate::sip::invite::Body;
use crate::sip::wire::Text;
use crate::timer::Moment;

mod cause;
mod speech;
mod stream;
#[cfg(test)]
mod tests;

pub use cause::{cause_of, reason_of};
pub use stream::{Abilities, Stream, secures};

/// How a leg begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// The handset asked for a call over this connection.
    Asked(Connection),
    /// The call dials the handset.
    Dialled {
        /// The call's offer.
        body: Body,
        /// What the handset shows and how it rings.
        offer: Box<portable::Offer>,
    },
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It begins.
    Started(Beginning),
    /// The call that [`Output::Begin`] asked for stands.
    Joined,
    /// The call wants something.
    Order(LegOrder),
    /// The handset did something in the call.
    Heard(CallNews),
    /// The stream is open; the base station receives here.
    Opened(SocketAddr),
    /// The base station has no stream for us.
    NotOpened(String),
    /// The connection was handed over with its stream; media are received here from now on.
    StreamMoved(SocketAddr),
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
    /// Close it.
    CloseStream,
    /// Make the call, with this offer.
    Begin(Body),
    /// Tell the call.
    News(LegNews),
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

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No connection to the handset yet.
    Paging,
    /// A stream is asked for.
    Opening,
    /// Speech can run.
    Open,
    /// The handset is told to release, or has.
    Ending,
    /// All said.
    Over,
}

/// The machine. See the module.
#[derive(Debug)]
pub struct DectLeg {
    call: CallNo,
    abilities: Abilities,
    tokens: Tokens,
    stage: Stage,
    /// The handset began the call.
    calling: bool,
    /// The call exists and hears our news.
    joined: bool,
    /// Both ends talk.
    answered: bool,
    /// The call's offer, until it is answered.
    offer: Option<Body>,
    /// Our answer to it, until the handset answers.
    answer: Option<Body>,
    /// The handset answered before its stream was there.
    eager: bool,
    media: Option<OfferAnswer>,
    /// The handset wants the call on hold, or back, and the call has not agreed yet.
    asked: Option<Asked>,
    /// Why we end it, when we do.
    why: Option<Cause>,
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
    /// A leg for this call of the handset.
    pub fn new(call: CallNo, abilities: Abilities, tokens: Tokens) -> Self {
        Self {
            call,
            abilities,
            tokens,
            stage: Stage::Paging,
            calling: false,
            joined: false,
            answered: false,
            offer: None,
            answer: None,
            eager: false,
            media: None,
            asked: None,
            why: None,
        }
    }

    /// Whether it says nothing more.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    fn started(&mut self, beginning: Beginning, out: &mut Out) {
        match beginning {
            Beginning::Asked(connection) => {
                self.calling = true;
                self.stage = Stage::Opening;
                out.push(Output::Open(connection));
            }
            Beginning::Dialled { body, offer } => {
                (self.joined, self.offer) = (true, Some(body));
                out.push(Output::Handset(portable::Order::Offer { call: self.call, offer }));
            }
        }
    }

    /// The one match of orders.
    fn obey(&mut self, order: LegOrder, out: &mut Out) -> Result<(), Refusal> {
        match order {
            LegOrder::Progress { status, body } => self.progress(status, body.as_ref(), out),
            LegOrder::Accept { body } => self.accept(body.as_ref(), out),
            LegOrder::Reject { cause } | LegOrder::HangUp { cause } => self.release(cause, out),
            LegOrder::AnswerReoffer { body } => self.reoffer_granted(&body, out),
            LegOrder::RefuseReoffer { .. } => self.reoffer_refused(out),
            LegOrder::Reoffer { body } => self.reoffered(&body, out),
            // A handset asks for no transfer in these words, and knows no URI of a conference.
            LegOrder::Focus { .. }
            | LegOrder::AcceptTransfer { .. }
            | LegOrder::RefuseTransfer { .. }
            | LegOrder::TellTransfer { .. } => {}
        }
        Ok(())
    }

    fn progress(&mut self, status: u16, body: Option<&Body>, out: &mut Out) {
        let heard = body.is_some_and(|body| self.take_answer(body, out));
        let fare = match (status, heard) {
            (180, in_band) => Fare::Alerting { in_band },
            (_, true) => Fare::InBand,
            // 181, 182, 183 without sound: the handset shows that the call proceeds already.
            (_, false) => return,
        };
        out.push(Output::Handset(portable::Order::Tell(self.call, fare)));
    }

    fn accept(&mut self, body: Option<&Body>, out: &mut Out) {
        if self.answered {
            return;
        }
        let early = self.media.as_ref().is_some_and(|media| media.agreed().is_some());
        if !body.is_some_and(|body| self.take_answer(body, out)) && !early {
            return self.release(Cause::of_status(488, "no codec in common with the base station"), out);
        }
        self.answered = true;
        out.push(Output::Handset(portable::Order::Tell(self.call, Fare::Connected)));
        out.push(Output::News(LegNews::Acknowledged { body: None }));
    }

    /// Ends the handset's call, in whatever way its state asks for.
    fn release(&mut self, cause: Cause, out: &mut Out) {
        if matches!(self.stage, Stage::Ending | Stage::Over) {
            return;
        }
        let (reason, tone) = reason_of(&cause);
        let tone = tone.filter(|_| self.calling && !self.answered);
        let words = tone.is_some().then(|| crate::pii::Pii(cause.plain_words()));
        self.why = Some(cause);
        self.stage = Stage::Ending;
        out.push(Output::Handset(portable::Order::Release { call: self.call, reason, tone, words }));
    }

    /// The one match of what the handset does.
    fn heard(&mut self, news: CallNews, out: &mut Out) -> Result<(), Refusal> {
        match news {
            CallNews::Ended { reason, by } => self.ended(cause_of(reason, by), out),
            _ if self.stage == Stage::Ending => return Err(Refusal::NotNow),
            CallNews::Reached(connection) if self.stage == Stage::Paging => {
                self.stage = Stage::Opening;
                out.push(Output::Open(connection));
            }
            CallNews::Alerting => {
                let (status, fork) = (180, Text::from(""));
                out.push(Output::News(LegNews::Progress { status, fork, body: None }));
            }
            CallNews::Answered => {
                self.eager = true;
                self.tell_answered(out);
            }
            CallNews::HoldAsked => self.ask(Asked::Hold, out),
            CallNews::RetrieveAsked => self.ask(Asked::Retrieve, out),
            // Whoever drives us takes the numbers of a new call, tells of a stream that moved
            // ([`Input::StreamMoved`]), and passes keys on.
            CallNews::Asked { .. } | CallNews::Reached(_) | CallNews::Moved(_) | CallNews::Keys(_) => {}
        }
        Ok(())
    }

    /// The handset is out of the call.
    fn ended(&mut self, cause: Cause, out: &mut Out) {
        let cause = self.why.take().unwrap_or(cause);
        self.stage = Stage::Over;
        out.push(Output::CloseStream);
        if self.joined {
            let dialled = !self.calling && !self.answered;
            out.push(Output::News(match dialled {
                true => LegNews::Refused { cause, contacts: Vec::new(), route_failed: false },
                false => LegNews::Ended { cause },
            }));
            out.push(Output::News(LegNews::Closed));
        }
    }

    fn not_opened(&mut self, words: String, out: &mut Out) {
        let status = if self.calling { 503 } else { 486 };
        self.release(Cause::no_channel(status, words), out);
    }

    fn joined(&mut self, out: &mut Out) {
        self.joined = true;
        match self.stage {
            // The handset has gone meanwhile.
            Stage::Over => {
                let cause = Cause::normal();
                out.extend([LegNews::Invited, LegNews::Ended { cause }, LegNews::Closed].map(Output::News));
            }
            _ => out.push(Output::News(LegNews::Invited)),
        }
    }
}

impl Machine for DectLeg {
    type Input = Input;
    type Save = std::convert::Infallible;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, _: Moment) -> Result<Ready<Self::Save, Output>, Refusal> {
        let mut out = Out::new();
        match (input, self.stage) {
            (Input::Joined, _) if !self.joined => self.joined(&mut out),
            (_, Stage::Over) => return Err(Refusal::Ended),
            (Input::Started(beginning), Stage::Paging) if !self.joined => self.started(beginning, &mut out),
            (Input::Order(order), _) => self.obey(order, &mut out)?,
            (Input::Heard(news), _) => self.heard(news, &mut out)?,
            (Input::Opened(address), Stage::Opening) => self.opened(address, &mut out),
            // It was given up while the stream was asked for: `ended` closes it.
            (Input::Opened(_) | Input::NotOpened(_), Stage::Ending) => {}
            (Input::NotOpened(words), Stage::Opening) => self.not_opened(words, &mut out),
            (Input::StreamMoved(address), Stage::Open) => self.stream_moved(address, &mut out),
            _ => return Err(Refusal::NotNow),
        }
        Ok(Ready::say(out))
    }

    /// The handset's timers guard it (CC.01 to CC.04), the call's Timer C, and the base link's time-outs.
    fn deadline(&self) -> Option<Moment> {
        None
    }
}

/// Our media, before any address is known to the other side.
fn local(abilities: &Abilities, address: SocketAddr) -> LocalMedia {
    let media = LocalMedia::new(address.ip(), address.port(), abilities.codecs.clone());
    LocalMedia { srtp: abilities.srtp, ..media }
}

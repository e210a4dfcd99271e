//! Texts to and from one handset, over the connection oriented message service.
//!
//! A text waits for its turn, and goes out as soon as the link is ciphered where calls are. It counts as shown
//! when the handset has acknowledged its last part. What it writes itself is acknowledged when [`Order::AnswerText`]
//! says that it is kept.
//!
//! The annex names COMS.00, COMS.02 and COMS.03; a text that its timer ends is the sender's to try again.

use std::collections::VecDeque;
use std::time::Duration;

use super::{News, Out, Output, Portable};
use crate::dect::coms;
use crate::dect::element::{CalledNumber, ReleaseReason};
use crate::dect::lce::{self, PageHeader};
use crate::dect::message::{Kind, Message, Side, Transaction};
use crate::pii::Pii;
use crate::timer::Moment;

/// Most texts that wait for one handset.
pub const MOST_TEXTS: usize = 16;
/// Paging and set-up, as CC.03 has for calls.
const COMS_03: Duration = Duration::from_secs(20);
/// An acknowledgement.
const COMS_00: Duration = Duration::from_secs(10);
/// The end of the release.
const COMS_02: Duration = Duration::from_secs(10);

/// A text for a handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextOffer {
    /// The number to speak of it by.
    pub number: u64,
    /// A line over it: who writes, how urgent it is.
    pub heading: Pii<String>,
    /// The text.
    pub text: Pii<String>,
}

/// Why a text is not on the handset's display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// It is not subscribed, or switched off.
    #[error("the handset is switched off")]
    Off,
    /// It does not answer its page, or was lost meanwhile.
    #[error("the handset is out of reach")]
    Unreachable,
    /// [`MOST_TEXTS`] wait for it already.
    #[error("too many texts wait for the handset")]
    Full,
    /// It says nothing.
    #[error("the handset does not answer")]
    Silent,
    /// It does not take it.
    #[error("the handset refuses the text: {0}")]
    Refused(ReleaseReason),
}

/// What is awaited of the handset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Connect,
    Cipher,
    Ack,
    Release,
}

#[derive(Debug)]
struct Sending {
    number: u64,
    parts: Vec<Vec<u8>>,
    next: usize,
    awaits: Awaits,
    until: Moment,
}

#[derive(Debug)]
struct Writing {
    transaction: Transaction,
    to: String,
    text: Vec<u8>,
    whole: bool,
    told: bool,
    until: Moment,
}

/// The texts of a handset.
#[derive(Debug, Default)]
pub(super) struct Texts {
    waiting: VecDeque<TextOffer>,
    sending: Option<Sending>,
    writing: Option<Writing>,
}

impl Texts {
    pub fn is_busy(&self) -> bool {
        self.sending.is_some() || self.writing.is_some() || !self.waiting.is_empty()
    }

    pub fn deadline(&self) -> Option<Moment> {
        let sending = self.sending.as_ref().map(|sending| sending.until);
        sending.into_iter().chain(self.writing.as_ref().map(|writing| writing.until)).min()
    }
}

/// Texts for the handset.
impl Portable {
    pub(super) fn offer_text(&mut self, offer: TextOffer, out: &mut Out) {
        let fault = match &self.standing {
            Some(standing) if standing.located => None,
            _ => Some(TextFault::Off),
        };
        match fault.or((self.texts.waiting.len() >= MOST_TEXTS).then_some(TextFault::Full)) {
            Some(fault) => out.then.push(Output::News(News::TextShown(offer.number, Err(fault)))),
            None => self.texts.waiting.push_back(offer),
        }
    }

    /// Whatever can go on does: after every input.
    pub(super) fn texts_go_on(&mut self, now: Moment, out: &mut Out) {
        self.begin_text(now, out);
        let secure = self.is_secure();
        let ciphered = |sending: &&mut Sending| sending.awaits == Awaits::Cipher && secure;
        if let Some(sending) = self.texts.sending.as_mut().filter(ciphered) {
            (sending.awaits, sending.until) = (Awaits::Ack, now + COMS_00);
            let part = coms::part(&sending.parts, sending.next);
            self.say(part, PageHeader::NoUPlane, now, out);
        }
        let told = |writing: &&mut Writing| writing.whole && secure && !writing.told;
        if let Some(writing) = self.texts.writing.as_mut().filter(told) {
            writing.told = true;
            let text = String::from_utf8_lossy(&writing.text).replace('\r', "\n");
            let (to, text) = (Pii(writing.to.clone()), Pii(text));
            out.then.push(Output::News(News::TextWritten { to, text }));
        }
    }

    /// The next one, as soon as the link is not being released.
    fn begin_text(&mut self, now: Moment, out: &mut Out) {
        if self.texts.sending.is_some() || self.link.state() == lce::State::ReleasePending {
            return;
        }
        let Some(park) = self.standing.as_ref().map(|standing| standing.park) else { return };
        let Some(TextOffer { number, heading, text }) = self.texts.waiting.pop_front() else { return };
        let (parts, until) = (coms::parts(&text.0), now + COMS_03);
        self.texts.sending = Some(Sending { number, parts, next: 0, awaits: Awaits::Connect, until });
        let setup = coms::setup(&self.ipui, park, &self.display(&heading.0));
        self.say(setup, PageHeader::NoUPlane, now, out);
    }

    fn shown(&mut self, outcome: Result<(), TextFault>, out: &mut Out) {
        if let Some(sending) = self.texts.sending.as_ref().filter(|s| s.awaits != Awaits::Release) {
            out.then.push(Output::News(News::TextShown(sending.number, outcome)));
        }
    }

    /// The one match of what the handset says about texts.
    pub(super) fn hear_text(&mut self, message: &Message, now: Moment, out: &mut Out) {
        match (message.kind, message.transaction.starter) {
            (Kind::ComsSetup, Side::Portable) => self.writes(message, now, out),
            (Kind::ComsSetup, Side::Fixed) => {}
            (_, Side::Portable) => self.hear_writing(message, now, out),
            (_, Side::Fixed) => self.hear_answer(message, now, out),
        }
    }

    fn hear_answer(&mut self, message: &Message, now: Moment, out: &mut Out) {
        let reason = message.get::<ReleaseReason>().unwrap_or(ReleaseReason::UNKNOWN);
        let Some(sending) = &mut self.texts.sending else { return self.stray(message, now, out) };
        match (message.kind, sending.awaits) {
            (Kind::ComsConnect, Awaits::Connect) => {
                (sending.awaits, sending.until) = (Awaits::Cipher, now + COMS_03);
                self.secure(now, out);
            }
            (Kind::ComsAck, Awaits::Ack) if sending.next + 1 < sending.parts.len() => {
                sending.next += 1;
                sending.awaits = Awaits::Cipher;
            }
            (Kind::ComsAck, Awaits::Ack) => {
                self.shown(Ok(()), out);
                self.release_text(ReleaseReason::NORMAL, now, out);
            }
            (Kind::ComsRelease | Kind::ComsReleaseCom, _) => {
                self.shown(Err(TextFault::Refused(reason)), out);
                self.texts.sending = None;
                if message.kind == Kind::ComsRelease {
                    self.say(message.answer(Kind::ComsReleaseCom), PageHeader::NoUPlane, now, out);
                }
                self.link_not_needed(true, now, out);
            }
            _ => {}
        }
    }

    fn release_text(&mut self, reason: ReleaseReason, now: Moment, out: &mut Out) {
        if let Some(sending) = &mut self.texts.sending {
            (sending.awaits, sending.until) = (Awaits::Release, now + COMS_02);
        }
        self.say(Message::begin(Kind::ComsRelease).with(&reason), PageHeader::NoUPlane, now, out);
    }

    /// "CC message for unknown TI" (17.3.2.1), and so for texts.
    fn stray(&mut self, message: &Message, now: Moment, out: &mut Out) {
        let reason = match message.kind {
            Kind::ComsReleaseCom => return,
            Kind::ComsRelease => ReleaseReason::NORMAL,
            _ => ReleaseReason::UNKNOWN_TRANSACTION,
        };
        self.say(message.answer(Kind::ComsReleaseCom).with(&reason), PageHeader::NoUPlane, now, out);
        self.link_not_needed(true, now, out);
    }

    /// The link is gone: what was under way is lost, what waits begins on another.
    pub(super) fn texts_lost(&mut self, out: &mut Out) {
        self.shown(Err(TextFault::Unreachable), out);
        (self.texts.sending, self.texts.writing) = (None, None);
    }

    /// The link cannot be had.
    pub(super) fn texts_unreachable(&mut self, out: &mut Out) {
        self.texts_lost(out);
        for offer in std::mem::take(&mut self.texts.waiting) {
            let lost = News::TextShown(offer.number, Err(TextFault::Unreachable));
            out.then.push(Output::News(lost));
        }
    }

    pub(super) fn texts_due(&mut self, now: Moment, out: &mut Out) {
        if let Some(sending) = self.texts.sending.as_ref().filter(|sending| sending.until <= now) {
            if sending.awaits == Awaits::Release {
                self.texts.sending = None;
            } else {
                self.shown(Err(TextFault::Silent), out);
                self.release_text(ReleaseReason::TIMER_EXPIRY, now, out);
            }
        }
        if self.texts.writing.as_ref().is_some_and(|writing| writing.until <= now) {
            self.texts.writing = None;
        }
        if !self.texts.is_busy() {
            self.link_not_needed(true, now, out);
        }
    }
}

/// Texts of the handset.
impl Portable {
    fn writes(&mut self, setup: &Message, now: Moment, out: &mut Out) {
        let keyed = self.standing.as_ref().is_some_and(|standing| standing.uak.is_some());
        let to =
            setup.get::<CalledNumber>().map(|called| String::from_utf8_lossy(&called.number.0).into_owned());
        let refused = match &to {
            _ if !keyed => Some(ReleaseReason::UNKNOWN_IDENTITY),
            _ if self.texts.writing.is_some() => Some(ReleaseReason::INSUFFICIENT_RESOURCES),
            None => Some(ReleaseReason::MANDATORY_MISSING),
            Some(_) => None,
        };
        if let Some(reason) = refused {
            self.say(setup.answer(Kind::ComsReleaseCom).with(&reason), PageHeader::NoUPlane, now, out);
            return self.link_not_needed(true, now, out);
        }
        self.texts.writing = Some(Writing {
            transaction: setup.transaction,
            to: to.unwrap_or_default(),
            text: Vec::new(),
            whole: false,
            told: false,
            until: now + COMS_03,
        });
        self.say(setup.answer(Kind::ComsConnect), PageHeader::NoUPlane, now, out);
        self.secure(now, out);
    }

    fn hear_writing(&mut self, message: &Message, now: Moment, out: &mut Out) {
        let ours = |writing: &&mut Writing| writing.transaction == message.transaction;
        let Some(writing) = self.texts.writing.as_mut().filter(ours) else {
            return self.stray(message, now, out);
        };
        match message.kind {
            Kind::ComsInfo if !writing.whole => {
                let Some((text, last)) = coms::read(message) else { return };
                writing.text.extend(text);
                (writing.whole, writing.until) = (last, now + COMS_03);
                if writing.text.len() > coms::MAX_TEXT {
                    self.texts.writing = None;
                    let much = message.answer(Kind::ComsRelease).with(&ReleaseReason::INSUFFICIENT_RESOURCES);
                    self.say(much, PageHeader::NoUPlane, now, out);
                    return self.link_not_needed(true, now, out);
                }
                if !last {
                    self.say(message.answer(Kind::ComsAck), PageHeader::NoUPlane, now, out);
                }
            }
            Kind::ComsRelease => {
                self.texts.writing = None;
                self.say(message.answer(Kind::ComsReleaseCom), PageHeader::NoUPlane, now, out);
                self.link_not_needed(true, now, out);
            }
            Kind::ComsReleaseCom => {
                self.texts.writing = None;
                self.link_not_needed(true, now, out);
            }
            _ => {}
        }
    }

    /// What it wrote is kept, or will not be.
    pub(super) fn answer_text(&mut self, taken: bool, now: Moment, out: &mut Out) {
        let Some(writing) = self.texts.writing.as_ref().filter(|writing| writing.told) else { return };
        let answer = |kind| Message::new(kind, Side::Fixed, writing.transaction);
        let said = match taken {
            true => answer(Kind::ComsAck),
            false => answer(Kind::ComsRelease).with(&ReleaseReason::USER_UNKNOWN),
        };
        self.say(said, PageHeader::NoUPlane, now, out);
    }
}

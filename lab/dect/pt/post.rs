//! Texts over a connection, portable side (EN 300 175-5, clause 11): COMS-SETUP, COMS-INFO, COMS-ACK.

use super::{Event, Output, Portable};
use crate::dect::number::{ie, msg, pd, release};
use crate::dect::nwk::Message;

/// IWU-ATTRIBUTES: unrestricted digital information in packets.
const ATTRIBUTES: [u8; 4] = [0x88, 0x80, 0xC0, 0x80];
/// ALPHANUMERIC: eight-bit characters, DECT's set.
const DECT_CHARACTERS: u8 = 0x11;
/// Characters of one message.
const PART: usize = 200;
/// The transaction of our own texts.
const OURS: u8 = 1;

/// Texts that come and go.
#[derive(Debug, Default)]
pub(super) struct Post {
    /// What came so far of the text that the system sends, by its transaction.
    coming: Option<(u8, Vec<u8>)>,
    /// Parts of ours that were not said yet, and how many there are.
    going: Option<(Vec<Vec<u8>>, usize)>,
}

impl Post {
    pub(super) const fn is_busy(&self) -> bool {
        self.coming.is_some() || self.going.is_some()
    }
}

impl Portable {
    /// The user writes to somebody. False when another text is under way, or there is no system.
    pub fn write(&mut self, to: &str, text: &str) -> bool {
        let Some(subscription) = self.subscription.as_ref().filter(|_| self.post.going.is_none()) else {
            return false;
        };
        let setup = Message::new(pd::COMS, msg::COMS_SETUP)
            .with(ie::PORTABLE_IDENTITY, &subscription.ipui)
            .with(ie::FIXED_IDENTITY, &subscription.park().element())
            .with(ie::IWU_ATTRIBUTES, &ATTRIBUTES)
            .with(ie::CALLED_PARTY_NUMBER, &[&[0x80], to.as_bytes()].concat());
        let mut parts: Vec<_> = text.as_bytes().chunks(PART).map(<[u8]>::to_vec).collect();
        parts.reverse();
        let total = parts.len();
        self.post.going = Some((parts, total));
        self.say(Message { transaction: OURS, ..setup });
        true
    }

    pub(super) fn hear_coms(&mut self, message: &Message) {
        match (message.kind, message.from_starter) {
            (msg::COMS_SETUP, true) => {
                self.post.coming = Some((message.transaction, Vec::new()));
                self.show(message);
                self.say(message.answer(msg::COMS_CONNECT));
            }
            (_, true) => self.hear_coming(message),
            (_, false) => self.hear_going(message),
        }
    }

    fn hear_coming(&mut self, message: &Message) {
        let known = self.post.coming.as_mut().filter(|(transaction, _)| *transaction == message.transaction);
        match (message.kind, known) {
            (msg::COMS_INFO, Some((_, text))) => {
                text.extend(
                    message.get(ie::ALPHANUMERIC).and_then(|content| content.get(1..)).unwrap_or_default(),
                );
                let more = message.get(ie::SEGMENTED_INFO).is_some_and(|segment| segment[0] & 0x7F > 1);
                let whole = (!more).then(|| String::from_utf8_lossy(text).replace('\r', "\n"));
                if let Some(text) = whole {
                    self.display.write(&[b"\x0C", text.as_bytes()].concat());
                    let shown = self.display.to_string();
                    self.happened(Event::Display { text: shown });
                    self.happened(Event::Text { text });
                }
                self.say(message.answer(msg::COMS_ACK));
            }
            (msg::COMS_RELEASE, Some(_)) => {
                self.post.coming = None;
                self.say(message.answer(msg::COMS_RELEASE_COM));
            }
            (msg::COMS_RELEASE_COM, _) => self.post.coming = None,
            _ => {
                let answer = message.answer(msg::COMS_RELEASE_COM);
                self.say(answer.with(ie::RELEASE_REASON, &[release::UNKNOWN_TI]));
            }
        }
    }

    fn hear_going(&mut self, message: &Message) {
        let Some((parts, total)) = &mut self.post.going else { return };
        match message.kind {
            msg::COMS_CONNECT | msg::COMS_ACK => {
                let (first, left) = (parts.len() == *total, parts.len());
                let Some(part) = parts.pop() else {
                    self.happened(Event::Sent { taken: true });
                    let over = Message::new(pd::COMS, msg::COMS_RELEASE)
                        .with(ie::RELEASE_REASON, &[release::NORMAL]);
                    return self.say(Message { transaction: OURS, ..over });
                };
                let info = Message::new(pd::COMS, msg::COMS_INFO);
                let segment = [u8::from(first) << 7 | left as u8, ie::ALPHANUMERIC];
                let info = if *total > 1 { info.with(ie::SEGMENTED_INFO, &segment) } else { info };
                let info = info.with(ie::ALPHANUMERIC, &[&[DECT_CHARACTERS], part.as_slice()].concat());
                self.say(Message { transaction: OURS, ..info });
            }
            msg::COMS_RELEASE => {
                self.post.going = None;
                self.say(message.answer(msg::COMS_RELEASE_COM));
                self.happened(Event::Sent { taken: false });
            }
            // The answer to our release, or a refusal.
            msg::COMS_RELEASE_COM => {
                let refused =
                    message.get(ie::RELEASE_REASON).is_some_and(|reason| reason[0] != release::NORMAL);
                self.post.going = None;
                if refused {
                    self.happened(Event::Sent { taken: false });
                }
            }
            _ => {}
        }
    }

    /// The link is gone.
    pub(super) fn lose_texts(&mut self) {
        self.post.coming = None;
        if self.post.going.take().is_some_and(|(parts, _)| !parts.is_empty()) {
            self.outputs.push(Output::Happened(Event::Sent { taken: false }));
        }
    }
}

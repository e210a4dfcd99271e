//! What to make of octets that came in: clause 17, in its order of precedence.

use super::{Fault, Ignored, Kind, Message, Protocol, Side, Transaction};
use crate::dect::element::{BadContent, Element, Split, Tag, split, valid};

/// Longest message that is looked at, in octets: what the base link carries.
pub const MAX_OCTETS: usize = 4096;
/// Most members of one list.
const MAX_LIST: usize = 16;

/// An element that was left out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAside {
    /// Which element.
    pub tag: Tag,
    /// Why.
    pub why: Why,
}

/// Why an element was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// This product does not know it, or its message does not have it in this direction.
    NotAllowed,
    /// It came again where no list may stand.
    Repeated,
    /// Its contents cannot be read.
    Content(BadContent),
    /// The message ended within it.
    CutOff,
}

/// Reads a message that `from` sent.
///
/// # Errors
///
/// A [`Fault`] when the message as a whole is not to be acted on; [`Fault::answer`] tells whether to
/// answer it. Bad or unknown elements that are not mandatory are left out and listed in
/// [`Message::set_aside`]: "action shall only be taken on the message and those information elements which
/// are recognized and have valid content" (17.7).
pub fn receive(octets: &[u8], from: Side) -> Result<Message, Fault> {
    let ignored = |why| Err(Fault::Ignored(why));
    let &[first, ref rest @ ..] = octets else { return ignored(Ignored::TooShort) };
    let Some(protocol) = Protocol::from_code(first & 0x0F) else {
        return ignored(Ignored::Protocol(first & 0x0F));
    };
    let Some((&code, elements)) = rest.split_first() else { return ignored(Ignored::TooShort) };
    let value = first >> 4 & 7;
    if value > protocol.highest_value() {
        return ignored(Ignored::TransactionValue(value));
    }
    let starter = if first & 0x80 == 0 { from } else { from.other() };
    let transaction = Transaction { protocol, value, starter };
    let kind = match Kind::from_code(protocol, code) {
        Some(kind) if kind.senders().include(from) => kind,
        Some(_) | None => return Err(Fault::Unrecognised { transaction, from, code }),
    };
    // "When a {CC-SETUP} message is received specifying a transaction identifier flag incorrectly set to
    // "1", this message shall be ignored" (17.3.2.1); {LCE-PAGE-RESPONSE} likewise (17.3.2.6).
    if matches!(kind, Kind::CcSetup | Kind::LcePageResponse) && starter != from {
        return ignored(Ignored::Flag(kind));
    }
    let elements = &elements[..elements.len().min(MAX_OCTETS)];
    complete(sift(Message::new(kind, from, transaction), split(elements)))
}

/// Keeps what the table allows and can be read.
fn sift(mut message: Message, Split { elements, cut_off }: Split) -> Message {
    let mut list = Listing::default();
    for element in elements {
        let tag = element.tag;
        match list.judge(&message, &element) {
            Ok(()) if tag.is_repeat_indicator() || element.is_empty() => message.elements.push(element),
            Ok(()) => match valid(&element) {
                Ok(()) => message.elements.push(element),
                Err(bad) => message.set_aside.push(SetAside { tag, why: Why::Content(bad) }),
            },
            Err(why) => message.set_aside.push(SetAside { tag, why }),
        }
    }
    message.set_aside.extend(cut_off.map(|tag| SetAside { tag, why: Why::CutOff }));
    drop_lone_indicators(&mut message.elements);
    message
}

/// Where one is among repeated elements.
#[derive(Default)]
struct Listing {
    announced: bool,
    of: Option<Tag>,
    members: usize,
}

impl Listing {
    /// Clauses 17.5.2 and 17.7.1.
    fn judge(&mut self, message: &Message, element: &Element) -> Result<(), Why> {
        let (kind, from, tag) = (message.kind, message.from, element.tag);
        if tag.is_repeat_indicator() {
            *self = Self { announced: true, ..Self::default() };
            return match kind.allows(Tag::REPEAT_INDICATOR, from) {
                true => Ok(()),
                false => Err(Why::NotAllowed),
            };
        }
        let before = message.elements.iter().filter(|e| e.tag == tag).count();
        let inside = self.of == Some(tag);
        if self.announced && kind.allows_list(tag, from) && before == 0 {
            *self = Self { announced: false, of: Some(tag), members: 1 };
        } else if inside && tag != Tag::SEGMENTED_INFO {
            self.members += 1;
        } else if tag != Tag::SEGMENTED_INFO {
            *self = Self::default();
        }
        // "If an information element is repeated in a message in which repetition of the information
        // element is not expected, only the contents of information element appearing first shall be
        // handled … If the limit on repetition of information elements is exceeded, the contents of
        // information elements appearing first up to the limit of repetitions shall be handled."
        match kind.places(tag, from) {
            0 => Err(Why::NotAllowed),
            _ if inside && self.members <= MAX_LIST => Ok(()),
            places if before < places => Ok(()),
            _ => Err(Why::Repeated),
        }
    }
}

/// A repeat indicator whose list was left out, or that stood before another one, announces nothing.
fn drop_lone_indicators(elements: &mut Vec<Element>) {
    let next_is_element = |place: usize, elements: &[Element]| {
        elements.get(place + 1).is_some_and(|next| !next.tag.is_repeat_indicator())
    };
    for place in (0..elements.len()).rev() {
        if elements[place].tag.is_repeat_indicator() && !next_is_element(place, elements) {
            elements.remove(place);
        }
    }
}

/// Clause 17.6: a mandatory element that is missing or bad is a fault of the message.
fn complete(message: Message) -> Result<Message, Fault> {
    let Some(element) = message.missing() else { return Ok(message) };
    let bad = |set: &&SetAside| set.tag == element && matches!(set.why, Why::Content(_) | Why::CutOff);
    let missing = message.set_aside.iter().find(bad).is_none();
    Err(Fault::Mandatory { message: Box::new(message), element, missing })
}

//! Supplementary services: keypad, hold and retrieve, display, names and numbers, notices (EN 300 175-5,
//! clause 10, annex D).

use super::element::{Alphabet, CallingName, CallingNumber, Event, Events, MultiDisplay, MultiKeypad};
use super::element::{NumberType, Plan, Presentation, Screening, SingleKeypad, StandardEvent, Tag};
use super::message::{Kind, Message, Protocol, Side, Transaction};
use crate::pii::Pii;

/// Longest caller's number or URI a handset is given, in characters.
pub const MAX_NUMBER: usize = 64;
/// Longest caller's name a handset is given, in characters.
pub const MAX_NAME: usize = 24;
/// Most characters put on a display at once, where the handset does not say how many it holds.
const MAX_DISPLAY: usize = 48;

/// A key of the handset, or what its keypad stands for (annex D).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character: digits, star, hash, letters.
    Character(char),
    /// 15: register recall, the R key.
    Recall,
    /// 05: a pause in dialling.
    Pause,
    /// 12: go to pulse dialling.
    Pulse,
    /// 14: go to DTMF of defined length.
    Dtmf,
    /// 16: go to DTMF for as long as the key is held.
    DtmfHeld,
    /// 00: the held key is released.
    DtmfEnd,
    /// 17: an internal call.
    Internal,
    /// 18: a service call.
    Service,
    /// 1C: what follows is the code of a supplementary service.
    Supplementary,
    /// Another control code.
    Control(u8),
}

impl Key {
    fn from_octet(octet: u8) -> Self {
        match octet {
            0x20..=0x7E => Self::Character(char::from(octet)),
            0x00 => Self::DtmfEnd,
            0x05 => Self::Pause,
            0x12 => Self::Pulse,
            0x14 => Self::Dtmf,
            0x15 => Self::Recall,
            0x16 => Self::DtmfHeld,
            0x17 => Self::Internal,
            0x18 => Self::Service,
            0x1C => Self::Supplementary,
            other => Self::Control(other),
        }
    }
}

/// The keys in a message. "Either one fixed length element or one variable length element but not both"
/// (7.5.5); of both the variable one counts.
pub fn keys(message: &Message) -> Vec<Key> {
    let many = message.get::<MultiKeypad>().map(|keypad| keypad.0.0);
    let one = || message.get::<SingleKeypad>().map(|keypad| keypad.0.0);
    many.or_else(one).unwrap_or_default().into_iter().map(Key::from_octet).collect()
}

/// Text in DECT characters: IA5. Letters with marks lose them, Cyrillic and Greek ones become Latin, a return begins a
/// line, other characters become question marks.
pub fn characters(text: &str) -> Vec<u8> {
    let decomposed = icu_normalizer::DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let mut shown = Vec::with_capacity(decomposed.len());
    for c in decomposed.chars() {
        match c {
            ' '..='~' | '\r' => shown.push(c as u8),
            // Combining marks, set free by the decomposition.
            '\u{300}'..='\u{36F}' => {}
            'ß' => shown.extend(b"ss"),
            'Æ' | 'æ' => shown.extend(if c == 'æ' { b"ae" } else { b"Ae" }),
            'Ø' | 'ø' => shown.push(if c == 'ø' { b'o' } else { b'O' }),
            'Ł' | 'ł' => shown.push(if c == 'ł' { b'l' } else { b'L' }),
            'ı' => shown.push(b'i'),
            '\u{2010}'..='\u{2015}' => shown.push(b'-'),
            '\u{2018}' | '\u{2019}' => shown.push(b'\''),
            other => shown.extend(super::latin::latin(other).unwrap_or("?").bytes()),
        }
    }
    shown
}

/// A text alone on the display: the code "clear display", which "is mandatory for all displays" (7.7.41),
/// then the text, as much as the handset holds (its stored display characters; 0 when it does not say).
pub fn display(text: &str, stored: u16) -> MultiDisplay {
    let most = if stored == 0 { MAX_DISPLAY } else { usize::from(stored).min(254) };
    let mut shown = vec![0x0C];
    shown.extend(characters(text).into_iter().take(most));
    MultiDisplay::new(shown)
}

/// Who calls, for the display of a handset (CLIP and CNIP).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The number.
    pub number: CallingNumber,
    /// The name, if there is one to show.
    pub name: Option<CallingName>,
}

impl Caller {
    /// A number or SIP URI, cut after [`MAX_NUMBER`] characters, and a name, cut after [`MAX_NAME`].
    pub fn new(number: &str, name: Option<&str>) -> Self {
        let sip = number.contains('@') || number.starts_with("sip:");
        let plan = if sip { Plan::SIP } else { Plan::UNKNOWN };
        let international = !sip && number.starts_with('+');
        let kind = if international { NumberType::INTERNATIONAL } else { NumberType::UNKNOWN };
        // "Standard IA5 codes are used. Bit number 8 will be set to zero" (7.7.9, note 1).
        let mut digits = characters(number);
        digits.truncate(MAX_NUMBER);
        let shown = Some((Presentation::ALLOWED, Screening::NETWORK));
        let number = CallingNumber { kind, plan, shown, number: Pii(digits) };
        let name = name.filter(|name| !name.is_empty()).map(|name| CallingName {
            presentation: Presentation::ALLOWED,
            alphabet: Alphabet::UTF8,
            screening: Screening::NETWORK,
            name: Pii(name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect::<String>().into()),
        });
        Self { number, name }
    }

    /// One who does not want to be known.
    pub fn withheld() -> Self {
        Self { number: CallingNumber::restricted(), name: None }
    }

    /// As a handset shows it: one that knows no UTF-8 is given the name in DECT characters.
    pub fn spelt(self, utf8: bool) -> Self {
        let plain = |name: CallingName| {
            let mut shown = characters(&String::from_utf8_lossy(&name.name.0));
            shown.truncate(MAX_NAME);
            CallingName { alphabet: Alphabet::DECT, name: Pii(shown), ..name }
        };
        match utf8 {
            true => self,
            false => Self { name: self.name.map(plain), ..self },
        }
    }

    /// Puts both into a message that may have them.
    pub fn put_into(&self, message: Message) -> Message {
        message.with(&self.number).with_some(self.name.as_ref())
    }
}

/// A notice outside of any call: {FACILITY} of the connectionless supplementary service, whose transaction
/// value is 6 (7.3, 10.4.2.3).
pub fn notice(events: &Events) -> Message {
    let transaction = Transaction { protocol: Protocol::Ciss, value: 6, starter: Side::Fixed };
    Message::new(Kind::Facility, Side::Fixed, transaction).with(events)
}

/// The same in words, for handsets that have no sign for it; empty words clear the display.
pub fn notice_words(events: &Events) -> Option<String> {
    events.0.iter().find_map(|event| match event {
        Event::Standard { kind: StandardEvent::MESSAGE_WAITING, count, .. } => Some(match count {
            0 => String::new(),
            1 => "1 new message".to_owned(),
            count => format!("{count} new messages"),
        }),
        _ => None,
    })
}

/// What to answer to a {FACILITY} of an independent service that nobody knows: {CISS-RELEASE-COM} with
/// "unknown transaction identifier" (17.3.2.2). Connectionless ones have no transaction to be known.
pub fn unknown_facility(message: &Message, known: bool) -> Option<Message> {
    let independent = message.kind == Kind::Facility && message.transaction.protocol == Protocol::Ciss;
    let stray = independent && message.transaction.value != 6 && !known;
    let unknown = super::element::ReleaseReason::UNKNOWN_TRANSACTION;
    stray.then(|| message.answer(Kind::CissReleaseCom).with(&unknown))
}

/// Auxiliary states of hold and retrieve (10.4.1.3), beside the state of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hold {
    /// "IDLE"
    #[default]
    Idle,
    /// "HOLD REQUEST", and who asks.
    HoldRequest(Side),
    /// "CALL HELD"
    CallHeld,
    /// "RETRIEVE REQUEST", and who asks.
    RetrieveRequest(Side),
}

impl Hold {
    /// The state after a message went over the air, from either side; `None` when it means nothing in this
    /// state: a received one is ignored then, one of ours must not be sent.
    pub fn after(self, message: &Message) -> Option<Self> {
        let from = message.from;
        match (self, message.kind) {
            (Self::Idle, Kind::Hold) => Some(Self::HoldRequest(from)),
            (Self::HoldRequest(asker), Kind::HoldAck) if asker != from => Some(Self::CallHeld),
            (Self::HoldRequest(asker), Kind::HoldReject) if asker != from => Some(Self::Idle),
            (Self::CallHeld, Kind::Retrieve) => Some(Self::RetrieveRequest(from)),
            (Self::RetrieveRequest(asker), Kind::RetrieveAck) if asker != from => Some(Self::Idle),
            // "The auxiliary state would then remain in the "CALL HELD" state" (10.4.1.2).
            (Self::RetrieveRequest(asker), Kind::RetrieveReject) if asker != from => Some(Self::CallHeld),
            _ => None,
        }
    }
}

/// Whether the number dialled so far is said to be all of it (7.6.2).
pub fn is_complete(message: &Message) -> bool {
    message.has(Tag::SENDING_COMPLETE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::message::receive;

    fn hers(octets: &[u8]) -> Message {
        receive(octets, Side::Portable).unwrap()
    }

    #[test]
    fn keys_are_read_from_either_element() {
        let r5 = hers(&[0x03, 0x7B, 0x2C, 0x02, 0x15, b'5']);
        assert_eq!(keys(&r5), [Key::Recall, Key::Character('5')]);
        assert_eq!(keys(&hers(&[0x03, 0x7B, 0xE9, b'#'])), [Key::Character('#')]);
        assert_eq!(keys(&hers(&[0x03, 0x7B])), []);
        let service = hers(&[0x03, 0x7B, 0x2C, 0x03, 0x1C, b'3', 0x8B, 0xA1]);
        assert_eq!(keys(&service), [Key::Supplementary, Key::Character('3'), Key::Control(0x8B)]);
        assert!(is_complete(&service) && !is_complete(&r5));
    }

    #[test]
    fn names_and_numbers_are_cut_to_what_handsets_bear() {
        let caller = Caller::new(&format!("sip:{}@example.com", "x".repeat(80)), Some(&"Ä".repeat(30)));
        assert_eq!((caller.number.number.0.len(), caller.number.plan), (64, Plan::SIP));
        let name = caller.name.as_ref().unwrap();
        assert_eq!(name.name.0, "Ä".repeat(24).as_bytes());
        let info = caller.put_into(Message::begin(Kind::CcInfo));
        assert_eq!(receive(&info.encode(), Side::Fixed), Ok(info));
        assert_eq!(Caller::new("+49", None).number.kind, NumberType::INTERNATIONAL);
        assert_eq!(Caller::new("+49", Some("")).name, None);
        assert_eq!(Caller::withheld().number.shown, Some((Presentation::RESTRICTED, Screening::USER)));
    }

    #[test]
    fn a_display_is_cleared_and_holds_no_more_than_the_handset_says() {
        assert_eq!(display("Zürich\rStraße 4 – 京", 0).0.0, b"\x0CZurich\x0DStrasse 4 - ?");
        assert_eq!(display("abcdef", 3).0.0, b"\x0Cabc");
        assert_eq!(display(&"x".repeat(999), 16_383).0.0.len(), 255);
        assert_eq!(display(&"x".repeat(999), 0).0.0.len(), 49);
    }

    #[test]
    fn three_messages_wait() {
        let notice = notice(&Events(vec![Event::voice_messages(3)]));
        assert_eq!(notice.encode(), [0x64, 0x62, 0x7D, 0x03, 0x00, 0x81, 0x83]);
        let words = |count| notice_words(&Events(vec![Event::voice_messages(count)]));
        assert_eq!([0, 1, 3].map(words), ["", "1 new message", "3 new messages"].map(|w| Some(w.to_owned())));
        assert_eq!(notice_words(&Events(vec![Event::missed_calls(2, true)])), None);
    }

    #[test]
    fn a_facility_of_no_transaction_is_answered() {
        let stray = hers(&[0x14, 0x62, 0x05, 0x05, 0x80, 0x98, 0x10, 0x12, 0x67]);
        let answer = unknown_facility(&stray, false).map(|answer| answer.encode());
        assert_eq!(answer.as_deref(), Some(&[0x94, 0x5A, 0xE2, 0x02][..]));
        assert_eq!(unknown_facility(&stray, true), None);
        let connectionless = hers(&[0x64, 0x62, 0x05, 0x05, 0x80, 0x98, 0x10, 0x12, 0x67]);
        assert_eq!(unknown_facility(&connectionless, false), None);
    }

    #[test]
    fn hold_and_retrieve_go_through_their_four_states() {
        let transaction = Transaction::first(Protocol::Cc, Side::Portable);
        let says = |kind, from| Message::new(kind, from, transaction);
        let walk = |steps: &[(Kind, Side)]| {
            steps.iter().try_fold(Hold::Idle, |hold, (kind, from)| hold.after(&says(*kind, *from)))
        };
        use Side::{Fixed, Portable};
        let held = [(Kind::Hold, Portable), (Kind::HoldAck, Fixed)];
        assert_eq!(walk(&held), Some(Hold::CallHeld));
        assert_eq!(walk(&[held[0], (Kind::HoldReject, Fixed)]), Some(Hold::Idle));
        let asked = [held[0], held[1], (Kind::Retrieve, Portable)];
        let then = |kind| [&asked[..], &[(kind, Fixed)]].concat();
        assert_eq!(walk(&then(Kind::RetrieveAck)), Some(Hold::Idle));
        assert_eq!(walk(&then(Kind::RetrieveReject)), Some(Hold::CallHeld));
        assert_eq!(walk(&[held[0], (Kind::HoldAck, Portable)]), None, "nobody grants his own wish");
        assert_eq!(walk(&[(Kind::Retrieve, Portable)]), None);
    }
}

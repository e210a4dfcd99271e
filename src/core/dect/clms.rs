//! Text without a connection: {CLMS-VARIABLE} (EN 300 175-5, clause 12 and 6.3.5).

use super::element::{Alphanumeric, PortableIdentity};
use super::identity::Tpui;
use super::message::{Kind, Message};

/// Longest text of one message, in octets: what one element holds beside its own octet.
pub const MAX_TEXT: usize = 254;

/// A text is too long for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text broadcast to handsets has at most {MAX_TEXT} characters, this one has {0}")]
pub struct TooLong(pub usize);

/// A text for a group of handsets, or with [`Tpui::BROADCAST`] for all. "A connectionless group TPUI shall
/// also be used in the Portable Identity information element within {CLMS-VARIABLE}" (EN 300 175-6, 6.3.3).
/// Characters beyond IA5 become question marks.
pub fn text(group: Tpui, text: &str) -> Result<Message, TooLong> {
    let characters = super::ss::characters(text);
    match characters.len() {
        0..=MAX_TEXT => Ok(Message::begin(Kind::ClmsVariable)
            .with(&PortableIdentity::tpui(group))
            .with(&Alphanumeric::dect(characters))),
        longer => Err(TooLong(longer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::message::{Side, receive};

    #[test]
    fn a_text_for_all_is_one_whole_message() {
        let message = text(Tpui::BROADCAST, "Fire").unwrap();
        assert_eq!(message.missing(), None);
        let octets = [6, 1, 5, 5, 0xA0, 0x94, 0x0C, 0xCF, 0xFF, 0x76, 5, 0x11, b'F', b'i', b'r', b'e'];
        assert_eq!(message.encode(), octets);
        assert_eq!(receive(&octets, Side::Fixed), Ok(message));
        assert_eq!(text(Tpui::BROADCAST, &"x".repeat(255)), Err(TooLong(255)));
    }
}

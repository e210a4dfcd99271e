//! Characters from the keypad and for the display (7.6.5, 7.6.6, 7.7.3, 7.7.26, 7.7.27).
//!
//! Keypad characters may be somebody's PIN, so none of these shows its characters in `Debug`.

use super::{BadContent, Coding, Tag, octet};
use crate::pii::Pii;

macro_rules! characters {
    ($($(#[$doc:meta])* $name:ident = $tag:ident, $single:literal)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub Pii<Vec<u8>>);

        impl $name {
            /// From DECT characters (annex D), at most 255 octets.
            pub fn new(characters: impl Into<Vec<u8>>) -> Self {
                Self(Pii(characters.into()))
            }
        }

        impl Coding for $name {
            const TAG: Tag = Tag::$tag;

            fn decode(content: &[u8]) -> Result<Self, BadContent> {
                match $single && content.is_empty() {
                    true => Err(BadContent::TooShort),
                    false => Ok(Self::new(content)),
                }
            }

            fn encode(&self) -> Vec<u8> {
                self.0.0.clone()
            }
        }
    )*};
}

characters! {
    /// Characters for the display (`<<MULTI-DISPLAY>>`).
    MultiDisplay = MULTI_DISPLAY, false
    /// Characters from the keypad (`<<MULTI-KEYPAD>>`).
    MultiKeypad = MULTI_KEYPAD, false
    /// One character for the display (`<<SINGLE-DISPLAY>>`).
    SingleDisplay = SINGLE_DISPLAY, true
    /// One character from the keypad (`<<SINGLE-KEYPAD>>`).
    SingleKeypad = SINGLE_KEYPAD, true
}

/// Text of a message service (`<<ALPHANUMERIC>>`, 7.7.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alphanumeric {
    /// Character type, three bits: 0 user specific, 1 eight-bit characters, 2 four-bit ones.
    pub kind: u8,
    /// With four-bit characters: whether their number is odd.
    pub odd: bool,
    /// Character set, three bits: of eight-bit characters 1 DECT, 2 IA5, 6 ASCII.
    pub set: u8,
    /// The octets.
    pub characters: Pii<Vec<u8>>,
}

impl Alphanumeric {
    /// Text in eight-bit DECT characters.
    pub fn dect(characters: impl Into<Vec<u8>>) -> Self {
        Self { kind: 1, odd: false, set: 1, characters: Pii(characters.into()) }
    }
}

impl Coding for Alphanumeric {
    const TAG: Tag = Tag::ALPHANUMERIC;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        let (kind, odd, set) = (first >> 4 & 7, first & 8 != 0, first & 7);
        Ok(Self { kind, odd, set, characters: Pii(content[1..].to_vec()) })
    }

    fn encode(&self) -> Vec<u8> {
        let first = (self.kind & 7) << 4 | u8::from(self.odd) << 3 | self.set & 7;
        [&[first], self.characters.0.as_slice()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    #[test]
    fn characters_are_read_and_written_alike_and_not_shown() {
        there_and_back(b"\x0CLogin failed\x02", MultiDisplay::new(*b"\x0CLogin failed\x02"));
        there_and_back(b"", MultiKeypad::new(*b""));
        there_and_back(b"5", SingleKeypad::new(*b"5"));
        assert_eq!(SingleKeypad::decode(b""), Err(BadContent::TooShort));
        assert_eq!(format!("{:?}", MultiKeypad::new(*b"1234")), "MultiKeypad(<redacted>)");
        there_and_back(b"\x11Fire", Alphanumeric::dect(*b"Fire"));
        assert_eq!(Alphanumeric::decode(b""), Err(BadContent::TooShort));
    }
}

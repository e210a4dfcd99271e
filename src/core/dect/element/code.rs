//! One octet with a meaning: open lists of values, each with the standard's words.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($constant:ident = $value:literal $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u8);

        impl $name {
            $(#[doc = concat!("\"", $text, "\"")] pub const $constant: Self = Self($value);)*

            /// The standard's words for it, if it has any.
            pub fn words(self) -> Option<&'static str> {
                match self.0 { $($value => Some($text),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.words() {
                    Some(words) => write!(f, "{words} ({:02X})", self.0),
                    None => write!(f, "reserved ({:02X})", self.0),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )*};
}

/// Codes that are the first octet of their element's contents and the whole of it.
macro_rules! single_octet {
    ($($name:ident = $tag:ident),* $(,)?) => {$(
        impl $crate::dect::element::Coding for $name {
            const TAG: $crate::dect::element::Tag = $crate::dect::element::Tag::$tag;

            fn decode(content: &[u8]) -> Result<Self, $crate::dect::element::BadContent> {
                content.first().map(|octet| Self(*octet)).ok_or($crate::dect::element::BadContent::TooShort)
            }

            fn encode(&self) -> Vec<u8> {
                vec![self.0]
            }
        }
    )*};
}

pub(crate) use codes;
pub(crate) use single_octet;

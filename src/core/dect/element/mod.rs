//! Information elements: the parts of a message (EN 300 175-5, clauses 7.5 to 7.7).
//!
//! An [`Element`] is a tag and contents as they came. What the contents mean is asked for by type:
//! [`Element::read`] with one of the types here, each of which has the coding of its clause. Whatever a
//! type cannot read it refuses with the octet at fault; octets beyond those it knows it ignores, for
//! "the implementation should process the expected/defined/known octets and only discard the additional
//! unexpected octets" (7.5.2).

use std::fmt;

mod call;
mod capability;
mod code;
mod codec;
mod event;
mod foreign;
mod identity;
mod information;
mod party;
mod reason;
mod security;
mod split;
mod tag;
mod text;
mod time;
mod valid;

pub use call::{BasicService, CallClass, ChangeMode, Progress, ProgressDescription, ServiceChange};
pub use capability::{Display, Model, SetupCapability, TerminalCapability};
pub use codec::{Codec, CodecList, CodecName, SlotSize};
pub use event::{Event, Events, StandardEvent};
pub use foreign::{Feature, FeatureActivate, FeatureIndicate, IwuToIwu, Proprietary, Segment};
pub use identity::{FixedIdentity, IdentityType, LocationArea, PortableIdentity};
pub use information::{CallInformation, Identifier, InfoKind, InfoType};
pub use party::Screening;
pub use party::{
    Alphabet, CalledName, CalledNumber, CallingName, CallingNumber, NumberType, Plan, Presentation,
};
pub use reason::{RejectReason, ReleaseReason, ServiceClass, Signal, TestHook, TimerRestart};
pub use security::{AllocationType, AuthType, CipherAlgorithm, CipherInfo, CipherKeyKind};
pub use security::{AuthAlgorithm, DefaultKey, KeyData, KeyKind, Rand, Res, Rs, Zap};
pub use split::{MAX_ELEMENTS, Split, join, split};
pub use tag::Tag;
pub use text::{Alphanumeric, MultiDisplay, MultiKeypad, SingleDisplay, SingleKeypad};
pub use time::{Duration, Lock, TimeDate, TimeLimit};
pub use valid::valid;

/// One information element: which, and its contents as they came. `Debug` shows no contents, for they may
/// be a key or somebody's PIN.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    /// Which element.
    pub tag: Tag,
    /// Its contents: octet 3 and the following of a variable one, octet 2 of a fixed one.
    pub content: Vec<u8>,
}

impl Element {
    /// One that means `value`.
    pub fn of<T: Coding>(value: &T) -> Self {
        Self { tag: T::TAG, content: value.encode() }
    }

    /// One that says all by being there: sending complete, delimiter request, use TPUI, a list.
    pub fn flag(tag: Tag) -> Self {
        Self { tag, content: Vec::new() }
    }

    /// Its meaning; `None` when it is another element.
    pub fn read<T: Coding>(&self) -> Option<Result<T, BadContent>> {
        (self.tag == T::TAG).then(|| T::decode(&self.content))
    }

    /// Whether it is one of variable length without contents, which counts as absent (7.5.1).
    pub fn is_empty(&self) -> bool {
        self.tag.is_variable() && self.content.is_empty()
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} octets", self.tag, self.content.len())
    }
}

/// A meaning with the coding of its clause.
pub trait Coding: Sized {
    /// The element it stands in.
    const TAG: Tag;

    /// Reads contents; what is more than known is ignored.
    fn decode(content: &[u8]) -> Result<Self, BadContent>;

    /// Writes contents, at most 255 octets.
    fn encode(&self) -> Vec<u8>;
}

/// What is wrong with the contents of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadContent {
    /// An octet the coding needs is not there.
    #[error("too short for its coding")]
    TooShort,
    /// A value that is reserved, where nothing can be made of the element without it.
    #[error("octet {octet} has the reserved value {value:02X}")]
    Reserved {
        /// The octet, as numbered in the standard's figure (octet 3 is the first of the contents).
        octet: u8,
        /// What it held.
        value: u8,
    },
    /// An identity that does not fit its own length or type.
    #[error("the identity in it is malformed")]
    Identity,
    /// Characters that are no text of the alphabet they claim.
    #[error("its text is not of the alphabet it names")]
    Text,
}

/// The octet of contents that the figure numbers `octet` (3 and up, groups without letters).
fn octet(content: &[u8], octet: u8) -> Result<u8, BadContent> {
    content.get(usize::from(octet.saturating_sub(3))).copied().ok_or(BadContent::TooShort)
}

/// Splits off one octet group: "The bit value "0" indicates that the group is extended into the next
/// octet. The bit value "1" indicates that this is the last octet of the group" (7.5.1). The extension
/// bits are removed. `None` when the last octet is missing.
fn group(content: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let last = content.iter().position(|octet| octet & 0x80 != 0)?;
    Some((content[..=last].iter().map(|octet| octet & 0x7F).collect(), &content[last + 1..]))
}

/// Writes one octet group, setting the extension bits.
fn push_group(octets: &[u8], content: &mut Vec<u8>) {
    let Some((last, before)) = octets.split_last() else { return };
    content.extend(before.iter().map(|octet| octet & 0x7F));
    content.push(last | 0x80);
}

/// A number in an octet group, seven bits an octet, the most significant first; at most 28 bits.
fn group_number(octets: &[u8]) -> Option<u32> {
    (octets.len() <= 4).then(|| octets.iter().fold(0, |number, octet| number << 7 | u32::from(*octet)))
}

/// Writes a number of at most 28 bits as an octet group, as short as possible.
fn push_group_number(number: u32, content: &mut Vec<u8>) {
    let octets = [(number >> 21) as u8, (number >> 14) as u8, (number >> 7) as u8, number as u8];
    let used = octets.iter().position(|octet| octet & 0x7F != 0).unwrap_or(3);
    push_group(&octets[used..], content);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads contents, checks the value, and checks that it writes the same octets again.
    #[track_caller]
    pub(super) fn there_and_back<T: Coding + PartialEq + fmt::Debug>(content: &[u8], value: T) {
        assert_eq!(T::decode(content).as_ref(), Ok(&value));
        assert_eq!(value.encode(), content, "{value:?}");
    }

    #[test]
    fn an_octet_group_ends_with_the_first_set_extension_bit() {
        assert_eq!(group(&[0x01, 0x82, 0x03]), Some((vec![1, 2], &[3u8][..])));
        assert_eq!(group(&[0x01, 0x02]), None);
        let mut content = Vec::new();
        push_group_number(128, &mut content);
        push_group_number(0, &mut content);
        assert_eq!(content, [0x01, 0x80, 0x80]);
        assert_eq!(group_number(&[1, 0]), Some(128));
        assert_eq!(group_number(&[0; 5]), None);
    }

    #[test]
    fn debug_shows_no_contents() {
        let secret = Element { tag: Tag::KEY, content: vec![0x90, 0xAB] };
        assert_eq!(format!("{secret:?}"), "<<KEY>> of 2 octets");
    }
}

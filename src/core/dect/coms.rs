//! Text over a connection: {COMS-SETUP}, {COMS-INFO}, {COMS-ACK} (EN 300 175-5, clause 11 and 6.3.4).
//!
//! ```text
//!  sender ──COMS-SETUP──► other   other ──COMS-CONNECT──► sender
//!         ──COMS-INFO, a part──►        ◄──COMS-ACK──            once for each part
//!         ──COMS-RELEASE──►             ◄──COMS-RELEASE-COM──
//! ```
//!
//! The acknowledgement of the last part is the other side's word for the whole: a handset gives it when its
//! display shows the text, the switch when the text is on disk.

use super::element::{Alphanumeric, Element, MultiDisplay, Segment, Tag};
use super::identity::{Ipui, Park};
use super::message::{Kind, Message};

/// Most characters of one part: what one element holds beside its own octet.
pub const MAX_PART: usize = 254;
/// Most characters of a text, in either direction.
pub const MAX_TEXT: usize = 1_000;

/// `<<IWU-ATTRIBUTES>>` of a text: DECT's own coding, unrestricted digital information, nothing to negotiate,
/// packets (7.7.21). Both sides know by the service what follows; nobody looks into it.
const ATTRIBUTES: [u8; 4] = [0x88, 0x80, 0xC0, 0x80];

/// {COMS-SETUP} for a text to this handset. `heading` stands on its display before the text comes.
pub fn setup(ipui: &Ipui, park: Park, heading: &MultiDisplay) -> Message {
    use super::element::{FixedIdentity, PortableIdentity};
    Message::begin(Kind::ComsSetup)
        .with(&PortableIdentity::Ipui(ipui.clone()))
        .with(&FixedIdentity::Park(park))
        .with_element(Element { tag: Tag::IWU_ATTRIBUTES, content: ATTRIBUTES.to_vec() })
        .with(heading)
}

/// A text in parts of [`MAX_PART`] characters, cut after [`MAX_TEXT`]. An empty one has one empty part.
pub fn parts(text: &str) -> Vec<Vec<u8>> {
    let mut characters = super::ss::characters(&text.replace('\n', "\r"));
    characters.truncate(MAX_TEXT);
    match characters.is_empty() {
        true => vec![Vec::new()],
        false => characters.chunks(MAX_PART).map(<[u8]>::to_vec).collect(),
    }
}

/// {COMS-INFO} with part `index` of these, in the conversation that `setup` began. "Segmented info" tells how
/// many are still to come where there is more than one.
pub fn part(parts: &[Vec<u8>], index: usize) -> Message {
    let info = Message::begin(Kind::ComsInfo);
    let remaining = u8::try_from(parts.len() - index).unwrap_or(u8::MAX);
    let segment = Segment { first: index == 0, remaining, element: Tag::ALPHANUMERIC };
    info.with_some((parts.len() > 1).then_some(&segment)).with(&Alphanumeric::dect(parts[index].clone()))
}

/// What a {COMS-INFO} of a handset brings: characters, and whether they are the last.
pub fn read(info: &Message) -> Option<(Vec<u8>, bool)> {
    let characters = info.get::<Alphanumeric>()?.characters.0;
    let last = info.get::<Segment>().is_none_or(|segment| segment.remaining <= 1);
    Some((characters, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::message::{Side, receive};

    #[test]
    fn a_long_text_goes_in_numbered_parts() {
        let parts = parts(&"x".repeat(600));
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [254, 254, 92]);
        let infos: Vec<_> = (0..3).map(|index| part(&parts, index)).collect();
        assert!(infos.iter().all(|info| receive(&info.encode(), Side::Fixed).as_ref() == Ok(info)));
        let read: Vec<_> = infos.iter().filter_map(read).map(|(text, last)| (text.len(), last)).collect();
        assert_eq!(read, [(254, false), (254, false), (92, true)]);
    }

    #[test]
    fn a_short_text_is_one_whole_message() {
        let info = part(&parts("Bed 7\nnow"), 0);
        assert_eq!(info.encode()[..5], [0x07, 0x7B, 0x76, 10, 0x11]);
        assert_eq!(read(&info), Some((b"Bed 7\rnow".to_vec(), true)));
    }
}

//! From octets to elements and back, whatever is in them (7.5.1 to 7.5.4).

use super::{Element, Tag};

/// Most elements one message may bring; those after are not looked at. The longest table has 43 rows.
pub const MAX_ELEMENTS: usize = 64;

/// What the octets after the message type hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Elements of codeset 0, in order. Empty variable ones are kept: "an optional variable length
    /// information element may be present but empty … equivalent to that information element being absent".
    pub elements: Vec<Element>,
    /// The element whose octets ended before its length did. It is not among `elements`.
    pub cut_off: Option<Tag>,
}

/// Cuts octets into elements. Never fails: what cannot be read is left out.
pub fn split(octets: &[u8]) -> Split {
    let mut split = Split { elements: Vec::new(), cut_off: None };
    let mut codeset = Codeset::default();
    let mut rest = octets;
    while let Some((&first, after)) = rest.split_first() {
        if split.elements.len() == MAX_ELEMENTS {
            break;
        }
        let (tag, content, next) = match cut(first, after) {
            Some(cut) => cut,
            None => {
                split.cut_off = codeset.is_ours().then_some(Tag(first));
                break;
            }
        };
        rest = next;
        match first & 0xF0 == 0x90 {
            true => codeset.shift(first),
            // "Equipment is not required to interpret any codesets except for codeset "0", elements from
            // alternative codesets may be discarded without further action" (7.5.2).
            false if codeset.next() == 0 => split.elements.push(Element { tag, content: content.to_vec() }),
            false => {}
        }
    }
    split
}

/// One element: its tag, contents and what follows. `None` when the octets end too early.
fn cut(first: u8, after: &[u8]) -> Option<(Tag, &[u8], &[u8])> {
    let (tag, length, content) = match first {
        0x00..=0x7F => (Tag(first), usize::from(*after.first()?), &after[1..]),
        // "One single octet identifier is used to define a secondary set of 2 octet elements": 1110.
        0xE0..=0xEF => (Tag(first), 1, after),
        _ => (Tag(first), 0, after),
    };
    (content.len() >= length).then(|| (tag, &content[..length], &content[length..]))
}

/// Which codeset the next element belongs to.
#[derive(Default)]
struct Codeset {
    locked: u8,
    once: Option<u8>,
}

impl Codeset {
    /// "A "0" in bit position 4 indicates locking shift … This procedure shall only be used to shift to a
    /// higher number codeset" (7.5.3), a lower one is no shift. "A non-locking shift … directly before a
    /// locking shift … shall be treated as though the locking shift element only had been received" (7.5.4).
    fn shift(&mut self, octet: u8) {
        let set = octet & 7;
        match octet & 8 == 0 {
            true => (self.locked, self.once) = (self.locked.max(set), None),
            false => self.once = Some(set),
        }
    }

    fn next(&mut self) -> u8 {
        self.once.take().unwrap_or(self.locked)
    }

    fn is_ours(&self) -> bool {
        self.once.unwrap_or(self.locked) == 0
    }
}

/// Writes one element after the others. Contents beyond what its length can tell are cut off; builders of
/// contents stay below.
pub fn join(element: &Element, octets: &mut Vec<u8>) {
    octets.push(element.tag.0);
    if element.tag.is_variable() {
        let length = element.content.len().min(255);
        octets.push(length as u8);
        octets.extend_from_slice(&element.content[..length]);
    } else if let (0xE0..=0xEF, Some(content)) = (element.tag.0, element.content.first()) {
        octets.push(*content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(octets: &[u8]) -> Vec<u8> {
        split(octets).elements.iter().map(|e| e.tag.0).collect()
    }

    #[test]
    fn each_kind_of_element_is_cut_by_its_first_octet() {
        let octets = [0xA1, 0xE4, 0x40, 0x2C, 0x02, 0x35, 0x36, 0xD1, 0x28, 0x00];
        let split = split(&octets);
        let shown: Vec<_> = split.elements.iter().map(|e| (e.tag.0, e.content.as_slice())).collect();
        let expected: Vec<(u8, &[u8])> =
            vec![(0xA1, &[]), (0xE4, &[0x40]), (0x2C, &[0x35, 0x36]), (0xD1, &[]), (0x28, &[])];
        assert_eq!(shown, expected);
        let mut again = Vec::new();
        split.elements.iter().for_each(|e| join(e, &mut again));
        assert_eq!(again, octets);
    }

    #[test]
    fn an_element_that_ends_too_early_is_named_and_left_out() {
        assert_eq!(split(&[0xE2, 0x00, 0x05, 0x07, 0x80]).cut_off, Some(Tag::PORTABLE_IDENTITY));
        assert_eq!(split(&[0x05]).cut_off, Some(Tag::PORTABLE_IDENTITY));
        assert_eq!(split(&[0xE2]).cut_off, Some(Tag::RELEASE_REASON));
        assert_eq!(tags(&[0xA1, 0x05, 0x07]), [0xA1]);
    }

    #[test]
    fn elements_of_other_codesets_are_skipped_by_the_same_rules() {
        // Non-locking: one element only.
        assert_eq!(tags(&[0x9C, 0x28, 0x01, 0xFF, 0x28, 0x00]), [0x28]);
        // Locking: to the end of the message, but for one element shifted back.
        assert_eq!(tags(&[0xA1, 0x94, 0x28, 0x00, 0x98, 0xE4, 0x3F, 0xA2]), [0xA1, 0xE4]);
        // A non-locking shift before a locking one counts for nothing.
        assert!(tags(&[0x98, 0x94, 0x28, 0x00]).is_empty());
        // No way down.
        assert!(tags(&[0x94, 0x90, 0x28, 0x00]).is_empty());
        // A cut-off stranger is nobody's.
        assert_eq!(split(&[0x94, 0x05, 0x07]).cut_off, None);
    }

    #[test]
    fn a_flood_of_elements_ends_at_the_limit() {
        assert_eq!(split(&[0xA1; 4096]).elements.len(), MAX_ELEMENTS);
    }
}

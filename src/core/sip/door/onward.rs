//! What a request that is sent because another one came in carries on of it, so that a call that runs in a circle
//! through this switch and others ends.
//!
//! RFC 3261 §16.6 item 8 lets a proxy write into its branch what its routing depends on, and §16.3 item 4 lets it see
//! by this that "the request has looped". A back-to-back user agent makes a new request with one Via of its own, so
//! what stood in the Vias before would be lost at each pass: the marks found there go on in the new branch, in the
//! spirit of RFC 5393. A mark is a keyed hash of the side that a request came in on and of its Request-URI. The same
//! one again is a loop; another is a spiral, such as a call between two handsets through the north.
//!
//! Who stands between and hides our Via keeps the marks from us; then Max-Forwards ends it (RFC 7332 §4), and before
//! that the trail of forwards where it is told (RFC 5806).

use super::rules::{DoorRules, MARK};
use crate::sip::wire::{HeaderName, Message, Text, Uri, Via};
use crate::sip::{Facing, Peer};

/// Max-Forwards of a request that begins here (RFC 3261 §8.1.1.6).
const MAX_FORWARDS: u8 = 70;
/// Digits of one mark.
const DIGITS: usize = 16;
/// Most marks that a branch carries; the oldest go. A circle of more passes is ended by Max-Forwards.
const MOST_MARKS: usize = 8;

/// What goes on of a request that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onward {
    /// Its marks, newest first, without anything between them; empty: it begins here.
    marks: Text,
    /// What is left of its Max-Forwards.
    max_forwards: u8,
}

impl Default for Onward {
    /// Of a request that begins here.
    fn default() -> Self {
        Self { marks: Text::default(), max_forwards: MAX_FORWARDS }
    }
}

impl Onward {
    /// Of this request, which came from `peer`.
    pub fn of(request: &Message, peer: &Peer, door: &DoorRules) -> Self {
        let mut marks = vec![loop_mark(request, peer, door)];
        for mark in found(request) {
            if marks.len() < MOST_MARKS && !marks.contains(&mark) {
                marks.push(mark);
            }
        }
        let hops = request.header(&HeaderName::MaxForwards).and_then(|hops| hops.parse::<u8>().ok());
        // RFC 7332 §4: a B2BUA that copies it "MUST decrement" it. One without gets what §16.6 item 3 says.
        let max_forwards = hops.map_or(MAX_FORWARDS, |hops| hops.saturating_sub(1));
        Self { marks: Text::from(marks.concat()), max_forwards }
    }

    /// Value of Max-Forwards.
    pub fn max_forwards(&self) -> String {
        self.max_forwards.to_string()
    }

    /// What ends the branch of the new request.
    pub fn branch_suffix(&self) -> String {
        if self.marks.is_empty() { String::new() } else { format!("{MARK}{}", self.marks) }
    }
}

/// Whether this request has been here before, on its way to the same address.
pub(super) fn has_looped(request: &Message, peer: &Peer, door: &DoorRules) -> bool {
    // Within a dialog it goes where the dialog was made, and makes no new one.
    if request.to_tag().is_some() {
        return false;
    }
    let mut found = found(request).peekable();
    if found.peek().is_none() {
        return false;
    }
    let mark = loop_mark(request, peer, door);
    found.any(|found| found == mark)
}

/// The side it came in on, and its Request-URI.
fn loop_mark(request: &Message, peer: &Peer, door: &DoorRules) -> String {
    let side = match peer.facing {
        Facing::North => "north",
        Facing::South => "south",
    };
    let target = request.request_uri();
    let port = target.as_ref().and_then(|uri| uri.port).map_or(String::new(), |port| port.to_string());
    door.mark(&["loop", side, &target.as_ref().map(Uri::aor).unwrap_or_default(), &port])
}

/// The marks in the branches of its Vias, newest first. What looks like none is left out: it would stand in a header
/// of ours.
fn found(request: &Message) -> impl Iterator<Item = String> {
    let branches = request.headers.list(&HeaderName::Via).into_iter().filter(|via| via.contains(MARK));
    let branches = branches.filter_map(|via| Via::parse(&via).and_then(|via| via.branch()));
    branches.flat_map(|branch| {
        let marks = branch.strip_prefix(Via::COOKIE).and_then(|own| own.rsplit_once(MARK));
        let marks = marks.map_or("", |(_, marks)| marks).as_bytes().chunks_exact(DIGITS).take(MOST_MARKS);
        let digits = |mark: &&[u8]| mark.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let marks = marks.filter(digits).filter_map(|mark| String::from_utf8(mark.to_vec()).ok());
        marks.collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::tests::peer;
    use super::*;

    fn door() -> DoorRules {
        DoorRules::new([7; 32])
    }

    fn north() -> Peer {
        Peer { facing: Facing::North, ..peer() }
    }

    /// An INVITE for `to` whose Vias have these branches.
    fn invite(to: &str, branches: &[String], more: &str) -> Message {
        let vias: String =
            branches.iter().map(|branch| format!("Via: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\n")).collect();
        let text = format!(
            "INVITE sip:{to}@us SIP/2.0\r\n{vias}From: <sip:a@b>;tag=1\r\nTo: <sip:{to}@us>\r\nCall-ID: c\r\n\
             CSeq: 1 INVITE\r\n{more}\r\n"
        );
        Message::parse_datagram(Bytes::from(text)).unwrap()
    }

    /// It goes round through `hops`, one address after the other, with a proxy between that keeps our Via.
    fn round(hops: &[&str]) -> Vec<bool> {
        let mut vias = vec!["p1".to_owned()];
        let passed = hops.iter().map(|to| {
            let request = invite(to, &vias, "");
            let looped = has_looped(&request, &north(), &door());
            let onward = Onward::of(&request, &north(), &door());
            vias = vec!["p2".to_owned(), format!("7.word{}", onward.branch_suffix())];
            looped
        });
        passed.collect()
    }

    #[test]
    fn a_call_that_comes_back_to_the_same_address_is_a_loop_however_many_were_between() {
        assert_eq!(round(&["bob", "bob"]), [false, true]);
        assert_eq!(round(&["bob", "carol", "dave", "bob"]), [false, false, false, true]);
        assert_eq!(round(&["bob", "carol", "dave"]), [false; 3], "a spiral");
        let many = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "1"];
        assert!(!round(&many)[9], "so long a circle is Max-Forwards' to end");
        assert!(round(&many[1..9].iter().chain(&["2"]).copied().collect::<Vec<_>>())[8]);
    }

    #[test]
    fn the_other_side_is_another_place_and_a_request_in_a_dialog_no_new_call() {
        let onward = Onward::of(&invite("bob", &["p".into()], ""), &peer(), &door());
        let via = [format!("7.w{}", onward.branch_suffix())];
        assert!(has_looped(&invite("bob", &via, ""), &peer(), &door()));
        assert!(!has_looped(&invite("bob", &via, ""), &north(), &door()));
        let mut inside = invite("bob", &via, "");
        inside.headers.set(HeaderName::To, "<sip:bob@us>;tag=x");
        assert!(!has_looped(&inside, &peer(), &door()));
    }

    #[test]
    fn hops_are_counted_down_over_the_switch() {
        let left =
            |more: &str| Onward::of(&invite("bob", &["p".into()], more), &peer(), &door()).max_forwards();
        assert_eq!(left("Max-Forwards: 20\r\n"), "19");
        assert_eq!(left("Max-Forwards: 1\r\n"), "0");
        assert_eq!(left(""), "70");
        assert_eq!(Onward::default().max_forwards(), "70");
        assert_eq!(Onward::default().branch_suffix(), "");
    }

    #[test]
    fn what_a_stranger_writes_as_marks_is_not_repeated() {
        let strange = format!("x{MARK}0123456789ABCDEF{}", "f".repeat(4_000));
        let onward = Onward::of(&invite("bob", &[strange], ""), &peer(), &door());
        let suffix = onward.branch_suffix();
        assert!(suffix.len() <= MARK.len() + MOST_MARKS * DIGITS, "{}", suffix.len());
        assert!(!suffix.contains('A'));
    }
}

//! What other tests of the room may see of a call.

use super::super::*;

impl Call {
    /// On which side a leg is.
    pub fn side_of_test(&self, leg: LegNo) -> Side {
        self.side_of(leg)
    }

    /// Whether the end that stays hears early media of whom a transfer calls.
    pub fn hears_for_transfer_of_test(&self) -> bool {
        self.transfer.is_some() && self.search.early.is_some()
    }

    /// The room that its ends are in.
    pub fn room_of_test(&self) -> Option<crate::call::conference::RoomName> {
        self.meeting.as_ref().map(|meeting| meeting.room.clone())
    }

    /// Who of its ends is there.
    pub fn open_ends_of_test(&self) -> Vec<LegNo> {
        let mut ends = self.open_ends();
        ends.sort_unstable();
        ends
    }

    /// Whether a side's other end holds it, or somebody is called in its place.
    pub fn is_held_of_test(&self, side: Side) -> bool {
        let other = self.end_at(side.other()).and_then(|leg| self.legs.get(&leg));
        self.transfer.is_some() || other.is_some_and(Strand::holds_us)
    }
}

impl Call {
    /// What of a call in talk must be on disk: who talks with whom, and as agreed.
    pub fn essence_of_test(&self) -> Vec<String> {
        let ends = [Some(self.calling), self.talking_to].map(|end| {
            let strand = self.legs.get(&end?)?;
            strand.is_open().then(|| (strand.media.clone(), strand.side, strand.owner))
        });
        let parties = (self.summary.caller.clone(), self.summary.callee.clone());
        let mut lines = vec![format!("{:?} {:?}", self.calling, self.talking_to)];
        lines.push(format!("{:?}", (self.summary.codecs, self.summary.srtp)));
        lines.push(format!("{parties:?}"));
        lines.extend(ends.map(|end| format!("{end:?}")));
        lines.push(format!("{:?}", self.transfer.is_some()));
        lines
    }
}

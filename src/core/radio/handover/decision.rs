//! Whether a handset may come over.

use crate::dect::base_link::code::{HandoverKind, RejectReason};
use crate::radio::Rpn;
use crate::radio::allocation::{Blocked, Purpose, Room, Want};
use crate::radio::sync::Tree;

/// The handset that wants to come, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// A connection in a call, or with anything else that lives, has this PMID.
    pub known: bool,
    /// It comes over from somewhere already.
    pub moving: bool,
    /// It is at this base station already: a bearer handover inside one radio needs no new channel.
    pub same_base: bool,
    /// Its media are encrypted towards the base station.
    pub srtp: bool,
    /// Slot pairs it needs.
    pub pairs: u8,
    /// It is a call for help.
    pub emergency: bool,
}

/// Why it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Nobody knows it.
    #[error("no connection belongs to this handset")]
    Unknown,
    /// One handover at a time.
    #[error("the handset comes over from elsewhere already")]
    Moving,
    /// No room.
    #[error(transparent)]
    Blocked(#[from] Blocked),
}

impl Rejected {
    /// What the new base station is told.
    pub fn reason(self) -> RejectReason {
        match self {
            Self::Unknown => RejectReason::UNKNOWN,
            Self::Blocked(Blocked::NotSynced) => RejectReason::SYNC,
            Self::Blocked(Blocked::Draining | Blocked::OutOfService) => RejectReason::MAINTENANCE,
            Self::Moving | Self::Blocked(_) => RejectReason::BUSY,
        }
    }
}

/// Whether it may come: `room` is the new base station's. What is wanted of the books, when it may; `None`
/// when it needs no further channel.
pub fn decide(candidate: Candidate, room: &Room) -> Result<Option<Want>, Rejected> {
    if !candidate.known {
        return Err(Rejected::Unknown);
    }
    if candidate.moving {
        return Err(Rejected::Moving);
    }
    if candidate.same_base {
        return Ok(None);
    }
    let purpose = if candidate.emergency { Purpose::Emergency } else { Purpose::Handover };
    // The pair it comes on is taken already; a wide call needs the rest.
    let pairs = candidate.pairs.saturating_sub(1);
    room.admits(Want { purpose, srtp: candidate.srtp, pairs })?;
    Ok(Some(Want { purpose, srtp: candidate.srtp, pairs: candidate.pairs }))
}

/// Whether a handset may come over between these radios at all. Make before break needs one time for both:
/// between clusters there is none. Who has lost its connection already sets its link up anew where it can,
/// as at a call's beginning.
pub fn may_cross(tree: &Tree, from: Rpn, to: Rpn, kind: HandoverKind) -> Result<(), Rejected> {
    match kind == HandoverKind::Involuntary || !tree.keeps_apart(from, to) {
        true => Ok(()),
        false => Err(Blocked::NotSynced.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::base_link::session::Standing;
    use crate::radio::allocation::{Load, NATIVE};

    const CANDIDATE: Candidate =
        Candidate { known: true, moving: false, same_base: false, srtp: false, pairs: 1, emergency: false };

    fn room(plain: u32) -> Room {
        let load = Load { plain, srtp: 0 };
        Room { standing: Standing::Operational, limit: NATIVE, load, reserve: 1, pairs_free: Some(0) }
    }

    fn reason(decided: Result<Option<Want>, Rejected>) -> Option<RejectReason> {
        decided.err().map(Rejected::reason)
    }

    #[test]
    fn a_handset_in_a_call_may_use_the_reserve_and_no_more() {
        assert_eq!(decide(CANDIDATE, &room(10)), Ok(Some(Want::narrow(Purpose::Handover))));
        assert_eq!(reason(decide(CANDIDATE, &room(11))), Some(RejectReason::BUSY));
        let wide = Candidate { pairs: 2, ..CANDIDATE };
        assert_eq!(reason(decide(wide, &room(1))), Some(RejectReason::BUSY));
        assert_eq!(decide(Candidate { same_base: true, ..CANDIDATE }, &room(11)), Ok(None));
    }

    #[test]
    fn strangers_and_handsets_on_their_way_are_rejected() {
        let unknown = Candidate { known: false, ..CANDIDATE };
        assert_eq!(reason(decide(unknown, &room(0))), Some(RejectReason::UNKNOWN));
        let moving = Candidate { moving: true, ..CANDIDATE };
        assert_eq!(reason(decide(moving, &room(0))), Some(RejectReason::BUSY));
        let unsynced = Room { standing: Standing::Syncing, ..room(0) };
        assert_eq!(reason(decide(CANDIDATE, &unsynced)), Some(RejectReason::SYNC));
    }

    #[test]
    fn between_clusters_only_who_has_lost_its_connection_comes_over() {
        use crate::dect::base_link::value::Neighbour;
        use crate::radio::sync::{Survey, plan};
        let mut survey = Survey::default();
        for (by, whom) in [(0, 1), (1, 0), (2, 3), (3, 2)] {
            survey.report(by, &[Neighbour { rpn: whom, rssi: -60, offset_ns: 0, quality: 100 }]);
        }
        let tree = plan(&survey, None);
        let may = |from, to, kind| may_cross(&tree, from, to, kind).map_err(Rejected::reason);
        assert_eq!(may(0, 1, HandoverKind::Connection), Ok(()));
        assert_eq!(may(1, 2, HandoverKind::Connection), Err(RejectReason::SYNC));
        assert_eq!(may(1, 2, HandoverKind::Involuntary), Ok(()));
        assert_eq!(may(9, 2, HandoverKind::Connection), Ok(()), "nobody knows where that one stands");
    }
}

//! The connections of one base station, and the media streams of each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::words::{Live, Refusal};
use crate::dect::base_link::value::{ConnId, MediaId, Pmid};
use crate::dect::base_link::word::NwkData;
use crate::timer::Moment;

/// Most connections of one base station: each of its twelve pairs, and one that comes while one goes.
pub const MOST_CONNECTIONS: usize = 24;
/// Most media streams of one connection: one in use and one that replaces it.
const MOST_MEDIA: usize = 2;
/// Most messages that wait while a connection takes none.
const MOST_QUEUED: usize = 16;

/// One connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) pmid: Pmid,
    /// Until when the switch has to decide; `None` once it is taken.
    pub(super) undecided: Option<Moment>,
    media: BTreeSet<MediaId>,
    stopped: bool,
    queue: VecDeque<NwkData>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: BTreeMap<ConnId, Conn>,
}

impl Connections {
    /// What was taken before the switch stopped.
    pub(super) fn of(live: &[Live]) -> Self {
        let conn = |live: &Live| Conn {
            pmid: live.pmid,
            undecided: None,
            media: live.media.iter().copied().take(MOST_MEDIA).collect(),
            stopped: false,
            queue: VecDeque::new(),
        };
        Self { all: live.iter().take(MOST_CONNECTIONS).map(|live| (live.conn, conn(live))).collect() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= MOST_CONNECTIONS
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn ids(&self) -> Vec<ConnId> {
        self.all.keys().copied().collect()
    }

    pub(super) fn has(&self, conn: ConnId) -> bool {
        self.all.contains_key(&conn)
    }

    pub(super) fn announce(&mut self, conn: ConnId, pmid: Pmid, decide_by: Moment) {
        let undecided = Some(decide_by);
        let (media, queue) = (BTreeSet::new(), VecDeque::new());
        self.all.insert(conn, Conn { pmid, undecided, media, stopped: false, queue });
    }

    /// Takes one that waits for the decision.
    pub(super) fn take(&mut self, conn: ConnId) -> Result<(), Refusal> {
        match self.all.get_mut(&conn) {
            Some(found) if found.undecided.is_some() => {
                found.undecided = None;
                Ok(())
            }
            _ => Err(Refusal::NoSuchConn(conn)),
        }
    }

    /// Forgets one; false when there is none.
    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Conn> {
        self.all.remove(&conn)
    }

    /// Those that are not taken.
    pub(super) fn undecided(&self) -> Vec<ConnId> {
        self.all.iter().filter(|(_, conn)| conn.undecided.is_some()).map(|(id, _)| *id).collect()
    }

    /// Those whose time for the decision has passed.
    pub(super) fn expired(&self, now: Moment) -> Vec<ConnId> {
        let late = |conn: &Conn| conn.undecided.is_some_and(|due| due <= now);
        self.all.iter().filter(|(_, conn)| late(conn)).map(|(id, _)| *id).collect()
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.all.values().filter_map(|conn| conn.undecided).min()
    }

    pub(super) fn taken(&mut self, id: ConnId) -> Result<&mut Conn, Refusal> {
        self.all.get_mut(&id).filter(|conn| conn.undecided.is_none()).ok_or(Refusal::NoSuchConn(id))
    }

    /// What is saved of those that are taken.
    pub(super) fn live(&self) -> Vec<Live> {
        let taken = self.all.iter().filter(|(_, conn)| conn.undecided.is_none());
        let live = |(id, conn): (&ConnId, &Conn)| Live {
            conn: *id,
            pmid: conn.pmid,
            media: conn.media.iter().copied().collect(),
        };
        taken.map(live).collect()
    }

    /// Whose stream it is.
    pub(super) fn owner(&mut self, media: MediaId) -> Result<&mut Conn, Refusal> {
        let found = self.all.values_mut().find(|conn| conn.media.contains(&media));
        found.ok_or(Refusal::NoSuchMedia(media))
    }
}

impl Conn {
    pub(super) fn open(&mut self, media: MediaId) -> Result<(), Refusal> {
        if self.media.len() >= MOST_MEDIA && !self.media.contains(&media) {
            return Err(Refusal::Full);
        }
        self.media.insert(media);
        Ok(())
    }

    pub(super) fn close(&mut self, media: MediaId) {
        self.media.remove(&media);
    }

    /// Keeps a message back when the connection takes none; gives it back when it does.
    pub(super) fn hold_back(&mut self, message: NwkData) -> Result<Option<NwkData>, Refusal> {
        match self.stopped {
            false => Ok(Some(message)),
            true if self.queue.len() >= MOST_QUEUED => Err(Refusal::Full),
            true => {
                self.queue.push_back(message);
                Ok(None)
            }
        }
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// It takes messages again: those that waited.
    pub(super) fn go(&mut self) -> VecDeque<NwkData> {
        self.stopped = false;
        std::mem::take(&mut self.queue)
    }
}

//! The radio side of a handset: which base it listens to, its link, and the way from one base to another.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::dect::dsaa2::Key;
use crate::dect::identity::Rfpi;
use crate::radio::{
    ACCESS_RIGHTS, BUSY_FOR_SPEECH, Beacon, Bearer, Down, Handover, HeardBase, Place, Radio, SYSTEM_BUSY, Up,
};

/// A link that is louder than this is good enough, dBm.
const GOOD: f64 = -68.0;
/// Another base must be so much louder.
const LOUDER: f64 = 5.0;
/// Bases that are tried for one link.
const TRIES: usize = 3;
/// "Maximum of two successful handovers in T202 = 3 s": one in half of it.
const BETWEEN: Duration = Duration::from_millis(1_500);
/// A base that did not take us is not asked again for so long.
const SULK: Duration = Duration::from_secs(3);
/// DL.05: so long a lost link can be taken up at another base.
const DL_05: Duration = Duration::from_secs(10);
/// A bearer that nobody answers is given up.
const UNANSWERED: Duration = Duration::from_secs(5);
/// An old bearer that nobody releases is left.
const LEAVE: Duration = Duration::from_secs(3);

/// A bearer and the base at its other end.
#[derive(Clone)]
pub(super) struct Leg {
    beacon: Arc<Beacon>,
    pub bearer: Arc<Bearer>,
    pub rfpi: Rfpi,
    since: Instant,
}

/// Why a leg was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Link { page: Option<u32> },
    Handover,
}

/// What the radio side tells the rest of the handset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Up,
    Gone,
    /// A link moved: in make before break or after it was lost.
    Moved,
    NotMoved,
}

/// The radio side.
pub(super) struct Air {
    radio: Radio,
    number: u64,
    mailbox: mpsc::Sender<Down>,
    pub place: Place,
    /// The base that it listens to.
    camped: Option<(Arc<Beacon>, Rfpi)>,
    /// The link; and the one that is asked for.
    pub link: Option<Leg>,
    asked: Option<(Leg, Wish)>,
    /// Legs that were left and wait for their base to release them.
    left: Vec<Leg>,
    tries: usize,
    sulks: Vec<(Rfpi, Instant)>,
    moved_at: Option<Instant>,
    /// The link was lost at this time, and is to be taken up elsewhere.
    lost: Option<(Instant, Rfpi)>,
    pub key: Option<Key>,
    /// The handset has long slots.
    pub wideband: bool,
}

impl Air {
    pub(super) fn new(radio: &Radio, place: Place, mailbox: mpsc::Sender<Down>) -> Self {
        Self {
            radio: radio.clone(),
            number: radio.number(),
            mailbox,
            place,
            camped: None,
            link: None,
            asked: None,
            left: Vec::new(),
            tries: 0,
            sulks: Vec::new(),
            moved_at: None,
            lost: None,
            key: None,
            wideband: false,
        }
    }

    /// Its number in the world.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The radio that it listens to, and how loud that one is.
    pub(super) fn base(&self) -> Option<(u8, i8)> {
        let (beacon, rfpi) = self.camped.as_ref()?;
        Some((rfpi.rpn(), self.radio.level(beacon, self.place) as i8))
    }

    /// Its identity, when it listens to somebody.
    pub(super) fn rfpi(&self) -> Option<Rfpi> {
        self.camped.as_ref().map(|(_, rfpi)| *rfpi)
    }

    /// Legs on which sound goes.
    pub(super) fn legs(&self) -> impl Iterator<Item = &Arc<Bearer>> {
        self.link.iter().chain(&self.left).map(|leg| &leg.bearer)
    }

    /// Listens to the loudest base of those that may be used, unless the present one is nearly as loud.
    pub(super) fn camp(&mut self, may_use: impl Fn(&HeardBase) -> bool) {
        if self.link.is_some() || self.asked.is_some() {
            return;
        }
        let heard = self.radio.heard(self.place);
        let mut usable: Vec<&HeardBase> = heard.iter().filter(|base| may_use(base)).collect();
        // One that takes nobody is listened to only where no other is heard.
        if usable.iter().any(|base| base.broadcast.busy & SYSTEM_BUSY == 0) {
            usable.retain(|base| base.broadcast.busy & SYSTEM_BUSY == 0);
        }
        let present = self.camped.as_ref().and_then(|(beacon, _)| {
            usable.iter().find(|base| Arc::ptr_eq(&base.beacon, beacon)).map(|base| base.level)
        });
        match (present, usable.first()) {
            (Some(present), Some(best)) if best.level < present + LOUDER => {}
            (_, best) => self.listen(best.map(|base| (base.beacon.clone(), base.broadcast.rfpi))),
        }
    }

    fn listen(&mut self, base: Option<(Arc<Beacon>, Rfpi)>) {
        let same = self.camped.as_ref().zip(base.as_ref()).is_some_and(|(a, b)| Arc::ptr_eq(&a.0, &b.0));
        if same {
            return;
        }
        if let Some((old, _)) = self.camped.take() {
            old.forget(self.number);
        }
        if let Some((new, _)) = &base {
            new.listen(self.number, self.mailbox.clone());
        }
        self.camped = base;
    }

    /// Asks for a link at the loudest base that is not busy; false when there is none.
    pub(super) fn open(
        &mut self,
        now: Instant,
        page: Option<u32>,
        pmid: u32,
        subscribing: bool,
        ear: &Arc<std::sync::Mutex<crate::radio::Ear>>,
        may_use: impl Fn(&HeardBase) -> bool,
    ) -> bool {
        self.tries += 1;
        let heard = self.radio.heard(self.place);
        let takes = |busy: u8| {
            move |base: &&HeardBase| {
                let open = !subscribing || base.broadcast.hlc & ACCESS_RIGHTS != 0;
                open && base.broadcast.busy & busy == 0
            }
        };
        let ours = |base: &&HeardBase| may_use(base) && !self.sulks_at(base.broadcast.rfpi, now);
        let usable: Vec<_> = heard.iter().filter(ours).collect();
        let find = |busy| usable.iter().copied().find(takes(busy));
        // "RFP busy for speech" sends it to another one, where there is another one.
        let found = find(BUSY_FOR_SPEECH | SYSTEM_BUSY).or_else(|| find(SYSTEM_BUSY));
        let Some(base) = found.filter(|_| self.tries <= TRIES) else {
            self.tries = 0;
            return false;
        };
        let leg = self.leg(base, now, ear);
        self.listen(Some((base.beacon.clone(), base.broadcast.rfpi)));
        let (bearer, handover) = (leg.bearer.clone(), None);
        let sent = base.beacon.up(Up::Access { bearer, pmid, handover, page });
        self.asked = sent.then_some((leg, Wish::Link { page }));
        sent
    }

    fn leg(&self, base: &HeardBase, now: Instant, ear: &Arc<std::sync::Mutex<crate::radio::Ear>>) -> Leg {
        let mailbox = self.mailbox.clone();
        let bearer = Arc::new(Bearer::new(self.radio.number(), mailbox, ear.clone(), base.level));
        bearer.set_key(self.key);
        if self.wideband {
            // Who has a long slot comes over with one.
            bearer.allow_long(self.link.as_ref().is_some_and(|link| link.bearer.is_long()));
        }
        Leg { beacon: base.beacon.clone(), bearer, rfpi: base.broadcast.rfpi, since: now }
    }

    fn sulks_at(&self, rfpi: Rfpi, now: Instant) -> bool {
        self.sulks.iter().any(|(other, till)| *other == rfpi && now < *till)
    }

    /// The base took the bearer.
    pub(super) fn accepted(&mut self, bearer: u64, now: Instant) -> Option<News> {
        let (leg, wish) = self.asked.take_if(|(leg, _)| leg.bearer.number == bearer)?;
        self.tries = 0;
        self.listen(Some((leg.beacon.clone(), leg.rfpi)));
        let old = self.link.replace(leg);
        match wish {
            Wish::Link { .. } => Some(News::Up),
            Wish::Handover => {
                self.left.extend(old.map(|old| Leg { since: now, ..old }));
                (self.moved_at, self.lost) = (Some(now), None);
                Some(News::Moved)
            }
        }
    }

    /// The base did not. What is left to do is to try another, or to do without.
    pub(super) fn refused(&mut self, bearer: u64, now: Instant) -> Option<(News, Option<u32>)> {
        let (leg, wish) = self.asked.take_if(|(leg, _)| leg.bearer.number == bearer)?;
        self.sulks.retain(|(_, till)| now < *till);
        self.sulks.push((leg.rfpi, now + SULK));
        match wish {
            Wish::Link { page } => Some((News::Gone, page)),
            Wish::Handover => Some((News::NotMoved, None)),
        }
    }

    /// A base released a bearer. News when it was the link.
    pub(super) fn released(&mut self, bearer: u64, now: Instant, lost: bool, in_call: bool) -> Option<News> {
        self.left.retain(|leg| leg.bearer.number != bearer);
        let leg = self.link.take_if(|leg| leg.bearer.number == bearer)?;
        if lost && in_call {
            self.lost = Some((now, leg.rfpi));
            return None;
        }
        Some(News::Gone)
    }

    /// The base that we listen to is off the air.
    pub(super) fn silence(&mut self, now: Instant, in_call: bool) -> Option<News> {
        let silent = |leg: &Leg| leg.beacon.broadcast().is_none();
        if self.camped.as_ref().is_some_and(|(beacon, _)| beacon.broadcast().is_none()) {
            self.camped = None;
        }
        if self.asked.as_ref().is_some_and(|(leg, _)| silent(leg)) {
            self.asked = None;
        }
        self.left.retain(|leg| !silent(leg));
        let leg = self.link.take_if(|leg| silent(leg))?;
        if in_call {
            self.lost = Some((now, leg.rfpi));
            return None;
        }
        Some(News::Gone)
    }

    /// Looks around with a link: how loud it is, whether another base is better, what is over.
    pub(super) fn look(
        &mut self,
        now: Instant,
        pmid: u32,
        elsewhere: bool,
        ear: &Arc<std::sync::Mutex<crate::radio::Ear>>,
    ) -> Option<News> {
        for leg in self.link.iter().chain(&self.left).chain(self.asked.iter().map(|(leg, _)| leg)) {
            leg.bearer.set_level(self.radio.level(&leg.beacon, self.place));
        }
        for leg in self.left.extract_if(.., |leg| now - leg.since >= LEAVE) {
            leg.beacon.up(Up::Release { bearer: leg.bearer.number, lost: false });
        }
        if let Some((leg, wish)) = self.asked.take_if(|(leg, _)| now - leg.since >= UNANSWERED) {
            leg.beacon.up(Up::Release { bearer: leg.bearer.number, lost: true });
            return Some(if wish == Wish::Handover { News::NotMoved } else { News::Gone });
        }
        if self.lost.is_some_and(|(at, _)| now - at >= DL_05) {
            self.lost = None;
            return Some(News::Gone);
        }
        if self.asked.is_none() {
            self.move_on(now, pmid, elsewhere, ear);
        }
        None
    }

    /// Asks a louder base to take the link, or any when it was lost.
    fn move_on(
        &mut self,
        now: Instant,
        pmid: u32,
        elsewhere: bool,
        ear: &Arc<std::sync::Mutex<crate::radio::Ear>>,
    ) {
        let (old, floor, kind) = match (&self.link, self.lost) {
            (_, Some((_, old))) => (old, f64::MIN, 3),
            (Some(leg), None) => {
                let level = self.radio.level(&leg.beacon, self.place);
                if level >= GOOD && !elsewhere {
                    return;
                }
                (leg.rfpi, if elsewhere { f64::MIN } else { level + LOUDER }, 2)
            }
            (None, None) => return,
        };
        if kind == 2 && self.moved_at.is_some_and(|at| now - at < BETWEEN) {
            return;
        }
        let heard = self.radio.heard(self.place);
        let better = |base: &&HeardBase| {
            let theirs = base.broadcast.rfpi;
            theirs != old && theirs.pari() == old.pari() && base.level >= floor && !self.sulks_at(theirs, now)
        };
        let Some(base) = heard.iter().find(better) else { return };
        let leg = self.leg(base, now, ear);
        let handover = Some(Handover { kind, old_rpn: old.rpn() });
        let access = Up::Access { bearer: leg.bearer.clone(), pmid, handover, page: None };
        if base.beacon.up(access) {
            self.asked = Some((leg, Wish::Handover));
        }
    }

    /// Asks its own base for another bearer: a bearer handover. False when it has no link, or is on its way.
    pub(super) fn change_bearer(
        &mut self,
        now: Instant,
        pmid: u32,
        ear: &Arc<std::sync::Mutex<crate::radio::Ear>>,
    ) -> bool {
        let Some(old) = self.link.as_ref().filter(|_| self.asked.is_none()).map(|leg| leg.rfpi) else {
            return false;
        };
        let heard = self.radio.heard(self.place);
        let Some(base) = heard.iter().find(|base| base.broadcast.rfpi == old) else { return false };
        let leg = self.leg(base, now, ear);
        let handover = Some(Handover { kind: 1, old_rpn: old.rpn() });
        let sent = base.beacon.up(Up::Access { bearer: leg.bearer.clone(), pmid, handover, page: None });
        self.asked = sent.then_some((leg, Wish::Handover));
        sent
    }

    /// Says something on the link.
    pub(super) fn say(&self, pdu: Vec<u8>) {
        if let Some(leg) = &self.link {
            leg.beacon.up(Up::Sdu { bearer: leg.bearer.number, pdu });
        }
    }

    /// Leaves the link, and what else there is.
    pub(super) fn close(&mut self) {
        let asked = self.asked.take().map(|(leg, _)| leg);
        for leg in self.link.take().into_iter().chain(asked).chain(self.left.drain(..)) {
            leg.beacon.up(Up::Release { bearer: leg.bearer.number, lost: false });
        }
        self.lost = None;
    }

    /// Ciphers from now on with this key.
    pub(super) fn set_key(&mut self, key: Option<Key>) {
        self.key = key;
        self.legs().for_each(|bearer| bearer.set_key(key));
    }
}

impl Drop for Air {
    /// The battery is out: whoever had a link with us loses it.
    fn drop(&mut self) {
        if let Some((beacon, _)) = self.camped.take() {
            beacon.forget(self.number);
        }
        for leg in self.link.take().into_iter().chain(self.left.drain(..)) {
            leg.beacon.up(Up::Release { bearer: leg.bearer.number, lost: true });
        }
    }
}

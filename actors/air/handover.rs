//! Handsets in a call that come over from one base station to another: drives the procedure of core/radio.
//!
//! ```text
//! new base ──HO_IND──► Air: whose? what stream? a channel there? ──► Handover::handle ──► both bases
//!                                                                       ├─Switch──► handset ──► its leg
//!                                                                       ◄────────Followed─────────┘
//! ```
//!
//! A handset whose connection was lost in a call is looked for under its PMID for ten seconds more.

use kirkwall_core::call::dect_leg::Stream;
use kirkwall_core::dect::base_link::code::{CipherState, HandoverKind, RejectReason as Refused, SlotType};
use kirkwall_core::dect::base_link::word::{HoAccept, HoInd, HoReject};
use kirkwall_core::dect::base_link::{MediaId, Response, ToBase};
use kirkwall_core::id::CallRef;
use kirkwall_core::machine::Machine;
use kirkwall_core::media::Codec;
use kirkwall_core::radio::allocation::{Blocked, Purpose};
use kirkwall_core::radio::handover::Handover;
use kirkwall_core::radio::handover::decision::{Rejected, may_cross};
use kirkwall_core::radio::handover::procedure::{At as Place, Ended, GIVE_UP_INVOLUNTARY, Input, Output};
use kirkwall_core::radio::statistics::Outcome;

use super::leg::{base_codec, direction, key, suite};
use super::portable::{CallShown, InspectCall, MovedTo};
use super::*;
use crate::supervisor::{ReleaseBase, TakeBase};

/// One handover that is under way.
pub(super) struct Moving {
    machine: Handover,
    ipui: Ipui,
    pmid: Pmid,
    handset: Addr<NativeHandset>,
    shown: CallShown,
    /// It gets a long slot.
    long: bool,
    /// Where the handset was.
    old: Connection,
    /// Where the new base station receives its media.
    local: Option<SocketAddr>,
    alarm: Option<SpawnHandle>,
}

/// The new base station's connection names the handover.
pub type Key = (BaseId, ConnId);

/// Most handsets whose connection was lost and that may come back elsewhere.
const MOST_LOST: usize = 1_024;

/// Handsets that lost their connection: whose, which, and until when they may take it up elsewhere.
#[derive(Default)]
pub(super) struct Lost(HashMap<Pmid, (Ipui, Connection, Moment)>);

impl Lost {
    fn find(&self, pmid: Pmid, now: Moment) -> Option<(Ipui, Connection)> {
        let (ipui, connection, until) = self.0.get(&pmid)?;
        (now < *until).then(|| (ipui.clone(), connection.clone()))
    }

    /// "Handsets set their link up anew within 10 s" (DL.05).
    pub(super) fn keep(&mut self, pmid: Pmid, (ipui, connection): (Ipui, Connection), now: Moment) {
        self.0.retain(|_, (.., until)| now < *until);
        if self.0.len() < MOST_LOST {
            self.0.insert(pmid, (ipui, connection, now + GIVE_UP_INVOLUNTARY));
        }
    }

    /// It is somewhere again.
    pub(super) fn forget(&mut self, pmid: Pmid) {
        self.0.remove(&pmid);
    }
}

impl Air {
    /// HO_IND: whose is it? Who has no connection, or comes over already, is refused.
    pub(super) fn comes(&mut self, id: BaseId, ind: HoInd, ctx: &mut Context<Self>) {
        let here = self.visitors.get(&ind.pmid).cloned();
        let is_here = here.is_some();
        let visitor = here.or_else(|| self.lost.find(ind.pmid, self.now()));
        let moving =
            self.coming.contains(&ind.pmid) || self.handovers.values().any(|moving| moving.pmid == ind.pmid);
        let handset = visitor.as_ref().and_then(|(ipui, _)| Some(self.handsets.get(ipui)?.addr.clone()));
        let (Some((ipui, old)), Some(handset), false) = (visitor, handset, moving) else {
            let reason = if moving { Refused::BUSY } else { Refused::UNKNOWN };
            return self.refuse_handover(id, ind.new_conn, reason);
        };
        if let Err(rejected) = self.may_cross(&old, id, ind.kind) {
            debug!(from = %old.base, to = %id, %rejected, "no handover");
            self.tally(&id.into(), Tally::Blocked(Purpose::Handover, Blocked::NotSynced));
            return self.refuse_handover(id, ind.new_conn, rejected.reason());
        }
        let begun = self.now();
        self.coming.insert(ind.pmid);
        self.tally(&id.into(), Tally::HandoverBegins(true));
        self.tally(&old.base, Tally::HandoverBegins(false));
        let (asked, supervisor) = (handset.clone(), self.supervisor.clone());
        let to: BaseStationId = id.into();
        let same = old.base == to;
        let offers_long = ind.slot_type == Some(SlotType::Long) && self.has_long_slots(id);
        let room = async move {
            let shown = asked.send(InspectCall).await.ok()?;
            // A bearer that moves within one base station needs no further channel.
            let mut long = shown.long && offers_long;
            if let (Some(call), Some(supervisor), false) = (shown.call, supervisor, same) {
                let take = TakeBase { call, base: to, purpose: Purpose::Handover, long };
                long = supervisor.send(take).await.ok()?.ok()?;
            }
            Some((shown, long))
        };
        ctx.spawn(room.into_actor(self).map(move |shown, me, ctx| {
            me.coming.remove(&ind.pmid);
            let Some((shown, long)) = shown else {
                counter!("ipdect_handovers_total", "result" => "blocked").increment(1);
                me.tally(&id.into(), Tally::HandoverEnds(true, Outcome::Failed));
                me.tally(&old.base, Tally::HandoverEnds(false, Outcome::Failed));
                return me.refuse_handover(id, ind.new_conn, Refused::BUSY);
            };
            let from = is_here.then(|| place(&old));
            let to = Place { base: id.into(), conn: ind.new_conn };
            let machine = Handover::new(ind.kind, from, to, shown.key.is_some(), begun);
            let (pmid, local, alarm) = (ind.pmid, ind.local, None);
            let moving = Moving { machine, ipui, pmid, handset, shown, long, old, local, alarm };
            me.handovers.insert((id, ind.new_conn), moving);
            me.step_handover((id, ind.new_conn), Input::Start, ctx);
        }));
    }

    /// Between the base station where it is and this one. Where it is nobody may know any more.
    fn may_cross(&self, old: &Connection, to: BaseId, kind: HandoverKind) -> Result<(), Rejected> {
        let old = old.base.0.parse().ok().and_then(|old: BaseId| self.bases.get(&old));
        match old.zip(self.bases.get(&to)) {
            Some((old, new)) => may_cross(&self.tree, old.rpn, new.rpn, kind),
            None => Ok(()),
        }
    }

    fn has_long_slots(&self, id: BaseId) -> bool {
        self.bases.get(&id).is_some_and(|entry| entry.long.is_some())
    }

    fn refuse_handover(&self, id: BaseId, new_conn: ConnId, reason: Refused) {
        self.tell_base(id, HoReject { new_conn, reason: Some(reason) });
    }

    fn tell_base(&self, id: BaseId, word: impl Into<ToBase>) {
        if let Some(entry) = self.bases.get(&id) {
            entry.addr.do_send(Say(word.into()));
        }
    }

    /// One input in, everything it causes out, in order.
    pub(super) fn step_handover(&mut self, key: Key, input: Input, ctx: &mut Context<Self>) {
        let now = self.now();
        let Some(moving) = self.handovers.get_mut(&key) else { return };
        if let Input::Completed(done) = &input {
            moving.local = done.local.or(moving.local);
        }
        let Ok(ready) = moving.machine.handle(input, now) else { return };
        for output in ready.then {
            self.perform_handover(key, output, ctx);
        }
        let due = self.handovers.get(&key).and_then(|moving| moving.machine.deadline());
        let alarm = due.map(|at| {
            let after = at.since(now);
            ctx.run_later(after, move |me, ctx| me.step_handover(key, Input::Deadline, ctx))
        });
        if let Some(moving) = self.handovers.get_mut(&key)
            && let Some(old) = std::mem::replace(&mut moving.alarm, alarm)
        {
            ctx.cancel_future(old);
        }
    }

    fn perform_handover(&mut self, key: Key, output: Output, ctx: &mut Context<Self>) {
        let Some(moving) = self.handovers.get(&key) else { return };
        match output {
            Output::Prepare(at, prepare) => self.tell_at(&at, prepare),
            Output::Accept(at, dlc_state) => {
                let slots = (self.has_long_slots(key.0), moving.long);
                let accept = accept(at.conn, dlc_state, &moving.shown, slots);
                self.tell_at(&at, accept);
            }
            Output::Switch => self.switch(key),
            Output::Release(at, reason) => self.tell_at(&at, ConnRelease { conn: at.conn, reason }),
            Output::FreeOld => self.give_back(moving.shown.call, &moving.old.base.clone(), key),
            Output::FreeNew => self.give_back(moving.shown.call, &key.0.into(), key),
            Output::Ended(ended) => {
                let old = moving.old.base.clone();
                if let Some(alarm) = self.handovers.remove(&key).and_then(|moving| moving.alarm) {
                    ctx.cancel_future(alarm);
                }
                self.count_handover(key, &old, ended);
            }
        }
    }

    fn count_handover(&self, key: Key, old: &BaseStationId, ended: Ended) {
        let (result, outcome) = match ended {
            Ended::Done { slow: false, .. } => ("done", Outcome::Done),
            Ended::Done { slow: true, .. } => ("slow", Outcome::Slow),
            Ended::Stayed => ("stayed", Outcome::Failed),
            Ended::Lost => ("lost", Outcome::Failed),
            Ended::Cancelled => ("cancelled", Outcome::Failed),
        };
        counter!("ipdect_handovers_total", "result" => result).increment(1);
        info!(from = %old, to = %key.0, result, ?ended, "handover");
        self.tally(&key.0.into(), Tally::HandoverEnds(true, outcome));
        self.tally(old, Tally::HandoverEnds(false, outcome));
    }

    fn tell_at(&self, at: &Place, word: impl Into<ToBase>) {
        if let Ok(id) = at.base.0.parse() {
            self.tell_base(id, word);
        }
    }

    /// The handset's link and speech are at the new base station from here on.
    fn switch(&mut self, key: Key) {
        let Some(moving) = self.handovers.get(&key) else { return };
        let connection = Connection { base: key.0.into(), number: key.1.0 };
        self.visitors.insert(moving.pmid, (moving.ipui.clone(), connection.clone()));
        self.lost.forget(moving.pmid);
        let Some(entry) = self.bases.get(&key.0) else { return };
        let Some(remote) = entry.remote else { return };
        let at = At { connection, base: entry.addr.clone(), remote, wideband: entry.long.is_some() };
        moving.handset.do_send(MovedTo { at, stream: moving.local, long: moving.long, key });
    }

    /// A channel goes back, unless the handset only moved within one base station.
    fn give_back(&self, call: Option<CallRef>, base: &BaseStationId, key: Key) {
        let within = self.handovers.get(&key).is_some_and(|moving| moving.old.base == key.0.into());
        if let (Some(call), Some(supervisor), false) = (call, &self.supervisor, within) {
            supervisor.do_send(ReleaseBase(call, base.clone()));
        }
    }

    /// The answer to HO_PREPARE, which names the old connection.
    pub(super) fn prepared(&mut self, id: BaseId, conn: ConnId, response: Response, ctx: &mut Context<Self>) {
        let old = Connection { base: id.into(), number: conn.0 };
        let Some(key) = self.moving_from(&old) else { return };
        let prepared = match response {
            Response::HoPrepared(prepared) => Ok(prepared),
            Response::Refused(code) => Err(code),
            _ => Err(kirkwall_core::dect::base_link::code::ErrorCode::INTERNAL),
        };
        self.step_handover(key, Input::Prepared(prepared), ctx);
    }

    fn moving_from(&self, old: &Connection) -> Option<Key> {
        self.handovers.iter().find(|(_, moving)| moving.old == *old).map(|(key, _)| *key)
    }

    /// A connection is ciphered: the link may move.
    pub(super) fn ciphered(&mut self, key: Key, state: CipherState, ctx: &mut Context<Self>) {
        if state == CipherState::Encrypted {
            self.step_handover(key, Input::Encrypted, ctx);
        }
    }

    /// The base station keeps its own statistics.
    pub(super) fn tally(&self, base: &BaseStationId, tally: Tally) {
        let entry = base.0.parse().ok().and_then(|id: BaseId| self.bases.get(&id));
        if let Some(entry) = entry {
            entry.addr.do_send(tally);
        }
    }

    /// A connection is gone that somebody came from or was coming to.
    pub(super) fn gone(&mut self, id: BaseId, conn: ConnId, ctx: &mut Context<Self>) {
        let old = Connection { base: id.into(), number: conn.0 };
        if let Some(key) = self.moving_from(&old) {
            self.step_handover(key, Input::OldGone, ctx);
        }
        self.step_handover((id, conn), Input::NewGone, ctx);
    }
}

/// The speech of a handset that came over runs over its new base station, or there is none.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Followed(pub Key);

impl Handler<Followed> for Air {
    type Result = ();

    fn handle(&mut self, Followed(key): Followed, ctx: &mut Self::Context) {
        self.step_handover(key, Input::Followed, ctx);
    }
}

fn place(connection: &Connection) -> Place {
    Place { base: connection.base.clone(), conn: ConnId(connection.number) }
}

/// HO_ACCEPT with the handset's key and stream. A base station without G.722 begins in G.711, which the leg
/// proposes to its call once the handset is there.
fn accept(
    new_conn: ConnId,
    dlc_state: Option<kirkwall_core::dect::base_link::value::DlcState>,
    shown: &CallShown,
    (able, long): (bool, bool),
) -> HoAccept {
    let stream = shown.media.as_ref().and_then(|(_, stream)| stream.as_ref());
    let (media, keys) = (stream.and(shown.media.as_ref()), stream.and_then(|s| s.srtp.as_ref()));
    let narrow = |stream: &&Stream| stream.codec == Codec::G722 && !able;
    let spoken = stream.map(|stream| match narrow(&stream) {
        true => (Codec::Pcma, Codec::Pcma.payload_type()),
        false => (stream.codec, stream.payload_type),
    });
    HoAccept {
        new_conn,
        dlc_state,
        slot_type: long.then_some(SlotType::Long),
        alg: shown.key.as_ref().map(|key| key.alg),
        ck_num: shown.key.as_ref().map(|key| key.ck_num),
        dck: shown.key.as_ref().map(|key| key.dck.clone()),
        media_id: media.map(|(id, _): &(MediaId, _)| *id),
        codec: spoken.map(|(codec, _)| base_codec(codec)),
        pt: spoken.map(|(_, payload_type)| payload_type),
        ptime: stream.map(|stream| u8::try_from(stream.ptime.as_millis()).unwrap_or(20)),
        remote: stream.and_then(|stream| stream.remote),
        dir: stream.map(|stream| direction(stream.direction)),
        srtp_suite: keys.map(|pair| suite(pair.local.suite)),
        tx_key: keys.and_then(|pair| key(&pair.local)),
        rx_key: keys.and_then(|pair| key(&pair.remote)),
        dtmf_pt: stream.and_then(|stream| stream.dtmf),
        jitter_ms: None,
    }
}

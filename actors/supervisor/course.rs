//! The course of calls after their admission: for lists, for the books, and back from disk.

use actix::prelude::*;
use kirkwall_core::call::ladder::Ladder;
use kirkwall_core::call::{CallSummary, LegNo, Phase};
use kirkwall_core::id::{BaseStationId, CallRef};
use metrics::counter;
use tracing::warn;

use super::inbound::invite_key;
use super::{CallEntry, REMEMBERED, Remembered, Supervisor};
use crate::air::base::Tally;
use crate::call::{Call, RestoredSeed};
use crate::desk::MediaView;
use crate::recovery::survivors;

/// A call's channels go back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Release(pub CallRef);

/// A dialled handset did not answer: its base station's channel goes back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ReleaseBase(pub CallRef, pub BaseStationId);

/// A call has changed: for lists.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CallProgressed(pub Box<CallSummary>);

/// A call is over and its actor about to stop.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CallEnded {
    /// What it was.
    pub summary: Box<CallSummary>,
    /// What was said.
    pub ladder: Ladder,
    /// How its media fared.
    pub media: Vec<MediaView>,
}

/// The last words of a call, said after it was over.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LastWords(pub CallRef, pub Ladder);

impl Handler<LastWords> for Supervisor {
    type Result = ();

    fn handle(&mut self, LastWords(call, ladder): LastWords, _: &mut Self::Context) {
        if let Some(remembered) = self.ended.iter_mut().rev().find(|r| r.summary.reference == call) {
            remembered.ladder = ladder;
        }
    }
}

/// A call's actor is gone, in whatever way.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CallDied(pub CallRef);

impl Supervisor {
    /// Calls that stood when the process ended go on; their channels are theirs again.
    pub(super) fn restore_calls(&mut self, ctx: &mut Context<Self>) {
        for survivor in survivors(&self.ports.journal) {
            let summary = survivor.machine.summary().clone();
            let reference = summary.reference;
            self.last_reference = self.last_reference.max(reference.0);
            self.passed.extend(survivor.machine.inherited_legs().map(|(owner, _)| (owner, reference)));
            let stands = summary.phase != Phase::Ended;
            if stands {
                self.reserve_again(&summary);
            }
            self.settle_links(&summary);
            let seed = RestoredSeed {
                survivor,
                supervisor: ctx.address(),
                ports: self.ports.clone(),
                settings: self.settings.clone(),
                tokens: self.tokens.split(),
            };
            // Of a call that rang: whoever repeats its INVITE means that one, and begins no other.
            let caller = seed.survivor.legs.get(&LegNo::CALLER).and_then(|leg| leg.open.as_ref());
            let key = caller.and_then(|open| invite_key(&open.message()?)).unwrap_or_default();
            if !key.is_empty() {
                self.invites.insert(key.clone(), reference);
            }
            let addr =
                Call::start_in_arbiter(&self.roster.arbiter(reference.0), move |_| Call::restored(seed));
            self.calls.insert(reference, CallEntry::new(addr, summary, key, (Vec::new(), false)));
            self.active += usize::from(stands);
        }
    }

    /// What stood is not refused, even when limits were lowered meanwhile.
    fn reserve_again(&mut self, summary: &CallSummary) {
        let (reference, (caller, callee)) = (summary.reference, summary.srtp);
        _ = self.admission.reserve_media(reference, caller || callee);
        for (party, srtp) in [(&summary.caller, caller), (&summary.callee, callee)] {
            if let Some(base) = &party.base {
                let limit = self.base_limit(base);
                _ = self.admission.reserve_base(reference, base, limit, srtp);
            }
        }
    }

    /// Forgets a call; what it held goes back.
    fn forget(&mut self, call: CallRef) {
        self.admission.release(call);
        self.call_left_rooms(call);
        self.call_left_conference(call);
        if let Some(entry) = self.calls.remove(&call) {
            for key in entry.joined.iter().chain([&entry.invite_key]) {
                self.invites.remove(key);
            }
            self.passed.retain(|_, by| *by != call);
            if entry.summary.phase != Phase::Ended {
                self.active -= 1;
                self.tell_presence(&entry.summary);
            }
        }
        self.show_channels();
    }
}

impl Handler<Release> for Supervisor {
    type Result = ();

    fn handle(&mut self, Release(call): Release, _: &mut Self::Context) {
        let last_at: Vec<_> = self.admission.bases_of(call).cloned().collect();
        if let Some(entry) = self.calls.get_mut(&call).filter(|_| !last_at.is_empty()) {
            entry.last_at = last_at;
        }
        self.admission.release(call);
        self.show_channels();
    }
}

impl Handler<ReleaseBase> for Supervisor {
    type Result = ();

    fn handle(&mut self, ReleaseBase(call, base): ReleaseBase, _: &mut Self::Context) {
        self.admission.release_base(call, &base);
        self.show_loads();
    }
}

impl Handler<CallProgressed> for Supervisor {
    type Result = ();

    fn handle(&mut self, CallProgressed(summary): CallProgressed, _: &mut Self::Context) {
        if summary.phase == Phase::Talking {
            let (caller, callee) = summary.srtp;
            let parties = [(&summary.caller, caller), (&summary.callee, callee)];
            let bases: Vec<_> =
                parties.iter().filter_map(|(p, srtp)| p.base.as_ref().map(|b| (b, *srtp))).collect();
            // The limits with SRTP are about the north's media: the media resource encrypts towards it.
            let media = parties.iter().any(|(party, srtp)| party.base.is_none() && *srtp);
            self.admission.settle(summary.reference, media, &bases);
            self.settle_links(&summary);
            self.show_links();
            self.show_conference(&summary);
        }
        if let Some(entry) = self.calls.get_mut(&summary.reference) {
            entry.summary = *summary.clone();
            entry.note_picked();
        }
        self.tell_presence(&summary);
    }
}

impl Handler<CallEnded> for Supervisor {
    type Result = ();

    fn handle(&mut self, ended: CallEnded, ctx: &mut Self::Context) {
        let CallEnded { summary, ladder, media } = ended;
        self.log_call(&summary, ctx);
        self.call_left_conference(summary.reference);
        if let Some(entry) = self.calls.get_mut(&summary.reference) {
            entry.summary = (*summary).clone();
            self.active -= 1;
        }
        self.tell_presence(&summary);
        self.show_channels();
        let result = if summary.answered.is_some() { "answered" } else { "failed" };
        let direction = if summary.caller.user.is_some() { "outgoing" } else { "incoming" };
        counter!("ipdect_call_attempts_total", "direction" => direction, "result" => result).increment(1);
        let cause = summary.cause.as_ref().map_or(16, |cause| cause.q850);
        let class = if matches!(cause, 16 | 17 | 18 | 19 | 26) { "normal" } else { "abnormal" };
        if class == "abnormal" && summary.answered.is_some() {
            let last_at = self.calls.get(&summary.reference).map(|entry| entry.last_at.as_slice());
            last_at.unwrap_or_default().iter().for_each(|base| self.count_at(base, Tally::Abnormal));
        }
        counter!("ipdect_call_releases_total", "class" => class, "cause" => cause.to_string()).increment(1);
        if self.ended.len() == REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(Remembered { summary: *summary, ladder, media });
    }
}

impl Handler<CallDied> for Supervisor {
    type Result = ();

    fn handle(&mut self, CallDied(call): CallDied, _: &mut Self::Context) {
        if self.calls.get(&call).is_some_and(|entry| entry.summary.phase != Phase::Ended) {
            warn!(%call, "a call's actor is gone without having ended the call");
            counter!("ipdect_actor_deaths_total", "actor" => "call").increment(1);
        }
        self.forget(call);
    }
}

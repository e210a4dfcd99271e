//! Calls that ring at somebody else's handset, taken by a feature code.

use kirkwall_core::call::Party;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dialling::CodeOrder;
use kirkwall_core::call::pick_up::{Ringing, picked};
use kirkwall_core::call::route::Map;
use kirkwall_core::id::{CallRef, Username};
use kirkwall_core::sip::Peer;
use kirkwall_core::sip::wire::{Message as SipMessage, Uri};
use metrics::counter;
use tracing::info;

use super::books::Books;
use super::{CallEntry, NativeCall, Supervisor, invite_key};
use crate::call::{Join, JoinNative, Whose};

/// A call, and at whose handset it rings.
pub(super) type Meant = (CallRef, Username);

impl Supervisor {
    /// The call that this code takes. None: something else was dialled.
    pub(super) fn picks_up(&self, caller: &Party, dialled: &Uri) -> Option<Result<Meant, Cause>> {
        let by = caller.user.as_ref()?;
        let ours = dialled.host.as_ref().is_none_or(|host| Books(self).is_ours(host));
        let code = self.settings.dialling.codes.read(&dialled.user_text()).filter(|_| ours)?;
        match code {
            Ok(CodeOrder::PickUp(whom)) => Some(self.meant_by(by, whom.as_deref())),
            _ => None,
        }
    }

    fn meant_by(&self, by: &Username, whom: Option<&str>) -> Result<Meant, Cause> {
        counter!("ipdect_feature_codes_total").increment(1);
        let ringing = self.calls.values().flat_map(|entry| {
            let rings = entry.called.iter().filter(|user| entry.rings_for(user));
            rings.map(|at| Ringing {
                call: entry.summary.reference,
                at,
                since: entry.summary.started,
                private: entry.callback,
            })
        });
        if let Some(number) = whom {
            let user = self.user_called(number);
            return picked(by, |at| user.as_ref() == Some(at), ringing);
        }
        let group = |user: &Username| self.accounts.get(user).and_then(|record| record.pickup_group.clone());
        let own = group(by);
        let own = own.ok_or_else(|| Cause::of_status(403, "you are in no group; dial a number too"))?;
        picked(by, |at| group(at).as_ref() == Some(&own), ringing)
    }

    /// Its INVITE asks for the place of what rings there.
    pub(super) fn pick_up(&mut self, invite: SipMessage, peer: Peer, by: Party, meant: Result<Meant, Cause>) {
        let taken = meant.and_then(|meant| self.book_picked(&by, meant));
        match (taken, invite_key(&invite)) {
            (Ok((call, of)), Some(key)) => {
                self.invites.insert(key.clone(), call);
                if let Some(entry) = self.calls.get_mut(&call) {
                    entry.joined.push(key);
                    entry.addr.do_send(Join { invite, peer, whose: Whose::RingingAt(of), party: by });
                }
            }
            (Ok(_), None) => self.refuse(&invite, &peer, 400),
            (Err(cause), _) => {
                info!(why = %cause.words, "no call was picked up");
                self.refuse_for(&invite, &peer, &cause);
            }
        }
    }

    /// As [`pick_up`](Self::pick_up), of a handset on a native base station.
    pub(super) fn pick_up_on_air(
        &mut self,
        ask: NativeCall,
        peer: Peer,
        by: Party,
        meant: Meant,
    ) -> Result<(), Cause> {
        let (call, of) = self.book_picked(&by, meant)?;
        if let Some(entry) = self.calls.get(&call) {
            let NativeCall { offer, leg, line, .. } = ask;
            entry.addr.do_send(JoinNative { leg: Some(leg), line, peer, offer, of, party: by });
        }
        Ok(())
    }

    /// The channel of its base station is the call's; if it gets the call, that stands in its user's log.
    fn book_picked(&mut self, by: &Party, (call, of): Meant) -> Result<Meant, Cause> {
        if let Some(base) = &by.base {
            let limit = self.base_limit(base);
            let taken = self.admission.reserve_base(call, base, limit, false);
            taken.map_err(|refusal| Cause::no_channel(503, refusal.to_string()))?;
        }
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.picked = by.user.clone();
        }
        info!(%call, %of, by = %by.number, "a call is picked up");
        Ok((call, of))
    }
}

impl CallEntry {
    /// Whoever took the call by a code talks: it was for that user too.
    pub(super) fn note_picked(&mut self) {
        let talks = self.picked.is_some() && self.picked == self.summary.callee.user;
        if let Some(user) = self.picked.take_if(|_| talks).filter(|user| !self.called.contains(user)) {
            self.called.push(user);
        }
    }
}

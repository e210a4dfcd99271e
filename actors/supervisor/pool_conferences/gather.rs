//! Calls of a user become a conference of the pool.

use super::*;

impl Supervisor {
    /// The code that joins all calls on hold, where the pool has a factory; none: it has not.
    pub(in crate::supervisor) fn convene_by_code(
        &mut self,
        ask: &Admit,
        ctx: &mut Context<Self>,
    ) -> Option<ActorResponse<Self, AdmitReply>> {
        let user = ask.caller.user.clone()?;
        let factory = self.factory_for(&user, ask.call)?;
        let begin = Begin::Create(factory);
        let joined = self.attend((ask.call, &user), begin, AD_HOC.to_owned(), ctx).ok()?;
        let ask = ask.clone();
        Some(ActorResponse::r#async(joined.into_actor(self).map(move |joined, me, ctx| {
            let joined =
                joined.unwrap_or_else(|_| Err(Cause::of_status(500, "the conference's actor is gone")));
            let way = joined.and_then(|joined| {
                me.take_common(&ask, ask.srtp, false)?;
                me.way_to_mixer((ask.call, &user), ask.srtp, joined, AD_HOC.to_owned())
            });
            let way = match way {
                Ok(way) => {
                    me.fetch_others(ask.call, &user, None);
                    Ok(way)
                }
                Err(cause) => {
                    info!(%user, why = %cause.words, "no conference of the pool: the switch mixes itself");
                    counter!("ipdect_lync_conference_fallbacks_total").increment(1);
                    me.gather_by_code(&ask, ctx)
                }
            };
            me.judged(&ask, way)
        })))
    }

    /// A user's calls are joined in the call that is in its ear; false: not by the pool.
    pub(in crate::supervisor) fn convene(&self, call: CallRef, user: &Username) -> bool {
        let Some(factory) = self.factory_for(user, call) else { return false };
        let entry = self.calls.get(&call);
        entry.map(|entry| entry.addr.do_send(Convene { user: user.clone(), to: factory })).is_some()
    }

    /// Who makes a conference of this user's calls: the pool, if it shall and can, and if there is a call to join.
    pub(super) fn factory_for(&self, user: &Username, beside: CallRef) -> Option<String> {
        let through =
            self.settings.dialling.conference.through_lync && self.conferences.ways.contains_key(user);
        let own_room = self.rooms_have(beside) || self.others_of(user, beside).is_empty();
        self.conferences.factories.get(user).filter(|_| through && !own_room).cloned()
    }

    pub(super) fn others_of(&self, user: &Username, beside: CallRef) -> Vec<(CallRef, Party)> {
        let theirs = |party: &Party| party.user.as_ref() == Some(user);
        let talks = self.calls.values().map(|entry| &entry.summary).filter(|summary| {
            let ours = theirs(&summary.caller) || theirs(&summary.callee);
            let free = summary.conference.is_none() && !self.rooms_have(summary.reference);
            summary.reference != beside && summary.phase == Phase::Talking && ours && free
        });
        talks.map(|summary| (summary.reference, far_of(summary, user))).collect()
    }

    /// The mixer calls everybody whom the user talks with.
    pub(super) fn fetch_others(&mut self, call: CallRef, user: &Username, partner: Option<Party>) {
        let others = self.others_of(user, call);
        let uri = |party: &Party| party.uri.clone().unwrap_or_else(|| self.aor(&party.number));
        let callee = |party: &Party| Callee { uri: uri(party), name: party.display.clone() };
        let callees: Vec<_> = partner.iter().map(|party| (None, callee(party))).collect();
        let others = others.iter().map(|(call, party)| (Some(*call), callee(party)));
        let all: Vec<_> = callees.into_iter().chain(others).collect();
        let of_call = |attendance: &&mut Attendance| attendance.calls.contains(&call);
        let Some(attendance) = self.conferences.attendances.values_mut().find(of_call) else { return };
        for (call, callee) in all {
            if let Some(call) = call {
                attendance.fetched.insert(callee.uri.clone(), call);
            }
            attendance.addr.do_send(AskFocus(FocusInput::DialOut(callee)));
        }
    }

    /// The call asks for a room of ours when it hears that its way there has failed.
    pub(super) fn fall_back(&mut self, call: CallRef, user: &Username, cause: &Cause) {
        info!(%call, %user, why = %cause.words, "no conference of the pool: the switch mixes itself");
        counter!("ipdect_lync_conference_fallbacks_total").increment(1);
        self.call_left_conference(call);
    }
}

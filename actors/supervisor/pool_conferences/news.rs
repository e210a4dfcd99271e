//! What a focus says.

use kirkwall_core::call::CallSummary;

use super::*;

/// A focus actor has news.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct FocusSays(pub u64, pub FocusOutput);

impl Handler<FocusSays> for Supervisor {
    type Result = ();

    fn handle(&mut self, FocusSays(owner, said): FocusSays, _: &mut Self::Context) {
        let own = self.conferences.attendances.get(&owner).map(|one| self.aor(one.user.as_str()));
        let Some((attendance, own)) = self.conferences.attendances.get_mut(&owner).zip(own) else { return };
        let call = |call: &CallRef| self.calls.get(call).map(|entry| &entry.addr);
        match said {
            FocusOutput::Joined { focus, audio } => {
                info!(user = %attendance.user, "in a conference of the pool");
                counter!("ipdect_lync_conferences_total").increment(1);
                attendance.joined = Some((focus.clone(), audio.clone()));
                for waiting in attendance.waiting.drain(..) {
                    drop(waiting.send(Ok((focus.clone(), audio.clone()))));
                }
            }
            FocusOutput::Failed { status, words } => {
                info!(user = %attendance.user, %status, %words, "not in a conference of the pool");
                for waiting in attendance.waiting.drain(..) {
                    drop(waiting.send(Err(Cause::of_status(status, words.clone()))));
                }
            }
            FocusOutput::Called { uri, refused } => {
                let fetched = attendance.fetched.remove(&uri);
                match (fetched, refused) {
                    (Some(fetched), None) => {
                        let addr = call(&fetched);
                        addr.into_iter()
                            .for_each(|addr| addr.do_send(HangUp("joined to a conference".into())));
                    }
                    // Who is not fetched stays where it is: on hold.
                    (_, Some(why)) => {
                        info!(user = %attendance.user, %why, "somebody did not come into a conference")
                    }
                    (None, None) => {}
                }
            }
            FocusOutput::Roster(roster) => {
                attendance.roster = *roster;
                let words = attendance.words(&own);
                let calls = attendance.calls.iter().filter_map(call);
                calls.for_each(|addr| addr.do_send(ShowConference(words.clone())));
            }
            FocusOutput::Over { words } => {
                let calls = attendance.calls.iter().filter_map(call);
                calls.for_each(|addr| addr.do_send(HangUp(words.clone())));
            }
            FocusOutput::Send { .. } | FocusOutput::Doubted | FocusOutput::Closed => {}
        }
    }
}

impl Supervisor {
    /// The roster may have been told before the call had its leg to the mixer; its display shows it from now on.
    pub(in crate::supervisor) fn show_conference(&self, summary: &CallSummary) {
        let of_call = |one: &&Attendance| one.calls.contains(&summary.reference);
        let Some(attendance) = self.conferences.attendances.values().find(of_call) else { return };
        let words = attendance.words(&self.aor(attendance.user.as_str()));
        let shown = [&summary.caller.display, &summary.callee.display].contains(&&words);
        let addr = self.calls.get(&summary.reference).map(|entry| &entry.addr);
        addr.filter(|_| !shown).into_iter().for_each(|addr| addr.do_send(ShowConference(words.clone())));
    }
}

/// A focus actor is gone: its conference is left, or it died, and then there is no roster any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct FocusDied(pub u64);

impl Handler<FocusDied> for Supervisor {
    type Result = ();

    fn handle(&mut self, FocusDied(owner): FocusDied, _: &mut Self::Context) {
        self.conferences.attendances.remove(&owner);
        gauge!("ipdect_lync_conferences").set(self.conferences.attendances.len() as f64);
    }
}

//! One planned call, made and judged.

use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::timeout;

use super::Shared;
use crate::media::Voice;
use crate::phone::registration::Standing;
use crate::phone::{Behaviour, CallReport, CallScript, Outcome, Phone};
use crate::plan::{Fate, Party, PlannedCall};

/// How much longer than the called end the caller stays, should the BYE get lost.
const MARGIN: Duration = Duration::from_secs(15);
/// A call of less than this proves nothing about sound.
const LONG_ENOUGH: Duration = Duration::from_millis(900);

pub(super) async fn make(shared: &Shared, planned: &PlannedCall) {
    let (from, to) = (phone(shared, planned.from), phone(shared, planned.to));
    if !from.is_idle() || !to.is_idle() || !reachable(shared, planned) {
        return shared.counters.note(|c| c.skipped += 1);
    }
    let (script, behaviour) = roles(planned);
    to.set_behaviour(behaviour);
    let mut served = to.served_calls();
    shared.counters.note(|c| {
        c.tried += 1;
        c.active += 1;
    });
    let placed = dial(shared, planned, &script).await;
    let served = served_call(&mut served).await;
    shared.counters.note(|c| c.active -= 1);
    judge(shared, planned, (from.config().voice, to.config().voice), &placed, served.as_ref());
}

fn phone(shared: &Shared, party: Party) -> &Phone {
    match party {
        Party::Handset(n) => shared.handsets[n].phone(),
        Party::FarEnd(n) => &shared.far_ends[n],
    }
}

/// A handset must be registered at the switch, and to be called from the far end, by the switch at the
/// front end.
fn reachable(shared: &Shared, planned: &PlannedCall) -> bool {
    let registered = |n: usize| matches!(*shared.handsets[n].standing().borrow(), Standing::Registered(_));
    let north = |n: usize| !shared.front_end.bindings(shared.handsets[n].user()).is_empty();
    match (planned.from, planned.to) {
        (Party::Handset(a), Party::Handset(b)) => registered(a) && registered(b),
        (Party::Handset(a), Party::FarEnd(_)) => registered(a),
        (Party::FarEnd(_), Party::Handset(b)) => registered(b) && north(b),
        (Party::FarEnd(_), Party::FarEnd(_)) => false,
    }
}

/// What both ends shall do.
fn roles(planned: &PlannedCall) -> (CallScript, Behaviour) {
    let (ring, talk) = (planned.ring, planned.talk);
    let cancel = CallScript { cancel_after: Some(ring), talk: None };
    let to_the_end = |talk| CallScript { cancel_after: None, talk: Some(talk) };
    match planned.fate {
        Fate::Talk { caller_ends: true } => (to_the_end(talk), Behaviour::Answer { after: ring, talk: None }),
        Fate::Talk { caller_ends: false } => {
            (to_the_end(talk + MARGIN), Behaviour::Answer { after: ring, talk: Some(talk) })
        }
        Fate::Busy => (to_the_end(talk), Behaviour::BUSY),
        Fate::NoAnswer | Fate::Cancelled => (cancel, Behaviour::NoAnswer),
    }
}

async fn dial(shared: &Shared, planned: &PlannedCall, script: &CallScript) -> CallReport {
    let from = phone(shared, planned.from);
    let to = &phone(shared, planned.to).config().user;
    match planned.from {
        Party::Handset(n) => shared.handsets[n].dial(to, script).await,
        Party::FarEnd(_) => match shared.front_end.call(from, to, script).await {
            Ok(report) => report,
            Err(error) => from.no_call(to, &error.to_string()),
        },
    }
}

/// The called end's report, when the call came there; its BYE may still be on its way.
async fn served_call(served: &mut broadcast::Receiver<CallReport>) -> Option<CallReport> {
    timeout(Duration::from_secs(3), served.recv()).await.ok()?.ok()
}

fn judge(
    shared: &Shared,
    planned: &PlannedCall,
    (from, to): (Voice, Voice),
    placed: &CallReport,
    served: Option<&CallReport>,
) {
    let stopping = shared.front_end.is_stopping();
    let counters = &shared.counters;
    match (&placed.outcome, planned.fate) {
        (Outcome::Answered, Fate::Talk { .. }) => {
            let hears = |report: &CallReport, voice| report.heard.as_ref().is_some_and(|h| h.voice == Some(voice));
            let both = hears(placed, to) && served.is_some_and(|served| hears(served, from));
            let long = placed.talked >= Some(LONG_ENOUGH);
            counters.note(|c| {
                c.answered += 1;
                c.audio_verified += u64::from(both);
                c.audio_missing += u64::from(!both && long && !stopping);
            });
        }
        _ if stopping => counters.note(|c| c.cut_off += 1),
        (Outcome::Refused { code: 486 | 600 }, Fate::Busy)
        | (Outcome::Cancelled, Fate::Cancelled | Fate::NoAnswer)
        // A switch may give up before the caller does.
        | (Outcome::Refused { code: 408 | 480 }, Fate::NoAnswer) => {
            counters.note(|c| c.unanswered_as_planned += 1);
        }
        (outcome, fate) => {
            tracing::warn!(?planned, ?outcome, "call went against the plan");
            counters.failed(cause(outcome, fate));
        }
    }
}

fn cause(outcome: &Outcome, fate: Fate) -> String {
    match outcome {
        Outcome::Answered => format!("answered, planned {fate:?}"),
        Outcome::Refused { code } => format!("refused {code}"),
        Outcome::Cancelled => "cancelled".into(),
        Outcome::NoResponse => "no response".into(),
        Outcome::Failed { why } => why.clone(),
    }
}

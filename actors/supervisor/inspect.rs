//! What administrators ask of the supervisor.

use actix::prelude::*;
use kirkwall_core::call::admission::Load;
use kirkwall_core::call::{CallSummary, Phase};
use kirkwall_core::id::CallRef;
use kirkwall_core::lync::presence::BOOTSTRAP;

use super::Supervisor;
use crate::call::{HangUp, ShowLadder, ShowMedia};
use crate::desk::*;

/// Takes no new calls from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain;

impl Handler<Drain> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Drain, _: &mut Self::Context) {
        self.draining = true;
    }
}

fn no_call(call: CallRef) -> DeskFault {
    DeskFault::NotFound(format!("call {call}; ended calls are kept until 1,000 newer ones have ended"))
}

impl Handler<ListCalls> for Supervisor {
    type Result = Result<CallPage, DeskFault>;

    fn handle(&mut self, ask: ListCalls, _: &mut Self::Context) -> Self::Result {
        let limit = ask.limit.clamp(1, 1_000);
        let (all, total): (Vec<_>, usize) = match ask.wanted {
            // A call that is over keeps its actor until its last transaction has gone; it is not shown twice.
            CallsWanted::Active => {
                let behind = |call: &CallRef| ask.after.is_none_or(|after| *call > after);
                let calls = self.standing().filter(|summary| behind(&summary.reference));
                (calls.take(limit + 1).cloned().collect(), self.standing().count())
            }
            CallsWanted::Ended => {
                let behind = |call: &CallRef| ask.after.is_none_or(|after| *call < after);
                let mut ended: Vec<_> =
                    self.ended.iter().map(|r| &r.summary).filter(|s| behind(&s.reference)).collect();
                ended.sort_by_key(|summary| std::cmp::Reverse(summary.reference));
                (ended.into_iter().take(limit + 1).cloned().collect(), self.ended.len())
            }
        };
        let more = all.len() > limit;
        let calls = all.iter().take(limit).map(CallSummary::as_wanted).collect();
        Ok(CallPage { calls, more, total })
    }
}

impl Handler<GetCall> for Supervisor {
    type Result = ResponseFuture<Result<CallDetail, DeskFault>>;

    fn handle(&mut self, GetCall(call): GetCall, _: &mut Self::Context) -> Self::Result {
        if let Some(r) = self.ended.iter().rev().find(|r| r.summary.reference == call) {
            let detail = CallDetail { summary: r.summary.as_wanted(), media: r.media.clone() };
            return Box::pin(async move { Ok(detail) });
        }
        let Some(entry) = self.calls.get(&call) else { return Box::pin(async move { Err(no_call(call)) }) };
        let (addr, summary) = (entry.addr.clone(), entry.summary.as_wanted());
        Box::pin(
            async move { Ok(CallDetail { summary, media: addr.send(ShowMedia).await.unwrap_or_default() }) },
        )
    }
}

impl Handler<GetLadder> for Supervisor {
    type Result = ResponseFuture<Result<CallLadder, DeskFault>>;

    fn handle(&mut self, GetLadder(call): GetLadder, _: &mut Self::Context) -> Self::Result {
        let view = move |ladder: &kirkwall_core::call::ladder::Ladder| CallLadder {
            reference: call,
            rungs: ladder.rungs(),
            dropped: ladder.dropped(),
            text: ladder.text(),
        };
        // The actor has the newest ladder while it lives; a call that is over may still say a word or two.
        let remembered =
            self.ended.iter().rev().find(|r| r.summary.reference == call).map(|r| view(&r.ladder));
        let addr = self.calls.get(&call).map(|entry| entry.addr.clone());
        Box::pin(async move {
            let live = match addr {
                Some(addr) => addr.send(ShowLadder).await.ok().map(|ladder| view(&ladder)),
                None => None,
            };
            live.or(remembered).ok_or_else(|| no_call(call))
        })
    }
}

impl Handler<HangUpCall> for Supervisor {
    type Result = Result<(), DeskFault>;

    fn handle(&mut self, HangUpCall(call): HangUpCall, _: &mut Self::Context) -> Self::Result {
        let entry = self.calls.get(&call).ok_or_else(|| no_call(call))?;
        entry.addr.do_send(HangUp("hung up by an administrator".into()));
        Ok(())
    }
}

impl Supervisor {
    fn base_views(&self) -> ResponseFuture<Vec<BaseStationView>> {
        let asked: Vec<_> = self
            .bases
            .iter()
            .map(|(id, (addr, _))| (addr.clone(), self.admission.base(id), self.base_limit(id)))
            .collect();
        Box::pin(async move {
            let mut views = Vec::with_capacity(asked.len());
            for (addr, channels, limit) in asked {
                if let Ok(mut view) = addr.send(crate::base_station::Inspect).await {
                    (view.channels, view.limit) = (channels, limit);
                    views.push(view);
                }
            }
            views
        })
    }

    /// Summaries of the calls that stand.
    pub(super) fn standing(&self) -> impl Iterator<Item = &CallSummary> {
        self.calls.values().map(|entry| &entry.summary).filter(|summary| summary.phase != Phase::Ended)
    }

    pub(super) fn in_call(&self, user: &kirkwall_core::id::Username) -> bool {
        let with = |party: &kirkwall_core::call::Party| party.user.as_ref() == Some(user);
        self.standing().any(|summary| with(&summary.caller) || with(&summary.callee))
    }
}

impl Handler<ListBaseStations> for Supervisor {
    type Result = ResponseFuture<Result<Vec<BaseStationView>, DeskFault>>;

    fn handle(&mut self, _: ListBaseStations, _: &mut Self::Context) -> Self::Result {
        let views = self.base_views();
        Box::pin(async move { Ok(views.await) })
    }
}

impl Handler<GetBaseStation> for Supervisor {
    type Result = ResponseFuture<Result<BaseStationView, DeskFault>>;

    fn handle(&mut self, GetBaseStation(id): GetBaseStation, _: &mut Self::Context) -> Self::Result {
        let views = self.base_views();
        Box::pin(async move {
            let found = views.await.into_iter().find(|view| view.id == id);
            found.ok_or_else(|| DeskFault::NotFound(format!("base station {id}")))
        })
    }
}

impl Handler<ListHandsets> for Supervisor {
    type Result = Result<Vec<HandsetView>, DeskFault>;

    fn handle(&mut self, _: ListHandsets, _: &mut Self::Context) -> Self::Result {
        let native = self.airborne.keys().filter_map(|ipei| Some(self.user_of(*ipei)?.username.clone()));
        let mut users: Vec<_> = self.handsets.keys().cloned().chain(native).collect();
        users.sort();
        users.dedup();
        let view = |user: kirkwall_core::id::Username| {
            let places = self.places(&user);
            let record = self.accounts.get(&user);
            HandsetView {
                display_name: record.map_or(String::new(), |r| r.display_name.clone()),
                ipei: record.and_then(|r| r.ipei.clone()),
                state: if places.is_empty() { "not registered" } else { "registered" },
                bindings: places.iter().map(|place| place.view()).collect(),
                in_call: self.in_call(&user),
                user,
            }
        };
        Ok(users.into_iter().map(view).collect())
    }
}

impl Handler<ListRegistrations> for Supervisor {
    type Result = Result<Vec<RegistrationView>, DeskFault>;

    fn handle(&mut self, _: ListRegistrations, _: &mut Self::Context) -> Self::Result {
        let mut views: Vec<_> = self
            .lines
            .iter()
            .map(|(user, entry)| RegistrationView {
                user: user.clone(),
                state: entry.state.name,
                cause: entry.state.cause.clone(),
                registrar: entry.state.registrar.clone(),
                notes: self.notes_of(user, &entry.state.notes),
                needs_first_log_in: self.presences.notes(user).iter().any(|note| note == BOOTSTRAP),
                expires: entry.state.expires,
            })
            .collect();
        views.sort_by(|a, b| a.user.cmp(&b.user));
        Ok(views)
    }
}

impl Handler<GetCapacity> for Supervisor {
    type Result = ResponseFuture<Result<CapacityView, DeskFault>>;

    fn handle(&mut self, _: GetCapacity, _: &mut Self::Context) -> Self::Result {
        let (media_limit, media_in_use) = self.admission.media();
        let mut view = CapacityView {
            profile: self.settings.capacity.profile.clone(),
            media_limit,
            media_in_use,
            engine_channels: self.ports.media.open_channels(),
            calls: self.admission.calls(),
            refused: self.admission.refused(),
            links: self.admission.links_mut().loads(),
            base_stations: Vec::new(),
        };
        let bases = self.base_views();
        Box::pin(async move {
            view.base_stations = bases.await;
            view.base_stations.retain(|base| base.channels != Load::default());
            Ok(view)
        })
    }
}

impl Handler<GetOverview> for Supervisor {
    type Result = Result<OverviewView, DeskFault>;

    fn handle(&mut self, _: GetOverview, _: &mut Self::Context) -> Self::Result {
        let up = self.bases_up();
        let registered = self.lines.values().filter(|entry| entry.state.way.is_some());
        let used: Vec<_> = registered.clone().filter_map(|e| e.state.registrar.clone()).collect();
        Ok(OverviewView {
            calls: self.standing().count(),
            call_attempts: self.attempts,
            calls_max: self.calls_max,
            base_stations_up: up,
            base_stations_down: self.bases.len().saturating_sub(up),
            users: self.accounts.len(),
            handsets_registered: self.locations.len(),
            lines_registered: registered.count(),
            has_north: self.settings.north.is_some(),
            proxies: self
                .proxies
                .iter()
                .map(|proxy| {
                    let name = format!("{} {}", proxy.transport, proxy.address);
                    ProxyView { up: used.contains(&name), name }
                })
                .collect(),
            started: self.started,
            node: self.settings.node.clone(),
            draining: self.draining,
        })
    }
}

impl Handler<GetHealth> for Supervisor {
    type Result = MessageResult<GetHealth>;

    fn handle(&mut self, _: GetHealth, _: &mut Self::Context) -> Self::Result {
        let mut reasons = Vec::new();
        if self.draining {
            reasons.push("the node is draining".to_owned());
        }
        let store = self.ports.journal.health();
        if let Some(fault) = store.fault {
            reasons.push(format!("the store does not take writes: {fault}"));
        }
        MessageResult(Health { ready: reasons.is_empty(), reasons })
    }
}

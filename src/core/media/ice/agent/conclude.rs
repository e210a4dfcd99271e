//! From valid pairs to a selection: nomination, completion, failure (RFC 5245 §8).

use super::check_list::PairState;
use super::{Agent, Chosen, Component, Description, Output, Refusal, Remote, Role, Selection, State, Timer};
use crate::id::Tokens;
use crate::media::ice::candidate::Candidate;
use crate::timer::Moment;

impl Agent {
    /// The peer's description: the first begins the checks, a later one may be its final offer.
    pub(super) fn take_remote(
        &mut self,
        description: Description,
        now: Moment,
        tokens: &mut Tokens,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        if let Some(remote) = &self.remote {
            let same = description.credentials.as_ref().is_none_or(|theirs| *theirs == remote.credentials);
            if !same {
                return Err(Refusal::OtherCredentials);
            }
            self.take_final(&description);
            return Ok(());
        }
        let Some(credentials) = description.credentials.clone().filter(|_| description.is_ice()) else {
            self.without_ice(&description, now, out);
            return Ok(());
        };
        let both = |c: &Component| {
            self.locals.iter().any(|l| l.candidate.component == *c)
                && description.candidates.iter().any(|remote| remote.component == *c)
        };
        let components: Vec<_> = Component::ALL.into_iter().filter(both).collect();
        if components.is_empty() {
            return Err(Refusal::NoComponent);
        }
        // RFC 5245 §5.2: "If one agent is full and the other is lite, the full agent takes the controlling role".
        if description.lite {
            self.role = Role::Controlling;
        }
        let Description { candidates, defaults, .. } = description;
        let remote = Remote { credentials, candidates, defaults };
        self.list.form(&self.locals, &remote, self.role);
        (self.components, self.remote, self.state) = (components, Some(remote), State::Checking);
        self.timers.set(Timer::Patience, now + self.settings.patience);
        for early in std::mem::take(&mut self.early) {
            if let Some(local) = self.base(early.component, early.to) {
                self.learn(early, local, tokens);
            }
        }
        Ok(())
    }

    fn without_ice(&mut self, description: &Description, now: Moment, out: &mut Vec<Output>) {
        self.state = State::NotIce;
        for (component, remote) in &description.defaults {
            self.select_default(*component, *remote, now, out);
        }
        out.push(Output::NotIce);
    }

    fn select_default(
        &mut self,
        component: Component,
        remote: std::net::SocketAddr,
        now: Moment,
        out: &mut Vec<Output>,
    ) {
        let suits = |l: &&super::Local| {
            l.is_base() && l.candidate.component == component && l.base.is_ipv4() == remote.is_ipv4()
        };
        // Our first candidate is our default one.
        let Some(local) = self.locals.iter().find(suits).map(|l| l.base) else { return };
        let how = Selection::Default;
        self.select(Chosen { component, local, remote, how, pair: None, consented: now, lost: false }, out);
    }

    /// The peer's final offer: it names the pairs (RFC 5245 §9.2.2.3). One that we have not proved yet is
    /// checked at once and taken when it works.
    fn take_final(&mut self, description: &Description) {
        if self.role == Role::Controlling {
            return;
        }
        for (component, ours) in &description.remote_candidates {
            let theirs = description.candidates.iter().find(|c| c.component == *component);
            let theirs = theirs.map(|c| c.address).or_else(|| description.default_of(*component));
            let Some(at) = theirs.and_then(|theirs| self.named_pair(*component, *ours, theirs)) else {
                continue;
            };
            self.list.clear_nominations(*component);
            match self.list.get(at).state {
                PairState::Succeeded => self.list.get_mut(at).nominated = true,
                _ => {
                    self.list.get_mut(at).nominate_on_success = true;
                    self.trigger(at, false);
                }
            }
        }
    }

    /// The pair of our candidate with this address and the peer's with that.
    fn named_pair(
        &self,
        component: Component,
        ours: std::net::SocketAddr,
        theirs: std::net::SocketAddr,
    ) -> Option<usize> {
        let is = |l: &&super::Local| l.candidate.component == component && l.candidate.address == ours;
        let base = self.locals.iter().find(is)?.base;
        self.list.find_address(self.base(component, base)?, theirs, self.remote.as_ref()?)
    }

    /// After every input: reports what is new and nominates when the time has come.
    pub(super) fn conclude(&mut self, now: Moment, out: &mut Vec<Output>) {
        if !matches!(self.state, State::Checking | State::Completed | State::Failed) {
            return;
        }
        self.nominate(now);
        for component in self.components.clone() {
            self.choose(component, now, out);
        }
        let nominated = |c: &Component| {
            self.selected.iter().any(|chosen| chosen.component == *c && chosen.how == Selection::Nominated)
        };
        if self.state != State::Completed && self.components.iter().all(nominated) {
            self.complete(now, out);
        }
        if self.state == State::Checking {
            self.try_again(now, out);
        }
    }

    /// A component without any pair left is tried once more, for as long as patience lasts: on a bad line
    /// seven packets in a row get lost (RFC 8863 has the agent wait too). Meanwhile the default counts.
    fn try_again(&mut self, now: Moment, out: &mut Vec<Output>) {
        let closed: Vec<_> = self.components.iter().copied().filter(|c| !self.list.is_open(*c)).collect();
        closed.iter().for_each(|component| self.list.reopen(*component));
        if closed.contains(&Component::Rtp) {
            self.provisional_default(now, out);
        }
    }

    /// Regular nomination (RFC 5245 §8.1.1.1): once each component has a valid pair and nothing better is
    /// to be expected.
    fn nominate(&mut self, now: Moment) {
        let regular = self.role == Role::Controlling && !self.nominates_with_each_check();
        if !regular || self.nominating || self.state == State::Completed {
            return;
        }
        let best = self.components.iter().map(|c| self.list.best_valid(*c, self.role));
        let Some(best) = best.collect::<Option<Vec<usize>>>() else { return };
        let better = best.iter().any(|at| self.list.better_is_open(*at, self.role));
        if better && !self.settled {
            if !self.timers.runs(Timer::Settle) {
                self.timers.set(Timer::Settle, now + self.settings.settle);
            }
            return;
        }
        self.timers.stop(Timer::Settle);
        (self.nominating, self.settled) = (true, true);
        let open = best.into_iter().rev().filter(|at| !self.list.get(*at).nominated);
        for at in open.collect::<Vec<_>>() {
            self.triggered.retain(|job| job.pair != at);
            self.triggered.push_front(super::Job { pair: at, nominate: true });
        }
    }

    /// Reports the pair of a component when it is another than before.
    fn choose(&mut self, component: Component, now: Moment, out: &mut Vec<Output>) {
        let nominated = self.list.best_nominated(component, self.role).map(|at| (at, Selection::Nominated));
        let best = nominated
            .or_else(|| self.list.best_valid(component, self.role).map(|at| (at, Selection::Provisional)));
        let Some((at, how)) = best else { return };
        let old = self.selected.iter().find(|chosen| chosen.component == component);
        let keeps = old.is_some_and(|old| {
            old.how == Selection::Nominated && (how == Selection::Provisional || old.pair == Some(at))
        });
        let same = old.is_some_and(|old| old.pair == Some(at) && old.how == how);
        if keeps || same {
            return;
        }
        let pair = self.list.get(at);
        let Some(remote) = &self.remote else { return };
        let (local, remote) = (self.locals[pair.local].base, remote.candidates[pair.remote].address);
        let chosen = Chosen { component, local, remote, how, pair: Some(at), consented: now, lost: false };
        self.select(chosen, out);
    }

    fn select(&mut self, chosen: Chosen, out: &mut Vec<Output>) {
        let Chosen { component, local, remote, how, .. } = chosen;
        self.selected.retain(|old| old.component != component);
        self.selected.push(chosen);
        self.selected.sort_by_key(|chosen| chosen.component);
        out.push(Output::Selected { component, local, remote, how });
    }

    /// RFC 5245 §8.1.2: what has not begun is dropped, what is on its way is repeated no more unless it
    /// could still win.
    fn complete(&mut self, now: Moment, out: &mut Vec<Output>) {
        self.state = State::Completed;
        self.list.close();
        self.triggered.retain(|job| self.list.get(job.pair).nominate_on_success);
        let chosen: Vec<usize> = self.selected.iter().filter_map(|chosen| chosen.pair).collect();
        let (list, role) = (&self.list, self.role);
        for check in &mut self.checks {
            let component = list.get(check.pair).component;
            let rival = chosen.iter().find(|at| list.get(**at).component == component);
            if rival.is_none_or(|rival| !list.outranks(check.pair, *rival, role)) {
                check.next = None;
            }
        }
        self.timers.stop_all();
        self.arm_upkeep(now);
        out.push(Output::Completed);
    }

    /// Keep-alives and consent.
    pub(super) fn arm_upkeep(&mut self, now: Moment) {
        self.timers.set(Timer::KeepAlive, now + self.settings.keep_alive);
        if let Some(consent) = self.settings.consent {
            self.timers.set(Timer::Consent, now + consent.interval);
        }
    }

    /// Patience is over. A component that has a valid pair keeps it; for the rest the default counts.
    pub(super) fn give_up(&mut self, now: Moment, out: &mut Vec<Output>) {
        if self.state != State::Checking {
            return;
        }
        // The peer nominates what it has proved both ways. That our own check of it got lost is no reason
        // to prefer the default.
        self.list.trust_nominations();
        let without = |c: &Component| self.list.best_valid(*c, self.role).is_none();
        let failed: Vec<_> = self.components.iter().copied().filter(without).collect();
        self.settled = true;
        self.arm_upkeep(now);
        if failed.is_empty() {
            // All work, but the peer has nominated none yet: its final offer will.
            return;
        }
        self.state = State::Failed;
        self.provisional_default(now, out);
        // Audio without RTCP is better than no audio: what works may still be nominated.
        if !failed.contains(&Component::Rtp) {
            self.components.retain(|component| !failed.contains(component));
        }
        out.push(Output::Failed(failed));
    }

    /// Selects the default addresses of the components that have nothing yet.
    fn provisional_default(&mut self, now: Moment, out: &mut Vec<Output>) {
        let Some(remote) = &self.remote else { return };
        for (component, address) in remote.defaults.clone() {
            if self.selected.iter().all(|chosen| chosen.component != component) {
                self.select_default(component, address, now, out);
            }
        }
    }

    /// The candidates of the peer as they are known now, found ones included.
    pub fn remote_candidates(&self) -> &[Candidate] {
        self.remote.as_ref().map_or(&[], |remote| &remote.candidates)
    }
}

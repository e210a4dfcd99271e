//! What of an agent survives a restart of the node.

use serde::{Deserialize, Serialize};

use super::check_list::PairState;
use super::{
    Agent, Chosen, Component, Credentials, Local, Output, Remote, Role, Selection, Settings, State, Timer,
};
use crate::id::Tokens;
use crate::media::ice::stun::Dialect;
use crate::timer::Moment;

/// Enough to answer the peer's checks and to keep the selected pairs alive. It holds passwords: seal it
/// at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    state: State,
    role: Role,
    tie_breaker: u64,
    dialect: Dialect,
    credentials: Credentials,
    locals: Vec<Local>,
    remote: Option<Remote>,
    components: Vec<Component>,
    selected: Vec<SelectedRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SelectedRecord {
    component: Component,
    local: std::net::SocketAddr,
    remote: std::net::SocketAddr,
    how: Selection,
    /// Indices of our base, our candidate as the peer sees it, and the peer's.
    pair: Option<(usize, usize, usize)>,
}

impl Record {
    /// Whether it is the agent of these two sides.
    pub fn is_of(&self, ours: &Credentials, theirs: Option<&Credentials>) -> bool {
        let known = self.remote.as_ref().map(|remote| &remote.credentials);
        self.credentials == *ours && known.is_some() && known == theirs
    }
}

impl Agent {
    /// A copy of what must survive. To be saved with every selection and with [`Output::Completed`].
    pub fn record(&self) -> Record {
        let selected = self.selected.iter().map(|chosen| {
            let pair = chosen.pair.map(|at| self.list.get(at));
            let Chosen { component, local, remote, how, .. } = *chosen;
            let pair = pair.map(|p| (p.local, p.mapped.unwrap_or(p.local), p.remote));
            SelectedRecord { component, local, remote, how, pair }
        });
        Record {
            state: self.state,
            role: self.role,
            tie_breaker: self.tie_breaker,
            dialect: self.dialect,
            credentials: self.credentials.clone(),
            locals: self.locals.clone(),
            remote: self.remote.clone(),
            components: self.components.clone(),
            selected: selected.collect(),
        }
    }

    /// The agent of a record. It is silent until [`Input::Started`](super::Input::Started). A search that
    /// had not ended begins anew.
    pub fn restore(settings: Settings, record: Record, tokens: &mut Tokens) -> Self {
        let mut agent = Self::new(settings, record.role, record.credentials, record.locals, tokens);
        agent.tie_breaker = record.tie_breaker;
        agent.dialect = record.dialect;
        agent.components = record.components;
        agent.state = record.state;
        if let Some(remote) = &record.remote
            && record.state == State::Checking
        {
            agent.list.form(&agent.locals, remote, agent.role);
        }
        for chosen in record.selected {
            let pair = chosen.pair.and_then(|(local, mapped, theirs)| {
                let remote = record.remote.as_ref()?;
                let sound = local.max(mapped) < agent.locals.len() && theirs < remote.candidates.len();
                sound.then(|| agent.restore_pair(local, mapped, theirs, remote, chosen.how))?
            });
            let SelectedRecord { component, local, remote, how, .. } = chosen;
            let consented = Moment::default();
            agent.selected.push(Chosen { component, local, remote, how, pair, consented, lost: false });
        }
        agent.remote = record.remote;
        agent
    }

    fn restore_pair(
        &mut self,
        local: usize,
        mapped: usize,
        theirs: usize,
        remote: &Remote,
        how: Selection,
    ) -> Option<usize> {
        let found = self.list.find(local, theirs);
        let at = found.or_else(|| self.list.add(local, theirs, &self.locals, remote))?;
        let pair = self.list.get_mut(at);
        (pair.state, pair.mapped) = (PairState::Succeeded, Some(mapped));
        pair.nominated = how == Selection::Nominated;
        Some(at)
    }

    /// First start, restart and takeover alike: says again what was selected and arms the timers.
    pub(super) fn started(&mut self, now: Moment, out: &mut Vec<Output>) {
        for chosen in &mut self.selected {
            // A restart is no proof of consent lost; the peer has the whole time again.
            chosen.consented = now;
            let Chosen { component, local, remote, how, .. } = *chosen;
            out.push(Output::Selected { component, local, remote, how });
        }
        match self.state {
            State::Checking => self.timers.set(Timer::Patience, now + self.settings.patience),
            State::Completed | State::Failed => self.arm_upkeep(now),
            State::New | State::NotIce => {}
        }
    }
}

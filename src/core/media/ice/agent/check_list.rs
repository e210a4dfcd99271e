//! The check list: pairs, their states, and which is next (RFC 5245 §5.7).

use std::net::SocketAddr;

use crate::media::ice::candidate::{Component, pair_priority};

use super::{Local, Remote, Role};

/// RFC 5245 §5.7.3: "an agent MUST limit the total number of connectivity checks the agent performs".
pub(super) const MAX_PAIRS: usize = 100;

/// RFC 5245 §5.7.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairState {
    Frozen,
    Waiting,
    InProgress,
    Succeeded,
    Failed,
}

/// A way that may work.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub component: Component,
    /// Index of our candidate; always a base.
    pub local: usize,
    /// Index of the peer's candidate.
    pub remote: usize,
    pub state: PairState,
    /// Once it succeeded: index of our candidate as the peer sees it.
    pub mapped: Option<usize>,
    pub nominated: bool,
    /// RFC 5245 §7.2.1.5: the peer nominated it before our own check succeeded.
    pub nominate_on_success: bool,
    ours: u32,
    theirs: u32,
    foundation: (String, String),
}

impl Pair {
    /// Works in both directions.
    pub fn is_valid(&self) -> bool {
        self.state == PairState::Succeeded
    }

    fn is_open(&self) -> bool {
        matches!(self.state, PairState::Frozen | PairState::Waiting | PairState::InProgress)
    }

    fn priority(&self, role: Role) -> u64 {
        match role {
            Role::Controlling => pair_priority(self.ours, self.theirs),
            Role::Controlled => pair_priority(self.theirs, self.ours),
        }
    }
}

/// The pairs of the stream. They are never removed, so an index stays good.
#[derive(Debug, Default)]
pub(super) struct CheckList {
    pairs: Vec<Pair>,
}

impl CheckList {
    /// Pairs every base with every candidate of the peer that it may reach, the best first, at most
    /// [`MAX_PAIRS`].
    pub fn form(&mut self, locals: &[Local], remote: &Remote, role: Role) {
        for (l, local) in locals.iter().enumerate() {
            for (r, candidate) in remote.candidates.iter().enumerate() {
                let known = remote.candidates[..r].iter().any(|other| {
                    (other.component, other.address, other.transport)
                        == (candidate.component, candidate.address, candidate.transport)
                });
                if !known && reaches(local, candidate) {
                    self.pairs.push(pair(l, r, locals, remote));
                }
            }
        }
        self.pairs.sort_by_key(|pair| std::cmp::Reverse(pair.priority(role)));
        self.pairs.truncate(MAX_PAIRS);
        self.thaw_first();
    }

    /// RFC 5245 §5.7.4: of the pairs with the same foundation, the one with the lowest component and, of
    /// those, the highest priority begins Waiting; all others are Frozen.
    fn thaw_first(&mut self) {
        for at in 0..self.pairs.len() {
            let pair = &self.pairs[at];
            let better = |(other_at, other): (usize, &Pair)| {
                other.foundation == pair.foundation
                    && (other.component < pair.component
                        || (other.component == pair.component && other_at < at))
            };
            if !self.pairs.iter().enumerate().any(better) {
                self.pairs[at].state = PairState::Waiting;
            }
        }
    }

    /// Adds a pair that a check of the peer has shown, Frozen. `None` when the list is full.
    pub fn add(&mut self, local: usize, r: usize, locals: &[Local], remote: &Remote) -> Option<usize> {
        if self.pairs.len() >= MAX_PAIRS + super::MAX_PEER_REFLEXIVE {
            return None;
        }
        self.pairs.push(pair(local, r, locals, remote));
        Some(self.pairs.len() - 1)
    }

    /// One pair.
    pub fn get(&self, at: usize) -> &Pair {
        &self.pairs[at]
    }

    /// One pair, to change.
    pub fn get_mut(&mut self, at: usize) -> &mut Pair {
        &mut self.pairs[at]
    }

    /// The pair of these two candidates.
    pub fn find(&self, local: usize, remote: usize) -> Option<usize> {
        self.pairs.iter().position(|pair| (pair.local, pair.remote) == (local, remote))
    }

    /// The pair of this base and this address.
    pub fn find_address(&self, local: usize, address: SocketAddr, remote: &Remote) -> Option<usize> {
        self.pairs
            .iter()
            .position(|pair| pair.local == local && remote.candidates[pair.remote].address == address)
    }

    /// RFC 5245 §5.8: the Waiting pair of the highest priority, else a Frozen one that is thawed for it.
    pub fn next(&mut self, role: Role) -> Option<usize> {
        let waiting = self.best(role, |pair| pair.state == PairState::Waiting);
        waiting.or_else(|| self.best(role, |pair| pair.state == PairState::Frozen))
    }

    /// Whether an ordinary check is left to send.
    pub fn has_next(&self) -> bool {
        self.pairs.iter().any(|pair| matches!(pair.state, PairState::Waiting | PairState::Frozen))
    }

    /// Pairs that are being checked or will be next.
    pub fn busy(&self) -> usize {
        let busy = |pair: &&Pair| matches!(pair.state, PairState::Waiting | PairState::InProgress);
        self.pairs.iter().filter(busy).count()
    }

    /// A check worked: RFC 5245 §7.1.3.2.3 thaws the pairs of the same foundation.
    pub fn succeed(&mut self, at: usize, mapped: usize) {
        let foundation = self.pairs[at].foundation.clone();
        let pair = &mut self.pairs[at];
        (pair.state, pair.mapped) = (PairState::Succeeded, Some(mapped));
        pair.nominated |= std::mem::take(&mut pair.nominate_on_success);
        let same =
            self.pairs.iter_mut().filter(|p| p.foundation == foundation && p.state == PairState::Frozen);
        same.for_each(|pair| pair.state = PairState::Waiting);
    }

    /// Forgets every nomination of the component: the peer's final offer names the pair.
    pub fn clear_nominations(&mut self, component: Component) {
        for pair in self.pairs.iter_mut().filter(|pair| pair.component == component) {
            (pair.nominated, pair.nominate_on_success) = (false, false);
        }
    }

    /// Makes the failed pairs of the component Waiting again.
    pub fn reopen(&mut self, component: Component) {
        let failed = |p: &&mut Pair| p.component == component && p.state == PairState::Failed;
        self.pairs.iter_mut().filter(failed).for_each(|pair| pair.state = PairState::Waiting);
    }

    /// Takes the pairs that the peer nominated as valid.
    pub fn trust_nominations(&mut self) {
        for at in 0..self.pairs.len() {
            if self.pairs[at].nominate_on_success {
                self.succeed(at, self.pairs[at].local);
            }
        }
    }

    /// Stops what has not begun (RFC 5245 §8.1.2).
    pub fn close(&mut self) {
        let left =
            self.pairs.iter_mut().filter(|p| matches!(p.state, PairState::Frozen | PairState::Waiting));
        left.for_each(|pair| pair.state = PairState::Failed);
    }

    /// The valid pair of the highest priority.
    pub fn best_valid(&self, component: Component, role: Role) -> Option<usize> {
        self.best(role, |pair| pair.component == component && pair.is_valid())
    }

    /// The nominated pair of the highest priority.
    pub fn best_nominated(&self, component: Component, role: Role) -> Option<usize> {
        self.best(role, |pair| pair.component == component && pair.is_valid() && pair.nominated)
    }

    /// The pair that the peer has nominated and that we have not proved yet.
    pub fn named(&self, component: Component) -> Option<usize> {
        self.pairs.iter().position(|pair| pair.component == component && pair.nominate_on_success)
    }

    /// Whether an unfinished pair of the component would be better than this one.
    pub fn better_is_open(&self, than: usize, role: Role) -> bool {
        let (component, priority) = (self.pairs[than].component, self.pairs[than].priority(role));
        self.pairs.iter().any(|p| p.component == component && p.is_open() && p.priority(role) > priority)
    }

    /// Whether any pair of the component may still work.
    pub fn is_open(&self, component: Component) -> bool {
        self.pairs.iter().any(|pair| pair.component == component && (pair.is_open() || pair.is_valid()))
    }

    /// Whether pair `a` has the higher priority.
    pub fn outranks(&self, a: usize, b: usize, role: Role) -> bool {
        self.pairs[a].priority(role) > self.pairs[b].priority(role)
    }

    fn best(&self, role: Role, wanted: impl Fn(&Pair) -> bool) -> Option<usize> {
        let found = self.pairs.iter().enumerate().filter(|(_, pair)| wanted(pair));
        // Of equals the first, so that both runs of a test agree.
        found.max_by_key(|(at, pair)| (pair.priority(role), std::cmp::Reverse(*at))).map(|(at, _)| at)
    }
}

/// RFC 5245 §5.7.1: same component and same address family; transports that meet.
fn reaches(local: &Local, remote: &super::Candidate) -> bool {
    local.is_base()
        && local.candidate.component == remote.component
        && local.candidate.transport.reaches(remote.transport)
        && local.base.is_ipv4() == remote.address.is_ipv4()
}

fn pair(local: usize, remote_at: usize, locals: &[Local], remote: &Remote) -> Pair {
    let (ours, theirs) = (&locals[local].candidate, &remote.candidates[remote_at]);
    Pair {
        component: ours.component,
        local,
        remote: remote_at,
        state: PairState::Frozen,
        mapped: None,
        nominated: false,
        nominate_on_success: false,
        ours: ours.priority,
        theirs: theirs.priority,
        foundation: (ours.foundation.clone(), theirs.foundation.clone()),
    }
}

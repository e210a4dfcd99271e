//! The ICE agent of one stream: finds, for RTP and RTCP, a pair of addresses that carries both ways.
//!
//! ```text
//!              Remote                 all components nominated
//!   [New] ───────────────► [Checking] ───────────────────────► [Completed] ── keep-alives, consent
//!     │ peer without ICE        │ patience is over                  ▲
//!     └──────► [NotIce]         └──────► [Failed] ── a late success ┘
//! ```
//!
//! The happy path of a call from us: candidates go out in the offer, the answer comes as
//! [`Input::Remote`], one check leaves each Ta. The first pair that works is reported at once as
//! provisional, so that no word is lost. When nothing better is to be expected, the best pair of each
//! component is nominated. Then [`Output::Completed`] tells the owner to send Lync's second INVITE with
//! [`Agent::final_description`].
//!
//! It fails in two ways: the peer does no ICE ([`Output::NotIce`]), or no pair works
//! ([`Output::Failed`]). Both select the default addresses of the SDP, which is what a switch without
//! ICE would use.
//!
//! Terminology: the *base* of a candidate is the local address that packets really leave from. A
//! relayed candidate is its own base: its packets go through the client of the relay ([`super::turn`]).
//!
//! Out of scope: restarts within an agent (new credentials make a new agent), several streams with
//! common freezing (we have one), and the test of RFC 5245 §5.1 whether the default address is among the
//! candidates: Lync's default may be an interface that nobody reaches.

mod check_list;
mod conclude;
mod local;
mod receive;
mod record;
mod send;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use local::Local;
pub use record::Record;
pub use settings::{Consent, Nomination, Role, Settings};

use super::candidate::{Candidate, Component, Kind};
use super::description::{Credentials, Description, MAX_CANDIDATES};
use super::stun::{Dialect, Transaction};
use crate::id::Tokens;
use crate::timer::{Moment, TimerTable};
use check_list::CheckList;

/// What happens to an agent.
#[derive(Debug)]
pub enum Input<'a> {
    /// The node has (re)started: keep-alives are armed again and what was selected is said again.
    Started,
    /// The peer's description, and later its final offer with `a=remote-candidates`.
    Remote(Description),
    /// A datagram came. One that is no STUN is passed over.
    Packet {
        /// The socket's purpose.
        component: Component,
        /// Who sent it; through a relay, the peer behind it.
        from: SocketAddr,
        /// The base that it came to: own socket, or relayed address.
        to: SocketAddr,
        /// The datagram.
        bytes: &'a [u8],
    },
    /// [`Agent::deadline`] has come.
    Deadline,
}

/// What an agent orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a datagram. When `from` is a relayed address, it goes through the client of that relay.
    Transmit {
        /// Whose socket.
        component: Component,
        /// The base.
        from: SocketAddr,
        /// Where to.
        to: SocketAddr,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Media of this component goes this way from now on. The last word counts.
    Selected {
        /// RTP or RTCP.
        component: Component,
        /// The base to send from.
        local: SocketAddr,
        /// The address to send to.
        remote: SocketAddr,
        /// How sure it is.
        how: Selection,
    },
    /// Every component has its pair. If controlling, the owner sends the final offer now.
    Completed,
    /// The peer does no ICE; the default addresses were selected.
    NotIce,
    /// No pair works for these components; their default addresses were selected.
    Failed(Vec<Component>),
    /// The peer's consent has run out (RFC 7675 §5.1): media must stop.
    ConsentLost(Component),
}

/// Why a pair was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// It works, but something better may follow.
    Provisional,
    /// It was nominated.
    Nominated,
    /// Nothing better was found: the `c=` and `m=` lines.
    Default,
}

/// Where the agent is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waits for the peer's description.
    New,
    /// Checks.
    Checking,
    /// Every component has its pair.
    Completed,
    /// The peer does no ICE.
    NotIce,
    /// No pair was found in time; a late one is still taken.
    Failed,
}

/// Why an input was not taken. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The peer restarts ICE (RFC 5245 §9.2.1.1), or another branch of a forked call answers.
    #[error("the peer's ICE credentials changed; make a new agent with fresh credentials")]
    OtherCredentials,
    /// None of our candidates has a component that the peer has too.
    #[error("we and the peer have no component in common; offer a candidate for RTP")]
    NoComponent,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Agent {
    settings: Settings,
    state: State,
    role: Role,
    tie_breaker: u64,
    /// Ours.
    credentials: Credentials,
    locals: Vec<Local>,
    remote: Option<Remote>,
    /// The components that both sides have.
    components: Vec<Component>,
    list: CheckList,
    /// Checks that were sent and whose response may still come.
    checks: Vec<Check>,
    /// RFC 5245 §5.8: goes before the ordinary checks.
    triggered: VecDeque<Job>,
    /// Checks of the peer that overtook its description.
    early: Vec<Early>,
    /// How the peer writes, once it has shown it.
    dialect: Dialect,
    /// What was reported last, by component.
    selected: Vec<Chosen>,
    /// Nominating checks of ours are out.
    nominating: bool,
    /// Nothing better is waited for any more.
    settled: bool,
    timers: TimerTable<Timer>,
    last_paced: Option<Moment>,
}

/// What is kept of the peer's description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remote {
    credentials: Credentials,
    /// Signalled ones, then those that were found out.
    candidates: Vec<Candidate>,
    defaults: Vec<(Component, SocketAddr)>,
}

/// What was reported as selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chosen {
    component: Component,
    local: SocketAddr,
    remote: SocketAddr,
    how: Selection,
    /// The pair, unless the default was taken.
    pair: Option<usize>,
    /// Last proof of consent.
    consented: Moment,
    /// That it ran out has been reported.
    lost: bool,
}

/// A check of ours on its way.
#[derive(Debug)]
struct Check {
    pair: usize,
    transaction: Transaction,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
    role: Role,
    priority: u32,
    purpose: Purpose,
    /// How often it was sent.
    sent: u32,
    /// The wait after the last time.
    interval: Duration,
    /// When it is sent again, or given up; nothing when it was cancelled and only its response counts.
    next: Option<Moment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Check,
    Nominate,
    Consent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Job {
    pair: usize,
    nominate: bool,
}

/// A request that came before the peer's description.
#[derive(Debug, Clone, Copy)]
struct Early {
    component: Component,
    from: SocketAddr,
    to: SocketAddr,
    priority: u32,
    nominates: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// Ta.
    Pace,
    /// End of waiting for something better.
    Settle,
    /// End of the search.
    Patience,
    /// Tr.
    KeepAlive,
    /// RFC 7675.
    Consent,
}

/// Requests that are kept until the peer's description comes.
const MAX_EARLY: usize = 16;
/// Peer-reflexive candidates that are learnt on each side; who makes more has our password and plays.
const MAX_PEER_REFLEXIVE: usize = 16;
/// Transactions that are remembered.
const MAX_CHECKS: usize = 256;

impl Agent {
    /// An agent with these candidates; more than [`MAX_CANDIDATES`] are cut.
    pub fn new(
        settings: Settings,
        role: Role,
        credentials: Credentials,
        mut locals: Vec<Local>,
        tokens: &mut Tokens,
    ) -> Self {
        locals.truncate(MAX_CANDIDATES);
        Self {
            dialect: settings.dialect,
            settings,
            state: State::New,
            role,
            tie_breaker: tokens.number(),
            credentials,
            locals,
            remote: None,
            components: Vec::new(),
            list: CheckList::default(),
            checks: Vec::new(),
            triggered: VecDeque::new(),
            early: Vec::new(),
            selected: Vec::new(),
            nominating: false,
            settled: false,
            timers: TimerTable::default(),
            last_paced: None,
        }
    }

    /// Takes one input; the answer is to be carried out in order.
    ///
    /// # Errors
    ///
    /// When the input does not fit; nothing has changed then.
    pub fn handle(
        &mut self,
        input: Input<'_>,
        now: Moment,
        tokens: &mut Tokens,
    ) -> Result<Vec<Output>, Refusal> {
        let mut out = Vec::new();
        match input {
            Input::Started => self.started(now, &mut out),
            Input::Remote(description) => self.take_remote(description, now, tokens, &mut out)?,
            Input::Packet { component, from, to, bytes } => {
                self.receive(component, from, to, bytes, now, tokens, &mut out);
            }
            Input::Deadline => self.expire(now, tokens, &mut out),
        }
        self.conclude(now, &mut out);
        self.arm_pace(now);
        Ok(out)
    }

    /// When [`Input::Deadline`] is wanted.
    pub fn deadline(&self) -> Option<Moment> {
        let checks = self.checks.iter().filter_map(|check| check.next);
        checks.chain(self.timers.next()).min()
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        self.state
    }

    /// Its present role; a conflict may have changed it.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What stands in our offer or answer. The first candidate of a component is its default.
    pub fn description(&self) -> Description {
        let offered =
            self.locals.iter().map(|local| &local.candidate).filter(|c| c.kind != Kind::PeerReflexive);
        let candidates: Vec<_> = offered.cloned().collect();
        let first = |component| candidates.iter().find(|c| c.component == component);
        let defaults = Component::ALL.into_iter().filter_map(|c| Some((c, first(c)?.address))).collect();
        let credentials = Some(self.credentials.clone());
        Description { credentials, candidates, defaults, ..Description::default() }
    }

    /// What stands in the final offer, or in the answer to the peer's: the pair of each component (RFC 5245
    /// §9.1.2.2 and the second INVITE of \[MS-ICE2\]). `None` until every component has one.
    pub fn final_description(&self) -> Option<Description> {
        let remote = self.remote.as_ref()?;
        // A pair that the peer has named and that we could not prove yet is answered all the same.
        let pair = |c: &Component| {
            self.list
                .best_nominated(*c, self.role)
                .or_else(|| self.list.named(*c))
                .map(|at| self.list.get(at))
        };
        let pairs: Vec<_> = self.components.iter().map(pair).collect::<Option<_>>()?;
        let ours = |pair: &check_list::Pair| &self.locals[pair.mapped.unwrap_or(pair.local)].candidate;
        let theirs = |pair: &check_list::Pair| remote.candidates[pair.remote].address;
        Some(Description {
            credentials: Some(self.credentials.clone()),
            candidates: pairs.iter().map(|pair| ours(pair).clone()).collect(),
            remote_candidates: pairs.iter().map(|pair| (pair.component, theirs(pair))).collect(),
            defaults: pairs.iter().map(|pair| (pair.component, ours(pair).address)).collect(),
            ..Description::default()
        })
    }

    /// The index of the candidate that is the base `address` of the component.
    fn base(&self, component: Component, address: SocketAddr) -> Option<usize> {
        self.locals
            .iter()
            .position(|l| l.is_base() && l.candidate.component == component && l.base == address)
    }
}

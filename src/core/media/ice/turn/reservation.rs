//! One call's bandwidth at the policy server behind a relay (\[MS-TURNBWM\] §3.2, \[MS-ICE2BWM\]).
//!
//! ```text
//!         Check             room                 Chosen             id
//! [Idle] ───► [Checking] ───────────► [Checked] ───────► [Committing] ───► [Committed] ── Update, now and then
//!                 │ no room: the call is refused                              │ Released: all zero
//!                 └────────► [Over] ◄─────────────────────────────────────────┘
//! ```
//!
//! Who answers a call asks: it knows both ends' addresses before it rings. A server that says nothing, or does not
//! know the question, admits: a call is not lost because the policy is.
//!
//! Certainty: the attributes are specified; how often a reservation is renewed is not public and chosen here.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bandwidth::{Amount, Answer, Location, Reservation, SiteAnswer, Step};
use crate::timer::Moment;

/// How often a commitment is renewed; an allocation itself is refreshed more seldom.
const UPDATE_EVERY: Duration = Duration::from_secs(120);
/// \[MS-TURNBWM\]: the relay's errors for want of bandwidth, of a candidate and of a pair.
const NO_BANDWIDTH: [u16; 2] = [274, 275];

/// The ends of a call as its descriptions name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The SIP Call-ID.
    pub call_id: String,
    /// Our own socket.
    pub own: SocketAddr,
    /// The peer's.
    pub peer: SocketAddr,
    /// Its address at a relay.
    pub peer_relay: Option<SocketAddr>,
    /// What the call takes at least and at most in each direction, in kilobits a second.
    pub kbit: (u32, u32),
    /// Where the peer says that it is.
    pub peer_location: Location,
    /// 0: none, 1: with an enterprise.
    pub federation: u8,
}

/// What the policy says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is room, or nobody knows better.
    Room,
    /// Only by way of the relays of both ends.
    RoomByRelays,
    /// There is none. `elsewhere`: it may be tried by way of the PSTN.
    NoRoom {
        /// See above.
        elsewhere: bool,
    },
}

/// What happens to a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReservationInput {
    /// The call has come.
    Check(Box<Path>),
    /// The relay answered.
    Answered(Answer),
    /// The relay refused, by this error, or said nothing (408).
    Refused(u16),
    /// The call talks.
    Chosen {
        /// Whether our end goes over our relay.
        by_own_relay: Option<SocketAddr>,
        /// The peer's address that is in use, and whether it is one at a relay.
        peer: SocketAddr,
        /// See above.
        peer_is_relayed: bool,
    },
    /// Its moment has come.
    Deadline,
}

/// What it orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReservationOutput {
    /// Ask the relay.
    Ask(Box<Reservation>),
    /// The answer to [`ReservationInput::Check`].
    Verdict(Verdict),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Idle,
    Checking,
    Checked { max: (u32, u32) },
    Committing,
    Committed { id: [u8; 16], next: Moment },
    Over,
}

/// See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandwidthReservation {
    state: State,
    path: Option<Box<Path>>,
}

impl Default for BandwidthReservation {
    fn default() -> Self {
        Self { state: State::Idle, path: None }
    }
}

impl BandwidthReservation {
    /// One input in, what it causes out; an input that does not fit changes nothing.
    pub fn handle(&mut self, input: ReservationInput, now: Moment) -> Vec<ReservationOutput> {
        match (&self.state, input) {
            (State::Idle, ReservationInput::Check(path)) => self.check(path),
            (State::Checking, ReservationInput::Answered(answer)) => self.checked(&answer),
            (State::Checking, ReservationInput::Refused(code)) => self.not_checked(code),
            (State::Checked { max }, ReservationInput::Chosen { by_own_relay, peer, peer_is_relayed }) => {
                let max = *max;
                self.commit(max, by_own_relay, (peer, peer_is_relayed))
            }
            (State::Committing, ReservationInput::Answered(Answer { id: Some(id), .. })) => {
                self.state = State::Committed { id, next: now + UPDATE_EVERY };
                Vec::new()
            }
            // A call that talks is not taken from people; the policy counts one too few.
            (State::Committing, ReservationInput::Answered(_) | ReservationInput::Refused(_)) => {
                self.state = State::Over;
                Vec::new()
            }
            (State::Committed { id, next }, ReservationInput::Deadline) if *next <= now => {
                let id = *id;
                self.state = State::Committed { id, next: now + UPDATE_EVERY };
                vec![ReservationOutput::Ask(Box::new(self.update(id, None)))]
            }
            _ => Vec::new(),
        }
    }

    /// When time has to pass.
    pub fn deadline(&self) -> Option<Moment> {
        match self.state {
            State::Committed { next, .. } => Some(next),
            _ => None,
        }
    }

    /// The call is over: what the last word to the relay carries, if anything is reserved.
    pub fn give_back(&mut self) -> Option<Reservation> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Committed { id, .. } => Some(self.update(id, Some(Amount::default()))),
            _ => None,
        }
    }

    /// As it stands after a restart of the node: what is committed is renewed at once, for nobody knows how long
    /// that took; what was being asked is asked once more.
    pub fn resumed(mut self, now: Moment) -> Self {
        match &mut self.state {
            State::Committed { next, .. } => *next = now,
            State::Committing => {
                let most = self.path.as_ref().map_or((0, 0), |path| (path.kbit.1, path.kbit.1));
                self.state = State::Checked { max: most };
            }
            State::Checking => self.state = State::Idle,
            State::Idle | State::Checked { .. } | State::Over => {}
        }
        self
    }

    /// What must be asked anew when the call goes to another relay: nothing, when nothing was reserved.
    pub fn anew(&self) -> Option<Box<Path>> {
        let reserved = !matches!(self.state, State::Idle | State::Over);
        self.path.clone().filter(|_| reserved)
    }

    fn check(&mut self, path: Box<Path>) -> Vec<ReservationOutput> {
        let (least, most) = path.kbit;
        let ask = Reservation {
            step: Step::Check,
            amount: Some(Amount { min_send: least, max_send: most, min_receive: least, max_receive: most }),
            remote_site: Some(path.peer),
            remote_relay: path.peer_relay,
            local_site: Some(path.own),
            call_id: Some(path.call_id.clone()),
            ..blank(&path)
        };
        (self.state, self.path) = (State::Checking, Some(path));
        vec![ReservationOutput::Ask(Box::new(ask))]
    }

    /// \[MS-TURNBWM\] §3.2.5.1: three ways are judged: between the ends, and from each end to its own relay.
    fn checked(&mut self, answer: &Answer) -> Vec<ReservationOutput> {
        // A relay without a policy server answers as to any other Allocate.
        let knows_nothing = answer.remote_site.is_none() && answer.local_site.is_none();
        let valid = |site: Option<SiteAnswer>| site.is_some_and(|site| site.valid);
        let by_relays = valid(answer.local_relay) && valid(answer.remote_relay);
        let verdict = match (knows_nothing || answer.direct_way(), by_relays) {
            (true, _) => Verdict::Room,
            (false, true) => Verdict::RoomByRelays,
            (false, false) => Verdict::NoRoom { elsewhere: answer.pstn_failover() },
        };
        let limit = |of: fn(&SiteAnswer) -> u32| {
            let all = [answer.remote_site, answer.local_site].into_iter().flatten();
            all.map(|site| of(&site)).filter(|most| *most > 0).min().unwrap_or(u32::MAX)
        };
        self.state = match verdict {
            Verdict::NoRoom { .. } => State::Over,
            _ if knows_nothing => State::Over,
            _ => State::Checked { max: (limit(|site| site.max_send), limit(|site| site.max_receive)) },
        };
        vec![ReservationOutput::Verdict(verdict)]
    }

    fn not_checked(&mut self, code: u16) -> Vec<ReservationOutput> {
        self.state = State::Over;
        let verdict = match NO_BANDWIDTH.contains(&code) {
            true => Verdict::NoRoom { elsewhere: false },
            false => Verdict::Room,
        };
        vec![ReservationOutput::Verdict(verdict)]
    }

    fn commit(
        &mut self,
        (max_send, max_receive): (u32, u32),
        by_own_relay: Option<SocketAddr>,
        (peer, peer_is_relayed): (SocketAddr, bool),
    ) -> Vec<ReservationOutput> {
        let Some(path) = &self.path else { return Vec::new() };
        let (least, most) = path.kbit;
        let ask = Reservation {
            step: Step::Commit,
            amount: Some(Amount {
                min_send: least,
                max_send: most.min(max_send),
                min_receive: least,
                max_receive: most.min(max_receive),
            }),
            remote_site: Some(if peer_is_relayed { path.peer } else { peer }),
            remote_relay: peer_is_relayed.then_some(peer),
            local_site: Some(path.own),
            local_relay: by_own_relay,
            dialog_id: Some(path.call_id.clone()),
            ..blank(path)
        };
        self.state = State::Committing;
        vec![ReservationOutput::Ask(Box::new(ask))]
    }

    fn update(&self, id: [u8; 16], amount: Option<Amount>) -> Reservation {
        let base = self.path.as_deref().map(blank);
        let dialog_id = self.path.as_ref().map(|path| path.call_id.clone());
        let base = base.unwrap_or_else(nothing);
        Reservation { step: Step::Update, id: Some(id), amount, dialog_id, ..base }
    }
}

/// What every request says of where the two are.
fn blank(path: &Path) -> Reservation {
    Reservation { peer_location: path.peer_location, federation: path.federation, ..nothing() }
}

fn nothing() -> Reservation {
    Reservation {
        step: Step::Check,
        id: None,
        amount: None,
        remote_site: None,
        remote_relay: None,
        local_site: None,
        local_relay: None,
        call_id: None,
        dialog_id: None,
        peer_location: Location::Unknown,
        // This switch stands in the house.
        own_location: Location::Intranet,
        federation: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 16] = [7; 16];

    fn path() -> Box<Path> {
        Box::new(Path {
            call_id: "c1".into(),
            own: "10.0.0.1:4000".parse().unwrap(),
            peer: "10.2.0.1:5000".parse().unwrap(),
            peer_relay: Some("192.0.2.9:6000".parse().unwrap()),
            kbit: (48, 84),
            peer_location: Location::Intranet,
            federation: 0,
        })
    }

    fn site(valid: bool, pstn_failover: bool, most: u32) -> Option<SiteAnswer> {
        Some(SiteAnswer { valid, pstn_failover, max_send: most, max_receive: most })
    }

    fn asked(out: &[ReservationOutput]) -> &Reservation {
        match out {
            [ReservationOutput::Ask(reservation)] => reservation,
            other => panic!("{other:?}"),
        }
    }

    fn checked(answer: Answer) -> (BandwidthReservation, Vec<ReservationOutput>) {
        let mut one = BandwidthReservation::default();
        let out = one.handle(ReservationInput::Check(path()), Moment::default());
        assert_eq!((asked(&out).step, asked(&out).call_id.as_deref()), (Step::Check, Some("c1")));
        assert_eq!(asked(&out).remote_relay, path().peer_relay);
        let out = one.handle(ReservationInput::Answered(answer), Moment::default());
        (one, out)
    }

    #[test]
    fn a_call_with_room_is_committed_renewed_and_given_back() {
        let answer = Answer {
            remote_site: site(true, false, 80),
            local_site: site(true, false, 100),
            ..Answer::default()
        };
        let (mut one, out) = checked(answer);
        assert_eq!(out, [ReservationOutput::Verdict(Verdict::Room)]);
        let peer = "10.2.0.1:5002".parse().unwrap();
        let chosen = ReservationInput::Chosen { by_own_relay: None, peer, peer_is_relayed: false };
        let out = one.handle(chosen.clone(), Moment::default());
        let commit = asked(&out);
        assert_eq!((commit.step, commit.remote_site, commit.remote_relay), (Step::Commit, Some(peer), None));
        assert_eq!(commit.amount.map(|amount| (amount.min_send, amount.max_send)), Some((48, 80)));
        assert!(one.handle(chosen, Moment::default()).is_empty(), "once");
        let answer = Answer { id: Some(ID), ..Answer::default() };
        assert!(one.handle(ReservationInput::Answered(answer), Moment::default()).is_empty());
        let due = one.deadline().unwrap();
        assert!(one.handle(ReservationInput::Deadline, Moment::default()).is_empty(), "not yet");
        let out = one.handle(ReservationInput::Deadline, due);
        assert_eq!((asked(&out).step, asked(&out).id, asked(&out).amount), (Step::Update, Some(ID), None));
        let last = one.give_back().unwrap();
        assert_eq!((last.step, last.id, last.amount), (Step::Update, Some(ID), Some(Amount::default())));
        assert_eq!((one.give_back(), one.deadline()), (None, None));
    }

    #[test]
    fn what_is_reserved_survives_a_restart_and_is_renewed_at_once() {
        let (remote_site, local_site) = (site(true, false, 80), site(true, false, 100));
        let answer = Answer { remote_site, local_site, ..Answer::default() };
        let (mut one, _) = checked(answer);
        let peer = "10.2.0.1:5002".parse().unwrap();
        let chosen = ReservationInput::Chosen { by_own_relay: None, peer, peer_is_relayed: false };
        one.handle(chosen.clone(), Moment::default());
        // The answer went with the process: it is committed once more.
        let text = serde_json::to_string(&one).unwrap();
        let lost: BandwidthReservation = serde_json::from_str(&text).unwrap();
        let mut again = lost.resumed(Moment::default());
        assert_eq!(asked(&again.handle(chosen, Moment::default())).step, Step::Commit);
        one.handle(
            ReservationInput::Answered(Answer { id: Some(ID), ..Answer::default() }),
            Moment::default(),
        );
        let kept: BandwidthReservation = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        let now = Moment::from_micros(5_000_000);
        let mut kept = kept.resumed(now);
        let out = kept.handle(ReservationInput::Deadline, now);
        assert_eq!((asked(&out).step, asked(&out).id), (Step::Update, Some(ID)));
        assert_eq!(kept.give_back().and_then(|last| last.id), Some(ID));
    }

    #[test]
    fn a_call_without_room_is_refused_and_may_go_over_the_pstn_where_the_policy_says_so() {
        for failover in [false, true] {
            let answer = Answer {
                remote_site: site(false, failover, 0),
                local_site: site(true, false, 0),
                local_relay: site(true, false, 0),
                remote_relay: site(false, false, 0),
                ..Answer::default()
            };
            let (mut one, out) = checked(answer);
            assert_eq!(out, [ReservationOutput::Verdict(Verdict::NoRoom { elsewhere: failover })]);
            assert_eq!(one.give_back(), None);
        }
    }

    #[test]
    fn relays_are_a_way_where_both_may_be_reached() {
        let answer = Answer {
            remote_site: site(false, true, 0),
            local_site: site(true, false, 0),
            local_relay: site(true, false, 0),
            remote_relay: site(true, false, 0),
            ..Answer::default()
        };
        assert_eq!(checked(answer).1, [ReservationOutput::Verdict(Verdict::RoomByRelays)]);
    }

    #[test]
    fn a_relay_without_policy_and_one_that_is_silent_admit() {
        assert_eq!(checked(Answer::default()).1, [ReservationOutput::Verdict(Verdict::Room)]);
        for (code, verdict) in
            [(408, Verdict::Room), (500, Verdict::Room), (275, Verdict::NoRoom { elsewhere: false })]
        {
            let mut one = BandwidthReservation::default();
            one.handle(ReservationInput::Check(path()), Moment::default());
            let out = one.handle(ReservationInput::Refused(code), Moment::default());
            assert_eq!(out, [ReservationOutput::Verdict(verdict)], "{code}");
        }
    }
}

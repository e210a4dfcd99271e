//! What goes out by time: checks, their repetition, keep-alives and consent.

use std::time::Duration;

use super::check_list::PairState;
use super::{Agent, Check, Job, MAX_CHECKS, Output, Purpose, Role, Selection, State, Timer};
use crate::id::Tokens;
use crate::media::ice::candidate::Kind;
use crate::media::ice::stun::{self, Builder, Class, Dialect, MAGIC_COOKIE, Transaction, attribute as attr};
use crate::timer::Moment;

/// RFC 5245 §16.1: "RTO = MAX(100ms, …)".
const MIN_RTO: Duration = Duration::from_millis(100);
/// RFC 5389 §7.2.1: how often a request is sent.
const RC: u32 = 7;
/// RFC 5389 §7.2.1: how many RTO the last one is waited for.
const RM: u32 = 16;

impl Agent {
    /// Everything that is due.
    pub(super) fn expire(&mut self, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        self.repeat(now, out);
        while let Some(timer) = self.timers.pop_expired(now) {
            match timer {
                Timer::Pace => self.pace(now, tokens, out),
                Timer::Settle => self.settled = true,
                Timer::Patience => self.give_up(now, out),
                Timer::KeepAlive => self.keep_alive(now, tokens, out),
                Timer::Consent => self.ask_consent(now, tokens, out),
            }
        }
    }

    /// Sends what has had no answer again, and gives up what was sent often enough.
    fn repeat(&mut self, now: Moment, out: &mut Vec<Output>) {
        let mut dead = Vec::new();
        let (list, old) = (&self.list, self.settings.old_fingerprint);
        for check in self.checks.iter_mut().filter(|check| check.next.is_some_and(|next| next <= now)) {
            if check.sent >= RC || check.purpose == Purpose::Consent {
                check.next = None;
                dead.push((check.pair, check.transaction, check.purpose));
                continue;
            }
            check.sent += 1;
            check.interval *= 2;
            // RFC 5389 §7.2.1: the wait behind the last transmission is Rm times the first RTO.
            let wait = if check.sent == RC { check.interval / (1 << (RC - 1)) * RM } else { check.interval };
            check.next = Some(now + wait);
            transmit(list.get(check.pair).component, check, old, out);
        }
        for (pair, transaction, purpose) in dead {
            self.checks.retain(|check| check.transaction != transaction);
            if purpose != Purpose::Consent {
                self.fail(pair, purpose);
            }
        }
    }

    /// A check did not work.
    pub(super) fn fail(&mut self, pair: usize, purpose: Purpose) {
        let pair = self.list.get_mut(pair);
        if pair.state == PairState::InProgress || purpose == Purpose::Nominate {
            pair.state = PairState::Failed;
        }
        if purpose == Purpose::Nominate {
            self.nominating = false;
        }
    }

    /// Arms Ta when there is something to send.
    pub(super) fn arm_pace(&mut self, now: Moment) {
        let open = self.state == State::Checking || self.state == State::Failed;
        let wanted = !self.triggered.is_empty() || (open && self.list.has_next());
        if wanted && self.remote.is_some() && !self.timers.runs(Timer::Pace) {
            let due = self.last_paced.map_or(now, |last| (last + self.settings.pacing).max(now));
            self.timers.set(Timer::Pace, due);
        }
    }

    /// RFC 5245 §5.8: a triggered check if there is one, else an ordinary one.
    fn pace(&mut self, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        let aggressive = self.nominates_with_each_check();
        let job = self.triggered.pop_front().or_else(|| {
            let pair = self.list.next(self.role)?;
            Some(Job { pair, nominate: false })
        });
        let Some(job) = job else { return };
        self.last_paced = Some(now);
        let purpose = if job.nominate || aggressive { Purpose::Nominate } else { Purpose::Check };
        self.start_check(job.pair, purpose, now, tokens, out);
    }

    pub(super) fn nominates_with_each_check(&self) -> bool {
        self.role == Role::Controlling && self.settings.nomination == super::Nomination::Aggressive
    }

    fn start_check(
        &mut self,
        at: usize,
        purpose: Purpose,
        now: Moment,
        tokens: &mut Tokens,
        out: &mut Vec<Output>,
    ) {
        let Some(remote) = &self.remote else { return };
        let pair = self.list.get(at);
        let (local, component) = (&self.locals[pair.local], pair.component);
        let (from, to) = (local.base, remote.candidates[pair.remote].address);
        let transaction = transaction(self.dialect, tokens);
        // RFC 5245 §7.1.2.1: the priority that a peer-reflexive candidate learnt from this check would have.
        let priority = local.candidate.priority & 0x00FF_FFFF | Kind::PeerReflexive.preference() << 24;
        let bytes = self.request(&transaction, priority, purpose, at);
        let interval = MIN_RTO.max(self.settings.pacing * self.list.busy() as u32);
        let role = self.role;
        let next = Some(now + interval);
        let check = Check {
            pair: at,
            transaction,
            from,
            to,
            bytes,
            role,
            priority,
            purpose,
            sent: 1,
            interval,
            next,
        };
        transmit(component, &check, self.settings.old_fingerprint, out);
        self.remember(check);
        let pair = self.list.get_mut(at);
        if purpose != Purpose::Consent && pair.state != PairState::Succeeded {
            pair.state = PairState::InProgress;
        }
    }

    /// RFC 5245 §7.1.2 with the attributes of \[MS-ICE2\], in the order that libnice writes them.
    fn request(&self, transaction: &Transaction, priority: u32, purpose: Purpose, at: usize) -> Vec<u8> {
        let (pair, remote) =
            (self.list.get(at), self.remote.as_ref().expect("checks need the peer's description"));
        let mut request = Builder::new(Class::Request, attr::BINDING, transaction, self.dialect);
        // RFC 5245 §7.1.2.1: only the controlling agent sends USE-CANDIDATE.
        if purpose == Purpose::Nominate && self.role == Role::Controlling {
            request = request.octets(attr::USE_CANDIDATE, &[]);
        }
        let role = match self.role {
            Role::Controlling => attr::ICE_CONTROLLING,
            Role::Controlled => attr::ICE_CONTROLLED,
        };
        let username = format!("{}:{}", remote.credentials.ufrag, self.credentials.ufrag);
        request = request
            .number(attr::PRIORITY, priority)
            .long(role, self.tie_breaker)
            .text(attr::USERNAME, username.as_bytes());
        if self.dialect == Dialect::MsIce2 {
            let foundation = self.locals[pair.local].candidate.foundation.as_bytes();
            request = request
                .text(attr::CANDIDATE_IDENTIFIER, foundation)
                .number(attr::IMPLEMENTATION_VERSION, super::receive::VERSION);
        }
        request.finish(Some(remote.credentials.password.0.as_bytes()))
    }

    fn remember(&mut self, check: Check) {
        if self.checks.len() >= MAX_CHECKS {
            // A cancelled one goes first; its response would only confirm what is known.
            let at = self.checks.iter().position(|old| old.next.is_none()).unwrap_or(0);
            self.checks.remove(at);
        }
        self.checks.push(check);
    }

    /// RFC 5245 §7.2.1.4: no more repetitions, but a response is still taken.
    pub(super) fn cancel(&mut self, pair: usize) {
        let same = self.checks.iter_mut().filter(|c| c.pair == pair && c.purpose != Purpose::Consent);
        same.for_each(|check| check.next = None);
    }

    /// RFC 5245 §10: a Binding indication with nothing but FINGERPRINT.
    fn keep_alive(&mut self, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        self.timers.set(Timer::KeepAlive, now + self.settings.keep_alive);
        for chosen in self.selected.iter().filter(|chosen| chosen.how != Selection::Default) {
            let transaction = transaction(self.dialect, tokens);
            let bytes =
                Builder::new(Class::Indication, attr::BINDING, &transaction, self.dialect).finish(None);
            let (component, from, to) = (chosen.component, chosen.local, chosen.remote);
            out.push(Output::Transmit { component, from, to, bytes });
        }
    }

    /// RFC 7675 §5.1: a check without repetition, and the end when none was answered for too long.
    fn ask_consent(&mut self, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        let Some(consent) = self.settings.consent else { return };
        // "Each STUN transaction for consent … the interval … SHOULD be randomized from 0.8 to 1.2".
        let spread = 800 + (tokens.number() % 401) as u32;
        self.timers.set(Timer::Consent, now + consent.interval / 1000 * spread);
        let ours = self.selected.iter_mut().filter(|chosen| chosen.how != Selection::Default && !chosen.lost);
        let mut pairs = Vec::new();
        for chosen in ours {
            chosen.lost = now.since(chosen.consented) >= consent.timeout;
            match chosen.lost {
                true => out.push(Output::ConsentLost(chosen.component)),
                false => pairs.extend(chosen.pair),
            }
        }
        for pair in pairs {
            self.start_check(pair, Purpose::Consent, now, tokens, out);
        }
    }
}

/// A fresh transaction; in the newer dialects it begins with the cookie.
fn transaction(dialect: Dialect, tokens: &mut Tokens) -> Transaction {
    let mut transaction: Transaction = *tokens.bytes().first_chunk().expect("32 octets hold 16");
    if dialect.modern() {
        transaction[..4].copy_from_slice(&MAGIC_COOKIE);
    }
    transaction
}

fn transmit(component: super::Component, check: &Check, old_fingerprint: bool, out: &mut Vec<Output>) {
    let (from, to) = (check.from, check.to);
    let copy = if old_fingerprint { stun::with_old_fingerprint(&check.bytes) } else { None };
    for bytes in [Some(check.bytes.clone()), copy].into_iter().flatten() {
        out.push(Output::Transmit { component, from, to, bytes });
    }
}

//! What comes in: the peer's checks (RFC 5245 §7.2) and the responses to ours (§7.1.3).

use std::net::SocketAddr;

use super::check_list::PairState;
use super::{Agent, Early, Job, Local, MAX_EARLY, MAX_PEER_REFLEXIVE, Output, Purpose, Role};
use crate::id::Tokens;
use crate::media::ice::candidate::{Candidate, Component, Kind, Transport};
use crate::media::ice::stun::{
    self, Builder, Class, Dialect, Fingerprint, Integrity, Message, attribute as attr,
};
use crate::timer::Moment;

/// \[MS-ICE2\] §2.2: IMPLEMENTATION-VERSION.
pub(super) const VERSION: u32 = 2;

/// What a request may have that must be understood.
const KNOWN: [u16; 4] = [attr::USERNAME, attr::MESSAGE_INTEGRITY, attr::PRIORITY, attr::USE_CANDIDATE];

/// Where a packet came from and to.
#[derive(Clone, Copy)]
struct Way {
    component: Component,
    from: SocketAddr,
    to: SocketAddr,
}

impl Agent {
    #[allow(clippy::too_many_arguments, reason = "the parts of one Input, taken apart by the one match")]
    pub(super) fn receive(
        &mut self,
        component: Component,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        now: Moment,
        tokens: &mut Tokens,
        out: &mut Vec<Output>,
    ) {
        let way = Way { component, from, to };
        let Ok(message) = Message::parse(bytes) else { return };
        if message.method() != attr::BINDING || !self.is_for_us(&message) {
            return;
        }
        match message.class() {
            Class::Request => self.take_request(&message, way, tokens, out),
            Class::Success => self.take_success(&message, way, now, tokens),
            Class::Error => self.take_error(&message, tokens),
            // A keep-alive; it is not answered (RFC 5245 §10).
            Class::Indication => {}
        }
    }

    /// RFC 5389 §7.3 drops a wrong FINGERPRINT silently. \[MS-ICE2\] §3.1.4.8.2: that of old stacks is
    /// right when they do not show an IMPLEMENTATION-VERSION. Without cookie there is none.
    fn is_for_us(&self, message: &Message<'_>) -> bool {
        match message.fingerprint() {
            Fingerprint::Right => message.has_cookie(),
            Fingerprint::Old => message.has_cookie() && message.get(attr::IMPLEMENTATION_VERSION).is_none(),
            Fingerprint::Wrong => false,
            Fingerprint::Missing => self.settings.dialect == Dialect::Rfc3489,
        }
    }

    fn take_request(&mut self, message: &Message<'_>, way: Way, tokens: &mut Tokens, out: &mut Vec<Output>) {
        // RFC 5245 §7.2: the username is ours, a colon, theirs.
        let username = message.username().unwrap_or_default();
        let theirs = username.strip_prefix(self.credentials.ufrag.as_bytes());
        let known = theirs.is_some_and(|rest| rest.first() == Some(&b':'));
        let Some(local) = self.base(way.component, way.to).filter(|_| known) else { return };
        // A wrong MESSAGE-INTEGRITY is dropped, as Lync does it: an answer would help nobody honest.
        let Some(dialect) = message.dialect(self.credentials.password.0.as_bytes()) else { return };
        self.dialect = dialect;
        let unknown = message.unknown(&KNOWN);
        if !unknown.is_empty() {
            let types: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
            let answer = self.answer(message, Class::Error, dialect).error(420, "Unknown Attribute");
            return self.respond(answer.octets(attr::UNKNOWN_ATTRIBUTES, &types), way, out);
        }
        if !self.repair_role(message, tokens) {
            let answer = self.answer(message, Class::Error, dialect).error(487, "Role Conflict");
            return self.respond(answer, way, out);
        }
        self.respond(self.success(message, way.from, dialect), way, out);
        let early = Early {
            component: way.component,
            from: way.from,
            to: way.to,
            priority: message.number(attr::PRIORITY).unwrap_or(1).clamp(1, 0x7FFF_FFFF),
            nominates: message.get(attr::USE_CANDIDATE).is_some(),
        };
        match self.remote.is_some() {
            true => self.learn(early, local, tokens),
            false if self.early.len() < MAX_EARLY => self.early.push(early),
            false => {}
        }
    }

    /// RFC 5245 §7.2.1.1. Says whether the request may be served.
    fn repair_role(&mut self, message: &Message<'_>, tokens: &mut Tokens) -> bool {
        let (controlling, controlled) =
            (message.long(attr::ICE_CONTROLLING), message.long(attr::ICE_CONTROLLED));
        match (self.role, controlling, controlled) {
            // "If the agent's tie-breaker is larger than or equal to the contents of the ICE-CONTROLLING
            // attribute, the agent generates a Binding error response … 487 (Role Conflict)".
            (Role::Controlling, Some(theirs), _) if self.tie_breaker >= theirs => false,
            (Role::Controlling, Some(_), _) => self.switch_role(tokens, false),
            (Role::Controlled, _, Some(theirs)) if self.tie_breaker >= theirs => {
                self.switch_role(tokens, false)
            }
            (Role::Controlled, _, Some(_)) => false,
            _ => true,
        }
    }

    /// Takes the other role. After a 487, RFC 8445 §7.2.5.1 has a new tie-breaker too.
    fn switch_role(&mut self, tokens: &mut Tokens, redraw: bool) -> bool {
        self.role = self.role.other();
        self.nominating = false;
        self.triggered.iter_mut().for_each(|job| job.nominate = false);
        if redraw {
            self.tie_breaker = tokens.number();
        }
        true
    }

    fn answer(&self, request: &Message<'_>, class: Class, dialect: Dialect) -> Builder {
        Builder::new(class, attr::BINDING, &request.transaction(), dialect)
    }

    /// The response as libnice writes it: the source, the username echoed, the version.
    fn success(&self, request: &Message<'_>, from: SocketAddr, dialect: Dialect) -> Builder {
        let mut answer = self.answer(request, Class::Success, dialect);
        if dialect == Dialect::Rfc3489 {
            answer = answer.address(attr::MAPPED_ADDRESS, from);
        }
        answer = answer.xor_address(attr::XOR_MAPPED_ADDRESS, from);
        if dialect != Dialect::Rfc5389 {
            answer = answer.text(attr::USERNAME, request.username().unwrap_or_default());
        }
        if dialect == Dialect::MsIce2 {
            answer = answer.number(attr::IMPLEMENTATION_VERSION, VERSION);
        }
        answer
    }

    fn respond(&self, answer: Builder, way: Way, out: &mut Vec<Output>) {
        let bytes = answer.finish(Some(self.credentials.password.0.as_bytes()));
        let copy = if self.settings.old_fingerprint { stun::with_old_fingerprint(&bytes) } else { None };
        for bytes in [Some(bytes), copy].into_iter().flatten() {
            out.push(Output::Transmit { component: way.component, from: way.to, to: way.from, bytes });
        }
    }

    /// A check of the peer came over this way: RFC 5245 §7.2.1.3 to §7.2.1.5.
    pub(super) fn learn(&mut self, seen: Early, local: usize, tokens: &mut Tokens) {
        let Some(remote) = self.remote_candidate(seen, local, tokens) else { return };
        let found = self.list.find(local, remote);
        let side = self.remote.as_ref().expect("remote_candidate found it there");
        let Some(at) = found.or_else(|| self.list.add(local, remote, &self.locals, side)) else { return };
        let nominates = seen.nominates && self.role == Role::Controlled;
        let pair = self.list.get_mut(at);
        if pair.state == PairState::Succeeded {
            pair.nominated |= nominates;
            return;
        }
        pair.nominate_on_success |= nominates;
        self.trigger(at, false);
    }

    /// RFC 5245 §7.2.1.4: cancels a check on its way and asks for a new one before all others.
    pub(super) fn trigger(&mut self, at: usize, nominate: bool) {
        self.cancel(at);
        let pair = self.list.get_mut(at);
        if pair.state != PairState::Succeeded {
            pair.state = PairState::Waiting;
        }
        match self.triggered.iter_mut().find(|job| job.pair == at) {
            Some(job) => job.nominate |= nominate,
            None => self.triggered.push_back(Job { pair: at, nominate }),
        }
    }

    /// The peer's candidate of this source; a new one is peer-reflexive (RFC 5245 §7.2.1.3).
    fn remote_candidate(&mut self, seen: Early, local: usize, tokens: &mut Tokens) -> Option<usize> {
        let transport = match self.locals[local].candidate.transport {
            Transport::Udp => Transport::Udp,
            Transport::TcpActive => Transport::TcpPassive,
            Transport::TcpPassive => Transport::TcpActive,
        };
        let remote = self.remote.as_mut()?;
        let is =
            |c: &Candidate| (c.component, c.address, c.transport) == (seen.component, seen.from, transport);
        if let Some(known) = remote.candidates.iter().position(is) {
            return Some(known);
        }
        let reflexive = remote.candidates.iter().filter(|c| c.kind == Kind::PeerReflexive).count();
        if reflexive >= MAX_PEER_REFLEXIVE {
            return None;
        }
        remote.candidates.push(Candidate {
            foundation: tokens.word(),
            component: seen.component,
            transport,
            priority: seen.priority,
            address: seen.from,
            kind: Kind::PeerReflexive,
            related: None,
            rest: String::new(),
        });
        Some(remote.candidates.len() - 1)
    }

    fn take_success(&mut self, message: &Message<'_>, way: Way, now: Moment, tokens: &mut Tokens) {
        let Some(at) = self.authentic_check(message) else { return };
        let check = self.checks.remove(at);
        if check.purpose == Purpose::Consent {
            let same = self.selected.iter_mut().filter(|chosen| chosen.pair == Some(check.pair));
            return same.for_each(|chosen| chosen.consented = now);
        }
        // RFC 5245 §7.1.3.1: "the source IP address and port of the response equal the destination … to
        // which the Binding request was sent", and the other way round; otherwise the pair fails.
        if (way.from, way.to) != (check.to, check.from) {
            return self.fail(check.pair, check.purpose);
        }
        let mapped = message
            .xor_address(attr::XOR_MAPPED_ADDRESS)
            .or_else(|| message.xor_address(attr::XOR_MAPPED_ADDRESS_OLD))
            .or_else(|| message.address(attr::MAPPED_ADDRESS));
        let Some(mapped) = mapped else { return self.fail(check.pair, check.purpose) };
        let mapped = self.mapped_candidate(check.pair, mapped, check.priority, tokens);
        self.cancel_checks_of(check.pair, check.purpose);
        self.list.succeed(check.pair, mapped);
        // RFC 5245 §7.1.3.2.4: with USE-CANDIDATE, and still controlling, the pair is nominated.
        if check.purpose == Purpose::Nominate && self.role == Role::Controlling && check.role == self.role {
            self.list.get_mut(check.pair).nominated = true;
        }
    }

    /// What one answer has settled need not be asked again; but a nomination under way goes on.
    fn cancel_checks_of(&mut self, pair: usize, purpose: Purpose) {
        let settled = self
            .checks
            .iter_mut()
            .filter(|c| c.pair == pair && (c.purpose == Purpose::Check || c.purpose == purpose));
        settled.filter(|c| c.purpose != Purpose::Consent).for_each(|check| check.next = None);
        self.triggered.retain(|job| job.pair != pair || (job.nominate && purpose == Purpose::Check));
    }

    /// Our candidate that the peer saw; a new one is peer-reflexive (RFC 5245 §7.1.3.2.1).
    fn mapped_candidate(
        &mut self,
        pair: usize,
        address: SocketAddr,
        priority: u32,
        tokens: &mut Tokens,
    ) -> usize {
        let (base, component) = (self.list.get(pair).local, self.list.get(pair).component);
        let is = |l: &Local| l.candidate.component == component && l.candidate.address == address;
        if let Some(known) = self.locals.iter().position(is) {
            return known;
        }
        let reflexive = self.locals.iter().filter(|l| l.candidate.kind == Kind::PeerReflexive).count();
        if reflexive >= MAX_PEER_REFLEXIVE {
            return base;
        }
        let from = self.locals[base].base;
        let transport = self.locals[base].candidate.transport;
        let candidate = Candidate {
            foundation: tokens.word(),
            component,
            transport,
            priority,
            address,
            kind: Kind::PeerReflexive,
            related: Some(from),
            rest: String::new(),
        };
        self.locals.push(Local { candidate, base: from });
        self.locals.len() - 1
    }

    fn take_error(&mut self, message: &Message<'_>, tokens: &mut Tokens) {
        let Some(at) = self.authentic_check(message) else { return };
        let check = self.checks.remove(at);
        if message.error_code() != Some(487) {
            return self.fail(check.pair, check.purpose);
        }
        // RFC 5245 §7.1.3.1: the agent "MUST switch to the other role" than it had in the request, and
        // asks again.
        if check.role == self.role {
            self.switch_role(tokens, true);
        }
        if check.purpose != Purpose::Consent {
            self.trigger(check.pair, false);
        }
    }

    /// The check that this response answers, if the peer's password protects it. A response without
    /// MESSAGE-INTEGRITY could be anybody's (RFC 5389 §10.1.3).
    fn authentic_check(&self, message: &Message<'_>) -> Option<usize> {
        let key = self.remote.as_ref()?.credentials.password.0.as_bytes();
        let at = self.checks.iter().position(|check| check.transaction == message.transaction())?;
        let rules = [Dialect::MsIce2, Dialect::Rfc5389, Dialect::Rfc3489].map(Dialect::rule);
        rules.iter().any(|rule| message.integrity(key, *rule) == Integrity::Right).then_some(at)
    }
}

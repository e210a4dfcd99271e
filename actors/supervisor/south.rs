//! The south's requests: who asks is proved first, then the handset or a call takes over.

use actix::prelude::*;
use kirkwall_core::call::represented::{Represented, caller_of, is_private, represented};
use kirkwall_core::call::route::Map;
use kirkwall_core::call::{NewCall, Party};
use kirkwall_core::id::Username;
use kirkwall_core::sip::digest::{Ha1, Role, Verdict};
use kirkwall_core::sip::door::Onward;
use kirkwall_core::sip::replaces::Replaces;
use kirkwall_core::sip::wire::{HeaderName, Message as SipMessage, Uri};
use kirkwall_core::sip::{Facing, Peer, SipBaseProfile};
use metrics::counter;
use tracing::warn;

use super::books::Books;
use super::inbound::invite_key;
use super::pool_conferences::conversation_in;
use super::{CallEntry, MAX_CALLS, Supervisor};
use crate::call::{Call, CallSeed};
use crate::handset::Register;

impl Supervisor {
    /// REGISTER: only the south, only for oneself.
    pub(super) fn register(&mut self, request: SipMessage, peer: Peer, ctx: &mut Context<Self>) {
        if peer.facing != Facing::South {
            return self.refuse(&request, &peer, 403);
        }
        let Some(user) = self.authentic(&request, &peer) else { return };
        let aor = request.to().map(|to| to.uri.user_text());
        if aor.as_deref() != Some(user.as_str()) {
            // RFC 3261 §10.3 step 4: not authorized to modify these bindings.
            return self.refuse(&request, &peer, 403);
        }
        let base = recognise(&request, &peer);
        self.base_seen(&base, &peer, ctx);
        counter!("ipdect_sip_requests_total", "method" => "REGISTER", "direction" => "in").increment(1);
        self.handset(&user, ctx).do_send(Register { request, peer });
    }

    /// Whether digest proves who asks; if not, the answer has been sent.
    pub(super) fn authentic(&mut self, request: &SipMessage, peer: &Peer) -> Option<Username> {
        let (now, source) = (self.ports.clock.now(), peer.remote.ip());
        let claimed = request.from().map_or(String::new(), |from| from.uri.user_text());
        let known = claimed.parse::<Username>().is_ok_and(|user| self.accounts.contains_key(&user));
        if let Err(locked) = self.guesses.admit(source, &claimed, known, now) {
            warn!(%source, until = locked.until.as_secs(), "too many wrong passwords; refused unseen");
            self.refuse(request, peer, 403);
            return None;
        }
        let (accounts, realm) = (&self.accounts, self.settings.realm.as_str());
        let ha1 = |name: &str, algorithm| {
            let record = accounts.get(&name.parse::<Username>().ok()?).filter(|record| record.enabled)?;
            let password = record.south_password.as_ref()?;
            Some(Ha1::of(algorithm, name, realm, password.reveal()))
        };
        match self.digest.verify_request(request, Role::UserAgent, source, ha1, now) {
            Verdict::Authentic { username } => {
                self.guesses.succeeded(source, &username);
                username.parse().ok()
            }
            Verdict::Challenge { stale } => {
                self.demand(request, peer, stale);
                None
            }
            Verdict::Wrong { username } => {
                counter!("ipdect_sip_wrong_password_total").increment(1);
                self.guesses.failed(source, &username.0, now);
                self.demand(request, peer, false);
                None
            }
        }
    }

    fn demand(&mut self, request: &SipMessage, peer: &Peer, stale: bool) {
        let (tag, now) = (self.door.to_tag(request), self.ports.clock.now());
        let answer = self.digest.demand(request, Role::UserAgent, peer.remote.ip(), stale, &tag, now);
        self.answer(answer, peer);
    }

    /// A new INVITE makes a call. From the south its sender proves who it is; from the north it must be
    /// one of our proxies.
    pub(super) fn new_call(&mut self, request: SipMessage, peer: Peer, ctx: &mut Context<Self>) {
        let caller = match peer.facing {
            Facing::South => match self.authentic(&request, &peer) {
                Some(user) => self.handset_party(user, &request, &peer),
                None => return,
            },
            Facing::North if self.trusts(&peer) => self.outside_party(&request),
            Facing::North => {
                warn!(source = %peer.remote.ip(), "a call from somebody who is none of our proxies was refused");
                counter!("ipdect_sip_door_total", "verdict" => "reply", "why" => "untrusted").increment(1);
                return self.refuse(&request, &peer, 403);
            }
        };
        match Replaces::of_invite(&request) {
            Ok(None) => {}
            Ok(Some(replaces)) => return self.join_call(request, peer, caller, replaces),
            Err(fault) => return self.refuse(&request, &peer, fault.status()),
        }
        if self.goes_on(&request, &peer, &caller) {
            return;
        }
        let Ok((caller, invitation)) = self.invited(&request, &peer, caller) else {
            return self.refuse(&request, &peer, 488);
        };
        self.attempts += 1;
        if self.draining || self.active >= MAX_CALLS {
            return self.refuse(&request, &peer, 503);
        }
        let Some((key, dialled)) = invite_key(&request).zip(request.request_uri()) else {
            return self.refuse(&request, &peer, 400);
        };
        let (trail, callback) = self.brought_along(&request, &peer);
        let represents = self.represented(&request, &peer);
        let conversation = conversation_in(&request);
        let reference = self.reference();
        let offer = kirkwall_core::call::Body::of(&request);
        let callee = Party { number: dialled.user_text(), ..Party::default() };
        let new = NewCall { reference, caller, dialled: callee, facing: peer.facing, offer };
        let seed = CallSeed {
            new: new.clone(),
            dialled,
            onward: Onward::of(&request, &peer, &self.door),
            invite: request,
            peer,
            invitation: invitation.clone(),
            supervisor: ctx.address(),
            ports: self.ports.clone(),
            settings: self.settings.clone(),
            tokens: self.tokens.split(),
        };
        let summary = kirkwall_core::call::CallSummary::of(&new, self.ports.clock.now());
        let addr = Call::start_in_arbiter(&self.roster.arbiter(reference.0), move |_| Call::new(seed));
        self.invites.insert(key.clone(), reference);
        let entry = CallEntry::new(addr, summary, key, (trail, callback));
        self.calls.insert(reference, CallEntry { represents, conversation, invitation, ..entry });
        self.active += 1;
        self.calls_max = self.calls_max.max(self.active);
    }

    fn handset_party(&mut self, user: Username, request: &SipMessage, peer: &Peer) -> Party {
        let display = self.accounts.get(&user).map_or(String::new(), |record| record.display_name.clone());
        let found = || self.names.of(user.as_str()).unwrap_or_default();
        let display = if display.is_empty() { found() } else { display };
        let base = recognise(request, peer);
        Party { number: user.to_string(), display, uri: None, user: Some(user), base: Some(base.key) }
    }

    /// For whom a call of the north comes, when it is not for the called user alone.
    fn represented(&self, request: &SipMessage, peer: &Peer) -> Option<Represented> {
        let called = self.user_called(&request.request_uri()?.user_text());
        let is_called = |uri: &Uri| called.is_some() && self.user_called(&uri.user_text()) == called;
        if peer.facing != Facing::North {
            return None;
        }
        let to = request.to().map(|to| to.uri.user_text());
        let private = is_private(request) || to.is_some_and(|to| self.by_private_line(&to));
        // Whoever stands beside a private line would only say which number it is.
        if private { Some(Represented::private_line()) } else { represented(request, is_called) }
    }

    /// Somebody of the north, with the name of the phone book where none came along. Gateways write the number
    /// where a name belongs; that is none.
    pub(super) fn outside_party(&self, request: &SipMessage) -> Party {
        let from = caller_of(request);
        let number = from.as_ref().map_or(String::new(), |from| from.uri.user_text());
        let host = from.as_ref().and_then(|from| from.uri.host.as_ref());
        let foreign = host.is_some_and(|host| !Books(self).is_ours(host));
        let uri = from.as_ref().filter(|_| foreign).map(|from| from.uri.raw.to_string());
        let said = from.and_then(|from| from.display).unwrap_or_default();
        let is_name = said.chars().any(|c| !c.is_ascii_digit() && !"+-./() ".contains(c));
        let display = if is_name { said } else { self.names.of(&number).unwrap_or(said) };
        Party { number, display, uri, user: None, base: None }
    }
}

fn recognise(request: &SipMessage, peer: &Peer) -> SipBaseProfile {
    let agent = request.header(&HeaderName::UserAgent).map(|agent| agent.as_str());
    SipBaseProfile::recognise(agent, request.contacts().first(), peer.remote.ip())
}

//! What arrives: the door's verdict, then to whoever it belongs to.

use actix::prelude::*;
use kirkwall_core::call::Side;
use kirkwall_core::call::conference::notification::is_conference;
use kirkwall_core::id::{CallRef, OwnerId};
use kirkwall_core::sip::door::{self, Verdict};
use kirkwall_core::sip::proxy_watch::WatchInput;
use kirkwall_core::sip::wire::{HeaderName, Message as SipMessage, Method, ParseFault, Via};
use kirkwall_core::sip::{Facing, Peer};
use kirkwall_integration::sip::Arrival;
use metrics::counter;
use tracing::{debug, warn};

use super::watch::OWNER_OF_WATCH;
use super::{OWNER_OF_LINE, Supervisor};
use crate::call::KeyHeard;
use crate::registration::Vouch;

/// Something arrived from the transports.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Arrived(pub Arrival);

/// A message for whoever owns its transaction or dialog.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Hear {
    /// The message.
    pub message: SipMessage,
    /// Where it came from.
    pub peer: Peer,
}

/// The engine has heard a key press, of so many milliseconds.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct KeyInVoice(pub CallRef, pub Side, pub char, pub u32);

impl Handler<KeyInVoice> for Supervisor {
    type Result = ();

    fn handle(&mut self, KeyInVoice(call, side, digit, millis): KeyInVoice, _: &mut Self::Context) {
        if let Some(entry) = self.calls.get(&call) {
            entry.addr.do_send(KeyHeard(side, digit, millis));
        }
    }
}

impl Handler<Arrived> for Supervisor {
    type Result = ();

    fn handle(&mut self, Arrived(arrival): Arrived, ctx: &mut Self::Context) {
        match arrival {
            Arrival::Message { parsed, peer } => self.admit_message(parsed, peer, ctx),
            Arrival::SendFailed { message, destination, cause } => {
                debug!(%cause, transport = %destination.transport, "a message could not be sent");
                self.send_failed(&message, ctx);
            }
            Arrival::Closed { connection, facing, remote, .. } => {
                self.connection_gone(connection, facing, remote, ctx)
            }
            Arrival::Refused { facing, remote, what } => {
                warn!(?facing, source = %remote.ip(), %what, "a TLS client was refused");
                counter!("ipdect_sip_tls_refused_total").increment(1);
            }
            Arrival::Opened { .. } => {}
        }
    }
}

impl Supervisor {
    fn admit_message(&mut self, parsed: Result<SipMessage, ParseFault>, peer: Peer, ctx: &mut Context<Self>) {
        let verdict = door::verdict(&parsed, &self.door, &peer);
        match (verdict, parsed) {
            (Verdict::Pass, Ok(mut message)) => {
                door::via_stamp(&mut message, &peer);
                match self.line_of(&message, &peer) {
                    Some(line) if !is_of_line(&message) => line.addr.do_send(Vouch { message, peer }),
                    _ => self.route_message(message, peer, ctx),
                }
            }
            (Verdict::Reply(answer), request) => {
                let status = answer.status().unwrap_or(0).to_string();
                counter!("ipdect_sip_door_total", "verdict" => "reply", "why" => status).increment(1);
                match request {
                    Ok(request) => self.answer_to(&request, answer, &peer),
                    Err(_) => self.answer(answer, &peer),
                }
            }
            (Verdict::Drop(reason), _) => {
                counter!("ipdect_sip_door_total", "verdict" => "drop", "why" => reason.as_str()).increment(1);
            }
            (Verdict::Pass, Err(_)) => {}
        }
    }

    pub(super) fn answer(&self, answer: SipMessage, peer: &Peer) {
        let to = door::response_destination(&answer, peer);
        self.ports.sip.send(answer, to);
    }

    /// A short final answer by nobody in particular (stateless UAS, RFC 3261 §8.2.7).
    pub(super) fn refuse(&self, request: &SipMessage, peer: &Peer, status: u16) {
        let phrase = kirkwall_core::call::cause::reason_phrase(status);
        let tag = self.door.to_tag(request);
        self.answer_to(request, SipMessage::response(request, status, phrase, Some(&tag)), peer);
    }

    pub(super) fn route_message(&mut self, message: SipMessage, peer: Peer, ctx: &mut Context<Self>) {
        if !message.is_request() {
            return self.route_answer(message, peer, ctx);
        }
        self.brought(&message);
        let method = message.method().unwrap_or(Method::Options);
        if method == Method::Subscribe && peer.facing == Facing::South {
            // A new base station looks for its settings, a handset for its mailbox or for who is in a room.
            return match self.plugged(&message, &peer) {
                true => {}
                false if is_conference(&message) => self.subscribe_roster(message, peer, ctx),
                false => self.subscribe_mailbox(message, peer, ctx),
            };
        }
        if let Some(tag) = message.to_tag() {
            let owner = OwnerId::in_word(&tag);
            if let Some(presence) = owner.and_then(|owner| self.presences.of_owner(owner)) {
                return presence.do_send(Hear { message, peer });
            }
            if let Some(focus) = owner.and_then(|owner| self.conferences.of_owner(owner)) {
                return focus.do_send(Hear { message, peer });
            }
            if let Some(mailbox) = owner.and_then(|owner| self.mailboxes.of_owner(owner)) {
                return mailbox.do_send(Hear { message, peer });
            }
            return match owner.map(|owner| self.call_of(owner)) {
                Some(call) if self.calls.contains_key(&call) => self.tell_call(call, message, peer),
                _ if matches!(method, Method::Ack | Method::Benotify) => {}
                // RFC 3261 §12.2.2: "If the UA wishes to reject the request because it does not wish to
                // recreate the dialog, it MUST respond with a 481".
                _ => self.refuse(&message, &peer, 481),
            };
        }
        let known = invite_key(&message).and_then(|key| self.invites.get(&key).copied());
        match (known, method) {
            (Some(call), Method::Invite | Method::Cancel | Method::Ack) => {
                self.tell_call(call, message, peer)
            }
            (None, Method::Cancel) => self.refuse(&message, &peer, 481),
            (None, Method::Ack) => {}
            (None, Method::Invite) => self.new_call(message, peer, ctx),
            (_, Method::Message) => self.text(message, peer),
            (_, Method::Register) => self.register(message, peer, ctx),
            (_, Method::Options) => self.tell_abilities(&message, &peer),
            // [MS-SIP] §3.5: a BENOTIFY is never answered, not even with an error.
            (_, Method::Benotify) => {}
            (_, Method::Subscribe | Method::Publish) => self.refuse(&message, &peer, 489),
            (_, Method::Notify) => self.notified(message, peer, ctx),
            (_, Method::Bye | Method::Prack | Method::Update | Method::Info) => {
                self.refuse(&message, &peer, 481);
            }
            _ => self.refuse(&message, &peer, 405),
        }
    }

    /// An answer finds its owner by the branch of the topmost Via, which we made.
    fn route_answer(&mut self, message: SipMessage, peer: Peer, ctx: &mut Context<Self>) {
        match owner_of(&message) {
            Some(OWNER_OF_WATCH) => self.watch(WatchInput::Received(message), ctx),
            Some(owner) if let Some(post) = self.post_of(owner) => post.do_send(Hear { message, peer }),
            Some(owner) if let Some(actor) = self.provisioning_of(owner) => {
                actor.do_send(Hear { message, peer });
            }
            Some(owner) if let Some(presence) = self.presences.of_owner(owner) => {
                presence.do_send(Hear { message, peer });
            }
            Some(owner) if let Some(focus) = self.conferences.of_owner(owner) => {
                focus.do_send(Hear { message, peer });
            }
            Some(owner) if let Some(mailbox) = self.mailboxes.of_owner(owner) => {
                mailbox.do_send(Hear { message, peer });
            }
            Some(owner) if let Some(roster) = self.rosters.of_owner(owner) => {
                roster.do_send(Hear { message, peer });
            }
            Some(OwnerId(owner)) if owner & OWNER_OF_LINE != 0 => {
                if let Some(line) = self.line_owners.get(&owner).and_then(|user| self.lines.get(user)) {
                    line.addr.do_send(Hear { message, peer });
                }
            }
            Some(owner) => self.tell_call(self.call_of(owner), message, peer),
            None => {
                counter!("ipdect_sip_door_total", "verdict" => "drop", "why" => "stray_answer").increment(1)
            }
        }
    }

    fn tell_call(&self, call: CallRef, message: SipMessage, peer: Peer) {
        if let Some(entry) = self.calls.get(&call) {
            entry.addr.do_send(Hear { message, peer });
        }
    }

    /// Our own message could not be sent: its owner is told, by branch for requests, by tag for answers.
    pub(super) fn send_failed(&mut self, message: &SipMessage, ctx: &mut Context<Self>) {
        use crate::call::SendFailed;
        if !message.is_request() {
            let owner = message.to_tag().and_then(|tag| OwnerId::in_word(&tag));
            if let Some(entry) = owner.and_then(|owner| self.calls.get(&self.call_of(owner))) {
                entry.addr.do_send(SendFailed(message.clone()));
            }
            return;
        }
        self.bring_unsent(message, ctx);
        match owner_of(message) {
            Some(OWNER_OF_WATCH) => self.watch(WatchInput::Failed(message.clone()), ctx),
            Some(owner) if let Some(post) = self.post_of(owner) => {
                post.do_send(SendFailed(message.clone()));
            }
            Some(owner) if let Some(actor) = self.provisioning_of(owner) => {
                actor.do_send(SendFailed(message.clone()));
            }
            Some(owner) if let Some(presence) = self.presences.of_owner(owner) => {
                presence.do_send(SendFailed(message.clone()));
            }
            Some(owner) if let Some(focus) = self.conferences.of_owner(owner) => {
                focus.do_send(SendFailed(message.clone()));
            }
            Some(owner) if let Some(mailbox) = self.mailboxes.of_owner(owner) => {
                mailbox.do_send(SendFailed(message.clone()));
            }
            Some(owner) if let Some(roster) = self.rosters.of_owner(owner) => {
                roster.do_send(SendFailed(message.clone()));
            }
            Some(OwnerId(owner)) if owner & OWNER_OF_LINE != 0 => {
                if let Some(line) = self.line_owners.get(&owner).and_then(|user| self.lines.get(user)) {
                    line.addr.do_send(SendFailed(message.clone()));
                }
            }
            Some(owner) => {
                if let Some(entry) = self.calls.get(&self.call_of(owner)) {
                    entry.addr.do_send(SendFailed(message.clone()));
                }
            }
            None => {}
        }
    }

    fn tell_abilities(&self, request: &SipMessage, peer: &Peer) {
        let tag = self.door.to_tag(request);
        let mut answer = SipMessage::response(request, 200, "OK", Some(&tag));
        answer.headers.push(HeaderName::Allow, self.door.allow());
        answer.headers.push(HeaderName::Accept, "application/sdp, text/plain, message/cpim");
        answer.headers.push(HeaderName::Supported, "100rel, timer, replaces");
        self.answer_to(request, answer, peer);
    }

    pub(super) fn trusts(&self, peer: &Peer) -> bool {
        let proxy = self.proxies.iter().any(|proxy| proxy.address.ip() == peer.remote.ip());
        let hosts =
            self.settings.north.iter().flat_map(|n| n.proxies.iter().map(|p| &p.host).chain(&n.allowed));
        let named =
            hosts.into_iter().any(|host| peer.tls_names.iter().any(|name| name.eq_ignore_ascii_case(host)));
        peer.facing == Facing::North && (proxy || named)
    }
}

/// Whose request this is, or answers, by the branch that we made.
fn owner_of(message: &SipMessage) -> Option<OwnerId> {
    let branch = message.top_via().and_then(|via| via.branch())?;
    OwnerId::in_word(branch.strip_prefix(Via::COOKIE)?)
}

/// Whether this answers a REGISTER of ours, whose line looks at the signature itself.
fn is_of_line(message: &SipMessage) -> bool {
    let of_line =
        message.cseq().is_some_and(|cseq| matches!(cseq.method, Method::Register | Method::Options));
    !message.is_request()
        && of_line
        && owner_of(message).is_some_and(|OwnerId(owner)| owner & OWNER_OF_LINE != 0)
}

/// RFC 3261 §17.2.3: branch and sent-by of the topmost Via name the transaction; CANCEL and the ACK of
/// a refusal carry those of their INVITE. For clients of RFC 2543 Call-ID, From tag and CSeq must do.
pub fn invite_key(message: &SipMessage) -> Option<String> {
    let via = message.top_via()?;
    match via.branch().filter(|branch| branch.starts_with(Via::COOKIE)) {
        Some(branch) => Some(format!("{branch} {}", via.sent_by())),
        None => Some(format!("{} {} {}", message.call_id()?, message.from_tag()?, message.cseq()?.number)),
    }
}

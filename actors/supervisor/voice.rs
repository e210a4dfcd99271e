//! What users say to the north and hear from there, by way of their lines: signed there, verified there.

use actix::prelude::*;
use kirkwall_core::id::Username;
use kirkwall_core::lync::line;
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{Destination, Facing, Peer, door};
use metrics::counter;

use super::{LineEntry, Supervisor};
use crate::call::HangUp;
use crate::registration::{Doubted, Say};

/// Messages that wait for a line to be started, at most.
const MOST_UNSAID: usize = 1_024;

/// A message that leaves by a user's line.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Utter {
    /// Whose line.
    pub line: Username,
    /// The message, whole but for its signature.
    pub message: SipMessage,
    /// Where to.
    pub to: Destination,
}

/// A request by this line was challenged.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LineDoubted(pub Username);

/// The line vouches for a message: it goes to whom it belongs.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Vouched {
    /// The message.
    pub message: SipMessage,
    /// Where it came from.
    pub peer: Peer,
}

/// A message could not be said: its line did not come up in time.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unsaid(pub SipMessage);

/// The front end knows this user's dialogs no longer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CallsLost {
    /// Whose.
    pub user: Username,
    /// Why, in words.
    pub cause: String,
    /// Whether the calls shall end.
    pub ends_calls: bool,
}

impl Supervisor {
    /// The line that must vouch for what came from the north.
    pub(super) fn line_of(&self, message: &SipMessage, peer: &Peer) -> Option<&LineEntry> {
        let speaks = peer.facing == Facing::North && self.settings.speaks_lync();
        let user = speaks.then(|| line::user_part(message))??.parse::<Username>().ok()?;
        self.lines.get(&user)
    }

    /// An answer of the node's own; for a user of Lync's, by his line.
    pub(super) fn answer_to(&self, request: &SipMessage, answer: SipMessage, peer: &Peer) {
        let to = door::response_destination(&answer, peer);
        match self.line_of(request, peer) {
            Some(line) => line.addr.do_send(Say { message: answer, to }),
            None => self.ports.sip.send(answer, to),
        }
    }

    /// What could not be said while no line could be started.
    pub(super) fn utter_waiting(&mut self, ctx: &mut Context<Self>) {
        for utter in std::mem::take(&mut self.unsaid) {
            self.utter(utter, ctx);
        }
    }

    fn utter(&mut self, utter: Utter, ctx: &mut Context<Self>) {
        self.look_after(&utter.message, &utter.to, ctx);
        let wanted = self.accounts.get(&utter.line).is_some_and(|record| record.enabled);
        if !self.lines.contains_key(&utter.line) && wanted && !self.proxies.is_empty() {
            // Somebody waits for this one: it does not queue with the others.
            self.waiting_lines.retain(|user| *user != utter.line);
            self.start_line(utter.line.clone(), ctx);
        }
        let Utter { line, message, to } = utter;
        match self.lines.get(&line) {
            Some(entry) => entry.addr.do_send(Say { message, to }),
            None if wanted && self.unsaid.len() < MOST_UNSAID => {
                self.unsaid.push(Utter { line, message, to })
            }
            None => self.send_failed(&message, ctx),
        }
    }
}

impl Handler<Utter> for Supervisor {
    type Result = ();

    fn handle(&mut self, utter: Utter, ctx: &mut Self::Context) {
        self.utter(utter, ctx);
    }
}

impl Handler<LineDoubted> for Supervisor {
    type Result = ();

    fn handle(&mut self, LineDoubted(user): LineDoubted, _: &mut Self::Context) {
        counter!("ipdect_lync_challenged_again_total").increment(1);
        if let Some(entry) = self.lines.get(&user) {
            entry.addr.do_send(Doubted);
        }
    }
}

impl Handler<Vouched> for Supervisor {
    type Result = ();

    fn handle(&mut self, Vouched { message, peer }: Vouched, ctx: &mut Self::Context) {
        self.route_message(message, peer, ctx);
    }
}

impl Handler<Unsaid> for Supervisor {
    type Result = ();

    fn handle(&mut self, Unsaid(message): Unsaid, ctx: &mut Self::Context) {
        self.send_failed(&message, ctx);
    }
}

impl Handler<CallsLost> for Supervisor {
    type Result = ();

    fn handle(&mut self, CallsLost { user, cause, ends_calls }: CallsLost, _: &mut Self::Context) {
        if !ends_calls {
            return;
        }
        let theirs = |party: &kirkwall_core::call::Party| party.user.as_ref() == Some(&user);
        for entry in self.calls.values().filter(|e| theirs(&e.summary.caller) || theirs(&e.summary.callee)) {
            entry.addr.do_send(HangUp(cause.clone()));
        }
    }
}

//! Messages of a user beside his REGISTERs: all that he says to the north is signed here and leaves from
//! here, all that the north says to him is verified here. One mailbox keeps the order, and with it the
//! numbers in the signatures.

use std::collections::VecDeque;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::lync::line::{LineInput, is_sign_out};
use kirkwall_core::lync::security_association::Untrusted;
use kirkwall_core::lync::sign_in::SignInRefusal;
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{ConnectionId, Destination, Peer};
use kirkwall_core::timer::Moment;
use metrics::counter;
use tracing::{debug, error, warn};

use super::Registration;
use crate::supervisor::{Unsaid, Vouched};

/// Messages that wait for the sign-in, at most; the oldest goes first.
const MOST_HELD: usize = 64;
/// How long they wait. Most transactions are over by then.
const HELD_FOR: Duration = Duration::from_secs(20);

/// A message of this user's, to be signed and sent.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Say {
    /// The message, whole but for its signature.
    pub message: SipMessage,
    /// Where to. A request goes to the front end that the user is signed in at, whatever stands here.
    pub to: Destination,
}

/// A message for this user's dialogs or subscriptions, to be verified.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Vouch {
    /// The message.
    pub message: SipMessage,
    /// Where it came from.
    pub peer: Peer,
}

/// A request of this user's was challenged: the front end does not know his keys.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Doubted;

/// What waits for the sign-in.
#[derive(Debug, Default)]
pub(super) struct Held(VecDeque<(Moment, Say)>);

impl Held {
    /// Keeps one; what had to go for it.
    fn push(&mut self, say: Say, now: Moment) -> Option<Say> {
        self.0.push_back((now, say));
        (self.0.len() > MOST_HELD).then(|| self.0.pop_front()).flatten().map(|(_, say)| say)
    }

    fn expired(&mut self, now: Moment) -> Vec<Say> {
        let old = self.0.iter().take_while(|(since, _)| now.since(*since) >= HELD_FOR).count();
        self.0.drain(..old).map(|(_, say)| say).collect()
    }

    fn take(&mut self) -> impl Iterator<Item = Say> + '_ {
        self.0.drain(..).map(|(_, say)| say)
    }
}

impl Registration {
    /// Everything that waited leaves as soon as it can.
    pub(super) fn say_held(&mut self) {
        if self.machine.may_speak() {
            let held: Vec<_> = self.held.take().collect();
            held.into_iter().for_each(|say| self.say(say));
        }
    }

    fn say(&mut self, Say { mut message, to }: Say) {
        if let Err(fault) = self.machine.sign(&mut message) {
            counter!("ipdect_lync_unsignable_total").increment(1);
            return error!(parent: &self.span, %fault, "a message of ours cannot be signed and does not leave");
        }
        // A front end takes the requests of its users only, and those over the connection they signed in
        // by; after a fail-over the dialogs' own way leads to the one that is gone.
        let to = if message.is_request() { self.proxies.current().clone() } else { to };
        self.ports.sip.send(message, to);
    }

    fn drop_unsaid(&self, unsaid: impl IntoIterator<Item = Say>) {
        for Say { message, .. } in unsaid {
            self.supervisor.do_send(Unsaid(message));
        }
    }

    /// An input was not taken. Who speaks on the connection besides the front end speaks on it no longer.
    pub(super) fn refused(&self, refusal: &SignInRefusal) {
        if !refusal.ends_connection() {
            return debug!(parent: &self.span, %refusal, "not taken");
        }
        counter!("ipdect_lync_untrusted_total", "why" => "forged").increment(1);
        warn!(parent: &self.span, %refusal, "an answer of the front end is dropped, and its connection with it");
        self.cut(self.answered_on);
    }

    fn cut(&self, connection: Option<ConnectionId>) {
        connection.into_iter().for_each(|connection| self.ports.sip.cut(connection));
    }

    fn refuse_untrusted(&self, message: &SipMessage, untrusted: &Untrusted) {
        let why = match untrusted {
            Untrusted::Unsigned { .. } => "unsigned",
            Untrusted::UnknownAssociation { .. } => "unknown_association",
            Untrusted::Forged => "forged",
            Untrusted::Replayed(_) => "replayed",
            Untrusted::Unsignable(_) => "unsignable",
        };
        counter!("ipdect_lync_untrusted_total", "why" => why).increment(1);
        let method = message.method().map_or_else(String::new, |method| method.to_string());
        warn!(parent: &self.span, status = message.status(), %method, %untrusted, "a message of the front end is dropped");
    }
}

impl Handler<Say> for Registration {
    type Result = ();

    fn handle(&mut self, say: Say, ctx: &mut Self::Context) {
        if self.machine.may_speak() {
            return self.say(say);
        }
        let now = self.ports.clock.now();
        let pushed_out = self.held.push(say, now);
        self.drop_unsaid(pushed_out);
        ctx.run_later(HELD_FOR, |me, _| {
            let expired = me.held.expired(me.ports.clock.now());
            me.drop_unsaid(expired);
        });
    }
}

impl Handler<Vouch> for Registration {
    type Result = ();

    fn handle(&mut self, Vouch { message, peer }: Vouch, ctx: &mut Self::Context) {
        match self.machine.verify(&message, self.ports.clock.now()) {
            Err(untrusted) => {
                self.refuse_untrusted(&message, &untrusted);
                if untrusted.ends_connection() {
                    self.cut(peer.connection);
                }
            }
            Ok(_) if is_sign_out(&message) => {
                self.notifier = Some(peer);
                self.step(LineInput::Notified(message), ctx);
            }
            Ok(_) => self.supervisor.do_send(Vouched { message, peer }),
        }
    }
}

impl Handler<Doubted> for Registration {
    type Result = ();

    fn handle(&mut self, _: Doubted, ctx: &mut Self::Context) {
        self.step_in_turn(LineInput::Challenged, ctx);
    }
}

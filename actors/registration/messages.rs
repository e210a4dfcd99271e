//! What a line is told: by the supervisor, the transports, and itself.

use actix::prelude::*;
use kirkwall_core::lync::line::LineInput;
use kirkwall_core::sip::Destination;
use kirkwall_core::sip::digest::Credentials;

use super::Registration;
use crate::call::SendFailed;
use crate::supervisor::Hear;

/// An answer to one of its requests.
impl Handler<Hear> for Registration {
    type Result = ();

    fn handle(&mut self, Hear { message, peer }: Hear, ctx: &mut Self::Context) {
        self.answered_on = peer.connection;
        self.step(LineInput::Received(message), ctx);
    }
}

impl Handler<SendFailed> for Registration {
    type Result = ();

    fn handle(&mut self, _: SendFailed, ctx: &mut Self::Context) {
        self.step(LineInput::TransportFailed, ctx);
    }
}

/// The connection to its registrar is gone, and with it the registrar's way to us.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unreached;

impl Handler<Unreached> for Registration {
    type Result = ();

    fn handle(&mut self, _: Unreached, ctx: &mut Self::Context) {
        self.step(LineInput::TransportFailed, ctx);
    }
}

/// Whether the user shall be registered, and as whom.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Want {
    /// Whether.
    pub wanted: bool,
    /// Name and password, when they may have changed.
    pub credentials: Option<Credentials>,
}

impl Handler<Want> for Registration {
    type Result = ();

    fn handle(&mut self, Want { wanted, credentials }: Want, ctx: &mut Self::Context) {
        if let Some(credentials) = credentials {
            if let Some(certificate) = &mut self.certificate {
                certificate.learn(&credentials);
            }
            self.step_in_turn(LineInput::CredentialsChanged(credentials), ctx);
        }
        // One at a time: what the first has to save must be saved before the second speaks.
        ctx.notify(Wanted(wanted));
    }
}

/// To itself: so it is wanted.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Wanted(bool);

impl Handler<Wanted> for Registration {
    type Result = ();

    fn handle(&mut self, Wanted(wanted): Wanted, ctx: &mut Self::Context) {
        self.step_in_turn(LineInput::Wanted(wanted), ctx);
    }
}

/// The user was removed: de-register, then be gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Leave;

impl Handler<Leave> for Registration {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Self::Context) {
        self.leaving = true;
        self.step(LineInput::Wanted(false), ctx);
    }
}

/// The proxies have other addresses now.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct NewProxies(pub Vec<Destination>);

impl Handler<NewProxies> for Registration {
    type Result = ();

    fn handle(&mut self, NewProxies(proxies): NewProxies, ctx: &mut Self::Context) {
        if self.proxies.replace(proxies) {
            ctx.notify(UseProxy);
        }
    }
}

/// The user is at home there, says the one he was registering at.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Home(pub Vec<Destination>);

impl Handler<Home> for Registration {
    type Result = ();

    fn handle(&mut self, Home(home): Home, ctx: &mut Self::Context) {
        match home.is_empty() {
            true => {
                let by = self.proxies.current().clone();
                self.next_proxy(&by, ctx);
            }
            false => {
                self.proxies.redirected(home);
                ctx.notify(UseProxy);
            }
        }
    }
}

/// This proxy does not serve.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ProxyDown(pub Destination);

impl Handler<ProxyDown> for Registration {
    type Result = ();

    fn handle(&mut self, ProxyDown(proxy): ProxyDown, ctx: &mut Self::Context) {
        if self.proxies.current().address == proxy.address {
            // What waits for an answer from there waits no longer.
            self.step(LineInput::TransportFailed, ctx);
            ctx.notify(MoveOn(proxy));
        }
    }
}

/// To itself: leave this proxy, if it is still in use.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct MoveOn(Destination);

impl Handler<MoveOn> for Registration {
    type Result = ();

    fn handle(&mut self, MoveOn(proxy): MoveOn, ctx: &mut Self::Context) {
        self.next_proxy(&proxy, ctx);
    }
}

/// This proxy serves: whoever waits for one may try it, and whoever sits elsewhere may go back to it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ProxyUp(pub Destination);

impl Handler<ProxyUp> for Registration {
    type Result = ();

    fn handle(&mut self, ProxyUp(proxy): ProxyUp, ctx: &mut Self::Context) {
        let use_it = match self.machine.registered_until() {
            None => {
                self.proxies.choose(&proxy);
                true
            }
            Some(_) => self.proxies.go_back(self.ports.clock.now()),
        };
        if use_it {
            let proxy = self.proxies.current().clone();
            self.step_in_turn(LineInput::ProxyBack(proxy), ctx);
        }
    }
}

/// To itself: use the proxy now pointed at.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct UseProxy;

impl Handler<UseProxy> for Registration {
    type Result = ();

    fn handle(&mut self, _: UseProxy, ctx: &mut Self::Context) {
        let proxy = self.proxies.current().clone();
        self.step_in_turn(LineInput::ProxyChanged(proxy), ctx);
    }
}

/// To itself: another input waits for its turn.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct NextTurn;

impl Handler<NextTurn> for Registration {
    type Result = ();

    fn handle(&mut self, _: NextTurn, ctx: &mut Self::Context) {
        self.await_turn(ctx);
    }
}

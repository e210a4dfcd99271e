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

    fn handle(&mut self, Hear { message, .. }: Hear, ctx: &mut Self::Context) {
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
pub struct Proxies(pub Vec<Destination>);

impl Handler<Proxies> for Registration {
    type Result = ();

    fn handle(&mut self, Proxies(proxies): Proxies, ctx: &mut Self::Context) {
        if proxies.is_empty() || proxies == self.proxies {
            return;
        }
        let current = self.proxies[self.at].address;
        self.at = proxies.iter().position(|proxy| proxy.address == current).unwrap_or(0);
        self.proxies = proxies;
        ctx.notify(UseProxy);
    }
}

/// To itself: use the proxy now pointed at.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct UseProxy;

impl Handler<UseProxy> for Registration {
    type Result = ();

    fn handle(&mut self, _: UseProxy, ctx: &mut Self::Context) {
        let proxy = self.proxies[self.at].clone();
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

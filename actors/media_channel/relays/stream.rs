//! The ways to a relay over TCP, and what happens on them.

use std::net::SocketAddr;
use std::sync::Arc;

use actix::prelude::*;
use kirkwall_core::call::Side;
use kirkwall_core::media::ice::candidate::Component;
use kirkwall_core::media::ice::turn::Input;
use kirkwall_integration::media::{RelayHeard, RelayListener};
use tracing::{debug, info};

use super::super::agents::side_index;
use super::super::{MediaChannel, engine_side};
use super::index;

impl MediaChannel {
    pub(super) fn open_stream(
        &mut self,
        side: Side,
        component: Component,
        (server, number): (SocketAddr, u32),
        ctx: &mut Context<Self>,
    ) {
        let me = ctx.address();
        // A full mailbox loses it: the client hears no answer then, and gives the relay up.
        let listener: RelayListener =
            Arc::new(move |heard| drop(me.try_send(StreamHeard(side, component, number, heard))));
        let port = (engine_side(side), component == Component::Rtcp);
        let opened = self.engine.relay_stream(self.id, port, server, listener);
        let Some(relay) = &mut self.relays[side_index(side)] else { return };
        let client = &mut relay.clients[index(component)];
        match opened {
            Ok(stream) => client.stream = Some(stream),
            Err(fault) => {
                client.ended = true;
                info!(channel = %self.id, %fault, "no way to the media relay over TCP");
                self.gathered();
            }
        }
    }
}

/// Something has happened on the way to a relay over TCP.
#[derive(Message)]
#[rtype(result = "()")]
struct StreamHeard(Side, Component, u32, RelayHeard);

impl Handler<StreamHeard> for MediaChannel {
    type Result = ();

    fn handle(&mut self, heard: StreamHeard, ctx: &mut Self::Context) {
        let StreamHeard(side, component, number, heard) = heard;
        // The relay before this one still speaks.
        if self.relays[side_index(side)].as_ref().is_none_or(|relay| relay.number != number) {
            return;
        }
        match heard {
            RelayHeard::Open => self.relay_step(side, component, Input::Started, ctx),
            RelayHeard::Bytes(bytes) => self.relay_step(side, component, Input::Received(&bytes), ctx),
            RelayHeard::Closed(why) => {
                debug!(channel = %self.id, ?side, ?component, why, "the stream to the relay has ended");
                self.relay_step(side, component, Input::Closed, ctx);
            }
        }
    }
}

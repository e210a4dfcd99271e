//! A leg moves from one channel to another, with its sockets, keys and streams: for its peer nothing
//! changes, and no packet index is used twice.
//!
//! ```text
//!  handle ── Await ──────────────► thread of the heir: orders for that side wait
//!     └───── Leave ──► thread of the giver ── Seat(leg) ──► thread of the heir: takes the place, orders done
//! ```

use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};

use kirkwall_core::id::ChannelId;
use kirkwall_core::timer::Moment;

use super::engine::Engine;
use super::fault::EngineFault;
use super::flow::{Ports, Side};
use super::leg::{Buffer, Leg};
use super::poll::Bell;
use super::worker::{Deed, Order, Shared, Worker, key};

/// Most orders that wait for a leg to come.
const MOST_WAITING: usize = 32;

/// Who gets a leg.
pub(super) struct Heir {
    pub(super) orders: SyncSender<Order>,
    pub(super) bell: Arc<Bell>,
    pub(super) channel: ChannelId,
    pub(super) side: Side,
}

impl Engine {
    /// Takes one side of the channel `from` into `into`, in place of the leg on `side` there. What is left
    /// of `from` is closed. Orders for the side that follow meet the leg that has come. Gives the ports
    /// that `into` has now.
    ///
    /// # Errors
    /// Either channel is not open, or a media thread takes no orders; then nothing has changed.
    pub fn adopt(
        &self,
        into: ChannelId,
        side: Side,
        from: ChannelId,
        from_side: Side,
    ) -> Result<Ports, EngineFault> {
        let mut table = self.0.table();
        let (Some(heir), Some(giver)) = (table.get(&into), table.get(&from)) else {
            let missing = if table.contains_key(&into) { from } else { into };
            return Err(EngineFault::Unknown(missing));
        };
        if into == from {
            return Err(EngineFault::Exists(into));
        }
        let mut cells = heir.shared.cells.clone();
        cells[side.index()] = giver.shared.cells[from_side.index()].clone();
        let standing = *heir.shared.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = Arc::new(Shared { cells, standing: Mutex::new(standing), ..Shared::default() });
        let (heirs, givers) = (&self.0.threads[heir.thread], &self.0.threads[giver.thread]);
        heirs.order(Order::Await(into, side, shared.clone()))?;
        let (orders, bell) = (heirs.orders.clone(), heirs.bell.clone());
        let leave = Order::Leave(from, from_side, Heir { orders, bell, channel: into, side });
        if let Err(fault) = givers.order(leave) {
            _ = heirs.order(Order::Seat(into, side, None));
            return Err(fault);
        }
        let Some(giver) = table.remove(&from) else { return Err(EngineFault::Unknown(from)) };
        let Some(heir) = table.get_mut(&into) else { return Err(EngineFault::Unknown(into)) };
        heir.shared = shared;
        heir.keys[side.index()] = giver.keys[from_side.index()].clone();
        heir.chairs[side.index()] = None;
        heir.resume[side.index()] = giver.resume[from_side.index()];
        match side {
            Side::A => heir.ports.a = giver.ports.of(from_side),
            Side::B => heir.ports.b = giver.ports.of(from_side),
        }
        Ok(heir.ports)
    }
}

impl Worker {
    /// From now on orders for this side wait for the leg that will come.
    pub(super) fn wait_for(&mut self, channel: ChannelId, side: Side, shared: Arc<Shared>) {
        if let Some((channel, known)) = self.channels.find(channel) {
            channel.awaiting[side.index()] = Some(Vec::new());
            *known = shared;
        }
    }

    /// Gives a leg away; the channel goes.
    pub(super) fn leave(
        &mut self,
        channel: ChannelId,
        side: Side,
        heir: Heir,
        buffer: &mut Buffer,
        now: Moment,
    ) {
        let Some(channel) = self.channels.take(channel) else {
            return seat(&heir, None, &self.pool);
        };
        let [a, b] = channel.legs;
        let (mut leg, mut other) = if side == Side::A { (a, b) } else { (b, a) };
        super::control::bye(&mut other, buffer, now);
        let port = other.port;
        drop(other);
        self.release(port);
        leg.seat = None;
        self.poll.remove(&leg.rtp);
        self.poll.remove(&leg.rtcp);
        seat(&heir, Some(Box::new(leg)), &self.pool);
    }

    /// A leg has come, or will not.
    pub(super) fn seat(
        &mut self,
        channel: ChannelId,
        side: Side,
        leg: Option<Box<Leg>>,
        buffer: &mut Buffer,
        now: Moment,
    ) {
        let slot = self.channels.slot(channel);
        let Some((slot, channel)) = slot.and_then(|slot| Some((slot, &mut *self.channels.at(slot)?.0)))
        else {
            // The heir was closed meanwhile.
            return leg.map_or((), |leg| self.bury(*leg, buffer, now));
        };
        let waiting = channel.awaiting[side.index()].take().unwrap_or_default();
        let old = leg.map(|leg| std::mem::replace(&mut channel.legs[side.index()], *leg));
        if old.is_some() {
            let leg = &mut channel.legs[side.index()];
            leg.side = side;
            let added = self.poll.add(&leg.rtp, key(slot, side, false));
            if let Err(error) = added.and_then(|()| self.poll.add(&leg.rtcp, key(slot, side, true))) {
                tracing::error!(%error, channel = %channel.id, "media socket cannot be watched");
            }
        }
        for deed in waiting {
            channel.take_up(side, deed, now);
        }
        if let Some(old) = old {
            self.bury(old, buffer, now);
        }
    }

    fn bury(&self, mut leg: Leg, buffer: &mut Buffer, now: Moment) {
        super::control::bye(&mut leg, buffer, now);
        let port = leg.port;
        drop(leg);
        self.release(port);
    }

    fn release(&self, port: u16) {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).release(port);
    }
}

/// Hands a leg over. It is lost when the heir's thread is overloaded or gone: then its port is free.
fn seat(heir: &Heir, leg: Option<Box<Leg>>, pool: &Arc<Mutex<super::ports::PortPool>>) {
    let port = leg.as_ref().map(|leg| leg.port);
    let sent = heir.orders.try_send(Order::Seat(heir.channel, heir.side, leg));
    heir.bell.ring();
    if let Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) = sent {
        drop(order);
        tracing::error!(channel = %heir.channel, "a media leg was lost on its way to another thread");
        if let Some(port) = port {
            pool.lock().unwrap_or_else(PoisonError::into_inner).release(port);
        }
    }
}

/// Keeps an order for a leg that is still to come. Beyond the limit the newest is dropped: the call will
/// say it again when it changes.
pub(super) fn put_off(waiting: &mut Vec<Deed>, deed: Deed) {
    if waiting.len() < MOST_WAITING {
        waiting.push(deed);
    }
}

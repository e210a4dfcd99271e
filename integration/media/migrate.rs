//! A channel goes over to another media thread, whole: sockets, keys, streams.
//!
//! ```text
//!  handle ── Expect ─────────────► new thread: orders for the channel wait
//!     └───── Hand ──► old thread ── Arrive(channel) ──► new thread: takes it up, orders done
//! ```
//!
//! What is on its way in a socket waits there; no packet is lost and none comes twice.

use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, PoisonError};

use kirkwall_core::id::ChannelId;

use super::channel::Channel;
use super::engine::{Engine, Entry};
use super::fault::EngineFault;
use super::leg::Buffer;
use super::poll::Bell;
use super::worker::{Order, Shared, Worker};

/// Most orders that wait for a channel to arrive; those beyond are dropped, and said again by the call when
/// something changes.
const MOST_WAITING: usize = 64;

/// Where a channel goes.
pub(super) struct Thither {
    orders: SyncSender<Order>,
    bell: Arc<Bell>,
}

impl Engine {
    /// Brings a channel to a thread, if it is not there.
    pub(super) fn hand_over(
        &self,
        table: &mut HashMap<ChannelId, Entry>,
        channel: ChannelId,
        thread: usize,
    ) -> Result<(), EngineFault> {
        let entry = table.get_mut(&channel).ok_or(EngineFault::Unknown(channel))?;
        if entry.thread == thread {
            return Ok(());
        }
        let (old, new) = (&self.0.threads[entry.thread], &self.0.threads[thread]);
        new.order(Order::Expect(channel))?;
        let thither = Thither { orders: new.orders.clone(), bell: new.bell.clone() };
        if let Err(fault) = old.order(Order::Hand(channel, thither)) {
            _ = new.order(Order::Arrive(channel, None));
            return Err(fault);
        }
        entry.thread = thread;
        Ok(())
    }
}

impl Worker {
    /// Orders for a channel that is still to come wait for it; gives back what need not wait.
    pub(super) fn put_off(&mut self, order: Order) -> Option<Order> {
        let waiting = order.channel().and_then(|channel| self.expected.get_mut(&channel));
        match waiting {
            Some(_) if matches!(order, Order::Arrive(..)) => Some(order),
            Some(waiting) if waiting.len() < MOST_WAITING => {
                waiting.push(order);
                None
            }
            Some(_) => None,
            None => Some(order),
        }
    }

    /// Gives a channel away.
    pub(super) fn hand(&mut self, channel: ChannelId, thither: &Thither) {
        let arrival = self.channels.take_whole(channel);
        if let Some((channel, _)) = &arrival {
            for leg in &channel.legs {
                self.poll.remove(&leg.rtp);
                self.poll.remove(&leg.rtcp);
            }
        }
        let sent = thither.orders.try_send(Order::Arrive(channel, arrival));
        thither.bell.ring();
        if let Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) = sent {
            tracing::error!(%channel, "a media channel was lost on its way to another thread");
            if let Order::Arrive(_, Some((channel, _))) = order {
                let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
                channel.legs.iter().for_each(|leg| pool.release(leg.port));
            }
        }
    }

    /// A channel has come, or will not.
    pub(super) fn arrive(
        &mut self,
        channel: ChannelId,
        arrival: Option<(Box<Channel>, Arc<Shared>)>,
        buffer: &mut Buffer,
    ) {
        let waiting = self.expected.remove(&channel).unwrap_or_default();
        if let Some((channel, shared)) = arrival {
            self.inserts |= channel.inserts();
            self.take_up(channel, shared);
        }
        for order in waiting {
            self.carry_out(order, buffer);
        }
    }
}

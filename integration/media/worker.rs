//! A media thread: waits for sockets, moves packets, takes orders.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kirkwall_core::id::{ChannelId, MixerId};
use kirkwall_core::media::dtmf::Press;
use kirkwall_core::timer::Moment;

use super::adopt::Heir;
use super::channel::Channel;
use super::counters::Cells;
use super::flow::{Report, Side, Standing};
use super::leg::{Buffer, Change, LONGEST, Leg, Surroundings};
use super::migrate::Thither;
use super::mixer::{Mixers, Seat};
use super::outgoing::Outgoing;
use super::poll::{Bell, Poll, thread_cpu};
use super::ports::{Pair, PortPool};
use super::srtp::ROOM;
use super::stun::{Stun, StunListener};

/// Sockets served per wait.
const BATCH: usize = 256;

/// Interval of everything that is due by time rather than by packet.
const TICK: Duration = Duration::from_millis(50);

/// What a thread is told. Kept small: orders lie in a queue that is allocated whole.
pub(super) enum Order {
    Open(Box<Opening>),
    Do(ChannelId, Side, Deed),
    /// A leg will come from another channel, and with it these cells.
    Await(ChannelId, Side, Arc<Shared>),
    /// Give a leg away; the channel goes.
    Leave(ChannelId, Side, Heir),
    /// The leg has come; none: it will not.
    Seat(ChannelId, Side, Option<Box<Leg>>),
    /// A channel will come from another thread.
    Expect(ChannelId),
    /// Give a channel to another thread.
    Hand(ChannelId, Thither),
    /// The channel has come; none: it will not.
    Arrive(ChannelId, Option<(Box<Channel>, Arc<Shared>)>),
    /// Everybody in a mixer hears this once.
    Announce(MixerId, Arc<[u8]>),
    Listen(ChannelId, StunListener),
    SendStun(ChannelId, Box<Stun>),
    /// Some channel's [`Shared::closed`] was set.
    Sweep,
    Stop,
}

/// What is ordered for one side of a channel.
pub(super) enum Deed {
    Set(Box<Change>),
    Play(Option<Arc<[u8]>>),
    Press(Press),
    /// In a conference, or out of it.
    Sit(Option<Box<Seat>>),
}

impl Order {
    /// The channel that it is about.
    pub(super) fn channel(&self) -> Option<ChannelId> {
        match self {
            Self::Do(channel, ..)
            | Self::Await(channel, ..)
            | Self::Leave(channel, ..)
            | Self::Seat(channel, ..)
            | Self::Hand(channel, _)
            | Self::Arrive(channel, _)
            | Self::Listen(channel, _)
            | Self::SendStun(channel, _) => Some(*channel),
            Self::Open(_) | Self::Expect(_) | Self::Announce(..) | Self::Sweep | Self::Stop => None,
        }
    }
}

/// A channel to be.
pub(super) struct Opening {
    pub(super) channel: ChannelId,
    pub(super) pairs: [Pair; 2],
    pub(super) shared: Arc<Shared>,
    pub(super) outgoing: [Outgoing; 2],
}

/// What the engine's handle and a channel's thread have in common.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) cells: [Arc<Cells>; 2],
    /// As of the last tick. Taken by the thread once a tick and by whoever saves it; never per packet.
    pub(super) standing: Mutex<[Standing; 2]>,
    /// The channel is to go. A flag and not an order, so that closing cannot fail on a full queue.
    pub(super) closed: std::sync::atomic::AtomicBool,
}

/// The wall clock read once, then counted on by the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
    wall: Moment,
}

impl Clock {
    pub(super) fn new() -> Clock {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let wall = Moment::from_micros(since.unwrap_or_default().as_micros() as u64);
        Clock { start: Instant::now(), wall }
    }

    fn now(self) -> Moment {
        self.wall + self.start.elapsed()
    }
}

/// What a thread is made of.
pub(super) struct Worker {
    pub(super) poll: Poll,
    pub(super) bell: Arc<Bell>,
    pub(super) orders: Receiver<Order>,
    pub(super) clock: Clock,
    pub(super) around: Surroundings,
    pub(super) pool: Arc<Mutex<PortPool>>,
    /// CPU time of this thread, in nanoseconds, as of its last tick.
    pub(super) cpu: Arc<AtomicU64>,
    pub(super) channels: Channels,
    /// Whether any channel may have something put in.
    pub(super) inserts: bool,
    /// Its conferences.
    pub(super) mixers: Mixers,
    /// Orders for channels that are still to come from another thread.
    pub(super) expected: HashMap<ChannelId, Vec<Order>>,
}

/// A thread's channels, each in a slot that its sockets' keys name.
#[derive(Default)]
pub(super) struct Channels {
    slots: Vec<Option<(Box<Channel>, Arc<Shared>)>>,
    free: Vec<usize>,
    /// Slots freed while a batch is served, whose keys may still name them.
    resting: Vec<usize>,
    index: HashMap<ChannelId, usize>,
}

impl Channels {
    pub(super) fn slot(&self, channel: ChannelId) -> Option<usize> {
        self.index.get(&channel).copied()
    }

    pub(super) fn at(&mut self, slot: usize) -> Option<&mut (Box<Channel>, Arc<Shared>)> {
        self.slots.get_mut(slot)?.as_mut()
    }

    pub(super) fn find(&mut self, channel: ChannelId) -> Option<(&mut Channel, &mut Arc<Shared>)> {
        let slot = self.slot(channel)?;
        self.at(slot).map(|(channel, shared)| (&mut **channel, shared))
    }

    /// Takes a channel out.
    pub(super) fn take(&mut self, channel: ChannelId) -> Option<Box<Channel>> {
        let slot = self.index.remove(&channel)?;
        self.resting.push(slot);
        self.slots.get_mut(slot)?.take().map(|(channel, _)| channel)
    }

    /// Takes a channel out, with what the handle knows of it.
    pub(super) fn take_whole(&mut self, channel: ChannelId) -> Option<(Box<Channel>, Arc<Shared>)> {
        let slot = self.index.remove(&channel)?;
        self.resting.push(slot);
        self.slots.get_mut(slot)?.take()
    }

    /// All legs.
    pub(super) fn legs(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.slots.iter_mut().flatten().flat_map(|(channel, _)| &mut channel.legs)
    }

    fn get_mut(&mut self, channel: ChannelId) -> Option<&mut Channel> {
        let slot = *self.index.get(&channel)?;
        self.slots[slot].as_mut().map(|(channel, _)| &mut **channel)
    }

    /// The batch is served: slots freed before it ended may be used again.
    fn rested(&mut self) {
        self.free.append(&mut self.resting);
    }
}

/// Key of the bell.
const BELL: u64 = u64::MAX;

/// Socket key: slot, side, whether RTCP.
pub(super) const fn key(slot: usize, side: Side, control: bool) -> u64 {
    (slot as u64) << 2 | (side.index() as u64) << 1 | control as u64
}

impl Worker {
    /// A thread's poll and bell, tied together.
    pub(super) fn watch() -> io::Result<(Poll, Arc<Bell>)> {
        let (poll, bell) = (Poll::new(BATCH)?, Bell::new()?);
        poll.add(&bell, BELL)?;
        Ok((poll, Arc::new(bell)))
    }

    /// Runs until told to stop, or until nobody is left to tell.
    pub(super) fn run(mut self) {
        let mut buffer = Box::new(Buffer([0; LONGEST + 1 + ROOM]));
        let mut tick_at = self.clock.now();
        let mut beat_at = tick_at;
        loop {
            let idle = self.channels.index.is_empty();
            let due = if self.inserts || self.mixers.used { tick_at.min(beat_at) } else { tick_at };
            let timeout = (!idle).then(|| due.since(self.clock.now()));
            let ready = match self.poll.wait(timeout) {
                Ok(ready) => ready,
                Err(error) => return tracing::error!(%error, "media thread cannot wait for its sockets"),
            };
            // Orders before packets, whether or not the bell made it into this batch: a packet sent
            // after a new flow was set is never handled by the old one (in clear, say).
            // The bell is hushed first, so that an order behind it rings anew.
            if (0..ready).any(|index| self.poll.key(index) == BELL) {
                self.bell.hush();
            }
            if !self.obey(&mut buffer) {
                return;
            }
            for index in 0..ready {
                match self.poll.key(index) {
                    BELL => {}
                    key => self.serve(key, &mut buffer),
                }
            }
            self.channels.rested();
            let now = self.clock.now();
            beat_at = self.beat(&mut buffer, beat_at, now);
            if now >= tick_at {
                tick_at = now + TICK;
                self.tick(&mut buffer, now);
            }
        }
    }

    /// One packet from one socket. Level-triggered polling brings the next.
    fn serve(&mut self, key: u64, buffer: &mut Buffer) {
        let now = self.clock.now();
        let Some((channel, _)) = self.channels.slots.get_mut((key >> 2) as usize).and_then(Option::as_mut)
        else {
            return;
        };
        let side = Side::BOTH[(key >> 1 & 1) as usize];
        let outcome = match key & 1 {
            0 => channel.receive(side, buffer, now, &self.around),
            _ => channel.receive_control(side, buffer, now, &self.around),
        };
        // A wake-up without a packet (bad checksum) is WouldBlock; any other error belongs to one
        // datagram and is gone with it.
        if let Err(error) = outcome
            && error.kind() != io::ErrorKind::WouldBlock
        {
            tracing::debug!(%error, channel = %channel.id, "media socket");
        }
    }

    /// Takes the orders in the queue. `false`: stop.
    fn obey(&mut self, buffer: &mut Buffer) -> bool {
        loop {
            let order = self.orders.try_recv();
            if matches!(order, Err(TryRecvError::Empty)) {
                return true;
            }
            match order {
                Ok(Order::Stop) | Err(_) => return false,
                Ok(order) => {
                    if let Some(order) = self.put_off(order) {
                        self.carry_out(order, buffer);
                    }
                }
            }
        }
    }

    pub(super) fn carry_out(&mut self, order: Order, buffer: &mut Buffer) {
        let now = self.clock.now();
        match order {
            Order::Open(opening) => self.open(*opening, now),
            Order::Do(channel, side, deed) => {
                self.inserts |= matches!(deed, Deed::Play(_) | Deed::Press(_));
                self.mixers.used |= matches!(deed, Deed::Sit(_));
                if let Some(channel) = self.channels.get_mut(channel) {
                    channel.take_up(side, deed, now);
                }
            }
            Order::Await(channel, side, shared) => self.wait_for(channel, side, shared),
            Order::Leave(channel, side, heir) => self.leave(channel, side, heir, buffer, now),
            Order::Seat(channel, side, leg) => {
                // Orders that waited for it may put something in, or let it sit down.
                (self.inserts, self.mixers.used) = (true, true);
                self.seat(channel, side, leg, buffer, now);
            }
            Order::Expect(channel) => drop(self.expected.entry(channel).or_default()),
            Order::Hand(channel, thither) => self.hand(channel, &thither),
            Order::Arrive(channel, arrival) => self.arrive(channel, arrival, buffer),
            Order::Announce(mixer, sound) => self.mixers.announce(mixer, sound),
            Order::Listen(channel, listener) => {
                if let Some(channel) = self.channels.get_mut(channel) {
                    channel.stun = Some(listener);
                }
            }
            Order::SendStun(channel, stun) => {
                if let Some(channel) = self.channels.get_mut(channel) {
                    channel.send_stun(&stun);
                }
            }
            Order::Sweep => self.sweep(buffer, now),
            Order::Stop => {}
        }
    }

    fn open(&mut self, opening: Opening, now: Moment) {
        let Opening { channel: id, pairs: [a, b], shared, outgoing: [to_a, to_b] } = opening;
        let cells = |side: Side| shared.cells[side.index()].clone();
        let legs = [
            Leg::new(Side::A, a, cells(Side::A), to_a, now),
            Leg::new(Side::B, b, cells(Side::B), to_b, now),
        ];
        self.take_up(Box::new(Channel { id, legs, awaiting: [None, None], stun: None }), shared);
    }

    /// Gives a channel a slot, and watches its sockets.
    pub(super) fn take_up(&mut self, channel: Box<Channel>, shared: Arc<Shared>) {
        let (id, slot) = (channel.id, self.channels.free.pop().unwrap_or(self.channels.slots.len()));
        for leg in &channel.legs {
            let added = self.poll.add(&leg.rtp, key(slot, leg.side, false));
            if let Err(error) = added.and_then(|()| self.poll.add(&leg.rtcp, key(slot, leg.side, true))) {
                tracing::error!(%error, channel = %id, "media socket cannot be watched");
            }
        }
        let entry = Some((channel, shared));
        match self.channels.slots.get_mut(slot) {
            Some(place) => *place = entry,
            None => self.channels.slots.push(entry),
        }
        self.channels.index.insert(id, slot);
    }

    /// Sends what is put in.
    pub(super) fn beat_inserts(&mut self, buffer: &mut Buffer, now: Moment) {
        self.inserts = false;
        for (channel, _) in self.channels.slots.iter_mut().flatten().filter(|(c, _)| c.inserts()) {
            self.inserts = true;
            channel.beat(buffer, now);
        }
    }

    fn tick(&mut self, buffer: &mut Buffer, now: Moment) {
        for (channel, shared) in self.channels.slots.iter_mut().flatten() {
            channel.tick(buffer, now, &self.around);
            // Somebody is reading it: the next tick is soon enough.
            if let Ok(mut standing) = shared.standing.try_lock() {
                *standing = channel.legs.each_ref().map(Leg::standing);
            }
        }
        self.sweep(buffer, now);
        self.cpu.store(thread_cpu().as_nanos() as u64, Ordering::Relaxed);
    }

    /// Ends the channels that have been closed: BYE, sockets shut, ports given back.
    fn sweep(&mut self, buffer: &mut Buffer, now: Moment) {
        let Channels { slots, resting, index, .. } = &mut self.channels;
        for (slot, place) in slots.iter_mut().enumerate() {
            let Some((mut channel, _)) = place.take_if(|(_, shared)| shared.closed.load(Ordering::Acquire))
            else {
                continue;
            };
            channel.leave(buffer, now);
            let (id, ports) = (channel.id, channel.legs.each_ref().map(|leg| leg.port));
            drop(channel);
            // A successor may have taken the name already.
            if index.get(&id) == Some(&slot) {
                index.remove(&id);
            }
            resting.push(slot);
            let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
            ports.iter().for_each(|&port| pool.release(port));
        }
    }
}

/// A report handler as threads share it.
pub(super) type Reports = Arc<dyn Fn(Report) + Send + Sync>;

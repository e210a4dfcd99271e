//! The engine's handle: what actors call. Never waits for a media thread.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kirkwall_core::id::ChannelId;
use kirkwall_core::media::{SrtpKey, SrtpPair};
use ring::rand::{SecureRandom, SystemRandom};

use super::counters::ChannelCounters;
use super::fault::EngineFault;
use super::flow::{Flow, Ports, Report, Side, Standing};
use super::leg::{Change, Rekey, Surroundings};
use super::mixer::{Chair, Mixers};
use super::outgoing::{Outgoing, SKIP};
use super::poll::Bell;
use super::ports::{Pair, PortPool};
use super::srtp::{Inbound, Outbound};
use super::worker::{Channels, Clock, Deed, Opening, Order, Reports, Shared, Worker};

/// How the engine is set up.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Local address of all media sockets.
    pub bind: IpAddr,
    /// Ports to use; only whole pairs (even and the odd one above) within it count.
    pub ports: RangeInclusive<u16>,
    /// Media threads, at least one. One fills about one core at 50,000 packets a second.
    pub threads: usize,
    /// Differentiated services code point of what is sent, 0-63; 46 is EF (RFC 4594 §4.1).
    pub dscp: u8,
    /// Interval of [`Report::Counters`].
    pub report_every: Duration,
    /// Quiet after which a side that should send is reported ([`Report::Silence`]).
    pub silence_after: Duration,
}

/// The media engine. Cheap to clone; the threads end with the last clone.
#[derive(Clone)]
pub struct Engine(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) threads: Vec<Thread>,
    pool: Arc<Mutex<PortPool>>,
    table: Mutex<HashMap<ChannelId, Entry>>,
    random: SystemRandom,
    pub(super) streams: super::relay_stream::Streams,
}

pub(super) struct Thread {
    pub(super) orders: SyncSender<Order>,
    pub(super) bell: Arc<Bell>,
    cpu: Arc<AtomicU64>,
}

pub(super) struct Entry {
    pub(super) thread: usize,
    pub(super) ports: Ports,
    pub(super) shared: Arc<Shared>,
    /// Keys in use, to tell what a new flow changes.
    pub(super) keys: [Option<SrtpPair>; 2],
    /// Where each side stood before a restart, until it is set.
    pub(super) resume: [Option<Standing>; 2],
    /// Where each side sits in a conference.
    pub(super) chairs: [Option<Chair>; 2],
}

/// Orders that may wait for one thread.
const QUEUE: usize = 4096;

impl Engine {
    /// Starts the threads. `reports` is called on them: it must neither block nor call back into the
    /// engine for long.
    ///
    /// # Errors
    /// When the configuration holds no thread, no whole pair of ports or no such code point
    /// (`InvalidInput`), or the system gives no thread, epoll or eventfd.
    pub fn start(
        config: EngineConfig,
        reports: impl Fn(Report) + Send + Sync + 'static,
    ) -> io::Result<Engine> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
        if config.threads == 0 {
            return Err(invalid("media threads must be at least 1"));
        }
        if config.dscp > 63 {
            return Err(invalid("media DSCP must be 0 to 63"));
        }
        let pool = PortPool::new(config.bind, &config.ports, config.dscp)
            .ok_or_else(|| invalid("media ports must hold an even port and the one above it"))?;
        let (pool, clock) = (Arc::new(Mutex::new(pool)), Clock::new());
        let reports: Reports = Arc::new(reports);
        let threads = (0..config.threads)
            .map(|number| Thread::start(number, &config, clock, reports.clone(), pool.clone()))
            .collect::<io::Result<_>>()?;
        let (table, random) = (Mutex::default(), SystemRandom::new());
        Ok(Engine(Arc::new(Inner { threads, pool, table, random, streams: Default::default() })))
    }

    /// Opens a channel: binds a pair of ports for each leg. Nothing is relayed until both are set.
    pub fn open(&self, channel: ChannelId) -> Result<Ports, EngineFault> {
        self.admit(channel, [None, None], |inner| inner.take_pairs([None, None]))
    }

    /// Takes up a channel after a restart of this node: on the ports it had, its streams going on where
    /// they stood. Set both sides next, with the keys they had.
    pub fn reopen(
        &self,
        channel: ChannelId,
        ports: Ports,
        standing: [Standing; 2],
    ) -> Result<(), EngineFault> {
        let ports = [Some(ports.a), Some(ports.b)];
        self.admit(channel, standing.map(Some), |inner| inner.take_pairs(ports)).map(|_| ())
    }

    fn admit(
        &self,
        channel: ChannelId,
        resume: [Option<Standing>; 2],
        pairs: impl FnOnce(&Inner) -> Result<[Pair; 2], EngineFault>,
    ) -> Result<Ports, EngineFault> {
        let mut table = self.0.table();
        if table.contains_key(&channel) {
            return Err(EngineFault::Exists(channel));
        }
        let [to_a, to_b] = resume;
        let outgoing = [self.0.outgoing(to_a)?, self.0.outgoing(to_b)?];
        let pairs = pairs(&self.0)?;
        let ports = Ports { a: pairs[0].port, b: pairs[1].port };
        let shared = Arc::new(Shared::default());
        let thread = self.0.least_loaded(&table);
        let opening = Opening { channel, pairs, shared: shared.clone(), outgoing };
        if let Err(fault) = self.0.threads[thread].order(Order::Open(Box::new(opening))) {
            // The sockets went with the refused order.
            let mut pool = self.0.pool();
            pool.release(ports.a);
            pool.release(ports.b);
            return Err(fault);
        }
        table.insert(
            channel,
            Entry { thread, ports, shared, keys: [None, None], resume, chairs: [None, None] },
        );
        Ok(ports)
    }

    /// Sets, or changes, one side. What is the same as before goes on undisturbed: the latch while
    /// `remote` is unchanged, each SRTP direction while its key is.
    pub fn set(&self, channel: ChannelId, side: Side, flow: Flow) -> Result<(), EngineFault> {
        check(channel, &flow)?;
        let mut table = self.0.table();
        let entry = table.get_mut(&channel).ok_or(EngineFault::Unknown(channel))?;
        let mut flow = flow;
        let keys = flow.srtp.take();
        let (old, resume) = (entry.keys[side.index()].as_ref(), entry.resume[side.index()]);
        let inbound =
            rekey(old.map(|k| &k.remote), keys.as_ref().map(|k| &k.remote), |key| inbound(key, resume))?;
        let outbound = rekey(old.map(|k| &k.local), keys.as_ref().map(|k| &k.local), |key| {
            Ok((outbound(key, resume)?, self.0.outgoing(resume)?))
        })?;
        let change = Box::new(Change { flow, inbound, outbound });
        self.0.threads[entry.thread].order(Order::Do(channel, side, Deed::Set(change)))?;
        entry.keys[side.index()] = keys;
        entry.resume[side.index()] = None;
        Ok(())
    }

    /// An order to the thread of an open channel.
    pub(super) fn tell(&self, channel: ChannelId, order: Order) -> Result<(), EngineFault> {
        let thread = self.0.table().get(&channel).ok_or(EngineFault::Unknown(channel))?.thread;
        self.0.threads[thread].order(order)
    }

    /// Closes a channel and gives its final figures; `None` when it is not open. The thread says BYE
    /// and frees the ports at once, which is soon after this returns.
    pub fn close(&self, channel: ChannelId) -> Option<ChannelCounters> {
        let entry = self.0.table().remove(&channel)?;
        entry.shared.closed.store(true, Ordering::Release);
        // With a full queue the flag is seen at the thread's next tick.
        let _ = self.0.threads[entry.thread].order(Order::Sweep);
        Some(entry.counters())
    }

    /// Figures so far; `None` when the channel is not open.
    pub fn counters(&self, channel: ChannelId) -> Option<ChannelCounters> {
        self.0.table().get(&channel).map(Entry::counters)
    }

    /// Where both sides stand, A first, as of the last tick; for [`reopen`](Self::reopen). `None` when
    /// the channel is not open.
    pub fn standing(&self, channel: ChannelId) -> Option<[Standing; 2]> {
        let shared = self.0.table().get(&channel)?.shared.clone();
        let standing = shared.standing.lock().unwrap_or_else(PoisonError::into_inner);
        Some(*standing)
    }

    /// Ports of an open channel.
    pub fn ports(&self, channel: ChannelId) -> Option<Ports> {
        self.0.table().get(&channel).map(|entry| entry.ports)
    }

    /// Where media sockets are bound.
    pub(super) fn bind(&self) -> IpAddr {
        self.0.pool().bind()
    }

    /// How many channels are open.
    pub fn open_channels(&self) -> usize {
        self.0.table().len()
    }

    /// CPU time that the media threads have used, as of their last tick (50 ms while channels are open).
    pub fn cpu_time(&self) -> Duration {
        let nanos = |thread: &Thread| thread.cpu.load(Ordering::Relaxed);
        Duration::from_nanos(self.0.threads.iter().map(nanos).sum())
    }
}

impl Entry {
    fn counters(&self) -> ChannelCounters {
        let [a, b] = &self.shared.cells;
        ChannelCounters { a: a.read(), b: b.read() }
    }
}

impl Inner {
    pub(super) fn table(&self) -> MutexGuard<'_, HashMap<ChannelId, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pool(&self) -> MutexGuard<'_, PortPool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Two pairs: the next free ones, or those of certain ports.
    fn take_pairs(&self, ports: [Option<u16>; 2]) -> Result<[Pair; 2], EngineFault> {
        let mut pool = self.pool();
        let mut take = |port: Option<u16>| match port {
            None => pool.take(),
            Some(port) => pool.take_exactly(port),
        };
        let a = take(ports[0])?.ok_or(EngineFault::NoPorts)?;
        match take(ports[1]) {
            Ok(Some(b)) => Ok([a, b]),
            outcome => {
                pool.release(a.port);
                Err(outcome.err().map_or(EngineFault::NoPorts, EngineFault::System))
            }
        }
    }

    /// A new stream of ours, or the one that stood there.
    fn outgoing(&self, resume: Option<Standing>) -> Result<Outgoing, EngineFault> {
        if let Some(ours) = resume.and_then(|standing| standing.ours) {
            return Ok(Outgoing::resume_at(ours));
        }
        let mut random = [0; 10];
        let drawn = self.random.fill(&mut random);
        drawn.map_err(|_| io::Error::other("the system gives no random numbers"))?;
        Ok(Outgoing::new(random))
    }

    fn least_loaded(&self, table: &HashMap<ChannelId, Entry>) -> usize {
        let mut load = vec![0usize; self.threads.len()];
        table.values().for_each(|entry| load[entry.thread] += 1);
        (0..load.len()).min_by_key(|&thread| load[thread]).unwrap_or(0)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for thread in &self.threads {
            // When the queue is full the thread ends with the last sender, dropped next.
            let _ = thread.order(Order::Stop);
        }
    }
}

impl Thread {
    fn start(
        number: usize,
        config: &EngineConfig,
        clock: Clock,
        reports: Reports,
        pool: Arc<Mutex<PortPool>>,
    ) -> io::Result<Thread> {
        let (poll, bell) = Worker::watch()?;
        let (orders, queue) = sync_channel(QUEUE);
        let cpu = Arc::new(AtomicU64::new(0));
        let EngineConfig { report_every, silence_after, .. } = *config;
        let worker = Worker {
            poll,
            bell: bell.clone(),
            orders: queue,
            clock,
            around: Surroundings { reports, report_every, silence_after },
            pool,
            cpu: cpu.clone(),
            channels: Channels::default(),
            inserts: false,
            mixers: Mixers::default(),
            expected: HashMap::new(),
        };
        std::thread::Builder::new().name(format!("media-{number}")).spawn(move || worker.run())?;
        Ok(Thread { orders, bell, cpu })
    }

    pub(super) fn order(&self, order: Order) -> Result<(), EngineFault> {
        let sent = self.orders.try_send(order);
        self.bell.ring();
        sent.map_err(|refused| match refused {
            TrySendError::Full(_) => EngineFault::Overloaded,
            TrySendError::Disconnected(_) => EngineFault::Stopped,
        })
    }
}

/// Only a key that differs makes a new session: a key used anew would use its indices anew.
fn rekey<T>(
    old: Option<&SrtpKey>,
    new: Option<&SrtpKey>,
    make: impl FnOnce(&SrtpKey) -> Result<T, EngineFault>,
) -> Result<Rekey<T>, EngineFault> {
    Ok(match (old, new) {
        (_, None) => Rekey::Clear,
        (Some(old), Some(new)) if old == new => Rekey::Keep,
        (_, Some(new)) => Rekey::Take(make(new)?),
    })
}

fn inbound(key: &SrtpKey, resume: Option<Standing>) -> Result<Inbound, EngineFault> {
    let mut inbound = Inbound::new(key)?;
    if let Some(peer) = resume.and_then(|standing| standing.peer) {
        inbound.restore(peer);
    }
    Ok(inbound)
}

fn outbound(key: &SrtpKey, resume: Option<Standing>) -> Result<Outbound, EngineFault> {
    let mut outbound = Outbound::new(key)?;
    if let Some(ours) = resume.and_then(|standing| standing.ours) {
        outbound.restore(ours, ours.sequence.wrapping_add(SKIP))?;
    }
    Ok(outbound)
}

fn check(channel: ChannelId, flow: &Flow) -> Result<(), EngineFault> {
    let numbers = [
        ("send_pt", Some(flow.send_pt)),
        ("recv_pt", Some(flow.recv_pt)),
        ("dtmf_send_pt", flow.dtmf_send_pt),
        ("dtmf_recv_pt", flow.dtmf_recv_pt),
        ("noise_send_pt", flow.noise_send_pt),
        ("noise_recv_pt", flow.noise_recv_pt),
    ];
    // RFC 5761 §4: 64-95 would be taken for RTCP.
    let allowed = |number: u8| number < 64 || (96..128).contains(&number);
    for (field, number) in numbers {
        if let Some(got) = number.filter(|&number| !allowed(number)) {
            return Err(EngineFault::BadFlow { channel, field, got, expected: "0-63 or 96-127" });
        }
    }
    Ok(())
}

//! Which links there are, and the way to each.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kirkwall_core::dect::base_link::ToBase;
use kirkwall_core::dect::base_link::session::LinkNo;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Limits, count};

/// What a link is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Send this.
    Say(u32, ToBase),
    /// Close once everything is out.
    Close,
}

/// One link in the table.
#[derive(Debug)]
struct Line {
    orders: mpsc::Sender<Order>,
    cut: CancellationToken,
}

#[derive(Debug, Default)]
struct Seats {
    all: usize,
    strangers: usize,
    by_source: HashMap<IpAddr, usize>,
}

/// All links of this switch. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Links {
    pub(super) limits: Arc<Limits>,
    lines: Arc<Mutex<HashMap<LinkNo, Line>>>,
    seats: Arc<Mutex<Seats>>,
    next: Arc<AtomicU64>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Links {
    /// None yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits: Arc::new(limits),
            lines: Arc::default(),
            seats: Arc::default(),
            next: Arc::new(AtomicU64::new(1)),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Sends a word as frame number `seq`. Never blocks. A link whose queue is full is cut, and reported as
    /// gone; one that is gone already takes nothing.
    pub fn send(&self, link: LinkNo, seq: u32, word: ToBase) {
        self.order(link, Order::Say(seq, word));
    }

    /// Closes a link once what was sent is out.
    pub fn close(&self, link: LinkNo) {
        self.order(link, Order::Close);
    }

    /// How many links are admitted.
    pub fn count(&self) -> usize {
        locked(&self.lines).len()
    }

    /// Accepts no more, and closes every link; waits a while for their last words.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        // What is left after that is dropped with the runtime.
        let _ = tokio::time::timeout(self.limits.shutdown, self.tasks.wait()).await;
    }

    fn order(&self, link: LinkNo, order: Order) {
        let lines = locked(&self.lines);
        let Some(line) = lines.get(&link) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = line.orders.try_send(order) {
            count("queue");
            line.cut.cancel();
        }
    }

    /// A seat for a connection from there, or the limit that is reached.
    pub(super) fn admit(&self, source: IpAddr) -> Result<Seat, &'static str> {
        let mut seats = locked(&self.seats);
        let source = source.to_canonical();
        let of_source = seats.by_source.get(&source).copied().unwrap_or(0);
        match () {
            () if seats.all >= self.limits.links => return Err("links"),
            () if of_source >= self.limits.per_source => return Err("per_source"),
            () if seats.strangers >= self.limits.strangers => return Err("strangers"),
            () => {}
        }
        seats.all += 1;
        seats.strangers += 1;
        *seats.by_source.entry(source).or_default() += 1;
        Ok(Seat { seats: self.seats.clone(), source, is_stranger: true })
    }

    /// A number for a link that is admitted, and what it is to do.
    pub(super) fn enter(&self, seat: &mut Seat) -> Entry {
        seat.known();
        let number = LinkNo(self.next.fetch_add(1, Ordering::Relaxed));
        let (orders, inbox) = mpsc::channel(self.limits.queue);
        let cut = CancellationToken::new();
        locked(&self.lines).insert(number, Line { orders, cut: cut.clone() });
        Entry { number, inbox, cut, lines: self.lines.clone() }
    }
}

/// A place for one connection; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Mutex<Seats>>,
    source: IpAddr,
    is_stranger: bool,
}

impl Seat {
    fn known(&mut self) {
        if std::mem::take(&mut self.is_stranger) {
            locked(&self.seats).strangers -= 1;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.known();
        let mut seats = locked(&self.seats);
        seats.all -= 1;
        if let Some(count) = seats.by_source.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                seats.by_source.remove(&self.source);
            }
        }
    }
}

/// A link in the table; leaves it when it is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: LinkNo,
    pub(super) inbox: mpsc::Receiver<Order>,
    pub(super) cut: CancellationToken,
    lines: Arc<Mutex<HashMap<LinkNo, Line>>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        locked(&self.lines).remove(&self.number);
    }
}

/// What a connection from one address is called in the log.
pub(super) fn source(remote: SocketAddr) -> IpAddr {
    remote.ip().to_canonical()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

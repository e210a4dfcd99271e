//! The connection table: who is connected, and which connection a message may take.
//!
//! A connection is found by its id, by the address it goes to, or by an alias (RFC 5923). Messages are
//! queued under the table's lock, so that after a connection has left the table none can be added to its
//! queue and be forgotten there.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use kirkwall_core::sip::wire::Message;
use kirkwall_core::sip::{ConnectionId, Destination, Facing, Transport};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Limits, SendFault};

/// Most aliases one connection may have; more are ignored.
const MAX_ALIASES: usize = 4;

/// A message on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Its bytes.
    pub bytes: Bytes,
    /// The message itself, to give back when it cannot be sent.
    pub message: Message,
    /// Where it goes.
    pub to: Destination,
}

/// What waits in a connection's queue.
#[derive(Debug)]
pub(super) enum Item {
    /// A message.
    Message(Box<Outgoing>),
    /// The answer to a keep-alive.
    Pong,
}

/// The sending end of a connection's queue.
#[derive(Debug, Clone)]
pub(super) struct Line {
    queue: mpsc::Sender<Item>,
    bytes: Arc<AtomicUsize>,
    max_bytes: usize,
    /// Ends the connection.
    cut: CancellationToken,
}

impl Line {
    fn push(&self, outgoing: Outgoing) -> Result<(), Box<Outgoing>> {
        let length = outgoing.bytes.len();
        if self.bytes.fetch_add(length, Ordering::Relaxed) + length > self.max_bytes {
            self.bytes.fetch_sub(length, Ordering::Relaxed);
            return Err(Box::new(outgoing));
        }
        self.queue.try_send(Item::Message(Box::new(outgoing))).map_err(|refused| {
            self.bytes.fetch_sub(length, Ordering::Relaxed);
            match refused.into_inner() {
                Item::Message(outgoing) => outgoing,
                Item::Pong => unreachable!("a message was offered"),
            }
        })
    }

    /// Waits until the connection is to end at once.
    pub async fn is_cut(&self) {
        self.cut.cancelled().await;
    }

    /// Answers a keep-alive; when the queue is full the peer sees traffic anyway.
    pub fn pong(&self) {
        let _ = self.queue.try_send(Item::Pong);
    }
}

/// The receiving end of a connection's queue.
#[derive(Debug)]
pub(super) struct Inbox {
    queue: mpsc::Receiver<Item>,
    bytes: Arc<AtomicUsize>,
}

impl Inbox {
    /// Waits for words and takes as many as there are, up to `most`. Cancel-safe.
    pub async fn take(&mut self, into: &mut Vec<Item>, most: usize) -> usize {
        let before = into.len();
        let count = self.queue.recv_many(into, most).await;
        self.release(&into[before..]);
        count
    }

    /// Closes the queue and takes what is left.
    pub fn close(&mut self) -> Vec<Item> {
        self.queue.close();
        let left: Vec<_> = std::iter::from_fn(|| self.queue.try_recv().ok()).collect();
        self.release(&left);
        left
    }

    fn release(&self, items: &[Item]) {
        let length = |item: &Item| match item {
            Item::Message(outgoing) => outgoing.bytes.len(),
            Item::Pong => 0,
        };
        self.bytes.fetch_sub(items.iter().map(length).sum(), Ordering::Relaxed);
    }
}

/// A connection's place in the table; dropping it leaves the table.
#[derive(Debug)]
pub(super) struct Seat {
    pub id: ConnectionId,
    table: Arc<Table>,
    /// The source it counts against; none for connections of ours.
    source: Option<IpAddr>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inner = self.table.lock();
        inner.remove(self.id);
        match self.source {
            None => inner.opened -= 1,
            Some(source) => {
                inner.accepted -= 1;
                if let Some(count) = inner.per_source.get_mut(&source) {
                    *count -= 1;
                    if *count == 0 {
                        inner.per_source.remove(&source);
                    }
                }
            }
        }
    }
}

/// A connection that must be opened, with the queue of what waits for it.
#[derive(Debug)]
pub(super) struct Opening {
    pub seat: Seat,
    pub inbox: Inbox,
    pub line: Line,
    pub to: Destination,
    pub stop: CancellationToken,
}

/// Where a connection leads.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub facing: Facing,
    pub transport: Transport,
    pub remote: SocketAddr,
}

impl Route {
    pub fn to(destination: &Destination) -> Self {
        Self { facing: destination.facing, transport: destination.transport, remote: destination.address }
    }

    fn key(&self) -> Key {
        (self.facing, self.transport, self.remote)
    }
}

type Key = (Facing, Transport, SocketAddr);

#[derive(Debug)]
struct Entry {
    line: Line,
    keys: Vec<Key>,
    /// For whom we opened it; none when it was accepted.
    opened_for: Option<Option<String>>,
    /// Names its far end has proved.
    names: Vec<String>,
}

impl Entry {
    /// Whether a message for `to`, which has no connection of its own, may take this one.
    fn suits(&self, to: &Destination, is_alias: bool) -> bool {
        let proved = |name: &str| self.names.iter().any(|n| n.eq_ignore_ascii_case(name));
        match (&self.opened_for, &to.server_name) {
            // Opened by us, so the far end has proved whatever it had to prove then.
            (Some(_), None) => true,
            (Some(name), wanted) => name == wanted,
            // RFC 5923 §8.2: the identities in the certificate decide, not what the Via claims.
            (None, Some(wanted)) => proved(wanted),
            (None, None) => !is_alias || proved(&to.address.ip().to_string()),
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    connections: HashMap<ConnectionId, Entry>,
    by_address: HashMap<Key, Vec<ConnectionId>>,
    accepted: usize,
    opened: usize,
    per_source: HashMap<IpAddr, usize>,
    closed: bool,
}

impl Inner {
    fn next_id(&mut self) -> ConnectionId {
        self.last += 1;
        ConnectionId(self.last)
    }

    fn find(&self, to: &Destination) -> Option<&Entry> {
        let named = to.connection.and_then(|id| self.connections.get(&id));
        named.or_else(|| {
            let key = Route::to(to).key();
            let candidates = self.by_address.get(&key)?.iter().filter_map(|id| self.connections.get(id));
            // The first key is where a connection leads; the others are aliases.
            candidates.rev().find(|entry| entry.suits(to, entry.keys.first() != Some(&key)))
        })
    }

    fn index(&mut self, id: ConnectionId, key: Key) {
        self.by_address.entry(key).or_default().push(id);
    }

    /// No longer found by address; its id still works.
    fn retire(&mut self, id: ConnectionId) {
        let keys = self.connections.get_mut(&id).map(|e| std::mem::take(&mut e.keys)).unwrap_or_default();
        for key in keys {
            if let Some(ids) = self.by_address.get_mut(&key) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.by_address.remove(&key);
                }
            }
        }
    }

    fn remove(&mut self, id: ConnectionId) {
        self.retire(id);
        self.connections.remove(&id);
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    limits: Limits,
    inner: Mutex<Inner>,
}

impl Table {
    /// `first` begins the ids. A record may hold the id of a connection of a former life of this node, so
    /// it must be above all that were given out then.
    pub fn new(limits: Limits, first: u64) -> Arc<Self> {
        let inner = Inner { last: first, ..Inner::default() };
        Arc::new(Self { limits, inner: Mutex::new(inner) })
    }

    /// A seat for a connection from `source`, or the label of the limit that forbids it.
    pub fn admit(self: &Arc<Self>, source: IpAddr) -> Result<Seat, &'static str> {
        let mut inner = self.lock();
        if inner.closed {
            return Err("shutdown");
        }
        if inner.accepted >= self.limits.accepted {
            return Err("too_many_connections");
        }
        let held = inner.per_source.entry(source).or_default();
        if *held >= self.limits.per_source {
            return Err("too_many_of_one_source");
        }
        *held += 1;
        inner.accepted += 1;
        Ok(Seat { id: inner.next_id(), table: self.clone(), source: Some(source) })
    }

    /// Makes an accepted connection known.
    pub fn enter(&self, seat: &Seat, route: &Route, names: &[String]) -> (Line, Inbox) {
        let (line, inbox) = self.queue();
        let names = names.to_vec();
        let entry = Entry { line: line.clone(), keys: vec![route.key()], opened_for: None, names };
        let mut inner = self.lock();
        inner.index(seat.id, route.key());
        inner.connections.insert(seat.id, entry);
        (line, inbox)
    }

    /// Queues a message for the connection it shall take. When there is none yet, a new one enters the
    /// table with the message in its queue, and the caller opens it.
    pub fn enqueue(
        self: &Arc<Self>,
        outgoing: Outgoing,
        stop: &CancellationToken,
    ) -> Result<Option<Opening>, (Box<Outgoing>, SendFault)> {
        let mut inner = self.lock();
        if inner.closed {
            return Err((Box::new(outgoing), SendFault::NotNow("shutting down")));
        }
        if let Some(entry) = inner.find(&outgoing.to) {
            let full = SendFault::NotNow("the connection's queue is full");
            return entry.line.push(outgoing).map(|()| None).map_err(|refused| (refused, full));
        }
        if inner.opened >= self.limits.opened {
            return Err((Box::new(outgoing), SendFault::NotNow("too many connections opened")));
        }
        let (to, route) = (outgoing.to.clone(), Route::to(&outgoing.to));
        let (line, inbox) = self.queue();
        line.push(outgoing).map_err(|refused| (refused, SendFault::NotNow("larger than a whole queue")))?;
        let opened_for = Some(to.server_name.clone());
        let names = Vec::new();
        let id = inner.next_id();
        inner.opened += 1;
        inner.index(id, route.key());
        inner
            .connections
            .insert(id, Entry { line: line.clone(), keys: vec![route.key()], opened_for, names });
        let seat = Seat { id, table: self.clone(), source: None };
        Ok(Some(Opening { seat, inbox, line, to, stop: stop.child_token() }))
    }

    /// Lets requests for `address` take this connection.
    pub fn alias(&self, id: ConnectionId, facing: Facing, transport: Transport, address: SocketAddr) {
        let key = (facing, transport, address);
        let mut inner = self.lock();
        let Some(entry) = inner.connections.get_mut(&id) else { return };
        if entry.keys.is_empty() || entry.keys.len() > MAX_ALIASES || entry.keys.contains(&key) {
            return;
        }
        entry.keys.push(key);
        inner.index(id, key);
    }

    /// No longer found by address; its id still works, so that a last answer can be written.
    pub fn retire(&self, id: ConnectionId) {
        self.lock().retire(id);
    }

    /// Ends a connection without a last word; one that is gone already is left in peace.
    pub fn cut(&self, id: ConnectionId) {
        if let Some(entry) = self.lock().connections.get(&id) {
            entry.line.cut.cancel();
        }
    }

    /// Refuses everything from here on.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    /// Accepted and opened connections, handshakes included.
    #[cfg(test)]
    pub fn count(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.accepted, inner.opened)
    }

    fn queue(&self) -> (Line, Inbox) {
        let (sender, receiver) = mpsc::channel(self.limits.queue);
        let bytes = Arc::new(AtomicUsize::new(0));
        let (max_bytes, cut) = (self.limits.queue_bytes, CancellationToken::new());
        let line = Line { queue: sender, bytes: bytes.clone(), max_bytes, cut };
        (line, Inbox { queue: receiver, bytes })
    }

    /// A panic elsewhere leaves the table whole: every change is a few plain moves.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use kirkwall_core::sip::wire::Method;

    use super::*;

    fn outgoing(address: &str, server_name: Option<&str>, connection: Option<ConnectionId>) -> Outgoing {
        let message = Message::request(Method::Options, "sip:a@b");
        let to = Destination {
            transport: Transport::Tls,
            address: address.parse().unwrap(),
            facing: Facing::North,
            connection,
            server_name: server_name.map(str::to_owned),
        };
        Outgoing { bytes: message.encode(), message, to }
    }

    fn table() -> (Arc<Table>, CancellationToken) {
        (Table::new(Limits { queue: 8, per_source: 2, ..Limits::default() }, 1_000), CancellationToken::new())
    }

    fn accepted(table: &Arc<Table>, remote: &str, names: &[&str]) -> (Seat, Inbox) {
        let remote: SocketAddr = remote.parse().unwrap();
        let seat = table.admit(remote.ip()).unwrap();
        let route = Route { facing: Facing::North, transport: Transport::Tls, remote };
        let names: Vec<_> = names.iter().map(|n| (*n).to_owned()).collect();
        let (_, inbox) = table.enter(&seat, &route, &names);
        (seat, inbox)
    }

    #[test]
    fn a_second_message_takes_the_connection_that_is_being_opened() {
        let (table, stop) = table();
        let mut opening = table.enqueue(outgoing("10.0.0.1:5061", Some("a"), None), &stop).unwrap().unwrap();
        assert!(table.enqueue(outgoing("10.0.0.1:5061", Some("a"), None), &stop).unwrap().is_none());
        assert!(table.enqueue(outgoing("10.0.0.1:5061", None, None), &stop).unwrap().is_none());
        let other = table.enqueue(outgoing("10.0.0.1:5061", Some("b"), None), &stop).unwrap();
        assert!(other.is_some(), "another name is another trust");
        assert_eq!(opening.inbox.close().len(), 3);
        drop(opening);
        drop(other);
        assert_eq!(table.count(), (0, 0));
        assert!(table.lock().by_address.is_empty());
    }

    #[test]
    fn a_named_connection_is_taken_wherever_it_leads_and_replaced_when_gone() {
        let (table, stop) = table();
        let (seat, mut inbox) = accepted(&table, "10.0.0.2:40000", &[]);
        let id = Some(seat.id);
        assert!(table.enqueue(outgoing("10.9.9.9:5061", Some("x"), id), &stop).unwrap().is_none());
        assert_eq!(inbox.close().len(), 1);
        drop(seat);
        assert!(table.enqueue(outgoing("10.9.9.9:5061", Some("x"), id), &stop).unwrap().is_some());
    }

    #[test]
    fn an_alias_is_worth_what_its_certificate_proves() {
        let (table, stop) = table();
        let (seat, mut inbox) = accepted(&table, "10.0.0.2:40000", &["sba.example.com"]);
        let alias = "10.0.0.2:5061";
        table.alias(seat.id, Facing::North, Transport::Tls, alias.parse().unwrap());
        assert!(table.enqueue(outgoing(alias, Some("SBA.example.com"), None), &stop).unwrap().is_none());
        assert!(table.enqueue(outgoing(alias, Some("pool.example.com"), None), &stop).unwrap().is_some());
        let (_bare, _inbox) = accepted(&table, "10.0.0.2:40001", &[]);
        assert_eq!(inbox.close().len(), 1);
        for port in 1..20 {
            let address = SocketAddr::new("10.0.0.2".parse().unwrap(), port);
            table.alias(seat.id, Facing::North, Transport::Tls, address);
        }
        assert_eq!(table.lock().connections[&seat.id].keys.len(), 1 + MAX_ALIASES);
    }

    #[test]
    fn a_retired_connection_still_takes_answers_by_its_id() {
        let (table, stop) = table();
        let (seat, mut inbox) = accepted(&table, "10.0.0.2:40000", &[]);
        table.retire(seat.id);
        assert!(table.enqueue(outgoing("10.0.0.2:40000", None, Some(seat.id)), &stop).unwrap().is_none());
        assert!(table.enqueue(outgoing("10.0.0.2:40000", None, None), &stop).unwrap().is_some());
        assert_eq!(inbox.close().len(), 1);
    }

    #[test]
    fn a_source_has_its_share_and_gets_it_back() {
        let (table, _) = table();
        let ip = "10.0.0.3".parse().unwrap();
        let seats = (table.admit(ip).unwrap(), table.admit(ip).unwrap());
        assert_eq!(table.admit(ip).unwrap_err(), "too_many_of_one_source");
        assert!(table.admit("10.0.0.4".parse().unwrap()).is_ok());
        drop(seats);
        assert!(table.admit(ip).is_ok());
        assert!(table.lock().per_source.is_empty());
    }

    #[test]
    fn a_queue_is_bounded_in_messages_and_in_bytes() {
        let (table, stop) = table();
        let mut opening = table.enqueue(outgoing("10.0.0.1:5061", None, None), &stop).unwrap().unwrap();
        for _ in 0..7 {
            assert!(table.enqueue(outgoing("10.0.0.1:5061", None, None), &stop).unwrap().is_none());
        }
        let (_, fault) = table.enqueue(outgoing("10.0.0.1:5061", None, None), &stop).unwrap_err();
        assert!(matches!(fault, SendFault::NotNow(_)));
        assert_eq!(opening.inbox.close().len(), 8);
        assert_eq!(opening.inbox.bytes.load(Ordering::Relaxed), 0);

        let (table, stop) = (Table::new(Limits { queue_bytes: 200, ..Limits::default() }, 1), stop);
        let mut big = outgoing("10.0.0.1:5061", None, None);
        big.bytes = Bytes::from(vec![0; 150]);
        let _opening = table.enqueue(big, &stop).unwrap().unwrap();
        let mut big = outgoing("10.0.0.1:5061", None, None);
        big.bytes = Bytes::from(vec![0; 150]);
        assert!(table.enqueue(big, &stop).is_err());
    }
}

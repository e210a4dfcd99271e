//! An endpoint: the sockets of one emulated machine, its transactions and the mailboxes of its dialogs.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::{Client, ClientTransaction};
use super::config::{EndpointConfig, Listening};
use super::flow::{self, Flows};
use super::guard::Guard;
use super::server::{Server, ServerTransaction};
use super::{Failure, Hop, Message, Transport, fresh_token};

/// T1 of RFC 3261 §17.1.1.1: an estimate of the round trip.
pub const T1: Duration = Duration::from_millis(500);
/// T2: the longest interval between retransmissions.
pub const T2: Duration = Duration::from_secs(4);
/// 64·T1: how long a transaction waits, and how long its answer is kept (timers B, F, H, J).
pub const PATIENCE: Duration = Duration::from_secs(32);
/// Most transactions of each side that are kept.
pub(super) const MAX_TRANSACTIONS: usize = 100_000;
/// Most dialogs with a mailbox.
const MAX_DIALOGS: usize = 20_000;
/// Most requests that wait for the endpoint's owner.
const MAILBOX: usize = 1_024;
/// Most requests that wait for a dialog's owner.
const DIALOG_MAILBOX: usize = 32;

/// A request that arrived: for the owner of the endpoint, or of the dialog.
pub struct Incoming {
    /// The request, its top Via completed with `received` and `rport`.
    pub request: Message,
    /// The way back to its sender.
    pub hop: Hop,
    /// Its transaction; none for ACK.
    pub server: Option<ServerTransaction>,
}

/// See the module. Cheap to clone; all clones are one endpoint.
#[derive(Clone)]
pub struct Endpoint(pub(super) Arc<Shared>);

pub(super) struct Shared {
    listening: Listening,
    advertise: Option<IpAddr>,
    udp: Option<UdpSocket>,
    tls_client: Option<Arc<rustls::ClientConfig>>,
    pub(super) forwards: bool,
    pub(super) guard: Option<Arc<dyn Guard>>,
    pub(super) hosts: Vec<(String, SocketAddr)>,
    pub(super) swallows_pings: bool,
    /// Hears nothing and says nothing, with its sockets open.
    muted: AtomicBool,
    flows: Flows,
    pub(super) clients: Mutex<HashMap<String, Client>>,
    pub(super) servers: Mutex<HashMap<String, Server>>,
    /// By Call-ID and local tag.
    pub(super) dialogs: Mutex<HashMap<(String, String), mpsc::Sender<Incoming>>>,
    /// All wait equally long, so the oldest is in front.
    expiring: Mutex<VecDeque<(Instant, Expired)>>,
    pub(super) mailbox: mpsc::Sender<Incoming>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What the reaper removes.
pub(super) enum Expired {
    Client(String),
    Server(String),
}

impl Endpoint {
    /// Binds and serves. Requests outside dialogs come out of the receiver; when it is full they are
    /// answered with 503.
    ///
    /// # Errors
    /// When a socket cannot be bound.
    pub async fn start(config: EndpointConfig) -> Result<(Self, mpsc::Receiver<Incoming>), Failure> {
        let bind = |what: &str, at: SocketAddr| format!("binding {what} {at}");
        let mut listening = Listening::default();
        let (mut udp, mut tcp, mut tls) = (None, None, None);
        if let Some(at) = config.udp {
            let socket = UdpSocket::bind(at).await.map_err(|e| Failure::io(bind("udp", at), e))?;
            listening.udp = socket.local_addr().ok();
            udp = Some(socket);
        }
        if let Some(at) = config.tcp {
            let listener = TcpListener::bind(at).await.map_err(|e| Failure::io(bind("tcp", at), e))?;
            listening.tcp = listener.local_addr().ok();
            tcp = Some(listener);
        }
        if let Some((at, server)) = config.tls {
            let listener = TcpListener::bind(at).await.map_err(|e| Failure::io(bind("tls", at), e))?;
            listening.tls = listener.local_addr().ok();
            tls = Some((listener, TlsAcceptor::from(server)));
        }
        let (mailbox, requests) = mpsc::channel(MAILBOX);
        let endpoint = Self(Arc::new(Shared {
            listening,
            advertise: config.advertise,
            udp,
            tls_client: config.tls_client,
            forwards: config.forwards_stray_responses,
            guard: config.guard,
            hosts: config.hosts,
            swallows_pings: config.swallows_pings,
            muted: AtomicBool::new(false),
            flows: Flows::default(),
            clients: Mutex::default(),
            servers: Mutex::default(),
            dialogs: Mutex::default(),
            expiring: Mutex::default(),
            mailbox,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }));
        endpoint.serve(tcp, tls);
        Ok((endpoint, requests))
    }

    fn serve(&self, tcp: Option<TcpListener>, tls: Option<(TcpListener, TlsAcceptor)>) {
        if self.0.udp.is_some() {
            self.spawn(self.clone().read_datagrams());
        }
        if let Some(listener) = tcp {
            self.spawn(flow::accept(self.clone(), listener, None));
        }
        if let Some((listener, acceptor)) = tls {
            self.spawn(flow::accept(self.clone(), listener, Some(acceptor)));
        }
        self.spawn(self.clone().reap());
    }

    /// Closes every socket and waits for the tasks, at most five seconds.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(Duration::from_secs(5), self.0.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.0.tasks.len(), "endpoint stopped with tasks that did not end");
        }
        locked(&self.0.dialogs).clear();
    }

    /// The bound addresses.
    pub fn listening(&self) -> Listening {
        self.0.listening
    }

    /// Cancelled when the endpoint stops.
    pub fn stop_token(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Hears nothing and says nothing from now on, with its sockets open, as a machine that hangs; or
    /// wakes again.
    pub fn mute(&self, muted: bool) {
        self.0.muted.store(muted, Ordering::Relaxed);
    }

    pub(super) fn is_muted(&self) -> bool {
        self.0.muted.load(Ordering::Relaxed)
    }

    /// Runs a task that ends with the endpoint.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            // The task sees the stop first and says its last words; what hangs is cut off.
            tokio::pin!(task);
            if stop.run_until_cancelled(&mut task).await.is_none() {
                let _ = tokio::time::timeout(Duration::from_secs(2), task).await;
            }
        });
    }

    /// A mailbox for requests within a dialog, until [`Self::close_dialog`].
    ///
    /// # Errors
    /// When there are too many dialogs.
    pub fn open_dialog(&self, call_id: &str, local_tag: &str) -> Result<mpsc::Receiver<Incoming>, Failure> {
        let (mailbox, requests) = mpsc::channel(DIALOG_MAILBOX);
        let mut dialogs = locked(&self.0.dialogs);
        if dialogs.len() >= MAX_DIALOGS {
            return Err(Failure::Full("the table of dialogs"));
        }
        dialogs.insert((call_id.to_owned(), local_tag.to_owned()), mailbox);
        Ok(requests)
    }

    /// Ends the mailbox.
    pub fn close_dialog(&self, call_id: &str, local_tag: &str) {
        locked(&self.0.dialogs).remove(&(call_id.to_owned(), local_tag.to_owned()));
    }

    /// Dialogs, client and server transactions that are kept now. Tests see leaks by it.
    pub fn kept(&self) -> (usize, usize, usize) {
        (locked(&self.0.dialogs).len(), locked(&self.0.clients).len(), locked(&self.0.servers).len())
    }

    /// The connection for `hop`, opened when needed; UDP hops come back as they are.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn connect(&self, hop: &Hop) -> Result<Hop, Failure> {
        match hop.transport {
            Transport::Udp => Ok(*hop),
            _ => {
                let (id, flow) = self.0.flows.ensure(self, hop).await?;
                Ok(Hop { connection: Some(id), address: flow.remote, ..*hop })
            }
        }
    }

    /// A token that is cancelled when the hop's connection closes; none for UDP or when it is closed.
    pub fn closed(&self, hop: &Hop) -> Option<CancellationToken> {
        Some(self.0.flows.get(hop.connection?)?.closed)
    }

    /// Our address as the other end of `hop` shall see it: the listener's, else the connection's.
    pub fn local_address(&self, hop: &Hop) -> Option<SocketAddr> {
        let flow = hop.connection.and_then(|id| self.0.flows.get(id));
        let address = self.0.listening.of(hop.transport).or(flow.map(|f| f.local))?;
        match self.0.advertise {
            Some(ip) => Some(SocketAddr::new(ip, address.port())),
            None => Some(address),
        }
    }

    /// Whether a transport and address are ours.
    pub fn is_own(&self, address: SocketAddr) -> bool {
        let own = [self.0.listening.udp, self.0.listening.tcp, self.0.listening.tls];
        own.into_iter().flatten().any(|one| {
            one.port() == address.port()
                && (one.ip() == address.ip()
                    || one.ip().is_unspecified()
                    || self.0.advertise == Some(address.ip()))
        })
    }

    /// Sends a request as a client transaction; its Via is added here.
    ///
    /// # Errors
    /// When the hop cannot be reached or there are too many transactions.
    pub async fn request(&self, mut request: Message, hop: &Hop) -> Result<ClientTransaction, Failure> {
        let hop = self.connect(&self.way_now(&request, hop)).await?;
        let branch = self.add_via(&mut request, &hop)?;
        ClientTransaction::start(self.clone(), request, branch, hop).await
    }

    /// The hop, or the way that stands for it when its connection is gone.
    pub(super) fn way_now(&self, request: &Message, hop: &Hop) -> Hop {
        let gone = hop.connection.is_some() && self.closed(hop).is_none_or(|closed| closed.is_cancelled());
        let guard = self.0.guard.as_ref().filter(|_| gone);
        guard.and_then(|guard| guard.way_to(request)).unwrap_or(*hop)
    }

    /// Sends a request without a transaction (ACK to 2xx); its Via is added here. Returns the octets.
    ///
    /// # Errors
    /// When the hop cannot be reached.
    pub async fn send_once(&self, mut request: Message, hop: &Hop) -> Result<Bytes, Failure> {
        let hop = self.connect(&self.way_now(&request, hop)).await?;
        self.add_via(&mut request, &hop)?;
        let octets = self.seal(&mut request, &hop);
        self.send_raw(octets.clone(), &hop).await?;
        Ok(octets)
    }

    fn add_via(&self, request: &mut Message, hop: &Hop) -> Result<String, Failure> {
        let branch = format!("z9hG4bK{}", fresh_token());
        let local = self.local_address(hop).ok_or(Failure::Stopped)?;
        let via = format!("SIP/2.0/{} {local};branch={branch};rport", hop.transport.via_name());
        request.push_front("Via", via);
        Ok(branch)
    }

    /// Sends octets over a hop.
    ///
    /// # Errors
    /// When the socket refuses.
    pub async fn send_raw(&self, octets: Bytes, hop: &Hop) -> Result<(), Failure> {
        if self.is_muted() {
            return Ok(());
        }
        if hop.transport != Transport::Udp {
            return self.0.flows.ensure(self, hop).await?.1.send(octets);
        }
        let doing = || format!("sending to {hop:?}");
        let socket = self.0.udp.as_ref().ok_or_else(|| Failure::io(doing(), "no UDP socket"))?;
        socket.send_to(&octets, hop.address).await.map(drop).map_err(|e| Failure::io(doing(), e))
    }

    async fn read_datagrams(self) {
        let Some(socket) = self.0.udp.as_ref() else { return };
        let mut buffer = vec![0; 65_536];
        while let Some(read) = self.0.stop.run_until_cancelled(socket.recv_from(&mut buffer)).await {
            // An error here is an ICMP answer to something sent before; the socket lives on.
            let Ok((length, from)) = read else { continue };
            if let Some(octets) = flow::datagram(&buffer[..length]) {
                self.receive(octets, Hop::new(Transport::Udp, from)).await;
            }
        }
    }

    async fn reap(self) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while self.0.stop.run_until_cancelled(tick.tick()).await.is_some() {
            let now = Instant::now();
            loop {
                let due = {
                    let mut expiring = locked(&self.0.expiring);
                    let is_due = expiring.front().is_some_and(|(at, _)| *at <= now);
                    if is_due { expiring.pop_front() } else { None }
                };
                match due {
                    Some((_, Expired::Client(key))) => drop(locked(&self.0.clients).remove(&key)),
                    Some((_, Expired::Server(key))) => drop(locked(&self.0.servers).remove(&key)),
                    None => break,
                }
            }
        }
    }

    pub(super) fn expire(&self, what: Expired) {
        locked(&self.0.expiring).push_back((Instant::now() + PATIENCE, what));
    }

    pub(super) fn add_client(&self, key: &str, client: Client) -> Result<(), Failure> {
        let mut clients = locked(&self.0.clients);
        if clients.len() >= MAX_TRANSACTIONS {
            return Err(Failure::Full("the table of client transactions"));
        }
        clients.insert(key.to_owned(), client);
        Ok(())
    }

    pub(super) fn remove_client(&self, key: &str) {
        locked(&self.0.clients).remove(key);
    }

    pub(super) fn with_server(&self, key: &str, change: impl FnOnce(&mut Server)) {
        if let Some(server) = locked(&self.0.servers).get_mut(key) {
            change(server);
        }
    }

    pub(super) fn flows(&self) -> &Flows {
        &self.0.flows
    }

    pub(super) fn tls_client(&self) -> Option<Arc<rustls::ClientConfig>> {
        self.0.tls_client.clone()
    }
}

/// A lock whose holder cannot have left it half changed: each change here is one call on a collection.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

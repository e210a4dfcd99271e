//! One stream connection from its first byte to its last.
//!
//! ```text
//! socket ──► Codec ──► sink           reader: messages, idleness, slow messages
//! queue  ──► Writer ──► socket        writer: keep-alives, stalled peers
//! ```
//!
//! It ends by the first of: the peer closes, framing is lost, a limit is passed, we shut down. What was
//! queued and not written comes back as failed, then `Closed` is the last that is heard of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use kirkwall_core::sip::wire::{Frame, FrameFault, Message, ParseFault};
use kirkwall_core::sip::{Facing, Peer, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::codec::Decoder;
use tokio_util::sync::CancellationToken;

use super::codec::{Codec, Framed};
use super::fault::count;
use super::table::{Inbox, Line, Route, Seat};
use super::transports::Shared;
use super::writer::Writer;
use super::{Arrival, CloseCause};

/// Room made for each read.
const READ: usize = 4 << 10;
/// A read buffer larger than this is given back when it is empty.
const KEEP: usize = 16 << 10;

/// What both TCP and TLS are.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An established connection.
pub(super) struct Connection {
    pub shared: Arc<Shared>,
    pub seat: Seat,
    pub route: Route,
    pub local: SocketAddr,
    /// Names the far end has proved.
    pub names: Vec<String>,
    /// Whether we opened it.
    pub opened: bool,
    pub line: Line,
    pub stop: CancellationToken,
}

impl Connection {
    /// Serves the stream until it ends.
    pub async fn run(self, stream: Box<dyn Stream>, inbox: Inbox) {
        let _counted = Counted::new(&self.route);
        self.announce();
        let clock = Clock::new();
        let (half, writing) = tokio::io::split(stream);
        let mut writer = Writer::new(writing, inbox, self.shared.limits.clone(), self.opened);
        let mut reader = Reader { connection: &self, clock: &clock, half, peer: self.peer() };
        let cause = tokio::select! {
            cause = reader.run() => cause,
            cause = writer.run(&clock) => cause,
            () = self.stop.cancelled() => CloseCause::Shutdown,
            () = self.line.is_cut() => CloseCause::Distrusted,
        };
        self.last_words(&cause, &mut reader.half, &mut writer, &clock).await;
        self.end(cause, writer).await;
    }

    fn announce(&self) {
        self.shared.arrive(Arrival::Opened { peer: self.peer(), by_us: self.opened });
    }

    fn peer(&self) -> Peer {
        Peer {
            transport: self.route.transport,
            remote: self.route.remote,
            local: self.local,
            facing: self.route.facing,
            connection: Some(self.seat.id),
            tls_names: self.names.clone(),
        }
    }

    /// Lets the answer to broken framing, or to a request whose sender has closed its half, leave.
    async fn last_words(
        &self,
        cause: &CloseCause,
        half: &mut ReadHalf<Box<dyn Stream>>,
        writer: &mut Writer,
        clock: &Clock,
    ) {
        let linger = self.shared.limits.linger;
        self.shared.table.retire(self.seat.id);
        match cause {
            CloseCause::Framing(_) | CloseCause::SlowMessage => {
                // What still comes is read and thrown away: closing a socket with unread bytes resets
                // it, and the reset would overtake our answer. Its end is no reason to stop writing: the
                // peer may have closed its half only.
                let mut nowhere = tokio::io::sink();
                let discard = tokio::io::copy(half, &mut nowhere);
                let both = async { tokio::join!(discard, writer.run(clock)) };
                let _ = timeout(linger, both).await;
            }
            CloseCause::Remote if !self.opened => {
                let _ = timeout(linger, writer.run(clock)).await;
            }
            CloseCause::Shutdown => {
                let _ = timeout(linger, writer.finish()).await;
            }
            _ => {}
        }
    }

    async fn end(self, cause: CloseCause, mut writer: Writer) {
        let Self { shared, seat, route, .. } = self;
        let connection = seat.id;
        // From here on nobody can add to the queue.
        drop(seat);
        for outgoing in writer.unsent() {
            shared.failed(outgoing, super::SendFault::Closed(cause.clone()));
        }
        if cause.is_error() {
            count(cause.label());
        }
        tracing::debug!(?connection, remote = %route.remote, %cause, "SIP connection closed");
        let Route { facing, transport, remote } = route;
        shared.arrive(Arrival::Closed { connection, facing, transport, remote, cause });
        let _ = timeout(Duration::from_secs(1), writer.close()).await;
    }
}

/// The gauge of connections, kept true whatever happens.
struct Counted(metrics::Gauge);

impl Counted {
    fn new(route: &Route) -> Self {
        let facing = if route.facing == Facing::North { "north" } else { "south" };
        let gauge = metrics::gauge!("ipdect_sip_connections",
            "facing" => facing, "transport" => route.transport.uri_name());
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// What reader and writer know of each other, in milliseconds since the connection began.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    received: AtomicU64,
    sent: AtomicU64,
    /// Last SIP message, either direction; keep-alives do not count.
    message: AtomicU64,
    ping_waits: AtomicBool,
    /// Whether the peer has ever answered a keep-alive.
    answers: AtomicBool,
}

impl Clock {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            message: AtomicU64::new(0),
            ping_waits: AtomicBool::new(false),
            answers: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn at(&self, millis: &AtomicU64) -> Instant {
        self.began + Duration::from_millis(millis.load(Ordering::Relaxed))
    }

    fn heard(&self) {
        self.received.store(self.now(), Ordering::Relaxed);
    }

    fn heard_message(&self) {
        self.message.store(self.now(), Ordering::Relaxed);
    }

    fn heard_pong(&self) {
        if self.ping_waits.swap(false, Ordering::Relaxed) {
            self.answers.store(true, Ordering::Relaxed);
        }
    }

    /// Something was written; `messages` when it was more than keep-alives.
    pub fn said(&self, messages: bool) {
        self.sent.store(self.now(), Ordering::Relaxed);
        if messages {
            self.message.store(self.now(), Ordering::Relaxed);
        }
    }

    /// A keep-alive is on its way. The moment is as coarse as those of reading, so that an answer within
    /// the same millisecond is not taken for one before.
    pub fn pinged(&self) -> Instant {
        self.ping_waits.store(true, Ordering::Relaxed);
        self.said(false);
        self.last_sent()
    }

    /// When something was last read, cut to milliseconds.
    pub fn last_received(&self) -> Instant {
        self.at(&self.received)
    }

    /// When something was last written, cut to milliseconds.
    pub fn last_sent(&self) -> Instant {
        self.at(&self.sent)
    }

    /// Whether the peer has ever answered a keep-alive.
    pub fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }
}

struct Reader<'a> {
    connection: &'a Connection,
    clock: &'a Clock,
    half: ReadHalf<Box<dyn Stream>>,
    peer: Peer,
}

impl Reader<'_> {
    async fn run(&mut self) -> CloseCause {
        let limits = &self.connection.shared.limits;
        let (mut codec, mut buffer) = (Codec::default(), BytesMut::new());
        let mut begun: Option<Instant> = None;
        loop {
            if self.clock.ping_waits.load(Ordering::Relaxed) {
                codec.expect_pong();
            }
            while let Ok(Some(frame)) = codec.decode(&mut buffer) {
                begun = None;
                if let Some(cause) = self.take(frame) {
                    return cause;
                }
            }
            begun = codec.is_amid_message(&buffer).then(|| begun.unwrap_or_else(Instant::now));
            let deadline = begun.map_or_else(|| self.idle_at(), |at| at + limits.message);
            if buffer.is_empty() && buffer.capacity() > KEEP {
                buffer = BytesMut::new();
            }
            buffer.reserve(READ);
            match timeout_at(deadline, self.half.read_buf(&mut buffer)).await {
                Ok(Ok(0)) => return self.cut_short(codec.finish(&mut buffer), CloseCause::Remote),
                Ok(Ok(_)) => self.clock.heard(),
                Ok(Err(error)) => return CloseCause::from_io(&error),
                Err(_) if begun.is_some() => {
                    return self.cut_short(codec.finish(&mut buffer), CloseCause::SlowMessage);
                }
                Err(_) if self.idle_at() <= Instant::now() => return CloseCause::Idle,
                // Something was sent meanwhile.
                Err(_) => {}
            }
        }
    }

    fn idle_at(&self) -> Instant {
        let limits = &self.connection.shared.limits;
        match self.connection.opened {
            true => self.clock.at(&self.clock.message) + limits.opened_idle,
            false => self.clock.last_received().max(self.clock.last_sent()) + limits.accepted_idle,
        }
    }

    fn take(&self, frame: Framed) -> Option<CloseCause> {
        match frame {
            Ok(Frame::Ping) => self.connection.line.pong(),
            Ok(Frame::Pong) => self.clock.heard_pong(),
            Ok(Frame::Sip(parsed)) => {
                self.clock.heard_message();
                if let Ok(message) = &parsed {
                    self.learn_alias(message);
                }
                self.deliver(parsed);
            }
            Err(fault) => {
                let cause = CloseCause::Framing(fault.reason);
                return Some(self.cut_short(Some(fault), cause));
            }
        }
        None
    }

    /// What could be read of the last message is delivered, so that it can be answered.
    fn cut_short(&self, fault: Option<FrameFault>, cause: CloseCause) -> CloseCause {
        if let Some(FrameFault { reason, fault }) = fault {
            count(reason.as_str());
            self.deliver(Err(fault));
        }
        cause
    }

    fn deliver(&self, parsed: Result<Message, ParseFault>) {
        if parsed.is_err() {
            count("malformed");
        }
        self.connection.shared.arrive(Arrival::Message { parsed, peer: self.peer.clone() });
    }

    /// RFC 5923 §5: `alias` in the topmost Via asks that requests to the sender's listening port take
    /// this connection. §1 limits that to TLS with both ends authenticated.
    fn learn_alias(&self, message: &Message) {
        let Connection { opened, names, route, seat, shared, .. } = self.connection;
        if *opened || names.is_empty() || !message.is_request() {
            return;
        }
        if let Some(via) = message.top_via().filter(|via| via.params.has("alias")) {
            let port = via.port.unwrap_or(Transport::Tls.default_port());
            let address = SocketAddr::new(route.remote.ip(), port);
            shared.table.alias(seat.id, route.facing, route.transport, address);
        }
    }
}

//! The way to a media relay over TCP (\[MS-TURN\] §2.1): a connection of its own for each port of a leg.
//!
//! ```text
//! leg's port ◄──UDP on this machine──► RelayStream ◄──TCP──► relay
//!                                          ▲ messages, greeting, checks
//!                                          ▼
//!                                       the client, in the channel's actor
//! ```
//!
//! Voice goes from the leg's port into the stream and back without passing a mailbox. A stream that is full loses
//! what comes next, as a network would: late voice is of no use, and a buffer that grows only adds delay.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kirkwall_core::id::ChannelId;
use kirkwall_core::media::ice::turn::stream::{Piece, Splitter, wrapped};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpStream, UdpSocket};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;

use super::{Engine, EngineFault, Side};

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Words of the client that may wait for the connection.
const WORDS: usize = 32;
/// Voice that may wait for the stream, in packets: 160 ms of one direction.
const VOICE: usize = 8;
/// Longest datagram that is read.
const LONGEST: usize = 2_048;

/// What happens on the way to a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayHeard {
    /// It is open.
    Open,
    /// The relay sent this, for the client.
    Bytes(Vec<u8>),
    /// It is closed; why.
    Closed(String),
}

/// Takes what is heard. It must not block.
pub type RelayListener = Arc<dyn Fn(RelayHeard) + Send + Sync>;

/// An open way, or one that is being opened. It closes when this is dropped.
pub struct RelayStream {
    at: SocketAddr,
    words: mpsc::Sender<Vec<u8>>,
    task: tokio::task::AbortHandle,
}

impl Engine {
    /// Opens a way to the relay at `server` for a side's RTP or RTCP port (`control`).
    ///
    /// # Errors
    ///
    /// When the channel is not open, or this machine gives no socket.
    pub fn relay_stream(
        &self,
        channel: ChannelId,
        (side, control): (Side, bool),
        server: SocketAddr,
        listener: RelayListener,
    ) -> Result<RelayStream, EngineFault> {
        let ports = self.ports(channel).ok_or(EngineFault::Unknown(channel))?;
        let port = if side == Side::A { ports.a } else { ports.b } + u16::from(control);
        let bind = self.bind();
        let ip = if bind.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { bind };
        let runtime = self.0.streams.handle()?;
        let socket = near_socket(ip, SocketAddr::new(ip, port))?;
        let at = socket.local_addr()?;
        let (words, spoken) = mpsc::channel(WORDS);
        let task = runtime.spawn(async move {
            let why = run(server, socket, spoken, &listener).await.err();
            listener(RelayHeard::Closed(why.map_or_else(|| "the relay closed it".into(), |e| e.to_string())));
        });
        Ok(RelayStream { at, words, task: task.abort_handle() })
    }
}

impl RelayStream {
    /// Where the leg sends what shall go to the relay's active destination, and from where it hears that.
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Sends something of the client. Lost when too much waits: the client notices that no answer comes.
    pub fn say(&self, bytes: Vec<u8>) {
        let _ = self.words.try_send(bytes);
    }
}

impl Drop for RelayStream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The thread that moves streams; it starts with the first.
#[derive(Default)]
pub(super) struct Streams(Mutex<Option<Runtime>>);

impl Streams {
    fn handle(&self) -> io::Result<Handle> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = match &mut *runtime {
            Some(runtime) => runtime,
            none => {
                let builder = &mut Builder::new_multi_thread();
                none.insert(builder.worker_threads(1).thread_name("relay-streams").enable_all().build()?)
            }
        };
        Ok(runtime.handle().clone())
    }
}

impl Drop for Streams {
    /// Whoever drops the engine last shall not wait for streams.
    fn drop(&mut self) {
        let runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        runtime.into_iter().for_each(Runtime::shutdown_background);
    }
}

fn near_socket(ip: IpAddr, leg: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = std::net::UdpSocket::bind((ip, 0))?;
    // Nobody else on this machine shall speak in the leg's place.
    socket.connect(leg)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

async fn run(
    server: SocketAddr,
    near: std::net::UdpSocket,
    mut spoken: mpsc::Receiver<Vec<u8>>,
    listener: &RelayListener,
) -> io::Result<()> {
    let near = Arc::new(UdpSocket::from_std(near)?);
    let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(server)).await;
    let stream = connected.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it does not answer"))??;
    stream.set_nodelay(true)?;
    let (far, mut out) = stream.into_split();
    listener(RelayHeard::Open);
    let mut reading = std::pin::pin!(read(far, near.clone(), listener.clone()));
    let (mut queue, mut voice, mut sent) = (VecDeque::<Vec<u8>>::new(), 0, 0);
    let mut buffer = [0; LONGEST];
    loop {
        tokio::select! {
            ended = &mut reading => return ended,
            word = spoken.recv(), if queue.len() < WORDS => match word {
                Some(word) => queue.push_back(word),
                None => return Ok(()),
            },
            read = near.recv(&mut buffer) => if let Ok(length) = read && voice < VOICE {
                // An error is an ICMP answer: the leg's port is not open yet, or not any longer.
                voice += 1;
                queue.push_back(wrapped(&buffer[..length]));
            },
            written = out.write(queue.front().map_or(&[][..], |first| &first[sent..])), if !queue.is_empty() => {
                sent += written?;
                if queue.front().is_some_and(|first| first.len() == sent) {
                    let first = queue.pop_front();
                    sent = 0;
                    voice -= usize::from(first.is_some_and(|first| first.first() == Some(&3)) && voice > 0);
                }
            }
        }
    }
}

/// Until the relay closes the stream or sends what is none.
async fn read(mut far: OwnedReadHalf, near: Arc<UdpSocket>, listener: RelayListener) -> io::Result<()> {
    let (mut splitter, mut buffer) = (Splitter::default(), [0; 4 * LONGEST]);
    loop {
        let length = far.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let pieces = splitter.take(&buffer[..length]);
        for piece in pieces.map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault))? {
            match piece {
                Piece::Client(bytes) => listener(RelayHeard::Bytes(bytes)),
                // A full socket buffer loses it, as a network would.
                Piece::Voice(packet) => drop(near.try_send(&packet)),
            }
        }
    }
}

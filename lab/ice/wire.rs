//! The other end's addresses of TCP, as an end behind a firewall reaches them: a connection to each, with packets
//! after their length (RFC 4571).

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Component;

/// Packets that may wait for a connection, or for who hears.
const QUEUE: usize = 64;

/// What has come: for which socket, from where.
pub type Heard = (Component, SocketAddr, Vec<u8>);

/// The connections of one end. Cheap to clone; all clones are one, and the last closes them.
#[derive(Clone)]
pub struct Wires(Arc<Shared>);

struct Shared {
    out: std::sync::Mutex<Vec<Wire>>,
    heard: mpsc::Sender<Heard>,
    come: Mutex<mpsc::Receiver<Heard>>,
    stop: CancellationToken,
    _guard: DropGuard,
}

struct Wire {
    component: Component,
    address: SocketAddr,
    words: mpsc::Sender<Vec<u8>>,
}

impl Default for Wires {
    fn default() -> Self {
        let (heard, come) = mpsc::channel(QUEUE);
        let stop = CancellationToken::new();
        let _guard = stop.clone().drop_guard();
        Self(Arc::new(Shared { out: Default::default(), heard, come: Mutex::new(come), stop, _guard }))
    }
}

impl Wires {
    /// Opens a connection to each that has none.
    pub fn dial(&self, addresses: &[(Component, SocketAddr)]) {
        let mut out = crate::sip::endpoint::locked(&self.0.out);
        for &(component, address) in addresses {
            if out.iter().any(|wire| (wire.component, wire.address) == (component, address)) {
                continue;
            }
            let (words, spoken) = mpsc::channel(QUEUE);
            let (heard, stop) = (self.0.heard.clone(), self.0.stop.clone());
            let run = run(component, address, spoken, heard);
            tokio::spawn(async move { stop.run_until_cancelled(run).await });
            out.push(Wire { component, address, words });
        }
    }

    /// Sends a packet, if there is a connection for it. A full one loses it.
    pub fn say(&self, component: Component, to: SocketAddr, octets: &[u8]) -> bool {
        let out = crate::sip::endpoint::locked(&self.0.out);
        let wire = out.iter().find(|wire| (wire.component, wire.address) == (component, to));
        wire.is_some_and(|wire| {
            // A full connection loses it.
            let _ = wire.words.try_send(framed(octets));
            true
        })
    }

    /// The next packet.
    pub async fn next(&self) -> Heard {
        let next = self.0.come.lock().await.recv().await;
        // The sender lives as long as this.
        next.unwrap_or_else(|| unreachable!("wires hold a sender of their own"))
    }
}

/// A packet after its length (RFC 4571 §2).
pub(super) fn framed(octets: &[u8]) -> Vec<u8> {
    [&(octets.len() as u16).to_be_bytes()[..], octets].concat()
}

async fn run(
    component: Component,
    address: SocketAddr,
    mut spoken: mpsc::Receiver<Vec<u8>>,
    heard: mpsc::Sender<Heard>,
) {
    let Ok(stream) = TcpStream::connect(address).await else { return };
    let _ = stream.set_nodelay(true);
    let (mut far, mut out) = stream.into_split();
    let write = async {
        while let Some(packet) = spoken.recv().await {
            if out.write_all(&packet).await.is_err() {
                return;
            }
        }
    };
    let read = async {
        while let Ok(length) = far.read_u16().await {
            let mut packet = vec![0; usize::from(length)];
            if far.read_exact(&mut packet).await.is_err() {
                return;
            }
            let _ = heard.try_send((component, address, packet));
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
}

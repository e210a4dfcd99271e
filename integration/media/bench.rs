//! What a relayed packet costs: the engine beside a bare forwarder, under the same traffic.
//!
//! Each channel is two peers that send 50 packets a second of 20 ms G.711, paced in steps of one
//! millisecond over loopback. The cost is CPU time of the relaying thread per packet sent on. Kernel
//! work dominates and falls with the rate, so compare rows of one run only.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kirkwall_core::id::{ChannelId, MixerId};
use kirkwall_core::media::rtp::Header;
use kirkwall_core::media::{Codec, SrtpKey, SrtpPair, SrtpSuite};
use kirkwall_core::pii::Pii;

use super::poll::{Poll, thread_cpu};
use super::srtp::{Outbound, ROOM};
use super::{Chair, Engine, EngineConfig, EngineFault, Flow, Side};

/// What relays the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A bare forwarder: epoll, one receive, one send, a socket per leg. The floor.
    Forwarder,
    /// The engine, RTP on both legs, same codec.
    Plain,
    /// The engine, RTP on both legs, A-law to µ-law.
    Translated,
    /// The engine, SRTP (`AES_CM_128_HMAC_SHA1_80`) on the called leg.
    Srtp,
    /// The engine, everybody in conferences of ten: decoded, mixed and encoded, A-law.
    Mixed,
}

/// A load.
#[derive(Debug, Clone)]
pub struct Load {
    /// Channels, each of two flows of 50 packets a second.
    pub channels: usize,
    /// How long to measure, after half a second to settle.
    pub duration: Duration,
    /// Ports the engine may use; four for each channel.
    pub ports: std::ops::RangeInclusive<u16>,
}

/// What came out.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// CPU time of the relaying thread per packet sent on.
    pub per_packet: Duration,
    /// Packets that peers sent.
    pub sent: u64,
    /// Packets that peers received.
    pub received: u64,
}

/// Runs a load through a subject.
///
/// # Errors
/// When the system gives no sockets or threads, or `ports` has too few.
pub fn run(subject: Subject, load: &Load) -> io::Result<Outcome> {
    let mut peers = (0..2 * load.channels as u32).map(Peer::new).collect::<io::Result<Vec<_>>>()?;
    match subject {
        Subject::Forwarder => {
            let relay = Forwarder::start(&mut peers)?;
            drive(&mut peers, load.duration, || (relay.cpu(), relay.relayed()))
        }
        _ => {
            let relay = engine(subject, load, &mut peers).map_err(io::Error::other)?;
            let channels = 0..load.channels as u64;
            let relayed = || {
                let counters = channels.clone().filter_map(|n| relay.counters(ChannelId(n)));
                counters.map(|both| both.a.packets_out + both.b.packets_out).sum()
            };
            drive(&mut peers, load.duration, || (relay.cpu_time(), relayed()))
        }
    }
}

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn engine(subject: Subject, load: &Load, peers: &mut [Peer]) -> Result<Engine, EngineFault> {
    let config = EngineConfig {
        bind: HOME,
        ports: load.ports.clone(),
        threads: 1,
        dscp: 46,
        report_every: Duration::from_secs(5),
        silence_after: Duration::from_secs(30),
    };
    let engine = Engine::start(config, |_| {})?;
    let key =
        |fill| SrtpKey { suite: SrtpSuite::AesCm128HmacSha1_80, master: Pii(vec![fill; 30]), mki: None };
    for (legs, number) in peers.chunks_mut(2).zip(0..) {
        let (channel, [a, b]) = (ChannelId(number), legs) else { continue };
        let ports = engine.open(channel)?;
        let codec = if subject == Subject::Translated { Codec::Pcmu } else { Codec::Pcma };
        let mut flow = Flow::plain(codec, Some(b.address()?));
        b.next.payload_type = codec.payload_type();
        if subject == Subject::Srtp {
            let keys = SrtpPair { local: key(1), remote: key(2) };
            b.key = Some(Outbound::new(&keys.remote)?);
            flow.srtp = Some(keys);
        }
        engine.set(channel, Side::A, Flow::plain(Codec::Pcma, Some(a.address()?)))?;
        engine.set(channel, Side::B, flow)?;
        a.socket.connect((HOME, ports.a))?;
        b.socket.connect((HOME, ports.b))?;
        if subject == Subject::Mixed {
            let chair = Some(Chair { mixer: MixerId(number / 5), muted: false });
            engine.seat(channel, Side::A, chair)?;
            engine.seat(channel, Side::B, chair)?;
        }
    }
    Ok(engine)
}

/// Sends at 50 packets a second from each peer, and measures after a settling time.
fn drive(
    peers: &mut [Peer],
    duration: Duration,
    mut gauge: impl FnMut() -> (Duration, u64),
) -> io::Result<Outcome> {
    let mut buffer = [0; 2048];
    let mut pace = Pace { start: Instant::now(), step: 0 };
    pace.run(Duration::from_millis(500), |step| talk(peers, step, &mut buffer));
    let (cpu, relayed) = gauge();
    let total = |peers: &[Peer]| (sum(peers, |p| p.sent), sum(peers, |p| p.received));
    let (sent, received) = total(peers);
    pace.run(duration, |step| talk(peers, step, &mut buffer));
    settle(peers, &mut buffer);
    let (cpu_after, relayed_after) = gauge();
    let (sent_after, received_after) = total(peers);
    let packets = (relayed_after - relayed).max(1);
    Ok(Outcome {
        per_packet: Duration::from_nanos(((cpu_after - cpu).as_nanos() / packets as u128) as u64),
        sent: sent_after - sent,
        received: received_after - received,
    })
}

/// Takes in what is on its way, until nothing has come for 200 ms (gauges follow within a tick of the
/// engine, 50 ms), at most 5 s: on a busy machine the relay may lag behind without losing anything.
fn settle(peers: &mut [Peer], buffer: &mut [u8]) {
    let mut before = None;
    for _ in 0..25 {
        peers.iter_mut().for_each(|peer| peer.drain(buffer));
        if before.replace(sum(peers, |p| p.received)) == Some(sum(peers, |p| p.received)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn sum(peers: &[Peer], of: impl Fn(&Peer) -> u64) -> u64 {
    peers.iter().map(of).sum()
}

/// The peers whose turn it is in this millisecond.
fn talk(peers: &mut [Peer], step: u32, buffer: &mut [u8]) {
    for peer in peers.iter_mut().skip(step as usize % 20).step_by(20) {
        peer.drain(buffer);
        peer.say(buffer);
    }
}

struct Pace {
    start: Instant,
    step: u32,
}

impl Pace {
    /// Calls once a millisecond by the clock; late steps are made up for at once.
    fn run(&mut self, duration: Duration, mut each: impl FnMut(u32)) {
        let last = self.step + duration.as_millis() as u32;
        while self.step < last {
            let due = self.start + Duration::from_millis(1) * self.step;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            each(self.step);
            self.step += 1;
        }
    }
}

struct Peer {
    socket: UdpSocket,
    next: Header,
    key: Option<Outbound>,
    sent: u64,
    received: u64,
}

impl Peer {
    fn new(number: u32) -> io::Result<Peer> {
        let socket = UdpSocket::bind((HOME, 0))?;
        socket.set_nonblocking(true)?;
        let next = Header {
            marker: false,
            payload_type: 8,
            sequence: 0,
            timestamp: 0,
            ssrc: number,
            payload_at: 12,
            padding: false,
        };
        Ok(Peer { socket, next, key: None, sent: 0, received: 0 })
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn say(&mut self, buffer: &mut [u8]) {
        buffer[..12].copy_from_slice(&self.next.to_bytes());
        buffer[12..172].fill(0xA5);
        self.next.sequence = self.next.sequence.wrapping_add(1);
        self.next.timestamp = self.next.timestamp.wrapping_add(160);
        let sealed = match &mut self.key {
            None => Ok(172),
            Some(key) => key.protect(&mut buffer[..172 + ROOM], 172),
        };
        let sent = sealed.is_ok_and(|len| self.socket.send(&buffer[..len]).is_ok());
        self.sent += sent as u64;
    }

    fn drain(&mut self, buffer: &mut [u8]) {
        while self.socket.recv(buffer).is_ok() {
            self.received += 1;
        }
    }
}

/// The floor: what the kernel takes for a packet in and a packet out.
struct Forwarder {
    cpu: Arc<AtomicU64>,
    relayed: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Forwarder {
    fn start(peers: &mut [Peer]) -> io::Result<Forwarder> {
        let mut poll = Poll::new(256)?;
        let mut legs = Vec::with_capacity(peers.len());
        for (number, peer) in peers.iter().enumerate() {
            let socket = UdpSocket::bind((HOME, 0))?;
            socket.set_nonblocking(true)?;
            poll.add(&socket, number as u64)?;
            peer.socket.connect(socket.local_addr()?)?;
            legs.push((socket, peer.address()?));
        }
        let relay = Forwarder { cpu: Arc::default(), relayed: Arc::default(), stop: Arc::default() };
        let (cpu, relayed, stop) = (relay.cpu.clone(), relay.relayed.clone(), relay.stop.clone());
        std::thread::Builder::new().name("forwarder".into()).spawn(move || {
            let mut buffer = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                let Ok(ready) = poll.wait(Some(Duration::from_millis(50))) else { return };
                for index in 0..ready {
                    let leg = poll.key(index) as usize;
                    let Ok((len, _)) = legs[leg].0.recv_from(&mut buffer) else { continue };
                    let (other, peer) = &legs[leg ^ 1];
                    relayed.fetch_add(other.send_to(&buffer[..len], *peer).is_ok() as u64, Ordering::Relaxed);
                }
                cpu.store(thread_cpu().as_nanos() as u64, Ordering::Relaxed);
            }
        })?;
        Ok(relay)
    }

    fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu.load(Ordering::Relaxed))
    }

    fn relayed(&self) -> u64 {
        self.relayed.load(Ordering::Relaxed)
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_carries_a_small_load_and_has_a_cost() {
        let load = Load { channels: 2, duration: Duration::from_millis(200), ports: 45_000..=45_999 };
        use Subject::*;
        for subject in [Forwarder, Plain, Translated, Srtp, Mixed] {
            let outcome = run(subject, &load).unwrap();
            assert!(outcome.per_packet > Duration::ZERO, "{subject:?}");
            assert!(outcome.sent >= 40 && outcome.received >= 40, "{subject:?}: {outcome:?}");
        }
    }
}

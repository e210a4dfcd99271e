//! An RTP stream: speaks with a voice every 20 ms, and measures what it hears.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::ears::rtp;
pub use super::ears::{Ears, Heard};
use super::mouth::Mouth;
use super::numbers::Teller;
use super::srtp::{Crypto, Direction, Key};
use super::walk::{Ice, Walks, from_maybe};
use super::{Codec, FRAME, Voice};
use crate::ice::agent::Outgoing;
use crate::ice::{Component, Found, Manner, Side};
use crate::sip::Failure;

/// Octets of an RTP header.
const HEADER: usize = 12;
/// Payload type of comfort noise, and its level below the loudest, in dB (RFC 3389 §3, §4).
const COMFORT_NOISE: u8 = 13;
const NOISE_LEVEL: u8 = 60;
/// Every so many packets one is comfort noise.
const NOISE_EVERY: u64 = 50;
/// Longest datagram that is read.
const PACKET: usize = 1_500;

/// Where to send, in which codec; none while there is nobody, or while on hold.
pub type Destination = Option<(SocketAddr, Codec)>;

/// A running stream.
pub struct Stream {
    address: SocketAddr,
    destination: watch::Sender<Destination>,
    key: Key,
    theirs: watch::Sender<Option<Crypto>>,
    hisses: watch::Sender<bool>,
    stop: CancellationToken,
    task: JoinHandle<Heard>,
    ears: Ears,
    teller: Teller,
    ice: Option<Ice>,
}

impl Stream {
    /// Opens a port and listens; speaks as soon as it knows where to.
    ///
    /// # Errors
    /// When no port can be bound on `ip`.
    pub async fn open(ip: IpAddr, voice: Voice) -> Result<Self, Failure> {
        Self::open_in_manner(ip, Mouth::of(voice), Manner::Off).await
    }

    /// The same, with ports and an agent for ICE if the manner has a place for them.
    ///
    /// # Errors
    /// When no port can be bound on `ip`.
    pub async fn open_in_manner(ip: IpAddr, mouth: Mouth, manner: Manner) -> Result<Self, Failure> {
        let (socket, address) = bind(ip).await?;
        let (destination, wanted) = watch::channel(None);
        let stop = CancellationToken::new();
        let ears = Ears::default();
        let (key, theirs) = (Key::fresh(), watch::Sender::new(None));
        let keys = (key.clone(), theirs.subscribe());
        let mut talk = Talk::new(socket, wanted, keys, mouth, ears.clone());
        let teller = talk.teller.clone();
        let mut ice = None;
        if manner != Manner::Off {
            let (rtcp, reports) = bind(ip).await?;
            let side = Ice::new(Side { draft6: manner == Manner::Draft6, ..Side::new(address, reports) });
            talk.walks = side.walks(rtcp, manner);
            ice = Some(side);
        }
        let hisses = watch::Sender::new(false);
        talk.hisses = Some(hisses.subscribe());
        let task = tokio::spawn(talk.run(stop.clone()));
        Ok(Self { hisses, address, destination, key, theirs, stop, task, ears, teller, ice })
    }

    /// What its descriptions say of ICE; once that is settled, of the chosen pairs only.
    pub fn ice(&self) -> Option<Side> {
        Some(self.ice.as_ref()?.ours.clone())
    }

    /// What ICE has found so far.
    pub fn found(&self) -> Option<Found> {
        Some(self.ice.as_ref()?.found.clone())
    }

    /// The other end's side of ICE; `controls`: we decide.
    pub fn meet(&self, theirs: &Side, controls: bool) {
        if let Some(ice) = &self.ice {
            let same = |known: &Option<(Side, bool)>| {
                known.as_ref().is_some_and(|(known, _)| known.ufrag == theirs.ufrag)
            };
            ice.theirs.send_if_modified(|known| {
                let fresh = !same(known);
                if fresh {
                    *known = Some((theirs.clone(), controls));
                }
                fresh
            });
        }
    }

    /// Where it receives.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key of its packets, should there be SRTP.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Encrypts from now on with its own key and the other end's suite, and hears only what is encrypted with
    /// the other end's key; `None`: plain RTP.
    pub fn protect(&self, theirs: Option<Crypto>) {
        self.theirs.send_if_modified(|now| std::mem::replace(now, theirs.clone()) != theirs);
    }

    /// Speaks to this address from now on; `None` is silent.
    pub fn speak_to(&self, destination: Destination) {
        self.destination.send_replace(destination);
    }

    /// Whether a packet of comfort noise stands for one of speech now and then (RFC 3389).
    pub fn hiss(&self, hisses: bool) {
        self.hisses.send_replace(hisses);
    }

    /// What is heard while it runs.
    pub fn ears(&self) -> Ears {
        self.ears.clone()
    }

    /// What makes it say numbers.
    pub fn teller(&self) -> Teller {
        self.teller.clone()
    }

    /// Closes the port and says what was heard.
    pub async fn finish(mut self) -> Heard {
        self.stop.cancel();
        (&mut self.task).await.unwrap_or_default()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn bind(ip: IpAddr) -> Result<(UdpSocket, SocketAddr), Failure> {
    let doing = || format!("opening an RTP port on {ip}");
    let socket = UdpSocket::bind((ip, 0)).await.map_err(|e| Failure::io(doing(), e))?;
    let address = socket.local_addr().map_err(|e| Failure::io(doing(), e))?;
    Ok((socket, address))
}

struct Talk {
    socket: UdpSocket,
    wanted: watch::Receiver<Destination>,
    mouth: Mouth,
    teller: Teller,
    sender: Sender,
    ears: Ears,
    key: Key,
    theirs: watch::Receiver<Option<Crypto>>,
    protected: Option<Protected>,
    walks: Option<Walks>,
    hisses: Option<watch::Receiver<bool>>,
}

/// Both directions of a stream with SRTP.
struct Protected {
    theirs: Crypto,
    out: Direction,
    back: Direction,
}

struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    at: usize,
    sent: u64,
}

impl Talk {
    fn new(
        socket: UdpSocket,
        wanted: watch::Receiver<Destination>,
        (key, theirs): (Key, watch::Receiver<Option<Crypto>>),
        mouth: Mouth,
        ears: Ears,
    ) -> Self {
        let sender = Sender {
            ssrc: rand::random(),
            sequence: rand::random(),
            timestamp: rand::random(),
            at: 0,
            sent: 0,
        };
        Self {
            socket,
            wanted,
            mouth,
            teller: Teller::default(),
            sender,
            ears,
            key,
            theirs,
            protected: None,
            walks: None,
            hisses: None,
        }
    }

    async fn run(mut self, stop: CancellationToken) -> Heard {
        let mut tick = interval(Duration::from_millis(20));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (mut buffer, mut report) = ([0; PACKET], [0; PACKET]);
        loop {
            let rtcp = self.walks.as_ref().map(|walks| &walks.rtcp);
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => {
                    self.walk();
                    self.speak();
                }
                read = self.socket.recv_from(&mut buffer) => {
                    if let Ok((length, from)) = read {
                        self.arrived(Component::Rtp, from, &buffer[..length]);
                    }
                }
                read = from_maybe(rtcp, &mut report) => {
                    if let Ok((length, from)) = read {
                        self.arrived(Component::Rtcp, from, &report[..length]);
                    }
                }
            }
        }
        Heard { sent: self.sender.sent, ..self.ears.whole() }
    }

    /// Takes up keys that were agreed; a key that stays keeps its roll-over count.
    fn take_keys(&mut self) {
        if !self.theirs.has_changed().unwrap_or(false) {
            return;
        }
        let Some(theirs) = self.theirs.borrow_and_update().clone() else { return self.protected = None };
        let back = Direction::new(theirs.suite, &theirs.key).with_mki(&theirs.mki);
        let out = match self.protected.take() {
            Some(before) if before.theirs.suite == theirs.suite && before.theirs.mki == theirs.mki => {
                before.out
            }
            _ => Direction::new(theirs.suite, &self.key).with_mki(&theirs.mki),
        };
        self.protected = Some(Protected { theirs, out, back });
    }

    /// One check that is due, after what the other end says of itself.
    fn walk(&mut self) {
        let Some(walks) = &mut self.walks else { return };
        let now = Instant::now();
        if walks.theirs.has_changed().unwrap_or(false)
            && let Some((theirs, controls)) = walks.theirs.borrow_and_update().clone()
        {
            walks.agent.meet(theirs, controls, now);
        }
        let due = walks.agent.tick(now);
        self.say(due);
    }

    fn say(&self, outgoing: Vec<Outgoing>) {
        for Outgoing { component, to, octets } in outgoing {
            let rtcp = self.walks.as_ref().map(|walks| &walks.rtcp).filter(|_| component == Component::Rtcp);
            // A full socket buffer loses the packet, as a network would.
            let _ = rtcp.unwrap_or(&self.socket).try_send_to(&octets, to);
        }
    }

    /// RFC 7983 §7: a first octet of 0 to 3 is STUN's. RTCP is not looked at.
    fn arrived(&mut self, component: Component, from: SocketAddr, octets: &[u8]) {
        let stun = octets.first().is_some_and(|first| *first < 4);
        match &mut self.walks {
            Some(walks) if stun => {
                let answers = walks.agent.packet(component, from, octets, Instant::now());
                self.say(answers);
            }
            Some(walks) if !walks.agent.hears(component, from) => {}
            _ if component == Component::Rtp => self.hear(octets),
            _ => {}
        }
    }

    fn hear(&mut self, octets: &[u8]) {
        self.take_keys();
        match &mut self.protected {
            None => self.take(octets),
            Some(_) if rtp(octets).is_none() => {}
            Some(keys) => match keys.back.unprotect(octets) {
                Some(plain) => self.take(&plain),
                None => self.ears.refuse(),
            },
        }
    }

    fn take(&self, packet: &[u8]) {
        self.ears.packet(packet);
        if let (Mouth::Seat { seat, .. }, Some((payload_type, payload))) = (&self.mouth, rtp(packet))
            && let Some(codec) = Codec::of_payload_type(payload_type)
        {
            seat.said(payload.iter().map(|octet| codec.decode(*octet)));
        }
    }

    fn speak(&mut self) {
        self.take_keys();
        let destination = *self.wanted.borrow();
        // Time goes on while nobody listens.
        self.sender.timestamp = self.sender.timestamp.wrapping_add(FRAME as u32);
        self.mouth.turn();
        let Some((to, codec)) = destination else { return };
        let chosen = self.walks.as_ref().and_then(|walks| walks.agent.chosen(Component::Rtp));
        let to = chosen.unwrap_or(to);
        let told = self.teller.frame();
        let mut packet = self.sender.packet(codec, told.as_deref().unwrap_or(self.mouth.speech()));
        let hisses = self.hisses.as_ref().is_some_and(|hisses| *hisses.borrow());
        if hisses && self.sender.sent % NOISE_EVERY == NOISE_EVERY - 1 {
            packet.truncate(HEADER);
            packet[1] = COMFORT_NOISE;
            packet.push(NOISE_LEVEL);
        }
        let packet = match &mut self.protected {
            None => packet,
            Some(keys) => keys.out.protect(packet),
        };
        // A full socket buffer loses the packet, as a network would.
        if self.socket.try_send_to(&packet, to).is_ok() {
            self.sender.sent += 1;
        }
    }
}

impl Sender {
    fn packet(&mut self, codec: Codec, speech: &[i16]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(12 + FRAME);
        let marker = if self.sent == 0 { 0x80 } else { 0 };
        packet.extend_from_slice(&[0x80, marker | codec.payload_type()]);
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&self.timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        let samples = speech.iter().cycle().skip(self.at).take(FRAME);
        packet.extend(samples.map(|sample| codec.encode(*sample)));
        self.at = (self.at + FRAME) % speech.len();
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::super::ears::Ear;
    use super::*;

    #[tokio::test]
    async fn two_streams_hear_each_others_voices() {
        let ip = IpAddr::from([127, 0, 0, 1]);
        let (one, two) = (Voice::new(5), Voice::new(42));
        let a = Stream::open(ip, one).await.unwrap();
        let b = Stream::open(ip, two).await.unwrap();
        a.speak_to(Some((b.address(), Codec::Pcma)));
        b.speak_to(Some((a.address(), Codec::Pcmu)));
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let (a, b) = (a.finish().await, b.finish().await);
        assert_eq!((a.voice, b.voice), (Some(two), Some(one)));
        assert!(a.packets > 50 && a.lost == 0, "{a:?}");
        assert!((-20.0..-5.0).contains(&a.level_dbm0.unwrap()), "{a:?}");
    }

    #[test]
    fn loss_gaps_and_a_change_of_source_are_counted() {
        let mut ear = Ear::default();
        let mut sender = Sender { ssrc: 1, sequence: 65_534, timestamp: 0, at: 0, sent: 0 };
        let (speech, start) = (Voice::new(1).speech(), Instant::now());
        for n in 0..10_u64 {
            let packet = sender.packet(Codec::Pcma, &speech);
            if n != 4 {
                ear.packet(&packet, start + Duration::from_millis(20 * n));
            }
        }
        sender.ssrc = 2;
        sender.sequence = 100;
        ear.packet(&sender.packet(Codec::Pcma, &speech), start + Duration::from_millis(200));
        ear.packet(&[0x80, 200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], start);
        ear.packet(&[0x9F, 8], start);
        let heard = ear.heard(0, start + Duration::from_millis(210));
        assert_eq!((heard.packets, heard.lost), (10, 1));
        assert_eq!(heard.longest_gap, Duration::from_millis(40));
    }
}

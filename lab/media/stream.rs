//! An RTP stream: speaks with a voice every 20 ms, and measures what it hears.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::meter::Meter;
use super::srtp::{Crypto, Direction, Key};
use super::{Codec, FRAME, Voice};
use crate::sip::Failure;
use crate::sip::endpoint::locked;

/// Longest datagram that is read.
const PACKET: usize = 1_500;

/// Packets that can be missing between two: more is another stream.
const MOST_MISSING: u64 = 500;

/// Keys that are remembered.
const MOST_KEYS: usize = 256;

/// What one end heard.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Heard {
    /// RTP packets that carried sound.
    pub packets: u64,
    /// RTP packets that were sent meanwhile.
    pub sent: u64,
    /// Sequence numbers that never came, reordering forgiven.
    pub lost: u64,
    /// Packets that were not encrypted, or not with the agreed key, while SRTP was agreed.
    pub refused: u64,
    /// Packets of another payload type (DTMF, comfort noise).
    pub other: u64,
    /// Keys that were pressed at the other end, told as telephone events (RFC 4733).
    pub keys: String,
    /// Longest time between two packets, or from the last packet to the end.
    #[serde(serialize_with = "milliseconds", rename = "longest_gap_ms")]
    pub longest_gap: Duration,
    /// Longest silence in the sound, what did not come counted in. Speech has pauses of 80 ms, humming none.
    #[serde(serialize_with = "milliseconds", rename = "longest_silence_ms")]
    pub longest_silence: Duration,
    /// Mean level, dBm0 (a full-scale sine is +3.14); none when nothing was heard.
    pub level_dbm0: Option<f32>,
    /// Whose voice it was.
    pub voice: Option<Voice>,
}

fn milliseconds<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(duration.as_millis() as u64)
}

/// Where to send, in which codec; none while there is nobody, or while on hold.
pub type Destination = Option<(SocketAddr, Codec)>;

/// A running stream.
pub struct Stream {
    address: SocketAddr,
    destination: watch::Sender<Destination>,
    key: Key,
    theirs: watch::Sender<Option<Crypto>>,
    stop: CancellationToken,
    task: JoinHandle<Heard>,
    ears: Ears,
}

impl Stream {
    /// Opens a port and listens; speaks as soon as it knows where to.
    ///
    /// # Errors
    /// When no port can be bound on `ip`.
    pub async fn open(ip: IpAddr, voice: Voice) -> Result<Self, Failure> {
        let doing = || format!("opening an RTP port on {ip}");
        let socket = UdpSocket::bind((ip, 0)).await.map_err(|e| Failure::io(doing(), e))?;
        let address = socket.local_addr().map_err(|e| Failure::io(doing(), e))?;
        let (destination, wanted) = watch::channel(None);
        let stop = CancellationToken::new();
        let ears = Ears::default();
        let (key, theirs) = (Key::fresh(), watch::Sender::new(None));
        let keys = (key.clone(), theirs.subscribe());
        let talk = Talk::new(socket, wanted, keys, voice, ears.clone());
        let task = tokio::spawn(talk.run(stop.clone()));
        Ok(Self { address, destination, key, theirs, stop, task, ears })
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

    /// What is heard while it runs.
    pub fn ears(&self) -> Ears {
        self.ears.clone()
    }

    /// Closes the port and says what was heard.
    pub async fn finish(mut self) -> Heard {
        self.stop.cancel();
        (&mut self.task).await.unwrap_or_default()
    }
}

/// A stream's hearing, to be asked while it runs. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Ears(Arc<Mutex<Hearing>>);

#[derive(Default)]
struct Hearing {
    /// Since the stream began.
    whole: Ear,
    /// Since somebody began to listen.
    fresh: Option<Ear>,
}

impl Ears {
    /// Listens afresh: [`Ears::since_then`] counts from now on.
    pub fn listen(&self) {
        locked(&self.0).fresh = Some(Ear::default());
    }

    /// What was heard since [`Ears::listen`], else since the beginning; `sent` is not counted here.
    pub fn since_then(&self) -> Heard {
        let hearing = locked(&self.0);
        hearing.fresh.as_ref().unwrap_or(&hearing.whole).heard(0, Instant::now())
    }

    /// What was heard since the stream began; `sent` is not counted here.
    pub fn whole(&self) -> Heard {
        locked(&self.0).whole.heard(0, Instant::now())
    }

    /// Sound that was played elsewhere than on a stream, as a packet of this number; what is missing between
    /// two numbers was lost.
    pub(crate) fn played(&self, sequence: u16, samples: &[i16]) {
        let mut packet = vec![0x80, Codec::Pcma.payload_type()];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&[0; 8]);
        packet.extend(samples.iter().map(|sample| Codec::Pcma.encode(*sample)));
        self.packet(&packet);
    }

    fn refuse(&self) {
        let mut hearing = locked(&self.0);
        hearing.whole.refused += 1;
        if let Some(fresh) = &mut hearing.fresh {
            fresh.refused += 1;
        }
    }

    fn packet(&self, octets: &[u8]) {
        let (now, mut hearing) = (Instant::now(), locked(&self.0));
        hearing.whole.packet(octets, now);
        if let Some(fresh) = &mut hearing.fresh {
            fresh.packet(octets, now);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Talk {
    socket: UdpSocket,
    wanted: watch::Receiver<Destination>,
    voice: Voice,
    speech: Vec<i16>,
    sender: Sender,
    ears: Ears,
    key: Key,
    theirs: watch::Receiver<Option<Crypto>>,
    protected: Option<Protected>,
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
        voice: Voice,
        ears: Ears,
    ) -> Self {
        let sender = Sender {
            ssrc: rand::random(),
            sequence: rand::random(),
            timestamp: rand::random(),
            at: 0,
            sent: 0,
        };
        Self { socket, wanted, voice, speech: Vec::new(), sender, ears, key, theirs, protected: None }
    }

    async fn run(mut self, stop: CancellationToken) -> Heard {
        let mut tick = interval(Duration::from_millis(20));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut buffer = [0; PACKET];
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => self.speak(),
                read = self.socket.recv_from(&mut buffer) => {
                    if let Ok((length, _)) = read {
                        self.hear(&buffer[..length]);
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

    fn hear(&mut self, octets: &[u8]) {
        self.take_keys();
        match &mut self.protected {
            None => self.ears.packet(octets),
            Some(_) if rtp(octets).is_none() => {}
            Some(keys) => match keys.back.unprotect(octets) {
                Some(plain) => self.ears.packet(&plain),
                None => self.ears.refuse(),
            },
        }
    }

    fn speak(&mut self) {
        self.take_keys();
        let destination = *self.wanted.borrow();
        // Time goes on while nobody listens.
        self.sender.timestamp = self.sender.timestamp.wrapping_add(FRAME as u32);
        let Some((to, codec)) = destination else { return };
        if self.speech.is_empty() {
            self.speech = self.voice.speech();
        }
        let packet = self.sender.packet(codec, &self.speech);
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

/// Measures what arrives.
#[derive(Default)]
struct Ear {
    packets: u64,
    refused: u64,
    other: u64,
    keys: String,
    /// Source and timestamp of the last event: all packets of one press have the same.
    event: Option<(u32, u32)>,
    last_at: Option<Instant>,
    longest_gap: Duration,
    /// First and highest extended sequence number of the source.
    sequences: Option<(u64, u64)>,
    ssrc: u32,
    /// Expected packets of sources that ended.
    expected_before: u64,
    meter: Meter,
}

impl Ear {
    fn packet(&mut self, octets: &[u8], now: Instant) {
        let Some((payload_type, payload)) = rtp(octets) else { return };
        let Some(codec) = Codec::of_payload_type(payload_type) else {
            self.other += 1;
            return self.key(octets, payload);
        };
        self.packets += 1;
        if let Some(last) = self.last_at.replace(now) {
            self.longest_gap = self.longest_gap.max(now - last);
        }
        let ssrc = u32::from_be_bytes([octets[8], octets[9], octets[10], octets[11]]);
        self.count(ssrc, u16::from_be_bytes([octets[2], octets[3]]));
        for sample in payload.iter().map(|octet| codec.decode(*octet)) {
            self.meter.push(sample);
        }
    }

    /// A telephone event of four octets (RFC 4733 §2.3), one of the sixteen keys.
    fn key(&mut self, octets: &[u8], payload: &[u8]) {
        const KEYS: &[u8; 16] = b"0123456789*#ABCD";
        let word =
            |at: usize| u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]]);
        let [event, _, _, _] = *payload else { return };
        let Some(key) = KEYS.get(usize::from(event)) else { return };
        let press = Some((word(8), word(4)));
        if std::mem::replace(&mut self.event, press) != press && self.keys.len() < MOST_KEYS {
            self.keys.push(char::from(*key));
        }
    }

    /// Extends the sequence number (RFC 3550 A.1); a new source starts a new count.
    fn count(&mut self, ssrc: u32, sequence: u16) {
        match &mut self.sequences {
            Some((first, highest)) if self.ssrc == ssrc => {
                let ahead = sequence.wrapping_sub(*highest as u16) as i16;
                let extended = highest.saturating_add_signed(i64::from(ahead));
                let missing = extended.saturating_sub(*highest + 1).min(MOST_MISSING);
                self.meter.missing(missing as usize * FRAME);
                *first = (*first).min(extended);
                *highest = (*highest).max(extended);
            }
            _ => {
                self.expected_before += self.expected();
                self.ssrc = ssrc;
                // Room below, for packets that the first one overtook.
                let extended = 0x1_0000 + u64::from(sequence);
                self.sequences = Some((extended, extended));
            }
        }
    }

    fn expected(&self) -> u64 {
        self.sequences.map_or(0, |(first, highest)| highest - first + 1)
    }

    fn heard(&self, sent: u64, now: Instant) -> Heard {
        let gap_at_end = self.last_at.map_or(Duration::ZERO, |last| now - last);
        Heard {
            packets: self.packets,
            sent,
            lost: (self.expected_before + self.expected()).saturating_sub(self.packets),
            refused: self.refused,
            other: self.other,
            keys: self.keys.clone(),
            longest_gap: self.longest_gap.max(gap_at_end),
            longest_silence: self.meter.longest_silence(),
            level_dbm0: self.meter.level_dbm0(),
            voice: self.meter.voice(),
        }
    }
}

/// Payload type and payload of an RTP packet (RFC 3550 §5.1); RTCP and others are none.
fn rtp(octets: &[u8]) -> Option<(u8, &[u8])> {
    let [first, second, ..] = *octets else { return None };
    let rtcp = (192..224).contains(&second);
    if first >> 6 != 2 || rtcp || octets.len() < 12 {
        return None;
    }
    let mut start = 12 + 4 * usize::from(first & 0x0F);
    if first & 0x10 != 0 {
        let words = octets.get(start + 2..start + 4)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    let padding = if first & 0x20 != 0 { usize::from(*octets.last()?) } else { 0 };
    Some((second & 0x7F, octets.get(start..octets.len().checked_sub(padding)?)?))
}

#[cfg(test)]
mod tests {
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

//! One media stream: sound between a bearer and the switch, as RTP or SRTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::media::g722;
use crate::media::g726::G726;
use crate::media::srtp::{Direction, Key, Suite};
use crate::media::{Codec, FRAME};
use crate::radio::{Bearer, Uplink, locked};
use crate::sip::Failure;

/// Without a packet for so long, the switch is told.
const SILENCE: Duration = Duration::from_secs(5);
/// Longest datagram that is read.
const PACKET: usize = 1_500;

/// What happens on a stream: 1 nothing came for a while, 2 the first packet came.
pub(super) type Happening = (u32, u8);

/// How a stream is to be; what MEDIA_OPEN says and MEDIA_MODIFY changes.
#[derive(Clone)]
pub(super) struct Settings {
    /// 1 G.726-32, 2 PCMA, 3 PCMU, 4 G.722.
    pub codec: u8,
    pub payload_type: u8,
    /// 10 or 20 ms.
    pub ptime: u8,
    pub remote: SocketAddr,
    /// Bit 0 we send, bit 1 we receive.
    pub direction: u8,
    pub srtp: Option<Keys>,
}

/// Keys of both directions, as the base sees them.
#[derive(Clone)]
pub(super) struct Keys {
    pub suite: Suite,
    pub send: Key,
    pub receive: Key,
}

/// A stream that runs; the radio side speaks into it.
pub(super) struct Flow {
    pub settings: Settings,
    socket: Arc<UdpSocket>,
    sending: Mutex<Sending>,
    counters: Counters,
}

struct Sending {
    srtp: Option<Direction>,
    coder: G726,
    wide: g722::Encoder,
    /// What a long slot brings, for codecs that take its lower band.
    split: g722::Split,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

/// What MEDIA_CLOSE tells.
#[derive(Default)]
struct Counters {
    sent: AtomicU64,
    received: AtomicU64,
    lost: AtomicU64,
    jitter_us: AtomicU64,
    octets_sent: AtomicU64,
    octets_received: AtomicU64,
}

/// Opens the port of a stream.
pub(super) async fn open(ip: IpAddr) -> Result<Arc<UdpSocket>, Failure> {
    let failed = |e| Failure::io(format!("opening an RTP port on {ip}"), e);
    let socket = UdpSocket::bind((ip, 0)).await.map_err(failed)?;
    // Frames are sent without waiting; a socket is known to be writable only once it was asked.
    socket.writable().await.map_err(failed)?;
    Ok(Arc::new(socket))
}

impl Flow {
    /// On this socket, by these settings.
    pub(super) fn new(socket: Arc<UdpSocket>, settings: Settings) -> Self {
        let sending = Mutex::new(Sending {
            srtp: settings.srtp.as_ref().map(|keys| Direction::new(keys.suite, &keys.send)),
            coder: G726::default(),
            wide: g722::Encoder::default(),
            split: g722::Split::default(),
            ssrc: rand::random(),
            sequence: rand::random(),
            timestamp: rand::random(),
        });
        Self { settings, socket, sending, counters: Counters::default() }
    }

    /// The same stream by other settings: numbers and keys that stay go on.
    pub(super) fn changed(self: &Arc<Self>, settings: Settings, rekeyed: bool) -> Self {
        let new = Self::new(self.socket.clone(), settings);
        let (mut old, mut next) = (locked(&self.sending), locked(&new.sending));
        (next.ssrc, next.sequence, next.timestamp) = (old.ssrc, old.sequence, old.timestamp);
        if !rekeyed {
            next.srtp = old.srtp.take();
        }
        drop((old, next));
        new.counters.sent.store(self.counters.sent.load(Ordering::Relaxed), Ordering::Relaxed);
        new
    }

    /// Counters by the ids of the link.
    pub(super) fn counters(&self) -> Vec<(u16, u64)> {
        let c = &self.counters;
        let values = [&c.sent, &c.received, &c.lost, &c.jitter_us, &c.octets_sent, &c.octets_received];
        (32..).zip(values.map(|value| value.load(Ordering::Relaxed))).collect()
    }

    /// Hears what the switch sends, for the handset, until the stream is closed: what came before that is heard.
    pub(super) async fn receive(
        self: Arc<Self>,
        media: u32,
        bearer: Arc<Bearer>,
        told: mpsc::Sender<Happening>,
        closed: CancellationToken,
    ) {
        let mut receiving = Receiving::new(&self.settings);
        let mut buffer = vec![0; PACKET];
        let mut was_silent = true;
        loop {
            let read = tokio::select! {
                biased;
                read = tokio::time::timeout(SILENCE, self.socket.recv_from(&mut buffer)) => read,
                () = closed.cancelled() => return,
            };
            let Ok(read) = read else {
                if !was_silent {
                    let _ = told.try_send((media, 1));
                }
                was_silent = true;
                continue;
            };
            let Ok((length, _)) = read else { continue };
            let packet = buffer[..length].to_vec();
            let long = bearer.is_long();
            let heard = receiving.packet(packet, &self.settings, &self.counters, long);
            let Some((samples, wide)) = heard else { continue };
            if was_silent {
                was_silent = false;
                let _ = told.try_send((media, 2));
            }
            match (self.settings.direction & 2 != 0, wide) {
                (false, _) => {}
                (true, true) => bearer.hear_wide(&samples),
                (true, false) => bearer.hear(&samples),
            }
        }
    }

    /// Sends a packet; of a long slot come two samples where a full one has one. What the air carries and what
    /// the packet carries are two things: the base converts.
    fn send(&self, samples: &[i16], long: bool) {
        let mut guard = locked(&self.sending);
        let sending = &mut *guard;
        let below = (long && self.settings.codec != 4).then(|| sending.split.low(samples));
        let samples = below.as_deref().unwrap_or(samples);
        let payload = match self.settings.codec {
            1 => sending.coder.pack(samples),
            4 if long => sending.wide.wide(samples),
            4 => sending.wide.narrow(samples),
            codec => samples.iter().map(|sample| law(codec).encode(*sample)).collect(),
        };
        let ticks = if long && self.settings.codec == 4 { samples.len() / 2 } else { samples.len() };
        let mut packet = Vec::with_capacity(12 + payload.len() + 10);
        packet.extend_from_slice(&[0x80, self.settings.payload_type & 0x7F]);
        packet.extend_from_slice(&sending.sequence.to_be_bytes());
        packet.extend_from_slice(&sending.timestamp.to_be_bytes());
        packet.extend_from_slice(&sending.ssrc.to_be_bytes());
        packet.extend_from_slice(&payload);
        if let Some(srtp) = &mut sending.srtp {
            packet = srtp.protect(packet);
        }
        sending.sequence = sending.sequence.wrapping_add(1);
        sending.timestamp = sending.timestamp.wrapping_add(ticks as u32);
        // A full socket buffer loses the packet, as a network would.
        if self.socket.try_send_to(&packet, self.settings.remote).is_ok() {
            self.counters.sent.fetch_add(1, Ordering::Relaxed);
            self.counters.octets_sent.fetch_add(packet.len() as u64, Ordering::Relaxed);
        }
    }
}

impl Uplink for Flow {
    fn frame(&self, samples: Option<&[i16]>) {
        if self.settings.direction & 1 == 0 {
            return;
        }
        let muted = [0; FRAME];
        let samples = samples.unwrap_or(&muted);
        let long = samples.len() > FRAME;
        let piece = usize::from(self.settings.ptime.clamp(10, 20)) * if long { 16 } else { 8 };
        samples.chunks(piece).for_each(|piece| self.send(piece, long));
    }
}

/// The receiver's half: keys, decoder, and what RFC 3550 counts.
struct Receiving {
    srtp: Option<Direction>,
    decoder: G726,
    wide: g722::Decoder,
    highest: Option<u16>,
    transit: Option<i64>,
    jitter: f64,
    begun: Instant,
}

impl Receiving {
    fn new(settings: &Settings) -> Self {
        let srtp = settings.srtp.as_ref().map(|keys| Direction::new(keys.suite, &keys.receive));
        let begun = Instant::now();
        let (decoder, wide) = (G726::default(), g722::Decoder::default());
        Self { srtp, decoder, wide, highest: None, transit: None, jitter: 0.0, begun }
    }

    /// The samples of a packet of ours, and whether they are twice as many, for a long slot; nothing for a
    /// stranger's, a forged one or RTCP.
    fn packet(
        &mut self,
        mut packet: Vec<u8>,
        settings: &Settings,
        counters: &Counters,
        long: bool,
    ) -> Option<(Vec<i16>, bool)> {
        let rtcp = (192..224).contains(packet.get(1)?);
        if rtcp || packet.first()? >> 6 != 2 {
            return None;
        }
        let length = packet.len() as u64;
        if let Some(srtp) = &mut self.srtp {
            packet = srtp.unprotect(&packet)?;
        }
        let (header, payload) = packet.split_at_checked(12)?;
        if header[1] & 0x7F != settings.payload_type {
            return None;
        }
        counters.received.fetch_add(1, Ordering::Relaxed);
        counters.octets_received.fetch_add(length, Ordering::Relaxed);
        self.count(u16::from_be_bytes([header[2], header[3]]), counters);
        let timestamp = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        self.time(timestamp, counters);
        let wide = long && settings.codec == 4;
        let samples = match settings.codec {
            1 => self.decoder.unpack(payload),
            4 if wide => self.wide.wide(payload),
            4 => self.wide.narrow(payload),
            codec => payload.iter().map(|octet| law(codec).decode(*octet)).collect(),
        };
        Some((samples, wide))
    }

    fn count(&mut self, sequence: u16, counters: &Counters) {
        let ahead = self.highest.map_or(1, |highest| sequence.wrapping_sub(highest) as i16);
        if ahead > 0 {
            self.highest = Some(sequence);
            counters.lost.fetch_add(ahead.unsigned_abs().min(100) as u64 - 1, Ordering::Relaxed);
        } else if counters.lost.load(Ordering::Relaxed) > 0 {
            counters.lost.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Interarrival jitter (RFC 3550, 6.4.1).
    fn time(&mut self, timestamp: u32, counters: &Counters) {
        let arrival = self.begun.elapsed().as_micros() as i64;
        let transit = arrival - i64::from(timestamp) * 125;
        if let Some(last) = self.transit.replace(transit) {
            let difference = (transit - last).abs() as f64;
            self.jitter += (difference - self.jitter) / 16.0;
            counters.jitter_us.store(self.jitter as u64, Ordering::Relaxed);
        }
    }
}

const fn law(codec: u8) -> Codec {
    if codec == 3 { Codec::Pcmu } else { Codec::Pcma }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Voice, voice::Recogniser};
    use crate::radio::Ear;

    /// Two flows that send to each other, one with its handset's bearer.
    async fn pair(codec: u8, srtp: bool) -> (Arc<Flow>, Arc<Flow>) {
        let ip = IpAddr::from([127, 0, 0, 1]);
        let (a, b) = (open(ip).await.unwrap(), open(ip).await.unwrap());
        let settings = |remote: &UdpSocket, send, receive| Settings {
            codec,
            payload_type: 96,
            ptime: 10,
            remote: remote.local_addr().unwrap(),
            direction: 3,
            srtp: srtp.then_some(Keys {
                suite: Suite::Long,
                send: [send; 30].into(),
                receive: [receive; 30].into(),
            }),
        };
        let (ours, theirs) = (settings(&b, 1, 2), settings(&a, 2, 1));
        (Arc::new(Flow::new(a, ours)), Arc::new(Flow::new(b, theirs)))
    }

    #[tokio::test]
    async fn sound_of_a_handset_arrives_at_the_other_in_every_codec_and_ciphered() {
        for (codec, srtp) in [(1, false), (1, true), (2, true), (3, false), (4, false)] {
            let (here, there) = pair(codec, srtp).await;
            let ear = Arc::new(Mutex::new(Ear::default()));
            let (mailbox, _down) = mpsc::channel(4);
            let bearer = Arc::new(Bearer::new(1, mailbox, ear.clone(), -50.0));
            let (told, mut happenings) = mpsc::channel(4);
            let task = tokio::spawn(there.clone().receive(9, bearer, told, CancellationToken::new()));
            let speech = Voice::new(33).speech();
            for frame in speech.chunks_exact(FRAME).cycle().take(40) {
                here.frame(Some(frame));
                tokio::task::yield_now().await;
                locked(&ear).play();
            }
            assert_eq!(happenings.recv().await, Some((9, 2)));
            let all = async {
                while there.counters()[1].1 < 80 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
            (0..40).for_each(|_| locked(&ear).play());
            let heard = locked(&ear).finish(0);
            assert_eq!(heard.voice, Some(Voice::new(33)), "codec {codec}, SRTP {srtp}: {heard:?}");
            assert_eq!((here.counters()[0], there.counters()[2]), ((32, 80), (34, 0)));
            task.abort();
        }
    }

    #[test]
    fn a_packet_of_somebody_without_the_key_is_not_heard() {
        let remote = SocketAddr::from(([127, 0, 0, 1], 9));
        let keys = Some(Keys { suite: Suite::Long, send: [1; 30].into(), receive: [2; 30].into() });
        let settings = Settings { codec: 2, payload_type: 8, ptime: 20, remote, direction: 3, srtp: keys };
        let mut receiving = Receiving::new(&settings);
        let plain = [&[0x80, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0x55; 160]].concat();
        assert_eq!(receiving.packet(plain.clone(), &settings, &Counters::default(), false), None);
        let mut recogniser = Recogniser::default();
        let open = Settings { srtp: None, ..settings };
        let heard = Receiving::new(&open).packet(plain, &open, &Counters::default(), false);
        heard.unwrap().0.iter().for_each(|sample| recogniser.push(*sample));
        assert_eq!(recogniser.voice(), None);
    }
}

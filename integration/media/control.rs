//! RTCP of a leg (RFC 3550 §6): our reports to the peer, its reports to us, both ended here.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use kirkwall_core::id::ChannelId;
use kirkwall_core::media::rtcp::{self, Block, Packet, Sent};
use kirkwall_core::timer::Moment;

use super::channel::Channel;
use super::counters::Count;
use super::flow::{Report, Side};
use super::leg::{Buffer, LONGEST, Leg, Surroundings, reachable};
use super::stun;

/// RFC 3550 §6.2: the fixed minimum interval. Two parties at 64 kbit/s never reach the 5 % share.
const INTERVAL: Duration = Duration::from_secs(5);

/// What a leg remembers of RTCP.
#[derive(Debug)]
pub(super) struct Control {
    /// Where the peer's RTCP comes from, once some has.
    source: Option<SocketAddr>,
    /// The peer's last SR: middle of its NTP time, and when it came.
    last_sr: Option<(u32, Moment)>,
    due: Moment,
    /// Spreads reports of many channels over time.
    spread: u32,
    /// Packets and octets sent before the present source of ours, and at the last report.
    packets_before: u64,
    octets_before: u64,
    packets_reported: u64,
}

impl Control {
    pub(super) fn new(seed: u32, now: Moment) -> Control {
        Control {
            source: None,
            last_sr: None,
            // RFC 3550 §6.2: half the minimum before the first report.
            due: now + spread(INTERVAL / 2, seed),
            spread: seed,
            packets_before: 0,
            octets_before: 0,
            packets_reported: 0,
        }
    }

    /// The peer's SDP has changed: where its RTCP came from no longer counts.
    pub(super) fn forget_source_address(&mut self) {
        self.source = None;
    }

    fn next(&mut self, now: Moment) {
        self.spread = self.spread.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.due = now + spread(INTERVAL, self.spread);
    }
}

/// RFC 3550 §6.3.1: a random factor between 0.5 and 1.5, against marching in step.
fn spread(interval: Duration, random: u32) -> Duration {
    interval / 2 + interval.mul_f64(random as f64 / u32::MAX as f64)
}

impl Channel {
    /// Receives one datagram on a side's RTCP port. `WouldBlock` when there is none.
    pub(super) fn receive_control(
        &mut self,
        side: Side,
        buffer: &mut Buffer,
        now: Moment,
        around: &Surroundings,
    ) -> io::Result<()> {
        let leg = &mut self.legs[side.index()];
        let (len, source) = leg.rtcp.recv_from(&mut buffer.0[..=LONGEST])?;
        if stun::pass(self.stun.as_ref(), leg, true, &buffer.0[..len], source, now) {
            return Ok(());
        }
        if leg.flow.is_none() {
            return Ok(());
        }
        if len > LONGEST {
            leg.cells.one(Count::Malformed);
            return Ok(());
        }
        if !is_peer(leg, source) {
            let report = Report::StrangerRefused { channel: self.id, side, from: source };
            leg.complain(Count::Strangers, report, around, now);
            return Ok(());
        }
        let Some(len) = open(leg, &mut buffer.0[..len]) else {
            leg.complain(Count::Unauthentic, Report::SrtpRefused { channel: self.id, side }, around, now);
            return Ok(());
        };
        learn(self.id, leg, &buffer.0[..len], source, now, around);
        Ok(())
    }
}

/// RTCP is taken from where it came before; else from the host that sends RTP or that the SDP names.
fn is_peer(leg: &Leg, source: SocketAddr) -> bool {
    if let Some(known) = leg.control.source {
        return source == known;
    }
    let flow = leg.flow.as_ref();
    let hosts = [leg.latch.source(), flow.and_then(|f| f.remote), flow.and_then(|f| f.remote_rtcp)];
    hosts.iter().flatten().any(|host| host.ip() == source.ip())
}

fn open(leg: &mut Leg, packet: &mut [u8]) -> Option<usize> {
    match &mut leg.inbound {
        None => Some(packet.len()),
        Some(inbound) => inbound.open_control(packet).ok(),
    }
}

fn learn(
    channel: ChannelId,
    leg: &mut Leg,
    datagram: &[u8],
    source: SocketAddr,
    now: Moment,
    around: &Surroundings,
) {
    for packet in rtcp::parse(datagram) {
        let blocks = match packet {
            Err(_) => return leg.cells.one(Count::Malformed),
            Ok(Packet::SenderReport { sent, blocks, .. }) => {
                leg.control.last_sr = Some((rtcp::middle(sent.ntp), now));
                blocks
            }
            Ok(Packet::ReceiverReport { blocks, .. }) => blocks,
            Ok(Packet::Bye { .. }) => {
                (around.reports)(Report::PeerLeft { channel, side: leg.side });
                continue;
            }
            Ok(Packet::Other { .. }) => continue,
        };
        leg.control.source = Some(source);
        let ours = leg.outgoing.ssrc();
        if let Some(block) = blocks.into_iter().find(|block| block.ssrc == ours) {
            leg.cells.set(Count::RemoteLost, block.lost.max(0) as u64);
            leg.cells.set(Count::RemoteJitter, block.jitter as u64 * 125);
            if let Some(trip) = rtcp::round_trip(&block, now) {
                leg.cells.set(Count::RoundTrip, trip.as_micros() as u64);
            }
        }
    }
}

/// Sends our report when its time has come.
pub(super) fn report_if_due(leg: &mut Leg, buffer: &mut Buffer, now: Moment) {
    if now >= leg.control.due {
        leg.control.next(now);
        send(leg, buffer, now, false);
    }
}

/// Sends a report with BYE.
pub(super) fn bye(leg: &mut Leg, buffer: &mut Buffer, now: Moment) {
    send(leg, buffer, now, true);
}

fn send(leg: &mut Leg, buffer: &mut Buffer, now: Moment, bye: bool) {
    let Some(destination) = destination(leg) else {
        return;
    };
    let (sent, block) = (sent(leg, now), block(leg, now));
    let ssrc = leg.outgoing.ssrc();
    // RFC 3550 §6.5.1: the CNAME is the same for all of a participant's streams, and tells no more than
    // needed (RFC 7022 §4.2: a per-session random name). Our SSRC is random and lives as long.
    let mut name = [0; 8];
    let cname = hex(ssrc, &mut name);
    let Some(len) = rtcp::write(&mut buffer.0, ssrc, sent, block, cname, bye) else {
        return;
    };
    let sealed = match &mut leg.outbound {
        None => Ok(len),
        Some(outbound) => outbound.protect_control(&mut buffer.0, len),
    };
    match sealed {
        Ok(len) => {
            if leg.rtcp.send_to(&buffer.0[..len], destination).is_err() {
                leg.cells.one(Count::SendFailed);
            }
        }
        Err(_) => leg.cells.one(Count::Unprotected),
    }
}

fn destination(leg: &Leg) -> Option<SocketAddr> {
    let flow = leg.flow.as_ref()?;
    let latched = leg.control.source.filter(|_| flow.symmetric);
    let above = |rtp: SocketAddr| Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?));
    latched.or(reachable(flow.remote_rtcp)).or_else(|| leg.destination().and_then(above))
}

/// RFC 3550 §6.4: an SR when we have sent since the last report, else an RR.
fn sent(leg: &mut Leg, now: Moment) -> Option<Sent> {
    let (packets, octets) = (leg.cells.get(Count::PacketsOut), leg.cells.get(Count::OctetsOut));
    let control = &mut leg.control;
    let fresh = std::mem::replace(&mut control.packets_reported, packets) != packets;
    let rtp_timestamp = leg.outgoing.timestamp(now).filter(|_| fresh)?;
    Some(Sent {
        ntp: rtcp::ntp(now),
        rtp_timestamp,
        packets: (packets - control.packets_before) as u32,
        octets: (octets - control.octets_before) as u32,
    })
}

fn block(leg: &mut Leg, now: Moment) -> Option<Block> {
    let receiver = leg.receiver.as_mut()?;
    let last_sr = leg.control.last_sr;
    Some(Block {
        ssrc: receiver.ssrc(),
        fraction_lost: receiver.fraction_lost(),
        lost: receiver.lost().clamp(i32::MIN as i64, i32::MAX as i64) as i32,
        highest: receiver.extended_highest(),
        jitter: receiver.jitter(),
        last_sr: last_sr.map_or(0, |(sr, _)| sr),
        delay: last_sr.map_or(0, |(_, at)| rtcp::delay(now.since(at))),
    })
}

fn hex(number: u32, text: &mut [u8; 8]) -> &str {
    for (at, digit) in text.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (28 - 4 * at)) as usize & 0x0F];
    }
    std::str::from_utf8(text).unwrap_or_default()
}

impl Leg {
    /// A new source of ours begins to count from zero.
    pub(super) fn begin_source(&mut self, now: Moment) {
        self.control.packets_before = self.cells.get(Count::PacketsOut);
        self.control.octets_before = self.cells.get(Count::OctetsOut);
        self.control.next(now);
    }
}

//! One leg of a channel: its sockets, and everything known about what comes and goes.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use kirkwall_core::media::dtmf::Tracker;
use kirkwall_core::media::rtp::Receiver;
use kirkwall_core::timer::Moment;

use super::control::Control;
use super::counters::{Cells, Count};
use super::flow::{Flow, Position, Report, Side, Standing};
use super::insert::Insert;
use super::latch::Latch;
use super::mixer::Seat;
use super::outgoing::Outgoing;
use super::ports::Pair;
use super::srtp::{Inbound, Outbound, ROOM};
use super::stun::Allowance;
use super::translate::Translator;

/// Longest datagram taken, in octets: an Ethernet frame's worth.
pub(super) const LONGEST: usize = 1500;

/// A datagram and the room that protection may need behind it. Aligned, because libsrtp reads words.
#[repr(align(16))]
pub(super) struct Buffer(pub(super) [u8; LONGEST + 1 + ROOM]);

/// Least time between two complaints (strangers, SRTP) about a side.
const COMPLAIN_EVERY: Duration = Duration::from_secs(1);

/// What a thread's channels share.
pub(super) struct Surroundings {
    pub(super) reports: Arc<dyn Fn(Report) + Send + Sync>,
    pub(super) report_every: Duration,
    pub(super) silence_after: Duration,
}

/// What becomes of a key when a side is set.
#[derive(Debug)]
pub(super) enum Rekey<T> {
    /// The same as before: state goes on.
    Keep,
    /// None any more.
    Clear,
    /// Another one: state begins anew.
    Take(T),
}

/// A change of one side.
#[derive(Debug)]
pub(super) struct Change {
    /// Without its keys.
    pub(super) flow: Flow,
    pub(super) inbound: Rekey<Inbound>,
    /// A new key gets a new source of ours, whose index begins at zero for every receiver.
    pub(super) outbound: Rekey<(Outbound, Outgoing)>,
}

/// One leg: sockets, flow, and everything known about what comes and goes.
pub(super) struct Leg {
    pub(super) side: Side,
    pub(super) port: u16,
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    /// `None` until set; then nothing of this leg is relayed.
    pub(super) flow: Option<Flow>,
    pub(super) inbound: Option<Inbound>,
    pub(super) outbound: Option<Outbound>,
    pub(super) latch: Latch,
    pub(super) receiver: Option<Receiver>,
    pub(super) outgoing: Outgoing,
    /// From the other leg's codec to this one's.
    pub(super) translator: Translator,
    pub(super) control: Control,
    pub(super) cells: Arc<Cells>,
    pub(super) events: Tracker,
    /// What its peer hears in place of the other leg.
    pub(super) insert: Insert,
    /// Its place in a conference, in which it talks in place of the other leg.
    pub(super) seat: Option<Box<Seat>>,
    pub(super) allowance: Allowance,
    /// The source before the present one, and until when its packets are stragglers.
    pub(super) replaced: Option<(u32, Moment)>,
    /// Lost by sources before the present one.
    pub(super) lost_before: i64,
    pub(super) heard: bool,
    /// Last valid packet, or when listening began.
    pub(super) last_heard: Moment,
    pub(super) silent: bool,
    pub(super) report_at: Moment,
    complain_at: Moment,
}

impl Leg {
    pub(super) fn new(side: Side, pair: Pair, cells: Arc<Cells>, outgoing: Outgoing, now: Moment) -> Leg {
        Leg {
            side,
            port: pair.port,
            rtp: pair.rtp,
            rtcp: pair.rtcp,
            flow: None,
            inbound: None,
            outbound: None,
            latch: Latch::new(None),
            receiver: None,
            control: Control::new(outgoing.ssrc(), now),
            outgoing,
            translator: Translator::default(),
            cells,
            events: Tracker::default(),
            insert: Insert::default(),
            seat: None,
            allowance: Allowance::default(),
            replaced: None,
            lost_before: 0,
            heard: false,
            last_heard: now,
            silent: false,
            report_at: now,
            complain_at: now,
        }
    }

    pub(super) fn set(&mut self, change: Change, now: Moment) {
        let Change { flow, inbound, outbound } = change;
        match inbound {
            Rekey::Keep => {}
            Rekey::Clear => self.inbound = None,
            Rekey::Take(inbound) => self.inbound = Some(inbound),
        }
        match outbound {
            Rekey::Keep => {}
            Rekey::Clear => self.outbound = None,
            Rekey::Take((outbound, outgoing)) => {
                self.outbound = Some(outbound);
                self.outgoing = outgoing;
                self.begin_source(now);
            }
        }
        let listened = self.flow.as_ref().is_some_and(|flow| flow.direction.receives());
        if !listened {
            (self.last_heard, self.silent) = (now, false);
        }
        let place = |flow: &Flow| (reachable(flow.remote), flow.remote_rtcp);
        if self.flow.as_ref().map(place) != Some(place(&flow)) {
            self.control.forget_source_address();
        }
        self.latch.expect(reachable(flow.remote));
        self.flow = Some(flow);
    }

    /// Counts a refusal and, now and then, reports it.
    pub(super) fn complain(&mut self, count: Count, report: Report, around: &Surroundings, now: Moment) {
        self.cells.one(count);
        if now >= self.complain_at {
            self.complain_at = now + COMPLAIN_EVERY;
            (around.reports)(report);
        }
    }

    /// Whether this peer is not to be listened to.
    pub(super) fn is_paused(&self) -> bool {
        self.flow.as_ref().is_none_or(|flow| !flow.direction.receives())
    }

    /// Where this side stands.
    pub(super) fn standing(&self) -> Standing {
        let ssrc = self.outgoing.ssrc();
        let roc = self.outbound.as_ref().and_then(|outbound| outbound.roc(ssrc)).unwrap_or(0);
        let ours = self.outgoing.newest();
        let peer = self.receiver.as_ref().map(|receiver| {
            let (ssrc, sequence) = (receiver.ssrc(), receiver.extended_highest() as u16);
            let roc = self.inbound.as_ref().and_then(|inbound| inbound.roc(ssrc)).unwrap_or(0);
            Position { ssrc, sequence, timestamp: 0, roc }
        });
        Standing { ours: ours.map(|(sequence, timestamp)| Position { ssrc, sequence, timestamp, roc }), peer }
    }

    /// Where RTP for this peer goes.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        let flow = self.flow.as_ref()?;
        if flow.symmetric { self.latch.destination() } else { reachable(flow.remote) }
    }
}

/// An address that packets can be sent to: a port, and not the unspecified address of an old-style
/// hold (RFC 3264 §8.4).
pub(super) fn reachable(address: Option<SocketAddr>) -> Option<SocketAddr> {
    address.filter(|address| address.port() != 0 && !address.ip().is_unspecified())
}

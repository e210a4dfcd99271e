//! The engine over real loopback sockets: two peers, one on each leg, and what reaches them.

mod inserts;
mod mixers;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use kirkwall_core::id::ChannelId;
use kirkwall_core::media::dtmf::Press;
use kirkwall_core::media::rtcp;
use kirkwall_core::media::rtp::Header;
use kirkwall_core::media::{Codec, Direction, SrtpKey, SrtpPair, SrtpSuite};
use kirkwall_core::pii::Pii;

use super::srtp::{Inbound, Outbound, ROOM};
use super::{Engine, EngineConfig, EngineFault, Flow, Report, Side, SideCounters};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const CHANNEL: ChannelId = ChannelId(1);
/// Longer than anything takes here; a test that runs into it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn engine(ports: std::ops::RangeInclusive<u16>) -> (Engine, Receiver<Report>) {
    let (tell, reports) = channel();
    let config = EngineConfig {
        bind: HOME,
        ports,
        threads: 2,
        dscp: 46,
        report_every: Duration::from_millis(200),
        silence_after: Duration::from_millis(300),
    };
    (Engine::start(config, move |report| drop(tell.send(report))).unwrap(), reports)
}

/// Waits for a report that `wanted` turns into something.
fn await_report<T>(reports: &Receiver<Report>, mut wanted: impl FnMut(Report) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let report = reports.recv_timeout(left).expect("the report comes before patience ends");
        if let Some(found) = wanted(report) {
            return found;
        }
    }
}

fn await_true(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::yield_now();
    }
}

/// A phone at the end of a leg.
struct Peer {
    rtp: UdpSocket,
    port: u16,
    next: Header,
    keys: Option<(Outbound, Inbound)>,
}

impl Peer {
    fn new(ssrc: u32, payload_type: u8) -> Peer {
        let rtp = UdpSocket::bind((HOME, 0)).unwrap();
        rtp.set_read_timeout(Some(PATIENCE)).unwrap();
        let next = Header {
            marker: false,
            payload_type,
            sequence: 100,
            timestamp: 1000,
            ssrc,
            payload_at: 12,
            padding: false,
        };
        Peer { rtp, port: 0, next, keys: None }
    }

    fn address(&self) -> SocketAddr {
        self.rtp.local_addr().unwrap()
    }

    /// From here on it hears that port only. The tests run side by side: another engine's reports go to
    /// the port above *its* peer's, and that may be this one.
    fn face(&mut self, port: u16) {
        self.port = port;
        self.rtp.connect((HOME, port)).unwrap();
    }

    fn flow(&self, codec: Codec) -> Flow {
        Flow { dtmf_send_pt: Some(101), dtmf_recv_pt: Some(101), ..Flow::plain(codec, Some(self.address())) }
    }

    /// The switch's pair is `switch`; this phone has them the other way round.
    fn secure(&mut self, switch: &SrtpPair) {
        self.keys = Some((Outbound::new(&switch.remote).unwrap(), Inbound::new(&switch.local).unwrap()));
    }

    fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut packet = self.next.to_bytes().to_vec();
        packet.extend(payload);
        self.next.sequence = self.next.sequence.wrapping_add(1);
        self.next.timestamp = self.next.timestamp.wrapping_add(160);
        if let Some((outbound, _)) = &mut self.keys {
            let len = packet.len();
            packet.resize(len + ROOM, 0);
            let sealed = outbound.protect(&mut packet, len).unwrap();
            packet.truncate(sealed);
        }
        packet
    }

    fn send_raw(&self, packet: &[u8]) {
        self.rtp.send_to(packet, (HOME, self.port)).unwrap();
    }

    fn say(&mut self, payload: &[u8]) {
        let packet = self.packet(payload);
        self.send_raw(&packet);
    }

    #[track_caller]
    fn hear(&mut self) -> (Header, Vec<u8>) {
        let mut buffer = [0; 2048];
        let (mut len, _) = self.rtp.recv_from(&mut buffer).expect("a packet before patience ends");
        let header = Header::parse(&buffer[..len]).unwrap();
        if let Some((_, inbound)) = &mut self.keys {
            len = inbound.open(&mut buffer[..len], &header).unwrap();
        }
        (header, buffer[header.payload_at..len].to_vec())
    }

    fn hears_nothing(&self) -> bool {
        self.rtp.set_nonblocking(true).unwrap();
        let nothing = self.rtp.recv_from(&mut [0; 2048]).is_err();
        self.rtp.set_nonblocking(false).unwrap();
        nothing
    }
}

struct Call {
    engine: Engine,
    reports: Receiver<Report>,
    a: Peer,
    b: Peer,
}

impl Call {
    fn new(a: Codec, b: Codec) -> Call {
        let (engine, reports) = engine(42_000..=42_999);
        let ports = engine.open(CHANNEL).unwrap();
        let mut call = Call {
            engine,
            reports,
            a: Peer::new(0xA, a.payload_type()),
            b: Peer::new(0xB, b.payload_type()),
        };
        call.a.face(ports.a);
        call.b.face(ports.b);
        call.set(Side::A, call.a.flow(a));
        call.set(Side::B, call.b.flow(b));
        call
    }

    fn set(&self, side: Side, flow: Flow) {
        self.engine.set(CHANNEL, side, flow).unwrap();
    }

    fn counters(&self, side: Side) -> SideCounters {
        let both = self.engine.counters(CHANNEL).unwrap();
        if side == Side::A { both.a } else { both.b }
    }

    /// Waits until a figure of a side is what it should be.
    fn await_count(&self, what: &str, side: Side, count: impl Fn(SideCounters) -> u64, wanted: u64) {
        await_true(what, || count(self.counters(side)) == wanted);
    }
}

fn key(suite: SrtpSuite, fill: u8, mki: Option<&[u8]>) -> SrtpKey {
    SrtpKey { suite, master: Pii(vec![fill; 30]), mki: mki.map(<[u8]>::to_vec) }
}

fn pair(suite: SrtpSuite, mki: Option<&[u8]>) -> SrtpPair {
    SrtpPair { local: key(suite, 1, mki), remote: key(suite, 2, mki) }
}

#[test]
fn packets_go_both_ways_unbroken_under_our_own_source() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    call.a.say(&[0x55; 160]);
    let (first, _) = call.b.hear();
    call.a.next.sequence += 1; // one is lost on its way to us
    call.a.next.timestamp += 160;
    call.a.say(&[0xD5; 160]);
    let (second, payload) = call.b.hear();
    assert_eq!((second.ssrc, second.payload_type, payload), (first.ssrc, 8, vec![0xD5; 160]));
    assert_ne!(first.ssrc, 0xA);
    assert_eq!(second.sequence.wrapping_sub(first.sequence), 2);
    assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 320);
    call.b.say(&[1; 160]);
    assert_eq!(call.a.hear().1, [1; 160]);
    let a = call.counters(Side::A);
    assert_eq!((a.packets_in, a.octets_in, a.lost), (2, 320, 1));
    let closed = call.engine.close(CHANNEL).unwrap();
    assert_eq!((closed.b.packets_in, closed.b.packets_out), (1, 2));
    let sides: Vec<_> = call
        .reports
        .iter()
        .filter_map(|r| if let Report::FirstPacket { side, .. } = r { Some(side) } else { None })
        .take(2)
        .collect();
    assert_eq!(sides, [Side::A, Side::B]);
}

#[test]
fn the_two_laws_are_translated_each_way() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcmu);
    call.a.say(&[0xD5, 0xAA, 0x2A, 0x9A]);
    let (header, payload) = call.b.hear();
    assert_eq!((header.payload_type, payload), (0, vec![0xFE, 0x80, 0x00, 0xAF]));
    call.b.say(&[0xFF, 0x80, 0x00]);
    let (header, payload) = call.a.hear();
    assert_eq!((header.payload_type, payload), (8, vec![0xD5, 0xAA, 0x2A]));
    // The peer may change to the other law of the pair without a word.
    call.a.next.payload_type = 0;
    call.a.say(&[0x12; 160]);
    assert_eq!(call.b.hear().1, [0x12; 160]);
}

#[test]
fn extension_sources_and_padding_end_at_the_leg() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let mut packet = call.a.packet(&[]);
    packet[0] |= 0x20 | 0x10 | 1;
    packet.extend([0, 0, 0, 7, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4]);
    packet.extend([0xD5; 8]);
    packet.extend([0, 0, 0, 4]);
    call.a.send_raw(&packet);
    let (header, payload) = call.b.hear();
    assert_eq!((header.payload_at, header.padding, payload), (12, false, vec![0xD5; 8]));
}

#[test]
fn srtp_meets_rtp_in_both_suites_with_and_without_mki() {
    let (long, short) = (SrtpSuite::AesCm128HmacSha1_80, SrtpSuite::AesCm128HmacSha1_32);
    for (suite, mki) in
        [(long, None), (short, None), (long, Some(&[1][..])), (short, Some(&[0, 0, 0, 1][..]))]
    {
        let mut call = Call::new(Codec::Pcma, Codec::Pcmu);
        let keys = pair(suite, mki);
        call.b.secure(&keys);
        call.set(Side::B, Flow { srtp: Some(keys), ..call.b.flow(Codec::Pcmu) });
        for _ in 0..3 {
            call.a.say(&[0xD5; 160]);
            assert_eq!(call.b.hear().1, [0xFE; 160]);
            call.b.say(&[0xFF; 160]);
            assert_eq!(call.a.hear().1, [0xD5; 160]);
        }
    }
}

#[test]
fn replayed_clear_and_foreign_packets_are_refused_on_an_srtp_leg() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let keys = pair(SrtpSuite::AesCm128HmacSha1_80, None);
    call.b.secure(&keys);
    call.set(Side::B, Flow { srtp: Some(keys.clone()), ..call.b.flow(Codec::Pcma) });
    let packet = call.b.packet(&[1; 160]);
    call.b.send_raw(&packet);
    assert_eq!(call.a.hear().1, [1; 160]);
    call.b.send_raw(&packet);
    call.await_count("a replay", Side::B, |c| c.replayed, 1);
    let (_, inbound) = call.b.keys.take().unwrap();
    call.b.say(&[2; 160]);
    call.await_count("one in clear", Side::B, |c| c.unauthentic, 1);
    let foreign = Outbound::new(&key(SrtpSuite::AesCm128HmacSha1_80, 9, None)).unwrap();
    call.b.keys = Some((foreign, inbound));
    call.b.say(&[3; 160]);
    call.await_count("one under another key", Side::B, |c| c.unauthentic, 2);
    assert!(call.a.hears_nothing());
    let refused = |r| matches!(r, Report::SrtpRefused { side: Side::B, .. }).then_some(());
    await_report(&call.reports, refused);
}

#[test]
fn keys_that_stay_keep_their_state_and_new_ones_start_a_new_source() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let keys = pair(SrtpSuite::AesCm128HmacSha1_80, None);
    call.b.secure(&keys);
    let flow = Flow { srtp: Some(keys.clone()), ..call.b.flow(Codec::Pcma) };
    call.set(Side::B, flow.clone());
    call.a.say(&[1; 160]);
    let (first, _) = call.b.hear();
    let replay = call.b.packet(&[7; 160]);
    call.b.send_raw(&replay);
    call.a.hear();
    call.set(Side::B, flow.clone());
    call.a.say(&[1; 160]);
    let (second, _) = call.b.hear();
    assert_eq!((second.ssrc, second.sequence), (first.ssrc, first.sequence + 1));
    call.b.send_raw(&replay);
    call.await_count("the replay list outlives a re-INVITE", Side::B, |c| c.replayed, 1);
    // Only what we send is keyed anew.
    let local = key(SrtpSuite::AesCm128HmacSha1_80, 5, None);
    let (outbound, _) = call.b.keys.take().unwrap();
    call.b.keys = Some((outbound, Inbound::new(&local).unwrap()));
    call.set(Side::B, Flow { srtp: Some(SrtpPair { local, ..keys }), ..flow });
    call.a.say(&[1; 160]);
    assert_ne!(call.b.hear().0.ssrc, first.ssrc);
    call.b.say(&[8; 160]);
    assert_eq!(call.a.hear().1, [8; 160]);
}

#[test]
fn a_stranger_is_refused_after_the_lock_and_reported() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    call.a.say(&[1; 160]);
    call.b.hear();
    let mut stranger = Peer::new(0xA, 8);
    stranger.port = call.a.port;
    stranger.say(&[6; 160]);
    call.await_count("the stranger is counted", Side::A, |c| c.strangers, 1);
    let reported = await_report(&call.reports, |r| match r {
        Report::StrangerRefused { side: Side::A, from, .. } => Some(from),
        _ => None,
    });
    assert_eq!(reported, stranger.address());
    call.b.say(&[2; 160]);
    assert_eq!(call.a.hear().1, [2; 160]);
    assert!(call.b.hears_nothing() && stranger.hears_nothing());
}

#[test]
fn a_phone_behind_a_nat_is_answered_where_it_sends_from() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let mut nat = Peer::new(0xA, 8);
    nat.port = call.a.port;
    nat.say(&[1; 160]);
    assert_eq!(call.b.hear().1, [1; 160]);
    call.b.say(&[2; 160]);
    assert_eq!(nat.hear().1, [2; 160]);
    assert!(call.a.hears_nothing());
    // Without symmetric RTP the SDP alone says where to.
    call.set(Side::A, Flow { symmetric: false, ..call.a.flow(Codec::Pcma) });
    call.b.say(&[3; 160]);
    assert_eq!(call.a.hear().1, [3; 160]);
}

#[test]
fn a_digit_is_passed_on_in_the_other_numbers_and_reported_once() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcmu);
    call.set(Side::B, Flow { dtmf_send_pt: Some(96), ..call.b.flow(Codec::Pcmu) });
    call.a.say(&[1; 160]);
    let (audio, _) = call.b.hear();
    let beginning = call.a.next.timestamp;
    call.a.next.payload_type = 101;
    for packet in Press::new('7', 100).unwrap() {
        call.a.next.timestamp = beginning;
        call.a.say(&packet.event.to_bytes());
        let (header, payload) = call.b.hear();
        assert_eq!((header.payload_type, &payload[..]), (96, &packet.event.to_bytes()[..]));
        assert_eq!(header.timestamp.wrapping_sub(audio.timestamp), 160);
    }
    let heard = await_report(&call.reports, |r| match r {
        Report::Dtmf { side: Side::A, digit, millis, .. } => Some((digit, millis)),
        _ => None,
    });
    assert_eq!((heard, call.counters(Side::A).digits), (('7', 100), 1));
    // An end that never comes is made up for.
    call.a.next.timestamp = beginning + 8000;
    let packet = Press::new('8', 100).unwrap().next().unwrap();
    call.a.say(&packet.event.to_bytes());
    let heard = await_report(&call.reports, |r| match r {
        Report::Dtmf { digit, millis, .. } => Some((digit, millis)),
        _ => None,
    });
    assert_eq!(heard, ('8', 20));
}

#[test]
fn direction_is_honoured_and_the_stream_goes_on_unbroken_after_it() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    call.a.say(&[1; 160]);
    let (before, _) = call.b.hear();
    call.set(Side::B, Flow { direction: Direction::RecvOnly, ..call.b.flow(Codec::Pcma) });
    call.a.say(&[2; 160]);
    call.await_count("B is not sent to", Side::A, |c| c.paused, 1);
    call.b.say(&[3; 160]);
    assert_eq!(call.a.hear().1, [3; 160], "but listened to");
    call.set(Side::B, Flow { direction: Direction::Inactive, ..call.b.flow(Codec::Pcma) });
    call.b.say(&[4; 160]);
    call.await_count("B is not listened to", Side::B, |c| c.paused, 1);
    assert!(call.a.hears_nothing() && call.b.hears_nothing());
    call.a.next.sequence = call.a.next.sequence.wrapping_add(2000);
    call.set(Side::B, call.b.flow(Codec::Pcma));
    call.a.say(&[5; 160]);
    let (after, payload) = call.b.hear();
    assert_eq!((payload, after.marker), (vec![5; 160], true));
    assert_eq!(after.sequence, before.sequence.wrapping_add(1));
}

#[test]
fn a_handset_that_speaks_g726_is_joined_to_one_that_speaks_g711() {
    let mut call = Call::new(Codec::G726, Codec::Pcma);
    call.a.say(&[0x7F; 80]);
    let (header, payload) = call.b.hear();
    assert_eq!((header.payload_type, payload.len()), (8, 160));
    call.b.say(&[0xD5; 160]);
    let (header, payload) = call.a.hear();
    assert_eq!((header.payload_type, payload.len()), (98, 80));
    call.await_count("what left is counted", Side::A, |c| c.octets_out, 80);
}

#[test]
fn stun_goes_past_the_flows_both_ways_and_no_flood_does() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let request = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    call.a.send_raw(&request);
    call.await_count("nobody listens yet", Side::A, |c| c.malformed, 1);
    let (tell, heard) = channel();
    let listener = std::sync::Arc::new(move |stun| drop(tell.send(stun)));
    call.engine.listen_stun(CHANNEL, listener).unwrap();
    await_true("a request is heard", || {
        call.a.send_raw(&request);
        heard.recv_timeout(Duration::from_millis(50)).is_ok_and(|stun: super::Stun| {
            (stun.side, stun.control, stun.from) == (Side::A, false, call.a.address())
        })
    });
    let to = call.a.address();
    call.engine.send_stun(CHANNEL, (Side::A, false), to, vec![1, 1, 0, 0]).unwrap();
    let mut buffer = [0; 64];
    let len = call.a.rtp.recv(&mut buffer).unwrap();
    assert_eq!(buffer[..len], [1, 1, 0, 0]);
    for _ in 0..1_000 {
        call.a.send_raw(&request);
    }
    await_true("a flood is cut", || call.counters(Side::A).strangers > 0);
    // The flood may have filled the socket, so one word may be lost in it.
    await_true("and voice goes on", || {
        call.a.say(&[5; 160]);
        !call.b.hears_nothing()
    });
}

#[test]
fn silence_is_reported_once_and_so_is_its_end() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let silent = |r| match r {
        Report::Silence { side: Side::A, quiet, .. } => Some(quiet),
        _ => None,
    };
    assert!(await_report(&call.reports, silent) >= Duration::from_millis(300));
    call.a.say(&[1; 160]);
    await_report(&call.reports, |r| {
        assert!(!matches!(r, Report::Silence { side: Side::A, .. }), "twice");
        matches!(r, Report::Resumed { side: Side::A, .. }).then_some(())
    });
    await_report(&call.reports, silent);
}

#[test]
fn reports_of_our_own_go_to_each_peer_and_theirs_are_read() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let control = UdpSocket::bind((HOME, 0)).unwrap();
    control.set_read_timeout(Some(PATIENCE)).unwrap();
    // No other test's engine is heard here: see `Peer::face`.
    control.connect((HOME, call.b.port + 1)).unwrap();
    let address = control.local_addr().unwrap();
    let keys = pair(SrtpSuite::AesCm128HmacSha1_32, Some(&[1, 2]));
    call.b.secure(&keys);
    let flow = Flow { remote_rtcp: Some(address), srtp: Some(keys), ..call.b.flow(Codec::Pcma) };
    call.set(Side::B, flow);
    call.a.say(&[1; 160]);
    let (heard, _) = call.b.hear();
    call.b.say(&[1; 160]);
    call.a.hear();

    let mut buffer = [0; 2048];
    let (outbound, inbound) = call.b.keys.as_mut().unwrap();
    let (len, _) = control.recv_from(&mut buffer).unwrap();
    let len = inbound.open_control(&mut buffer[..len]).unwrap();
    let first = rtcp::parse(&buffer[..len]).next().unwrap().unwrap();
    let rtcp::Packet::SenderReport { ssrc, sent, mut blocks } = first else { panic!("{first:?}") };
    assert_eq!((ssrc, sent.packets, sent.octets), (heard.ssrc, 1, 160));
    assert_eq!(blocks.next().map(|block| (block.ssrc, block.lost)), Some((0xB, 0)));

    let block =
        rtcp::Block { ssrc, lost: 3, jitter: 8, last_sr: rtcp::middle(sent.ntp), ..Default::default() };
    let len = rtcp::write(&mut buffer, 0xB, None, Some(block), "b", false).unwrap();
    let len = outbound.protect_control(&mut buffer, len).unwrap();
    control.send(&buffer[..len]).unwrap();
    call.await_count("the peer's loss is known", Side::B, |c| c.remote_lost, 3);
    assert_eq!(call.counters(Side::B).remote_jitter_us, 1000);
    assert!(call.counters(Side::B).round_trip_us < PATIENCE.as_micros() as u64);

    call.engine.close(CHANNEL).unwrap();
    let (len, _) = control.recv_from(&mut buffer).unwrap();
    let (_, inbound) = call.b.keys.as_mut().unwrap();
    let len = inbound.open_control(&mut buffer[..len]).unwrap();
    let last = rtcp::parse(&buffer[..len]).last().unwrap();
    assert_eq!(last, Ok(rtcp::Packet::Bye { ssrc }));
}

#[test]
fn garbage_is_counted_and_stops_nothing() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    for garbage in [&[][..], &[0x80], &[0; 11], &[0xFF; 1600], &[0x80, 200, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]] {
        call.a.send_raw(garbage);
    }
    call.await_count("five are malformed", Side::A, |c| c.malformed, 5);
    call.a.next.payload_type = 50;
    call.a.say(&[1; 160]);
    call.await_count("one is of no known type", Side::A, |c| c.unknown_payload, 1);
    call.a.next.payload_type = 8;
    call.a.say(&[1; 160]);
    assert_eq!(call.b.hear().1, [1; 160]);
}

#[test]
fn figures_are_reported_in_time() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    call.a.say(&[1; 160]);
    await_report(&call.reports, |r| match r {
        Report::Counters { side: Side::A, counters, .. } if counters.packets_in == 1 => Some(()),
        _ => None,
    });
}

#[test]
fn closing_frees_the_ports_and_a_full_range_says_so() {
    let (engine, _reports) = engine(42_100..=42_107);
    let opened: Vec<_> = (0..3).map_while(|n| engine.open(ChannelId(n)).ok()).collect();
    assert!((1..=2).contains(&opened.len()), "{opened:?}");
    assert!(matches!(engine.open(ChannelId(9)), Err(EngineFault::NoPorts)));
    assert!(matches!(engine.open(ChannelId(0)), Err(EngineFault::Exists(ChannelId(0)))));
    assert_eq!(engine.open_channels(), opened.len());
    assert!(engine.close(ChannelId(0)).is_some());
    assert!(engine.close(ChannelId(0)).is_none() && engine.counters(ChannelId(0)).is_none());
    let mut again = None;
    await_true("the ports are free again", || {
        again = engine.open(ChannelId(9)).ok();
        again.is_some()
    });
    assert_eq!(again.map(|ports| (ports.a % 2, ports.b % 2)), Some((0, 0)));
    let unknown = engine.set(ChannelId(77), Side::A, Flow::plain(Codec::Pcma, None));
    assert!(matches!(unknown, Err(EngineFault::Unknown(ChannelId(77)))));
}

#[test]
fn the_last_handle_takes_the_threads_with_it() {
    // Ports that no other test takes, nor the system for a socket that asks for any.
    let (engine, reports) = engine(29_900..=29_949);
    let twin = engine.clone();
    let ports = twin.open(CHANNEL).unwrap();
    drop(engine);
    assert_eq!(twin.open_channels(), 1);
    drop(twin);
    // The report handler goes with the last thread, and its sender with it.
    let deadline = Instant::now() + PATIENCE;
    while reports.recv_timeout(PATIENCE).is_ok() {
        assert!(Instant::now() < deadline);
    }
    assert!(UdpSocket::bind((HOME, ports.a)).is_ok(), "the sockets are shut");
}

#[test]
fn a_flow_or_configuration_that_cannot_work_is_refused_with_its_field() {
    let (engine, _reports) = engine(42_300..=42_399);
    engine.open(CHANNEL).unwrap();
    let flow = Flow { send_pt: 72, ..Flow::plain(Codec::Pcma, None) };
    let fault = engine.set(CHANNEL, Side::A, flow).unwrap_err();
    assert!(fault.to_string().contains("send_pt is 72"), "{fault}");
    let mut keys = pair(SrtpSuite::AesCm128HmacSha1_80, None);
    keys.remote.master.0.truncate(16);
    let flow = Flow { srtp: Some(keys), ..Flow::plain(Codec::Pcma, None) };
    let fault = engine.set(CHANNEL, Side::A, flow).unwrap_err();
    assert!(fault.to_string().contains("16 octets, expected 30"), "{fault}");
    let config = EngineConfig {
        bind: HOME,
        ports: 5000..=5000,
        threads: 1,
        dscp: 46,
        report_every: PATIENCE,
        silence_after: PATIENCE,
    };
    assert!(Engine::start(config.clone(), |_| {}).is_err());
    assert!(Engine::start(EngineConfig { ports: 5000..=5999, dscp: 64, ..config }, |_| {}).is_err());
}

/// A node dies and another engine takes the channel up: the SRTP peer notices a gap, nothing else.
#[test]
fn a_channel_is_taken_up_again_on_its_ports_with_its_keys_and_counters() {
    let mut call = Call::new(Codec::Pcma, Codec::Pcma);
    let keys = pair(SrtpSuite::AesCm128HmacSha1_80, None);
    call.b.secure(&keys);
    let (flow_a, flow_b) = (call.a.flow(Codec::Pcma), Flow { srtp: Some(keys), ..call.b.flow(Codec::Pcma) });
    call.set(Side::B, flow_b.clone());
    // Both streams wrap once, so that a counter which starts at zero would not do.
    (call.a.next.sequence, call.b.next.sequence) = (1, 65_530);
    let mut last = None;
    for _ in 0..66_000u32 {
        call.a.say(&[1; 20]);
        last = Some(call.b.hear().0);
    }
    for _ in 0..10 {
        call.b.say(&[2; 20]);
        call.a.hear();
    }
    let last = last.unwrap();
    await_true("the standing is published", || {
        let [_, b] = call.engine.standing(CHANNEL).unwrap();
        b.ours.is_some_and(|ours| ours.sequence == last.sequence && ours.roc > 0)
            && b.peer.is_some_and(|peer| peer.sequence == 3 && peer.roc == 1)
    });
    let (ports, standing) = (call.engine.ports(CHANNEL).unwrap(), call.engine.standing(CHANNEL).unwrap());
    let (second, reports) = engine(42_000..=42_999);
    assert!(matches!(second.reopen(CHANNEL, ports, standing), Err(EngineFault::NoPorts)), "still bound");
    call.engine = second.clone();
    call.reports = reports;
    await_true("the ports are free", || second.reopen(CHANNEL, ports, standing).is_ok());
    call.set(Side::A, flow_a);
    call.set(Side::B, flow_b);
    call.a.say(&[3; 160]);
    let (after, payload) = call.b.hear();
    assert_eq!((after.ssrc, payload), (last.ssrc, vec![3; 160]));
    assert_eq!(after.sequence.wrapping_sub(last.sequence), super::outgoing::SKIP);
    call.b.say(&[4; 160]);
    assert_eq!(call.a.hear().1, [4; 160]);
}

/// Half of them SRTP on one leg; 50 packets a second each way, paced by the clock, none lost.
#[test]
fn two_hundred_channels_lose_nothing() {
    const CHANNELS: u64 = 200;
    const PACKETS: u64 = 25;
    let (engine, _reports) = engine(43_000..=44_999);
    let keys = pair(SrtpSuite::AesCm128HmacSha1_80, None);
    let mut calls: Vec<_> = (0..CHANNELS)
        .map(|n| {
            let ports = engine.open(ChannelId(n)).unwrap();
            let (mut a, mut b) = (Peer::new(0xA, 8), Peer::new(0xB, 0));
            (a.port, b.port) = (ports.a, ports.b);
            let mut flow = b.flow(Codec::Pcmu);
            if n % 2 == 0 {
                b.secure(&keys);
                flow.srtp = Some(keys.clone());
            }
            engine.set(ChannelId(n), Side::A, a.flow(Codec::Pcma)).unwrap();
            engine.set(ChannelId(n), Side::B, flow).unwrap();
            (a, b)
        })
        .collect();
    let start = Instant::now();
    for round in 0..PACKETS as u32 {
        for (a, b) in &mut calls {
            a.say(&[0xD5; 160]);
            b.say(&[0xFF; 160]);
        }
        let due = start + Duration::from_millis(20) * (round + 1);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    for (a, b) in &mut calls {
        for _ in 0..PACKETS {
            assert_eq!(a.hear().1, [0xD5; 160]);
            assert_eq!(b.hear().1, [0xFE; 160]);
        }
    }
    for n in 0..CHANNELS {
        let counters = engine.close(ChannelId(n)).unwrap();
        assert_eq!((counters.a.packets_in, counters.b.packets_in), (PACKETS, PACKETS));
        assert_eq!((counters.a.lost, counters.b.lost, counters.a.strangers), (0, 0, 0));
    }
    assert_eq!(engine.open_channels(), 0);
}

//! RTP through rtpengine, ordered over its ng protocol, at a steady rate.

use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cost::cpu;
use crate::process::{PATIENCE, Process, free_port, free_ports, until};
use crate::scene::Scene;

/// Packets a second of one direction of a call.
const PACKETS: u32 = 50;

/// What a packet cost, and how many of those that were sent came.
pub struct Relayed {
    pub each: Duration,
    pub sent: u64,
    pub received: u64,
}

/// Relays `calls` calls in both directions, or encrypts one direction of them, for so long.
pub fn relay(scene: &Scene, calls: u16, encrypts: bool, duration: Duration) -> Relayed {
    let room = scene.room(if encrypts { "rtpengine-srtp" } else { "rtpengine" });
    let (control, first) = (free_port(), free_ports(calls * 4));
    let mut command = Command::new("rtpengine");
    command.args(["--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--interface=127.0.0.1"]);
    command.arg(format!("--listen-ng=127.0.0.1:{control}"));
    command.args([format!("--port-min={first}"), format!("--port-max={}", first + calls * 4 - 1)]);
    let server = Process::start("rtpengine", &room, command);
    let ng = UdpSocket::bind("127.0.0.1:0").unwrap();
    ng.connect(("127.0.0.1", control)).unwrap();
    ng.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    until("rtpengine answers", PATIENCE, || order(&ng, "d7:command4:pinge"));

    let flows: Vec<_> = (0..calls).map(|call| open(&ng, call, encrypts)).collect();
    let before = cpu(server.pid());
    let (sent, received) = drive(&flows, encrypts, duration);
    let spent = cpu(server.pid()) - before;
    Relayed { each: spent / u32::try_from(sent.max(1)).unwrap_or(u32::MAX), sent, received }
}

/// Two ends, and the relay's ports for them.
struct Flow {
    ends: [UdpSocket; 2],
    relay: [u16; 2],
}

fn open(ng: &UdpSocket, call: u16, encrypts: bool) -> Flow {
    let ends = [0, 1].map(|_| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    });
    let ports = [0, 1].map(|end: usize| ends[end].local_addr().unwrap().port());
    let transport = if encrypts { "18:transport-protocol8:RTP/SAVP4:DTLS3:off" } else { "" };
    let offer = sdp(ports[0], "RTP/AVP", "");
    let ask = |order_of: &str, sdp: &str, to: &str, extra: &str| {
        let id = format!("bench-{call}");
        let command = format!(
            "d7:call-id{}:{id}7:command{}:{order_of}8:from-tag1:a3:sdp{}:{sdp}{to}{extra}e",
            id.len(),
            order_of.len(),
            sdp.len()
        );
        order(ng, &command).expect("rtpengine answers")
    };
    // The port towards the second end comes with the offer, that towards the first with the answer.
    let offered = ask("offer", &offer, "", transport);
    let answer = match encrypts {
        true => sdp(ports[1], "RTP/SAVP", &chosen_key(&offered)),
        false => sdp(ports[1], "RTP/AVP", ""),
    };
    let answered = ask("answer", &answer, "6:to-tag1:b", "");
    Flow { ends, relay: [port_in(&answered), port_in(&offered)] }
}

fn port_in(reply: &str) -> u16 {
    let port = reply.split("m=audio ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    port.unwrap_or_else(|| panic!("no port in {reply}"))
}

/// A key for the suite that Kirkwall is measured with, under the tag that rtpengine offers it (RFC 4568 §5.1.2).
fn chosen_key(offered: &str) -> String {
    let suite = " AES_CM_128_HMAC_SHA1_80 ";
    let line = offered.split("a=crypto:").find(|line| line.contains(suite));
    let tag = line
        .and_then(|line| line.split(' ').next())
        .unwrap_or_else(|| panic!("no suite of ours in {offered}"));
    format!("a=crypto:{tag}{suite}inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n")
}

fn sdp(port: u16, profile: &str, crypto: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} {profile} 8\r\n{crypto}a=rtpmap:8 PCMA/8000\r\n"
    )
}

/// One order and its answer; the cookie keeps them together.
fn order(ng: &UdpSocket, bencoded: &str) -> Option<String> {
    ng.send(format!("c{} {bencoded}", bencoded.len()).as_bytes()).ok()?;
    let mut bytes = [0; 8192];
    let length = ng.recv(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

/// Sends from both ends, or only from the plain one, spread evenly; counts what arrives.
fn drive(flows: &[Flow], encrypts: bool, duration: Duration) -> (u64, u64) {
    let (mut sent, mut received, started) = (0, 0, Instant::now());
    let mut packet = [0_u8; 172];
    packet[..2].copy_from_slice(&[0x80, 8]);
    let turns = duration.as_millis() as u32 * PACKETS / 1000;
    let step = Duration::from_secs(1) / PACKETS / flows.len() as u32;
    for turn in 0..turns {
        packet[2..4].copy_from_slice(&(turn as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(turn * 160).to_be_bytes());
        for (n, flow) in flows.iter().enumerate() {
            let due = step * (turn * flows.len() as u32 + n as u32);
            std::thread::sleep(due.saturating_sub(started.elapsed()));
            for end in 0..if encrypts { 1 } else { 2 } {
                packet[8..12].copy_from_slice(&((n * 2 + end) as u32).to_be_bytes());
                // In this relay, the port that an end was given is the one that it sends to.
                let to = flow.relay[end];
                sent += u64::from(flow.ends[end].send_to(&packet, ("127.0.0.1", to)).is_ok());
            }
            received += drain(flow);
        }
    }
    std::thread::sleep(Duration::from_millis(100));
    (sent, received + flows.iter().map(drain).sum::<u64>())
}

fn drain(flow: &Flow) -> u64 {
    let mut bytes = [0; 2048];
    let from =
        |socket: &UdpSocket, bytes: &mut [u8]| std::iter::from_fn(|| socket.recv(bytes).ok()).count() as u64;
    from(&flow.ends[0], &mut bytes) + from(&flow.ends[1], &mut bytes)
}

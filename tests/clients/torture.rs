//! The 49 messages of RFC 4475, sent to the running switch; the verdicts are `tests/torture/verdicts.txt`.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::process::{PATIENCE, until};
use crate::scene::{DOMAIN, Scene};
use crate::switch::{Options, Switch};

/// The switch has to answer OPTIONS within this time, whatever came before.
const PROMPT: Duration = Duration::from_secs(1);
/// What was not said by then, after a later request was answered, is not said.
const SILENCE: Duration = Duration::from_millis(150);
/// Answers that say that a message itself was wrong; what is accepted gets none of them.
const REFUSALS: [u16; 9] = [400, 406, 415, 416, 420, 483, 501, 505, 513];

struct Case {
    name: String,
    message: Vec<u8>,
    udp: String,
    stream: String,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let table = std::fs::read_to_string(folder.join("verdicts.txt")).unwrap();
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cases: Vec<_> = rows
        .map(|line| {
            let columns: Vec<_> = line.split('|').map(str::trim).collect();
            Case {
                name: columns[0].into(),
                message: std::fs::read(folder.join(format!("{}.dat", columns[0]))).unwrap(),
                udp: columns[1].into(),
                stream: columns[2].into(),
            }
        })
        .collect();
    assert_eq!(cases.len(), 49);
    cases
}

/// Whether what was said is what the table says.
fn judge(verdict: &str, message: &[u8], statuses: &[u16], closed: bool) -> Result<(), String> {
    let (verdict, closes) = match verdict.strip_suffix("+close") {
        Some(verdict) => (verdict, true),
        None => (verdict, false),
    };
    // 100 says nothing but that a request has come.
    let finals: Vec<u16> = statuses.iter().copied().filter(|status| *status != 100).collect();
    let fits = match verdict {
        "silence" => finals.is_empty(),
        "accept" if message.starts_with(b"SIP/2.0") || message.starts_with(b"ACK ") => finals.is_empty(),
        "accept" => !finals.is_empty() && !finals.iter().any(|status| REFUSALS.contains(status)),
        status => finals.first().map(u16::to_string).as_deref() == Some(status),
    };
    match (fits, closes && !closed) {
        (true, false) => Ok(()),
        (true, true) => Err("the connection stays open".into()),
        (false, _) => Err(format!("{verdict} is right, and it said {statuses:?}")),
    }
}

fn options(transport: &str, from: SocketAddr, mark: &str) -> Vec<u8> {
    format!(
        "OPTIONS sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/{transport} {from};branch=z9hG4bK{mark};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:probe@{DOMAIN}>;tag=p\r\nTo: <sip:{DOMAIN}>\r\nCall-ID: {mark}\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// Status codes of the responses in some bytes, and whether one answers the probe `mark`.
fn responses(bytes: &[u8], mark: &str) -> (Vec<u16>, bool) {
    let text = String::from_utf8_lossy(bytes);
    let starts: Vec<_> = text.match_indices("SIP/2.0 ").filter(|(at, _)| is_line_start(&text, *at)).collect();
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    let (mut statuses, mut answered) = (Vec::new(), false);
    for ((start, _), end) in starts.iter().zip(ends) {
        let response = &text[*start..end];
        match response.contains(mark) {
            true => answered = true,
            false => statuses.extend(response.get(8..11).and_then(|status| status.parse::<u16>().ok())),
        }
    }
    (statuses, answered)
}

fn is_line_start(text: &str, at: usize) -> bool {
    at == 0 || text[..at].ends_with('\n')
}

fn finish(transport: &str, wrong: Vec<String>, mut switch: Switch) {
    assert!(wrong.is_empty(), "over {transport}:\n  {}", wrong.join("\n  "));
    switch.assert_alive();
}

#[test]
fn all_49_messages_of_rfc_4475_get_their_verdict_over_udp() {
    let scene = Scene::new("torture-udp");
    let switch = Switch::start(&scene, Options::default());
    // RFC 3261 section 18.2.2: a response goes to the address that a request came from, and to the port
    // of its Via, 5060 if there is none. So we sit on an address of our own, at these ports.
    let here = [127, 0, 0, 75];
    let sockets = [5060, 5061, 5050, 5070].map(|port| {
        let address = SocketAddr::from((here, port));
        let socket = until(&format!("port {address} is free"), PATIENCE, || UdpSocket::bind(address).ok());
        socket.set_nonblocking(true).unwrap();
        socket
    });
    let mut wrong = Vec::new();
    for case in cases() {
        let mark = format!("probe-{}", case.name);
        let from = sockets[0].local_addr().unwrap();
        sockets[0].send_to(&case.message, switch.bound().udp).unwrap();
        sockets[0].send_to(&options("UDP", from, &mark), switch.bound().udp).unwrap();
        let (statuses, prompt) = collect_datagrams(&sockets, &mark);
        if !prompt {
            wrong.push(format!("{}: OPTIONS was not answered within {PROMPT:?}", case.name));
        }
        if let Err(why) = judge(&case.udp, &case.message, &statuses, false) {
            wrong.push(format!("{}: {why}", case.name));
        }
    }
    finish("UDP", wrong, switch);
}

/// What comes until the probe was answered and silence followed; whether the probe was answered in time.
fn collect_datagrams(sockets: &[UdpSocket], mark: &str) -> (Vec<u16>, bool) {
    let (mut all, mut bytes, started) = (Vec::new(), [0; 65_536], Instant::now());
    let mut answered: Option<Instant> = None;
    while answered.map_or(started.elapsed() < PROMPT, |at| at.elapsed() < SILENCE) {
        let mut heard = false;
        for socket in sockets {
            if let Ok(length) = socket.recv(&mut bytes) {
                let (statuses, probe) = responses(&bytes[..length], mark);
                all.extend(statuses);
                answered = answered.or(probe.then(Instant::now));
                heard = true;
            }
        }
        if !heard {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    (all, answered.is_some())
}

#[test]
fn all_49_messages_of_rfc_4475_get_their_verdict_over_tcp() {
    let scene = Scene::new("torture-tcp");
    let switch = Switch::start(&scene, Options::default());
    let to = switch.bound().tcp;
    let wrong = over_streams("TCP", || {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(SILENCE)).unwrap();
        stream
    });
    finish("TCP", wrong, switch);
}

#[test]
fn all_49_messages_of_rfc_4475_get_their_verdict_over_tls() {
    let scene = Scene::new("torture-tls");
    let switch = Switch::start(&scene, Options::default());
    let wrong = over_streams("TLS", || {
        let stream = scene.authority.connect(switch.bound().tls, PATIENCE).unwrap();
        stream.sock.set_read_timeout(Some(SILENCE)).unwrap();
        stream
    });
    finish("TLS", wrong, switch);
}

/// A connection for each message, so that one that cannot be framed spoils no other; the probe comes
/// over a connection of its own.
fn over_streams<S: Read + Write>(transport: &str, connect: impl Fn() -> S) -> Vec<String> {
    let mut wrong = Vec::new();
    for case in cases() {
        let (mut stream, mut probe) = (connect(), connect());
        let mark = format!("probe-{}", case.name);
        stream.write_all(&case.message).and_then(|()| stream.flush()).unwrap();
        let from = SocketAddr::from(([127, 0, 0, 1], 5060));
        probe.write_all(&options(transport, from, &mark)).and_then(|()| probe.flush()).unwrap();
        let sent = Instant::now();
        let (answer, _) = read_until(&mut probe, |bytes| responses(bytes, &mark).1, PROMPT);
        if !responses(&answer, &mark).1 {
            wrong.push(format!("{}: OPTIONS was not answered within {:?}", case.name, sent.elapsed()));
        }
        let patience = if case.stream.ends_with("+close") { PROMPT } else { SILENCE };
        let (said, closed) = read_until(&mut stream, |_| false, patience);
        let (statuses, _) = responses(&said, &mark);
        if let Err(why) = judge(&case.stream, &case.message, first_only(&case, &statuses), closed) {
            wrong.push(format!("{}: {why}", case.name));
        }
    }
    wrong
}

/// The verdict is on the first message; what follows it in the same bytes is judged as what it is.
fn first_only<'a>(case: &Case, statuses: &'a [u16]) -> &'a [u16] {
    match case.name.as_str() {
        "dblreq" => &statuses[..statuses.len().min(1)],
        _ => statuses,
    }
}

/// Reads until it is enough, the connection has ended, or nothing came for the stream's own patience
/// after `patience`. Answers whether the connection has ended.
fn read_until<S: Read>(
    stream: &mut S,
    enough: impl Fn(&[u8]) -> bool,
    patience: Duration,
) -> (Vec<u8>, bool) {
    let (mut all, mut bytes, started) = (Vec::new(), [0; 16_384], Instant::now());
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return (all, true),
            Ok(length) => all.extend(&bytes[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if started.elapsed() >= patience {
                    return (all, false);
                }
            }
            Err(_) => return (all, true),
        }
        if enough(&all) {
            return (all, false);
        }
    }
}

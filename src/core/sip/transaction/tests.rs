//! The printed figures as a table: state, cause, what must be ordered, next state.

use std::time::Duration;

use super::*;
use crate::sip::Transport;
use crate::timer::{Moment, T1, T2, T4};

const START: Moment = Moment::from_micros(1_000_000_000);

fn request(method: Method) -> Message {
    let mut request = Message::request(method.clone(), "sip:b@example.com");
    request.headers.push(HeaderName::Via, "SIP/2.0/UDP a.example.com;branch=z9hG4bK77");
    request.headers.push(HeaderName::Route, "<sip:p.example.com;lr>");
    request.headers.push(HeaderName::From, "<sip:a@example.com>;tag=1");
    request.headers.push(HeaderName::To, "<sip:b@example.com>");
    request.headers.push(HeaderName::CallId, "c1");
    request.headers.push(HeaderName::CSeq, format!("7 {method}"));
    request
}

fn response(method: &Method, status: u16) -> Message {
    Message::response(&request(method.clone()), status, "x", Some("t"))
}

/// One cause in the words of the figures.
#[derive(Debug, Clone, Copy)]
enum Cause {
    /// A response received by a client or given by the TU of a server.
    Status(u16),
    /// The same request again.
    Again,
    /// An ACK.
    Ack,
    /// Time passes.
    After(Duration),
    /// The transport fails.
    Error,
}
use Cause::{Ack, After, Again, Error, Status};

/// Orders, in short: S(tatus or method) sent, D(elivered), T(imed out), U(nreachable), X terminated.
fn client(method: Method, transport: Transport, causes: &[Cause]) -> Vec<String> {
    let (mut machine, first) = ClientTransaction::new(request(method.clone()), transport, START);
    let (mut now, mut told) = (START, client_words(&first));
    for cause in causes {
        let orders = match *cause {
            Status(status) => machine.handle(ClientInput::Response(response(&method, status)), now),
            Error => machine.handle(ClientInput::TransportFailed, now),
            After(time) => {
                let end = now + time;
                let mut orders = Vec::new();
                while let Some(due) = machine.deadline().filter(|due| *due <= end) {
                    orders.extend(machine.handle(ClientInput::Deadline, due));
                }
                now = end;
                orders
            }
            Again | Ack => panic!("not a client's cause"),
        };
        told.extend(client_words(&orders));
    }
    told
}

fn client_words(orders: &[ClientOrder]) -> Vec<String> {
    let word = |order: &ClientOrder| match order {
        ClientOrder::Send(message) => format!("S {}", message.method().unwrap()),
        ClientOrder::Deliver(message) => format!("D {}", message.status().unwrap()),
        ClientOrder::TimedOut => "T".into(),
        ClientOrder::Unreachable => "U".into(),
        ClientOrder::Terminated => "X".into(),
    };
    orders.iter().map(word).collect()
}

fn server(method: Method, transport: Transport, causes: &[Cause]) -> Vec<String> {
    let (mut machine, first) = ServerTransaction::new(request(method.clone()), transport).unwrap();
    let (mut now, mut told) = (START, server_words(&first));
    for cause in causes {
        let orders = match *cause {
            Status(status) => machine.respond(response(&method, status), now),
            Again => machine.handle(ServerInput::Received(request(method.clone())), now),
            Ack => machine.handle(ServerInput::Received(request(Method::Ack)), now),
            Error => machine.handle(ServerInput::TransportFailed, now),
            After(time) => {
                let end = now + time;
                let mut orders = Vec::new();
                while let Some(due) = machine.deadline().filter(|due| *due <= end) {
                    orders.extend(machine.handle(ServerInput::Deadline, due));
                }
                now = end;
                orders
            }
        };
        told.extend(server_words(&orders));
    }
    told
}

fn server_words(orders: &[ServerOrder]) -> Vec<String> {
    let word = |order: &ServerOrder| match order {
        ServerOrder::Send(message) => format!("S {}", message.status().unwrap()),
        ServerOrder::Deliver(message) => format!("D {}", message.method().unwrap()),
        ServerOrder::Unreachable => "U".into(),
        ServerOrder::Terminated => "X".into(),
    };
    orders.iter().map(word).collect()
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn figure_5_invite_client() {
    use Transport::{Tcp, Udp};
    let table: &[(&str, Transport, &[Cause], &str)] = &[
        ("A fires: INVITE again at 1, 3, 7 T1", Udp, &[After(T1 * 7)], "S INVITE,S INVITE,S INVITE,S INVITE"),
        ("no A on a reliable transport", Tcp, &[After(T1 * 63)], "S INVITE"),
        ("B fires: timeout", Tcp, &[After(TIMEOUT), After(TIMEOUT)], "S INVITE,T,X"),
        ("Calling, transport error", Udp, &[Error, Status(200)], "S INVITE,U,X"),
        ("1xx stops A and B", Udp, &[Status(100), After(TIMEOUT * 2)], "S INVITE,D 100"),
        ("Proceeding, 1xx to TU", Udp, &[Status(100), Status(180)], "S INVITE,D 100,D 180"),
        ("Proceeding, error is no end", Udp, &[Status(100), Error, Status(200)], "S INVITE,D 100,D 200"),
        ("Calling, 300-699: ACK", Udp, &[Status(486)], "S INVITE,S ACK,D 486"),
        ("Proceeding, 300-699: ACK", Udp, &[Status(180), Status(302)], "S INVITE,D 180,S ACK,D 302"),
        ("Completed, again: ACK only", Udp, &[Status(486), Status(486)], "S INVITE,S ACK,D 486,S ACK"),
        (
            "Completed, others are dropped",
            Udp,
            &[Status(486), Status(200), Status(180)],
            "S INVITE,S ACK,D 486",
        ),
        ("Completed, D fires", Udp, &[Status(486), After(TIMEOUT)], "S INVITE,S ACK,D 486,X"),
        ("Completed, transport error", Udp, &[Status(486), Error], "S INVITE,S ACK,D 486,U,X"),
        ("D is zero on a reliable transport", Tcp, &[Status(486)], "S INVITE,S ACK,D 486,X"),
        ("RFC 6026: every 2xx to TU", Udp, &[Status(200), Status(200)], "S INVITE,D 200,D 200"),
        ("RFC 6026: others dropped", Udp, &[Status(200), Status(486), Status(180), Error], "S INVITE,D 200"),
        ("RFC 6026: M fires", Tcp, &[Status(200), After(TIMEOUT), Status(200)], "S INVITE,D 200,X"),
    ];
    for (what, transport, causes, told) in table {
        assert_eq!(client(Method::Invite, *transport, causes).join(","), *told, "{what}");
    }
}

#[test]
fn figure_6_non_invite_client() {
    use Transport::{Tcp, Udp};
    // E at 0.5, 1.5, 3.5, 7.5 and from there every 4 s, until F at 32 s: eleven sends in all.
    let timeout = format!("{},T,X", ["S BYE"; 11].join(","));
    let table: &[(&str, Transport, &[Cause], &str)] = &[
        ("E doubles up to T2, then F", Udp, &[After(TIMEOUT)], &timeout),
        ("no E on a reliable transport", Tcp, &[After(TIMEOUT)], "S BYE,T,X"),
        ("Trying, transport error", Tcp, &[Error], "S BYE,U,X"),
        ("Trying, final", Udp, &[Status(200), After(T4)], "S BYE,D 200,X"),
        ("K is zero on a reliable transport", Tcp, &[Status(200)], "S BYE,D 200,X"),
        ("Completed swallows", Udp, &[Status(200), Status(200), Error], "S BYE,D 200"),
        (
            "Proceeding: first E as set, then T2",
            Udp,
            &[Status(100), After(ms(4600))],
            "S BYE,D 100,S BYE,S BYE",
        ),
        ("Proceeding, final", Udp, &[Status(100), Status(481)], "S BYE,D 100,D 481"),
        ("Proceeding, F", Tcp, &[Status(100), After(TIMEOUT)], "S BYE,D 100,T,X"),
        ("Proceeding, error", Tcp, &[Status(100), Error], "S BYE,D 100,U,X"),
    ];
    for (what, transport, causes, told) in table {
        assert_eq!(client(Method::Bye, *transport, causes).join(","), *told, "{what}");
    }
}

#[test]
fn figure_7_invite_server() {
    use Transport::{Tcp, Udp};
    // G at 0.5, 1.5, 3.5, then every 4 s, until H: with the first one eleven sends.
    let unacked = format!("S 100,{},X", ["S 486"; 11].join(","));
    let table: &[(&str, Transport, &[Cause], &str)] = &[
        ("INVITE again: last 1xx", Udp, &[Again, Status(180), Again], "S 100,S 100,S 180,S 180"),
        ("Proceeding, error: inform only", Udp, &[Error, Status(180)], "S 100,U,S 180"),
        ("Completed: G until H", Udp, &[Status(486), After(TIMEOUT)], &unacked),
        ("Completed, reliable: H alone", Tcp, &[Status(486), After(TIMEOUT)], "S 100,S 486,X"),
        ("Completed, INVITE again", Udp, &[Status(486), Again], "S 100,S 486,S 486"),
        ("Completed, a second final", Udp, &[Status(486), Status(200)], "S 100,S 486"),
        ("ACK, then I", Udp, &[Status(486), Ack, Ack, Again, After(T4)], "S 100,S 486,X"),
        ("I is zero on a reliable transport", Tcp, &[Status(486), Ack], "S 100,S 486,X"),
        ("RFC 6026: 2xx stays", Udp, &[Status(200), Again, Error], "S 100,S 200,U"),
        ("RFC 6026: 2xx again from TU", Udp, &[Status(200), Status(200)], "S 100,S 200,S 200"),
        ("RFC 6026: no other after 2xx", Udp, &[Status(200), Status(487)], "S 100,S 200"),
        ("RFC 6026: ACK to TU", Udp, &[Status(200), Ack, Ack], "S 100,S 200,D ACK,D ACK"),
        ("RFC 6026: L", Tcp, &[Status(200), After(TIMEOUT), Again, Ack], "S 100,S 200,X"),
    ];
    for (what, transport, causes, told) in table {
        assert_eq!(server(Method::Invite, *transport, causes).join(","), *told, "{what}");
    }
}

#[test]
fn figure_8_non_invite_server() {
    use Transport::{Tcp, Udp};
    let table: &[(&str, Transport, &[Cause], &str)] = &[
        ("Trying swallows", Udp, &[Again, Again], ""),
        ("Proceeding repeats", Udp, &[Status(100), Again], "S 100,S 100"),
        (
            "Completed repeats, drops a second final",
            Udp,
            &[Status(200), Again, Status(500), Again],
            "S 200,S 200,S 200",
        ),
        ("J", Udp, &[Status(200), After(TIMEOUT), Again], "S 200,X"),
        ("J is zero on a reliable transport", Tcp, &[Status(100), Status(200)], "S 100,S 200,X"),
        ("error: inform", Udp, &[Status(200), Error, Again], "S 200,U,S 200"),
    ];
    for (what, transport, causes, told) in table {
        assert_eq!(server(Method::Bye, *transport, causes).join(","), *told, "{what}");
    }
    assert!(T2 > T1);
}

#[test]
fn the_ack_to_a_refusal_follows_17_1_1_3() {
    let ack = ack_of_refusal(&request(Method::Invite), &response(&Method::Invite, 486));
    assert_eq!(ack.header(&HeaderName::To).unwrap(), "<sip:b@example.com>;tag=t");
    assert_eq!(ack.header(&HeaderName::CSeq).unwrap(), "7 ACK");
    assert_eq!(ack.header(&HeaderName::Route).unwrap(), "<sip:p.example.com;lr>");
    assert_eq!(ServerKey::of(&ack), ServerKey::of(&request(Method::Invite)));
}

#[test]
fn a_cancel_finds_its_invite_and_is_not_it() {
    let cancel = cancel_of(&request(Method::Invite));
    assert_eq!(cancel.header(&HeaderName::To).unwrap(), "<sip:b@example.com>");
    assert_eq!(cancel.header(&HeaderName::CSeq).unwrap(), "7 CANCEL");
    assert_eq!(ServerKey::cancelled_by(&cancel), ServerKey::of(&request(Method::Invite)));
    assert_ne!(ServerKey::of(&cancel), ServerKey::of(&request(Method::Invite)));
    assert_ne!(ClientKey::of(&cancel), ClientKey::of(&request(Method::Invite)));
}

#[test]
fn an_rfc_2543_client_is_matched_without_a_cookie() {
    let old = |mut message: Message, branch: &str| {
        message.headers.set(HeaderName::Via, format!("SIP/2.0/UDP a.example.com;branch={branch}"));
        message
    };
    let invite = old(request(Method::Invite), "1");
    let mut ack = old(ack_of_refusal(&invite, &response(&Method::Invite, 486)), "1");
    assert_eq!(ServerKey::of(&invite), ServerKey::of(&ack));
    ack.headers.set(HeaderName::CSeq, "8 ACK");
    assert_ne!(ServerKey::of(&invite), ServerKey::of(&ack));
    assert_ne!(ServerKey::of(&invite), ServerKey::of(&old(request(Method::Invite), "2")));
}

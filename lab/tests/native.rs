//! Native handsets on emulated bases against a scripted switch: subscription, location, calls, handover.
#![allow(clippy::unwrap_used)]

mod scripted;

use std::time::Duration;

use kirkwall_lab::base_station::{BaseConfig, BaseStation};
use kirkwall_lab::dect::dsaa2;
use kirkwall_lab::dect::identity::Ipei;
use kirkwall_lab::dect::number::{ie, msg, pd};
use kirkwall_lab::dect::nwk::Message;
use kirkwall_lab::dect::obl::Frame;
use kirkwall_lab::dect::obl::number::{kind, reason, tag};
use kirkwall_lab::dect::pt::{CallState, Event};
use kirkwall_lab::handset::native::{Dialling, NativeConfig, NativeHandset, User};
use kirkwall_lab::media::Voice;
use kirkwall_lab::radio::{Place, Radio};
use scripted::{Line, SOON, Switch, TOKEN, local, remote, take_connection};
use tokio::net::UdpSocket;

const IPEI: Ipei = Ipei { emc: 0x0BA8, psn: 0xA782A };
/// a44 set: subscription is open.
const OPEN: u16 = 0xCE08;
const PARK: [u8; 6] = [0xA0, 0xA0, 0x10, 0x2A, 0xF1, 0x2C];

fn base(switch: &Switch, radio: &Radio, number: u8, place: Place) -> BaseStation {
    let mut config = BaseConfig::new(switch.address(), [0, 0x13, 0xD1, 0, 0, number], TOKEN);
    config.place = place;
    BaseStation::start(config, radio)
}

async fn one_base(radio: &Radio) -> (Switch, BaseStation, Line) {
    let switch = Switch::start().await;
    let base = base(&switch, radio, 0, Place::default());
    let (mut line, _) = switch.enrol_and_greet(|welcome| welcome).await;
    line.switch_radio_on(0, OPEN).await;
    (switch, base, line)
}

/// The fixed side of key allocation and access rights (EN 300 175-7, 6.5.6.3). Returns the UAK.
async fn grant(line: &mut Line, code: &str) -> [u8; 16] {
    let (id, _) = take_connection(line).await;
    let request = Message::read(&line.heard(id).await).unwrap();
    assert_eq!((request.protocol, request.kind), (pd::MM, msg::ACCESS_RIGHTS_REQUEST));
    assert_eq!(request.get(ie::PORTABLE_IDENTITY), Some(&IPEI.ipui_n()[..]));
    let key = dsaa2::access_code(code).unwrap();
    let (rs, rand_f) = ([1; 16], [2; 8]);
    let allocate = Message::new(pd::MM, msg::KEY_ALLOCATE).with(ie::ALLOCATION_TYPE, &[2, 0x88]);
    line.say(id, &allocate.with(ie::RAND, &rand_f).with(ie::RS, &rs).octets()).await;
    let proof = Message::read(&line.heard(id).await).unwrap();
    let rand_p: [u8; 8] = proof.get(ie::RAND).unwrap().try_into().unwrap();
    let res1 = dsaa2::response(&dsaa2::session_key(&key, &rs), rand_f, rand_p).0;
    assert_eq!(proof.get(ie::RES), Some(&res1[..]));
    let (rs, rand_f) = ([3; 16], [4; 8]);
    let uak = dsaa2::session_key(&key, &rs);
    let res2 = dsaa2::response(&uak, rand_p, rand_f).0;
    let reply = proof.answer(msg::AUTHENTICATION_REPLY).with(ie::RAND, &rand_f);
    line.say(id, &reply.with(ie::RES, &res2).with(ie::RS, &rs).octets()).await;
    let accept = request.answer(msg::ACCESS_RIGHTS_ACCEPT).with(ie::PORTABLE_IDENTITY, &IPEI.ipui_n());
    line.say(id, &accept.with(ie::FIXED_IDENTITY, &PARK).with(ie::LOCATION_AREA, &[0x5F]).octets()).await;
    let locate = Message::read(&line.heard(id).await).unwrap();
    assert_eq!(locate.kind, msg::LOCATE_REQUEST);
    let tpui = [0xA0, 0x94, 0, 0x50, 0x27];
    let accept = locate.answer(msg::LOCATE_ACCEPT).with(ie::PORTABLE_IDENTITY, &tpui);
    line.say(id, &accept.with(ie::LOCATION_AREA, &[0x5F]).octets()).await;
    let taken = Message::read(&line.heard(id).await).unwrap();
    assert_eq!(taken.kind, msg::TEMPORARY_IDENTITY_ASSIGN_ACK);
    line.ask(Frame::request(kind::CONN_RELEASE).u16(tag::CONN_ID, id).u16(tag::REASON, 1)).await;
    uak
}

async fn subscribed(radio: &Radio, line: &mut Line, hum: bool) -> NativeHandset {
    let config = NativeConfig { hum, user: User::Waits, ..NativeConfig::new(IPEI, Voice::new(11)) };
    let handset = NativeHandset::start(config, radio);
    let (granted, asked) = tokio::join!(grant(line, "9124"), handset.subscribe("9124", SOON));
    assert_eq!(asked, Ok(()));
    assert_ne!(granted, [0; 16]);
    handset.wait_for(SOON, |seen| seen.located).await.unwrap();
    handset
}

fn media(connection: u16, socket: &UdpSocket) -> Frame {
    Frame::request(kind::MEDIA_OPEN)
        .u32(tag::MEDIA_ID, 1)
        .u16(tag::CONN_ID, connection)
        .u8(tag::CODEC, 1)
        .u8(tag::PT, 96)
        .u8(tag::PTIME, 20)
        .bytes(tag::REMOTE, &remote(socket))
        .u8(tag::DIR, 3)
}

async fn socket() -> std::sync::Arc<UdpSocket> {
    std::sync::Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap())
}

/// Sends every packet back to where it came from.
fn echo(socket: std::sync::Arc<UdpSocket>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut buffer = [0; 1_500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&buffer[..length], from).await;
        }
    })
}

#[tokio::test]
async fn a_handset_subscribes_locates_and_calls_with_sound() {
    let radio = Radio::default();
    let (_switch, _base, mut line) = one_base(&radio).await;
    let handset = subscribed(&radio, &mut line, false).await;
    let mut reports = handset.reports();
    handset.dial("5002", Dialling::Overlap, None).await.unwrap();
    let (id, asked) = take_connection(&mut line).await;
    assert_eq!(asked.number(tag::PMID), Some(0x5027));
    let setup = Message::read(&line.heard(id).await).unwrap();
    assert_eq!(setup.kind, msg::CC_SETUP);
    let socket = socket().await;
    let opened = line.ask(media(id, &socket)).await;
    assert_eq!(local(opened.get(tag::LOCAL).unwrap()).ip(), std::net::IpAddr::from([127, 0, 0, 1]));
    let echoes = echo(socket);
    line.say(id, &setup.answer(msg::CC_SETUP_ACK).with(ie::SIGNAL, &[0]).octets()).await;
    for digit in *b"5002" {
        let info = Message::read(&line.heard(id).await).unwrap();
        assert_eq!(info.get(ie::MULTI_KEYPAD), Some(&[digit][..]));
    }
    for kind in [msg::CC_CALL_PROC, msg::CC_ALERTING, msg::CC_CONNECT] {
        line.say(id, &setup.answer(kind).octets()).await;
    }
    handset.wait_for(SOON, |seen| seen.call == Some(CallState::Active)).await.unwrap();
    handset.wait_for(SOON, |seen| seen.hears.1.is_some()).await.unwrap();
    handset.hang_up().await.unwrap();
    let release = Message::read(&line.heard(id).await).unwrap();
    assert_eq!(release.kind, msg::CC_RELEASE);
    line.say(id, &setup.answer(msg::CC_RELEASE_COM).octets()).await;
    let report = reports.recv().await.unwrap();
    assert!(report.answered && report.ended_here, "{report:?}");
    assert_eq!(report.heard.voice, Some(handset.voice()), "its own voice came back");
    let counters = line.ask(Frame::request(kind::MEDIA_CLOSE).u32(tag::MEDIA_ID, 1)).await;
    assert_eq!(counters.get(tag::COUNTERS).map(|counters| counters.len()), Some(60));
    echoes.abort();
}

#[tokio::test]
async fn a_paged_handset_answers_ciphers_and_is_released_by_the_other_end() {
    let radio = Radio::default();
    let (_switch, base, mut line) = one_base(&radio).await;
    let handset = subscribed(&radio, &mut line, false).await;
    let page = Frame::request(kind::PAGE).bytes(tag::PAGE_PDU, &[0x0C, 0x50, 0x27]).u32(tag::PAGE_ID, 77);
    assert_eq!(line.ask(page).await.kind, kind::PAGE);
    let (id, asked) = take_connection(&mut line).await;
    assert_eq!(asked.number(tag::PAGE_ID), Some(77));
    let answer = Message::read(&line.heard(id).await).unwrap();
    assert_eq!((answer.protocol, answer.kind), (pd::LCE, msg::LCE_PAGE_RESPONSE));

    let ours = Message::new(pd::MM, msg::AUTHENTICATION_REQUEST).with(ie::AUTH_TYPE, &[2, 0x18, 0x18]);
    line.say(id, &ours.with(ie::RAND, &[9; 8]).with(ie::RS, &[8; 16]).octets()).await;
    let reply = Message::read(&line.heard(id).await).unwrap();
    let rand_p = reply.get(ie::RAND).unwrap().try_into().unwrap();
    let uak = dsaa2::session_key(&dsaa2::access_code("9124").unwrap(), &[3; 16]);
    let (res1, dck) = dsaa2::response(&dsaa2::session_key(&uak, &[8; 16]), [9; 8], rand_p);
    assert_eq!(reply.get(ie::RES), Some(&res1[..]));
    let request = Message::new(pd::MM, msg::CIPHER_REQUEST).with(ie::CIPHER_INFO, &[0x82, 0x98]);
    line.say(id, &request.octets()).await;
    // A CC message behind it shows that the handset has heard both.
    let setup = Message::new(pd::CC, msg::CC_SETUP).with(ie::PORTABLE_IDENTITY, &IPEI.ipui_n());
    let setup = setup.with(ie::FIXED_IDENTITY, &PARK).with(ie::BASIC_SERVICE, &[0x80]);
    let setup = setup.with(ie::SIGNAL, &[0x40]).with(ie::CALLING_PARTY_NUMBER, b"\x805001");
    line.say(id, &setup.octets()).await;
    assert_eq!(Message::read(&line.heard(id).await).unwrap().kind, msg::CC_ALERTING);
    let key = |dck: &[u8]| {
        let key = Frame::request(kind::CIPHER_KEY).u16(tag::CONN_ID, id).u8(tag::ALG, 2);
        key.u8(tag::CK_NUM, 8).bytes(tag::DCK, dck)
    };
    line.ask(key(&[0; 16])).await;
    assert_eq!(line.expect(kind::CIPHER_STATE).await.number(tag::STATE), Some(2), "another's key");
    line.ask(key(&dck)).await;
    assert_eq!(line.expect(kind::CIPHER_STATE).await.number(tag::STATE), Some(1));

    let seen = handset.wait_for(SOON, |seen| seen.ringing.is_some() && seen.ciphered).await.unwrap();
    assert_eq!(seen.ringing.unwrap().number.as_deref(), Some("5001"));
    handset.answer().await.unwrap();
    assert_eq!(Message::read(&line.heard(id).await).unwrap().kind, msg::CC_CONNECT);
    line.say(id, &setup.answer(0).answer(msg::CC_CONNECT_ACK).octets()).await;
    handset.wait_for(SOON, |seen| seen.call == Some(CallState::Active)).await.unwrap();
    let mut reports = handset.reports();
    base.kill();
    handset.wait_for(Duration::from_secs(30), |seen| seen.call.is_none()).await.unwrap();
    assert!(!reports.recv().await.unwrap().ended_here);
}

#[tokio::test]
async fn a_walking_handset_is_handed_over_without_a_gap() {
    let radio = Radio::default();
    let (switch, _first, mut old) = one_base(&radio).await;
    let second = base(&switch, &radio, 1, Place::new(60.0, 0.0));
    let (mut new, _) = switch.enrol_and_greet(|welcome| welcome).await;
    new.switch_radio_on(1, OPEN).await;
    let handset = subscribed(&radio, &mut old, true).await;
    let mut reports = handset.reports();
    handset.dial("5002", Dialling::EnBloc, None).await.unwrap();
    let (id, _) = take_connection(&mut old).await;
    let setup = Message::read(&old.heard(id).await).unwrap();
    assert_eq!(setup.get(ie::CALLED_PARTY_NUMBER), Some(&b"\x805002"[..]));
    let socket = socket().await;
    old.ask(media(id, &socket)).await;
    let echoes = echo(socket.clone());
    old.say(id, &setup.answer(msg::CC_CONNECT).octets()).await;
    handset.wait_for(SOON, |seen| seen.hears.0 > 50).await.unwrap();

    handset.walk(&[Place::new(60.0, 0.0)], 20.0).await.unwrap();
    let asked = new.expect(kind::HO_IND).await;
    assert_eq!((asked.number(tag::KIND), asked.number(tag::OLD_RPN)), (Some(2), Some(0)));
    let prepared = old.ask(Frame::request(kind::HO_PREPARE).u16(tag::CONN_ID, id).u8(tag::KIND, 2)).await;
    let over = asked.number(tag::NEW_CONN_ID).unwrap() as u16;
    let accept = media(over, &socket);
    let accept = Frame { kind: kind::HO_ACCEPT, ..accept }.u16(tag::NEW_CONN_ID, over);
    new.send(accept.bytes(tag::DLC_STATE, prepared.get(tag::DLC_STATE).unwrap())).await;
    let done = new.expect(kind::HO_COMPLETE).await;
    assert_eq!(done.get(tag::LOCAL), asked.get(tag::LOCAL), "the port that was told is used");
    handset.wait_for(SOON, |seen| seen.handovers == (1, 0)).await.unwrap();
    let release = Frame::request(kind::CONN_RELEASE).u16(tag::CONN_ID, id);
    old.ask(release.u16(tag::REASON, reason::RELEASE_HANDOVER)).await;
    let before = handset.seen().hears.0;
    handset.wait_for(SOON, |seen| seen.hears.0 > before + 100).await.unwrap();
    handset.hang_up().await.unwrap();
    new.heard(over).await;
    new.say(over, &setup.answer(msg::CC_RELEASE_COM).octets()).await;
    let report = reports.recv().await.unwrap();
    assert_eq!((report.handovers, report.heard.voice), (1, Some(handset.voice())), "{report:?}");
    assert!(report.heard.longest_silence <= Duration::from_millis(20), "{report:?}");
    assert_eq!(handset.seen().base.map(|(rpn, _)| rpn), Some(1));
    echoes.abort();
    drop(second);
}

#[tokio::test]
async fn a_refused_subscription_says_why_and_a_deleted_one_is_gone() {
    let radio = Radio::default();
    let (_switch, _base, mut line) = one_base(&radio).await;
    let handset = NativeHandset::start(NativeConfig::new(IPEI, Voice::new(1)), &radio);
    let refuse = async {
        let (id, _) = take_connection(&mut line).await;
        let request = Message::read(&line.heard(id).await).unwrap();
        let reject = request.answer(msg::ACCESS_RIGHTS_REJECT).with(ie::REJECT_REASON, &[0x05]);
        line.say(id, &reject.octets()).await;
        line.ask(Frame::request(kind::CONN_RELEASE).u16(tag::CONN_ID, id).u16(tag::REASON, 1)).await;
    };
    let ((), outcome) = tokio::join!(refuse, handset.subscribe("0000", SOON));
    assert_eq!(outcome, Err(Some(0x05)));
    drop(handset);

    let handset = subscribed(&radio, &mut line, false).await;
    let mut events = handset.events();
    line.ask(Frame::request(kind::PAGE).bytes(tag::PAGE_PDU, &[0x08, 0x50, 0x27])).await;
    let (id, _) = take_connection(&mut line).await;
    line.heard(id).await;
    let away = Message::new(pd::MM, msg::ACCESS_RIGHTS_TERMINATE_REQUEST);
    line.say(id, &away.with(ie::PORTABLE_IDENTITY, &IPEI.ipui_n()).octets()).await;
    let answer = Message::read(&line.heard(id).await).unwrap();
    assert_eq!(answer.kind, msg::ACCESS_RIGHTS_TERMINATE_ACCEPT);
    while events.recv().await.unwrap() != Event::Deleted {}
    assert!(handset.subscription().is_none() || !handset.seen().subscribed);
}

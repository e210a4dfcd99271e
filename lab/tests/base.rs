//! An emulated base against a scripted switch: enrolment, radio, synchronisation, faults of the link.
#![allow(clippy::unwrap_used)]

mod scripted;

use std::time::Duration;

use kirkwall_lab::base_station::{BaseConfig, BaseStation, Order, Standing};
use kirkwall_lab::dect::obl::Frame;
use kirkwall_lab::dect::obl::number::{error, kind, refuse, tag};
use kirkwall_lab::radio::{Place, Radio};
use scripted::{Line, SOON, Switch, TOKEN, greeting};

const ID: [u8; 6] = [0, 0x13, 0xD1, 0, 0, 1];

fn base(switch: &Switch, radio: &Radio, change: impl FnOnce(&mut BaseConfig)) -> BaseStation {
    let mut config = BaseConfig::new(switch.address(), ID, TOKEN);
    config.retry = Duration::from_millis(50);
    change(&mut config);
    BaseStation::start(config, radio)
}

#[tokio::test]
async fn a_base_enrols_with_its_token_and_says_who_it_is() {
    let switch = Switch::start().await;
    let base = base(&switch, &Radio::default(), |_| ());
    let (mut line, hello) = switch.enrol_and_greet(|welcome| welcome).await;
    assert_eq!(hello.seq, 1);
    assert_eq!(hello.get(tag::BASE_ID), Some(&ID[..]));
    assert_eq!((hello.string(tag::FW_VERSION), hello.number(tag::ROLE)), (Some("PCS12A_"), Some(1)));
    assert_eq!((hello.number(tag::SLOT_PAIRS), hello.get(tag::CODECS)), (Some(12), Some(&[1, 2, 3][..])));
    assert_eq!((hello.number(tag::PROTO_MIN), hello.number(tag::PROTO_MAX)), (Some(1), Some(1)));

    line.expect(kind::RADIO_STATE).await;
    let capacity = line.expect(kind::CAPACITY).await;
    assert_eq!((capacity.number(tag::PAIRS_TOTAL), capacity.number(tag::PAIRS_FREE)), (Some(12), Some(12)));
    assert!(base.identity().is_some());
    assert_eq!(base.seen().standing, Standing::Linked);

    line.switch_radio_on(3, 0xCE00).await;
    let seen = base.wait_for(SOON, |seen| seen.radio == 2).await.unwrap();
    assert_eq!((seen.rfpi.unwrap().rpn(), seen.sync), (3, 6));
    let stats = line.ask(Frame::request(kind::STATS)).await;
    assert_eq!(stats.get(tag::COUNTERS).map(|counters| counters.len() % 10), Some(0));
    line.ask(Frame::request(kind::LED).u8(tag::PATTERN, 1)).await;
    base.wait_for(SOON, |seen| seen.lamp == 1).await.unwrap();
    base.stop().await;
    line.expect(kind::GOODBYE).await;
}

#[tokio::test]
async fn a_refused_base_shows_why_and_comes_again_with_other_firmware() {
    let switch = Switch::start().await;
    let base = base(&switch, &Radio::default(), |config| config.firmware = "PCS07__".into());
    switch.enrol().await;
    let mut line = switch.accept().await;
    let hello = line.expect(kind::HELLO).await;
    assert_eq!(hello.string(tag::FW_VERSION), Some("PCS07__"));
    let refusal = Frame::request(kind::REFUSE).u16(tag::REASON, refuse::FIRMWARE_TOO_OLD);
    line.send(refusal.text(tag::FW_MIN, "PCS08__").u16(tag::RETRY_S, 300)).await;
    let refused = base.wait_for(SOON, |seen| seen.standing != Standing::Unlinked).await.unwrap();
    let Standing::Refused { reason, fw_min, .. } = refused.standing else { panic!("{refused:?}") };
    assert_eq!((reason, fw_min.as_deref()), (refuse::FIRMWARE_TOO_OLD, Some("PCS08__")));

    base.order(Order::Firmware("PCS12A_".into())).await.unwrap();
    let (_line, hello) = switch.greet(|welcome| welcome).await;
    assert_eq!(hello.string(tag::FW_VERSION), Some("PCS12A_"));
    base.wait_for(SOON, |seen| seen.standing == Standing::Linked).await.unwrap();
}

#[tokio::test]
async fn a_cut_link_comes_again_with_its_token_and_a_forgotten_one_without() {
    let switch = Switch::start().await;
    let base = base(&switch, &Radio::default(), |_| ());
    let (mut line, hello) = switch.enrol_and_greet(|welcome| welcome).await;
    assert_eq!(hello.get(tag::RESUME_TOKEN), None);
    line.switch_radio_on(0, 0).await;
    base.order(Order::Cut(Duration::from_millis(100))).await.unwrap();
    assert!(line.is_closed().await);
    let (mut line, hello) = switch.greet(|welcome| welcome.u8(tag::RESUME_OK, 1)).await;
    assert_eq!(hello.get(tag::RESUME_TOKEN), Some(&[2; 16][..]));
    let radio = line.expect(kind::RADIO_STATE).await;
    assert_eq!(radio.number(tag::STATE), Some(2), "the radio stayed on");
    assert_eq!(base.seen().welcomes, (2, 1));

    base.order(Order::ForgetSession).await.unwrap();
    base.order(Order::Cut(Duration::ZERO)).await.unwrap();
    let (mut line, hello) = switch.greet(|welcome| welcome).await;
    assert_eq!(hello.get(tag::RESUME_TOKEN), None);
    assert_eq!(line.expect(kind::RADIO_STATE).await.number(tag::STATE), Some(0));
}

#[tokio::test]
async fn a_slave_is_on_the_air_once_it_hears_its_source_and_drains_out_when_it_loses_it() {
    let switch = Switch::start().await;
    let radio = Radio::default();
    let quick = kirkwall_lab::base_station::SyncTimes {
        free_running: Duration::from_millis(500),
        lost: Duration::from_millis(2_500),
    };
    let master = base(&switch, &radio, |_| ());
    let (mut root, _) = switch.enrol_and_greet(|welcome| welcome).await;
    let slave = base(&switch, &radio, |config| {
        config.base_id[5] = 2;
        config.place = Place::new(20.0, 0.0);
        config.sync_times = quick;
    });
    let (mut line, _) = switch.enrol_and_greet(|welcome| welcome).await;
    start_slave(&mut line).await;
    line.expect_such("searching", |frame| frame.number(tag::SYNC_STATE) == Some(1)).await;
    root.switch_radio_on(0, 0).await;
    let locked = line.expect_such("locked", |frame| frame.number(tag::SYNC_STATE) == Some(2)).await;
    assert_eq!((locked.number(tag::SYNC_SOURCE), locked.number(tag::HOPS)), (Some(0), Some(1)));
    let neighbours = line.expect(kind::NEIGHBOURS).await;
    assert_eq!(neighbours.get(tag::NEIGHBOUR).map(|n| (n[0], n[6])), Some((0, 100)));

    slave.order(Order::Deafen(true)).await.unwrap();
    line.expect_such("free running", |frame| frame.number(tag::SYNC_STATE) == Some(3)).await;
    line.expect_such("searching", |frame| frame.number(tag::SYNC_STATE) == Some(1)).await;
    let page = Frame::request(kind::PAGE).bytes(tag::PAGE_PDU, &[0x0C, 0x02, 0x7B]);
    let answer = line.ask(page).await;
    assert_eq!(answer.number(tag::ERR_CODE), Some(u64::from(error::NOT_SYNCED)));
    slave.order(Order::Deafen(false)).await.unwrap();
    line.expect_such("locked again", |frame| frame.number(tag::SYNC_STATE) == Some(2)).await;
    drop(master);
}

async fn start_slave(line: &mut Line) {
    let config = Frame::request(kind::RADIO_CONFIG).bytes(tag::RFPI, &[0x10, 0x2A, 0xF1, 0x2C, 1]);
    let config = config.u8(tag::RPN, 1).u16(tag::CARRIER_MASK, 0x3FF).u8(tag::TX_POWER, 24);
    let config = config.u16(tag::HLC, 0).u8(tag::VOICE_MAX, 11).u8(tag::VOICE_MAX_SRTP, 6);
    line.ask(config.u8(tag::HO_RESERVE, 1).u8(tag::DLC_MODE, 0)).await;
    let sync = Frame::request(kind::SYNC_CONFIG).u8(tag::SYNC_MODE, 1).u8(tag::SYNC_ROLE, 2);
    line.ask(sync.u8(tag::SYNC_SOURCE, 0)).await;
    line.ask(Frame::request(kind::RADIO_START)).await;
}

#[tokio::test]
async fn half_a_frame_and_one_that_is_none_are_sent_when_wanted_and_a_base_that_has_no_proof_says_so() {
    let switch = Switch::start().await;
    let base = base(&switch, &Radio::default(), |config| {
        config.proof = kirkwall_lab::base_station::Proof::Nothing;
    });
    let mut line = switch.accept().await;
    line.expect(kind::HELLO).await;
    assert!(!line.proved);
    line.send(greeting()).await;
    base.wait_for(SOON, |seen| seen.standing == Standing::Linked).await.unwrap();
    let unknown = line.ask(Frame::request(0x0777)).await;
    assert_eq!(unknown.number(tag::ERR_CODE), Some(u64::from(error::UNKNOWN_TYPE)));
    let critical = line.ask(Frame::request(kind::STATS).u8(0xF777, 1)).await;
    assert_eq!(critical.number(tag::ERR_CODE), Some(u64::from(error::UNKNOWN_CRITICAL)));
    base.order(Order::Flood(50)).await.unwrap();
    for _ in 0..50 {
        line.expect(kind::PING).await;
    }
    base.order(Order::BadFrame).await.unwrap();
    let fault = line.next_fault().await;
    assert!(fault.contains("4294967295"), "{fault}");
}

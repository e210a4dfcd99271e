//! 256 bases and 4,000 handsets in one process: all enrol, all are located, and then a page finds each.
#![allow(clippy::unwrap_used)]

mod scripted;

use std::sync::Arc;
use std::time::Duration;

use kirkwall_lab::base_station::{BaseConfig, BaseStation};
use kirkwall_lab::dect::identity::{Ipei, Park, Rfpi};
use kirkwall_lab::dect::number::{ie, msg};
use kirkwall_lab::dect::nwk::Message;
use kirkwall_lab::dect::obl::Frame;
use kirkwall_lab::dect::obl::number::{kind, tag};
use kirkwall_lab::dect::pt::Subscription;
use kirkwall_lab::handset::native::{NativeConfig, NativeHandset};
use kirkwall_lab::media::Voice;
use kirkwall_lab::radio::{Place, Radio};
use scripted::{Line, RFPI, Switch, TOKEN, greeting};

const BASES: usize = 256;
const HANDSETS: usize = 4_000;
/// Generous: this is about memory and tasks, and machines differ.
const PATIENCE: Duration = Duration::from_secs(180);

fn grid(number: usize) -> Place {
    Place::new((number % 16) as f64 * 40.0, (number / 16) as f64 * 40.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_and_fifty_six_bases_and_four_thousand_handsets_live_in_one_process() {
    let (switch, radio) = (Arc::new(Switch::start().await), Radio::default());
    tokio::spawn(serve(switch.clone()));
    let bases: Vec<_> = (0..BASES)
        .map(|number| {
            let id = [0, 0x13, 0xD1, 0, 0, number as u8];
            let mut config = BaseConfig::new(switch.address(), id, TOKEN);
            config.place = grid(number);
            BaseStation::start(config, &radio)
        })
        .collect();
    for base in &bases {
        base.wait_for(PATIENCE, |seen| seen.sync == 6).await.unwrap();
    }
    let handsets: Vec<_> = (0..HANDSETS).map(|number| handset(number, &radio)).collect();
    for handset in &handsets {
        handset.wait_for(PATIENCE, |seen| seen.located).await.unwrap();
    }
    // A handset that heard another base station first moves over as soon as it hears its own.
    for (number, handset) in handsets.iter().enumerate() {
        let beside = number % BASES;
        let near =
            handset.wait_for(PATIENCE, |seen| seen.base.is_some_and(|(rpn, _)| usize::from(rpn) == beside));
        assert!(near.await.is_ok(), "handset {number} listens to the base that it stands beside");
    }
    for base in &bases {
        base.wait_for(PATIENCE, |seen| seen.connections == 0).await.unwrap();
        assert_eq!(base.seen().faults, Vec::<String>::new());
    }
}

fn handset(number: usize, radio: &Radio) -> NativeHandset {
    let ipei = Ipei { emc: 0x0BA8, psn: number as u32 };
    let beside = grid(number % BASES);
    let config = NativeConfig {
        place: Place::new(beside.x + 3.0, beside.y),
        subscription: Some(Subscription::new(ipei, Park::of(Rfpi(RFPI)), [7; 16])),
        ..NativeConfig::new(ipei, Voice::new(number as u8))
    };
    NativeHandset::start(config, radio)
}

async fn serve(switch: Arc<Switch>) {
    loop {
        let mut line = switch.accept().await;
        let switch = switch.clone();
        tokio::spawn(async move {
            let first = line.next().await;
            if first.kind == kind::ENROL {
                return switch.grant(&mut line, &first).await;
            }
            let id = first.get(tag::BASE_ID).unwrap()[5];
            line.send(greeting()).await;
            line.switch_radio_on(id, 0).await;
            locate(line).await;
        });
    }
}

/// Takes every connection, and every handset that says where it is.
async fn locate(mut line: Line) {
    loop {
        let frame = line.next().await;
        let id = frame.number(tag::CONN_ID).unwrap_or(0) as u16;
        match frame.kind {
            kind::PING => {
                let pong = Frame { kind: kind::PONG, ..frame.response() };
                line.send(pong.u64(tag::TIMESTAMP, 0)).await;
            }
            kind::CONN_IND => {
                line.send(Frame::request(kind::CONN_ACCEPT).u16(tag::CONN_ID, id)).await;
            }
            kind::NWK_DATA => {
                let request = Message::read(frame.get(tag::PDU).unwrap()).unwrap();
                assert_eq!(request.kind, msg::LOCATE_REQUEST);
                let accept = request.answer(msg::LOCATE_ACCEPT).with(ie::PORTABLE_IDENTITY, &[]);
                line.say(id, &accept.with(ie::LOCATION_AREA, &[0x5F]).octets()).await;
                let release = Frame::request(kind::CONN_RELEASE).u16(tag::CONN_ID, id);
                line.send(release.u16(tag::REASON, 1)).await;
            }
            _ => {}
        }
    }
}

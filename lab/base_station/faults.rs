//! Misbehaviour on purpose.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use super::Order;
use super::station::Station;
use crate::dect::identity::Ipei;
use crate::dect::number::{ie, msg, pd};
use crate::dect::nwk::Message;
use crate::dect::obl::Frame;
use crate::dect::obl::number::{kind, tag};

impl Station {
    /// Does what a test wants.
    pub(super) async fn obey(&mut self, order: Order) {
        match order {
            Order::Cut(pause) => {
                self.lose_link();
                self.again_at = Some(Instant::now() + pause);
            }
            Order::Deafen(deaf) => self.deaf = deaf,
            Order::FailHandovers(fails) => self.fails_handovers = fails,
            Order::SlowHandovers(pause) => self.slow_handovers = pause,
            Order::SendPages(count) => {
                for _ in 0..count {
                    self.send(Frame::request(kind::PAGE).bytes(tag::PAGE_PDU, &[0x0C, 2, 0x7B])).await;
                }
            }
            Order::AnswerPages(count) => self.answer_pages(count).await,
            Order::Firmware(firmware) => {
                self.config.firmware = firmware;
                self.send(Frame::request(kind::GOODBYE).u16(tag::REASON, 6)).await;
                self.lose_link();
                self.forget_calls();
                self.again_at = Some(Instant::now());
            }
            Order::HalfFrame => self.write(&[0, 0, 0, 40, 0x05, 0x07, 0, 4]).await,
            Order::BadFrame => self.write(&[0xFF; 12]).await,
            Order::Flood(count) => {
                for _ in 0..count {
                    self.send(Frame::request(kind::PING).u64(tag::TIMESTAMP, 0)).await;
                }
            }
            Order::ForgetSession => {
                if let Some(session) = &mut self.session {
                    session.token = None;
                }
            }
        }
    }

    /// CONN_IND and {LCE-PAGE-RESPONSE} of a handset that is not there, again and again.
    async fn answer_pages(&mut self, count: u32) {
        let nobody = Ipei { emc: 0x0BA8, psn: 0xF_FFFF };
        let response = Message::new(pd::LCE, msg::LCE_PAGE_RESPONSE);
        let response = response.with(ie::PORTABLE_IDENTITY, &nobody.ipui_n()).octets();
        for number in 0..count {
            let id = 0x8000 | number as u16;
            let ind = Frame::request(kind::CONN_IND).u16(tag::CONN_ID, id).u32(tag::PMID, 0xE_0000 | number);
            let ind = ind.u8(tag::SLOT_TYPE, 1).u8(tag::HO_FLAG, 0).u32(tag::PAGE_ID, number);
            self.send(ind).await;
            let data = Frame::event(kind::NWK_DATA).u16(tag::CONN_ID, id).u8(tag::SAPI, 0);
            self.send(data.bytes(tag::PDU, &response)).await;
        }
    }

    /// Octets as they are, past the coding.
    async fn write(&mut self, octets: &[u8]) {
        let Some(link) = &mut self.link else { return };
        let stream = link.get_mut();
        let written = async {
            stream.write_all(octets).await?;
            stream.flush().await
        };
        if !matches!(tokio::time::timeout(Duration::from_secs(5), written).await, Ok(Ok(()))) {
            self.lose_link();
        }
    }
}

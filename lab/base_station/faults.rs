//! Misbehaviour on purpose.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use super::Order;
use super::station::Station;
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

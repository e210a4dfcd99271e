//! Handover, at the new base and at the old one.

use tokio::time::Instant;

use super::connection::State;
use super::flow;
use super::media::address_field;
use super::station::Station;
use crate::dect::obl::Frame;
use crate::dect::obl::number::{error, kind, tag};
use crate::radio::{Down, Handover};

/// SLOT_TYPE of a long slot.
const LONG: u8 = 2;

impl Station {
    /// HO_IND: a handset comes over. Its media port is open before the switch is asked, so that the first
    /// packet finds somebody.
    pub(super) async fn ask_handover(&mut self, id: u16, pmid: u32, level: i8, handover: Handover) {
        let Ok(socket) = flow::open(self.config.ip).await else {
            return self.refuse_connection(id, 0).await;
        };
        let ask = Frame::request(kind::HO_IND)
            .u16(tag::NEW_CONN_ID, id)
            .u32(tag::PMID, pmid)
            .u8(tag::KIND, handover.kind)
            .u8(tag::OLD_RPN, handover.old_rpn)
            .u8(tag::RSSI, level as u8);
        let ask = match socket.local_addr() {
            Ok(local) => ask.bytes(tag::LOCAL, &address_field(local)),
            Err(_) => ask,
        };
        let wants = |c: &super::connection::Connection| c.bearer.wants_long();
        let ask = match self.config.long_slots && self.connections.get(id).is_some_and(wants) {
            true => ask.u8(tag::SLOT_TYPE, LONG),
            false => ask,
        };
        self.ports.insert(id, socket);
        self.send(ask).await;
        self.tell_capacity().await;
    }

    /// SLOT_CHANGE.
    pub(super) fn change_slot(&mut self, id: u16, frame: &Frame) -> Frame {
        let long = frame.number(tag::SLOT_TYPE) == Some(LONG.into());
        let Some(connection) = self.connections.get(id) else {
            return frame.error(error::NO_SUCH_CONN, &format!("connection {id}"));
        };
        let bearer = connection.bearer.clone();
        let wider = long && !bearer.is_long();
        if wider && !self.config.long_slots {
            self.fault("SLOT_CHANGE to a long slot, which this base does not have".into());
            return frame.error(error::UNSUPPORTED_CODEC, "no long slots");
        }
        if wider && self.connections.pairs() >= usize::from(self.config.slot_pairs) {
            return frame.error(error::NO_CHANNEL, "no two slots beside each other");
        }
        if !bearer.set_long(long) {
            self.fault("SLOT_CHANGE to a long slot, which the handset does not have".into());
            return frame.error(error::WRONG_STATE, "the handset has no long slots");
        }
        frame.response()
    }

    pub(super) async fn order_handover(&mut self, frame: &Frame) {
        let number = |tag| frame.number(tag).unwrap_or(0) as u16;
        match frame.kind {
            kind::HO_PREPARE => match self.connections.get(number(tag::CONN_ID)) {
                Some(connection) => {
                    let state = connection.dlc_state();
                    let ready = frame.response().bytes(tag::DLC_STATE, &state).u32(tag::FRAME_NO, 0);
                    self.send(ready).await;
                }
                None => self.send(frame.error(error::NO_SUCH_CONN, "")).await,
            },
            kind::HO_ACCEPT => self.take_handover(number(tag::NEW_CONN_ID), frame).await,
            kind::HO_REJECT => {
                let id = number(tag::NEW_CONN_ID);
                self.ports.remove(&id);
                self.refuse_connection(id, number(tag::REASON)).await;
            }
            kind::HO_SUGGEST => {
                if let Some(connection) = self.connections.get(number(tag::CONN_ID)) {
                    let bearer = &connection.bearer;
                    bearer.down(Down::LookElsewhere { bearer: bearer.number });
                }
            }
            _ => {}
        }
    }

    async fn take_handover(&mut self, id: u16, frame: &Frame) {
        tokio::time::sleep(self.slow_handovers).await;
        let socket = self.ports.remove(&id);
        let Some(connection) = self.connections.get_mut(id) else {
            return self.send(frame.error(error::NO_SUCH_CONN, "")).await;
        };
        let State::Asked { since, .. } = connection.state else {
            return self.send(frame.error(error::WRONG_STATE, "")).await;
        };
        if self.fails_handovers {
            return self.fail_handover(id, 1).await;
        }
        let is_ours = frame.get(tag::DLC_STATE).is_none_or(|blob| connection.take_dlc_state(blob));
        let key = frame.get(tag::DCK);
        let agrees = key.is_none_or(|key| connection.bearer.agrees(key));
        connection.ciphered = key.is_some() && agrees;
        if !is_ours || !agrees {
            return self.fail_handover(id, if agrees { 1 } else { 3 }).await;
        }
        connection.state = State::Up;
        let (bearer, ciphered) = (connection.bearer.clone(), connection.ciphered);
        bearer.set_long(frame.number(tag::SLOT_TYPE) == Some(LONG.into()));
        let local = match (frame.get(tag::MEDIA_ID), socket) {
            (Some(_), Some(socket)) => match self.start_media(frame, id, socket) {
                Ok(local) => Some(local),
                Err((_, what)) => {
                    self.fault(format!("HO_ACCEPT: {what}"));
                    return self.fail_handover(id, 1).await;
                }
            },
            _ => None,
        };
        bearer.down(Down::Accepted { bearer: bearer.number });
        if ciphered {
            bearer.down(Down::Ciphered { bearer: bearer.number, on: true });
            self.tell_cipher(id, true).await;
        }
        self.statistics.handovers_in += 1;
        let elapsed = (Instant::now() - since).as_millis().min(u128::from(u16::MAX)) as u16;
        let done = Frame::request(kind::HO_COMPLETE).u16(tag::NEW_CONN_ID, id).u16(tag::ELAPSED_MS, elapsed);
        let done = local.into_iter().fold(done, |done, local| done.bytes(tag::LOCAL, &address_field(local)));
        self.send(done).await;
        self.tell_capacity().await;
    }

    async fn fail_handover(&mut self, id: u16, reason: u16) {
        self.statistics.handovers_failed += 1;
        self.send(Frame::request(kind::HO_FAILED).u16(tag::NEW_CONN_ID, id).u16(tag::REASON, reason)).await;
        self.refuse_connection(id, 0).await;
    }
}

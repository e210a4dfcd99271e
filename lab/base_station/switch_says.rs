//! What the switch says, by type.

use std::time::Duration;

use tokio::time::Instant;

use super::Standing;
use super::station::{RadioSettings, Session, Station};
use super::statistics;
use crate::dect::identity::Rfpi;
use crate::dect::obl::number::{error, kind, radio_state, tag};
use crate::dect::obl::{ERROR, Frame};
use crate::radio::{Broadcast, Down};

impl Station {
    /// One frame of the switch.
    pub(super) async fn hear_switch(&mut self, frame: Frame) {
        tracing::trace!("{frame:04x?}");
        if let Some(unknown) = frame.unknown_critical(tag::ALL) {
            let complaint = frame.error(error::UNKNOWN_CRITICAL, &format!("field {unknown:04x}"));
            return self.send(complaint).await;
        }
        match frame.kind {
            kind::WELCOME => self.welcome(&frame).await,
            kind::REFUSE => self.refused(&frame),
            kind::GOODBYE => {
                let wait = frame.number(tag::RETRY_S).map_or(self.config.retry, Duration::from_secs);
                self.again_at = Some(Instant::now() + wait);
                self.lose_link();
            }
            kind::PING => {
                let stamp = frame.number(tag::TIMESTAMP).unwrap_or(0);
                let pong = Frame { kind: kind::PONG, ..frame.response() };
                self.send(pong.u64(tag::TIMESTAMP, stamp)).await;
            }
            kind::PONG => {}
            kind::ERROR => {
                let code = frame.number(tag::ERR_CODE).unwrap_or(0);
                let text = frame.string(tag::TEXT).unwrap_or("no words").to_owned();
                self.fault(format!("the switch complains: {code}, {text}"));
            }
            kind::RADIO_CONFIG..=kind::BROADCAST_UPDATE | kind::SYNC_CONFIG | kind::BUSY => {
                self.order_radio(&frame).await;
            }
            kind::PAGE..=kind::NWK_BCAST | kind::CIPHER_KEY | kind::SLOT_CHANGE | kind::TONE => {
                self.order_connection(&frame).await;
            }
            kind::HO_PREPARE..=kind::HO_SUGGEST => self.order_handover(&frame).await,
            kind::MEDIA_OPEN..=kind::MEDIA_CLOSE => self.order_media(&frame).await,
            kind::STATS..=kind::LED => self.order_upkeep(&frame).await,
            _ if frame.is_request() => self.send(frame.error(error::UNKNOWN_TYPE, "")).await,
            _ => {}
        }
    }

    /// HELLO.
    pub(super) fn hello(&self) -> Frame {
        let features = u32::from(self.config.srtp) | 2 | u32::from(self.config.long_slots) << 2;
        let hello = Frame::request(kind::HELLO)
            .u16(tag::PROTO_MIN, 1)
            .u16(tag::PROTO_MAX, 1)
            .bytes(tag::BASE_ID, &self.config.base_id)
            .text(tag::HW_MODEL, &self.config.model)
            .text(tag::FW_VERSION, &self.config.firmware)
            .u8(tag::ROLE, self.config.role)
            .u8(tag::SLOT_PAIRS, self.config.slot_pairs)
            .bytes(tag::CODECS, &self.config.codecs)
            .u32(tag::FEATURES, features)
            .u8(tag::BOOT_REASON, self.boot_reason);
        let Some(token) = self.session.and_then(|session| session.token) else { return hello };
        let hello = hello.bytes(tag::RESUME_TOKEN, &token);
        self.connections.ids().into_iter().fold(hello, |hello, id| hello.u16(tag::CONN_ID, id))
    }

    async fn welcome(&mut self, frame: &Frame) {
        let milliseconds = |tag, or| Duration::from_millis(frame.number(tag).unwrap_or(or));
        let resumed = frame.number(tag::RESUME_OK) == Some(1);
        let token = frame.get(tag::RESUME_TOKEN).and_then(|token| token.try_into().ok());
        self.session = Some(Session {
            token,
            grace: milliseconds(tag::POLICY, 10_000),
            ping: milliseconds(tag::PING_MS, 5_000),
            dead: milliseconds(tag::DEAD_MS, 15_000),
        });
        if frame.number(tag::PROTO) != Some(1) {
            self.fault(format!("WELCOME says version {:?}", frame.number(tag::PROTO)));
        }
        (self.linked, self.lost_at, self.again_at) = (true, None, None);
        self.seen.standing = Standing::Linked;
        self.seen.welcomes.0 += 1;
        self.seen.welcomes.1 += u32::from(resumed);
        if resumed {
            let live: Vec<u64> =
                frame.all(tag::CONN_ID).map(|id| id.iter().fold(0, |n, o| n << 8 | u64::from(*o))).collect();
            for id in self.connections.ids() {
                if !live.contains(&u64::from(id)) {
                    self.drop_connection(id, crate::dect::obl::number::reason::DOWN_LOST).await;
                }
            }
            self.send_waiting().await;
        } else {
            self.forget_calls();
        }
        self.tell_radio(0).await;
        self.tell_sync().await;
        self.tell_capacity().await;
    }

    async fn order_radio(&mut self, frame: &Frame) {
        match frame.kind {
            kind::RADIO_CONFIG => match self.radio_settings(frame) {
                Ok(settings) => {
                    self.settings = Some(settings);
                    self.send(frame.response()).await;
                    self.broadcast();
                    self.tell_capacity().await;
                }
                Err(missing) => self.send(frame.error(error::BAD_TLV, missing)).await,
            },
            kind::RADIO_START if self.settings.is_none() => {
                self.send(frame.error(error::WRONG_STATE, "RADIO_CONFIG comes first")).await;
            }
            kind::RADIO_START => {
                self.send(frame.response()).await;
                (self.radio_state, self.drained_by) = (radio_state::ON, None);
                if !self.sync.is_good() {
                    self.sync.start(true);
                }
                self.tell_radio(0).await;
                self.tell_sync().await;
            }
            kind::RADIO_STOP => {
                self.send(frame.response()).await;
                let drain = frame.number(tag::DRAIN) == Some(1) && self.connections.len() > 0;
                let deadline = Duration::from_secs(frame.number(tag::DEADLINE_S).unwrap_or(180));
                self.drained_by = drain.then(|| Instant::now() + deadline);
                self.radio_state = radio_state::DRAINING;
                self.tell_radio(3).await;
                if !drain {
                    self.radio_off().await;
                }
            }
            kind::SYNC_CONFIG => {
                let list = |tag| frame.all(tag).filter_map(|rpn| rpn.first().copied()).collect();
                let number = |tag| frame.number(tag).unwrap_or(0) as u8;
                let (mode, master) = (number(tag::SYNC_MODE).max(1), number(tag::SYNC_ROLE) == 1);
                self.sync.configure(mode, master, list(tag::SYNC_SOURCE), list(tag::SYNC_ALT));
                self.send(frame.response()).await;
            }
            _ => self.update_broadcast(frame),
        }
    }

    /// BROADCAST_UPDATE and BUSY: what stands in them changes.
    fn update_broadcast(&mut self, frame: &Frame) {
        let Some(settings) = &mut self.settings else {
            return self.fault("the broadcast is changed before RADIO_CONFIG".into());
        };
        if let Some(hlc) = frame.number(tag::HLC) {
            settings.broadcast.hlc = hlc as u16;
        }
        if let Some(busy) = frame.number(tag::BUSY_BITS) {
            settings.broadcast.busy = busy as u8;
            self.seen.busy = busy as u8;
        }
        self.broadcast();
    }

    fn radio_settings(&self, frame: &Frame) -> Result<RadioSettings, &'static str> {
        let rfpi = frame.get(tag::RFPI).and_then(|rfpi| rfpi.try_into().ok()).ok_or("RFPI")?;
        let number = |tag, name| frame.number(tag).ok_or(name);
        let rpn = number(tag::RPN, "RPN")?;
        if Rfpi(rfpi).rpn() != rpn as u8 {
            return Err("RPN is not that of RFPI");
        }
        if number(tag::DLC_MODE, "DLC_MODE")? != 0 {
            return Err("DLC_MODE 0 is all that this base can");
        }
        number(tag::CARRIER_MASK, "CARRIER_MASK")?;
        number(tag::TX_POWER, "TX_POWER")?;
        number(tag::HO_RESERVE, "HO_RESERVE")?;
        let broadcast = Broadcast {
            rfpi: Rfpi(rfpi),
            hlc: number(tag::HLC, "HLC")? as u16,
            busy: self.seen.busy,
            hops: None,
            clock: self.clock,
        };
        Ok(RadioSettings {
            broadcast,
            voice_max: number(tag::VOICE_MAX, "VOICE_MAX")? as u8,
            voice_max_srtp: number(tag::VOICE_MAX_SRTP, "VOICE_MAX_SRTP")? as u8,
        })
    }

    async fn order_upkeep(&mut self, frame: &Frame) {
        match frame.kind {
            kind::STATS => {
                let counters = statistics::field(&self.statistics.counters());
                self.send(frame.response().bytes(tag::COUNTERS, &counters)).await;
                if frame.number(tag::RESET) == Some(1) {
                    self.statistics = statistics::Statistics::default();
                }
            }
            kind::LED => {
                self.seen.lamp = frame.number(tag::PATTERN).unwrap_or(0) as u8;
                self.send(frame.response()).await;
            }
            kind::REBOOT => {
                self.send(frame.response()).await;
                self.reboot(2);
            }
            kind::FW_OFFER => {
                let firmware = frame.string(tag::FW_VERSION).map(str::to_owned);
                self.send(frame.response()).await;
                if let Some(firmware) = firmware {
                    self.config.firmware = firmware;
                    self.reboot(4);
                }
            }
            _ if frame.is_request() => self.send(frame.error(error::UNKNOWN_TYPE, "")).await,
            _ => {}
        }
    }

    fn reboot(&mut self, reason: u8) {
        self.lose_link();
        self.forget_calls();
        (self.session, self.lost_at, self.boot_reason) = (None, None, reason);
        self.again_at = Some(Instant::now() + self.config.retry);
    }

    /// PAGE, CONN_*, NWK_*, CIPHER_KEY, SLOT_CHANGE and TONE.
    async fn order_connection(&mut self, frame: &Frame) {
        if frame.kind == kind::PAGE {
            return self.page(frame).await;
        }
        if frame.kind == kind::NWK_BCAST {
            return;
        }
        let id = frame.number(tag::CONN_ID).unwrap_or(0) as u16;
        let Some(bearer) = self.connections.get(id).map(|connection| connection.bearer.clone()) else {
            let answer = frame.error(error::NO_SUCH_CONN, &format!("connection {id}"));
            return self.send(answer).await;
        };
        match frame.kind {
            kind::CONN_ACCEPT => self.accept(id).await,
            kind::CONN_REJECT => {
                let reason = frame.number(tag::REASON).unwrap_or(0) as u16;
                self.refuse_connection(id, reason).await;
            }
            kind::CONN_RELEASE => {
                self.send(frame.response()).await;
                let reason = frame.number(tag::REASON).unwrap_or(1) as u16;
                self.release(id, reason).await;
            }
            kind::NWK_DATA => self.nwk_data(id, frame).await,
            kind::CIPHER_KEY => self.cipher(id, frame).await,
            kind::SLOT_CHANGE => {
                let answer = self.change_slot(id, frame);
                self.send(answer).await;
                self.tell_capacity().await;
            }
            kind::TONE => {
                let tone = frame.number(tag::TONE).unwrap_or(0x3F) as u8;
                bearer.down(Down::Tone { bearer: bearer.number, tone });
            }
            _ if frame.flags & ERROR == 0 && frame.is_request() => {
                self.send(frame.error(error::UNKNOWN_TYPE, "")).await;
            }
            _ => {}
        }
    }
}

//! The radio side: what is on the air, who is connected.

use tokio::time::Instant;

use super::connection::{Connection, State};
use super::station::Station;
use crate::dect::obl::Frame;
use crate::dect::obl::number::{error, kind, radio_state, reason, tag};
use crate::radio::{Broadcast, Down, Handover, HeardBase, Up};

/// A connection that the switch does not take or refuse in this time is given up.
const UNANSWERED: std::time::Duration = std::time::Duration::from_secs(5);

impl Station {
    /// Something from a handset.
    pub(super) async fn hear_air(&mut self, up: Up) {
        match up {
            Up::Access { bearer, pmid, handover, page } => {
                let state = State::Asked { handover, since: Instant::now() };
                let (media, ciphered, messages) = (None, false, (0, 0));
                let connection = Connection { bearer, pmid, state, media, ciphered, messages };
                self.access(connection, handover, page).await;
            }
            Up::Sdu { bearer, pdu } => {
                let Some(id) = self.connections.of_bearer(bearer) else { return };
                tracing::debug!("{id} > {}", hexadecimal(&pdu));
                if let Some(connection) = self.connections.get_mut(id) {
                    connection.messages.1 = connection.messages.1.wrapping_add(1);
                }
                let data = Frame::event(kind::NWK_DATA).u16(tag::CONN_ID, id).u8(tag::SAPI, 0);
                self.send(data.bytes(tag::PDU, &pdu)).await;
            }
            Up::Release { bearer, lost } => {
                let Some(id) = self.connections.of_bearer(bearer) else { return };
                let reason = if lost { reason::DOWN_LOST } else { reason::DOWN_NORMAL };
                self.drop_connection(id, reason).await;
            }
        }
    }

    async fn access(&mut self, connection: Connection, handover: Option<Handover>, page: Option<u32>) {
        let full = self.connections.pairs() >= usize::from(self.config.slot_pairs);
        let on = matches!(self.radio_state, radio_state::ON | radio_state::DRAINING);
        if !self.linked || !on || full || !self.sync.is_good() {
            let bearer = &connection.bearer;
            bearer.down(Down::Refused { bearer: bearer.number, reason: 0 });
            return;
        }
        let (pmid, level) = (connection.pmid, connection.bearer.level());
        let id = self.connections.add(connection);
        if let Some(handover) = handover {
            return self.ask_handover(id, pmid, level, handover).await;
        }
        let ask = Frame::request(kind::CONN_IND)
            .u16(tag::CONN_ID, id)
            .u32(tag::PMID, pmid)
            .u8(tag::SLOT_TYPE, 1)
            .u8(tag::HO_FLAG, 0)
            .u8(tag::RSSI, level as u8);
        let ask = page.into_iter().fold(ask, |ask, page| ask.u32(tag::PAGE_ID, page));
        self.send(ask).await;
        self.tell_capacity().await;
    }

    /// CONN_ACCEPT.
    pub(super) async fn accept(&mut self, id: u16) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.state = State::Up;
            let bearer = &connection.bearer;
            bearer.down(Down::Accepted { bearer: bearer.number });
        }
    }

    /// CONN_REJECT, HO_REJECT, or nobody answered.
    pub(super) async fn refuse_connection(&mut self, id: u16, reason: u16) {
        self.ports.remove(&id);
        if let Some(connection) = self.connections.remove(id) {
            let bearer = &connection.bearer;
            bearer.down(Down::Refused { bearer: bearer.number, reason });
            self.close_media_of(id, &connection);
            self.tell_capacity().await;
        }
    }

    /// CONN_RELEASE.
    pub(super) async fn release(&mut self, id: u16, reason: u16) {
        if let Some(connection) = self.connections.remove(id) {
            let bearer = &connection.bearer;
            bearer.down(Down::Released { bearer: bearer.number, reason });
            self.statistics.handovers_out += u64::from(reason == reason::RELEASE_HANDOVER);
            self.forget(id, &connection);
            self.tell_capacity().await;
            self.end_draining().await;
        }
    }

    /// The connection is gone; the switch is told.
    pub(super) async fn drop_connection(&mut self, id: u16, reason: u16) {
        self.ports.remove(&id);
        let Some(connection) = self.connections.remove(id) else { return };
        let bearer = &connection.bearer;
        bearer.down(Down::Released { bearer: bearer.number, reason });
        self.statistics.lost += u64::from(reason == reason::DOWN_LOST);
        let (good, bad) = bearer.frames();
        self.forget(id, &connection);
        let down = Frame::event(kind::CONN_DOWN).u16(tag::CONN_ID, id).u16(tag::REASON, reason);
        self.send(down.u32(tag::FRAMES_GOOD, good).u32(tag::FRAMES_BAD, bad)).await;
        self.tell_capacity().await;
        self.end_draining().await;
    }

    fn forget(&mut self, id: u16, connection: &Connection) {
        let (good, bad) = connection.bearer.frames();
        self.statistics.good += u64::from(good);
        self.statistics.bad += u64::from(bad);
        self.close_media_of(id, connection);
    }

    /// All connections end without a word to the switch, and the radio goes off.
    pub(super) fn forget_calls(&mut self) {
        for id in self.connections.ids() {
            if let Some(connection) = self.connections.remove(id) {
                let bearer = &connection.bearer;
                bearer.down(Down::Released { bearer: bearer.number, reason: reason::DOWN_LOST });
                self.forget(id, &connection);
            }
        }
        self.forget_waiting();
        (self.session, self.lost_at) = (self.session.filter(|_| self.linked), None);
        self.radio_state = radio_state::OFF;
        self.sync.start(false);
        self.broadcast();
    }

    /// PAGE.
    pub(super) async fn page(&mut self, frame: &Frame) {
        let pdu = frame.get(tag::PAGE_PDU).filter(|pdu| matches!(pdu.len(), 3 | 5));
        let Some(pdu) = pdu.map(<[u8]>::to_vec) else {
            return self.send(frame.error(error::BAD_TLV, "PAGE_PDU")).await;
        };
        if !self.sync.is_good() || self.radio_state == radio_state::OFF {
            return self.send(frame.error(error::NOT_SYNCED, "")).await;
        }
        self.statistics.pages += 1;
        self.beacon.page(&pdu, frame.number(tag::PAGE_ID).map(|id| id as u32));
        self.send(frame.response()).await;
    }

    /// NWK_DATA.
    pub(super) async fn nwk_data(&mut self, id: u16, frame: &Frame) {
        let pdu = frame.get(tag::PDU).unwrap_or_default().to_vec();
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.state != State::Up {
            return self.fault(format!("NWK_DATA on connection {id} before it was accepted"));
        }
        tracing::debug!("{id} < {}", hexadecimal(&pdu));
        connection.messages.0 = connection.messages.0.wrapping_add(1);
        let bearer = &connection.bearer;
        if !bearer.down(Down::Sdu { bearer: bearer.number, pdu }) {
            self.drop_connection(id, reason::DOWN_LOST).await;
        }
    }

    /// CIPHER_KEY: the handset must have the same key.
    pub(super) async fn cipher(&mut self, id: u16, frame: &Frame) {
        self.send(frame.response()).await;
        let key = frame.get(tag::DCK).unwrap_or_default().to_vec();
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.ciphered = connection.bearer.agrees(&key);
        let (on, bearer) = (connection.ciphered, &connection.bearer);
        bearer.down(Down::Ciphered { bearer: bearer.number, on });
        self.tell_cipher(id, on).await;
    }

    pub(super) async fn tell_cipher(&mut self, id: u16, on: bool) {
        let state = Frame::event(kind::CIPHER_STATE).u16(tag::CONN_ID, id);
        let state = state.u8(tag::STATE, if on { 1 } else { 2 }).u16(tag::REASON, u16::from(!on));
        self.send(state).await;
    }

    /// Puts on the air what belongs there, or nothing.
    pub(super) fn broadcast(&self) {
        let on = self.radio_state != radio_state::OFF && self.sync.is_on_air();
        let settings = self.settings.filter(|_| on);
        let unlinked = if self.linked { 0 } else { 3 };
        self.beacon.send(settings.map(|settings| Broadcast {
            busy: settings.broadcast.busy | unlinked,
            hops: self.sync.hops(),
            clock: self.clock,
            ..settings.broadcast
        }));
    }

    pub(super) async fn tell_radio(&mut self, why: u16) {
        let state = Frame::event(kind::RADIO_STATE).u8(tag::STATE, self.radio_state);
        self.send(state.u16(tag::REASON, why)).await;
    }

    pub(super) async fn tell_sync(&mut self) {
        let state = Frame::event(kind::SYNC_STATE).u8(tag::SYNC_STATE, self.sync.state);
        let state = self.sync.source.into_iter().fold(state, |state, rpn| state.u8(tag::SYNC_SOURCE, rpn));
        let state = self.sync.followed.into_iter().fold(state, |state, (level, offset, hops)| {
            state.u8(tag::RSSI, level as u8).u32(tag::OFFSET_NS, offset as u32).u8(tag::HOPS, hops)
        });
        let now = self.clock_ms();
        self.send(state.u64(tag::SINCE, now)).await;
    }

    pub(super) async fn tell_capacity(&mut self) {
        self.capacity_at = Instant::now();
        let capacity = self.capacity();
        self.send(capacity).await;
    }

    pub(super) async fn tell_neighbours(&mut self) {
        self.neighbours_at = Instant::now();
        let heard = if self.deaf { Vec::new() } else { self.radio.heard(self.beacon.place()) };
        let neighbours = self.neighbours(&heard);
        let told =
            neighbours.iter().fold(Frame::event(kind::NEIGHBOURS), |told, n| told.bytes(tag::NEIGHBOUR, n));
        self.send(told).await;
    }

    fn capacity(&self) -> Frame {
        // A media resource is told nothing of a radio: 32 channels, 16 with SRTP.
        let own = if self.config.role == 2 { (32, 16) } else { (0, 0) };
        let (voice_max, voice_max_srtp) =
            self.settings.map_or(own, |settings| (settings.voice_max, settings.voice_max_srtp));
        let srtp = self.media.values().filter(|media| media.flow.settings.srtp.is_some()).count() as u8;
        let free = self.config.slot_pairs.saturating_sub(self.connections.pairs() as u8);
        Frame::event(kind::CAPACITY)
            .u8(tag::PAIRS_TOTAL, self.config.slot_pairs)
            .u8(tag::PAIRS_FREE, free)
            .u8(tag::VOICE_USED, self.media.len() as u8)
            .u8(tag::VOICE_MAX, if srtp > 0 { voice_max_srtp } else { voice_max })
            .u8(tag::WIDEBAND_COST, 2)
            .u8(tag::SRTP_ACTIVE, srtp)
    }

    /// NEIGHBOUR for each other base of our system.
    pub(super) fn neighbours(&self, heard: &[HeardBase]) -> Vec<[u8; 7]> {
        let Some(settings) = self.settings else { return Vec::new() };
        let ours = |base: &&HeardBase| {
            let theirs = base.broadcast.rfpi;
            theirs.pari() == settings.broadcast.rfpi.pari() && theirs != settings.broadcast.rfpi
        };
        let neighbour = |base: &HeardBase| {
            let offset = self.clock.after(&base.broadcast.clock).to_be_bytes();
            let quality = 100 - crate::radio::bad_frames(base.level) as u8;
            let (rpn, level) = (base.broadcast.rfpi.rpn(), base.level as i8 as u8);
            [rpn, level, offset[0], offset[1], offset[2], offset[3], quality]
        };
        heard.iter().filter(ours).map(neighbour).collect()
    }

    /// What nobody answered in time, and a radio that has drained long enough.
    pub(super) async fn expire(&mut self, now: Instant) {
        let is_old = |state: State| match state {
            State::Asked { since, .. } => now - since >= UNANSWERED,
            State::Up => false,
        };
        let old: Vec<u16> =
            self.connections.iter().filter(|(_, c)| is_old(c.state)).map(|(id, _)| id).collect();
        for id in old {
            self.fault(format!("the switch said nothing to connection {id}"));
            self.drop_connection(id, reason::DOWN_TIMEOUT).await;
        }
        if self.drained_by.is_some_and(|by| now >= by) {
            self.radio_off().await;
        }
    }

    async fn end_draining(&mut self) {
        if self.drained_by.is_some() && self.connections.len() == 0 {
            self.drained_by = None;
            (self.radio_state, _) = (radio_state::OFF, self.sync.start(false));
            self.broadcast();
            self.tell_radio(3).await;
        }
    }

    pub(super) async fn radio_off(&mut self) {
        self.drained_by = None;
        for id in self.connections.ids() {
            Box::pin(self.drop_connection(id, reason::DOWN_LOST)).await;
        }
        self.radio_state = radio_state::OFF;
        self.sync.start(false);
        self.broadcast();
        self.tell_radio(3).await;
        self.tell_sync().await;
    }
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

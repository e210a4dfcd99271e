//! MEDIA_OPEN, MEDIA_MODIFY and MEDIA_CLOSE.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::flow::{self, Flow, Keys, Settings};
use super::station::Station;
use super::statistics;
use crate::dect::obl::Frame;
use crate::dect::obl::number::{error, kind, tag};
use crate::media::srtp::{Key, Suite};

/// A stream that is open.
pub(super) struct Media {
    pub flow: Arc<Flow>,
    pub connection: u16,
    task: AbortHandle,
    closed: CancellationToken,
}

impl Media {
    /// Hears no more.
    pub(super) fn end(&self) {
        self.task.abort();
    }

    /// Hears what came up to now, and no more.
    fn close(&self) {
        self.closed.cancel();
    }
}

/// REMOTE and LOCAL as fields.
pub(super) fn address_field(address: SocketAddr) -> Vec<u8> {
    let mut field = match address.ip() {
        IpAddr::V4(ip) => [&[4][..], &ip.octets()].concat(),
        IpAddr::V6(ip) => [&[6][..], &ip.octets()].concat(),
    };
    field.extend_from_slice(&address.port().to_be_bytes());
    field
}

fn address(field: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = field.split_first()?;
    let (ip, port) = rest.split_last_chunk::<2>()?;
    let ip = match family {
        4 => IpAddr::from(<[u8; 4]>::try_from(ip).ok()?),
        6 => IpAddr::from(<[u8; 16]>::try_from(ip).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes(*port)))
}

impl Station {
    pub(super) async fn order_media(&mut self, frame: &Frame) {
        let answer = match frame.kind {
            kind::MEDIA_OPEN => self.open_media(frame).await,
            kind::MEDIA_MODIFY => self.modify_media(frame),
            _ => self.close_media(frame),
        };
        self.send(answer).await;
        self.tell_capacity().await;
    }

    async fn open_media(&mut self, frame: &Frame) -> Frame {
        let id = frame.number(tag::CONN_ID).unwrap_or(0) as u16;
        if self.connections.get(id).is_none() {
            return frame.error(error::NO_SUCH_CONN, &format!("connection {id}"));
        }
        let Ok(socket) = flow::open(self.config.ip).await else {
            return frame.error(error::INTERNAL, "no port");
        };
        match self.start_media(frame, id, socket) {
            Ok(local) => frame.response().bytes(tag::LOCAL, &address_field(local)),
            Err((code, text)) => frame.error(code, text),
        }
    }

    /// Begins a stream by the fields of MEDIA_OPEN, or those of HO_ACCEPT.
    pub(super) fn start_media(
        &mut self,
        frame: &Frame,
        connection: u16,
        socket: Arc<UdpSocket>,
    ) -> Result<SocketAddr, (u16, &'static str)> {
        let media = frame.number(tag::MEDIA_ID).ok_or((error::BAD_TLV, "MEDIA_ID"))? as u32;
        let settings = settings(frame, None)?;
        self.may_carry(&settings)?;
        let local = socket.local_addr().map_err(|_| (error::INTERNAL, "no port"))?;
        self.run(media, connection, Flow::new(socket, settings))?;
        Ok(local)
    }

    fn may_carry(&self, settings: &Settings) -> Result<(), (u16, &'static str)> {
        if !self.config.codecs.contains(&settings.codec) {
            return Err((error::UNSUPPORTED_CODEC, "CODEC"));
        }
        if settings.srtp.is_some() && !self.config.srtp {
            return Err((error::CRYPTO, "this base has no SRTP"));
        }
        // The processor of a base carries fewer calls than its radio.
        let most = self.settings.map_or(0, |radio| match settings.srtp {
            Some(_) => radio.voice_max_srtp,
            None => radio.voice_max,
        });
        let is_long = |media: &&Media| {
            self.connections.get(media.connection).is_some_and(|connection| connection.bearer.is_long())
        };
        let carried = self.media.len() + self.media.values().filter(is_long).count();
        let full = carried >= usize::from(most);
        if full { Err((error::NO_CHANNEL, "all channels are in use")) } else { Ok(()) }
    }

    fn run(&mut self, media: u32, id: u16, flow: Flow) -> Result<(), (u16, &'static str)> {
        let Some(connection) = self.connections.get_mut(id) else {
            return Err((error::NO_SUCH_CONN, "CONN_ID"));
        };
        let (flow, bearer) = (Arc::new(flow), connection.bearer.clone());
        connection.media = Some(media);
        bearer.attach(Some(flow.clone()));
        let closed = CancellationToken::new();
        let hears = flow.clone().receive(media, bearer, self.told.clone(), closed.clone());
        let task = tokio::spawn(hears).abort_handle();
        if let Some(before) = self.media.insert(media, Media { flow, connection: id, task, closed }) {
            before.close();
        }
        Ok(())
    }

    fn modify_media(&mut self, frame: &Frame) -> Frame {
        let id = frame.number(tag::MEDIA_ID).unwrap_or(0) as u32;
        let Some(media) = self.media.get(&id) else {
            return frame.error(error::NO_SUCH_MEDIA, &format!("stream {id}"));
        };
        let (flow, connection) = (media.flow.clone(), media.connection);
        let settings = match settings(frame, Some(&flow.settings)) {
            Ok(settings) => settings,
            Err((code, text)) => return frame.error(code, text),
        };
        media.end();
        let rekeyed = frame.get(tag::TX_KEY).is_some() || flow.settings.srtp.is_none();
        match self.run(id, connection, flow.changed(settings, rekeyed)) {
            Ok(()) => frame.response(),
            Err((code, text)) => frame.error(code, text),
        }
    }

    fn close_media(&mut self, frame: &Frame) -> Frame {
        let id = frame.number(tag::MEDIA_ID).unwrap_or(0) as u32;
        let Some(media) = self.media.remove(&id) else {
            return frame.error(error::NO_SUCH_MEDIA, &format!("stream {id}"));
        };
        media.close();
        if let Some(connection) = self.connections.get_mut(media.connection) {
            connection.media = None;
            connection.bearer.attach(None);
        }
        frame.response().bytes(tag::COUNTERS, &statistics::field(&media.flow.counters()))
    }

    /// A connection is gone. Its stream says nothing more; the switch still closes it and reads its counters
    /// when the connection went by its own will.
    /// A stream that went over to another connection here stays.
    pub(super) fn close_media_of(&mut self, id: u16, connection: &Connection) {
        connection.bearer.attach(None);
        let is_its = |media: &u32| self.media.get(media).is_some_and(|media| media.connection == id);
        if let Some(media) = connection.media.filter(is_its).and_then(|media| self.media.remove(&media)) {
            media.close();
        }
    }
}

/// What the fields say; `before` is what stays where nothing is said.
fn settings(frame: &Frame, before: Option<&Settings>) -> Result<Settings, (u16, &'static str)> {
    let number = |tag, before: Option<u8>, name| {
        frame.number(tag).map(|number| number as u8).or(before).ok_or((error::BAD_TLV, name))
    };
    let remote = frame.get(tag::REMOTE).and_then(address).or(before.map(|b| b.remote));
    let settings = Settings {
        codec: number(tag::CODEC, before.map(|b| b.codec), "CODEC")?,
        payload_type: number(tag::PT, before.map(|b| b.payload_type), "PT")?,
        ptime: number(tag::PTIME, before.map(|b| b.ptime), "PTIME")?,
        remote: remote.ok_or((error::BAD_TLV, "REMOTE"))?,
        direction: number(tag::DIR, before.map(|b| b.direction), "DIR")?,
        srtp: keys(frame)?.or_else(|| before.and_then(|b| b.srtp.clone())),
    };
    let is_ptime = matches!(settings.ptime, 10 | 20);
    if is_ptime { Ok(settings) } else { Err((error::BAD_TLV, "PTIME")) }
}

fn keys(frame: &Frame) -> Result<Option<Keys>, (u16, &'static str)> {
    let Some(suite) = frame.number(tag::SRTP_SUITE) else { return Ok(None) };
    let suite = match suite {
        1 => Suite::Long,
        2 => Suite::Short,
        _ => return Err((error::CRYPTO, "SRTP_SUITE")),
    };
    let key = |field, name| {
        let key = frame.get(field).and_then(|key| <[u8; 30]>::try_from(key).ok());
        key.map(Key::from).ok_or((error::CRYPTO, name))
    };
    Ok(Some(Keys { suite, send: key(tag::TX_KEY, "TX_KEY")?, receive: key(tag::RX_KEY, "RX_KEY")? }))
}

//! The life of a base: link up and down, what it sends, what time brings.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::connection::Connections;
use super::flow::Happening;
use super::link::{Link, Opened, open};
use super::media::Media;
use super::statistics::Statistics;
use super::sync::Sync;
use super::{BaseConfig, Identity, Order, Seen, Standing};
use crate::dect::obl::Frame;
use crate::dect::obl::number::{kind, radio_state, tag};
use crate::radio::{Beacon, Broadcast, Clock, Radio, Up};
use crate::sip::Failure;

/// What handsets send and was not read yet.
const AIR: usize = 1_024;
/// What happened on media streams and was not read yet.
const HAPPENINGS: usize = 64;
/// Words that wait for a link that is lost for a while.
const WAITING: usize = 256;
/// How often a base looks around.
const TICK: Duration = Duration::from_millis(250);
/// How often it looks at the others' frames while it keeps time.
const LOOK: Duration = Duration::from_secs(1);
/// How often it tells its room.
const TELL_CAPACITY: Duration = Duration::from_secs(10);
/// A switch that takes nothing for so long is gone.
const STUCK: Duration = Duration::from_secs(10);

type Opening = Pin<Box<dyn Future<Output = Result<Opened, Failure>> + Send>>;

/// What the switch has said in WELCOME.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub token: Option<[u8; 16]>,
    /// How long calls outlive the link.
    pub grace: Duration,
    pub ping: Duration,
    pub dead: Duration,
}

/// What the switch has said in RADIO_CONFIG.
#[derive(Debug, Clone, Copy)]
pub(super) struct RadioSettings {
    pub broadcast: Broadcast,
    pub voice_max: u8,
    pub voice_max_srtp: u8,
}

/// A base.
pub(super) struct Station {
    pub config: BaseConfig,
    pub radio: Radio,
    pub beacon: Arc<Beacon>,
    pub connections: Connections,
    pub media: HashMap<u32, Media>,
    /// Ports of handsets that come over and were not taken yet.
    pub ports: HashMap<u16, Arc<tokio::net::UdpSocket>>,
    pub settings: Option<RadioSettings>,
    /// As in RADIO_STATE.
    pub radio_state: u8,
    /// When draining ends.
    pub drained_by: Option<Instant>,
    pub sync: Sync,
    pub clock: Clock,
    pub deaf: bool,
    /// No handset that comes over arrives.
    pub fails_handovers: bool,
    pub slow_handovers: std::time::Duration,
    pub statistics: Statistics,
    pub session: Option<Session>,
    pub told: mpsc::Sender<Happening>,
    pub link: Option<Link>,
    pub seen: Seen,
    pub boot_reason: u8,
    /// When to come again; none while a link is there or comes.
    pub again_at: Option<Instant>,
    pub linked: bool,
    identity: Option<Identity>,
    opening: Option<Opening>,
    waiting: VecDeque<Frame>,
    sequence: u32,
    heard_at: Instant,
    pinged_at: Instant,
    looked_at: Instant,
    /// Bases of the same system that it heard the last time.
    heard_ours: usize,
    pub lost_at: Option<Instant>,
    pub capacity_at: Instant,
    pub neighbours_at: Instant,
    happenings: Option<mpsc::Receiver<Happening>>,
    air: Option<mpsc::Receiver<Up>>,
    show: watch::Sender<Seen>,
    enrolled: watch::Sender<Option<Identity>>,
}

impl Station {
    pub(super) fn new(
        config: BaseConfig,
        radio: &Radio,
        show: watch::Sender<Seen>,
        enrolled: watch::Sender<Option<Identity>>,
    ) -> Self {
        let (up, air) = mpsc::channel(AIR);
        let (told, happenings) = mpsc::channel(HAPPENINGS);
        let (now, identity) = (Instant::now(), enrolled.borrow().clone());
        Self {
            beacon: radio.put_up(config.place, up),
            radio: radio.clone(),
            connections: Connections::default(),
            media: HashMap::new(),
            ports: HashMap::new(),
            settings: None,
            radio_state: radio_state::OFF,
            drained_by: None,
            sync: Sync::new(config.sync_times),
            clock: Clock::new(config.drift_ppm),
            deaf: false,
            fails_handovers: false,
            slow_handovers: std::time::Duration::ZERO,
            statistics: Statistics::default(),
            session: None,
            told,
            link: None,
            seen: Seen::default(),
            boot_reason: 1,
            again_at: Some(now),
            linked: false,
            identity,
            opening: None,
            waiting: VecDeque::new(),
            sequence: 0,
            heard_at: now,
            pinged_at: now,
            looked_at: now,
            heard_ours: 0,
            lost_at: None,
            capacity_at: now,
            neighbours_at: now,
            happenings: Some(happenings),
            air: Some(air),
            show,
            enrolled,
            config,
        }
    }

    /// Lives until it is stopped, or its task is.
    pub(super) async fn live(mut self, mut orders: mpsc::Receiver<Order>, stop: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (Some(mut air), Some(mut happenings)) = (self.air.take(), self.happenings.take()) else {
            return;
        };
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.say_goodbye().await,
                Some(order) = orders.recv() => self.obey(order).await,
                Some(up) = air.recv() => self.hear_air(up).await,
                Some((media, event)) = happenings.recv() => {
                    let event = Frame::event(kind::MEDIA_EVENT).u32(tag::MEDIA_ID, media).u8(tag::EVENT, event);
                    self.send(event).await;
                }
                frame = next(&mut self.link) => match frame {
                    Some(Ok(frame)) => {
                        self.heard_at = Instant::now();
                        self.hear_switch(frame).await;
                    }
                    Some(Err(fault)) => {
                        self.fault(format!("the switch's frame: {fault}"));
                        self.lose_link();
                    }
                    None => self.lose_link(),
                },
                opened = opened(&mut self.opening) => {
                    self.opening = None;
                    self.connected(opened).await;
                }
                _ = tick.tick() => self.look_around().await,
            }
            self.show();
        }
    }

    /// Sends; what cannot be sent waits for a link that comes back in time.
    pub(super) async fn send(&mut self, frame: Frame) {
        let lives_on = self.lost_at.is_some() && self.session.is_some();
        let Some(link) = self.link.as_mut().filter(|_| self.linked || frame.kind == kind::HELLO) else {
            if lives_on && self.waiting.len() < WAITING {
                self.waiting.push_back(frame);
            }
            return;
        };
        self.sequence += 1;
        let is_answer = frame.seq != 0;
        let frame = Frame { seq: if is_answer { frame.seq } else { self.sequence }, ..frame };
        let sent = tokio::time::timeout(STUCK, link.send(frame)).await;
        if !matches!(sent, Ok(Ok(()))) {
            self.lose_link();
        }
    }

    /// The link is gone; calls go on for a while.
    pub(super) fn lose_link(&mut self) {
        if self.link.take().is_none() {
            return;
        }
        let now = Instant::now();
        if std::mem::take(&mut self.linked) {
            self.lost_at = Some(now);
            self.seen.standing = Standing::Unlinked;
        }
        self.again_at.get_or_insert(now + self.config.retry);
    }

    /// What waited for the link, in order.
    pub(super) async fn send_waiting(&mut self) {
        while self.link.is_some() {
            let Some(frame) = self.waiting.pop_front() else { return };
            self.send(frame).await;
        }
    }

    /// The session is over: nothing of it is said any more.
    pub(super) fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Something that the link's page does not allow.
    pub(super) fn fault(&mut self, what: String) {
        tracing::warn!(base = ?self.config.base_id, "{what}");
        if self.seen.faults.len() < 32 {
            self.seen.faults.push(what);
        }
    }

    async fn connected(&mut self, opened: Result<Opened, Failure>) {
        match opened {
            Ok(Opened::Link(link, identity)) => {
                if identity.is_some() {
                    self.identity.clone_from(&identity);
                    self.enrolled.send_replace(identity);
                }
                self.link = Some(*link);
                (self.sequence, self.heard_at) = (0, Instant::now());
                let hello = self.hello();
                self.send(hello).await;
            }
            Ok(Opened::Refused(frame)) => self.refused(&frame),
            Err(failure) => {
                tracing::debug!(base = ?self.config.base_id, %failure);
                self.again_at = Some(Instant::now() + self.config.retry);
            }
        }
    }

    /// REFUSE, or an answer to ENROL that is no certificate.
    pub(super) fn refused(&mut self, frame: &Frame) {
        let text = |tag| frame.string(tag).map(str::to_owned);
        self.seen.standing = Standing::Refused {
            reason: frame.number(tag::REASON).unwrap_or(0) as u16,
            fw_min: text(tag::FW_MIN),
            text: text(tag::TEXT),
        };
        let wait = frame.number(tag::RETRY_S).map_or(self.config.retry, Duration::from_secs);
        (self.link, self.linked) = (None, false);
        self.again_at = Some(Instant::now() + wait);
    }

    /// Time passes.
    async fn look_around(&mut self) {
        let now = Instant::now();
        if self.again_at.is_some_and(|at| now >= at) && self.opening.is_none() && self.link.is_none() {
            self.again_at = None;
            self.opening = Some(Box::pin(open(self.config.clone(), self.identity.clone())));
        }
        if let (Some(lost), Some(session)) = (self.lost_at, self.session)
            && now - lost >= session.grace
        {
            self.forget_calls();
        }
        self.keep_link(now).await;
        self.keep_time(now).await;
        self.expire(now).await;
        let pairs = usize::from(self.config.slot_pairs);
        self.statistics.pass(TICK, self.connections.len(), pairs, self.seen.busy != 0);
    }

    async fn keep_link(&mut self, now: Instant) {
        let Some(session) = self.session.filter(|_| self.linked) else { return };
        if now - self.heard_at >= session.dead {
            return self.lose_link();
        }
        if now - self.pinged_at >= session.ping {
            self.pinged_at = now;
            let stamp = self.clock_ms();
            self.send(Frame::request(kind::PING).u64(tag::TIMESTAMP, stamp)).await;
        }
        if now - self.capacity_at >= TELL_CAPACITY {
            self.tell_capacity().await;
        }
        if now - self.neighbours_at >= self.config.looks {
            self.tell_neighbours().await;
        }
    }

    async fn keep_time(&mut self, now: Instant) {
        // Once it keeps time a base looks at its neighbours more seldom.
        let passed = now - self.looked_at;
        if self.sync.is_good() && passed < LOOK {
            return;
        }
        self.looked_at = now;
        let heard = if self.deaf { Vec::new() } else { self.radio.heard(self.beacon.place()) };
        let others: Vec<_> =
            heard.into_iter().filter(|base| !Arc::ptr_eq(&base.beacon, &self.beacon)).collect();
        let heard_ours = self.neighbours(&others).len();
        let more = heard_ours > std::mem::replace(&mut self.heard_ours, heard_ours);
        let in_call = self.connections.len() > 0;
        let changed = self.sync.look(now, passed, &others, &mut self.clock, in_call);
        self.broadcast();
        if changed {
            self.tell_sync().await;
        }
        // Who has no time yet is placed as soon as it hears somebody.
        if changed && heard_ours > 0 || more && !self.sync.is_good() {
            self.tell_neighbours().await;
        }
    }

    async fn say_goodbye(mut self) {
        for id in self.connections.ids() {
            self.drop_connection(id, crate::dect::obl::number::reason::DOWN_NORMAL).await;
        }
        self.send(Frame::request(kind::GOODBYE).u16(tag::REASON, 2)).await;
        self.radio.take_down(&self.beacon);
        if let Some(mut link) = self.link.take() {
            let _ = tokio::time::timeout(Duration::from_secs(1), link.close()).await;
        }
    }

    fn show(&mut self) {
        self.seen.radio = self.radio_state;
        (self.seen.sync, self.seen.sync_source) = (self.sync.state, self.sync.source);
        self.seen.rfpi = self.settings.map(|settings| settings.broadcast.rfpi);
        self.seen.connections = self.connections.len();
        self.seen.long_slots = self.connections.long();
        let protected = self.media.values().filter(|media| media.flow.settings.srtp.is_some()).count();
        self.seen.media = (self.media.len(), protected);
        self.show.send_if_modified(|shown| {
            let differs = *shown != self.seen;
            if differs {
                shown.clone_from(&self.seen);
            }
            differs
        });
    }

    /// Milliseconds since 1970.
    pub(super) fn clock_ms(&self) -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as u64)
    }
}

impl Drop for Station {
    /// The plug is pulled: off the air, and whoever was connected notices by the silence.
    fn drop(&mut self) {
        self.radio.take_down(&self.beacon);
        self.media.values().for_each(Media::end);
    }
}

async fn next(link: &mut Option<Link>) -> Option<Result<Frame, crate::dect::obl::LinkFault>> {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}

async fn opened(opening: &mut Option<Opening>) -> Result<Opened, Failure> {
    match opening {
        Some(opening) => opening.await,
        None => std::future::pending().await,
    }
}

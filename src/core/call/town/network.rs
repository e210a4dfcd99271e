//! The network between telephones and switch, and the radio between handsets and base stations.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::Town;
use super::chance::Chance;
use super::handover::AirMail;
use super::native::Air;
use super::node::{Mail, Mailbox};
use crate::dect::portable::{Connection, Input};
use crate::id::OwnerId;
use crate::machine::Machine;
use crate::sip::wire::{Message, Method};
use crate::sip::{Destination, Facing, Peer, Transport};
use crate::timer::Moment;

/// How bad it is.
#[derive(Debug, Clone)]
pub struct Weather {
    /// Datagrams lost, in a thousand.
    lose: u64,
    /// And that come twice.
    twice: u64,
    /// And that are late, up to T4 (RFC 3261 §17.1.2.2: "maximum duration a message will remain in the network").
    late: u64,
    /// Connections that break under a message.
    broken: u64,
    /// Telephones that nothing reaches for a while.
    cut: BTreeMap<IpAddr, Moment>,
    /// Pages that are not heard.
    unheard: u64,
    /// When the last message of a stream arrives: streams keep their order.
    streams: BTreeMap<(SocketAddr, SocketAddr), Moment>,
}

impl Weather {
    pub fn of(chance: &mut Chance) -> Self {
        let bad = chance.below(4);
        Self {
            lose: bad * 70,
            twice: bad * 30,
            late: bad * 40,
            broken: bad * 4,
            cut: BTreeMap::new(),
            unheard: bad * 80,
            streams: BTreeMap::new(),
        }
    }

    pub fn fine() -> Self {
        Self { streams: BTreeMap::new(), ..Self::of(&mut Chance::new(0)) }.calm()
    }

    fn calm(mut self) -> Self {
        (self.lose, self.twice, self.late, self.broken, self.unheard) = (0, 0, 0, 0, 0);
        self
    }
}

/// A message on its way.
pub struct Flight {
    pub at: Moment,
    from: SocketAddr,
    to: SocketAddr,
    transport: Transport,
    what: Carried,
}

enum Carried {
    Message(Message),
    /// It could not be delivered; its sender hears so.
    Failed(Message, Option<OwnerId>),
}

/// What happens on the radio, a little later.
pub enum RadioEvent {
    Page,
    Opens(Connection, Vec<u8>),
    Says(Connection, Vec<u8>),
    Leaves(Connection, bool),
    /// It wants to come over.
    Comes(Connection),
    /// It may not, or did not.
    TurnedAway,
}

impl Town {
    pub(super) fn send_from_switch(&mut self, message: Message, to: &Destination) {
        self.send(super::switch_address(to.facing), to, message, None);
    }

    /// Puts a message on its way. Telephones name the line that it is of.
    pub(super) fn send(
        &mut self,
        from: SocketAddr,
        to: &Destination,
        message: Message,
        line: Option<OwnerId>,
    ) {
        let (now, to, transport) = (self.now, to.address, to.transport);
        let is_cut = |end: SocketAddr| self.weather.cut.get(&end.ip()).is_some_and(|until| *until > now);
        let cut = is_cut(from) || is_cut(to);
        let dead = Some(to) == self.dead_proxy;
        self.note(|| format!("{from} > {to} {}", words(&message)));
        let fly = |at, what| Flight { at, from, to, transport, what };
        if transport == Transport::Udp {
            if cut || dead || self.chance.per_mille(self.weather.lose) {
                return self.note(|| "  (lost)".into());
            }
            let mut at = now + self.chance.millis(1, 30);
            if self.chance.per_mille(self.weather.late) {
                at = at + self.chance.millis(100, 4_900);
            }
            if self.chance.per_mille(self.weather.twice) {
                let again = at + self.chance.millis(0, 2_000);
                self.flights.push(fly(again, Carried::Message(message.clone())));
            }
            return self.flights.push(fly(at, Carried::Message(message)));
        }
        if cut || dead || self.chance.per_mille(self.weather.broken) {
            let at = now + self.chance.millis(1, 3_000);
            return self.flights.push(fly(at, Carried::Failed(message, line)));
        }
        let stream = self.weather.streams.entry((from, to)).or_insert(now);
        let at = (*stream).max(now + Duration::from_millis(1 + self.chance.below(30)));
        *stream = at;
        self.flights.push(fly(at, Carried::Message(message)));
    }

    /// Whether something arrived.
    pub(super) fn deliver(&mut self) -> bool {
        let due = self.flights.iter().enumerate().filter(|(_, flight)| flight.at <= self.now);
        let Some((at, _)) = due.min_by_key(|(at, flight)| (flight.at, *at)) else { return false };
        let Flight { from, to, transport, what, .. } = self.flights.remove(at);
        match what {
            Carried::Message(message) => self.arrive(from, to, transport, message),
            Carried::Failed(message, line) => {
                let now = self.now;
                if line.is_none() && message.method() == Some(Method::Notify) {
                    self.unheard.insert(to.ip());
                }
                match line {
                    Some(owner) => {
                        self.phone(from.ip(), |phone, sent| phone.failed(owner, message, now, sent));
                    }
                    None if self.down.is_none() => {
                        self.node.post(Mailbox::Supervisor, Mail::Failed(message));
                    }
                    None => {}
                }
            }
        }
        true
    }

    fn arrive(&mut self, from: SocketAddr, to: SocketAddr, transport: Transport, message: Message) {
        let facings = [Facing::South, Facing::North];
        let facing = facings.into_iter().find(|facing| super::switch_address(*facing) == to);
        let message = Message::parse_datagram(message.encode()).expect("what was written can be read");
        let peer = |facing| Peer {
            transport,
            remote: from,
            local: to,
            facing,
            connection: None,
            tls_names: Vec::new(),
        };
        match facing {
            Some(facing) if self.down.is_none() => {
                self.node.post(Mailbox::Supervisor, Mail::Arrived(message, peer(facing)));
            }
            // Nobody is there.
            Some(_) => {}
            None => {
                let (now, facing) = (self.now, facing_of(from));
                self.phone(to.ip(), |phone, sent| phone.hear(message, peer(facing), now, sent));
            }
        }
    }

    /// A telephone is cut off for a while.
    pub(super) fn cut(&mut self, address: IpAddr) {
        let until = self.now + self.chance.millis(1_000, 70_000);
        self.note(|| format!("{address} is cut off"));
        self.weather.cut.insert(address, until);
    }

    /// The network is as it should be.
    pub(super) fn heals(&mut self) {
        self.note(|| "the network heals".into());
        self.weather = Weather { streams: std::mem::take(&mut self.weather.streams), ..Weather::fine() };
        (self.lightning, self.dead_proxy, self.refused_streams) = (0, None, 0);
    }

    // The radio.

    pub(super) fn page(&mut self, handset: usize) {
        if !self.chance.per_mille(self.weather.unheard) {
            self.radio_later(handset, RadioEvent::Page);
        }
    }

    pub(super) fn radio_later(&mut self, handset: usize, event: RadioEvent) {
        // A link keeps its order.
        let last = self.radio.iter().filter(|(_, of, _)| *of == handset).map(|(at, ..)| *at).max();
        let at = (self.now + self.chance.millis(10, 200)).max(last.unwrap_or(self.now));
        self.radio.push((at, handset, event));
    }

    pub(super) fn air(&mut self, handset: usize, words: Vec<Air>) {
        for word in words {
            let event = match word {
                Air::Opens(connection, message) => RadioEvent::Opens(connection, message.encode()),
                Air::Says(connection, message) => RadioEvent::Says(connection, message.encode()),
                Air::Leaves(connection) => RadioEvent::Leaves(connection, false),
            };
            self.radio_later(handset, event);
        }
    }

    /// Whether something happened on the radio.
    pub(super) fn radio_event(&mut self) -> bool {
        let due = self.radio.iter().enumerate().filter(|(_, (at, ..))| *at <= self.now);
        let Some((place, _)) = due.min_by_key(|(place, (at, ..))| (*at, *place)) else { return false };
        let (_, handset, event) = self.radio.remove(place);
        if self.down.is_some() {
            // Its base station has no switch, and says so.
            self.natives[handset].lost();
            return true;
        }
        let input = match event {
            RadioEvent::Page => {
                let words = self.natives[handset].paged();
                self.air(handset, words);
                return true;
            }
            RadioEvent::Comes(new) => {
                self.node.post(Mailbox::Air(handset), Mail::ToAir(AirMail::Comes(new)));
                return true;
            }
            RadioEvent::TurnedAway => {
                self.natives[handset].turned_away();
                return true;
            }
            RadioEvent::Opens(connection, first) => {
                self.natives[handset].at = Some(connection.clone());
                Input::Opened { connection, first }
            }
            RadioEvent::Says(connection, octets) => {
                let native = &self.natives[handset];
                let moved = native.came_from.as_ref() == Some(&connection);
                let there = native.connection.clone().filter(|_| moved);
                Input::Heard { connection: there.unwrap_or(connection), octets }
            }
            RadioEvent::Leaves(connection, normal) => Input::Closed { connection, normal },
        };
        self.node.post(Mailbox::Handset(handset), Mail::Air(input));
        true
    }

    /// The radio link of a handset breaks; it may come back for a call that stands.
    pub(super) fn link_breaks(&mut self, handset: usize) {
        if let Some(connection) = self.natives[handset].connection.clone() {
            self.note(|| format!("the link of handset {handset} breaks"));
            self.natives[handset].lost();
            self.air(handset, vec![Air::Leaves(connection)]);
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.flights.is_empty() && self.radio.is_empty() && self.node.mail.is_empty()
    }

    pub(super) fn portable_deadline(&self) -> Option<Moment> {
        self.natives.iter().filter_map(|native| native.portable.deadline()).min()
    }
}

fn facing_of(switch: SocketAddr) -> Facing {
    if super::switch_address(Facing::South) == switch { Facing::South } else { Facing::North }
}

fn words(message: &Message) -> String {
    let cseq = message.cseq().map_or(String::new(), |cseq| format!("{} {}", cseq.number, cseq.method));
    let first = message.status().map_or_else(
        || message.request_uri().map_or(String::new(), |uri| uri.raw.to_string()),
        |status| status.to_string(),
    );
    format!("{first} ({cseq}) {}", message.call_id().map_or("", |id| &id[..id.len().min(8)]))
}

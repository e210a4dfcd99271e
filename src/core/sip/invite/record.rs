//! What of a leg survives its node: the confirmed dialog and what is still owed in it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::open::OpenInvite;
use super::state::{Confirmed, Event, Hop, LegTimer, SentAck, State, Unacknowledged, Usage};
use super::{Body, Leg, LegOrder, LocalEnd};
use crate::id::{OwnerId, Tokens};
use crate::pii::Pii;
use crate::sip::Destination;
use crate::sip::dialog::Dialog;
use crate::sip::offer_answer::{Exchange, OfferAnswer};
use crate::sip::session_timer::SessionTimer;
use crate::sip::transaction::TIMEOUT;
use crate::sip::wire::{Message, Text};
use crate::timer::{Moment, T1};

/// A dialog on disk: a confirmed one, or an INVITE that may become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRecord {
    /// Who owns it.
    pub owner: OwnerId,
    /// How we name ourselves.
    pub local: LocalEnd,
    /// The session is over, and the other end has not confirmed that it knows.
    pub ending: bool,
    /// The dialog.
    pub dialog: Dialog,
    /// Where the other end was last heard.
    pub towards: Destination,
    /// Whether it takes UPDATE.
    pub peer_updates: bool,
    /// Whether the Call-ID is ours.
    pub our_call_id: bool,
    /// The session timer.
    pub session: Option<SessionTimer>,
    /// Content type and bytes of our last description.
    pub last_local: Option<(String, Pii<Vec<u8>>)>,
    /// Our 2xx that waits for its ACK.
    pub unacknowledged: Option<SavedMessage>,
    /// Whether that 2xx holds an offer.
    pub offered: bool,
    /// The ACK to be said again when the peer repeats its 2xx.
    pub ack: Option<SavedMessage>,
    /// It is not answered yet: the INVITE, ours or theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenInvite>,
}

/// A message on disk and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedMessage {
    /// The message as on the wire.
    pub bytes: Pii<Vec<u8>>,
    /// Where it goes.
    pub destination: Destination,
    /// What must be resolved first.
    pub resolve: Option<String>,
    /// When it was first sent.
    pub since: Moment,
}

impl Leg {
    /// A leg as it was when `record` was written. Feed it [`LegInput::Started`](super::LegInput::Started)
    /// next. `tokens` must be fresh: words of the first life must not come again.
    pub fn restore(record: LegRecord, tokens: Tokens) -> Self {
        let mut leg = Self::new(record.owner, record.local.clone(), tokens);
        leg.local_tag = record.dialog.id.local_tag.clone();
        leg.restored = true;
        if record.open.is_some() {
            leg.ended = record.ending;
            leg.saved = Some(Box::new(record));
            return leg;
        }
        let mut usage = Usage::new(record.dialog.clone(), record.towards.clone(), record.our_call_id);
        usage.early = false;
        usage.exchange = OfferAnswer::agreed();
        usage.peer_updates = record.peer_updates;
        usage.session = record.session;
        usage.last_local = record
            .last_local
            .clone()
            .map(|(content_type, bytes)| Body { content_type, bytes: Bytes::from(bytes.0) });
        usage.unacknowledged = record.unacknowledged.as_ref().and_then(SavedMessage::waiting);
        if record.offered && usage.unacknowledged.is_some() {
            usage.exchange.send();
        }
        leg.acks.extend(record.ack.as_ref().and_then(|ack| ack.sent(&record.dialog.id.remote_tag)));
        leg.ended = record.ending;
        leg.saved = Some(Box::new(record));
        leg.state = State::Confirmed(Box::new(Confirmed { usage, farewell: None }));
        leg
    }

    /// Arms what the record asks for. Timers that ran out meanwhile fire at once.
    pub(super) fn started(&mut self, now: Moment) {
        if matches!(self.state, State::Idle) {
            self.take_up_open(now);
            if self.ended {
                self.queue.push_back(Event::Order(LegOrder::HangUp { headers: Vec::new() }));
            }
            return;
        }
        let State::Confirmed(confirmed) = &self.state else { return };
        let (session, open) = (confirmed.usage.session, confirmed.usage.unacknowledged.clone());
        self.arm_session(session);
        if let Some(open) = open {
            self.timers.set(LegTimer::AcceptAgain, now);
            self.timers.set(LegTimer::AcceptLimit, open.since + TIMEOUT);
        }
        if self.ended {
            self.queue.push_back(Event::Order(LegOrder::HangUp { headers: Vec::new() }));
        }
    }

    pub(super) fn record(&self, usage: &Usage) -> LegRecord {
        let ack = self.acks.iter().find(|sent| sent.remote_tag == usage.dialog.id.remote_tag);
        LegRecord {
            owner: self.owner,
            local: self.local.clone(),
            ending: self.ended,
            dialog: usage.dialog.clone(),
            towards: usage.towards.clone(),
            peer_updates: usage.peer_updates,
            our_call_id: usage.our_call_id,
            session: usage.session,
            last_local: usage
                .last_local
                .as_ref()
                .map(|body| (body.content_type.clone(), Pii(body.bytes.to_vec()))),
            unacknowledged: usage
                .unacknowledged
                .as_ref()
                .map(|open| SavedMessage::new(&open.response, &Hop::known(open.back.clone()), open.since)),
            offered: usage.unacknowledged.is_some() && usage.exchange.exchange() == Exchange::Offered,
            ack: ack.map(|sent| SavedMessage::new(&sent.ack, &sent.hop, Moment::default())),
            open: None,
        }
    }
}

impl SavedMessage {
    fn new(message: &Message, hop: &Hop, since: Moment) -> Self {
        Self {
            bytes: Pii(message.encode().to_vec()),
            destination: hop.destination.clone(),
            resolve: hop.resolve.as_ref().map(Text::to_string),
            since,
        }
    }

    fn message(&self) -> Option<Message> {
        Message::parse_datagram(Bytes::from(self.bytes.0.clone())).ok()
    }

    fn waiting(&self) -> Option<Unacknowledged> {
        let response = self.message()?;
        let (cseq, back) = (response.cseq()?.number, self.destination.clone());
        Some(Unacknowledged { cseq, response, back, interval: T1, since: self.since })
    }

    fn sent(&self, remote_tag: &str) -> Option<SentAck> {
        let hop =
            Hop { destination: self.destination.clone(), resolve: self.resolve.as_deref().map(Text::from) };
        Some(SentAck { remote_tag: remote_tag.to_owned(), ack: self.message()?, hop })
    }
}

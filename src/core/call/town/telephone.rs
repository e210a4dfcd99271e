//! A telephone that speaks SIP, in the house or in the north, and the lines that its user has open.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::id::{OwnerId, Tokens};
use crate::machine::Machine;
use crate::media::negotiate::{LocalMedia, OfferAnswer, SrtpMode, SrtpPolicy};
use crate::media::{Codec, Direction};
use crate::sip::invite::{
    Body, Dial, Leg, LegEvent, LegInput, LegOrder, LegOutput, LocalEnd, ReofferAnswer, ReofferOutcome,
};
use crate::sip::offer_answer::Meaning;
use crate::sip::wire::{HeaderName, Message, Method, Text, Via};
use crate::sip::{Destination, Facing, Peer, Transport};
use crate::timer::Moment;

/// Most lines that a telephone has.
const MOST_LINES: usize = 3;

/// How far a line is, as its user sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Calling,
    Ringing,
    Talking,
    Over,
}

pub struct Line {
    pub leg: Leg,
    pub stage: Stage,
    pub since: Moment,
    pub media: OfferAnswer,
    /// Of the INVITE, until it is answered.
    offer: Option<Body>,
    /// With our offer in it, while that is out.
    pending: Option<OfferAnswer>,
    /// Our own answer, said before the user's.
    previewed: Option<Body>,
    /// Early answers by fork.
    early: Option<OfferAnswer>,
    /// Before an offer of the far end's that may be withdrawn.
    before: Option<OfferAnswer>,
    /// Call-ID and the switch's tag, while it rings there.
    pub ringing_there: Option<(String, String)>,
    /// The user holds the other end.
    pub holds: bool,
    /// Transfers that were taken and whose last word has not come.
    pub waits_for: BTreeSet<u32>,
    /// Transfers whose last word has come, be it before the 202.
    told: BTreeSet<u32>,
    next_request: u32,
}

pub struct Telephone {
    pub number: &'static str,
    pub address: SocketAddr,
    pub facing: Facing,
    pub transport: Transport,
    /// Lets callers hear something before it is answered.
    pub plays: bool,
    /// Says 404 to everybody: there is no such number.
    pub nobody: bool,
    codecs: Vec<Codec>,
    srtp: SrtpMode,
    timer: Option<u32>,
    pub lines: BTreeMap<OwnerId, Line>,
    invites: BTreeMap<String, OwnerId>,
    next_line: u64,
    tokens: Tokens,
    /// What its last call was refused with.
    pub refused: Option<u16>,
    /// The switch's side of the town that it talks to.
    pub server: SocketAddr,
}

/// What it wants carried.
pub type Sent = Vec<(OwnerId, Message, Destination)>;

impl Telephone {
    pub fn new(
        (number, host): (&'static str, u8),
        (facing, transport): (Facing, Transport),
        (codecs, srtp, timer): (&[Codec], SrtpMode, Option<u32>),
        mut tokens: Tokens,
    ) -> Self {
        let net = if facing == Facing::South { [198, 51, 100, host] } else { [203, 0, 113, host] };
        let server = super::switch_address(facing);
        Self {
            number,
            address: (net, 5060).into(),
            facing,
            transport,
            plays: false,
            nobody: false,
            codecs: codecs.to_vec(),
            srtp,
            timer,
            lines: BTreeMap::new(),
            invites: BTreeMap::new(),
            next_line: (u64::from(host) << 24) | (u64::from(facing == Facing::North) << 32),
            tokens: tokens.split(),
            refused: None,
            server,
        }
    }

    fn open(&mut self, stage: Stage, now: Moment) -> OwnerId {
        self.next_line += 1;
        let owner = OwnerId(self.next_line);
        let local = LocalEnd {
            sent_by: self.address.to_string(),
            contact: format!("sip:{}@{}", self.number, self.address),
            transport: self.transport,
            product: "telephone".into(),
            supported: vec!["replaces".into()],
            session_expires: self.timer,
            focus: false,
            line: None,
        };
        let port = 4_000 + 2 * (self.next_line & 0x3FFF) as u16;
        let srtp = SrtpPolicy { mode: self.srtp, ..SrtpPolicy::default() };
        let media = LocalMedia { srtp, ..LocalMedia::new(self.address.ip(), port, self.codecs.clone()) };
        let line = Line {
            leg: Leg::new(owner, local, self.tokens.split()),
            stage,
            since: now,
            media: OfferAnswer::new(media, &mut self.tokens),
            offer: None,
            pending: None,
            previewed: None,
            early: None,
            before: None,
            ringing_there: None,
            holds: false,
            waits_for: BTreeSet::new(),
            told: BTreeSet::new(),
            next_request: 1,
        };
        self.lines.insert(owner, line);
        owner
    }

    /// Whether another call fits.
    pub fn is_free(&self) -> bool {
        self.lines.values().filter(|line| line.stage != Stage::Over).count() < MOST_LINES
    }

    pub fn standing(&self) -> Vec<(OwnerId, Stage)> {
        let lines = self.lines.iter().filter(|(_, line)| line.stage != Stage::Over);
        lines.map(|(owner, line)| (*owner, line.stage)).collect()
    }

    pub fn deadline(&self) -> Option<Moment> {
        self.lines.values().filter_map(|line| line.leg.deadline()).min()
    }

    pub fn tick(&mut self, now: Moment, sent: &mut Sent) {
        let due = |line: &Line| line.leg.deadline().is_some_and(|at| at <= now);
        let due: Vec<_> = self.lines.iter().filter(|(_, line)| due(line)).map(|(owner, _)| *owner).collect();
        due.into_iter().for_each(|owner| self.input(owner, LegInput::Deadline, now, sent));
    }

    fn server(&self) -> Destination {
        Destination {
            transport: self.transport,
            address: self.server,
            facing: self.facing,
            connection: None,
            server_name: None,
        }
    }

    pub fn dial(&mut self, to: &str, replaces: Option<String>, offers: bool, now: Moment, sent: &mut Sent) {
        let owner = self.open(Stage::Calling, now);
        let destination = self.server();
        let Some(line) = self.lines.get_mut(&owner) else { return };
        let body = offers.then(|| Body::sdp(line.media.offer(&mut self.tokens)));
        let dial = Dial {
            request_uri: format!("sip:{to}@switch.test"),
            from: format!("<sip:{}@switch.test>", self.number),
            to: format!("<sip:{to}@switch.test>"),
            contact: None,
            route: Vec::new(),
            destination,
            body,
            parts: Vec::new(),
            headers: replaces
                .iter()
                .map(|value| (HeaderName::Replaces, Text::from(value.as_str())))
                .collect(),
            onward: crate::sip::door::Onward::default(),
        };
        self.input(owner, LegInput::Order(LegOrder::Dial(Box::new(dial))), now, sent);
    }

    pub fn accept(&mut self, owner: OwnerId, now: Moment, sent: &mut Sent) {
        let Some(line) = self.lines.get_mut(&owner).filter(|line| line.stage == Stage::Ringing) else {
            return;
        };
        let body = match line.offer.take() {
            _ if line.previewed.is_some() => line.previewed.take().expect("it was looked for"),
            Some(offer) => {
                match line.media.answer(&offer.content_type, &offer.bytes, None, &mut self.tokens) {
                    Ok((sdp, _)) => Body::sdp(sdp),
                    Err(_) => return self.reject(owner, 488, None, now, sent),
                }
            }
            None => Body::sdp(line.media.offer(&mut self.tokens)),
        };
        (line.stage, line.since) = (Stage::Talking, now);
        self.order(owner, LegOrder::Accept { body: Some(body) }, now, sent);
    }

    pub fn reject(
        &mut self,
        owner: OwnerId,
        status: u16,
        contact: Option<&str>,
        now: Moment,
        sent: &mut Sent,
    ) {
        let contact = contact.map(|to| (HeaderName::Contact, Text::from(format!("<sip:{to}@switch.test>"))));
        let headers = contact.into_iter().collect();
        self.order(owner, LegOrder::Reject { status, reason: "Because".into(), headers }, now, sent);
        self.over(owner);
    }

    pub fn hang_up(&mut self, owner: OwnerId, now: Moment, sent: &mut Sent) {
        self.order(owner, LegOrder::HangUp { headers: Vec::new() }, now, sent);
        self.over(owner);
    }

    /// Hold, or resume; no body: asks the switch for an offer.
    pub fn hold(&mut self, owner: OwnerId, direction: Direction, now: Moment, sent: &mut Sent) {
        let Some(line) = self.lines.get_mut(&owner) else { return };
        if line.pending.is_some() || line.media.offer_is_out() || line.media.agreed().is_none() {
            return;
        }
        let mut media = line.media.clone();
        media.set_direction(direction);
        let body = Body::sdp(media.offer(&mut self.tokens));
        let order = LegOrder::Reoffer { body: Some(body) };
        if self.order(owner, order, now, sent)
            && let Some(line) = self.lines.get_mut(&owner)
        {
            line.holds = direction != Direction::SendRecv;
            line.pending.get_or_insert(media);
        }
    }

    pub fn ask_for_offer(&mut self, owner: OwnerId, now: Moment, sent: &mut Sent) {
        let free = |line: &Line| line.pending.is_none() && line.media.agreed().is_some();
        if self.lines.get(&owner).is_some_and(free) {
            self.order(owner, LegOrder::Reoffer { body: None }, now, sent);
        }
    }

    pub fn press(&mut self, owner: OwnerId, digit: char, now: Moment, sent: &mut Sent) {
        let body = Body {
            content_type: "application/dtmf-relay".into(),
            bytes: format!("Signal={digit}\r\nDuration=100\r\n").into(),
        };
        self.request(owner, Method::Info, Vec::new(), Some(body), now, sent);
    }

    pub fn refer(&mut self, owner: OwnerId, to: &str, now: Moment, sent: &mut Sent) {
        let headers = vec![(HeaderName::ReferTo, Text::from(format!("<sip:{to}>")))];
        self.request(owner, Method::Refer, headers, None, now, sent);
    }

    /// The dialog of another line as the switch names it, for Replaces.
    pub fn named(&self, owner: OwnerId) -> Option<String> {
        let line = self.lines.get(&owner)?;
        let confirmed = line.leg.dialog_id().map(|id| (id.call_id.clone(), id.remote_tag.clone()));
        let (call_id, theirs) = confirmed.or_else(|| line.ringing_there.clone())?;
        Some(format!("{call_id};to-tag={theirs};from-tag={}", line.leg.local_tag()))
    }

    fn request(
        &mut self,
        owner: OwnerId,
        method: Method,
        headers: Vec<(HeaderName, Text)>,
        body: Option<Body>,
        now: Moment,
        sent: &mut Sent,
    ) {
        let Some(line) = self.lines.get_mut(&owner) else { return };
        line.next_request += 1;
        let number = line.next_request;
        self.order(owner, LegOrder::Request { number, method, headers, body }, now, sent);
    }

    fn order(&mut self, owner: OwnerId, order: LegOrder, now: Moment, sent: &mut Sent) -> bool {
        let Some(line) = self.lines.get_mut(&owner) else { return false };
        let Ok(ready) = line.leg.handle(LegInput::Order(order), now) else { return false };
        self.carry_out(owner, ready.then, now, sent);
        true
    }

    fn over(&mut self, owner: OwnerId) {
        if let Some(line) = self.lines.get_mut(&owner) {
            line.stage = Stage::Over;
        }
    }

    pub fn failed(&mut self, owner: OwnerId, message: Message, now: Moment, sent: &mut Sent) {
        self.input(owner, LegInput::TransportFailed(message), now, sent);
    }

    fn input(&mut self, owner: OwnerId, input: LegInput, now: Moment, sent: &mut Sent) {
        let Some(line) = self.lines.get_mut(&owner) else { return };
        let Ok(ready) = line.leg.handle(input, now) else { return };
        self.carry_out(owner, ready.then, now, sent);
    }

    fn carry_out(&mut self, owner: OwnerId, then: Vec<LegOutput>, now: Moment, sent: &mut Sent) {
        for output in then {
            match output {
                LegOutput::Send { message, destination, resolve } => {
                    sent.push((owner, message, crate::sip::next_hop(resolve.as_ref(), destination)));
                }
                LegOutput::Event(event) => self.event(owner, event, now, sent),
            }
        }
    }

    /// Something has arrived.
    pub fn hear(&mut self, message: Message, peer: Peer, now: Moment, sent: &mut Sent) {
        if let Some(owner) = self.owner(&message).filter(|owner| self.lines.contains_key(owner)) {
            return self.input(owner, LegInput::Received(message, peer), now, sent);
        }
        let method = message.method();
        match method {
            Some(Method::Invite) if message.is_request() && message.to_tag().is_none() => {
                let owner = self.open(Stage::Ringing, now);
                self.invites.extend(super::invite_key(&message).map(|key| (key, owner)));
                self.input(owner, LegInput::Received(message, peer), now, sent);
            }
            Some(Method::Ack) | None => {}
            Some(_) if message.is_request() => {
                let answer = Message::response(&message, 481, "Does Not Exist", Some("none"));
                sent.push((OwnerId(0), answer, peer.back()));
            }
            Some(_) => {}
        }
    }

    fn owner(&self, message: &Message) -> Option<OwnerId> {
        if !message.is_request() {
            let branch = message.top_via()?.branch()?;
            return OwnerId::in_word(branch.strip_prefix(Via::COOKIE)?);
        }
        match message.to_tag() {
            Some(tag) => OwnerId::in_word(&tag),
            None => self.invites.get(&super::invite_key(message)?).copied(),
        }
    }

    fn event(&mut self, owner: OwnerId, event: LegEvent, now: Moment, sent: &mut Sent) {
        let free = self.is_free_beside(owner);
        let Some(line) = self.lines.get_mut(&owner) else { return };
        match event {
            LegEvent::Invited { offer, .. } => {
                line.offer = offer;
                if self.nobody || !free {
                    let status = if self.nobody { 404 } else { 486 };
                    return self.reject(owner, status, None, now, sent);
                }
                let preview = if self.plays { line.offer.take() } else { None };
                let mut order = LegOrder::Progress { status: 180, body: None, reliable: false };
                if let Some(offer) = preview {
                    let answered =
                        line.media.answer(&offer.content_type, &offer.bytes, None, &mut self.tokens);
                    let Ok((sdp, _)) = answered else { return self.reject(owner, 488, None, now, sent) };
                    line.previewed = Some(Body::sdp(sdp));
                    order = LegOrder::Progress { status: 183, body: line.previewed.clone(), reliable: false };
                }
                self.order(owner, order, now, sent);
            }
            LegEvent::Progress { response, body, meaning } => {
                let names = response.call_id().zip(response.to_tag());
                line.ringing_there = names.map(|(id, tag)| (id.to_string(), tag.to_string()));
                match (body, meaning) {
                    (Some(body), Some(Meaning::Offer)) => self.take_offer(owner, &body, now, sent),
                    (Some(body), _) => {
                        let mut early = line.media.clone();
                        if early.accept_answer(&body.content_type, &body.bytes).is_ok() {
                            line.early = Some(early);
                        }
                    }
                    (None, _) => {}
                }
            }
            LegEvent::Answered { body, meaning, .. } => {
                (line.stage, line.since) = (Stage::Talking, now);
                match (body, meaning) {
                    (Some(body), Some(Meaning::Offer)) => self.take_offer(owner, &body, now, sent),
                    (Some(body), _) => {
                        line.media.accept_answer(&body.content_type, &body.bytes).expect("a usable answer");
                    }
                    (None, _) => line.media = line.early.take().expect("an early answer came before"),
                }
            }
            LegEvent::Acknowledged { body } => {
                if let Some(body) = body {
                    line.media.accept_answer(&body.content_type, &body.bytes).expect("a usable answer");
                }
            }
            LegEvent::Reoffered { body } => self.reoffered(owner, body, now, sent),
            LegEvent::ReofferWithdrawn => {
                if let Some(before) = line.before.take() {
                    line.media = before;
                }
            }
            LegEvent::ReofferAnswered(outcome) => self.reoffer_answered(owner, outcome, now, sent),
            LegEvent::Requested { handle, request } => self.asked(owner, handle, &request, now, sent),
            LegEvent::Replied { outcome, .. } => {
                let cseq = outcome.as_ref().ok().and_then(|reply| reply.cseq());
                let refer = cseq.filter(|cseq| cseq.method == Method::Refer);
                let taken = outcome.ok().and_then(|reply| reply.status()) == Some(202);
                if let Some(cseq) = refer.filter(|cseq| taken && !line.told.contains(&cseq.number)) {
                    line.waits_for.insert(cseq.number);
                }
            }
            LegEvent::Challenged { .. } => {
                self.hang_up(owner, now, sent);
            }
            LegEvent::Refused { response } => {
                self.refused = response.status();
                self.over(owner);
            }
            LegEvent::Ended { .. } => self.over(owner),
            LegEvent::Unheard { .. } => {}
            LegEvent::Closed => {
                self.lines.remove(&owner);
                self.invites.retain(|_, of| *of != owner);
            }
        }
    }

    fn is_free_beside(&self, owner: OwnerId) -> bool {
        let others = self.lines.iter().filter(|(other, line)| **other != owner && line.stage != Stage::Over);
        others.count() < MOST_LINES
    }

    /// An offer in a response: our answer goes with the ACK or PRACK.
    fn take_offer(&mut self, owner: OwnerId, offer: &Body, now: Moment, sent: &mut Sent) {
        let Some(line) = self.lines.get_mut(&owner) else { return };
        let answered = line.media.answer(&offer.content_type, &offer.bytes, None, &mut self.tokens);
        match answered {
            Ok((sdp, _)) => {
                let agree = LegOrder::AnswerReoffer(ReofferAnswer::Agree(Some(Body::sdp(sdp))));
                self.order(owner, agree, now, sent);
            }
            Err(_) => self.hang_up(owner, now, sent),
        }
    }

    fn reoffered(&mut self, owner: OwnerId, body: Option<Body>, now: Moment, sent: &mut Sent) {
        let Some(line) = self.lines.get_mut(&owner) else { return };
        line.before = Some(line.media.clone());
        let waits = line.pending.clone();
        let answer = match body {
            Some(body) => {
                // What our own change wants, if one waits after a 491, stands in the answer too.
                if let Some(pending) = &waits {
                    line.media.set_direction(pending.local().direction);
                }
                let offer = (&body.content_type, &body.bytes);
                let answered = line.media.answer(offer.0, offer.1, None, &mut self.tokens);
                answered.map(|(sdp, _)| Body::sdp(sdp)).map_err(|_| 488)
            }
            // One offer of ours at a time.
            None if waits.is_some() => Err(491),
            None => {
                let mut media = line.media.clone();
                let body = Body::sdp(media.offer(&mut self.tokens));
                line.pending = Some(media);
                Ok(body)
            }
        };
        let answer = match answer {
            Ok(body) => ReofferAnswer::Agree(Some(body)),
            Err(status) => ReofferAnswer::Refuse { status, reason: "Not Now".into() },
        };
        self.order(owner, LegOrder::AnswerReoffer(answer), now, sent);
    }

    fn reoffer_answered(&mut self, owner: OwnerId, outcome: ReofferOutcome, now: Moment, sent: &mut Sent) {
        let Some(line) = self.lines.get_mut(&owner) else { return };
        match outcome {
            ReofferOutcome::Agreed { body: Some(body), meaning: Some(Meaning::Offer) } => {
                self.take_offer(owner, &body, now, sent);
            }
            ReofferOutcome::Agreed { body, .. } => {
                let pending = line.pending.take();
                if let (Some(body), Some(mut media)) = (body, pending) {
                    media.accept_answer(&body.content_type, &body.bytes).expect("a usable answer");
                    line.media = media;
                }
            }
            ReofferOutcome::Refused { .. } => {
                line.pending = None;
                line.holds = line.media.said().is_some_and(|said| said != Direction::SendRecv);
            }
        }
    }

    /// NOTIFY of a transfer, INFO, and whatever else.
    fn asked(&mut self, owner: OwnerId, handle: u32, request: &Message, now: Moment, sent: &mut Sent) {
        let Some(line) = self.lines.get_mut(&owner) else { return };
        let header = |name: HeaderName| request.header(&name).map(ToString::to_string).unwrap_or_default();
        let state = header(HeaderName::SubscriptionState);
        if request.method() == Some(Method::Notify) && state.starts_with("terminated") {
            let id = header(HeaderName::Event).split("id=").nth(1).and_then(|id| id.parse().ok());
            line.waits_for.retain(|number| id.is_some_and(|id: u32| id != *number));
            line.told.extend(id);
        }
        let reply =
            LegOrder::Reply { handle, status: 200, reason: "OK".into(), headers: Vec::new(), body: None };
        self.order(owner, reply, now, sent);
    }
}

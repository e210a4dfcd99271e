//! Plays everybody around a call: its legs, the supervisor, the media engine, and the far ends with
//! session descriptions of their own. What no call may ever do is asserted here, at every output.

use super::super::*;
use crate::call::admission::Limit;
use crate::call::conference::RoomNews;
use crate::call::{Party, Ticket, TransferWish};
use crate::id::{BaseStationId, CallRef, OwnerId};
use crate::media::negotiate::SrtpMode;
use crate::sip::refer::Referral;
use crate::sip::replaces::Replaces;
use crate::sip::{Destination, Transport};

pub const START: Moment = Moment::from_micros(1_000_000_000_000);
pub const ALL: [Codec; 3] = [Codec::G722, Codec::Pcma, Codec::Pcmu];
pub use Codec::{G722, Pcma, Pcmu};

/// A telephone far away: what it says and understands of session descriptions.
#[derive(Debug, Clone)]
pub struct FarEnd {
    pub media: OfferAnswer,
    tokens: Tokens,
    pub tag: Text,
}

impl FarEnd {
    pub fn new(number: u8, codecs: &[Codec], mode: SrtpMode) -> Self {
        let mut tokens = Tokens::new([number; 32]);
        let address = IpAddr::from([198, 51, 100, number]);
        let srtp = SrtpPolicy { mode, ..SrtpPolicy::default() };
        let local =
            LocalMedia { srtp, ..LocalMedia::new(address, 4000 + u16::from(number), codecs.to_vec()) };
        Self { media: OfferAnswer::new(local, &mut tokens), tokens, tag: Text::from(format!("tag{number}")) }
    }

    pub fn offer(&mut self) -> Body {
        Body::sdp(self.media.offer(&mut self.tokens))
    }

    pub fn answer(&mut self, offer: &Body) -> Body {
        let answered = self.media.answer(&offer.content_type, &offer.bytes, None, &mut self.tokens);
        Body::sdp(answered.unwrap().0)
    }

    pub fn accept(&mut self, answer: &Body) {
        self.media.accept_answer(&answer.content_type, &answer.bytes).unwrap();
    }

    pub fn agreed(&self) -> &Agreed {
        self.media.agreed().unwrap()
    }
}

pub fn phone(number: u8, codecs: &[Codec]) -> FarEnd {
    FarEnd::new(number, codecs, SrtpMode::Optional)
}

/// What a call starts from.
pub struct Setup {
    pub caller: FarEnd,
    pub offers: bool,
    pub ours: Vec<Codec>,
    pub srtp: SrtpMode,
    pub attempts: Vec<Vec<Target>>,
    pub about: About,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            caller: phone(1, &ALL),
            offers: true,
            ours: ALL.to_vec(),
            srtp: SrtpMode::Optional,
            attempts: vec![vec![handset("bob")]],
            about: About::default(),
        }
    }
}

/// A handset on a base station of its own.
pub fn handset(name: &str) -> Target {
    let mut target = target(name, Facing::South);
    target.base = Some((BaseStationId(name.into()), Limit::flat(8)));
    target.party.user = name.parse().ok();
    target
}

/// Somebody in the north, by the given proxy.
pub fn north(name: &str, proxy: u8) -> Target {
    let mut target = target(name, Facing::North);
    target.destination.address = ([203, 0, 113, proxy], 5061).into();
    target
}

fn target(name: &str, facing: Facing) -> Target {
    Target {
        request_uri: format!("sip:{name}@example.com"),
        to_uri: format!("sip:{name}@example.com"),
        from_uri: "sip:anna@example.com".into(),
        from_display: "Anna".into(),
        destination: Destination {
            transport: Transport::Tls,
            address: ([203, 0, 113, 1], 5061).into(),
            facing,
            connection: None,
            server_name: None,
        },
        route: Vec::new(),
        credentials_of: None,
        insist_on_srtp: false,
        native: None,
        headers: Vec::new(),
        parts: Vec::new(),
        base: None,
        party: Party { number: name.into(), ..Party::default() },
    }
}

/// A leg as the world knows it.
#[derive(Debug, Default, Clone)]
pub struct Told {
    pub offer: Option<Body>,
    pub target: Option<Target>,
    pub far: Option<FarEnd>,
    /// Told to end, or has said that it ended.
    pub ended: bool,
    pub closed: bool,
    pub base_released: bool,
    pub answered: bool,
    /// The last description it was given in answer to a re-INVITE, or in one.
    pub reoffer: Option<Body>,
}

impl Call {
    /// Whether legs are dialled that are not kept on disk.
    pub fn is_searching_of_test(&self) -> bool {
        self.legs.values().any(|strand| strand.candidate || strand.joining.is_some() || !strand.is_open())
    }

    /// A test makes another call of it.
    pub fn summary_of_test(&mut self) -> &mut CallSummary {
        &mut self.summary
    }
}

pub struct World {
    pub call: Call,
    pub now: Moment,
    pub legs: BTreeMap<LegNo, Told>,
    pub flows: BTreeMap<Side, Agreed>,
    pub over: Option<CallSummary>,
    pub records: Vec<CallSummary>,
    pub stored: Option<Box<Call>>,
    pub admits: usize,
    /// What the caller was answered, early or finally.
    pub caller_heard: Option<Body>,
    /// What each side hears in place of the other.
    pub sounds: BTreeMap<Side, Sound>,
    /// Where each side sits, and whether it is muted.
    pub mixes: BTreeMap<Side, (crate::id::MixerId, bool)>,
    /// Base stations whose channels went back with an end that left.
    pub freed: Vec<String>,
    offers: bool,
    pub grant: Admitted,
    said: Vec<String>,
}

impl World {
    /// A call whose caller's leg has taken the INVITE; the supervisor is asked.
    pub fn new(setup: Setup) -> Self {
        let mut world = Self::uninvited(setup);
        world.news(0, LegNews::Invited);
        assert_eq!(world.admits, 1);
        world.said.clear();
        world
    }

    /// A call that has just been made.
    pub fn uninvited(mut setup: Setup) -> Self {
        let offer = setup.offers.then(|| setup.caller.offer());
        let new = NewCall {
            reference: CallRef(7),
            caller: Party {
                number: "anna".into(),
                user: "anna".parse().ok(),
                base: Some(BaseStationId("anna".into())),
                ..Party::default()
            },
            dialled: Party { number: "bob".into(), ..Party::default() },
            facing: Facing::South,
            offer,
        };
        let policy = SrtpPolicy { mode: setup.srtp, ..SrtpPolicy::default() };
        let address = IpAddr::from([192, 0, 2, 1]);
        let caller = Told { far: Some(setup.caller), ..Told::default() };
        let mut world = Self {
            call: Call::new(new, Tokens::new([42; 32]), START),
            now: START,
            legs: BTreeMap::from([(LegNo::CALLER, caller)]),
            flows: BTreeMap::new(),
            over: None,
            records: Vec::new(),
            stored: None,
            admits: 0,
            caller_heard: None,
            offers: setup.offers,
            grant: Admitted {
                port_a: 30000,
                port_b: 30002,
                address_a: address,
                address_b: address,
                codecs: setup.ours,
                srtp: (policy, policy),
                relayed: (Vec::new(), Vec::new()),
                habits: Default::default(),
                ice: Default::default(),
                attempts: setup.attempts,
                hold: HoldSignals::default(),
                join_code: "*3".into(),
                about: setup.about,
            },
            sounds: BTreeMap::new(),
            mixes: BTreeMap::new(),
            freed: Vec::new(),
            said: Vec::new(),
        };
        world.input(Input::Started);
        world
    }

    /// A granted call: the first attempt is dialled.
    pub fn dialling(setup: Setup) -> Self {
        let mut world = Self::new(setup);
        world.grant();
        world.said.clear();
        world
    }

    /// Bob answered and the caller acknowledged.
    pub fn talking(setup: Setup, bob: FarEnd) -> Self {
        let mut world = Self::dialling(setup);
        world.answers(1, bob);
        world.acknowledges();
        world.said.clear();
        world
    }

    /// The supervisor's answer to a forward.
    pub fn grant_way(&mut self, attempts: Vec<Vec<Target>>, about: About) {
        self.input(Input::Admitted(Box::new(Admitted { attempts, about, ..self.grant.clone() })));
    }

    pub fn grant(&mut self) {
        self.try_grant().unwrap();
    }

    pub fn try_grant(&mut self) -> Result<(), Refusal> {
        self.try_input(Input::Admitted(Box::new(self.grant.clone())))
    }

    /// One input, and everything that is true of every output.
    pub fn try_input(&mut self, input: Input) -> Result<(), Refusal> {
        let before = self.call.clone();
        let ready = match self.call.handle(input, self.now) {
            Ok(ready) => ready,
            Err(refusal) => {
                assert_eq!(self.call, before, "a refusal changes nothing");
                return Err(refusal);
            }
        };
        for save in ready.save {
            match save {
                Save::Put(call) => {
                    assert!(self.records.is_empty(), "saved after its end");
                    assert!(call.summary().answered.is_some(), "saved before its answer");
                    self.stored = Some(call);
                }
                Save::Ended(summary) => {
                    assert_eq!((summary.phase, summary.ended), (Phase::Ended, Some(self.now)));
                    assert!(summary.cause.is_some());
                    self.stored = None;
                    self.records.push(*summary);
                    assert_eq!(self.records.len(), 1, "one record");
                }
            }
        }
        for output in ready.then {
            self.take(output);
        }
        Ok(())
    }

    pub fn input(&mut self, input: Input) {
        self.try_input(input).unwrap();
    }

    fn take(&mut self, output: Output) {
        let line = match output {
            Output::Admit { .. } => {
                self.admits += 1;
                "admit".to_owned()
            }
            Output::Divert(divert) => {
                assert!(self.over.is_none(), "forwarded after the end");
                format!("divert {} {}", divert.to, divert.reason.words())
            }
            Output::Dial { leg, target, offer } => self.dialled(leg, *target, offer),
            Output::Leg(leg, order) => self.told(leg, order),
            Output::Flow(side, agreed) => {
                assert!(self.over.is_none(), "media without channels");
                let line = format!("flow {side:?} {:?}", agreed.codec);
                self.flows.insert(side, *agreed);
                line
            }
            Output::ReleaseBase(leg) => {
                assert!(self.over.is_none(), "Over gives all back");
                let told = self.legs.get_mut(&leg).unwrap();
                assert!(told.target.as_ref().unwrap().base.is_some() && told.ended);
                assert!(!std::mem::replace(&mut told.base_released, true), "twice");
                format!("release {}", leg.0)
            }
            Output::Play(side, sound) => {
                assert!(self.over.is_none(), "media without channels");
                match sound {
                    Some(sound) => drop(self.sounds.insert(side, sound)),
                    None => assert!(self.sounds.remove(&side).is_some(), "nothing was played"),
                }
                format!("play {side:?} {}", sound.map_or("nothing".into(), |sound| format!("{sound:?}")))
            }
            Output::Press { side, digit, .. } => format!("press {side:?} {digit}"),
            Output::Route(errand) => format!("route {} by {}", errand.to, errand.by.number),
            Output::Inherit(owner) => format!("inherit {owner}"),
            Output::TakeMedia { from, side, into } => {
                assert!(self.over.is_none(), "media without channels");
                format!("take {from} {side:?} into {into:?}")
            }
            Output::Room(room, news) => {
                assert!(self.over.is_none(), "in a room after the end");
                let words = match news {
                    RoomNews::Entered { member, party, .. } => format!("{} enters as {member}", party.number),
                    RoomNews::Key(member, digit) => format!("{member} presses {digit}"),
                    RoomNews::Left(member) => format!("{member} leaves"),
                };
                format!("room {room}: {words}")
            }
            Output::Mix(side, seat) => {
                assert!(self.over.is_none(), "media without channels");
                match seat {
                    Some(seat) => drop(self.mixes.insert(side, seat)),
                    None => drop(self.mixes.remove(&side)),
                }
                match seat {
                    Some((mixer, muted)) => {
                        format!("mix {side:?} {}{}", mixer.0, if muted { " muted" } else { "" })
                    }
                    None => format!("mix {side:?} nothing"),
                }
            }
            Output::Cede(call, member) => format!("cede {member} of {call}"),
            Output::Invite { room, to, by, .. } => format!("invite {to} to {room} by {by}"),
            Output::Summon { room, owner, .. } => format!("summon {owner} to {room}"),
            Output::Gather(user) | Output::GatherInside(user) => format!("gather {user}"),
            Output::Inside => "inside?".to_owned(),
            Output::FreeBase(base) => {
                assert!(self.over.is_none(), "Over gives all back");
                self.freed.push(base.0.clone());
                format!("free {base}")
            }
            Output::Changed(summary) => {
                assert!(self.over.is_none() && summary.phase != Phase::Ended);
                return;
            }
            Output::Over(summary) => {
                assert_eq!(summary.phase, Phase::Ended);
                assert!(self.over.replace(*summary).is_none(), "over twice");
                "over".to_owned()
            }
        };
        self.said.push(line);
    }

    fn dialled(&mut self, leg: LegNo, target: Target, offer: Body) -> String {
        assert!(self.over.is_none(), "dialled after the end");
        let line = format!("dial {} {}", leg.0, target.request_uri.trim_start_matches("sip:"));
        let told = Told { offer: Some(offer), target: Some(target), ..Told::default() };
        assert!(self.legs.insert(leg, told).is_none(), "a number was given twice");
        line.trim_end_matches("@example.com").to_owned()
    }

    fn told(&mut self, leg: LegNo, order: LegOrder) -> String {
        let told = self.legs.get_mut(&leg).expect("an order to a leg that there is");
        assert!(!told.ended && !told.closed, "{order:?} to a leg that has ended");
        let caller = leg == LegNo::CALLER;
        let words = match order {
            LegOrder::Progress { status, body } => {
                assert!(caller && !told.answered);
                let sdp = if body.is_some() { " sdp" } else { "" };
                self.caller_hears(body, false);
                format!("{status}{sdp}")
            }
            LegOrder::CallWaits => "waits".to_owned(),
            LegOrder::Accept { body } => {
                told.answered = true;
                match caller {
                    true => self.caller_hears(body, true),
                    false => told.reoffer = body,
                }
                "accept".to_owned()
            }
            LegOrder::Focus { user } => format!("focus {user}"),
            LegOrder::Key { digit, millis } => format!("key {digit} for {millis}"),
            LegOrder::Confirmed { words } => format!("confirmed {words}"),
            LegOrder::Partner(party) => format!("shows {}", party.number),
            LegOrder::AcceptTransfer { .. } => "take transfer".to_owned(),
            LegOrder::RefuseTransfer { cause, .. } => {
                format!("refuse transfer {}: {}", cause.status, cause.words)
            }
            LegOrder::TellTransfer { status, left, .. } => {
                format!("told {status}{}", if left.is_none() { " last" } else { "" })
            }
            LegOrder::Reject { cause } => {
                assert!((caller || told.offer.is_none()) && !told.answered);
                told.ended = true;
                format!("reject {} q{}", cause.status, cause.q850)
            }
            LegOrder::HangUp { cause } => {
                told.ended = true;
                format!("hang up q{}", cause.q850)
            }
            LegOrder::AnswerReoffer { body } => {
                told.reoffer = Some(body);
                "answer".to_owned()
            }
            LegOrder::RefuseReoffer { cause } => format!("refuse {}", cause.status),
            LegOrder::Reoffer { body } => {
                told.reoffer = Some(body);
                "reoffer".to_owned()
            }
        };
        format!("leg {}: {words}", leg.0)
    }

    /// RFC 3261 §13.2.1: every answer to the one offer is the same.
    fn caller_hears(&mut self, body: Option<Body>, last: bool) {
        assert!(!last || body.is_some(), "a 2xx without description");
        let Some(body) = body else { return };
        match &self.caller_heard {
            Some(before) => assert_eq!(before, &body, "the answer changed"),
            None if self.offers => self.far(0).accept(&body),
            None => assert!(last, "an offer in an unreliable response"),
        }
        self.caller_heard = Some(body);
    }

    pub fn far(&mut self, leg: u32) -> &mut FarEnd {
        self.legs.get_mut(&LegNo(leg)).unwrap().far.as_mut().unwrap()
    }

    pub fn told_to(&self, leg: u32) -> &Told {
        &self.legs[&LegNo(leg)]
    }

    pub fn news(&mut self, leg: u32, news: LegNews) {
        self.try_news(leg, news).unwrap();
    }

    pub fn try_news(&mut self, leg: u32, news: LegNews) -> Result<(), Refusal> {
        let going = self.records.is_empty();
        let ended: Vec<_> = self.legs.iter().filter(|(_, told)| told.ended).map(|(leg, _)| *leg).collect();
        if let (LegNews::Ended { .. } | LegNews::Refused { .. }, Some(told)) =
            (&news, self.legs.get_mut(&LegNo(leg)))
        {
            told.ended = true;
        }
        if let (LegNews::Closed, Some(told)) = (&news, self.legs.get_mut(&LegNo(leg))) {
            (told.ended, told.closed) = (true, true);
        }
        let taken = self.try_input(Input::Leg(LegNo(leg), news));
        if going && self.records.is_empty() {
            self.bases_went_back(&[]);
        } else if going {
            self.bases_went_back(&ended);
        }
        taken
    }

    /// While a call goes on, every dialled leg that has ended gave its base back; at its end those that
    /// had ended before.
    fn bases_went_back(&self, ended: &[LegNo]) {
        for (leg, told) in &self.legs {
            let based = told.target.as_ref().is_some_and(|target| target.base.is_some());
            let gone = if self.records.is_empty() { told.ended } else { ended.contains(leg) };
            // A leg that is dialled again, insisting on SRTP, hands its channel on.
            let uri = told.target.as_ref().map(|target| &target.request_uri);
            let heir = |told: &Told| {
                told.target.as_ref().filter(|t| t.insist_on_srtp).map(|t| &t.request_uri) == uri
            };
            let inherited = self.legs.iter().any(|(other, told)| other > leg && heir(told));
            assert!(!(based && gone) || told.base_released || inherited, "leg {} keeps its base", leg.0);
        }
    }

    /// 1xx without description.
    /// Lets seconds pass.
    pub fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(due) = self.call.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.input(Input::Deadline);
        }
        self.now = end;
    }

    pub fn progress(&mut self, leg: u32, status: u16) {
        self.news(leg, LegNews::Progress { status, fork: "tag0".into(), body: None });
    }

    /// 1xx with early media.
    pub fn early(&mut self, leg: u32, status: u16, far: &mut FarEnd) {
        let body = far.answer(self.told_to(leg).offer.as_ref().unwrap());
        self.news(leg, LegNews::Progress { status, fork: far.tag.clone(), body: Some(body) });
    }

    /// 2xx with a fresh answer.
    pub fn answers(&mut self, leg: u32, mut far: FarEnd) {
        let body = far.answer(self.told_to(leg).offer.as_ref().unwrap());
        let fork = far.tag.clone();
        self.legs.get_mut(&LegNo(leg)).unwrap().far = Some(far);
        self.news(leg, LegNews::Answered { fork, body: Some(body) });
    }

    /// The caller's ACK; it answers our offer if it made none itself.
    pub fn acknowledges(&mut self) {
        let offer = self.caller_heard.clone().filter(|_| !self.offers);
        let body = offer.map(|offer| self.far(0).answer(&offer));
        self.news(0, LegNews::Acknowledged { body });
    }

    pub fn refuses(&mut self, leg: u32, status: u16) {
        let cause = Cause::of_status(status, "no");
        self.news(leg, LegNews::Refused { cause, contacts: Vec::new(), route_failed: status == 503 });
    }

    pub fn redirects(&mut self, leg: u32, status: u16, contacts: &[&str]) {
        let contacts = contacts.iter().map(|c| (*c).to_owned()).collect();
        let cause = Cause::of_status(status, "moved");
        self.news(leg, LegNews::Refused { cause, contacts, route_failed: false });
    }

    pub fn ends(&mut self, leg: u32) {
        self.news(leg, LegNews::Ended { cause: Cause::normal() });
    }

    /// The far end answers our re-INVITE as it likes.
    pub fn takes_reoffer(&mut self, leg: u32) {
        let offer = self.legs.get_mut(&LegNo(leg)).unwrap().reoffer.take().expect("it was asked to change");
        let body = self.far(leg).answer(&offer);
        self.news(leg, LegNews::ReofferAnswered { body: Some(body) });
    }

    /// A leg's user wants the other end connected with somebody.
    pub fn refers(&mut self, leg: u32, to: &str, own: Option<OwnerId>) {
        self.try_refers(leg, to, own).unwrap();
    }

    pub fn try_refers(&mut self, leg: u32, to: &str, own: Option<OwnerId>) -> Result<(), Refusal> {
        let replaces = Replaces::parse("x;to-tag=a;from-tag=b").filter(|_| own.is_some());
        let wish = TransferWish {
            ticket: Ticket { handle: 1, number: 2, quiet: false },
            to: format!("sip:{to}@example.com"),
            replaces_own: own,
            referral: Referral { referred_by: Some("<sip:anna@example.com>".into()), replaces },
        };
        self.try_news(leg, LegNews::TransferAsked(Box::new(wish)))
    }

    /// The supervisor lets these be dialled for a transfer.
    pub fn routes_to(&mut self, attempts: Vec<Vec<Target>>) {
        self.input(Input::Admitted(Box::new(Admitted { attempts, ..self.grant.clone() })));
    }

    /// Every leg that was told to end or has ended closes.
    pub fn all_close(&mut self) {
        let open: Vec<_> = self.legs.iter().filter(|(_, told)| !told.closed).map(|(leg, _)| leg.0).collect();
        open.into_iter().for_each(|leg| self.news(leg, LegNews::Closed));
    }

    pub fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(at) = self.call.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.input(Input::Deadline);
        }
        self.now = end;
    }

    /// What was said since the last time.
    pub fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    /// Whether the far end of a side and the switch agree: codec, address, crossed keys.
    pub fn matched(&mut self, side: Side, leg: u32) {
        self.matched_by(side, leg, if side == Side::A { 30000 } else { 30002 });
    }

    /// The same where our port came from another call.
    pub fn matched_by(&mut self, side: Side, leg: u32, port: u16) {
        let ours = self.flows[&side].clone();
        let theirs = self.far(leg).agreed().clone();
        assert_eq!(ours.codec, theirs.codec);
        assert_eq!((ours.send_pt, ours.recv_pt), (theirs.recv_pt, theirs.send_pt));
        let local = self.far(leg).media.local().clone();
        assert_eq!(ours.remote, Some((local.address, local.port).into()));
        assert_eq!(theirs.remote, Some(([192, 0, 2, 1], port).into()));
        assert_eq!(ours.direction, theirs.direction.mirrored());
        let crossed = theirs.srtp.map(|pair| (pair.remote, pair.local));
        assert_eq!(ours.srtp.map(|pair| (pair.local, pair.remote)), crossed);
    }

    /// After the end: everybody was told, everything went back, nothing is awaited.
    pub fn buried(&mut self) {
        self.all_close();
        assert!(self.call.is_over() && self.over.is_some());
        assert_eq!((self.records.len(), self.call.deadline()), (1, None));
        assert!(self.legs.values().all(|told| told.ended));
    }
}

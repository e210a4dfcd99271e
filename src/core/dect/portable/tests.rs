mod codecs;
mod texts;

use std::time::Duration;

use super::*;
use crate::dect::cc::Ender;
use crate::dect::dsaa2::{authenticate_portable, session_key};
use crate::dect::element::*;
use crate::dect::identity::{Ari, Ipei};
use crate::dect::key::{AccessCode, Key, Uak};
use crate::dect::lce::PageAddress;
use crate::dect::message::Transaction;
use crate::dect::ss::{Caller, Key as Pressed};
use crate::pii::Pii;

fn at(millis: u64) -> Moment {
    Moment::from_micros(1_000_000_000) + Duration::from_millis(millis)
}

fn ipui() -> Ipui {
    Ipui::N(Ipei::new(0x0E02, 0xA_E5C3).unwrap())
}

fn code() -> AccessCode {
    "9124".parse().unwrap()
}

fn rules(cipher: bool) -> Rules {
    let park = Park::of(&Ari::B { eic: 0x02AF, fpn_fps: 0x12C });
    Rules { park, level: 31, cipher, digit_gap: Duration::from_secs(4), wideband: true }
}

fn connection(number: u16) -> Connection {
    Connection { base: BaseStationId("0080C7000001".into()), number }
}

const UAK: [u8; 16] = [5; 16];

fn standing() -> Standing {
    Standing {
        ipui: ipui(),
        park: rules(false).park,
        uak: Some((8, Uak::from_bits(UAK))),
        code: None,
        located: true,
        tpui: None,
        base: Some(connection(1).base),
        capability: Vec::new(),
    }
}

/// The machine and what it said, with the handset's side played by the test.
struct Air {
    machine: Portable,
    now: Moment,
    saves: Vec<Save>,
    outputs: Vec<Output>,
}

impl Air {
    fn of(machine: Portable) -> Self {
        Self { machine, now: at(0), saves: Vec::new(), outputs: Vec::new() }
    }

    fn stranger() -> Self {
        Self::of(Portable::new(ipui(), rules(false), Tokens::new([7; 32])))
    }

    /// Subscribed and located, calls in the clear unless told otherwise.
    fn located(cipher: bool) -> Self {
        Self::of(Portable::restored(standing(), rules(cipher), Tokens::new([7; 32])))
    }

    #[track_caller]
    fn step(&mut self, input: Input) {
        let Ready { save, then } = self.machine.handle(input, self.now).unwrap();
        for output in &then {
            if let Output::Send { octets, .. } = output {
                receive(octets, Side::Fixed).unwrap();
            }
        }
        self.saves.extend(save);
        self.outputs.extend(then);
    }

    #[track_caller]
    fn opens(&mut self, number: u16, first: &Message) {
        let first = first.encode();
        self.step(Input::Opened { connection: connection(number), first });
    }

    #[track_caller]
    fn says(&mut self, message: &Message) {
        let connection = self.machine.connection().unwrap().clone();
        self.step(Input::Heard { connection, octets: message.encode() });
    }

    #[track_caller]
    fn order(&mut self, order: Order) {
        self.step(Input::Order(order));
    }

    /// Goes on to the deadline, which must not lie behind `until`.
    fn wait(&mut self, until: Moment) {
        while let Some(due) = self.machine.deadline().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.step(Input::Deadline);
        }
        self.now = until;
    }

    /// What was sent since it was last asked.
    fn heard(&mut self) -> Vec<Message> {
        let (sent, rest) = std::mem::take(&mut self.outputs)
            .into_iter()
            .partition(|output| matches!(output, Output::Send { .. }));
        self.outputs = rest;
        let read = |output: Output| match output {
            Output::Send { octets, .. } => receive(&octets, Side::Fixed).unwrap(),
            _ => unreachable!(),
        };
        Vec::from_iter(<Vec<Output> as IntoIterator>::into_iter(sent).map(read))
    }

    #[track_caller]
    fn heard_one(&mut self) -> Message {
        let heard = self.heard();
        let [message] = &heard[..] else { panic!("{heard:?}") };
        message.clone()
    }

    fn kinds(&mut self) -> Vec<Kind> {
        self.heard().iter().map(|message| message.kind).collect()
    }

    /// Everything else it said since it was last asked.
    fn told(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    fn news(&mut self) -> Vec<News> {
        let news = self.told().into_iter().filter_map(|output| match output {
            Output::News(news) => Some(news),
            _ => None,
        });
        news.collect()
    }

    fn saved(&self) -> Option<&Standing> {
        match self.saves.last() {
            Some(Save::Put(standing)) => Some(standing),
            _ => None,
        }
    }
}

/// A message in a conversation that the handset begins.
fn hers(kind: Kind) -> Message {
    Message::new(kind, Side::Portable, Transaction::first(kind.protocol(), Side::Portable))
}

fn named(kind: Kind) -> Message {
    hers(kind).with(&PortableIdentity::Ipui(ipui()))
}

fn setup() -> Message {
    named(Kind::CcSetup).with(&FixedIdentity::Park(rules(false).park)).with(&BasicService::SPEECH)
}

fn proof(key: &Key, request: &Message) -> (Res, Rand) {
    let (Some(Rs::Rs128(rs)), Some(Rand(rand_f))) = (request.get(), request.get()) else { panic!() };
    (authenticate_portable(&session_key(key, &rs), rand_f, [9; 8]).0, Rand([9; 8]))
}

fn reply(request: &Message) -> Message {
    let (res, rand) = proof(&Key::of_uak(&Uak::from_bits(UAK)), request);
    request.answer(Kind::AuthenticationReply).with(&res).with(&rand)
}

/// Asks for access rights and answers the key allocation with `code`.
fn subscribe(air: &mut Air, code: &AccessCode) {
    let capability = TerminalCapability::from_groups(vec![vec![5], vec![3], vec![0x60]]);
    air.opens(1, &named(Kind::AccessRightsRequest).with(&capability));
    assert_eq!(air.news(), [News::SubscriptionAsked { dsaa2: true }]);
    air.order(Order::Subscribe(self::code()));
    let allocate = air.heard_one();
    let (res, rand) = proof(&Key::of_code(code), &allocate);
    let auth_type = AuthType::new(AuthAlgorithm::DSAA2, KeyKind::AC, 8);
    air.says(&allocate.answer(Kind::AuthenticationRequest).with(&auth_type).with(&rand).with(&res));
}

#[test]
fn a_handset_with_the_right_code_is_subscribed_and_saved_with_its_key() {
    let mut air = Air::stranger();
    subscribe(&mut air, &code());
    assert_eq!(air.kinds(), [Kind::AuthenticationReply, Kind::AccessRightsAccept]);
    assert_eq!(air.news(), [News::Subscribed]);
    let saved = air.saved().unwrap();
    assert!(saved.uak.is_some() && saved.code == Some(code()) && !saved.located);
    assert_eq!((saved.base.clone(), saved.capability.is_empty()), (Some(connection(1).base), false));
}

#[test]
fn a_wrong_code_is_told_and_leaves_nothing() {
    let mut air = Air::stranger();
    subscribe(&mut air, &"9125".parse().unwrap());
    assert_eq!(air.kinds(), [Kind::AuthenticationReject, Kind::AccessRightsReject]);
    assert_eq!(air.news(), [News::SubscriptionFailed(crate::dect::mm::Failure::WrongAnswer)]);
    assert_eq!((air.saves.len(), air.machine.standing()), (0, None));
}

#[test]
fn a_refused_handset_hears_why() {
    let mut air = Air::stranger();
    air.opens(1, &named(Kind::AccessRightsRequest));
    air.order(Order::RefuseSubscription(RejectReason::IPEI_NOT_ACCEPTED));
    let refused = air.heard_one();
    assert_eq!(
        (refused.kind, refused.get()),
        (Kind::AccessRightsReject, Some(RejectReason::IPEI_NOT_ACCEPTED))
    );
}

#[test]
fn a_handset_is_located_once_it_has_proved_who_it_is() {
    let mut air = Air::located(false);
    air.machine.standing.as_mut().unwrap().located = false;
    air.opens(1, &named(Kind::LocateRequest));
    let challenge = air.heard_one();
    let answer = reply(&challenge);
    air.says(&answer);
    assert_eq!(air.kinds(), [Kind::LocateAccept]);
    assert_eq!(air.news(), [News::Located(connection(1).base)]);
    assert!(air.saved().unwrap().located);
    // The same answer, recorded and played again, opens nothing.
    air.says(&named(Kind::Detach));
    air.says(&named(Kind::LocateRequest));
    assert_eq!(air.kinds(), [Kind::AuthenticationRequest]);
    air.says(&answer);
    assert_eq!(air.kinds(), [Kind::LocateReject]);
    assert_eq!(air.news(), [News::Detached]);
    assert!(!air.saved().unwrap().located);
}

#[test]
fn what_was_located_is_located_after_a_restart() {
    let mut air = Air::located(false);
    air.step(Input::Started);
    assert_eq!(air.news(), [News::Located(connection(1).base)]);
}

#[test]
fn a_number_dialled_digit_by_digit_is_told_when_it_is_whole() {
    let mut air = Air::located(false);
    air.opens(1, &setup());
    let ack = air.heard_one();
    assert_eq!((ack.kind, ack.get()), (Kind::CcSetupAck, Some(Signal::DIAL_TONE)));
    for (digit, answer) in [(b'4', Some(Signal::TONES_OFF)), (b'7', None)] {
        air.says(&hers(Kind::CcInfo).with(&MultiKeypad::new([digit])));
        assert_eq!(air.heard().first().and_then(Message::get::<Signal>), answer);
    }
    let so_far = |digits: &str| News::Call(CallNo(CallNo::OF_HANDSET), CallNews::Digits(Pii(digits.into())));
    assert_eq!(air.news(), [so_far("4"), so_far("47")]);
    // The dial plan knows a number 4, but the user has dialled on.
    air.order(Order::Whole(CallNo(CallNo::OF_HANDSET), Pii("4".into())));
    assert_eq!(air.kinds(), []);
    air.wait(at(4_000));
    assert_eq!(air.kinds(), [Kind::CcCallProc]);
    let asked = CallNews::Asked { digits: Pii("47".into()), emergency: false, connection: connection(1) };
    assert_eq!(air.news(), [News::Call(CallNo(CallNo::OF_HANDSET), asked)]);
}

#[test]
fn a_number_that_the_dial_plan_knows_is_whole_at_once() {
    let mut air = Air::located(false);
    air.opens(1, &setup().with(&MultiKeypad::new(*b"47")));
    assert_eq!(air.heard_one().kind, Kind::CcSetupAck);
    air.news();
    air.order(Order::Whole(CallNo(CallNo::OF_HANDSET), Pii("47".into())));
    assert_eq!(air.kinds(), [Kind::CcCallProc]);
    assert!(matches!(&air.news()[..], [News::Call(_, CallNews::Asked { digits, .. })] if digits.0 == "47"));
}

/// A call of the handset, asked for en bloc.
fn dials(air: &mut Air) -> CallNo {
    air.opens(1, &setup().with(&MultiKeypad::new(*b"4711")).with_flag(Tag::SENDING_COMPLETE));
    CallNo(CallNo::OF_HANDSET)
}

#[test]
fn a_call_of_the_handset_rings_and_is_answered_and_released_by_it() {
    let mut air = Air::located(false);
    let call = dials(&mut air);
    air.order(Order::Tell(call, Fare::Alerting { in_band: false }));
    air.order(Order::Tell(call, Fare::Alerting { in_band: true }));
    air.order(Order::Tell(call, Fare::Connected));
    let heard = air.heard();
    let kinds: Vec<_> = heard.iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [Kind::CcCallProc, Kind::CcAlerting, Kind::CcInfo, Kind::CcConnect]);
    assert_eq!(heard[1].get(), Some(Signal::RING_BACK));
    assert_eq!(heard[2].get(), Some(element_progress()));
    air.news();
    air.says(&hers(Kind::CcInfo).with(&MultiKeypad::new([0x15, b'4'])));
    air.says(&hers(Kind::CcRelease).with(&ReleaseReason::NORMAL));
    assert_eq!(air.kinds(), [Kind::CcReleaseCom]);
    let keys = CallNews::Keys(vec![Pressed::Recall, Pressed::Character('4')]);
    let ended = CallNews::Ended { reason: ReleaseReason::NORMAL, by: Ender::Handset };
    assert_eq!(air.news(), [News::Call(call, keys), News::Call(call, ended)]);
}

fn element_progress() -> crate::dect::element::Progress {
    crate::dect::element::Progress::IN_BAND
}

#[test]
fn a_blocked_call_hears_the_tone_and_reason_33() {
    let mut air = Air::located(false);
    let call = dials(&mut air);
    air.heard();
    let reason = ReleaseReason::INSUFFICIENT_BEARERS;
    let (tone, words) = (Some(Signal::NETWORK_CONGESTION), Some(Pii("No free channel".into())));
    air.order(Order::Release { call, reason, tone, words });
    let heard = air.heard();
    assert_eq!((heard[0].kind, heard[0].get()), (Kind::CcInfo, tone));
    assert_eq!((heard[1].kind, heard[1].get()), (Kind::CcReleaseCom, Some(reason)));
    assert!(heard[0].has(Tag::MULTI_DISPLAY));
}

#[test]
fn a_stranger_or_an_unknown_service_gets_no_call() {
    let mut air = Air::stranger();
    air.opens(1, &setup());
    let refused = air.heard_one();
    assert_eq!((refused.kind, refused.get()), (Kind::CcReleaseCom, Some(ReleaseReason::UNKNOWN_IDENTITY)));
    let mut air = Air::located(false);
    let service = BasicService { class: CallClass::ULE, service: 0 };
    air.opens(1, &named(Kind::CcSetup).with(&FixedIdentity::Park(rules(false).park)).with(&service));
    assert_eq!(air.heard_one().get(), Some(ReleaseReason::SERVICE_NOT_IMPLEMENTED));
    assert_eq!(air.news(), []);
}

fn offer(call: CallNo) -> Order {
    let caller = Caller::new("4712", Some("Anna"));
    Order::Offer { call, offer: Box::new(Offer { caller, ring: Signal::ALERTING_0, internal: false }) }
}

const OFFERED: CallNo = CallNo(77);

/// Offered, paged, and the page answered.
fn offered(air: &mut Air) -> Message {
    air.order(offer(OFFERED));
    let address = PageAddress::short(&ipui(), None);
    let page = crate::dect::lce::Page { header: PageHeader::Voice, address };
    assert_eq!(air.told(), [Output::Page(page)]);
    air.opens(2, &named(Kind::LcePageResponse));
    air.heard().remove(0)
}

#[test]
fn a_call_for_the_handset_is_paged_shown_rung_and_answered() {
    let mut air = Air::located(false);
    let setup = offered(&mut air);
    assert_eq!(setup.kind, Kind::CcSetup);
    assert_eq!(setup.get::<CallingName>().unwrap().name.0, b"Anna");
    assert_eq!(setup.get::<CallingNumber>().unwrap().number.0, b"4712");
    assert_eq!(setup.get(), Some(Signal::ALERTING_0));
    air.says(&setup.answer(Kind::CcAlerting));
    air.says(&setup.answer(Kind::CcConnect));
    assert_eq!(air.kinds(), [Kind::CcConnectAck]);
    let news = |news| News::Call(OFFERED, news);
    let told = [news(CallNews::Reached(connection(2))), news(CallNews::Alerting), news(CallNews::Answered)];
    assert_eq!(air.news(), told);
    air.order(Order::Release { call: OFFERED, reason: ReleaseReason::NORMAL, tone: None, words: None });
    assert_eq!(air.heard_one().kind, Kind::CcRelease);
    air.says(&setup.answer(Kind::CcReleaseCom));
    let ended = CallNews::Ended { reason: ReleaseReason::NORMAL, by: Ender::Switch };
    assert_eq!(air.news(), [news(ended)]);
}

#[test]
fn a_call_may_ring_for_long_whatever_else_was_said_on_the_link() {
    let mut air = Air::located(false);
    let setup = offered(&mut air);
    air.says(&setup.answer(Kind::CcAlerting));
    air.order(Order::Notify(Events(vec![Event::voice_messages(1)])));
    air.told();
    air.wait(at(60_000));
    assert!(air.machine.calls.contains_key(&OFFERED));
}

#[test]
fn a_second_call_is_told_busy_and_one_for_nobody_why() {
    let mut air = Air::located(false);
    offered(&mut air);
    air.news();
    air.order(offer(CallNo(78)));
    let ended = |reason| CallNews::Ended { reason, by: Ender::Switch };
    assert_eq!(air.news(), [News::Call(CallNo(78), ended(ReleaseReason::BUSY))]);
    let mut away = Air::located(false);
    away.machine.standing.as_mut().unwrap().located = false;
    away.order(offer(OFFERED));
    assert_eq!(away.news(), [News::Call(OFFERED, ended(ReleaseReason::USER_DETACHED))]);
}

#[test]
fn a_handset_that_does_not_answer_four_pages_is_out_of_range() {
    let mut air = Air::located(false);
    air.order(offer(OFFERED));
    air.wait(at(60_000));
    let pages = air.outputs.iter().filter(|output| matches!(output, Output::Page(_))).count();
    let ended = CallNews::Ended { reason: ReleaseReason::NOT_IN_RANGE, by: Ender::Link };
    assert_eq!((pages, air.news()), (4, vec![News::Unreachable, News::Call(OFFERED, ended)]));
    assert_eq!(air.machine.deadline(), None);
}

#[test]
fn a_call_given_up_while_it_is_paged_pages_no_more() {
    let mut air = Air::located(false);
    air.order(offer(OFFERED));
    air.order(Order::Release { call: OFFERED, reason: ReleaseReason::NORMAL, tone: None, words: None });
    air.told();
    air.opens(2, &named(Kind::LcePageResponse));
    assert_eq!(air.kinds(), [Kind::LcePageReject]);
    assert_eq!(air.told(), [Output::Release { connection: connection(2), normal: true }]);
    assert_eq!(air.machine.deadline(), None);
}

#[test]
fn two_calls_at_once_both_die_and_ours_is_offered_again() {
    let mut air = Air::located(false);
    let ours = offered(&mut air);
    air.says(&setup());
    let refused = air.heard_one();
    let insufficient = Some(ReleaseReason::INSUFFICIENT_RESOURCES);
    assert_eq!((refused.kind, refused.get()), (Kind::CcReleaseCom, insufficient));
    air.says(&ours.answer(Kind::CcReleaseCom).with(&ReleaseReason::INSUFFICIENT_RESOURCES));
    assert_eq!(air.heard_one().kind, Kind::CcSetup);
    let ended = |news: &News| matches!(news, News::Call(_, CallNews::Ended { .. }));
    assert!(!air.news().iter().any(ended));
}

#[test]
fn an_active_call_waits_five_seconds_for_its_link() {
    for comes_back in [true, false] {
        let mut air = Air::located(false);
        let call = dials(&mut air);
        air.order(Order::Tell(call, Fare::Connected));
        air.told();
        air.step(Input::Closed { connection: connection(1), normal: false });
        if comes_back {
            air.wait(at(4_900));
            air.opens(3, &named(Kind::LcePageResponse));
        }
        air.wait(at(20_000));
        let ended = CallNews::Ended { reason: ReleaseReason::NOT_IN_RANGE, by: Ender::Link };
        let expected = if comes_back { vec![] } else { vec![News::Call(call, ended)] };
        assert_eq!(air.news(), expected);
    }
}

#[test]
fn a_link_that_was_lost_in_a_call_may_come_back_elsewhere() {
    let mut air = Air::located(false);
    let call = dials(&mut air);
    air.order(Order::Tell(call, Fare::Connected));
    air.told();
    let to = Connection { base: BaseStationId("0080C7000002".into()), number: 9 };
    let moved = Input::Moved { from: connection(1), to: to.clone() };
    air.step(Input::Closed { connection: connection(1), normal: false });
    let shown = Shown { text: Some(Pii("A".to_owned())), ..Shown::default() };
    air.order(Order::Show(call, Box::new(shown)));
    assert_eq!(air.told(), [], "it waits");
    air.step(moved.clone());
    let told = air.told();
    assert!(matches!(told.last(), Some(Output::Send { connection, .. }) if *connection == to), "{told:?}");
    assert!(told.contains(&Output::News(News::Call(call, CallNews::Moved(to)))));
    air.wait(at(20_000));
    assert_eq!(air.news(), [], "the call goes on");
    assert_eq!(air.machine.handle(moved, at(20_000)), Err(Refusal::NotItsConnection), "once");
}

#[test]
fn a_handset_that_dials_on_a_new_link_has_forgotten_its_call() {
    for noticed in [true, false] {
        let mut air = Air::located(false);
        let call = dials(&mut air);
        air.order(Order::Tell(call, Fare::Connected));
        air.told();
        if noticed {
            air.step(Input::Closed { connection: connection(1), normal: false });
        }
        air.opens(2, &setup().with(&MultiKeypad::new(*b"4712")).with_flag(Tag::SENDING_COMPLETE));
        let news = air.news();
        let ended = CallNews::Ended { reason: ReleaseReason::NOT_IN_RANGE, by: Ender::Link };
        assert_eq!(news[0], News::Call(call, ended));
        assert!(matches!(&news[1], News::Call(_, CallNews::Asked { digits, .. }) if digits.0 == "4712"));
    }
}

#[test]
fn a_ringing_call_ends_with_its_link() {
    let mut air = Air::located(false);
    offered(&mut air);
    air.news();
    air.step(Input::Closed { connection: connection(2), normal: false });
    let ended = CallNews::Ended { reason: ReleaseReason::NOT_IN_RANGE, by: Ender::Link };
    assert_eq!(air.news(), [News::Call(OFFERED, ended)]);
}

#[test]
fn a_call_moves_with_its_connection() {
    let mut air = Air::located(false);
    let call = dials(&mut air);
    air.told();
    let to = Connection { base: BaseStationId("0080C7000002".into()), number: 9 };
    air.step(Input::Moved { from: connection(1), to: to.clone() });
    let moved = News::Call(call, CallNews::Moved(to.clone()));
    assert_eq!(air.news(), [News::Located(to.base.clone()), moved]);
    assert_eq!(air.saved().unwrap().base, Some(to.base.clone()));
    air.order(Order::Tell(call, Fare::Connected));
    assert!(matches!(&air.told()[..], [Output::Send { connection, .. }] if *connection == to));
}

#[test]
fn a_call_is_told_of_when_it_is_ciphered() {
    let mut air = Air::located(true);
    dials(&mut air);
    let heard = air.heard();
    assert_eq!(
        heard.iter().map(|m| m.kind).collect::<Vec<_>>(),
        [Kind::CcCallProc, Kind::AuthenticationRequest]
    );
    air.says(&reply(&heard[1]));
    assert_eq!(air.kinds(), [Kind::CipherRequest]);
    let told = air.told();
    assert!(matches!(&told[..], [Output::CipherKey { number: 8, key, .. }] if key.0.len() == 8), "{told:?}");
    air.step(Input::Ciphered { connection: connection(1), on: true });
    assert!(matches!(&air.news()[..], [News::Call(_, CallNews::Asked { .. })]));
    // In the clear again: nobody is to listen.
    air.step(Input::Ciphered { connection: connection(1), on: false });
    let released = air.heard_one();
    assert_eq!(released.get(), Some(ReleaseReason::SECURITY_ATTACK_ASSUMED));
}

#[test]
fn an_impostor_is_put_out_and_an_emergency_is_not_held_up() {
    let mut air = Air::located(true);
    dials(&mut air);
    let challenge = air.heard().remove(1);
    let wrong = challenge.answer(Kind::AuthenticationReply).with(&Res([0; 4])).with(&Rand([9; 8]));
    air.says(&wrong);
    let released = air.heard_one();
    assert_eq!(
        (released.kind, released.get()),
        (Kind::CcRelease, Some(ReleaseReason::AUTHENTICATION_FAILED))
    );
    assert_eq!(air.news(), []);

    let mut air = Air::located(true);
    let service = BasicService { class: CallClass::EMERGENCY, service: 0 };
    let setup = named(Kind::CcSetup).with(&FixedIdentity::Park(rules(true).park)).with(&service);
    air.opens(1, &setup.with(&MultiKeypad::new(*b"112")).with_flag(Tag::SENDING_COMPLETE));
    assert!(matches!(&air.news()[..], [News::Call(_, CallNews::Asked { emergency: true, .. })]));
}

#[test]
fn hold_and_retrieve_are_asked_and_granted() {
    let mut air = Air::located(false);
    let call = dials(&mut air);
    air.order(Order::Tell(call, Fare::Connected));
    air.told();
    air.says(&hers(Kind::Hold));
    air.order(Order::AnswerHold(call, true));
    air.says(&hers(Kind::Retrieve));
    air.order(Order::AnswerRetrieve(call, true));
    assert_eq!(air.kinds(), [Kind::HoldAck, Kind::RetrieveAck]);
    assert_eq!(
        air.news(),
        [News::Call(call, CallNews::HoldAsked), News::Call(call, CallNews::RetrieveAsked)]
    );
    let again = air.machine.handle(Input::Order(Order::AnswerHold(call, true)), air.now);
    assert_eq!(again, Err(Refusal::NoSuchCall));
}

#[test]
fn a_subscription_is_deleted_over_the_air() {
    let mut air = Air::located(false);
    air.order(Order::Terminate);
    assert!(matches!(&air.told()[..], [Output::Page(_)]));
    air.opens(1, &named(Kind::LcePageResponse));
    let request = air.heard_one();
    assert_eq!(request.kind, Kind::AccessRightsTerminateRequest);
    air.says(&request.answer(Kind::AccessRightsTerminateAccept));
    assert_eq!(air.news(), [News::Terminated]);
    assert_eq!((air.saves.last(), air.machine.standing()), (Some(&Save::Forget(ipui())), None));
}

#[test]
fn a_lost_handset_is_forgotten_without_being_asked() {
    let mut air = Air::located(false);
    air.order(Order::Forget);
    assert_eq!(air.news(), [News::Terminated]);
    assert_eq!(air.saves, [Save::Forget(ipui())]);
    assert!(air.machine.is_idle_stranger());
}

#[test]
fn a_notice_pages_the_handset_and_lets_it_go() {
    let mut air = Air::located(false);
    air.order(Order::Notify(Events(vec![Event::voice_messages(3)])));
    air.told();
    air.opens(1, &named(Kind::LcePageResponse));
    let notice = air.heard_one();
    assert_eq!(notice.kind, Kind::Facility);
    let text = notice.get::<crate::dect::element::MultiDisplay>().map(|display| display.0.0);
    assert_eq!(text.as_deref(), Some(&b"\x0C3 new messages"[..]));
}

#[test]
fn what_comes_over_another_connection_or_makes_no_sense_changes_nothing() {
    let mut air = Air::located(false);
    let stray = Input::Heard { connection: connection(9), octets: setup().encode() };
    assert_eq!(air.machine.handle(stray, at(0)), Err(Refusal::NotItsConnection));
    air.opens(1, &setup());
    air.heard();
    for junk in
        [&[][..], &[0x03], &[0x13, 0x7B], &[0xFF; 300], &[0x05, 0x40], &[0x03, 0x05, 0x05, 0xFF, 0x80]]
    {
        air.step(Input::Heard { connection: connection(1), octets: junk.to_vec() });
    }
    assert_eq!(air.machine.calls.len(), 1);
}

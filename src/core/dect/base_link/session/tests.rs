use super::*;
use crate::dect::base_link::code::*;
use crate::dect::base_link::direction::{FromBase, Heard, ToBase};
use crate::dect::base_link::frame::{Flags, Head, MessageType};
use crate::dect::base_link::value::{MediaId, Pdu, Pmid};
use crate::dect::base_link::word::*;
use crate::dect::identity::{Ari, Rfpi};

const BASE: BaseId = BaseId([1; 6]);
const KEY: KeyPrint = KeyPrint([9; 32]);
const START: u64 = 1_000_000;

fn hello() -> Hello {
    Hello {
        proto_min: 1,
        proto_max: 3,
        base_id: BASE,
        hw_model: "R".into(),
        fw_version: "PCS12A_".into(),
        role: Role::Base,
        slot_pairs: Some(12),
        codecs: None,
        features: None,
        boot_reason: None,
        resume_token: None,
        live: Vec::new(),
    }
}

fn plan(rpn: u8) -> Plan {
    let pari = Ari::B { eic: 1, fpn_fps: 2 };
    let radio = RadioConfig {
        rfpi: Rfpi { sari_list: false, pari, rpn },
        rpn,
        carrier_mask: 0x3FF,
        tx_power: 24,
        hlc: [0; 2],
        ext_hlc: [0; 4],
        ext_hlc2: [0; 4],
        voice_max: 11,
        voice_max_srtp: 6,
        ho_reserve: 1,
        dlc_mode: 0,
        sari: Vec::new(),
        timezone: None,
    };
    let role = Some(SyncRole::Slave);
    let sync = SyncConfig {
        mode: Some(SyncMode::Air),
        role,
        source: vec![0],
        alternatives: vec![],
        ptp_domain: None,
    };
    Plan { radio, sync }
}

/// The machine, the clock, and the other end of its link.
struct Scene {
    session: Session,
    /// Milliseconds since the start.
    at: u64,
    link: u64,
    seq: u32,
    saved: Option<SessionRecord>,
}

impl Scene {
    fn new() -> Self {
        Self::with(None, Settings::default())
    }

    fn with(before: Option<SessionRecord>, settings: Settings) -> Self {
        let enrolled = Enrolled::new(BASE, KEY, Moment::default());
        let now = Moment::from_micros(START * 1_000_000);
        let session = Session::new(&enrolled, settings, Tokens::new([3; 32]), before.clone(), now);
        Self { session, at: 0, link: 0, seq: 0, saved: before }
    }

    /// A base station that carries calls.
    fn operational() -> Self {
        let mut scene = Self::new();
        scene.order(Order::Configure(plan(3).into()));
        scene.come(hello());
        scene.set_up();
        scene.says(synced(SyncState::Locked));
        assert_eq!(scene.session.standing(), Standing::Operational);
        scene
    }

    fn now(&self) -> Moment {
        Moment::from_micros(START * 1_000_000 + self.at * 1000)
    }

    fn try_give(&mut self, input: Input) -> Result<Vec<Output>, Refusal> {
        let now = self.now();
        let ready = self.session.handle(input, now)?;
        assert!(ready.save.len() <= 1);
        match ready.save.into_iter().next() {
            Some(Save::Session(record)) => self.saved = Some(record),
            Some(Save::Ended) => self.saved = None,
            None => {}
        }
        Ok(ready.then)
    }

    #[track_caller]
    fn give(&mut self, input: Input) -> Vec<Output> {
        self.try_give(input).unwrap()
    }

    fn order(&mut self, order: Order) -> Vec<Output> {
        self.give(Input::Order(order))
    }

    fn say(&mut self, word: impl Into<ToBase>) -> Vec<Output> {
        self.order(Order::Say(word.into()))
    }

    fn refusal(&mut self, word: impl Into<ToBase>) -> Option<Refusal> {
        self.try_give(Input::Order(Order::Say(word.into()))).err()
    }

    fn come(&mut self, hello: Hello) -> Vec<Output> {
        self.link += 1;
        self.give(Input::greeted(LinkNo(self.link), hello.into(), KEY))
    }

    fn hear(&mut self, heard: Heard) -> Vec<Output> {
        self.give(Input::Received { link: LinkNo(self.link), heard })
    }

    fn says(&mut self, word: impl Into<FromBase>) -> Vec<Output> {
        self.seq += 1;
        let heard = Heard::Word { seq: self.seq, word: word.into() };
        self.hear(heard)
    }

    /// Answers the only request among what was said.
    #[track_caller]
    fn answer(&mut self, said: &[Output], response: Response) -> Vec<Output> {
        let (seq, kind) = request(said);
        self.hear(Heard::Response { seq, kind: Some(kind), response })
    }

    /// Answers RADIO_CONFIG, SYNC_CONFIG and RADIO_START with the numbers that come after WELCOME.
    fn set_up(&mut self) {
        for (seq, kind) in [(2, 0x0201), (3, 0x0301), (4, 0x0202)] {
            let kind = Some(MessageType(kind));
            self.hear(Heard::Response { seq, kind, response: Response::Done });
        }
    }

    fn pass(&mut self, millis: u64) -> Vec<Output> {
        self.at += millis;
        let due = self.session.deadline().is_some_and(|due| due <= self.now());
        if due { self.give(Input::Deadline) } else { Vec::new() }
    }

    /// Lets time pass with PONGs for PINGs.
    fn live(&mut self, seconds: u64) -> Vec<Output> {
        let mut all = Vec::new();
        for _ in 0..seconds {
            all.extend(self.pass(1000));
            all.extend(self.says(Pong { timestamp: 0 }));
        }
        all
    }

    fn connect(&mut self, conn: u16) {
        self.says(ind(conn));
        self.say(ConnAccept { conn: ConnId(conn), dck_present: None });
    }
}

fn ind(conn: u16) -> ConnInd {
    let (slot_type, ho_flag) = (SlotType::Full, false);
    let pmid = Pmid::new(conn.into()).unwrap();
    ConnInd { conn: ConnId(conn), pmid, slot_type, ho_flag, page_id: None, rssi: None, enc_wanted: None }
}

fn synced(state: SyncState) -> SyncTold {
    SyncTold { state, source: None, rssi: None, offset_ns: None, hops: None, since: None }
}

fn capacity(free: u8) -> Capacity {
    let (pairs_total, pairs_free, voice_used, voice_max) = (12, free, 0, 11);
    Capacity {
        pairs_total,
        pairs_free,
        voice_used,
        voice_max,
        wideband_cost: 2,
        srtp_active: 0,
        blind_map: None,
    }
}

fn media(conn: u16) -> MediaOpen {
    MediaOpen {
        media_id: MediaId(5),
        conn: ConnId(conn),
        codec: Codec::G726,
        pt: 96,
        ptime: 20,
        remote: "192.0.2.1:4000".parse().unwrap(),
        dir: dir::BOTH,
        srtp_suite: None,
        tx_key: None,
        rx_key: None,
        dtmf_pt: None,
        jitter_ms: None,
    }
}

fn nwk(conn: u16) -> NwkData {
    NwkData { conn: ConnId(conn), sapi: Sapi::Co, pdu: Pdu::new(vec![5, 0x55]).unwrap() }
}

fn words(out: &[Output]) -> Vec<&ToBase> {
    out.iter().filter_map(Output::word).collect()
}

fn news(out: &[Output]) -> Vec<&News> {
    out.iter().filter_map(|o| if let Output::News(news) = o { Some(news) } else { None }).collect()
}

#[track_caller]
fn request(out: &[Output]) -> (u32, MessageType) {
    let requests = out.iter().filter_map(|output| match output {
        Output::Send { seq, word, .. } if word.is_request() => Some((*seq, word.message_type())),
        _ => None,
    });
    let requests: Vec<_> = requests.collect();
    assert_eq!(requests.len(), 1, "{out:?}");
    requests[0]
}

fn refused(out: &[Output]) -> Option<&Refuse> {
    words(out).into_iter().find_map(|word| if let ToBase::Refuse(r) = word { Some(r) } else { None })
}

fn welcome(out: &[Output]) -> Option<&Welcome> {
    words(out).into_iter().find_map(|word| if let ToBase::Welcome(w) = word { Some(w) } else { None })
}

#[test]
fn a_base_station_is_let_in_set_up_and_carries_calls_once_it_has_time() {
    let mut scene = Scene::new();
    let out = scene.come(hello());
    let welcome = welcome(&out).unwrap();
    assert_eq!((welcome.proto, welcome.ping_ms, welcome.dead_ms, welcome.policy), (1, 5000, 15_000, 10_000));
    assert_eq!(welcome.server_time, START * 1000);
    assert_eq!(scene.saved.as_ref().map(|saved| saved.session_id), Some(welcome.session_id));
    assert!(news(&out).contains(&&News::Up { resumed: false, upgrade_recommended: false }));
    let said = scene.order(Order::Configure(plan(3).into()));
    assert_eq!(words(&said), [&ToBase::RadioConfig(plan(3).radio)]);
    let said = scene.answer(&said, Response::Done);
    assert_eq!(words(&said), [&ToBase::SyncConfig(plan(3).sync)]);
    let said = scene.answer(&said, Response::Done);
    assert_eq!(news(&said), [&News::Standing(Standing::Starting)]);
    let said = scene.answer(&said, Response::Done);
    // Without time it is busy for everybody.
    assert_eq!(words(&said), [&ToBase::Busy(Busy { busy_bits: 3 })]);
    assert_eq!(scene.session.standing(), Standing::Syncing);
    let said = scene.says(synced(SyncState::Locked));
    assert_eq!(words(&said), [&ToBase::Busy(Busy { busy_bits: 0 })]);
    assert_eq!(scene.session.standing(), Standing::Operational);
    scene.says(capacity(0));
    assert_eq!(scene.session.standing(), Standing::Busy);
}

#[test]
fn who_is_too_old_or_too_new_is_refused_and_stays_visible() {
    let mut scene = Scene::new();
    let out = scene.come(Hello { fw_version: "PCS07__".into(), ..hello() });
    let refuse = refused(&out).unwrap();
    assert_eq!((refuse.reason, refuse.retry_s), (RefuseReason::FIRMWARE_TOO_OLD, Some(300)));
    assert_eq!(refuse.fw_min.as_deref(), Some("PCS08__"));
    assert!(out.contains(&Output::Close { link: LinkNo(1) }));
    assert_eq!(scene.session.standing(), Standing::Refused);
    assert_eq!(scene.session.told().refused.as_ref(), Some(refuse));
    assert_eq!(scene.session.told().hello.as_ref().unwrap().fw_version, "PCS07__");
    let out = scene.come(Hello { proto_min: 2, ..hello() });
    assert_eq!(refused(&out).unwrap().reason, RefuseReason::PROTOCOL);
    let out = scene.come(Hello { fw_version: "PCS10__".into(), ..hello() });
    assert!(news(&out).contains(&&News::Up { resumed: false, upgrade_recommended: true }));
    assert_eq!(scene.session.told().refused, None);
    assert_eq!(scene.saved.is_some(), scene.session.link().is_some());
}

#[test]
fn another_key_and_a_base_station_out_of_use_are_refused() {
    let mut scene = Scene::new();
    let out = scene.give(Input::greeted(LinkNo(7), hello().into(), KeyPrint([1; 32])));
    assert_eq!(refused(&out).unwrap().reason, RefuseReason::STOLEN_ID);
    let mut scene = Scene::operational();
    scene.connect(1);
    let out = scene.order(Order::OutOfUse(true));
    assert!(matches!(
        words(&out)[..],
        [ToBase::ConnRelease(_), ToBase::Goodbye(Goodbye { reason: GoodbyeReason::OUT_OF_USE, .. })]
    ));
    let gone = News::ConnDown { conn: ConnId(1), reason: DownReason::LOST, frames: None };
    assert!(news(&out).contains(&&gone));
    assert_eq!((scene.saved.clone(), scene.session.standing()), (None, Standing::Down));
    assert_eq!(refused(&scene.come(hello())).unwrap().reason, RefuseReason::OUT_OF_USE);
    scene.order(Order::OutOfUse(false));
    assert!(welcome(&scene.come(hello())).is_some());
}

#[test]
fn a_second_link_waits_until_the_first_has_missed_two_pings() {
    let mut scene = Scene::operational();
    let old = scene.link;
    for _ in 0..2 {
        let out = scene.come(hello());
        assert_eq!(refused(&out).unwrap().reason, RefuseReason::DUPLICATE);
        assert_eq!(scene.session.link(), Some(LinkNo(old)));
        assert_ne!(scene.session.standing(), Standing::Refused);
    }
    // Each knock was a ping; the last of them is missed by now.
    scene.pass(1000);
    let out = scene.come(hello());
    assert!(welcome(&out).is_some());
    assert!(out.contains(&Output::Close { link: LinkNo(old) }));
    assert!(matches!(words(&out)[0], ToBase::Goodbye(Goodbye { reason: GoodbyeReason::REPLACED, .. })));
    // What is still said on the old one is not heard.
    let heard = Heard::Word { seq: 1, word: capacity(1).into() };
    assert_eq!(scene.give(Input::Received { link: LinkNo(old), heard }), []);
    assert_eq!(scene.give(Input::Lost { link: LinkNo(old) }), []);
}

#[test]
fn a_knock_does_not_replace_a_link_that_answers() {
    let mut scene = Scene::operational();
    let old = scene.link;
    for _ in 0..5 {
        assert!(refused(&scene.come(hello())).is_some());
        let heard = Heard::Word { seq: 1, word: Pong { timestamp: 0 }.into() };
        scene.give(Input::Received { link: LinkNo(old), heard });
        scene.at += 2000;
    }
    assert_eq!(scene.session.link(), Some(LinkNo(old)));
}

#[test]
fn a_link_that_is_cut_for_five_seconds_keeps_its_calls() {
    let mut scene = Scene::operational();
    let token = scene.saved.clone().unwrap().resume_token;
    (1..=3).for_each(|conn| scene.connect(conn));
    scene.says(ind(4));
    let out = scene.give(Input::Lost { link: LinkNo(1) });
    let until = scene.now() + Duration::from_secs(10);
    let undecided = News::ConnDown { conn: ConnId(4), reason: DownReason::LOST, frames: None };
    let expected = [&undecided, &News::Suspect { until }, &News::Standing(Standing::Suspect)];
    assert_eq!(news(&out), expected);
    // The owner ends one call meanwhile, and says nothing to nobody.
    let release = ConnRelease { conn: ConnId(1), reason: ReleaseReason::NORMAL };
    assert_eq!(words(&scene.say(release)), [] as [&ToBase; 0]);
    assert_eq!(scene.refusal(nwk(2)), Some(Refusal::NoLink));
    scene.pass(5000);
    // The base station has lost the third, and still has the first and one nobody knows.
    let live = vec![ConnId(1), ConnId(2), ConnId(9)];
    let out = scene.come(Hello { resume_token: Some(token), live, ..hello() });
    let welcome = welcome(&out).unwrap();
    assert_eq!((welcome.resume_ok, &welcome.live[..]), (Some(true), &[ConnId(2)][..]));
    let gone = News::ConnDown { conn: ConnId(3), reason: DownReason::LOST, frames: None };
    assert!(news(&out).contains(&&gone));
    assert!(news(&out).contains(&&News::Up { resumed: true, upgrade_recommended: false }));
    // It is not set up anew, and goes on at once.
    assert_eq!(words(&out).len(), 1, "{out:?}");
    assert_eq!(scene.session.standing(), Standing::Operational);
    assert_eq!(scene.say(nwk(2)).len(), 1);
}

#[test]
fn the_token_of_the_session_proves_that_the_old_link_is_dead() {
    let mut scene = Scene::operational();
    let resume_token = Some(scene.saved.clone().unwrap().resume_token);
    scene.connect(1);
    let out = scene.come(Hello { resume_token, live: vec![ConnId(1)], ..hello() });
    assert_eq!(welcome(&out).unwrap().live, [ConnId(1)]);
    assert_eq!(scene.session.link(), Some(LinkNo(2)));
}

#[test]
fn after_the_grace_the_calls_are_gone_and_a_token_of_then_is_worth_nothing() {
    let mut scene = Scene::operational();
    let token = scene.saved.clone().unwrap().resume_token;
    scene.connect(1);
    scene.give(Input::Lost { link: LinkNo(1) });
    assert_eq!(scene.pass(9_999), []);
    let out = scene.pass(1);
    let gone = News::ConnDown { conn: ConnId(1), reason: DownReason::LOST, frames: None };
    assert_eq!(news(&out), [&gone, &News::Down, &News::Standing(Standing::Down)]);
    assert_eq!((scene.saved.clone(), scene.session.deadline()), (None, None));
    let out = scene.come(Hello { resume_token: Some(token), live: vec![ConnId(1)], ..hello() });
    let welcome = welcome(&out).unwrap();
    assert_eq!((welcome.resume_ok, welcome.live.len()), (Some(false), 0));
}

#[test]
fn a_restart_of_the_switch_keeps_the_calls() {
    let mut scene = Scene::operational();
    scene.connect(1);
    scene.say(media(1));
    let mut again = Scene::with(scene.saved.clone(), Settings::default());
    assert_eq!(again.session.standing(), Standing::Suspect);
    let live = again.session.live();
    assert_eq!(live, [Live { conn: ConnId(1), pmid: Pmid::new(1).unwrap(), media: vec![MediaId(5)] }]);
    let resume_token = Some(again.saved.clone().unwrap().resume_token);
    let out = again.come(Hello { resume_token, live: vec![ConnId(1)], ..hello() });
    assert_eq!(welcome(&out).unwrap().resume_ok, Some(true));
    // It has the plan already, and says how it is.
    assert_eq!(words(&again.order(Order::Configure(plan(3).into()))).len(), 1, "where to take time from");
    again.says(synced(SyncState::Locked));
    assert_eq!(again.session.standing(), Standing::Operational);
    assert_eq!(again.say(MediaClose { media_id: MediaId(5) }).len(), 1);
}

#[test]
fn an_undecided_connection_is_given_back_and_a_decided_one_is_saved_first() {
    let mut scene = Scene::operational();
    assert_eq!(news(&scene.says(ind(1))), [&News::ConnInd(ind(1))]);
    assert_eq!(scene.saved.as_ref().unwrap().live, []);
    assert_eq!(scene.refusal(media(1)), Some(Refusal::NoSuchConn(ConnId(1))));
    scene.say(ConnAccept { conn: ConnId(1), dck_present: None });
    assert_eq!(scene.saved.as_ref().unwrap().live.len(), 1);
    let twice = scene.refusal(ConnAccept { conn: ConnId(1), dck_present: None });
    assert_eq!(twice, Some(Refusal::NoSuchConn(ConnId(1))));
    scene.says(ind(2));
    let out = scene.pass(3000);
    let reject = ConnReject { conn: ConnId(2), reason: RejectReason::UNKNOWN };
    assert_eq!(words(&out), [&ToBase::ConnReject(reject)]);
    let down = ConnDown { conn: ConnId(1), reason: DownReason::NORMAL, good: Some(5), bad: Some(1) };
    let out = scene.says(down.clone());
    let gone = News::ConnDown { conn: ConnId(1), reason: DownReason::NORMAL, frames: Some((5, 1)) };
    assert_eq!(news(&out), [&gone]);
    assert_eq!(scene.saved.as_ref().unwrap().live, []);
    assert_eq!(scene.says(down), [], "told once");
}

#[test]
fn lost_time_drains_a_base_station_and_time_found_again_opens_it() {
    let mut scene = Scene::operational();
    scene.connect(1);
    let out = scene.says(synced(SyncState::Lost));
    let suggest = ToBase::HoSuggest(HoSuggest { conn: ConnId(1) });
    assert_eq!(words(&out), [&ToBase::Busy(Busy { busy_bits: 3 }), &suggest], "its handset looks elsewhere");
    assert_eq!(scene.session.standing(), Standing::Draining);
    let out = scene.says(ind(2));
    let reject = ConnReject { conn: ConnId(2), reason: RejectReason::SYNC };
    assert_eq!(words(&out), [&ToBase::ConnReject(reject)]);
    assert_eq!(scene.say(nwk(1)).len(), 1, "the call goes on");
    let out = scene.live(179);
    assert!(!words(&out).iter().any(|word| matches!(word, ToBase::ConnRelease(_))));
    let out = scene.live(1);
    let release = ConnRelease { conn: ConnId(1), reason: ReleaseReason::ABNORMAL };
    assert!(words(&out).contains(&&ToBase::ConnRelease(release)));
    assert_eq!(scene.session.standing(), Standing::Syncing);
    let out = scene.says(synced(SyncState::Assisted));
    assert_eq!(words(&out), [&ToBase::Busy(Busy { busy_bits: 0 })]);
    assert_eq!(scene.session.standing(), Standing::Operational);
}

#[test]
fn a_free_running_clock_is_trusted_for_two_minutes() {
    let mut scene = Scene::operational();
    scene.says(synced(SyncState::FreeRunning));
    scene.live(60);
    scene.says(synced(SyncState::FreeRunning));
    scene.live(59);
    assert_eq!(scene.session.standing(), Standing::Operational);
    scene.live(1);
    assert_eq!(scene.session.standing(), Standing::Syncing);
}

#[test]
fn requests_end_by_answer_refusal_time_or_loss() {
    let mut scene = Scene::operational();
    scene.connect(1);
    let answered = |response| News::Answered { request: Request::MediaOpen(MediaId(5)), response };
    let opened = Response::MediaOpened(MediaOpened { local: "192.0.2.9:7".parse().unwrap() });
    let said = scene.say(media(1));
    assert_eq!(news(&scene.answer(&said, opened.clone())), [&answered(opened.clone())]);
    assert_eq!(scene.answer(&said, opened), [], "answered once");
    let said = scene.say(media(1));
    let (seq, _) = request(&said);
    let refusal = Response::Refused(ErrorCode::NO_CHANNEL);
    let out = scene.hear(Heard::Response { seq, kind: None, response: refusal.clone() });
    assert_eq!(news(&out), [&answered(refusal)]);
    assert_eq!(scene.refusal(MediaClose { media_id: MediaId(5) }), Some(Refusal::NoSuchMedia(MediaId(5))));
    scene.say(media(1));
    assert_eq!(scene.pass(999), []);
    let out = scene.pass(1);
    assert_eq!(news(&out), [&answered(Response::Refused(ErrorCode::TIMEOUT))]);
    scene.say(Stats { reset: None });
    let out = scene.give(Input::Lost { link: LinkNo(1) });
    let lost = Response::Refused(ErrorCode::WRONG_STATE);
    assert!(news(&out).contains(&&News::Answered { request: Request::Stats, response: lost }));
}

#[test]
fn a_base_station_that_refuses_its_set_up_is_asked_again() {
    let mut scene = Scene::new();
    scene.come(hello());
    let said = scene.order(Order::Configure(plan(3).into()));
    let out = scene.answer(&said, Response::Refused(ErrorCode::INTERNAL));
    assert_eq!(scene.session.standing(), Standing::RadioOff);
    assert!(matches!(news(&out)[0], News::Answered { request: Request::RadioConfig, .. }));
    let out = scene.live(30);
    assert!(words(&out).contains(&&ToBase::RadioConfig(plan(3).radio)));
}

#[test]
fn a_changed_radio_waits_for_the_last_call_and_a_changed_source_does_not() {
    let mut scene = Scene::operational();
    scene.connect(1);
    let mut moved = plan(3);
    moved.sync.source = vec![7];
    assert_eq!(
        words(&scene.order(Order::Configure(moved.clone().into()))),
        [&ToBase::SyncConfig(moved.sync)]
    );
    assert_eq!(words(&scene.order(Order::Configure(plan(4).into()))), [] as [&ToBase; 0]);
    let down = ConnDown { conn: ConnId(1), reason: DownReason::NORMAL, good: None, bad: None };
    assert_eq!(words(&scene.says(down)), [&ToBase::RadioConfig(plan(4).radio)]);
    assert_eq!(scene.session.standing(), Standing::Configuring);
}

#[test]
fn nothing_heard_ends_the_link_and_pings_ask_before() {
    let mut scene = Scene::operational();
    let mut words_said = Vec::new();
    for _ in 0..15 {
        words_said.extend(scene.pass(1000));
    }
    let pings = words(&words_said).iter().filter(|word| matches!(word, ToBase::Ping(_))).count();
    assert_eq!(pings, 3);
    let goodbye = Goodbye { reason: GoodbyeReason::DEAD, retry_s: None };
    assert!(words(&words_said).contains(&&ToBase::Goodbye(goodbye)));
    assert!(words_said.contains(&Output::Close { link: LinkNo(1) }));
    assert_eq!(scene.session.standing(), Standing::Suspect);
}

#[test]
fn a_ping_is_answered_by_its_number_and_a_pong_tells_the_way() {
    let mut scene = Scene::operational();
    let out = scene.hear(Heard::Word { seq: 77, word: Ping { timestamp: 5 }.into() });
    let pong = Output::Send { link: LinkNo(1), seq: 77, word: Pong { timestamp: 5 }.into() };
    assert_eq!(out, [pong]);
    let sent = scene.now().as_micros();
    scene.at += 20;
    scene.says(Pong { timestamp: sent });
    assert_eq!(scene.session.told().round_trip, Some(Duration::from_millis(20)));
    scene.says(Pong { timestamp: u64::MAX });
    assert_eq!(scene.session.told().round_trip, Some(Duration::from_millis(20)));
}

#[test]
fn garbage_is_complained_of_and_too_much_of_it_cuts_the_link() {
    let mut scene = Scene::operational();
    let head = Head { kind: MessageType(0x7777), flags: Flags::NONE, seq: 4 };
    let fault = crate::dect::base_link::Fault::UnknownType(head.kind);
    let mut goodbye = false;
    for n in 0..21 {
        let out = scene.hear(Heard::Faulty { head, fault });
        match words(&out)[..] {
            [ToBase::Error(LinkError { code: ErrorCode::UNKNOWN_TYPE, seq: Some(4), .. })] => assert!(n < 20),
            [ToBase::Goodbye(Goodbye { reason: GoodbyeReason::PROTOCOL, .. })] => goodbye = true,
            _ => panic!("{out:?}"),
        }
    }
    assert!(goodbye && scene.session.link().is_none());
}

#[test]
fn a_flood_cuts_the_link_and_announced_connections_are_bounded() {
    let mut scene = Scene::operational();
    for conn in 0..100 {
        scene.says(ind(conn));
    }
    assert_eq!(scene.session.conns.ids().len(), MOST_CONNECTIONS);
    let cut = (0..3000).any(|_| {
        words(&scene.says(capacity(3)))
            .iter()
            .any(|word| matches!(word, ToBase::Goodbye(Goodbye { reason: GoodbyeReason::TOO_MUCH, .. })))
    });
    assert!(cut);
}

#[test]
fn a_connection_that_takes_no_messages_has_them_kept_for_a_while() {
    let mut scene = Scene::operational();
    scene.connect(1);
    scene.says(NwkFlow { conn: ConnId(1), flow: Flow::Stop, queued: Some(4) });
    (0..16).for_each(|_| assert_eq!(scene.say(nwk(1)), []));
    assert_eq!(scene.refusal(nwk(1)), Some(Refusal::Full));
    let out = scene.says(NwkFlow { conn: ConnId(1), flow: Flow::Go, queued: None });
    assert_eq!(words(&out).len(), 16);
    assert_eq!(scene.say(nwk(1)).len(), 1);
}

#[test]
fn a_handover_opens_a_connection_that_counts_once_it_is_accepted() {
    let mut scene = Scene::operational();
    let ho = HoInd {
        new_conn: ConnId(8),
        pmid: Pmid::new(8).unwrap(),
        kind: HandoverKind::Connection,
        old_rpn: Some(1),
        rssi: None,
        local: None,
        slot_type: None,
    };
    assert_eq!(scene.says(ConnInd { ho_flag: true, ..ind(8) }), [], "HO_IND follows");
    assert_eq!(news(&scene.says(ho.clone())), [&News::HoInd(ho)]);
    let done = HoComplete { new_conn: ConnId(8), elapsed_ms: None, local: None };
    assert_eq!(scene.says(done.clone()), [], "not accepted yet");
    let accept = HoAccept {
        new_conn: ConnId(8),
        dlc_state: None,
        slot_type: None,
        alg: None,
        ck_num: None,
        dck: None,
        media_id: Some(MediaId(5)),
        codec: None,
        pt: None,
        ptime: None,
        remote: None,
        dir: None,
        srtp_suite: None,
        tx_key: None,
        rx_key: None,
        dtmf_pt: None,
        jitter_ms: None,
    };
    scene.say(accept);
    assert_eq!(scene.saved.as_ref().unwrap().live[0].media, [MediaId(5)]);
    assert_eq!(news(&scene.says(done.clone())), [&News::HoComplete(done)]);
    let failed = HoFailed { new_conn: ConnId(8), reason: None };
    assert_eq!(news(&scene.says(failed.clone())), [&News::HoFailed(failed)]);
    assert_eq!(scene.saved.as_ref().unwrap().live, []);
}

#[test]
fn maintenance_takes_no_more_calls_and_the_sessions_own_words_are_its_own() {
    let mut scene = Scene::operational();
    scene.order(Order::Drain(true));
    assert_eq!(scene.session.standing(), Standing::Draining);
    let out = scene.says(ind(1));
    assert!(matches!(
        words(&out)[..],
        [ToBase::ConnReject(ConnReject { reason: RejectReason::MAINTENANCE, .. })]
    ));
    let page = crate::dect::base_link::value::PagePdu::new(&[1, 2, 3]).unwrap();
    let page = PageOrder { pdu: page, page_id: None, repeats: None, cluster: None };
    assert_eq!(scene.refusal(page), Some(Refusal::NotReady));
    scene.order(Order::Drain(false));
    assert_eq!(scene.session.standing(), Standing::Operational);
    assert!(matches!(scene.refusal(Ping { timestamp: 1 }), Some(Refusal::NotYours(_))));
    // A flood of requests without an answer has an end.
    let full = (0..=MOST_ASKED).find_map(|_| scene.refusal(Stats { reset: None }));
    assert_eq!(full, Some(Refusal::Full));
}

#[test]
fn the_switch_stops_and_a_base_station_that_reboots_has_no_calls() {
    let mut scene = Scene::operational();
    scene.connect(1);
    let out = scene.order(Order::Stop);
    let goodbye = Goodbye { reason: GoodbyeReason::SHUTDOWN, retry_s: Some(2) };
    assert_eq!(words(&out), [&ToBase::Goodbye(goodbye)]);
    assert_eq!(scene.saved.as_ref().unwrap().live.len(), 1, "it comes back for it");
    let mut scene = Scene::operational();
    scene.connect(1);
    let out = scene.says(Goodbye { reason: GoodbyeReason::REBOOT, retry_s: None });
    assert!(news(&out).contains(&&News::Down));
    assert_eq!(scene.saved, None);
}

#[test]
fn a_media_resource_has_no_radio_to_set_up() {
    let mut scene = Scene::new();
    scene.order(Order::Configure(plan(3).into()));
    let out = scene.come(Hello { role: Role::Media, fw_version: "PCS12__".into(), ..hello() });
    assert_eq!(words(&out).len(), 1);
    assert_eq!(scene.session.standing(), Standing::Operational);
}

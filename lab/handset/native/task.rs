//! The life of a native handset.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::link::{Air, News};
use super::sound::Sound;
use super::user::{LOCATE_AGAIN, report};
use super::{Act, Dialling, NativeConfig, NativeReport, SeenHandset, User};
use crate::dect::obl::number::reason;
use crate::dect::pt::{CallState, Event, Output, Portable, Subscription};
use crate::phone::{Direction, Key, LiveCall, Progress};
use crate::radio::{Down, Place, Radio};

/// What bases send and was not read yet.
const MAILBOX: usize = 256;
/// How often a handset looks around while it has a link or walks, and otherwise.
const AWAKE: Duration = Duration::from_millis(100);
const ASLEEP: Duration = Duration::from_secs(4);
/// Where a handset's life is seen.
pub(super) struct Outlets {
    pub show: watch::Sender<SeenHandset>,
    pub events: broadcast::Sender<Event>,
    pub reports: broadcast::Sender<NativeReport>,
    pub keep: watch::Sender<Option<Subscription>>,
    pub calls: Arc<Mutex<Vec<LiveCall>>>,
}

/// A handset in somebody's hand.
pub(super) struct Holder {
    pub portable: Portable,
    pub air: Air,
    pub sound: Sound,
    pub user: User,
    pub seen: SeenHandset,
    pub outlets: Outlets,
    pub mailbox: Option<mpsc::Receiver<Down>>,
    pub report: Option<NativeReport>,
    /// The call as others see it; the last one, when there is none.
    pub live: LiveCall,
    /// The key that was pressed last in it.
    pub pressed: Option<Key>,
    pub talk: Option<Duration>,
    /// When the user answers, rejects or hangs up.
    pub user_acts_at: Option<Instant>,
    pub path: VecDeque<Place>,
    pub speed: f64,
    pub walked_at: Instant,
    pub subscribing: bool,
    pub searching: bool,
    pub elsewhere: bool,
    pub locate_at: Option<Instant>,
}

impl Holder {
    pub(super) fn new(config: NativeConfig, radio: &Radio, outlets: Outlets) -> Self {
        let (mailbox, down) = mpsc::channel(MAILBOX);
        let mut air = Air::new(radio, config.place, mailbox);
        air.wideband = config.wideband;
        let now = Instant::now();
        Self {
            portable: Portable::new(config.ipei, config.subscription).with_wideband(config.wideband),
            air,
            sound: Sound::new(config.voice, config.hum),
            user: config.user,
            seen: SeenHandset::default(),
            outlets,
            mailbox: Some(down),
            report: None,
            live: LiveCall::new(Direction::Placed, "", Progress::Begun),
            pressed: None,
            talk: None,
            user_acts_at: None,
            path: VecDeque::new(),
            speed: 0.0,
            walked_at: now,
            subscribing: false,
            searching: false,
            elsewhere: false,
            locate_at: Some(now),
        }
    }

    /// Lives until it is switched off, or its task is ended.
    pub(super) async fn live(mut self, mut acts: mpsc::Receiver<Act>) {
        let Some(mut mailbox) = self.mailbox.take() else { return };
        let mut frames: Option<Interval> = None;
        let mut look_at = Instant::now();
        loop {
            let (live, last) = (self.live.clone(), self.pressed);
            tokio::select! {
                key = live.pressed(|key| Some(key) != last) => self.press(key),
                act = acts.recv() => {
                    let Some(act) = act else { return };
                    let last = act == Act::SwitchOff;
                    self.act(act);
                    if last {
                        // What was said last is heard before the link goes.
                        return self.leave(&mut mailbox).await;
                    }
                }
                Some(down) = mailbox.recv() => self.hear(down),
                () = tick(&mut frames) => self.sound.pass(self.air.legs()),
                () = sleep_until(look_at) => {}
            }
            let now = Instant::now();
            if now >= look_at {
                self.look_around(now);
            }
            self.drain();
            let awake = self.portable.is_busy() || !self.path.is_empty() || self.user_acts_at.is_some();
            let next = now + if awake { AWAKE } else { self.sleep() };
            look_at = if now >= look_at { next } else { look_at.min(next) };
            frames = match (frames, self.sound.hear) {
                (None, true) => Some(every_frame()),
                (frames, true) => frames,
                (_, false) => None,
            };
            self.show();
        }
    }

    /// Handsets do not all look around at once.
    fn sleep(&self) -> Duration {
        let unlocked = self.air.base().is_none();
        let asleep = if unlocked { ASLEEP / 4 } else { ASLEEP };
        asleep + Duration::from_millis(self.air.number() * 37 % 1_000)
    }

    async fn leave(&mut self, mailbox: &mut mpsc::Receiver<Down>) {
        let by = Instant::now() + Duration::from_secs(3);
        while self.air.link.is_none() {
            match tokio::time::timeout_at(by, mailbox.recv()).await {
                Ok(Some(down)) => self.hear(down),
                _ => break,
            }
            self.drain();
        }
        self.air.close();
    }

    fn act(&mut self, act: Act) {
        let now = Instant::now();
        match act {
            Act::Subscribe(code) => {
                // A new attempt begins on a new link: the old one may be about to be released.
                self.link_gone();
                self.subscribing = true;
                self.portable.subscribe(code, now);
            }
            Act::Locate => self.portable.locate(self.air.rfpi(), now),
            Act::Dial { number, dialling, talk } => self.dial(&number, dialling, talk, now),
            Act::Keys(keys) => self.portable.keys(&keys),
            Act::KeysAtOnce(keys) => self.portable.keys_at_once(&keys),
            Act::Answer => drop(self.portable.answer(now)),
            Act::OnHook => self.on_hook(now),
            Act::Become(user) => self.user = user,
            Act::Walk { path, speed } => {
                (self.path, self.speed, self.walked_at) = (path.into(), speed, now);
            }
            Act::Challenge => self.portable.challenge(),
            Act::ChangeBearer => {
                self.air.change_bearer(now, self.portable.pmid(), self.sound.ear());
            }
            Act::Replay(replays) => self.portable.replay(replays),
            Act::Write { to, text } => {
                self.seen.sent.1 += u32::from(!self.portable.write(&to, &text));
            }
            Act::SwitchOff => self.portable.detach(),
        }
        self.drain();
    }

    fn dial(&mut self, number: &str, dialling: Dialling, talk: Option<Duration>, now: Instant) {
        let en_bloc = (dialling == Dialling::EnBloc).then_some(number);
        self.talk = talk;
        let report = report(Direction::Placed, number);
        self.begin(&report, Progress::Begun);
        self.report = Some(report);
        if !self.portable.off_hook(en_bloc, now) {
            return self.end(None);
        }
        if en_bloc.is_none() {
            self.portable.keys(&super::keypad(number));
        }
    }

    pub(super) fn on_hook(&mut self, now: Instant) {
        if let Some(report) = &mut self.report {
            report.ended_here = true;
        }
        self.portable.on_hook(now);
    }

    /// Something from a base.
    fn hear(&mut self, down: Down) {
        let now = Instant::now();
        let in_call = self.portable.call_state() == Some(CallState::Active);
        match down {
            Down::Page { pdu, id } => self.portable.page(&pdu, id),
            Down::Accepted { bearer } => {
                let news = self.air.accepted(bearer, now);
                self.take_news(news, now);
            }
            Down::Refused { bearer, .. } => match self.air.refused(bearer, now) {
                Some((News::Gone, page)) => self.open(page, now),
                Some((news, _)) => self.take_news(Some(news), now),
                None => {}
            },
            Down::Sdu { pdu, .. } => self.portable.hear(&pdu, now),
            Down::Released { bearer, reason } => {
                self.sound.close(bearer);
                let news = self.air.released(bearer, now, reason != reason::RELEASE_NORMAL, in_call);
                self.take_news(news, now);
            }
            Down::Silence => {
                let news = self.air.silence(now, in_call);
                self.take_news(news, now);
            }
            Down::Ciphered { on, .. } => self.seen.ciphered = on,
            Down::Tone { tone, .. } => self.seen.signal = Some(tone),
            Down::LookElsewhere { .. } => self.elsewhere = true,
        }
    }

    fn take_news(&mut self, news: Option<News>, now: Instant) {
        match news {
            Some(News::Up) => self.portable.link_up(now),
            Some(News::Gone) => self.link_gone(),
            Some(News::Moved) => {
                self.seen.handovers.0 += 1;
                self.elsewhere = false;
                if let Some(report) = &mut self.report {
                    report.handovers += 1;
                }
            }
            Some(News::NotMoved) => self.seen.handovers.1 += 1,
            None => {}
        }
    }

    fn link_gone(&mut self) {
        self.air.close();
        self.seen.ciphered = false;
        self.portable.link_down();
    }

    fn open(&mut self, page: Option<u32>, now: Instant) {
        let (pmid, subscribing, portable) = (self.portable.pmid(), self.subscribing, &self.portable);
        let may_use = |base: &crate::radio::HeardBase| subscribing || portable.may_use(base.broadcast.rfpi);
        let ear = self.sound.ear().clone();
        if self.air.open(now, page, pmid, subscribing, &ear, may_use) {
            self.searching = false;
        } else if subscribing {
            // A handset that is to subscribe searches until MM_access.1 ends it.
            self.searching = true;
        } else {
            self.link_gone();
        }
    }

    /// Does what the machine wants, until it wants nothing.
    fn drain(&mut self) {
        loop {
            let outputs = self.portable.take();
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                match output {
                    Output::OpenLink(page) => self.open(page, Instant::now()),
                    Output::Send(pdu) => self.air.say(pdu),
                    Output::CloseLink => self.link_gone(),
                    Output::Key(key) => self.air.set_key(Some(key)),
                    Output::Sound { hear, speak } => (self.sound.hear, self.sound.speak) = (hear, speak),
                    Output::Happened(event) => self.happened(event),
                }
            }
        }
    }

    /// Time passes.
    fn look_around(&mut self, now: Instant) {
        self.walk(now);
        self.portable.pass(now);
        if self.user_acts_at.is_some_and(|at| now >= at) {
            self.user_acts_at = None;
            match (self.portable.call_state(), self.user) {
                (Some(CallState::Received), User::Answers { .. }) => drop(self.portable.answer(now)),
                (Some(_), _) => self.on_hook(now),
                (None, _) => {}
            }
        }
        if self.searching {
            self.open(None, now);
        }
        let news = self.air.look(now, self.portable.pmid(), self.elsewhere, self.sound.ear());
        self.take_news(news, now);
        let (portable, subscribing) = (&self.portable, self.subscribing);
        self.air.camp(|base| subscribing || portable.may_use(base.broadcast.rfpi));
        if self.air.base().is_some() && self.locate_at.is_some_and(|at| now >= at) {
            self.locate_at = Some(now + LOCATE_AGAIN);
            self.portable.locate(None, now);
        }
    }

    fn walk(&mut self, now: Instant) {
        let mut metres = self.speed * now.saturating_duration_since(self.walked_at).as_secs_f64();
        self.walked_at = now;
        while let Some(next) = self.path.front().copied() {
            let way = self.air.place.distance(next);
            self.air.place = self.air.place.towards(next, metres);
            if metres < way {
                return;
            }
            metres -= way;
            self.path.pop_front();
        }
    }

    fn show(&mut self) {
        self.seen.subscribed = self.portable.subscription().is_some();
        self.seen.base = self.air.base();
        self.seen.call = self.portable.call_state();
        self.seen.speaks_wide = self.portable.speaks_wide();
        self.seen.display = self.portable.display();
        if self.sound.hear {
            self.seen.hears = self.sound.so_far();
            self.seen.hears_wide = self.sound.wide();
        }
        self.outlets.show.send_if_modified(|shown| {
            let differs = *shown != self.seen;
            if differs {
                shown.clone_from(&self.seen);
            }
            differs
        });
        self.outlets.keep.send_if_modified(|kept| {
            let differs = kept.as_ref() != self.portable.subscription();
            if differs {
                *kept = self.portable.subscription().cloned();
            }
            differs
        });
    }
}

fn every_frame() -> Interval {
    let mut frames = interval(Duration::from_millis(20));
    frames.set_missed_tick_behavior(MissedTickBehavior::Burst);
    frames
}

async fn tick(frames: &mut Option<Interval>) {
    match frames {
        Some(frames) => drop(frames.tick().await),
        None => std::future::pending().await,
    }
}

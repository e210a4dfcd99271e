//! The client of one conference for one user.
//!
//! ```text
//!  Create ─SERVICE addConference─► made ─┐
//!  Join ─────────────────────────────────┴─INVITE addUser─► in ─► Joined, SUBSCRIBE conference ─► Roster, …
//!                                                            └─BYE, either way─► Over
//! ```
//!
//! It can fail on its way (the factory refuses, the focus refuses, nobody answers): [`FocusOutput::Failed`], and
//! nothing more. A subscription that fails keeps nobody from talking: there is no roster then. Everything sent leaves
//! by the user's line, which signs it.

use crate::id::Tokens;
use crate::lync::endpoint_services::{Content, Progress, Service, ServicesAccount, ServicesOutput, service};
use crate::machine::{Machine, Ready};
use crate::pii::Pii;
use crate::sip::digest::Credentials;
use crate::sip::invite::{self, Body, Dial, EndCause, Leg, LegEvent, LegInput, LegOutput, LocalEnd};
use crate::sip::subscription::{
    Package, Subscriber, Subscription, SubscriptionInput, SubscriptionOutput, SubscriptionStatus,
};
use crate::sip::wire::{HeaderName, Message, Method, Text, quoted};
use crate::sip::{Destination, Peer, door};
use crate::timer::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

use super::c3p::{self, Command, Envelope, Outcome, Response, audio_of};
use super::roster::{self, Roster, Taken};

mod ask;
mod news;
mod words;

use news::package;
pub use words::{Begin, Callee, FocusInput, FocusOutput, FocusRefusal};
use words::{date_time, hex};

/// How long a conference is kept that was made for a few calls.
const LIFE: Duration = Duration::from_secs(8 * 3_600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The factory is asked.
    Making,
    /// The focus is asked.
    Joining,
    In,
    Leaving,
    Closed,
}

/// The client of one conference. See the module.
#[derive(Debug)]
pub struct Focus {
    account: ServicesAccount,
    name: String,
    proxy: Destination,
    begin: Begin,
    state: State,
    focus: String,
    factory: Option<Service>,
    leg: Leg,
    news: Option<Subscription>,
    roster: Roster,
    /// Whom a command is about, by the number of its request; none: an answer says nothing that the roster does not.
    asked: BTreeMap<u32, Option<String>>,
    numbers: u32,
    tokens: Tokens,
}

type Then = Vec<FocusOutput>;

impl Focus {
    /// Of a user who is signed in; give it [`FocusInput::Started`]. `name` is the user's.
    pub fn new(
        account: ServicesAccount,
        name: String,
        proxy: Destination,
        begin: Begin,
        mut tokens: Tokens,
    ) -> Self {
        let local = LocalEnd {
            sent_by: account.sent_by.clone(),
            contact: account.aor.clone(),
            focus: false,
            transport: proxy.transport,
            product: account.user_agent.clone(),
            supported: vec!["ms-sender".to_owned()],
            session_expires: None,
            line: None,
        };
        Self {
            leg: Leg::new(account.owner, local, tokens.split()),
            focus: match &begin {
                Begin::Join(focus) => focus.clone(),
                Begin::Create(_) => String::new(),
            },
            state: if matches!(begin, Begin::Create(_)) { State::Making } else { State::Joining },
            account,
            name,
            proxy,
            begin,
            factory: None,
            news: None,
            roster: Roster::default(),
            asked: BTreeMap::new(),
            numbers: 0,
            tokens,
        }
    }

    /// Who is there.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The user's own URI.
    pub fn own_uri(&self) -> &str {
        &self.account.aor
    }

    fn request(&mut self, to: &str, command: &Command<'_>) -> (u32, String) {
        self.numbers += 1;
        let number = self.numbers;
        (number, c3p::request(Envelope { to, from: &self.account.aor, number }, command))
    }

    fn endpoint(&self) -> String {
        format!("{{{}}}", self.account.instance.to_string().to_ascii_uppercase())
    }

    fn started(&mut self, now: Moment) -> Then {
        let Begin::Create(factory) = self.begin.clone() else { return self.join(now) };
        let id = hex(&mut self.tokens);
        let until = date_time(now + LIFE);
        let (_, body) = self.request(&factory, &Command::AddConference { id: &id, until: &until });
        let way = (&self.account, factory.as_str(), self.proxy.clone());
        let (service, sent) = Service::begin(way, Content::Command(body), &mut self.tokens, now);
        self.factory = Some(service);
        says(sent)
    }

    fn join(&mut self, now: Moment) -> Then {
        self.state = State::Joining;
        let (focus, endpoint) = (self.focus.clone(), self.endpoint());
        let (_, body) = self.request(&focus, &Command::Join { endpoint: &endpoint });
        let name = if self.name.is_empty() { String::new() } else { format!("{} ", quoted(&self.name)) };
        let dial = Dial {
            request_uri: focus.clone(),
            from: format!("{name}<{}>", self.account.aor),
            to: format!("<{focus}>"),
            contact: None,
            route: Vec::new(),
            destination: self.proxy.clone(),
            body: Some(Body { content_type: c3p::CONTENT_TYPE.into(), bytes: body.into() }),
            parts: Vec::new(),
            headers: Vec::new(),
            onward: crate::sip::door::Onward::default(),
        };
        self.leg(LegInput::Order(invite::LegOrder::Dial(Box::new(dial))), now)
    }

    fn leg(&mut self, input: LegInput, now: Moment) -> Then {
        let Ok(ready) = self.leg.handle(input, now) else { return Vec::new() };
        let mut then = Vec::new();
        for output in ready.then {
            match output {
                LegOutput::Send { message, destination, .. } => {
                    then.push(FocusOutput::Send { message, to: destination });
                }
                LegOutput::Event(event) => then.extend(self.heard(event, now)),
            }
        }
        then
    }

    fn heard(&mut self, event: LegEvent, now: Moment) -> Then {
        match event {
            LegEvent::Answered { response, .. } => self.answered(&response, now),
            LegEvent::Refused { response } => {
                let status = response.status().unwrap_or(500);
                self.fail(status, format!("the conference refused: {status} {}", response.reason()))
            }
            LegEvent::Challenged { .. } => {
                let again = invite::LegOrder::Retry { headers: Vec::new() };
                let mut then = vec![FocusOutput::Doubted];
                then.extend(self.leg(LegInput::Order(again), now));
                then
            }
            LegEvent::Requested { handle, request } => {
                let known = request.method() == Some(Method::Info);
                let (status, reason) = if known { (200, "OK") } else { (405, "Method Not Allowed") };
                let (reason, headers) = (reason.to_owned(), Vec::new());
                let reply = invite::LegOrder::Reply { handle, status, reason, headers, body: None };
                let mut then = self.leg(LegInput::Order(reply), now);
                then.extend(self.told(&request.body));
                then
            }
            LegEvent::Replied { number, outcome } => self.replied(number, outcome.ok()),
            LegEvent::Ended { cause, .. } => self.ended(cause, now),
            LegEvent::Closed => {
                self.state = State::Closed;
                vec![FocusOutput::Closed]
            }
            _ => Vec::new(),
        }
    }

    /// A 200 with "failure" in it is a refusal too.
    fn answered(&mut self, response: &Message, now: Moment) -> Then {
        let refused = match Response::parse(&response.body).map(|response| response.outcome) {
            Ok(Outcome::Failure(why)) => Some(why),
            _ => None,
        };
        if let Some(why) = refused {
            let mut then = self.fail(403, format!("the conference refused: {why}"));
            then.extend(self.leg(LegInput::Order(invite::LegOrder::HangUp { headers: Vec::new() }), now));
            return then;
        }
        let Some(audio) = audio_of(&self.focus) else { return self.fail(500, "no focus".into()) };
        self.state = State::In;
        let mut then = vec![FocusOutput::Joined { focus: self.focus.clone(), audio }];
        let (subscriber, tokens) = (self.subscriber(), self.tokens.split());
        self.news = Some(Subscription::new(subscriber, package(), tokens));
        then.extend(self.news(SubscriptionInput::Wanted(true), now));
        then
    }

    fn made(&mut self, progress: Progress, now: Moment) -> Then {
        let answer = match progress {
            Progress::GoesOn(sent) => return says(sent),
            Progress::Failed => {
                return self.fail_closed(504, "the conference factory does not answer".into());
            }
            Progress::Answered(answer) => answer,
        };
        let status = answer.status().unwrap_or(500);
        match (status, Response::parse(&answer.body)) {
            (200..=299, Ok(Response { outcome: Outcome::Success, conference: Some(focus), .. })) => {
                self.focus = focus;
                self.join(now)
            }
            (_, Ok(Response { outcome: Outcome::Failure(why), .. })) => {
                self.fail_closed(503, format!("the conference factory refused: {why}"))
            }
            _ => {
                self.fail_closed(503, format!("the conference factory refused: {status} {}", answer.reason()))
            }
        }
    }

    fn fail_closed(&mut self, status: u16, words: String) -> Then {
        let mut then = self.fail(status, words);
        self.state = State::Closed;
        then.push(FocusOutput::Closed);
        then
    }

    fn fail(&mut self, status: u16, words: String) -> Then {
        self.state = State::Leaving;
        vec![FocusOutput::Failed { status, words }]
    }

    fn ended(&mut self, cause: EndCause, now: Moment) -> Then {
        let words = match (self.state, cause) {
            (State::Joining, _) => return self.fail(504, "the conference does not answer".into()),
            (State::In, EndCause::ByPeer) => "the conference is over, or has put this user out",
            (State::In, _) => "the conference cannot be reached any more",
            _ => return Vec::new(),
        };
        self.state = State::Leaving;
        let mut then = vec![FocusOutput::Over { words: words.into() }];
        then.extend(self.news(SubscriptionInput::Wanted(false), now));
        then
    }

    fn leave(&mut self, words: &str, now: Moment) -> Then {
        if matches!(self.state, State::Leaving | State::Closed) {
            return Vec::new();
        }
        self.factory = None;
        self.state = State::Leaving;
        let mut then = vec![FocusOutput::Over { words: words.to_owned() }];
        then.extend(self.news(SubscriptionInput::Wanted(false), now));
        then.extend(self.leg(LegInput::Order(invite::LegOrder::HangUp { headers: Vec::new() }), now));
        then
    }

    fn received(&mut self, message: Message, peer: Peer, now: Moment) -> Then {
        let of_news = |news: &Subscription| match message.is_request() {
            true => news.owns(&message),
            false => news.awaits(&message),
        };
        if self.news.as_ref().is_some_and(of_news) {
            let challenge = matches!(message.status(), Some(401 | 407));
            let mut then = if challenge { vec![FocusOutput::Doubted] } else { Vec::new() };
            let input = match (message.is_request(), challenge) {
                (true, _) => SubscriptionInput::Notified(message),
                (false, true) => SubscriptionInput::Challenged(message),
                (false, false) => SubscriptionInput::Received(message),
            };
            then.extend(self.news_from(input, Some(&peer), now));
            return then;
        }
        if self.factory.as_ref().is_some_and(|factory| factory.awaits(&message)) {
            let progress = service::answered(&mut self.factory, message, &mut self.tokens, now);
            return self.made(progress, now);
        }
        self.leg(LegInput::Received(message, peer), now)
    }

    fn transport_failed(&mut self, message: Message, now: Moment) -> Then {
        if self.factory.as_ref().is_some_and(|factory| factory.sent(&message)) {
            self.factory = None;
            return self.made(Progress::Failed, now);
        }
        match message.method() {
            Some(Method::Subscribe) => self.news(SubscriptionInput::TransportFailed, now),
            _ => self.leg(LegInput::TransportFailed(message), now),
        }
    }

    fn deadline_came(&mut self, now: Moment) -> Then {
        let due = |at: Option<Moment>| at.is_some_and(|at| at <= now);
        let mut then = Vec::new();
        if due(self.factory.as_ref().and_then(Service::deadline)) {
            let progress = service::deadline(&mut self.factory, now);
            then.extend(self.made(progress, now));
        }
        if due(self.news.as_ref().and_then(Machine::deadline)) {
            then.extend(self.news(SubscriptionInput::Deadline, now));
        }
        if due(self.leg.deadline()) {
            then.extend(self.leg(LegInput::Deadline, now));
        }
        then
    }
}

impl Machine for Focus {
    type Input = FocusInput;
    /// Nothing: the call that talks with the mixer is on disk and names the focus, which is joined anew.
    type Save = std::convert::Infallible;
    type Output = FocusOutput;
    type Refusal = FocusRefusal;

    fn handle(
        &mut self,
        input: FocusInput,
        now: Moment,
    ) -> Result<Ready<std::convert::Infallible, FocusOutput>, FocusRefusal> {
        let then = match input {
            FocusInput::Started => self.started(now),
            FocusInput::Received(message, peer) => self.received(message, peer, now),
            FocusInput::TransportFailed(message) => self.transport_failed(message, now),
            FocusInput::DialOut(callee) => self.dial_out(callee, now)?,
            FocusInput::Mute(uri, muted) => self.mute(&uri, muted, now)?,
            FocusInput::Remove(uri) => self.ask(&Command::DeleteUser { user: &uri }, None, now)?,
            FocusInput::Leave => self.leave("left", now),
            FocusInput::Deadline => self.deadline_came(now),
        };
        Ok(Ready::say(then))
    }

    fn deadline(&self) -> Option<Moment> {
        let factory = self.factory.as_ref().and_then(Service::deadline);
        let news = self.news.as_ref().and_then(Machine::deadline);
        [factory, news, self.leg.deadline()].into_iter().flatten().min()
    }
}

fn says(sent: Vec<ServicesOutput>) -> Then {
    let output = |output| match output {
        ServicesOutput::Send { request, to } => Some(FocusOutput::Send { message: request, to }),
        ServicesOutput::Doubted => Some(FocusOutput::Doubted),
        _ => None,
    };
    sent.into_iter().filter_map(output).collect()
}

#[cfg(test)]
mod tests;

//! Keeping the front end's forward and ours the same.
//!
//! ```text
//!  heard == ours ───────────────────────────────► agreed
//!  heard differs ── ours is as agreed ──────────► follow: the user changed it in a Lync client
//!                ├─ heard is as agreed ─────────► publish: the user changed it here
//!                └─ both changed, or never agreed ► follow; ours only where the front end has none
//! ```
//!
//! What was agreed last outlives a restart with whoever keeps it, so that a change made on either side while
//! the two did not see each other is found. One publication is under way at a time, with the version that the
//! server told. A 409 says which version is right: the forward is written into what was heard last, and sent
//! once more. A refusal is put into words and tried again after a while; the forward is then not agreed, so it
//! is ours to execute.

use std::time::Duration;

use super::{CATEGORY, CONTAINER, INSTANCE, NorthForward, RoutingRules};
use crate::lync::diagnostics;
use crate::lync::presence::{Expiry, Place, Publication, Versions, conflicts, document, recover};
use crate::lync::roaming::Roaming;
use crate::lync::xml::Element;
use crate::machine::{Machine, Ready};
use crate::sip::wire::Message;
use crate::timer::{Moment, TimerTable};

/// The wait after a refusal or silence.
const RETRY: Duration = Duration::from_secs(120);

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutingInput {
    /// Roaming-self told something; the first after a sign-in tells all.
    Heard(Box<Roaming>),
    /// Signed out.
    SignedOut,
    /// The user's forward as it is here, and what was agreed last.
    Ours {
        /// As it is here.
        ours: NorthForward,
        /// What was agreed; none: never anything.
        agreed: Option<NorthForward>,
    },
    /// The answer to the SERVICE under way.
    Answered(Message),
    /// No answer came, or it could not be sent.
    Failed,
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutingOutput {
    /// Send a SERVICE with this body, as for presence.
    Publish {
        /// The document.
        body: String,
    },
    /// This stands at the front end and is known to: what is the same here is the front end's to execute.
    Agreed(NorthForward),
    /// The user has changed it in a Lync client: this is the forward from now on, here too.
    Follow {
        /// To be set.
        forward: NorthForward,
        /// What it takes the place of; who has set something else meanwhile is not overruled.
        instead_of: NorthForward,
    },
    /// It does not work, in words for people; none when it works again.
    Trouble(Option<String>),
}

/// Why an input is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoutingRefusal {
    /// No SERVICE is under way.
    #[error("an answer, though no forward was published")]
    NothingAsked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// After a failure.
    Retry,
}

/// See the module.
#[derive(Debug)]
pub struct RoutingCategory {
    aor: String,
    /// None until somebody has told.
    ours: Option<NorthForward>,
    agreed: Option<NorthForward>,
    session: Option<Session>,
    timers: TimerTable<Timer>,
    trouble: Option<String>,
}

/// While signed in and told.
#[derive(Debug, Default)]
struct Session {
    rules: RoutingRules,
    versions: Versions,
    sent: Option<Sent>,
}

#[derive(Debug)]
struct Sent {
    forward: NorthForward,
    publication: Publication,
    /// It was sent after a 409 already.
    again: bool,
}

impl RoutingCategory {
    /// Of a user who is not signed in.
    pub fn new(aor: &str) -> Self {
        Self {
            aor: aor.to_owned(),
            ours: None,
            agreed: None,
            session: None,
            timers: TimerTable::default(),
            trouble: None,
        }
    }

    fn heard(&mut self, roaming: Roaming) {
        let session = self.session.get_or_insert_default();
        session.versions.merge(roaming.versions);
        if let Some(rules) = roaming.routing {
            session.rules = rules;
        }
    }

    fn answered(&mut self, answer: &Message, now: Moment) -> Result<Vec<RoutingOutput>, RoutingRefusal> {
        let session = self.session.as_mut().ok_or(RoutingRefusal::NothingAsked)?;
        let status = answer.status().unwrap_or(500);
        if status < 200 {
            return Ok(Vec::new());
        }
        let Sent { forward, publication, again } = session.sent.take().ok_or(RoutingRefusal::NothingAsked)?;
        match status {
            200..=299 => {
                session.accepted(&forward, &publication, answer, &self.aor);
                let mut then = self.set_trouble(None);
                then.extend(self.agree(forward));
                Ok(then)
            }
            409 if !again && session.learn(&publication, answer) => {
                Ok(vec![session.publish(forward, true, &self.aor)])
            }
            _ => {
                let words = diagnostics::words_of(answer).unwrap_or_default();
                let words =
                    format!("the front end refuses the forward: {status} {} {words}", answer.reason());
                Ok(self.failed(words.trim().to_owned(), now))
            }
        }
    }

    fn failed(&mut self, words: String, now: Moment) -> Vec<RoutingOutput> {
        if let Some(session) = &mut self.session {
            session.sent = None;
        }
        self.timers.set(Timer::Retry, now + RETRY);
        self.set_trouble(Some(words))
    }

    fn set_trouble(&mut self, trouble: Option<String>) -> Vec<RoutingOutput> {
        let changed = trouble != self.trouble;
        self.trouble = trouble.clone();
        changed.then_some(RoutingOutput::Trouble(trouble)).into_iter().collect()
    }

    fn agree(&mut self, forward: NorthForward) -> Option<RoutingOutput> {
        let before = self.agreed.replace(forward.clone());
        (before.as_ref() != Some(&forward)).then_some(RoutingOutput::Agreed(forward))
    }

    /// Compares what is here with what was heard; see the module.
    fn settle(&mut self) -> Option<RoutingOutput> {
        let session = self.session.as_mut().filter(|session| session.sent.is_none())?;
        let ours = self.ours.clone()?;
        let heard = session.rules.forward(&self.aor)?;
        let unchanged_here = self.agreed.as_ref() == Some(&ours);
        let unchanged_there = self.agreed.as_ref() == Some(&heard);
        let first = self.agreed.is_none() && heard == NorthForward::Off;
        if heard == ours {
            return self.agree(heard);
        }
        if unchanged_here || !(unchanged_there || first) {
            (self.ours, self.agreed) = (Some(heard.clone()), Some(heard.clone()));
            return Some(RoutingOutput::Follow { forward: heard, instead_of: ours });
        }
        if self.timers.runs(Timer::Retry) {
            return None;
        }
        Some(session.publish(ours, false, &self.aor))
    }

    fn take(&mut self, input: RoutingInput, now: Moment) -> Result<Vec<RoutingOutput>, RoutingRefusal> {
        match input {
            RoutingInput::Heard(roaming) => self.heard(*roaming),
            RoutingInput::SignedOut => {
                self.session = None;
                self.timers.stop(Timer::Retry);
            }
            RoutingInput::Ours { ours, agreed } => {
                // A new wish is tried at once.
                self.timers.stop(Timer::Retry);
                (self.ours, self.agreed) = (Some(ours), agreed);
            }
            RoutingInput::Answered(answer) => return self.answered(&answer, now),
            RoutingInput::Failed => {
                let asked = self.session.as_ref().is_some_and(|session| session.sent.is_some());
                let words = "the front end does not answer a forward";
                return asked.then(|| self.failed(words.into(), now)).ok_or(RoutingRefusal::NothingAsked);
            }
            RoutingInput::Deadline => while self.timers.pop_expired(now).is_some() {},
        }
        Ok(Vec::new())
    }
}

impl Session {
    fn publish(&mut self, forward: NorthForward, again: bool, aor: &str) -> RoutingOutput {
        let content = Some(self.rules.with(&forward, aor).document());
        let place = Place { category: CATEGORY.to_owned(), instance: INSTANCE, container: CONTAINER };
        let publication = Publication { place, expiry: Expiry::Static, content };
        let body = document(aor, std::slice::from_ref(&publication), &self.versions);
        self.sent = Some(Sent { forward, publication, again });
        RoutingOutput::Publish { body }
    }

    fn accepted(&mut self, forward: &NorthForward, sent: &Publication, answer: &Message, aor: &str) {
        let before = self.versions.of(&sent.place);
        let listed = Element::parse(&answer.body).map(|listed| self.versions.note_all(&listed));
        if listed.is_err() || self.versions.of(&sent.place) == before {
            self.versions.count_on(std::slice::from_ref(sent));
        }
        self.rules = self.rules.with(forward, aor);
    }

    fn learn(&mut self, sent: &Publication, answer: &Message) -> bool {
        let sent = std::slice::from_ref(sent);
        conflicts(&answer.body).is_ok_and(|conflicts| recover(&mut self.versions, sent, &conflicts))
    }
}

impl Machine for RoutingCategory {
    type Input = RoutingInput;
    /// What was agreed is kept by whoever keeps the user's forwards.
    type Save = std::convert::Infallible;
    type Output = RoutingOutput;
    type Refusal = RoutingRefusal;

    fn handle(&mut self, input: RoutingInput, now: Moment) -> Result<Effects, RoutingRefusal> {
        let mut then = self.take(input, now)?;
        then.extend(self.settle());
        Ok(Ready::say(then))
    }

    fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }
}

type Effects = Ready<std::convert::Infallible, RoutingOutput>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Method;

    const AOR: &str = "sip:anna@contoso.com";

    struct Bench {
        ours: RoutingCategory,
        now: Moment,
        published: Vec<String>,
        agreed: Vec<NorthForward>,
        followed: Vec<NorthForward>,
        trouble: Option<String>,
    }

    impl Bench {
        fn new(ours: NorthForward, agreed: Option<NorthForward>) -> Self {
            let mut bench = Self {
                ours: RoutingCategory::new(AOR),
                now: Moment::from_micros(1_700_000_000_000_000),
                published: Vec::new(),
                agreed: Vec::new(),
                followed: Vec::new(),
                trouble: None,
            };
            bench.give(RoutingInput::Ours { ours, agreed });
            bench
        }

        fn give(&mut self, input: RoutingInput) {
            for output in self.ours.handle(input, self.now).unwrap().then {
                match output {
                    RoutingOutput::Publish { body } => self.published.push(body),
                    RoutingOutput::Agreed(forward) => self.agreed.push(forward),
                    RoutingOutput::Follow { forward, .. } => self.followed.push(forward),
                    RoutingOutput::Trouble(words) => self.trouble = words,
                }
            }
        }

        fn hears(&mut self, version: u32, forward: &NorthForward) {
            let content = RoutingRules::default().with(forward, AOR).document();
            self.hears_document(version, &content);
        }

        fn hears_document(&mut self, version: u32, content: &str) {
            let body = format!(
                "<roamingData><categories><category name=\"routing\" instance=\"0\" container=\"0\" \
                 version=\"{version}\">{content}</category></categories></roamingData>"
            );
            self.give(RoutingInput::Heard(Box::new(Roaming::parse(body.as_bytes()).unwrap())));
        }

        fn answered(&mut self, status: u16, body: &str) {
            let request = Message::request(Method::from("SERVICE"), AOR);
            let mut answer = Message::response(&request, status, "Answer", Some("theirs"));
            answer.set_body("application/xml", body.to_owned());
            self.give(RoutingInput::Answered(answer));
        }
    }

    fn to(name: &str) -> NorthForward {
        NorthForward::Always(format!("sip:{name}@contoso.com"))
    }

    #[test]
    fn what_the_user_sets_here_is_published_and_then_agreed() {
        let mut bench = Bench::new(NorthForward::Off, Some(NorthForward::Off));
        bench.hears(3, &NorthForward::Off);
        assert!(bench.published.is_empty() && bench.agreed.is_empty(), "nothing is new");
        bench.give(RoutingInput::Ours { ours: to("bob"), agreed: Some(NorthForward::Off) });
        assert!(bench.published[0].contains(
            "categoryName=\"routing\" instance=\"0\" container=\"0\" version=\"3\" expireType=\"static\""
        ));
        assert!(bench.agreed.is_empty(), "not before it is answered");
        bench.answered(200, "");
        assert_eq!(bench.agreed, [to("bob")]);
        // The echo changes nothing.
        bench.hears(4, &to("bob"));
        assert_eq!((bench.agreed.len(), bench.published.len()), (1, 1));
        bench.give(RoutingInput::Ours { ours: NorthForward::Off, agreed: Some(to("bob")) });
        assert!(bench.published[1].contains("version=\"4\""), "{}", bench.published[1]);
    }

    #[test]
    fn what_the_user_sets_in_a_lync_client_is_followed() {
        let mut bench = Bench::new(to("bob"), Some(to("bob")));
        bench.hears(3, &to("bob"));
        assert!(bench.followed.is_empty());
        bench.hears(4, &to("carol"));
        bench.hears(5, &NorthForward::Off);
        assert_eq!(bench.followed, [to("carol"), NorthForward::Off]);
        assert!(bench.published.is_empty() && bench.agreed.is_empty());
    }

    #[test]
    fn a_change_made_while_the_two_did_not_see_each_other_is_found() {
        let meet = |ours, agreed, heard| {
            let mut bench = Bench::new(ours, agreed);
            bench.hears(3, &heard);
            (bench.published.len(), bench.followed)
        };
        let off = || NorthForward::Off;
        assert_eq!(meet(to("bob"), Some(off()), off()), (1, vec![]), "changed here");
        assert_eq!(meet(off(), Some(off()), to("bob")), (0, vec![to("bob")]), "changed there");
        assert_eq!(meet(to("bob"), Some(off()), to("carol")), (0, vec![to("carol")]), "both");
        assert_eq!(meet(to("bob"), None, off()), (1, vec![]), "never before, and none there");
        assert_eq!(
            meet(to("bob"), None, to("carol")),
            (0, vec![to("carol")]),
            "never before, and another one there"
        );
        assert_eq!(meet(to("bob"), Some(off()), to("bob")), (0, vec![]), "the same on both sides");
    }

    #[test]
    fn a_conflict_is_tried_once_more_with_what_was_heard_meanwhile() {
        let mut bench = Bench::new(to("bob"), Some(NorthForward::Off));
        bench.hears(3, &NorthForward::Off);
        let delegates = "<routing><preamble><flags name=\"clientflags\" value=\"delegate_ring\"/><list \
            name=\"delegates\"><target uri=\"sip:eve@contoso.com\"/></list></preamble></routing>";
        bench.hears_document(4, delegates);
        let fault =
            "<Fault><details><operation index=\"1\" version=\"3\" curVersion=\"4\"/></details></Fault>";
        bench.answered(409, fault);
        let sent = &bench.published[1];
        assert!(
            sent.contains("version=\"4\"") && sent.contains("sip:eve@") && sent.contains("sip:bob@"),
            "{sent}"
        );
        bench.answered(409, fault);
        assert_eq!(bench.published.len(), 2);
        assert!(bench.trouble.as_ref().is_some_and(|words| words.contains("409")));
        assert!(bench.agreed.is_empty(), "so it is ours to execute");
    }

    #[test]
    fn a_refusal_is_told_and_tried_again_and_a_new_wish_at_once() {
        let mut bench = Bench::new(to("bob"), Some(NorthForward::Off));
        bench.hears(3, &NorthForward::Off);
        bench.answered(403, "");
        assert!(bench.trouble.as_ref().is_some_and(|words| words.contains("403")));
        bench.now = bench.now + RETRY;
        bench.give(RoutingInput::Deadline);
        assert_eq!(bench.published.len(), 2);
        bench.give(RoutingInput::Failed);
        bench.give(RoutingInput::Ours { ours: to("carol"), agreed: Some(NorthForward::Off) });
        assert_eq!(bench.published.len(), 3);
        bench.answered(200, "");
        assert_eq!((bench.agreed.last(), &bench.trouble), (Some(&to("carol")), &None));
    }

    #[test]
    fn a_wish_that_comes_while_one_is_under_way_follows_it() {
        let mut bench = Bench::new(to("bob"), Some(NorthForward::Off));
        bench.hears(0, &NorthForward::Off);
        bench.give(RoutingInput::Ours { ours: to("carol"), agreed: Some(NorthForward::Off) });
        assert_eq!(bench.published.len(), 1);
        bench.answered(200, "");
        assert!(bench.published[1].contains("sip:carol@"), "{:?}", bench.published);
        bench.answered(200, "");
        assert_eq!(bench.agreed, [to("bob"), to("carol")]);
        assert!(bench.followed.is_empty());
    }
}

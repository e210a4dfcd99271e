//! The forward that the front end executes, and what roaming-self tells of the user's lines and delegates.

use crate::lync::roaming::Roaming;
use crate::lync::routing::{RoutingCategory, RoutingInput, RoutingOutput};
use crate::machine::Machine;
use crate::timer::Moment;

use super::service::{Content, Progress, Service};
use super::{EndpointServices, ServicesOutput};

/// The forward, and what was told besides.
#[derive(Debug)]
pub(super) struct Keeping {
    category: RoutingCategory,
    /// Whom the user has made delegates, and whom the front end rings in his stead.
    named: Vec<String>,
    ringing: Vec<String>,
    private: Option<String>,
    told: Option<(Vec<String>, Option<String>)>,
}

impl Keeping {
    pub fn new(aor: &str) -> Self {
        Self {
            category: RoutingCategory::new(aor),
            named: Vec::new(),
            ringing: Vec::new(),
            private: None,
            told: None,
        }
    }

    pub fn deadline(&self) -> Option<Moment> {
        self.category.deadline()
    }
}

impl EndpointServices {
    pub(super) fn forward(&mut self, input: RoutingInput, now: Moment) -> Vec<ServicesOutput> {
        let Ok(ready) = self.forward.category.handle(input, now) else { return Vec::new() };
        let mut then = Vec::new();
        for output in ready.then {
            match (output, &mut self.here) {
                (RoutingOutput::Publish { body }, Some(here)) => {
                    let (to, aor) = (here.proxy.clone(), self.account.aor.clone());
                    let what = Content::Publication(body);
                    let (service, sent) =
                        Service::begin((&self.account, &aor, to), what, &mut self.tokens, now);
                    here.routing = Some(service);
                    then.extend(sent);
                }
                (RoutingOutput::Publish { .. }, None) => {}
                (RoutingOutput::Agreed(forward), _) => then.push(ServicesOutput::ForwardAgreed(forward)),
                (RoutingOutput::Follow { forward, instead_of }, _) => {
                    then.push(ServicesOutput::FollowForward { forward, instead_of });
                }
                (RoutingOutput::Trouble(words), _) => self.notes.forward = words,
            }
        }
        then
    }

    pub(super) fn forward_answered(&mut self, progress: Progress, now: Moment) -> Vec<ServicesOutput> {
        match progress {
            Progress::GoesOn(then) => then,
            Progress::Answered(answer) => self.forward(RoutingInput::Answered(*answer), now),
            Progress::Failed => self.forward(RoutingInput::Failed, now),
        }
    }

    /// Says who are the user's delegates, and his private number, when that is new.
    pub(super) fn lines_told(&mut self, roaming: &Roaming) -> Option<ServicesOutput> {
        let keeping = &mut self.forward;
        if let Some(named) = &roaming.delegates {
            keeping.named.clone_from(named);
        }
        if let Some(rules) = &roaming.routing {
            keeping.ringing = rules.delegates().map(str::to_owned).collect();
        }
        if !roaming.lines.is_empty() {
            let private = roaming.lines.iter().find(|line| line.is_private);
            keeping.private = private.map(|line| line.uri.clone());
        }
        let told = (keeping.named.iter().chain(&keeping.ringing).cloned().collect(), keeping.private.clone());
        if keeping.told.as_ref() == Some(&told) {
            return None;
        }
        keeping.told = Some(told.clone());
        Some(ServicesOutput::Lines { delegates: told.0, private: told.1 })
    }
}

//! The node's credentials for the media relay, kept by one endpoint: asked for when the pool has told where,
//! again before they end, and again after a failure.

use std::time::Duration;

use super::service::{self, Content, Progress, Service};
use super::{EndpointServices, ServicesOutput};
use crate::lync::mras::{self, Granted};
use crate::timer::Moment;

/// From a failure to the next try.
const AGAIN: Duration = Duration::from_secs(60);
/// Between two answers of MRAS whose credentials a relay refuses: it and the relay may not agree on anything.
const FRESH: Duration = Duration::from_secs(10);

/// What an endpoint knows of relays while it is signed in.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// Whether it is for this endpoint to ask.
    wanted: bool,
    /// Whom to ask, as the pool has told.
    mras: Option<String>,
    /// When to ask next.
    due: Option<Moment>,
    /// When the last ones came.
    granted: Option<Moment>,
    /// The request under way.
    pub(super) service: Option<Service>,
}

impl Keeping {
    pub(super) fn deadline(&self) -> Option<Moment> {
        let due = self.due.filter(|_| self.wanted && self.mras.is_some() && self.service.is_none());
        due.into_iter().chain(self.service.as_ref().and_then(Service::deadline)).min()
    }
}

impl EndpointServices {
    /// The node wants them from this endpoint.
    pub(super) fn relay_wanted(&mut self, now: Moment) -> Vec<ServicesOutput> {
        let Some(here) = &mut self.here else { return Vec::new() };
        here.relay.wanted = true;
        here.relay.due.get_or_insert(now);
        self.relay_due(now)
    }

    /// A relay refuses them before their end: they are asked for anew now, and not when they would have ended.
    pub(super) fn relay_refused(&mut self, now: Moment) -> Vec<ServicesOutput> {
        let Some(here) = &mut self.here else { return Vec::new() };
        if here.relay.service.is_none() {
            let soonest = here.relay.granted.map_or(now, |granted| now.max(granted + FRESH));
            here.relay.due = Some(here.relay.due.map_or(soonest, |due| due.min(soonest)));
        }
        self.relay_due(now)
    }

    /// The pool has told where they are asked for.
    pub(super) fn relay_known(&mut self, mras: Option<&str>, now: Moment) -> Vec<ServicesOutput> {
        let Some(here) = &mut self.here else { return Vec::new() };
        here.relay.mras = mras.map(str::to_owned);
        self.relay_due(now)
    }

    /// Asks, if it is time.
    pub(super) fn relay_due(&mut self, now: Moment) -> Vec<ServicesOutput> {
        let Some(here) = &mut self.here else { return Vec::new() };
        if here.relay.service.is_some() {
            let progress = service::deadline(&mut here.relay.service, now);
            return self.relay_answered(progress, now);
        }
        let due = here.relay.wanted && here.relay.due.is_some_and(|due| due <= now);
        let Some(mras) = here.relay.mras.clone().filter(|_| due) else { return Vec::new() };
        let number = self.tokens.number() as u32 >> 1;
        let body = mras::request(&self.account.aor, &mras, number);
        let to = here.proxy.clone();
        let asked = (&self.account, mras.as_str(), to);
        let (service, sent) = Service::begin(asked, Content::WantsRelay(body), &mut self.tokens, now);
        (here.relay.service, here.relay.due) = (Some(service), None);
        sent
    }

    pub(super) fn relay_answered(&mut self, progress: Progress, now: Moment) -> Vec<ServicesOutput> {
        let read = match progress {
            Progress::GoesOn(then) => return then,
            Progress::Failed => Err("it was not answered".to_owned()),
            Progress::Answered(answer) => match answer.status() {
                Some(200..=299) => Granted::parse(&answer.body).map_err(|fault| fault.to_string()),
                status => Err(format!("{} {}", status.unwrap_or(0), answer.reason())),
            },
        };
        let Some(here) = &mut self.here else { return Vec::new() };
        match read {
            Ok(granted) => {
                (here.relay.due, here.relay.granted) = (Some(now + granted.renew_after()), Some(now));
                self.notes.relay = None;
                vec![ServicesOutput::Relay(Box::new(granted))]
            }
            Err(why) => {
                here.relay.due = Some(now + AGAIN);
                self.notes.relay = Some(format!("no credentials for the media relay: {why}"));
                Vec::new()
            }
        }
    }
}

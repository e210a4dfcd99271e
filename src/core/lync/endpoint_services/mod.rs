//! What a signed-in endpoint has at its front end besides calls: provisioning, roaming-self, the location
//! profile, presence.
//!
//! ```text
//!  signed in ─┬─► SUBSCRIBE provisioning-v2, once ──► pool's URI ──► SERVICE: location profile, if wanted
//!             │                                       └─► SERVICE: relay credentials, if wanted, and again
//!             └─► SUBSCRIBE roaming-self ──► versions ──► presence: SERVICE publications, one at a time
//!                                          └► routing: the forward, likewise
//!  signed out: all of it is over; the next sign-in begins anew
//! ```
//!
//! Nothing here keeps a user from calling. What fails is put into words ([`ServicesOutput::Notes`]) and
//! tried again by the part that failed. Everything sent leaves by the user's line, which signs it; a
//! challenge means that the front end has forgotten the keys ([`ServicesOutput::Doubted`]), and what was
//! challenged is sent again and waits there for new ones.
//!
//! Certainty: how a location profile is asked for is not public in detail; the form here is inferred.

mod forward;
mod package;
mod relay;
pub(in crate::lync) mod service;
mod words;

use crate::id::Tokens;
use crate::machine::{Machine, Ready};
use crate::pii::Pii;
use crate::sip::Destination;
use crate::sip::digest::Credentials;
use crate::sip::subscription::{Standing, Subscriber, Subscription, SubscriptionInput, SubscriptionOutput};
use crate::sip::wire::{HeaderName, Message, Text};
use crate::timer::Moment;

use super::location_profile::LocationProfile;
use super::presence::{Presence, PresenceInput, PresenceOutput};
use super::provisioning::Provisioning;
use super::roaming::{self, Roaming};
use super::routing::RoutingInput;

use package::{provisioning_v2, roaming_self};
pub(in crate::lync) use service::{Content, Progress, Service};
pub use words::{ServicesAccount, ServicesInput, ServicesOutput, ServicesRefusal};

/// See the module.
#[derive(Debug)]
pub struct EndpointServices {
    account: ServicesAccount,
    presence: Presence,
    forward: forward::Keeping,
    here: Option<Here>,
    notes: Notes,
    tokens: Tokens,
}

/// While signed in.
#[derive(Debug)]
struct Here {
    gruu: String,
    proxy: Destination,
    roaming: Subscription,
    provisioning: Subscription,
    wants_profile: bool,
    /// Whether publishing has begun.
    ready: bool,
    publication: Option<Service>,
    /// Of the forward.
    routing: Option<Service>,
    profile: Option<Service>,
    relay: relay::Keeping,
}

/// Words by the part they are about.
#[derive(Debug, Default, PartialEq, Eq)]
struct Notes {
    presence: Option<String>,
    forward: Option<String>,
    roaming: Option<String>,
    profile: Option<String>,
    relay: Option<String>,
    told: Vec<String>,
}

/// Which of the two subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Roaming,
    Provisioning,
}

impl EndpointServices {
    /// Of an endpoint that is not signed in yet.
    pub fn new(account: ServicesAccount, tokens: Tokens) -> Self {
        let presence = Presence::new(&account.aor, account.instance, account.times);
        let forward = forward::Keeping::new(&account.aor);
        Self { account, presence, forward, here: None, notes: Notes::default(), tokens }
    }

    fn signed_in(&mut self, here: (String, Destination, bool, bool), now: Moment) -> Vec<ServicesOutput> {
        let mut then = self.signed_out(now);
        let (gruu, proxy, limited, wants_profile) = here;
        if limited {
            return then;
        }
        let subscriber = self.subscriber(&gruu, &proxy);
        let roaming = Subscription::new(subscriber.clone(), roaming_self(), self.tokens.split());
        let provisioning = Subscription::new(subscriber, provisioning_v2(), self.tokens.split());
        self.here = Some(Here {
            gruu,
            proxy,
            roaming,
            provisioning,
            wants_profile,
            ready: false,
            publication: None,
            routing: None,
            profile: None,
            relay: relay::Keeping::default(),
        });
        then.extend(self.subscription(Which::Provisioning, SubscriptionInput::Wanted(true), now));
        then.extend(self.subscription(Which::Roaming, SubscriptionInput::Wanted(true), now));
        then
    }

    fn signed_out(&mut self, now: Moment) -> Vec<ServicesOutput> {
        self.here = None;
        self.notes = Notes { told: std::mem::take(&mut self.notes.told), ..Notes::default() };
        let mut then = self.presence(PresenceInput::SignedOut, now);
        then.extend(self.forward(RoutingInput::SignedOut, now));
        then
    }

    fn subscriber(&self, gruu: &str, proxy: &Destination) -> Subscriber {
        let ServicesAccount { owner, aor, sent_by, user_agent, .. } = &self.account;
        Subscriber {
            owner: *owner,
            aor: aor.clone(),
            target: aor.clone(),
            contact: gruu.to_owned(),
            contact_params: String::new(),
            sent_by: sent_by.clone(),
            // Never asked for: the line signs.
            credentials: Credentials { username: String::new(), password: Pii(String::new()) },
            user_agent: user_agent.clone(),
            route: Vec::new(),
            proxy: proxy.clone(),
        }
    }

    /// Gives one of the two subscriptions an input, and reads what comes out.
    fn subscription(&mut self, which: Which, input: SubscriptionInput, now: Moment) -> Vec<ServicesOutput> {
        let Some(here) = &mut self.here else { return Vec::new() };
        let subscription = match which {
            Which::Roaming => &mut here.roaming,
            Which::Provisioning => &mut here.provisioning,
        };
        let Ok(ready) = subscription.handle(input, now) else { return Vec::new() };
        let mut then = Vec::new();
        for output in ready.then {
            match output {
                SubscriptionOutput::Send { request, to } => then.push(ServicesOutput::Send { request, to }),
                SubscriptionOutput::Answer(answer) => then.push(ServicesOutput::Answer(answer)),
                SubscriptionOutput::Notified(news) => then.extend(self.heard(which, &news, now)),
                SubscriptionOutput::Changed(status) if which == Which::Roaming => {
                    let fails = matches!(status.standing, Standing::Refused | Standing::Failing);
                    self.notes.roaming = fails
                        .then(|| format!("no presence: the subscription to roaming-self {}", status.cause));
                }
                SubscriptionOutput::Changed(_) => {}
            }
        }
        then
    }

    /// A document that cannot be read changes nothing.
    fn heard(&mut self, which: Which, news: &Message, now: Moment) -> Vec<ServicesOutput> {
        if news.body.is_empty() {
            return Vec::new();
        }
        match which {
            Which::Roaming => Roaming::parse(&news.body).map(|roaming| self.roaming_told(roaming, now)),
            Which::Provisioning => Provisioning::parse(&news.body).map(|told| self.provisioned(told, now)),
        }
        .unwrap_or_default()
    }

    fn roaming_told(&mut self, roaming: Roaming, now: Moment) -> Vec<ServicesOutput> {
        let mut then: Vec<_> = roaming.waiting.map(ServicesOutput::Waiting).into_iter().collect();
        then.extend(self.lines_told(&roaming));
        then.extend(self.forward(RoutingInput::Heard(Box::new(roaming.clone())), now));
        let publishes = self.account.publishes;
        let Some(here) = &mut self.here else { return then };
        let first = !std::mem::replace(&mut here.ready, true);
        let gruu = here.gruu.clone();
        let input = match first {
            true => PresenceInput::Ready { gruu, roaming: Box::new(roaming) },
            false => PresenceInput::Roaming(Box::new(roaming)),
        };
        if publishes {
            then.extend(self.presence(input, now));
        }
        then
    }

    fn provisioned(&mut self, told: Provisioning, now: Moment) -> Vec<ServicesOutput> {
        let mut then = Vec::new();
        if let (Some(here), Some(pool)) = (&mut self.here, &told.pool_uri)
            && std::mem::take(&mut here.wants_profile)
            && here.profile.is_none()
        {
            let to = here.proxy.clone();
            let (service, sent) =
                Service::begin((&self.account, pool, to), Content::WantsProfile, &mut self.tokens, now);
            here.profile = Some(service);
            then.extend(sent);
        }
        then.extend(self.relay_known(told.mras_uri.as_deref(), now));
        then.push(ServicesOutput::Provisioned(Box::new(told)));
        then
    }

    fn presence(&mut self, input: PresenceInput, now: Moment) -> Vec<ServicesOutput> {
        let Ok(ready) = self.presence.handle(input, now) else { return Vec::new() };
        let mut then = Vec::new();
        for output in ready.then {
            match (output, &mut self.here) {
                (PresenceOutput::Publish { body }, Some(here)) => {
                    let to = here.proxy.clone();
                    let aor = self.account.aor.clone();
                    let (service, sent) = Service::begin(
                        (&self.account, &aor, to),
                        Content::Publication(body),
                        &mut self.tokens,
                        now,
                    );
                    here.publication = Some(service);
                    then.extend(sent);
                }
                (PresenceOutput::Publish { .. }, None) => {}
                (PresenceOutput::Trouble(words), _) => self.notes.presence = words,
            }
        }
        then
    }

    fn received(&mut self, answer: Message, now: Moment) -> Result<Vec<ServicesOutput>, ServicesRefusal> {
        let here = self.here.as_mut().ok_or(ServicesRefusal::NotOurs)?;
        let which = match () {
            () if here.roaming.awaits(&answer) => Some(Which::Roaming),
            () if here.provisioning.awaits(&answer) => Some(Which::Provisioning),
            () => None,
        };
        if let Some(which) = which {
            return Ok(self.subscription_answered(which, answer, now));
        }
        let of = |service: &Option<Service>| service.as_ref().is_some_and(|service| service.awaits(&answer));
        if of(&here.publication) {
            let progress = service::answered(&mut here.publication, answer, &mut self.tokens, now);
            return Ok(self.published(progress, now));
        }
        if of(&here.routing) {
            let progress = service::answered(&mut here.routing, answer, &mut self.tokens, now);
            return Ok(self.forward_answered(progress, now));
        }
        if of(&here.profile) {
            let progress = service::answered(&mut here.profile, answer, &mut self.tokens, now);
            return Ok(self.profiled(progress));
        }
        if of(&here.relay.service) {
            let progress = service::answered(&mut here.relay.service, answer, &mut self.tokens, now);
            return Ok(self.relay_answered(progress, now));
        }
        Err(ServicesRefusal::NotOurs)
    }

    fn subscription_answered(&mut self, which: Which, answer: Message, now: Moment) -> Vec<ServicesOutput> {
        match answer.status() {
            Some(401 | 407) => {
                let mut then = vec![ServicesOutput::Doubted];
                then.extend(self.subscription(which, SubscriptionInput::Challenged(answer), now));
                then
            }
            _ => self.subscription(which, SubscriptionInput::Received(answer), now),
        }
    }

    fn published(&mut self, progress: Progress, now: Moment) -> Vec<ServicesOutput> {
        match progress {
            Progress::GoesOn(then) => then,
            Progress::Answered(answer) => self.presence(PresenceInput::Answered(*answer), now),
            Progress::Failed => self.presence(PresenceInput::Failed, now),
        }
    }

    fn profiled(&mut self, progress: Progress) -> Vec<ServicesOutput> {
        let read = match progress {
            Progress::GoesOn(then) => return then,
            Progress::Failed => Err("it was not answered".to_owned()),
            Progress::Answered(answer) => match answer.status() {
                Some(200..=299) => LocationProfile::parse(&answer.body).map_err(|fault| fault.to_string()),
                status => Err(format!("{} {}", status.unwrap_or(0), answer.reason())),
            },
        };
        match read {
            Ok(profile) => vec![ServicesOutput::LocationProfile(Box::new(profile))],
            Err(why) => {
                self.notes.profile = Some(format!("no dial plan of the pool: {why}"));
                Vec::new()
            }
        }
    }

    fn notified(&mut self, news: Message, now: Moment) -> Result<Vec<ServicesOutput>, ServicesRefusal> {
        let here = self.here.as_ref().ok_or(ServicesRefusal::NotOurs)?;
        let which = match () {
            () if here.roaming.owns(&news) => Which::Roaming,
            () if here.provisioning.owns(&news) => Which::Provisioning,
            () => return Err(ServicesRefusal::NotOurs),
        };
        Ok(self.subscription(which, SubscriptionInput::Notified(news), now))
    }

    fn transport_failed(&mut self, failed: &Message, now: Moment) -> Vec<ServicesOutput> {
        let Some(here) = &mut self.here else { return Vec::new() };
        let is_of = |service: &Option<Service>| service.as_ref().is_some_and(|service| service.sent(failed));
        if is_of(&here.publication) {
            here.publication = None;
            return self.presence(PresenceInput::Failed, now);
        }
        if is_of(&here.routing) {
            here.routing = None;
            return self.forward_answered(Progress::Failed, now);
        }
        if is_of(&here.profile) {
            here.profile = None;
            return self.profiled(Progress::Failed);
        }
        if is_of(&here.relay.service) {
            here.relay.service = None;
            return self.relay_answered(Progress::Failed, now);
        }
        // One of the two; the other has nothing under way or finds that it is not its own.
        let event = failed.header(&HeaderName::Event).map_or("", Text::as_str);
        let which = if event == roaming::EVENT { Which::Roaming } else { Which::Provisioning };
        self.subscription(which, SubscriptionInput::TransportFailed, now)
    }

    fn deadline_came(&mut self, now: Moment) -> Vec<ServicesOutput> {
        let mut then = self.presence(PresenceInput::Deadline, now);
        then.extend(self.subscription(Which::Roaming, SubscriptionInput::Deadline, now));
        then.extend(self.subscription(Which::Provisioning, SubscriptionInput::Deadline, now));
        then.extend(self.forward(RoutingInput::Deadline, now));
        if let Some(here) = &mut self.here {
            let publication = service::deadline(&mut here.publication, now);
            let routing = service::deadline(&mut here.routing, now);
            let profile = service::deadline(&mut here.profile, now);
            then.extend(self.published(publication, now));
            then.extend(self.forward_answered(routing, now));
            then.extend(self.profiled(profile));
        }
        then.extend(self.relay_due(now));
        then
    }

    /// Says what people should know when it has changed.
    fn tell(&mut self, then: &mut Vec<ServicesOutput>) {
        let Notes { presence, forward, roaming, profile, relay, .. } = &self.notes;
        let notes = [presence, forward, roaming, profile, relay];
        let notes: Vec<_> = notes.into_iter().flatten().cloned().collect();
        if notes != self.notes.told {
            self.notes.told = notes.clone();
            then.push(ServicesOutput::Notes(notes));
        }
    }
}

impl Machine for EndpointServices {
    type Input = ServicesInput;
    /// Nothing outlives a restart: the user signs in anew.
    type Save = std::convert::Infallible;
    type Output = ServicesOutput;
    type Refusal = ServicesRefusal;

    fn handle(&mut self, input: ServicesInput, now: Moment) -> Result<Effects, ServicesRefusal> {
        let mut then = match input {
            ServicesInput::SignedIn { gruu, proxy, limited, wants_profile } => {
                self.signed_in((gruu, proxy, limited, wants_profile), now)
            }
            ServicesInput::SignedOut => self.signed_out(now),
            ServicesInput::WantsRelay => self.relay_wanted(now),
            ServicesInput::RelayRefused => self.relay_refused(now),
            ServicesInput::Received(answer) => self.received(answer, now)?,
            ServicesInput::Notified(news) => self.notified(news, now)?,
            ServicesInput::TransportFailed(failed) => self.transport_failed(&failed, now),
            ServicesInput::Used => self.presence(PresenceInput::Used, now),
            ServicesInput::Calls(calls) => self.presence(PresenceInput::Calls(calls), now),
            ServicesInput::DoNotDisturb(on) => self.presence(PresenceInput::DoNotDisturb(on), now),
            ServicesInput::Forward { ours, agreed } => self.forward(RoutingInput::Ours { ours, agreed }, now),
            ServicesInput::OutOfRange(out) => self.presence(PresenceInput::OutOfRange(out), now),
            ServicesInput::Deadline => self.deadline_came(now),
        };
        self.tell(&mut then);
        Ok(Ready::say(then))
    }

    fn deadline(&self) -> Option<Moment> {
        let here = self.here.as_ref();
        let services =
            here.into_iter().flat_map(|here| [&here.publication, &here.routing, &here.profile]).flatten();
        let subscriptions = here.into_iter().flat_map(|here| [&here.roaming, &here.provisioning]);
        let services = services.filter_map(Service::deadline);
        let relay = here.and_then(|here| here.relay.deadline());
        let services = services.chain(subscriptions.filter_map(Machine::deadline)).chain(relay);
        services.chain(self.presence.deadline()).chain(self.forward.deadline()).min()
    }
}

type Effects = Ready<std::convert::Infallible, ServicesOutput>;

#[cfg(test)]
mod tests;

//! A phone: one user on an endpoint, who dials, answers and speaks. Emulated handsets and the far-end
//! users of the front end are both phones.

mod attend;
mod behaviour;
pub mod conversation;
mod hold;
mod live;
mod pairs;
mod place;
pub mod registration;
mod report;
mod serve;
mod talk;
mod wishes;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ezk_sip_types::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

pub use behaviour::Behaviour;
pub use live::{Key, LiveCall, Progress};
pub use place::{CallScript, Dial};
pub use report::{CallReport, Direction, Ended, Outcome};
pub use wishes::Wish;

use crate::media::sdp::Audio;
use crate::media::{Codec, Protection, Seat, Stream, Traits, Voice};
use crate::sip::endpoint::locked;
use crate::sip::{Credentials, Endpoint, Failure, Hop, Incoming};

/// What this phone can be asked for.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, INFO, UPDATE";
/// Reports that a slow listener may lag behind.
const REPORTS: usize = 256;
/// A call that nobody ends is ended.
pub const LONGEST_CALL: Duration = Duration::from_secs(3_600);
/// A phone that nobody answers gives up.
pub const LONGEST_RINGING: Duration = Duration::from_secs(180);

/// Who a phone is.
#[derive(Debug, Clone)]
pub struct PhoneConfig {
    /// User part of its address of record.
    pub user: String,
    /// Shown with calls; may be empty.
    pub display_name: String,
    /// Host part of its address of record.
    pub domain: String,
    /// What it answers challenges with.
    pub credentials: Option<Credentials>,
    /// Its User-Agent.
    pub product: String,
    /// The voice it speaks with.
    pub voice: Voice,
    /// The address of its RTP ports; none: it stays silent, with a port that only looks like one.
    pub sound: Option<IpAddr>,
    /// What it speaks, preferred first.
    pub codecs: Vec<Codec>,
    /// How it feels about SRTP. A phone without sound has none.
    pub protection: Protection,
    /// What a Lync end says of media besides.
    pub traits: Traits,
    /// Calls at once; further ones are answered 486.
    pub lines: usize,
    /// From of its requests, without a tag; none: its display name and address of record.
    pub identity: Option<String>,
    /// Its Contact's URI, or the whole Contact when it begins with `<`; none: where it listens.
    pub contact: Option<String>,
    /// More headers of its INVITEs.
    pub headers: Vec<(String, String)>,
    /// Whether each of its INVITEs begins a conversation (`Ms-Conversation-ID`).
    pub conversations: bool,
    /// A place at a mixer's table: its calls bring their sound there, and take what is said there; none: it
    /// speaks with its own voice.
    pub seat: Option<Seat>,
}

impl PhoneConfig {
    /// A phone with one line and both codecs, on the loopback address.
    pub fn new(user: impl Into<String>, domain: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            display_name: String::new(),
            domain: domain.into(),
            credentials: None,
            product: format!("kirkwall-lab/{}", env!("CARGO_PKG_VERSION")),
            voice: Voice::new(0),
            sound: Some(IpAddr::from([127, 0, 0, 1])),
            codecs: vec![Codec::Pcma, Codec::Pcmu],
            protection: Protection::Off,
            traits: Traits::default(),
            lines: 1,
            identity: None,
            contact: None,
            headers: Vec::new(),
            conversations: false,
            seat: None,
        }
    }

    /// The address of record.
    pub fn aor(&self) -> String {
        format!("sip:{}@{}", self.user, self.domain)
    }
}

/// See the module. Cheap to clone; all clones are one phone.
#[derive(Clone)]
pub struct Phone(Arc<Shared>);

struct Shared {
    config: PhoneConfig,
    endpoint: Endpoint,
    behaviour: Mutex<Behaviour>,
    lines: Arc<Semaphore>,
    reports: broadcast::Sender<CallReport>,
    calls: Mutex<live::Calls>,
    newest: watch::Sender<Option<LiveCall>>,
}

impl Phone {
    /// A phone on an endpoint. The endpoint's owner hands requests for it to [`Self::handle`].
    pub fn new(endpoint: Endpoint, config: PhoneConfig, behaviour: Behaviour) -> Self {
        let lines = Arc::new(Semaphore::new(config.lines));
        let reports = broadcast::Sender::new(REPORTS);
        let (behaviour, calls) = (Mutex::new(behaviour), Mutex::default());
        let newest = watch::Sender::new(None);
        Self(Arc::new(Shared { config, endpoint, behaviour, lines, reports, calls, newest }))
    }

    /// Who it is.
    pub fn config(&self) -> &PhoneConfig {
        &self.0.config
    }

    /// How it takes calls from now on.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        *locked(&self.0.behaviour) = behaviour;
    }

    /// Whether every line is free.
    pub fn is_idle(&self) -> bool {
        self.0.lines.available_permits() >= self.0.config.lines
    }

    /// It has so many lines more from now on.
    pub fn add_lines(&self, more: usize) {
        self.0.lines.add_permits(more);
    }

    /// Reports of calls that it takes, from now on. Who lags behind by more than 256 loses the oldest.
    pub fn served_calls(&self) -> broadcast::Receiver<CallReport> {
        self.0.reports.subscribe()
    }

    /// A report of a call that was not placed, with the reason.
    pub fn no_call(&self, to: &str, why: &str) -> CallReport {
        let mut report = CallReport::new(Direction::Placed, to.to_owned(), String::new());
        report.outcome = Outcome::Failed { why: why.to_owned() };
        self.never_began(&report);
        report
    }

    /// Takes a request that is addressed to this phone. Calls run on as tasks of the endpoint.
    pub async fn handle(&self, incoming: Incoming) {
        self.handle_holding(incoming, None).await;
    }

    /// The same; a call holds `channel` to its end.
    pub async fn handle_holding(&self, incoming: Incoming, channel: Option<OwnedSemaphorePermit>) {
        let Incoming { request, hop, server } = incoming;
        // An ACK without a dialog has nobody to go to.
        let Some(server) = server else { return };
        let in_dialog = request.tag("To").is_some();
        match request.method() {
            _ if in_dialog => server.send(server.reply(481, "Call/Transaction Does Not Exist")).await,
            Some(&Method::INVITE) => {
                let phone = self.clone();
                self.0.endpoint.spawn(async move {
                    phone.serve(request, hop, server).await;
                    drop(channel);
                });
            }
            Some(&Method::OPTIONS | &Method::NOTIFY | &Method::MESSAGE) => {
                let mut ok = server.reply(200, "OK");
                ok.push("Allow", ALLOW);
                server.send(ok).await;
            }
            _ => {
                let mut refusal = server.reply(405, "Method Not Allowed");
                refusal.push("Allow", ALLOW);
                server.send(refusal).await;
            }
        }
    }

    /// Its Contact as the other end of `hop` can reach it.
    fn contact(&self, hop: &Hop) -> Result<String, Failure> {
        if let Some(uri) = &self.0.config.contact {
            return Ok(if uri.starts_with('<') { uri.clone() } else { format!("<{uri}>") });
        }
        let address = self.0.endpoint.local_address(hop).ok_or(Failure::Stopped)?;
        Ok(format!("<sip:{}@{address};transport={}>", self.0.config.user, hop.transport))
    }

    /// From of its requests, without a tag.
    fn identity(&self) -> String {
        if let Some(identity) = &self.0.config.identity {
            return identity.clone();
        }
        let (name, aor) = (&self.0.config.display_name, self.0.config.aor());
        if name.is_empty() {
            return format!("<{aor}>");
        }
        format!("\"{}\" <{aor}>", name.replace(['"', '\\'], ""))
    }

    /// Its answer to an offer; none when it does not fit.
    fn answer_to(&self, theirs: &Audio, ours: &Audio, stream: Option<&Stream>) -> Option<Audio> {
        let config = &self.0.config;
        let protection = stream.map_or(Protection::Off, |_| config.protection);
        let answer = theirs.answer(ours.address, &config.codecs, protection, stream.map(Stream::key));
        let ice = self.ice_answer(theirs, stream);
        let answer = answer.map(|answer| Audio { ice, ..answer.in_the_manner_of(&config.traits) })?;
        // A mediation server whose gateway is at the caller's place answers with the gateway's description.
        let here = theirs.place.clone().filter(|place| Some(place) == config.traits.gateway_at.as_ref());
        Some(match here {
            Some(place) => Audio { ice: None, place: Some(place), ..answer },
            None => answer,
        })
    }

    /// Speaks where their SDP wants it, in our first common codec, with SRTP when both sides have keys. Who
    /// requires SRTP speaks to nobody without.
    fn speak_to(&self, stream: Option<&Stream>, theirs: &Audio) {
        let (config, Some(stream)) = (&self.0.config, stream) else { return };
        let codec = theirs.codecs.iter().copied().find(|codec| config.codecs.contains(codec));
        let keys = theirs.crypto.clone().filter(|_| config.protection != Protection::Off);
        let wanted = theirs.receives && theirs.address.port() != 0 && !theirs.address.ip().is_unspecified();
        let wanted = wanted && (keys.is_some() || config.protection != Protection::Required);
        stream.protect(keys);
        stream.hiss(theirs.comfort_noise && config.traits.comfort_noise);
        stream.speak_to(codec.filter(|_| wanted).map(|codec| (theirs.address, codec)));
    }

    fn take_line(&self) -> Option<OwnedSemaphorePermit> {
        self.0.lines.clone().try_acquire_owned().ok()
    }
}

//! A SUBSCRIBE as the notifier reads it (RFC 6665 §4.2.1): a new subscription, a refresh, an end, or a refusal.

use std::time::Duration;

use super::end::{End, Subscribed};
use super::{LocalName, Notifier, NotifierOutput};
use crate::sip::Peer;
use crate::sip::dialog::Dialog;
use crate::sip::wire::{HeaderName, Message, Text};
use crate::timer::Moment;

/// Lifetime when none is asked for, or a longer one: RFC 3842 §3.3 wants "a value … of one hour or more".
const LIFETIME: Duration = Duration::from_secs(3_600);
/// Shorter ones are refused.
const SHORTEST: Duration = Duration::from_secs(60);
/// Longest Event header that is kept.
const LONGEST_EVENT: usize = 128;

/// A refusal as it goes over the wire.
type Refused = (u16, &'static str, Option<(HeaderName, String)>);

impl Notifier {
    pub(super) fn subscribe(
        &mut self,
        request: &Message,
        peer: &Peer,
        from: (LocalName, String),
        to_tag: &str,
        now: Moment,
    ) -> Vec<NotifierOutput> {
        let known = self.ends.iter().position(|end| end.subscribed().is_some_and(|s| is_of(s, request)));
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        if let Some((last, answer)) = known.and_then(|at| self.ends[at].answered.as_ref())
            && *last == number
        {
            // Came twice: our answer was lost.
            return vec![NotifierOutput::Reply(answer.clone())];
        }
        let taken = match (known, request.to_tag()) {
            (Some(at), Some(_)) => self.refreshed(at, request, peer, now),
            // "… a 481 … if the SUBSCRIBE request is a refresh of a subscription that is not known".
            (None, Some(_)) => Err((481, "Subscription Does Not Exist", None)),
            (_, None) => self.begun(request, peer, from, to_tag, now),
        };
        match taken {
            Err((status, phrase, header)) => {
                let mut answer = Message::response(request, status, phrase, Some(to_tag));
                if let Some((name, value)) = header {
                    answer.headers.push(name, value);
                }
                vec![NotifierOutput::Reply(answer)]
            }
            Ok(at) => {
                let answer = self.accepted(at, request, now);
                self.ends[at].answered = Some((number, answer.clone()));
                let mut then = vec![NotifierOutput::Reply(answer)];
                // "a NOTIFY message … MUST be sent immediately" (§4.2.1.2).
                self.ends[at].forget_told();
                then.extend(self.tell(at, now));
                then
            }
        }
    }

    fn begun(
        &mut self,
        request: &Message,
        peer: &Peer,
        (local, who): (LocalName, String),
        to_tag: &str,
        now: Moment,
    ) -> Result<usize, Refused> {
        let event = self.event_of(request)?;
        let until = now + lifetime(request)?;
        if self.ends.iter().filter(|end| end.subscribed().is_some()).count() >= self.package.most {
            return Err((503, "Too Many Subscriptions", Some((HeaderName::RetryAfter, "60".into()))));
        }
        let tag = format!("{}.{to_tag}", self.owner);
        let dialog = Dialog::uas(request, &tag).ok_or((400, "Bad Request", None))?;
        let (destination, version) = (peer.back(), 0);
        let subscribed = Subscribed { dialog, event, until, local, destination, who, version };
        self.ends.push(End::subscriber(subscribed));
        Ok(self.ends.len() - 1)
    }

    fn refreshed(
        &mut self,
        at: usize,
        request: &Message,
        peer: &Peer,
        now: Moment,
    ) -> Result<usize, Refused> {
        self.event_of(request)?;
        let until = now + lifetime(request)?;
        let ended = self.ends[at].was_ended();
        let Some(subscribed) = self.ends[at].subscribed_mut().filter(|_| !ended) else {
            return Err((481, "Subscription Does Not Exist", None));
        };
        let number = request.cseq().ok_or((400, "Bad Request", None))?.number;
        subscribed.dialog.take_cseq(number).map_err(|_| (500, "Out Of Order", None))?;
        subscribed.dialog.refresh_target(request);
        (subscribed.until, subscribed.destination) = (until, peer.back());
        Ok(at)
    }

    /// "489 … the notifier does not understand the event package" (§4.2.1.3); the Accept must have our type.
    fn event_of(&self, request: &Message) -> Result<String, Refused> {
        let bad = || (489, "Bad Event", Some((HeaderName::AllowEvents, self.package.event.to_owned())));
        let event =
            request.header(&HeaderName::Event).filter(|text| text.len() <= LONGEST_EVENT).ok_or_else(bad)?;
        let package = event.split(';').next().unwrap_or("").trim();
        if !package.eq_ignore_ascii_case(self.package.event) {
            return Err(bad());
        }
        let accepts = request.headers.list(&HeaderName::Accept);
        let fits = |accept: &Text| {
            let kind = accept.split(';').next().unwrap_or("").trim();
            kind.eq_ignore_ascii_case(self.package.content_type) || matches!(kind, "*/*" | "application/*")
        };
        match accepts.is_empty() || accepts.iter().any(fits) {
            true => Ok(event.trim().to_owned()),
            false => Err((406, "Not Acceptable", None)),
        }
    }

    /// "200-class responses to SUBSCRIBE requests also MUST contain an Expires header field" (§4.1.2.1).
    fn accepted(&self, at: usize, request: &Message, now: Moment) -> Message {
        let subscribed = self.ends[at].subscribed();
        let tag = subscribed.map_or("", |s| s.dialog.id.local_tag.as_str());
        let mut answer = Message::response(request, 200, "OK", Some(tag));
        for route in request.headers.get_all(&HeaderName::RecordRoute) {
            answer.headers.push(HeaderName::RecordRoute, route.clone());
        }
        if let Some(subscribed) = subscribed {
            let seconds = subscribed.until.since(now).as_secs();
            answer.headers.push(HeaderName::Contact, format!("<{}>", subscribed.local.contact));
            answer.headers.push(HeaderName::Expires, seconds.to_string());
        }
        answer
    }
}

/// Whether a SUBSCRIBE belongs to a subscription: to its dialog, or the very request that made it.
fn is_of(subscribed: &Subscribed, request: &Message) -> bool {
    let dialog = &subscribed.dialog;
    let same_call = request.call_id().is_some_and(|id| *id == dialog.id.call_id.as_str());
    let theirs = request.from_tag().map_or(String::new(), |tag| tag.to_string());
    let first = request.to_tag().is_none() && same_call && theirs == dialog.id.remote_tag;
    dialog.owns(request) || first && request.cseq().map(|cseq| cseq.number) == dialog.remote_cseq
}

/// "The expiration time … is shortened, never lengthened" (§4.2.1.1).
fn lifetime(request: &Message) -> Result<Duration, Refused> {
    let header = request.header(&HeaderName::Expires).map(|text| text.trim().parse::<u32>().unwrap_or(3_600));
    let asked = header.map_or(LIFETIME, |seconds| Duration::from_secs(seconds.into()));
    match asked {
        Duration::ZERO => Ok(asked),
        asked if asked < SHORTEST => {
            Err((423, "Interval Too Brief", Some((HeaderName::MinExpires, SHORTEST.as_secs().to_string()))))
        }
        asked => Ok(asked.min(LIFETIME)),
    }
}

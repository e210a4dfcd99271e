//! Dialling: INVITE to answer, refusal or CANCEL, then talk.

use std::time::Duration;

use ezk_sip_types::Method;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::live::Key;
use super::talk::Talk;
use super::{
    ALLOW, CallReport, Direction, LONGEST_CALL, LONGEST_RINGING, LiveCall, Outcome, Phone, Progress,
};
use crate::media::sdp::Audio;
use crate::media::{Mouth, Protection, Stream};
use crate::sip::digest::Challenge;
use crate::sip::{ClientTransaction, Dialog, Failure, Hop, Incoming, Message, address, fresh_token};

/// Whom to call, and through whom.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Request-URI.
    pub uri: String,
    /// To, when it differs from the Request-URI (a call to a registered Contact).
    pub to: Option<String>,
    /// First hop.
    pub hop: Hop,
}

impl Dial {
    /// A user of a domain, through this hop.
    pub fn new(user: &str, domain: &str, hop: Hop) -> Self {
        Self { uri: format!("sip:{user}@{domain}"), to: None, hop }
    }
}

/// How the caller behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallScript {
    /// From INVITE to CANCEL, when nobody has answered by then; none: 180 s.
    pub cancel_after: Option<Duration>,
    /// From answer to our BYE; none: the other end ends the call.
    pub talk: Option<Duration>,
}

impl Phone {
    /// Places a call and sees it through.
    pub async fn call(&self, dial: &Dial, script: &CallScript) -> CallReport {
        let (call_id, tag) = (fresh_token(), fresh_token());
        let called = dial.to.as_deref().and_then(address::user);
        let peer = called.or_else(|| address::user(&dial.uri)).unwrap_or_default();
        let mut report = CallReport::new(Direction::Placed, peer, call_id.clone());
        let Some(_line) = self.take_line() else {
            return self.no_call(&report.peer, "every line of this phone is in use");
        };
        let live = self.begin(Direction::Placed, &report.peer);
        let outcome = match self.0.endpoint.open_dialog(&call_id, &tag) {
            Ok(mailbox) => self.place(dial, script, &tag, mailbox, &live, &mut report).await,
            Err(error) => Err(error),
        };
        self.0.endpoint.close_dialog(&call_id, &tag);
        if let Err(error) = outcome {
            report.outcome = Outcome::Failed { why: error.to_string() };
        }
        live.stands(Progress::Ended(Box::new(report.clone())));
        report
    }

    async fn place(
        &self,
        dial: &Dial,
        script: &CallScript,
        tag: &str,
        mailbox: mpsc::Receiver<Incoming>,
        live: &LiveCall,
        report: &mut CallReport,
    ) -> Result<(), Failure> {
        let hop = self.0.endpoint.connect(&dial.hop).await?;
        let stream = self.open_stream().await?;
        live.listen_with(stream.as_ref());
        let offer = Audio { ice: stream.as_ref().and_then(Stream::ice), ..self.offer(stream.as_ref(), &hop) };
        let mut invite = self.invite(dial, tag, &report.call_id, &offer, &hop)?;
        self.converse(&mut invite, live);
        let attempt = Attempt {
            phone: self,
            script,
            begun: Instant::now(),
            report,
            live,
            stream: stream.as_ref(),
            cancelled: false,
        };
        let answered = attempt.run(invite, &hop).await?;
        if let Some((mut transaction, answer)) = answered {
            let dialog = Dialog::of_caller(transaction.request(), &answer, transaction.hop());
            let ack = dialog.ack(transaction.request().cseq_number());
            transaction.acknowledge(ack, &dialog.next_hop()).await?;
            live.stands(Progress::Talking);
            let talk = Talk::new(self, dialog, mailbox, live, stream.as_ref(), offer, None);
            let hang_up = script.talk.unwrap_or(LONGEST_CALL);
            talk.run(hang_up, script.talk.is_some(), report).await;
        }
        if let Some(stream) = stream {
            report.heard = Some(stream.finish().await);
        }
        Ok(())
    }

    fn invite(
        &self,
        dial: &Dial,
        tag: &str,
        call_id: &str,
        offer: &Audio,
        hop: &Hop,
    ) -> Result<Message, Failure> {
        let mut invite = Message::request(Method::INVITE, &dial.uri);
        invite.push("Max-Forwards", "70");
        invite.push("From", format!("{};tag={tag}", self.identity()));
        invite.push("To", format!("<{}>", dial.to.as_ref().unwrap_or(&dial.uri)));
        invite.push("Call-ID", call_id);
        invite.push("CSeq", format!("{} INVITE", u32::from(rand::random::<u16>()) + 1));
        invite.push("Contact", self.contact(hop)?);
        invite.push("Allow", ALLOW);
        invite.push("User-Agent", &self.0.config.product);
        for (name, value) in &self.0.config.headers {
            invite.push(name, value);
        }
        let (content_type, body) = offer.offer(1, &self.0.config.traits);
        invite.set_body(&content_type, body);
        Ok(invite)
    }

    /// Its audio line. A phone without sound names the discard port: nothing answers there.
    pub(super) fn offer(&self, stream: Option<&Stream>, hop: &Hop) -> Audio {
        let silent = || {
            let ip = self.0.endpoint.local_address(hop).map_or(hop.address.ip(), |address| address.ip());
            (ip, 9).into()
        };
        let audio = Audio::new(stream.map_or_else(silent, Stream::address), &self.0.config.codecs);
        let protection = stream.map_or(Protection::Off, |_| self.0.config.protection);
        audio.protected(protection, stream.map(Stream::key)).with(&self.0.config.traits)
    }

    pub(super) async fn open_stream(&self) -> Result<Option<Stream>, Failure> {
        match self.0.config.sound {
            Some(ip) => {
                let config = &self.0.config;
                let mouth = config.seat.clone().map_or_else(|| Mouth::of(config.voice), Mouth::at);
                Stream::open_in_manner(ip, mouth, config.traits.ice).await.map(Some)
            }
            None => Ok(None),
        }
    }
}

/// An INVITE until its final answer.
struct Attempt<'a> {
    phone: &'a Phone,
    script: &'a CallScript,
    begun: Instant,
    report: &'a mut CallReport,
    live: &'a LiveCall,
    stream: Option<&'a Stream>,
    cancelled: bool,
}

impl Attempt<'_> {
    /// The transaction and its 2xx; none when there is no call, and the report says why.
    async fn run(
        mut self,
        mut invite: Message,
        hop: &Hop,
    ) -> Result<Option<(ClientTransaction, Message)>, Failure> {
        let cancel_at = self.begun + self.script.cancel_after.unwrap_or(LONGEST_RINGING);
        let mut signed = false;
        loop {
            let mut transaction = self.phone.0.endpoint.request(invite.clone(), hop).await?;
            let last = self.wait(&mut transaction, cancel_at).await;
            let Some(last) = last else { return Ok(None) };
            let code = last.code().unwrap_or(0);
            let credentials = self.phone.0.config.credentials.as_ref();
            match (code, Challenge::of(&last), credentials) {
                (200..300, ..) => {
                    self.report.outcome = Outcome::Answered;
                    self.report.answered_after = Some(self.begun.elapsed());
                    self.hear_of(&last);
                    return Ok(Some((transaction, last)));
                }
                (401 | 407, Some(challenge), Some(credentials)) if !signed => {
                    signed = true;
                    invite.set("CSeq", format!("{} INVITE", invite.cseq_number() + 1));
                    challenge.sign(&mut invite, code, credentials);
                }
                (487, ..) if self.cancelled => {
                    self.report.outcome = Outcome::Cancelled;
                    return Ok(None);
                }
                _ => {
                    self.report.outcome = Outcome::Refused { code };
                    let said = last.header("ms-diagnostics").and_then(|value| value.split(';').next());
                    self.report.diagnostics = said.and_then(|id| id.trim().parse().ok());
                    self.report.redirected_to = last.header("Contact").map(|c| address::uri(c).to_owned());
                    return Ok(None);
                }
            }
        }
    }

    /// The final answer. At `cancel_at`, CANCEL goes out as soon as a provisional response has come
    /// (RFC 3261 §9.1: not before).
    async fn wait(&mut self, transaction: &mut ClientTransaction, cancel_at: Instant) -> Option<Message> {
        let stop = self.phone.0.endpoint.stop_token().clone();
        let mut provisional = false;
        loop {
            let due = provisional && !self.cancelled;
            tokio::select! {
                response = transaction.next() => {
                    let response = response?;
                    if response.code() >= Some(200) {
                        return Some(response);
                    }
                    provisional = true;
                    self.progress(&response);
                }
                () = sleep_until(cancel_at), if due => {
                    self.cancelled = true;
                    transaction.cancel().await;
                }
                _ = self.live.pressed(|key| key == Key::HangUp), if due => {
                    self.cancelled = true;
                    transaction.cancel_because(self.live.reason()).await;
                }
                () = stop.cancelled(), if !provisional => return None,
                () = stop.cancelled(), if due => {
                    self.cancelled = true;
                    transaction.cancel().await;
                }
            }
        }
    }

    fn progress(&mut self, response: &Message) {
        let code = response.code().filter(|code| *code > 100);
        self.report.progress = self.report.progress.max(code);
        if code.is_some() {
            self.live.stands(Progress::Ringing);
            self.report.rang_after.get_or_insert(self.begun.elapsed());
        }
        self.report.early_media |= self.hear_of(response);
    }

    fn hear_of(&self, response: &Message) -> bool {
        let theirs = Audio::of(response.header("Content-Type"), &response.body);
        if let Some(theirs) = &theirs {
            self.phone.speak_to(self.stream, theirs);
            self.phone.meet(self.stream, theirs, true);
        }
        theirs.is_some()
    }
}

//! Being called: INVITE to answer or refusal, then talk.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::behaviour::reason;
use super::conversation::CONVERSATION;
use super::live::Key;
use super::talk::Talk;
use super::{
    ALLOW, Behaviour, CallReport, Direction, Failure, LONGEST_CALL, LONGEST_RINGING, LiveCall, Outcome,
    Phone, Progress,
};
use crate::media::Stream;
use crate::media::sdp::Audio;
use crate::sip::endpoint::locked;
use crate::sip::{Dialog, Hop, Incoming, Message, ServerTransaction, address};

impl Phone {
    /// Takes a call as the behaviour of this moment says, and reports it.
    pub(super) async fn serve(self, request: Message, hop: Hop, server: ServerTransaction) {
        let peer = request.user_of("From").unwrap_or_default();
        let mut report = CallReport::new(Direction::Served, peer, request.call_id().to_owned());
        let behaviour = locked(&self.0.behaviour).clone();
        let line = self.take_line();
        let live = self.begin(Direction::Served, &report.peer);
        live.show(address::display(request.header("From").unwrap_or_default()));
        live.refer_by(request.header("Referred-By").unwrap_or_default());
        live.comes_from(&request);
        live.belongs_to(request.header(CONVERSATION));
        let outcome = match behaviour {
            _ if line.is_none() => {
                refuse(&server, 486, None).await;
                Ok(Outcome::Refused { code: 486 })
            }
            Behaviour::Refuse(code) => {
                refuse(&server, code, None).await;
                Ok(Outcome::Refused { code })
            }
            Behaviour::LacksBandwidth { elsewhere } => {
                let mut refusal = server.reply(488, reason(488));
                let (id, words) = if elsewhere { (5, "Attempt PSTN") } else { (4, "Do not attempt") };
                let words = format!("Insufficient bandwidth to establish session. {words} re-route.");
                refusal.push("ms-client-diagnostics", format!("{id};reason=\"{words}\""));
                server.send(refusal).await;
                Ok(Outcome::Refused { code: 488 })
            }
            Behaviour::Redirect(to) => {
                refuse(&server, 302, Some(&to)).await;
                report.redirected_to = Some(to);
                Ok(Outcome::Refused { code: 302 })
            }
            Behaviour::NoAnswer => self.ring(&request, hop, &server, Ring::FOREVER, &live, &mut report).await,
            Behaviour::Answer { after, talk } => {
                let ring = Ring { early: false, after, talk };
                self.ring(&request, hop, &server, ring, &live, &mut report).await
            }
            Behaviour::EarlyMedia { after, talk } => {
                let ring = Ring { early: true, after, talk };
                self.ring(&request, hop, &server, ring, &live, &mut report).await
            }
        };
        report.outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                refuse(&server, 500, None).await;
                Outcome::Failed { why: error.to_string() }
            }
        };
        drop(line);
        live.stands(Progress::Ended(Box::new(report.clone())));
        // Nobody may be listening; that is no fault.
        let _ = self.0.reports.send(report);
    }

    async fn ring(
        &self,
        request: &Message,
        hop: Hop,
        server: &ServerTransaction,
        ring: Ring,
        live: &LiveCall,
        report: &mut CallReport,
    ) -> Result<Outcome, Failure> {
        let mailbox = self.0.endpoint.open_dialog(request.call_id(), server.tag())?;
        let outcome = self.ring_and_talk(request, hop, server, ring, mailbox, live, report).await;
        self.0.endpoint.close_dialog(request.call_id(), server.tag());
        outcome
    }

    #[allow(clippy::too_many_arguments)]
    async fn ring_and_talk(
        &self,
        request: &Message,
        hop: Hop,
        server: &ServerTransaction,
        ring: Ring,
        mailbox: mpsc::Receiver<Incoming>,
        live: &LiveCall,
        report: &mut CallReport,
    ) -> Result<Outcome, Failure> {
        let begun = Instant::now();
        let stream = self.open_stream().await?;
        live.listen_with(stream.as_ref());
        let kind = request.header("Content-Type");
        // OCS 2007 R2 looks for the part that was made for it, and knows nothing of newer ones.
        if self.0.config.traits.old_alone && !Audio::is_for_the_old(kind, &request.body) {
            refuse(server, 488, None).await;
            return Ok(Outcome::Refused { code: 488 });
        }
        let theirs = Audio::of(kind, &request.body);
        let ours = self.offer(stream.as_ref(), &hop);
        let answer = match &theirs {
            Some(theirs) => self.answer_to(theirs, &ours, stream.as_ref()),
            // No offer: ours goes into the 200, and theirs comes with the ACK (RFC 3261 §13.2.1).
            None if request.body.is_empty() => Some(ours),
            None => None,
        };
        let Some(answer) = answer else {
            refuse(server, 488, None).await;
            return Ok(Outcome::Refused { code: 488 });
        };
        self.alert(request, &hop, server, theirs.as_ref(), &answer, stream.as_ref(), ring.early, report)
            .await?;
        live.stands(Progress::Ringing);
        if let Some(refused) = self.wait(server, begun + ring.after.min(LONGEST_RINGING), ring, live).await {
            return Ok(refused);
        }
        if let Some(theirs) = &theirs {
            self.speak_to(stream.as_ref(), theirs);
            self.meet(stream.as_ref(), theirs, false);
        }
        let ok = self.response(request, &hop, server, 200, Some(&answer))?;
        server.accept(ok).await;
        report.answered_after = Some(begun.elapsed());
        let dialog = Dialog::of_called(request, server.tag(), hop);
        live.stands(Progress::Talking);
        let talk = Talk::new(self, dialog, mailbox, live, stream.as_ref(), answer, Some(server));
        talk.run(ring.talk.unwrap_or(LONGEST_CALL), ring.talk.is_some(), report).await;
        if let Some(stream) = stream {
            report.heard = Some(stream.finish().await);
        }
        Ok(Outcome::Answered)
    }

    /// 180, or 183 with sound.
    #[allow(clippy::too_many_arguments)]
    async fn alert(
        &self,
        request: &Message,
        hop: &Hop,
        server: &ServerTransaction,
        theirs: Option<&Audio>,
        answer: &Audio,
        stream: Option<&Stream>,
        early: bool,
        report: &mut CallReport,
    ) -> Result<(), Failure> {
        let early = theirs.filter(|_| early);
        let code = if early.is_some() { 183 } else { 180 };
        if let Some(theirs) = early {
            self.speak_to(stream, theirs);
        }
        let response = self.response(request, hop, server, code, early.map(|_| answer))?;
        server.send(response).await;
        report.progress = Some(code);
        report.early_media = early.is_some();
        Ok(())
    }

    /// Rings until it is time to answer; the outcome when it never is.
    async fn wait(
        &self,
        server: &ServerTransaction,
        answer_at: Instant,
        ring: Ring,
        live: &LiveCall,
    ) -> Option<Outcome> {
        tokio::select! {
            biased;
            () = server.cancelled().cancelled() => {
                server.send(server.reply(487, "Request Terminated")).await;
                Some(Outcome::Cancelled)
            }
            () = self.0.endpoint.stop_token().cancelled() => {
                refuse(server, 503, None).await;
                Some(Outcome::Refused { code: 503 })
            }
            key = live.pressed(|_| true) => {
                let code = match key {
                    Key::Answer => return None,
                    Key::Refuse(code) => code,
                    Key::HangUp => 486,
                };
                refuse(server, code, None).await;
                Some(Outcome::Refused { code })
            }
            () = sleep_until(answer_at) => {
                if ring.after < LONGEST_RINGING {
                    return None;
                }
                refuse(server, 480, None).await;
                Some(Outcome::Refused { code: 480 })
            }
        }
    }

    fn response(
        &self,
        request: &Message,
        hop: &Hop,
        server: &ServerTransaction,
        code: u16,
        body: Option<&Audio>,
    ) -> Result<Message, Failure> {
        let words = match code {
            180 => "Ringing",
            183 => "Session Progress",
            _ => "OK",
        };
        let mut response = server.reply(code, words);
        // RFC 3261 §12.1.1: Record-Route goes back as it came.
        request.headers_named("Record-Route").for_each(|route| response.push("Record-Route", route));
        response.push("Contact", self.contact(hop)?);
        response.push("Allow", ALLOW);
        response.push("Server", &self.0.config.product);
        if let Some(audio) = body {
            response.set_body("application/sdp", audio.body(1));
        }
        Ok(response)
    }
}

/// From INVITE to the end of the call.
#[derive(Clone, Copy)]
struct Ring {
    early: bool,
    after: Duration,
    talk: Option<Duration>,
}

impl Ring {
    const FOREVER: Self = Self { early: false, after: LONGEST_RINGING, talk: None };
}

async fn refuse(server: &ServerTransaction, code: u16, contact: Option<&str>) {
    let mut refusal = server.reply(code, reason(code));
    if let Some(uri) = contact {
        refusal.push("Contact", format!("<{}>", address::uri(uri)));
    }
    server.send(refusal).await;
}

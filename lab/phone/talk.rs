//! A call from answer to BYE, the same at both ends.

use std::time::Duration;

use ezk_sip_types::Method;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::hold::Holds;
use super::live::Key;
use super::pairs::settled;
use super::{CallReport, Ended, LiveCall, Outcome, Phone};
use crate::media::Stream;
use crate::media::sdp::Audio;
use crate::sip::{Dialog, Incoming, Message, ServerTransaction};

/// 64·T1: a 2xx that gets no ACK within it ends the call (RFC 3261 §13.3.1.4).
const ACK_WAIT: Duration = Duration::from_secs(32);

pub(super) struct Talk<'a> {
    pub(super) phone: &'a Phone,
    pub(super) dialog: Dialog,
    pub(super) mailbox: mpsc::Receiver<Incoming>,
    pub(super) live: &'a LiveCall,
    pub(super) stream: Option<&'a Stream>,
    /// Our side of the session as last said, and how often it was said.
    pub(super) ours: Audio,
    pub(super) version: u64,
    /// The INVITE, when we answered it: it waits for its ACK.
    invite: Option<&'a ServerTransaction>,
    acknowledged: bool,
    /// A re-INVITE that waits for its ACK.
    reinvite: Option<ServerTransaction>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(
        phone: &'a Phone,
        dialog: Dialog,
        mailbox: mpsc::Receiver<Incoming>,
        live: &'a LiveCall,
        stream: Option<&'a Stream>,
        ours: Audio,
        invite: Option<&'a ServerTransaction>,
    ) -> Self {
        let acknowledged = invite.is_none();
        live.is_named(dialog.names());
        Self { phone, dialog, mailbox, live, stream, ours, version: 1, invite, acknowledged, reinvite: None }
    }

    /// Talks until somebody hangs up. After `limit` we do: by plan, or because the call outlived its bound.
    pub(super) async fn run(mut self, limit: Duration, planned: bool, report: &mut CallReport) {
        let begun = Instant::now();
        self.live.has_dialog(super::refer::named(&self.dialog));
        let stop = self.phone.0.endpoint.stop_token().clone();
        let mut holds = Holds::new(self.phone.0.config.traits.hold, begun);
        let ended = loop {
            let (unacknowledged, pairs) = (!self.acknowledged, self.awaited_pairs());
            tokio::select! {
                incoming = self.mailbox.recv() => match incoming {
                    Some(incoming) => if self.take(incoming).await { break Ended::There },
                    None => break Ended::Lost,
                },
                () = sleep_until(begun + ACK_WAIT), if unacknowledged => {
                    self.hang_up().await;
                    break Ended::Lost;
                }
                inactive = holds.next(), if !unacknowledged => match self.reoffer(!inactive, !inactive).await {
                    Some(true) => break Ended::There,
                    _ => continue,
                },
                wish = self.live.wished(), if !unacknowledged => match self.grant(wish).await {
                    Some(true) => break Ended::There,
                    _ => continue,
                },
                side = settled(pairs), if !unacknowledged => match self.offer_pairs(side).await {
                    Some(true) => break Ended::There,
                    _ => continue,
                },
                () = sleep_until(begun + limit) => {
                    let confirmed = self.hang_up().await;
                    break if planned && confirmed { Ended::Here } else { Ended::Lost };
                }
                uri = self.live.referred() => if self.refer(&uri).await { break Ended::There },
                _ = self.live.pressed(|key| key == Key::HangUp) => {
                    let confirmed = self.hang_up().await;
                    break if confirmed { Ended::Here } else { Ended::Lost };
                }
                () = stop.cancelled() => {
                    let confirmed = timeout(Duration::from_secs(1), self.hang_up()).await;
                    break if confirmed == Ok(true) { Ended::Here } else { Ended::Lost };
                }
            }
        };
        report.talked = Some(begun.elapsed());
        report.ended = Some(ended);
        report.outcome = Outcome::Answered;
    }

    /// Whether we made the call, and so the first offer.
    pub(super) fn invite_was_ours(&self) -> bool {
        self.invite.is_none()
    }

    /// Sends BYE. True when it was confirmed, or crossed the other end's.
    async fn hang_up(&mut self) -> bool {
        if let Some(stream) = self.stream {
            stream.speak_to(None);
        }
        let mut bye = self.dialog.request(Method::BYE);
        bye.push("User-Agent", &self.phone.0.config.product);
        let endpoint = self.phone.0.endpoint.clone();
        let Ok(transaction) = endpoint.request(bye, &self.dialog.next_hop()).await else { return false };
        let outcome = transaction.outcome();
        tokio::pin!(outcome);
        let answered = loop {
            tokio::select! {
                answer = &mut outcome => break answer.and_then(|a| a.code()),
                incoming = self.mailbox.recv() => match incoming {
                    Some(incoming) => drop(self.take(incoming).await),
                    None => break outcome.await.and_then(|a| a.code()),
                },
            }
        };
        // 481: the other end had hung up already.
        matches!(answered, Some(200..300 | 481))
    }

    /// Answers a request within the dialog; true when it was BYE.
    pub(super) async fn take(&mut self, incoming: Incoming) -> bool {
        let Incoming { request, server, .. } = incoming;
        let Some(server) = server else {
            self.acknowledge(&request);
            return false;
        };
        match request.method() {
            Some(&Method::BYE) => {
                server.send(server.reply(200, "OK")).await;
                return true;
            }
            Some(&Method::INVITE | &Method::UPDATE) => self.renegotiate(&request, server).await,
            Some(&Method::INFO | &Method::OPTIONS | &Method::NOTIFY | &Method::MESSAGE) => {
                if request.method() == Some(&Method::NOTIFY) {
                    self.take_notify(&request);
                }
                server.send(server.reply(200, "OK")).await;
            }
            _ => server.send(server.reply(501, "Not Implemented")).await,
        }
        false
    }

    fn acknowledge(&mut self, ack: &Message) {
        self.acknowledged = true;
        if let Some(invite) = self.invite {
            invite.acked().cancel();
        }
        if let Some(reinvite) = self.reinvite.take() {
            reinvite.acked().cancel();
        }
        if let Some(theirs) = Audio::of(ack.header("Content-Type"), &ack.body) {
            self.phone.speak_to(self.stream, &theirs);
        }
    }

    /// A new offer, or a request for ours (RFC 3264 §8).
    async fn renegotiate(&mut self, request: &Message, server: ServerTransaction) {
        let theirs = Audio::of(request.header("Content-Type"), &request.body);
        let answer = match &theirs {
            Some(theirs) => self.phone.answer_to(theirs, &self.ours, self.stream),
            None if request.body.is_empty() => Some(self.ours.clone()),
            None => None,
        };
        let Some(answer) = answer else {
            return server.send(server.reply(488, "Not Acceptable Here")).await;
        };
        if let Some(theirs) = &theirs {
            self.live.is_listened_to(theirs.receives);
            // Other credentials than before: the other end begins ICE anew (RFC 5245 §9.2.1.1), and decides.
            self.phone.meet(self.stream, theirs, false);
            self.phone.speak_to(self.stream, theirs);
        }
        let mut ok = server.reply(200, "OK");
        if let Ok(contact) = self.phone.contact(&self.dialog.next_hop()) {
            ok.push("Contact", contact);
        }
        let invite = request.method() == Some(&Method::INVITE);
        if invite || theirs.is_some() {
            self.version += 1;
            ok.set_body("application/sdp", answer.body(self.version));
            self.ours = answer;
        }
        if invite {
            server.accept(ok).await;
            self.reinvite = Some(server);
        } else {
            server.send(ok).await;
        }
    }
}

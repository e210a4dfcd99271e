//! Invitations: INVITE with the focus URI in it, to somebody who then joins by himself
//! (`application/ms-conf-invite+xml`); and a call of two that becomes a conference.
//!
//! ```text
//!  inviter ── INVITE ms-conf-invite ──► invited ── 200 ──┐
//!                      ACK, and BYE as soon as he has joined; or his own BYE
//!  escalation: conference, invitation of the same Ms-Conversation-ID, and when he is at the table, BYE to the call
//! ```

use ezk_sip_types::Method;
use tokio::sync::mpsc;

use super::FrontEnd;
use super::meeting::Meeting;
use super::roster::Status;
use crate::front_end::Binding;
use crate::front_end::lync::xml::escaped;
use crate::phone::conversation::{self, CONVERSATION};
use crate::phone::{LiveCall, Phone, Progress};
use crate::sip::{ClientTransaction, Dialog, Failure, Incoming, Message, fresh_token};

/// How the other end of a call is brought into its conference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escalation {
    /// He is invited, and joins by himself.
    Invitation,
    /// The mixer calls him.
    DialOut,
}

impl Meeting {
    /// A far-end user invites somebody; what it is answered with shows [`Meeting::invitation`].
    ///
    /// # Errors
    /// When nobody of that name is signed in, or there are too many invitations.
    pub fn invite(&self, by: &str, whom: &str) -> Result<(), Failure> {
        self.invite_into(&self.front_end.person(by)?, whom, None)
    }

    fn invite_into(&self, by: &Phone, whom: &str, conversation: Option<String>) -> Result<(), Failure> {
        let number = self.conference.invites(whom).ok_or(Failure::Full("the list of invitations"))?;
        let bindings = self.front_end.bindings(whom);
        let Some(binding) = bindings.first() else {
            // Somebody of the lab: he is called to the table.
            self.front_end.person(whom)?;
            let (meeting, whom) = (self.clone(), whom.to_owned());
            self.front_end.0.endpoint.spawn(async move {
                let come = meeting.dial_out(&whom).await;
                meeting.conference.answered(number, if come.is_ok() { 200 } else { 603 });
            });
            return Ok(());
        };
        let request = self.invitation_by(by, whom, binding, conversation)?;
        let (meeting, whom, hop) = (self.clone(), whom.to_owned(), binding.hop);
        self.front_end.0.endpoint.spawn(async move {
            let (call_id, tag) =
                (request.call_id().to_owned(), request.tag("From").unwrap_or_default().to_owned());
            let endpoint = meeting.front_end.0.endpoint.clone();
            let Ok(mailbox) = endpoint.open_dialog(&call_id, &tag) else { return };
            match endpoint.request(request, &hop).await {
                Ok(transaction) => meeting.see_through(transaction, mailbox, number, &whom).await,
                Err(error) => tracing::debug!(%error, "invitation not sent"),
            }
            endpoint.close_dialog(&call_id, &tag);
        });
        Ok(())
    }

    fn invitation_by(
        &self,
        by: &Phone,
        whom: &str,
        binding: &Binding,
        conversation: Option<String>,
    ) -> Result<Message, Failure> {
        let config = by.config();
        let from = config.identity.clone().unwrap_or_else(|| format!("<{}>", config.aor()));
        let contact = config.contact.clone().ok_or(Failure::Unusable {
            field: "far-end user",
            text: format!("{} has no GRUU", config.user),
        })?;
        let mut invite = Message::request(Method::INVITE, &binding.contact);
        invite.push("Max-Forwards", "70");
        invite.push("From", format!("{from};tag={}", fresh_token()));
        invite.push("To", format!("<{}>", self.uri_of(whom)));
        invite.push("Call-ID", fresh_token());
        invite.push("CSeq", "1 INVITE");
        invite.push("Contact", format!("<{contact}>"));
        invite.push("Supported", "ms-sender");
        invite.push("Supported", "ms-conf-invite");
        invite.push(CONVERSATION, conversation.unwrap_or_else(conversation::fresh));
        let subject = self.conference.description().0.subject;
        let body = format!(
            "<Conferencing version=\"2.0\"><focus-uri>{}</focus-uri><subject>{}</subject>\
             <im available=\"true\"><first-im/></im><audio available=\"true\"/></Conferencing>",
            escaped(&self.uri()),
            escaped(&subject)
        );
        invite.set_body("application/ms-conf-invite+xml", body);
        Ok(invite)
    }

    /// From INVITE to BYE.
    async fn see_through(
        &self,
        mut transaction: ClientTransaction,
        mut mailbox: mpsc::Receiver<Incoming>,
        number: usize,
        whom: &str,
    ) {
        let (over, taken) = (self.conference.over.clone(), self.conference.taken(number));
        let (mut cancelled, mut provisional) = (false, false);
        let answer = loop {
            tokio::select! {
                response = transaction.next() => match response {
                    Some(response) if response.code() < Some(200) => provisional = true,
                    last => break last,
                },
                () = over.cancelled(), if provisional && !cancelled => {
                    cancelled = true;
                    transaction.cancel().await;
                }
                () = taken.cancelled(), if provisional && !cancelled => {
                    cancelled = true;
                    // RFC 3326 §3.1: who is told so does not show a missed call.
                    transaction.cancel_because(Some("SIP;cause=200;text=\"Call completed elsewhere\"")).await;
                }
            }
        };
        let Some(answer) = answer else { return self.conference.answered(number, 408) };
        let code = answer.code().unwrap_or_default();
        if code < 300 {
            let dialog = Dialog::of_caller(transaction.request(), &answer, transaction.hop());
            let ack = dialog.ack(transaction.request().cseq_number());
            if let Err(error) = transaction.acknowledge(ack, &dialog.next_hop()).await {
                tracing::debug!(%error, "ACK of an invitation not sent");
            }
            self.conference.answered(number, code);
            self.until_joined(dialog, &mut mailbox, whom).await;
        } else {
            self.conference.answered(number, code);
        }
    }

    /// The dialog of an invitation lasts until he is in the conference, or ends it himself.
    async fn until_joined(&self, mut dialog: Dialog, mailbox: &mut mpsc::Receiver<Incoming>, whom: &str) {
        let endpoint = self.front_end.0.endpoint.clone();
        let stop = endpoint.stop_token().clone();
        let joined = self.reaches(|meeting| meeting.participant(whom).is_some());
        tokio::pin!(joined);
        loop {
            tokio::select! {
                incoming = mailbox.recv() => {
                    let Some(Incoming { request, server, .. }) = incoming else { return };
                    let Some(server) = server else { continue };
                    server.send(server.reply(200, "OK")).await;
                    if request.method() == Some(&Method::BYE) {
                        return;
                    }
                }
                () = &mut joined => break,
                () = self.conference.over.cancelled() => break,
                () = stop.cancelled() => return,
            }
        }
        if let Ok(transaction) = endpoint.request(dialog.request(Method::BYE), &dialog.next_hop()).await {
            drop(transaction.outcome().await);
        }
    }

    /// Waits until something holds; for ever when it never does.
    pub async fn reaches(&self, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.changes();
        while !holds(self) {
            if changes.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

impl FrontEnd {
    /// A far-end user makes a conference of the call that he talks in: he sits down at its table, the other end is
    /// brought there, and then the call ends.
    ///
    /// # Errors
    /// When he talks with nobody, or there is no room.
    pub fn escalate(&self, user: &str, manner: Escalation) -> Result<Meeting, Failure> {
        let phone = self.person(user)?;
        let calls = phone.calls_since(0);
        let talks = calls.into_iter().rfind(|call| call.progress() == Progress::Talking);
        let call = talks.ok_or_else(|| Failure::Unusable {
            field: "far-end user",
            text: format!("{user} talks with nobody"),
        })?;
        let meeting = self.make_conference(user, "")?;
        let (peer, conversation) = (call.peer().to_owned(), call.conversation());
        match manner {
            Escalation::Invitation => meeting.invite_into(&phone, &peer, conversation)?,
            Escalation::DialOut => {
                let (meeting, peer) = (meeting.clone(), peer.clone());
                self.0.endpoint.spawn(async move {
                    if let Err(error) = meeting.call(&peer, conversation).await {
                        tracing::debug!(%error, "the other end does not come");
                    }
                });
            }
        }
        self.0.endpoint.spawn(meeting.clone().replace(call, peer));
        Ok(meeting)
    }
}

impl Meeting {
    /// The call ends when its other end is at the table; it goes on when that never comes.
    async fn replace(self, call: LiveCall, peer: String) {
        let at_table = |meeting: &Self| {
            meeting.participant(&peer).and_then(|one| one.audio()) == Some(Status::Connected)
        };
        tokio::select! {
            () = self.reaches(at_table) => call.hang_up(),
            () = self.conference.over.cancelled() => {}
            () = self.front_end.0.endpoint.stop_token().cancelled() => {}
        }
    }
}

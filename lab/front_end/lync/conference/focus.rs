//! The focus: INVITE with addUser joins it, INFO asks it for things, BYE leaves it ([MS-CONFBAS] 3.3, 3.4).
//!
//! ```text
//!  INVITE addUser ──► 200 success ── ACK
//!  INFO request ────► 200 success, 603 failure, or 202 pending and later INFO with the answer
//!  BYE ─────────────► 200; or BYE from here, when somebody is removed or the conference is over
//! ```

use std::sync::Arc;

use ezk_sip_types::Method;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::c3p::{self, Envelope, Fault, Request};
use super::commands::Done;
use super::room::Conference;
use super::roster::{Role, Status, same};
use super::uri::Part;
use super::{FrontEnd, fresh_entity, sender};
use crate::front_end::lync::xml::escaped;
use crate::sip::{Dialog, Incoming, Message, ServerTransaction, address};

/// What a focus can be asked for.
const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, INFO, UPDATE, OPTIONS, SUBSCRIBE";
/// Answers that wait to be told.
const MOST_ANSWERS: usize = 32;

/// What an INVITE to the focus asks for.
struct Wish {
    envelope: Envelope,
    uri: String,
    name: String,
    entity: String,
    role: Role,
}

impl Wish {
    fn answer(&self, conference: &Conference) -> String {
        let content = format!(
            "<conferenceKeys confEntity=\"{}\"/><ci:user entity=\"{}\"><ci:roles><ci:entry>{}</ci:entry>\
             </ci:roles><ci:endpoint entity=\"{}\"/></ci:user>",
            escaped(&conference.uri(Part::Focus)),
            escaped(&self.uri),
            self.role.name(),
            escaped(&self.entity)
        );
        self.envelope.success(&content)
    }
}

impl FrontEnd {
    pub(super) async fn join(&self, conference: Arc<Conference>, incoming: Incoming) {
        let Incoming { request, hop, server } = incoming;
        let Some(server) = server else { return };
        let wish = match wish(&conference, &request) {
            Ok(wish) => wish,
            Err(fault) => return self.refuse(&server, fault).await,
        };
        let Ok(mailbox) = self.0.endpoint.open_dialog(request.call_id(), server.tag()) else {
            return self.refuse(&server, Fault::Full).await;
        };
        let mut ok = server.reply(200, "OK");
        // RFC 3261 §12.1.1: Record-Route goes back as it came.
        let mut request = request;
        if let Some(route) = self.record_route(&hop) {
            request.push_front("Record-Route", route);
        }
        request.headers_named("Record-Route").for_each(|route| ok.push("Record-Route", route));
        let contact = format!("<{}>;isfocus", conference.uri(Part::Focus));
        ok.push("Contact", &contact);
        ok.push("Allow", ALLOW);
        ok.set_body(c3p::TYPE, wish.answer(&conference));
        let away = conference.open_focus(&wish.uri, &wish.entity);
        server.accept(ok).await;
        conference.change(&wish.uri, |roster| {
            roster.enter(&wish.uri, &wish.name, wish.role, Part::Focus, &wish.entity, Status::Connected);
        });
        let (answers, said) = mpsc::channel(MOST_ANSWERS);
        let attendance = Attendance {
            dialog: Dialog::of_called(&request, server.tag(), hop),
            tag: server.tag().to_owned(),
            call_id: request.call_id().to_owned(),
            front_end: self.clone(),
            conference,
            uri: wish.uri,
            entity: wish.entity,
            contact,
            invite: server,
            refresh: None,
            answers,
        };
        self.0.endpoint.spawn(attendance.run(mailbox, said, away));
    }
}

fn wish(conference: &Conference, request: &Message) -> Result<Wish, Fault> {
    let body = String::from_utf8_lossy(&request.body);
    let read = Request::parse(&body)?;
    let command = read.command();
    if command.name != "addUser" {
        return Err(Fault::NotServed);
    }
    // "The conference-URI specified in the confEntity attribute of the conferenceKeys element MUST match the SIP
    // URI in the To header field of the INVITE request." ([MS-CONFBAS] 2.2.3)
    let keys = command.child("conferenceKeys").and_then(|keys| keys.attribute("confEntity"));
    if !keys.is_some_and(|entity| same(entity, &conference.uri(Part::Focus))) {
        return Err(Fault::NoConference);
    }
    let user = command.child("user").ok_or(Fault::Malformed)?;
    let uri = sender(request);
    if !user.attribute("entity").is_some_and(|entity| same(entity, &uri)) {
        return Err(Fault::NotAllowed);
    }
    let entity = user.child("endpoint").and_then(|endpoint| endpoint.attribute("entity"));
    let name = address::display(request.header("From").unwrap_or_default()).to_owned();
    Ok(Wish {
        envelope: read.envelope(),
        role: conference.admits(&uri)?,
        name,
        entity: entity.map_or_else(fresh_entity, str::to_owned),
        uri,
    })
}

/// Somebody's dialog with the focus.
struct Attendance {
    front_end: FrontEnd,
    conference: Arc<Conference>,
    uri: String,
    entity: String,
    dialog: Dialog,
    call_id: String,
    tag: String,
    contact: String,
    invite: ServerTransaction,
    /// A re-INVITE that waits for its ACK.
    refresh: Option<ServerTransaction>,
    answers: mpsc::Sender<String>,
}

impl Attendance {
    async fn run(
        mut self,
        mut mailbox: mpsc::Receiver<Incoming>,
        mut said: mpsc::Receiver<String>,
        away: CancellationToken,
    ) {
        let stop = self.front_end.0.endpoint.stop_token().clone();
        loop {
            tokio::select! {
                incoming = mailbox.recv() => match incoming {
                    Some(incoming) => if self.take(incoming).await { break },
                    None => break,
                },
                answer = said.recv() => if let Some(answer) = answer { self.tell(answer).await },
                () = away.cancelled() => {
                    self.send(Method::BYE, None).await;
                    break;
                }
                () = stop.cancelled() => break,
            }
        }
        self.front_end.0.endpoint.close_dialog(&self.call_id, &self.tag);
        self.conference.close_focus(&self.uri, &self.entity);
        self.conference.change(&self.uri, |roster| roster.leave(&self.uri, &self.entity));
    }

    /// Answers a request within the dialog; true when it was BYE.
    async fn take(&mut self, incoming: Incoming) -> bool {
        let Incoming { request, server, .. } = incoming;
        let Some(server) = server else {
            self.invite.acked().cancel();
            if let Some(refresh) = self.refresh.take() {
                refresh.acked().cancel();
            }
            return false;
        };
        match request.method() {
            Some(&Method::BYE) => {
                server.send(server.reply(200, "OK")).await;
                return true;
            }
            Some(&Method::INFO) => self.obey(&request, &server).await,
            Some(&Method::INVITE) => {
                let mut ok = server.reply(200, "OK");
                ok.push("Contact", &self.contact);
                server.accept(ok).await;
                self.refresh = Some(server);
            }
            Some(&Method::UPDATE | &Method::OPTIONS) => server.send(server.reply(200, "OK")).await,
            _ => server.send(server.reply(501, "Not Implemented")).await,
        }
        false
    }

    async fn obey(&self, request: &Message, server: &ServerTransaction) {
        let body = String::from_utf8_lossy(&request.body);
        let read = match Request::parse(&body) {
            Ok(read) => read,
            Err(fault) => return self.front_end.refuse(server, fault).await,
        };
        let envelope = read.envelope();
        let (mut response, content) = match self.front_end.command(&self.conference, &self.uri, &read) {
            Done::Now(Ok(content)) => (server.reply(200, "OK"), envelope.success(&content)),
            Done::Now(Err(fault)) => {
                // "Non-retriable command-specific failure." ([MS-CONFBAS] 2.2.5)
                let refusal = self.front_end.diagnosed(server.reply(603, "Decline"), fault);
                (refusal, envelope.failure(fault))
            }
            Done::Later(end) => {
                let (answers, later) = (self.answers.clone(), envelope.clone());
                self.front_end.0.endpoint.spawn(async move {
                    let answer = match end.await {
                        Ok(content) => later.success(&content),
                        Err(fault) => later.failure(fault),
                    };
                    // Who asked may have left.
                    let _ = answers.send(answer).await;
                });
                (server.reply(202, "Accepted"), envelope.pending())
            }
        };
        response.set_body(c3p::TYPE, content);
        server.send(response).await;
    }

    /// The answer to an earlier request.
    async fn tell(&mut self, answer: String) {
        self.send(Method::INFO, Some(answer)).await;
    }

    /// Sends a request, and lets its answer come.
    async fn send(&mut self, method: Method, body: Option<String>) {
        let mut request = self.dialog.request(method);
        request.push("Contact", &self.contact);
        if let Some(body) = body {
            request.set_body(c3p::TYPE, body);
        }
        let hop = self.dialog.next_hop();
        match self.front_end.0.endpoint.request(request, &hop).await {
            Ok(transaction) => {
                self.front_end.0.endpoint.spawn(async move { drop(transaction.outcome().await) });
            }
            Err(error) => tracing::debug!(%error, "not sent from the focus"),
        }
    }
}

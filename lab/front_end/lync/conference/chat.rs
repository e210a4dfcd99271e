//! The IM MCU: who joins it by INVITE with `m=message` gets what the others say by MESSAGE ([MS-CONFIM] 3.2).

use std::sync::Arc;

use ezk_sip_types::Method;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::c3p::Fault;
use super::room::Conference;
use super::roster::Status;
use super::uri::Part;
use super::{FrontEnd, fresh_entity, sender};
use crate::sip::{Dialog, Incoming, Message, ServerTransaction, address};

/// What one has said.
#[derive(Debug, Clone)]
pub(super) struct Said {
    uri: String,
    kind: String,
    body: bytes::Bytes,
}

impl FrontEnd {
    pub(super) async fn join_chat(&self, conference: Arc<Conference>, incoming: Incoming) {
        let Incoming { mut request, hop, server } = incoming;
        let Some(server) = server else { return };
        let uri = sender(&request);
        let role = match conference.admits(&uri) {
            Ok(role) => role,
            Err(fault) => return self.refuse(&server, fault).await,
        };
        if !String::from_utf8_lossy(&request.body).contains("m=message ") {
            return server.send(server.reply(488, "Not Acceptable Here")).await;
        }
        let Ok(mailbox) = self.0.endpoint.open_dialog(request.call_id(), server.tag()) else {
            return self.refuse(&server, Fault::Full).await;
        };
        if let Some(route) = self.record_route(&hop) {
            request.push_front("Record-Route", route);
        }
        let mut ok = server.reply(200, "OK");
        request.headers_named("Record-Route").for_each(|route| ok.push("Record-Route", route));
        let contact = format!("<{}>;isfocus", conference.uri(Part::Chat));
        ok.push("Contact", &contact);
        ok.push("Supported", "ms-sender");
        let ip = self.0.endpoint.local_address(&hop).map_or(hop.address.ip(), |address| address.ip());
        ok.set_body(
            "application/sdp",
            format!(
                "v=0\r\no=- 0 0 IN IP4 {ip}\r\ns=session\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
                 m=message 5060 sip null\r\na=accept-types:text/plain text/html\r\n"
            ),
        );
        let talker = Talker {
            dialog: Dialog::of_called(&request, server.tag(), hop),
            names: (request.call_id().to_owned(), server.tag().to_owned()),
            front_end: self.clone(),
            heard: conference.said.subscribe(),
            away: conference.open_focus(&uri, server.tag()),
            entity: fresh_entity(),
            invite: server,
            conference,
            uri,
        };
        talker.invite.accept(ok).await;
        let name = address::display(request.header("From").unwrap_or_default()).to_owned();
        talker.conference.change(&talker.uri, |roster| {
            roster.enter(&talker.uri, &name, role, Part::Chat, &talker.entity, Status::Connected);
        });
        self.0.endpoint.spawn(talker.run(mailbox));
    }
}

/// Somebody's session with the IM MCU.
struct Talker {
    front_end: FrontEnd,
    conference: Arc<Conference>,
    uri: String,
    entity: String,
    names: (String, String),
    dialog: Dialog,
    invite: ServerTransaction,
    heard: broadcast::Receiver<Said>,
    away: CancellationToken,
}

impl Talker {
    async fn run(mut self, mut mailbox: mpsc::Receiver<Incoming>) {
        let stop = self.front_end.0.endpoint.stop_token().clone();
        loop {
            tokio::select! {
                incoming = mailbox.recv() => match incoming {
                    Some(incoming) => if self.take(incoming).await { break },
                    None => break,
                },
                said = self.heard.recv() => if let Ok(said) = said
                    && said.uri != self.uri
                {
                    self.tell(said).await;
                },
                () = self.away.cancelled() => {
                    let bye = self.dialog.request(Method::BYE);
                    self.send(bye).await;
                    break;
                }
                () = stop.cancelled() => break,
            }
        }
        self.front_end.0.endpoint.close_dialog(&self.names.0, &self.names.1);
        self.conference.close_focus(&self.uri, &self.names.1);
        self.conference.change(&self.uri, |roster| roster.leave(&self.uri, &self.entity));
    }

    /// Answers a request within the dialog; true when it was BYE.
    async fn take(&mut self, incoming: Incoming) -> bool {
        let Incoming { request, server, .. } = incoming;
        let Some(server) = server else {
            self.invite.acked().cancel();
            return false;
        };
        server.send(server.reply(200, "OK")).await;
        if request.method() == Some(&Method::MESSAGE) {
            let kind = request.header("Content-Type").unwrap_or("text/plain").to_owned();
            let said = Said { uri: self.uri.clone(), kind, body: request.body.clone() };
            // Nobody else may be there.
            let _ = self.conference.said.send(said);
        }
        request.method() == Some(&Method::BYE)
    }

    async fn tell(&mut self, said: Said) {
        let mut message = self.dialog.request(Method::MESSAGE);
        // "Ms-Sender: the user who sent the message to the conference" ([MS-CONFIM] 2.2.1).
        message.push("Ms-Sender", format!("<{}>", said.uri));
        message.set_body(&said.kind, said.body);
        self.send(message).await;
    }

    async fn send(&self, request: Message) {
        let endpoint = &self.front_end.0.endpoint;
        match endpoint.request(request, &self.dialog.next_hop()).await {
            Ok(transaction) => endpoint.spawn(async move { drop(transaction.outcome().await) }),
            Err(error) => tracing::debug!(%error, "not sent from the IM MCU"),
        }
    }
}

//! SERVICE: publication, dial plan, media relay credentials, quality reports.

use super::Lync;
use super::documents::{self, LOCATION_PROFILE, RELAY, SELF};
use super::events::answer;
use super::presence::Unpublished;
use crate::sip::{Incoming, Message, ServerTransaction, address};

/// Most quality reports that are kept.
const MAX_REPORTS: usize = 256;

impl Lync {
    pub(in crate::front_end) async fn service(&self, incoming: Incoming) {
        let Incoming { request, server, .. } = incoming;
        let Some(server) = server else { return };
        let kind = media_type(request.header("Content-Type"));
        let body = String::from_utf8_lossy(&request.body).into_owned();
        match kind.as_str() {
            "application/msrtc-category-publish+xml" => self.publish(&request, &server, &body).await,
            RELAY => match documents::relay(&self.config, &body) {
                Some(reply) => answer(&server, server.reply(200, "OK"), Some((RELAY, reply))).await,
                None => server.send(server.reply(400, "Request Malformed")).await,
            },
            "application/vq-rtcpxr+xml" => {
                self.tally.keep_report(body, MAX_REPORTS);
                server.send(server.reply(202, "Accepted")).await;
            }
            _ if media_type(request.header("Accept")) == LOCATION_PROFILE => {
                let profile = documents::location_profile(&self.config);
                answer(&server, server.reply(200, "OK"), Some((LOCATION_PROFILE, profile))).await;
            }
            // Contacts and containers may be changed; nobody looks at them here.
            "application/soap+xml" | "application/msrtc-setcontainermembers+xml" => {
                server.send(server.reply(200, "OK")).await;
            }
            _ => {
                let mut refusal = server.reply(415, "Unsupported Media Type");
                refusal.push("Server", &self.config.server);
                server.send(refusal).await;
            }
        }
    }

    async fn publish(&self, request: &Message, server: &ServerTransaction, body: &str) {
        let user = request.user_of("From").unwrap_or_default();
        let epid = request.header("From").and_then(|from| address::param(from, "epid")).unwrap_or("");
        if !self.location.of(&user).iter().any(|one| one.identity.as_ref().is_some_and(|i| i.epid == epid)) {
            self.tally.complain(request, "publishes without a registration");
            let mut refusal = server.reply(403, "Forbidden");
            let (name, value) = self.diagnostics(2_140, "The endpoint is not registered");
            refusal.push(name, value);
            return server.send(refusal).await;
        }
        match self.presences.publish(&user, epid, body) {
            Ok(done) => {
                let reply = documents::published(&self.domain, &user, &done);
                answer(server, server.reply(200, "OK"), Some((SELF, reply.clone()))).await;
                self.pool.tell(&user, &reply);
            }
            Err(Unpublished::Conflicts(conflicts)) => {
                let mut refusal = server.reply(409, "Conflict");
                let (name, value) = self.diagnostics(2_141, "Version is out of date");
                refusal.push(name, value);
                let reply = documents::conflict(&conflicts);
                answer(server, refusal, Some(("application/msrtc-fault+xml", reply))).await;
            }
            Err(Unpublished::Malformed(what)) => {
                self.tally.complain(request, what);
                server.send(server.reply(400, "Bad Request")).await;
            }
            Err(Unpublished::Full) => server.send(server.reply(503, "Service Unavailable")).await,
        }
    }
}

/// The type without its parameters, lower case.
fn media_type(value: Option<&str>) -> String {
    value.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

//! REGISTER as a Lync registrar takes it ([MS-SIPREGE] 3.1.2).

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::Lync;
use super::identity::{Instance, MAX_EPID};
use super::signing::FORGED;
use crate::front_end::location::{Binding, Identity, NotBound, Taken};
use crate::sip::endpoint::locked;
use crate::sip::{Endpoint, Incoming, Message, ServerTransaction, address};

/// Packages that a registrar of Lync says it serves.
pub(super) const EVENTS: &str = "vnd-microsoft-provisioning,vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-ACL,\
    presence,presence.wpending,vnd-microsoft-roaming-self,vnd-microsoft-provisioning-v2";

/// Connections whose end is waited for.
pub(super) type Watched = Mutex<HashSet<u64>>;

/// Why a REGISTER is refused: status, words, ms-diagnostics.
struct Refused(u16, &'static str, Option<(u16, &'static str)>);

/// What a REGISTER asks for.
struct Wish {
    user: String,
    identity: Identity,
    /// As the client wrote it.
    contact: String,
    expires: Duration,
}

impl Lync {
    pub(in crate::front_end) async fn register(self: &Arc<Self>, endpoint: &Endpoint, incoming: Incoming) {
        let Incoming { request, hop, server } = incoming;
        let Some(server) = server else { return };
        if let Some(home) = request.user_of("To").and_then(|user| self.config.homes.get(&user)) {
            return server.send(redirect(&server, home)).await;
        }
        let answer = match self.read(&request) {
            Ok(wish) => self.bind(wish, &request, &server),
            Err(refused) => Err(refused),
        };
        let mut response = answer.unwrap_or_else(|Refused(code, reason, diagnostics)| {
            let mut response = server.reply(code, reason);
            if let Some((id, words)) = diagnostics {
                let (name, value) = self.diagnostics(id, words);
                response.push(name, value);
            }
            response.push("Server", &self.config.server);
            response
        });
        let bound = response.code() == Some(200);
        if bound && self.forges_next.swap(false, Ordering::Relaxed) {
            response.push(FORGED, "yes");
        }
        if let Some(id) = hop.connection.filter(|_| bound) {
            self.watch(endpoint, id, hop);
        }
        server.send(response).await;
    }

    fn read(&self, request: &Message) -> Result<Wish, Refused> {
        let user = request.user_of("To").ok_or(Refused(400, "To names no user", None))?;
        // 404 without ms-diagnostics: the user is not enabled for SIP.
        if !self.accounts.is_possible(&user) {
            return Err(Refused(404, "Not Found", None));
        }
        if !request.header("Event").is_some_and(|event| event.trim().eq_ignore_ascii_case("registration")) {
            return Err(Refused(489, "Bad Event", Some((4055, "Event header is not registration"))));
        }
        let supported: Vec<&str> = request.headers_named("Supported").flat_map(address::list).collect();
        let supports = |token: &str| supported.iter().any(|one| one.eq_ignore_ascii_case(token));
        if supports("msrtc-event-categories") && !supports("gruu-10") {
            return Err(Refused(421, "Extension Required", Some((2057, "gruu-10 is not supported"))));
        }
        let epid = request.header("From").and_then(|from| address::param(from, "epid")).unwrap_or("");
        if epid.len() > MAX_EPID {
            return Err(Refused(400, "Bad Request", Some((4012, "The epid parameter is too long"))));
        }
        let contacts: Vec<&str> = request.headers_named("Contact").flat_map(address::list).collect();
        let [contact] = contacts[..] else {
            return Err(Refused(400, "Bad Request", Some((4013, "One Contact is expected"))));
        };
        let instance = address::param(contact, "+sip.instance").and_then(Instance::parse);
        let (false, Some(instance)) = (epid.is_empty(), instance) else {
            let words = "The epid or +sip.instance parameter is missing";
            return Err(Refused(400, "Bad Request", Some((4010, words))));
        };
        let gruu = instance.gruu(&user, &self.domain);
        let identity = Identity { epid: epid.to_owned(), instance, gruu };
        let asked = request.header("Expires").or_else(|| address::param(contact, "expires"));
        let asked = asked.and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
        let expires = asked.map_or(self.config.expires, |asked| asked.min(self.config.expires));
        Ok(Wish { user, identity, contact: address::uri(contact).to_owned(), expires })
    }

    fn bind(&self, wish: Wish, request: &Message, server: &ServerTransaction) -> Result<Message, Refused> {
        let hop = server.hop();
        let connection = hop.connection.unwrap_or(0);
        let binding = Binding {
            contact: format!("{};ms-received-cid={connection:X}00", wish.contact),
            hop: self.way_to(&wish.contact, hop),
            call_id: request.call_id().to_owned(),
            cseq: request.cseq_number(),
            until: Instant::now() + wish.expires,
            user_agent: request.header("User-Agent").map(str::to_owned),
            identity: Some(wish.identity.clone()),
            registered_on: hop.connection,
            server: Some(self.config.fqdn.clone()),
        };
        let contact = binding.contact.clone();
        let taken = self.location.bind(&wish.user, binding).map_err(|error| match error {
            NotBound::OutOfOrder => Refused(500, "REGISTER out of order", None),
            NotBound::Full => Refused(503, "Service Unavailable", Some((4020, "Too many endpoints"))),
        })?;
        if wish.expires.is_zero() {
            self.presences.end(&wish.user, &wish.identity.epid);
            self.pool.tell(&wish.user, "");
        }
        let action = if taken == Taken::Renewed { "refreshed" } else { "added" };
        Ok(self.confirm(&wish, &contact, action, server))
    }

    /// The 200, header for header in the order of real ones.
    fn confirm(&self, wish: &Wish, contact: &str, action: &str, server: &ServerTransaction) -> Message {
        let mut ok = server.reply(200, "OK");
        let seconds = wish.expires.as_secs();
        // The server knows the name in the directory, and tells it.
        let from = ok.header("From").unwrap_or("").to_owned();
        if from.starts_with('<') {
            ok.set("From", format!("\"{}\"{from}", wish.user));
        }
        let alive = self.config.keep_alive.as_secs();
        ok.push("ms-keep-alive", format!("UAS; tcp=no; hop-hop=yes; end-end=no; timeout={alive}"));
        let Identity { instance, gruu, .. } = &wish.identity;
        let instance = format!("+sip.instance=\"<urn:uuid:{instance}>\"");
        ok.push("Contact", format!("<{contact}>;expires={seconds};{instance};gruu=\"{gruu}\""));
        ok.push("Expires", seconds.to_string());
        let services = if self.config.user_services { "" } else { ";user-services-state=\"unavailable\"" };
        let (cluster, primary) = (self.config.cluster.word(), if self.config.primary { "yes" } else { "no" });
        ok.push(
            "presence-state",
            format!(
                "register-action=\"{action}\";primary-cluster-type=\"{cluster}\";\
                 is-connected-to-primary=\"{primary}\"{services}"
            ),
        );
        ok.push("Allow-Events", EVENTS);
        for token in ["adhoclist", "msrtc-event-categories", "ms-keepalive-deregister"] {
            ok.push("Supported", token);
        }
        ok.push("Supported", "ms-userservices-state-notification");
        ok.push("Server", &self.config.server);
        ok
    }

    /// When a connection ends, so do the registrations and associations on it.
    fn watch(self: &Arc<Self>, endpoint: &Endpoint, id: u64, hop: crate::sip::Hop) {
        if !locked(&self.watched).insert(id) {
            return;
        }
        let (lync, closed) = (self.clone(), endpoint.closed(&hop));
        endpoint.spawn(async move {
            if let Some(closed) = closed {
                closed.cancelled().await;
            }
            for (user, epid) in lync.location.forget_connection(&lync.config.fqdn, id) {
                lync.presences.end(&user, &epid);
                lync.pool.tell(&user, "");
            }
            lync.forget_subscriptions(id);
            if let Some(security) = &lync.security {
                security.forget(id);
            }
            locked(&lync.watched).remove(&id);
        });
    }
}

/// [MS-SIP] 4.1: to the user's home server, for thirty days.
fn redirect(server: &ServerTransaction, home: &str) -> Message {
    let mut response = server.reply(301, "Redirect request to Home Server");
    response.push("Contact", format!("<{home}>"));
    response.push("Expires", "2592000");
    response
}

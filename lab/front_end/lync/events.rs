//! SUBSCRIBE and what follows: roaming-self, roaming-contacts, provisioning, presence of others
//! ([MS-SIP] 3.3 to 3.6, [MS-PRES] 3.1).
//!
//! ```text
//!  SUBSCRIBE ──► 200 with the first notification in it (piggyback), or 200 and NOTIFY
//!            later changes ──► BENOTIFY, which nobody answers, or NOTIFY to who does not know it
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ezk_sip_types::Method;
use tokio::time::Instant;

use super::Lync;
use super::documents::{self, CATEGORIES, CONTACTS, PROVISIONING, SELF};
use super::signing::FORGED;
use super::xml::Element;
use crate::front_end::location::Binding;
use crate::sip::endpoint::locked;
use crate::sip::{Endpoint, Hop, Incoming, Message, ServerTransaction, address};

/// Most subscriptions.
const MAX_SUBSCRIPTIONS: usize = 100_000;
/// Most users that one subscription watches.
const MAX_WATCHED: usize = 200;
/// Longest subscription; what a client gets that asks for nothing.
const LONGEST: Duration = Duration::from_secs(28_800);

/// A package that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Package {
    RoamingSelf,
    RoamingContacts,
    Provisioning,
    Presence,
}

impl Package {
    fn of(event: &str) -> Option<Self> {
        Some(match event.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "vnd-microsoft-roaming-self" => Self::RoamingSelf,
            "vnd-microsoft-roaming-contacts" => Self::RoamingContacts,
            "vnd-microsoft-provisioning-v2" => Self::Provisioning,
            "presence" => Self::Presence,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::RoamingSelf => "vnd-microsoft-roaming-self",
            Self::RoamingContacts => "vnd-microsoft-roaming-contacts",
            Self::Provisioning => "vnd-microsoft-provisioning-v2",
            Self::Presence => "presence",
        }
    }
}

/// One subscription: what its notifications need.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    package: Package,
    user: String,
    /// Whom it watches.
    watched: Vec<String>,
    hop: Hop,
    /// From of the notifications, with our tag.
    local: String,
    /// Their To, with the client's tag and epid.
    remote: String,
    target: String,
    call_id: String,
    cseq: u32,
    /// Whether it takes BENOTIFY.
    silent: bool,
    until: Instant,
}

/// By Call-ID and the client's tag.
pub(super) type Subscriptions = Mutex<HashMap<(String, String), Subscription>>;

/// A subscription as tests see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribed {
    /// Who subscribed.
    pub user: String,
    /// To which package.
    pub event: &'static str,
    /// Whom it watches; empty but for presence.
    pub watched: Vec<String>,
}

impl Lync {
    /// Answers a SUBSCRIBE to a package of Lync.
    pub(in crate::front_end) async fn subscribe(self: &Arc<Self>, endpoint: &Endpoint, incoming: Incoming) {
        let Incoming { request, hop, server } = incoming;
        let Some(server) = server else { return };
        let Some(package) = request.header("Event").and_then(Package::of) else {
            let mut refusal = server.reply(489, "Bad Event");
            refusal.push("Allow-Events", super::registrar::EVENTS);
            return server.send(refusal).await;
        };
        let user = request.user_of("From").unwrap_or_default();
        let asked = request.header("Expires").and_then(|value| value.trim().parse().ok());
        let expires = asked.map_or(LONGEST, Duration::from_secs).min(LONGEST);
        let key = (request.call_id().to_owned(), request.tag("From").unwrap_or("").to_owned());
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let watched = self.watched(&key, package, &user, &body);
        let mut ok = server.reply(200, "OK");
        self.complete(&mut ok, package, expires, &hop);
        let piggyback = supports(&request, "ms-piggyback-first-notify");
        let first = self.first(package, &user, &watched, &body);
        if let Some((content_type, body)) = first.as_ref().filter(|_| piggyback) {
            ok.push("ms-piggyback-cseq", "1");
            ok.set_body(content_type, body.clone());
        }
        let subscription = Subscription {
            package,
            user,
            watched,
            hop,
            local: ok.header("To").unwrap_or("").to_owned(),
            remote: request.header("From").unwrap_or("").to_owned(),
            target: request.header("Contact").map_or("", address::uri).to_owned(),
            call_id: request.call_id().to_owned(),
            cseq: 1,
            silent: supports(&request, "ms-benotify"),
            until: Instant::now() + expires,
        };
        if !self.remember(key, &subscription, expires) {
            return server.send(server.reply(503, "Service Unavailable")).await;
        }
        server.send(ok).await;
        if let Some((content_type, body)) = first.filter(|_| !piggyback) {
            self.notify(endpoint, subscription, content_type, body);
        }
    }

    /// The headers that every 200 to SUBSCRIBE has.
    fn complete(&self, ok: &mut Message, package: Package, expires: Duration, hop: &Hop) {
        let seconds = expires.as_secs();
        let port = self.listening.get().and_then(|at| at.of(hop.transport)).map_or(5061, |at| at.port());
        let (fqdn, transport) = (&self.config.fqdn, hop.transport);
        ok.push("Contact", format!("<sip:{fqdn}:{port};transport={transport}>"));
        ok.push("Expires", seconds.to_string());
        ok.push("Event", package.name());
        ok.push("subscription-state", format!("{};expires={seconds}", standing(expires)));
        ok.push("Supported", "com.microsoft.autoextend, ms-piggyback-first-notify, ms-benotify");
        ok.push("Server", &self.config.server);
    }

    /// Whom a subscription watches: as its body says, else as before.
    fn watched(&self, key: &(String, String), package: Package, user: &str, body: &str) -> Vec<String> {
        if package != Package::Presence {
            return Vec::new();
        }
        let resources = Element::parse(body);
        let named = resources.iter().flat_map(|root| root.all("resource"));
        let users = named.filter_map(|one| address::user(one.attribute("uri")?));
        let users: Vec<String> = users.take(MAX_WATCHED).collect();
        if !users.is_empty() {
            return users;
        }
        let before = locked(&self.subscriptions).get(key).map(|one| one.watched.clone());
        before.unwrap_or_else(|| vec![user.to_owned()])
    }

    fn remember(&self, key: (String, String), subscription: &Subscription, expires: Duration) -> bool {
        let mut all = locked(&self.subscriptions);
        if expires.is_zero() {
            all.remove(&key);
            return true;
        }
        if all.len() >= MAX_SUBSCRIPTIONS {
            all.retain(|_, one| one.until > Instant::now());
        }
        let before = all.get(&key).map_or(1, |one| one.cseq);
        let there_is_room = all.len() < MAX_SUBSCRIPTIONS || all.contains_key(&key);
        if there_is_room {
            all.insert(key, Subscription { cseq: before, ..subscription.clone() });
        }
        there_is_room
    }

    /// What a package tells at first.
    fn first(
        &self,
        package: Package,
        user: &str,
        watched: &[String],
        asked: &str,
    ) -> Option<(String, String)> {
        let (config, domain) = (&self.config, &self.domain);
        Some(match package {
            Package::Provisioning => {
                (PROVISIONING.into(), documents::provisioning(config, domain, user, asked))
            }
            Package::RoamingContacts => (CONTACTS.into(), documents::contacts(config, domain)),
            Package::RoamingSelf => {
                let presence = self.presences.of(user);
                (SELF.into(), documents::roaming_self(config, domain, user, &presence, self))
            }
            Package::Presence => self.presence_of(watched),
        })
    }

    /// The presence of several users: a list and a part for each ([MS-SIP] 4.3).
    fn presence_of(&self, watched: &[String]) -> (String, String) {
        let domain = &self.domain;
        let document = |user: &String| documents::categories(domain, user, &self.presences.of(user));
        if let [user] = watched {
            return (CATEGORIES.into(), document(user));
        }
        let boundary = crate::sip::fresh_token();
        let part = |id: &str, kind: &str, body: &str| {
            format!(
                "--{boundary}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{id}>\r\n\
                 Content-Type: {kind}\r\n\r\n{body}\r\n"
            )
        };
        let resource = |user: &String| {
            format!(
                "<resource uri=\"sip:{user}@{domain}\"><instance id=\"0\" state=\"active\" \
                 cid=\"{user}@{domain}\"/></resource>"
            )
        };
        let list = format!(
            "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:{domain}\" version=\"0\" \
             fullState=\"false\">{}</list>",
            watched.iter().map(resource).collect::<String>()
        );
        let each = watched.iter().map(|user| part(&format!("{user}@{domain}"), CATEGORIES, &document(user)));
        let body = part("resourceList", "application/rlmi+xml", &list) + &each.collect::<String>();
        let kind = format!(
            "multipart/related; type=\"application/rlmi+xml\"; start=resourceList; boundary={boundary}"
        );
        (kind, format!("{body}--{boundary}--\r\n"))
    }

    /// Tells who watches a user, and his own endpoints, that something was published.
    pub(super) fn tell(&self, endpoint: &Endpoint, user: &str, done: &str) {
        let fits = |one: &Subscription| match one.package {
            Package::RoamingSelf => one.user == user && !done.is_empty(),
            Package::Presence => one.watched.iter().any(|watched| watched == user),
            Package::RoamingContacts | Package::Provisioning => false,
        };
        let now = Instant::now();
        let interested: Vec<_> = {
            let mut all = locked(&self.subscriptions);
            let interested = all.values_mut().filter(|one| one.until > now && fits(one));
            let next = interested.map(|one| {
                one.cseq += 1;
                one.clone()
            });
            next.collect()
        };
        for one in interested {
            let (kind, body) = match one.package {
                Package::RoamingSelf => (SELF.to_owned(), done.to_owned()),
                _ => self.presence_of(&[user.to_owned()]),
            };
            self.notify(endpoint, one, kind, body);
        }
    }

    fn notify(&self, endpoint: &Endpoint, to: Subscription, content_type: String, body: String) {
        let method = if to.silent { Method::from("BENOTIFY") } else { Method::NOTIFY };
        let name = method.to_string();
        // Real requests carry the registered Contact, though the client subscribed with its GRUU.
        let bindings = self.location.of(&to.user);
        let own = bindings.iter().find(|one| one.identity.as_ref().is_some_and(|i| i.gruu == to.target));
        let target = own.map_or(&to.target, |binding| &binding.contact);
        let mut request = Message::request(method, target);
        request.push("Max-Forwards", "70");
        request.push("From", &to.local);
        request.push("To", &to.remote);
        request.push("Call-ID", &to.call_id);
        request.push("CSeq", format!("{} {name}", to.cseq));
        request.push("Event", to.package.name());
        let left = to.until.saturating_duration_since(Instant::now());
        request.push("subscription-state", format!("{};expires={}", standing(left), left.as_secs()));
        request.set_body(&content_type, body);
        let silent = to.silent;
        send(endpoint, request, to.hop, silent);
    }

    /// A connection is gone, and the subscriptions on it.
    pub(super) fn forget_subscriptions(&self, connection: u64) {
        locked(&self.subscriptions).retain(|_, one| one.hop.connection != Some(connection));
    }

    /// Subscriptions that stand now.
    pub(in crate::front_end) fn subscribed(&self) -> Vec<Subscribed> {
        let now = Instant::now();
        let all = locked(&self.subscriptions);
        let standing = all.values().filter(|one| one.until > now);
        let seen = standing.map(|one| Subscribed {
            user: one.user.clone(),
            event: one.package.name(),
            watched: one.watched.clone(),
        });
        seen.collect()
    }

    /// Ends a user's registrations, and tells the endpoints why ([MS-SIPREGE] 3.1.2, registration-notify).
    pub(in crate::front_end) fn sign_out(
        &self,
        endpoint: &Endpoint,
        user: &str,
        event: &str,
        diagnostics: &str,
    ) -> usize {
        let bindings = self.location.of(user);
        for binding in &bindings {
            let Some(identity) = &binding.identity else { continue };
            let request = self.sign_out_of(user, binding, &identity.epid, event, diagnostics);
            send(endpoint, request, binding.hop, false);
            self.presences.end(user, &identity.epid);
        }
        self.location.clear(user);
        bindings.len()
    }

    /// The same in the words of somebody who has not the keys: nothing ends here. How many were told.
    pub(in crate::front_end) fn forge_sign_out(&self, endpoint: &Endpoint, user: &str) -> usize {
        let bindings = self.location.of(user);
        for binding in &bindings {
            let Some(identity) = &binding.identity else { continue };
            let mut request =
                self.sign_out_of(user, binding, &identity.epid, "rejected", "4141;reason=\"Forged\"");
            request.push(FORGED, "yes");
            send(endpoint, request, binding.hop, true);
        }
        bindings.len()
    }

    fn sign_out_of(
        &self,
        user: &str,
        binding: &Binding,
        epid: &str,
        event: &str,
        diagnostics: &str,
    ) -> Message {
        let mut request = Message::request(Method::NOTIFY, &binding.contact);
        request.push("Max-Forwards", "69");
        request.push("From", format!("<sip:{user}@{}>;tag={}", self.domain, crate::sip::fresh_token()));
        request.push("To", format!("<sip:{user}@{}>;epid={epid}", self.domain));
        request.push("Call-ID", crate::sip::fresh_token());
        request.push("CSeq", "1 NOTIFY");
        request.push("Event", "registration-notify");
        request.push("subscription-state", "terminated;expires=0");
        request.push("ms-diagnostics-public", diagnostics);
        request.set_body("text/registration-event", format!("deregistered;event={event}"));
        request
    }
}

/// Sends a request that nobody waits for; an answer, where one is due, is taken and forgotten.
fn send(endpoint: &Endpoint, request: Message, hop: Hop, silent: bool) {
    let endpoint = endpoint.clone();
    endpoint.clone().spawn(async move {
        let sent = if silent {
            endpoint.send_once(request, &hop).await.map(drop)
        } else {
            match endpoint.request(request, &hop).await {
                Ok(transaction) => {
                    drop(transaction.outcome().await);
                    Ok(())
                }
                Err(error) => Err(error),
            }
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "notification not sent");
        }
    });
}

pub(super) fn supports(request: &Message, token: &str) -> bool {
    request.headers_named("Supported").flat_map(address::list).any(|one| one.eq_ignore_ascii_case(token))
}

const fn standing(left: Duration) -> &'static str {
    if left.is_zero() { "terminated" } else { "active" }
}

/// What SERVICE asks for, when a Lync front end itself answers it.
pub(super) async fn answer(server: &ServerTransaction, mut response: Message, body: Option<(&str, String)>) {
    if let Some((kind, body)) = body {
        response.set_body(kind, body);
    }
    server.send(response).await;
}

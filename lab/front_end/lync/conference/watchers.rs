//! SUBSCRIBE to the focus, and what watchers are told, in order: NOTIFY, or BENOTIFY, which nobody answers
//! (RFC 4575 §3, [MS-CONFBAS] 3.5).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ezk_sip_types::Method;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::room::Conference;
use super::roster::TYPE;
use super::uri::Part;
use super::{Fault, FrontEnd, sender};
use crate::front_end::lync::events::supports;
use crate::sip::endpoint::locked;
use crate::sip::{Dialog, Endpoint, Hop, Incoming, Message, address};

/// Longest subscription; what is granted who asks for nothing.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Documents that wait for a watcher; who is slower is forgotten.
const MOST_WAITING: usize = 256;

/// Somebody who watches a conference.
pub(super) struct Watcher {
    /// Call-ID and the watcher's tag.
    pub(super) key: (String, String),
    pub(super) until: Instant,
    documents: mpsc::Sender<String>,
    dialog: Arc<Mutex<Dialog>>,
}

impl Watcher {
    /// True while it still watches.
    pub(super) fn tell(&self, document: &str) -> bool {
        self.until > Instant::now() && self.documents.try_send(document.to_owned()).is_ok()
    }
}

impl FrontEnd {
    pub(super) async fn watch(&self, conference: &Arc<Conference>, incoming: Incoming) {
        let Incoming { request, hop, server } = incoming;
        let Some(server) = server else { return };
        let event = request.header("Event").and_then(|event| event.split(';').next()).unwrap_or_default();
        if !event.trim().eq_ignore_ascii_case("conference") {
            let mut refusal = server.reply(489, "Bad Event");
            refusal.push("Allow-Events", "conference");
            return server.send(refusal).await;
        }
        // Who watches is in it, or might be.
        if let Err(fault) = conference.admits(&sender(&request)) {
            return self.refuse(&server, fault).await;
        }
        let key = (request.call_id().to_owned(), request.tag("From").unwrap_or_default().to_owned());
        let asked = request.header("Expires").and_then(|value| value.trim().parse().ok());
        let expires = asked.map_or(LONGEST, Duration::from_secs).min(LONGEST);
        let until = Instant::now() + expires;
        let mut ok = server.reply(200, "OK");
        complete(&mut ok, conference, expires);
        if expires.is_zero() {
            conference.remove_watcher(&key);
            return server.send(ok).await;
        }
        let piggyback = supports(&request, "ms-piggyback-first-notify");
        let refreshed = conference.with_watcher(&key, |watcher| {
            watcher.until = until;
            (watcher.documents.clone(), watcher.dialog.clone())
        });
        let (documents, dialog, first) = match refreshed {
            Some((documents, dialog)) => (documents, dialog, conference.look(|roster| roster.full())),
            None => {
                let dialog = self.dialog_of(&request, server.tag(), hop);
                let dialog = Arc::new(Mutex::new(dialog));
                let (documents, waiting) = mpsc::channel(MOST_WAITING);
                let watcher = Watcher { key, until, documents: documents.clone(), dialog: dialog.clone() };
                let Ok(first) = conference.add_watcher(watcher) else {
                    return self.refuse(&server, Fault::Full).await;
                };
                let telling = Telling {
                    endpoint: self.0.endpoint.clone(),
                    dialog: dialog.clone(),
                    method: if supports(&request, "ms-benotify") { "BENOTIFY" } else { "NOTIFY" },
                };
                if !piggyback {
                    // Nothing else can be waiting before the 200 is out.
                    let _ = documents.try_send(first.clone());
                }
                server.send(finished(ok, &dialog, piggyback.then_some(first))).await;
                return self.0.endpoint.spawn(telling.run(waiting, conference.clone()));
            }
        };
        if !piggyback {
            // A full queue: what comes later tells the same.
            let _ = documents.try_send(first.clone());
        }
        server.send(finished(ok, &dialog, piggyback.then_some(first))).await;
    }

    /// The dialog of a subscription. Real notifications carry the registered Contact, though the client
    /// subscribed with its GRUU.
    fn dialog_of(&self, request: &Message, tag: &str, hop: Hop) -> Dialog {
        let mut request = request.clone();
        let gruu = request.header("Contact").map_or("", address::uri).to_owned();
        let bindings = request.user_of("From").map(|user| self.bindings(&user)).unwrap_or_default();
        let own = bindings.iter().find(|one| one.identity.as_ref().is_some_and(|i| i.gruu == gruu));
        if let Some(binding) = own {
            request.set("Contact", format!("<{}>", binding.contact));
        }
        Dialog::of_called(&request, tag, hop)
    }
}

fn complete(ok: &mut Message, conference: &Conference, expires: Duration) {
    let seconds = expires.as_secs();
    ok.push("Contact", format!("<{}>;isfocus", conference.uri(Part::Focus)));
    ok.push("Expires", seconds.to_string());
    ok.push("Event", "conference");
    let standing = if expires.is_zero() { "terminated" } else { "active" };
    ok.push("subscription-state", format!("{standing};expires={seconds}"));
    ok.push("Supported", "com.microsoft.autoextend, ms-piggyback-first-notify, ms-benotify");
}

/// The 200, with the first document in it when it may ride there.
fn finished(mut ok: Message, dialog: &Mutex<Dialog>, first: Option<String>) -> Message {
    if let Some(first) = first {
        // The number that its notification would have had.
        let number = locked(dialog).request(Method::NOTIFY).cseq_number();
        ok.push("ms-piggyback-cseq", number.to_string());
        ok.set_body(TYPE, first);
    }
    ok
}

/// One watcher is told.
struct Telling {
    endpoint: Endpoint,
    dialog: Arc<Mutex<Dialog>>,
    method: &'static str,
}

impl Telling {
    async fn run(self, mut waiting: mpsc::Receiver<String>, conference: Arc<Conference>) {
        let stop = self.endpoint.stop_token().clone();
        while let Some(Some(document)) = stop.run_until_cancelled(waiting.recv()).await {
            self.tell("active", Some(document)).await;
        }
        if conference.over.is_cancelled() && !stop.is_cancelled() {
            self.tell("terminated;reason=noresource", None).await;
        }
    }

    async fn tell(&self, state: &str, document: Option<String>) {
        let (mut request, hop) = {
            let mut dialog = locked(&self.dialog);
            (dialog.request(Method::from(self.method)), dialog.next_hop())
        };
        request.push("Event", "conference");
        request.push("subscription-state", state);
        if let Some(document) = document {
            request.set_body(TYPE, document);
        }
        let sent = if self.method == "BENOTIFY" {
            self.endpoint.send_once(request, &hop).await.map(drop)
        } else {
            match self.endpoint.request(request, &hop).await {
                Ok(transaction) => {
                    drop(transaction.outcome().await);
                    Ok(())
                }
                Err(error) => Err(error),
            }
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "watcher not told");
        }
    }
}

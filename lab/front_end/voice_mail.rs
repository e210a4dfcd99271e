//! The voice mail beside a plain registrar: message-summary (RFC 3842), for whoever subscribes to its own mailbox.
//!
//! ```text
//!  SUBSCRIBE ──► 401, then 200 and a NOTIFY ── something else in the mailbox ──► NOTIFY
//! ```
//!
//! A front end without any mailbox has no voice mail, and passes SUBSCRIBE on as a proxy does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ezk_sip_types::Method;
use tokio::time::Instant;

use super::accounts::{Admission, Register};
use crate::sip::dialog::Dialog;
use crate::sip::endpoint::locked;
use crate::sip::{Endpoint, Incoming, Message};

/// Most subscriptions.
const MOST: usize = 10_000;
/// Longest subscription.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Mailboxes and who watches them.
pub(super) struct VoiceMail {
    accounts: Arc<Register>,
    /// New and old messages by user.
    boxes: Mutex<HashMap<String, (u32, u32)>>,
    /// By Call-ID.
    watchers: Mutex<HashMap<String, Watcher>>,
}

struct Watcher {
    user: String,
    dialog: Dialog,
    until: Instant,
}

impl VoiceMail {
    pub(super) fn new(accounts: Arc<Register>) -> Self {
        Self { accounts, boxes: Mutex::default(), watchers: Mutex::default() }
    }

    /// Whether there is any mailbox.
    pub(super) fn serves(&self) -> bool {
        !locked(&self.boxes).is_empty()
    }

    /// So much is in a mailbox from now on; whoever watches it is told.
    pub(super) async fn holds(&self, endpoint: &Endpoint, user: &str, messages: (u32, u32)) {
        locked(&self.boxes).insert(user.to_owned(), messages);
        let watched: Vec<String> = {
            let watchers = locked(&self.watchers);
            let of_user = watchers.iter().filter(|(_, watcher)| watcher.user == user);
            of_user.map(|(call_id, _)| call_id.clone()).collect()
        };
        for call_id in watched {
            self.tell(endpoint, &call_id).await;
        }
    }

    pub(super) async fn subscribe(&self, endpoint: &Endpoint, incoming: Incoming) {
        let Incoming { request, hop, server } = incoming;
        let Some(server) = server else { return };
        let event = request.header("Event").unwrap_or("").split(';').next().unwrap_or("").trim();
        if event != "message-summary" {
            let mut refusal = server.reply(489, "Bad Event");
            refusal.push("Allow-Events", "message-summary");
            return server.send(refusal).await;
        }
        let user = request.user_of("From").unwrap_or_default();
        match self.accounts.admit(&request, &user, "Authorization") {
            Admission::Refused => return server.send(server.reply(403, "Forbidden")).await,
            Admission::Challenged(challenge) => {
                let mut response = server.reply(401, "Unauthorized");
                response.push("WWW-Authenticate", challenge);
                return server.send(response).await;
            }
            Admission::Granted => {}
        }
        let asked = request.header("Expires").and_then(|value| value.trim().parse().ok());
        let lasts = asked.map_or(LONGEST, Duration::from_secs).min(LONGEST);
        let call_id = request.call_id().to_owned();
        let mut ok = server.reply(200, "OK");
        ok.push("Expires", lasts.as_secs().to_string());
        if let Some(own) = endpoint.local_address(&hop) {
            ok.push("Contact", format!("<sip:voicemail@{own};transport={}>", hop.transport));
        }
        self.enter(&call_id, user, &request, || Dialog::of_called(&request, server.tag(), hop), lasts);
        server.send(ok).await;
        self.tell(endpoint, &call_id).await;
    }

    /// A new watcher, or one that stays longer.
    fn enter(
        &self,
        call_id: &str,
        user: String,
        request: &Message,
        dialog: impl FnOnce() -> Dialog,
        lasts: Duration,
    ) {
        let (mut watchers, until) = (locked(&self.watchers), Instant::now() + lasts);
        let room = watchers.len() < MOST;
        match watchers.get_mut(call_id) {
            Some(watcher) => watcher.until = until,
            None if room && request.tag("To").is_none() => {
                watchers.insert(call_id.to_owned(), Watcher { user, dialog: dialog(), until });
            }
            None => {}
        }
    }

    async fn tell(&self, endpoint: &Endpoint, call_id: &str) {
        let now = Instant::now();
        let (request, hop) = {
            let mut watchers = locked(&self.watchers);
            let Some(watcher) = watchers.get_mut(call_id) else { return };
            let left = watcher.until.saturating_duration_since(now).as_secs();
            let (new, old) = locked(&self.boxes).get(&watcher.user).copied().unwrap_or_default();
            let mut request = watcher.dialog.request(Method::NOTIFY);
            request.push("Event", "message-summary");
            let state = match left {
                0 => "terminated;reason=timeout".to_owned(),
                left => format!("active;expires={left}"),
            };
            request.push("Subscription-State", state);
            if let Some(own) = endpoint.local_address(&watcher.dialog.next_hop()) {
                request.push("Contact", format!("<sip:voicemail@{own}>"));
            }
            request.set_body("application/simple-message-summary", body(&watcher.user, new, old));
            let hop = watcher.dialog.next_hop();
            if left == 0 {
                watchers.remove(call_id);
            }
            (request, hop)
        };
        let Ok(sent) = endpoint.request(request, &hop).await else { return };
        // RFC 6665 §4.2.2: a watcher that knows nothing of it is one no longer.
        if sent.outcome().await.and_then(|answer| answer.code()) == Some(481) {
            locked(&self.watchers).remove(call_id);
        }
    }
}

fn body(user: &str, new: u32, old: u32) -> String {
    let waiting = if new > 0 { "yes" } else { "no" };
    format!(
        "Messages-Waiting: {waiting}\r\nMessage-Account: sip:{user}@voicemail\r\nVoice-Message: {new}/{old}\r\n"
    )
}

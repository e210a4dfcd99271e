//! What a user wants of a call that is talked in, beside its end: hold and resume, a transfer, a key.

use std::sync::Mutex;

use ezk_sip_types::Method;
use tokio::sync::{mpsc, watch};

use super::talk::Talk;
use super::{ALLOW, LiveCall};
use crate::sip::endpoint::locked;
use crate::sip::{Message, Names};

/// Wishes that wait for their turn.
const MOST_WAITING: usize = 8;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Hold the other end: `a=inactive`, or `a=sendonly`.
    Hold {
        /// Which of the two.
        inactive: bool,
    },
    /// Take it back.
    Resume,
    /// REFER (RFC 3515): connect the other end with this URI.
    Transfer {
        /// Whom with.
        to: String,
        /// In place of this dialog of ours (RFC 3891), when it is an attended one.
        replacing: Option<Names>,
    },
    /// A key, told by INFO.
    Press(char),
}

/// What of a call is told to whoever holds the phone, beside its progress.
pub(super) struct Wishes {
    waiting: mpsc::Sender<Wish>,
    next: tokio::sync::Mutex<mpsc::Receiver<Wish>>,
    names: Mutex<Option<Names>>,
    /// The last status of a transfer: of the REFER, then as NOTIFYs tell it.
    transfer: watch::Sender<Option<u16>>,
    held: watch::Sender<bool>,
}

impl Default for Wishes {
    fn default() -> Self {
        let (waiting, next) = mpsc::channel(MOST_WAITING);
        let (names, next) = (Mutex::default(), tokio::sync::Mutex::new(next));
        Self { waiting, next, names, transfer: watch::Sender::new(None), held: watch::Sender::new(false) }
    }
}

impl LiveCall {
    /// The user wants this. More than eight wishes that wait are forgotten.
    pub fn wish(&self, wish: Wish) {
        _ = self.wishes().waiting.try_send(wish);
    }

    /// The next wish; safe to drop between polls.
    pub(super) async fn wished(&self) -> Wish {
        match self.wishes().next.lock().await.recv().await {
            Some(wish) => wish,
            None => std::future::pending().await,
        }
    }

    /// The dialog, once it has one.
    pub fn names(&self) -> Option<Names> {
        locked(&self.wishes().names).clone()
    }

    pub(super) fn is_named(&self, names: Names) {
        *locked(&self.wishes().names) = Some(names);
    }

    /// How the transfer fares that was asked for in it: the status of the REFER, then those of the NOTIFYs.
    pub fn transfer(&self) -> Option<u16> {
        *self.wishes().transfer.borrow()
    }

    /// Whether the other end holds this one: it does not listen.
    pub fn is_held(&self) -> bool {
        *self.wishes().held.borrow()
    }

    pub(super) fn is_listened_to(&self, listened: bool) {
        self.wishes().held.send_replace(!listened);
    }
}

/// What became of a request.
enum Asked {
    Answered(Message),
    /// The other end hung up before it answered.
    HungUp,
}

impl Talk<'_> {
    /// Does it. None when the other end would not; true when it hung up meanwhile.
    pub(super) async fn grant(&mut self, wish: Wish) -> Option<bool> {
        match wish {
            Wish::Hold { inactive: true } => self.reoffer(false, false).await,
            Wish::Hold { inactive: false } => self.reoffer(true, false).await,
            Wish::Resume => self.reoffer(true, true).await,
            Wish::Transfer { to, replacing } => self.transfer(&to, replacing.as_ref()).await,
            Wish::Press(key) => {
                let mut info = self.dialog.request(Method::INFO);
                info.set_body("application/dtmf-relay", format!("Signal={key}\r\nDuration=160\r\n"));
                Some(matches!(self.ask(info).await?, Asked::HungUp))
            }
        }
    }

    async fn transfer(&mut self, to: &str, replacing: Option<&Names>) -> Option<bool> {
        let mut refer = self.dialog.request(Method::REFER);
        refer.push("Contact", self.phone.contact(&self.dialog.next_hop()).ok()?);
        refer.push("Allow", ALLOW);
        // The end that is asked was talking to us: its tag comes first (RFC 3891 §3).
        let replaces = replacing.map_or(String::new(), |names| {
            let Names { call_id, local_tag, remote_tag } = names;
            let value = format!("{call_id};to-tag={remote_tag};from-tag={local_tag}");
            format!("?Replaces={}", value.replace(';', "%3B").replace('=', "%3D").replace('@', "%40"))
        });
        refer.push("Refer-To", format!("<{to}{replaces}>"));
        refer.push("Referred-By", self.phone.identity());
        match self.ask(refer).await? {
            Asked::HungUp => Some(true),
            Asked::Answered(answer) => {
                self.live.wishes().transfer.send_replace(answer.code());
                Some(false)
            }
        }
    }

    /// Sends a request and waits for its answer; what comes meanwhile is taken. None: no answer came.
    async fn ask(&mut self, request: Message) -> Option<Asked> {
        let endpoint = self.phone.0.endpoint.clone();
        let transaction = endpoint.request(request, &self.dialog.next_hop()).await.ok()?;
        let outcome = transaction.outcome();
        tokio::pin!(outcome);
        loop {
            tokio::select! {
                answer = &mut outcome => return answer.map(Asked::Answered),
                incoming = self.mailbox.recv() => if self.take(incoming?).await { return Some(Asked::HungUp) },
            }
        }
    }

    /// A NOTIFY of a transfer: `SIP/2.0 180 Ringing` (RFC 3515 §2.4.5).
    pub(super) fn take_notify(&self, notify: &Message) {
        let text = String::from_utf8_lossy(&notify.body);
        let code = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok());
        if let Some(code) = code {
            self.live.wishes().transfer.send_replace(Some(code));
        }
    }
}

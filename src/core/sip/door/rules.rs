//! What the door knows of this node, and the marks it makes with its secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::pii::Pii;
use crate::sip::wire::{Message, Method, Text};

/// What a listener takes. One for each world it may face.
#[derive(Debug, Clone)]
pub struct DoorRules {
    /// Keys the tags and marks made here. The same on every start and every node of a cluster, so that
    /// a retransmission gets the same answer from each.
    pub secret: Pii<[u8; 32]>,
    /// Methods taken; the value of Allow. ACK and CANCEL pass whether named or not.
    pub allow: Vec<Method>,
    /// Option tags understood in Require and Proxy-Require.
    pub options: Vec<String>,
    /// Media types understood in an INVITE, UPDATE or PRACK, in lower case; the value of Accept.
    pub bodies: Vec<String>,
    /// Value of Server in replies.
    pub server: Option<Text>,
}

impl DoorRules {
    /// What Kirkwall as a whole understands. A listener whose side takes more or less changes the lists.
    pub fn new(secret: [u8; 32]) -> Self {
        use Method::{
            Ack, Benotify, Bye, Cancel, Info, Invite, Message, Notify, Options, Prack, Refer, Register,
            Subscribe, Update,
        };
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Self {
            secret: Pii(secret),
            allow: vec![
                Invite, Ack, Cancel, Bye, Options, Register, Prack, Update, Info, Refer, Subscribe, Notify,
                Message, Benotify,
            ],
            options: words(&["100rel", "timer", "replaces", "norefersub", "eventlist"]),
            bodies: words(&[
                "application/sdp",
                "multipart/alternative",
                "multipart/mixed",
                "multipart/related",
                "multipart/signed",
                "application/ms-conf-invite+xml",
            ]),
            server: None,
        }
    }

    /// The value of Allow.
    pub fn allow(&self) -> String {
        self.allow.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
    }

    /// A To-tag that is the same for each retransmission of `request` (RFC 3261 §8.2.7), and that
    /// nobody without the secret can guess.
    pub fn to_tag(&self, request: &Message) -> String {
        let branch = request.top_via().and_then(|via| via.branch());
        let cseq = request.cseq().map_or(String::new(), |cseq| cseq.number.to_string());
        self.mark(&[
            "tag",
            request.call_id().map_or("", Text::as_str),
            request.from_tag().as_ref().map_or("", Text::as_str),
            &cseq,
            branch.as_ref().map_or("", Text::as_str),
        ])
    }

    /// 16 hexadecimal digits made of `words`.
    pub(super) fn mark(&self, words: &[&str]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret.0).expect("HMAC takes a key of any length");
        for word in words {
            mac.update(&(word.len() as u64).to_be_bytes());
            mac.update(word.as_bytes());
        }
        mac.finalize().into_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Stands between a branch's own part and its loop marks.
pub(super) const MARK: &str = ".kw";

//! What the door knows of this node, and the marks it makes with its secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::pii::Pii;
use crate::sip::wire::{Message, Method, Text, Uri, Via};
use crate::sip::{Facing, Peer};

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
    fn mark(&self, words: &[&str]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret.0).expect("HMAC takes a key of any length");
        for word in words {
            mac.update(&(word.len() as u64).to_be_bytes());
            mac.update(word.as_bytes());
        }
        mac.finalize().into_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Stands between a branch's own part and its loop mark.
pub(super) const MARK: &str = ".kw";

/// What tells a request that has come back from one that comes for the first time: a keyed hash of
/// the side it came in on and of its Request-URI.
pub fn loop_mark(request: &Message, peer: &Peer, door: &DoorRules) -> String {
    let side = match peer.facing {
        Facing::North => "north",
        Facing::South => "south",
    };
    let target = request.request_uri();
    let port = target.as_ref().and_then(|uri| uri.port).map_or(String::new(), |port| port.to_string());
    door.mark(&["loop", side, &target.as_ref().map(Uri::aor).unwrap_or_default(), &port])
}

/// The branch for a request that is sent because another one came in: `word` is unique, `mark` that
/// other one's [`loop_mark`]. Should the request come back, the door answers 482.
pub fn marked_branch(word: &str, mark: &str) -> String {
    format!("{}{word}{MARK}{mark}", Via::COOKIE)
}

/// The loop mark in a branch of ours.
pub(super) fn mark_of(branch: &str) -> Option<&str> {
    branch.strip_prefix(Via::COOKIE)?.rsplit_once(MARK).map(|(_, mark)| mark)
}

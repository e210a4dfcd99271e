//! Message waiting: the body of `message-summary` (RFC 3842 §5), read and written.
//!
//! ```text
//! Messages-Waiting: yes
//! Message-Account: sip:anna@vmail.example.com
//! Voice-Message: 2/8 (0/2)
//! ```

use serde::{Deserialize, Serialize};

/// The event package (RFC 3842 §3.1).
pub const EVENT: &str = "message-summary";
/// Its body (§3.4).
pub const CONTENT_TYPE: &str = "application/simple-message-summary";

/// Longest account kept, in characters.
const LONGEST_ACCOUNT: usize = 256;
/// Most lines read.
const MOST_LINES: usize = 64;

/// What waits in a user's mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Mailbox {
    /// Whether anything new waits, of whatever kind.
    pub waiting: bool,
    /// New voice messages, urgent ones among them.
    pub new: u32,
    /// Voice messages that were heard.
    pub old: u32,
    /// New urgent voice messages.
    pub urgent: u32,
    /// Where they are fetched, when the notifier says so.
    pub account: Option<String>,
}

/// Why a body says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the notification has no line `Messages-Waiting: yes` or `no`")]
pub struct NoSummary;

impl Mailbox {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// There is no status line; it "MUST" be there (§5.2).
    pub fn parse(body: &[u8]) -> Result<Self, NoSummary> {
        let text = String::from_utf8_lossy(body);
        let mut lines = text.lines().take(MOST_LINES).filter_map(|line| line.split_once(':'));
        let mut mailbox = Self::default();
        let (mut known, mut counted) = (false, false);
        for (name, value) in &mut lines {
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "messages-waiting" if !known => {
                    known = value.eq_ignore_ascii_case("yes") || value.eq_ignore_ascii_case("no");
                    mailbox.waiting = value.eq_ignore_ascii_case("yes");
                }
                "message-account" => mailbox.account = account(value),
                "voice-message" if !counted => {
                    (mailbox.new, mailbox.old, mailbox.urgent) = counts(value);
                    counted = true;
                }
                _ => {}
            }
        }
        known.then_some(mailbox).ok_or(NoSummary)
    }

    /// The body that tells a handset of it.
    pub fn body(&self) -> String {
        let yes = if self.waiting { "yes" } else { "no" };
        let account =
            self.account.as_ref().map_or(String::new(), |uri| format!("Message-Account: {uri}\r\n"));
        let Self { new, old, urgent, .. } = self;
        format!("Messages-Waiting: {yes}\r\n{account}Voice-Message: {new}/{old} ({urgent}/0)\r\n")
    }
}

/// An account that may stand in a header line of ours again.
fn account(value: &str) -> Option<String> {
    let plain = !value.is_empty() && value.chars().all(|c| !c.is_control() && c != ' ');
    (plain && value.chars().count() <= LONGEST_ACCOUNT).then(|| value.to_owned())
}

/// `new/old (new urgent/old urgent)`.
fn counts(value: &str) -> (u32, u32, u32) {
    let number = |text: Option<&str>| {
        text.map(|text| text.trim_matches(|c: char| !c.is_ascii_digit())).and_then(|text| text.parse().ok())
    };
    let (plain, urgent) = value.split_once('(').unwrap_or((value, ""));
    let mut plain = plain.split('/');
    let (new, old) = (number(plain.next()), number(plain.next()));
    (new.unwrap_or(0), old.unwrap_or(0), number(urgent.split('/').next()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_read() {
        let body = "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n\
                    Voice-Message: 2/8 (0/2)\r\nFax-Message: 1/0\r\n\r\nTo: <sip:a@b>\r\n";
        let mailbox = Mailbox::parse(body.as_bytes()).unwrap();
        assert_eq!((mailbox.waiting, mailbox.new, mailbox.old, mailbox.urgent), (true, 2, 8, 0));
        assert_eq!(mailbox.account.as_deref(), Some("sip:alice@vmail.example.com"));
    }

    #[test]
    fn short_and_strange_bodies_are_read_as_far_as_they_go() {
        assert!(!Mailbox::parse(b"messages-waiting:no").unwrap().waiting);
        let bare = Mailbox::parse(b"Messages-Waiting: YES\nVoice-Message: 3/0").unwrap();
        assert_eq!((bare.waiting, bare.new), (true, 3));
        let odd = b"Messages-Waiting: yes\r\nVoice-Message: 99999999999/x (/)\r\nMessage-Account: a b\r\n";
        assert_eq!(Mailbox::parse(odd), Ok(Mailbox { waiting: true, ..Mailbox::default() }));
        for nothing in [&b""[..], b"Voice-Message: 1/0", b"Messages-Waiting: perhaps", b"\xff\xfe"] {
            assert_eq!(Mailbox::parse(nothing), Err(NoSummary));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_again(waiting: bool, new: u32, old: u32, urgent: u32) {
            let mailbox = Mailbox { waiting, new, old, urgent, account: Some("sip:vm@x".into()) };
            proptest::prop_assert_eq!(Mailbox::parse(mailbox.body().as_bytes()), Ok(mailbox));
        }

        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            _ = Mailbox::parse(&body);
        }
    }
}

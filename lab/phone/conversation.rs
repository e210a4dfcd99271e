//! Which conversation a call belongs to: what Lync's clients know a call by when it becomes a conference
//! ([MS-CONFBAS], `Ms-Conversation-ID`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{LiveCall, Phone};
use crate::sip::Message;

/// Base64 of 22 octets, the same in everything that belongs to one conversation.
pub const CONVERSATION: &str = "Ms-Conversation-ID";

impl Phone {
    /// A Lync user's INVITE begins a conversation, unless its headers name one.
    pub(super) fn converse(&self, invite: &mut Message, live: &LiveCall) {
        if self.0.config.conversations && invite.header(CONVERSATION).is_none() {
            invite.push(CONVERSATION, fresh());
        }
        live.belongs_to(invite.header(CONVERSATION));
    }
}

/// A new one.
pub fn fresh() -> String {
    STANDARD.encode(rand::random::<[u8; 22]>())
}

//! Invitations, and calls that go on in a conference: what an INVITE of the north tells of both.

use super::*;

/// Names the conversation that a call belongs to: the same in a call and in the conference that goes on with it.
const CONVERSATION: &str = "Ms-Conversation-ID";

impl Supervisor {
    /// What an INVITE of the north invites to, with its caller as handsets show it.
    ///
    /// # Errors
    /// It is an invitation that cannot be read, or to a conference without voice.
    pub(in crate::supervisor) fn invited(
        &self,
        invite: &SipMessage,
        peer: &Peer,
        caller: Party,
    ) -> Result<(Party, Option<String>), ()> {
        let Some((kind, body)) = invite.typed_body().filter(|_| peer.facing == Facing::North) else {
            return Ok((caller, None));
        };
        if !kind.to_ascii_lowercase().starts_with(invitation::CONTENT_TYPE) {
            return Ok((caller, None));
        }
        let read = Invitation::parse(body).map_err(|fault| warn!(%fault, "an invitation cannot be read"))?;
        if !read.audio {
            return Err(());
        }
        let name = if caller.display.is_empty() { &caller.number } else { &caller.display };
        let display = format!("{AD_HOC} of {name}");
        Ok((Party { display, ..caller }, Some(read.focus)))
    }

    /// Whether a call invites a user to where another of the user's calls goes on, with the same conversation: that
    /// one is told to go there, and nothing rings.
    pub(in crate::supervisor) fn escalates(&mut self, call: CallRef) -> bool {
        let Some(entry) = self.calls.get(&call) else { return false };
        let (Some(focus), Some(conversation)) = (entry.invitation.clone(), entry.conversation.clone()) else {
            return false;
        };
        let Some(user) = self.user_called(&entry.summary.callee.number) else { return false };
        let continued = self.in_conversation(&user, &conversation, call);
        let addr = continued.and_then(|call| self.calls.get(&call)).map(|entry| entry.addr.clone());
        addr.map(|addr| addr.do_send(Convene { user, to: focus })).is_some()
    }

    /// The call of a user in this conversation, beside one.
    pub(super) fn in_conversation(
        &self,
        user: &Username,
        conversation: &str,
        beside: CallRef,
    ) -> Option<CallRef> {
        let theirs = |party: &Party| party.user.as_ref() == Some(user);
        let found = self.calls.values().find(|entry| {
            let summary = &entry.summary;
            let talks = summary.phase == Phase::Talking && summary.reference != beside;
            let same = entry.conversation.as_deref() == Some(conversation);
            talks && same && (theirs(&summary.caller) || theirs(&summary.callee))
        });
        found.map(|entry| entry.summary.reference)
    }

    /// The call that goes on with an INVITE of a mixer, and whose.
    pub(in crate::supervisor) fn continued_by(
        &self,
        invite: &SipMessage,
        peer: &Peer,
    ) -> Option<(CallRef, Username)> {
        let from = invite.from().filter(|from| is_conference(&from.uri.raw))?;
        let conversation =
            conversation_in(invite).filter(|_| peer.facing == Facing::North && !from.uri.raw.is_empty())?;
        let user = self.user_called(&invite.request_uri()?.user_text())?;
        self.in_conversation(&user, &conversation, CallRef(0)).map(|call| (call, user))
    }

    /// The header that names a call's conversation to clients of Lync.
    pub(in crate::supervisor) fn conversation_of(&mut self, call: CallRef) -> Option<(String, String)> {
        let fresh = format!("{}{}==", self.tokens.word(), self.tokens.word());
        let entry = self.calls.get_mut(&call).filter(|_| self.settings.speaks_lync())?;
        let conversation = entry.conversation.get_or_insert(fresh).clone();
        Some((CONVERSATION.to_owned(), conversation))
    }
}

/// An invitation that a standing call follows.
pub(in crate::supervisor) fn escalation() -> Granted {
    let about = About { escalates: true, ..About::default() };
    Granted { attempts: Vec::new(), credentials: None, about }
}

/// The conversation that an INVITE names.
pub(in crate::supervisor) fn conversation_in(invite: &SipMessage) -> Option<String> {
    let name = HeaderName::from_text(Text::from_static(CONVERSATION));
    let named = invite.header(&name)?.as_str().trim();
    (!named.is_empty() && named.len() <= 128).then(|| named.to_owned())
}

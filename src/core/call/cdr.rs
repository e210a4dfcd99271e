//! What remains of a call: its summary while it lives, its record when it is over.

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::forward::Diversion;
use super::house::HouseKind;
use super::party::Party;
use crate::id::{CallRef, Username};
use crate::media::Codec;
use crate::timer::Moment;

/// What a call is doing, in an administrator's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Being routed and admitted.
    SettingUp,
    /// Dialled, nobody has rung yet.
    Dialling,
    /// The called side rings.
    Ringing,
    /// Both can talk.
    Talking,
    /// Being cleared.
    Ending,
    /// Over.
    Ended,
}

/// A call as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSummary {
    /// Which one.
    pub reference: CallRef,
    /// What it is doing.
    pub phase: Phase,
    /// Who called.
    pub caller: Party,
    /// Who was called, or answered.
    pub callee: Party,
    /// When the INVITE came.
    pub started: Moment,
    /// When it was answered.
    pub answered: Option<Moment>,
    /// When it was over.
    pub ended: Option<Moment>,
    /// Codec towards the caller and the callee.
    pub codecs: (Option<Codec>, Option<Codec>),
    /// SRTP towards the caller and the callee.
    pub srtp: (bool, bool),
    /// Where the media of the caller and the callee comes from, as their descriptions say.
    #[serde(default)]
    pub media: (Option<std::net::IpAddr>, Option<std::net::IpAddr>),
    /// Why it ended.
    pub cause: Option<Cause>,
    /// Who gave its place to whom, in order.
    #[serde(default)]
    pub handed_over: Vec<HandedOver>,
    /// Numbers of caller and callee before the first of these.
    #[serde(default)]
    pub began_with: Option<(String, String)>,
    /// Whether it is to an emergency number.
    #[serde(default)]
    pub emergency: bool,
    /// Through whose forwards it came, oldest first.
    #[serde(default)]
    pub trail: Vec<Diversion>,
    /// The focus of the conference in the north that it leads into.
    #[serde(default)]
    pub conference: Option<String>,
    /// For whose sake, when the switch itself called.
    #[serde(default)]
    pub house: HouseKind,
}

/// One end of a call gave its place to somebody else: a transfer, or a call picked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// When.
    pub at: Moment,
    /// Number of who left.
    pub by: String,
    /// Number of who came.
    pub to: String,
}

impl CallSummary {
    /// Whether `user` is in it: who called from dialling on, who was called from answering on, till the end.
    pub fn occupies(&self, user: &Username) -> bool {
        let is = |party: &Party| party.user.as_ref() == Some(user);
        // Who is rung in his own name is in it from answering on.
        let calls = is(&self.caller) && (self.house == HouseKind::Plain || self.answered.is_some());
        self.phase != Phase::Ended && (calls || is(&self.callee) && self.answered.is_some())
    }

    /// As people see it who do not know how the switch makes calls by itself. Of a call by click, who was rung first
    /// is the caller, and it is answered when whom that one wanted has answered. Of an alarm, its sender calls.
    pub fn as_wanted(&self) -> Self {
        match self.house {
            HouseKind::Plain => self.clone(),
            HouseKind::Alarm => Self { caller: Party { user: None, ..self.caller.clone() }, ..self.clone() },
            HouseKind::Clicked => {
                let connected = self.handed_over.first().map(|first| first.at);
                let (mut caller, mut callee) = (self.callee.clone(), self.caller.clone());
                if connected.is_none() {
                    caller.user = caller.user.or(callee.user.take());
                }
                Self {
                    caller,
                    callee,
                    answered: connected,
                    codecs: (self.codecs.1, self.codecs.0),
                    srtp: (self.srtp.1, self.srtp.0),
                    media: (self.media.1, self.media.0),
                    began_with: None,
                    ..self.clone()
                }
            }
        }
    }

    /// Of a call whose INVITE has just come.
    pub fn of(new: &super::NewCall, now: Moment) -> Self {
        Self {
            reference: new.reference,
            phase: Phase::SettingUp,
            caller: new.caller.clone(),
            callee: new.dialled.clone(),
            started: now,
            answered: None,
            ended: None,
            codecs: (None, None),
            srtp: (false, false),
            media: (None, None),
            cause: None,
            handed_over: Vec::new(),
            began_with: None,
            emergency: false,
            trail: Vec::new(),
            conference: None,
            house: HouseKind::Plain,
        }
    }
}

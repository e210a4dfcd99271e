//! Messages that are not to be acted on, and what to answer (EN 300 175-5, 17.1 to 17.6).

use super::{Kind, Message, Protocol, Side, Transaction};
use crate::dect::element::{RejectReason, ReleaseReason, Tag};

/// Why a message is to be treated "as if the message had never been received".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// No whole message type.
    #[error("too short to hold a message type")]
    TooShort,
    /// A protocol this product does not have.
    #[error("protocol discriminator {0} is not supported")]
    Protocol(u8),
    /// A transaction value the protocol does not have, or the extension.
    #[error("transaction value {0} is not supported")]
    TransactionValue(u8),
    /// The flag says that we began what only the sender can begin.
    #[error("{0} has its transaction flag wrongly set")]
    Flag(Kind),
}

/// Why a message is not to be acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing comes of it.
    #[error("message ignored: {0}")]
    Ignored(Ignored),
    /// Its type is not known, or not for that side to send. It is ignored as well, but in call control only
    /// when its transaction is known (17.3.2.1 comes before 17.4.1).
    #[error("message type {code:02X} from {from:?} is not recognised")]
    Unrecognised {
        /// In which conversation.
        transaction: Transaction,
        /// From whom.
        from: Side,
        /// Its message type octet.
        code: u8,
    },
    /// A mandatory element is missing or cannot be read.
    #[error("{} from {:?}: mandatory {element} {}", message.kind, message.from,
        if *missing { "is missing" } else { "cannot be read" })]
    Mandatory {
        /// What could be read.
        message: Box<Message>,
        /// The element.
        element: Tag,
        /// Missing, else bad.
        missing: bool,
    },
}

impl Fault {
    /// What clause 17.6 wants answered, whatever state anything is in.
    ///
    /// Of call control only {CC-SETUP} and {CC-RELEASE} are: for the others "the receiving entity may
    /// choose to maintain the call in which case no action should be taken on the message" (17.6.1), and
    /// so it does.
    pub fn answer(&self) -> Option<Message> {
        let Self::Mandatory { message, missing, .. } = self else { return None };
        let (release, reject) = match missing {
            true => (ReleaseReason::MANDATORY_MISSING, RejectReason::ELEMENT_ERROR),
            false => (ReleaseReason::INVALID_CONTENT, RejectReason::INVALID_CONTENT),
        };
        let kind = match message.kind {
            Kind::CcSetup | Kind::CcRelease => Kind::CcReleaseCom,
            Kind::LcePageResponse => Kind::LcePageReject,
            // 17.6.4: "the corresponding reject message should be returned".
            Kind::TemporaryIdentityAssign => Kind::TemporaryIdentityAssignRej,
            Kind::AuthenticationRequest => Kind::AuthenticationReject,
            Kind::LocateRequest => Kind::LocateReject,
            Kind::AccessRightsRequest => Kind::AccessRightsReject,
            Kind::AccessRightsTerminateRequest => Kind::AccessRightsTerminateReject,
            Kind::MmInfoRequest => Kind::MmInfoReject,
            Kind::CipherRequest => Kind::CipherReject,
            _ => return None,
        };
        let answer = message.answer(kind);
        Some(match (kind, kind.protocol()) {
            (_, Protocol::Cc) => answer.with(&release),
            // The identity it must carry is what could not be read: it goes back empty.
            (Kind::LcePageReject, _) => answer.with_flag(Tag::PORTABLE_IDENTITY).with(&reject),
            _ => answer.with(&reject),
        })
    }
}

//! The tables of clause 6.3 as data: which element may stand in which message, and in which direction.
//!
//! The rows stand in the order of the printed tables, with their repeat indicators; the three rows every
//! table begins with (protocol discriminator, transaction identifier, message type) are left out.

use super::{Kind, Side};
use crate::dect::element::Tag;

mod cc;
mod coms;
mod link;
mod mm;
mod mm_info;
mod ss;

/// Whether an element stands in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Mandatory,
    /// It may.
    Optional,
    /// It must in the cases its note or its procedure tells ("M/O", "M/N", "C"); the machines know them.
    Conditional,
    /// It may not.
    NotAllowed,
}

use Presence::{Conditional as C, Mandatory as M, NotAllowed as N, Optional as O};

/// One row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The element.
    pub tag: Tag,
    /// From the fixed to the portable side.
    pub f_to_p: Presence,
    /// From the portable to the fixed side.
    pub p_to_f: Presence,
    /// "Zero length contents" say something there (LOCATE-ACCEPT, 13.4.1).
    pub may_be_empty: bool,
}

impl Row {
    /// Whether the element stands in what `from` sends.
    pub fn presence(&self, from: Side) -> Presence {
        match from {
            Side::Fixed => self.f_to_p,
            Side::Portable => self.p_to_f,
        }
    }

    const fn or_empty(self) -> Self {
        Self { may_be_empty: true, ..self }
    }
}

const fn row(tag: Tag, f_to_p: Presence, p_to_f: Presence) -> Row {
    Row { tag, f_to_p, p_to_f, may_be_empty: false }
}

impl Kind {
    /// Its table.
    pub fn rows(self) -> &'static [Row] {
        match self {
            Kind::CcSetup => cc::CC_SETUP,
            Kind::CcInfo => cc::CC_INFO,
            Kind::CcSetupAck => cc::CC_SETUP_ACK,
            Kind::CcCallProc => cc::CC_CALL_PROC,
            Kind::CcAlerting => cc::CC_ALERTING,
            Kind::CcConnect => cc::CC_CONNECT,
            Kind::CcConnectAck => cc::CC_CONNECT_ACK,
            Kind::CcRelease => cc::CC_RELEASE,
            Kind::CcReleaseCom => cc::CC_RELEASE_COM,
            Kind::CcServiceChange => cc::CC_SERVICE_CHANGE,
            Kind::CcServiceAccept => cc::CC_SERVICE_ACCEPT,
            Kind::CcServiceReject => cc::CC_SERVICE_REJECT,
            Kind::CcNotify => cc::CC_NOTIFY,
            Kind::IwuInfo => cc::IWU_INFO,
            Kind::Facility => ss::FACILITY,
            Kind::Hold => ss::HOLD,
            Kind::HoldAck => ss::HOLD_ACK,
            Kind::HoldReject => ss::HOLD_REJECT,
            Kind::Retrieve => ss::RETRIEVE,
            Kind::RetrieveAck => ss::RETRIEVE_ACK,
            Kind::RetrieveReject => ss::RETRIEVE_REJECT,
            Kind::CissRegister => ss::CISS_REGISTER,
            Kind::CissReleaseCom => ss::CISS_RELEASE_COM,
            Kind::ClmsVariable => link::CLMS_VARIABLE,
            Kind::ComsSetup => coms::COMS_SETUP,
            Kind::ComsConnect => coms::COMS_CONNECT,
            Kind::ComsNotify => coms::COMS_NOTIFY,
            Kind::ComsRelease => coms::COMS_RELEASE,
            Kind::ComsReleaseCom => coms::COMS_RELEASE_COM,
            Kind::ComsInfo => coms::COMS_INFO,
            Kind::ComsAck => coms::COMS_ACK,
            Kind::AccessRightsAccept => mm::ACCESS_RIGHTS_ACCEPT,
            Kind::AccessRightsReject => mm::ACCESS_RIGHTS_REJECT,
            Kind::AccessRightsRequest => mm::ACCESS_RIGHTS_REQUEST,
            Kind::AccessRightsTerminateAccept => mm::ACCESS_RIGHTS_TERMINATE_ACCEPT,
            Kind::AccessRightsTerminateReject => mm::ACCESS_RIGHTS_TERMINATE_REJECT,
            Kind::AccessRightsTerminateRequest => mm::ACCESS_RIGHTS_TERMINATE_REQUEST,
            Kind::AuthenticationReject => mm::AUTHENTICATION_REJECT,
            Kind::AuthenticationReply => mm::AUTHENTICATION_REPLY,
            Kind::AuthenticationRequest => mm::AUTHENTICATION_REQUEST,
            Kind::CipherReject => mm::CIPHER_REJECT,
            Kind::CipherRequest => mm::CIPHER_REQUEST,
            Kind::CipherSuggest => mm::CIPHER_SUGGEST,
            Kind::Detach => mm_info::DETACH,
            Kind::IdentityReply => mm_info::IDENTITY_REPLY,
            Kind::IdentityRequest => mm_info::IDENTITY_REQUEST,
            Kind::KeyAllocate => mm_info::KEY_ALLOCATE,
            Kind::LocateAccept => mm_info::LOCATE_ACCEPT,
            Kind::LocateReject => mm_info::LOCATE_REJECT,
            Kind::LocateRequest => mm_info::LOCATE_REQUEST,
            Kind::MmInfoAccept => mm_info::MM_INFO_ACCEPT,
            Kind::MmInfoReject => mm_info::MM_INFO_REJECT,
            Kind::MmInfoRequest => mm_info::MM_INFO_REQUEST,
            Kind::MmInfoSuggest => mm_info::MM_INFO_SUGGEST,
            Kind::TemporaryIdentityAssign => mm_info::TEMPORARY_IDENTITY_ASSIGN,
            Kind::TemporaryIdentityAssignAck => mm_info::TEMPORARY_IDENTITY_ASSIGN_ACK,
            Kind::TemporaryIdentityAssignRej => mm_info::TEMPORARY_IDENTITY_ASSIGN_REJ,
            Kind::LcePageResponse => link::LCE_PAGE_RESPONSE,
            Kind::LcePageReject => link::LCE_PAGE_REJECT,
            Kind::MmIwu => mm_info::MM_IWU,
            Kind::MmNotify => mm_info::MM_NOTIFY,
        }
    }

    /// Whether `tag` may stand in this message from `from`.
    pub fn allows(self, tag: Tag, from: Side) -> bool {
        self.places(tag, from) > 0
    }

    /// In how many places `tag` may stand in this message from `from`.
    pub(super) fn places(self, tag: Tag, from: Side) -> usize {
        let here = |row: &&Row| row.tag == tag && row.presence(from) != N;
        self.rows().iter().filter(here).count()
    }

    /// Whether a list of `tag` may stand in this message from `from`: a repeat indicator is allowed before
    /// it. <<SEGMENTED-INFO>> may come between them.
    pub fn allows_list(self, tag: Tag, from: Side) -> bool {
        let mut list = false;
        for row in self.rows() {
            match row.tag {
                Tag::REPEAT_INDICATOR => list = row.presence(from) != N,
                Tag::SEGMENTED_INFO => {}
                found if found == tag && list => return true,
                _ => list = false,
            }
        }
        false
    }

    /// Elements that must stand in this message from `from`.
    pub fn mandatory(self, from: Side) -> impl Iterator<Item = &'static Row> {
        self.rows().iter().filter(move |row| row.presence(from) == M)
    }

    /// Where in the table `tag` stands, for the order of what we send.
    pub(super) fn place(self, tag: Tag) -> Option<usize> {
        self.rows().iter().position(|row| row.tag == tag)
    }
}

#[cfg(test)]
mod tests;

//! Link control (6.3.7) and connectionless messages (6.3.5).

use super::{M, N, O, Row, row};
use crate::dect::element::Tag;

/// `{CLMS-VARIABLE}`, table 37.
pub(super) const CLMS_VARIABLE: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, M, M),
    row(Tag::MMS_GENERIC_HEADER, O, O),
    row(Tag::MMS_OBJECT_HEADER, O, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::MMS_EXTENDED_HEADER, O, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::TIME_DATE, O, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::CALLING_PARTY_NUMBER, O, O),
    row(Tag::CALLING_PARTY_NAME, O, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::CALLED_PARTY_NUMBER, O, O),
    row(Tag::CALLED_PARTY_SUBADDRESS, O, O),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::ALPHANUMERIC, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::IWU_PACKET, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{LCE-PAGE-RESPONSE}`, table 64.
pub(super) const LCE_PAGE_RESPONSE: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, N, M),
    row(Tag::FIXED_IDENTITY, N, O),
    row(Tag::NWK_ASSIGNED_IDENTITY, N, O),
    row(Tag::CIPHER_INFO, N, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, N, O),
];

/// `{LCE-PAGE-REJECT}`, table 65.
pub(super) const LCE_PAGE_REJECT: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, M, N),
    row(Tag::FIXED_IDENTITY, O, N),
    row(Tag::REJECT_REASON, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

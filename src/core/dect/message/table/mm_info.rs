//! Mobility: identities, location, information (6.3.6).

use super::{C, M, N, O, Row, row};
use crate::dect::element::Tag;

/// `{DETACH}`, table 50.
pub(super) const DETACH: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, N, M),
    row(Tag::NWK_ASSIGNED_IDENTITY, N, O),
    row(Tag::NETWORK_PARAMETER, N, O),
    row(Tag::REPEAT_INDICATOR, N, O),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_TO_IWU, N, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, N, O),
];

/// `{IDENTITY-REPLY}`, table 51.
pub(super) const IDENTITY_REPLY: &[Row] = &[
    row(Tag::REPEAT_INDICATOR, N, O),
    row(Tag::PORTABLE_IDENTITY, N, O),
    row(Tag::REPEAT_INDICATOR, N, O),
    row(Tag::FIXED_IDENTITY, N, O),
    row(Tag::REPEAT_INDICATOR, N, O),
    row(Tag::NWK_ASSIGNED_IDENTITY, N, O),
    row(Tag::NETWORK_PARAMETER, N, O),
    row(Tag::REPEAT_INDICATOR, N, O),
    row(Tag::IWU_TO_IWU, N, O),
    row(Tag::MODEL_IDENTIFIER, N, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, N, O),
];

/// `{IDENTITY-REQUEST}`, table 52.
pub(super) const IDENTITY_REQUEST: &[Row] = &[
    row(Tag::REPEAT_INDICATOR, C, N),
    row(Tag::IDENTITY_TYPE, M, N),
    row(Tag::NETWORK_PARAMETER, O, N),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

/// `{KEY-ALLOCATE}`, table 53.
pub(super) const KEY_ALLOCATE: &[Row] = &[
    row(Tag::ALLOCATION_TYPE, M, N),
    row(Tag::RAND, M, N),
    row(Tag::RS, M, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

/// `{LOCATE-ACCEPT}`, table 54.
pub(super) const LOCATE_ACCEPT: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, M, N).or_empty(),
    row(Tag::LOCATION_AREA, M, N),
    row(Tag::USE_TPUI, O, N),
    row(Tag::NWK_ASSIGNED_IDENTITY, O, N),
    row(Tag::EXT_HO_INDICATOR, O, N),
    row(Tag::SETUP_CAPABILITY, O, N),
    row(Tag::ULE_MAC_CONFIGURATION, O, N),
    row(Tag::DURATION, O, N),
    row(Tag::REPEAT_INDICATOR, O, N),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::MODEL_IDENTIFIER, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
    row(Tag::CODEC_LIST, O, N),
];

/// `{LOCATE-REJECT}`, table 55.
pub(super) const LOCATE_REJECT: &[Row] = &[
    row(Tag::REJECT_REASON, O, N),
    row(Tag::DURATION, O, N),
    row(Tag::REPEAT_INDICATOR, O, N),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

/// `{LOCATE-REQUEST}`, table 56.
pub(super) const LOCATE_REQUEST: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, N, M),
    row(Tag::FIXED_IDENTITY, N, O),
    row(Tag::LOCATION_AREA, N, O),
    row(Tag::NWK_ASSIGNED_IDENTITY, N, O),
    row(Tag::CIPHER_INFO, N, O),
    row(Tag::NETWORK_PARAMETER, N, O),
    row(Tag::SETUP_CAPABILITY, N, O),
    row(Tag::TERMINAL_CAPABILITY, N, O),
    row(Tag::REPEAT_INDICATOR, N, O),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_TO_IWU, N, O),
    row(Tag::MODEL_IDENTIFIER, N, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, N, O),
    row(Tag::CODEC_LIST, N, O),
];

/// `{MM-INFO-ACCEPT}`, table 57.
pub(super) const MM_INFO_ACCEPT: &[Row] = &[
    row(Tag::INFO_TYPE, O, N),
    row(Tag::REPEAT_INDICATOR, O, N),
    row(Tag::FIXED_IDENTITY, O, N),
    row(Tag::LOCATION_AREA, O, N),
    row(Tag::NWK_ASSIGNED_IDENTITY, O, N),
    row(Tag::CALL_IDENTITY, O, N),
    row(Tag::NETWORK_PARAMETER, O, N),
    row(Tag::DURATION, O, N),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

/// `{MM-INFO-REJECT}`, table 58.
pub(super) const MM_INFO_REJECT: &[Row] = &[
    row(Tag::CALL_IDENTITY, O, N),
    row(Tag::REJECT_REASON, O, N),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

/// `{MM-INFO-REQUEST}`, table 59.
pub(super) const MM_INFO_REQUEST: &[Row] = &[
    row(Tag::INFO_TYPE, N, M),
    row(Tag::PORTABLE_IDENTITY, N, O),
    row(Tag::REPEAT_INDICATOR, N, O),
    row(Tag::FIXED_IDENTITY, N, O),
    row(Tag::KEY, N, O),
    row(Tag::LOCATION_AREA, N, O),
    row(Tag::NWK_ASSIGNED_IDENTITY, N, O),
    row(Tag::CALL_IDENTITY, N, O),
    row(Tag::NETWORK_PARAMETER, N, O),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_TO_IWU, N, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, N, O),
];

/// `{MM-INFO-SUGGEST}`, table 60.
pub(super) const MM_INFO_SUGGEST: &[Row] = &[
    row(Tag::INFO_TYPE, M, N),
    row(Tag::FIXED_IDENTITY, O, N),
    row(Tag::LOCATION_AREA, O, N),
    row(Tag::NWK_ASSIGNED_IDENTITY, O, N),
    row(Tag::RS, O, N),
    row(Tag::CALL_IDENTITY, O, N),
    row(Tag::NETWORK_PARAMETER, O, N),
    row(Tag::EXT_HO_INDICATOR, O, N),
    row(Tag::KEY, O, N),
    row(Tag::SETUP_CAPABILITY, O, N),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

/// `{TEMPORARY-IDENTITY-ASSIGN}`, table 61.
pub(super) const TEMPORARY_IDENTITY_ASSIGN: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, O, N),
    row(Tag::LOCATION_AREA, O, N),
    row(Tag::NWK_ASSIGNED_IDENTITY, O, N),
    row(Tag::NETWORK_PARAMETER, O, N),
    row(Tag::DURATION, O, N),
    row(Tag::REPEAT_INDICATOR, O, N),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

/// `{TEMPORARY-IDENTITY-ASSIGN-ACK}`, table 62.
pub(super) const TEMPORARY_IDENTITY_ASSIGN_ACK: &[Row] =
    &[row(Tag::SEGMENTED_INFO, O, O), row(Tag::IWU_TO_IWU, N, O), row(Tag::ESCAPE_TO_PROPRIETARY, N, O)];

/// `{TEMPORARY-IDENTITY-ASSIGN-REJ}`, table 63.
pub(super) const TEMPORARY_IDENTITY_ASSIGN_REJ: &[Row] =
    &[row(Tag::REJECT_REASON, N, O), row(Tag::ESCAPE_TO_PROPRIETARY, N, O)];

/// `{MM-IWU}`, table 63a.
pub(super) const MM_IWU: &[Row] = &[
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::IWU_PACKET, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{MM-NOTIFY}`, table 63b.
pub(super) const MM_NOTIFY: &[Row] = &[row(Tag::TIMER_RESTART, O, N), row(Tag::ESCAPE_TO_PROPRIETARY, O, N)];

//! Mobility: access rights, authentication, keys, ciphering (6.3.6).

use super::{C, M, N, O, Row, row};
use crate::dect::element::Tag;

/// `{ACCESS-RIGHTS-ACCEPT}`, table 38.
pub(super) const ACCESS_RIGHTS_ACCEPT: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, M, N),
    row(Tag::REPEAT_INDICATOR, O, N),
    row(Tag::FIXED_IDENTITY, M, N),
    row(Tag::LOCATION_AREA, O, N),
    row(Tag::AUTH_TYPE, O, N),
    row(Tag::CIPHER_INFO, O, N),
    row(Tag::ZAP_FIELD, O, N),
    row(Tag::SERVICE_CLASS, O, N),
    row(Tag::SETUP_CAPABILITY, O, N),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::MODEL_IDENTIFIER, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
    row(Tag::CODEC_LIST, O, N),
];

/// `{ACCESS-RIGHTS-REJECT}`, table 39.
pub(super) const ACCESS_RIGHTS_REJECT: &[Row] = &[
    row(Tag::REJECT_REASON, O, N),
    row(Tag::DURATION, O, N),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

/// `{ACCESS-RIGHTS-REQUEST}`, table 40.
pub(super) const ACCESS_RIGHTS_REQUEST: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, N, M),
    row(Tag::AUTH_TYPE, N, O),
    row(Tag::CIPHER_INFO, N, O),
    row(Tag::SETUP_CAPABILITY, N, O),
    row(Tag::TERMINAL_CAPABILITY, N, O),
    row(Tag::IWU_TO_IWU, N, O),
    row(Tag::MODEL_IDENTIFIER, N, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, N, O),
    row(Tag::CODEC_LIST, N, O),
];

/// `{ACCESS-RIGHTS-TERMINATE-ACCEPT}`, table 41.
pub(super) const ACCESS_RIGHTS_TERMINATE_ACCEPT: &[Row] = &[row(Tag::ESCAPE_TO_PROPRIETARY, O, O)];

/// `{ACCESS-RIGHTS-TERMINATE-REJECT}`, table 42.
pub(super) const ACCESS_RIGHTS_TERMINATE_REJECT: &[Row] =
    &[row(Tag::REJECT_REASON, O, O), row(Tag::DURATION, O, N), row(Tag::ESCAPE_TO_PROPRIETARY, O, O)];

/// `{ACCESS-RIGHTS-TERMINATE-REQUEST}`, table 43.
pub(super) const ACCESS_RIGHTS_TERMINATE_REQUEST: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, M, M),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::FIXED_IDENTITY, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{AUTHENTICATION-REJECT}`, table 44.
pub(super) const AUTHENTICATION_REJECT: &[Row] = &[
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::AUTH_TYPE, O, O),
    row(Tag::REJECT_REASON, O, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{AUTHENTICATION-REPLY}`, table 45.
pub(super) const AUTHENTICATION_REPLY: &[Row] = &[
    row(Tag::RAND, C, C),
    row(Tag::RES, M, M),
    row(Tag::RS, C, N),
    row(Tag::ZAP_FIELD, N, C),
    row(Tag::SERVICE_CLASS, N, C),
    row(Tag::KEY, N, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{AUTHENTICATION-REQUEST}`, table 46.
pub(super) const AUTHENTICATION_REQUEST: &[Row] = &[
    row(Tag::AUTH_TYPE, M, M),
    row(Tag::RAND, M, M),
    row(Tag::RES, N, C),
    row(Tag::RS, C, N),
    row(Tag::CIPHER_INFO, O, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{CIPHER-REJECT}`, table 47.
pub(super) const CIPHER_REJECT: &[Row] = &[
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::CIPHER_INFO, O, O),
    row(Tag::REJECT_REASON, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{CIPHER-REQUEST}`, table 48.
pub(super) const CIPHER_REQUEST: &[Row] = &[
    row(Tag::CIPHER_INFO, M, N),
    row(Tag::CALL_IDENTITY, O, N),
    row(Tag::CONNECTION_IDENTITY, O, N),
    row(Tag::IWU_TO_IWU, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, N),
];

/// `{CIPHER-SUGGEST}`, table 49.
pub(super) const CIPHER_SUGGEST: &[Row] = &[
    row(Tag::CIPHER_INFO, N, M),
    row(Tag::CALL_IDENTITY, N, O),
    row(Tag::CONNECTION_IDENTITY, N, O),
    row(Tag::IWU_TO_IWU, N, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, N, O),
];

//! Supplementary services (6.3.3).

use super::{C, M, N, O, Row, row};
use crate::dect::element::Tag;

/// `{FACILITY}`, table 21.
pub(super) const FACILITY: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, N, C),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::FACILITY, O, O),
    row(Tag::TIME_DATE, O, O),
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::SINGLE_KEYPAD, N, O),
    row(Tag::MULTI_KEYPAD, N, O),
    row(Tag::FEATURE_ACTIVATE, N, O),
    row(Tag::FEATURE_INDICATE, O, N),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::LIST_CHANGE_DETAILS, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
    row(Tag::EVENTS_NOTIFICATION, O, O),
    row(Tag::CALL_INFORMATION, O, O),
];

/// `{HOLD}`, table 22.
pub(super) const HOLD: &[Row] =
    &[row(Tag::SINGLE_DISPLAY, O, N), row(Tag::MULTI_DISPLAY, O, N), row(Tag::ESCAPE_TO_PROPRIETARY, O, O)];

/// `{HOLD-ACK}`, table 23.
pub(super) const HOLD_ACK: &[Row] =
    &[row(Tag::SINGLE_DISPLAY, O, N), row(Tag::MULTI_DISPLAY, O, N), row(Tag::ESCAPE_TO_PROPRIETARY, O, O)];

/// `{HOLD-REJECT}`, table 24.
pub(super) const HOLD_REJECT: &[Row] = &[
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::REJECT_REASON, O, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{RETRIEVE}`, table 25.
pub(super) const RETRIEVE: &[Row] =
    &[row(Tag::SINGLE_DISPLAY, O, N), row(Tag::MULTI_DISPLAY, O, N), row(Tag::ESCAPE_TO_PROPRIETARY, O, O)];

/// `{RETRIEVE-ACK}`, table 26.
pub(super) const RETRIEVE_ACK: &[Row] =
    &[row(Tag::SINGLE_DISPLAY, O, N), row(Tag::MULTI_DISPLAY, O, N), row(Tag::ESCAPE_TO_PROPRIETARY, O, O)];

/// `{RETRIEVE-REJECT}`, table 27.
pub(super) const RETRIEVE_REJECT: &[Row] = &[
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::REJECT_REASON, O, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{CISS-REGISTER}`, table 28.
pub(super) const CISS_REGISTER: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, O, M),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::FACILITY, O, O),
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::SINGLE_KEYPAD, N, O),
    row(Tag::MULTI_KEYPAD, N, O),
    row(Tag::FEATURE_ACTIVATE, N, O),
    row(Tag::FEATURE_INDICATE, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{CISS-RELEASE-COM}`, table 29.
pub(super) const CISS_RELEASE_COM: &[Row] = &[
    row(Tag::RELEASE_REASON, O, O),
    row(Tag::REPEAT_INDICATOR, O, O),
    row(Tag::FACILITY, O, O),
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::SINGLE_KEYPAD, N, O),
    row(Tag::MULTI_KEYPAD, N, O),
    row(Tag::FEATURE_ACTIVATE, N, O),
    row(Tag::FEATURE_INDICATE, O, N),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

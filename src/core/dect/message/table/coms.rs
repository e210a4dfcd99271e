//! Messages over a connection (6.3.4).

use super::{M, N, O, Row, row};
use crate::dect::element::Tag;

/// `{COMS-SETUP}`, table 30.
pub(super) const COMS_SETUP: &[Row] = &[
    row(Tag::PORTABLE_IDENTITY, M, M),
    row(Tag::FIXED_IDENTITY, M, M),
    row(Tag::IWU_ATTRIBUTES, M, M),
    row(Tag::CONNECTION_ATTRIBUTES, O, O),
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::CALLED_PARTY_NUMBER, O, O),
    row(Tag::CALLED_PARTY_SUBADDRESS, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::IWU_PACKET, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{COMS-INFO}`, table 31.
pub(super) const COMS_INFO: &[Row] = &[
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::SEGMENTED_INFO, O, O),
    row(Tag::ALPHANUMERIC, O, O),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::IWU_PACKET, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{COMS-ACK}`, table 32.
pub(super) const COMS_ACK: &[Row] =
    &[row(Tag::SINGLE_DISPLAY, O, N), row(Tag::MULTI_DISPLAY, O, N), row(Tag::ESCAPE_TO_PROPRIETARY, O, O)];

/// `{COMS-CONNECT}`, table 33.
pub(super) const COMS_CONNECT: &[Row] = &[
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::IWU_PACKET, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{COMS-RELEASE}`, table 34.
pub(super) const COMS_RELEASE: &[Row] = &[
    row(Tag::RELEASE_REASON, O, O),
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::IWU_PACKET, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{COMS-RELEASE-COM}`, table 35.
pub(super) const COMS_RELEASE_COM: &[Row] = &[
    row(Tag::RELEASE_REASON, O, O),
    row(Tag::SINGLE_DISPLAY, O, N),
    row(Tag::MULTI_DISPLAY, O, N),
    row(Tag::IWU_TO_IWU, O, O),
    row(Tag::IWU_PACKET, O, O),
    row(Tag::ESCAPE_TO_PROPRIETARY, O, O),
];

/// `{COMS-NOTIFY}`, table 36.
pub(super) const COMS_NOTIFY: &[Row] =
    &[row(Tag::TIMER_RESTART, O, N), row(Tag::ESCAPE_TO_PROPRIETARY, O, N)];

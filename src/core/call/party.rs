//! Who takes part in a call, and where a leg is dialled to.

use serde::{Deserialize, Serialize};

use super::admission::Limit;
use crate::dect::identity::Ipui;
use crate::id::{BaseStationId, Username};
use crate::sip::Destination;
use crate::sip::invite::BodyPart;

/// One end of a call as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Party {
    /// Number or user part.
    pub number: String,
    /// Display name, possibly empty.
    pub display: String,
    /// The whole URI, when the number alone would not reach it.
    #[serde(default)]
    pub uri: Option<String>,
    /// The user of this switch, when it is one.
    pub user: Option<Username>,
    /// Base station that carries it, when it is a handset.
    pub base: Option<BaseStationId>,
}

/// Where a callee's leg is dialled to. Made by the router, which knows users, bindings and proxies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Request-URI.
    pub request_uri: String,
    /// URI for To.
    pub to_uri: String,
    /// URI for From: the caller as this side may see it.
    pub from_uri: String,
    /// The caller's display name.
    pub from_display: String,
    /// Next hop.
    pub destination: Destination,
    /// Route set to put into the INVITE (Service-Route, outbound proxy), in order.
    pub route: Vec<String>,
    /// Whose credentials answer a challenge of this side.
    pub credentials_of: Option<Username>,
    /// Offer SRTP alone (`RTP/SAVP`): this far end refused the offer that left it open.
    #[serde(default)]
    pub insist_on_srtp: bool,
    /// More headers of the INVITE, by name: the trail of forwards, a priority.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// What the INVITE carries beside its offer: the place of an emergency call. Not kept on disk: an answered
    /// call does not say it again.
    #[serde(skip)]
    pub parts: Vec<BodyPart>,
    /// The base station whose channel this leg takes, and its limit.
    pub base: Option<(BaseStationId, Limit)>,
    /// The handset, when it is reached over native base stations; URIs and destination are then names only.
    #[serde(default)]
    pub native: Option<NativeTarget>,
    /// The callee's name and number for lists and records.
    pub party: Party,
}

/// A handset on native base stations, and what it is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeTarget {
    /// Which handset.
    pub ipui: Ipui,
    /// The caller's number or URI.
    pub number: String,
    /// From within the house.
    pub internal: bool,
    /// It may wait while the handset is in another call; else the handset is busy.
    #[serde(default)]
    pub waits: bool,
    /// It rings for an alarm.
    #[serde(default)]
    pub alarm: bool,
}

//! What a caller's offer and INVITE tell a bandwidth policy.

use std::net::SocketAddr;

use super::*;
use crate::media::ice::candidate::{Component, Kind, Transport};
use crate::media::ice::description::Description;
use crate::media::ice::turn::bandwidth::Location;
use crate::media::sdp::{AudioStream, SessionDescription, audio_sdp};
use crate::sip::wire::{HeaderName, Message};

/// Of the INVITE that began a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Its Call-ID.
    pub call_id: String,
    /// Where the caller says that it is.
    pub location: Location,
}

impl Origin {
    /// Reads `ms-endpoint-location-data: NetworkScope;ms-media-location-type=Intranet`.
    pub fn of(invite: &Message) -> Self {
        let name = HeaderName::Other(Text::from_static("ms-endpoint-location-data"));
        let value = invite.header(&name).map(|value| value.to_ascii_lowercase()).unwrap_or_default();
        let said = value.split(';').find_map(|part| part.trim().strip_prefix("ms-media-location-type="));
        let location = match said.map(str::trim) {
            Some("intranet") => Location::Intranet,
            Some("internet") => Location::Internet,
            _ => Location::Unknown,
        };
        Self { call_id: invite.call_id().map(|id| id.to_string()).unwrap_or_default(), location }
    }
}

impl Call {
    /// Where the caller's voice would come from by its offer, and its address at a relay. With ICE the own address
    /// is its first own socket, which the `c=` line need not name.
    pub fn offered_path(&self) -> Option<(SocketAddr, Option<SocketAddr>)> {
        let offer = self.offer.as_ref()?;
        let session = SessionDescription::parse(audio_sdp(&offer.content_type, &offer.bytes)?).ok()?;
        let streams = (0..session.media.len()).filter_map(|slot| AudioStream::read(&session, slot));
        let stream = streams.into_iter().find(|stream| stream.port != 0)?;
        let ice = Description::read(&session, &session.media[stream.slot], &stream);
        let of = |kind| {
            let mut fit = ice.candidates.iter().filter(|candidate| {
                candidate.kind == kind
                    && candidate.component == Component::Rtp
                    && candidate.transport == Transport::Udp
            });
            fit.next().map(|candidate| candidate.address)
        };
        Some((of(Kind::Host).or(stream.rtp_address())?, of(Kind::Relayed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Method;

    #[test]
    fn a_caller_says_where_it_is() {
        let mut invite = Message::request(Method::Invite, "sip:x");
        assert_eq!(Origin::of(&invite).location, Location::Unknown);
        let name = HeaderName::Other(Text::from_static("ms-endpoint-location-data"));
        invite.headers.push(name, "NetworkScope;ms-media-location-type=Intranet");
        assert_eq!(Origin::of(&invite).location, Location::Intranet);
    }
}

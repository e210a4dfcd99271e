//! The steps of TLS-DSK: flights inside of REGISTERs, then a signature ([MS-SIPAE] 3.3.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Fault, REALM, Security};
use crate::front_end::lync::associations::{Keys, sender};
use crate::front_end::lync::date;
use crate::front_end::lync::dsk::{Dsk, Step};
use crate::front_end::lync::signing::Parameters;
use crate::sip::guard::Verdict;
use crate::sip::{Hop, Message};

impl Security {
    /// A step of TLS-DSK: a flight, or after the last one an empty one with a signature.
    pub(super) fn by_dsk(
        &self,
        dsk: &Dsk,
        message: &Message,
        hop: &Hop,
        credentials: &Parameters,
        data: &str,
    ) -> Verdict {
        let (endpoint, opaque) = (sender(message, hop), credentials.get("opaque").unwrap_or(""));
        if data.is_empty() {
            return match self.finish_dsk(dsk, message, hop, credentials) {
                Ok(()) => Verdict::Pass,
                Err(fault) => self.refuse(message, fault),
            };
        }
        let Ok(flight) = STANDARD.decode(data) else {
            return self.refuse(message, Fault::Wrong("gssapi-data is not base64"));
        };
        let step = match opaque {
            "" => dsk.begin(endpoint, &flight),
            opaque => dsk.go_on(opaque, &endpoint, &flight),
        };
        match step {
            Step::Broken(why) => self.refuse(message, Fault::Broken(why)),
            Step::Flight { opaque, data } => {
                let value = format!(
                    "TLS-DSK opaque=\"{opaque}\", gssapi-data=\"{}\", targetname=\"{}\", realm=\"{REALM}\"{}",
                    STANDARD.encode(data),
                    self.fqdn,
                    self.version_parameter()
                );
                self.challenge(vec![("Date", date::now()), (self.challenge_header(), value)])
            }
        }
    }

    fn finish_dsk(
        &self,
        dsk: &Dsk,
        message: &Message,
        hop: &Hop,
        credentials: &Parameters,
    ) -> Result<(), Fault> {
        let (endpoint, opaque) = (sender(message, hop), credentials.get("opaque").unwrap_or(""));
        let (keys, shown) =
            dsk.finish(opaque, &endpoint).ok_or(Fault::Missing("opaque is of no handshake that is over"))?;
        if !shown.eq_ignore_ascii_case(&format!("{}@{}", endpoint.user, self.domain)) {
            return Err(Fault::Broken(format!("The client certificate is of {shown}")));
        }
        self.associate(opaque, endpoint, Keys::Dsk(keys), credentials)?;
        self.verify(message, hop, credentials)
    }
}

//! From a first 401 to keys that wait for the server's signature.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::id::Tokens;
use crate::lync::ntlm::Authenticate;
use crate::lync::signing::{CredentialsValue, REALM, Side, Unsignable, Version, Window};
use crate::lync::tls_dsk::{DskChannel, DskFailure, DskKeys, DskStep, MAX_FLIGHT, are_records};
use crate::sip::wire::Message;
use crate::timer::Moment;

use super::choice::{Offer, Scheme, choose, clock_skew};
use super::{Association, LIFE, MARGIN, Methods, SPREAD, SaFault, SaKeys};

/// Most challenges of one handshake: three for NTLM, a flight or two more for TLS-DSK.
const MAX_ROUNDS: u8 = 8;

/// One handshake under way.
#[derive(Debug)]
pub(super) struct Handshake {
    rounds: u8,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The REGISTER goes without credentials.
    Bare,
    /// A scheme is chosen; `gssapi-data` goes next.
    Begun { terms: Terms, data: Vec<u8>, channel: Option<Box<dyn DskChannel>> },
    /// Keys are there; the last message, signed in version 4, goes next and then waits for the server.
    Answered { association: Box<Association>, data: Vec<u8>, life: Duration },
}

/// What both ends agree on before there are keys.
#[derive(Debug, Clone)]
struct Terms {
    side: Side,
    scheme: Scheme,
    version: Version,
    target_name: String,
    realm: String,
    opaque: Option<String>,
}

impl Handshake {
    /// Not begun.
    pub fn bare() -> Self {
        Self { rounds: 0, stage: Stage::Bare }
    }

    /// Whether the next thing to come must be the server's signature.
    pub fn is_answered(&self) -> bool {
        matches!(self.stage, Stage::Answered { .. })
    }

    /// Whom it is with, once a scheme is chosen.
    pub fn side(&self) -> Option<Side> {
        match &self.stage {
            Stage::Bare => None,
            Stage::Begun { terms, .. } => Some(terms.side),
            Stage::Answered { association, .. } => Some(association.side),
        }
    }

    /// The association that a signature of that name would establish.
    pub fn awaited(&mut self, opaque: &str) -> Option<&mut Association> {
        match &mut self.stage {
            Stage::Answered { association, .. } if association.opaque == opaque => Some(association),
            _ => None,
        }
    }

    /// The association, once the server has answered.
    pub fn finish(self, now: Moment, tokens: &mut Tokens) -> Option<Association> {
        let Stage::Answered { mut association, life, .. } = self.stage else { return None };
        let early = Duration::from_secs(tokens.number() % SPREAD.as_secs());
        // A certificate may last so briefly that the margin would leave nothing.
        let longest = life.saturating_sub(MARGIN).max(life / 2);
        association.renew_at = now + longest.saturating_sub(early).max(longest / 2);
        Some(*association)
    }

    /// What a 401 or 407 leads to.
    pub fn challenged(
        self,
        answer: &Message,
        methods: &mut Methods,
        now: Moment,
        tokens: &mut Tokens,
    ) -> Result<Self, SaFault> {
        let offers = Offer::all_of(answer);
        let rounds = self.rounds + 1;
        let out_of_turn =
            |target_name: &str, what| SaFault::OutOfTurn { target_name: target_name.into(), what };
        let stage = match self.stage {
            Stage::Bare => begin(&offers, methods)?,
            Stage::Begun { terms, .. } if rounds > MAX_ROUNDS => {
                return Err(out_of_turn(&terms.target_name, "it challenges again and again"));
            }
            Stage::Begun { terms, channel, .. } => {
                let offer = offers.iter().find(|offer| terms.is_continued_by(offer));
                let what = "it does not go on with the scheme it offered";
                let offer = offer.ok_or_else(|| out_of_turn(&terms.target_name, what))?;
                if channel.is_some() && offer.get("gssapi-data").is_empty() {
                    return Err(refused((terms.scheme, terms.target_name), methods, answer, now));
                }
                let data =
                    gssapi_data(offer).ok_or_else(|| out_of_turn(&terms.target_name, "bad gssapi-data"))?;
                let terms = terms.with(offer);
                match channel {
                    None => answer_ntlm(terms, &data, methods, now, tokens)?,
                    Some(channel) => advance(terms, channel, &data)?,
                }
            }
            // The last message was not taken.
            Stage::Answered { association, .. } => {
                let Association { scheme, target_name, .. } = *association;
                return Err(refused((scheme, target_name), methods, answer, now));
            }
        };
        Ok(Self { rounds, stage })
    }

    /// Puts this step into the REGISTER.
    pub fn authorize(&mut self, register: &mut Message, tokens: &mut Tokens) -> Result<(), Unsignable> {
        let (side, value) = match &mut self.stage {
            Stage::Bare => return Ok(()),
            Stage::Begun { terms, data, .. } => (terms.side, terms.value(data).finish()),
            Stage::Answered { association, data, .. } => {
                let terms = Terms::of(association);
                let value = terms.value(data);
                // "version 4: … the final request of the handshake is signed".
                let value = match association.version {
                    Version::V4 => association.add_signature(value, register, tokens)?,
                    Version::V2 | Version::V3 => value,
                };
                (terms.side, value.finish())
            }
        };
        register.headers.push(side.credentials(), value);
        Ok(())
    }
}

impl Terms {
    fn of(association: &Association) -> Self {
        Self {
            side: association.side,
            scheme: association.scheme,
            version: association.version,
            target_name: association.target_name.clone(),
            realm: association.realm.clone(),
            opaque: Some(association.opaque.clone()),
        }
    }

    fn is_continued_by(&self, offer: &Offer) -> bool {
        offer.side == self.side && offer.params.is_scheme(self.scheme.as_str())
    }

    /// The server's last word counts, where it says one.
    fn with(mut self, offer: &Offer) -> Self {
        let said = |name: &str| offer.params.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
        self.target_name = said("targetname").unwrap_or(self.target_name);
        self.realm = said("realm").unwrap_or(self.realm);
        self.opaque = said("opaque").or(self.opaque);
        self
    }

    fn value(&self, data: &[u8]) -> CredentialsValue {
        let mut value = CredentialsValue::new(self.scheme.as_str());
        if let Some(opaque) = &self.opaque {
            value = value.quoted("opaque", opaque);
        }
        value
            .quoted("realm", &self.realm)
            .quoted("targetname", &self.target_name)
            .quoted("gssapi-data", &STANDARD.encode(data))
            .version(self.version)
    }

    fn association(self, keys: SaKeys) -> Box<Association> {
        Box::new(Association {
            side: self.side,
            scheme: self.scheme,
            version: self.version,
            target_name: self.target_name,
            realm: self.realm,
            opaque: self.opaque.unwrap_or_default(),
            keys,
            sent: 0,
            received: Window::default(),
            renew_at: Moment::default(),
        })
    }
}

fn begin(offers: &[Offer], methods: &mut Methods) -> Result<Stage, SaFault> {
    let (scheme, offer) = choose(offers, methods)?;
    let terms = Terms {
        side: offer.side,
        scheme,
        version: Version::offered(&offer.params),
        target_name: String::new(),
        realm: REALM.to_owned(),
        opaque: None,
    }
    .with(offer);
    match (scheme, &mut methods.tls_dsk) {
        (Scheme::TlsDsk, Some(port)) if !port.has_certificate() => {
            let service = Some(offer.get("sts-uri").to_owned()).filter(|uri| !uri.is_empty());
            Err(SaFault::NoCertificate { target_name: terms.target_name, service })
        }
        (Scheme::TlsDsk, Some(port)) => {
            let channel = port.open(&terms.target_name)?;
            advance(terms, channel, &[])
        }
        _ => Ok(Stage::Begun { terms, data: Vec::new(), channel: None }),
    }
}

fn answer_ntlm(
    terms: Terms,
    challenge: &[u8],
    methods: &Methods,
    now: Moment,
    tokens: &mut Tokens,
) -> Result<Stage, SaFault> {
    let user = methods.ntlm.as_ref().ok_or_else(|| SaFault::OutOfTurn {
        target_name: terms.target_name.clone(),
        what: "the user may no longer use NTLM",
    })?;
    let who = (user.domain.as_str(), user.user.as_str(), &user.hash);
    let (data, keys) = Authenticate::answer(challenge, who, methods.policy, now, tokens)?;
    Ok(Stage::Answered { association: terms.association(SaKeys::Ntlm(keys)), data, life: LIFE })
}

fn advance(terms: Terms, mut channel: Box<dyn DskChannel>, flight: &[u8]) -> Result<Stage, SaFault> {
    if !flight.is_empty() && !are_records(flight) {
        return Err(DskFailure("gssapi-data holds no TLS records".into()).into());
    }
    Ok(match channel.advance(flight)? {
        DskStep::Send(data) => Stage::Begun { terms, data, channel: Some(channel) },
        DskStep::Established { material, hash, certificate_left } => {
            let association = terms.association(SaKeys::TlsDsk(DskKeys::new(&material, hash)));
            Stage::Answered { association, data: Vec::new(), life: LIFE.min(certificate_left) }
        }
    })
}

fn gssapi_data(offer: &Offer) -> Option<Vec<u8>> {
    let text = offer.get("gssapi-data");
    let fits = !text.is_empty() && text.len() <= MAX_FLIGHT * 4 / 3;
    fits.then(|| STANDARD.decode(text).ok())?
}

/// The server does not take the user's proof.
fn refused(
    (scheme, target_name): (Scheme, String),
    methods: &mut Methods,
    answer: &Message,
    now: Moment,
) -> SaFault {
    match (scheme, &mut methods.tls_dsk) {
        (Scheme::TlsDsk, Some(port)) => {
            port.forget_certificate();
            SaFault::Refused { what: "the certificate of the user", target_name, hint: String::new() }
        }
        _ => SaFault::Refused { what: "name or password", target_name, hint: hint(answer, now) },
    }
}

/// What else may be wrong besides the password.
fn hint(answer: &Message, now: Moment) -> String {
    match clock_skew(answer, now) {
        Some(skew) => {
            let minutes = skew.as_secs() / 60;
            format!("; its clock and ours differ by {minutes} minutes, NTLM bears 15")
        }
        None => String::new(),
    }
}

//! A front end for tests: challenges, checks and signs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::hex;
use super::ntlm::{Authenticate, Challenge, End, NtHash};
use super::security_association::SaKeys;
use super::signing::{REALM, Side, Stamp, Version, Window, text};
use super::tls_dsk::{DskChannel, DskFailure, DskHash, DskKeys, DskPort, DskStep};
use crate::pii::Pii;
use crate::sip::digest::AuthParams;
use crate::sip::wire::{Message, Text};

/// CHALLENGE of a real OCS 2007 R2.
pub(super) const CHALLENGE: &str = "TlRMTVNTUAACAAAAAAAAADgAAADzgpji3Ruq9OfiGNEAAAAAAAAAAJYAlgA4AAAABQLODgAAAA8CAAoAQwBPAFMATQBPAAEAGABDAE8AUwBNAE8ALQBPAEMAUwAtAFIAMgAEABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAMAMABjAG8AcwBtAG8ALQBvAGMAcwAtAHIAMgAuAGMAbwBzAG0AbwAuAGwAbwBjAGEAbAAFABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAAAAAA=";
pub(super) const NAME: &str = "fe1.contoso.com";

#[derive(Debug)]
pub(super) struct FrontEnd {
    pub side: Side,
    pub version: Version,
    pub schemes: Vec<&'static str>,
    pub password: &'static str,
    pub opaque: String,
    pub keys: Option<SaKeys>,
    /// Messages of the user's that verified.
    pub verified: u32,
    snum: u32,
    window: Window,
    flights: u32,
}

impl FrontEnd {
    pub fn new(side: Side, version: Version) -> Self {
        Self {
            side,
            version,
            schemes: vec!["NTLM", "Kerberos"],
            password: "secret",
            opaque: "8A9E591D".into(),
            keys: None,
            verified: 0,
            snum: 0,
            window: Window::default(),
            flights: 0,
        }
    }

    /// Answers a REGISTER or any other request.
    pub fn answer(&mut self, request: &Message) -> Message {
        let credentials =
            request.header(&self.side.credentials()).map(|value| AuthParams::parse(value).unwrap());
        let Some(credentials) = credentials else { return self.first_challenge(request) };
        assert_eq!((credentials.get("realm"), credentials.get("targetname")), (Some(REALM), Some(NAME)));
        match (credentials.scheme(), credentials.get("gssapi-data")) {
            (_, None) => self.answer_signed(request, &credentials),
            ("NTLM", Some("")) => self.challenge(request, "NTLM", &STANDARD.decode(CHALLENGE).unwrap()),
            ("NTLM", Some(data)) => {
                let message = Authenticate::parse(&STANDARD.decode(data).unwrap()).unwrap();
                let challenge = Challenge::parse(&STANDARD.decode(CHALLENGE).unwrap()).unwrap();
                let Some(keys) = message.verify(&challenge, &NtHash::of_password(self.password)) else {
                    return self.first_challenge(request);
                };
                self.agreed(SaKeys::Ntlm(keys));
                self.answer_last(request, &credentials)
            }
            (_, Some("")) => self.answer_last(request, &credentials),
            (_, Some(data)) => {
                self.flights += 1;
                let flight = self.flights as u8;
                assert_eq!(STANDARD.decode(data).unwrap(), record(flight));
                if flight == 2 {
                    self.agreed(SaKeys::TlsDsk(DskKeys::new(&Pii([5; 128]), DskHash::Sha1)));
                }
                self.challenge(request, "TLS-DSK", &record(100 + flight))
            }
        }
    }

    fn agreed(&mut self, keys: SaKeys) {
        (self.keys, self.snum, self.window, self.flights) = (Some(keys), 0, Window::default(), 0);
    }

    fn answer_last(&mut self, request: &Message, credentials: &AuthParams) -> Message {
        assert_eq!(credentials.get("response").is_some(), self.version == Version::V4);
        match self.version {
            Version::V4 => self.answer_signed(request, credentials),
            _ => self.ok(request),
        }
    }

    fn answer_signed(&mut self, request: &Message, credentials: &AuthParams) -> Message {
        match self.keys.is_some() && credentials.get("opaque") == Some(&self.opaque) {
            true => {
                self.check(request, credentials);
                self.ok(request)
            }
            false => self.first_challenge(request),
        }
    }

    /// Checks the signature of any message.
    pub fn check(&mut self, message: &Message, credentials: &AuthParams) {
        let get = |name| credentials.get(name).unwrap();
        let stamp = Stamp {
            scheme: credentials.scheme(),
            rand: get("crand"),
            num: get("cnum"),
            realm: get("realm"),
            target_name: get("targetname"),
        };
        let text = text(self.version, stamp, message).unwrap();
        let mac = hex::decode(get("response")).unwrap();
        assert!(self.keys.as_ref().unwrap().verify(End::Client, text.as_bytes(), &mac), "{text}");
        let number = get("cnum").parse().unwrap();
        assert!(self.window.is_new(number), "number {number} came twice");
        self.window.note(number);
        self.verified += 1;
    }

    pub fn check_any(&mut self, message: &Message) {
        let credentials = AuthParams::parse(message.header(&self.side.credentials()).unwrap()).unwrap();
        self.check(message, &credentials);
    }

    fn ok(&mut self, request: &Message) -> Message {
        let mut ok = Message::response(request, 200, "OK", Some("5E61CC"));
        self.sign(&mut ok);
        ok
    }

    pub fn sign(&mut self, message: &mut Message) {
        self.snum += 1;
        let scheme = match self.keys.as_ref().unwrap() {
            SaKeys::Ntlm(_) => "NTLM",
            SaKeys::TlsDsk(_) => "TLS-DSK",
        };
        let (rand, num) = ("F98143E2", self.snum.to_string());
        let stamp = Stamp { scheme, rand, num: &num, realm: REALM, target_name: NAME };
        let text = text(self.version, stamp, message).unwrap();
        let mac = hex::encode(&self.keys.as_ref().unwrap().sign(End::Server, text.as_bytes())).to_uppercase();
        let opaque = &self.opaque;
        let value = format!(
            "{scheme} qop=\"auth\", opaque=\"{opaque}\", srand=\"{rand}\", snum=\"{num}\", rspauth=\"{mac}\", \
             targetname=\"{NAME}\", realm=\"{REALM}\""
        );
        message.headers.push(self.side.info(), value);
    }

    fn challenged(&self, request: &Message) -> Message {
        let status = if self.side == Side::Registrar { 401 } else { 407 };
        Message::response(request, status, "Unauthorized", Some("AC5312"))
    }

    pub fn first_challenge(&mut self, request: &Message) -> Message {
        let mut answer = self.challenged(request);
        for scheme in self.schemes.clone() {
            let value = format!("{scheme} realm=\"{REALM}\", targetname=\"{NAME}\"{}", self.version_param());
            answer.headers.push(self.side.challenge(), value);
        }
        answer
    }

    fn challenge(&mut self, request: &Message, scheme: &str, data: &[u8]) -> Message {
        let mut answer = self.challenged(request);
        let (opaque, data, version) = (&self.opaque, STANDARD.encode(data), self.version_param());
        let value = format!(
            "{scheme} opaque=\"{opaque}\", gssapi-data=\"{data}\", targetname=\"{NAME}\", realm=\"{REALM}\"{version}"
        );
        answer.headers.push(self.side.challenge(), Text::from(value));
        answer
    }

    fn version_param(&self) -> String {
        self.version.number().map_or_else(String::new, |number| format!(", version={number}"))
    }
}

/// A handshake record with one byte in it.
pub(super) fn record(byte: u8) -> Vec<u8> {
    vec![22, 3, 1, 0, 1, byte]
}

/// A channel that sends two flights.
#[derive(Debug, Default)]
pub(super) struct TwoFlights(u8);

impl DskPort for TwoFlights {
    fn has_certificate(&self) -> bool {
        true
    }

    fn forget_certificate(&mut self) {}

    fn open(&mut self, target_name: &str) -> Result<Box<dyn DskChannel>, DskFailure> {
        assert_eq!(target_name, NAME);
        Ok(Box::new(TwoFlights(0)))
    }
}

impl DskChannel for TwoFlights {
    fn advance(&mut self, flight: &[u8]) -> Result<DskStep, DskFailure> {
        let wanted = if self.0 == 0 { Vec::new() } else { record(100 + self.0) };
        assert_eq!(flight, wanted);
        self.0 += 1;
        Ok(match self.0 {
            sent @ 1..=2 => DskStep::Send(record(sent)),
            _ => DskStep::Established {
                material: Pii([5; 128]),
                hash: DskHash::Sha1,
                certificate_left: std::time::Duration::from_secs(7200),
            },
        })
    }
}

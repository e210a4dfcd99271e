//! TLS errors in words that name the mend.

use rustls::{AlertDescription, CertificateError, Error};

use super::x509::date;

/// What a TLS error means and what mends it.
pub fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(certificate) => certificate_words(certificate),
        Error::AlertReceived(alert) => alert_words(*alert),
        Error::NoCertificatesPresented => {
            "the peer showed no certificate, and this side requires one (MTLS)".to_owned()
        }
        Error::InvalidMessage(_) => {
            "the peer does not speak TLS here (or only a version before 1.2); is the port right?".to_owned()
        }
        Error::PeerIncompatible(what) => format!(
            "no common TLS version or cipher ({what:?}); TLS 1.2 or 1.3 with ECDHE and AES-GCM or ChaCha20 is needed"
        ),
        other => other.to_string(),
    }
}

fn certificate_words(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "the peer's certificate is from an authority we do not trust; add that authority to the CA bundle"
                .to_owned()
        }
        CertificateError::BadSignature => {
            "the peer's certificate was not signed by the authority of that name in our CA bundle; is the \
             bundle from before that authority got a new key?"
                .to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the peer's certificate expired on {}; renew it there", date(not_after.as_secs()))
        }
        CertificateError::Expired => "the peer's certificate has expired; renew it there".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the peer's certificate is valid only from {}; compare the clocks",
            date(not_before.as_secs())
        ),
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the peer's certificate is for {}, not for {}; use that name or have a certificate issued for it",
            if presented.is_empty() { "nobody".to_owned() } else { presented.join(", ") },
            expected.to_str()
        ),
        CertificateError::InvalidPurposeContext { .. } | CertificateError::InvalidPurpose => {
            "the peer's certificate is not for this use (extended key usage)".to_owned()
        }
        CertificateError::Other(own) => own.to_string(),
        other => format!("the peer's certificate is not valid: {other}"),
    }
}

fn alert_words(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::UnknownCA => {
            "does not trust the authority of our certificate; install that authority there"
        }
        AlertDescription::CertificateRequired => {
            "requires a certificate of ours (MTLS) and we showed none it accepts"
        }
        AlertDescription::CertificateExpired => "says our certificate has expired; renew it",
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "does not accept our certificate"
        }
        AlertDescription::UnsupportedCertificate => {
            "cannot use our kind of certificate, or its key usage is wrong"
        }
        AlertDescription::ProtocolVersion => "speaks neither TLS 1.2 nor 1.3; enable TLS 1.2 there",
        AlertDescription::HandshakeFailure => {
            "finds no common cipher or certificate; TLS 1.2 with ECDHE and AES-GCM is needed there"
        }
        AlertDescription::UnrecognisedName => "does not know the server name we asked for",
        other => return format!("the peer ended TLS with the alert {other:?}"),
    };
    format!("the peer {why}")
}

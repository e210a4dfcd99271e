//! What is wrong with a certificate, key or bundle, with the file and the mend.

use std::io;

/// Why PEM cannot be used. `origin` is the file, or what else the text came from.
#[derive(Debug, thiserror::Error)]
pub enum PkiFault {
    /// Cannot be read or written.
    #[error("{origin}: {source}")]
    File {
        /// The file.
        origin: String,
        /// What the system says.
        source: io::Error,
    },
    /// Not PEM, or broken PEM.
    #[error("{origin}: not readable as PEM: {what}")]
    Pem {
        /// The file.
        origin: String,
        /// What is broken.
        what: String,
    },
    /// No certificate inside.
    #[error("{origin}: holds no certificate; a line \"-----BEGIN CERTIFICATE-----\" is expected")]
    NoCertificate {
        /// The file.
        origin: String,
    },
    /// No usable key inside.
    #[error("{origin}: {what}")]
    NoKey {
        /// The file.
        origin: String,
        /// What is there instead, and the mend.
        what: &'static str,
    },
    /// The key is not the certificate's.
    #[error("{key}: this key does not belong to the certificate in {certificate}")]
    KeyMismatch {
        /// File of the certificate.
        certificate: String,
        /// File of the key.
        key: String,
    },
    /// The certificate itself is unfit.
    #[error("{origin}: certificate of {subject}: {what}")]
    Unfit {
        /// The file.
        origin: String,
        /// The subject, in the notation of RFC 4514.
        subject: String,
        /// What is wrong, and the mend.
        what: String,
    },
    /// No certificate authority to trust.
    #[error("{origin}: no certificate authority can be trusted: {what}")]
    NoTrust {
        /// The bundle, or the system's store.
        origin: String,
        /// Why none.
        what: String,
    },
    /// The TLS library or the generator refuses.
    #[error("{origin}: {what}")]
    Library {
        /// The file.
        origin: String,
        /// Its words.
        what: String,
    },
}

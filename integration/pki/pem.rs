//! PEM in, DER out.

use std::path::Path;

use rustls_pki_types::pem::{Error, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::PkiFault;

/// Larger than any chain or bundle in use; the system's whole store is about 200 KiB.
const MAX_FILE: u64 = 4 << 20;

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, PkiFault> {
    let origin = path.display().to_string();
    let refused = |source| PkiFault::File { origin: origin.clone(), source };
    let length = std::fs::metadata(path).map_err(refused)?.len();
    if length > MAX_FILE {
        return Err(PkiFault::Pem { origin, what: format!("{length} bytes are too many") });
    }
    std::fs::read(path).map_err(refused)
}

/// All certificates of a text, at least one.
pub(super) fn certificates(origin: &str, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PkiFault> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|error| PkiFault::Pem { origin: origin.to_owned(), what: in_words(&error) })?;
    match chain.is_empty() {
        true => Err(PkiFault::NoCertificate { origin: origin.to_owned() }),
        false => Ok(chain),
    }
}

/// The first private key of a text: PKCS#8, SEC1 or PKCS#1.
pub(super) fn key(origin: &str, text: &[u8]) -> Result<PrivateKeyDer<'static>, PkiFault> {
    let holds = |label: &str| text.windows(label.len()).any(|w| w == label.as_bytes());
    let no_key = |what| PkiFault::NoKey { origin: origin.to_owned(), what };
    if holds("BEGIN ENCRYPTED PRIVATE KEY") || holds("Proc-Type: 4,ENCRYPTED") {
        return Err(no_key(
            "the key is locked with a passphrase; unlock it with `openssl pkey -in … -out …`",
        ));
    }
    match PrivateKeyDer::from_pem_slice(text) {
        Ok(key) => Ok(key),
        Err(Error::NoItemsFound) if holds("BEGIN CERTIFICATE") => {
            Err(no_key("holds a certificate but no private key; name the file of the key"))
        }
        Err(Error::NoItemsFound) => Err(no_key("holds no private key (PKCS#8, SEC1 or RSA in PEM)")),
        Err(error) => Err(PkiFault::Pem { origin: origin.to_owned(), what: in_words(&error) }),
    }
}

fn in_words(error: &Error) -> String {
    match error {
        Error::MissingSectionEnd { end_marker } => {
            format!(
                "the line \"{}\" is missing; is the file cut off?",
                String::from_utf8_lossy(end_marker).trim()
            )
        }
        Error::IllegalSectionStart { line } => {
            format!("bad line {:?}", String::from_utf8_lossy(line).trim())
        }
        Error::Base64Decode(what) => format!("bad base64: {what}"),
        other => format!("{other:?}"),
    }
}

//! A certificate of our own for the first start.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};

use super::{Identity, PkiFault, Usage, pem};

/// Ten years: it is replaced by a proper one or never.
const LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Clocks of peers may be behind.
const BACKDATE: Duration = Duration::from_secs(86_400);

/// A new certificate and its key, as PEM.
pub struct Created {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS#8. Keep it secret.
    pub key: String,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Created { .. }")
    }
}

/// Makes a self-signed certificate, ECDSA P-256, for `names` (DNS names and addresses), valid ten years.
pub fn self_signed(names: &[String], now: SystemTime) -> Result<Created, PkiFault> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(refused)?;
    Ok(Created { certificate: sign(names, &key, now)?, key: key.serialize_pem() })
}

fn sign(names: &[String], key: &KeyPair, now: SystemTime) -> Result<String, PkiFault> {
    let mut params = CertificateParams::new(names).map_err(refused)?;
    params.distinguished_name = DistinguishedName::new();
    let common = names.first().map_or("kirkwall", String::as_str);
    // RFC 5280 appendix A.1: ub-common-name is 64; the name is in the alternative names anyway.
    params.distinguished_name.push(DnType::CommonName, common.chars().take(64).collect::<String>());
    params.not_before = (now - BACKDATE).into();
    params.not_after = (now + LIFE).into();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params.self_signed(key).map_err(refused)?.pem())
}

fn refused(error: rcgen::Error) -> PkiFault {
    PkiFault::Library { origin: "self-signed certificate".to_owned(), what: error.to_string() }
}

/// Loads the certificate and key in these files; makes what is missing, but never a key for a certificate
/// that is there. Says whether it made one.
pub fn self_signed_files(
    certificate: &Path,
    key: &Path,
    names: &[String],
    now: SystemTime,
) -> Result<(Identity, bool), PkiFault> {
    let fresh = !certificate.exists();
    if fresh {
        // The key first: after a crash between the two, the certificate is made for the key that is there.
        if !key.exists() {
            let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(refused)?;
            write_secret(key, pair.serialize_pem().as_bytes())?;
        }
        let text = pem::read(key)?;
        let pair = KeyPair::from_pem(&String::from_utf8_lossy(&text)).map_err(|error| PkiFault::Library {
            origin: key.display().to_string(),
            what: format!("no certificate can be made for this key: {error}"),
        })?;
        write_secret(certificate, sign(names, &pair, now)?.as_bytes())?;
    }
    Ok((Identity::load(certificate, key, Usage::Both, now)?, fresh))
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), PkiFault> {
    let write = || -> std::io::Result<()> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        let temporary = Path::new(&temporary);
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(temporary)?;
        // A leftover of a former attempt keeps its mode when it is opened again.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(temporary, path)?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    write().map_err(|source| PkiFault::File { origin: path.display().to_string(), source })
}

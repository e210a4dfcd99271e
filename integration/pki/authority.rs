//! An authority of the switch's own: it signs what base stations show on the base link, and what the switch
//! shows to them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use super::certificate_request::CertificateRequest;
use super::{Identity, PkiFault, Usage, pem, write_secret};

/// How long a certificate of a base station, and the authority itself, is good. A base station lives as
/// long; one whose certificate ends is enrolled anew.
const LIFE: Duration = Duration::from_secs(20 * 365 * 86_400);
/// Clocks of base stations may be behind until the switch tells them the time.
const BACKDATE: Duration = Duration::from_secs(30 * 86_400);
const NAME: &str = "Kirkwall base stations";

/// The authority, with its key.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority { .. }")
    }
}

impl Authority {
    /// The authority kept in `folder` as `bases-ca.pem` and `bases-ca.key`, both readable for their owner
    /// only; on the first start it is made. A certificate without its key is a fault: a new key would shut
    /// out every base station that is enrolled.
    pub fn open(folder: &Path, now: SystemTime) -> Result<Self, PkiFault> {
        let (certificate, key) = (folder.join("bases-ca.pem"), folder.join("bases-ca.key"));
        fs::create_dir_all(folder).map_err(|error| library(folder, &error))?;
        let fresh = !certificate.exists();
        let pair = key_pair(&key, fresh)?;
        if fresh {
            let made = parameters(now).self_signed(&pair).map_err(|error| library(&key, &error))?;
            write_secret(&certificate, made.pem().as_bytes())?;
        }
        let origin = certificate.display().to_string();
        let own = pem::certificates(&origin, &pem::read(&certificate)?)?.swap_remove(0);
        if super::spki_of(&own) != Some(pair.subject_public_key_info()) {
            let key = key.display().to_string();
            return Err(PkiFault::KeyMismatch { certificate: origin, key });
        }
        Ok(Self { certificate: own, issuer: Issuer::new(parameters(now), pair) })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Who is believed on the base link: whoever it has signed.
    pub fn roots(&self) -> Result<Arc<RootCertStore>, PkiFault> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(|error| refused(&error))?;
        Ok(Arc::new(roots))
    }

    /// What the switch shows to base stations, for these names and addresses. Its key is kept in `folder`; the
    /// certificate is made anew at every start.
    pub fn server(&self, folder: &Path, names: &[String], now: SystemTime) -> Result<Identity, PkiFault> {
        let key = folder.join("base-link.key");
        let pair = key_pair(&key, true)?;
        let mut params = CertificateParams::new(names).map_err(|error| refused(&error))?;
        params.distinguished_name = named("Kirkwall base link");
        leaf(&mut params, ExtendedKeyUsagePurpose::ServerAuth, now);
        let signed = params.signed_by(&pair, &self.issuer).map_err(|error| refused(&error))?;
        let chain = format!("{}{}", signed.pem(), pem_of(&self.certificate));
        Identity::from_pem("base link", &chain, &pair.serialize_pem(), Usage::Server, now)
    }

    /// A certificate for the key of `request`, in the name `name`; whatever else it asks for is not given. DER.
    pub fn issue(
        &self,
        request: &CertificateRequest,
        name: &str,
        now: SystemTime,
    ) -> Result<Vec<u8>, PkiFault> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name);
        leaf(&mut params, ExtendedKeyUsagePurpose::ClientAuth, now);
        let signed = params.signed_by(request, &self.issuer).map_err(|error| refused(&error))?;
        Ok(signed.der().to_vec())
    }
}

fn parameters(now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, now);
    params
}

fn leaf(params: &mut CertificateParams, usage: ExtendedKeyUsagePurpose, now: SystemTime) {
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    validity(params, now);
}

fn validity(params: &mut CertificateParams, now: SystemTime) {
    params.not_before = (now - BACKDATE).into();
    params.not_after = (now + LIFE).into();
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn key_pair(path: &Path, make: bool) -> Result<KeyPair, PkiFault> {
    if make && !path.exists() {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| refused(&error))?;
        write_secret(path, pair.serialize_pem().as_bytes())?;
    }
    let text = pem::read(path)?;
    KeyPair::from_pem(&String::from_utf8_lossy(&text)).map_err(|error| library(path, &error))
}

fn pem_of(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn library(path: &Path, error: &dyn std::fmt::Display) -> PkiFault {
    PkiFault::Library { origin: path.display().to_string(), what: error.to_string() }
}

fn refused(error: &dyn std::fmt::Display) -> PkiFault {
    PkiFault::Library { origin: "base station certificates".to_owned(), what: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_authority_is_made_once_and_readable_for_its_owner_only() {
        let (folder, now) = (tempfile::tempdir().unwrap(), SystemTime::now());
        let first = Authority::open(folder.path(), now).unwrap();
        let again = Authority::open(folder.path(), now).unwrap();
        assert_eq!(first.certificate(), again.certificate());
        for file in ["bases-ca.pem", "bases-ca.key"] {
            let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        let server = first.server(folder.path(), &["localhost".to_owned()], now).unwrap();
        assert_eq!(server.names(), ["localhost"]);
        fs::remove_file(folder.path().join("bases-ca.key")).unwrap();
        assert!(Authority::open(folder.path(), now).is_err(), "no new key for what is signed already");
        let stranger = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
        fs::write(folder.path().join("bases-ca.key"), stranger).unwrap();
        assert!(matches!(Authority::open(folder.path(), now), Err(PkiFault::KeyMismatch { .. })));
    }
}

//! A request for a certificate (PKCS#10, RFC 2986).

use rcgen::{
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm,
};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

/// A request whose sender has proved that he has the key.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    name: Option<String>,
    key: Vec<u8>,
    spki: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

/// Why there will be no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// Not PKCS#10.
    #[error("this is no certificate request")]
    Syntax,
    /// A key or signature of another kind.
    #[error("a certificate request is signed with ECDSA on P-256 or P-384, or with RSA and SHA-256")]
    Algorithm,
    /// The sender does not have the key.
    #[error("the signature of the certificate request is wrong")]
    Signature,
}

impl CertificateRequest {
    /// Reads and verifies it.
    pub fn read(der: &[u8]) -> Result<Self, BadRequest> {
        let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| BadRequest::Syntax)?;
        if !rest.is_empty() {
            return Err(BadRequest::Syntax);
        }
        let named = &request.certification_request_info;
        let (verify, algorithm): (&dyn VerificationAlgorithm, _) =
            match request.signature_algorithm.algorithm.to_id_string().as_str() {
                "1.2.840.10045.4.3.2" => (&ECDSA_P256_SHA256_ASN1, &PKCS_ECDSA_P256_SHA256),
                "1.2.840.10045.4.3.3" => (&ECDSA_P384_SHA384_ASN1, &PKCS_ECDSA_P384_SHA384),
                "1.2.840.113549.1.1.11" => (&RSA_PKCS1_2048_8192_SHA256, &PKCS_RSA_SHA256),
                _ => return Err(BadRequest::Algorithm),
            };
        let key = named.subject_pki.subject_public_key.data.to_vec();
        let signature = &request.signature_value.data;
        let verified = UnparsedPublicKey::new(verify, &key).verify(named.raw, signature);
        verified.map_err(|_| BadRequest::Signature)?;
        let name = named.subject.iter_common_name().next();
        let name = name.and_then(|name| name.as_str().ok()).map(str::to_owned);
        Ok(Self { name, key, spki: named.subject_pki.raw.to_vec(), algorithm })
    }

    /// The common name it asks for.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }
}

impl PublicKeyData for CertificateRequest {
    fn der_bytes(&self) -> &[u8] {
        &self.key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    #[test]
    fn a_request_says_who_and_which_key_and_proves_it() {
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, "0019922a2b2c");
            let der = params.serialize_request(&key).unwrap().der().to_vec();
            let request = CertificateRequest::read(&der).unwrap();
            assert_eq!(request.spki(), key.subject_public_key_info());
            assert_eq!(request.subject_public_key_info(), key.subject_public_key_info());
            assert!(request.name().is_some());
            let mut forged = der.clone();
            let place = forged.windows(4).position(|four| four == b"0019").unwrap();
            forged[place] = b'1';
            assert_eq!(CertificateRequest::read(&forged).unwrap_err(), BadRequest::Signature);
            assert_eq!(CertificateRequest::read(&der[..der.len() - 1]).unwrap_err(), BadRequest::Syntax);
        }
        let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let der = CertificateParams::default().serialize_request(&other).unwrap().der().to_vec();
        assert_eq!(CertificateRequest::read(&der).unwrap_err(), BadRequest::Algorithm);
        assert_eq!(CertificateRequest::read(b"").unwrap_err(), BadRequest::Syntax);
    }
}

//! Certificates and keys of the kinds that rcgen does not make, by OpenSSL, fresh for each test.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509Name};

/// A self-signed certificate and its key.
pub(crate) struct Kept {
    pub certificate: String,
    /// PKCS#8.
    pub key: String,
    /// PKCS#1 of an RSA key, SEC1 of an ECDSA key.
    pub own_form: String,
    /// PKCS#8 behind a passphrase.
    pub locked: String,
    /// SHA-256 of the certificate, as `openssl x509 -fingerprint` writes it.
    pub fingerprint: String,
}

/// RSA of so many bits.
pub(crate) fn rsa(bits: u32) -> Kept {
    let rsa = Rsa::generate(bits).unwrap();
    let own_form = rsa.private_key_to_pem().unwrap();
    kept("rsa.example.com", &PKey::from_rsa(rsa).unwrap(), own_form)
}

/// ECDSA P-256.
pub(crate) fn ec() -> Kept {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let ec = EcKey::generate(&group).unwrap();
    let own_form = ec.private_key_to_pem().unwrap();
    kept("ec.example.com", &PKey::from_ec_key(ec).unwrap(), own_form)
}

fn kept(name: &str, key: &PKey<Private>, own_form: Vec<u8>) -> Kept {
    let certificate = certificate(name, key);
    let text = |pem: Vec<u8>| String::from_utf8(pem).unwrap();
    let digest = certificate.digest(MessageDigest::sha256()).unwrap();
    Kept {
        certificate: text(certificate.to_pem().unwrap()),
        key: text(key.private_key_to_pem_pkcs8().unwrap()),
        own_form: text(own_form),
        locked: text(
            key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"a passphrase").unwrap(),
        ),
        fingerprint: digest.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":"),
    }
}

fn certificate(name: &str, key: &PKey<Private>) -> X509 {
    let mut subject = X509Name::builder().unwrap();
    subject.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    let subject = subject.build();
    let mut made = X509::builder().unwrap();
    made.set_version(2).unwrap();
    made.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    made.set_subject_name(&subject).unwrap();
    made.set_issuer_name(&subject).unwrap();
    made.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    made.set_not_after(&Asn1Time::days_from_now(365).unwrap()).unwrap();
    made.set_pubkey(key).unwrap();
    let names = SubjectAlternativeName::new().dns(name).build(&made.x509v3_context(None, None)).unwrap();
    made.append_extension(names).unwrap();
    made.sign(key, MessageDigest::sha256()).unwrap();
    made.build()
}

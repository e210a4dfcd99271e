//! Certificates on disk, good and bad.

pub(crate) mod keys;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tempfile::TempDir;

use super::*;
use keys::{ec, rsa};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn load(certificate: &Path, key: &Path) -> Result<Identity, PkiFault> {
    Identity::load(certificate, key, Usage::Both, SystemTime::now())
}

/// A fault's words; they always begin with the file.
fn fault(certificate: &Path, key: &Path) -> String {
    load(certificate, key).unwrap_err().to_string()
}

fn made(change: impl Fn(&mut CertificateParams)) -> (String, String) {
    let mut params = CertificateParams::new(vec!["a.example.com".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn the_first_start_makes_a_certificate_and_the_second_keeps_it() {
    let folder = Folder::new();
    let (certificate, key) = (folder.path("c.pem"), folder.path("k.pem"));
    let names = ["dect1.example.com".to_owned(), "192.0.2.7".to_owned(), "2001:db8::7".to_owned()];
    let now = SystemTime::now();
    let (first, fresh) = self_signed_files(&certificate, &key, &names, now).unwrap();
    assert!(fresh);
    assert_eq!(first.names(), names);
    let years = first.not_after().unwrap().duration_since(now).unwrap().as_secs() / (365 * 86_400);
    assert!((9..=10).contains(&years));
    for path in [&certificate, &key] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let (second, fresh) = self_signed_files(&certificate, &key, &names, now).unwrap();
    assert!(!fresh);
    assert_eq!(second.fingerprint(), first.fingerprint());
    // A crash between the two files.
    fs::remove_file(&certificate).unwrap();
    let key_before = fs::read(&key).unwrap();
    assert!(self_signed_files(&certificate, &key, &names, now).unwrap().1);
    assert_eq!(fs::read(&key).unwrap(), key_before);
    fs::remove_file(&key).unwrap();
    assert!(self_signed_files(&certificate, &key, &names, now).is_err(), "no new key for an old certificate");
}

#[test]
fn a_fingerprint_is_that_of_openssl() {
    let ec = ec();
    let identity =
        Identity::from_pem("t", &ec.certificate, &ec.own_form, Usage::Both, SystemTime::now()).unwrap();
    assert_eq!(identity.fingerprint(), ec.fingerprint);
    assert!(!format!("{identity:?}").contains("PRIVATE"));
}

#[test]
fn keys_of_each_kind_are_read() {
    let now = SystemTime::now();
    for kept in [rsa(2_048), ec()] {
        for key in [&kept.own_form, &kept.key] {
            Identity::from_pem("t", &kept.certificate, key, Usage::Both, now).unwrap();
        }
    }
}

#[test]
fn each_fault_names_the_file_and_the_mend() {
    let folder = Folder::new();
    let (good, good_key) = made(|_| {});
    let (good, good_key) = (folder.write("good.pem", &good), folder.write("good.key", &good_key));
    assert!(fault(&folder.path("none.pem"), &good_key).contains("none.pem: No such file"));
    let empty = folder.write("empty.pem", "hello");
    assert!(fault(&empty, &good_key).contains("empty.pem: holds no certificate"));
    assert!(fault(&good, &good).contains("good.pem: holds a certificate but no private key"));
    let ec = ec();
    let locked = folder.write("locked.pem", &ec.locked);
    assert!(fault(&good, &locked).contains("passphrase"));
    let other = folder.write("other.key", &ec.own_form);
    let what = fault(&good, &other);
    assert!(what.contains("other.key: this key does not belong") && what.contains("good.pem"), "{what}");
    let cut = folder.write("cut.pem", &ec.certificate[..ec.certificate.len() - 40]);
    assert!(fault(&cut, &other).contains("cut.pem: not readable as PEM"), "{}", fault(&cut, &other));
    let broken = folder.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(fault(&broken, &other).contains("broken.pem"));
    let huge = folder.write("huge.pem", &" ".repeat(5 << 20));
    assert!(fault(&huge, &other).contains("too many"));
}

#[test]
fn weak_old_and_misused_certificates_are_refused_with_words() {
    let now = SystemTime::now();
    let refuse = |certificate: &str, key: &str, usage| {
        Identity::from_pem("t.pem", certificate, key, usage, now).unwrap_err().to_string()
    };
    let weak = rsa(1_024);
    let what = refuse(&weak.certificate, &weak.key, Usage::Both);
    assert!(what.contains("t.pem") && what.contains("1024 bits"), "{what}");

    let (certificate, key) =
        made(|params| params.not_after = (UNIX_EPOCH + Duration::from_secs(86_400)).into());
    assert!(refuse(&certificate, &key, Usage::Both).contains("it expired on Jan  2"));

    let tomorrow = now + Duration::from_secs(86_400);
    let (certificate, key) = made(|params| params.not_before = tomorrow.into());
    assert!(refuse(&certificate, &key, Usage::Both).contains("valid only from"));

    let (certificate, key) =
        made(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    assert!(Identity::from_pem("t", &certificate, &key, Usage::Server, now).is_ok());
    assert!(refuse(&certificate, &key, Usage::Both).contains("lacks clientAuth"));
    assert!(refuse(&certificate, &key, Usage::Client).contains("lacks clientAuth"));
    let (certificate, key) =
        made(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    assert!(refuse(&certificate, &key, Usage::Server).contains("lacks serverAuth"));

    let (leaf, key) = made(|_| {});
    let (authority, _) = made(|params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    assert!(refuse(&format!("{authority}{leaf}"), &key, Usage::Both).contains("must come first"));
}

#[test]
fn a_reload_with_a_fault_keeps_the_old_identity() {
    let folder = Folder::new();
    let (certificate, key) = (folder.path("c.pem"), folder.path("k.pem"));
    let now = SystemTime::now();
    let (identity, _) = self_signed_files(&certificate, &key, &["a".to_owned()], now).unwrap();
    let live = LiveIdentity::new(identity.clone());
    assert!(!live.reload(&certificate, &key, Usage::Both, now).unwrap());
    fs::write(&key, "rubbish").unwrap();
    assert!(live.reload(&certificate, &key, Usage::Both, now).is_err());
    assert_eq!(live.current().fingerprint(), identity.fingerprint());
    let next = self_signed(&["b".to_owned()], now).unwrap();
    write_secret(&certificate, next.certificate.as_bytes()).unwrap();
    write_secret(&key, next.key.as_bytes()).unwrap();
    assert!(live.reload(&certificate, &key, Usage::Both, now).unwrap());
    assert_eq!(live.current().names(), ["b"]);
}

#[test]
fn a_bundle_without_authorities_is_told() {
    let folder = Folder::new();
    let empty = folder.write("ca.pem", "");
    assert!(Trust::bundle(&empty).unwrap_err().to_string().contains("ca.pem: holds no certificate"));
    assert!(Trust::from_pem("ec", ec().certificate.as_bytes()).is_ok());
}

//! Certificates: authorities that are believed, and the node's own.

use actix::prelude::*;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use serde::Serialize;

use super::DeskFault;

/// A certificate as it is shown; keys only as "there or not".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateView {
    /// For deleting.
    pub id: String,
    /// `ca` or `host`.
    pub usage: &'static str,
    /// Subject of the first certificate.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Names and addresses that it proves.
    pub names: Vec<String>,
    /// Certificates in the file.
    pub certificates: usize,
    /// From when it holds.
    pub not_before: Moment,
    /// Until when it holds.
    pub not_after: Moment,
    /// SHA-256 of the first certificate.
    pub fingerprint: String,
    /// When it was imported.
    pub created: Moment,
}

/// Those that were imported. What stands in the configuration file is not among them.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<CertificateView>, DeskFault>")]
pub struct ListCertificates;

/// Takes a certificate into use at once: an authority for servers and clients in the north, or the node's
/// own certificate for SIP over TLS. Connections that stand keep what they began with.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<CertificateView, DeskFault>")]
pub struct ImportCertificate {
    /// `ca` or `host`.
    pub usage: String,
    /// PEM: a bundle of authorities, or the host certificate first and its chain behind it.
    pub pem: String,
    /// PEM private key of a host certificate; it may stand in `pem` too.
    pub key: Option<Pii<String>>,
}

/// Takes one out of use.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct DeleteCertificate(pub String);

//! Where the directory is and what is read there.

use std::sync::Arc;
use std::time::Duration;

use kirkwall_core::directory::Kind;
use kirkwall_core::pii::Pii;
use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;

use crate::pki::{PkiFault, Trust, client_config};

/// Where the directory is and what is read there.
#[derive(Debug, Clone)]
pub struct LdapSettings {
    /// `ldaps://host`, or `ldap://host` with StartTLS unless `start_tls` is false.
    pub uri: String,
    /// Encrypt `ldap://` by StartTLS (RFC 4511 §4.14) before the password is said.
    pub start_tls: bool,
    /// For either kind of TLS.
    pub tls: Arc<ClientConfig>,
    /// Distinguished name below which everything is searched.
    pub base: String,
    /// Who binds; empty: nobody (anonymous).
    pub bind: String,
    /// Its password.
    pub password: Pii<String>,
    /// RFC 4515.
    pub filter: String,
    /// Where in an entry things stand.
    pub attributes: Attributes,
    /// Entries of one page (RFC 2696).
    pub page: u16,
    /// Most entries that are read.
    pub most: usize,
    /// Longest wait for the connection, and for each answer.
    pub step: Duration,
    /// Longest time for everything.
    pub whole: Duration,
}

impl LdapSettings {
    /// Pages of 500: Active Directory gives at most 1,000 at once.
    pub const PAGE: u16 = 500;
    /// Longest wait for one answer.
    pub const STEP: Duration = Duration::from_secs(15);
    /// Longest time for all of a large directory over a slow line.
    pub const WHOLE: Duration = Duration::from_secs(300);
}

/// Names of attributes. Of several the first that an entry has counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// The name.
    pub name: Vec<String>,
    /// The department.
    pub department: Vec<String>,
    /// Numbers, all of them.
    pub numbers: Vec<(Kind, String)>,
}

impl Attributes {
    /// Every attribute that is asked for, once.
    pub(super) fn all(&self) -> Vec<String> {
        let numbers = self.numbers.iter().map(|(_, name)| name);
        let mut all: Vec<String> = self.name.iter().chain(&self.department).chain(numbers).cloned().collect();
        all.sort();
        all.dedup();
        all
    }
}

impl Default for Attributes {
    /// Those of Active Directory, which `inetOrgPerson` has too.
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            name: words(&["displayName", "cn"]),
            department: words(&["department", "ou"]),
            numbers: [
                (Kind::Internal, "ipPhone"),
                (Kind::Office, "telephoneNumber"),
                (Kind::Mobile, "mobile"),
            ]
            .map(|(kind, name)| (kind, name.to_owned()))
            .into(),
        }
    }
}

/// Whether a filter can be understood (RFC 4515).
pub fn check_filter(filter: &str) -> Result<(), String> {
    match ldap3::parse_filter(filter) {
        Ok(_) => Ok(()),
        Err(()) => {
            let (opened, closed) = (filter.matches('(').count(), filter.matches(')').count());
            Err(match opened == closed {
                true => format!(
                    "{filter:?} is no LDAP filter (RFC 4515); example: (&(objectClass=person)(telephoneNumber=*))"
                ),
                false => format!(
                    "{filter:?} is no LDAP filter: it has {opened} opening and {closed} closing brackets"
                ),
            })
        }
    }
}

/// TLS towards a directory that `trust` vouches for. Unlike SIP (RFC 5922), LDAP takes certificates with a
/// wildcard: RFC 4513 §3.1.3.1.
pub fn tls_config(trust: &Trust) -> Result<Arc<ClientConfig>, PkiFault> {
    let Trust::Roots(roots) = trust else {
        return Ok(client_config(trust, None)?.config);
    };
    let library =
        |error: rustls::Error| PkiFault::Library { origin: "TLS".to_owned(), what: error.to_string() };
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(library)?;
    Ok(Arc::new(builder.with_root_certificates(roots.clone()).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_told_how() {
        assert!(check_filter("(&(objectClass=person)(|(mobile=*)(telephoneNumber=*)))").is_ok());
        assert!(check_filter("(mobile=*").unwrap_err().contains("1 opening and 0 closing"));
        assert!(check_filter("").unwrap_err().contains("RFC 4515"));
    }
}

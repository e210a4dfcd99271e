//! What is wrong with a directory, in words that name the setting and the mend.

use std::error::Error;

use ldap3::{LdapError, LdapResult};

use crate::pki;

/// Why the directory could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LdapFault {
    /// No connection.
    #[error("{uri}: not reached: {why}")]
    Unreachable {
        /// As configured.
        uri: String,
        /// What the system said.
        why: String,
    },
    /// TLS failed, or its certificate is not believed.
    #[error("{uri}: no encryption: {why}")]
    Tls {
        /// As configured.
        uri: String,
        /// In words.
        why: String,
    },
    /// The name or password is wrong, or the account may not log in.
    #[error("the directory refuses {bind}: {why}")]
    BindRefused {
        /// Who wanted to bind.
        bind: String,
        /// In words.
        why: String,
    },
    /// `phone_book.base` leads nowhere.
    #[error(
        "phone_book.base {base:?} does not exist there{nearest}; correct it, or grant the account access to it"
    )]
    BaseNotFound {
        /// As configured.
        base: String,
        /// How far the name leads, in words, or empty.
        nearest: String,
    },
    /// `phone_book.filter` or `phone_book.base` cannot be understood.
    #[error("{field}: {why}")]
    Syntax {
        /// Which setting.
        field: &'static str,
        /// In words.
        why: String,
    },
    /// The directory says no in another way.
    #[error("the directory answers {code} to {step}: {why}")]
    Refused {
        /// What we were doing.
        step: &'static str,
        /// Result code, RFC 4511 appendix A.
        code: u32,
        /// Its words, with a mend where there is one.
        why: String,
    },
    /// It did not answer in time.
    #[error("{uri}: no answer to {step} in time; is it overloaded, or a firewall between?")]
    Late {
        /// As configured.
        uri: String,
        /// What we were doing.
        step: &'static str,
    },
    /// It closed the connection or sent nonsense.
    #[error("{uri}: broke off at {step}: {why}")]
    Broken {
        /// As configured.
        uri: String,
        /// What we were doing.
        step: &'static str,
        /// What is known.
        why: String,
    },
}

impl LdapFault {
    /// A word for metrics and doctor.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::BindRefused { .. } => "bind_refused",
            Self::BaseNotFound { .. } => "base_not_found",
            Self::Syntax { .. } => "syntax",
            Self::Refused { .. } => "refused",
            Self::Late { .. } => "late",
            Self::Broken { .. } => "broken",
        }
    }

    /// What the library says while connecting.
    pub(super) fn of_connection(uri: &str, error: &LdapError) -> Self {
        let uri = uri.to_owned();
        match error {
            LdapError::Timeout { .. } => Self::Late { uri, step: "connecting" },
            LdapError::LdapResult { result } => Self::Tls {
                uri,
                why: format!("StartTLS is refused ({}): {}; use ldaps://", result.rc, brief(&result.text)),
            },
            other => match tls_words(other) {
                Some(why) => Self::Tls { uri, why },
                None => match other {
                    LdapError::Io { source } => Self::Unreachable { uri, why: source.to_string() },
                    LdapError::UrlParsing { .. } | LdapError::UnknownScheme(_) => Self::Syntax {
                        field: "phone_book.uri",
                        why: format!("{other}; write ldaps://HOST or ldap://HOST"),
                    },
                    _ => Self::Broken { uri, step: "connecting", why: other.to_string() },
                },
            },
        }
    }

    /// What the library says while an answer is waited for.
    pub(super) fn of_answer(uri: &str, step: &'static str, error: &LdapError) -> Self {
        let uri = uri.to_owned();
        match error {
            LdapError::Timeout { .. } => Self::Late { uri, step },
            LdapError::FilterParsing => {
                Self::Syntax { field: "phone_book.filter", why: "is no LDAP filter (RFC 4515)".into() }
            }
            LdapError::ResultRecv { .. } | LdapError::OpSend { .. } | LdapError::EndOfStream => {
                Self::Broken { uri, step, why: "it closed the connection".into() }
            }
            other => Self::Broken { uri, step, why: other.to_string() },
        }
    }

    /// A bind that was not successful. Codes: RFC 4511 appendix A.2.
    pub(super) fn of_bind(bind: &str, result: &LdapResult) -> Self {
        let bind = if bind.is_empty() { "an anonymous bind".to_owned() } else { bind.to_owned() };
        let why = match result.rc {
            49 => bad_credentials(&result.text).to_owned(),
            48 | 53 => "the directory takes no anonymous bind; set phone_book.bind and phone_book.password"
                .to_owned(),
            8 | 13 => "the directory wants encryption; use ldaps:// or phone_book.start_tls".to_owned(),
            34 => "phone_book.bind is no distinguished name; Active Directory takes user@domain as well"
                .to_owned(),
            code => format!("result {code}: {}", brief(&result.text)),
        };
        Self::BindRefused { bind, why }
    }

    /// A search that was not successful.
    pub(super) fn of_search(base: &str, result: &LdapResult) -> Self {
        let step = "the search";
        let refused = |why: &str| Self::Refused { step, code: result.rc, why: why.to_owned() };
        match result.rc {
            32 => Self::BaseNotFound {
                base: base.to_owned(),
                nearest: match result.matched.is_empty() {
                    true => String::new(),
                    false => format!(" ({} does)", brief(&result.matched)),
                },
            },
            34 => Self::Syntax {
                field: "phone_book.base",
                why: format!("{base:?} is no distinguished name; example: OU=Staff,DC=example,DC=com"),
            },
            50 => refused("the account may not read here; grant it access to phone_book.base"),
            // Active Directory says it so: 000004DC, "a successful bind must be completed".
            1 if result.text.contains("000004DC") => {
                refused("the directory lets nobody read unknown; set phone_book.bind and phone_book.password")
            }
            8 | 13 => refused("it wants encryption; use ldaps:// or phone_book.start_tls"),
            3 => refused(
                "it could not search all in the time it gives; narrow phone_book.base or phone_book.filter",
            ),
            10 => refused("phone_book.base lies on another server; name that one in phone_book.uri"),
            _ => refused(&brief(&result.text)),
        }
    }
}

/// RFC 4511 says no more than invalidCredentials; Active Directory adds a number of Windows.
fn bad_credentials(text: &str) -> &'static str {
    let data = text.split("data ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
    match data.trim() {
        "525" => "no such user; correct phone_book.bind",
        "530" | "531" => "the account may not log in at this time or from here",
        "532" | "773" => "the password has expired; set a new one that does not expire",
        "533" => "the account is disabled",
        "701" => "the account has expired",
        "775" => "the account is locked",
        _ => "name or password is wrong; correct phone_book.bind and phone_book.password",
    }
}

/// The error of TLS inside, in the words that SIP over TLS has for it.
fn tls_words(error: &LdapError) -> Option<String> {
    if let LdapError::DNSName { .. } = error {
        return Some("the host in phone_book.uri is no name that a certificate can hold".to_owned());
    }
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(pki::words(tls));
        }
        // The error inside an I/O error is not its source but what it holds.
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && let Some(tls) = io.get_ref().and_then(|held| held.downcast_ref::<rustls::Error>())
        {
            return Some(pki::words(tls));
        }
        source = inner.source();
    }
    None
}

/// Words of a stranger, short enough for a line.
fn brief(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    if plain.trim().is_empty() { "no words".to_owned() } else { plain.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(rc: u32, text: &str) -> LdapResult {
        LdapResult { rc, matched: String::new(), text: text.into(), refs: vec![], ctrls: vec![] }
    }

    #[test]
    fn active_directory_says_why_an_account_is_refused() {
        let text = "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data 533, v3839";
        let fault = LdapFault::of_bind("CN=x", &result(49, text));
        assert_eq!(fault.to_string(), "the directory refuses CN=x: the account is disabled");
        let plain = LdapFault::of_bind("CN=x", &result(49, "")).to_string();
        assert!(plain.contains("phone_book.password"), "{plain}");
    }

    #[test]
    fn a_base_that_is_not_there_tells_how_far_it_leads() {
        let missing = LdapResult { matched: "dc=example,dc=com".into(), ..result(32, "") };
        let words = LdapFault::of_search("ou=x,dc=example,dc=com", &missing).to_string();
        assert!(words.contains("(dc=example,dc=com does)"), "{words}");
    }

    #[test]
    fn words_of_a_stranger_are_one_short_line() {
        let words = LdapFault::of_search("", &result(80, &"a\nb".repeat(1000))).to_string();
        assert!(words.len() < 300 && !words.contains('\n'));
    }
}

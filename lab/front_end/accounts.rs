//! Who may register and call, and how they prove it.

use std::collections::HashMap;

use crate::sip::digest::{Verdict, Verifier};
use crate::sip::{Credentials, Message};

/// One user.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// User part of the address of record.
    pub user: String,
    /// What it proves itself with.
    #[serde(flatten)]
    pub credentials: Credentials,
}

/// Who there is.
#[derive(Debug, Clone)]
pub enum Accounts {
    /// These.
    Given(Vec<Account>),
    /// Every name; all have this password, or none is asked for.
    Any(Option<String>),
}

/// The accounts, ready for look-up.
pub(super) struct Register {
    /// By user part; `None`: every name.
    given: Option<HashMap<String, Credentials>>,
    /// Password of every name.
    common: Option<String>,
    verifier: Verifier,
}

/// What the front end made of a request's sender.
pub(super) enum Admission {
    /// May act for this user.
    Granted,
    /// Must prove it, with this challenge.
    Challenged(String),
    /// May not.
    Refused,
}

impl Register {
    pub(super) fn new(accounts: Accounts, realm: &str) -> Self {
        let verifier = Verifier::new(realm);
        match accounts {
            Accounts::Given(list) => {
                let given = list.into_iter().map(|one| (one.user, one.credentials)).collect();
                Self { given: Some(given), common: None, verifier }
            }
            Accounts::Any(common) => Self { given: None, common, verifier },
        }
    }

    /// Whether a name is a user's, and not only possible.
    pub(super) fn is_given(&self, user: &str) -> bool {
        self.given.as_ref().is_some_and(|given| given.contains_key(user))
    }

    /// What a user proves itself with; none for a user that is not, or when nothing is asked for.
    pub(super) fn credentials_of(&self, user: &str) -> Option<Credentials> {
        match &self.given {
            Some(given) => given.get(user).cloned(),
            None => {
                let password = self.common.clone()?;
                Some(Credentials { username: user.to_owned(), password })
            }
        }
    }

    /// Whether a name may be a user's.
    pub(super) fn is_possible(&self, user: &str) -> bool {
        self.given.as_ref().is_none_or(|given| given.contains_key(user))
    }

    /// Checks that `request` comes from `user`. `header` is Authorization or Proxy-Authorization.
    pub(super) fn admit(&self, request: &Message, user: &str, header: &str) -> Admission {
        let expected = match &self.given {
            Some(given) => match given.get(user) {
                Some(credentials) => credentials.clone(),
                None => return Admission::Refused,
            },
            None => match &self.common {
                Some(password) => Credentials { username: user.to_owned(), password: password.clone() },
                None => return Admission::Granted,
            },
        };
        let know = |name: &str| (name == expected.username).then(|| expected.password.clone());
        match self.verifier.check(request, header, know) {
            Verdict::Good(_) => Admission::Granted,
            Verdict::Challenge => Admission::Challenged(self.verifier.challenge()),
            Verdict::Bad => Admission::Refused,
        }
    }
}

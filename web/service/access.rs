//! Tokens and sessions.

use kirkwall_actors::desk::{
    Bearer, CheckAdministrator, CreateToken, ListTokens, LogIn, LogOut, NewToken, RevokeToken, SCOPES,
    Session, TokenView,
};
use kirkwall_core::pii::Pii;

use super::{ask, audit};
use crate::clock;
use crate::problem::{FieldError, NOT_AUTHENTICATED, Problem};
use crate::site::Site;

/// Longest name of a token, in characters.
const LONGEST_NAME: usize = 64;

/// All tokens, without their secrets.
pub async fn tokens(site: &Site) -> Result<Vec<TokenView>, Problem> {
    Ok(ask(&site.desk.list_tokens, ListTokens).await??)
}

/// Makes a token after [`check_token`] found nothing wrong.
pub async fn create_token(site: &Site, who: &Bearer, order: CreateToken) -> Result<NewToken, Problem> {
    check_token(&order)?;
    let name = order.name.clone();
    let token = ask(&site.desk.create_token, order).await??;
    audit(who, "token created", &name);
    Ok(token)
}

/// What would be wrong with such a token.
pub fn check_token(order: &CreateToken) -> Result<(), Problem> {
    let mut errors = Vec::new();
    let named = !order.name.trim().is_empty() && order.name.chars().count() <= LONGEST_NAME;
    if !named || order.name.chars().any(char::is_control) {
        let detail = "say for what or whom the token is, in 1 to 64 characters";
        errors.push(FieldError::invalid("name", detail));
    }
    if order.scopes.is_empty() {
        errors.push(FieldError::invalid("scopes", format!("choose at least one of {}", SCOPES.join(", "))));
    }
    if let Some(scope) = order.scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        let detail = format!("there is no scope {scope:?}; there are {}", SCOPES.join(", "));
        errors.push(FieldError::invalid("scopes", detail));
    }
    if order.expires.is_some_and(|end| end <= clock::now()) {
        errors.push(FieldError::invalid("expires", "the end must lie in the future"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
}

/// Makes a token worthless.
pub async fn revoke_token(site: &Site, who: &Bearer, id: String) -> Result<(), Problem> {
    ask(&site.desk.revoke_token, RevokeToken(id.clone())).await??;
    audit(who, "token revoked", &id);
    Ok(())
}

/// Opens a session by the word of a log-in link or an API token with scope `admin`.
pub async fn log_in(site: &Site, word: Pii<String>) -> Result<Session, Problem> {
    let wrong = || {
        let detail = "the token or log-in link is wrong, used up, expired or lacks the scope admin";
        Problem::new(&NOT_AUTHENTICATED, detail)
    };
    let session = ask(&site.desk.log_in, LogIn(word)).await?.ok_or_else(wrong)?;
    audit(&session.bearer, "logged in", &"");
    Ok(session)
}

/// Whose password is this?
pub async fn administrator(site: &Site, password: Pii<String>) -> Result<Bearer, Problem> {
    let wrong = || {
        let detail = "the password is wrong: it is an API token with the scope admin; after five wrong ones in a \
                      minute the next ones are refused unseen";
        Problem::new(&NOT_AUTHENTICATED, detail)
    };
    ask(&site.desk.check_administrator, CheckAdministrator(password)).await?.ok_or_else(wrong)
}

/// Ends a session.
pub async fn log_out(site: &Site, secret: Pii<String>) -> Result<(), Problem> {
    ask(&site.desk.log_out, LogOut(secret)).await
}

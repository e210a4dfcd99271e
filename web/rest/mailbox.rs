//! `/users/{username}/message-waiting`: what waits in a user's voice mail, as it was told last.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::SetMailbox;
use kirkwall_core::call::mailbox::Mailbox;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::body::Fields;
use super::openapi::Problems;
use super::users::named;
use crate::access::Caller;
use crate::problem::{FieldError, Problem};
use crate::service::mailbox as service;
use crate::site::Site;

/// What waits. All of it is null or zero while nobody ever told.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = MessageWaiting)]
pub struct MailboxJson {
    /// Whether anything new waits, of whatever kind; null: nobody ever told.
    pub waiting: Option<bool>,
    /// New voice messages, urgent ones among them.
    pub new: u32,
    /// Voice messages that were heard.
    pub old: u32,
    /// New urgent voice messages.
    pub urgent: u32,
    /// Where they are fetched, when the voice mail says so.
    pub account: Option<String>,
}

impl From<Mailbox> for MailboxJson {
    fn from(mailbox: Mailbox) -> Self {
        let Mailbox { waiting, new, old, urgent, account } = mailbox;
        Self { waiting: Some(waiting), new, old, urgent, account }
    }
}

/// What waits in a user's mailbox.
#[utoipa::path(get, operation_id = "get_message_waiting", path = "/users/{username}/message-waiting", tag = "Users",
    params(("username" = String, Path)), security(("token" = ["users:read"])),
    responses((status = 200, description = "as told last", body = MailboxJson), Problems))]
pub async fn get(site: web::Data<Site>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let mailbox = service::mailbox(&site, named(&path)?).await?;
    Ok(Answer::json(200, &mailbox.map_or_else(MailboxJson::default, MailboxJson::from))?.into())
}

/// Says what waits, for a voice mail that does not speak SIP. Handsets are told at once. Whatever the registrar
/// says next counts again. Absent numbers are 0; `waiting` is what `new` says when it is absent.
#[utoipa::path(put, operation_id = "replace_message_waiting", path = "/users/{username}/message-waiting", tag = "Users",
    request_body = MailboxJson, params(("username" = String, Path)), security(("token" = ["users:write"])),
    responses((status = 200, description = "as it is now", body = MailboxJson), Problems))]
pub async fn replace(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let user = named(&path)?;
    let mut number = |name: &str| fields.number(name).map_or(0, u32::from);
    let (new, old, urgent) = (number("new"), number("old"), number("urgent"));
    let account = fields.text("account").filter(|account| !account.is_empty());
    let waiting = fields.flag("waiting").unwrap_or(new > 0);
    fields.finish()?;
    let plain = |text: &String| text.len() <= 256 && text.chars().all(|c| c.is_ascii_graphic());
    if account.as_ref().is_some_and(|account| !plain(account)) {
        let detail = "must be a URI of at most 256 characters, without blanks";
        return Err(Problem::fields(vec![FieldError::invalid("account", detail.to_owned())]));
    }
    let mailbox = Mailbox { waiting, new, old, urgent: urgent.min(new), account };
    let set = service::set_mailbox(&site, &who, SetMailbox { user, mailbox }).await?;
    Ok(Answer::json(200, &MailboxJson::from(set))?.into())
}

/// Puts the lamp out: nothing new waits. Nothing is deleted in the voice mail, whose next word counts again.
#[utoipa::path(delete, operation_id = "clear_message_waiting", path = "/users/{username}/message-waiting", tag = "Users",
    params(("username" = String, Path)), security(("token" = ["users:write"])),
    responses((status = 204, description = "done"), Problems))]
pub async fn clear(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    service::clear_mailbox(&site, &who, named(&path)?).await?;
    Ok(Answer::new(204).into())
}

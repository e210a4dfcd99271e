//! `/messages`: texts to handsets, alarms and their confirmation.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use kirkwall_actors::desk::{ConfirmText, ListTexts, SendText};
use kirkwall_core::call::text::{
    Confirmation, Draft, Escalation, Priority, Recipient, Sender, TextId, TextMessage,
};
use kirkwall_core::id::Username;
use kirkwall_core::pii::Pii;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, make};
use super::body::Fields;
use super::openapi::Problems;
use super::page::{self, List};
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::{BAD_REQUEST, FieldError, Problem};
use crate::service::texts as service;
use crate::site::Site;

/// A text, to one or to many.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextMessage)]
pub struct TextJson {
    /// Its name; sorts by age.
    pub id: String,
    /// When it was taken in.
    #[schema(format = DateTime)]
    pub created: String,
    /// `waiting`, `delivered`, `confirmed`, `unconfirmed` (asked for, and nobody has yet), `failed`, `withdrawn`.
    pub state: &'static str,
    /// Who sent it: username, number or URI.
    pub from: String,
    /// The sender's name.
    pub from_name: String,
    /// What it says.
    pub text: String,
    /// `normal`, `urgent` or `emergency`.
    pub priority: &'static str,
    /// What it asks: `none`, `read` or `reply`.
    pub confirmation: &'static str,
    /// The level of escalation that it has reached; 0: none.
    pub level: u8,
    /// When the next level begins.
    #[schema(format = DateTime)]
    pub escalates: Option<String>,
    /// After this it is not delivered any more.
    #[schema(format = DateTime)]
    pub expires: String,
    /// Who gets it.
    pub recipients: Vec<RecipientJson>,
}

/// Somebody who gets a text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextRecipient)]
pub struct RecipientJson {
    /// Username, number or URI, as it was asked for.
    pub address: String,
    /// On which level of escalation.
    pub level: u8,
    /// `waiting`, `delivered`, `read`, `confirmed`, `declined`, `failed`, `expired` or `unneeded`.
    pub standing: &'static str,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// How often it was tried.
    pub tries: u16,
    /// Why the last try failed.
    pub cause: String,
    /// What was answered.
    pub answer: String,
}

/// A text that shall be sent.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes a body that is read field by field")]
pub struct TextBody {
    /// At most 700 octets.
    text: String,
    /// Usernames, numbers or SIP URIs, 500 at most with those of all levels; `*` is every user.
    to: Vec<String>,
    /// The user in whose name; none: the switch's.
    from: Option<String>,
    /// `normal` if absent, `urgent` or `emergency`.
    priority: Option<String>,
    /// `none` if absent; `read`: that somebody saw it; `reply`: that somebody answers for it.
    confirmation: Option<String>,
    /// Where it goes when nobody confirms.
    escalation: Option<EscalationBody>,
    /// Seconds it may take, 10 to 604800; a day if absent.
    lifetime_seconds: Option<u32>,
}

/// Where an alarm goes when nobody confirms.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes a body that is read field by field")]
pub struct EscalationBody {
    /// How long each level has, 5 to 86400.
    after_seconds: u32,
    /// The recipients of each further level, 8 levels at most.
    levels: Vec<Vec<String>>,
}

/// Whose confirmation.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes a body that is read field by field")]
pub struct ConfirmBody {
    /// The recipient's address as in the message.
    recipient: String,
}

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TextsQuery {
    /// Those of that state; all if absent.
    state: Option<String>,
    /// Items of a page, 1 to 1,000; 100 if absent.
    limit: Option<usize>,
    /// From the page before.
    cursor: Option<String>,
}

impl From<&Recipient> for RecipientJson {
    fn from(recipient: &Recipient) -> Self {
        Self {
            address: recipient.address.clone(),
            level: recipient.level,
            standing: recipient.standing.as_str(),
            since: rfc3339(recipient.since),
            tries: recipient.tries,
            cause: recipient.cause.clone(),
            answer: recipient.answer.0.clone(),
        }
    }
}

impl From<&TextMessage> for TextJson {
    fn from(message: &TextMessage) -> Self {
        Self {
            id: message.id.to_string(),
            created: rfc3339(message.created()),
            state: message.state(),
            from: message.sender.address.clone(),
            from_name: message.sender.display.clone(),
            text: message.text.0.clone(),
            priority: message.priority.as_str(),
            confirmation: message.confirmation.as_str(),
            level: message.level,
            escalates: message.escalates.map(rfc3339),
            expires: rfc3339(message.expires),
            recipients: message.recipients.iter().map(RecipientJson::from).collect(),
        }
    }
}

/// Messages, newest first.
#[utoipa::path(get, operation_id = "list_messages", path = "/messages", tag = "Messages", params(TextsQuery), security(("token" = ["traces:read"])),
    responses((status = 200, description = "as asked", body = List<TextJson>, headers(("Link" = String, description = "next page"))), Problems))]
pub async fn list(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    query: web::Query<TextsQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let wanted = ListTexts {
        state: query.state.filter(|state| !state.is_empty()),
        after: page::read_cursor(query.cursor.as_deref())?,
        limit: page::limit(query.limit)?,
    };
    let found = service::list(&site, &who, wanted).await?;
    let last = found.messages.last().filter(|_| found.more);
    let list = List {
        next_cursor: last.map(|message| page::cursor_of(&message.id.to_string())),
        items: found.messages.iter().map(TextJson::from).collect(),
        total: found.total,
    };
    Ok(page::answer(&request, &list)?.into())
}

/// Sends a text. It is kept before this is answered; how it fares stands in it.
#[utoipa::path(post, operation_id = "send_message", path = "/messages", tag = "Messages", request_body = TextBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "same key and body, same answer, for 24 hours")),
    security(("token" = ["calls:control"])),
    responses((status = 201, body = TextJson, description = "taken in", headers(("Location" = String))), Problems))]
pub async fn send(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let order = order(&mut fields);
    make(&site, (&request, &who), false, fields, async |_| {
        let message = service::send(&site, &who, order?).await?;
        let place = format!("{}/messages/{}", super::BASE, message.id);
        Ok((Answer::json(201, &TextJson::from(&message))?, place))
    })
    .await
}

fn order(fields: &mut Fields) -> Result<SendText, Problem> {
    let (text, to) = (fields.needed_text("text"), fields.texts("to").unwrap_or_default());
    let from = fields.text("from").filter(|from| !from.is_empty());
    let (priority, confirmation) = (fields.text("priority"), fields.text("confirmation"));
    let (escalation, lifetime) = (fields.value("escalation"), fields.seconds("lifetime_seconds"));
    let mut wrong = Vec::new();
    let draft = Draft {
        sender: Sender { address: String::new(), display: String::new(), user: None },
        text: Pii(text),
        to,
        priority: word(priority, "priority", PRIORITIES, &mut wrong),
        confirmation: word(confirmation, "confirmation", CONFIRMATIONS, &mut wrong),
        escalation: escalation.and_then(|value| escalation_of(&value, &mut wrong)),
        lifetime: lifetime.unwrap_or(Duration::from_secs(86_400)),
        wish: None,
    };
    let from = from.map(|from| from.parse::<Username>());
    let from = from.transpose().map_err(|bad| wrong.push(FieldError::invalid("from", bad.to_string())));
    match wrong.is_empty() {
        true => Ok(SendText { from: from.unwrap_or_default(), draft }),
        false => Err(Problem::fields(wrong)),
    }
}

const PRIORITIES: &[(&str, Priority)] =
    &[("normal", Priority::Normal), ("urgent", Priority::Urgent), ("emergency", Priority::Emergency)];
const CONFIRMATIONS: &[(&str, Confirmation)] =
    &[("none", Confirmation::None), ("read", Confirmation::Read), ("reply", Confirmation::Reply)];

/// What a word of a closed list means; without a word, the first.
fn word<T: Copy>(said: Option<String>, field: &str, known: &[(&str, T)], wrong: &mut Vec<FieldError>) -> T {
    let said = said.filter(|said| !said.is_empty());
    let found = said.as_ref().map(|said| known.iter().find(|(name, _)| name == said));
    if let Some(None) = found {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        wrong.push(FieldError::invalid(field, format!("use {}", names.join(", "))));
    }
    found.flatten().unwrap_or(&known[0]).1
}

fn escalation_of(value: &Value, wrong: &mut Vec<FieldError>) -> Option<Escalation> {
    let after = value.get("after_seconds").and_then(Value::as_u64);
    let level = |level: &Value| -> Option<Vec<String>> {
        level.as_array()?.iter().map(|to| to.as_str().map(str::to_owned)).collect()
    };
    let levels = value.get("levels").and_then(Value::as_array);
    let levels: Option<Vec<_>> = levels.and_then(|levels| levels.iter().map(level).collect());
    let known = value.as_object().is_some_and(|members| members.len() == 2);
    match (after, levels) {
        (Some(after), Some(levels)) if known => {
            Some(Escalation { after: Duration::from_secs(after), levels })
        }
        _ => {
            let detail = "must be {\"after_seconds\": 60, \"levels\": [[\"4711\"], [\"4712\"]]} or null";
            wrong.push(FieldError::of("type", "escalation", detail));
            None
        }
    }
}

/// One message.
#[utoipa::path(get, operation_id = "get_message", path = "/messages/{id}", tag = "Messages", params(("id" = String, Path)),
    security(("token" = ["traces:read"])), responses((status = 200, description = "as asked", body = TextJson), Problems))]
pub async fn get(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &TextJson::from(&service::get(&site, &who, text_named(&id)?).await?))?.into())
}

/// Takes a message back: where it has not been it does not go, and it does not escalate.
#[utoipa::path(delete, operation_id = "withdraw_message", path = "/messages/{id}", tag = "Messages", params(("id" = String, Path)),
    security(("token" = ["calls:control"])), responses((status = 204, description = "done"), Problems))]
pub async fn withdraw(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    service::withdraw(&site, &who, text_named(&id)?).await?;
    Ok(Answer::new(204).into())
}

/// Answers for a message in a recipient's place.
#[utoipa::path(post, operation_id = "confirm_message", path = "/messages/{id}/confirm", tag = "Messages", request_body = ConfirmBody,
    params(("id" = String, Path)), security(("token" = ["calls:control"])),
    responses((status = 200, description = "as it is now", body = TextJson), Problems))]
pub async fn confirm(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let recipient = fields.needed_text("recipient");
    fields.finish()?;
    let order = ConfirmText { id: text_named(&id)?, recipient };
    Ok(Answer::json(200, &TextJson::from(&service::confirm(&site, &who, order).await?))?.into())
}

/// The message that a path names.
pub fn text_named(id: &str) -> Result<TextId, Problem> {
    id.parse().map_err(|_| Problem::new(&BAD_REQUEST, format!("{id:?} is no name of a message")))
}

//! `/users`: people with a number.

use actix_web::{HttpRequest, HttpResponse, web};
use kirkwall_actors::desk::{ChangeUser, DeleteUser, ListUsers, UserChange, UserView};
use kirkwall_core::call::dialling::{AllowedCalls, NumberClass};
use kirkwall_core::id::Username;
use kirkwall_core::pii::Pii;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, made, make};
use super::body::Fields;
use super::openapi::Problems;
use super::page::{self, List};
use crate::access::Caller;
use crate::problem::{FieldError, NOT_FOUND, Problem};
use crate::service::users as service;
use crate::site::Site;

/// A user. Secrets can be written and are shown as "set or not".
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserJson {
    /// Username/extension: the user part of the SIP URI.
    pub username: String,
    /// Display name.
    pub display_name: String,
    /// Standby text on the handset.
    pub standby_text: String,
    /// Authentication username towards the north; empty means the username.
    pub auth_username: String,
    /// Authentication password.
    pub auth_password: SecretJson,
    /// IPEI of the linked handset.
    pub ipei: Option<String>,
    /// Access code for subscription.
    pub access_code: SecretJson,
    /// Password that the handset's SIP account registers with.
    pub south_password: SecretJson,
    /// Whether the user may call and be called.
    pub enabled: bool,
    /// A number by which others call the user besides the username, also when the north side is lost.
    pub secondary_username: Option<String>,
    /// Classes of numbers that the user may call: `internal`, `local`, `national`, `international`,
    /// `premium`. Null: what `[dialling] allowed` says. Emergency numbers always.
    pub allowed_calls: Option<Vec<&'static str>>,
    /// Whose ringing calls the user takes by a code: those of users of the same group. Null: no group.
    pub pickup_group: Option<String>,
    /// Grows with every change; the ETag holds it.
    pub revision: u64,
    /// How the user fares now.
    pub status: UserStatus,
}

/// A secret as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Secret)]
pub struct SecretJson {
    /// Whether one is kept.
    pub set: bool,
}

/// What changes by itself; not written by clients.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserStatus {
    /// Whether a handset is registered.
    pub handset_registered: bool,
    /// Registration at the north side, in words.
    pub registration: String,
    /// Calls now.
    pub calls: u32,
    /// New messages in the mailbox; 1 where only that something waits is known.
    pub messages: u32,
}

/// What a client writes. In PATCH absent members stay and null clears (RFC 7396); in PUT absent members
/// take their initial values, except secrets, which stay.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Fields` reads the body
pub struct UserBody {
    /// Username/extension, 1 to 64 characters. Needed in POST; cannot be changed.
    username: String,
    /// Display name.
    display_name: Option<String>,
    /// Standby text on the handset.
    standby_text: Option<String>,
    /// Authentication username towards the north.
    auth_username: Option<String>,
    /// Authentication password.
    auth_password: Option<String>,
    /// IPEI of the handset.
    ipei: Option<String>,
    /// Access code for subscription.
    access_code: Option<String>,
    /// Password that the handset's SIP account registers with.
    south_password: Option<String>,
    /// Whether the user may call and be called; initially true.
    enabled: Option<bool>,
    /// A number by which others call the user besides the username; unique.
    secondary_username: Option<String>,
    /// Classes of numbers that the user may call; null: what `[dialling] allowed` says.
    allowed_calls: Option<Vec<String>>,
    /// Pickup group, at most 32 characters.
    pickup_group: Option<String>,
}

/// As [`UserBody`], without the name.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Fields` reads the body
pub struct UserPatch {
    /// Display name.
    display_name: Option<String>,
    /// Standby text on the handset.
    standby_text: Option<String>,
    /// Authentication username towards the north.
    auth_username: Option<String>,
    /// Authentication password.
    auth_password: Option<String>,
    /// IPEI of the handset.
    ipei: Option<String>,
    /// Access code for subscription.
    access_code: Option<String>,
    /// Password that the handset's SIP account registers with.
    south_password: Option<String>,
    /// Whether the user may call and be called.
    enabled: Option<bool>,
    /// A number by which others call the user besides the username; unique.
    secondary_username: Option<String>,
    /// Classes of numbers that the user may call; null: what `[dialling] allowed` says.
    allowed_calls: Option<Vec<String>>,
    /// Pickup group, at most 32 characters.
    pickup_group: Option<String>,
}

impl From<&UserView> for UserJson {
    fn from(user: &UserView) -> Self {
        Self {
            username: user.username.to_string(),
            display_name: user.display_name.clone(),
            standby_text: user.standby_text.clone(),
            auth_username: user.auth_username.clone(),
            auth_password: SecretJson { set: user.auth_password_set },
            ipei: user.ipei.clone(),
            access_code: SecretJson { set: user.access_code_set },
            south_password: SecretJson { set: user.south_password_set },
            enabled: user.enabled,
            secondary_username: user.secondary_username.clone(),
            allowed_calls: user.allowed_calls.map(|allowed| words_of(&allowed)),
            pickup_group: user.pickup_group.clone(),
            revision: user.revision,
            status: UserStatus {
                handset_registered: user.handset_registered,
                registration: user.registration.clone(),
                calls: user.calls,
                messages: user.messages(),
            },
        }
    }
}

/// Which users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// Part of username or display name, without case.
    q: Option<String>,
    /// Items of a page, 1 to 1,000; 100 if absent.
    limit: Option<usize>,
    /// From the page before.
    cursor: Option<String>,
}

/// Whether to keep it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DryRun {
    /// Only check; keep nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Users by name.
#[utoipa::path(get, operation_id = "list_users", path = "/users", tag = "Users", params(UsersQuery), security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = List<UserJson>, headers(("Link" = String, description = "next page"))), Problems))]
pub async fn list(
    site: web::Data<Site>,
    request: HttpRequest,
    query: web::Query<UsersQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let wanted = ListUsers {
        query: query.q.filter(|q| !q.is_empty()),
        after: page::read_cursor(query.cursor.as_deref())?,
        limit: page::limit(query.limit)?,
    };
    let found = service::list(&site, wanted).await?;
    let last = found.users.last().filter(|_| found.more);
    let list = List {
        next_cursor: last.map(|user| page::cursor_of(user.username.as_str())),
        items: found.users.iter().map(UserJson::from).collect(),
        total: found.total,
    };
    Ok(page::answer(&request, &list)?.into())
}

/// A new user.
#[utoipa::path(post, operation_id = "create_user", path = "/users", tag = "Users", request_body = UserBody,
    params(DryRun, ("Idempotency-Key" = Option<String>, Header, description = "same key and body, same answer, for 24 hours")),
    security(("token" = ["users:write"])),
    responses((status = 201, body = UserJson, description = "made", headers(("ETag" = String), ("Location" = String))),
        (status = 200, body = UserJson, description = "dry run: it would be made"), Problems))]
pub async fn create(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    query: web::Query<DryRun>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let (username, change) = (fields.needed_text("username"), changes(&mut fields));
    make(&site, (&request, &who), query.dry_run, fields, async |dry_run| {
        let user = service::create(&site, &who, username, change, dry_run).await?;
        let place = format!("{}/users/{}", super::BASE, in_path(user.username.as_str()));
        Ok((shown(made(dry_run), &user)?, place))
    })
    .await
}

/// One user.
#[utoipa::path(get, operation_id = "get_user", path = "/users/{username}", tag = "Users", params(("username" = String, Path)),
    security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = UserJson, headers(("ETag" = String))), Problems))]
pub async fn get(site: web::Data<Site>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let user = service::get(&site, named(&path)?).await?;
    Ok(shown(200, &user)?.into())
}

/// A user's fields, all of them.
#[utoipa::path(put, operation_id = "replace_user", path = "/users/{username}", tag = "Users", request_body = UserBody,
    params(("username" = String, Path), ("If-Match" = String, Header, description = "ETag that was seen, or *"), DryRun),
    security(("token" = ["users:write"])),
    responses((status = 200, description = "as asked", body = UserJson, headers(("ETag" = String))), Problems))]
pub async fn replace(
    site: web::Data<Site>,
    request: HttpRequest,
    caller: Caller,
    path: web::Path<String>,
    query: web::Query<DryRun>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let given = changes(&mut fields);
    let whole = UserChange {
        display_name: Some(given.display_name.unwrap_or_default()),
        standby_text: Some(given.standby_text.unwrap_or_default()),
        auth_username: Some(given.auth_username.unwrap_or_default()),
        ipei: Some(given.ipei.unwrap_or_default()),
        enabled: Some(given.enabled.unwrap_or(true)),
        secondary_username: Some(given.secondary_username.unwrap_or_default()),
        allowed_calls: Some(given.allowed_calls.flatten()),
        pickup_group: Some(given.pickup_group.unwrap_or_default()),
        ..given
    };
    keep(&site, &request, &caller, &path, &query, whole, fields).await
}

/// Some of a user's fields (RFC 7396).
#[utoipa::path(patch, operation_id = "change_user", path = "/users/{username}", tag = "Users",
    request_body(content((UserPatch = "application/merge-patch+json"), (UserPatch = "application/json"))),
    params(("username" = String, Path), ("If-Match" = String, Header, description = "ETag that was seen, or *"), DryRun),
    security(("token" = ["users:write"])),
    responses((status = 200, description = "as asked", body = UserJson, headers(("ETag" = String))), Problems))]
pub async fn change(
    site: web::Data<Site>,
    request: HttpRequest,
    caller: Caller,
    path: web::Path<String>,
    query: web::Query<DryRun>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let given = changes(&mut fields);
    keep(&site, &request, &caller, &path, &query, given, fields).await
}

/// Removes a user: calls end, the handset is refused from then on.
#[utoipa::path(delete, operation_id = "delete_user", path = "/users/{username}", tag = "Users",
    params(("username" = String, Path), ("If-Match" = String, Header, description = "ETag that was seen, or *"), DryRun),
    security(("token" = ["users:write"])), responses((status = 204, description = "done"), Problems))]
pub async fn delete(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    path: web::Path<String>,
    query: web::Query<DryRun>,
) -> Result<HttpResponse, Problem> {
    let order = DeleteUser { username: named(&path)?, if_revision: page::if_match(&request)? };
    service::delete(&site, &who, order, query.dry_run).await?;
    Ok(Answer::new(204).into())
}

async fn keep(
    site: &Site,
    request: &HttpRequest,
    Caller(who): &Caller,
    path: &str,
    query: &DryRun,
    change: UserChange,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let username = named(path)?;
    fields.skip(&["revision", "status"]);
    if fields.text("username").is_some_and(|given| given != username.as_str()) {
        let detail = "a username cannot be changed; make a new user and delete this one";
        return Err(Problem::fields(vec![FieldError::invalid("username", detail)]));
    }
    fields.finish()?;
    let if_revision = page::if_match(request)?;
    let order = ChangeUser { username, fields: change, if_revision, dry_run: query.dry_run };
    let user = service::change(site, who, order).await?;
    Ok(shown(200, &user)?.into())
}

fn changes(fields: &mut Fields) -> UserChange {
    UserChange {
        display_name: fields.text("display_name"),
        standby_text: fields.text("standby_text"),
        auth_username: fields.text("auth_username"),
        auth_password: fields.secret("auth_password"),
        ipei: fields.text("ipei"),
        access_code: fields.secret("access_code"),
        south_password: fields.secret("south_password"),
        enabled: fields.flag("enabled"),
        secondary_username: fields.text("secondary_username"),
        allowed_calls: fields.texts_or_null("allowed_calls"),
        pickup_group: fields.text("pickup_group"),
    }
}

fn words_of(allowed: &AllowedCalls) -> Vec<&'static str> {
    allowed.classes().into_iter().map(NumberClass::as_str).collect()
}

fn shown(status: u16, user: &UserView) -> Result<Answer, Problem> {
    Ok(Answer::json(status, &UserJson::from(user))?.header("etag", page::etag(user.revision)))
}

/// A name that cannot be is the name of nobody.
pub(super) fn named(path: &str) -> Result<Username, Problem> {
    path.parse().map_err(|error| Problem::new(&NOT_FOUND, format!("there is no such user: {error}")))
}

/// Percent-encodes what may stand in a username but not in a path segment (RFC 3986 §3.3).
pub fn in_path(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;:@".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Wraps a new secret, for forms: an empty field leaves what is kept.
pub fn typed_secret(text: String) -> Option<Pii<String>> {
    (!text.is_empty()).then_some(Pii(text))
}

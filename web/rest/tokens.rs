//! `/tokens`: API tokens. A secret is shown once, when it is made.

use actix_web::{HttpRequest, HttpResponse, web};
use kirkwall_actors::desk::{CreateToken, TokenView};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Answer, once};
use super::body::Fields;
use super::openapi::Problems;
use super::page::List;
use super::users::DryRun;
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::service::access as service;
use crate::site::Site;

/// A token without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenJson {
    /// For revoking.
    pub id: String,
    /// For what or whom.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it ends; null: never.
    #[schema(format = DateTime)]
    pub expires: Option<String>,
    /// When it was last used, to the minute.
    #[schema(format = DateTime)]
    pub last_used: Option<String>,
}

/// What to make.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Fields` reads the body
pub struct TokenBody {
    /// For what or whom, 1 to 64 characters.
    name: String,
    /// Some of users:read, users:write, calls:read, calls:control, config:write, certs:write, traces:read, admin.
    scopes: Vec<String>,
    /// When it ends; absent or null: never.
    #[schema(format = DateTime)]
    expires: Option<String>,
}

/// A fresh token.
#[derive(Serialize, ToSchema)]
#[schema(as = NewToken)]
pub struct NewTokenJson {
    /// For revoking.
    id: String,
    /// The secret, shown this once.
    token: String,
}

impl From<&TokenView> for TokenJson {
    fn from(token: &TokenView) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            scopes: token.scopes.clone(),
            created: rfc3339(token.created),
            expires: token.expires.map(rfc3339),
            last_used: token.last_used.map(rfc3339),
        }
    }
}

/// All tokens.
#[utoipa::path(get, operation_id = "list_tokens", path = "/tokens", tag = "Access", security(("token" = ["admin"])),
    responses((status = 200, description = "as asked", body = List<TokenJson>), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let items = service::tokens(&site).await?.iter().map(TokenJson::from).collect();
    Ok(Answer::json(200, &List::whole(items))?.into())
}

/// A new token.
#[utoipa::path(post, operation_id = "create_token", path = "/tokens", tag = "Access", request_body = TokenBody,
    params(DryRun, ("Idempotency-Key" = Option<String>, Header, description = "same key and body, same answer, for 24 hours")),
    security(("token" = ["admin"])),
    responses((status = 201, description = "made", body = NewTokenJson, headers(("Location" = String))),
        (status = 204, description = "dry run: it would be made"), Problems))]
pub async fn create(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    query: web::Query<DryRun>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let digest = fields.digest();
    let order = CreateToken {
        name: fields.needed_text("name"),
        scopes: fields.texts("scopes").unwrap_or_default(),
        expires: fields.moment("expires"),
    };
    fields.finish()?;
    if query.dry_run {
        service::check_token(&order)?;
        return Ok(Answer::new(204).into());
    }
    let work = async {
        let made = service::create_token(&site, &who, order).await?;
        let place = format!("{}/tokens/{}", super::BASE, made.id);
        let body = NewTokenJson { id: made.id, token: made.token };
        Ok(Answer::json(201, &body)?.header("location", place))
    };
    once(&site.idempotency, &request, &who, &digest, work).await
}

/// Makes a token worthless.
#[utoipa::path(delete, operation_id = "revoke_token", path = "/tokens/{id}", tag = "Access", params(("id" = String, Path)),
    security(("token" = ["admin"])), responses((status = 204, description = "done"), Problems))]
pub async fn revoke(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    service::revoke_token(&site, &who, id.into_inner()).await?;
    Ok(Answer::new(204).into())
}

//! `/imports`: a CSV file is uploaded, looked at, and then applied.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Answer;
use super::body::CsvFile;
use super::openapi::Problems;
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::imports::Import;
use crate::problem::Problem;
use crate::service::users as service;
use crate::site::Site;

/// An uploaded file: what it would do, or did.
#[derive(Serialize, ToSchema)]
#[schema(as = Import)]
pub struct ImportJson {
    /// Its name in addresses; kept for 30 minutes.
    pub id: String,
    /// Always `users`.
    pub kind: &'static str,
    /// `preview` or `applied`.
    pub state: &'static str,
    /// When it was uploaded.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Users that are made.
    pub created: usize,
    /// Users that are changed.
    pub updated: usize,
    /// Users that are so already.
    pub unchanged: usize,
    /// Rows that are wrong; while there is any, it cannot be applied.
    pub errors: Vec<RowError>,
}

/// A row of the file that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowError {
    /// Line in the file, from 1.
    pub line: u64,
    /// Column.
    pub field: String,
    /// What is wrong and how to mend it.
    pub detail: String,
}

impl From<&Import> for ImportJson {
    fn from(import: &Import) -> Self {
        let outcome = &import.outcome;
        let row = |fault: &kirkwall_actors::desk::RowFault| RowError {
            line: fault.line,
            field: fault.field.clone(),
            detail: fault.detail.clone(),
        };
        Self {
            id: import.id.clone(),
            kind: "users",
            state: if import.applied { "applied" } else { "preview" },
            created_at: rfc3339(import.created),
            created: outcome.created,
            updated: outcome.updated,
            unchanged: outcome.unchanged,
            errors: outcome.errors.iter().map(row).collect(),
        }
    }
}

/// What can be imported.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportKind {
    /// Users.
    Users,
}

/// What is imported.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// What the file holds.
    #[param(inline)]
    #[allow(dead_code)] // there is one kind; reading it refuses others
    kind: ImportKind,
}

/// Uploads a CSV file and says what it would do. The first line names the columns:
/// username, display_name, standby_text, auth_username, auth_password, ipei, access_code, south_password, enabled.
#[utoipa::path(post, operation_id = "create_import", path = "/imports", tag = "Users", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"), security(("token" = ["users:write"])),
    responses((status = 201, description = "made", body = ImportJson, headers(("Location" = String))), Problems))]
pub async fn create(
    site: web::Data<Site>,
    _: web::Query<ImportQuery>,
    CsvFile(csv): CsvFile,
) -> Result<HttpResponse, Problem> {
    let import = service::preview_import(&site, csv).await?;
    let place = format!("{}/imports/{}", super::BASE, import.id);
    Ok(Answer::json(201, &ImportJson::from(&*import))?.header("location", place).into())
}

/// An uploaded file.
#[utoipa::path(get, operation_id = "get_import", path = "/imports/{id}", tag = "Users", params(("id" = String, Path)),
    security(("token" = ["users:write"])), responses((status = 200, description = "as asked", body = ImportJson), Problems))]
pub async fn get(site: web::Data<Site>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &ImportJson::from(&*site.imports.get(&id)?))?.into())
}

/// Does what the preview says: all of it or nothing.
#[utoipa::path(post, operation_id = "apply_import", path = "/imports/{id}/apply", tag = "Users", params(("id" = String, Path)),
    security(("token" = ["users:write"])), responses((status = 200, description = "as asked", body = ImportJson), Problems))]
pub async fn apply(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let import = service::apply_import(&site, &who, &id).await?;
    Ok(Answer::json(200, &ImportJson::from(&*import))?.into())
}

/// Forgets an uploaded file.
#[utoipa::path(delete, operation_id = "delete_import", path = "/imports/{id}", tag = "Users", params(("id" = String, Path)),
    security(("token" = ["users:write"])), responses((status = 204, description = "done"), Problems))]
pub async fn delete(site: web::Data<Site>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    site.imports.discard(&id)?;
    Ok(Answer::new(204).into())
}

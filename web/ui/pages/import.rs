//! Importing users from a CSV file: upload, look, apply.

use std::sync::Arc;

use actix_multipart::Multipart;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::access::Caller;
use crate::imports::Import;
use crate::problem::Problem;
use crate::service::users as service;
use crate::site::Site;
use crate::ui::form;
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;

/// Faulty rows that the page lists; the REST preview has all.
const ROWS_SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "import.html")]
struct ImportForm {
    frame: Frame,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "import_preview.html")]
struct Preview {
    frame: Frame,
    import: Arc<Import>,
}

impl Preview {
    fn more(&self) -> usize {
        self.import.outcome.errors.len().saturating_sub(ROWS_SHOWN)
    }

    fn nothing_to_do(&self) -> bool {
        self.import.outcome.created + self.import.outcome.updated == 0
    }
}

/// `GET /users/import`
pub async fn form(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    let frame =
        Frame::new(&site, &who, "/users/import", "Import users").api("POST /api/v1/imports?kind=users");
    ok(&ImportForm { frame, problem: None })
}

/// `POST /users/import`
pub async fn upload(
    site: web::Data<Site>,
    Caller(who): Caller,
    upload: Multipart,
) -> Result<HttpResponse, PageProblem> {
    let checked = match form::file(upload, "file").await {
        Ok(csv) => service::preview_import(&site, csv).await,
        Err(problem) => Err(problem),
    };
    match checked {
        Ok(import) => Ok(see_other(&format!("/users/import/{}", import.id))),
        Err(problem) => {
            let frame = Frame::new(&site, &who, "/users/import", "Import users");
            render(problem.status(), &ImportForm { frame, problem: Some(problem) })
        }
    }
}

/// `GET /users/import/{id}`
pub async fn preview(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let import = site.imports.get(&id)?;
    let title = if import.applied { "Import done" } else { "Import: preview" };
    let frame = Frame::new(&site, &who, "/users/import", title).api("GET /api/v1/imports/{id}");
    ok(&Preview { frame, import })
}

/// `POST /users/import/{id}/apply`
pub async fn apply(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let import = service::apply_import(&site, &who, &id).await?;
    Ok(see_other(&format!("/users/import/{}", import.id)))
}

/// `POST /users/import/{id}/discard`
pub async fn discard(site: web::Data<Site>, id: web::Path<String>) -> Result<HttpResponse, PageProblem> {
    site.imports.discard(&id)?;
    Ok(see_other("/users/import"))
}

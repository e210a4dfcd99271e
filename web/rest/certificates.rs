//! `/certificates`: authorities that are believed and the node's own certificate for SIP over TLS.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::{CertificateView, ImportCertificate};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::body::Form;
use super::openapi::Problems;
use super::page::List;
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::service::certificates as service;
use crate::site::Site;

/// A certificate; a private key is never shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Certificate)]
pub struct CertificateJson {
    /// For deleting.
    pub id: String,
    /// `ca` or `host`.
    pub usage: &'static str,
    /// Subject of the first certificate.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Names and addresses that it proves.
    pub names: Vec<String>,
    /// Certificates in the file.
    pub certificates: usize,
    /// From when it holds.
    #[schema(format = DateTime)]
    pub not_before: String,
    /// Until when it holds.
    #[schema(format = DateTime)]
    pub not_after: String,
    /// SHA-256 of the first certificate.
    pub fingerprint: String,
    /// When it was imported.
    #[schema(format = DateTime)]
    pub created: String,
}

/// What is imported; the same names as JSON or as `multipart/form-data`, where files may be sent.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Form` reads the body
pub struct CertificateBody {
    /// `ca`: an authority to believe. `host`: the node's own certificate.
    usage: String,
    /// PEM: authorities, or the host certificate and its chain.
    pem: String,
    /// PEM private key of a host certificate, if it does not stand in `pem`.
    key: Option<String>,
}

impl From<&CertificateView> for CertificateJson {
    fn from(view: &CertificateView) -> Self {
        Self {
            id: view.id.clone(),
            usage: view.usage,
            subject: view.subject.clone(),
            issuer: view.issuer.clone(),
            names: view.names.clone(),
            certificates: view.certificates,
            not_before: rfc3339(view.not_before),
            not_after: rfc3339(view.not_after),
            fingerprint: view.fingerprint.clone(),
            created: rfc3339(view.created),
        }
    }
}

/// Certificates that were imported.
#[utoipa::path(get, operation_id = "list_certificates", path = "/certificates", tag = "Certificates",
    security(("token" = ["certs:write"])),
    responses((status = 200, description = "as asked", body = List<CertificateJson>), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let items: Vec<_> = service::list(&site).await?.iter().map(CertificateJson::from).collect();
    Ok(Answer::json(200, &List::whole(items))?.into())
}

/// Imports a certificate; it is in use for the next connection.
#[utoipa::path(post, operation_id = "import_certificate", path = "/certificates", tag = "Certificates",
    request_body(content((CertificateBody = "application/json"), (CertificateBody = "multipart/form-data"))),
    security(("token" = ["certs:write"])),
    responses((status = 201, description = "in use", body = CertificateJson, headers(("Location" = String))), Problems))]
pub async fn import(
    site: web::Data<Site>,
    Caller(who): Caller,
    Form(mut fields): Form,
) -> Result<HttpResponse, Problem> {
    let order = ImportCertificate {
        usage: fields.needed_text("usage"),
        pem: fields.needed_text("pem"),
        key: fields.secret("key"),
    };
    fields.finish()?;
    let view = service::import(&site, &who, order).await?;
    let place = format!("{}/certificates/{}", super::BASE, view.id);
    Ok(Answer::json(201, &CertificateJson::from(&view))?.header("location", place).into())
}

/// Takes a certificate out of use.
#[utoipa::path(delete, operation_id = "delete_certificate", path = "/certificates/{id}", tag = "Certificates",
    params(("id" = String, Path)), security(("token" = ["certs:write"])),
    responses((status = 204, description = "done"), Problems))]
pub async fn delete(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    service::delete(&site, &who, id.into_inner()).await?;
    Ok(Answer::new(204).into())
}

//! Certificates.

use kirkwall_actors::desk::{
    Bearer, CertificateView, DeleteCertificate, ImportCertificate, ListCertificates,
};

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// Those that were imported.
pub async fn list(site: &Site) -> Result<Vec<CertificateView>, Problem> {
    Ok(ask(&site.desk.list_certificates, ListCertificates).await??)
}

/// Takes one into use.
pub async fn import(site: &Site, who: &Bearer, order: ImportCertificate) -> Result<CertificateView, Problem> {
    let view = ask(&site.desk.import_certificate, order).await??;
    audit(who, "certificate imported", &view.id);
    Ok(view)
}

/// Takes one out of use.
pub async fn delete(site: &Site, who: &Bearer, id: String) -> Result<(), Problem> {
    ask(&site.desk.delete_certificate, DeleteCertificate(id.clone())).await??;
    audit(who, "certificate deleted", &id);
    Ok(())
}

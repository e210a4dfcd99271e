//! `/settings`: what changes while the switch runs, and whence its value comes. It is changed at
//! `/config/set`, see [`crate::config`].

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::SettingView;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::openapi::Problems;
use super::page::List;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::service::settings as service;
use crate::site::Site;

/// A setting that changes while the switch runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Setting)]
pub struct SettingJson {
    /// Its name in `kirkwall.toml`.
    pub name: &'static str,
    /// The name that the scripts of older servers give it; `/config/set` takes both.
    pub former_name: &'static str,
    /// What counts now.
    pub value: bool,
    /// Whence it comes: `run_time` (it was changed by `/config/set`, which counts over the file and outlives
    /// restarts) or `configuration` (file, environment or default).
    pub source: &'static str,
    /// What the configuration said at the start.
    pub configured: bool,
    /// When it was changed.
    #[schema(format = DateTime)]
    pub changed: Option<String>,
    /// By whom: the name of a token or administrator.
    pub changed_by: Option<String>,
}

impl From<&SettingView> for SettingJson {
    fn from(setting: &SettingView) -> Self {
        let changed = setting.changed.as_ref();
        Self {
            name: setting.name,
            former_name: setting.former_name,
            value: setting.value,
            source: if changed.is_some() { "run_time" } else { "configuration" },
            configured: setting.configured,
            changed: changed.map(|change| rfc3339(change.at)),
            changed_by: changed.map(|change| change.by.clone()),
        }
    }
}

/// Settings that change while the switch runs.
#[utoipa::path(get, operation_id = "list_settings", path = "/settings", tag = "Access", security(("token" = ["config:write"])),
    responses((status = 200, description = "as asked", body = List<SettingJson>), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let found = service::list(&site).await?;
    let items = found.iter().map(SettingJson::from).collect();
    Ok(Answer::json(200, &List::whole(items))?.into())
}

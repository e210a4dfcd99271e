//! Settings that change while the switch runs.

use kirkwall_actors::desk::{Bearer, ChangeSetting, ListSettings, SettingView};

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// All of them.
pub async fn list(site: &Site) -> Result<Vec<SettingView>, Problem> {
    Ok(ask(&site.desk.list_settings, ListSettings).await??)
}

/// Changes one; an empty value lets the configuration count again.
pub async fn change(site: &Site, who: &Bearer, name: String, value: String) -> Result<SettingView, Problem> {
    let order = ChangeSetting { name, value, by: who.name.clone() };
    let view = ask(&site.desk.change_setting, order).await??;
    audit(who, "setting changed", &format_args!("{}={}", view.name, view.value));
    Ok(view)
}

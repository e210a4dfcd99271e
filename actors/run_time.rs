//! Settings that change while the switch runs: kept on disk, then put in force, then answered.
//!
//! ```text
//! web ──ChangeSetting──► RunTime: check ──► save ──PutInForce──► Supervisor ──► the calls that begin from now on
//! ```
//!
//! What is kept counts over the configuration at the next start, [`Kept::lay_over`]. A setting stands in
//! [`Setting`] only if it has its effect without a restart.

use actix::prelude::*;
use kirkwall_core::media::ice::stun::Dialect;
use kirkwall_data::Journal;
use kirkwall_data::config_item::{ConfigItem, ConfigItems};
use serde_json::Value;
use tracing::{error, info};

use crate::clock::Clock;
use crate::desk::{ChangeSetting, DeskFault, FieldFault, ListSettings, SettingChange, SettingView};
use crate::settings::Settings;
use crate::users::not_saved;

/// A setting that may change while the switch runs. All are on or off so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// STUN of RFC 3489 in the checks of ICE. Each call takes it when it begins.
    Rfc3489,
}

impl Setting {
    /// Every one.
    pub const ALL: [Self; 1] = [Self::Rfc3489];

    /// Its name in `kirkwall.toml`; names its record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rfc3489 => "media.rfc3489",
        }
    }

    /// What the scripts of older servers call it.
    pub const fn former_name(self) -> &'static str {
        match self {
            Self::Rfc3489 => "sip.media.rfc3489",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.name() == name || setting.former_name() == name)
    }

    fn of(self, settings: &Settings) -> bool {
        match self {
            Self::Rfc3489 => settings.media.ice.agents.dialect == Dialect::Rfc3489,
        }
    }
}

impl Settings {
    /// Switches one on or off.
    pub fn switch(&mut self, setting: Setting, on: bool) {
        let ice = &mut self.media.ice;
        match setting {
            Setting::Rfc3489 => ice.agents.dialect = if on { Dialect::Rfc3489 } else { ice.usual_dialect },
        }
    }
}

/// From now on, for what begins.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PutInForce {
    /// What.
    pub setting: Setting,
    /// Whether on or off.
    pub on: bool,
}

/// What the configuration says of these settings, and what is kept over it.
#[derive(Debug)]
pub struct Kept(Vec<Row>);

#[derive(Debug)]
struct Row {
    setting: Setting,
    configured: bool,
    kept: Option<ConfigItem>,
}

impl Row {
    fn value(&self) -> bool {
        self.kept.as_ref().and_then(|item| item.value.as_bool()).unwrap_or(self.configured)
    }

    fn view(&self) -> SettingView {
        let changed = |item: &ConfigItem| SettingChange { at: item.changed, by: item.changed_by.clone() };
        SettingView {
            name: self.setting.name(),
            former_name: self.setting.former_name(),
            value: self.value(),
            configured: self.configured,
            changed: self.kept.as_ref().map(changed),
        }
    }
}

impl Kept {
    /// Reads what is on disk; a record that cannot be read is logged, and the configuration counts.
    pub fn read(journal: &Journal, configured: &Settings) -> Self {
        let store = ConfigItems::new(journal);
        let row = |setting: Setting| Row {
            setting,
            configured: setting.of(configured),
            kept: on_disk(&store, setting),
        };
        Self(Setting::ALL.into_iter().map(row).collect())
    }

    /// Lets what is kept count over the configuration.
    pub fn lay_over(&self, settings: &mut Settings) {
        for row in self.0.iter().filter(|row| row.kept.is_some()) {
            info!(name = row.setting.name(), value = row.value(), "a setting counts over the configuration");
            settings.switch(row.setting, row.value());
        }
    }

    fn row(&mut self, setting: Setting) -> &mut Row {
        self.0.iter_mut().find(|row| row.setting == setting).expect("there is a row for every setting")
    }
}

fn on_disk(store: &ConfigItems, setting: Setting) -> Option<ConfigItem> {
    match store.get(setting.name()) {
        Ok(Some(item)) if !item.value.is_boolean() => {
            error!(name = setting.name(), "what is kept of a setting is neither true nor false");
            None
        }
        Ok(item) => item,
        Err(fault) => {
            error!(%fault, "a setting cannot be read");
            None
        }
    }
}

/// Keeps settings that change while the switch runs. See the module.
pub struct RunTime {
    journal: Journal,
    store: ConfigItems,
    kept: Kept,
    in_force: Recipient<PutInForce>,
    clock: Clock,
}

impl RunTime {
    /// With what is on disk, which the wiring has laid over the configuration already.
    pub fn new(journal: Journal, kept: Kept, in_force: Recipient<PutInForce>, clock: Clock) -> Self {
        Self { store: ConfigItems::new(&journal), journal, kept, in_force, clock }
    }

    /// The record after a change; none: there is none any more.
    fn changed(&mut self, order: ChangeSetting) -> Result<(Setting, Option<ConfigItem>), DeskFault> {
        let setting = Setting::named(&order.name).ok_or_else(|| unknown(&order.name))?;
        let value = match order.value.as_str() {
            "" => return Ok((setting, None)),
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(neither(order.name)),
        };
        let before = self.kept.row(setting).kept.as_ref().map_or(0, |item| item.revision);
        let item = ConfigItem {
            name: setting.name().to_owned(),
            value,
            secret: None,
            changed: self.clock.now(),
            changed_by: order.by,
            revision: before + 1,
        };
        Ok((setting, Some(item)))
    }

    fn put_in_force(&mut self, setting: Setting, item: Option<ConfigItem>) -> RecipientRequest<PutInForce> {
        let row = self.kept.row(setting);
        row.kept = item;
        let on = row.value();
        info!(name = setting.name(), value = on, "a setting is in force from the next call on");
        self.in_force.send(PutInForce { setting, on })
    }
}

fn unknown(name: &str) -> DeskFault {
    let can = Setting::ALL.map(Setting::name).join(", ");
    let detail = format!(
        "this does not change while the switch runs; what does: {can}. Write it into kirkwall.toml, where \
         docs/configuration.md has every key, and start the switch again"
    );
    DeskFault::Invalid(vec![FieldFault::new(name, detail)])
}

fn neither(name: String) -> DeskFault {
    let detail = "write true or false, or nothing to let kirkwall.toml count again";
    DeskFault::Invalid(vec![FieldFault::new(name, detail)])
}

impl Actor for RunTime {
    type Context = Context<Self>;
}

impl Supervised for RunTime {}

impl Handler<ListSettings> for RunTime {
    type Result = Result<Vec<SettingView>, DeskFault>;

    fn handle(&mut self, _: ListSettings, _: &mut Self::Context) -> Self::Result {
        Ok(self.kept.0.iter().map(Row::view).collect())
    }
}

impl Handler<ChangeSetting> for RunTime {
    type Result = AtomicResponse<Self, Result<SettingView, DeskFault>>;

    fn handle(&mut self, order: ChangeSetting, _: &mut Self::Context) -> Self::Result {
        let (setting, item) = match self.changed(order) {
            Ok(changed) => changed,
            Err(fault) => return AtomicResponse::new(Box::pin(fut::err(fault))),
        };
        let write = match &item {
            Some(item) => self.store.put(item),
            None => self.store.delete(setting.name()),
        };
        let saved = self.journal.save(vec![write]).into_actor(self);
        let in_force = saved.then(move |saved, me, _| {
            let told = saved.map_err(not_saved).map(|()| me.put_in_force(setting, item));
            let late = |_| DeskFault::Busy("it is kept, and counts from the next start on".to_owned());
            async move { told?.await.map_err(late) }.into_actor(me)
        });
        AtomicResponse::new(Box::pin(
            in_force.map(move |done, me, _| done.map(|()| me.kept.row(setting).view())),
        ))
    }
}

#[cfg(test)]
mod tests;

//! The one setting of the scripted switch that changes while it runs.

use super::*;

/// What was changed, and by whom.
#[derive(Default)]
pub struct Switches(Option<(bool, String)>);

impl Switches {
    fn view(&self) -> SettingView {
        let changed = self.0.as_ref().map(|(_, by)| SettingChange { at: START, by: by.clone() });
        SettingView {
            name: "media.rfc3489",
            former_name: "sip.media.rfc3489",
            value: self.0.as_ref().is_some_and(|(on, _)| *on),
            configured: false,
            changed,
        }
    }
}

impl Handler<ListSettings> for TestDesk {
    type Result = Result<Vec<SettingView>, DeskFault>;

    fn handle(&mut self, _: ListSettings, _: &mut Self::Context) -> Self::Result {
        Ok(vec![self.settings.view()])
    }
}

impl Handler<ChangeSetting> for TestDesk {
    type Result = Result<SettingView, DeskFault>;

    fn handle(&mut self, asked: ChangeSetting, _: &mut Self::Context) -> Self::Result {
        let ours = ["media.rfc3489", "sip.media.rfc3489"].contains(&asked.name.as_str());
        self.settings.0 = match asked.value.as_str() {
            _ if !ours => return Err(fault(asked.name, "write it into kirkwall.toml")),
            "" => None,
            "true" | "false" => Some((asked.value == "true", asked.by)),
            _ => return Err(fault(asked.name, "write true or false")),
        };
        Ok(self.settings.view())
    }
}

fn fault(name: String, detail: &str) -> DeskFault {
    DeskFault::Invalid(vec![FieldFault::new(name, detail)])
}

impl Handler<CheckAdministrator> for TestDesk {
    type Result = MessageResult<CheckAdministrator>;

    fn handle(
        &mut self,
        CheckAdministrator(Pii(password)): CheckAdministrator,
        _: &mut Self::Context,
    ) -> Self::Result {
        MessageResult((password == ADMIN).then(|| bearer("tests", &["admin"])))
    }
}

//! Verbs, a file for each family of them.

mod bandwidth;
mod callers;
mod capture;
mod conference;
mod crowd;
mod expect;
mod house;
mod ice;
mod lync_conference;
mod lync_lines;
mod native_base;
mod native_handset;
mod native_user;
mod north;
mod numbers;
mod phones;
mod response_group;
mod settings;
mod sip_dect;
mod spine;
mod telephony;
mod texts;
mod tls_dsk;
mod walking;
mod wideband;

use futures::future::LocalBoxFuture;

use super::{Fault, Given, Stage};

/// Every family. A new one is a file with a `VERBS` table, and a line here.
const FAMILIES: &[(&str, &[Verb])] = &[
    ("The switch and its surroundings", spine::VERBS),
    ("Settings that change while the switch runs", settings::VERBS),
    ("Lync front ends", north::VERBS),
    ("Crowds", crowd::VERBS),
    ("Certificates of users", tls_dsk::VERBS),
    ("Callers and messages", callers::VERBS),
    ("ICE", ice::VERBS),
    ("Bandwidth, gateways and partners", bandwidth::VERBS),
    ("Base stations and handsets over SIP", sip_dect::VERBS),
    ("Native base stations", native_base::VERBS),
    ("Native handsets", native_handset::VERBS),
    ("Handover, time and thieves on the air", walking::VERBS),
    ("Wideband speech on the air", wideband::VERBS),
    ("Houses", house::VERBS),
    ("Captures", capture::VERBS),
    ("Users of native handsets", native_user::VERBS),
    ("Texts on native handsets", texts::VERBS),
    ("Telephones", phones::VERBS),
    ("Conferences", conference::VERBS),
    ("Conferences of Lync", lync_conference::VERBS),
    ("Forwards, delegates and private lines of Lync", lync_lines::VERBS),
    ("Response groups of Lync", response_group::VERBS),
    ("Telephones in talk", telephony::VERBS),
    ("Numbers", numbers::VERBS),
    ("Expectations", expect::VERBS),
];

/// What a step can be.
pub struct Verb {
    /// How it is written; see [`super::form`].
    pub form: &'static str,
    /// What it does, in a sentence.
    pub says: &'static str,
    /// Does it.
    pub act: Act,
}

/// A verb's deed.
pub type Act = for<'a> fn(&'a mut Stage, &'a Given) -> LocalBoxFuture<'a, Result<(), Fault>>;

/// `verb!("{phone} dials {number}", "Dials.", dials)`, where `dials` is an
/// `async fn(&mut Stage, &Given) -> Result<(), Fault>`.
macro_rules! verb {
    ($form:literal, $says:literal, $act:path) => {
        $crate::story::Verb { form: $form, says: $says, act: |stage, given| Box::pin($act(stage, given)) }
    };
}
pub(crate) use verb;

/// Every verb.
pub(super) fn all() -> impl Iterator<Item = &'static Verb> {
    FAMILIES.iter().flat_map(|(_, verbs)| verbs.iter())
}

/// The table of `docs/stories.md`.
pub fn reference() -> String {
    let mut words = String::new();
    for (family, verbs) in FAMILIES {
        words += &format!("### {family}\n\n| Step | What it does |\n|---|---|\n");
        for verb in *verbs {
            words += &format!("| `{}` | {} |\n", verb.form.replace('|', "\\|"), verb.says);
        }
        words += "\n";
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/stories.md");

    #[test]
    fn stories_md_lists_every_step_as_it_is() {
        let document = std::fs::read_to_string(DOCUMENT).unwrap();
        let (before, rest) = document.split_once("<!-- steps: ").unwrap();
        let (mark, rest) = rest.split_once('\n').unwrap();
        let (_, after) = rest.split_once("<!-- /steps -->").unwrap();
        let made = format!("{before}<!-- steps: {mark}\n\n{}<!-- /steps -->{after}", reference());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(DOCUMENT, made).unwrap();
            return;
        }
        assert!(document == made, "run UPDATE_GOLDEN=1 cargo test -p kirkwall-lab stories_md");
    }

    #[test]
    fn no_two_steps_are_written_alike() {
        let mut forms: Vec<_> = all().map(|verb| verb.form).collect();
        forms.sort_unstable();
        let twice: Vec<_> = forms.windows(2).filter(|two| two[0] == two[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}

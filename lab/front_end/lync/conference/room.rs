//! One conference: its roster, its table, who watches it, and when it is over.

use std::sync::Mutex;
use std::time::SystemTime;

use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::c3p::Fault;
use super::chat::Said;
use super::mcu::Leg;
use super::roster::{Description, Participant, Role, Roster, same};
use super::uri::Part;
use super::watchers::Watcher;
use crate::media::Mixer;
use crate::sip::endpoint::locked;

/// Most people in one conference (Lync: 250).
const MOST_PARTICIPANTS: usize = 250;
/// Most texts that wait for who is slow.
const MOST_SAID: usize = 64;
/// Most invitations that are remembered.
const MOST_INVITATIONS: usize = 250;

/// See the module.
pub(super) struct Conference {
    /// User part of the organiser.
    pub(super) organizer: String,
    pub(super) domain: String,
    pub(super) id: String,
    pub(super) mixer: Mixer,
    /// Cancelled when it is over.
    pub(super) over: CancellationToken,
    /// The version of the newest document.
    pub(super) version: watch::Sender<u32>,
    /// What is said in writing.
    pub(super) said: broadcast::Sender<Said>,
    state: Mutex<State>,
}

struct State {
    settings: Settings,
    roster: Roster,
    watchers: Vec<Watcher>,
    legs: Vec<Leg>,
    dialogs: Vec<FocusDialog>,
    invitations: Vec<Invitation>,
}

/// What its organiser may change.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) policy: Policy,
    pub(super) until: SystemTime,
    /// Who was named when it was made, with his role.
    pub(super) named: Vec<(String, Role)>,
}

/// Who may come in ([MS-CONFPRO] 2.2.2, admission-policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// The organiser, and who was named.
    ClosedAuthenticated,
    /// Everybody of the domain.
    OpenAuthenticated,
    /// Everybody.
    Anonymous,
}

impl Policy {
    const ALL: [Self; 3] = [Self::ClosedAuthenticated, Self::OpenAuthenticated, Self::Anonymous];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ClosedAuthenticated => "closedAuthenticated",
            Self::OpenAuthenticated => "openAuthenticated",
            Self::Anonymous => "anonymous",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name.trim())
    }
}

/// Somebody's dialog with the focus.
struct FocusDialog {
    uri: String,
    entity: String,
    /// Cancelled when he is removed.
    away: CancellationToken,
}

/// An INVITE with the focus URI, and its answer.
#[derive(Debug, Clone)]
pub(super) struct Invitation {
    pub(super) whom: String,
    pub(super) answer: Option<u16>,
    /// Another endpoint of his has taken it.
    pub(super) taken: CancellationToken,
}

impl Conference {
    pub(super) fn new(description: Description, settings: Settings) -> Self {
        let Description { organizer, domain, id, .. } = description.clone();
        let state = State {
            settings,
            roster: Roster::new(description),
            watchers: Vec::new(),
            legs: Vec::new(),
            dialogs: Vec::new(),
            invitations: Vec::new(),
        };
        let (mixer, over, version) = (Mixer::new(), CancellationToken::new(), watch::Sender::new(0));
        let said = broadcast::Sender::new(MOST_SAID);
        Self { organizer, domain, id, mixer, over, version, said, state: Mutex::new(state) }
    }

    pub(super) fn uri(&self, part: Part) -> String {
        part.uri(&self.organizer, &self.domain, &self.id)
    }

    pub(super) fn organizer_uri(&self) -> String {
        format!("sip:{}@{}", self.organizer, self.domain)
    }

    pub(super) fn until(&self) -> SystemTime {
        locked(&self.state).settings.until
    }

    /// Its settings, changed.
    pub(super) fn set(&self, change: impl FnOnce(&mut Settings, &mut Description)) {
        let mut state = locked(&self.state);
        let State { settings, roster, .. } = &mut *state;
        change(settings, &mut roster.description);
        self.tell(&mut state, Roster::full);
    }

    /// What is known of the conference itself, changed.
    pub(super) fn set_view(&self, change: impl FnOnce(&mut Roster)) {
        let mut state = locked(&self.state);
        change(&mut state.roster);
        self.tell(&mut state, Roster::full);
    }

    pub(super) fn description(&self) -> (Description, Settings) {
        let state = locked(&self.state);
        (state.roster.description.clone(), state.settings.clone())
    }

    /// Whether somebody may come in, and as what.
    pub(super) fn admits(&self, uri: &str) -> Result<Role, Fault> {
        let state = locked(&self.state);
        if let Some(known) = state.roster.of(uri) {
            return Ok(known.role);
        }
        if same(uri, &self.organizer_uri()) {
            return Ok(Role::Presenter);
        }
        let named = state.settings.named.iter().find(|(one, _)| same(one, uri)).map(|(_, role)| *role);
        let ours = uri.rsplit('@').next().is_some_and(|domain| domain.eq_ignore_ascii_case(&self.domain));
        match (named, state.settings.policy) {
            _ if state.roster.locked => Err(Fault::Locked),
            _ if state.roster.participants.len() >= MOST_PARTICIPANTS => Err(Fault::Full),
            (Some(role), _) => Ok(role),
            (None, Policy::Anonymous) => Ok(Role::Attendee),
            (None, Policy::OpenAuthenticated) if ours => Ok(Role::Attendee),
            (None, _) => Err(Fault::NotAllowed),
        }
    }

    /// What somebody in it may do.
    pub(super) fn role(&self, uri: &str) -> Option<Role> {
        locked(&self.state).roster.of(uri).map(|one| one.role)
    }

    /// Looks into the roster.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Roster) -> T) -> T {
        look(&locked(&self.state).roster)
    }

    /// Changes what is known of somebody, and tells all who watch.
    pub(super) fn change<T>(&self, uri: &str, change: impl FnOnce(&mut Roster) -> T) -> T {
        let mut state = locked(&self.state);
        let changed = change(&mut state.roster);
        self.tell(&mut state, |roster| roster.partial(uri));
        changed
    }

    fn tell(&self, state: &mut State, document: impl FnOnce(&Roster) -> String) {
        state.roster.version += 1;
        let document = document(&state.roster);
        state.watchers.retain(|watcher| watcher.tell(&document));
        self.version.send_replace(state.roster.version);
    }

    /// Somebody watches from now on; the document of this moment, made before any other is told.
    pub(super) fn add_watcher(&self, watcher: Watcher) -> Result<String, Fault> {
        let mut state = locked(&self.state);
        if state.watchers.len() >= 2 * MOST_PARTICIPANTS {
            return Err(Fault::Full);
        }
        state.watchers.push(watcher);
        Ok(state.roster.full())
    }

    /// The watcher of this subscription, changed; none: there is none.
    pub(super) fn with_watcher<T>(
        &self,
        key: &(String, String),
        change: impl FnOnce(&mut Watcher) -> T,
    ) -> Option<T> {
        locked(&self.state).watchers.iter_mut().find(|one| one.key == *key).map(change)
    }

    pub(super) fn remove_watcher(&self, key: &(String, String)) -> Option<Watcher> {
        let mut state = locked(&self.state);
        let at = state.watchers.iter().position(|one| one.key == *key)?;
        Some(state.watchers.remove(at))
    }

    /// Somebody's dialog with the focus begins; the token is cancelled when he is removed.
    pub(super) fn open_focus(&self, uri: &str, entity: &str) -> CancellationToken {
        let away = self.over.child_token();
        let dialog = FocusDialog { uri: uri.to_owned(), entity: entity.to_owned(), away: away.clone() };
        locked(&self.state).dialogs.push(dialog);
        away
    }

    pub(super) fn close_focus(&self, uri: &str, entity: &str) {
        let mut state = locked(&self.state);
        state.dialogs.retain(|one| one.entity != entity || !same(&one.uri, uri));
    }

    pub(super) fn add_leg(&self, leg: Leg) {
        locked(&self.state).legs.push(leg);
    }

    pub(super) fn remove_leg(&self, entity: &str) {
        locked(&self.state).legs.retain(|leg| leg.entity != entity);
    }

    /// Mutes somebody at the table, or hears him again; which endpoint: one, or all that he has.
    pub(super) fn mute(&self, uri: &str, entity: Option<&str>, muted: bool) -> Result<(), Fault> {
        let mut state = locked(&self.state);
        let one = state.roster.of_mut(uri).ok_or(Fault::NoUser)?;
        let wanted = |one: &str| entity.is_none_or(|entity| entity == one);
        let mut found = Vec::new();
        for endpoint in
            one.endpoints.iter_mut().filter(|one| one.part == Part::AudioVideo && wanted(&one.entity))
        {
            endpoint.muted = muted;
            found.push(endpoint.entity.clone());
        }
        if found.is_empty() {
            return Err(Fault::NoMedia);
        }
        for leg in state.legs.iter().filter(|leg| found.contains(&leg.entity)) {
            leg.seat.mute(muted);
        }
        self.tell(&mut state, |roster| roster.partial(uri));
        Ok(())
    }

    /// Puts somebody out: of the focus and of the mixer.
    pub(super) fn remove(&self, uri: &str) -> Result<(), Fault> {
        let state = locked(&self.state);
        state.roster.of(uri).ok_or(Fault::NoUser)?;
        state.dialogs.iter().filter(|one| same(&one.uri, uri)).for_each(|one| one.away.cancel());
        state.legs.iter().filter(|leg| same(&leg.uri, uri)).for_each(|leg| leg.away.cancel());
        drop(state);
        // Who sits here in person has no dialog that would end.
        self.change(uri, |roster| {
            if let Some(one) = roster.of_mut(uri) {
                one.endpoints.clear();
            }
            roster.participants.retain(|one| !one.endpoints.is_empty());
        });
        Ok(())
    }

    /// It is over: every dialog ends, and who watches is told.
    pub(super) fn end(&self) {
        self.over.cancel();
        let mut state = locked(&self.state);
        state.watchers.clear();
        state.roster.participants.clear();
        state.roster.version += 1;
        self.version.send_replace(state.roster.version);
    }

    pub(super) fn participants(&self) -> Vec<Participant> {
        locked(&self.state).roster.participants.clone()
    }

    /// Somebody is invited; the number of the invitation.
    pub(super) fn invites(&self, whom: &str) -> Option<usize> {
        let mut state = locked(&self.state);
        let number = state.invitations.len();
        if number >= MOST_INVITATIONS {
            return None;
        }
        state.invitations.push(Invitation {
            whom: whom.to_owned(),
            answer: None,
            taken: CancellationToken::new(),
        });
        Some(number)
    }

    pub(super) fn answered(&self, invitation: usize, code: u16) {
        if let Some(one) = locked(&self.state).invitations.get_mut(invitation) {
            one.answer = Some(code);
        }
    }

    /// Of one that was made.
    pub(super) fn taken(&self, invitation: usize) -> CancellationToken {
        locked(&self.state).invitations.get(invitation).map(|one| one.taken.clone()).unwrap_or_default()
    }

    pub(super) fn invitations(&self) -> Vec<Invitation> {
        locked(&self.state).invitations.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::roster::Status;
    use super::*;

    fn conference(policy: Policy, named: &[(&str, Role)]) -> Conference {
        let description = Description {
            organizer: "bob".into(),
            domain: "lab.test".into(),
            id: "8K7Q2X1D".into(),
            subject: String::new(),
            parts: vec![Part::AudioVideo],
        };
        let named = named.iter().map(|(uri, role)| ((*uri).to_owned(), *role)).collect();
        let until = SystemTime::now() + Duration::from_secs(3_600);
        Conference::new(description, Settings { policy, until, named })
    }

    #[tokio::test]
    async fn each_policy_admits_whom_it_names() {
        use Policy::{Anonymous, ClosedAuthenticated, OpenAuthenticated};
        let (ours, theirs, named) = ("sip:ann@LAB.test", "sip:x@elsewhere.test", "sip:eve@elsewhere.test");
        for (policy, expected) in [
            (ClosedAuthenticated, [Err(Fault::NotAllowed), Err(Fault::NotAllowed)]),
            (OpenAuthenticated, [Ok(Role::Attendee), Err(Fault::NotAllowed)]),
            (Anonymous, [Ok(Role::Attendee), Ok(Role::Attendee)]),
        ] {
            let conference = conference(policy, &[(named, Role::Presenter)]);
            assert_eq!([ours, theirs].map(|uri| conference.admits(uri)), expected, "{policy:?}");
            assert_eq!(conference.admits("sip:bob@lab.test"), Ok(Role::Presenter));
            assert_eq!(conference.admits(named), Ok(Role::Presenter));
        }
    }

    #[tokio::test]
    async fn a_locked_conference_keeps_who_is_in_and_takes_nobody_more() {
        let conference = conference(Policy::Anonymous, &[]);
        let ann = "sip:ann@lab.test";
        let enter = |roster: &mut Roster| {
            roster.enter(ann, "", Role::Attendee, Part::Focus, "{1}", Status::Connected);
            roster.locked = true;
        };
        conference.change(ann, enter);
        assert_eq!(conference.admits(ann), Ok(Role::Attendee));
        assert_eq!(conference.admits("sip:eve@lab.test"), Err(Fault::Locked));
        assert_eq!(conference.mute(ann, None, true), Err(Fault::NoMedia));
        conference.remove(ann).unwrap();
        assert_eq!(conference.remove(ann), Err(Fault::NoUser));
        assert_eq!(conference.admits(ann), Err(Fault::Locked));
    }
}

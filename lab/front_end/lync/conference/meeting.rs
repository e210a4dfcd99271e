//! A conference as tests and stories use it: who is in it, what is said in it, and what a Lync user of the lab
//! does there.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::c3p::Fault;
use super::mcu::{Callee, Who};
use super::room::{Conference, Policy, Settings};
use super::roster::{Description, Participant, Role, Status, same};
use super::uri::Part;
use super::{FrontEnd, fresh_entity};
use crate::media::stream::Ears;
use crate::phone::{Direction, Phone};
use crate::sip::Failure;

/// How long a conference of the lab's own users stays.
const LIFE: Duration = Duration::from_secs(8 * 3_600);

/// See the module. Cheap to clone; all clones are one conference.
#[derive(Clone)]
pub struct Meeting {
    pub(super) front_end: FrontEnd,
    pub(super) conference: Arc<Conference>,
}

impl FrontEnd {
    /// From now on the factory refuses to make conferences, as a pool does that has reached its bound.
    pub fn make_no_more_conferences(&self) {
        self.conferences().fill();
    }

    /// A far-end user makes a conference, joins its focus and sits down at its table.
    ///
    /// # Errors
    /// When this is no Lync front end, there is no such user, or no room.
    pub fn make_conference(&self, user: &str, subject: &str) -> Result<Meeting, Failure> {
        let phone = self.person(user)?;
        if self.0.lync.is_none() {
            return Err(Failure::Unusable { field: "front end", text: "it is not of Lync".into() });
        }
        let description = Description {
            organizer: user.to_owned(),
            domain: self.domain().to_owned(),
            id: format!("{:016X}", rand::random::<u64>()),
            subject: subject.to_owned(),
            parts: vec![Part::AudioVideo, Part::Chat],
        };
        let until = SystemTime::now() + LIFE;
        let settings = Settings { policy: Policy::OpenAuthenticated, until, named: Vec::new() };
        let conference = self.conferences().add(Conference::new(description, settings)).map_err(refused)?;
        let meeting = Meeting { front_end: self.clone(), conference };
        meeting.sit_down(&phone)?;
        Ok(meeting)
    }

    /// The newest conference that a user has made, or else is in.
    pub fn meeting_of(&self, user: &str) -> Option<Meeting> {
        self.0.lync.as_ref()?;
        let all = self.conferences().newest();
        let uri = format!("sip:{user}@{}", self.domain());
        let made = all.iter().find(|one| one.organizer.eq_ignore_ascii_case(user));
        let found = made.or_else(|| all.iter().find(|one| one.role(&uri).is_some()))?;
        Some(Meeting { front_end: self.clone(), conference: found.clone() })
    }

    pub(super) fn person(&self, user: &str) -> Result<Phone, Failure> {
        let unknown = || Failure::Unusable { field: "far-end user", text: user.to_owned() };
        self.far_end(user).ok_or_else(unknown)
    }
}

impl Meeting {
    /// The focus: its URI names the conference.
    pub fn uri(&self) -> String {
        self.conference.uri(Part::Focus)
    }

    /// Who is in it.
    pub fn participants(&self) -> Vec<Participant> {
        self.conference.participants()
    }

    /// One of them, by the user part of his address.
    pub fn participant(&self, user: &str) -> Option<Participant> {
        let uri = self.uri_of(user);
        self.participants().into_iter().find(|one| same(&one.uri, &uri))
    }

    /// Whether nobody more comes in.
    pub fn is_locked(&self) -> bool {
        self.conference.look(|roster| roster.locked)
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.conference.over.is_cancelled()
    }

    /// What all who are not muted say.
    pub fn ears(&self) -> Ears {
        self.conference.mixer.ears()
    }

    /// The version of the newest document: changes with everything that watchers are told.
    pub fn changes(&self) -> watch::Receiver<u32> {
        self.conference.version.subscribe()
    }

    /// What the last invitation of a user was answered with; none: he was not invited, or has not answered.
    pub fn invitation(&self, user: &str) -> Option<u16> {
        self.conference.invitations().iter().rfind(|one| one.whom == user)?.answer
    }

    /// Another endpoint of the user takes the invitation that rings. Whether there is one.
    pub fn is_taken_elsewhere(&self, user: &str) -> bool {
        let all = self.conference.invitations();
        let rings = all.iter().rfind(|one| one.whom == user && one.answer.is_none());
        rings.map(|one| one.taken.cancel()).is_some()
    }

    /// A far-end user joins the focus and sits down at the table.
    ///
    /// # Errors
    /// When he may not, or there is no room.
    pub fn sit_down(&self, phone: &Phone) -> Result<(), Failure> {
        let config = phone.config();
        let (uri, name) = (self.uri_of(&config.user), config.display_name.clone());
        let role = self.conference.admits(&uri).map_err(refused)?;
        self.conference.change(&uri, |roster| {
            roster.enter(&uri, &name, role, Part::Focus, &fresh_entity(), Status::Connected);
        });
        let who = Who { name, role };
        let seated =
            self.front_end.seat_in_person(self.conference.clone(), phone, &uri, who, Direction::Placed, None);
        seated.map_err(refused)
    }

    /// The mixer calls a user, as addUser has it do.
    ///
    /// # Errors
    /// When he cannot be called, or does not come.
    pub async fn dial_out(&self, user: &str) -> Result<(), Failure> {
        self.call(user, None).await
    }

    pub(super) async fn call(&self, user: &str, conversation: Option<String>) -> Result<(), Failure> {
        let uri = self.uri_of(user);
        let callee = Callee { target: uri.clone(), uri, name: String::new(), entity: None, conversation };
        self.front_end.clone().call_for(self.conference.clone(), callee).await.map_err(refused)
    }

    /// Mutes a user, or lets him be heard again.
    ///
    /// # Errors
    /// When he is not at the table.
    pub fn mute(&self, user: &str, muted: bool) -> Result<(), Failure> {
        self.conference.mute(&self.uri_of(user), None, muted).map_err(refused)
    }

    /// Puts a user out.
    ///
    /// # Errors
    /// When he is not in it.
    pub fn remove(&self, user: &str) -> Result<(), Failure> {
        self.conference.remove(&self.uri_of(user)).map_err(refused)
    }

    /// Makes a user a presenter.
    ///
    /// # Errors
    /// When he is not in it.
    pub fn promote(&self, user: &str) -> Result<(), Failure> {
        let uri = self.uri_of(user);
        self.conference.role(&uri).ok_or_else(|| refused(Fault::NoUser))?;
        self.conference.change(&uri, |roster| {
            if let Some(one) = roster.of_mut(&uri) {
                one.role = Role::Presenter;
            }
        });
        Ok(())
    }

    /// Nobody more comes in, or everybody may again.
    pub fn lock(&self, locked: bool) {
        self.conference.set_view(|roster| roster.locked = locked);
    }

    /// Ends it for all.
    pub fn end(&self) {
        self.front_end.conferences().end(&self.conference);
    }

    pub(super) fn uri_of(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.front_end.domain())
    }
}

fn refused(fault: Fault) -> Failure {
    Failure::Unusable { field: "conference", text: fault.diagnostics().1.to_owned() }
}

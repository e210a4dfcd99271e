//! Where a call goes. Pure: what is known of users and lines is asked through [`Map`].
//!
//! ```text
//!  from a handset: code? ─► emergency? ─► may the caller? ─┬─► a user of ours, inside
//!                                                         └─► the caller's line
//!  to a user of ours: forward always? ─► do not disturb? ─► located? ─► the handset
//!                          └────────── a forward: as if the user dialled ──────┘
//! ```
//!
//! A forward is dialled with the rights and the line of who forwards. It stays inside when it leads to a
//! user of ours whose handset is there, since each hop over the registrar could begin a loop.

mod forward;

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::conference::RoomName;
use super::dialling::{AllowedCalls, CodeOrder, DialPlan, Dialled, NumberClass};
use super::forward::{Diversion, ForwardKind, ForwardReason, Forwarding, Forwards};
use crate::id::Username;
use crate::sip::Facing;
use crate::sip::wire::{Host, Scheme, Uri};

pub use forward::{check_forward, forward_at_north, north_forward_text};

/// When calls between two handsets of this switch stay inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InternalRouting {
    /// Only while the caller's line to the north is down, so that the north side's forwards, voice mail
    /// and records stay in force otherwise.
    #[default]
    Fallback,
    /// Always.
    First,
    /// Never: without the north side there are no calls.
    Never,
}

/// What routing needs to know.
pub trait Map {
    /// Whether there is such a user, and whether it is enabled.
    fn user(&self, user: &Username) -> Option<bool>;
    /// The user whose secondary username, or private number, this is.
    fn user_of_number(&self, number: &str) -> Option<Username>;
    /// Whether this is a private number, known to this switch alone.
    fn is_private(&self, number: &str) -> bool;
    /// Whether the north executes the user's forwards for the calls that come by it.
    fn forwarded_by_north(&self, user: &Username) -> bool;
    /// Whether any handset of the user can be reached.
    fn located(&self, user: &Username) -> bool;
    /// Whether there is a north side at all.
    fn has_north(&self) -> bool;
    /// Whether the user's line to the north is up.
    fn line_up(&self, user: &Username) -> bool;
    /// Some line that is up, whoever's.
    fn any_line(&self) -> Option<Username>;
    /// Whether a host means this switch (its names, addresses, realm and domain).
    fn is_ours(&self, host: &Host) -> bool;
    /// What the user may call; none: what the dial plan says.
    fn allowed(&self, user: &Username) -> Option<AllowedCalls>;
    /// What the user has set.
    fn forwarding(&self, user: &Username) -> Option<&Forwarding>;
    /// The room that is dialled by this, and whether it can be dialled from the north.
    fn room(&self, dialled: &str) -> Option<(RoomName, bool)>;
    /// Whether numbers of users begin with these digits and go on.
    fn goes_on(&self, digits: &str) -> bool;
    /// How many handsets of the user can be reached, and how many calls they are in or ring for.
    fn engaged(&self, user: &Username) -> (usize, usize);
    /// Whether an emergency desk may be calling the user back.
    fn awaits_emergency_callback(&self, user: &Username) -> bool;
}

/// A call that wants a way.
#[derive(Debug, Clone, Copy)]
pub enum Ask<'a> {
    /// Somebody dialled.
    Dialled {
        /// From which world.
        facing: Facing,
        /// The authenticated user of a call from the south, none from the north: a call from the north only
        /// ever reaches handsets, or goes where their users forward it, so nobody can call out through us.
        caller: Option<&'a Username>,
        /// The Request-URI.
        uri: &'a Uri,
        /// The trail that the call brings with it.
        trail: &'a [Diversion],
        /// The north says that an emergency desk calls back (RFC 7090: `Priority: psap-callback`).
        callback: bool,
    },
    /// A user's handset did not take the call, and the user forwards it.
    Forwarded {
        /// Whose.
        by: &'a Username,
        /// To where: a number, a name or a URI.
        to: &'a str,
        /// Why.
        reason: ForwardReason,
        /// The trail before.
        trail: &'a [Diversion],
    },
}

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To the handsets of a user of this switch.
    Handset(Username),
    /// To the north over a line.
    North {
        /// Whose line.
        line: Username,
        /// User part to ask for; none when the dialled URI goes out as it is.
        number: Option<String>,
    },
    /// Into a room.
    Room(RoomName),
    /// Into a room of its own, which is made for it (RFC 4579 §5.4).
    NewRoom,
    /// A feature code of the caller.
    Code(CodeOrder),
    /// Nowhere.
    Refuse(Cause),
}

/// A way, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// Where to.
    pub way: Way,
    /// What kind of number it was in the end.
    pub class: NumberClass,
    /// Through whom it came.
    pub trail: Vec<Diversion>,
    /// The users of ours that it was for, by whoever's forward, whether they were reached or not.
    pub called: Vec<Username>,
    /// What the called user wants when the handset does not take it.
    pub forwards: Forwards,
    /// The called user is in another call, and lets this one wait.
    pub waits: bool,
    /// The URI to dial as it is, when [`Way::North`] has no number and it is not the Request-URI.
    pub uri: Option<String>,
}

/// Decides.
pub fn way(ask: Ask<'_>, plan: &DialPlan, mode: InternalRouting, map: &impl Map) -> Routed {
    let mut router = Router::new(plan, mode, map);
    let found = match ask {
        Ask::Dialled { facing, caller, uri, trail, callback } => {
            router.trail = trail.to_vec();
            match (facing, caller) {
                (Facing::North, _) => router.called_from_north(uri, callback),
                (Facing::South, None) => Err(Cause::of_status(403, "the caller is not known")),
                (Facing::South, Some(caller)) => router.dialled_by_handset(caller, uri),
            }
        }
        Ask::Forwarded { by, to, reason, trail } => {
            router.trail = trail.to_vec();
            router.forward(by, to, reason)
        }
    };
    let found = found.unwrap_or_else(|cause| Found::plain(Way::Refuse(cause)));
    let Found { way, forwards, waits, uri } = found;
    Routed { way, class: router.class, trail: router.trail, called: router.called, forwards, waits, uri }
}

/// One decision under way.
struct Router<'a, M> {
    plan: &'a DialPlan,
    mode: InternalRouting,
    map: &'a M,
    trail: Vec<Diversion>,
    called: Vec<Username>,
    class: NumberClass,
    /// The north has already sent the call where its forwards lead.
    by_north: bool,
}

struct Found {
    way: Way,
    forwards: Forwards,
    waits: bool,
    uri: Option<String>,
}

impl Found {
    fn plain(way: Way) -> Self {
        Self { way, forwards: Forwards::default(), waits: false, uri: None }
    }
}

impl<'a, M: Map> Router<'a, M> {
    fn new(plan: &'a DialPlan, mode: InternalRouting, map: &'a M) -> Self {
        let (trail, called) = (Vec::new(), Vec::new());
        Self { plan, mode, map, trail, called, class: NumberClass::Internal, by_north: false }
    }

    /// Which user a name or number means.
    fn user(&self, number: &str) -> Option<Username> {
        let named = number.parse::<Username>().ok().filter(|user| self.map.user(user).is_some());
        named.or_else(|| self.map.user_of_number(number))
    }

    fn called_from_north(&mut self, uri: &Uri, callback: bool) -> Result<Found, Cause> {
        if let Some((room, true)) = self.map.room(&uri.user_text()) {
            return Ok(Found::plain(Way::Room(room)));
        }
        let user = self.user(&uri.user_text());
        let user = user.ok_or_else(|| Cause::of_status(404, "no such user on this switch"))?;
        self.by_north = self.map.forwarded_by_north(&user);
        self.reach(&user, callback || self.map.is_private(&uri.user_text()))
    }

    /// To a user of ours, whatever he has set when it is `urgent`: by his private line, or from an emergency
    /// desk that calls back. A forward that cannot be followed is the end of the call, not a reason to ring.
    fn reach(&mut self, user: &Username, urgent: bool) -> Result<Found, Cause> {
        self.called.push(user.clone());
        if self.map.user(user) != Some(true) {
            return Err(Cause::of_status(480, "the user is disabled"));
        }
        let protected = urgent || self.map.awaits_emergency_callback(user);
        let mut set = self.map.forwarding(user).filter(|_| !protected).cloned().unwrap_or_default();
        if std::mem::take(&mut self.by_north) {
            (set.always, set.no_answer) = (None, None);
        }
        if let Some(to) = set.to(ForwardKind::Always) {
            return self.forward(user, to, ForwardReason::Unconditional);
        }
        if set.do_not_disturb {
            return match set.to(ForwardKind::Busy) {
                Some(to) => self.forward(user, to, ForwardReason::UserBusy),
                None => Err(Cause::of_status(486, "the user does not want to be disturbed")),
            };
        }
        match (self.map.located(user), set.to(ForwardKind::OutOfRange)) {
            (true, _) if protected => {
                let (handsets, calls) = self.map.engaged(user);
                Ok(Found { waits: calls >= handsets, ..Found::plain(Way::Handset(user.clone())) })
            }
            (true, _) => self.ring(user, &set),
            (false, Some(to)) => self.forward(user, to, ForwardReason::Unavailable),
            (false, None) => Err(Cause::of_status(480, "the handset is not registered")),
        }
    }

    /// A handset has one call, and beside it one that waits where the user lets calls wait. 3GPP TS 24.615
    /// §4.5.5.2: without room for a waiting call the user is network determined busy (486).
    fn ring(&mut self, user: &Username, set: &Forwarding) -> Result<Found, Cause> {
        let (handsets, calls) = self.map.engaged(user);
        let room = if set.lets_calls_wait() { 2 * handsets } else { handsets };
        match (calls < room, set.to(ForwardKind::Busy)) {
            (true, _) => {
                let (forwards, waits) = (set.later(user), calls >= handsets);
                Ok(Found { forwards, waits, ..Found::plain(Way::Handset(user.clone())) })
            }
            (false, Some(to)) => self.forward(user, to, ForwardReason::UserBusy),
            (false, None) => Err(Cause::of_status(486, "the user is in another call")),
        }
    }

    fn dialled_by_handset(&mut self, caller: &Username, uri: &Uri) -> Result<Found, Cause> {
        let typed = uri.user_text();
        if typed.is_empty() {
            return Err(Cause::of_status(484, "no number was dialled"));
        }
        let (dialled, ours) = self.read(uri);
        if let Some(order) = self.plan.codes.read(&typed).filter(|_| ours) {
            return order.map(Way::Code).map(Found::plain);
        }
        // No user and no rule hides an emergency number, and no room does.
        if dialled.class != NumberClass::Emergency && ours {
            if let Some((room, _)) = self.map.room(&typed) {
                return Ok(Found::plain(Way::Room(room)));
            }
            if !self.plan.conference.factory.is_empty() && typed == self.plan.conference.factory {
                return Ok(Found::plain(Way::NewRoom));
            }
        }
        self.permit(caller, dialled.class)?;
        if self.class == NumberClass::Emergency {
            return self.emergency(caller, dialled.number);
        }
        if ours && is_voice_mail(uri) {
            return self.leave_by(caller, typed, false, None);
        }
        let north = self.map.has_north() && self.map.line_up(caller);
        let inside = match self.mode {
            InternalRouting::First => true,
            InternalRouting::Fallback => !north,
            InternalRouting::Never => false,
        };
        if let Some(user) =
            self.user(&dialled.number).filter(|_| ours && self.map.is_private(&dialled.number))
        {
            return self.reach(&user, true);
        }
        match self.user(&dialled.number).filter(|_| ours && inside) {
            // With a line the registrar may know other telephones of a user whose handset is away.
            Some(user) if !north || self.map.located(&user) || self.forwards_always(&user) => {
                self.reach(&user, false)
            }
            _ => self.leave_by(caller, dialled.number, ours, None),
        }
    }

    fn forwards_always(&self, user: &Username) -> bool {
        self.map.forwarding(user).is_some_and(|set| set.always.is_some() || set.out_of_range.is_some())
    }

    fn leave_by(
        &self,
        line: &Username,
        number: String,
        ours: bool,
        uri: Option<String>,
    ) -> Result<Found, Cause> {
        let lost = !self.map.has_north() || !self.map.line_up(line);
        if lost && ours && self.map.goes_on(&number) {
            // RFC 3261 §21.4.22: "allows overlapped dialing".
            return Err(Cause::of_status(484, "the number is not complete"));
        }
        match (self.map.has_north(), self.map.line_up(line)) {
            (true, true) => {
                let number = ours.then_some(number);
                Ok(Found { uri, ..Found::plain(Way::North { line: line.clone(), number }) })
            }
            (true, false) => Err(Cause::of_status(503, "the line is not registered at the registrar")),
            (false, _) => Err(Cause::of_status(404, "no such user, and no registrar is configured")),
        }
    }

    /// By the caller's line, else by any; without one to the user of ours who has that number, if one has.
    fn emergency(&self, caller: &Username, number: String) -> Result<Found, Cause> {
        let own = Some(caller).filter(|caller| self.map.line_up(caller)).cloned();
        if let Some(line) = own.or_else(|| self.map.any_line()) {
            return Ok(Found::plain(Way::North { line, number: Some(number) }));
        }
        let desk =
            self.user(&number).filter(|user| self.map.user(user) == Some(true) && self.map.located(user));
        let none = || Cause::of_status(503, "no line to the outside is up for this emergency call");
        desk.map(|user| Found::plain(Way::Handset(user))).ok_or_else(none)
    }

    fn read(&self, uri: &Uri) -> (Dialled, bool) {
        let ours = uri.scheme == Scheme::Tel || uri.host.as_ref().is_none_or(|host| self.map.is_ours(host));
        (self.plan.read(uri, ours, |name| self.user(name).is_some()), ours)
    }

    /// Number barring: RFC 3398 §8.2.6.1 has 403 for Q.850 cause 52, "outgoing call barred".
    fn permit(&mut self, who: &Username, class: NumberClass) -> Result<(), Cause> {
        self.class = class;
        let allowed = self.map.allowed(who).unwrap_or(self.plan.allowed);
        if allowed.permits(class) {
            return Ok(());
        }
        let words = format!("calls to {class} numbers are barred for {who}");
        Err(Cause { status: 403, q850: 52, words })
    }
}

/// [MS-SIPRE] §2.2.3: a user's voice mail is his own address with `opaque=app:voicemail`.
fn is_voice_mail(uri: &Uri) -> bool {
    uri.params.get("opaque").is_some_and(|opaque| opaque.eq_ignore_ascii_case("app:voicemail"))
}

#[cfg(test)]
pub(super) mod tests {
    pub(in crate::call) mod scenes;

    use std::collections::BTreeMap;

    use super::*;

    #[derive(Clone, Default)]
    struct Known {
        enabled: bool,
        located: bool,
        line: bool,
        number: Option<&'static str>,
        allowed: Option<AllowedCalls>,
        set: Forwarding,
        calls: usize,
        called_emergency: bool,
        by_north: bool,
    }

    struct World {
        users: BTreeMap<&'static str, Known>,
        north: bool,
    }

    impl World {
        fn of(&self, user: &Username) -> Option<&Known> {
            self.users.get(user.as_str())
        }
    }

    impl Map for World {
        fn user(&self, user: &Username) -> Option<bool> {
            self.of(user).map(|known| known.enabled)
        }
        fn user_of_number(&self, number: &str) -> Option<Username> {
            let private = Some("anna").filter(|_| number == "4799");
            let found = self.users.iter().find(|(_, known)| known.number == Some(number));
            found.map(|(name, _)| *name).or(private)?.parse().ok()
        }
        fn is_private(&self, number: &str) -> bool {
            number == "4799"
        }
        fn forwarded_by_north(&self, user: &Username) -> bool {
            self.of(user).is_some_and(|known| known.by_north)
        }
        fn located(&self, user: &Username) -> bool {
            self.of(user).is_some_and(|known| known.located)
        }
        fn has_north(&self) -> bool {
            self.north
        }
        fn line_up(&self, user: &Username) -> bool {
            self.of(user).is_some_and(|known| known.line)
        }
        fn any_line(&self) -> Option<Username> {
            let (name, _) = self.users.iter().find(|(_, known)| known.line)?;
            name.parse().ok()
        }
        fn is_ours(&self, host: &Host) -> bool {
            *host != Host::Name("elsewhere.test".into())
        }
        fn allowed(&self, user: &Username) -> Option<AllowedCalls> {
            self.of(user)?.allowed
        }
        fn forwarding(&self, user: &Username) -> Option<&Forwarding> {
            self.of(user).map(|known| &known.set)
        }
        fn room(&self, dialled: &str) -> Option<(RoomName, bool)> {
            let rooms = [("8001", true), ("8002", false), ("112", true)];
            let (name, outside) = rooms.into_iter().find(|(name, _)| *name == dialled)?;
            Some((name.parse().ok()?, outside))
        }
        fn goes_on(&self, digits: &str) -> bool {
            let numbers = self.users.values().filter_map(|known| known.number);
            numbers.into_iter().any(|number| number != digits && number.starts_with(digits))
        }
        fn engaged(&self, user: &Username) -> (usize, usize) {
            (1, self.of(user).map_or(0, |known| known.calls))
        }
        fn awaits_emergency_callback(&self, user: &Username) -> bool {
            self.of(user).is_some_and(|known| known.called_emergency)
        }
    }

    fn world(north: bool) -> World {
        let known = Known { enabled: true, located: true, line: north, ..Known::default() };
        let all: AllowedCalls = NumberClass::TOLL.into_iter().collect();
        let users = [
            ("anna", Known { number: Some("4711"), ..known.clone() }),
            ("bob", known.clone()),
            ("carol", Known { allowed: Some(all), ..known.clone() }),
            ("off", Known { enabled: false, line: false, ..known.clone() }),
            ("gone", Known { located: false, ..known }),
        ];
        World { users: BTreeMap::from(users), north }
    }

    /// For tests of the parts of this module.
    pub(super) fn forwarding_world() -> impl Map {
        world(true)
    }

    fn set(world: &mut World, user: &str, change: impl FnOnce(&mut Forwarding)) {
        change(&mut world.users.get_mut(user).unwrap().set);
    }

    fn said(routed: &Routed) -> String {
        match &routed.way {
            Way::Handset(user) => format!("handset {user}"),
            Way::North { line, number } => {
                let as_is = routed.uri.clone().unwrap_or_else(|| "as is".into());
                format!("north {line} {}", number.clone().unwrap_or(as_is))
            }
            Way::Room(room) => format!("room {room}"),
            Way::NewRoom => "a room of its own".into(),
            Way::Code(order) => format!("{order:?}"),
            Way::Refuse(cause) => cause.status.to_string(),
        }
    }

    fn routed(world: &World, from: Option<&str>, to: &str, mode: InternalRouting) -> Routed {
        let caller = from.map(|f| f.parse().unwrap());
        let facing = if from.is_some() { Facing::South } else { Facing::North };
        let uri = Uri::parse(&to.into()).unwrap();
        let ask = Ask::Dialled { facing, caller: caller.as_ref(), uri: &uri, trail: &[], callback: false };
        way(ask, &DialPlan::default(), mode, world)
    }

    fn ask(world: &World, from: Option<&str>, to: &str, mode: InternalRouting) -> String {
        said(&routed(world, from, to, mode))
    }

    use InternalRouting::{Fallback, First, Never};

    #[test]
    fn a_call_from_the_north_reaches_handsets_only() {
        let world = world(true);
        assert_eq!(ask(&world, None, "sip:anna@here", First), "handset anna");
        assert_eq!(ask(&world, None, "sip:4711@here", First), "handset anna");
        assert_eq!(ask(&world, None, "sip:gone@here", First), "480");
        assert_eq!(ask(&world, None, "sip:off@here", First), "480");
        assert_eq!(ask(&world, None, "sip:+3905123@here", First), "404");
        assert_eq!(ask(&world, None, "sip:*21*4711%23@here", First), "404");
    }

    #[test]
    fn internal_calls_go_by_the_north_unless_its_line_is_down_or_we_are_told() {
        assert_eq!(ask(&world(true), Some("anna"), "sip:bob@here", Fallback), "north anna bob");
        assert_eq!(ask(&world(false), Some("anna"), "sip:bob@here", Fallback), "handset bob");
        assert_eq!(ask(&world(true), Some("anna"), "sip:bob@here", First), "handset bob");
        assert_eq!(ask(&world(false), Some("anna"), "sip:bob@here", Never), "404");
    }

    #[test]
    fn rooms_are_dialled_inside_and_from_the_north_where_they_may_be() {
        let up = world(true);
        assert_eq!(ask(&up, Some("anna"), "sip:8001@here", Fallback), "room 8001");
        assert_eq!(ask(&up, Some("anna"), "sip:8002@here", Never), "room 8002");
        assert_eq!(ask(&up, Some("anna"), "sip:conference@here", Fallback), "a room of its own");
        assert_eq!(ask(&up, None, "sip:8001@here", Fallback), "room 8001");
        assert_eq!(ask(&up, None, "sip:8002@here", Fallback), "404");
        assert_eq!(ask(&up, None, "sip:conference@here", Fallback), "404");
        assert_eq!(ask(&up, Some("anna"), "sip:112@here", Fallback), "north anna 112", "no room hides it");
        let elsewhere = ask(&up, Some("carol"), "sip:8001@elsewhere.test", Fallback);
        assert_eq!(elsewhere, "north carol as is");
    }

    #[test]
    fn a_secondary_username_works_when_the_north_is_lost() {
        assert_eq!(ask(&world(false), Some("bob"), "sip:4711@here", Fallback), "handset anna");
        assert_eq!(ask(&world(true), Some("bob"), "sip:4711@here", Fallback), "north bob 4711");
    }

    #[test]
    fn outside_numbers_need_a_line_and_the_right_to_call_them() {
        let up = world(true);
        assert_eq!(ask(&up, Some("carol"), "tel:+1-555", Fallback), "north carol +1555");
        assert_eq!(ask(&up, Some("carol"), "sip:x@elsewhere.test", Fallback), "north carol as is");
        assert_eq!(ask(&up, Some("off"), "sip:555@here", Fallback), "503");
        assert_eq!(ask(&world(false), Some("anna"), "sip:555@here", Fallback), "404");
        for barred in ["tel:+1-555", "sip:0171@here", "sip:x@elsewhere.test", "sip:00900@here"] {
            let routed = routed(&up, Some("anna"), barred, Fallback);
            let Way::Refuse(cause) = &routed.way else { panic!("{barred}") };
            assert_eq!((cause.status, cause.q850), (403, 52), "{barred}");
            assert!(cause.words.contains("barred for anna"), "{}", cause.words);
        }
        assert_eq!(ask(&up, Some("anna"), "sip:9000@here", Fallback), "north anna 9000");
    }

    #[test]
    fn emergency_calls_go_out_whatever_is_set_and_by_any_line() {
        let mut up = world(true);
        let nothing = Some(AllowedCalls::NOTHING);
        up.users.get_mut("anna").unwrap().allowed = nothing;
        assert_eq!(ask(&up, Some("anna"), "sip:112@here", Never), "north anna 112");
        assert_eq!(routed(&up, Some("anna"), "sip:112@here", Never).class, NumberClass::Emergency);
        assert_eq!(ask(&up, Some("anna"), "sip:bob@here", Never), "403");
        up.users.get_mut("anna").unwrap().line = false;
        assert_eq!(ask(&up, Some("anna"), "sip:112@here", Fallback), "north bob 112");
        let mut down = world(false);
        assert_eq!(ask(&down, Some("anna"), "sip:112@here", Fallback), "503");
        down.users.get_mut("bob").unwrap().number = Some("112");
        assert_eq!(ask(&down, Some("anna"), "sip:112@here", Fallback), "handset bob");
    }

    #[test]
    fn a_code_is_an_order_and_not_a_number() {
        let expected = "Forward(Always, \"4711\", None)";
        assert_eq!(ask(&world(true), Some("anna"), "sip:*21*4711%23@here", Fallback), expected);
        assert_eq!(ask(&world(true), Some("anna"), "sip:*21@here", Fallback), "484");
        assert_eq!(ask(&world(true), Some("anna"), "sip:*97@here", Fallback), "north anna *97");
    }

    #[test]
    fn what_a_user_has_set_decides_where_calls_to_the_user_go() {
        let mut world = world(true);
        set(&mut world, "anna", |set| set.always = Some("bob".into()));
        let routed = routed(&world, None, "sip:anna@here", Fallback);
        assert_eq!(said(&routed), "handset bob", "inside, since bob's handset is there");
        assert_eq!(routed.trail.len(), 1);
        set(&mut world, "anna", |set| set.always = Some("9000".into()));
        assert_eq!(ask(&world, None, "sip:anna@here", Fallback), "north anna 9000");
        set(&mut world, "anna", |set| set.always = Some("0171".into()));
        assert_eq!(ask(&world, None, "sip:anna@here", Fallback), "403", "with the rights of who forwards");
        set(&mut world, "anna", |set| set.always = Some("112".into()));
        assert_eq!(ask(&world, None, "sip:anna@here", Fallback), "403");
        set(&mut world, "carol", |set| set.always = Some("sip:dora@elsewhere.test".into()));
        assert_eq!(ask(&world, None, "sip:carol@here", Fallback), "north carol sip:dora@elsewhere.test");
        set(&mut world, "gone", |set| set.out_of_range = Some("bob".into()));
        assert_eq!(ask(&world, None, "sip:gone@here", Fallback), "handset bob");
    }

    #[test]
    fn who_does_not_want_to_be_disturbed_is_busy_and_forwards_as_busy() {
        let mut world = world(false);
        set(&mut world, "anna", |set| set.do_not_disturb = true);
        assert_eq!(ask(&world, Some("bob"), "sip:anna@here", Fallback), "486");
        set(&mut world, "anna", |set| set.busy = Some("carol".into()));
        assert_eq!(ask(&world, Some("bob"), "sip:anna@here", Fallback), "handset carol");
    }

    #[test]
    fn an_emergency_desk_that_calls_back_rings_the_handset() {
        let mut world = world(true);
        set(&mut world, "anna", |set| {
            *set = Forwarding { do_not_disturb: true, always: Some("bob".into()), ..Forwarding::default() };
        });
        let uri = Uri::parse(&"sip:anna@here".into()).unwrap();
        let desk =
            Ask::Dialled { facing: Facing::North, caller: None, uri: &uri, trail: &[], callback: true };
        let routed = way(desk, &DialPlan::default(), Fallback, &world);
        assert_eq!((said(&routed).as_str(), &routed.forwards), ("handset anna", &Forwards::default()));
        world.users.get_mut("anna").unwrap().called_emergency = true;
        assert_eq!(ask(&world, None, "sip:anna@here", Fallback), "handset anna");
    }

    #[test]
    fn what_cannot_be_forwarded_to_is_said_before_any_call() {
        let world = world(true);
        let check = |to| check_forward(&"anna".parse().unwrap(), to, &DialPlan::default(), &world);
        for good in ["bob", "9000", "sip:bob@here", "tel:9000", "0043-1", "dora"] {
            let result = check(good).map_err(|cause| cause.status);
            assert_eq!(result, if good == "0043-1" { Err(403) } else { Ok(()) }, "{good}");
        }
        for (bad, status) in [
            ("", 484),
            ("a b", 484),
            ("a@b", 484),
            ("mailto:x@y", 484),
            ("*21*5#", 484),
            ("anna", 482),
            ("4711", 482),
            ("112", 403),
            ("+49171", 403),
        ] {
            assert_eq!(check(bad).unwrap_err().status, status, "{bad}");
        }
    }

    #[test]
    fn the_users_that_a_call_was_for_are_named_even_when_none_was_reached() {
        let mut world = world(true);
        set(&mut world, "anna", |set| set.always = Some("gone".into()));
        let called = routed(&world, None, "sip:anna@here", Fallback).called;
        assert_eq!(called, ["anna".parse().unwrap()]);
        world.users.get_mut("anna").unwrap().line = false;
        let routed = routed(&world, None, "sip:anna@here", Fallback);
        assert_eq!((said(&routed).as_str(), routed.called.len()), ("480", 2));
    }

    #[test]
    fn forwards_that_lead_in_a_circle_end_the_call() {
        let mut world = world(true);
        set(&mut world, "anna", |set| set.always = Some("bob".into()));
        set(&mut world, "bob", |set| set.always = Some("carol".into()));
        set(&mut world, "carol", |set| set.always = Some("anna".into()));
        assert_eq!(ask(&world, None, "sip:anna@here", Fallback), "482");
        set(&mut world, "carol", |set| set.always = None);
        let routed = routed(&world, None, "sip:anna@here", Fallback);
        assert_eq!((said(&routed).as_str(), routed.trail.len()), ("handset carol", 2));
    }

    #[test]
    fn a_handset_that_does_not_take_a_call_leaves_it_to_its_user_s_forward() {
        let mut world = world(true);
        set(&mut world, "anna", |set| set.busy = Some("bob".into()));
        let forwards = routed(&world, None, "sip:anna@here", Fallback).forwards;
        assert_eq!((forwards.by.unwrap().as_str(), forwards.busy.as_deref()), ("anna", Some("bob")));
        let by = "anna".parse().unwrap();
        let ask = |trail| Ask::Forwarded { by: &by, to: "bob", reason: ForwardReason::UserBusy, trail };
        let next = way(ask(&[]), &DialPlan::default(), Fallback, &world);
        assert_eq!(said(&next), "handset bob");
        assert_eq!(next.trail, [Diversion { from: "anna".into(), reason: ForwardReason::UserBusy }]);
        let again = way(ask(&next.trail), &DialPlan::default(), Fallback, &world);
        assert_eq!(said(&again), "482");
    }

    #[test]
    fn a_call_waits_at_an_engaged_handset_and_a_third_finds_it_busy() {
        let mut world = world(false);
        let ring = |world: &World| {
            let routed = routed(world, Some("bob"), "sip:anna@x", Fallback);
            (said(&routed), routed.waits)
        };
        assert_eq!(ring(&world), ("handset anna".into(), false));
        world.users.get_mut("anna").unwrap().calls = 1;
        assert_eq!(ring(&world), ("handset anna".into(), true));
        world.users.get_mut("anna").unwrap().calls = 2;
        assert_eq!(ring(&world).0, "486");
        world.users.get_mut("anna").unwrap().calls = 1;
        set(&mut world, "anna", |set| set.call_waiting = false);
        assert_eq!(ring(&world).0, "486");
        set(&mut world, "anna", |set| {
            *set = Forwarding { busy: Some("carol".into()), ..Forwarding::default() }
        });
        assert_eq!(ring(&world), ("handset carol".into(), false), "who forwards while busy lets nobody wait");
        world.users.get_mut("anna").unwrap().called_emergency = true;
        assert_eq!(ring(&world).0, "handset anna", "the desk that calls back rings in any case");
    }

    #[test]
    fn a_number_that_goes_on_is_incomplete_while_nobody_outside_can_complete_it() {
        let alone = world(false);
        assert_eq!(ask(&alone, Some("bob"), "sip:47@x", Fallback), "484");
        assert_eq!(ask(&alone, Some("bob"), "sip:4711@x", Fallback), "handset anna");
        assert_eq!(ask(&alone, Some("bob"), "sip:48@x", Fallback), "404");
        assert_eq!(
            ask(&world(true), Some("bob"), "sip:47@x", Fallback),
            "north bob 47",
            "the registrar knows more"
        );
        let mut lost = world(true);
        lost.users.get_mut("bob").unwrap().line = false;
        assert_eq!(ask(&lost, Some("bob"), "sip:47@x", Fallback), "484");
        assert_eq!(
            ask(&lost, Some("bob"), "sip:4711@x", Fallback),
            "handset anna",
            "by the secondary username"
        );
    }

    #[test]
    fn a_users_voice_mail_in_lync_is_called_as_it_is_written() {
        let uri = "sip:bob@x;opaque=app:voicemail";
        assert_eq!(ask(&world(true), Some("bob"), uri, First), "north bob as is");
        assert_eq!(ask(&world(false), Some("bob"), uri, First), "404");
    }

    #[test]
    fn what_the_north_has_forwarded_is_not_forwarded_again() {
        let mut world = world(true);
        set(&mut world, "bob", |set| {
            (set.always, set.no_answer) = (Some("carol".into()), Some("carol".into()));
            set.busy = Some("4711".into());
        });
        let from_north = |world: &World| routed(world, None, "sip:bob@x", Fallback);
        assert_eq!(said(&from_north(&world)), "handset carol", "nobody else does it");
        world.users.get_mut("bob").unwrap().by_north = true;
        let found = from_north(&world);
        assert_eq!(said(&found), "handset bob");
        assert_eq!((found.forwards.no_answer, found.forwards.busy.as_deref()), (None, Some("4711")));
        // Inside nobody but this switch forwards.
        assert_eq!(ask(&world, Some("anna"), "sip:bob@x", First), "handset carol");
    }

    #[test]
    fn a_private_number_rings_whatever_is_set() {
        let mut world = world(true);
        set(&mut world, "anna", |set| (set.always, set.do_not_disturb) = (Some("bob".into()), true));
        assert_eq!(ask(&world, None, "sip:anna@x", Fallback), "handset bob");
        assert_eq!(ask(&world, None, "sip:4799@x", Fallback), "handset anna");
        assert_eq!(
            ask(&world, Some("bob"), "sip:4799@x", Fallback),
            "handset anna",
            "only this switch knows it"
        );
        set(&mut world, "carol", |set| set.always = Some("4799".into()));
        assert_eq!(ask(&world, Some("bob"), "sip:carol@x", First), "handset anna");
    }
}

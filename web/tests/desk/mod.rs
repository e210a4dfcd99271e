//! A switch made of scripted answers: one small actor that keeps users and tokens in maps and shows a plant
//! that does not change by itself. The preview example and the tests of this crate share it.
#![allow(dead_code, clippy::unwrap_used)]

mod air;
mod phone_book;
mod provisioning;
mod rooms;
mod settings;
mod texts;

use std::collections::BTreeMap;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_actors::desk::*;
use kirkwall_core::call::admission::links::LinkLoad;
use kirkwall_core::call::admission::{Limit, Load, Refused};
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dialling::{CodeLine, FeatureCodes};
use kirkwall_core::call::forward::Forwarding;
use kirkwall_core::call::ladder::Rung;
use kirkwall_core::call::location::CivicAddress;
use kirkwall_core::call::log::{LogEntry, LogKind};
use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::call::{CallSummary, Party, Phase};
use kirkwall_core::id::{BaseStationId, CallRef, Username};
use kirkwall_core::media::Codec;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;

/// The token that may do everything.
pub const ADMIN: &str = "admin-token";
/// The token that may only look at calls.
pub const VIEWER: &str = "viewer-token";
/// The word of the one-time log-in link.
pub const LINK: &str = "open-sesame";
/// A user whose change always ends in "not now".
pub const BUSY_USER: &str = "busy";
/// A user whose change always ends in "we could not".
pub const BROKEN_USER: &str = "broken";

/// 24 November 2026, 07:00 UTC.
pub const START: Moment = Moment::from_micros(1_795_503_600_000_000);

/// The scripted switch.
pub struct TestDesk {
    users: BTreeMap<Username, UserView>,
    forwarding: BTreeMap<Username, Forwarding>,
    lines: BTreeMap<Username, LinesView>,
    rooms: Vec<kirkwall_core::call::conference::RoomView>,
    pub mailboxes: BTreeMap<Username, Mailbox>,
    log: Vec<LogEntry>,
    calls: Vec<CallSummary>,
    tokens: Vec<TokenView>,
    phone_book: Vec<PhoneBookEntryView>,
    sessions: Vec<String>,
    settings: settings::Switches,
    link_used: bool,
    ready: bool,
    empty: bool,
    /// Whether times follow the wall clock, so that the preview shows life.
    moving: bool,
}

impl TestDesk {
    /// With some of everything.
    pub fn full() -> Self {
        let users = [("4711", "Anna Berg"), ("4712", "Björn Dahl"), ("4713", "Chen Wei"), ("4799", "")];
        let mut desk = Self { empty: false, ..Self::nothing() };
        for (number, name) in users {
            let mut user = fresh(number);
            user.display_name = name.into();
            user.handset_registered = number != "4799";
            user.registration =
                if number == "4799" { "failed: 403 Forbidden".into() } else { "registered".into() };
            user.ipei = (number != "4799").then(|| format!("00077 000{number}"));
            user.calls = u32::from(number == "4711" || number == "4712");
            desk.users.insert(user.username.clone(), user);
        }
        desk.calls = calls(START);
        desk.log = log(START);
        desk.phone_book = phone_book::entries();
        desk.tokens = vec![TokenView {
            id: "t1".into(),
            name: "Grafana".into(),
            scopes: vec!["calls:read".into()],
            created: START,
            expires: Some(START + Duration::from_secs(365 * 86_400)),
            last_used: None,
        }];
        desk
    }

    /// As freshly installed.
    pub fn nothing() -> Self {
        Self {
            users: BTreeMap::new(),
            forwarding: BTreeMap::new(),
            lines: BTreeMap::new(),
            rooms: Vec::new(),
            mailboxes: BTreeMap::new(),
            log: Vec::new(),
            calls: Vec::new(),
            tokens: Vec::new(),
            phone_book: Vec::new(),
            sessions: Vec::new(),
            settings: settings::Switches::default(),
            link_used: false,
            ready: true,
            empty: true,
            moving: false,
        }
    }

    /// With times about now, and calls that come and go.
    pub fn moving() -> Self {
        Self { moving: true, ..Self::full() }
    }

    /// Not ready, for probes.
    pub fn draining() -> Self {
        Self { ready: false, ..Self::nothing() }
    }

    /// Starts it and gives its recipients.
    pub fn desk(self) -> Desk {
        let air = air::desk(self.empty);
        let address = self.start();
        Desk {
            list_users: address.clone().recipient(),
            get_user: address.clone().recipient(),
            create_user: address.clone().recipient(),
            change_user: address.clone().recipient(),
            delete_user: address.clone().recipient(),
            import_users: address.clone().recipient(),
            list_calls: address.clone().recipient(),
            get_call: address.clone().recipient(),
            get_ladder: address.clone().recipient(),
            hang_up_call: address.clone().recipient(),
            list_base_stations: address.clone().recipient(),
            get_base_station: address.clone().recipient(),
            describe_base_station: address.clone().recipient(),
            list_handsets: address.clone().recipient(),
            list_registrations: address.clone().recipient(),
            get_capacity: address.clone().recipient(),
            get_forwarding: address.clone().recipient(),
            set_forwarding: address.clone().recipient(),
            get_lines: address.clone().recipient(),
            set_lines: address.clone().recipient(),
            get_mailbox: address.clone().recipient(),
            set_mailbox: address.clone().recipient(),
            list_feature_codes: address.clone().recipient(),
            list_rooms: address.clone().recipient(),
            get_room: address.clone().recipient(),
            create_room: address.clone().recipient(),
            change_room: address.clone().recipient(),
            delete_room: address.clone().recipient(),
            mute_member: address.clone().recipient(),
            remove_member: address.clone().recipient(),
            list_call_log: address.clone().recipient(),
            clear_call_log: address.clone().recipient(),
            get_overview: address.clone().recipient(),
            get_health: address.clone().recipient(),
            check_token: address.clone().recipient(),
            create_token: address.clone().recipient(),
            list_certificates: address.clone().recipient(),
            import_certificate: address.clone().recipient(),
            delete_certificate: address.clone().recipient(),
            list_tokens: address.clone().recipient(),
            revoke_token: address.clone().recipient(),
            list_settings: address.clone().recipient(),
            change_setting: address.clone().recipient(),
            check_administrator: address.clone().recipient(),
            log_in: address.clone().recipient(),
            check_session: address.clone().recipient(),
            search_phone_book: address.clone().recipient(),
            get_phone_book_entry: address.clone().recipient(),
            create_phone_book_entry: address.clone().recipient(),
            change_phone_book_entry: address.clone().recipient(),
            delete_phone_book_entry: address.clone().recipient(),
            import_phone_book: address.clone().recipient(),
            export_phone_book: address.clone().recipient(),
            get_phone_book_state: address.clone().recipient(),
            read_directory: address.clone().recipient(),
            list_provisioning: address.clone().recipient(),
            open_provisioning: address.clone().recipient(),
            close_provisioning: address.clone().recipient(),
            fetch_provisioning: address.clone().recipient(),
            resync_base_station: address.clone().recipient(),
            list_texts: address.clone().recipient(),
            get_text: address.clone().recipient(),
            send_text: address.clone().recipient(),
            withdraw_text: address.clone().recipient(),
            confirm_text: address.clone().recipient(),
            prove_handset: address.clone().recipient(),
            log_out: address.recipient(),
            air: Some(air),
        }
    }

    fn bases(&self) -> Vec<BaseStationView> {
        if self.empty {
            return Vec::new();
        }
        let base = |id: &str, state, handsets, plain, srtp| BaseStationView {
            id: BaseStationId(id.into()),
            name: String::new(),
            location: CivicAddress::default(),
            revision: 1,
            vendor: "Snom".into(),
            model: "M900".into(),
            firmware: "06.40".into(),
            address: format!("udp 192.0.2.{}:5060", id.len() + handsets),
            state,
            handsets,
            channels: Load { plain, srtp },
            limit: Limit { plain: 11, srtp: 6 },
            last_seen: START + Duration::from_secs(30),
        };
        vec![
            base("00:08:7b:18:00:01", "up", 2, 2, 0),
            base("00:08:7b:18:00:02", "up", 1, 6, 2),
            base("00:08:7b:18:00:03", "down", 0, 0, 0),
        ]
    }

    fn user(&self, name: &Username) -> Result<&UserView, DeskFault> {
        self.users.get(name).ok_or_else(|| DeskFault::NotFound(format!("user {name}")))
    }

    /// In the preview one call comes and goes every eight seconds, and all times are about now.
    fn calls_now(&self) -> Vec<CallSummary> {
        if !self.moving {
            return self.calls.clone();
        }
        let now = Moment::from_micros(wall_clock().as_secs() * 1_000_000);
        let mut calls = calls(now - Duration::from_secs(now.as_secs() % 600 + 20));
        for (call, kept) in calls.iter_mut().zip(&self.calls).filter(|(_, kept)| kept.phase == Phase::Ended) {
            (call.phase, call.cause) = (Phase::Ended, kept.cause.clone());
            call.ended = call.ended.or(Some(now - Duration::from_secs(1)));
        }
        let second = now.as_secs() % 16;
        calls.retain(|call| call.phase != Phase::Ringing || second < 8);
        calls
    }
}

fn wall_clock() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Moment::from_micros(since.as_micros() as u64)
}

fn fresh(name: &str) -> UserView {
    UserView {
        username: name.parse().unwrap(),
        display_name: String::new(),
        standby_text: String::new(),
        auth_username: String::new(),
        auth_password_set: false,
        ipei: None,
        access_code_set: false,
        south_password_set: false,
        enabled: true,
        secondary_username: None,
        allowed_calls: None,
        revision: 1,
        handset_registered: false,
        registration: "off".into(),
        calls: 0,
        mailbox: None,
    }
}

fn party(number: &str, display: &str, base: Option<&str>) -> Party {
    Party {
        number: number.into(),
        display: display.into(),
        uri: None,
        user: number.parse().ok().filter(|_| base.is_some()),
        base: base.map(|base| BaseStationId(base.into())),
    }
}

fn calls(start: Moment) -> Vec<CallSummary> {
    let after = |seconds| start + Duration::from_secs(seconds);
    let standing = CallSummary {
        conference: None,
        reference: CallRef(0x1001),
        phase: Phase::Talking,
        caller: party("4711", "Anna Berg", Some("00:08:7b:18:00:01")),
        callee: party("+4589301200", "Blood bank <script>alert(1)</script>", None),
        started: after(5),
        answered: Some(after(12)),
        ended: None,
        codecs: (Some(Codec::Pcma), Some(Codec::Pcma)),
        srtp: (false, true),
        cause: None,
        handed_over: Vec::new(),
        media: (None, None),
        began_with: None,
        emergency: false,
        trail: Vec::new(),
    };
    let ringing = CallSummary {
        conference: None,
        reference: CallRef(0x1002),
        phase: Phase::Ringing,
        caller: party("+4589301201", "Pharmacy", None),
        callee: party("4712", "Björn Dahl", Some("00:08:7b:18:00:02")),
        answered: None,
        codecs: (None, None),
        srtp: (false, false),
        ..standing.clone()
    };
    let failed = CallSummary {
        reference: CallRef(0x0ffe),
        phase: Phase::Ended,
        ended: Some(after(2)),
        cause: Some(Cause::no_channel(503, "no free media channel: 32 of 32 in use")),
        started: after(1),
        ..ringing.clone()
    };
    let ended = CallSummary {
        reference: CallRef(0x0fff),
        phase: Phase::Ended,
        ended: Some(after(199)),
        cause: Some(Cause::normal()),
        ..standing.clone()
    };
    vec![standing, ringing, ended, failed]
}

/// A plain call with a challenge, as the recorder shows it.
pub fn rungs(start: Moment) -> Vec<Rung> {
    let (south, north) = ("udp 192.0.2.19:5060", "tls 198.51.100.7:5061");
    let table: [(u64, u32, &str, &'static str, &str); 13] = [
        (0, 0, south, "in", "INVITE"),
        (2, 0, south, "out", "401 Unauthorized (INVITE)"),
        (9, 0, south, "in", "ACK"),
        (14, 0, south, "in", "INVITE"),
        (15, 0, south, "out", "100 Trying (INVITE)"),
        (31, 1, north, "out", "INVITE"),
        (60, 1, north, "in", "100 Trying (INVITE)"),
        (410, 1, north, "in", "180 Ringing (INVITE)"),
        (412, 0, south, "out", "180 Ringing (INVITE)"),
        (6_840, 1, north, "in", "200 OK (INVITE)"),
        (6_843, 1, north, "out", "ACK"),
        (6_851, 0, south, "out", "200 OK (INVITE)"),
        (6_874, 0, south, "in", "ACK"),
    ];
    let rung = |(ms, leg, peer, direction, label): (u64, u32, &str, &'static str, &str)| Rung {
        at: start.as_micros() + ms * 1000,
        leg,
        peer: peer.into(),
        direction,
        label: label.into(),
        text: format!(
            "{label} SIP/2.0\r\nCall-ID: 3c26700857a8@192.0.2.19\r\nAuthorization: Digest <redacted>\r\n\r\n\
             a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<redacted>\r\n"
        ),
    };
    table.into_iter().map(rung).collect()
}

impl Actor for TestDesk {
    type Context = Context<Self>;
}

macro_rules! answer {
    ($message:ty, |$desk:ident, $asked:pat_param| $body:expr) => {
        impl Handler<$message> for TestDesk {
            type Result = MessageResult<$message>;
            fn handle(&mut self, $asked: $message, _: &mut Self::Context) -> Self::Result {
                let $desk = self;
                MessageResult($body)
            }
        }
    };
}

answer!(ListUsers, |desk, asked| {
    let query = asked.query.unwrap_or_default().to_lowercase();
    let fits = |user: &&UserView| {
        user.username.as_str().contains(&query) || user.display_name.to_lowercase().contains(&query)
    };
    let all: Vec<_> = desk.users.values().filter(fits).cloned().collect();
    let behind = all.iter().filter(|user| asked.after.as_ref().is_none_or(|after| user.username > *after));
    let mut users: Vec<_> = behind.take(asked.limit + 1).cloned().collect();
    let more = users.len() > asked.limit;
    users.truncate(asked.limit);
    Ok(UserPage { users, more, total: all.len() })
});

answer!(GetUser, |desk, GetUser(name)| desk.user(&name).cloned());

fn apply(user: &mut UserView, change: UserChange) -> Result<(), DeskFault> {
    match user.username.as_str() {
        BUSY_USER => return Err(DeskFault::Busy("the switch is draining".into())),
        BROKEN_USER => return Err(DeskFault::Failed("the disk is full".into())),
        _ => {}
    }
    if change.ipei.as_deref().is_some_and(|ipei| !ipei.is_empty() && ipei.len() < 12) {
        let detail = "an IPEI has 12 digits, for example 00077 0000123";
        return Err(DeskFault::Invalid(vec![FieldFault::new("ipei", detail)]));
    }
    let kept = |slot: &mut bool, secret: Option<Pii<String>>| {
        if let Some(secret) = secret {
            *slot = !secret.0.is_empty();
        }
    };
    kept(&mut user.auth_password_set, change.auth_password);
    kept(&mut user.access_code_set, change.access_code);
    kept(&mut user.south_password_set, change.south_password);
    user.display_name = change.display_name.unwrap_or_else(|| user.display_name.clone());
    user.standby_text = change.standby_text.unwrap_or_else(|| user.standby_text.clone());
    user.auth_username = change.auth_username.unwrap_or_else(|| user.auth_username.clone());
    user.ipei = change.ipei.map_or(user.ipei.clone(), |ipei| Some(ipei).filter(|ipei| !ipei.is_empty()));
    user.enabled = change.enabled.unwrap_or(user.enabled);
    Ok(())
}

answer!(CreateUser, |desk, asked| {
    let made = asked.username.parse::<Username>();
    match made {
        Err(error) => Err(DeskFault::Invalid(vec![FieldFault::new("username", error.to_string())])),
        Ok(name) if desk.users.contains_key(&name) => {
            Err(DeskFault::Conflict(format!("there is a user {name} already")))
        }
        Ok(name) => {
            let mut user = fresh(name.as_str());
            apply(&mut user, asked.fields).map(|()| {
                if !asked.dry_run {
                    desk.users.insert(name, user.clone());
                }
                user
            })
        }
    }
});

answer!(ChangeUser, |desk, asked| {
    desk.user(&asked.username).cloned().and_then(|mut user| {
        if asked.if_revision.is_some_and(|wanted| wanted != user.revision) {
            return Err(DeskFault::Stale { revision: user.revision });
        }
        apply(&mut user, asked.fields)?;
        user.revision += 1;
        if !asked.dry_run {
            desk.users.insert(asked.username, user.clone());
        }
        Ok(user)
    })
});

answer!(DeleteUser, |desk, asked| {
    desk.user(&asked.username).cloned().and_then(|user| {
        if asked.if_revision.is_some_and(|wanted| wanted != user.revision) {
            return Err(DeskFault::Stale { revision: user.revision });
        }
        desk.users.remove(&asked.username);
        Ok(())
    })
});

answer!(ImportUsers, |desk, asked| {
    let text = String::from_utf8_lossy(&asked.csv).into_owned();
    let mut outcome = ImportOutcome::default();
    for (line, row) in text.lines().enumerate().skip(1) {
        match row.split(',').next().unwrap().parse::<Username>() {
            Err(error) => outcome.errors.push(RowFault {
                line: line as u64 + 1,
                field: "username".into(),
                detail: error.to_string(),
            }),
            Ok(name) if desk.users.contains_key(&name) => outcome.unchanged += 1,
            Ok(name) => {
                outcome.created += 1;
                if !asked.dry_run {
                    desk.users.insert(name.clone(), fresh(name.as_str()));
                }
            }
        }
    }
    match text.starts_with("username") {
        true => Ok(outcome),
        false => {
            let detail = "the first line must name the columns, username among them";
            Err(DeskFault::Invalid(vec![FieldFault::new("username", detail)]))
        }
    }
});

answer!(ListCalls, |desk, asked| {
    let wanted = |call: &CallSummary| (call.phase == Phase::Ended) == (asked.wanted == CallsWanted::Ended);
    let all: Vec<_> = desk.calls_now().into_iter().filter(wanted).collect();
    let start = asked.after.map_or(0, |after| {
        all.iter().position(|call| call.reference == after).map_or(all.len(), |place| place + 1)
    });
    let calls: Vec<_> = all[start..].iter().take(asked.limit).cloned().collect();
    let more = start + calls.len() < all.len();
    Ok(CallPage { more, total: all.len(), calls })
});

answer!(GetCall, |desk, GetCall(reference)| {
    let found = desk.calls_now().into_iter().find(|call| call.reference == reference);
    let side = |side, lost| MediaView {
        side,
        packets_received: 9_350,
        packets_sent: 9_348,
        packets_lost: lost,
        packets_refused: 0,
        jitter_ms: 1.25,
        remote: (side == "caller").then(|| "192.0.2.19:40002".to_owned()),
    };
    found
        .map(|summary| {
            let media = match summary.answered {
                Some(_) => vec![side("caller", 0), side("callee", 3)],
                None => Vec::new(),
            };
            CallDetail { summary, media }
        })
        .ok_or_else(|| DeskFault::NotFound(format!("call {reference}")))
});

answer!(GetLadder, |desk, GetLadder(reference)| {
    match desk.calls_now().iter().find(|call| call.reference == reference) {
        Some(call) => Ok(CallLadder {
            reference,
            rungs: rungs(call.started),
            dropped: 0,
            text: "     0.000 s  leg 0  udp 192.0.2.19:5060  ──► kirkwall  INVITE\n".into(),
        }),
        None => Err(DeskFault::NotFound(format!("call {reference}"))),
    }
});

answer!(HangUpCall, |desk, HangUpCall(reference)| {
    match desk.calls.iter_mut().find(|call| call.reference == reference && call.phase != Phase::Ended) {
        Some(call) => {
            (call.phase, call.ended) = (Phase::Ended, Some(START + Duration::from_secs(120)));
            call.cause = Some(Cause::normal());
            Ok(())
        }
        None => Err(DeskFault::NotFound(format!("standing call {reference}"))),
    }
});

answer!(ListBaseStations, |desk, _| Ok(desk.bases()));

answer!(GetBaseStation, |desk, GetBaseStation(id)| {
    let found = desk.bases().into_iter().find(|base| base.id == id);
    found.ok_or_else(|| DeskFault::NotFound(format!("base station {id}")))
});

answer!(ListProvisioning, |desk, _| provisioning::view(desk.empty, START));
answer!(OpenProvisioning, |_desk, order| provisioning::opened(order, START));
answer!(CloseProvisioning, |_desk, CloseProvisioning(mac)| match mac == provisioning::MAC {
    true => Ok(()),
    false => Err(DeskFault::NotFound(format!("window for {mac}"))),
});
answer!(FetchProvisioning, |_desk, ask| provisioning::file(&ask.file));
answer!(ResyncBaseStation, |desk, ResyncBaseStation(id)| {
    let known = desk.bases().iter().any(|base| base.id == id);
    known.then_some(()).ok_or_else(|| DeskFault::NotFound(format!("base station {id}")))
});
answer!(ListTexts, |desk, _| {
    let messages = if desk.empty { Vec::new() } else { vec![texts::kept(START)] };
    Ok(TextPage { total: messages.len(), messages, more: false })
});
answer!(GetText, |_desk, GetText(id)| texts::named(id, START));
answer!(SendText, |_desk, order| texts::sent(order, START));
answer!(WithdrawText, |_desk, WithdrawText(id)| texts::named(id, START).map(drop));
answer!(ConfirmText, |_desk, order| texts::named(order.id, START));
answer!(DescribeBaseStation, |desk, order| described(&desk.bases(), order));

fn described(bases: &[BaseStationView], order: DescribeBaseStation) -> Result<BaseStationView, DeskFault> {
    let found = bases.iter().find(|base| base.id == order.id).cloned();
    let mut view = found.ok_or_else(|| DeskFault::NotFound(format!("base station {}", order.id)))?;
    if order.if_revision.is_some_and(|revision| revision != view.revision) {
        return Err(DeskFault::Stale { revision: view.revision });
    }
    for (name, text) in order.location.unwrap_or_default() {
        let set = view.location.set(&name, &text);
        let field = format!("location/{name}");
        set.map_err(|fault| DeskFault::Invalid(vec![FieldFault::new(field, fault.to_string())]))?;
    }
    view.name = order.name.unwrap_or_default();
    view.revision += 1;
    Ok(view)
}

answer!(ListHandsets, |desk, _| {
    let handset = |user: &UserView| HandsetView {
        user: user.username.clone(),
        display_name: user.display_name.clone(),
        ipei: user.ipei.clone(),
        state: if user.handset_registered { "registered" } else { "not registered" },
        bindings: user
            .handset_registered
            .then(|| BindingView {
                contact: format!("sip:{}@192.0.2.19:5060", user.username),
                address: "udp 192.0.2.19:5060".into(),
                user_agent: "Snom M900/06.40 00087B180001".into(),
                base_station: Some(BaseStationId("00:08:7b:18:00:01".into())),
                expires: Some(START + Duration::from_secs(300)),
            })
            .into_iter()
            .collect(),
        in_call: user.calls > 0,
    };
    Ok(desk.users.values().map(handset).collect())
});

answer!(ListRegistrations, |desk, _| {
    let line = |user: &UserView| RegistrationView {
        user: user.username.clone(),
        state: if user.handset_registered { "registered" } else { "failed" },
        cause: (!user.handset_registered).then(|| "403 Forbidden".to_owned()),
        notes: Vec::new(),
        registrar: user.handset_registered.then(|| "tls 198.51.100.7:5061".to_owned()),
        expires: user.handset_registered.then(|| START + Duration::from_secs(300)),
    };
    Ok(desk.users.values().map(line).collect())
});

answer!(GetCapacity, |desk, _| Ok(CapacityView {
    profile: "kws6500".into(),
    media_limit: Limit { plain: 32, srtp: 16 },
    media_in_use: if desk.empty { Load::default() } else { Load { plain: 8, srtp: 9 } },
    engine_channels: if desk.empty { 0 } else { 17 },
    calls: if desk.empty { 0 } else { 17 },
    refused: Refused { media: 0, base: if desk.empty { 0 } else { 2 } },
    links: vec![LinkLoad {
        name: "branch".into(),
        networks: vec!["10.2.0.0/16".into()],
        calls: 2,
        kbit: 160,
        max_calls: Some(10),
        max_kbit: None,
        refused: 0,
    }],
    base_stations: desk.bases().into_iter().filter(|base| base.channels.channels() > 0).collect(),
}));

answer!(GetOverview, |desk, _| {
    let bases = desk.bases();
    let up = bases.iter().filter(|base| base.state == "up").count();
    let calls = desk.calls_now().iter().filter(|call| call.phase != Phase::Ended).count();
    let registered = desk.users.values().filter(|user| user.handset_registered).count();
    Ok(OverviewView {
        calls,
        call_attempts: if desk.empty { 0 } else { 318 },
        calls_max: if desk.empty { 0 } else { 19 },
        base_stations_up: up,
        base_stations_down: bases.len() - up,
        users: desk.users.len(),
        handsets_registered: registered,
        lines_registered: registered,
        has_north: !desk.empty,
        proxies: ["sba.example.com:5061", "pool.example.com:5061"]
            .iter()
            .filter(|_| !desk.empty)
            .map(|name| ProxyView { name: (*name).into(), up: name.starts_with("sba") })
            .collect(),
        started: START,
        node: "dect1.example.com".into(),
        draining: !desk.ready,
    })
});

answer!(GetHealth, |desk, _| Health {
    ready: desk.ready,
    reasons: if desk.ready { Vec::new() } else { vec!["the node is draining".into()] },
});

fn bearer(name: &str, scopes: &[&str]) -> Bearer {
    Bearer { name: name.into(), scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect() }
}

answer!(CheckToken, |desk, CheckToken(Pii(token))| {
    let _ = desk;
    match token.as_str() {
        ADMIN => Some(bearer("tests", &["admin"])),
        VIEWER => Some(bearer("wallboard", &["calls:read"])),
        _ => None,
    }
});

answer!(CreateToken, |desk, asked| {
    let id = format!("t{}", desk.tokens.len() + 1);
    desk.tokens.push(TokenView {
        id: id.clone(),
        name: asked.name,
        scopes: asked.scopes,
        created: START,
        expires: asked.expires,
        last_used: None,
    });
    Ok(NewToken { token: format!("kw_secret_{id}"), id })
});

answer!(ListTokens, |desk, _| Ok(desk.tokens.clone()));

answer!(RevokeToken, |desk, RevokeToken(id)| {
    let before = desk.tokens.len();
    desk.tokens.retain(|token| token.id != id);
    if desk.tokens.len() < before { Ok(()) } else { Err(DeskFault::NotFound(format!("token {id}"))) }
});

answer!(LogIn, |desk, LogIn(Pii(word))| {
    let fits = word == ADMIN || (word == LINK && !std::mem::replace(&mut desk.link_used, true));
    fits.then(|| {
        let secret = format!("session{}", desk.sessions.len());
        desk.sessions.push(secret.clone());
        Session { secret: Pii(secret), bearer: bearer("administrator", &["admin"]) }
    })
});

answer!(CheckSession, |desk, CheckSession(Pii(secret))| {
    desk.sessions.contains(&secret).then(|| bearer("administrator", &["admin"]))
});

answer!(LogOut, |desk, LogOut(Pii(secret))| desk.sessions.retain(|kept| *kept != secret));

impl Handler<ListCertificates> for TestDesk {
    type Result = Result<Vec<CertificateView>, DeskFault>;

    fn handle(&mut self, _: ListCertificates, _: &mut Self::Context) -> Self::Result {
        Ok(vec![certificate("ca")])
    }
}

impl Handler<ImportCertificate> for TestDesk {
    type Result = Result<CertificateView, DeskFault>;

    fn handle(&mut self, order: ImportCertificate, _: &mut Self::Context) -> Self::Result {
        match order.usage.as_str() {
            "ca" => Ok(certificate("ca")),
            "host" if order.key.is_some() => Ok(certificate("host")),
            _ => Err(DeskFault::Invalid(vec![FieldFault::new("usage", "use \"ca\" or \"host\"")])),
        }
    }
}

impl Handler<DeleteCertificate> for TestDesk {
    type Result = Result<(), DeskFault>;

    fn handle(&mut self, DeleteCertificate(id): DeleteCertificate, _: &mut Self::Context) -> Self::Result {
        if id == "00ff" { Ok(()) } else { Err(DeskFault::NotFound(format!("certificate {id}"))) }
    }
}

fn certificate(usage: &'static str) -> CertificateView {
    CertificateView {
        id: "00ff".into(),
        usage,
        subject: "CN=Test CA".into(),
        issuer: "CN=Test CA".into(),
        names: Vec::new(),
        certificates: 1,
        not_before: START,
        not_after: START,
        fingerprint: "00:FF".into(),
        created: START,
    }
}

/// Two calls of everybody's log, newest last.
fn log(start: Moment) -> Vec<LogEntry> {
    let missed = LogEntry {
        call: CallRef(0x0ffe),
        kind: LogKind::Missed,
        number: "+4589301201".into(),
        name: "Pharmacy <b>".into(),
        uri: None,
        started: start,
        seconds: None,
        forwarded: false,
    };
    let uri = format!("sip:{}@far.example.com", "blood-bank-".repeat(6));
    let placed = LogEntry {
        call: CallRef(0x0fff),
        kind: LogKind::Placed,
        uri: Some(uri),
        seconds: Some(187),
        ..missed.clone()
    };
    vec![missed, placed]
}

impl Handler<GetMailbox> for TestDesk {
    type Result = Result<Option<Mailbox>, DeskFault>;

    fn handle(&mut self, GetMailbox(user): GetMailbox, _: &mut Self::Context) -> Self::Result {
        self.user(&user)?;
        Ok(self.mailboxes.get(&user).cloned())
    }
}

impl Handler<SetMailbox> for TestDesk {
    type Result = Result<Mailbox, DeskFault>;

    fn handle(&mut self, SetMailbox { user, mailbox }: SetMailbox, _: &mut Self::Context) -> Self::Result {
        self.user(&user)?;
        self.mailboxes.insert(user, mailbox.clone());
        Ok(mailbox)
    }
}

impl Handler<GetForwarding> for TestDesk {
    type Result = Result<Forwarding, DeskFault>;

    fn handle(&mut self, GetForwarding(user): GetForwarding, _: &mut Self::Context) -> Self::Result {
        self.user(&user)?;
        Ok(self.forwarding.get(&user).cloned().unwrap_or_default())
    }
}

impl Handler<GetLines> for TestDesk {
    type Result = Result<LinesView, DeskFault>;

    fn handle(&mut self, GetLines(user): GetLines, _: &mut Self::Context) -> Self::Result {
        self.user(&user)?;
        Ok(self.lines.get(&user).cloned().unwrap_or_default())
    }
}

impl Handler<SetLines> for TestDesk {
    type Result = Result<LinesView, DeskFault>;

    fn handle(&mut self, SetLines { user, lines }: SetLines, _: &mut Self::Context) -> Self::Result {
        self.user(&user)?;
        if lines.private_number.as_deref() == Some("4712") {
            let fault = FieldFault::new("private_number", "4712 is reached by it already");
            return Err(DeskFault::Invalid(vec![fault]));
        }
        let view = LinesView { set: lines, ..LinesView::default() };
        self.lines.insert(user, view.clone());
        Ok(view)
    }
}

impl Handler<SetForwarding> for TestDesk {
    type Result = Result<Forwarding, DeskFault>;

    fn handle(&mut self, order: SetForwarding, _: &mut Self::Context) -> Self::Result {
        self.user(&order.user)?;
        if order.forwarding.always.as_deref() == Some("0900") {
            let fault = FieldFault::new("always", "calls to premium numbers are barred");
            return Err(DeskFault::Invalid(vec![fault]));
        }
        self.forwarding.insert(order.user, order.forwarding.clone());
        Ok(order.forwarding)
    }
}

impl Handler<ListFeatureCodes> for TestDesk {
    type Result = MessageResult<ListFeatureCodes>;

    fn handle(&mut self, _: ListFeatureCodes, _: &mut Self::Context) -> Self::Result {
        let codes: Vec<CodeLine> = FeatureCodes::default().list();
        MessageResult(codes)
    }
}

impl Handler<ListCallLog> for TestDesk {
    type Result = Result<CallLogPage, DeskFault>;

    fn handle(&mut self, ask: ListCallLog, _: &mut Self::Context) -> Self::Result {
        self.user(&ask.user)?;
        let fits = |entry: &&LogEntry| ask.kind.is_none_or(|kind| kind == entry.kind);
        let all: Vec<_> = self.log.iter().rev().filter(fits).cloned().collect();
        let behind = all.iter().filter(|entry| ask.after.is_none_or(|after| entry.call < after));
        let entries: Vec<_> = behind.clone().take(ask.limit).cloned().collect();
        Ok(CallLogPage { more: behind.count() > entries.len(), total: all.len(), entries })
    }
}

impl Handler<ClearCallLog> for TestDesk {
    type Result = Result<(), DeskFault>;

    fn handle(&mut self, order: ClearCallLog, _: &mut Self::Context) -> Self::Result {
        self.user(&order.user)?;
        self.log.retain(|entry| order.kind.is_some_and(|kind| kind != entry.kind));
        Ok(())
    }
}

answer!(SearchPhoneBook, |desk, asked| Ok(phone_book::search(&desk.phone_book, &asked)));

answer!(GetPhoneBookEntry, |desk, GetPhoneBookEntry(id)| {
    let found = desk.phone_book.iter().find(|view| view.entry.id == id).cloned();
    found.ok_or_else(|| DeskFault::NotFound(format!("entry {id}")))
});

answer!(CreatePhoneBookEntry, |desk, asked| phone_book::made("l-new", &asked.draft, Some(1)).inspect(
    |made| {
        if !asked.dry_run {
            desk.phone_book.push(made.clone());
        }
    }
));

answer!(ChangePhoneBookEntry, |desk, asked| desk.change_entry(&asked));

answer!(DeletePhoneBookEntry, |desk, asked| {
    let before = desk.phone_book.len();
    desk.phone_book.retain(|view| view.entry.id != asked.id);
    if desk.phone_book.len() < before {
        Ok(())
    } else {
        Err(DeskFault::NotFound(format!("entry {}", asked.id)))
    }
});

answer!(ImportPhoneBook, |_desk, asked| match asked.csv.starts_with(b"name,") {
    true => Ok(ImportOutcome {
        created: asked.csv.split(|b| *b == b'\n').count() - 2,
        ..ImportOutcome::default()
    }),
    false => Err(DeskFault::Invalid(vec![FieldFault::new("file", "line 1: the column \"name\" is missing")])),
});

answer!(ExportPhoneBook, |_desk, _| Ok("name,department,internal,office,mobile,home,other\r\n".into()));

answer!(GetPhoneBookState, |desk, _| Ok(desk.phone_book_state()));

// Stands in for digest: who says his name is believed.
answer!(ProveHandset, |_desk, asked| match &asked.authorization {
    None => Err(Unproven::Challenge(vec![
        "Digest realm=\"test\", nonce=\"n\", algorithm=MD5, qop=\"auth\"".into()
    ])),
    Some(value) if value.0.contains("locked") => Err(Unproven::Locked),
    Some(_) => Ok("4711".parse().unwrap()),
});

answer!(ReadDirectory, |desk, _| Ok(desk.phone_book_state()));

impl TestDesk {
    fn change_entry(&mut self, asked: &ChangePhoneBookEntry) -> Result<PhoneBookEntryView, DeskFault> {
        let found = self.phone_book.iter_mut().find(|view| view.entry.id == asked.id);
        let found = found.ok_or_else(|| DeskFault::NotFound(format!("entry {}", asked.id)))?;
        let before = found.revision.ok_or_else(|| DeskFault::Conflict("of the directory".into()))?;
        if asked.if_revision.is_some_and(|seen| seen != before) {
            return Err(DeskFault::Stale { revision: before });
        }
        *found = phone_book::made(&asked.id.0, &asked.draft, Some(before + 1))?;
        Ok(found.clone())
    }

    fn phone_book_state(&self) -> PhoneBookState {
        let directory = DirectoryState {
            uri: "ldaps://dc1.example.com".into(),
            entries: 1,
            read: Some(START),
            tried: Some(START + Duration::from_secs(3600)),
            fault: Some("the directory refuses CN=kirkwall: the account is locked".into()),
            ..DirectoryState::default()
        };
        PhoneBookState {
            entries: self.phone_book.len(),
            local: self.phone_book.iter().filter(|view| view.revision.is_some()).count(),
            directory: (!self.empty).then_some(directory),
        }
    }
}

//! The users actor: keeps the list of users, checks what is typed, saves it, tells the supervisor.
//!
//! ```text
//! web, spool ──CreateUser, ChangeUser, …──► check ──► save ──► supervisor: AccountChanged
//! ```
//!
//! Invariant: what an administrator was told is kept is on disk, and the supervisor hears of a user only
//! after that. While a change is being saved no other one is taken (`AtomicResponse`), so two changes of
//! one user cannot cross.

mod change;

use std::collections::BTreeMap;

use actix::prelude::*;
use kirkwall_core::id::Username;
use kirkwall_core::timer::Moment;
use kirkwall_data::user::{UserRecord, Users as UserRecords};
use kirkwall_data::users_csv::{self, Summary, Verdict};
use kirkwall_data::{Journal, SaveFault};
use tracing::{error, info};

use crate::clock::Clock;
use crate::desk::{
    ChangeUser, CreateUser, DeleteUser, DeskFault, FieldFault, GetUser, ImportOutcome, ImportUsers,
    ListUsers, RowFault, UserPage, UserView,
};
use crate::supervisor::{AccountChanged, AccountRemoved, InspectUsers, UserState};

/// Most users one switch keeps.
pub const MAX_USERS: usize = 20_000;

/// What the supervisor is told and asked.
#[derive(Clone)]
pub struct UsersPorts {
    /// A user is new or changed.
    pub changed: Recipient<AccountChanged>,
    /// A user is gone.
    pub removed: Recipient<AccountRemoved>,
    /// How users fare.
    pub states: Recipient<InspectUsers>,
}

/// Keeps the users. See the module.
pub struct Users {
    journal: Journal,
    store: UserRecords,
    users: BTreeMap<Username, UserRecord>,
    ports: UsersPorts,
    clock: Clock,
}

type Reply<T> = AtomicResponse<Users, Result<T, DeskFault>>;

impl Users {
    /// Reads all users; one that cannot be read is left out and logged, and stays on disk.
    pub fn new(journal: Journal, ports: UsersPorts, clock: Clock) -> Self {
        let store = UserRecords::new(&journal);
        let mut users = BTreeMap::new();
        for record in store.iter() {
            match record {
                Ok(record) => _ = users.insert(record.username.clone(), record),
                Err(fault) => error!(%fault, "a user cannot be read"),
            }
        }
        Self { journal, store, users, ports, clock }
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Saves records, then lets the supervisor know, then answers with the first one's view.
    fn keep(&mut self, records: Vec<UserRecord>) -> ResponseActFuture<Self, Result<(), DeskFault>> {
        let writes = records.iter().map(|record| self.store.put(record)).collect();
        let saved = self.journal.save(writes).into_actor(self);
        Box::pin(saved.map(|saved, users, _| {
            saved.map_err(not_saved)?;
            for record in records {
                users.ports.changed.do_send(AccountChanged(Box::new(record.clone())));
                users.users.insert(record.username.clone(), record);
            }
            Ok(())
        }))
    }

    fn views(&self, names: Vec<Username>) -> ResponseActFuture<Self, Vec<UserView>> {
        let states = self.ports.states.send(InspectUsers(names.clone())).into_actor(self);
        Box::pin(states.map(move |states, users, _| {
            let states = states.unwrap_or_default();
            let view = |name: &Username| users.users.get(name).map(|u| view(u, states.get(name)));
            names.iter().filter_map(view).collect()
        }))
    }

    fn one_view(&self, name: Username) -> ResponseActFuture<Self, Result<UserView, DeskFault>> {
        let missing = name.to_string();
        let views = self.views(vec![name]);
        Box::pin(
            views.map(move |mut views, _, _| {
                views.pop().ok_or(DeskFault::NotFound(format!("user {missing}")))
            }),
        )
    }

    fn current(&self, name: &Username, if_revision: Option<u64>) -> Result<&UserRecord, DeskFault> {
        let user = self.users.get(name).ok_or_else(|| DeskFault::NotFound(format!("user {name}")))?;
        match if_revision {
            Some(revision) if revision != user.revision => Err(DeskFault::Stale { revision: user.revision }),
            _ => Ok(user),
        }
    }

    fn created(&self, order: &CreateUser) -> Result<UserRecord, DeskFault> {
        let mut faults = Vec::new();
        let username = change::username(&order.username, &mut faults);
        let now = self.now();
        let mut record = username.clone().map(|name| UserRecord::new(name, now));
        change::apply(record.as_mut(), &order.fields, &mut faults);
        if let Some(record) = &record {
            change::check_numbers(record, &self.users, &mut faults);
        }
        match (record, username) {
            (Some(_), Some(name)) if faults.is_empty() && self.users.contains_key(&name) => {
                Err(DeskFault::Conflict(format!("user {name} exists already; change it instead")))
            }
            (Some(_), _) if faults.is_empty() && self.users.len() >= MAX_USERS => {
                Err(DeskFault::Conflict(format!("this switch keeps at most {MAX_USERS} users")))
            }
            (Some(record), _) if faults.is_empty() => Ok(record),
            _ => Err(DeskFault::Invalid(faults)),
        }
    }

    fn changed(&self, order: &ChangeUser) -> Result<UserRecord, DeskFault> {
        let mut record = self.current(&order.username, order.if_revision)?.clone();
        let before = record.clone();
        let mut faults = Vec::new();
        change::apply(Some(&mut record), &order.fields, &mut faults);
        change::check_numbers(&record, &self.users, &mut faults);
        if !faults.is_empty() {
            return Err(DeskFault::Invalid(faults));
        }
        if record != before {
            record.revision += 1;
            record.changed = self.now();
        }
        Ok(record)
    }

    /// Keeps a checked record, or with `dry_run` only shows it.
    fn settle(&mut self, record: Result<UserRecord, DeskFault>, dry_run: bool) -> Reply<UserView> {
        let record = match record {
            Err(fault) => return AtomicResponse::new(Box::pin(fut::err(fault))),
            Ok(record) if dry_run => return AtomicResponse::new(Box::pin(fut::ok(view(&record, None)))),
            Ok(record) => record,
        };
        let name = record.username.clone();
        let mut records = change::without_handset_of(&record, self.users.values(), self.now());
        records.push(record);
        let kept = self.keep(records);
        AtomicResponse::new(Box::pin(kept.then(|kept, users, _| match kept {
            Ok(()) => users.one_view(name),
            Err(fault) => Box::pin(fut::err(fault)) as ResponseActFuture<_, _>,
        })))
    }
}

impl Actor for Users {
    type Context = Context<Self>;

    /// First start and every restart: the supervisor hears of every user.
    fn started(&mut self, _: &mut Self::Context) {
        info!(users = self.users.len(), "users read");
        for record in self.users.values() {
            self.ports.changed.do_send(AccountChanged(Box::new(record.clone())));
        }
    }
}

impl Supervised for Users {}

impl Handler<ListUsers> for Users {
    type Result = ResponseActFuture<Self, Result<UserPage, DeskFault>>;

    fn handle(&mut self, order: ListUsers, _: &mut Self::Context) -> Self::Result {
        let needle = order.query.unwrap_or_default().to_lowercase();
        let fits = |u: &&UserRecord| {
            needle.is_empty()
                || u.username.as_str().to_lowercase().contains(&needle)
                || u.display_name.to_lowercase().contains(&needle)
        };
        let total = self.users.values().filter(fits).count();
        let behind = |u: &&UserRecord| order.after.as_ref().is_none_or(|after| u.username > *after);
        let rest: Vec<&UserRecord> = self.users.values().filter(fits).filter(behind).collect();
        let limit = order.limit.clamp(1, 1_000);
        let more = rest.len() > limit;
        let names = rest.into_iter().take(limit).map(|u| u.username.clone()).collect();
        Box::pin(self.views(names).map(move |users, _, _| Ok(UserPage { users, more, total })))
    }
}

impl Handler<GetUser> for Users {
    type Result = ResponseActFuture<Self, Result<UserView, DeskFault>>;

    fn handle(&mut self, GetUser(name): GetUser, _: &mut Self::Context) -> Self::Result {
        self.one_view(name)
    }
}

impl Handler<CreateUser> for Users {
    type Result = Reply<UserView>;

    fn handle(&mut self, order: CreateUser, _: &mut Self::Context) -> Self::Result {
        let record = self.created(&order);
        self.settle(record, order.dry_run)
    }
}

impl Handler<ChangeUser> for Users {
    type Result = Reply<UserView>;

    fn handle(&mut self, order: ChangeUser, _: &mut Self::Context) -> Self::Result {
        let record = self.changed(&order);
        self.settle(record, order.dry_run)
    }
}

impl Handler<DeleteUser> for Users {
    type Result = Reply<()>;

    fn handle(&mut self, order: DeleteUser, _: &mut Self::Context) -> Self::Result {
        if let Err(fault) = self.current(&order.username, order.if_revision) {
            return AtomicResponse::new(Box::pin(fut::err(fault)));
        }
        let saved = self.journal.save(vec![self.store.delete(&order.username)]).into_actor(self);
        AtomicResponse::new(Box::pin(saved.map(move |saved, users, _| {
            saved.map_err(not_saved)?;
            users.users.remove(&order.username);
            users.ports.removed.do_send(AccountRemoved(order.username));
            Ok(())
        })))
    }
}

/// Imports a CSV file and answers with the verdict on every row; desk and spool both come here.
#[derive(Debug, Message)]
#[rtype(result = "Result<Summary, DeskFault>")]
pub struct Import {
    /// The file.
    pub csv: Vec<u8>,
    /// Only check.
    pub dry_run: bool,
}

impl Handler<Import> for Users {
    type Result = Reply<Summary>;

    fn handle(&mut self, order: Import, _: &mut Self::Context) -> Self::Result {
        let (summary, records) = match self.judged(&order.csv) {
            Ok(judged) => judged,
            Err(fault) => return AtomicResponse::new(Box::pin(fut::err(fault))),
        };
        if order.dry_run || records.is_empty() {
            return AtomicResponse::new(Box::pin(fut::ok(summary)));
        }
        let kept = self.keep(records);
        AtomicResponse::new(Box::pin(kept.map(|kept, _, _| kept.map(|()| summary))))
    }
}

impl Handler<ImportUsers> for Users {
    type Result = ResponseFuture<Result<ImportOutcome, DeskFault>>;

    fn handle(&mut self, order: ImportUsers, ctx: &mut Self::Context) -> Self::Result {
        let imported = ctx.address().send(Import { csv: order.csv, dry_run: order.dry_run });
        Box::pin(async move {
            let gone = |_| DeskFault::Failed("the users cannot be reached".into());
            imported.await.map_err(gone)?.map(|summary| outcome(&summary))
        })
    }
}

impl Users {
    fn judged(&self, csv: &[u8]) -> Result<(Summary, Vec<UserRecord>), DeskFault> {
        let bad_file = |fault: users_csv::FileFault| {
            DeskFault::Invalid(vec![FieldFault::new("file", fault.to_string())])
        };
        let rows = users_csv::parse(csv).map_err(bad_file)?;
        let (summary, records) = users_csv::judge(rows, |name| self.users.get(name).cloned(), self.now());
        if self.users.len() + summary.created > MAX_USERS {
            return Err(DeskFault::Conflict(format!("this switch keeps at most {MAX_USERS} users")));
        }
        Ok((summary, records))
    }
}

fn outcome(summary: &Summary) -> ImportOutcome {
    let errors = summary.rows.iter().filter_map(|row| match &row.verdict {
        Verdict::Error { field, reason } => {
            Some(RowFault { line: row.line, field: field.clone(), detail: reason.clone() })
        }
        _ => None,
    });
    ImportOutcome {
        created: summary.created,
        updated: summary.updated,
        unchanged: summary.unchanged,
        errors: errors.collect(),
    }
}

fn view(user: &UserRecord, state: Option<&UserState>) -> UserView {
    UserView {
        username: user.username.clone(),
        display_name: user.display_name.clone(),
        standby_text: user.standby_text.clone(),
        auth_username: user.auth_username.clone(),
        auth_password_set: !user.auth_password.is_empty(),
        ipei: user.ipei.clone(),
        access_code_set: user.access_code.is_some(),
        south_password_set: user.south_password.is_some(),
        enabled: user.enabled,
        secondary_username: user.secondary_username.clone(),
        pickup_group: user.pickup_group.clone(),
        allowed_calls: user.allowed_calls,
        revision: user.revision,
        handset_registered: state.is_some_and(|s| s.handset_registered),
        registration: state.map_or_else(|| "off".to_owned(), |s| s.registration.clone()),
        calls: state.map_or(0, |s| s.calls),
        mailbox: state.and_then(|s| s.mailbox.clone()),
    }
}

pub(crate) fn not_saved(fault: SaveFault) -> DeskFault {
    match fault {
        SaveFault::Busy => DeskFault::Busy("the store has too much to write; try again".into()),
        other => DeskFault::Failed(format!("not saved: {other}")),
    }
}

//! Calls in somebody's name, and calls to a private line.

use std::future::ready;

use actix::prelude::*;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dialling::NumberClass;
use kirkwall_core::call::represented::{ExtraLines, Represented, on_behalf_of};
use kirkwall_core::call::route::Way;
use kirkwall_core::id::{CallRef, Username};
use kirkwall_core::sip::wire::{Text, Uri};
use tracing::info;

use super::{Admit, AdmitReply, Supervisor};
use crate::desk::{DeskFault, FieldFault, GetLines, LinesView, SetLines};
use crate::users::not_saved;

/// Most people in whose name one user may call.
const MOST_MANAGERS: usize = 32;
/// Longest private number, and longest address of somebody.
const LONGEST: usize = 64;

impl Supervisor {
    /// A delegate calls a number in the name of somebody.
    pub(super) fn call_on_behalf(
        &mut self,
        ask: &Admit,
        user: &Username,
        (manager, number): (&str, &str),
    ) -> AdmitReply {
        let delegator = self.address_of(manager);
        if !self.may_call_for(user, &delegator) {
            return Err(Cause::of_status(403, format!("{user} is no delegate of {manager}")));
        }
        let uri = Uri::parse(&Text::from(self.aor(number)));
        let uri = uri.ok_or_else(|| Cause::of_status(484, "this is no number to call"))?;
        let ask = Admit { dialled: uri, ..ask.clone() };
        let routed = self.route(&ask);
        if matches!(routed.way, Way::Code(_) | Way::NewRoom | Way::Room(_)) {
            return Err(Cause::of_status(484, "a number is called in somebody's name, no code and no room"));
        }
        // Who calls for help calls for himself.
        if routed.class != NumberClass::Emergency {
            info!(call = %ask.call, %user, for_whom = %delegator, "a call in somebody's name");
            let named = self.user_called(&user_part(&delegator)).and_then(|named| self.accounts.get(&named));
            let name = named.map(|record| record.display_name.clone()).unwrap_or_default();
            if let Some(entry) = self.calls.get_mut(&ask.call) {
                entry.represents = Some(Represented { name, number: user_part(&delegator) });
                entry.on_behalf = Some(delegator);
            }
        }
        self.follow_route(&ask, routed, false)
    }

    /// The header that says in whose name the call is made.
    pub(super) fn headers_on_behalf(&self, call: CallRef) -> Option<(String, String)> {
        self.calls.get(&call)?.on_behalf.as_deref().map(on_behalf_of)
    }

    /// Whether a call's number, or what the north says of it, is the user's private line.
    pub(super) fn by_private_line(&self, dialled: &str) -> bool {
        let told = || self.line_book.told.values().any(|told| told.private.as_deref() == Some(dialled));
        self.line_book.private.contains_key(dialled) || told()
    }

    /// By an administrator's word, or by the manager's own in his Lync client.
    fn may_call_for(&self, user: &Username, delegator: &str) -> bool {
        let set = self.line_book.lines.get(user).map(|lines| lines.managers.as_slice()).unwrap_or_default();
        let manager = self.user_called(&user_part(delegator));
        let told = manager.and_then(|manager| self.line_book.told.get(&manager));
        let own = bare(&self.aor(user.as_str()));
        set.iter().any(|one| bare(&self.address_of(one)) == bare(delegator))
            || told.is_some_and(|told| told.delegates.iter().any(|delegate| bare(delegate) == own))
    }

    /// The address of record that a number, name, address or URI means.
    fn address_of(&self, named: &str) -> String {
        match (named.contains(':'), named.contains('@')) {
            (true, _) => named.to_owned(),
            (false, true) => format!("sip:{named}"),
            (false, false) => {
                let user = self.user_called(named);
                self.aor(user.as_ref().map_or(named, Username::as_str))
            }
        }
    }

    fn check_lines(&self, user: &Username, lines: &ExtraLines) -> Result<(), DeskFault> {
        let mut faults = Vec::new();
        if let Some(number) = &lines.private_number {
            let digits = number.trim_start_matches('+');
            let good = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            let private = self.line_book.private.get(number).filter(|owner| *owner != user).cloned();
            let owner = self.user_called(number).or(private);
            match owner {
                _ if !good || number.len() > LONGEST => {
                    faults.push(FieldFault::new(
                        "private_number",
                        "write digits, with or without + before them",
                    ));
                }
                Some(owner) => {
                    faults
                        .push(FieldFault::new("private_number", format!("{owner} is reached by it already")));
                }
                None => {}
            }
        }
        let is_good = |one: &String| {
            !one.is_empty()
                && one.len() <= LONGEST
                && one.chars().all(|c| c.is_ascii_graphic() && !"<>\"".contains(c))
        };
        if lines.managers.len() > MOST_MANAGERS || !lines.managers.iter().all(is_good) {
            let words = "up to 32 usernames or addresses of at most 64 characters";
            faults.push(FieldFault::new("managers", words));
        }
        if faults.is_empty() { Ok(()) } else { Err(DeskFault::Invalid(faults)) }
    }

    fn lines_view(&self, user: &Username) -> LinesView {
        let told = self.line_book.told.get(user);
        LinesView {
            set: self.line_book.lines.get(user).cloned().unwrap_or_default(),
            private_told: told.and_then(|told| told.private.clone()),
            delegates_told: told.map(|told| told.delegates.clone()).unwrap_or_default(),
            forwarded_by_north: self.forwarded_by_north(user),
        }
    }
}

impl Handler<GetLines> for Supervisor {
    type Result = Result<LinesView, DeskFault>;

    fn handle(&mut self, GetLines(user): GetLines, _: &mut Self::Context) -> Self::Result {
        self.must_know(&user)?;
        Ok(self.lines_view(&user))
    }
}

impl Handler<SetLines> for Supervisor {
    type Result = ResponseActFuture<Self, Result<LinesView, DeskFault>>;

    fn handle(&mut self, SetLines { user, lines }: SetLines, _: &mut Self::Context) -> Self::Result {
        let checked = self.must_know(&user).and_then(|()| self.check_lines(&user, &lines));
        if let Err(fault) = checked {
            return Box::pin(ready(Err(fault)).into_actor(self));
        }
        let write = self.feature_write(&user, |record| record.lines = lines.clone());
        let saved = self.ports.journal.save(vec![write]).into_actor(self);
        Box::pin(saved.map(move |saved, me, _| {
            saved.map_err(not_saved)?;
            me.line_book.take_lines(&user, lines);
            Ok(me.lines_view(&user))
        }))
    }
}

/// An address without its scheme and parameters, for comparing.
fn bare(uri: &str) -> String {
    let address = uri.split(';').next().unwrap_or_default();
    let address = address.split_once(':').map_or(address, |(_, rest)| rest);
    address.to_ascii_lowercase()
}

fn user_part(uri: &str) -> String {
    bare(uri).split('@').next().unwrap_or_default().to_owned()
}

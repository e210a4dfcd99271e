//! Local entries: made, changed, removed, imported, exported.

use std::collections::{HashMap, HashSet};

use actix::prelude::*;
use kirkwall_core::directory::{Draft, Entry, EntryId, Fault, Source, fold};
use kirkwall_data::phone_book::LocalEntry;
use kirkwall_data::phone_book_csv::{self, Line};
use kirkwall_data::tree::Write;

use super::Directory;
use crate::desk::{
    ChangePhoneBookEntry, CreatePhoneBookEntry, DeletePhoneBookEntry, DeskFault, ExportPhoneBook, FieldFault,
    GetPhoneBookEntry, ImportOutcome, ImportPhoneBook, PhoneBookEntryView, RowFault,
};
use crate::users::not_saved;

/// Most local entries; further names belong into a directory.
pub const MAX_LOCAL: usize = 10_000;

type Reply<T> = AtomicResponse<Directory, Result<T, DeskFault>>;

impl Directory {
    pub(super) fn view(&self, entry: &Entry) -> PhoneBookEntryView {
        let revision = self.local.get(&entry.id).map(|record| record.revision);
        PhoneBookEntryView { entry: entry.clone(), revision }
    }

    /// Saves, then has the new book indexed, then answers.
    fn settle<T: 'static>(
        &mut self,
        writes: Vec<Write>,
        change: impl FnOnce(&mut Self) -> T + 'static,
    ) -> Reply<T> {
        let saved = self.journal.save(writes).into_actor(self);
        AtomicResponse::new(Box::pin(saved.then(|saved, me, _| match saved.map_err(not_saved) {
            Err(fault) => Box::pin(fut::err(fault)) as ResponseActFuture<_, _>,
            Ok(()) => {
                let answer = change(me);
                Box::pin(me.rebuild().map(|(), _, _| Ok(answer)))
            }
        })))
    }

    fn keep_entry(&mut self, record: LocalEntry) -> Reply<PhoneBookEntryView> {
        self.settle(vec![self.store.put(&record)], |me| {
            let view = PhoneBookEntryView { entry: record.entry.clone(), revision: Some(record.revision) };
            me.local.insert(record.entry.id.clone(), record);
            view
        })
    }

    fn fresh_id(&mut self) -> EntryId {
        EntryId(format!("l-{}", self.tokens.word()))
    }

    fn read_draft(&self, id: EntryId, draft: &Draft) -> Result<Entry, DeskFault> {
        let field = |fault: Fault| FieldFault::new(fault.field, fault.why);
        draft
            .strict(id, Source::Local, &self.settings.rules)
            .map_err(|faults| DeskFault::Invalid(faults.into_iter().map(field).collect()))
    }

    fn current(&self, id: &EntryId, if_revision: Option<u64>) -> Result<&LocalEntry, DeskFault> {
        let found = self.local.get(id).ok_or_else(|| match self.book.now().get(id) {
            Some(_) => DeskFault::Conflict(
                "this entry is of the directory; change it there, or make a local one".into(),
            ),
            None => DeskFault::NotFound(format!("entry {id}")),
        })?;
        match if_revision {
            Some(revision) if revision != found.revision => {
                Err(DeskFault::Stale { revision: found.revision })
            }
            _ => Ok(found),
        }
    }

    fn created(&mut self, draft: &Draft) -> Result<LocalEntry, DeskFault> {
        let id = self.fresh_id();
        let entry = self.read_draft(id, draft)?;
        match self.local.len() < MAX_LOCAL {
            true => Ok(LocalEntry { entry, changed: self.clock.now(), revision: 1 }),
            false => Err(too_many()),
        }
    }

    fn changed(&self, order: &ChangePhoneBookEntry) -> Result<LocalEntry, DeskFault> {
        let before = self.current(&order.id, order.if_revision)?;
        let entry = self.read_draft(order.id.clone(), &order.draft)?;
        match entry == before.entry {
            true => Ok(before.clone()),
            false => Ok(LocalEntry { entry, changed: self.clock.now(), revision: before.revision + 1 }),
        }
    }

    /// What an import would do: the outcome, and the records that it changes.
    fn judged(&mut self, lines: Vec<Line>) -> Result<(ImportOutcome, Vec<LocalEntry>), DeskFault> {
        let place = |entry: &Entry| (fold(&entry.name), fold(&entry.department));
        let known: HashMap<_, _> =
            self.local.values().map(|r| (place(&r.entry), r.entry.id.clone())).collect();
        let (mut outcome, mut records, mut seen) = (ImportOutcome::default(), Vec::new(), HashSet::new());
        for Line { line, draft } in lines {
            let mut wrong = |field: &str, detail: String| {
                outcome.errors.push(RowFault { line, field: field.to_owned(), detail });
            };
            let fresh = EntryId(format!("l-{}", self.tokens.word()));
            let mut entry = match draft.strict(fresh, Source::Local, &self.settings.rules) {
                Ok(entry) => entry,
                Err(faults) => {
                    faults.into_iter().for_each(|fault| wrong(fault.field, fault.why));
                    continue;
                }
            };
            let key = place(&entry);
            if !seen.insert(key.clone()) {
                wrong(
                    "name",
                    "stands there twice with the same department; put all numbers into one line".into(),
                );
                continue;
            }
            let before = known.get(&key).and_then(|id| self.local.get(id));
            if let Some(before) = before {
                entry.id = before.entry.id.clone();
            }
            match before {
                Some(before) if before.entry == entry => outcome.unchanged += 1,
                before => {
                    let revision = before.map_or(0, |before| before.revision) + 1;
                    let count = if before.is_some() { &mut outcome.updated } else { &mut outcome.created };
                    *count += 1;
                    records.push(LocalEntry { entry, changed: self.clock.now(), revision });
                }
            }
        }
        match self.local.len() + outcome.created <= MAX_LOCAL {
            true => Ok((outcome, records)),
            false => Err(too_many()),
        }
    }
}

fn too_many() -> DeskFault {
    DeskFault::Conflict(format!("this switch keeps at most {MAX_LOCAL} local entries"))
}

fn failed<T: 'static>(fault: DeskFault) -> Reply<T> {
    AtomicResponse::new(Box::pin(fut::err(fault)))
}

fn shown(record: &LocalEntry) -> Reply<PhoneBookEntryView> {
    let view = PhoneBookEntryView { entry: record.entry.clone(), revision: Some(record.revision) };
    AtomicResponse::new(Box::pin(fut::ok(view)))
}

impl Handler<GetPhoneBookEntry> for Directory {
    type Result = Result<PhoneBookEntryView, DeskFault>;

    fn handle(&mut self, GetPhoneBookEntry(id): GetPhoneBookEntry, _: &mut Self::Context) -> Self::Result {
        // A local entry is there even when it is over the bounds of the book.
        let local = self.local.get(&id).map(|record| self.view(&record.entry));
        let found = local.or_else(|| self.book.now().get(&id).map(|entry| self.view(entry)));
        found.ok_or_else(|| DeskFault::NotFound(format!("entry {id}")))
    }
}

impl Handler<CreatePhoneBookEntry> for Directory {
    type Result = Reply<PhoneBookEntryView>;

    fn handle(&mut self, order: CreatePhoneBookEntry, _: &mut Self::Context) -> Self::Result {
        match self.created(&order.draft) {
            Err(fault) => failed(fault),
            Ok(record) if order.dry_run => shown(&record),
            Ok(record) => self.keep_entry(record),
        }
    }
}

impl Handler<ChangePhoneBookEntry> for Directory {
    type Result = Reply<PhoneBookEntryView>;

    fn handle(&mut self, order: ChangePhoneBookEntry, _: &mut Self::Context) -> Self::Result {
        match self.changed(&order) {
            Err(fault) => failed(fault),
            Ok(record) if order.dry_run => shown(&record),
            Ok(record) => self.keep_entry(record),
        }
    }
}

impl Handler<DeletePhoneBookEntry> for Directory {
    type Result = Reply<()>;

    fn handle(&mut self, order: DeletePhoneBookEntry, _: &mut Self::Context) -> Self::Result {
        if let Err(fault) = self.current(&order.id, order.if_revision) {
            return failed(fault);
        }
        self.settle(vec![self.store.delete(&order.id)], move |me| drop(me.local.remove(&order.id)))
    }
}

impl Handler<ImportPhoneBook> for Directory {
    type Result = Reply<ImportOutcome>;

    fn handle(&mut self, order: ImportPhoneBook, _: &mut Self::Context) -> Self::Result {
        let bad_file = |why: String| DeskFault::Invalid(vec![FieldFault::new("file", why)]);
        let judged = phone_book_csv::parse(&order.csv).map_err(bad_file).and_then(|lines| self.judged(lines));
        let (outcome, records) = match judged {
            Ok(judged) => judged,
            Err(fault) => return failed(fault),
        };
        if order.dry_run || records.is_empty() || !outcome.errors.is_empty() {
            return AtomicResponse::new(Box::pin(fut::ok(outcome)));
        }
        let writes = records.iter().map(|record| self.store.put(record)).collect();
        self.settle(writes, move |me| {
            me.local.extend(records.into_iter().map(|record| (record.entry.id.clone(), record)));
            outcome
        })
    }
}

impl Handler<ExportPhoneBook> for Directory {
    type Result = Result<String, DeskFault>;

    fn handle(&mut self, _: ExportPhoneBook, _: &mut Self::Context) -> Self::Result {
        let mut entries: Vec<&Entry> = self.local.values().map(|record| &record.entry).collect();
        entries.sort_by_cached_key(|entry| fold(&entry.name));
        Ok(phone_book_csv::write(entries))
    }
}

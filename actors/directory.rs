//! The directory actor: keeps the phone book. Local entries are changed here, the company's directory is read
//! now and then, and both together are the book that everybody looks into.
//!
//! ```text
//! web ── Create, Change, Import ──► check ──► save ──┐
//!                                                    ├─► index, beside the mailbox ──► SharedBook
//! clock ──► Reader (LDAP) ──► a good copy ──► save ──┘
//!              └─► a fault: told, tried again; the last good copy stays
//! ```
//!
//! Invariant: what the book shows is on disk. A switch that starts while the directory is away serves the last
//! good copy. It fails softly: a directory that is away, empty or confused changes nothing but the state that
//! REST, pages and the doctor tell.

mod local;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures::future::BoxFuture;
use kirkwall_core::directory::{Book, Entry, EntryId, NumberRules, Query, Source};
use kirkwall_core::id::Tokens;
use kirkwall_core::timer::Moment;
use kirkwall_data::Journal;
use kirkwall_data::phone_book::{Copies, LocalEntries, LocalEntry};
use kirkwall_integration::directory::{Copy, Cut, LdapFault};
use metrics::{counter, gauge};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::desk::{
    DeskFault, DirectoryState, GetPhoneBookState, PhoneBookPage, PhoneBookState, ReadDirectory,
    SearchPhoneBook,
};
use crate::phone_book::SharedBook;
use crate::users::not_saved;

/// Reads the whole directory once.
pub type Reader = Arc<dyn Fn() -> BoxFuture<'static, Result<Copy, LdapFault>> + Send + Sync>;

/// After a fault that may pass by itself.
const AGAIN: Duration = Duration::from_secs(60);

/// What the phone book is told.
#[derive(Clone)]
pub struct DirectorySettings {
    /// Where the directory is, for people, and how it is read. None: there is none.
    pub source: Option<(String, Reader)>,
    /// Between two reads.
    pub refresh: Duration,
    /// How numbers are dialled here.
    pub rules: NumberRules,
}

/// Keeps the phone book. See the module.
pub struct Directory {
    journal: Journal,
    store: LocalEntries,
    copies: Copies,
    settings: DirectorySettings,
    clock: Clock,
    tokens: Tokens,
    local: BTreeMap<EntryId, LocalEntry>,
    copy: Arc<Vec<Entry>>,
    book: SharedBook,
    /// Number of the last book that was begun.
    books: u64,
    state: DirectoryState,
    /// Who waits for the end of a read.
    waiting: Vec<oneshot::Sender<()>>,
    alarm: Option<SpawnHandle>,
}

impl Directory {
    /// With what is on disk. A copy of a directory that is configured no more is not served.
    pub fn new(
        journal: Journal,
        settings: DirectorySettings,
        book: SharedBook,
        clock: Clock,
        tokens: Tokens,
    ) -> Self {
        let (store, copies) = (LocalEntries::new(&journal), Copies::new(&journal));
        let mut local = BTreeMap::new();
        for record in store.iter() {
            match record {
                Ok(record) => _ = local.insert(record.entry.id.clone(), record),
                Err(fault) => error!(%fault, "an entry of the phone book cannot be read"),
            }
        }
        let mut state = DirectoryState::default();
        let mut copy = Vec::new();
        match copies.load() {
            Ok(Some((read, entries))) if settings.source.is_some() => {
                (state.read, copy) = (Some(read), entries)
            }
            Ok(_) => {}
            Err(fault) => error!(%fault, "the last copy of the directory cannot be read; it is read anew"),
        }
        state.uri = settings.source.as_ref().map_or_else(String::new, |(uri, _)| uri.clone());
        state.entries = copy.len();
        let copy = Arc::new(copy);
        Self {
            journal,
            store,
            copies,
            settings,
            clock,
            tokens,
            local,
            copy,
            book,
            books: 0,
            state,
            waiting: Vec::new(),
            alarm: None,
        }
    }

    /// Indexes local entries and copy beside the mailbox, and puts the new book in place.
    fn rebuild(&mut self) -> impl ActorFuture<Self, Output = ()> + use<> {
        self.books += 1;
        let (number, book, copy) = (self.books, self.book.clone(), self.copy.clone());
        let local: Vec<Entry> = self.local.values().map(|record| record.entry.clone()).collect();
        let indexed = actix::spawn(async move {
            // Half a second for fifty thousand entries, which no mailbox should wait for.
            let index = tokio::task::spawn_blocking(move || {
                book.replace(number, Book::new(local.into_iter().chain(copy.iter().cloned())));
            });
            if let Err(error) = index.await {
                error!(%error, "the phone book could not be indexed; the former one stays");
            }
        });
        indexed.into_actor(self).map(|_, me, _| {
            gauge!("ipdect_phone_book_entries").set(me.book.now().len() as f64);
        })
    }

    /// Begins to read, unless that is going on.
    fn read(&mut self, ctx: &mut Context<Self>) {
        let Some((_, reader)) = self.settings.source.clone() else { return };
        if std::mem::replace(&mut self.state.reading, true) {
            return;
        }
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm);
        }
        self.state.tried = Some(self.clock.now());
        let read = reader().into_actor(self);
        ctx.spawn(read.then(|read, me, _| me.keep(read)).map(|kept, me, ctx| me.has_read(kept, ctx)));
    }

    /// Saves a good copy and has it indexed.
    fn keep(&mut self, read: Result<Copy, LdapFault>) -> ResponseActFuture<Self, Result<(), Trouble>> {
        let copy = match read {
            Ok(copy) => copy,
            Err(fault) => return Box::pin(fut::err(Trouble::of(&fault))),
        };
        let rules = self.settings.rules.clone();
        let usable = |read: kirkwall_integration::directory::Read| {
            read.draft.lenient(read.id, Source::Directory, &rules)
        };
        let entries: Vec<Entry> = copy.entries.into_iter().filter_map(usable).collect();
        if entries.is_empty() {
            return Box::pin(fut::err(Trouble::nothing_found()));
        }
        self.state.warning = copy.cut.map(|cut| cut_words(cut, entries.len()));
        let now = self.clock.now();
        let same = *self.copy == entries;
        let writes = match same {
            true => self.copies.confirm(now).into_iter().collect(),
            false => self.copies.replace(now, &entries),
        };
        let saved = self.journal.save(writes).into_actor(self);
        Box::pin(saved.then(move |saved, me, _| match saved.map_err(not_saved) {
            Err(fault) => Box::pin(fut::err(Trouble::store(&fault))) as ResponseActFuture<_, _>,
            Ok(()) => {
                (me.state.read, me.state.entries) = (Some(now), entries.len());
                if same {
                    return Box::pin(fut::ok(())) as ResponseActFuture<_, _>;
                }
                me.copy = Arc::new(entries);
                Box::pin(me.rebuild().map(|(), _, _| Ok(())))
            }
        }))
    }

    fn has_read(&mut self, kept: Result<(), Trouble>, ctx: &mut Context<Self>) {
        let mut pause = self.settings.refresh;
        let word = match &kept {
            Ok(()) => "good",
            Err(trouble) => trouble.word,
        };
        counter!("ipdect_directory_reads_total", "result" => word).increment(1);
        match kept {
            Ok(()) => {
                if self.state.fault.take().is_some() || self.books <= 2 {
                    info!(entries = self.state.entries, "the directory was read");
                }
            }
            Err(trouble) => {
                // Once a fault is told, it is told again only when it changes.
                if self.state.fault.as_ref() != Some(&trouble.words) {
                    warn!(fault = %trouble.words, entries = self.state.entries, "the directory was not read; the last good copy stays");
                }
                if trouble.may_pass {
                    pause = pause.min(AGAIN);
                }
                self.state.fault = Some(trouble.words);
            }
        }
        self.state.reading = false;
        // One who waits no longer is not missed.
        self.waiting.drain(..).for_each(|waiting| _ = waiting.send(()));
        self.alarm = Some(ctx.run_later(pause, |me, ctx| me.read(ctx)));
    }

    fn state(&self) -> PhoneBookState {
        PhoneBookState {
            entries: self.book.now().len(),
            local: self.local.len(),
            directory: self.settings.source.is_some().then(|| self.state.clone()),
        }
    }
}

/// Why there is no new copy.
struct Trouble {
    word: &'static str,
    words: String,
    /// Trying again soon may help.
    may_pass: bool,
}

impl Trouble {
    fn of(fault: &LdapFault) -> Self {
        // Directories lock accounts after a few wrong passwords, so a refused one is not tried every minute.
        let may_pass = !matches!(fault, LdapFault::BindRefused { .. });
        Self { word: fault.word(), words: fault.to_string(), may_pass }
    }

    /// Active Directory answers so when the account may read nothing.
    fn nothing_found() -> Self {
        let words = "the directory gives no entry with a name and a number; check phone_book.base, phone_book.filter, \
                     the attributes, and what the account may read";
        Self { word: "nothing_found", words: words.to_owned(), may_pass: true }
    }

    fn store(fault: &DeskFault) -> Self {
        Self { word: "not_saved", words: fault.to_string(), may_pass: true }
    }
}

fn cut_words(cut: Cut, entries: usize) -> String {
    match cut {
        Cut::Ours => format!(
            "there are more than {entries} entries; raise phone_book.entries or narrow phone_book.filter"
        ),
        Cut::Theirs => format!(
            "the directory gives {entries} entries and no more (its size limit); raise that for the account, or narrow \
             phone_book.filter"
        ),
    }
}

impl Actor for Directory {
    type Context = Context<Self>;

    /// First start and every restart: what is on disk becomes the book before anything else is answered.
    fn started(&mut self, ctx: &mut Self::Context) {
        self.alarm = None;
        self.state.reading = false;
        ctx.wait(self.rebuild());
        match self.settings.source {
            Some(_) => self.read(ctx),
            None => {
                let forgotten = self.journal.save(self.copies.forget()).into_actor(self);
                ctx.spawn(forgotten.map(|_, _, _| ()));
            }
        }
    }
}

impl Supervised for Directory {}

impl Handler<SearchPhoneBook> for Directory {
    type Result = Result<PhoneBookPage, DeskFault>;

    fn handle(&mut self, ask: SearchPhoneBook, _: &mut Self::Context) -> Self::Result {
        let read = if ask.multi_tap { Query::multi_tap } else { Query::typed };
        let (query, book) = (read(&ask.query, &self.settings.rules), self.book.now());
        let found = book.search(&query, ask.offset, ask.limit.max(1));
        let entries = found.entries.into_iter().map(|entry| self.view(entry)).collect();
        Ok(PhoneBookPage { entries, total: found.total, size: book.len() })
    }
}

impl Handler<GetPhoneBookState> for Directory {
    type Result = Result<PhoneBookState, DeskFault>;

    fn handle(&mut self, _: GetPhoneBookState, _: &mut Self::Context) -> Self::Result {
        Ok(self.state())
    }
}

impl Handler<ReadDirectory> for Directory {
    type Result = ResponseActFuture<Self, Result<PhoneBookState, DeskFault>>;

    fn handle(&mut self, _: ReadDirectory, ctx: &mut Self::Context) -> Self::Result {
        if self.settings.source.is_none() {
            let missing = "no directory is configured; set phone_book.uri".to_owned();
            return Box::pin(fut::err(DeskFault::Conflict(missing)));
        }
        let (done, read) = oneshot::channel();
        self.waiting.push(done);
        self.read(ctx);
        Box::pin(read.into_actor(self).map(|_, me, _| Ok(me.state())))
    }
}

/// When the last good copy was read, for the doctor.
pub fn last_copy(journal: &Journal) -> Option<(Moment, usize)> {
    Copies::new(journal).load().ok().flatten().map(|(read, entries)| (read, entries.len()))
}

#[cfg(test)]
mod tests;

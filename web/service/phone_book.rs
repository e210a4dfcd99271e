//! The phone book.

use kirkwall_actors::desk::{
    Bearer, ChangePhoneBookEntry, CreatePhoneBookEntry, DeletePhoneBookEntry, ExportPhoneBook,
    GetPhoneBookEntry, GetPhoneBookState, ImportOutcome, ImportPhoneBook, PhoneBookEntryView, PhoneBookPage,
    PhoneBookState, ReadDirectory, SearchPhoneBook,
};
use kirkwall_core::directory::EntryId;

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// Entries that fit.
pub async fn search(site: &Site, wanted: SearchPhoneBook) -> Result<PhoneBookPage, Problem> {
    Ok(ask(&site.desk.search_phone_book, wanted).await??)
}

/// One entry.
pub async fn get(site: &Site, id: EntryId) -> Result<PhoneBookEntryView, Problem> {
    Ok(ask(&site.desk.get_phone_book_entry, GetPhoneBookEntry(id)).await??)
}

/// Makes a local entry, or only checks.
pub async fn create(
    site: &Site,
    who: &Bearer,
    order: CreatePhoneBookEntry,
) -> Result<PhoneBookEntryView, Problem> {
    let dry_run = order.dry_run;
    let view = ask(&site.desk.create_phone_book_entry, order).await??;
    if !dry_run {
        audit(who, "phone book entry created", &view.entry.id);
    }
    Ok(view)
}

/// Changes a local entry, or only checks.
pub async fn change(
    site: &Site,
    who: &Bearer,
    order: ChangePhoneBookEntry,
) -> Result<PhoneBookEntryView, Problem> {
    let dry_run = order.dry_run;
    let view = ask(&site.desk.change_phone_book_entry, order).await??;
    if !dry_run {
        audit(who, "phone book entry changed", &view.entry.id);
    }
    Ok(view)
}

/// Removes a local entry.
pub async fn delete(site: &Site, who: &Bearer, order: DeletePhoneBookEntry) -> Result<(), Problem> {
    let id = order.id.clone();
    ask(&site.desk.delete_phone_book_entry, order).await??;
    audit(who, "phone book entry deleted", &id);
    Ok(())
}

/// Imports local entries, or only checks.
pub async fn import(
    site: &Site,
    who: &Bearer,
    csv: Vec<u8>,
    dry_run: bool,
) -> Result<ImportOutcome, Problem> {
    let outcome = ask(&site.desk.import_phone_book, ImportPhoneBook { csv, dry_run }).await??;
    if !dry_run && outcome.errors.is_empty() {
        audit(
            who,
            "phone book imported",
            &format_args!("{} new, {} changed", outcome.created, outcome.updated),
        );
    }
    Ok(outcome)
}

/// All local entries as CSV.
pub async fn export(site: &Site) -> Result<String, Problem> {
    Ok(ask(&site.desk.export_phone_book, ExportPhoneBook).await??)
}

/// How it fares.
pub async fn state(site: &Site) -> Result<PhoneBookState, Problem> {
    Ok(ask(&site.desk.get_phone_book_state, GetPhoneBookState).await??)
}

/// Reads the directory now.
pub async fn read_directory(site: &Site, who: &Bearer) -> Result<PhoneBookState, Problem> {
    audit(who, "directory read", &"now");
    Ok(ask(&site.desk.read_directory, ReadDirectory).await??)
}

//! The phone book: the directory actor, and the names of callers.

use std::sync::Arc;

use actix::prelude::*;
use kirkwall_actors::clock::Clock;
use kirkwall_actors::directory::{Directory, DirectorySettings, Reader};
use kirkwall_actors::phone_book::{CallerNames, SharedBook};
use kirkwall_core::directory::NumberRules;
use kirkwall_core::id::Tokens;
use kirkwall_data::Journal;
use kirkwall_data::certificate::CertificateRecord;
use kirkwall_integration::directory::{LdapFault, LdapSettings, read, tls_config};
use kirkwall_integration::pki::Trust;
use tokio::runtime::Handle;

use super::tls;
use crate::config::Config;

/// Names of callers, from a book that is empty until [`start`].
pub fn caller_names(config: &Config) -> CallerNames {
    CallerNames {
        book: SharedBook::default(),
        rules: rules(config),
        least_digits: usize::from(config.phone_book.least_digits),
        enabled: config.phone_book.caller_names,
    }
}

/// Starts the actor, which reads the directory at once.
pub fn start(
    config: &Config,
    names: &CallerNames,
    (journal, imported): (&Journal, &[CertificateRecord]),
    sockets: &Handle,
    (clock, tokens): (Clock, Tokens),
) -> Result<Addr<Directory>, String> {
    let source =
        ldap(config, imported)?.map(|settings| (settings.uri.clone(), reader(settings, sockets.clone())));
    let settings =
        DirectorySettings { source, refresh: config.phone_book.refresh_interval, rules: rules(config) };
    Ok(Directory::new(journal.clone(), settings, names.book.clone(), clock, tokens).start())
}

/// Where the directory is; none: nowhere.
pub fn ldap(config: &Config, imported: &[CertificateRecord]) -> Result<Option<LdapSettings>, String> {
    let book = &config.phone_book;
    let Some(uri) = book.uri.clone() else { return Ok(None) };
    let trust = match (book.verify, book.ca.as_deref().or(config.sip.ca.as_deref())) {
        (false, _) => Ok(Trust::unverified("phone_book.verify")),
        (true, bundle) => tls::authorities(bundle, imported),
    };
    let tls =
        trust.and_then(|trust| tls_config(&trust)).map_err(|fault| format!("phone_book.ca: {fault}"))?;
    Ok(Some(LdapSettings {
        uri,
        start_tls: book.start_tls,
        tls,
        base: book.base.clone(),
        bind: book.bind.clone(),
        password: book.password.clone(),
        filter: book.filter.clone(),
        attributes: book.attributes(),
        page: LdapSettings::PAGE,
        most: book.entries as usize,
        step: LdapSettings::STEP,
        whole: LdapSettings::WHOLE,
    }))
}

/// Reads on the threads of sockets, not on those of actors.
fn reader(settings: LdapSettings, sockets: Handle) -> Reader {
    Arc::new(move || {
        let (task, uri) = (sockets.spawn(read(settings.clone())), settings.uri.clone());
        Box::pin(async move {
            let stopped = |error| LdapFault::Broken { uri, step: "reading", why: format!("{error}") };
            task.await.unwrap_or_else(|error| Err(stopped(error)))
        })
    })
}

fn rules(config: &Config) -> NumberRules {
    let dialling = &config.dialling;
    NumberRules {
        outside_line: dialling.outside_line.clone(),
        international: dialling.international.clone(),
        national: dialling.national.clone(),
        country_code: dialling.country_code.clone(),
    }
}

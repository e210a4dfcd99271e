//! Reads all entries over the ldap3 crate.

use kirkwall_core::directory::{Draft, EntryId, MAX_NUMBERS};
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, ResultEntry, Scope, SearchEntry, SearchOptions};
use tokio::time::timeout;

use super::{Attributes, LdapFault, LdapSettings};

/// Most values of one attribute that are looked at, and most octets of a value.
const MAX_VALUES: usize = 16;
const MAX_VALUE: usize = 1_024;

/// What a directory holds, as read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copy {
    /// Entries with names that stay the same as long as their place in the directory does.
    pub entries: Vec<Read>,
    /// Why there may be more.
    pub cut: Option<Cut>,
}

/// An entry as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// From its distinguished name.
    pub id: EntryId,
    /// What stands in it.
    pub draft: Draft,
}

/// Why a copy may not be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// [`LdapSettings::most`] were read.
    Ours,
    /// The directory gives no more: sizeLimitExceeded (RFC 4511 appendix A.2).
    Theirs,
}

/// Reads all entries.
///
/// # Errors
/// The first fault; a copy that broke off half way is none. Nonsense of the server, over which the library
/// panics, is [`LdapFault::Broken`].
pub async fn read(settings: LdapSettings) -> Result<self::Copy, LdapFault> {
    let (uri, whole) = (settings.uri.clone(), settings.whole);
    // A task of its own: the library panics over malformed entries, and that must not reach the caller.
    let mut task = tokio::spawn(async move { read_all(&settings).await });
    match timeout(whole, &mut task).await {
        Ok(Ok(read)) => read,
        Ok(Err(_)) => Err(LdapFault::Broken { uri, step: "reading", why: "what it sent is no LDAP".into() }),
        Err(_) => {
            task.abort();
            Err(LdapFault::Late { uri, step: "reading everything" })
        }
    }
}

async fn read_all(settings: &LdapSettings) -> Result<self::Copy, LdapFault> {
    let (mut ldap, connection) = connect(settings).await?;
    let read = match bind(&mut ldap, settings).await {
        Ok(()) => search(&mut ldap, settings).await,
        Err(fault) => Err(fault),
    };
    // Politeness only: whether the goodbye arrives changes nothing.
    _ = timeout(settings.step, ldap.unbind()).await;
    connection.abort();
    read
}

async fn connect(settings: &LdapSettings) -> Result<(Ldap, tokio::task::JoinHandle<()>), LdapFault> {
    let connection = LdapConnSettings::new()
        .set_conn_timeout(settings.step)
        .set_config(settings.tls.clone())
        .set_starttls(settings.start_tls);
    let connected = LdapConnAsync::with_settings(connection, &settings.uri).await;
    let (connection, ldap) = connected.map_err(|error| LdapFault::of_connection(&settings.uri, &error))?;
    // How it ended is told by the operation that waited for it.
    let driven = tokio::spawn(async move { drop(connection.drive().await) });
    Ok((ldap, driven))
}

async fn bind(ldap: &mut Ldap, settings: &LdapSettings) -> Result<(), LdapFault> {
    let bound = ldap.with_timeout(settings.step).simple_bind(&settings.bind, &settings.password.0).await;
    let result = bound.map_err(|error| LdapFault::of_answer(&settings.uri, "the bind", &error))?;
    if result.rc == 0 { Ok(()) } else { Err(LdapFault::of_bind(&settings.bind, &result)) }
}

async fn search(ldap: &mut Ldap, settings: &LdapSettings) -> Result<self::Copy, LdapFault> {
    let late = |error| LdapFault::of_answer(&settings.uri, "the search", &error);
    // References of RFC 4511 §4.5.3 to other servers are passed over.
    let adapters: Vec<Box<dyn Adapter<_, _>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(i32::from(settings.page)))];
    let limit = i32::try_from(settings.whole.as_secs()).unwrap_or(i32::MAX);
    let mut stream = ldap
        .with_timeout(settings.step)
        .with_search_options(SearchOptions::new().timelimit(limit))
        .streaming_search_with(
            adapters,
            &settings.base,
            Scope::Subtree,
            &settings.filter,
            settings.attributes.all(),
        )
        .await
        .map_err(late)?;
    let mut copy = self::Copy::default();
    while let Some(entry) = stream.next().await.map_err(late)? {
        if copy.entries.len() == settings.most {
            copy.cut = Some(Cut::Ours);
            return Ok(copy);
        }
        copy.entries.extend(draft(entry, &settings.attributes));
    }
    let result = stream.finish().await;
    match result.rc {
        0 => Ok(copy),
        // "sizeLimitExceeded: the size limit specified by the client or server was exceeded": what came is good.
        4 if !copy.entries.is_empty() => Ok(self::Copy { cut: Some(Cut::Theirs), ..copy }),
        _ => Err(LdapFault::of_search(&settings.base, &result)),
    }
}

fn draft(entry: ResultEntry, attributes: &Attributes) -> Option<Read> {
    let entry = SearchEntry::construct(entry);
    let values = |name: &str| {
        // RFC 4512 §2.5: names of attributes are without case.
        let found = entry.attrs.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        let values = found.map(|(_, values)| values.as_slice()).unwrap_or_default();
        values
            .iter()
            .take(MAX_VALUES)
            .filter(|value| value.len() <= MAX_VALUE && !value.trim().is_empty())
            .cloned()
            .collect::<Vec<_>>()
    };
    let first =
        |names: &[String]| names.iter().find_map(|name| values(name).into_iter().next()).unwrap_or_default();
    let numbers =
        attributes.numbers.iter().flat_map(|(kind, name)| values(name).into_iter().map(|text| (*kind, text)));
    let draft = Draft {
        name: first(&attributes.name),
        department: first(&attributes.department),
        numbers: numbers.take(2 * MAX_NUMBERS).collect(),
    };
    (!draft.name.is_empty() && !draft.numbers.is_empty()).then(|| Read { id: id(&entry.dn), draft })
}

/// Short, and the same for the same distinguished name in any case.
fn id(name: &str) -> EntryId {
    let digest = ring::digest::digest(&ring::digest::SHA256, name.to_lowercase().as_bytes());
    let hex: String = digest.as_ref()[..10].iter().map(|octet| format!("{octet:02x}")).collect();
    EntryId(format!("d-{hex}"))
}

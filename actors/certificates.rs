//! The certificates actor: keeps what administrators import, and has it put to use.
//!
//! ```text
//! web ──ImportCertificate──► check ──► save ──► apply (new TLS settings for connections to come)
//! ```

use std::sync::Arc;
use std::time::SystemTime;

use actix::prelude::*;
use kirkwall_core::timer::Moment;
use kirkwall_data::certificate::{CertificateRecord, Certificates as Records, Usage};
use kirkwall_data::{Journal, Secret};
use kirkwall_integration::pki::{self, Chain, Identity, PkiFault, Trust};
use tracing::{error, info};

use crate::clock::Clock;
use crate::desk::{
    CertificateView, DeleteCertificate, DeskFault, FieldFault, ImportCertificate, ListCertificates,
};
use crate::users::not_saved;

/// Most certificates kept.
const MAX_CERTIFICATES: usize = 256;

/// Puts the imported certificates to use beside those of the configuration.
pub type Apply = Arc<dyn Fn(&[CertificateRecord]) -> Result<(), String> + Send + Sync>;

/// Keeps imported certificates. See the module.
pub struct Certificates {
    journal: Journal,
    store: Records,
    kept: Vec<CertificateRecord>,
    apply: Apply,
    clock: Clock,
}

/// All imported certificates on disk; one that cannot be read is logged and left out.
pub fn imported(journal: &Journal) -> Vec<CertificateRecord> {
    let readable = Records::new(journal).iter().filter_map(|record| match record {
        Ok(record) => Some(record),
        Err(fault) => {
            error!(%fault, "a certificate cannot be read");
            None
        }
    });
    readable.collect()
}

impl Certificates {
    /// With what is on disk, which the wiring has put to use already.
    pub fn new(journal: Journal, apply: Apply, clock: Clock) -> Self {
        let (store, kept) = (Records::new(&journal), imported(&journal));
        Self { journal, store, kept, apply, clock }
    }

    fn put_to_use(&self) {
        match (self.apply)(&self.kept) {
            Ok(()) => info!(certificates = self.kept.len(), "imported certificates are in use"),
            Err(why) => error!(%why, "imported certificates could not be put to use; the former ones stay"),
        }
    }
}

impl Actor for Certificates {
    type Context = Context<Self>;
}

impl Supervised for Certificates {}

impl Handler<ListCertificates> for Certificates {
    type Result = Result<Vec<CertificateView>, DeskFault>;

    fn handle(&mut self, _: ListCertificates, _: &mut Self::Context) -> Self::Result {
        self.kept
            .iter()
            .map(|record| view(record).map_err(|fault| DeskFault::Failed(fault.to_string())))
            .collect()
    }
}

impl Handler<ImportCertificate> for Certificates {
    type Result = AtomicResponse<Self, Result<CertificateView, DeskFault>>;

    fn handle(&mut self, order: ImportCertificate, _: &mut Self::Context) -> Self::Result {
        let checked = check(order, self.clock.now()).and_then(|record| {
            let shown = view(&record).map_err(|fault| invalid("pem", fault.to_string()))?;
            let known = self.kept.iter().any(|kept| kept.name == record.name);
            match known || self.kept.len() < MAX_CERTIFICATES {
                true => Ok((record, shown)),
                false => Err(DeskFault::Conflict(format!(
                    "there are {MAX_CERTIFICATES} certificates; delete some"
                ))),
            }
        });
        let (record, shown) = match checked {
            Ok(checked) => checked,
            Err(fault) => return AtomicResponse::new(Box::pin(fut::err(fault))),
        };
        let saved = self.journal.save(vec![self.store.put(&record)]).into_actor(self);
        AtomicResponse::new(Box::pin(saved.map(move |saved, me, _| {
            saved.map_err(not_saved)?;
            me.kept.retain(|kept| kept.name != record.name);
            me.kept.push(record);
            me.put_to_use();
            Ok(shown)
        })))
    }
}

impl Handler<DeleteCertificate> for Certificates {
    type Result = AtomicResponse<Self, Result<(), DeskFault>>;

    fn handle(&mut self, DeleteCertificate(id): DeleteCertificate, _: &mut Self::Context) -> Self::Result {
        if !self.kept.iter().any(|kept| kept.name == id) {
            let missing = DeskFault::NotFound(format!("certificate {id}"));
            return AtomicResponse::new(Box::pin(fut::err(missing)));
        }
        let saved = self.journal.save(vec![self.store.delete(&id)]).into_actor(self);
        AtomicResponse::new(Box::pin(saved.map(move |saved, me, _| {
            saved.map_err(not_saved)?;
            me.kept.retain(|kept| kept.name != id);
            me.put_to_use();
            Ok(())
        })))
    }
}

/// A record of what was sent, if it can be used.
fn check(order: ImportCertificate, now: Moment) -> Result<CertificateRecord, DeskFault> {
    let ImportCertificate { usage, pem, key } = order;
    if !pem.contains("-----BEGIN") {
        let mend = "is not PEM text; a PKCS#12 or DER file is converted by: openssl pkcs12 -in FILE -nodes, \
                    or openssl x509 -inform der -in FILE";
        return Err(invalid("pem", mend.to_owned()));
    }
    let key = key.map(|key| key.0).filter(|key| !key.is_empty());
    let (usage, key_pem) = match usage.as_str() {
        "ca" => {
            Trust::from_pem("pem", pem.as_bytes()).map_err(|fault| invalid("pem", fault.to_string()))?;
            (Usage::Trust, None)
        }
        "host" => {
            let key = key.unwrap_or_else(|| pem.clone());
            Identity::from_pem("pem", &pem, &key, pki::Usage::Both, SystemTime::now())
                .map_err(|fault| invalid("pem", fault.to_string()))?;
            (Usage::Sip, Some(Secret::new(key)))
        }
        _ => return Err(invalid("usage", format!("{usage:?} is not a usage; use \"ca\" or \"host\""))),
    };
    let name = fingerprint(&pem).map_err(|fault| invalid("pem", fault.to_string()))?;
    let name: String = name.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    Ok(CertificateRecord {
        name: name.to_ascii_lowercase(),
        chain_pem: certificates_only(&pem),
        key_pem,
        usage: vec![usage],
        created: now,
    })
}

fn view(record: &CertificateRecord) -> Result<CertificateView, PkiFault> {
    let chain = Chain::from_pem(&record.name, record.chain_pem.as_bytes())?;
    let facts = chain.facts()?;
    let moment =
        |seconds: i64| Moment::from_micros(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000));
    let first = facts.first();
    Ok(CertificateView {
        id: record.name.clone(),
        usage: if record.usage.contains(&Usage::Trust) { "ca" } else { "host" },
        subject: first.map_or(String::new(), |facts| facts.subject.clone()),
        issuer: first.map_or(String::new(), |facts| facts.issuer.clone()),
        names: chain.names(),
        certificates: facts.len(),
        not_before: first.map_or(Moment::default(), |facts| moment(facts.not_before)),
        not_after: first.map_or(Moment::default(), |facts| moment(facts.not_after)),
        fingerprint: fingerprint(&record.chain_pem)?,
        created: record.created,
    })
}

fn fingerprint(pem: &str) -> Result<String, PkiFault> {
    Chain::from_pem("pem", pem.as_bytes()).map(|chain| chain.fingerprint())
}

/// The certificates of a text that may hold a key as well: keys are kept sealed, and only there.
fn certificates_only(pem: &str) -> String {
    let (mut kept, mut inside) = (String::new(), false);
    for line in pem.lines() {
        inside |= line.starts_with("-----BEGIN CERTIFICATE");
        if inside {
            kept.push_str(line.trim_end());
            kept.push('\n');
        }
        inside &= !line.starts_with("-----END CERTIFICATE");
    }
    kept
}

fn invalid(field: &str, detail: String) -> DeskFault {
    DeskFault::Invalid(vec![FieldFault::new(field, detail)])
}

//! The certificate by which a user signs in with TLS-DSK: fetched when his line asks for it.

use actix::prelude::*;
use kirkwall_core::id::Tokens;
use kirkwall_core::lync::line::{LineInput, LyncAccount};
use kirkwall_core::lync::security_association::NtlmUser;
use kirkwall_core::sip::digest::Credentials;
use kirkwall_integration::lync::{Asker, UserTls};
use metrics::counter;
use tracing::{info, warn};

use super::{LyncSeed, Registration};

/// What it takes to fetch it.
pub(super) struct Certificate {
    tls: UserTls,
    asker: Asker,
    tokens: Tokens,
    /// One at a time.
    under_way: bool,
}

impl Certificate {
    /// For a user who may use TLS-DSK; his account learns of it.
    pub(super) fn of(
        seed: &LyncSeed,
        account: &mut LyncAccount,
        (aor, credentials): (&str, &Credentials),
        tokens: Tokens,
    ) -> Option<Self> {
        let provisioner = seed.tls_dsk.clone().filter(|_| !seed.trusted_server)?;
        let tls = UserTls::new(provisioner);
        account.tls_dsk = Some(std::sync::Arc::new(tls.clone()));
        let asker = Asker {
            entity: aor.trim_start_matches("sip:").to_owned(),
            device: account.epid.instance().to_string(),
            user: ntlm_user(credentials),
        };
        Some(Self { tls, asker, tokens, under_way: false })
    }

    /// New name or password.
    pub(super) fn learn(&mut self, credentials: &Credentials) {
        self.asker.user = ntlm_user(credentials);
    }
}

fn ntlm_user(credentials: &Credentials) -> NtlmUser {
    NtlmUser::new(&credentials.username, &credentials.password)
}

impl Registration {
    pub(super) fn fetch_certificate(&mut self, service: String, ctx: &mut Context<Self>) {
        let Some(certificate) = self.certificate.as_mut().filter(|certificate| !certificate.under_way) else {
            return;
        };
        certificate.under_way = true;
        let (tls, asker) = (certificate.tls.clone(), certificate.asker.clone());
        let tokens = certificate.tokens.split();
        let fetched = async move {
            let fetched = tls.provisioner().fetch(&service, asker, tokens).await;
            fetched.map(|certificate| tls.keep(certificate))
        };
        ctx.spawn(fetched.into_actor(self).map(|fetched, me, ctx| {
            if let Some(certificate) = &mut me.certificate {
                certificate.under_way = false;
            }
            match fetched {
                Ok(()) => {
                    info!(parent: &me.span, "a certificate of the user was fetched");
                    counter!("ipdect_lync_certificates_total", "result" => "fetched").increment(1);
                    me.step_in_turn(LineInput::CertificateReady, ctx);
                }
                Err(fault) => {
                    warn!(parent: &me.span, %fault, "no certificate of the user");
                    counter!("ipdect_lync_certificates_total", "result" => "failed").increment(1);
                    me.step(LineInput::CertificateFailed(fault.to_string()), ctx);
                }
            }
        }));
    }
}

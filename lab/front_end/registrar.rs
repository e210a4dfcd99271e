//! REGISTER (RFC 3261 §10.3).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::FrontEndConfig;
use super::accounts::{Admission, Register};
use super::location::{Binding, Location, NotBound, seconds_left};
use crate::sip::{Incoming, Message, ServerTransaction, address};

pub(super) struct Registrar {
    accounts: Arc<Register>,
    location: Arc<Location>,
    min: Duration,
    max: Duration,
}

/// What a REGISTER asks to be done.
enum Wish {
    /// No Contact: tell the bindings.
    Query,
    /// `Contact: *`.
    Clear,
    /// These, each for so long.
    Bind(Vec<(String, Duration)>),
}

impl Registrar {
    pub(super) fn new(config: &FrontEndConfig, accounts: Arc<Register>, location: Arc<Location>) -> Self {
        Self { accounts, location, min: config.min_expires, max: config.max_expires }
    }

    pub(super) async fn register(&self, incoming: Incoming) {
        let Incoming { request, hop, server } = incoming;
        let Some(server) = server else { return };
        let Some(user) = request.user_of("To") else {
            return server.send(server.reply(400, "To names no user")).await;
        };
        match self.accounts.admit(&request, &user, "Authorization") {
            Admission::Refused => return server.send(server.reply(403, "Forbidden")).await,
            Admission::Challenged(challenge) => {
                let mut response = server.reply(401, "Unauthorized");
                response.push("WWW-Authenticate", challenge);
                return server.send(response).await;
            }
            Admission::Granted => {}
        }
        let response = match self.wish(&request) {
            Ok(wish) => self.grant(&user, wish, &request, hop, &server),
            Err((code, reason)) => {
                let mut response = server.reply(code, reason);
                if code == 423 {
                    response.push("Min-Expires", self.min.as_secs().to_string());
                }
                response
            }
        };
        server.send(response).await;
    }

    fn wish(&self, request: &Message) -> Result<Wish, (u16, &'static str)> {
        let common = request.header("Expires").and_then(|v| v.trim().parse().ok());
        let contacts: Vec<&str> = request.headers_named("Contact").flat_map(address::list).collect();
        // §10.3 step 6: "*" only alone and with an expiration of zero.
        if contacts.contains(&"*") {
            let fits = contacts.len() == 1 && common == Some(0);
            return if fits { Ok(Wish::Clear) } else { Err((400, "Contact * needs Expires 0")) };
        }
        if contacts.is_empty() {
            return Ok(Wish::Query);
        }
        let mut wanted = Vec::new();
        for contact in contacts {
            let own = address::param(contact, "expires").and_then(|v| v.parse().ok());
            let wish = own.or(common).map_or(self.max, Duration::from_secs);
            // §10.3 step 7: shorter than the minimum and not zero is 423.
            if !wish.is_zero() && wish < self.min {
                return Err((423, "Interval Too Brief"));
            }
            wanted.push((address::uri(contact).to_owned(), wish.min(self.max)));
        }
        Ok(Wish::Bind(wanted))
    }

    fn grant(
        &self,
        user: &str,
        wish: Wish,
        request: &Message,
        hop: crate::sip::Hop,
        server: &ServerTransaction,
    ) -> Message {
        let bound = match wish {
            Wish::Query => Ok(()),
            Wish::Clear => {
                self.location.clear(user);
                Ok(())
            }
            Wish::Bind(contacts) => contacts.into_iter().try_for_each(|(contact, expires)| {
                let binding = Binding {
                    contact,
                    hop,
                    call_id: request.call_id().to_owned(),
                    cseq: request.cseq_number(),
                    until: Instant::now() + expires,
                    user_agent: request.header("User-Agent").map(str::to_owned),
                    identity: None,
                    registered_on: hop.connection,
                    server: None,
                };
                self.location.bind(user, binding).map(drop)
            }),
        };
        match bound {
            Ok(()) => self.confirm(user, server),
            Err(NotBound::OutOfOrder) => server.reply(500, "REGISTER out of order"),
            Err(NotBound::Full) => server.reply(503, "Too many bindings"),
        }
    }

    /// §10.3 step 8: 200 with every current binding.
    fn confirm(&self, user: &str, server: &ServerTransaction) -> Message {
        let mut ok = server.reply(200, "OK");
        for binding in self.location.of(user) {
            ok.push("Contact", format!("<{}>;expires={}", binding.contact, seconds_left(&binding)));
        }
        ok
    }
}

//! The access actor: who shows a valid token, log-in link or session.
//!
//! Tokens are kept on disk as hashes; sessions and log-in links live in memory and end with the
//! process. A wrong try costs nothing to remember: after five in a minute every further one waits.

use std::collections::HashMap;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::id::Tokens as Words;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use kirkwall_data::Journal;
use kirkwall_data::token::{TokenRecord, Tokens as TokenRecords, split as split_token};
use tracing::{error, warn};

use crate::clock::Clock;
use crate::desk::{
    Bearer, CheckAdministrator, CheckSession, CheckToken, CreateToken, DeskFault, FieldFault, ListTokens,
    LogIn, LogOut, NewToken, RevokeToken, SCOPES, Session, TokenView,
};
use crate::users::not_saved;

/// A session ends after this time, whatever happens.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);
/// A session ends when it was not used for this time.
const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);
/// A log-in link ends after this time.
const LINK_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Most sessions at once; the oldest goes.
const MAX_SESSIONS: usize = 256;
/// Most tokens kept.
const MAX_TOKENS: usize = 1_000;
/// Wrong tries in a minute before the next ones are refused unseen.
const MAX_WRONG: u32 = 5;

struct Live {
    bearer: Bearer,
    began: Moment,
    used: Moment,
}

/// Knows who may ask. See the module.
pub struct Access {
    journal: Journal,
    store: TokenRecords,
    tokens: HashMap<String, TokenRecord>,
    sessions: HashMap<String, Live>,
    links: HashMap<String, Moment>,
    wrong: (Moment, u32),
    words: Words,
    clock: Clock,
}

impl Access {
    /// Reads all tokens. `words` makes session secrets and must be freshly seeded.
    pub fn new(journal: Journal, words: Words, clock: Clock) -> Self {
        let store = TokenRecords::new(&journal);
        let mut tokens = HashMap::new();
        for record in store.iter() {
            match record {
                Ok(record) => _ = tokens.insert(record.id.clone(), record),
                Err(fault) => error!(%fault, "a token cannot be read"),
            }
        }
        let (sessions, links) = (HashMap::new(), HashMap::new());
        Self { journal, store, tokens, sessions, links, wrong: (Moment::default(), 0), words, clock }
    }

    fn token(&mut self, text: &str) -> Option<Bearer> {
        let now = self.clock.now();
        let (id, secret) = split_token(text)?;
        let record = self.tokens.get_mut(id).filter(|record| record.admits(secret, now))?;
        if record.last_used.is_none_or(|last| now.since(last) > Duration::from_secs(60)) {
            record.last_used = Some(now);
            // Not waited for: the time of last use may be lost with the process.
            drop(self.journal.save(vec![self.store.put(record)]));
        }
        Some(Bearer { name: record.name.clone(), scopes: record.scopes.clone() })
    }

    fn slowed(&mut self) -> bool {
        let now = self.clock.now();
        if now.since(self.wrong.0) > Duration::from_secs(60) {
            self.wrong = (now, 0);
        }
        self.wrong.1 >= MAX_WRONG
    }

    fn open(&mut self, bearer: Bearer) -> Session {
        let now = self.clock.now();
        self.sessions.retain(|_, s| now.since(s.began) < SESSION_LIFE && now.since(s.used) < SESSION_IDLE);
        if self.sessions.len() >= MAX_SESSIONS {
            let oldest = self.sessions.iter().min_by_key(|(_, s)| s.used).map(|(secret, _)| secret.clone());
            oldest.map(|secret| self.sessions.remove(&secret));
        }
        let secret = format!("{}{}{}", self.words.word(), self.words.word(), self.words.word());
        self.sessions.insert(secret.clone(), Live { bearer: bearer.clone(), began: now, used: now });
        Session { secret: Pii(secret), bearer }
    }
}

impl Actor for Access {
    type Context = Context<Self>;
}

impl Supervised for Access {}

impl Handler<CheckToken> for Access {
    type Result = MessageResult<CheckToken>;

    fn handle(&mut self, CheckToken(text): CheckToken, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.token(&text.0))
    }
}

impl Handler<CreateToken> for Access {
    type Result = ResponseActFuture<Self, Result<NewToken, DeskFault>>;

    fn handle(&mut self, order: CreateToken, _: &mut Self::Context) -> Self::Result {
        let mut faults = Vec::new();
        if order.name.trim().is_empty() || order.name.len() > 128 {
            faults.push(FieldFault::new(
                "name",
                "give a name of 1 to 128 characters that says what the token is for",
            ));
        }
        let unknown = order.scopes.iter().filter(|scope| !SCOPES.contains(&scope.as_str()));
        faults.extend(
            unknown
                .map(|s| FieldFault::new("scopes", format!("{s:?} is no scope; use {}", SCOPES.join(", ")))),
        );
        if order.scopes.is_empty() {
            faults.push(FieldFault::new("scopes", "name at least one scope, for example admin"));
        }
        if !faults.is_empty() {
            return Box::pin(fut::err(DeskFault::Invalid(faults)));
        }
        if self.tokens.len() >= MAX_TOKENS {
            return Box::pin(fut::err(DeskFault::Conflict(format!(
                "there are {MAX_TOKENS} tokens; revoke some"
            ))));
        }
        let fresh = TokenRecord::fresh(order.name, order.scopes, self.clock.now(), order.expires);
        let (record, text) = match fresh {
            Ok(fresh) => fresh,
            Err(fault) => return Box::pin(fut::err(DeskFault::Failed(fault.to_string()))),
        };
        let saved = self.journal.save(vec![self.store.put(&record)]).into_actor(self);
        Box::pin(saved.map(move |saved, access, _| {
            saved.map_err(not_saved)?;
            let id = record.id.clone();
            access.tokens.insert(id.clone(), record);
            Ok(NewToken { id, token: text.0 })
        }))
    }
}

impl Handler<ListTokens> for Access {
    type Result = Result<Vec<TokenView>, DeskFault>;

    fn handle(&mut self, _: ListTokens, _: &mut Self::Context) -> Self::Result {
        let mut views: Vec<TokenView> = self.tokens.values().map(token_view).collect();
        views.sort_by_key(|view| view.created);
        Ok(views)
    }
}

impl Handler<RevokeToken> for Access {
    type Result = ResponseActFuture<Self, Result<(), DeskFault>>;

    fn handle(&mut self, RevokeToken(id): RevokeToken, _: &mut Self::Context) -> Self::Result {
        if !self.tokens.contains_key(&id) {
            return Box::pin(fut::err(DeskFault::NotFound(format!("token {id}"))));
        }
        let saved = self.journal.save(vec![self.store.delete(&id)]).into_actor(self);
        Box::pin(saved.map(move |saved, access, _| {
            saved.map_err(not_saved)?;
            access.tokens.remove(&id);
            Ok(())
        }))
    }
}

impl Handler<LogIn> for Access {
    type Result = MessageResult<LogIn>;

    fn handle(&mut self, LogIn(word): LogIn, _: &mut Self::Context) -> Self::Result {
        if self.slowed() {
            warn!("log-in refused: too many wrong tries in the last minute");
            return MessageResult(None);
        }
        let now = self.clock.now();
        let by_link = self.links.remove(&word.0).filter(|until| now < *until);
        let bearer = match by_link {
            Some(_) => Some(Bearer { name: "administrator".into(), scopes: vec!["admin".into()] }),
            None => self.token(&word.0).filter(|bearer| bearer.may("admin")),
        };
        if bearer.is_none() {
            self.wrong.1 += 1;
        }
        MessageResult(bearer.map(|bearer| self.open(bearer)))
    }
}

impl Handler<CheckAdministrator> for Access {
    type Result = MessageResult<CheckAdministrator>;

    fn handle(
        &mut self,
        CheckAdministrator(password): CheckAdministrator,
        _: &mut Self::Context,
    ) -> Self::Result {
        if self.slowed() {
            warn!("an administrator's password is refused: too many wrong tries in the last minute");
            return MessageResult(None);
        }
        let bearer = self.token(&password.0).filter(|bearer| bearer.may("admin"));
        if bearer.is_none() {
            self.wrong.1 += 1;
        }
        MessageResult(bearer)
    }
}

impl Handler<CheckSession> for Access {
    type Result = MessageResult<CheckSession>;

    fn handle(&mut self, CheckSession(secret): CheckSession, _: &mut Self::Context) -> Self::Result {
        let now = self.clock.now();
        let live = self.sessions.get_mut(&secret.0);
        let live = live.filter(|s| now.since(s.began) < SESSION_LIFE && now.since(s.used) < SESSION_IDLE);
        MessageResult(live.map(|session| {
            session.used = now;
            session.bearer.clone()
        }))
    }
}

impl Handler<LogOut> for Access {
    type Result = ();

    fn handle(&mut self, LogOut(secret): LogOut, _: &mut Self::Context) {
        self.sessions.remove(&secret.0);
    }
}

/// Makes a one-time log-in link's word. Only the program itself asks, at its start.
#[derive(Debug, Message)]
#[rtype(result = "Pii<String>")]
pub struct CreateLink;

impl Handler<CreateLink> for Access {
    type Result = MessageResult<CreateLink>;

    fn handle(&mut self, _: CreateLink, _: &mut Self::Context) -> Self::Result {
        let word = format!("{}{}", self.words.word(), self.words.word());
        self.links.insert(word.clone(), self.clock.now() + LINK_LIFE);
        MessageResult(Pii(word))
    }
}

/// Keeps a token that somebody on this machine has made, who alone knows its secret.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct KeepToken(pub TokenRecord);

impl Handler<KeepToken> for Access {
    type Result = ResponseActFuture<Self, Result<(), DeskFault>>;

    fn handle(&mut self, KeepToken(record): KeepToken, _: &mut Self::Context) -> Self::Result {
        if self.tokens.len() >= MAX_TOKENS {
            return Box::pin(fut::err(DeskFault::Conflict(format!(
                "there are {MAX_TOKENS} tokens; revoke some"
            ))));
        }
        let saved = self.journal.save(vec![self.store.put(&record)]).into_actor(self);
        Box::pin(saved.map(move |saved, access, _| {
            saved.map_err(not_saved)?;
            access.tokens.insert(record.id.clone(), record);
            Ok(())
        }))
    }
}

fn token_view(record: &TokenRecord) -> TokenView {
    TokenView {
        id: record.id.clone(),
        name: record.name.clone(),
        scopes: record.scopes.clone(),
        created: record.created,
        expires: record.expires,
        last_used: record.last_used,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn token(access: &Addr<Access>, scope: &str) -> Pii<String> {
        let order = CreateToken { name: scope.into(), scopes: vec![scope.into()], expires: None };
        Pii(access.send(order).await.unwrap().unwrap().token)
    }

    #[actix::test]
    async fn an_administrators_password_is_a_token_of_his_and_wrong_ones_slow_the_sign_in_down_too() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let access = Access::new(journal, Words::new([7; 32]), Clock::start()).start();
        let (admin, viewer) = (token(&access, "admin").await, token(&access, "calls:read").await);
        let link = access.send(CreateLink).await.unwrap();
        let whose = async |word: &Pii<String>| access.send(CheckAdministrator(word.clone())).await.unwrap();
        assert_eq!(whose(&admin).await.unwrap().name, "admin");
        assert_eq!(whose(&viewer).await, None);
        // It is not used up either.
        assert_eq!(whose(&link).await, None);
        assert!(access.send(LogIn(link)).await.unwrap().is_some());
        for _ in 2..MAX_WRONG {
            assert_eq!(whose(&Pii("ip6000".into())).await, None);
        }
        assert_eq!(whose(&admin).await, None);
        assert!(access.send(LogIn(admin)).await.unwrap().is_none());
    }
}

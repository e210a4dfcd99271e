//! The proxy: requests on their way to registered users and along dialogs (RFC 3261 §16).
//!
//! ```text
//!  request ──► admitted? ──► targets ──► a client transaction each ──► responses back, best final one
//!                                └ CANCEL from behind cancels all; the first 2xx cancels the others
//! ```

use std::sync::Arc;
use std::time::Duration;

use ezk_sip_types::Method;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::FrontEndConfig;
use super::accounts::{Admission, Register};
use super::location::{Binding, Location};
use super::lync::{self, Lync};
use crate::sip::{Endpoint, Hop, Incoming, Message, ServerTransaction, address};

/// Most branches of one request.
const MAX_BRANCHES: usize = 8;

pub(super) struct Proxy {
    endpoint: Endpoint,
    accounts: Arc<Register>,
    location: Arc<Location>,
    challenges_calls: bool,
    records_route: bool,
    lync: Option<Arc<Lync>>,
}

/// One target of a request.
struct Target {
    uri: String,
    hop: Hop,
    /// The endpoint's epid, at a Lync registrar.
    epid: Option<String>,
    /// It is not the called user's ([MS-SIPRE] 3.9.5.2.2).
    secondary: bool,
}

impl Target {
    fn new(uri: &str, hop: Hop) -> Self {
        Self { uri: uri.to_owned(), hop, epid: None, secondary: false }
    }

    fn of(binding: Binding) -> Self {
        let epid = binding.identity.map(|identity| identity.epid);
        Self { uri: binding.contact, hop: binding.hop, epid, secondary: false }
    }
}

impl Proxy {
    pub(super) fn new(
        config: &FrontEndConfig,
        endpoint: Endpoint,
        accounts: Arc<Register>,
        location: Arc<Location>,
        lync: Option<Arc<Lync>>,
    ) -> Self {
        // A Lync front end has proof of every request before it comes here.
        let challenges_calls = config.challenges_calls && lync.is_none();
        let records_route = config.records_route;
        Self { endpoint, accounts, location, challenges_calls, records_route, lync }
    }

    /// Whether a name is a user's.
    pub(super) fn is_account(&self, user: &str) -> bool {
        self.accounts.is_given(user)
    }

    /// RFC 3261 §16.4: a topmost Route that names us is taken off. The connection of the dialog's other
    /// end, when it says so.
    pub(super) fn strip_own_route(&self, request: &mut Message, from: &Hop) -> Option<u64> {
        let mut leads_to = None;
        while let Some(route) = request.header("Route") {
            let here = address::target(address::uri(route)).is_some_and(|(_, at)| self.endpoint.is_own(at));
            match self.lync.as_ref().and_then(|lync| lync.own_route(route)) {
                Some(ends) => {
                    let other = ends.iter().find(|id| Some(**id) != from.connection).or(ends.first());
                    leads_to = other.copied().or(leads_to);
                }
                None if here => {}
                None => break,
            }
            request.pop("Route");
        }
        leads_to
    }

    /// Whether a new INVITE may go on; if not, it has been answered.
    pub(super) async fn admits(&self, incoming: &Incoming) -> bool {
        let Some(server) = incoming.server.as_ref().filter(|_| self.challenges_calls) else { return true };
        let user = incoming.request.user_of("From").unwrap_or_default();
        match self.accounts.admit(&incoming.request, &user, "Proxy-Authorization") {
            Admission::Granted => true,
            Admission::Refused => {
                server.send(server.reply(403, "Forbidden")).await;
                false
            }
            Admission::Challenged(challenge) => {
                let mut response = server.reply(407, "Proxy Authentication Required");
                response.push("Proxy-Authenticate", challenge);
                server.send(response).await;
                false
            }
        }
    }

    /// Sends a request on; `local`: the Request-URI is ours to resolve. `came_by`: the connection that its
    /// Route led back to.
    pub(super) async fn forward(&self, incoming: Incoming, local: bool, came_by: Option<u64>) {
        let Incoming { mut request, hop, server } = incoming;
        let hops: u32 = request.header("Max-Forwards").and_then(|v| v.trim().parse().ok()).unwrap_or(70);
        let targets = self.targets(&request, local, came_by);
        let Some(server) = server else {
            // ACK to a 2xx: passed on without a transaction.
            if let (1.., Some(target)) = (hops, targets.first()) {
                request.set("Max-Forwards", (hops - 1).to_string());
                request.set_uri(&target.uri);
                let _ = self.endpoint.send_once(request, &target.hop).await;
            }
            return;
        };
        if hops == 0 {
            return server.send(server.reply(483, "Too Many Hops")).await;
        }
        if targets.is_empty() {
            let known = address::user(request.uri()).is_some_and(|user| self.is_account(&user));
            let (code, reason) = if known { (480, "Temporarily Unavailable") } else { (404, "Not Found") };
            return server.send(server.reply(code, reason)).await;
        }
        let invite = request.method() == Some(&Method::INVITE);
        if invite {
            server.send(server.reply(100, "Trying")).await;
        }
        request.set("Max-Forwards", (hops - 1).to_string());
        request.remove("Proxy-Authorization");
        let record = (invite && self.records_route).then_some(hop);
        Fork::start(self, request, targets, record).run(&server, None).await;
    }

    /// Rings users' Contacts, for so long at most: then the request comes back, to go elsewhere.
    pub(super) async fn ring(
        &self,
        incoming: Incoming,
        users: &[String],
        wait: Option<Duration>,
    ) -> Option<Incoming> {
        let Incoming { request, hop, server } = incoming;
        let server = server?;
        let mut targets = self.targets(&request, true, None);
        for user in users.iter().skip(1) {
            let beside = self.location.of(user).into_iter().map(Target::of);
            targets.extend(beside.map(|target| Target { secondary: true, ..target }));
        }
        targets.truncate(MAX_BRANCHES);
        server.send(server.reply(100, "Trying")).await;
        let mut onward = request.clone();
        let hops: u32 = request.header("Max-Forwards").and_then(|v| v.trim().parse().ok()).unwrap_or(70);
        onward.set("Max-Forwards", hops.saturating_sub(1).to_string());
        let record = self.records_route.then_some(hop);
        let late = Fork::start(self, onward, targets, record).run(&server, wait).await;
        late.then_some(Incoming { request, hop, server: Some(server) })
    }

    /// RFC 3261 §16.5: along the Route, to the user's Contacts, or as the Request-URI says.
    fn targets(&self, request: &Message, local: bool, came_by: Option<u64>) -> Vec<Target> {
        let uri = request.uri();
        let direct = |place: &str, uri: &str| {
            let pooled = self.lync.as_ref().and_then(|lync| lync.hop_of_route(place));
            let known = pooled.or_else(|| self.location.hop_of_contact(place));
            let hop = known.or_else(|| address::target(place).map(|(how, at)| Hop::new(how, at)))?;
            Some(Target::new(uri, hop))
        };
        if let Some(route) = request.header("Route") {
            return direct(address::uri(route), uri).into_iter().collect();
        }
        let back = came_by.and_then(|id| self.endpoint.hop_of(id)).map(|hop| Target::new(uri, hop));
        if !local {
            return back.or_else(|| direct(uri, uri)).into_iter().collect();
        }
        let mut bindings = address::user(uri).map(|user| self.location.of(&user)).unwrap_or_default();
        if self.lync.is_some() {
            lync::narrow(&mut bindings, request);
        }
        let target = |binding: Binding| match self.lync.as_ref().and_then(|lync| lync.elsewhere(&binding)) {
            Some(hop) => Target {
                hop,
                uri: binding.identity.as_ref().map_or(uri.to_owned(), |i| i.gruu.clone()),
                epid: None,
                secondary: false,
            },
            None => Target::of(binding),
        };
        bindings.into_iter().map(target).take(MAX_BRANCHES).collect()
    }
}

/// A request on all its branches.
struct Fork {
    responses: mpsc::Receiver<Option<Message>>,
    cancel: CancellationToken,
    branches: usize,
    best: Option<Message>,
}

impl Fork {
    fn start(proxy: &Proxy, request: Message, targets: Vec<Target>, record: Option<Hop>) -> Self {
        let (sender, responses) = mpsc::channel(32);
        let cancel = CancellationToken::new();
        let branches = targets.len();
        for target in targets {
            let mut request = request.clone();
            request.set_uri(&target.uri);
            if target.secondary {
                request.set("Ms-Target-Class", "secondary");
            }
            let to = request.header("To").unwrap_or("");
            if let Some(epid) = target.epid.filter(|_| address::param(to, "epid").is_none()) {
                let to = format!("{to};epid={epid}");
                request.set("To", to);
            }
            let branch = Branch {
                endpoint: proxy.endpoint.clone(),
                lync: proxy.lync.clone(),
                record,
                cancel: cancel.clone(),
                to: sender.clone(),
            };
            proxy.endpoint.spawn(branch.run(request, target.hop));
        }
        Self { responses, cancel, branches, best: None }
    }

    /// Whether nobody has answered within `wait`: then nothing final was sent.
    async fn run(mut self, server: &ServerTransaction, wait: Option<Duration>) -> bool {
        let (mut cancel_seen, mut late) = (false, false);
        let patience = tokio::time::sleep(wait.unwrap_or_default());
        tokio::pin!(patience);
        while self.branches > 0 {
            tokio::select! {
                response = self.responses.recv() => match response {
                    Some(Some(response)) => if self.take(response, server).await { return false },
                    Some(None) | None => self.branches = self.branches.saturating_sub(1),
                },
                () = server.cancelled().cancelled(), if !cancel_seen => {
                    cancel_seen = true;
                    self.cancel.cancel();
                }
                () = &mut patience, if wait.is_some() && !late => {
                    late = true;
                    self.cancel.cancel();
                }
            }
        }
        if late && !cancel_seen {
            return true;
        }
        let best = self.best.take().unwrap_or_else(|| server.reply(408, "Request Timeout"));
        server.send(best).await;
        false
    }

    /// RFC 3261 §16.7: provisional and 2xx responses go back at once, the best other one at the end.
    async fn take(&mut self, response: Message, server: &ServerTransaction) -> bool {
        match response.code().unwrap_or(0) {
            ..=100 => {}
            101..200 => server.send(response).await,
            200..300 => {
                server.send(response).await;
                self.cancel.cancel();
                return true;
            }
            code => {
                let better = |best: &Message| best.code().is_none_or(|old| rank(code) < rank(old));
                if self.best.as_ref().is_none_or(better) {
                    self.best = Some(response);
                }
                if code >= 600 {
                    self.cancel.cancel();
                }
            }
        }
        false
    }
}

/// §16.7 step 6: 6xx first, then the lowest class.
const fn rank(code: u16) -> u16 {
    if code >= 600 { 0 } else { code / 100 }
}

struct Branch {
    endpoint: Endpoint,
    lync: Option<Arc<Lync>>,
    /// Where the request came from, when its dialog's route shall lead over us.
    record: Option<Hop>,
    cancel: CancellationToken,
    to: mpsc::Sender<Option<Message>>,
}

impl Branch {
    async fn run(self, mut request: Message, mut hop: Hop) {
        // The route names the connection, so it must be there first.
        if self.lync.is_some()
            && let Ok(connected) = self.endpoint.connect(&hop).await
        {
            hop = connected;
        }
        self.record_route(&mut request, &hop);
        match self.endpoint.request(request, &hop).await {
            Ok(mut transaction) => {
                let (mut cancelled, mut provisional) = (false, false);
                loop {
                    let due = provisional && !cancelled;
                    tokio::select! {
                        response = transaction.next() => {
                            let Some(mut response) = response else { break };
                            provisional = true;
                            response.pop("Via");
                            if self.to.send(Some(response)).await.is_err() && !cancelled {
                                cancelled = true;
                                transaction.cancel().await;
                            }
                        }
                        () = self.cancel.cancelled(), if due => {
                            cancelled = true;
                            transaction.cancel().await;
                        }
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "branch not sent"),
        }
        let _ = self.to.send(None).await;
    }

    /// RFC 3261 §16.6 step 4; twice where the transport changes (RFC 5658 §3.3).
    fn record_route(&self, request: &mut Message, onward: &Hop) {
        let Some(back) = self.record else { return };
        let changes = back.transport != onward.transport;
        let ends = [Some((&back, onward)).filter(|_| changes), Some((onward, &back))];
        for (hop, other) in ends.into_iter().flatten() {
            let plain = || {
                let own = self.endpoint.local_address(hop)?;
                Some(format!("<sip:{own};transport={};lr>", hop.transport))
            };
            let route = self.lync.as_ref().map_or_else(plain, |lync| lync.record_route(hop, other));
            route.into_iter().for_each(|route| request.push_front("Record-Route", route));
        }
    }
}

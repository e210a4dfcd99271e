//! Handsets in the books of the air: who knocks, who is paged, who calls.

use super::*;

/// Somebody has opened a connection; who is it?
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Knock {
    /// Where.
    pub base: BaseId,
    /// The connection.
    pub connection: Connection,
    /// The handset, as the MAC layer knows it.
    pub pmid: Option<Pmid>,
    /// The first word.
    pub first: Vec<u8>,
}

impl Handler<Knock> for Air {
    type Result = ();

    fn handle(&mut self, knock: Knock, ctx: &mut Self::Context) {
        let Knock { base, connection, pmid, first } = knock;
        self.capture(false, &first);
        let Some(entry) = self.bases.get(&base) else { return };
        let (addr, remote, wideband) = (entry.addr.clone(), entry.remote, entry.long.is_some());
        let (visitor, answer) = match greet(&first, &self.directory) {
            Greeting::Handset(ipui) | Greeting::Newcomer(ipui) => (Some(ipui), None),
            Greeting::TurnAway { answer } => (None, answer),
        };
        let host = visitor.and_then(|ipui| Some((self.visited(&ipui, ctx)?, ipui)));
        match (host, remote) {
            (Some((handset, ipui)), Some(remote)) => {
                if let Some(pmid) = pmid {
                    self.lost.forget(pmid);
                    self.visitors.insert(pmid, (ipui, connection.clone()));
                }
                handset.do_send(Visit { at: At { connection, base: addr, remote, wideband }, first });
            }
            _ => {
                debug!(%base, "a connection of nobody we know is turned away");
                if let Some(answer) = answer {
                    self.capture(true, &answer);
                    nwk(connection.number, answer).into_iter().for_each(|say| addr.do_send(say));
                }
                let (conn, reason) = (ConnId(connection.number), ReleaseReason::NORMAL);
                addr.do_send(Say(ConnRelease { conn, reason }.into()));
            }
        }
    }
}

/// Page this everywhere.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PageAll(pub Page);

impl Handler<PageAll> for Air {
    type Result = ();

    fn handle(&mut self, PageAll(page): PageAll, _: &mut Self::Context) {
        let Some(pdu) = PagePdu::new(&page.encode()) else { return };
        for entry in self.bases.values().filter(|entry| entry.standing.carries_calls()) {
            let order = PageOrder { pdu, page_id: None, repeats: None, cluster: None };
            entry.addr.do_send(Say(order.into()));
        }
    }
}

/// A handset has news that are no call's.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HandsetTold(pub Ipui, pub News);

impl Handler<HandsetTold> for Air {
    type Result = ();

    fn handle(&mut self, HandsetTold(ipui, news): HandsetTold, ctx: &mut Self::Context) {
        self.handset_says(ipui, news, ctx);
    }
}

impl Handler<Asked> for Air {
    type Result = ();

    fn handle(&mut self, asked: Asked, ctx: &mut Self::Context) {
        let Some(supervisor) = self.supervisor.clone() else { return };
        let seed = LegSeed {
            call_no: asked.call,
            leg: LegNo::CALLER,
            abilities: self.settings.abilities.clone(),
            handset: Some(asked.handset.clone()),
            supervisor,
            // Our own ports lack ourselves, and a leg tells us when its stream has followed a handover.
            ports: Ports { air: Some(ctx.address()), ..self.ports.clone() },
            tokens: self.tokens.split(),
        };
        let arbiter = self.roster.arbiter_of(&asked.ipui);
        NativeLeg::start_in_arbiter(&arbiter, move |_| NativeLeg::asked(seed, asked));
    }
}

/// The actor of a subscribed handset, and what base stations bring to a call.
#[derive(Debug, Message)]
#[rtype(result = "Option<Addr<NativeHandset>>")]
pub struct FindHandset(pub Ipui);

impl Handler<FindHandset> for Air {
    type Result = Option<Addr<NativeHandset>>;

    fn handle(&mut self, FindHandset(ipui): FindHandset, ctx: &mut Self::Context) -> Self::Result {
        self.directory.knows(&ipui).then(|| self.visited(&ipui, ctx)).flatten()
    }
}

/// Are these digits all of a number? The dial plan is the supervisor's.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct AskPlan(pub Pii<String>);

impl Handler<AskPlan> for Air {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, AskPlan(digits): AskPlan, _: &mut Self::Context) -> Self::Result {
        let supervisor = self.supervisor.clone();
        Box::pin(async move {
            match supervisor {
                Some(supervisor) => supervisor.send(IsWhole(digits)).await.unwrap_or(false),
                None => false,
            }
        })
    }
}

/// A message of the network layer passed, for Wireshark.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Capture {
    /// By us.
    pub sent: bool,
    /// The message.
    pub octets: Vec<u8>,
}

impl Handler<Capture> for Air {
    type Result = ();

    fn handle(&mut self, Capture { sent, octets }: Capture, _: &mut Self::Context) {
        self.capture(sent, &octets);
    }
}

impl Air {
    fn capture(&mut self, sent: bool, octets: &[u8]) {
        if self.captured.len() == MOST_CAPTURED {
            self.captured.pop_front();
        }
        self.captured.push_back((self.now(), sent, octets.to_vec()));
    }
}

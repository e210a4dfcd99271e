//! Base stations in the books of the air: links, enrolment, what they tell.

use std::time::Duration;

use kirkwall_core::dect::base_link::code::Role;
use kirkwall_core::dect::base_link::value::Neighbour;
use kirkwall_core::radio::handover::procedure;

use super::*;

/// The sync tree is planned at most so often: a plan of 256 radios is work.
const PLAN_EVERY: Duration = Duration::from_secs(1);

/// A link has said HELLO with a good certificate.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Greeted {
    /// Which link.
    pub link: LinkNo,
    /// What it said.
    pub hello: Box<Hello>,
    /// Whose certificate it has.
    pub certified: Certified,
    /// Where it speaks from.
    pub remote: SocketAddr,
}

impl Handler<Greeted> for Air {
    type Result = ();

    fn handle(&mut self, Greeted { link, hello, certified, remote }: Greeted, _: &mut Self::Context) {
        let Certified { base, key } = certified;
        match self.bases.get_mut(&base) {
            Some(entry) => {
                entry.remote = Some(remote);
                self.links_of.insert(link, base);
                entry.addr.do_send(Greet { link, hello, key, remote });
            }
            None => {
                warn!(%base, source = %remote.ip(), "a base station that is not enrolled was refused");
                self.links.send(link, 1, refuse(RefuseReason::NOT_ENROLLED).into());
                self.links.close(link);
            }
        }
    }
}

impl Handler<OnLink> for Air {
    type Result = ();

    fn handle(&mut self, heard: OnLink, _: &mut Self::Context) {
        if let Some(entry) = self.links_of.get(&heard.0).and_then(|id| self.bases.get(id)) {
            entry.addr.do_send(heard);
        }
    }
}

impl Handler<LinkGone> for Air {
    type Result = ();

    fn handle(&mut self, gone: LinkGone, _: &mut Self::Context) {
        if let Some(entry) = self.links_of.remove(&gone.0).and_then(|id| self.bases.get(&id)) {
            entry.addr.do_send(gone);
        }
    }
}

/// A base station shows its token and wants a certificate for this key.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), RefuseReason>")]
pub struct Redeem {
    /// Which.
    pub base: BaseId,
    /// Its key.
    pub key: KeyPrint,
    /// The token.
    pub token: Pii<String>,
}

impl Handler<Redeem> for Air {
    type Result = ResponseActFuture<Self, Result<(), RefuseReason>>;

    /// The token is used up and the base station known before it has its certificate.
    fn handle(&mut self, Redeem { base, key, token }: Redeem, _: &mut Self::Context) -> Self::Result {
        let tokens = Enrolments::new(&self.ports.journal);
        let name = EnrolmentRecord::name_of(&Enrolment::hash(&token.0));
        let record = tokens.get(&*name).ok().flatten().ok_or(RefuseReason::BAD_TOKEN);
        let used = record.and_then(|record| record.enrolment.redeem(base, key, self.now()));
        let rpn = self.bases.get(&base).map(|entry| entry.rpn).or_else(|| self.free_rpn());
        let (used, rpn) = match (used, rpn) {
            (Ok(used), Some(rpn)) => (used, rpn),
            (Err(reason), _) => return Box::pin(actix::fut::ready(Err(reason))),
            (Ok(_), None) => return Box::pin(actix::fut::ready(Err(RefuseReason::TOO_MANY))),
        };
        // Two that enrol in the same moment are two radios.
        self.given.insert(rpn);
        let enrolled = Enrolled::new(base, key, self.now());
        let record = NativeBaseRecord { enrolled, rpn };
        let writes = vec![tokens.put(&EnrolmentRecord::new(used)), self.records.put(&record)];
        let saved = self.ports.journal.save(writes).into_actor(self);
        Box::pin(saved.map(move |saved, me, ctx| {
            me.given.remove(&rpn);
            match saved {
                Ok(()) => {
                    info!(%base, rpn, "a base station has enrolled");
                    me.start_base(&record, ctx);
                    Ok(())
                }
                Err(fault) => {
                    error!(%fault, "an enrolment was not saved");
                    Err(RefuseReason::NOT_NOW)
                }
            }
        }))
    }
}

/// A base station in the books.
pub(super) struct BaseEntry {
    pub addr: Addr<NativeBase>,
    pub rpn: u8,
    pub standing: Standing,
    pub remote: Option<SocketAddr>,
    /// What an administrator wants of it.
    pub duty: Duty,
    /// Slot pairs that a long slot takes; none when it has no long slots.
    pub long: Option<u8>,
}

impl Air {
    /// A radio came, or tells whom it hears: the sync tree may change.
    fn surveyed(&mut self, id: BaseId, heard: Option<&[Neighbour]>, ctx: &mut Context<Self>) {
        let Some(rpn) = self.bases.get(&id).map(|entry| entry.rpn) else { return };
        match heard {
            Some(heard) => self.survey.report(rpn, heard),
            None if self.survey.radios().any(|known| known == rpn) => return,
            None => self.survey.arrive(rpn),
        }
        self.replan(ctx);
    }

    /// A plan that changed is told to all radios; a session says nothing that its base station knows. Many
    /// radios that come at once are planned together.
    fn replan(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        let rest = self.planned_at.map_or(Duration::ZERO, |at| (at + PLAN_EVERY).since(now));
        if rest.is_zero() {
            return self.plan_now();
        }
        if self.plan_alarm.is_none() {
            self.plan_alarm = Some(ctx.run_later(rest, |me, _| {
                me.plan_alarm = None;
                me.plan_now();
            }));
        }
    }

    fn plan_now(&mut self) {
        self.planned_at = Some(self.now());
        let tree = plan(&self.survey, Some(&self.tree));
        if tree != self.tree {
            self.tree = tree;
            let ids: Vec<_> = self.bases.keys().copied().collect();
            ids.into_iter().for_each(|id| self.configure(id));
        }
    }

    /// 256 radios of a class B system (EN 300 175-6, 5.2.2).
    fn free_rpn(&self) -> Option<u8> {
        let taken = |rpn: u8| self.given.contains(&rpn) || self.bases.values().any(|entry| entry.rpn == rpn);
        (0..=u8::MAX).find(|rpn| !taken(*rpn))
    }
}

/// A base station tells something.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BaseTold(pub BaseId, pub About);

impl Handler<BaseTold> for Air {
    type Result = ();

    fn handle(&mut self, BaseTold(id, about): BaseTold, ctx: &mut Self::Context) {
        match about {
            // A media resource has no radio, and takes no time.
            About::Up(Role::Media) => {}
            About::Up(Role::Base) => {
                self.surveyed(id, None, ctx);
                self.configure(id);
            }
            About::Stands(standing, remote, long) => {
                let Some(entry) = self.bases.get_mut(&id) else { return };
                (entry.standing, entry.remote, entry.long) = (standing, remote, long);
                let rpn = entry.rpn;
                if standing.carries_calls() && self.windows.current(self.ports.clock.now()).is_some() {
                    entry.addr.do_send(Say(Site::subscriptions(true).into()));
                }
                if let Some(supervisor) = &self.supervisor {
                    let (id, limit, reserve) = (id.into(), self.settings.limit, self.settings.site.reserve);
                    supervisor.do_send(NativeBaseStands { id, limit, reserve, standing, long, remote });
                }
                if standing == Standing::Down {
                    self.survey.forget(rpn);
                    self.replan(ctx);
                }
            }
            About::Gone { conn, pmid, normal } => {
                let connection = Connection { base: id.into(), number: conn.0 };
                if let Some(pmid) = pmid.filter(|p| self.visitors.get(p).is_some_and(|v| v.1 == connection))
                    && let Some(visitor) = self.visitors.remove(&pmid)
                    && !normal
                {
                    self.lost.keep(pmid, visitor, self.now());
                }
                self.gone(id, conn, ctx);
            }
            About::Hears(heard) => self.surveyed(id, Some(&heard.heard), ctx),
            About::Ciphered(conn, state) => self.ciphered((id, conn), state, ctx),
            About::Comes(ind) => self.comes(id, *ind, ctx),
            About::Came(done) => {
                self.step_handover((id, done.new_conn), procedure::Input::Completed(done), ctx);
            }
            About::DidNotCome(failed) => {
                self.step_handover((id, failed.new_conn), procedure::Input::Failed(failed.reason), ctx);
            }
            About::Prepared(conn, response) => self.prepared(id, conn, *response, ctx),
        }
    }
}

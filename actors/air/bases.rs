//! Base stations in the books of the air: links, enrolment, what they tell.

use super::*;

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
        let enrolled = Enrolled { base, key, since: self.now(), out_of_use: false };
        let record = NativeBaseRecord { enrolled, rpn };
        let writes = vec![tokens.put(&EnrolmentRecord::new(used)), self.records.put(&record)];
        let saved = self.ports.journal.save(writes).into_actor(self);
        Box::pin(saved.map(move |saved, me, ctx| match saved {
            Ok(()) => {
                info!(%base, rpn, "a base station has enrolled");
                me.start_base(&record, ctx);
                Ok(())
            }
            Err(fault) => {
                error!(%fault, "an enrolment was not saved");
                Err(RefuseReason::NOT_NOW)
            }
        }))
    }
}

impl Air {
    /// 256 radios of a class B system (EN 300 175-6, 5.2.2).
    fn free_rpn(&self) -> Option<u8> {
        (0..=u8::MAX).find(|rpn| self.bases.values().all(|entry| entry.rpn != *rpn))
    }
}

/// A base station tells something.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BaseTold(pub BaseId, pub About);

impl Handler<BaseTold> for Air {
    type Result = ();

    fn handle(&mut self, BaseTold(id, about): BaseTold, _: &mut Self::Context) {
        match about {
            About::Up => self.configure(id),
            About::Stands(standing, remote) => {
                let Some(entry) = self.bases.get_mut(&id) else { return };
                (entry.standing, entry.remote) = (standing, remote);
                if let Some(supervisor) = &self.supervisor {
                    let (id, limit) = (id.into(), self.settings.limit);
                    let up = standing.carries_calls();
                    supervisor.do_send(NativeBaseStands { id, limit, up, remote });
                }
            }
            About::Gone(conn, pmid) => {
                let connection = Connection { base: id.into(), number: conn.0 };
                if let Some(pmid) = pmid.filter(|p| self.visitors.get(p).is_some_and(|v| v.1 == connection)) {
                    self.visitors.remove(&pmid);
                }
            }
            About::Hears(_)
            | About::Ciphered(..)
            | About::Comes(_)
            | About::Came(_)
            | About::DidNotCome(_)
            | About::Prepared(..) => {}
        }
    }
}

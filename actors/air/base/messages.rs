//! What the actor of a native base station is told.

use super::*;

/// What a base station tells the air.
#[derive(Debug)]
pub enum About {
    /// It came in, and is this.
    Up(Role),
    /// It stands so now; it speaks from there; a long slot takes so many pairs, if it has any.
    Stands(Standing, Option<SocketAddr>, Option<u8>),
    /// It hears these.
    Hears(Neighbours),
    /// A connection is gone.
    Gone {
        /// Which.
        conn: ConnId,
        /// Whose.
        pmid: Option<Pmid>,
        /// Released in order.
        normal: bool,
    },
    /// A connection is ciphered, or not.
    Ciphered(ConnId, CipherState),
    /// A handset in a call comes over.
    Comes(Box<HoInd>),
    /// It is here.
    Came(HoComplete),
    /// It is not.
    DidNotCome(HoFailed),
    /// The answer to HO_PREPARE.
    Prepared(ConnId, Box<Response>),
}

/// A link of this base station has said HELLO.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Greet {
    /// Which link.
    pub link: LinkNo,
    /// What it said.
    pub hello: Box<Hello>,
    /// The key of its certificate.
    pub key: KeyPrint,
    /// Where it speaks from.
    pub remote: SocketAddr,
}

impl Handler<Greet> for NativeBase {
    type Result = ();

    fn handle(&mut self, Greet { link, hello, key, remote }: Greet, ctx: &mut Self::Context) {
        self.remote = Some(remote);
        self.step(Input::Greeted { link, hello, key }, ctx);
    }
}

/// A frame came on a link.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OnLink(pub LinkNo, pub Heard);

impl Handler<OnLink> for NativeBase {
    type Result = ();

    fn handle(&mut self, OnLink(link, heard): OnLink, ctx: &mut Self::Context) {
        self.step(Input::Received { link, heard }, ctx);
    }
}

/// A link is gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LinkGone(pub LinkNo);

impl Handler<LinkGone> for NativeBase {
    type Result = ();

    fn handle(&mut self, LinkGone(link): LinkGone, ctx: &mut Self::Context) {
        self.step(Input::Lost { link }, ctx);
    }
}

/// Set it up so.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Configure(pub Box<Plan>);

impl Handler<Configure> for NativeBase {
    type Result = ();

    fn handle(&mut self, Configure(plan): Configure, ctx: &mut Self::Context) {
        self.step(Input::Order(Order::Configure(plan)), ctx);
    }
}

/// Say this to it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Say(pub ToBase);

impl Handler<Say> for NativeBase {
    type Result = ();

    fn handle(&mut self, Say(word): Say, ctx: &mut Self::Context) {
        self.count(&word);
        let released = match &word {
            ToBase::ConnRelease(release) => Some(release.conn),
            _ => None,
        };
        if let ToBase::HoReject(reject) = &word {
            self.conns.remove(&reject.new_conn);
        }
        let linked = self.session.link().is_some();
        let said = self.step(Input::Order(Order::Say(word)), ctx);
        // Without a link nobody will answer; with one, the answer tells.
        if let Some(conn) = released.filter(|_| !said || !linked) {
            self.down(conn, true);
        }
    }
}

/// A message of the network layer for a handset.
pub fn nwk(number: u16, octets: Vec<u8>) -> Option<Say> {
    let pdu = kirkwall_core::dect::base_link::Octets::new(octets)?;
    Some(Say(NwkData { conn: ConnId(number), sapi: Sapi::Co, pdu }.into()))
}

/// This connection is that handset's.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Own(pub ConnId, pub Addr<NativeHandset>);

impl Handler<Own> for NativeBase {
    type Result = ();

    fn handle(&mut self, Own(number, owner): Own, _: &mut Self::Context) {
        let connection = self.connection(number);
        match self.conns.get_mut(&number) {
            Some(conn) => {
                for octets in conn.waiting.drain(..) {
                    owner.do_send(HearAir { connection: connection.clone(), octets });
                }
                conn.owner = Some(owner);
            }
            None => owner.do_send(Down { connection, normal: false }),
        }
    }
}

/// Open a stream; the leg is told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OpenStream(pub MediaOpen, pub Addr<NativeLeg>);

impl Handler<OpenStream> for NativeBase {
    type Result = ();

    fn handle(&mut self, OpenStream(open, leg): OpenStream, ctx: &mut Self::Context) {
        let media = open.media_id;
        self.streams.insert(media, leg.clone());
        if !self.step(Input::Order(Order::Say(open.into())), ctx) {
            self.streams.remove(&media);
            leg.do_send(StreamOpened(Err("the base station carries no calls now".to_owned())));
        }
    }
}

/// Close a stream.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CloseStream(pub MediaId);

impl Handler<CloseStream> for NativeBase {
    type Result = ();

    fn handle(&mut self, CloseStream(media_id): CloseStream, ctx: &mut Self::Context) {
        if !self.step(Input::Order(Order::Say(MediaClose { media_id }.into())), ctx) {
            self.streams.remove(&media_id);
        }
    }
}

/// A handset came over with its stream.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct TakeStream(pub MediaId, pub Addr<NativeLeg>);

impl Handler<TakeStream> for NativeBase {
    type Result = ();

    fn handle(&mut self, TakeStream(media, leg): TakeStream, _: &mut Self::Context) {
        self.streams.insert(media, leg);
    }
}

/// A handset went elsewhere with its stream.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ForgetStream(pub MediaId);

impl Handler<ForgetStream> for NativeBase {
    type Result = ();

    fn handle(&mut self, ForgetStream(media): ForgetStream, _: &mut Self::Context) {
        self.streams.remove(&media);
    }
}

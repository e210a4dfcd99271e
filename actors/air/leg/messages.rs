//! What a native leg is told.

use super::*;

/// The handset did something in the call; it speaks there.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LegHears(pub CallNews, pub Option<At>);

impl Handler<LegHears> for NativeLeg {
    type Result = ();

    fn handle(&mut self, LegHears(news, at): LegHears, ctx: &mut Self::Context) {
        // The handset has taken what it was offered.
        self.start = Start::Done;
        if matches!(news, CallNews::Reached(_)) {
            let able = at.as_ref().is_some_and(|at| at.wideband);
            self.at = at;
            self.step(Input::Carried { able, long: false }, ctx);
        }
        self.step(Input::Heard(news), ctx);
    }
}

/// The base station's stream is there, or why not.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StreamOpened(pub Result<SocketAddr, String>);

impl Handler<StreamOpened> for NativeLeg {
    type Result = ();

    fn handle(&mut self, StreamOpened(opened): StreamOpened, ctx: &mut Self::Context) {
        match opened {
            Ok(address) => self.step(Input::Opened(address), ctx),
            Err(words) => {
                self.media = None;
                self.step(Input::NotOpened(words), ctx);
            }
        }
    }
}

/// The handset was handed over.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StreamMoved {
    /// Where it is now.
    pub at: At,
    /// Where the new base station receives.
    pub stream: Option<SocketAddr>,
    /// It has a long slot there.
    pub long: bool,
    /// The handover, which waits for the stream.
    pub key: Key,
}

impl Handler<StreamMoved> for NativeLeg {
    type Result = ();

    fn handle(&mut self, StreamMoved { at, stream, long, key }: StreamMoved, ctx: &mut Self::Context) {
        let within = self.at.as_ref().is_some_and(|old| old.connection.base == at.connection.base);
        match within && !long {
            true => self.give_up_long(),
            false => self.long = long,
        }
        if let Some(held) = &mut self.held {
            held.1 = at.connection.base.clone();
        }
        let old = self.at.replace(at.clone()).filter(|old| old.connection.base != at.connection.base);
        if let Some(media) = self.media {
            if let Some(old) = old {
                old.base.do_send(ForgetStream(media));
            }
            at.base.do_send(TakeStream(media, ctx.address()));
        }
        self.handover = Some(key);
        self.step(Input::Carried { able: at.wideband, long }, ctx);
        match stream.filter(|_| self.media.is_some()) {
            Some(address) => self.step(Input::StreamMoved(address), ctx),
            None => self.followed(),
        }
    }
}

/// What another base station must know to take the stream over, and whether it has a long slot.
#[derive(Debug, Message)]
#[rtype(result = "Option<(MediaId, Option<Stream>, Option<CallRef>, bool)>")]
pub struct InspectStream;

impl Handler<InspectStream> for NativeLeg {
    type Result = Option<(MediaId, Option<Stream>, Option<CallRef>, bool)>;

    fn handle(&mut self, _: InspectStream, _: &mut Self::Context) -> Self::Result {
        let call = self.held.as_ref().map(|(call, _)| *call);
        Some((self.media?, self.stream.clone(), call, self.machine.is_wide()))
    }
}

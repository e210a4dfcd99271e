//! What another base station is told of a handset that comes over.

use super::*;

/// The cipher key of a connection.
#[derive(Debug, Clone)]
pub struct ShownKey {
    /// For which cipher.
    pub alg: CipherAlgorithm,
    /// Its number.
    pub ck_num: u8,
    /// The key.
    pub dck: Pii<Octets<8, 16>>,
}

/// What another base station must know to take the handset over.
#[derive(Debug, Default)]
pub struct CallShown {
    /// The cipher key, when the connection is ciphered.
    pub key: Option<ShownKey>,
    /// Its stream, and what was agreed on for it.
    pub media: Option<(MediaId, Option<Stream>)>,
    /// The call whose channel it takes.
    pub call: Option<CallRef>,
    /// It has a long slot.
    pub long: bool,
}

/// What must be known to take it over?
#[derive(Debug, Message)]
#[rtype(result = "CallShown")]
pub struct InspectCall;

impl Handler<InspectCall> for NativeHandset {
    type Result = ResponseFuture<CallShown>;

    fn handle(&mut self, _: InspectCall, _: &mut Self::Context) -> Self::Result {
        let (key, leg) = (self.key.clone(), self.legs.values().next().cloned());
        Box::pin(async move {
            let shown = match leg {
                Some(leg) => leg.send(InspectStream).await.ok().flatten(),
                None => None,
            };
            let (media, call, long) = match shown {
                Some((id, stream, call, long)) => (Some((id, stream)), call, long),
                None => (None, None, false),
            };
            CallShown { key, media, call, long }
        })
    }
}

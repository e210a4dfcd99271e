//! The writing half of a connection: its queue, and the keep-alives of RFC 5626.

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::codec::Encoder;

use super::codec::{Codec, Words};
use super::connection::{Clock, Stream};
use super::table::{Inbox, Item, Outgoing};
use super::{CloseCause, Limits};

/// Messages written with one call.
const BATCH: usize = 32;

/// Writes what is queued. `run` may be dropped and called again: no byte is lost or written twice.
pub(super) struct Writer {
    half: WriteHalf<Box<dyn Stream>>,
    inbox: Inbox,
    limits: Limits,
    opened: bool,
    codec: Codec,
    /// Bytes not yet taken by the socket.
    buffer: BytesMut,
    /// The messages those bytes belong to.
    in_flight: Vec<Outgoing>,
    batch: Vec<Item>,
    /// Since when a keep-alive waits for its answer.
    pinged: Option<Instant>,
}

impl Writer {
    /// A writer of `half`.
    pub fn new(half: WriteHalf<Box<dyn Stream>>, inbox: Inbox, limits: Limits, opened: bool) -> Self {
        let (buffer, in_flight, batch) = Default::default();
        let codec = Codec::default();
        Self { half, inbox, limits, opened, codec, buffer, in_flight, batch, pinged: None }
    }

    /// Writes until it cannot.
    pub async fn run(&mut self, clock: &Clock) -> CloseCause {
        loop {
            if let Err(cause) = self.flush(Some(clock)).await {
                return cause;
            }
            let due = self.due(clock);
            tokio::select! {
                // The reader holds an end of the queue, so it does not run dry.
                _ = self.inbox.take(&mut self.batch, BATCH) => self.encode(),
                () = sleep_until(due), if self.opened => {
                    if let Some(cause) = self.keep_alive(clock) {
                        return cause;
                    }
                }
            }
        }
    }

    /// Writes what is queued now.
    pub async fn finish(&mut self) -> Result<(), CloseCause> {
        self.batch.extend(self.inbox.close());
        self.encode();
        self.flush(None).await
    }

    /// Closes the queue and gives back what was not written.
    pub fn unsent(&mut self) -> Vec<Outgoing> {
        self.batch.extend(self.inbox.close());
        let waiting = self.batch.drain(..).filter_map(|item| match item {
            Item::Message(outgoing) => Some(*outgoing),
            Item::Pong => None,
        });
        self.in_flight.drain(..).chain(waiting).collect()
    }

    /// Ends the stream in order.
    pub async fn close(&mut self) {
        let _ = self.half.shutdown().await;
    }

    async fn flush(&mut self, clock: Option<&Clock>) -> Result<(), CloseCause> {
        let write = async {
            if !self.buffer.is_empty() {
                self.half.write_all_buf(&mut self.buffer).await?;
            }
            self.half.flush().await
        };
        let written = timeout(self.limits.write, write).await.map_err(|_| CloseCause::Stalled)?;
        written.map_err(|error| CloseCause::from_io(&error))?;
        if let Some(clock) = clock
            && !self.in_flight.is_empty()
        {
            clock.said(true);
        }
        self.in_flight.clear();
        Ok(())
    }

    fn encode(&mut self) {
        for item in self.batch.drain(..) {
            let words = match item {
                Item::Pong => Words::Pong,
                Item::Message(outgoing) => {
                    let bytes = outgoing.bytes.clone();
                    self.in_flight.push(*outgoing);
                    Words::Message(bytes)
                }
            };
            self.codec.encode(words, &mut self.buffer).expect("writing into memory does not fail");
        }
    }

    fn due(&self, clock: &Clock) -> Instant {
        match self.pinged {
            Some(at) => at + self.limits.pong,
            None => clock.last_sent() + self.limits.keep_alive,
        }
    }

    fn keep_alive(&mut self, clock: &Clock) -> Option<CloseCause> {
        if let Some(at) = self.pinged.take()
            && clock.answers()
            && clock.last_received() < at
        {
            // A peer that never answers, as Lync does not ([MS-CONMGMT] §3.4.5), is not dead for that.
            return Some(CloseCause::NoPong);
        }
        if clock.last_sent() + self.limits.keep_alive <= Instant::now() {
            self.codec.encode(Words::Ping, &mut self.buffer).expect("writing into memory does not fail");
            self.pinged = Some(clock.pinged());
        }
        None
    }
}

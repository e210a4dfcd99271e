//! A link whose base station is known: frames to the office, words from it, until either end has enough.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use kirkwall_core::dect::base_link::ToBase;
use kirkwall_core::dect::base_link::code::GoodbyeReason;
use kirkwall_core::dect::base_link::greeting::Certified;
use kirkwall_core::dect::base_link::session::LinkNo;
use kirkwall_core::dect::base_link::word::{Goodbye, Hello};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, info, warn};

use super::accept::Porch;
use super::codec::{Longest, Piece, StreamFault};
use super::door::Stream;
use super::table::{Entry, Order, Seat, source};
use super::{Office, count};

type Sink = SplitSink<Stream, (u32, ToBase)>;
type Source = SplitStream<Stream>;

/// Why a link ends.
#[derive(Debug)]
enum End {
    /// The other end closed it.
    Closed,
    /// The switch closed it.
    Ordered,
    /// Its octets are no frames.
    Malformed(String),
    /// It broke, or the base station is stuck in the midst of something.
    Broken(&'static str),
}

pub(super) async fn run(
    porch: Arc<Porch>,
    stream: Stream,
    longest: Longest,
    hello: Box<Hello>,
    certified: Certified,
    remote: SocketAddr,
    mut seat: Seat,
) {
    let limits = porch.links.limits.clone();
    let (mut sink, mut frames) = stream.split();
    let mut entry = porch.links.enter(&mut seat);
    let number = entry.number;
    debug!(base = %certified.base, link = number.0, source = %source(remote), "base link: admitted");
    porch.office.greeted(number, hello, certified, remote).await;
    let mut said = 0;
    let end = {
        let Entry { inbox, cut, .. } = &mut entry;
        let stop = &porch.links.stop;
        tokio::select! {
            end = read(&*porch.office, number, &mut frames, limits.frame) => end,
            end = write(&mut sink, inbox, &longest, &mut said, limits.write) => end,
            () = cut.cancelled() => End::Broken("queue"),
            () = until_told(stop, limits.shutdown) => End::Ordered,
        }
    };
    leave(&mut sink, end, said, limits.write, &certified).await;
    drop(entry);
    porch.office.gone(number);
}

/// The switch stops: the owner has said GOODBYE, or has nothing to say within that time.
async fn until_told(stop: &tokio_util::sync::CancellationToken, patience: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(patience / 2).await;
}

async fn read(office: &dyn Office, link: LinkNo, frames: &mut Source, limit: Duration) -> End {
    let mut whole_by: Option<Instant> = None;
    loop {
        let next = match whole_by {
            None => frames.next().await,
            Some(by) => match timeout_at(by, frames.next()).await {
                Ok(next) => next,
                Err(_) => return End::Broken("half_frame"),
            },
        };
        match next {
            None => return End::Closed,
            Some(Err(StreamFault::Malformed(fault))) => return End::Malformed(fault.to_string()),
            Some(Err(StreamFault::Io(_))) => return End::Broken("read"),
            Some(Ok(Piece::Begun)) => whole_by = Some(Instant::now() + limit),
            Some(Ok(Piece::Frame(heard))) => {
                whole_by = None;
                office.heard(link, heard).await;
            }
        }
    }
}

async fn write(
    sink: &mut Sink,
    inbox: &mut mpsc::Receiver<Order>,
    longest: &Longest,
    said: &mut u32,
    limit: Duration,
) -> End {
    while let Some(order) = inbox.recv().await {
        let Order::Say(seq, word) = order else { return End::Ordered };
        if matches!(word, ToBase::Welcome(_)) {
            longest.known();
        }
        if let ToBase::Goodbye(goodbye) = &word {
            count(farewell(goodbye.reason));
        }
        // A PONG has the number of its PING.
        if !matches!(word, ToBase::Pong(_)) {
            *said = seq;
        }
        match timeout(limit, sink.send((seq, word))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Broken("write"),
            Err(_) => return End::Broken("stuck"),
        }
    }
    End::Ordered
}

/// What a GOODBYE of the switch is counted as.
fn farewell(reason: GoodbyeReason) -> &'static str {
    match reason {
        GoodbyeReason::PROTOCOL => "protocol",
        GoodbyeReason::REPLACED => "replaced",
        GoodbyeReason::TOO_MUCH => "flood",
        GoodbyeReason::DEAD => "dead",
        GoodbyeReason::OUT_OF_USE => "out_of_use",
        _ => "goodbye",
    }
}

/// The last word, where one is due, and the end.
async fn leave(sink: &mut Sink, end: End, said: u32, limit: Duration, certified: &Certified) {
    let base = certified.base;
    match end {
        End::Closed | End::Ordered => debug!(%base, ?end, "base link: closed"),
        End::Malformed(what) => {
            count("malformed");
            warn!(%base, %what, "base link: cut, since what came are no frames");
            let goodbye = Goodbye { reason: GoodbyeReason::PROTOCOL, retry_s: None };
            let _ = timeout(limit, sink.send((said.wrapping_add(1), goodbye.into()))).await;
        }
        End::Broken(reason) => {
            count(reason);
            info!(%base, reason, "base link: cut");
            return;
        }
    }
    let _ = timeout(limit, sink.close()).await;
}

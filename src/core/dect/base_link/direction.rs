//! Which message may come from whom.

use super::code::ErrorCode;
use super::field::{Fault, Fields};
use super::frame::{Flags, Frame, Head, MessageType, write};
use super::word::*;

macro_rules! from_either {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $word:ident($body:ident) $flags:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$vdoc])* #[doc = concat!("[`", stringify!($body), "`]")] $word($body),)*
        }

        impl $name {
            /// Its type.
            pub fn message_type(&self) -> MessageType {
                match self { $(Self::$word(_) => $body::TYPE,)* }
            }

            /// The flags it is sent with.
            pub fn flags(&self) -> Flags {
                match self { $(Self::$word(_) => Flags::$flags,)* }
            }

            fn read(kind: MessageType, body: &[u8]) -> Result<Self, Fault> {
                $(if kind == $body::TYPE {
                    return $body::read(Fields::of(body)?).map(Self::$word);
                })*
                Err(Fault::UnknownType(kind))
            }

            /// Appends its frame to `out`. `seq` counts what this side has sent; in
            /// [`Pong`](Self::Pong) it is that of the PING.
            pub fn encode(&self, seq: u32, out: &mut Vec<u8>) {
                let head = Head { kind: self.message_type(), flags: self.flags(), seq };
                write(head, out, |out| match self { $(Self::$word(body) => body.write(out),)* });
            }
        }

        $(impl From<$body> for $name {
            fn from(body: $body) -> Self {
                Self::$word(body)
            }
        })*
    };
}

from_either! {
    /// What a base station says of its own accord.
    FromBase {
        /// Who it is.
        Hello(Hello) NONE,
        /// It wants a certificate.
        Enrol(Enrol) NONE,
        /// Is the switch there?
        Ping(Ping) NONE,
        /// It is there.
        Pong(Pong) RESPONSE,
        /// It ends the link.
        Goodbye(Goodbye) NONE,
        /// What the switch said cannot be done.
        Error(LinkError) ERROR,
        /// How its radio is.
        RadioState(RadioStateTold) EVENT,
        /// How its time is.
        SyncState(SyncTold) EVENT,
        /// Whom it hears.
        Neighbours(Neighbours) EVENT,
        /// What room is left.
        Capacity(Capacity) EVENT,
        /// A handset opens a connection.
        ConnInd(ConnInd) NONE,
        /// A connection is gone.
        ConnDown(ConnDown) EVENT,
        /// A handset says something.
        NwkData(NwkData) EVENT,
        /// A connection takes more, or not.
        NwkFlow(NwkFlow) EVENT,
        /// A connection is ciphered, or not.
        CipherState(CipherTold) EVENT,
        /// A handset in a call comes over.
        HoInd(HoInd) NONE,
        /// It is here.
        HoComplete(HoComplete) NONE,
        /// It did not come.
        HoFailed(HoFailed) NONE,
        /// Something happened on a stream.
        MediaEvent(MediaTold) EVENT,
        /// A line for the log.
        Log(Log) EVENT,
    }
}

from_either! {
    /// What the switch says of its own accord.
    ToBase {
        /// Come in.
        Welcome(Welcome) NONE,
        /// Stay out.
        Refuse(Refuse) NONE,
        /// Your certificate.
        EnrolCfm(EnrolCfm) NONE,
        /// Are you there?
        Ping(Ping) NONE,
        /// I am.
        Pong(Pong) RESPONSE,
        /// The link ends.
        Goodbye(Goodbye) NONE,
        /// What you said cannot be done.
        Error(LinkError) ERROR,
        /// How the radio is to be. A request.
        RadioConfig(RadioConfig) NONE,
        /// Radio on. A request.
        RadioStart(RadioStart) NONE,
        /// Radio off. A request.
        RadioStop(RadioStop) NONE,
        /// Broadcast this.
        BroadcastUpdate(BroadcastUpdate) NONE,
        /// Take time from here. A request.
        SyncConfig(SyncConfig) NONE,
        /// Tell handsets to look elsewhere.
        Busy(Busy) NONE,
        /// Call a handset. A request.
        Page(PageOrder) NONE,
        /// Keep a connection.
        ConnAccept(ConnAccept) NONE,
        /// Do not keep it.
        ConnReject(ConnReject) NONE,
        /// Release it. A request.
        ConnRelease(ConnRelease) NONE,
        /// A message for a handset.
        NwkData(NwkData) EVENT,
        /// A message for many.
        NwkBcast(NwkBcast) NONE,
        /// Cipher with this. A request.
        CipherKey(CipherKey) NONE,
        /// Another width. A request.
        SlotChange(SlotChange) NONE,
        /// A handset leaves. A request.
        HoPrepare(HoPrepare) NONE,
        /// Take the handset that comes.
        HoAccept(HoAccept) NONE,
        /// Do not take it.
        HoReject(HoReject) NONE,
        /// Make it want to leave.
        HoSuggest(HoSuggest) NONE,
        /// Speech. A request.
        MediaOpen(MediaOpen) NONE,
        /// Speech otherwise. A request.
        MediaModify(MediaModify) NONE,
        /// No more speech. A request.
        MediaClose(MediaClose) NONE,
        /// Play this.
        Tone(Tone) NONE,
        /// How are you? A request.
        Stats(Stats) NONE,
        /// Newer firmware. A request.
        FwOffer(FwOffer) NONE,
        /// Start anew. A request.
        Reboot(Reboot) NONE,
        /// The lamp. A request.
        Led(Led) NONE,
    }
}

impl ToBase {
    /// Whether it is answered with a [`Response`].
    pub fn is_request(&self) -> bool {
        matches!(
            self,
            Self::RadioConfig(_)
                | Self::RadioStart(_)
                | Self::RadioStop(_)
                | Self::SyncConfig(_)
                | Self::Page(_)
                | Self::ConnRelease(_)
                | Self::CipherKey(_)
                | Self::SlotChange(_)
                | Self::HoPrepare(_)
                | Self::MediaOpen(_)
                | Self::MediaModify(_)
                | Self::MediaClose(_)
                | Self::Stats(_)
                | Self::FwOffer(_)
                | Self::Reboot(_)
                | Self::Led(_)
        )
    }

    /// "Request time-out 3 s (MEDIA/HO 1 s)".
    pub fn time_out(&self) -> std::time::Duration {
        let group = self.message_type().0 >> 8;
        std::time::Duration::from_secs(if matches!(group, 0x08 | 0x09) { 1 } else { 3 })
    }
}

/// How a base station answers a request. Which request: the sequence number says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// It is done; there is no more to say.
    Done,
    /// To HO_PREPARE.
    HoPrepared(HoPrepared),
    /// To MEDIA_OPEN.
    MediaOpened(MediaOpened),
    /// To MEDIA_CLOSE and STATS.
    Counted(Counted),
    /// It cannot be done: an ERROR that names the request.
    Refused(ErrorCode),
}

impl Response {
    fn read(kind: MessageType, body: &[u8]) -> Result<Self, Fault> {
        let fields = Fields::of(body)?;
        Ok(match kind.0 {
            0x0802 => Self::HoPrepared(HoPrepared::read(fields)?),
            0x0901 => Self::MediaOpened(MediaOpened::read(fields)?),
            0x0903 | 0x0A01 => Self::Counted(Counted::read(fields)?),
            0x0201..=0x0203 | 0x0301 | 0x0501 | 0x0505 | 0x0601 | 0x0701 | 0x0902 | 0x0A03..=0x0A05 => {
                Self::Done
            }
            _ => return Err(Fault::UnknownType(kind)),
        })
    }

    /// Appends its frame to `out`: the answer to request `seq` of type `kind`. For emulators and tests.
    pub fn encode(&self, kind: MessageType, seq: u32, out: &mut Vec<u8>) {
        let head = Head { kind, flags: Flags::RESPONSE, seq };
        match self {
            Self::Done => write(head, out, |_| {}),
            Self::HoPrepared(body) => write(head, out, |out| body.write(out)),
            Self::MediaOpened(body) => write(head, out, |out| body.write(out)),
            Self::Counted(body) => write(head, out, |out| body.write(out)),
            Self::Refused(code) => {
                let error = LinkError { code: *code, seq: Some(seq), text: None };
                let head = Head { kind: LinkError::TYPE, flags: Flags::ERROR, seq };
                write(head, out, |out| error.write(out));
            }
        }
    }
}

/// What a frame from a base station means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something of its own accord; `seq` is what an ERROR to it names.
    Word {
        /// Number of the frame.
        seq: u32,
        /// What it says.
        word: FromBase,
    },
    /// The answer to our request `seq` of type `kind`.
    Response {
        /// Number of our request.
        seq: u32,
        /// Its type; `None` when an ERROR answers, which names the number only.
        kind: Option<MessageType>,
        /// The answer.
        response: Response,
    },
    /// A frame that is whole and not right. It is answered with ERROR unless it is an event, an ERROR or
    /// a response; a request whose response it is has failed.
    Faulty {
        /// Its head.
        head: Head,
        /// What is wrong.
        fault: Fault,
    },
}

impl Heard {
    /// The ERROR that its sender is to hear.
    pub fn complaint(&self) -> Option<LinkError> {
        let Self::Faulty { head, fault } = self else { return None };
        let silent =
            [Flags::RESPONSE, Flags::ERROR, Flags::EVENT].into_iter().any(|flag| head.flags.has(flag));
        // An event of a type that is known, with a bad field, is a fault of the base station's that its
        // maker wants to hear of; one of a newer version is not.
        let told = !silent || head.flags == Flags::EVENT && !matches!(fault, Fault::UnknownType(_));
        told.then(|| LinkError { code: fault.code(), seq: Some(head.seq), text: Some(fault.to_string()) })
    }
}

/// What a frame from a base station means. Never fails: what is wrong with it is an answer too.
pub fn hear(frame: Frame<'_>) -> Heard {
    let Head { kind, flags, seq } = frame.head;
    let heard = if kind == LinkError::TYPE {
        FromBase::read(kind, frame.body).map(|word| match word {
            FromBase::Error(LinkError { code, seq: Some(seq), .. }) => {
                Heard::Response { seq, kind: None, response: Response::Refused(code) }
            }
            word => Heard::Word { seq, word },
        })
    } else if flags.has(Flags::RESPONSE) && kind != Pong::TYPE {
        Response::read(kind, frame.body).map(|response| Heard::Response { seq, kind: Some(kind), response })
    } else {
        FromBase::read(kind, frame.body).map(|word| Heard::Word { seq, word })
    };
    heard.unwrap_or_else(|fault| Heard::Faulty { head: frame.head, fault })
}

/// What a frame from the switch means, for tests and tools at the base station's end.
pub fn hear_as_base(frame: Frame<'_>) -> Result<ToBase, Fault> {
    ToBase::read(frame.head.kind, frame.body)
}

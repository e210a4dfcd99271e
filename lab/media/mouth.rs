//! What a stream says: a voice of its own, or what is said at a table.

use super::{FRAME, Seat, Voice};

/// See the module.
pub enum Mouth {
    /// A voice, in a loop, from the first packet on.
    Voice {
        /// Whose.
        voice: Voice,
        /// What it says; made when it is first needed.
        speech: Vec<i16>,
    },
    /// What is said at a table, to which what the stream hears goes in turn.
    Seat {
        /// The place at the table.
        seat: Seat,
        /// The next 20 ms.
        frame: Box<[i16; FRAME]>,
    },
}

impl Mouth {
    /// A voice's.
    pub fn of(voice: Voice) -> Self {
        Self::Voice { voice, speech: Vec::new() }
    }

    /// A table's.
    pub fn at(seat: Seat) -> Self {
        Self::Seat { seat, frame: Box::new([0; FRAME]) }
    }

    /// 20 ms have passed, whether somebody listens or not.
    pub(super) fn turn(&mut self) {
        match self {
            Self::Voice { voice, speech } if speech.is_empty() => *speech = voice.speech(),
            Self::Voice { .. } => {}
            Self::Seat { seat, frame } => **frame = seat.hears(),
        }
    }

    /// What is said in a loop from now on.
    pub(super) fn speech(&self) -> &[i16] {
        match self {
            Self::Voice { speech, .. } => speech,
            Self::Seat { frame, .. } => &frame[..],
        }
    }
}

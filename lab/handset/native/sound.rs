//! Mouth and ear of a handset.

use std::sync::{Arc, Mutex};

use crate::media::g722::Join;
use crate::media::numbers::Teller;
use crate::media::sparkle::sparkling;
use crate::media::stream::Ears;
use crate::media::{FRAME, Heard, Voice};
use crate::radio::{Bearer, Ear, locked};

/// What is said and what is heard.
pub(super) struct Sound {
    ear: Arc<Mutex<Ear>>,
    voice: Voice,
    hum: bool,
    /// What the voice says, in a loop; made for the first call.
    speech: Vec<i16>,
    at: usize,
    sent: u64,
    teller: Teller,
    /// Puts the voice together with what is above 4 kHz.
    join: Join,
    pub hear: bool,
    pub speak: bool,
}

impl Sound {
    pub(super) fn new(voice: Voice, hum: bool) -> Self {
        let (ear, speech) = (Arc::default(), Vec::new());
        let (teller, join) = (Teller::default(), Join::default());
        Self { ear, voice, hum, speech, at: 0, sent: 0, teller, join, hear: false, speak: false }
    }

    /// The ear, for a bearer to speak into.
    pub(super) const fn ear(&self) -> &Arc<Mutex<Ear>> {
        &self.ear
    }

    /// Twenty milliseconds pass: speaks on all bearers, plays what came.
    pub(super) fn pass<'a>(&mut self, bearers: impl Iterator<Item = &'a Arc<Bearer>>) {
        if self.speech.is_empty() {
            self.speech = if self.hum { self.voice.hum() } else { self.voice.speech() };
        }
        let silence = [0; FRAME];
        let told = if self.speak { self.teller.frame() } else { None };
        let samples = match &told {
            Some(told) => told,
            None if self.speak => &self.speech[self.at..self.at + FRAME],
            None => &silence[..],
        };
        let mut wide: Option<Vec<i16>> = None;
        for bearer in bearers {
            match bearer.is_long() {
                true => bearer.speak(wide.get_or_insert_with(|| sparkling(&mut self.join, samples))),
                false => bearer.speak(samples),
            }
        }
        self.at = (self.at + FRAME) % self.speech.len();
        self.sent += u64::from(self.speak);
        if self.hear {
            locked(&self.ear).play();
        }
    }

    /// A bearer is gone.
    pub(super) fn close(&self, bearer: u64) {
        locked(&self.ear).close(bearer);
    }

    /// What was played in this call so far.
    pub(super) fn so_far(&self) -> (u64, Option<Voice>) {
        locked(&self.ear).so_far()
    }

    /// How much of it sounded above 4 kHz.
    pub(super) fn wide(&self) -> u64 {
        locked(&self.ear).wide()
    }

    /// What is played from now on, for whoever wants to hear it.
    pub(super) fn ears(&self) -> Ears {
        let ears = Ears::default();
        locked(&self.ear).listen_with(ears.clone());
        ears
    }

    /// What makes its user say numbers in this call.
    pub(super) fn teller(&mut self) -> Teller {
        self.teller = Teller::default();
        self.teller.clone()
    }

    /// What was heard since the last time.
    pub(super) fn finish(&mut self) -> Heard {
        locked(&self.ear).finish(std::mem::take(&mut self.sent))
    }
}

//! A call to the switch itself: a feature code was dialled and obeyed.
//!
//! Handsets show an answered call as success and anything else as failure, so the switch answers, lets a
//! short tone be heard and hangs up. A code that was refused is refused like any call, with words.

use super::*;

/// How long the tone is.
const CONFIRMATION: Duration = Duration::from_millis(1_500);

impl Call {
    pub(super) fn confirm(
        &mut self,
        codecs: &[Codec],
        (words, shown_for): (String, Duration),
        now: Moment,
    ) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let codec = codecs.first().copied().unwrap_or(Codec::Pcma);
        let answer = match self.final_answer(codec, &mut then) {
            Ok(answer) => answer,
            Err(cause) => return self.hang_up(None, cause, now),
        };
        self.summary.answered = Some(now);
        self.state = State::Talking;
        self.timers.stop_all();
        self.timers.set(Timer::Confirmation, now + shown_for.max(CONFIRMATION));
        self.answer = Some(answer.clone());
        then.push(Output::Leg(LegNo::CALLER, LegOrder::Accept { body: Some(answer) }));
        // A handset of ours makes the tone itself and shows the words; to others it is played.
        match self.legs.get(&LegNo::CALLER).is_some_and(|strand| strand.shows) {
            true => then.push(Output::Leg(LegNo::CALLER, LegOrder::Confirmed { words })),
            false => then.push(Output::Play(Side::A, Some(Sound::Confirmation))),
        }
        self.set_phase(Phase::Talking, &mut then);
        Ready::say(then)
    }
}

//! The door of a room with a PIN: digits one by one, by telephone events or INFO; `#` ends them.

use serde::{Deserialize, Serialize};

use super::*;
use crate::pii::Pii;

/// How often somebody may be wrong.
const TRIES: u8 = 3;
/// Most digits that are remembered; a PIN has at most 12.
const MOST_DIGITS: usize = 16;
/// How long the door waits for the next digit.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody at the door.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Door {
    /// What was typed so far. Not kept: it may be most of a PIN.
    #[serde(skip)]
    typed: String,
    wrong: u8,
    /// When it is sent away.
    #[serde(skip)]
    until: Option<Moment>,
}

impl Conference {
    /// Somebody at the door hears what is wanted, and has [`PATIENCE`].
    pub(super) fn ask(
        &mut self,
        member: OwnerId,
        call: CallRef,
        prompt: Prompt,
        now: Moment,
    ) -> Ready<Save, Output> {
        self.wait_at_door(member, now);
        self.saved(vec![Output::Call(call, RoomOrder::Prompt(member, prompt))])
    }

    fn wait_at_door(&mut self, member: OwnerId, now: Moment) {
        if let Some(door) = self.members.get_mut(&member).and_then(|member| member.door.as_mut()) {
            door.until = Some(now + PATIENCE);
        }
        self.arm_door();
    }

    fn arm_door(&mut self) {
        let doors = self.members.values().filter_map(|member| member.door.as_ref()?.until);
        match doors.min() {
            Some(until) => self.timers.set(Timer::Door, until),
            None => self.timers.stop(Timer::Door),
        }
    }

    /// A key of somebody at the door. Inside keys mean nothing.
    pub(super) fn key(&mut self, id: OwnerId, digit: char, now: Moment) -> Ready<Save, Output> {
        let pin = self.room.pin.as_ref().map_or(String::new(), |Pii(pin)| pin.clone());
        let Some(member) = self.members.get_mut(&id) else { return Ready::nothing() };
        let call = member.call;
        let Some(door) = &mut member.door else { return Ready::nothing() };
        match digit {
            '0'..='9' if door.typed.len() < MOST_DIGITS => door.typed.push(digit),
            '*' => door.typed.clear(),
            '#' => {}
            _ => return Ready::nothing(),
        }
        // A PIN is as long as it is: who has typed so many digits need not press the hash.
        let done = digit == '#' || door.typed.len() >= pin.len().max(1);
        if !done || (digit == '#' && door.typed.is_empty()) {
            self.wait_at_door(id, now);
            return Ready::nothing();
        }
        let typed = std::mem::take(&mut door.typed);
        if same(typed.as_bytes(), pin.as_bytes()) {
            let ready = self.let_in(id, now);
            self.arm_door();
            return ready;
        }
        door.wrong += 1;
        match door.wrong < TRIES {
            true => self.ask(id, call, Prompt::WrongPin, now),
            false => self.send_away(id, Cause::of_status(403, "the PIN was wrong three times")),
        }
    }

    /// Whoever has typed nothing for too long is sent away.
    pub(super) fn door_closes(&mut self, now: Moment) -> Ready<Save, Output> {
        let late = |member: &Member| member.door.as_ref()?.until.filter(|until| *until <= now);
        let found = self.members.iter().find(|(_, member)| late(member).is_some()).map(|(id, _)| *id);
        match found {
            Some(id) => self.send_away(id, Cause::of_status(408, "no PIN was typed")),
            None => {
                self.arm_door();
                Ready::nothing()
            }
        }
    }

    fn send_away(&mut self, id: OwnerId, cause: Cause) -> Ready<Save, Output> {
        let ready = self.remove(id, cause).unwrap_or_else(|_| Ready::nothing());
        self.arm_door();
        ready
    }
}

/// Whether two words are the same, in a time that does not tell how much of them is.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differ = one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b));
    one.len() == other.len() && differ == 0
}

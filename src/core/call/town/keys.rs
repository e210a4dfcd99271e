//! The keys that users press, and what else befalls them.

use super::Town;
use super::native::Doing;
use super::node::{Mail, Mailbox};
use super::telephone::Stage;
use crate::call::conference::Input as RoomInput;
use crate::dect::element::{Event, Events};
use crate::dect::portable::{Order, TextOffer};
use crate::id::OwnerId;
use crate::media::Direction;
use crate::pii::Pii;
use crate::timer::Moment;
use std::net::IpAddr;
use std::time::Duration;

const NUMBERS: [&str; 17] = [
    "20", "21", "22", "30", "31", "90", "91", "90", "30", "22", "91", "20", "21", "77", "8001", "8002", "30",
];
const CODES: [&str; 14] = [
    "*21*91#",
    "#21#",
    "*67*22#",
    "##002#",
    "*61*90*5#",
    "##002",
    "*26#",
    "#26#",
    "*62*20#",
    "*21*20#",
    "*3",
    "*43#",
    "#43#",
    "conference",
];
/// What users press in a call, a press at a time.
const PRESSES: [&str; 6] = ["7", "*3", "1234#", "*3", "1234", "99#"];
/// What users of native handsets press in a call; `R` is the recall key.
const R_KEYS: [&str; 10] = ["R", "R2", "R", "R90#", "R91#", "R31#", "R20#", "R8001#", "R77#", "R22"];
/// And when they have two.
const R_CODES: [&str; 10] = ["R", "R2", "R2", "R1", "R0", "R3", "R3", "R4", "R4", "R5"];
/// Longest that a user waits for an answer, or lets a telephone ring.
const PATIENCE: Duration = Duration::from_secs(200);

impl Town {
    pub(super) fn somebody_does_something(&mut self) {
        self.patience_ends();
        match self.chance.below(100) {
            0 => self.strike(),
            1..=3 => {
                let phones: Vec<IpAddr> = self.phones.keys().copied().collect();
                if let Some(address) = self.chance.pick(&phones) {
                    self.cut(address);
                }
            }
            4..=5 => {
                let handset = self.chance.below(2) as usize;
                self.link_breaks(handset);
            }
            6 => {
                let handset = self.chance.below(2) as usize;
                self.link_fades(handset);
            }
            7..=8 => {
                let handset = self.chance.below(2) as usize;
                self.walks(handset);
            }
            9 => self.range_changes(),
            10 => self.text_comes(),
            11 => self.administrator_acts(),
            12..=45 => self.handset_key(),
            _ => self.telephone_key(),
        }
    }

    fn strike(&mut self) {
        if self.down.is_none() {
            self.die();
        }
    }

    /// Somebody switches a handset off, or on again.
    fn range_changes(&mut self) {
        let users: Vec<_> = self.users.iter().cloned().collect();
        let user = users[self.chance.below(users.len() as u64) as usize].clone();
        if !self.away.remove(&user) {
            self.away.insert(user);
        }
        self.tallied("out of range, or back");
    }

    /// A text, or the sign that messages wait, comes to a handset whatever it does.
    fn text_comes(&mut self) {
        if self.down.is_some() {
            return;
        }
        let handset = self.chance.below(2) as usize;
        let order = match self.chance.per_mille(500) {
            true => Order::Notify(Events(vec![Event::voice_messages(self.chance.below(3) as u16)])),
            false => {
                let number = self.steps as u64;
                self.texts.insert((handset, number));
                let words = |text: &str| Pii(text.to_owned());
                Order::Text(TextOffer { number, heading: words("Desk"), text: words("Come") })
            }
        };
        self.tallied("text or sign to a handset");
        self.node.post(Mailbox::Handset(handset), Mail::Order(order));
    }

    /// Somebody in a room is muted, heard again, or sent away.
    fn administrator_acts(&mut self) {
        let views = self.node.rooms.values().map(|entry| (entry.machine.mixer(), entry.machine.view()));
        let members: Vec<_> = views
            .flat_map(|(mixer, view)| view.members.into_iter().map(move |m| (mixer, m.id, m.muted)))
            .collect();
        let Some((mixer, member, muted)) = self.chance.pick(&members) else { return };
        let input = match self.chance.below(4) {
            0 => RoomInput::Remove(member),
            _ => RoomInput::Mute(member, !muted),
        };
        self.tallied("order of an administrator in a room");
        self.node.post(Mailbox::Room(mixer), Mail::ToRoom(input));
    }

    fn number(&mut self) -> &'static str {
        match self.chance.below(60) {
            0 | 1 => "112",
            5 => self.chance.pick(&["*8#", "*8*21#", "*8*30#"]).unwrap_or("*8#"),
            2..=4 => self.chance.pick(&CODES).unwrap_or("*66#"),
            _ => self.chance.pick(&NUMBERS).unwrap_or("20"),
        }
    }

    fn handset_key(&mut self) {
        let handset = self.chance.below(self.natives.len() as u64) as usize;
        let (number, roll) = (self.number(), self.chance.below(12));
        let keys = if self.lines_of_handset(handset) > 1 { &R_CODES[..] } else { &R_KEYS[..] };
        let recall = self.chance.pick(keys).unwrap_or("R").replace('R', "\u{15}");
        let native = &mut self.natives[handset];
        let (words, what) = match (native.doing.clone(), roll) {
            (Doing::Nothing, _) => (native.dial(number), "dials"),
            (Doing::Ringing(_), 0..=6) => (native.answer(), "answers"),
            (Doing::Ringing(_), 7) | (Doing::Calling, 0) => (native.hang_up(), "hangs up"),
            (Doing::Talking(_), 0) => (native.hang_up(), "hangs up"),
            (Doing::Talking(_), 1 | 2) => (native.hold(), "hold key"),
            (Doing::Talking(_), 3) => (native.keys(b"1234#"), "keys"),
            (Doing::Talking(_), 4..=10) => (native.keys(recall.as_bytes()), "R keys"),
            _ => return,
        };
        self.note(|| format!("handset {handset} {what} {number} {recall:?}"));
        self.air(handset, words);
    }

    fn lines_of_handset(&mut self, handset: usize) -> usize {
        let agent = self.node.air.iter().find(|((of, _), _)| *of == handset).map(|(_, agent)| *agent);
        agent.and_then(|agent| self.node.native(agent)).map_or(0, |voice| voice.lines.len())
    }

    fn telephone_key(&mut self) {
        let phones: Vec<IpAddr> =
            self.phones.iter().filter(|(_, phone)| !phone.nobody).map(|(address, _)| *address).collect();
        let Some(address) = self.chance.pick(&phones) else { return };
        let lines = self.phones[&address].standing();
        let number = self.number();
        if lines.is_empty() || self.chance.per_mille(120) {
            if self.phones[&address].is_free() {
                self.dials(address, number);
            }
            return;
        }
        let Some((owner, stage)) = self.chance.pick(&lines) else { return };
        match stage {
            Stage::Ringing => self.ringing_key(address, owner, number),
            Stage::Calling => {
                if self.chance.per_mille(120) {
                    self.hangs_up(address, owner);
                }
            }
            Stage::Talking => self.talking_key(address, owner, number, &lines),
            Stage::Over => {}
        }
    }

    fn dials(&mut self, address: IpAddr, number: &'static str) {
        let (now, offers) = (self.now, !self.chance.per_mille(100));
        // A call for a dialog that another telephone has: picked up.
        let replaces = self.chance.per_mille(60).then(|| self.somebody_elses(address)).flatten();
        let to = number.replace('#', "%23");
        self.note(|| format!("{address} dials {number} {replaces:?}"));
        self.phone(address, |phone, sent| phone.dial(&to, replaces, offers, now, sent));
    }

    fn somebody_elses(&mut self, address: IpAddr) -> Option<String> {
        let others = self.phones.iter().filter(|(other, _)| **other != address);
        let lines: Vec<(IpAddr, OwnerId)> = others
            .flat_map(|(other, phone)| phone.standing().into_iter().map(|(owner, _)| (*other, owner)))
            .collect();
        let (other, owner) = self.chance.pick(&lines)?;
        self.phones[&other].named(owner)
    }

    fn ringing_key(&mut self, address: IpAddr, owner: OwnerId, number: &'static str) {
        let (now, roll) = (self.now, self.chance.below(20));
        self.note(|| format!("{address} at a ringing line: {roll}"));
        self.phone(address, |phone, sent| match roll {
            0..=12 => phone.accept(owner, now, sent),
            13 => phone.reject(owner, 486, None, now, sent),
            14 => phone.reject(owner, 603, None, now, sent),
            15 => phone.reject(owner, 302, Some(number), now, sent),
            16 => phone.reject(owner, 480, None, now, sent),
            _ => {}
        });
    }

    fn hangs_up(&mut self, address: IpAddr, owner: OwnerId) {
        let now = self.now;
        self.note(|| format!("{address} hangs up"));
        self.phone(address, |phone, sent| phone.hang_up(owner, now, sent));
    }

    fn talking_key(
        &mut self,
        address: IpAddr,
        owner: OwnerId,
        number: &'static str,
        lines: &[(OwnerId, Stage)],
    ) {
        let (now, roll) = (self.now, self.chance.below(100));
        let others: Vec<OwnerId> =
            lines.iter().map(|(other, _)| *other).filter(|other| *other != owner).collect();
        let other = self.chance.pick(&others);
        self.note(|| format!("{address} in talk: {roll} {number}"));
        match (roll, other) {
            (0..=11, _) => self.hangs_up(address, owner),
            (12..=27, _) => {
                let direction =
                    if roll.is_multiple_of(2) { Direction::SendOnly } else { Direction::Inactive };
                self.phone(address, |phone, sent| phone.hold(owner, direction, now, sent));
            }
            (28..=47, _) => {
                self.phone(address, |phone, sent| phone.hold(owner, Direction::SendRecv, now, sent));
            }
            (48..=57, _) => {
                let to = format!("{}@switch.test", number.replace('#', "%23"));
                self.phone(address, |phone, sent| phone.refer(owner, &to, now, sent));
            }
            (58..=75, Some(other)) => {
                let Some(named) = self.phones[&address].named(other) else { return };
                let named = named.replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
                let to = format!("{number}@switch.test?Replaces={named}");
                self.phone(address, |phone, sent| phone.refer(owner, &to, now, sent));
            }
            (76..=83, _) => {
                let keys = self.chance.pick(&PRESSES).unwrap_or("7");
                for key in keys.chars() {
                    self.phone(address, |phone, sent| phone.press(owner, key, now, sent));
                }
            }
            (84..=89, _) => self.phone(address, |phone, sent| phone.ask_for_offer(owner, now, sent)),
            // A second call beside this one, for a transfer.
            (58..=75 | 90..=99, _) if self.phones[&address].is_free() => self.dials(address, number),
            _ => {}
        }
    }

    /// Who has waited long enough gives up.
    pub(super) fn patience_ends(&mut self) {
        let now: Moment = self.now;
        let phones: Vec<IpAddr> = self.phones.keys().copied().collect();
        for address in phones {
            let lines = self.phones[&address].lines.iter();
            let waiting = lines.filter(|(_, line)| {
                matches!(line.stage, Stage::Calling | Stage::Ringing) && now.since(line.since) > PATIENCE
            });
            let waiting: Vec<_> = waiting.map(|(owner, line)| (*owner, line.stage)).collect();
            for (owner, stage) in waiting {
                self.phone(address, |phone, sent| match stage {
                    Stage::Ringing => phone.reject(owner, 480, None, now, sent),
                    _ => phone.hang_up(owner, now, sent),
                });
            }
        }
    }

    pub(super) fn everybody_hangs_up(&mut self) {
        self.note(|| "everybody hangs up".into());
        let phones: Vec<IpAddr> = self.phones.keys().copied().collect();
        for address in phones {
            for (owner, _) in self.phones[&address].standing() {
                self.hangs_up(address, owner);
            }
        }
        for handset in 0..self.natives.len() {
            let words = self.natives[handset].hang_up();
            self.air(handset, words);
        }
    }
}

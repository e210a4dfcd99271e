//! The keys that users press, and what else befalls them.

use super::Town;
use super::native::Doing;
use super::telephone::Stage;
use crate::id::OwnerId;
use crate::media::Direction;
use crate::timer::Moment;
use std::net::IpAddr;
use std::time::Duration;

const NUMBERS: [&str; 14] =
    ["20", "21", "22", "30", "31", "90", "91", "90", "30", "22", "91", "20", "21", "77"];
const CODES: [&str; 10] =
    ["*21*91#", "#21#", "*67*22#", "##002#", "*61*90*5#", "##002", "*26#", "#26#", "*62*20#", "*21*20#"];
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
            4..=6 => {
                let handset = self.chance.below(2) as usize;
                self.link_breaks(handset);
            }
            7..=27 => self.handset_key(),
            _ => self.telephone_key(),
        }
    }

    fn strike(&mut self) {
        if self.down.is_none() {
            self.die();
        }
    }

    fn number(&mut self) -> &'static str {
        match self.chance.below(60) {
            0 | 1 => "112",
            4 => self.chance.pick(&["*8#", "*8*21#", "*8*30#"]).unwrap_or("*8#"),
            2 | 3 => self.chance.pick(&CODES).unwrap_or("*66#"),
            _ => self.chance.pick(&NUMBERS).unwrap_or("20"),
        }
    }

    fn handset_key(&mut self) {
        let handset = self.chance.below(self.natives.len() as u64) as usize;
        let (number, roll) = (self.number(), self.chance.below(10));
        let native = &mut self.natives[handset];
        let (words, what) = match (native.doing.clone(), roll) {
            (Doing::Nothing, _) => (native.dial(number), "dials"),
            (Doing::Ringing(_), 0..=6) => (native.answer(), "answers"),
            (Doing::Ringing(_), 7) | (Doing::Calling, 0) => (native.hang_up(), "hangs up"),
            (Doing::Talking(_), 0) => (native.hang_up(), "hangs up"),
            (Doing::Talking(_), 1..=4) => (native.hold(), "hold key"),
            (Doing::Talking(_), 5 | 6) => (native.keys(b"5"), "keys"),
            _ => return,
        };
        self.note(|| format!("handset {handset} {what} {number}"));
        self.air(handset, words);
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
            (58..=77, Some(other)) => {
                let Some(named) = self.phones[&address].named(other) else { return };
                let named = named.replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
                let to = format!("{number}@switch.test?Replaces={named}");
                self.phone(address, |phone, sent| phone.refer(owner, &to, now, sent));
            }
            (78..=83, _) => self.phone(address, |phone, sent| phone.press(owner, '7', now, sent)),
            (84..=89, _) => self.phone(address, |phone, sent| phone.ask_for_offer(owner, now, sent)),
            // A second call beside this one, for a transfer.
            (58..=77 | 90..=99, _) if self.phones[&address].is_free() => self.dials(address, number),
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

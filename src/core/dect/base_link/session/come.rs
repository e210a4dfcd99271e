//! A base station comes: who is let in, and whether its calls of before go on.

use super::words::{Input, LinkNo, News, Output, Standing};
use super::{Names, Out, Session, Timer, Up};
use crate::dect::base_link::code::{DownReason, GoodbyeReason, RefuseReason};
use crate::dect::base_link::enrolment::KeyPrint;
use crate::dect::base_link::firmware::{Gate, gate, oldest};
use crate::dect::base_link::greeting::refuse;
use crate::dect::base_link::word::{Hello, Refuse, Welcome};
use crate::dect::base_link::{PROTOCOL, ToBase};
use crate::pii::Pii;
use crate::timer::Moment;

/// When a second connection of a base station may try again: the first has missed two pings by then.
const DUPLICATE_RETRY_S: u16 = 5;

impl Session {
    pub(super) fn greeted(
        &mut self,
        link: LinkNo,
        hello: Box<Hello>,
        key: KeyPrint,
        now: Moment,
        ready: &mut Out,
    ) {
        let proto = match self.admit(&hello, key, now) {
            Ok(proto) => proto,
            Err(refused) => {
                if self.up.is_none() {
                    // So that people see which firmware was refused.
                    self.told.hello = Some(hello);
                }
                return self.turn_away(link, refused, now, ready);
            }
        };
        if self.up.is_some() {
            self.part(GoodbyeReason::REPLACED, None, now, ready);
        }
        let upgrade_recommended = gate(hello.role, &hello.fw_version, true) == Gate::Warned;
        let resumed = self.is_own_token(&hello);
        self.timers.stop_all();
        match resumed {
            true => self.match_up(&hello, ready),
            false => {
                self.end(ready);
                let (name, token) = (self.tokens.bytes(), self.tokens.bytes());
                let half = |bytes: [u8; 32]| *bytes.first_chunk().expect("32 octets hold 16");
                self.names = Some(Names { session_id: half(name), resume_token: Pii(half(token)) });
            }
        }
        self.dirty = true;
        self.welcome(link, proto, resumed, now, ready);
        self.told.hello = Some(hello);
        (self.told.up_since, self.told.refused) = (Some(now), None);
        ready.then.push(Output::News(News::Up { resumed, upgrade_recommended }));
        self.begin(resumed, now, ready);
    }

    /// The version that both speak, or why it is not let in.
    fn admit(&self, hello: &Hello, key: KeyPrint, now: Moment) -> Result<u16, Refuse> {
        if self.out_of_use {
            return Err(refuse(RefuseReason::OUT_OF_USE));
        }
        // The certificate is ours and its name is right; but the base station has another by now.
        if key != self.key {
            return Err(refuse(RefuseReason::STOLEN_ID));
        }
        // "switch picks the highest common version; none -> REFUSE(1 protocol)"
        let proto = hello.proto_max.min(*PROTOCOL.end());
        if proto < hello.proto_min.max(*PROTOCOL.start()) {
            return Err(refuse(RefuseReason::PROTOCOL));
        }
        if let Gate::Closed(reason) =
            gate(hello.role, &hello.fw_version, self.settings.allow_unknown_firmware)
        {
            let fw_min = Some(oldest(hello.role).to_string());
            return Err(Refuse { fw_min, fw_url: self.settings.firmware_url.clone(), ..refuse(reason) });
        }
        // "only after the first missed two pings". One that knows the token of the session is the base station
        // whose link was cut, and has noticed it before us.
        let alive = self.up.as_ref().is_some_and(|up| !up.is_silent(now));
        match alive && !self.is_own_token(hello) {
            true => Err(Refuse { retry_s: Some(DUPLICATE_RETRY_S), ..refuse(RefuseReason::DUPLICATE) }),
            false => Ok(proto),
        }
    }

    fn is_own_token(&self, hello: &Hello) -> bool {
        match (&self.names, &hello.resume_token) {
            (Some(names), Some(token)) => names.resume_token == *token,
            _ => false,
        }
    }

    fn turn_away(&mut self, link: LinkNo, refused: Refuse, now: Moment, ready: &mut Out) {
        ready.then.push(Output::Send { link, seq: 1, word: ToBase::from(refused.clone()) });
        ready.then.push(Output::Close { link });
        // A link that may be dead shows it sooner when it is asked.
        ready.then.extend(self.up.as_mut().map(|up| up.ping(now)));
        if self.up.is_none() {
            self.told.refused = Some(refused.clone());
        }
        ready.then.push(Output::News(News::Refused(refused)));
    }

    /// "both sides exchange the list of live CONN_IDs …, mismatches are released": what the base station does
    /// not have is gone; what we do not have is not in WELCOME, and the base station releases it.
    fn match_up(&mut self, hello: &Hello, ready: &mut Out) {
        for conn in self.conns.ids() {
            if !hello.live.contains(&conn) {
                self.drop_conn(conn, DownReason::LOST, ready);
            }
        }
    }

    fn welcome(&mut self, link: LinkNo, proto: u16, resumed: bool, now: Moment, ready: &mut Out) {
        let mut up = Up::new(link, now);
        let Names { session_id, resume_token } = self.names.clone().expect("named before WELCOME");
        let millis = |span: std::time::Duration| span.as_millis();
        let short = |span| u16::try_from(millis(span)).unwrap_or(u16::MAX);
        ready.then.push(up.say(Welcome {
            proto,
            session_id,
            resume_token: Some(resume_token),
            ping_ms: short(self.settings.ping),
            dead_ms: short(self.settings.dead),
            server_time: now.as_micros() / 1000,
            policy: u32::try_from(millis(self.settings.grace)).unwrap_or(u32::MAX),
            resume_ok: Some(resumed),
            live: self.conns.ids(),
        }));
        self.up = Some(up);
        self.busy_said = 0;
        self.timers.set(Timer::Ping, now + self.settings.ping);
        self.timers.set(Timer::Dead, now + self.settings.dead);
    }

    /// Where it stands when there is no link.
    pub(super) fn standing_without_link(&self) -> Standing {
        match (&self.names, &self.told.refused) {
            (_, Some(_)) => Standing::Refused,
            (Some(_), None) => Standing::Suspect,
            (None, None) => Standing::Down,
        }
    }
}

impl Input {
    /// HELLO of a connection that [`crate::dect::base_link::greeting::Greeting`] has admitted.
    pub fn greeted(link: LinkNo, hello: Box<Hello>, key: KeyPrint) -> Self {
        Self::Greeted { link, hello, key }
    }
}

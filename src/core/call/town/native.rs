//! A handset on a native base station: the fixed side is the real machine, the handset is played here.

use crate::dect::element::{BasicService, FixedIdentity, MultiKeypad, PortableIdentity, ReleaseReason, Tag};
use crate::dect::identity::{Ari, Ipei, Ipui, Park};
use crate::dect::key::Uak;
use crate::dect::message::{Kind, Message, Side, Transaction, receive};
use crate::dect::portable::{Connection, Portable, Rules, Standing};
use crate::id::{BaseStationId, Tokens};
use std::time::Duration;

/// What the handset is doing, as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    Nothing,
    /// It has dialled.
    Calling,
    /// It rings for this {CC-SETUP}.
    Ringing(Box<Message>),
    /// Its user talks; none: in a call of its own.
    Talking(Option<Box<Message>>),
    /// It has said {CC-RELEASE}.
    Releasing(Option<Box<Message>>),
}

pub struct Native {
    pub number: &'static str,
    pub base: BaseStationId,
    pub ipui: Ipui,
    /// The fixed side; gone with the process.
    pub portable: Portable,
    /// On disk.
    pub standing: Standing,
    pub doing: Doing,
    pub connection: Option<Connection>,
    pub holds: bool,
    next_connection: u16,
}

pub fn rules() -> Rules {
    let park = Park::of(&Ari::B { eic: 0x02AF, fpn_fps: 0x12C });
    Rules { park, level: 31, cipher: false, digit_gap: Duration::from_secs(4), wideband: true }
}

/// What the handset wants carried.
pub enum Air {
    Opens(Connection, Message),
    Says(Connection, Message),
    Leaves(Connection),
}

impl Native {
    pub fn new(number: &'static str, psn: u32, base: &str, tokens: &mut Tokens) -> Self {
        let ipui = Ipui::N(Ipei::new(0x0E02, psn).expect("an IPEI"));
        let base = BaseStationId(base.into());
        let standing = Standing {
            ipui: ipui.clone(),
            park: rules().park,
            uak: Some((8, Uak::from_bits([5; 16]))),
            code: None,
            located: true,
            tpui: None,
            base: Some(base.clone()),
            capability: Vec::new(),
        };
        let portable = Portable::restored(standing.clone(), rules(), tokens.split());
        let (doing, connection, holds, next_connection) = (Doing::Nothing, None, false, 0);
        Self { number, base, ipui, portable, standing, doing, connection, holds, next_connection }
    }

    fn open(&mut self) -> Connection {
        self.next_connection += 1;
        let connection = Connection { base: self.base.clone(), number: self.next_connection };
        self.connection = Some(connection.clone());
        connection
    }

    fn hers(kind: Kind) -> Message {
        Message::new(kind, Side::Portable, Transaction::first(kind.protocol(), Side::Portable))
    }

    fn of_call(setup: Option<&Message>, kind: Kind) -> Message {
        setup.map_or_else(|| Self::hers(kind), |setup| setup.answer(kind))
    }

    pub fn dial(&mut self, digits: &str) -> Vec<Air> {
        if self.doing != Doing::Nothing {
            return Vec::new();
        }
        let setup = Self::hers(Kind::CcSetup)
            .with(&PortableIdentity::Ipui(self.ipui.clone()))
            .with(&FixedIdentity::Park(rules().park))
            .with(&BasicService::SPEECH)
            .with(&MultiKeypad::new(digits.as_bytes()))
            .with_flag(Tag::SENDING_COMPLETE);
        self.doing = Doing::Calling;
        match self.connection.clone() {
            Some(connection) => vec![Air::Says(connection, setup)],
            None => vec![Air::Opens(self.open(), setup)],
        }
    }

    pub fn answer(&mut self) -> Vec<Air> {
        let (Doing::Ringing(setup), Some(connection)) = (self.doing.clone(), self.connection.clone()) else {
            return Vec::new();
        };
        self.doing = Doing::Talking(Some(setup.clone()));
        vec![Air::Says(connection, setup.answer(Kind::CcConnect))]
    }

    pub fn hang_up(&mut self) -> Vec<Air> {
        let setup = match self.doing.clone() {
            Doing::Nothing | Doing::Releasing(_) => return Vec::new(),
            Doing::Calling => None,
            Doing::Ringing(setup) => Some(setup),
            Doing::Talking(setup) => setup,
        };
        let Some(connection) = self.connection.clone() else { return Vec::new() };
        let release = Self::of_call(setup.as_deref(), Kind::CcRelease).with(&ReleaseReason::NORMAL);
        self.doing = Doing::Releasing(setup);
        vec![Air::Says(connection, release)]
    }

    /// {HOLD}, or {RETRIEVE} when it holds.
    pub fn hold(&mut self) -> Vec<Air> {
        let (Doing::Talking(setup), Some(connection)) = (self.doing.clone(), self.connection.clone()) else {
            return Vec::new();
        };
        let kind = if self.holds { Kind::Retrieve } else { Kind::Hold };
        vec![Air::Says(connection, Self::of_call(setup.as_deref(), kind))]
    }

    /// Keys pressed in the call.
    pub fn keys(&mut self, keys: &[u8]) -> Vec<Air> {
        let (Doing::Talking(setup), Some(connection)) = (self.doing.clone(), self.connection.clone()) else {
            return Vec::new();
        };
        let keypad = MultiKeypad::new(keys);
        vec![Air::Says(connection, Self::of_call(setup.as_deref(), Kind::CcInfo).with(&keypad))]
    }

    /// The page is heard.
    pub fn paged(&mut self) -> Vec<Air> {
        if self.connection.is_some() {
            return Vec::new();
        }
        let response = Self::hers(Kind::LcePageResponse).with(&PortableIdentity::Ipui(self.ipui.clone()));
        vec![Air::Opens(self.open(), response)]
    }

    /// The link is gone.
    pub fn lost(&mut self) {
        (self.connection, self.doing, self.holds) = (None, Doing::Nothing, false);
    }

    /// The switch says this.
    pub fn hears(&mut self, connection: &Connection, octets: &[u8]) -> Vec<Air> {
        if self.connection.as_ref() != Some(connection) {
            return Vec::new();
        }
        let message = receive(octets, Side::Fixed).expect("the switch speaks DECT");
        let mut says = Vec::new();
        let mut say = |message: Message| says.push(Air::Says(connection.clone(), message));
        match (message.kind, self.doing.clone()) {
            (Kind::CcSetup, Doing::Nothing) => {
                say(message.answer(Kind::CcAlerting));
                self.doing = Doing::Ringing(Box::new(message));
            }
            (Kind::CcSetup, _) => {
                say(message.answer(Kind::CcReleaseCom).with(&ReleaseReason::INSUFFICIENT_RESOURCES));
            }
            (Kind::CcConnect, Doing::Calling) => {
                self.doing = Doing::Talking(None);
                say(Self::hers(Kind::CcConnectAck));
            }
            (Kind::CcRelease, _) => {
                say(message.answer(Kind::CcReleaseCom));
                (self.doing, self.holds) = (Doing::Nothing, false);
            }
            (Kind::CcReleaseCom, _) => (self.doing, self.holds) = (Doing::Nothing, false),
            (Kind::HoldAck, _) => self.holds = true,
            (Kind::RetrieveAck, _) => self.holds = false,
            _ => {}
        }
        says
    }
}

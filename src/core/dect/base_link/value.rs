//! Contents of fields that are no enumeration.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dect::identity::Rfpi;
use crate::id::BaseStationId;
use crate::pii::Pii;

/// What stands in a field.
pub trait Value: Sized {
    /// From its octets; `None` when they are no such value.
    fn read(octets: &[u8]) -> Option<Self>;
    /// Appends its octets.
    fn write(&self, out: &mut Vec<u8>);
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn read(octets: &[u8]) -> Option<Self> {
                octets.try_into().ok().map(<$type>::from_be_bytes)
            }
            fn write(&self, out: &mut Vec<u8>) {
                out.extend(self.to_be_bytes());
            }
        }
    )*};
}

number!(u8, u16, u32, u64, i8, i16, i32);

impl<const N: usize> Value for [u8; N] {
    fn read(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }
}

/// "0 or 1".
impl Value for bool {
    fn read(octets: &[u8]) -> Option<Self> {
        match octets {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.push((*self).into());
    }
}

/// Most octets of a text.
pub const TEXT: usize = 255;

/// A text of at most [`TEXT`] octets; what is written is cut there.
impl Value for String {
    fn read(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok().filter(|text| text.len() <= TEXT)?;
        Some(text.to_owned())
    }
    fn write(&self, out: &mut Vec<u8>) {
        let end = (0..=TEXT.min(self.len())).rev().find(|end| self.is_char_boundary(*end)).unwrap_or(0);
        out.extend(&self.as_bytes()[..end]);
    }
}

/// Secrets are values too, and do not show themselves.
impl<T: Value> Value for Pii<T> {
    fn read(octets: &[u8]) -> Option<Self> {
        T::read(octets).map(Self)
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

/// `MIN` to `MAX` octets that mean nothing here.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Octets<const MIN: usize, const MAX: usize>(Vec<u8>);

impl<const MIN: usize, const MAX: usize> Octets<MIN, MAX> {
    /// `None` when there are too few or too many.
    pub fn new(octets: Vec<u8>) -> Option<Self> {
        (MIN..=MAX).contains(&octets.len()).then_some(Self(octets))
    }

    /// The octets.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The octets.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<const MIN: usize, const MAX: usize> Value for Octets<MIN, MAX> {
    fn read(octets: &[u8]) -> Option<Self> {
        (MIN..=MAX).contains(&octets.len()).then(|| Self(octets.to_vec()))
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(&self.0);
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Octets<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} octets>", self.0.len())
    }
}

/// One message of the network layer.
pub type Pdu = Octets<2, 4096>;
/// What the data link layers of two base stations tell each other at a handover.
pub type DlcState = Octets<0, 1024>;
/// A certificate or a request for one, DER.
pub type Der = Octets<1, 1536>;

/// A base station by its MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseId(pub [u8; 6]);

impl fmt::Display for BaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Why a text is no [`BaseId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a base station's id is its MAC address: twelve hexadecimal digits")]
pub struct BadBaseId;

impl FromStr for BaseId {
    type Err = BadBaseId;
    fn from_str(text: &str) -> Result<Self, BadBaseId> {
        let digits: Vec<u8> = text.bytes().filter(|b| !b":-.".contains(b)).collect();
        let mut id = [0; 6];
        if digits.len() != 12 {
            return Err(BadBaseId);
        }
        for (octet, pair) in id.iter_mut().zip(digits.chunks(2)) {
            let nibble = |digit: u8| char::from(digit).to_digit(16).ok_or(BadBaseId);
            *octet = (nibble(pair[0])? << 4 | nibble(pair[1])?) as u8;
        }
        Ok(Self(id))
    }
}

impl TryFrom<String> for BaseId {
    type Error = BadBaseId;
    fn try_from(text: String) -> Result<Self, BadBaseId> {
        text.parse()
    }
}

impl From<BaseId> for String {
    fn from(id: BaseId) -> Self {
        id.to_string()
    }
}

/// The name under which the rest of the switch knows it.
impl From<BaseId> for BaseStationId {
    fn from(id: BaseId) -> Self {
        Self(id.to_string())
    }
}

impl Value for BaseId {
    fn read(octets: &[u8]) -> Option<Self> {
        Value::read(octets).map(Self)
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

/// A connection of a handset; the base station gives the number, unique on its link while it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnId(pub u16);

impl Value for ConnId {
    fn read(octets: &[u8]) -> Option<Self> {
        Value::read(octets).map(Self)
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

/// A media stream between a base station and the switch; the switch gives the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaId(pub u32);

impl Value for MediaId {
    fn read(octets: &[u8]) -> Option<Self> {
        Value::read(octets).map(Self)
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

/// Portable part MAC identity, 20 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pmid(u32);

impl Pmid {
    /// From its 20 bits; more are no PMID.
    pub fn new(bits: u32) -> Option<Self> {
        (bits >> 20 == 0).then_some(Self(bits))
    }

    /// Its 20 bits.
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl Value for Pmid {
    fn read(octets: &[u8]) -> Option<Self> {
        u32::read(octets).and_then(Self::new)
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

impl Value for Rfpi {
    fn read(octets: &[u8]) -> Option<Self> {
        Self::from_octets(Value::read(octets)?).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.to_octets().write(out);
    }
}

/// {LCE-REQUEST-PAGE} in its B-format: "PAGE_PDU(3 or 5 octets)".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagePdu {
    /// With a short address.
    Short([u8; 3]),
    /// With a full address.
    Full([u8; 5]),
}

impl PagePdu {
    /// From what [`crate::dect::lce::Page::encode`] gave.
    pub fn new(octets: &[u8]) -> Option<Self> {
        Self::read(octets)
    }
}

impl Value for PagePdu {
    fn read(octets: &[u8]) -> Option<Self> {
        let short = octets.try_into().ok().map(Self::Short);
        short.or_else(|| octets.try_into().ok().map(Self::Full))
    }
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Short(octets) => out.extend(octets),
            Self::Full(octets) => out.extend(octets),
        }
    }
}

/// "u8 family, addr, u16 port".
impl Value for SocketAddr {
    fn read(octets: &[u8]) -> Option<Self> {
        let (&family, rest) = octets.split_first()?;
        let (ip, port) = rest.split_last_chunk::<2>()?;
        let ip = match family {
            4 => IpAddr::from(<[u8; 4]>::try_from(ip).ok()?),
            6 => IpAddr::from(<[u8; 16]>::try_from(ip).ok()?),
            _ => return None,
        };
        Some(Self::new(ip, u16::from_be_bytes(*port)))
    }
    fn write(&self, out: &mut Vec<u8>) {
        match self.ip() {
            IpAddr::V4(ip) => {
                out.push(4);
                out.extend(ip.octets());
            }
            IpAddr::V6(ip) => {
                out.push(6);
                out.extend(ip.octets());
            }
        }
        self.port().write(out);
    }
}

/// A base station that another one hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its radio number.
    pub rpn: u8,
    /// How loud it is, dBm.
    pub rssi: i8,
    /// How far its frames are from ours.
    pub offset_ns: i32,
    /// How many of its frames are good, per cent.
    pub quality: u8,
}

impl Value for Neighbour {
    fn read(octets: &[u8]) -> Option<Self> {
        let &[rpn, rssi, a, b, c, d, quality @ 0..=100] = octets else { return None };
        let offset_ns = i32::from_be_bytes([a, b, c, d]);
        Some(Self { rpn, rssi: rssi as i8, offset_ns, quality })
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.rpn, self.rssi as u8]);
        self.offset_ns.write(out);
        out.push(self.quality);
    }
}

/// Counters of a base station or a media stream, by the ids of `docs/base-link.md`. At most
/// [`Counters::MOST`]; ids that nobody knows are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters(Vec<(u16, u64)>);

impl Counters {
    /// Most counters in one field.
    pub const MOST: usize = 256;

    /// From pairs of id and value; what is too much is dropped.
    pub fn new(counters: impl IntoIterator<Item = (u16, u64)>) -> Self {
        Self(counters.into_iter().take(Self::MOST).collect())
    }

    /// The counter of that id.
    pub fn of(&self, id: u16) -> Option<u64> {
        self.0.iter().find(|(found, _)| *found == id).map(|(_, value)| *value)
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> {
        self.0.iter().copied()
    }
}

impl Value for Counters {
    fn read(octets: &[u8]) -> Option<Self> {
        let (counters, []) = octets.as_chunks::<10>() else { return None };
        let pair = |&[i, j, value @ ..]: &[u8; 10]| (u16::from_be_bytes([i, j]), u64::from_be_bytes(value));
        (counters.len() <= Self::MOST).then(|| Self(counters.iter().map(pair).collect()))
    }
    fn write(&self, out: &mut Vec<u8>) {
        for (id, value) in &self.0 {
            id.write(out);
            value.write(out);
        }
    }
}

//! NTLMv2 in its connectionless form, as far as SIP needs it ([MS-NLMP] §3.1.5.2, [MS-SIPAE]).
//!
//! ```text
//!  client                                    server
//!    ── (nothing: no NEGOTIATE message) ──►
//!    ◄─ CHALLENGE: flags, 8 bytes, its names ──
//!    ── AUTHENTICATE: proof, sealed session key ──►
//!    ◄══ every message signed, both ways ══►
//! ```
//!
//! [MS-NLMP] §1.3.1.3: "In the connectionless (datagram) variant … the NEGOTIATE message is not sent".
//! NTLMv1 is not spoken: it needs DES and gives the password away. Sealing (encryption of text) is not
//! used by SIP.

mod authenticate;
mod challenge;
mod mac;
mod negotiate;
mod rc4;
mod response;
mod wire;

#[cfg(test)]
mod tests;

pub use authenticate::{Authenticate, NtlmPolicy};
pub use challenge::{AvPair, Challenge};
pub use mac::{End, MAC_LEN, MacKeys};
pub use negotiate::negotiate;
pub use response::NtHash;
pub use wire::MessageFault;

/// NTLM negotiate flags ([MS-NLMP] §2.2.2.5), those we look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// Text is UTF-16.
    pub const UNICODE: Self = Self(0x0000_0001);
    /// The server shall name its realm.
    pub const REQUEST_TARGET: Self = Self(0x0000_0004);
    /// Messages can be signed.
    pub const SIGN: Self = Self(0x0000_0010);
    /// The connectionless form.
    pub const DATAGRAM: Self = Self(0x0000_0040);
    /// NTLM at all.
    pub const NTLM: Self = Self(0x0000_0200);
    /// Signed, even when nobody asks.
    pub const ALWAYS_SIGN: Self = Self(0x0000_8000);
    /// NTLMv2 session security: a key for each direction, HMAC in place of CRC.
    pub const EXTENDED_SESSION_SECURITY: Self = Self(0x0008_0000);
    /// An identity level token.
    pub const IDENTIFY: Self = Self(0x0010_0000);
    /// The challenge carries AV pairs.
    pub const TARGET_INFO: Self = Self(0x0080_0000);
    /// The version field is filled.
    pub const VERSION: Self = Self(0x0200_0000);
    /// Keys of 128 bits.
    pub const KEY_128: Self = Self(0x2000_0000);
    /// The client makes the session key and sends it encrypted.
    pub const KEY_EXCHANGE: Self = Self(0x4000_0000);
    /// Keys of 56 bits, when 128 is not set.
    pub const KEY_56: Self = Self(0x8000_0000);

    /// What real clients answer a front end with: 62988255.
    pub const OURS: Self = Self(
        Self::UNICODE.0
            | Self::REQUEST_TARGET.0
            | Self::SIGN.0
            | Self::DATAGRAM.0
            | Self::NTLM.0
            | Self::ALWAYS_SIGN.0
            | Self::EXTENDED_SESSION_SECURITY.0
            | Self::IDENTIFY.0
            | Self::TARGET_INFO.0
            | Self::VERSION.0
            | Self::KEY_128.0
            | Self::KEY_EXCHANGE.0,
    );

    /// Whether all of `flags` are set.
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Without `flags`.
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }
}

//! The system as its radios broadcast it: identity, capabilities, open for subscriptions or not
//! (EN 300 175-5, annex F; EN 300 175-6, 5).

use super::base_link::word::{BroadcastUpdate, RadioConfig};
use super::identity::{Ari, Park, Rfpi};

/// Bit of the higher layer capabilities: a32 is the most significant of sixteen.
const fn a(bit: u16) -> u16 {
    1 << (47 - bit)
}

/// What every radio offers: G.726 (a32), GAP speech (a33), authentication (a36), ciphering (a37), location
/// registration (a38), supplementary services beside calls (a41), connection handover (a46).
const OFFERED: u16 = a(32) | a(33) | a(36) | a(37) | a(38) | a(41) | a(46);
/// "access rights requests supported" (a44): the subscription window is open.
const SUBSCRIBE: u16 = a(44);

/// Extended capabilities, part 2, a16 to a47: DSAA2 (a43) and DSC2 (a44).
const EXTENDED_2: u32 = 1 << (47 - 43) | 1 << (47 - 44);
/// Wideband speech (a24).
const WIDEBAND: u32 = 1 << (47 - 24);

/// All ten carriers of the band.
const CARRIERS: u16 = 0x03FF;
/// 250 mW, as the band allows.
const POWER: i8 = 24;

/// What all radios of the system have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// The system's access rights identity; class B has room for 256 radios.
    pub ari: Ari,
    /// Calls of one radio: without and with SRTP.
    pub voice: (u8, u8),
    /// Channels that new calls leave to handsets that come over in a call.
    pub reserve: u8,
    /// Whether calls may be in G.722.
    pub wideband: bool,
}

impl Site {
    /// What its handsets may use.
    pub fn park(&self) -> Park {
        Park::of(&self.ari)
    }

    /// How many bits of PARI and RPN name its one location area: all of the PARI, so that a handset walks
    /// through the whole house without telling.
    pub fn level(&self) -> u8 {
        self.ari.length()
    }

    /// RADIO_CONFIG of one radio.
    pub fn radio(&self, rpn: u8, open: bool) -> RadioConfig {
        let (voice_max, voice_max_srtp) = self.voice;
        RadioConfig {
            rfpi: Rfpi { sari_list: false, pari: self.ari, rpn },
            rpn,
            carrier_mask: CARRIERS,
            tx_power: POWER,
            hlc: capabilities(open),
            ext_hlc: [0; 4],
            ext_hlc2: (EXTENDED_2 | if self.wideband { WIDEBAND } else { 0 }).to_be_bytes(),
            voice_max,
            voice_max_srtp,
            ho_reserve: self.reserve,
            dlc_mode: 0,
            sari: Vec::new(),
            timezone: None,
        }
    }

    /// Opens or closes the system for subscriptions.
    pub fn subscriptions(open: bool) -> BroadcastUpdate {
        BroadcastUpdate { hlc: Some(capabilities(open)), ext_hlc: None, ext_hlc2: None, busy_bits: None }
    }
}

fn capabilities(open: bool) -> [u8; 2] {
    (OFFERED | if open { SUBSCRIBE } else { 0 }).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_window_is_broadcast() {
        // Captured: CE 00 is a32, a33, a36, a37, a38.
        assert_eq!(capabilities(false), [0xCE, 0x42]);
        assert_eq!(capabilities(true), [0xCE, 0x4A]);
        assert_eq!(EXTENDED_2.to_be_bytes(), [0, 0, 0, 0x18]);
        let (ari, voice) = (Ari::B { eic: 0x02AF, fpn_fps: 0x12C }, (11, 6));
        let site = Site { ari, voice, reserve: 1, wideband: false };
        assert_eq!(site.radio(3, false).ext_hlc2, [0, 0, 0, 0x18]);
        assert_eq!(Site { wideband: true, ..site }.radio(3, false).ext_hlc2, [0, 0x80, 0, 0x18]);
        assert_eq!((site.level(), site.radio(3, false).rfpi.rpn), (31, 3));
        assert_eq!(Site::subscriptions(true).hlc, Some([0xCE, 0x4A]));
    }
}

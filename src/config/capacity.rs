//! How many channels a profile means.

use super::{Capacity, CapacityProfile};

impl Capacity {
    /// Channels of a media resource: without and with SRTP.
    pub fn media(&self) -> (u32, u32) {
        let (plain, srtp) = match self.profile {
            // The product that we replace: 32 voice channels, 16 with SRTP to Lync.
            CapacityProfile::Kws6500 => (32, 16),
            CapacityProfile::Software => (1_000, 1_000),
        };
        let plain = self.media_channels.unwrap_or(plain);
        (plain, self.media_channels_srtp.unwrap_or(srtp.min(plain)))
    }

    /// Channels of a base station whose model is not known: without and with SRTP.
    pub fn base(&self) -> (u32, u32) {
        let (plain, srtp) = match self.profile {
            // 11 voice channels per base, 6 with SRTP.
            CapacityProfile::Kws6500 => (11, 6),
            CapacityProfile::Software => (11, 11),
        };
        let plain = self.base_channels.unwrap_or(plain);
        (plain, self.base_channels_srtp.unwrap_or(srtp.min(plain)))
    }
}

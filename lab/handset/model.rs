//! What market base stations look like to a registrar.

/// A maker's base station or DECT manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Gigaset N870 IP PRO as DECT manager and base.
    GigasetN870,
    /// Snom M700.
    SnomM700,
    /// Yealink W90DM.
    YealinkW90,
}

impl Model {
    /// Every model, in a fixed order.
    pub const ALL: [Self; 3] = [Self::GigasetN870, Self::SnomM700, Self::YealinkW90];

    /// User-Agent as such devices send it; the W90DM names no MAC address in SIP.
    pub fn user_agent(self, mac: &str) -> String {
        match self {
            Self::GigasetN870 => {
                format!("Gigaset N870 IP PRO/83.V2.43.0+build.5f0a106;{}", mac.to_ascii_uppercase())
            }
            Self::SnomM700 => {
                format!("snomM700/03.23.0005 (MAC={}; SER= 00000; HW=255)", mac.to_ascii_uppercase())
            }
            Self::YealinkW90 => "Yealink W90DM 130.87.0.10".to_owned(),
        }
    }

    /// First half of a MAC address of this maker.
    pub const fn oui(self) -> &'static str {
        match self {
            Self::GigasetN870 => "7c2f80",
            Self::SnomM700 => "000413",
            Self::YealinkW90 => "805ec0",
        }
    }

    /// Calls at once in G.711. The W90DM carries 60 over its bases.
    pub const fn calls(self) -> usize {
        match self {
            Self::GigasetN870 | Self::SnomM700 => 8,
            Self::YealinkW90 => 60,
        }
    }
}

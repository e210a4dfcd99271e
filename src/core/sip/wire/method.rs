//! Request methods.

use std::fmt;

use super::Text;

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        /// A request method. The grammar is open (RFC 3261 §7.1: `extension-method = token`), and
        /// methods are case-sensitive.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Method {
            $($(#[$doc])* $variant,)+
            /// Any other token.
            Other(Text),
        }

        impl Method {
            /// The method for a token; the token itself is not checked.
            pub fn from_text(text: Text) -> Self {
                match text.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(text),
                }
            }

            /// The token.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(text) => text.as_str(),
                }
            }
        }
    };
}

methods! {
    /// RFC 3261 §13.
    Invite = "INVITE",
    /// RFC 3261 §13.2.2.4, §17.1.1.3.
    Ack = "ACK",
    /// RFC 3261 §15.
    Bye = "BYE",
    /// RFC 3261 §9.
    Cancel = "CANCEL",
    /// RFC 3261 §10.
    Register = "REGISTER",
    /// RFC 3261 §11.
    Options = "OPTIONS",
    /// RFC 3262.
    Prack = "PRACK",
    /// RFC 3311.
    Update = "UPDATE",
    /// RFC 6086.
    Info = "INFO",
    /// RFC 3515.
    Refer = "REFER",
    /// RFC 6665.
    Subscribe = "SUBSCRIBE",
    /// RFC 6665.
    Notify = "NOTIFY",
    /// RFC 3428.
    Message = "MESSAGE",
    /// RFC 3903.
    Publish = "PUBLISH",
    /// [MS-SIPRE], [MS-PRES]: presence publication and other services.
    Service = "SERVICE",
    /// [MS-SIP]: a NOTIFY that wants no answer.
    Benotify = "BENOTIFY",
    /// [MS-SIPRE]: compression and keep-alive negotiation.
    Negotiate = "NEGOTIATE",
}

impl From<&str> for Method {
    fn from(text: &str) -> Self {
        Self::from_text(Text::from(text))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

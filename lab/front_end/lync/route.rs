//! Record-Route as Lync writes it, signed, and Route as it must come back (byte for byte, else 1004).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::sip::{Hop, address};

/// What the servers of a pool sign their routes with.
#[derive(Clone, Copy)]
pub(super) struct RouteKey([u8; 16]);

impl RouteKey {
    pub(super) fn fresh() -> Self {
        Self(rand::random())
    }
}

/// Makes and checks routes with one key.
pub(super) struct Routes {
    key: RouteKey,
    pool: String,
    fqdn: String,
}

/// What a Route says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Another machine's.
    Foreign,
    /// Ours; the connections of the two ends of its dialog, as far as it names them.
    Own(Vec<u64>),
    /// Ours by its name, and changed on its way.
    Broken,
}

impl Routes {
    pub(super) fn new(key: RouteKey, pool: &str, fqdn: &str) -> Self {
        Self { key, pool: pool.to_owned(), fqdn: fqdn.to_owned() }
    }

    /// A Record-Route of a dialog between two hops; it is the one for `end`, and `port` is ours for its
    /// transport.
    pub(super) fn record(&self, end: &Hop, other: &Hop, port: u16) -> String {
        let ids = [end.connection, other.connection];
        let ids: Vec<String> = ids.into_iter().flatten().map(|id| format!("Ci.R{id:x}")).collect();
        let uri = format!(
            "sip:{}:{port};transport={};ms-fe={};opaque=state:T:F:{};lr",
            self.pool,
            end.transport,
            self.fqdn,
            ids.join(":")
        );
        let signature = self.sign(&uri);
        format!("<{uri};ms-route-sig={signature}>;tag={:08X}", rand::random::<u32>())
    }

    /// What a Route value is.
    pub(super) fn read(&self, value: &str) -> Route {
        let uri = address::uri(value);
        let host = address::host(uri).unwrap_or_default();
        if !self.is_own(&host) {
            return Route::Foreign;
        }
        let Some((signed, rest)) = uri.split_once(";ms-route-sig=") else {
            // A preloaded Route (RFC 3261 §8.1.2) names us and nothing more.
            return Route::Own(Vec::new());
        };
        if self.sign(signed) != rest {
            return Route::Broken;
        }
        // Another server of the pool made it: it leads there.
        let server = signed.split(';').find_map(|one| one.strip_prefix("ms-fe="));
        if server.is_some_and(|server| !server.eq_ignore_ascii_case(&self.fqdn)) {
            return Route::Foreign;
        }
        let state = signed.split(";opaque=").nth(1).and_then(|state| state.split(';').next()).unwrap_or("");
        let ids = state.split(':').filter_map(|one| u64::from_str_radix(one.strip_prefix("Ci.R")?, 16).ok());
        Route::Own(ids.collect())
    }

    /// Whether a host name is this server's or its pool's.
    pub(super) fn is_own(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.pool) || host.eq_ignore_ascii_case(&self.fqdn)
    }

    fn sign(&self, uri: &str) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.key.0).expect("HMAC takes a key of any length");
        mac.update(uri.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Transport;

    #[test]
    fn a_route_comes_back_whole_or_is_broken() {
        let key = RouteKey::fresh();
        let routes = Routes::new(key, "pool.lab.test", "fe1.lab.test");
        let mut hop = Hop::new(Transport::Tls, "127.0.0.1:40000".parse().unwrap());
        hop.connection = Some(0x3f0c00);
        let value = routes.record(&hop, &Hop { connection: Some(7), ..hop }, 5061);
        assert!(value.contains("opaque=state:T:F:Ci.R3f0c00:Ci.R7;lr;ms-route-sig="), "{value}");
        assert_eq!(routes.read(&value), Route::Own(vec![0x3f0c00, 7]));
        let bare = value.split(">;tag").next().unwrap().to_owned() + ">";
        assert_eq!(routes.read(&bare), Route::Own(vec![0x3f0c00, 7]));
        assert_eq!(routes.read(&value.replace(";transport=tls", "")), Route::Broken);
        assert_eq!(routes.read("<sip:fe1.lab.test;lr>"), Route::Own(vec![]));
        assert_eq!(routes.read("<sip:other.test;lr>"), Route::Foreign);
        let other = |key| Routes::new(key, "pool.lab.test", "fe2.lab.test").read(&value);
        assert_eq!(other(key), Route::Foreign);
        assert_eq!(other(RouteKey::fresh()), Route::Broken);
    }
}

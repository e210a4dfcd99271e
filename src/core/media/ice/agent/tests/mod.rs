//! Two agents against each other over a network that loses, delays and rewrites, in virtual time.

mod network;

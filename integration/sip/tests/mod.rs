//! Transports over real sockets on loopback.

mod alias;
mod legacy;
mod limits;
mod security;
mod streams;
mod udp;
mod world;

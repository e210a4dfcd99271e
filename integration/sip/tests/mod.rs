//! Transports over real sockets on loopback.

mod alias;
mod limits;
mod security;
mod streams;
mod udp;
mod world;

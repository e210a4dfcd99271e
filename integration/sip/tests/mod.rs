//! Transports over real sockets.

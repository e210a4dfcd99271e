//! The only room where radio and SIP meet: routing, admission, the call itself.

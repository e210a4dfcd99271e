//! linphone

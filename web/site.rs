//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use kirkwall_actors::desk::Desk;

use crate::idempotency::Idempotency;
use crate::imports::Imports;
use crate::live::Hub;

/// What the web is told about the node.
#[derive(Debug, Clone, Default)]
pub struct WebOptions {
    /// Version of the program, for `/api/v1/version` and the foot of pages.
    pub version: String,
    /// Name of the node, for the head of pages.
    pub node: String,
    /// A sentence over every page; the demo says with it what is simulated.
    pub banner: Option<String>,
}

/// One per server, shared by its workers.
pub struct Site {
    /// The switch.
    pub desk: Desk,
    /// Version, node, banner.
    pub options: WebOptions,
    /// Answers kept for repeated POSTs.
    pub idempotency: Idempotency,
    /// Uploaded files that wait to be applied.
    pub imports: Imports,
    /// Boards that live pages share.
    pub hub: Hub,
    /// Live streams open now.
    pub streams: Arc<AtomicUsize>,
}

impl Site {
    /// A fresh one, with empty tables.
    pub fn new(desk: Desk, options: WebOptions) -> Arc<Self> {
        Arc::new(Self {
            desk,
            options,
            idempotency: Idempotency::default(),
            imports: Imports::default(),
            hub: Hub::default(),
            streams: Arc::default(),
        })
    }
}

/// An unguessable word: 128 bits as 32 hexadecimal digits.
pub fn random_word() -> String {
    let mut bytes = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .expect("the operating system gives random bytes");
    hex(&bytes)
}

/// SHA-256 in hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

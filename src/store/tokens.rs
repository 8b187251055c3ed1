//! Tokens and idempotency keys of remote callers of the approval API.

use super::Asked;
use crate::core::Time;
use crate::core::access::{Grant, Token};
use crate::core::decision::DecisionId;

/// A token to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Display name.
    pub name: String,
    /// Permissions of the token.
    pub grant: Grant,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// Creation time, by the wall clock.
    pub at: Time,
}

/// A stored token with the hash of the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// The token.
    pub token: Token,
    /// SHA-256 of the secret.
    pub hash: Vec<u8>,
}

/// An idempotency key with the caller and the request's digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The caller.
    pub asker: String,
    /// The key chosen by the caller for this request.
    pub key: String,
    /// SHA-256 of the request.
    pub digest: [u8; 32],
}

/// Outcome of a request with an idempotency key.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyedAsk {
    /// The key is new: filed like a request without a key.
    Asked(Asked),
    /// Repeated request: the first call's decision in the current state, possibly closed.
    Before(crate::core::decision::Decision),
    /// The key was used for a different request; nothing was filed.
    Otherwise(DecisionId),
}

//! What is kept of those who call the approval API from elsewhere.

use super::Asked;
use crate::core::Time;
use crate::core::caller::{Grant, Token};
use crate::core::decision::DecisionId;

/// A token that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub grant: Grant,
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// When it is made, by the wall clock.
    pub at: Time,
}

/// A token and the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptToken {
    /// The token.
    pub token: Token,
    /// SHA-256 of its secret.
    pub hash: Vec<u8>,
}

/// Under which name something is asked, so that asking it again is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Who asks.
    pub asker: String,
    /// The asker's own name for this request.
    pub key: String,
    /// SHA-256 of what is asked.
    pub digest: [u8; 32],
}

/// What became of a request that was asked under a name.
#[derive(Debug, Clone, PartialEq)]
pub enum AskedOnce {
    /// It is as if it had been asked without.
    Asked(Asked),
    /// It was asked before under this name; the decision as it stands, also if it is over.
    Before(crate::core::decision::Decision),
    /// Something else was asked before under this name, and nothing was filed.
    Otherwise(DecisionId),
}

//! The words that describe a decision: kind, expected answer, risk, priority, safe default and
//! outcome.

pub use gander_client::types::{Expects, Outcome, Priority, Risk, SafeDefault};
use serde::{Deserialize, Serialize};

/// The subject of a decision: `deploy`, `credentials`, `naming` … Lower case with underscores.
/// Unknown kinds are kept as given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Kind(String);

impl Kind {
    /// The kind's name, as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind as shown to people: `client communication` for `client_communication`.
    #[must_use]
    pub fn words(&self) -> String {
        self.0.replace('_', " ")
    }
}

impl Default for Kind {
    fn default() -> Self {
        Self("routine".into())
    }
}

impl From<String> for Kind {
    fn from(text: String) -> Self {
        let name = text.trim().to_lowercase().replace(['-', ' '], "_");
        if name.is_empty() { Self::default() } else { Self(name) }
    }
}

impl From<&str> for Kind {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.0
    }
}

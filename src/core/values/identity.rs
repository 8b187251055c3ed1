//! Identities: the numbers of decisions and jobs, the version of a decision's content, a person.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number of a decision within its store; written `#142` for people.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DecisionId(pub i64);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl FromStr for DecisionId {
    type Err = String;

    /// Accepts `142` and `#142`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim()
            .trim_start_matches('#')
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .map(Self)
            .ok_or_else(|| {
                format!("{text:?} is not a decision's number: write, for example, 142 or #142")
            })
    }
}

/// The number of a job within its store; written `job 7` for people.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}", self.0)
    }
}

impl FromStr for JobId {
    type Err = String;

    /// Accepts `7`, `job 7` and `job-7`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        text.strip_prefix("job")
            .map_or(text, |rest| rest.trim_start_matches(['-', ' ']))
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not a job's number: write, for example, 7"))
    }
}

/// The version of a decision's content, counted from 1. A verdict names the revision that the
/// approver saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u32);

/// A person, as identified by a surface.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The surface and the identity on the surface: `discord:80351110224678912`.
    pub id: String,
    /// The display name.
    pub name: String,
}

impl Person {
    /// The Discord user with this id.
    #[must_use]
    pub fn discord(id: u64, name: impl Into<String>) -> Self {
        Self { id: format!("discord:{id}"), name: name.into() }
    }

    /// Gander itself, named as the author where no person decided.
    #[must_use]
    pub fn gander() -> Self {
        Self { id: "gander".into(), name: "Gander".into() }
    }

    /// The person's Discord user id, if the surface is Discord.
    #[must_use]
    pub fn discord_id(&self) -> Option<u64> {
        self.id.strip_prefix("discord:")?.parse().ok()
    }
}

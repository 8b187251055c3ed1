//! Grants: approvals that also cover later calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Moment;

/// An approval that also covers later calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// The agent's session, in which the approval was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// How long the grant lasts; absent: until the session ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<GrantLasts>,
    /// The pattern of the covered calls, as a person reads it: `git push *`, `src/**` or the name
    /// of a tool; absent: the exact call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The options that a covered command may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The agent's workspace folder, outside of which nothing is covered; absent: the grant is for
    /// the exact call of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// When the grant ends by itself; absent: with the session, or only when it is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Number of calls let through without a question.
    pub uses: u64,
    /// When the last such call was let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Moment>,
    /// When the grant ended; from then on the calls ask again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
    /// The person who ended the grant; Gander, if no person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
}

/// How long a grant beyond a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantLasts {
    /// Until its time is over.
    Timed,
    /// Until a person ends it.
    UntilRevoked,
}

/// A grant that lets calls through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedGrant {
    /// The number of the decision whose verdict gives the grant.
    #[schemars(range(min = 1))]
    pub decision: i64,
    /// The title of the call that was shown.
    pub title: String,
    /// The project.
    pub project: String,
    /// The agent.
    pub agent: String,
    /// The person who gave the grant.
    pub by: String,
    /// When the grant was given.
    pub at: Moment,
    /// What the grant covers, for how long, and its use.
    #[serde(flatten)]
    pub grant: Grant,
}

/// The grants that let calls through, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantList {
    /// The grants.
    pub items: Vec<ListedGrant>,
}

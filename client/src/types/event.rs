//! An event as serialised to clients that follow the log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attested, Moment, Outcome, Resolution};

/// One change of one decision, with the person and the verdict. Get the decision for everything
/// else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Happened")]
pub struct DecisionEvent {
    /// The position in the log. Send as `Last-Event-ID` to resume after this event.
    pub seq: u64,
    /// When the event happened.
    pub at: Moment,
    /// The decision's number.
    pub decision: i64,
    /// The kind of event: asked, revised, enforced, deferred, returned, climbed, told, voted,
    /// lapsed, proposed, taken, prioritized, resolved, undone, disagreed, withdrawn, claimed,
    /// reported, pruned. More may be added.
    pub event: String,
    /// The person who acted, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where the verdict came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The verdict.
    #[serde(flatten)]
    pub resolution: Resolution,
    /// When a deferred decision becomes pending again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// The escalation step that was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<String>,
    /// The outcome of acting on the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The agent's words about the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For a verdict on a tool call of a gate: what the verdict vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested: Option<Attested>,
}

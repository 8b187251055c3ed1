//! An event as serialised to clients that follow the log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Said};
use crate::core::decision::Outcome;
use crate::core::event::{Event, Logged};
use crate::core::pace::Pace;

/// One change of one decision, with the person and the verdict. Get the decision for everything
/// else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Happened {
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
    pub said: Said,
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
}

impl Happened {
    /// An event for clients, with times converted to the wall clock.
    #[must_use]
    pub fn of(logged: &Logged, pace: Pace) -> Self {
        let wall = |at| Moment(pace.wall_time(at));
        let bare = Self {
            seq: logged.seq,
            at: wall(logged.at),
            decision: logged.decision.0,
            event: logged.event.word().to_owned(),
            by: None,
            via: None,
            said: Said::default(),
            until: None,
            rung: None,
            outcome: None,
            text: None,
        };
        match &logged.event {
            Event::Deferred { until, by } => {
                Self { until: Some(wall(*until)), by: Some(by.name.clone()), ..bare }
            }
            Event::Climbed { rung } => Self { rung: Some(rung.stage.to_string()), ..bare },
            Event::Voted { by, via, note, .. } => {
                let said = Said { note: note.clone(), ..Said::default() };
                Self { by: Some(by.name.clone()), via: Some(via.word().into()), said, ..bare }
            }
            Event::Resolved { verdict, by, via, .. } | Event::Proposed { verdict, by, via, .. } => {
                let said = Said::from(verdict.clone());
                Self { by: Some(by.name.clone()), via: Some(via.word().into()), said, ..bare }
            }
            Event::Taken { by, .. }
            | Event::Prioritized { by, .. }
            | Event::Undone { by }
            | Event::Disagreed { by, .. } => Self { by: Some(by.name.clone()), ..bare },
            Event::Withdrawn { reason } => Self { said: Said::reason(reason), ..bare },
            Event::Reported { outcome, text } => {
                Self { outcome: Some(*outcome), text: Some(text.clone()), ..bare }
            }
            _ => bare,
        }
    }
}

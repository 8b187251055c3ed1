//! What happened, as those are told who follow the log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Said};
use crate::core::decision::Outcome;
use crate::core::event::{Event, Logged};
use crate::core::pace::Pace;

/// One change of one decision. What it says of people and answers; for all else, get the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Happened {
    /// Its position in the log: what to give as `Last-Event-ID` to go on behind it.
    pub seq: u64,
    /// When.
    pub at: Moment,
    /// The decision's number.
    pub decision: i64,
    /// What happened: asked, revised, enforced, deferred, returned, climbed, told, voted, lapsed,
    /// proposed, taken, prioritized, resolved, undone, disagreed, withdrawn, claimed, reported,
    /// pruned. New words may come.
    pub event: String,
    /// Who did it, where it was a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where an answer came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// What was answered.
    #[serde(flatten)]
    pub said: Said,
    /// When it comes back, if it was put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// The rung of the ladder that was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<String>,
    /// How it went when the agent acted on the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What the agent said of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Happened {
    /// What is told of an event.
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

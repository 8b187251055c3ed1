//! An event as serialised to clients that follow the log.

use gander_client::types::{DecisionEvent, Moment, Resolution};

use super::decision::resolution;
use crate::core::decision::event::{Event, Logged};
use crate::core::values::time_scale::TimeScale;
use crate::presentation::text;

/// An event for clients, with times converted to the wall clock.
#[must_use]
pub fn event(logged: &Logged, time_scale: TimeScale) -> DecisionEvent {
    let wall = |at| Moment(time_scale.wall_time(at));
    let bare = DecisionEvent {
        seq: logged.seq,
        at: wall(logged.at),
        decision: logged.decision.0,
        event: logged.event.word().to_owned(),
        by: None,
        via: None,
        resolution: Resolution::default(),
        until: None,
        rung: None,
        outcome: None,
        text: None,
        attested: None,
    };
    match &logged.event {
        Event::Deferred { until, by } => {
            DecisionEvent { until: Some(wall(*until)), by: Some(by.name.clone()), ..bare }
        }
        Event::StepFired { step } => DecisionEvent { rung: Some(step.stage.to_string()), ..bare },
        Event::Voted { by, via, note, .. } => {
            let resolution = Resolution { note: note.clone(), ..Resolution::default() };
            DecisionEvent {
                by: Some(by.name.clone()),
                via: Some(via.word().into()),
                resolution,
                ..bare
            }
        }
        Event::Resolved { verdict, by, via, attested, .. } => DecisionEvent {
            by: Some(by.name.clone()),
            via: Some(via.word().into()),
            resolution: resolution(text::worded(verdict, *via).into_owned()),
            attested: attested.clone().map(Into::into),
            ..bare
        },
        Event::Proposed { verdict, by, via, .. } => DecisionEvent {
            by: Some(by.name.clone()),
            via: Some(via.word().into()),
            resolution: resolution(text::worded(verdict, *via).into_owned()),
            ..bare
        },
        Event::Taken { by, .. }
        | Event::Prioritized { by, .. }
        | Event::Undone { by }
        | Event::GrantEnded { by, .. }
        | Event::Disagreed { by, .. } => DecisionEvent { by: Some(by.name.clone()), ..bare },
        Event::AskedAtDesk { until, .. } => DecisionEvent { until: Some(wall(*until)), ..bare },
        Event::EndedAtDesk { outcome } => {
            let resolution = Resolution::reason(text::desk::outcome(*outcome));
            DecisionEvent { resolution, ..bare }
        }
        Event::Withdrawn { reason } => {
            DecisionEvent { resolution: Resolution::reason(reason), ..bare }
        }
        Event::GrantUsed { call: Some(call) } => {
            DecisionEvent { text: Some(call.title.clone()), ..bare }
        }
        Event::Reported { outcome, text } => {
            DecisionEvent { outcome: Some(*outcome), text: Some(text.clone()), ..bare }
        }
        _ => bare,
    }
}

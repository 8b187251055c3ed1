//! A grant as serialised to clients.

use gander_client::types::{self, GrantLasts, ListedGrant, Moment};

use crate::core::decision::{CallGrant, CallPattern, Decision, GrantSpan, GrantUse};
use crate::core::values::time_scale::TimeScale;
use crate::presentation::text;

/// A grant, with times converted to the wall clock.
#[must_use]
pub(super) fn grant(grant: CallGrant, time_scale: TimeScale) -> types::Grant {
    let wall = |at| Moment(time_scale.wall_time(at));
    let GrantUse { uses, used_at, ended } = grant.progress;
    let options = match &grant.terms.pattern {
        Some(CallPattern::Command { options, .. }) => options.clone(),
        _ => Vec::new(),
    };
    types::Grant {
        session: grant.agent.session,
        lasts: match grant.terms.span {
            GrantSpan::Session => None,
            GrantSpan::Seconds(_) => Some(GrantLasts::Timed),
            GrantSpan::UntilRevoked => Some(GrantLasts::UntilRevoked),
        },
        pattern: grant.terms.pattern.as_ref().map(text::pattern),
        options,
        root: grant.root,
        until: grant.until.map(wall),
        uses,
        used_at: used_at.map(wall),
        ended_at: ended.as_ref().map(|end| wall(end.at)),
        ended_by: ended.map(|end| end.by.name),
    }
}

/// The grant of a decision, for a list. `None`: its verdict gives none.
#[must_use]
pub fn listed_grant(decision: &Decision, time_scale: TimeScale) -> Option<ListedGrant> {
    let given = decision.grant()?;
    Some(ListedGrant {
        decision: decision.id.0,
        title: decision.request.title.clone(),
        project: given.project.clone(),
        agent: given.agent.name.clone(),
        by: given.by.name.clone(),
        at: Moment(time_scale.wall_time(given.at)),
        grant: grant(given, time_scale),
    })
}

//! What the line above a card's embed tells already, and what the embed therefore leaves out.

use crate::core::decision::{Decision, State};
use crate::core::untrusted::{in_line, one_part, plain};
use crate::presentation::text;
use crate::presentation::text::label;

/// The plain line above a card's embed. The embed does not repeat what the headline tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// The decision's own headline.
    Headline,
    /// Something else, such as the result of the last click.
    Notice(String),
}

/// What the plain line tells, and the embed therefore leaves out.
pub(super) struct Told {
    pub(super) title: bool,
    pub(super) risk: bool,
    /// The project and the kind, or the agent and the project of a tool call.
    pub(super) origin: bool,
}

impl Told {
    pub(super) fn by(line: &Line, decision: &Decision) -> Self {
        let is_headline = *line == Line::Headline;
        let is_pending = matches!(decision.state, State::Pending(_));
        Self {
            title: is_headline && text::headline_has_title(decision),
            risk: is_headline && is_pending,
            origin: is_headline && is_pending && text::headline_has_origin(decision),
        }
    }
}

/// The footer below a line that tells nothing of the decision.
pub(super) fn whole_footer(decision: &Decision) -> String {
    footer(decision, &Told { title: false, risk: false, origin: false })
}

/// Where the decision comes from, except for what is told already. Where the line above tells the
/// origin, the session is left to the details.
pub(super) fn footer(decision: &Decision, told: &Told) -> String {
    let request = &decision.request;
    let revision = (decision.revision.0 > 1).then(|| format!("revision {}", decision.revision.0));
    let project = (request.project != "default").then(|| request.project.clone());
    // The headline of a tool call names the agent and asks for permission, that of a question names
    // the kind.
    let tells_agent = told.origin && text::names_agent(decision);
    let tells_kind = told.origin && (!decision.is_call() || decision.is_permission());
    let parts = [
        (label::AGENT, (!tells_agent).then(|| request.agent.name.clone())),
        (label::SESSION, request.agent.session.clone().filter(|_| !told.origin)),
        (label::PROJECT, project.filter(|_| !told.origin)),
        (label::ENVIRONMENT, request.environment.clone()),
        (label::KIND, (!tells_kind).then(|| request.kind.words())),
    ];
    // Each part is named: an agent could call itself like another part.
    let named = parts.into_iter().filter_map(|(name, part)| {
        let part = plain(&one_part(&part?), 60).text;
        (!part.is_empty()).then(|| format!("{} {}", name.to_lowercase(), in_line(&part)))
    });
    named.chain(revision).collect::<Vec<_>>().join(" · ")
}

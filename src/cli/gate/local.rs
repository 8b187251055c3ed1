//! A gate that asks in the store itself: the person's own rules, then an earlier answer, then a
//! person.

use std::path::PathBuf;

use super::{Common, ProjectClaim};
use crate::config::Config;
use crate::config::gates;
use crate::core::decision::{Decision, Request};
use crate::core::gate::ToolCall;
use crate::core::gate::rules::{Minimum, Ruling, judge};
use crate::core::policy::claims::{Claims, with_claims};
use crate::core::policy::rules::project_name;
use crate::engine::Handle;
use crate::engine::approvals::gates::{EarlierAnswer, GateReply};
use crate::presentation::gate::{QuestionTerms, question};
use crate::presentation::text;

/// What the rules say about a call.
pub(in crate::cli) enum Judged {
    /// Nobody is asked.
    Reply(GateReply),
    /// A person is asked, on these terms.
    Ask(QuestionTerms),
}

/// Judges a call by the person's rules. `at_least`: ask a person with at least these terms, even if
/// the rules would allow the call.
///
/// # Errors
/// The rules cannot be read, as text.
pub(in crate::cli) fn judged(
    common: &Common,
    call: &ToolCall,
    at_least: Option<Minimum>,
) -> Result<Judged, String> {
    let rules = gates::load(common.config.as_deref()).map_err(|error| error.to_string())?;
    let ruling = judge(&rules, call);
    let ruling = at_least.map_or(ruling.clone(), |least| ruling.raised(least));
    Ok(match ruling {
        Ruling::Allow => Judged::Reply(allow(text::gate::ALLOWED.to_owned())),
        Ruling::Deny { reason } => {
            Judged::Reply(GateReply::Deny(text::gate::denied(reason.as_deref())))
        }
        Ruling::Ask { risk, kind, reason } => Judged::Ask(QuestionTerms { risk, kind, reason }),
    })
}

/// The question about a call, in stored form.
///
/// # Errors
/// A file in the workspace cannot be read, as text.
pub(super) fn asked(
    user: &Config,
    call: &ToolCall,
    terms: QuestionTerms,
) -> Result<Request, String> {
    stored(user, &call.roots, |project| question(call, project, terms))
}

/// A request in stored form: of the project of this workspace.
///
/// # Errors
/// A file in the workspace cannot be read, as text.
pub(in crate::cli) fn stored(
    user: &Config,
    roots: &[PathBuf],
    request: impl FnOnce(Option<String>) -> Request,
) -> Result<Request, String> {
    let project = ProjectClaim::of_workspace(roots, user).map_err(|error| error.to_string())?;
    let mut request = request(project.mapped);
    request.project = project_name(&request.project);
    let claims = Claims { project: project.claimed, ..Claims::default() };
    Ok(with_claims(&user.rules, request, claims))
}

/// How a request stands in the store.
pub(in crate::cli) enum Filed {
    /// An earlier approval covers the call. The text is for the agent.
    Covered(String),
    /// A person decides, or has decided: wait for this decision and claim the verdict.
    Asked(Box<Decision>),
}

/// Files a request, unless an earlier answer applies to it.
///
/// # Errors
/// The store's, as text.
pub(in crate::cli) async fn filed(handle: &Handle, request: Request) -> Result<Filed, String> {
    let words = |error: crate::engine::HandleError| error.to_string();
    Ok(match handle.gates().earlier_answer(request).await.map_err(words)? {
        EarlierAnswer::Covers(words) => Filed::Covered(words),
        EarlierAnswer::Unclaimed(decision) => Filed::Asked(decision),
        EarlierAnswer::Ask(request) => Filed::Asked(Box::new(
            handle.approvals().ask(*request).await.map_err(words)?.into_decision(),
        )),
    })
}

/// The call may run.
pub(super) const fn allow(words: String) -> GateReply {
    GateReply::Allow { words, note: None }
}

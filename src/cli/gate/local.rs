//! A gate that asks in the store itself: the person's own rules, then an earlier answer, then a
//! person.

use std::path::PathBuf;

use super::{Common, ProjectClaim};
use crate::config::Config;
use crate::config::gates;
use crate::core::decision::question::UnfitQuestion;
use crate::core::decision::{Changes, Decision, DecisionId, Request};
use crate::core::gate::rules::{GateRule, Minimum, Ruling, digest, judge};
use crate::core::gate::{ToolCall, changes};
use crate::core::policy::claims::{Claims, with_claims};
use crate::core::policy::desk::DeskOffer;
use crate::core::policy::rules::project_name;
use crate::engine::approvals::desk::GateAsked;
use crate::engine::approvals::gates::{EarlierAnswer, Edits, GateQuestion, GateReply};
use crate::engine::{Handle, HandleError};
use crate::presentation::gate::QuestionTerms;
use crate::presentation::text;

/// What the rules say about a call.
pub(in crate::cli) enum Judged {
    /// Nobody is asked.
    Reply(GateReply),
    /// A person is asked.
    Ask(Box<Asking>),
}

/// The rules that ask a person about a call, and their terms.
pub(in crate::cli) struct Asking {
    rules: Vec<GateRule>,
    pub(in crate::cli) terms: QuestionTerms,
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
        Ruling::Allow => Judged::Reply(GateReply::Unasked(text::gate::ALLOWED.to_owned())),
        Ruling::Deny { reason } => {
            Judged::Reply(GateReply::Deny(text::gate::denied(reason.as_deref())))
        }
        Ruling::Ask { risk, kind, reason } => {
            let terms = QuestionTerms { risk, kind, reason, rules: digest(&rules) };
            Judged::Ask(Box::new(Asking { rules, terms }))
        }
    })
}

/// The question about a call, in stored form; or why nobody could answer it.
///
/// # Errors
/// A file in the workspace cannot be read, as text.
pub(in crate::cli) fn question_of_call(
    user: &Config,
    call: &ToolCall,
    asking: Asking,
    edits: Edits,
) -> Result<Result<GateQuestion, UnfitQuestion>, String> {
    let claim = ProjectClaim::of(call, user).map_err(|error| error.to_string())?;
    let ProjectClaim { mapped, claimed } = claim;
    let question = GateQuestion::new(asking.rules, call.clone(), mapped, asking.terms);
    let question = question.map(|question| question.with_edits(edits));
    Ok(question
        .map(|question| question.with_request(|request| in_stored_form(user, request, claimed))))
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
    Ok(in_stored_form(user, request(project.mapped), project.claimed))
}

fn in_stored_form(user: &Config, mut request: Request, claimed: Option<String>) -> Request {
    request.project = project_name(&request.project);
    let claims = Claims { project: claimed, ..Claims::default() };
    with_claims(&user.rules, request, claims)
}

/// How a request stands in the store.
pub(in crate::cli) enum Filed {
    /// An earlier approval covers the call. The text is for the agent.
    Covered(String),
    /// A person decides, or has decided: wait for this decision and claim the verdict.
    Asked(Box<Decision>),
}

/// Files the question about a call, unless an earlier answer applies to it.
///
/// # Errors
/// The store's, as text.
pub(in crate::cli) async fn filed(
    handle: &Handle,
    question: GateQuestion,
) -> Result<Filed, String> {
    of_earlier(handle, handle.gates().earlier_answer(question).await).await
}

/// Where a question about a call stands.
pub(super) enum Placed {
    /// At the desk: the agent's own prompt asks.
    AtDesk(Box<Decision>),
    /// Where every question stands.
    Elsewhere(Filed),
}

/// Files the question about a call, unless an earlier answer applies to it: at the desk if the
/// agent's own prompt may ask. `offer` is awaited only for a new question.
///
/// # Errors
/// The store's, as text.
pub(super) async fn placed(
    handle: &Handle,
    question: GateQuestion,
    offer: impl Future<Output = Option<DeskOffer>> + Send,
) -> Result<Placed, String> {
    let words = |error: HandleError| error.to_string();
    let request = match handle.gates().earlier_answer(question).await.map_err(words)? {
        EarlierAnswer::Ask(request) => *request,
        earlier => return of_earlier(handle, Ok(earlier)).await.map(Placed::Elsewhere),
    };
    Ok(match handle.gates().ask(request, offer.await).await.map_err(words)? {
        GateAsked::AtDesk(decision) => Placed::AtDesk(decision),
        GateAsked::Elsewhere(decision) => Placed::Elsewhere(Filed::Asked(decision)),
    })
}

/// Files a question that no grant covers, unless it waits for its answer already.
///
/// # Errors
/// The store's, as text.
pub(in crate::cli) async fn filed_once(handle: &Handle, request: Request) -> Result<Filed, String> {
    of_earlier(handle, handle.gates().unclaimed_answer(request).await).await
}

async fn of_earlier(
    handle: &Handle,
    earlier: Result<EarlierAnswer, HandleError>,
) -> Result<Filed, String> {
    let words = |error: HandleError| error.to_string();
    Ok(match earlier.map_err(words)? {
        EarlierAnswer::Covers(words) => Filed::Covered(words),
        EarlierAnswer::Unclaimed(decision) => Filed::Asked(decision),
        EarlierAnswer::Ask(request) => Filed::Asked(Box::new(
            handle.approvals().ask(*request).await.map_err(words)?.into_decision(),
        )),
    })
}

/// What changed in a call since the answer to a decision let it run. Records with that decision
/// that the call did not run. `request`: the question about the call as it is now, in stored form.
///
/// # Errors
/// The store's, as text.
pub(in crate::cli) async fn changes_since(
    handle: &Handle,
    request: &Request,
    allowed_by: Option<DecisionId>,
) -> Result<Option<Changes>, String> {
    let gates = handle.gates();
    let earlier = gates.allowed_before(request, allowed_by).await;
    let Some(earlier) = earlier.map_err(|error| error.to_string())? else { return Ok(None) };
    let changes = changes::since_answer(&earlier, request);
    let changed = Request { changes, ..request.clone() };
    gates.record_not_run(earlier.id, &changed).await;
    Ok(changed.changes)
}

/// The plan's file has changed since its approval.
pub(super) fn plan_changed() -> GateReply {
    GateReply::Deny(text::gate::PLAN_CHANGED.to_owned())
}

/// The call may run.
pub(super) const fn allow(words: String) -> GateReply {
    GateReply::Allow { words, note: None }
}

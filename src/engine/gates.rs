//! Gate requests: the rules decide first, then a person. Every transport of a gate takes this path.
//!
//! The dedup key, the risk and the text shown to a person are computed here from the tool call, so
//! a caller cannot get an approval filed under another call. Facts known only on the agent's
//! machine (link targets, file contents) are taken from the gate. A gate lying about them gains
//! nothing: an approval covers only the exact call shown, at that risk or a lower one, and an
//! honest gate never makes such a call. Does not depend on where rules are stored or how an agent
//! is answered.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use super::access::{Access, AccessError};
use super::{Handle, HandleError};
use crate::core::decision::{Decision, Kind, Request, Revision, Risk, State, Verdict};
use crate::core::gate::ToolCall;
use crate::core::gate::rules::{AtLeast, Rule, Ruling, judge};
use crate::core::policy::project_name;
use crate::core::session::Earlier;
use crate::core::text;
use crate::store::Filter;

/// Maximum time between the agent's pre-call hook and the agent's own permission prompt for the
/// call.
const JUST_NOW: Duration = Duration::from_secs(60);

/// The storage of gate rules.
pub trait Rulebook: Send + Sync + Debug {
    /// The current rules.
    ///
    /// # Errors
    /// A message if the rules cannot be read; every call is then denied.
    fn rules(&self) -> Result<Vec<Rule>, String>;
}

/// A tool call with the gate's parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Brought {
    /// The call.
    pub call: ToolCall,
    /// The project to ask in. Absent: the caller's only project, or the default.
    pub project: Option<String>,
    /// Ask a person with at least these terms, even if the rules would allow the call.
    pub at_least: Option<AtLeast>,
    /// Whether this is the agent's own permission prompt, for a call just seen by the pre-call
    /// hook.
    pub own_prompt: bool,
}

/// The result for a tool call.
#[derive(Debug, Clone, PartialEq)]
pub enum Gated {
    /// The call may run. The text is for the agent.
    Allowed(String),
    /// The call may not run. The text is for the agent.
    Denied(String),
    /// A person decides, or has decided and the verdict is unclaimed: wait for this decision and
    /// claim the verdict.
    Asked(Box<Decision>),
}

/// How an earlier answer to a call applies to a repeated call.
#[derive(Debug, Clone, PartialEq)]
pub enum Before {
    /// The earlier approval covers this call. The text is for the agent.
    Covers(String),
    /// The verdict came after the earlier call had stopped waiting, so this call may claim it.
    Unclaimed(Box<Decision>),
    /// Not at all: ask a person.
    Nothing,
}

/// The gate's answer to the agent, from the decision's current state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The call may run.
    Allow {
        /// Text for the agent.
        words: String,
        /// The person's note beside the approval.
        note: Option<String>,
    },
    /// The call may not run.
    Deny(String),
    /// Not now: a person has deferred the decision.
    Defer(String),
    /// No person has answered yet.
    Wait(String),
}

impl Handle {
    /// Checks whether an earlier answer applies to this request. `request` must be in stored form:
    /// project name and dedup key as the store keeps them.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn before(&self, request: &Request, own_prompt: bool) -> Result<Before, HandleError> {
        let filter = Filter {
            key_prefix: request.dedup_key.clone(),
            project: Some(request.project.clone()),
            limit: 1,
            ..Filter::default()
        };
        let Some(earlier) = self.list(filter).await?.pop() else { return Ok(Before::Nothing) };
        Ok(match earlier.as_answer_to(request) {
            Earlier::Covers => Before::Covers(text::gate::covered(earlier.id)),
            Earlier::Unclaimed => Before::Unclaimed(Box::new(earlier)),
            Earlier::Nothing if own_prompt => {
                self.let_through_just_now(&earlier, request).map_or(Before::Nothing, Before::Covers)
            }
            Earlier::Nothing => Before::Nothing,
        })
    }

    fn let_through_just_now(&self, earlier: &Decision, request: &Request) -> Option<String> {
        let State::Resolved(resolved) = &earlier.state else { return None };
        let just_now = |at| {
            self.pace().wall_span(self.now() - at).to_std().is_ok_and(|passed| passed < JUST_NOW)
        };
        let approved = matches!(resolved.verdict, Verdict::Approved { .. })
            && resolved.claimed_at.is_some_and(just_now);
        (approved && earlier.was_asked_as(request)).then(|| text::gate::approved(earlier, resolved))
    }

    /// The answer for a call asked about at revision `asked`. `unserved`: no bot runs, so no person
    /// was notified.
    #[must_use]
    pub fn told(&self, decision: &Decision, asked: Revision, unserved: bool) -> Told {
        if decision.revision != asked {
            return Told::Deny(text::gate::superseded(decision));
        }
        match &decision.state {
            State::Resolved(resolved) => match &resolved.verdict {
                Verdict::Approved { note, .. } => Told::Allow {
                    words: text::gate::approved(decision, resolved),
                    note: note.as_ref().map(|note| text::gate::noted(resolved, note)),
                },
                Verdict::Rejected { reason } => {
                    Told::Deny(text::gate::rejected(decision, resolved, reason))
                }
                // A gate's question offers neither.
                Verdict::Chosen { .. } | Verdict::Answered { .. } => {
                    Told::Deny(text::gate::superseded(decision))
                }
            },
            State::Deferred { until, by, .. } => {
                Told::Defer(text::gate::deferred(decision, *until, &by.name, self.rules().zone))
            }
            State::Withdrawn { reason, .. } => Told::Deny(text::gate::withdrawn(decision, reason)),
            State::Pending(_) => Told::Wait(text::gate::undecided(
                decision,
                self.standing(decision).as_ref(),
                self.now(),
                unserved,
            )),
        }
    }
}

/// The terms of the question.
struct Terms {
    risk: Risk,
    kind: Option<Kind>,
    reason: Option<String>,
}

/// Applies the rules to a call: a final result (`Err`), or the request to ask a person.
fn judged(rulebook: &dyn Rulebook, brought: Brought) -> Result<Request, Gated> {
    let Brought { call, project, at_least, .. } = brought;
    let rules = rulebook.rules().map_err(|why| Gated::Denied(text::gate::broken(&why)))?;
    let ruling = judge(&rules, &call);
    let terms = match at_least.map_or(ruling.clone(), |least| ruling.raised(least)) {
        Ruling::Allow => return Err(Gated::Allowed(text::gate::ALLOWED.to_owned())),
        Ruling::Deny { reason } => {
            return Err(Gated::Denied(text::gate::denied(reason.as_deref())));
        }
        Ruling::Ask { risk, kind, reason } => Terms { risk, kind, reason },
    };
    Ok(call.request(project, terms.risk, terms.kind, terms.reason))
}

impl Access {
    /// Sends a tool call through the gate: the rules allow or deny the call, or a person is asked.
    /// Repeating the call while its decision is open, or has an unclaimed verdict, returns that
    /// decision.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`Handle::ask`].
    pub async fn gate(
        &self,
        rulebook: Arc<dyn Rulebook>,
        brought: Brought,
    ) -> Result<Gated, AccessError> {
        let project = brought.project.clone().or_else(|| self.caller().only_project());
        let named = project_name(project.as_deref().unwrap_or(&Request::default().project));
        // A caller without the right to ask learns nothing about the rules either.
        self.caller().may_ask(&named)?;
        let own_prompt = brought.own_prompt;
        let brought = Brought { project: Some(named), ..brought };
        // Blocking: reads files and compares long texts.
        let request = match tokio::task::spawn_blocking(move || judged(&*rulebook, brought)).await {
            Ok(Ok(request)) => self.as_asked(request),
            Ok(Err(gated)) => return Ok(gated),
            Err(_) => return Ok(Gated::Denied(text::gate::broken(text::gate::FAILED))),
        };
        Ok(match self.handle().before(&request, own_prompt).await? {
            Before::Covers(words) => Gated::Allowed(words),
            Before::Unclaimed(decision) => Gated::Asked(decision),
            Before::Nothing => {
                Gated::Asked(Box::new(self.handle().ask(request).await?.into_decision()))
            }
        })
    }
}

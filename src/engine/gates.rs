//! How a gate asks: by the rules first, then a person. One road for whatever way a gate comes.
//!
//! Key, risk and what a person is shown are made here of the tool call itself, so nothing that a
//! caller says puts an approval under another call's name. What only the agent's machine knows
//! (where links lead, what a file holds) is the gate's word: whoever lies about it is answered
//! about a call that an honest gate never makes, for an answer holds only for what was shown, asked
//! as no less. Must not know where rules are written down, nor how an agent is told.

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

/// How soon after its hook before a call an agent asks by its own permissions about the same call.
const JUST_NOW: Duration = Duration::from_secs(60);

/// Where the rules of gates are kept.
pub trait Rulebook: Send + Sync + Debug {
    /// The rules, as they stand now.
    ///
    /// # Errors
    /// Words, if they cannot be read: then nothing is allowed.
    fn rules(&self) -> Result<Vec<Rule>, String>;
}

/// A tool call, as a gate brings it.
#[derive(Debug, Clone, PartialEq)]
pub struct Brought {
    /// The call.
    pub call: ToolCall,
    /// The project in which it is asked; absent: the caller's only one, or the usual.
    pub project: Option<String>,
    /// It is asked, at least so, whatever else the rules allow.
    pub at_least: Option<AtLeast>,
    /// Whether the agent asks by its own permissions about a call that its hook has seen just
    /// before.
    pub own_prompt: bool,
}

/// What becomes of a tool call.
#[derive(Debug, Clone, PartialEq)]
pub enum Gated {
    /// It may run, with words for the agent.
    Allowed(String),
    /// It may not.
    Denied(String),
    /// A person decides, or has decided and nobody has taken it yet: wait for this decision, and
    /// take it.
    Asked(Box<Decision>),
}

/// What an earlier answer to the same call is good for.
#[derive(Debug, Clone, PartialEq)]
pub enum Before {
    /// It covers this call, with words for the agent.
    Covers(String),
    /// It came after the last call had to be told something, so it is for this one: take it.
    Unclaimed(Box<Decision>),
    /// A person is asked.
    Nothing,
}

/// What a gate's decision means for the call, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It may run. The note is what the person said beside it.
    Allow {
        /// For the agent.
        words: String,
        /// The person's.
        note: Option<String>,
    },
    /// It may not.
    Deny(String),
    /// Not now: a person has put it off.
    Defer(String),
    /// Nobody has answered yet.
    Wait(String),
}

impl Handle {
    /// What an earlier answer is good for, if the same call comes as this request, which is as it
    /// would be kept.
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

    /// What a decision means for the call that it was asked for at this revision. `unserved`: no
    /// bot runs, so nobody was told.
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
                // Neither is offered by a gate's question.
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

/// How it is asked.
struct Terms {
    risk: Risk,
    kind: Option<Kind>,
    reason: Option<String>,
}

/// What the rules make of a call: nobody is asked, or this is.
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
    /// Brings a tool call to the gate: by these rules it passes, does not, or a person is asked.
    /// Bringing it again while that is open, or answered and not yet taken, is the same decision.
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
        // Whoever may not ask is not told of the rules either.
        self.caller().may_ask(&named)?;
        let own_prompt = brought.own_prompt;
        let brought = Brought { project: Some(named), ..brought };
        // Files are looked at, and long texts compared.
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

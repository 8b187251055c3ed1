//! Automatic approval: approves a confident agent's request without a person, where the
//! configuration allows it.
//!
//! Off until project and kind both allow it ([`Rule::route_by_confidence`](super::rules::Rule)).
//! One of the two is not enough: a permissive project does not open a restricted kind, nor the
//! reverse. An agent's confidence is only a claim and therefore never approves high or critical
//! risk, production, money, legal matters, customer communication or secrets, under any name. A
//! decision that a person may have handled stays with people, also when asked anew. Does not depend
//! on who approves or where decisions are shown.

mod exclusions;

use self::exclusions::may_be_production;
pub use self::exclusions::never_auto_approved;
use super::rules::{Rules, enforce};
use crate::core::decision::authorization::Grounds;
use crate::core::decision::event::Event;
use crate::core::decision::{
    Decision, Expects, Pending, Person, ReasonCode, Request, Revision, Risk, State, Verdict, Via,
};

/// A share between 0 and 1, stored in millionths: exact and comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// Rounds to the nearest millionth. `None` outside 0 to 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million"
        )]
        (0.0..=1.0).contains(&share).then(|| Self((share * 1e6).round() as u32))
    }

    /// The share as a number from 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// The share in millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

/// Confidence thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Confidence above this value is approved automatically.
    pub approve_above: Share,
    /// Confidence below this value blocks the agent, and people are mentioned at once.
    pub block_below: Share,
}

impl Thresholds {
    /// The lowest effective value of `approve_above`; a lower configured value has no effect.
    pub const FLOOR: Share = Share(800_000);
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { approve_above: Share(900_000), block_below: Share(600_000) }
    }
}

/// The route of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Approved automatically, and listed for review.
    Approve,
    /// Waits for a person; the agent can continue with other work.
    Queue(QueueReason),
    /// Waits for a person, and the ladder begins at the mention: the agent is unsure.
    Block,
}

/// Why a decision waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueReason {
    /// The decision is not pending.
    NotWaiting,
    /// Project and kind do not both allow automatic approval.
    NotAllowed,
    /// The agent states no confidence.
    NoConfidence,
    /// The confidence is too low.
    NotSure,
    /// High or critical risk.
    Risk,
    /// The decision expects a choice or a text answer.
    NotAYes,
    /// Several approvals are needed.
    Several,
    /// A person asked.
    AskedByPerson,
    /// The kind is never approved automatically.
    Kind,
    /// The decision concerns production, or may do so.
    Production,
    /// People have already seen or handled the decision, or an earlier one with this question.
    AlreadyHandled,
}

fn is_allowed(rules: &Rules, request: &Request) -> bool {
    let project = rules.projects.get(&request.project).is_some_and(|rule| rule.route_by_confidence);
    let kind = rules.kinds.get(&request.kind).is_some_and(|rule| rule.route_by_confidence);
    project && kind
}

/// Whether the ladder begins at the mention: the agent states low confidence, and project and kind
/// allow routing by confidence.
#[must_use]
pub fn starts_at_mention(rules: &Rules, request: &Request) -> bool {
    let unsure = request
        .confidence
        .is_some_and(|confidence| confidence < rules.confidence.block_below.get());
    unsure && request.person_asking().is_none() && is_allowed(rules, request)
}

/// The route of a decision in its current state under these rules.
#[must_use]
pub fn route(rules: &Rules, decision: &Decision) -> Route {
    let request = &decision.request;
    let State::Pending(pending) = &decision.state else {
        return Route::Queue(QueueReason::NotWaiting);
    };
    if !is_allowed(rules, request) {
        return Route::Queue(QueueReason::NotAllowed);
    }
    if starts_at_mention(rules, request) {
        return Route::Block;
    }
    match obstacle(rules, decision, pending) {
        Some(because) => Route::Queue(because),
        None => Route::Approve,
    }
}

/// The first reason against automatic approval.
fn obstacle(rules: &Rules, decision: &Decision, pending: &Pending) -> Option<QueueReason> {
    let request = &decision.request;
    // Apply the current rules, regardless of the terms under which the decision was filed.
    let terms = enforce(rules, request, &decision.terms);
    let several =
        terms.approvals.max(request.approvals_needed).max(decision.approvals_needed()) > 1;
    let sure = |confidence: f64| {
        confidence > rules.confidence.approve_above.max(Thresholds::FLOOR).get()
            && confidence <= 1.0
    };
    let touched = decision.revision > Revision(1)
        || decision.deferrals > 0
        || decision.returns > 0
        || decision.disagreed.is_some()
        || terms.precedent.is_some()
        || *pending != Pending::default();
    let found = [
        (request.expects != Expects::Approve, QueueReason::NotAYes),
        (request.person_asking().is_some(), QueueReason::AskedByPerson),
        (terms.risk.max(decision.terms.risk).max(request.risk) >= Risk::High, QueueReason::Risk),
        (several, QueueReason::Several),
        (never_auto_approved(&request.kind), QueueReason::Kind),
        (may_be_production(request), QueueReason::Production),
        (touched, QueueReason::AlreadyHandled),
        (request.confidence.is_none(), QueueReason::NoConfidence),
        (!request.confidence.is_some_and(sure), QueueReason::NotSure),
    ];
    found.into_iter().find(|(holds, _)| *holds).map(|(_, because)| because)
}

impl Decision {
    /// Approves the decision automatically, if these rules allow it.
    #[must_use]
    pub fn auto_approve(&self, rules: &Rules) -> Option<Event> {
        let confidence =
            self.request.confidence.filter(|_| route(rules, self) == Route::Approve)?;
        let verdict = Verdict::noted(Some(ReasonCode::Confidence(confidence).to_string()));
        Some(Event::Resolved {
            verdict,
            by: Person::gander(),
            via: Via::Routing,
            with: Vec::new(),
            grounds: Grounds::default(),
            attested: self.request.attested.clone(),
        })
    }
}

#[cfg(test)]
mod tests;

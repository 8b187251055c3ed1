//! Automatic approval: approves a confident agent's request without a person, where the
//! configuration allows it.
//!
//! Off until project and kind both allow it ([`Rule::route_by_confidence`](super::policy::Rule)).
//! One of the two is not enough: a permissive project does not open a restricted kind, nor the
//! reverse. An agent's confidence is only a claim and therefore never approves high or critical
//! risk, production, money, legal matters, customer communication or secrets, under any name. A
//! decision that a person may have handled stays with people. Does not depend on who approves or
//! where decisions are shown.

use super::Time;
use super::decision::{
    Decision, Expects, Kind, Pending, Person, Refused, Request, Revision, Risk, State, Verdict, Via,
};
use super::event::Event;
use super::policy::{Rules, enforce};
use super::text;

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
    Queue(Because),
    /// Waits for a person, and the ladder begins at the mention: the agent is unsure.
    Block,
}

/// Why a decision waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The decision is not pending.
    NotWaiting,
    /// Project and kind do not both allow automatic approval.
    NotAllowed,
    /// The agent states no confidence.
    Unsaid,
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
    /// People have already seen or handled the decision.
    Touched,
}

/// Kinds never approved automatically, alone or as part of a longer name.
const NEVER: [&str; 10] = [
    "credential",
    "secret",
    "password",
    "clientcomm",
    "customercomm",
    "communication",
    "pricing",
    "price",
    "legal",
    "payment",
];
/// Kinds treated as production unless the environment says otherwise.
const TO_SOMEWHERE: [&str; 7] =
    ["deploy", "release", "rollout", "publish", "golive", "launch", "production"];
/// Environments that are clearly not production.
const NOT_PRODUCTION: [&str; 15] = [
    "staging",
    "stage",
    "test",
    "testing",
    "qa",
    "dev",
    "development",
    "local",
    "localhost",
    "sandbox",
    "preview",
    "review",
    "demo",
    "ci",
    "integration",
];

/// A kind without word separators: `client-communication` and `Client Communication` become equal.
fn letters(kind: &Kind) -> String {
    kind.as_str().chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether this kind is never approved automatically, regardless of the configuration.
#[must_use]
pub fn never_passes(kind: &Kind) -> bool {
    let letters = letters(kind);
    NEVER.iter().any(|never| letters.contains(never))
}

/// Whether a request concerns production, or may do so. Every environment outside
/// [`NOT_PRODUCTION`] counts as production. Without an environment, the kinds in [`TO_SOMEWHERE`]
/// count as production.
fn may_be_production(request: &Request) -> bool {
    let Some(environment) =
        request.environment.as_ref().filter(|environment| !environment.trim().is_empty())
    else {
        let letters = letters(&request.kind);
        return TO_SOMEWHERE.iter().any(|brings| letters.contains(brings));
    };
    let name = environment.trim().to_lowercase();
    // `staging`, `staging2`, `staging-2`: only a number may follow the name.
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_']);
    !NOT_PRODUCTION.contains(&stem)
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
    let State::Pending(pending) = &decision.state else { return Route::Queue(Because::NotWaiting) };
    if !is_allowed(rules, request) {
        return Route::Queue(Because::NotAllowed);
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
fn obstacle(rules: &Rules, decision: &Decision, pending: &Pending) -> Option<Because> {
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
        || *pending != Pending::default();
    let found = [
        (request.expects != Expects::Approve, Because::NotAYes),
        (request.person_asking().is_some(), Because::AskedByPerson),
        (terms.risk.max(decision.terms.risk).max(request.risk) >= Risk::High, Because::Risk),
        (several, Because::Several),
        (never_passes(&request.kind), Because::Kind),
        (may_be_production(request), Because::Production),
        (touched, Because::Touched),
        (request.confidence.is_none(), Because::Unsaid),
        (!request.confidence.is_some_and(sure), Because::NotSure),
    ];
    found.into_iter().find(|(holds, _)| *holds).map(|(_, because)| because)
}

/// A person's disagreement with an automatic approval.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Disagreed {
    /// The person.
    pub by: Person,
    /// When.
    pub at: Time,
}

impl Decision {
    /// Approves the decision automatically, if these rules allow it.
    #[must_use]
    pub fn pass(&self, rules: &Rules) -> Option<Event> {
        let confidence =
            self.request.confidence.filter(|_| route(rules, self) == Route::Approve)?;
        let verdict = Verdict::noted(Some(text::passed(confidence)));
        Some(Event::Resolved { verdict, by: Person::gander(), via: Via::Routing, with: Vec::new() })
    }

    /// Records a disagreement with an automatic approval. If the agent has not claimed the verdict,
    /// the verdict is undone and a person must answer; with `keep` the verdict stands.
    ///
    /// # Errors
    /// [`Refused::NotByItself`], [`Refused::AlreadyDisagreed`]; withdrawn, or no verdict yet.
    pub fn disagree(&self, by: Person, keep: bool) -> Result<Event, Refused> {
        if let Some(before) = &self.disagreed {
            return Err(Refused::AlreadyDisagreed { by: before.by.clone() });
        }
        let resolved = self.verdict()?;
        if resolved.via != Via::Routing {
            return Err(Refused::NotByItself);
        }
        Ok(Event::Disagreed { by, undone: !keep && resolved.claimed_at.is_none() })
    }

    pub(super) fn disagreed_by(&mut self, by: Person, at: Time, undone: bool) {
        self.disagreed.get_or_insert_with(|| Disagreed { by: by.clone(), at });
        if undone {
            self.undone(by, at);
        }
    }
}

#[cfg(test)]
mod tests;

//! Which approvals need no person: what an agent is sure of, where the configuration lets that
//! pass.
//!
//! Off until project and kind both allow it ([`Rule::route_by_confidence`](super::policy::Rule)):
//! either side alone is not enough, so that a project in which much may pass does not open a kind
//! in which nothing may, nor the other way round. What an agent says of itself is a claim, so the
//! claim never reaches high or critical risk, production, money, law, customers or secrets,
//! whatever it is called; and once a person may have laid hands on a decision it stays with people.
//! Must not know who approves or where it is shown.

use super::Time;
use super::decision::{
    Decision, Expects, Kind, Pending, Person, Refused, Request, Revision, Risk, State, Verdict, Via,
};
use super::event::Event;
use super::policy::{Rules, enforce};
use super::text;

/// A share between 0 and 1, in millionths: exact, and comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// The share that is nearest. `None` for what is not between 0 and 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million"
        )]
        (0.0..=1.0).contains(&share).then(|| Self((share * 1e6).round() as u32))
    }

    /// As a number from 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// In millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

/// How sure an agent must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Surer than this: it passes.
    pub approve_above: Share,
    /// Less sure than this: the agent had better wait, and people are mentioned at once.
    pub block_below: Share,
}

impl Thresholds {
    /// Nobody can let pass what an agent is less sure of than this.
    pub const FLOOR: Share = Share(800_000);
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { approve_above: Share(900_000), block_below: Share(600_000) }
    }
}

/// Where a decision goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// It is approved at once, and listed for review.
    Approve,
    /// It waits for a person; the agent can go on with other work.
    Queue(Because),
    /// It waits for a person, and its ladder begins at the mention: the agent is not sure.
    Block,
}

/// Why something waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It does not wait for an answer.
    NotWaiting,
    /// Project and kind do not both allow it.
    NotAllowed,
    /// The agent does not say how sure it is.
    Unsaid,
    /// It is not sure enough.
    NotSure,
    /// High or critical risk.
    Risk,
    /// It wants a choice or an answer, and not a yes.
    NotAYes,
    /// Several people must approve.
    Several,
    /// A person asks.
    AskedByPerson,
    /// Nothing of this kind ever passes.
    Kind,
    /// It is about production, or may be.
    Production,
    /// People have seen it already, or done something about it.
    Touched,
}

/// Kinds that never pass, as they are or as part of another name.
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
/// Kinds of which it must be known that they are not about production.
const TO_SOMEWHERE: [&str; 7] =
    ["deploy", "release", "rollout", "publish", "golive", "launch", "production"];
/// Environments that are clearly none of production.
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

/// A kind without what sets words apart: `client-communication` and `Client Communication` are one.
fn letters(kind: &Kind) -> String {
    kind.as_str().chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether nothing of this kind ever passes, whatever the configuration says.
#[must_use]
pub fn never_passes(kind: &Kind) -> bool {
    let letters = letters(kind);
    NEVER.iter().any(|never| letters.contains(never))
}

/// Whether it is about production, or may be. An environment that is not clearly named as another
/// one is production; where none is named, whatever is brought somewhere goes there.
fn may_be_production(request: &Request) -> bool {
    let Some(environment) =
        request.environment.as_ref().filter(|environment| !environment.trim().is_empty())
    else {
        let letters = letters(&request.kind);
        return TO_SOMEWHERE.iter().any(|brings| letters.contains(brings));
    };
    let name = environment.trim().to_lowercase();
    // staging, staging2, staging-2: a number, and nothing else, may stand behind it.
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_']);
    !NOT_PRODUCTION.contains(&stem)
}

fn is_allowed(rules: &Rules, request: &Request) -> bool {
    let project = rules.projects.get(&request.project).is_some_and(|rule| rule.route_by_confidence);
    let kind = rules.kinds.get(&request.kind).is_some_and(|rule| rule.route_by_confidence);
    project && kind
}

/// Whether a ladder begins at the mention: the agent says that it is not sure, where that counts.
#[must_use]
pub fn starts_at_mention(rules: &Rules, request: &Request) -> bool {
    let unsure = request
        .confidence
        .is_some_and(|confidence| confidence < rules.confidence.block_below.get());
    unsure && request.person_asking().is_none() && is_allowed(rules, request)
}

/// Where a decision goes under these rules, as it stands.
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

/// The first thing that keeps it with people.
fn obstacle(rules: &Rules, decision: &Decision, pending: &Pending) -> Option<Because> {
    let request = &decision.request;
    // By these rules, whatever it was filed under.
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

/// A person's word against what was approved by itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Disagreed {
    /// Whose.
    pub by: Person,
    /// When.
    pub at: Time,
}

impl Decision {
    /// Approves it without a person, if these rules let it pass.
    #[must_use]
    pub fn pass(&self, rules: &Rules) -> Option<Event> {
        let confidence =
            self.request.confidence.filter(|_| route(rules, self) == Route::Approve)?;
        let verdict = Verdict::noted(Some(text::passed(confidence)));
        Some(Event::Resolved { verdict, by: Person::gander(), via: Via::Routing, with: Vec::new() })
    }

    /// A person disagrees with what was approved by itself. As long as the agent has not taken the
    /// verdict it is undone, and a person owes the answer; with `keep` it stands even then.
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

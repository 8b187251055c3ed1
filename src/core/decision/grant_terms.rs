//! The terms of a grant: which later calls it covers, and for how long; and which terms a decision
//! can be approved with.
//!
//! What a pattern may be is derived from the call by the gate (`core::gate::granting`), and kept
//! with the question. A person chooses among these patterns, and an agent names none.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Decision, Expects, Risk};
use crate::core::Time;

/// What a grant covers, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// How long.
    pub span: GrantSpan,
    /// Which calls. Absent: the exact call that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<CallPattern>,
}

/// How long a grant lasts, unless it is ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantSpan {
    /// Until the agent's session ends.
    Session,
    /// This number of seconds, from the verdict on, in every session.
    Seconds(u64),
    /// Until it is ended, in every session.
    UntilRevoked,
}

impl GrantSpan {
    /// One hour.
    pub const HOUR: Self = Self::Seconds(3_600);
    /// A working day.
    pub const EIGHT_HOURS: Self = Self::Seconds(8 * 3_600);
    /// The spans that a person is offered, the shortest first.
    pub const OFFERED: [Self; 4] =
        [Self::Session, Self::HOUR, Self::EIGHT_HOURS, Self::UntilRevoked];

    /// When a grant given at `at` ends by itself. `None`: at no known time.
    #[must_use]
    pub fn until(self, at: Time) -> Option<Time> {
        let Self::Seconds(seconds) = self else { return None };
        let span = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
        Some(span.and_then(|span| at.checked_add_signed(span)).unwrap_or(Time::MAX_UTC))
    }
}

/// Calls that resemble the call that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum CallPattern {
    /// Commands that begin with these words. Further words may follow, but no other options and
    /// settings than those of the call that was shown.
    Command {
        /// The program and its subcommand: `git`, `push`.
        words: Vec<String>,
        /// Options (`--tags`) and settings (`A=b`) of the call that was shown.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    },
    /// Calls of a tool, with any arguments.
    Tool {
        /// The tool as rules name it: `mcp__github__get_issue`, `Skill(pdf)`.
        tool: String,
    },
    /// Changes of files below a folder.
    Folder {
        /// The folder, relative to the agent's workspace. Empty: the workspace.
        folder: String,
    },
}

/// What a grant of a gate's call can cover. A gate derives it from the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grantable {
    /// The agent's workspace folder. Absolute.
    pub root: String,
    /// Digest of the call without its session.
    pub call: String,
    /// Digest of the rule that asks about the call. Absent: several rules do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Patterns that include the call, the narrowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<CallPattern>,
}

/// The longest span of a grant that policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongestGrant {
    /// No grant at all.
    Never,
    /// A grant of at most this span.
    UpTo(GrantSpan),
}

impl LongestGrant {
    /// No limit.
    pub const UNLIMITED: Self = Self::UpTo(GrantSpan::UntilRevoked);
}

/// The grants that policy allows for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantLimits {
    /// The longest.
    pub longest: LongestGrant,
    /// Whether a grant may cover a pattern.
    pub patterns: bool,
}

impl GrantLimits {
    /// The limits without any configuration: every grant for a permission, none for other kinds.
    #[must_use]
    pub const fn usual(is_permission: bool) -> Self {
        let longest = if is_permission { LongestGrant::UNLIMITED } else { LongestGrant::Never };
        Self { longest, patterns: true }
    }
}

impl GrantTerms {
    /// The call that was shown, until the agent's session ends.
    pub const SESSION: Self = Self { span: GrantSpan::Session, pattern: None };
}

impl Decision {
    /// The grants that policy allows for this decision.
    #[must_use]
    pub fn grant_limits(&self) -> GrantLimits {
        self.terms.grants.unwrap_or_else(|| GrantLimits::usual(self.is_permission()))
    }

    /// Whether the decision can be approved for the agent's session: see [`Self::offers`].
    #[must_use]
    pub fn offers_session(&self) -> bool {
        self.offers(&GrantTerms::SESSION)
    }

    /// Whether the decision can be approved with a grant on these terms, within the limits of
    /// policy: a call below critical risk that needs one approval, from an agent that shows the
    /// call, if a repetition would run the same. A grant for a session needs an agent that names
    /// its session; every other grant, and every pattern, a gate that knows the call's workspace.
    #[must_use]
    pub fn offers(&self, terms: &GrantTerms) -> bool {
        let limits = self.grant_limits();
        self.is_grantable_call()
            && LongestGrant::UpTo(terms.span) <= limits.longest
            && (terms.span != GrantSpan::Session || self.names_session())
            && match (&terms.pattern, &self.request.grantable) {
                (None, None) => terms.span == GrantSpan::Session,
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (Some(pattern), Some(call)) => limits.patterns && call.patterns.contains(pattern),
            }
    }

    /// The terms beyond the exact call for the session that the decision can be approved with: for
    /// each scope from the shortest span to the longest.
    #[must_use]
    pub fn longer_grants(&self) -> Vec<GrantTerms> {
        let patterns = self.request.grantable.iter().flat_map(|call| call.patterns.iter().cloned());
        let scopes = std::iter::once(None).chain(patterns.map(Some));
        let terms = scopes.flat_map(|pattern| {
            GrantSpan::OFFERED.map(|span| GrantTerms { span, pattern: pattern.clone() })
        });
        terms.filter(|terms| *terms != GrantTerms::SESSION && self.offers(terms)).collect()
    }

    fn is_grantable_call(&self) -> bool {
        (self.is_call() || self.request.grantable.is_some())
            && !self.request.body.trim().is_empty()
            && self.request.expects == Expects::Approve
            && !self.request.is_for_once()
            && self.approvals_needed() == 1
            && self.terms.risk < Risk::Critical
    }

    fn names_session(&self) -> bool {
        self.request.agent.session.as_ref().is_some_and(|session| !session.trim().is_empty())
    }
}

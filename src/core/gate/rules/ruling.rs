//! Rulings on tool calls, and why a person is asked.

use crate::core::decision::{Kind, Risk};
use crate::core::gate::places::PlaceReason;

/// Risk of a call that no rule matches.
pub(super) const UNKNOWN: Risk = Risk::Medium;

/// Ruling on a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The call is allowed.
    Allow,
    /// A person decides.
    Ask {
        /// Severity of a wrong answer.
        risk: Risk,
        /// Kind of the decision; `None` means a permission.
        kind: Option<Kind>,
        /// Reason for asking.
        reason: Option<AskReason>,
    },
    /// The call is denied.
    Deny {
        /// Reason.
        reason: Option<String>,
    },
}

/// Why a person is asked about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskReason {
    /// The words of a rule in the rules file.
    Configured(String),
    /// The call contains characters that a person cannot see.
    HiddenCharacters,
    /// The call has arguments beside the command that change its effect.
    ExtraArguments,
    /// A plan is to be approved that the call does not contain.
    NoPlan,
    /// With the plan, the agent asks for permissions.
    PlanGrants,
    /// The call was sent by a caller whose rules and files are not known here.
    Remote,
    /// The command contains syntax that the gate does not understand.
    NotUnderstood,
    /// The program gets an option of which nobody knows what it does.
    UnknownOption,
    /// Judging the whole call would take too long.
    TooMuch,
    /// The program reads further commands from a terminal. Contains the reason of a rule.
    Interactive(Option<Box<AskReason>>),
    /// The place of a file that the call reads or writes.
    Place(PlaceReason),
    /// The call has arguments that are not known, and may mean other files or further rights.
    UnknownArguments,
    /// Files of the workspace decide what a program or an agent of this name does.
    Shadowed,
    /// A text that a program of another language may run mentions a command that a rule denies.
    /// Contains the rule's reason.
    Mentions(Option<String>),
    /// The agent told only words about the call, not its arguments.
    NotTold,
    /// The agent's own permission prompt asks for more than the call. Contains a rule's reason.
    OwnPrompt(Option<Box<AskReason>>),
}

impl Ruling {
    pub(super) const fn unknown() -> Self {
        Self::Ask { risk: UNKNOWN, kind: None, reason: None }
    }

    /// The ruling on a call that asks the person, and runs nothing.
    pub(super) const fn question() -> Self {
        Self::Ask { risk: Risk::Low, kind: None, reason: None }
    }

    /// The stricter of two rulings; between two questions, the higher risk.
    #[must_use]
    pub fn or_stricter(self, other: Self) -> Self {
        let strictness = |ruling: &Self| match ruling {
            Self::Allow => (0, None, false),
            Self::Ask { risk, reason, .. } => (1, Some(*risk), reason.is_some()),
            Self::Deny { .. } => (2, None, false),
        };
        if strictness(&other) > strictness(&self) { other } else { self }
    }
}

/// Minimum for a question about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimum {
    /// Severity of a wrong answer.
    pub risk: Risk,
    /// Reason to use when the rules give none.
    pub reason: Option<AskReason>,
}

impl Ruling {
    /// Raises a ruling to at least this minimum. Never relaxes a ruling: a question keeps its kind,
    /// because the kind determines the approvers.
    #[must_use]
    pub fn raised(self, least: Minimum) -> Self {
        match self {
            Self::Allow => Self::Ask { risk: least.risk, kind: None, reason: least.reason },
            Self::Ask { risk, kind, reason } => {
                Self::Ask { risk: risk.max(least.risk), kind, reason: reason.or(least.reason) }
            }
            Self::Deny { .. } => self,
        }
    }

    /// A question for this reason, unless the call is denied. A question of at least this risk
    /// keeps its own reason; every question keeps its kind.
    pub(super) fn because(self, risk: Risk, reason: AskReason) -> Self {
        match self {
            Self::Ask { risk: asked, kind, reason: Some(own) } if asked >= risk => {
                Self::Ask { risk: asked, kind, reason: Some(own) }
            }
            Self::Ask { risk: asked, kind, .. } => {
                Self::Ask { risk: asked.max(risk), kind, reason: Some(reason) }
            }
            Self::Allow => Self::Ask { risk, kind: None, reason: Some(reason) },
            Self::Deny { .. } => self,
        }
    }

    /// The ruling for a program into which an agent may type: one approval covers everything that
    /// the agent types later.
    pub(super) fn interactive(self) -> Self {
        let raised = self.raised(Minimum { risk: Risk::High, reason: None });
        match raised {
            Self::Ask { risk, kind, reason } => {
                let reason = Some(AskReason::Interactive(reason.map(Box::new)));
                Self::Ask { risk, kind, reason }
            }
            other => other,
        }
    }

    /// The ruling for a command that is only guessed, from text of another language: most such text
    /// merely mentions the command, so a person decides what would be denied.
    pub(super) fn of_guess(self) -> Self {
        match self {
            Self::Deny { reason } => ask(Risk::High, AskReason::Mentions(reason)),
            other => other,
        }
    }

    /// The ruling for the agent's own permission prompt: what it asks for beside the call is in no
    /// rule, so no rule allows it.
    pub(super) fn of_own_prompt(self) -> Self {
        match self.raised(Minimum { risk: UNKNOWN, reason: None }) {
            Self::Ask { risk, kind, reason } => {
                let reason = Some(AskReason::OwnPrompt(reason.map(Box::new)));
                Self::Ask { risk, kind, reason }
            }
            denied => denied,
        }
    }

    /// As [`Ruling::raised`], if there is a minimum.
    pub(super) fn at_least(self, least: Option<Minimum>) -> Self {
        match least {
            Some(least) => self.raised(least),
            None => self,
        }
    }
}

/// A question for this reason.
pub(super) const fn ask(risk: Risk, reason: AskReason) -> Ruling {
    Ruling::Ask { risk, kind: None, reason: Some(reason) }
}

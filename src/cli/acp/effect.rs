//! What the relay wants done, and what it is told of people's answers. Plain data.

use crate::core::decision::{Choice, Outcome};
use crate::core::gate::ToolCall;
use crate::presentation::acp::{AgentQuestion, Context};

use super::call::Arguments;

/// A question to people, within this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AskId(pub(super) u64);

/// Something to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    /// Send a line to the agent.
    ToAgent(Vec<u8>),
    /// Send a line to the client.
    ToClient(Vec<u8>),
    /// Ask, and come back with the answer.
    Ask { ask: AskId, question: Box<AskedQuestion> },
    /// Nobody needs to answer any more: withdraw the question, for this reason.
    Withdraw { ask: AskId, why: &'static str },
    /// Show on the card of a decision what came of it.
    Report { decision: i64, outcome: Outcome, text: String },
    /// Tell the person at the terminal.
    Tell(String),
    /// Print the agent's words.
    Print(String),
}

/// A question of the agent.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum AskedQuestion {
    /// May this call run?
    Call(Box<AskedCallQuestion>),
    /// A question for an answer.
    Question(AgentQuestion),
}

/// The question whether a call may run. The gate's rules answer first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AskedCallQuestion {
    /// Without facts and workspace until it is asked.
    pub(super) call: ToolCall,
    pub(super) arguments: Arguments,
    /// What the agent told before.
    pub(super) context: Context,
    pub(super) answers: CallAnswers,
}

/// How people answer the question about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallAnswers {
    /// Approve or reject.
    YesOrNo,
    /// With one of the agent's options. `stopping`: the names of those that stop the call.
    Options { options: Vec<Choice>, stopping: Vec<String>, yes: Yes },
}

impl CallAnswers {
    /// Whether the call may run after an answer.
    pub(super) fn let_run(&self, answered: &Answered) -> bool {
        match (answered, self) {
            (Answered::Allowed { .. }, _) => true,
            (Answered::Chosen(name), Self::Options { stopping, .. }) => !stopping.contains(name),
            (Answered::Chosen(_), Self::YesOrNo) => true,
            (Answered::Denied { .. } | Answered::Written(_), _) => false,
        }
    }
}

/// Whether a rule that allows a call says which of the agent's options is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Yes {
    /// One option is for a yes to this call alone.
    Certain,
    /// None or several are: a person is asked even if a rule allows the call.
    Ambiguous,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The number of the decision, if a person was asked.
    pub(super) decision: Option<i64>,
    pub(super) verdict: Answered,
}

/// What was answered. The words are for the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    /// The call may run, once.
    Allowed { words: String },
    /// The call may not run, or the question is not answered.
    Denied { words: String, by: Denier },
    /// The option that a person chose, by its name.
    Chosen(String),
    /// What a person wrote.
    Written(String),
}

/// Who denied a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denier {
    /// The rules, or a failure.
    Gander,
    /// A person, with a reason.
    Person,
}

impl Answer {
    /// Without a person.
    pub(super) const fn of_gander(verdict: Answered) -> Self {
        Self { decision: None, verdict }
    }

    pub(super) const fn failed(words: String) -> Self {
        Self::of_gander(Answered::Denied { words, by: Denier::Gander })
    }
}

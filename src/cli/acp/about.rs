//! What a request of an agent is about, and how each answer of people is told to the agent.

use serde_json::{Value, json};

use super::call::ReadCall;
use super::effect::{Answered, Denier};
use super::elicitation::{self, Form};
use super::permission::{self, Offer, OptionKind, PermissionRequest};
use crate::core::decision::Choice;
use crate::presentation::text::acp as text;

/// Tools that ask people, in small letters and without separators.
const ASKING: [&str; 4] = ["askuserquestion", "askuser", "requestuserinput", "question"];

/// What a request is about.
#[derive(Debug)]
pub(super) enum About {
    Call {
        request: PermissionRequest,
    },
    /// A question that the agent puts as options of a request. `qwen`: the option by which Qwen
    /// Code takes an answer that stands beside.
    Question {
        request: PermissionRequest,
        qwen: Option<String>,
    },
    Form(Form),
}

/// Whether a call only asks the person, and its options are the answers. A tool of a server may
/// have any name, but then the options are for a yes, once or always, and a no.
pub(super) fn is_asking(read: &ReadCall, request: &PermissionRequest) -> bool {
    let are_answers = request.offer() == Offer::Choice
        && request
            .options
            .iter()
            .all(|option| matches!(option.kind(), OptionKind::AllowOnce | OptionKind::RejectOnce));
    let letters = read.call.tool.chars().filter(|c| c.is_alphanumeric());
    let name: String = letters.flat_map(char::to_lowercase).collect();
    are_answers && ASKING.contains(&name.as_str())
}

/// The agent's options, with what each does.
pub(super) fn choices(request: &PermissionRequest) -> Vec<Choice> {
    let does = |kind| match kind {
        OptionKind::AllowOnce => text::ALLOW_ONCE,
        OptionKind::AllowAlways => text::ALLOW_ALWAYS,
        OptionKind::RejectOnce => text::REJECT_ONCE,
        OptionKind::RejectAlways => text::REJECT_ALWAYS,
        OptionKind::Unknown => text::UNKNOWN_KIND,
    };
    let choice = |(name, option): (String, &permission::PermissionOption)| Choice {
        name,
        description: does(option.kind()).to_owned(),
    };
    request.names().into_iter().zip(&request.options).map(choice).collect()
}

impl About {
    /// What the agent is told.
    pub(super) fn answer(&self, verdict: &Answered) -> Value {
        match self {
            Self::Call { request } => call_answer(request, verdict),
            Self::Question { request, qwen: None } => call_answer(request, verdict),
            Self::Question { request, qwen: Some(submit) } => match verdict {
                Answered::Chosen(option) => {
                    let mut answer = permission::selected(submit, "");
                    answer["answers"] = json!({ "0": option });
                    answer
                }
                other => request.no(words(other)),
            },
            Self::Form(form) => match verdict {
                Answered::Chosen(option) => {
                    form.chosen(option).unwrap_or_else(elicitation::cancelled)
                }
                Answered::Written(text) => form.written(text),
                Answered::Denied { by: Denier::Person, .. } => elicitation::declined(),
                Answered::Denied { .. } | Answered::Allowed { .. } => elicitation::cancelled(),
            },
        }
    }
}

fn call_answer(request: &PermissionRequest, verdict: &Answered) -> Value {
    match verdict {
        Answered::Allowed { words } => match request.offer() {
            Offer::YesOrNo { yes } => permission::selected(&yes, words),
            Offer::Choice | Offer::Unusable => request.no(text::UNUSABLE),
        },
        Answered::Chosen(name) => {
            let names = request.names();
            let chosen = names.iter().zip(&request.options).find(|(known, _)| *known == name);
            match chosen {
                Some((_, option)) => permission::selected(&option.option_id, ""),
                None => request.no(text::UNUSABLE),
            }
        }
        other => request.no(words(other)),
    }
}

fn words(verdict: &Answered) -> &str {
    match verdict {
        Answered::Denied { words, .. } | Answered::Allowed { words } => words,
        Answered::Chosen(text) | Answered::Written(text) => text,
    }
}

/// A question of Qwen Code: its options are Submit and Cancel, and the answer stands beside.
pub(super) struct QwenQuestion {
    pub(super) message: String,
    pub(super) options: Vec<Choice>,
    /// The option by which the answer is submitted.
    pub(super) submit: String,
}

impl QwenQuestion {
    /// `None`: no such question. `Some(None)`: one that nobody can answer with one choice.
    pub(super) fn of(request: &PermissionRequest) -> Option<Option<Self>> {
        let meta = request.tool_call.described.meta.as_ref()?;
        (meta["qwenInteractionKind"] == "user_question").then(|| Self::read(request, meta))
    }

    fn read(request: &PermissionRequest, meta: &Value) -> Option<Self> {
        let Offer::YesOrNo { yes: submit } = request.offer() else { return None };
        let [question] = meta["qwenQuestions"].as_array()?.as_slice() else { return None };
        if question["multiSelect"] == true {
            return None;
        }
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let option = |option: &Value| Choice {
            name: text(option, "label"),
            description: text(option, "description"),
        };
        let options: Vec<Choice> = question["options"].as_array()?.iter().map(option).collect();
        (options.len() > 1).then(|| Self { message: text(question, "question"), options, submit })
    }
}

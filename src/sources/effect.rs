//! What a message of another system means for decisions, and carrying it out.

use serde_json::Value;

use crate::core::decision::{DecisionId, Request};
use crate::engine::{Asked, Filter, Handle, HandleError};

/// The effect of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    /// A person is asked.
    Ask(Box<Request>),
    /// The open questions whose key begins like this need no answer any more.
    Over { prefix: String, reason: &'static str },
}

/// What an effect did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) asked: Vec<DecisionId>,
    pub(super) withdrawn: Vec<DecisionId>,
}

impl Effect {
    pub(super) fn ask(request: Request) -> Self {
        Self::Ask(Box::new(request))
    }

    /// Carries out the effect.
    ///
    /// # Errors
    /// As [`crate::engine::approvals::decisions::ApprovalApi::ask`].
    pub(super) async fn apply(
        self,
        handle: &Handle,
        applied: &mut Applied,
    ) -> Result<(), HandleError> {
        match self {
            Self::Ask(request) => {
                if let Asked::New(decision) | Asked::Revised(decision) =
                    handle.approvals().ask(*request).await?
                {
                    applied.asked.push(decision.id);
                }
            }
            Self::Over { prefix, reason } => {
                let filter =
                    Filter { open_only: true, key_prefix: Some(prefix), ..Filter::default() };
                for decision in handle.approvals().list(filter).await? {
                    match handle.approvals().withdraw(decision.id, reason).await {
                        Ok(_) => applied.withdrawn.push(decision.id),
                        // Answered at this moment.
                        Err(HandleError::Refused(..)) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }
}

/// The trimmed text at a JSON pointer, if there is one and it is not blank.
pub(super) fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The beginning of a text's first line, for a title.
pub(super) fn title_part(text: &str) -> String {
    const LONGEST: usize = 160;
    text.lines().next().unwrap_or_default().chars().take(LONGEST).collect()
}

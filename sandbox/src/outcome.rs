//! What a person sees come of an action. Plain data.

use serde::Serialize;
use serde_json::Value;

/// What came of a person's action.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// Whether the bot answered, or for a message, whether it could be sent.
    pub ok: bool,
    /// Milliseconds from the action to the bot's first answer.
    pub ack_ms: Option<u64>,
    /// What the person would see instead of an answer, and what happened.
    pub error: Option<String>,
    /// The message object that answers: a reply, the edited message, a follow-up.
    pub message: Option<Value>,
    /// The form that opened: `modal_id` (for [`Person::submit`](crate::Person::submit)), `title`,
    /// `custom_id`, `components`.
    pub modal: Option<Value>,
    /// The channel object of the thread that was started or changed.
    pub channel: Option<Value>,
    /// The attachment object of the file that was uploaded.
    pub attachment: Option<Value>,
    /// Choices offered by autocompletion: `name` and `value`.
    pub choices: Vec<Value>,
}

impl Outcome {
    /// The action was refused before or instead of an answer.
    pub(crate) fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }

    /// Content of the answering message; empty without one.
    #[must_use]
    pub fn content(&self) -> &str {
        self.message.as_ref().and_then(|message| message["content"].as_str()).unwrap_or_default()
    }

    /// Id of the form that opened.
    #[must_use]
    pub fn modal_id(&self) -> Option<&str> {
        self.modal.as_ref().and_then(|m| m["modal_id"].as_str())
    }

    /// Id of the thread that was started or changed.
    #[must_use]
    pub fn thread_id(&self) -> Option<&str> {
        self.channel.as_ref().and_then(|thread| thread["id"].as_str())
    }

    /// Id of the file that was uploaded.
    #[must_use]
    pub fn attachment_id(&self) -> Option<&str> {
        self.attachment.as_ref().and_then(|file| file["id"].as_str())
    }

    /// Whether only the person sees the answering message (flag 64).
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        self.message
            .as_ref()
            .and_then(|message| message["flags"].as_u64())
            .is_some_and(|flags| flags & 64 != 0)
    }
}

//! Files that a tool call runs, as the gate found them when it asked; and what changed in them
//! since an earlier approval.
//!
//! Plain data. [`crate::core::gate::scripts`] finds the files, [`crate::core::gate::changes`]
//! compares them.

use serde::{Deserialize, Serialize};

use super::{DecisionId, Person, Via};

/// Most text of all scripts of a question, in bytes. Of longer ones, only the digest is kept.
pub const MOST_TEXT: usize = 64 << 10;

/// A file that a tool call runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The path: relative within the workspace, else absolute.
    pub path: String,
    /// What the file holds.
    #[serde(flatten)]
    pub content: ScriptContent,
}

/// What is known of the content of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "content", rename_all = "snake_case")]
pub enum ScriptContent {
    /// All of it.
    Text {
        /// SHA-256 in hexadecimal.
        digest: String,
        /// The text.
        text: String,
    },
    /// Its digest: a change is noticed, but nobody reads the content.
    Unshown {
        /// SHA-256 in hexadecimal.
        digest: String,
        /// Why the content is not shown.
        why: Unshown,
    },
    /// Nothing: the file is too large, or cannot be read.
    Unknown,
}

/// Why the content of a file is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unshown {
    /// All files together have more text than [`MOST_TEXT`].
    TooLong,
    /// The content is no text.
    Binary,
    /// The file may hold secrets.
    Private,
    /// The gate sent a digest only.
    NotSent,
}

impl ScriptContent {
    /// The digest, if the content is known.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Text { digest, .. } | Self::Unshown { digest, .. } => Some(digest),
            Self::Unknown => None,
        }
    }

    /// The text, if it is shown.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Unshown { .. } | Self::Unknown => None,
        }
    }
}

/// What changed between an approval and the moment at which the call was about to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The decision that was approved.
    pub since: DecisionId,
    /// Who approved it.
    pub by: Person,
    /// The origin of the approval.
    pub via: Via,
    /// The paths of the files that changed, as in [`Script::path`]. Empty: something else that the
    /// gate looked up about the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The change as a unified diff, cut to a limit. Empty: nothing can be shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub diff: String,
}

/// What a verdict on a tool call vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attested {
    /// SHA-256 of the gate's rules that judged the call, in hexadecimal
    /// ([`crate::core::gate::rules::digest`]).
    pub rules: String,
    /// SHA-256 of the call with the files that it runs, in hexadecimal
    /// ([`crate::core::gate::ToolCall::hash`]).
    pub call: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_written_so_for_ever() {
        let text = ScriptContent::Text { digest: "ab".into(), text: "ls".into() };
        let private = ScriptContent::Unshown { digest: "cd".into(), why: Unshown::Private };
        for (content, written) in [
            (text, r#"{"path":"x","content":"text","digest":"ab","text":"ls"}"#),
            (private, r#"{"path":"x","content":"unshown","digest":"cd","why":"private"}"#),
            (ScriptContent::Unknown, r#"{"path":"x","content":"unknown"}"#),
        ] {
            let script = Script { path: "x".into(), content };
            assert_eq!(serde_json::to_string(&script).unwrap(), written);
            assert_eq!(serde_json::from_str::<Script>(written).unwrap(), script);
        }
    }
}

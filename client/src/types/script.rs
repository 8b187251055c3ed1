//! The files that a tool call at a gate runs, and what a verdict on the call vouches for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file that a tool call runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Script {
    /// The path: relative within the workspace, else absolute.
    pub path: String,
    /// SHA-256 of the content, in hexadecimal; absent: the content is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The content; absent: too long, no text, or possibly a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What changed between an approval and the moment at which the call was about to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// The number of the decision that was approved.
    #[schemars(range(min = 1))]
    pub since: i64,
    /// Who approved it.
    pub by: String,
    /// The files that changed; empty: something else that the gate looked up about the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The change as a unified diff, cut to a limit; empty: nothing can be shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub diff: String,
}

/// What a verdict on a tool call vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attested {
    /// SHA-256 of the gate's rules that judged the call, in hexadecimal.
    pub rules: String,
    /// SHA-256 of the call with the files that it runs, in hexadecimal.
    pub call: String,
}

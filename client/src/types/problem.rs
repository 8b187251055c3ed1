//! Problems: errors in the format of RFC 9457.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Decision;

/// A problem: the error, and the remedy. Served as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The type of the problem: `urn:gander:problem:` and a word.
    #[serde(rename = "type")]
    pub kind: String,
    /// The type in words; constant for each type.
    pub title: String,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// The error of this request, and the remedy.
    pub detail: String,
    /// The scope that the token lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Seconds after which a retry may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The latest position of the event log, from which to follow after reading the decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The decision in its current state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Box<Decision>>,
}

/// The prefix of every problem's type.
const TYPE: &str = "urn:gander:problem:";

/// Declares [`ProblemKind`], with status, word and title of each kind.
macro_rules! kinds {
    (
        $($(#[$doc:meta])* $member:ident = ($status:literal, $word:literal, $title:literal)),+
        $(,)?
    ) => {
        /// The kind of a problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemKind { $($(#[$doc])* $member),+ }

        impl ProblemKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$member),+];

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$member => $status),+ }
            }

            /// The last part of the problem's type.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$member => $word),+ }
            }

            /// The title.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$member => $title),+ }
            }
        }
    };
}

kinds! {
    /// The path, query, headers or JSON cannot be parsed.
    BadRequest = (400, "bad-request", "Invalid request"),
    /// The token is missing, unknown or revoked.
    Unauthorized = (401, "unauthorized", "Token required"),
    /// The token does not permit this request.
    Forbidden = (403, "forbidden", "Not allowed for this token"),
    /// The person is not an approver of this decision.
    Denied = (403, "denied", "The person may not decide this"),
    /// The request comes from a web page, or names a foreign host.
    Foreign = (403, "foreign", "Request from another origin"),
    /// The resource does not exist, or the token may not see it.
    NotFound = (404, "not-found", "Not found"),
    /// The path does not support this method.
    Method = (405, "method-not-allowed", "Method not allowed"),
    /// The response is not available in the requested format.
    NotAcceptable = (406, "not-acceptable", "Format not supported"),
    /// The body did not arrive in time.
    Slow = (408, "too-slow", "Request timed out"),
    /// Another verdict came first.
    Decided = (409, "already-decided", "Already decided"),
    /// The decision's state does not permit this request.
    Conflict = (409, "conflict", "Not possible in this state"),
    /// The idempotency key was used for another question.
    KeyReused = (422, "key-reused", "Idempotency key reused"),
    /// The question was asked again with different content.
    Superseded = (409, "superseded", "Question was revised"),
    /// The event log ends before the position to follow from: a backup was restored.
    PositionGone = (410, "position-gone", "Position not in the event log"),
    /// The named revision is not the current revision.
    Outdated = (412, "outdated", "Changed since it was read"),
    /// The body is too long.
    TooLarge = (413, "too-large", "The body is too long"),
    /// The `Content-Type` is not JSON.
    MediaType = (415, "unsupported-media-type", "Body is not JSON"),
    /// The body is valid JSON with invalid content.
    Unprocessable = (422, "invalid", "Invalid body"),
    /// `If-Match` is missing.
    RevisionNeeded = (428, "revision-needed", "If-Match required"),
    /// The rate limit is exceeded.
    TooMany = (429, "too-many-requests", "Too many requests"),
    /// The headers are too long.
    HeadersTooLarge = (431, "headers-too-large", "Headers too long"),
    /// An internal error.
    Internal = (500, "internal", "Internal error"),
    /// The store is busy or the disk is full, the bot is not connected, or the process is shutting
    /// down.
    Unavailable = (503, "unavailable", "Temporarily unavailable"),
}

impl Problem {
    /// A problem of this kind. `detail`: the error of this request, and the remedy.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{TYPE}{}", kind.word()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            scope: None,
            retry_after: None,
            position: None,
            decision: None,
        }
    }

    /// The kind; `None`: a kind that this version does not know.
    #[must_use]
    pub fn known_kind(&self) -> Option<ProblemKind> {
        let word = self.kind.strip_prefix(TYPE)?;
        ProblemKind::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

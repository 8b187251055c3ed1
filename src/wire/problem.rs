//! Why something was not done, as RFC 9457 writes it down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Decision;

/// A problem: what is wrong, and what to do. Served as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Its sort, as `urn:gander:problem:` and a word.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sort in words. Always the same for one type.
    pub title: String,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// What is wrong this time, and what to do.
    pub detail: String,
    /// The scope that the token lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Seconds after which the same may work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The decision as it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Box<Decision>>,
}

/// The prefix of every problem's type.
const TYPE: &str = "urn:gander:problem:";

/// The sorts of problems.
macro_rules! kinds {
    ($($(#[$doc:meta])* $member:ident = ($status:literal, $word:literal, $title:literal)),+ $(,)?) => {
        /// The sort of a problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemKind { $($(#[$doc])* $member),+ }

        impl ProblemKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$member),+];

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$member => $status),+ }
            }

            /// The word at the end of its type.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$member => $word),+ }
            }

            /// The sort in words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$member => $title),+ }
            }
        }
    };
}

kinds! {
    /// The request is not one: its path, query, headers or JSON.
    BadRequest = (400, "bad-request", "The request cannot be understood"),
    /// No token, or none that is known.
    Unauthorized = (401, "unauthorized", "A token is needed"),
    /// The token may not do this.
    Forbidden = (403, "forbidden", "This token may not do that"),
    /// The person may not decide it.
    Denied = (403, "denied", "That person may not decide it"),
    /// A web page, or a name that is not this server's.
    Foreign = (403, "foreign", "Requests from elsewhere are refused"),
    /// There is nothing there, or nothing that the token may see.
    NotFound = (404, "not-found", "There is nothing there"),
    /// The path knows other methods.
    Method = (405, "method-not-allowed", "Another method is meant"),
    /// It cannot be answered in the wanted format.
    NotAcceptable = (406, "not-acceptable", "That format is not spoken"),
    /// The body was not sent in time.
    Slow = (408, "too-slow", "The request took too long"),
    /// Somebody was first.
    Decided = (409, "already-decided", "It is already decided"),
    /// The decision stands otherwise.
    Conflict = (409, "conflict", "It stands otherwise"),
    /// The key was used for something else.
    KeyReused = (422, "key-reused", "The key was used for another question"),
    /// It was asked anew, with another content.
    Superseded = (409, "superseded", "It was asked again with another content"),
    /// Another revision was seen.
    Outdated = (412, "outdated", "It changed since it was seen"),
    /// The body is too long.
    TooLarge = (413, "too-large", "The body is too long"),
    /// The body is no JSON by its name.
    MediaType = (415, "unsupported-media-type", "The body is not sent as JSON"),
    /// The body is JSON, and wrong.
    Unprocessable = (422, "invalid", "The body cannot be taken as it is"),
    /// No revision was named.
    RevisionNeeded = (428, "revision-needed", "The revision that was seen must be named"),
    /// More than is allowed in a while.
    TooMany = (429, "too-many-requests", "Too many requests"),
    /// Headers beyond all measure.
    HeadersTooLarge = (431, "headers-too-large", "The headers are too long"),
    /// Something is broken here.
    Internal = (500, "internal", "Something went wrong here"),
    /// The store is busy, or the process ends.
    Unavailable = (503, "unavailable", "Not at this moment"),
}

impl Problem {
    /// A problem of this sort.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{TYPE}{}", kind.word()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            scope: None,
            retry_after: None,
            decision: None,
        }
    }

    /// Its sort; `None`: a newer one.
    #[must_use]
    pub fn sort(&self) -> Option<ProblemKind> {
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

//! The vocabulary of a question: risk, priority, expected answer, default and outcome.
//!
//! Gander's core uses these enums too, so that a word has one meaning everywhere.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines an enum with one lower-case word per member, used for parsing, display and storage.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$each:meta])* $member:ident = $word:literal),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$each])* $member),+ }

        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$member),+];

            /// The member's word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text.trim().to_lowercase().as_str() {
                    $($word => Ok(Self::$member),)+
                    _ => Err(format!("{text:?} is not one of {}", [$($word),+].join(", "))),
                }
            }
        }
    };
}

words! {
    /// The kind of answer that a decision expects.
    Expects {
        /// Yes or no.
        Approve = "approve",
        /// One of the decision's options.
        Choose = "choose",
        /// A text.
        Answer = "answer",
    }
}

words! {
    /// The damage that a wrong verdict can do. Policy can raise the risk; nothing lowers it.
    Risk {
        /// Easily undone.
        Low = "low",
        /// Some work to undo.
        Medium = "medium",
        /// Affects customers or money.
        High = "high",
        /// Cannot be undone.
        Critical = "critical",
    }
}

words! {
    /// How soon the requester needs the answer.
    Priority {
        /// Can wait.
        Low = "low",
        /// In the usual order.
        Normal = "normal",
        /// Before normal priority.
        High = "high",
        /// As soon as possible.
        Urgent = "urgent",
    }
}

words! {
    /// The verdict if no person answers in time.
    SafeDefault {
        /// Reject.
        Reject = "reject",
        /// Approve; only where policy allows it.
        Approve = "approve",
    }
}

words! {
    /// The result of the agent's action on a verdict.
    Outcome {
        /// The action succeeded.
        Succeeded = "succeeded",
        /// The action failed.
        Failed = "failed",
        /// Nothing was done: what was approved is no longer what would run.
        NotRun = "not_run",
    }
}

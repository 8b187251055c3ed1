//! The JSON types that agents and programs exchange with Gander over every transport: HTTP, MCP,
//! dropped files, the client.
//!
//! Plain data, each type with its JSON Schema; the comment on a field is the description that an
//! agent reads. Times are wall-clock times in RFC 3339. Pure: does not depend on a transport, the
//! store or permissions.

mod decision;
mod event;
pub mod gate;
mod parts;
mod problem;
mod question;
mod read;
mod say;

pub use self::decision::{
    Approvals, Attention, Decision, Escalation, Next, Outcomes, Page, Phase, Prioritized, Proposed,
    Reached, Said, Terms, Unreached, WaitsFor, Word,
};
pub use self::event::Happened;
pub use self::gate::{GateAnswer, GateCall, GateReady};
pub use self::parts::{Agent, Choice, Detail, Insight, Link, Moment, Span};
pub use self::problem::{Problem, ProblemKind};
pub use self::question::Question;
pub(crate) use self::question::question;
pub use self::read::{Hint, Wrong, read};
pub use self::say::{
    Answer, Approve, Batch, BatchItem, Batched, Choose, Defer, LONGEST_REPORT, MOST_AT_ONCE,
    Reject, Report, Withdraw,
};

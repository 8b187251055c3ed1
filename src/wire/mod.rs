//! What agents and programs send and receive, whichever way they come: HTTP, MCP, a dropped file,
//! the client.
//!
//! Plain data with the JSON Schema of each type beside it, so a comment on a field is what an agent
//! reads of it. Times are the wall clock's, as RFC 3339. Pure; must not know a transport, a store,
//! or who may do what.

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

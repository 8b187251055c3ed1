//! The JSON types that agents and programs exchange with Gander over every transport: HTTP, MCP,
//! dropped files, this client.
//!
//! Plain data, each type with its JSON Schema; the comment on a field is the description that an
//! agent reads. Times are wall-clock times in RFC 3339. Does not depend on a transport, the store
//! or permissions. A type's name in JSON Schemas and in the OpenAPI document never changes; where
//! the Rust name is clearer, `#[schemars(rename)]` keeps the published name.

mod answers;
mod decision;
mod event;
mod files;
mod gate;
mod gate_facts;
mod grant;
mod parts;
mod problem;
mod question;
mod requests;
mod script;
mod values;

pub use self::answers::{AskedQuestion, QuestionAnswer};
pub use self::decision::{
    Approvals, ApproverList, Attention, Decision, DecisionPage, Escalation, FiredStep, Phase,
    Prioritized, ProposedVerdict, ReportedOutcome, Resolution, Terms, UnreachedPerson,
    UpcomingStep, VerdictKind,
};
pub use self::event::DecisionEvent;
pub use self::files::{OutcomeReport, QuestionState, VerdictFile};
pub use self::gate::{AtLeast, GateAnswer, GateCall, GateReady, GateVerdict};
pub use self::gate_facts::{
    GateCoverage, GateFacts, GateFile, GateFileKind, GateRepository, GateScript, GateUnshown,
};
pub use self::grant::{Grant, GrantLasts, GrantList, ListedGrant};
pub use self::parts::{Agent, Choice, Detail, Insight, Link, Moment, Span};
pub use self::problem::{Problem, ProblemKind};
pub use self::question::{DroppedQuestion, LONGEST_OPTION, MAX_APPROVALS, MAX_OPTIONS, Question};
pub use self::requests::{
    Answer, Approve, Batch, BatchItem, BatchResult, Choose, Defer, LONGEST_REPORT, MAX_BATCH,
    Reject, Report, Withdraw,
};
pub use self::script::{Attested, Changes, Script};
pub use self::values::{Expects, Outcome, Priority, Risk, SafeDefault};

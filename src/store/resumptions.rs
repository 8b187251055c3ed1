//! The types of resumptions in the store.

use crate::core::decision::Decision;
use crate::core::decision::resumption::Resumption;

/// A resumption with its decision.
#[derive(Debug, Clone, PartialEq)]
pub struct ParkedAgent {
    /// The record.
    pub resumption: Resumption,
    /// The decision that the agent waits for.
    pub decision: Decision,
}

/// What became of the start of a resumption.
#[derive(Debug, Clone, PartialEq)]
pub enum ResumeStart {
    /// The start is on record, with these verdicts: the caller starts the agent, once.
    Recorded(Vec<Decision>),
    /// An agent already goes on with this session.
    SessionRuns,
    /// The latest start in this session has an unknown end: its agent may still run.
    EndUnknown,
    /// Nothing is owed any more: the agent has claimed its verdicts, waits again, or was started.
    NothingOwed,
}

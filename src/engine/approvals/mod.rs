//! The approval API: decisions, approvers, gates, tokens and people.

pub mod access;
pub(crate) mod approver_queries;
pub(in crate::engine) mod ask_limits;
pub(crate) mod assignment;
pub mod attachments;
pub(crate) mod attention;
pub mod auto_approval;
pub mod availability;
pub(crate) mod bulk_approval;
pub(crate) mod decisions;
pub mod desk;
pub(crate) mod drafts;
pub mod edits;
pub mod gates;
pub mod grants;
pub mod judging;
pub mod members;
pub(in crate::engine) mod pending_list;
pub(crate) mod proposal;
pub(crate) mod resumptions;
pub mod seal;
pub mod tokens;

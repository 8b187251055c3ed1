//! Asks people for decisions through Gander: the JSON types with their schemas, and an async
//! client.
//!
//! [`Client::ask`] files a question, [`Client::wait`] waits for the verdict and claims it, and
//! [`Client::report`] says how it went. Calls retry wherever a retry is harmless; an error says by
//! [`Error::reaction`] what helps. Does not depend on Gander's own code, only on the JSON types
//! ([`types`]) and the routes.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use gander_client::{Client, Error, Outcome, Question, VerdictKind};
//!
//! # async fn agent() -> Result<(), Error> {
//! // GANDER_URL and GANDER_TOKEN name the server and the caller. Default: the socket of this
//! // user's own `gander serve`.
//! let client = Client::from_env()?;
//! let asked = client.ask(&Question::new("Delete the old checkout?")).await?;
//! let decision = client.wait(&asked, Duration::from_secs(2 * 60 * 60)).await?;
//! if decision.resolution.verdict == Some(VerdictKind::Approved) {
//!     // … delete here …
//!     client.report(&decision, Outcome::Succeeded, "deleted 214 files").await?;
//! }
//! # Ok(())
//! # }
//! ```

mod address;
mod client;
mod error;
mod events;
mod gate;
pub mod http;
mod send;
mod sse;
mod token;
pub mod types;
mod verdict;
mod wait;

pub use self::address::default_socket;
pub use self::client::{Client, ListFilter};
pub use self::error::{Error, Reaction};
pub use self::events::Events;
pub use self::types::{
    Agent, Answer, Approve, AskedQuestion, AtLeast, Attention, Batch, BatchItem, BatchResult,
    Choice, Choose, Decision, DecisionEvent, DecisionPage, Defer, Detail, Expects, GateAnswer,
    GateCall, GateReady, GateVerdict, Insight, Link, Moment, Outcome, Phase, Priority, Problem,
    ProblemKind, Question, QuestionAnswer, Reject, Resolution, Risk, SafeDefault, Span,
    VerdictKind,
};
pub use self::verdict::VerdictResult;
pub use self::wait::DecisionRef;

/// The example in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! What people decide about a job: its plan, a failed validation, the finished work.
//!
//! Each question has a key of its content, so that a worker that was killed finds the answer to the
//! question that it had asked, and never takes an answer to other content.

use sha2::{Digest as _, Sha256};

use super::leased::LeasedJob;
use super::stopping::WorkError;
use crate::core::decision::{
    Agent, Choice, Decision, Detail, Expects, Insight, Kind, Request, Risk, State, Verdict, Via,
};
use crate::core::hex;
use crate::engine::{Claim, Filter};
use crate::presentation::text::work as text;

/// Beginning of every key of these questions.
pub(in crate::cli) const KEY: &str = "work:";
/// Most bytes of a body: a diff beyond that is cut, and says so.
const LONGEST_BODY: usize = 200 << 10;

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decided {
    /// Yes, with what the agent is to read.
    Yes {
        note: Option<String>,
    },
    /// No, with the reason.
    No {
        reason: String,
    },
    Chosen(String),
    Answered(String),
}

/// A question about a job.
#[derive(Debug)]
pub(super) struct Question {
    /// Which question, and about what content.
    pub(super) about: String,
    pub(super) title: String,
    pub(super) kind: &'static str,
    pub(super) insight: Insight,
    pub(super) details: Vec<(&'static str, String)>,
    pub(super) body: String,
    pub(super) options: Vec<(&'static str, &'static str)>,
}

/// A short digest of a text.
pub(super) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text)[..16])
}

impl LeasedJob {
    /// Asks, unless the same was asked before, and waits for the answer as long as it takes.
    pub(super) async fn ask(&self, agent: &str, question: Question) -> Result<Decided, WorkError> {
        let request = self.request(agent, question);
        let decision = match self.asked_before(&request).await? {
            Some(decision) => decision,
            None => {
                let approvals = self.handle.approvals();
                self.change(|| approvals.ask(request.clone())).await?.into_decision()
            }
        };
        if decision.state.is_open() {
            self.wait_for(decision.id).await?;
        }
        let approvals = self.handle.approvals();
        let asked = Some(decision.revision);
        let decision = tokio::select! {
            stop = self.stopped() => return Err(WorkError::Stopped(stop)),
            decided = approvals.wait_through_deferral(decision.id, asked, Claim::Yes, None) => {
                decided?
            }
        };
        self.resume().await?;
        decided(&decision)
    }

    /// The question with this key, open or answered. What was withdrawn is asked again.
    async fn asked_before(&self, request: &Request) -> Result<Option<Decision>, WorkError> {
        let filter = Filter { key: request.dedup_key.clone(), limit: 1, ..Filter::default() };
        let found = self.handle.approvals().list(filter).await?.pop();
        Ok(found.filter(|decision| !matches!(decision.state, State::Withdrawn { .. })))
    }

    fn request(&self, agent: &str, question: Question) -> Request {
        let Question { about, title, kind, insight, details, mut body, options } = question;
        let job = self.job();
        if body.len() > LONGEST_BODY {
            body.truncate(body.floor_char_boundary(LONGEST_BODY));
            body.push_str(text::CUT);
        }
        let detail = |(name, value): (&str, String)| Detail { name: name.into(), value };
        let choice = |(name, description): (&str, &str)| Choice {
            name: name.into(),
            description: description.into(),
        };
        let options: Vec<Choice> = options.into_iter().map(choice).collect();
        // A text in place of an option is a hint.
        let with_hint = crate::core::decision::Question {
            id: title.clone(),
            options: options.clone(),
            other: true,
            ..crate::core::decision::Question::default()
        };
        Request {
            title,
            kind: Kind::from(kind),
            insight,
            details: details.into_iter().map(detail).collect(),
            body,
            project: job.request.project.clone(),
            agent: Agent { name: agent.to_owned(), session: Some(job.id.to_string()) },
            risk: Risk::Medium,
            dedup_key: Some(format!("{KEY}{}:{about}", job.id.0)),
            job: Some(job.id.0.to_string()),
            expects: if options.is_empty() { Expects::Approve } else { Expects::Choose },
            questions: if options.is_empty() { Vec::new() } else { vec![with_hint] },
            options,
            ..Request::default()
        }
    }
}

fn decided(decision: &Decision) -> Result<Decided, WorkError> {
    match &decision.state {
        State::Resolved(resolved) if resolved.via == Via::SafeDefault => match &resolved.verdict {
            Verdict::Approved(_) => Ok(Decided::Yes { note: None }),
            _ => Err(WorkError::failed(text::unanswered(decision.id.0))),
        },
        State::Resolved(resolved) => Ok(match &resolved.verdict {
            Verdict::Approved(approval) => Decided::Yes { note: approval.note.clone() },
            Verdict::Rejected { reason } => Decided::No { reason: reason.clone() },
            Verdict::Chosen { option } => Decided::Chosen(option.clone()),
            Verdict::Answered { text, .. } => Decided::Answered(text.clone()),
        }),
        _ => Err(WorkError::failed(text::unanswered(decision.id.0))),
    }
}

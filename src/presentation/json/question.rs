//! A question of a client as a request, and back.

use gander_client::types::{self, Question, Span};

use crate::core::decision::{self, Expects, Kind, Request};
use crate::core::policy::rules::project_name;

/// The request for a question. `project` applies if the question names none.
#[must_use]
pub fn request(question: Question, project: Option<&str>) -> Request {
    let usual = Request::default();
    let project = question.project.as_deref().or(project).map_or(usual.project, project_name);
    Request {
        title: question.title,
        kind: question.kind.map_or(usual.kind, Kind::from),
        expects: question.expects.unwrap_or(if question.options.is_empty() {
            Expects::Approve
        } else {
            Expects::Choose
        }),
        insight: question.insight.into(),
        details: question.details.into_iter().map(Into::into).collect(),
        body: question.body,
        links: question.links.into_iter().map(Into::into).collect(),
        project,
        environment: question.environment,
        agent: question.agent.into(),
        job: question.job,
        risk: question.risk.unwrap_or(usual.risk),
        confidence: question.confidence,
        priority: question.priority.unwrap_or(usual.priority),
        options: question.options.into_iter().map(Into::into).collect(),
        approvals_needed: question.approvals_needed.unwrap_or(1),
        sla_seconds: question.sla.map(|span| span.0),
        safe_default: question.safe_default,
        dedup_key: question.dedup_key,
        ..usual
    }
}

/// The question as asked, without files.
#[must_use]
pub fn question(request: Request) -> Question {
    Question {
        title: request.title,
        kind: Some(request.kind.into()),
        expects: Some(request.expects),
        insight: request.insight.into(),
        details: request.details.into_iter().map(Into::into).collect(),
        body: request.body,
        links: request.links.into_iter().map(Into::into).collect(),
        project: Some(request.project),
        environment: request.environment,
        agent: request.agent.into(),
        job: request.job,
        risk: Some(request.risk),
        confidence: request.confidence,
        priority: Some(request.priority),
        options: request.options.into_iter().map(Into::into).collect(),
        approvals_needed: Some(request.approvals_needed.max(1)),
        sla: request.sla_seconds.map(Span),
        safe_default: request.safe_default,
        dedup_key: request.dedup_key,
    }
}

/// Conversions in both directions between a JSON type and the type of equal name in [`decision`].
macro_rules! convert_both {
    ($($part:ident { $($field:ident),+ })+) => {
        $(
            impl From<types::$part> for decision::$part {
                fn from(types::$part { $($field),+ }: types::$part) -> Self {
                    Self { $($field),+ }
                }
            }

            impl From<decision::$part> for types::$part {
                fn from(decision::$part { $($field),+ }: decision::$part) -> Self {
                    Self { $($field),+ }
                }
            }
        )+
    };
}

convert_both! {
    Insight { observation, why_it_matters, what_to_do }
    Detail { name, value }
    Choice { name, description }
    Link { name, url }
}

impl From<types::QuestionAnswer> for decision::Answer {
    fn from(answer: types::QuestionAnswer) -> Self {
        let types::QuestionAnswer { question, options, text } = answer;
        Self { question, options, text }
    }
}

impl From<decision::Answer> for types::QuestionAnswer {
    fn from(answer: decision::Answer) -> Self {
        let decision::Answer { question, options, text } = answer;
        Self { question, options, text }
    }
}

impl From<decision::Question> for types::AskedQuestion {
    fn from(question: decision::Question) -> Self {
        let decision::Question { id, header, text, options, many, other, optional, .. } = question;
        let options = options.into_iter().map(Into::into).collect();
        Self { id, header, text, options, many, other, optional }
    }
}

impl From<types::Agent> for decision::Agent {
    fn from(agent: types::Agent) -> Self {
        Self { name: agent.name.unwrap_or_else(|| "agent".into()), session: agent.session }
    }
}

impl From<decision::Agent> for types::Agent {
    fn from(agent: decision::Agent) -> Self {
        Self { name: Some(agent.name), session: agent.session }
    }
}

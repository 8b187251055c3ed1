//! Error responses as problems (RFC 9457).

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gander_client::types::{Problem, ProblemKind};

use super::ApiState;
use crate::core::access::Forbidden;
use crate::core::decision::{Decision, Refused};
use crate::engine::approvals::access::AccessError;
use crate::engine::approvals::judging::NotJudged;
use crate::engine::{HandleError, StoreError};
use crate::presentation::text::http as text;

/// The media type of problems.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";
/// `Retry-After` while the store is busy, in seconds.
const BUSY: u64 = 1;
/// `Retry-After` while the disk is full, in seconds.
const FULL: u64 = 60;

/// A rejected request: a problem that axum can send as a response.
#[derive(Debug)]
pub struct Refusal(Box<Problem>);

impl Refusal {
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(kind, detail)))
    }

    /// Names the missing scope.
    pub(super) fn missing_scope(mut self, scope: &str) -> Self {
        self.0.scope = Some(scope.to_owned());
        self
    }

    pub(super) fn after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Names the end of the event log.
    fn ends_at(mut self, position: u64) -> Self {
        self.0.position = Some(position);
        self
    }

    pub(super) fn unavailable() -> Self {
        Self::new(ProblemKind::Unavailable, text::ENDING).after(BUSY)
    }

    pub(super) fn into_problem(self) -> Box<Problem> {
        self.0
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        let mut add = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        if let Some(seconds) = self.0.retry_after {
            add(header::RETRY_AFTER, seconds.to_string());
        }
        if status == StatusCode::UNAUTHORIZED {
            add(header::WWW_AUTHENTICATE, "Bearer realm=\"gander\"".to_owned());
        } else if let Some(scope) = &self.0.scope {
            add(
                header::WWW_AUTHENTICATE,
                format!("Bearer realm=\"gander\", error=\"insufficient_scope\", scope=\"{scope}\""),
            );
        }
        response
    }
}

impl ApiState {
    /// Converts an error of the approval API to a problem.
    pub(super) fn refused(&self, error: AccessError) -> Refusal {
        match error {
            AccessError::Forbidden(forbidden) => {
                let words = crate::presentation::text::forbidden(&forbidden);
                let refusal = Refusal::new(ProblemKind::Forbidden, words);
                if let Forbidden::Lacks(scope) = forbidden {
                    refusal.missing_scope(scope.word())
                } else {
                    refusal
                }
            }
            AccessError::OtherRequest(_) => Refusal::new(ProblemKind::KeyReused, error.to_string()),
            AccessError::Denied(..) => Refusal::new(ProblemKind::Denied, error.to_string()),
            AccessError::ReservedKey => Refusal::new(ProblemKind::Unprocessable, error.to_string()),
            AccessError::NotJudged(not_judged) => {
                let kind = match not_judged {
                    NotJudged::CallerBusy => ProblemKind::TooMany,
                    NotJudged::Busy => ProblemKind::Unavailable,
                    NotJudged::Failed => {
                        return Refusal::new(ProblemKind::Internal, not_judged.to_string());
                    }
                };
                Refusal::new(kind, text::sentence(&not_judged.to_string())).after(BUSY)
            }
            AccessError::Handle(error) => self.handle_refused(error),
        }
    }

    fn handle_refused(&self, error: HandleError) -> Refusal {
        let words = error.to_string();
        match error {
            HandleError::NoSuchDecision(_) => {
                Refusal::new(ProblemKind::NotFound, text::NO_DECISION)
            }
            HandleError::Refused(decision, refused) => {
                self.with(&decision, Refusal::new(kind(&refused), words))
            }
            HandleError::Denied(decision, denied) => {
                let words = text::denied(decision.id, &denied);
                self.with(&decision, Refusal::new(ProblemKind::Denied, words))
            }
            HandleError::BeyondLog { end, .. } => {
                Refusal::new(ProblemKind::PositionGone, text::sentence(&words)).ends_at(end)
            }
            HandleError::Limited(reached) => {
                Refusal::new(ProblemKind::TooMany, text::sentence(&words))
                    .after(reached.retry_after_seconds())
            }
            HandleError::Store(error) => broken(&error),
            _ => Refusal::new(ProblemKind::Unprocessable, words),
        }
    }

    /// Adds the current decision, which saves the client another request.
    pub(super) fn with(&self, decision: &Decision, mut refusal: Refusal) -> Refusal {
        refusal.0.decision = Some(Box::new(self.view(decision)));
        refusal
    }
}

const fn kind(refused: &Refused) -> ProblemKind {
    match refused {
        Refused::AlreadyResolved(_) => ProblemKind::Decided,
        Refused::Outdated { .. } => ProblemKind::Outdated,
        Refused::WrongAnswer { .. }
        | Refused::NoSuchOption { .. }
        | Refused::NoAnswer
        | Refused::NoReason
        | Refused::Unconfirmed { .. }
        | Refused::NotForSession
        | Refused::NotEditable
        | Refused::GrantNotOffered
        | Refused::GrantNeedsPerson
        | Refused::NotInFuture
        | Refused::DeferredTooLong { .. } => ProblemKind::Unprocessable,
        _ => ProblemKind::Conflict,
    }
}

/// A store error as a problem. Never names the store's file: callers must not learn its path.
fn broken(error: &StoreError) -> Refusal {
    match error {
        StoreError::Busy => Refusal::new(ProblemKind::Unavailable, text::STORE_BUSY).after(BUSY),
        StoreError::Full => Refusal::new(ProblemKind::Unavailable, text::STORE_FULL).after(FULL),
        error => {
            tracing::error!(%error, "an HTTP request failed");
            Refusal::new(ProblemKind::Internal, text::STORE_BROKEN)
        }
    }
}

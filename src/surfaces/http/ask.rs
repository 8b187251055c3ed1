//! The asking agent's endpoints: ask one question or a batch, withdraw, claim, report the outcome.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use gander_client::types::{
    self, Batch, BatchItem, BatchResult, LONGEST_REPORT, MAX_BATCH, ProblemKind, Question, Report,
    Withdraw,
};

use super::error::Refusal;
use super::extract::{Body, PathId, etag, single};
use super::{ApiState, Authenticated, Shared};
use crate::core::decision::Decision;
use crate::engine::Asked;
use crate::engine::approvals::access::{Access, AskOutcome};
use crate::presentation::json;
use crate::presentation::text::http as text;

/// For 24 h, equal requests of one caller with an equal key file one decision.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest idempotency key, in characters.
pub(super) const LONGEST_KEY: usize = 255;
/// Which keys are accepted, for the OpenAPI document: printable ASCII, and not only spaces.
pub(super) const KEY_PATTERN: &str = "^ *[!-~][ -~]*$";

impl ApiState {
    /// A decision as a response, with its `ETag`; a created decision also has a `Location`.
    pub(super) fn answer(&self, status: StatusCode, decision: &Decision) -> Response {
        let mut response = (status, axum::Json(self.view(decision))).into_response();
        if let Ok(etag) = HeaderValue::from_str(&etag(decision)) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        if let Ok(place) = HeaderValue::from_str(&format!("/v1/decisions/{}", decision.id.0))
            && status == StatusCode::CREATED
        {
            response.headers_mut().insert(header::LOCATION, place);
        }
        response
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = single(headers, IDEMPOTENCY_KEY)? else { return Ok(None) };
    if is_key(&key) {
        Ok(Some(key))
    } else {
        Err(Refusal::new(ProblemKind::BadRequest, text::wrong_key(LONGEST_KEY)))
    }
}

/// Whether an idempotency key is accepted: as [`KEY_PATTERN`] and [`LONGEST_KEY`] say.
fn is_key(key: &str) -> bool {
    !key.trim().is_empty()
        && key.len() <= LONGEST_KEY
        && key.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

async fn file(
    server: &ApiState,
    access: &Access,
    question: Question,
    once: Option<&str>,
) -> Result<(StatusCode, Decision), Refusal> {
    if let Some(error) = question.validation_error() {
        return Err(Refusal::new(ProblemKind::Unprocessable, error));
    }
    // A caller limited to one project need not name the project.
    let project = access.caller().only_project();
    let request = json::request(question, project.as_deref());
    match access.ask(request, once).await {
        Ok(AskOutcome::Asked(Asked::New(decision))) => Ok((StatusCode::CREATED, decision)),
        Ok(filed) => Ok((StatusCode::OK, filed.into_decision())),
        Err(error) => Err(server.refused(error)),
    }
}

pub(super) async fn ask(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    headers: HeaderMap,
    Body(question): Body<Question>,
) -> Result<Response, Refusal> {
    let once = idempotency_key(&headers)?;
    let (status, decision) = file(&server, &access, question, once.as_deref()).await?;
    Ok(server.answer(status, &decision))
}

pub(super) async fn batch(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    headers: HeaderMap,
    Body(Batch { questions }): Body<Batch>,
) -> Result<Response, Refusal> {
    let once = idempotency_key(&headers)?;
    if questions.is_empty() || questions.len() > MAX_BATCH {
        return Err(Refusal::new(
            ProblemKind::Unprocessable,
            text::wrong_batch(questions.len(), MAX_BATCH),
        ));
    }
    // A malformed question rejects the whole batch, as on every other route; a question that policy
    // rejects fails alone.
    if let Some((index, error)) = questions
        .iter()
        .enumerate()
        .find_map(|(index, question)| Some((index, question.validation_error()?)))
    {
        return Err(Refusal::new(
            ProblemKind::Unprocessable,
            format!("questions[{index}].{error}"),
        ));
    }
    let mut batched = BatchResult::default();
    // Filed in sequence, so the decision numbers follow the order of the batch.
    for (index, question) in questions.into_iter().enumerate() {
        let once = once.as_ref().map(|key| format!("{key}#{index}"));
        batched.items.push(match file(&server, &access, question, once.as_deref()).await {
            Ok((status, decision)) => BatchItem {
                status: status.as_u16(),
                decision: Some(Box::new(server.view(&decision))),
                problem: None,
            },
            Err(refusal) => {
                let problem = refusal.into_problem();
                BatchItem { status: problem.status, decision: None, problem: Some(problem) }
            }
        });
    }
    Ok(axum::Json(batched).into_response())
}

pub(super) async fn withdraw(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Body(Withdraw { reason }): Body<Withdraw>,
) -> Result<Response, Refusal> {
    let reason = reason
        .filter(|reason| !reason.trim().is_empty())
        .unwrap_or_else(|| text::TAKEN_BACK.into());
    check_report_length(&reason)?;
    let decision =
        access.withdraw(id, reason.trim()).await.map_err(|error| server.refused(error))?;
    Ok(server.answer(StatusCode::OK, &decision))
}

pub(super) async fn outcome(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Body(Report { outcome, text }): Body<Report>,
) -> Result<Response, Refusal> {
    check_report_length(&text)?;
    let decision =
        access.report(id, outcome, &text).await.map_err(|error| server.refused(error))?;
    Ok(server.answer(StatusCode::OK, &decision))
}

/// Rejects a report, reason, note or answer of more than [`LONGEST_REPORT`] characters.
pub(super) fn check_report_length(words: &str) -> Result<(), Refusal> {
    let short = words.chars().count() <= LONGEST_REPORT;
    if short {
        Ok(())
    } else {
        Err(Refusal::new(ProblemKind::Unprocessable, text::too_many_characters(LONGEST_REPORT)))
    }
}

pub(super) async fn claim(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
) -> Result<Response, Refusal> {
    let decision = access.claim(id).await.map_err(|error| server.refused(error))?;
    Ok(server.answer(StatusCode::OK, &decision))
}

/// The decisions as JSON types, as of now.
pub(super) fn told(server: &ApiState, decisions: &[Decision]) -> Vec<types::Decision> {
    decisions.iter().map(|decision| server.view(decision)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_accepted_as_the_document_says() {
        let pattern = regex::Regex::new(KEY_PATTERN).unwrap();
        for key in
            ["deploy-7", "deploy 7", " deploy", "deploy ", "~", "!", "", " ", "  ", "a\tb", "é"]
        {
            assert_eq!(is_key(key), pattern.is_match(key), "{key:?}");
        }
        assert!(is_key(&"k".repeat(LONGEST_KEY)) && !is_key(&"k".repeat(LONGEST_KEY + 1)));
    }
}

//! Strict extractors for the parts of a request: path number, query, seen revision, body.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query as AxumQuery, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use gander_client::types::ProblemKind;
use serde::de::DeserializeOwned;

use super::error::Refusal;
use super::{Authenticated, BODY_WITHIN, LONGEST_BODY, Shared};
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::values::did_you_mean::did_you_mean;
use crate::presentation::json::{self, ReadError};
use crate::presentation::text::http as text;

/// A decision's number from the path: digits only, no leading zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathId(pub(super) DecisionId);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let none = || Refusal::new(ProblemKind::NotFound, text::NO_DECISION);
        let Path(id) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| none())?;
        let plain = id.bytes().all(|b| b.is_ascii_digit()) && !id.starts_with('0');
        id.parse().ok().filter(|_| plain).map(|id| Self(DecisionId(id))).ok_or_else(none)
    }
}

/// The query string. Unknown fields are rejected: a mistyped filter must not list everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        AxumQuery::try_from_uri(&parts.uri).map(|AxumQuery(query)| Self(query)).map_err(
            |rejection| {
                let words = rejection.body_text();
                let words =
                    words.strip_prefix("Failed to deserialize query string: ").unwrap_or(&words);
                Refusal::new(ProblemKind::BadRequest, text::wrong_query(&did_you_mean(words)))
            },
        )
    }
}

/// The revision that the approver has seen, from `If-Match`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen(pub(super) Revision);

impl<S: Send + Sync> FromRequestParts<S> for Seen {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let given = single(&parts.headers, header::IF_MATCH)?.unwrap_or_default();
        let given = given.trim();
        if given.is_empty() || given == "*" {
            return Err(Refusal::new(ProblemKind::RevisionNeeded, text::REVISION_NEEDED));
        }
        let plain = given.trim_matches('"');
        let revision = plain.split_once('-').map_or(plain, |(revision, _)| revision);
        let read = revision.parse().ok().filter(|revision| *revision > 0);
        read.map(|revision| Self(Revision(revision)))
            .ok_or_else(|| Refusal::new(ProblemKind::BadRequest, text::WRONG_REVISION))
    }
}

/// A decision's `ETag`: the revision, the log position of the latest change, and the number of uses
/// of a grant, which are no change.
pub(super) fn etag(decision: &Decision) -> String {
    let version = format!("{}-{}", decision.revision.0, decision.changed);
    match decision.grant().map_or(0, |grant| grant.progress.uses) {
        0 => format!("\"{version}\""),
        uses => format!("\"{version}-{uses}\""),
    }
}

/// Whether `If-None-Match` names this version.
pub(super) fn has(headers: &HeaderMap, etag: &str) -> bool {
    let given =
        headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}

/// The value of a header that may occur at most once.
pub(super) fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<String>, Refusal> {
    let wrong = || Refusal::new(ProblemKind::BadRequest, text::wrong_header(name.as_str()));
    let mut values = headers.get_all(&name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(wrong());
    }
    value.to_str().map(|value| Some(value.to_owned())).map_err(|_| wrong())
}

/// Bytes of a body that is read as JSON where it arrives. A longer one takes its caller's turn
/// among the tool calls to be judged: it may take longer than a click should wait.
const SHORT: usize = 64 << 10;

/// The JSON body, at most `MOST` bytes. An empty body counts as an empty object.
#[derive(Debug, Clone)]
pub(super) struct Body<T, const MOST: usize = LONGEST_BODY>(pub(super) T);

impl<T, const MOST: usize> FromRequest<Shared> for Body<T, MOST>
where
    T: DeserializeOwned + Send + 'static,
{
    type Rejection = Refusal;

    async fn from_request(request: Request, server: &Shared) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let length = parts
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let too_large = || Refusal::new(ProblemKind::TooLarge, text::too_large(MOST));
        if length.is_some_and(|length| length > MOST as u64) {
            return Err(too_large());
        }
        let json = is_json(&parts.headers);
        let read = tokio::time::timeout(BODY_WITHIN, to_bytes(body, MOST));
        let bytes = match read.await {
            Ok(Ok(bytes)) => bytes,
            // The body exceeds the limit, or the connection broke; a broken connection never
            // receives this answer.
            Ok(Err(_)) => return Err(too_large()),
            Err(_) => {
                return Err(Refusal::new(ProblemKind::Slow, text::slow(BODY_WITHIN.as_secs())));
            }
        };
        if bytes.is_empty() {
            return parsed(b"{}").map(Self);
        }
        if !json {
            return Err(Refusal::new(ProblemKind::MediaType, text::MEDIA_TYPE));
        }
        match parts.extensions.get::<Authenticated>() {
            Some(Authenticated(access)) if bytes.len() > SHORT => {
                let turn = access.judge(move || parsed(&bytes)).await;
                turn.map_err(|error| server.refused(error.into()))?.map(Self)
            }
            _ => parsed(&bytes).map(Self),
        }
    }
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    json::read(bytes, &[("attachments", text::NO_FILES)]).map_err(|wrong| match wrong {
        ReadError::UnexpectedEnd(words) | ReadError::NotJson(words) => {
            Refusal::new(ProblemKind::BadRequest, words)
        }
        ReadError::InvalidContent(words) => Refusal::new(ProblemKind::Unprocessable, words),
    })
}

/// Whether `Content-Type` is JSON. Forms and plain text are rejected, because a web page can send
/// both without a CORS preflight.
fn is_json(headers: &HeaderMap) -> bool {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

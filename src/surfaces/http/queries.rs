//! Read-only endpoints: one decision, the list, and the decisions that need attention.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use gander_client::types::{Attention, DecisionPage, ProblemKind};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask::told;
use super::error::Refusal;
use super::extract::{PathId, Query, etag, has};
use super::{Authenticated, Shared};
use crate::core::decision::{DecisionId, Kind, Risk};
use crate::core::policy::rules::project_name;
use crate::engine::Filter;
use crate::presentation::text::http as text;

/// Decisions per page: default and maximum.
const USUAL_PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 100;
/// Largest `offset`.
const MAX_OFFSET: u32 = 1_000_000;

/// State of a listed decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Standing")]
pub(super) enum StateFilter {
    /// Pending or deferred.
    Open,
    /// Waits for a person.
    Pending,
    /// Deferred.
    Deferred,
    /// Answered.
    Resolved,
    /// Withdrawn.
    Withdrawn,
}

impl StateFilter {
    const fn state(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Pending => Some("pending"),
            Self::Deferred => Some("deferred"),
            Self::Resolved => Some("resolved"),
            Self::Withdrawn => Some("withdrawn"),
        }
    }
}

/// Filters and paging of the list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only decisions in this state; `open` is pending or deferred.
    #[serde(default)]
    state: Option<StateFilter>,
    /// Only decisions of this project.
    #[serde(default)]
    project: Option<String>,
    /// Only decisions of this kind.
    #[serde(default)]
    kind: Option<String>,
    /// Only decisions of this risk.
    #[serde(default)]
    risk: Option<Risk>,
    /// Only decisions with an approval for a session that has not ended.
    #[serde(default)]
    granted: bool,
    /// Most decisions to return. Left out: 50.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,17}$"))]
    cursor: Option<String>,
}

fn page_of(limit: Option<u32>) -> Result<usize, Refusal> {
    let limit = limit.unwrap_or(USUAL_PAGE);
    if limit == 0 || limit > LONGEST_PAGE {
        return Err(Refusal::new(ProblemKind::BadRequest, text::wrong_limit(LONGEST_PAGE)));
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

pub(super) async fn list(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    Query(which): Query<ListQuery>,
) -> Result<Json<DecisionPage>, Refusal> {
    let limit = page_of(which.limit)?;
    let cursor = |cursor: String| -> Result<DecisionId, Refusal> {
        let plain = cursor.bytes().all(|b| b.is_ascii_digit())
            && !cursor.starts_with('0')
            && cursor.len() <= 18;
        let id = cursor.parse().ok().filter(|_| plain);
        id.map(DecisionId).ok_or_else(|| Refusal::new(ProblemKind::BadRequest, text::WRONG_CURSOR))
    };
    let filter = Filter {
        open_only: which.state == Some(StateFilter::Open),
        state: which.state.and_then(StateFilter::state).map(ToOwned::to_owned),
        project: which.project.as_deref().map(project_name),
        kind: which.kind.map(Kind::from),
        risk: which.risk,
        granted: which.granted,
        before: which.cursor.map(cursor).transpose()?,
        limit: limit + 1,
        ..Filter::default()
    };
    let mut found = access.list(filter).await.map_err(|error| server.refused(error))?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| more).map(|last| last.id.0.to_string());
    Ok(Json(DecisionPage { items: told(&server, &found), next_cursor }))
}

pub(super) async fn get(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let decision = access.get(id).await.map_err(|error| server.refused(error))?;
    let etag = etag(&decision);
    if has(&headers, &etag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        return Ok(response);
    }
    Ok(server.answer(StatusCode::OK, &decision))
}

/// Paging of the decisions that need attention.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AttentionQuery {
    /// Most decisions to return. Left out: 50.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// Decisions to skip.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    offset: u32,
}

pub(super) async fn attention(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    Query(part): Query<AttentionQuery>,
) -> Result<Json<Attention>, Refusal> {
    let limit = page_of(part.limit)?;
    if part.offset > MAX_OFFSET {
        return Err(Refusal::new(ProblemKind::BadRequest, text::wrong_offset(MAX_OFFSET)));
    }
    let offset = usize::try_from(part.offset).unwrap_or(usize::MAX);
    let page = access.attention(offset, limit).await.map_err(|error| server.refused(error))?;
    Ok(Json(Attention { items: told(&server, &page.decisions), count: page.count }))
}

//! Grants: which calls pass without a question, and their end. Nothing here gives a grant.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use gander_client::types::GrantList;
use schemars::JsonSchema;
use serde::Deserialize;

use super::error::Refusal;
use super::extract::{PathId, Query};
use super::{Authenticated, Shared};
use crate::core::policy::rules::project_name;
use crate::engine::Filter;
use crate::presentation::json;

/// Most grants of a list.
const MOST: usize = 1_000;

/// Filter of the list of grants: at most 1,000.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantsQuery {
    /// Only grants in this project.
    #[serde(default)]
    project: Option<String>,
}

pub(super) async fn list(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    Query(which): Query<GrantsQuery>,
) -> Result<Json<GrantList>, Refusal> {
    let project = which.project.as_deref().map(project_name);
    let filter = Filter { project, limit: MOST, ..Filter::default() };
    let found = access.grants(filter).await.map_err(|error| server.refused(error))?;
    let time_scale = server.handle.time_scale();
    let items = found.iter().filter_map(|decision| json::listed_grant(decision, time_scale));
    Ok(Json(GrantList { items: items.collect() }))
}

pub(super) async fn end(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
) -> Result<Response, Refusal> {
    let decision = access.end_grant(id).await.map_err(|error| server.refused(error))?;
    Ok(server.answer(StatusCode::OK, &decision))
}

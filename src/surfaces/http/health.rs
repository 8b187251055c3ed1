//! Liveness, readiness and Prometheus metrics.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use gander_client::types::ProblemKind;
use schemars::JsonSchema;
use serde::Serialize;

use super::error::Refusal;
use super::metrics::metrics_of_projects;
use super::{Authenticated, Shared};
use crate::engine::HandleError;
use crate::presentation::text::http as text;

/// The check succeeded.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(rename = "Well")]
pub(super) struct HealthStatus {
    /// Always `ok`.
    status: &'static str,
}

/// Liveness: the process answers. Checks nothing else.
pub(super) async fn health() -> Json<HealthStatus> {
    Json(HealthStatus { status: "ok" })
}

/// Readiness: no shutdown has begun, the store can be read, and a bot that runs is connected to
/// Discord.
pub(super) async fn ready(State(server): State<Shared>) -> Result<Json<HealthStatus>, Refusal> {
    if *server.ending.borrow() {
        return Err(Refusal::unavailable());
    }
    server.handle.event_log().head().await.map_err(|error| server.refused(error.into()))?;
    let shown = server
        .handle
        .operations()
        .heartbeat()
        .is_none_or(|heartbeat| heartbeat.connected.is_some());
    if shown {
        Ok(Json(HealthStatus { status: "ok" }))
    } else {
        Err(Refusal::new(ProblemKind::Unavailable, text::NOT_CONNECTED).after(5))
    }
}

pub(super) async fn metrics(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
) -> Result<Response, Refusal> {
    let refused = |error: HandleError| server.refused(error.into());
    let operations = server.handle.operations();
    let text = match access.caller().project_limit() {
        Some(projects) => {
            let status = operations.status_of(Some(projects)).await.map_err(refused)?;
            metrics_of_projects(&status)
        }
        None => {
            let status = operations.status().await.map_err(refused)?;
            let head = server.handle.event_log().head().await.map_err(refused)?.seq;
            server.figures.text(&status, head)
        }
    };
    Ok((
        [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
        text,
    )
        .into_response())
}

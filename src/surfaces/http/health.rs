//! Liveness, readiness and Prometheus metrics.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use gander_client::types::ProblemKind;
use schemars::JsonSchema;
use serde::Serialize;

use super::error::Refusal;
use super::{Authenticated, Shared};
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
    Authenticated(_): Authenticated,
) -> Result<Response, Refusal> {
    let status =
        server.handle.operations().status().await.map_err(|error| server.refused(error.into()))?;
    let head =
        server.handle.event_log().head().await.map_err(|error| server.refused(error.into()))?.seq;
    let text = server.figures.text(&status, head);
    Ok((
        [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
        text,
    )
        .into_response())
}

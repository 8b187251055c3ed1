//! Liveness, readiness and Prometheus metrics.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::error::Refusal;
use super::{Guest, Shared};
use crate::core::text::http as text;
use crate::wire::ProblemKind;

/// The check succeeded.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(super) struct Well {
    /// Always `ok`.
    status: &'static str,
}

/// Liveness: the process answers. Checks nothing else.
pub(super) async fn health() -> Json<Well> {
    Json(Well { status: "ok" })
}

/// Readiness: no shutdown has begun, the store can be read, and a bot that runs is connected to
/// Discord.
pub(super) async fn ready(State(server): State<Shared>) -> Result<Json<Well>, Refusal> {
    if *server.ending.borrow() {
        return Err(Refusal::unavailable());
    }
    server.handle.head().await.map_err(|error| server.refused(error.into()))?;
    let shown = server.handle.pulse().is_none_or(|pulse| pulse.connected.is_some());
    if shown {
        Ok(Json(Well { status: "ok" }))
    } else {
        Err(Refusal::new(ProblemKind::Unavailable, text::NOT_CONNECTED).after(5))
    }
}

pub(super) async fn metrics(
    State(server): State<Shared>,
    Guest(_): Guest,
) -> Result<Response, Refusal> {
    let status = server.handle.status().await.map_err(|error| server.refused(error.into()))?;
    let head = server.handle.head().await.map_err(|error| server.refused(error.into()))?.seq;
    let text = server.figures.text(&status, head);
    Ok((
        [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
        text,
    )
        .into_response())
}

//! The part of the control API that arranges misbehaviour.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::control::parse;
use crate::fault::{
    DropHow, Effect, Fault, GatewayFault, GatewayPhase, LimitHeader, LimitScope, Match,
};
use crate::http::refuse;
use crate::hub::Hub;

/// The body of `fault`.
#[derive(Debug, Deserialize)]
pub(crate) struct FaultBody {
    #[serde(rename = "match")]
    matching: Option<MatchBody>,
    #[serde(flatten)]
    effect: EffectBody,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
struct MatchBody {
    method: Option<String>,
    path: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum EffectBody {
    Delay {
        ms: u64,
    },
    Status {
        status: u16,
        ms: Option<u64>,
        body: Option<Value>,
        #[serde(default = "yes")]
        retry_after_header: bool,
        #[serde(default)]
        scope: LimitScope,
    },
    WithholdAnswer {
        ms: Option<u64>,
    },
    HoldRequest,
    HoldAnswer,
    MalformedHeader {
        header: LimitHeader,
        value: String,
    },
    DropGateway {
        code: Option<u16>,
    },
    DropGatewayAt {
        phase: GatewayPhase,
        code: Option<u16>,
    },
    Duplicate {
        event: Option<String>,
    },
    Lose {
        event: Option<String>,
    },
    Reorder {
        event: Option<String>,
    },
}

/// What is arranged: for requests, or for the gateway.
enum Arranged {
    Requests(Effect),
    Gateway(GatewayFault),
}

impl EffectBody {
    fn arranged(self, times: u32) -> Arranged {
        let gateway = match self {
            Self::Duplicate { event } => GatewayFault::Duplicate { event, times },
            Self::Lose { event } => GatewayFault::Lose { event, times },
            Self::Reorder { event } => GatewayFault::Reorder { event, count: times },
            Self::DropGatewayAt { phase, code } => {
                GatewayFault::DropAt { phase, how: ending(code), times }
            }
            Self::Delay { ms } => return Arranged::Requests(Effect::Delay { ms }),
            Self::Status { status, ms, body, retry_after_header, scope } => {
                return Arranged::Requests(Effect::Status {
                    status,
                    ms,
                    body,
                    retry_after_header,
                    scope,
                });
            }
            Self::WithholdAnswer { ms } => {
                return Arranged::Requests(Effect::WithholdAnswer { ms });
            }
            Self::DropGateway { code } => return Arranged::Requests(Effect::DropGateway { code }),
            Self::HoldRequest => return Arranged::Requests(Effect::HoldRequest),
            Self::HoldAnswer => return Arranged::Requests(Effect::HoldAnswer),
            Self::MalformedHeader { header, value } => {
                return Arranged::Requests(Effect::malformed(header, &value));
            }
        };
        Arranged::Gateway(gateway)
    }
}

/// How the gateway's connections end: with a close code, or without a word.
fn ending(code: Option<u16>) -> DropHow {
    code.map_or(DropHow::Tcp, |code| DropHow::Close(Some(code)))
}

/// Arranges a fault. Dropping the gateway without a `match` happens at once, as does a release.
pub(crate) async fn arrange(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    let expected = "{\"match\": {\"method\", \"path\"}, \"do\": delay|status|withhold_answer|hold_request|hold_answer|\
                    malformed_header|drop_gateway|drop_gateway_at|duplicate|lose|reorder, \"ms\", \"status\", \"event\", \
                    \"phase\", \"times\"}, or {\"do\": \"release\"}";
    if parse::<Release>(&body, expected).is_ok() {
        let released = hub.lock().release_held();
        return Json(json!({ "ok": true, "released": released })).into_response();
    }
    let body = match parse::<FaultBody>(&body, expected) {
        Ok(body) => body,
        Err(words) => return refuse(StatusCode::BAD_REQUEST, &words),
    };
    let state = &mut *hub.lock();
    match (body.matching, body.effect.arranged(body.times)) {
        (None, Arranged::Requests(Effect::DropGateway { code })) => {
            state.gateway.drop_connections(ending(code));
            state.touch();
        }
        (matching, Arranged::Requests(effect)) => {
            let matching = matching.map_or_else(Match::default, |matching| Match {
                method: matching.method,
                path: matching.path,
            });
            state.faults.arrange(Fault { matching, effect, times: body.times });
        }
        (_, Arranged::Gateway(fault)) => state.gateway.disturb(fault),
    }
    Json(json!({ "ok": true })).into_response()
}

/// A body that lets go what is held.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Release {
    Release,
}

/// Forgets all faults.
pub(crate) async fn clear(State(hub): State<Arc<Hub>>) -> Json<Value> {
    hub.lock().clear_faults();
    Json(json!({ "ok": true }))
}

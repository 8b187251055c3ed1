//! The route table. The router and the OpenAPI document are both built from this table.
//!
//! Kept by hand: `utoipa` and the stable `aide` each add a second library for schemas beside
//! `schemars` 1, and neither derives the problems, headers and scopes of a route from one entry.

use axum::handler::Handler;
use axum::http::{Method, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};
use gander_client::types::{self, ProblemKind};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::auth::{RequiredScopes, admit};
use super::error::Refusal;
use super::{Shared, ask, auth, document, gate, grants, health, queries, stream, verdict, wait};
use crate::core::access::Scope;
use crate::presentation::text::http as text;

/// Generates the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The schema of a type inline, not as a reference: its properties become query parameters.
fn properties<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// A header that a route reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestHeader {
    /// `If-Match`, required.
    Revision,
    /// `If-None-Match`, optional.
    Version,
    /// `Idempotency-Key`, optional.
    Key,
    /// `Last-Event-ID`, optional.
    Position,
}

/// A success response.
#[derive(Debug, Clone, Copy)]
pub(super) struct SuccessResponse {
    pub(super) status: u16,
    pub(super) words: &'static str,
    pub(super) media: &'static str,
    pub(super) schema: Option<SchemaOf>,
}

/// A route.
#[derive(Debug)]
pub(super) struct RouteEntry {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The OpenAPI `operationId`.
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    /// The caller needs at least one of these scopes. `None`: no token needed.
    pub(super) scopes: Option<&'static [Scope]>,
    pub(super) query: Option<SchemaOf>,
    pub(super) carries: Vec<RequestHeader>,
    /// The body's schema, and whether a body is required.
    pub(super) body: Option<(SchemaOf, bool)>,
    pub(super) good: Vec<SuccessResponse>,
    pub(super) bad: Vec<ProblemKind>,
    handler: MethodRouter<Shared>,
}

const JSON: &str = "application/json";
/// Any caller.
const ANY: &[Scope] = &[];

impl RouteEntry {
    fn new<H, T>(
        method: Method,
        path: &'static str,
        name: &'static str,
        words: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        let filter = if method == Method::GET { MethodFilter::GET } else { MethodFilter::POST };
        let by_number = path.contains("{id}").then_some(ProblemKind::NotFound);
        Self {
            method,
            path,
            name,
            words,
            scopes: Some(ANY),
            query: None,
            carries: Vec::new(),
            body: None,
            good: Vec::new(),
            bad: by_number.into_iter().collect(),
            handler: on(filter, handler),
        }
    }

    const fn open(mut self) -> Self {
        self.scopes = None;
        self
    }

    const fn needs(mut self, scopes: &'static [Scope]) -> Self {
        self.scopes = Some(scopes);
        self
    }

    fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(properties::<T>);
        self
    }

    fn carries(mut self, what: RequestHeader) -> Self {
        if what == RequestHeader::Revision {
            self.bad.extend([ProblemKind::Outdated, ProblemKind::RevisionNeeded]);
        }
        self.carries.push(what);
        self
    }

    fn body<T: JsonSchema>(mut self, needed: bool) -> Self {
        self.body = Some((schema::<T>, needed));
        let bad = [
            ProblemKind::Slow,
            ProblemKind::TooLarge,
            ProblemKind::MediaType,
            ProblemKind::Unprocessable,
        ];
        self.bad.extend(bad);
        self
    }

    fn good<T: JsonSchema>(mut self, status: u16, words: &'static str) -> Self {
        self.good.push(SuccessResponse { status, words, media: JSON, schema: Some(schema::<T>) });
        self
    }

    fn media(mut self, media: &'static str, words: &'static str) -> Self {
        self.good.push(SuccessResponse { status: 200, words, media, schema: None });
        self
    }

    fn not_modified(mut self) -> Self {
        self.good.push(SuccessResponse {
            status: 304,
            words: "Unchanged since that version",
            media: "",
            schema: None,
        });
        self
    }

    fn bad(mut self, kinds: &[ProblemKind]) -> Self {
        self.bad.extend(kinds);
        self
    }
}

fn get<H: Handler<T, Shared>, T: 'static>(
    path: &'static str,
    name: &'static str,
    words: &'static str,
    handler: H,
) -> RouteEntry {
    RouteEntry::new(Method::GET, path, name, words, handler)
}

fn post<H: Handler<T, Shared>, T: 'static>(
    path: &'static str,
    name: &'static str,
    words: &'static str,
    handler: H,
) -> RouteEntry {
    RouteEntry::new(Method::POST, path, name, words, handler)
}

/// All routes.
pub(super) fn table() -> Vec<RouteEntry> {
    let mut all = asking();
    all.extend(waiting());
    all.extend(gate_routes());
    all.extend(deciding());
    all.extend(running());
    all
}

const ASK: &[Scope] = &[Scope::Ask];

fn asking() -> Vec<RouteEntry> {
    vec![
        post("/v1/decisions", "ask", "Ask a person", ask::ask)
            .needs(ASK)
            .carries(RequestHeader::Key)
            .body::<types::Question>(true)
            .bad(&[ProblemKind::KeyReused])
            .good::<types::Decision>(201, "Asked")
            .good::<types::Decision>(
                200,
                "Already asked with the same dedup_key or Idempotency-Key: its current state",
            ),
        post(
            "/v1/decisions:batch",
            "askBatch",
            "Ask several questions, each filed or refused on its own",
            ask::batch,
        )
        .needs(ASK)
        .carries(RequestHeader::Key)
        .body::<types::Batch>(true)
        .good::<types::BatchResult>(200, "The result of each, in order"),
        get("/v1/decisions", "list", "List decisions, newest first", queries::list)
            .query::<queries::ListQuery>()
            .good::<types::DecisionPage>(200, "A page"),
        get("/v1/decisions/{id}", "get", "Get a decision", queries::get)
            .carries(RequestHeader::Version)
            .good::<types::Decision>(200, "The decision")
            .not_modified(),
        get(
            "/v1/attention",
            "attention",
            "List waiting decisions, most urgent first",
            queries::attention,
        )
        .query::<queries::AttentionQuery>()
        .good::<types::Attention>(200, "Waiting decisions"),
    ]
}

fn waiting() -> Vec<RouteEntry> {
    const STANDS: &str = "The current decision: answered, deferred, withdrawn, or still pending";
    let conflict = &[ProblemKind::Conflict];
    vec![
        get(
            "/v1/decisions/{id}/wait",
            "look",
            "Wait for a verdict, without claiming it",
            wait::look,
        )
        .query::<wait::WaitQuery>()
        .bad(&[ProblemKind::Superseded])
        .good::<types::Decision>(200, STANDS),
        post(
            "/v1/decisions/{id}/wait",
            "wait",
            "Wait for a verdict, and claim it with claim=true",
            wait::take,
        )
        .query::<wait::ClaimingWaitQuery>()
        .bad(&[ProblemKind::Superseded])
        .good::<types::Decision>(200, STANDS),
        post("/v1/decisions/{id}/claim", "claim", "Claim the verdict, to act on it", ask::claim)
            .needs(ASK)
            .bad(conflict)
            .good::<types::Decision>(200, "The decision, claimed"),
        post("/v1/decisions/{id}/outcome", "report", "Report the outcome", ask::outcome)
            .needs(ASK)
            .body::<types::Report>(true)
            .bad(conflict)
            .good::<types::Decision>(200, "The decision, with its outcome"),
        post("/v1/decisions/{id}/withdraw", "withdraw", "Withdraw the question", ask::withdraw)
            .needs(&[Scope::Ask, Scope::Admin])
            .body::<types::Withdraw>(false)
            .bad(conflict)
            .good::<types::Decision>(200, "The decision, withdrawn"),
    ]
}

fn gate_routes() -> Vec<RouteEntry> {
    vec![
        get(
            "/v1/gate",
            "gateReady",
            "Check whether a gate can ask here, and as which caller",
            gate::ready,
        )
        .needs(ASK)
        .good::<types::GateReady>(200, "The caller and its projects"),
        post(
            "/v1/gate",
            "gate",
            "Check a tool call before it is made, by the server's rules",
            gate::submit_call,
        )
        .needs(ASK)
        .body::<types::GateCall>(true)
        .good::<types::GateAnswer>(200, "The verdict on the call, or the decision to wait for"),
        post(
            "/v1/gate/{id}/wait",
            "gateWait",
            "Wait for the verdict on a tool call, and claim it",
            gate::wait,
        )
        .needs(ASK)
        .query::<gate::GateWaitQuery>()
        .good::<types::GateAnswer>(200, "The verdict on the call; wait: no answer yet"),
    ]
}

impl RouteEntry {
    /// A route that gives a verdict; high and critical risk yield 202, a proposal.
    fn verdict<T: JsonSchema>(self, needed: bool) -> Self {
        self.decides().carries(RequestHeader::Revision).body::<T>(needed).good::<types::Decision>(
            202,
            "High risk: the verdict is proposed, and counts when the person confirms it on Discord",
        )
    }

    fn decides(self) -> Self {
        self.needs(&[Scope::Decide]).bad(&[ProblemKind::Conflict]).good::<types::Decision>(
            200,
            "The decision; still pending if more approvals are needed",
        )
    }
}

fn deciding() -> Vec<RouteEntry> {
    vec![
        post("/v1/decisions/{id}/approve", "approve", "Approve", verdict::approve)
            .verdict::<types::Approve>(false),
        post("/v1/decisions/{id}/reject", "reject", "Reject, with a reason", verdict::reject)
            .verdict::<types::Reject>(true),
        post("/v1/decisions/{id}/choose", "choose", "Choose one of the options", verdict::choose)
            .verdict::<types::Choose>(true),
        post("/v1/decisions/{id}/answer", "answer", "Answer with a text", verdict::answer)
            .verdict::<types::Answer>(true),
        post("/v1/decisions/{id}/defer", "defer", "Defer", verdict::defer)
            .decides()
            .carries(RequestHeader::Revision)
            .body::<types::Defer>(true),
        post(
            "/v1/decisions/{id}/undo",
            "undo",
            "Undo a verdict that the agent has not claimed, or end a grant",
            verdict::undo,
        )
        .decides(),
        get(
            "/v1/grants",
            "grants",
            "List the grants that let calls through without a question, newest first",
            grants::list,
        )
        .needs(&[Scope::Observe, Scope::Decide, Scope::Admin])
        .query::<grants::GrantsQuery>()
        .good::<types::GrantList>(200, "The grants"),
        post(
            "/v1/grants/{id}/end",
            "endGrant",
            "End the grant of a decision: from then on its calls ask again",
            grants::end,
        )
        .needs(&[Scope::Decide, Scope::Admin])
        .bad(&[ProblemKind::Conflict])
        .good::<types::Decision>(200, "The decision, with its ended grant"),
    ]
}

fn running() -> Vec<RouteEntry> {
    vec![
        get(
            "/v1/events",
            "events",
            "Follow the event log, as server-sent events; the data of each is a Happened",
            stream::events,
        )
        .query::<stream::StreamQuery>()
        .carries(RequestHeader::Position)
        .bad(&[ProblemKind::PositionGone])
        .media("text/event-stream", "The log from the given position, as it grows"),
        get("/health", "health", "Check whether the process is alive", health::health)
            .open()
            .good::<health::HealthStatus>(200, "It is alive"),
        get("/ready", "ready", "Check whether decisions reach people", health::ready)
            .open()
            .bad(&[ProblemKind::Unavailable])
            .good::<health::HealthStatus>(200, "They do"),
        get(
            "/metrics",
            "metrics",
            "Metrics for Prometheus; with a token limited to projects, theirs alone",
            health::metrics,
        )
        .needs(&[Scope::Observe, Scope::Admin])
        .media("application/openmetrics-text", "The metrics"),
        get("/openapi.json", "openapi", "This document", openapi)
            .open()
            .media(JSON, "An OpenAPI 3.1 document"),
    ]
}

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, JSON)], document::DOCUMENT.clone())
}

/// Builds the router, with the scope check of each route.
pub(super) fn router(server: &Shared) -> Router {
    let mut router = Router::new();
    for route in table() {
        let handler = match route.scopes {
            None => route.handler,
            // `route_layer`: a wrong method yields 405 before the token is checked.
            Some(scopes) => route.handler.route_layer(from_fn_with_state(
                (Shared::clone(server), RequiredScopes(scopes)),
                admit,
            )),
        };
        router = router.route(route.path, handler);
    }
    router.with_state(Shared::clone(server))
}

/// Adds the routes of a mounted service, for known callers only.
pub(super) fn mount_authenticated(server: &Shared, router: Router, other: Router) -> Router {
    let as_it_is =
        map_response(|response: Response| async { (Extension(auth::PassThrough), response) });
    router.merge(
        other
            .layer(as_it_is)
            .layer(from_fn_with_state((Shared::clone(server), RequiredScopes(ANY)), admit)),
    )
}

/// Adds the layer and the 404 fallback that apply to every request.
pub(super) fn outermost(server: &Shared, router: Router) -> Router {
    let nothing =
        || async { Refusal::new(ProblemKind::NotFound, text::plainly(404)).into_response() };
    router.fallback(nothing).layer(from_fn_with_state(Shared::clone(server), auth::outermost))
}

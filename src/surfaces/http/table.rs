//! The route table. The router and the OpenAPI document are both built from this table.

use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Json, Router};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::error::Refusal;
use super::guard::{Needs, admit};
use super::{Shared, ask, gate, guard, health, look, stream, verdict, wait};
use crate::core::caller::Scope;
use crate::core::text::http as text;
use crate::wire::{self, ProblemKind};

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
pub(super) enum Carries {
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
pub(super) struct Good {
    pub(super) status: u16,
    pub(super) words: &'static str,
    pub(super) media: &'static str,
    pub(super) schema: Option<SchemaOf>,
}

/// A route.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The OpenAPI `operationId`.
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    /// The caller needs at least one of these scopes. `None`: no token needed.
    pub(super) scopes: Option<&'static [Scope]>,
    pub(super) query: Option<SchemaOf>,
    pub(super) carries: Vec<Carries>,
    /// The body's schema, and whether a body is required.
    pub(super) body: Option<(SchemaOf, bool)>,
    pub(super) good: Vec<Good>,
    pub(super) bad: Vec<ProblemKind>,
    handler: MethodRouter<Shared>,
}

const JSON: &str = "application/json";
/// Any caller.
const ANY: &[Scope] = &[];

impl Route {
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

    fn carries(mut self, what: Carries) -> Self {
        if what == Carries::Revision {
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
        self.good.push(Good { status, words, media: JSON, schema: Some(schema::<T>) });
        self
    }

    fn media(mut self, media: &'static str, words: &'static str) -> Self {
        self.good.push(Good { status: 200, words, media, schema: None });
        self
    }

    fn not_modified(mut self) -> Self {
        self.good.push(Good {
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
) -> Route {
    Route::new(Method::GET, path, name, words, handler)
}

fn post<H: Handler<T, Shared>, T: 'static>(
    path: &'static str,
    name: &'static str,
    words: &'static str,
    handler: H,
) -> Route {
    Route::new(Method::POST, path, name, words, handler)
}

/// All routes.
pub(super) fn table() -> Vec<Route> {
    let mut all = asking();
    all.extend(waiting());
    all.extend(gating());
    all.extend(deciding());
    all.extend(running());
    all
}

const ASK: &[Scope] = &[Scope::Ask];

fn asking() -> Vec<Route> {
    vec![
        post("/v1/decisions", "ask", "Ask a person", ask::ask)
            .needs(ASK)
            .carries(Carries::Key)
            .body::<wire::Question>(true)
            .bad(&[ProblemKind::KeyReused])
            .good::<wire::Decision>(201, "Asked")
            .good::<wire::Decision>(
                200,
                "Asked before under the same dedup_key or Idempotency-Key: as it stands",
            ),
        post(
            "/v1/decisions:batch",
            "askBatch",
            "Ask several questions, each filed or refused by itself",
            ask::batch,
        )
        .needs(ASK)
        .carries(Carries::Key)
        .body::<wire::Batch>(true)
        .good::<wire::Batched>(200, "What became of each, in their order"),
        get("/v1/decisions", "list", "List decisions, the newest first", look::list)
            .query::<look::Which>()
            .good::<wire::Page>(200, "A page"),
        get("/v1/decisions/{id}", "get", "Get a decision", look::get)
            .carries(Carries::Version)
            .good::<wire::Decision>(200, "The decision")
            .not_modified(),
        get(
            "/v1/attention",
            "attention",
            "What waits for an answer, the most urgent first",
            look::attention,
        )
        .query::<look::Part>()
        .good::<wire::Attention>(200, "What waits"),
    ]
}

fn waiting() -> Vec<Route> {
    const STANDS: &str =
        "The decision as it stands: answered, put off, taken back, or still pending";
    let conflict = &[ProblemKind::Conflict];
    vec![
        get(
            "/v1/decisions/{id}/wait",
            "look",
            "Wait for a verdict, and only look at it",
            wait::look,
        )
        .query::<wait::Looking>()
        .bad(&[ProblemKind::Superseded])
        .good::<wire::Decision>(200, STANDS),
        post(
            "/v1/decisions/{id}/wait",
            "wait",
            "Wait for a verdict, and take it with claim=true to act on it",
            wait::take,
        )
        .query::<wait::Taking>()
        .bad(&[ProblemKind::Superseded])
        .good::<wire::Decision>(200, STANDS),
        post("/v1/decisions/{id}/claim", "claim", "Take the verdict, to act on it", ask::claim)
            .needs(ASK)
            .bad(conflict)
            .good::<wire::Decision>(200, "The decision, taken"),
        post("/v1/decisions/{id}/outcome", "report", "Say how it went", ask::outcome)
            .needs(ASK)
            .body::<wire::Report>(true)
            .bad(conflict)
            .good::<wire::Decision>(200, "The decision, with its outcome"),
        post("/v1/decisions/{id}/withdraw", "withdraw", "Take the question back", ask::withdraw)
            .needs(&[Scope::Ask, Scope::Admin])
            .body::<wire::Withdraw>(false)
            .bad(conflict)
            .good::<wire::Decision>(200, "The decision, withdrawn"),
    ]
}

fn gating() -> Vec<Route> {
    vec![
        get("/v1/gate", "gateReady", "Whether a gate can ask here, and as whom", gate::ready)
            .needs(ASK)
            .good::<wire::GateReady>(200, "Whether it can"),
        post(
            "/v1/gate",
            "gate",
            "Bring a tool call to the gate, before it is made: the server's rules say who is asked",
            gate::bring,
        )
        .needs(ASK)
        .body::<wire::GateCall>(true)
        .good::<wire::GateAnswer>(200, "What becomes of it, or which decision to wait for"),
        post(
            "/v1/gate/{id}/wait",
            "gateWait",
            "Wait for what becomes of a tool call, and take it",
            gate::wait,
        )
        .needs(ASK)
        .query::<gate::Waiting>()
        .good::<wire::GateAnswer>(200, "What becomes of it; wait: nobody has answered yet"),
    ]
}

impl Route {
    /// A route that gives a verdict; high and critical risk yield 202, a proposal.
    fn verdict<T: JsonSchema>(self, needed: bool) -> Self {
        self.decides().carries(Carries::Revision).body::<T>(needed).good::<wire::Decision>(
            202,
            "Its risk is high: it is proposed, and counts once the person confirms it on Discord",
        )
    }

    fn decides(self) -> Self {
        self.needs(&[Scope::Decide]).bad(&[ProblemKind::Conflict]).good::<wire::Decision>(
            200,
            "The decision. Where several must approve, it may still be pending",
        )
    }
}

fn deciding() -> Vec<Route> {
    vec![
        post("/v1/decisions/{id}/approve", "approve", "Say yes", verdict::approve)
            .verdict::<wire::Approve>(false),
        post("/v1/decisions/{id}/reject", "reject", "Say no, and why", verdict::reject)
            .verdict::<wire::Reject>(true),
        post("/v1/decisions/{id}/choose", "choose", "Choose one of the options", verdict::choose)
            .verdict::<wire::Choose>(true),
        post("/v1/decisions/{id}/answer", "answer", "Answer with a text", verdict::answer)
            .verdict::<wire::Answer>(true),
        post("/v1/decisions/{id}/defer", "defer", "Put it off", verdict::defer)
            .decides()
            .carries(Carries::Revision)
            .body::<wire::Defer>(true),
        post(
            "/v1/decisions/{id}/undo",
            "undo",
            "Take a verdict back that the agent has not taken",
            verdict::undo,
        )
        .decides(),
    ]
}

fn running() -> Vec<Route> {
    vec![
        get(
            "/v1/events",
            "events",
            "What happens, as server-sent events; each one's data is a Happened",
            stream::events,
        )
        .query::<stream::Which>()
        .carries(Carries::Position)
        .media("text/event-stream", "The log, from where it was asked for on, as it grows"),
        get("/health", "health", "Whether the process is alive", health::health)
            .open()
            .good::<health::Well>(200, "It is"),
        get("/ready", "ready", "Whether decisions are shown to people", health::ready)
            .open()
            .bad(&[ProblemKind::Unavailable])
            .good::<health::Well>(200, "They are"),
        get("/metrics", "metrics", "Figures for Prometheus", health::metrics)
            .needs(&[Scope::Observe, Scope::Admin])
            .media("application/openmetrics-text", "The figures"),
        get("/openapi.json", "openapi", "This document", || async { Json(super::document()) })
            .open()
            .media(JSON, "An OpenAPI 3.1 document"),
    ]
}

/// Builds the router, with the scope check of each route.
pub(super) fn router(server: &Shared) -> Router {
    let mut router = Router::new();
    for route in table() {
        let handler = match route.scopes {
            None => route.handler,
            // `route_layer`: a wrong method yields 405 before the token is checked.
            Some(scopes) => route
                .handler
                .route_layer(from_fn_with_state((Shared::clone(server), Needs(scopes)), admit)),
        };
        router = router.route(route.path, handler);
    }
    router.with_state(Shared::clone(server))
}

/// Adds the routes of a mounted service, for known callers only.
pub(super) fn guarded(server: &Shared, router: Router, other: Router) -> Router {
    let as_it_is =
        map_response(|response: Response| async { (Extension(guard::AsItIs), response) });
    router.merge(
        other.layer(as_it_is).layer(from_fn_with_state((Shared::clone(server), Needs(ANY)), admit)),
    )
}

/// Adds the layer and the 404 fallback that apply to every request.
pub(super) fn outermost(server: &Shared, router: Router) -> Router {
    let nothing =
        || async { Refusal::new(ProblemKind::NotFound, text::plainly(404)).into_response() };
    router.fallback(nothing).layer(from_fn_with_state(Shared::clone(server), guard::outermost))
}
